"""Muon for weights and Adam for biases, behind one step.

Muon (torch.optim.Muon) gives every weight matrix a step of orthogonal rows; a convolution's matrix is what it
multiplies a patch by, outputs x (inputs x kernel). With steps as large as Adam's would be it learned the filters here
several times as fast (docs/TRAINING.md).
"""

from nets.torch_backend import import_torch

# of the weights' learning rate
_BIAS_RATE = 1 / 2


class Optimiser:
    """Of a module of nets/arch/module.py, whose parameters it changes in place."""

    def __init__(self, module):
        torch = import_torch()
        self._weights, self._biases = list(module.weights.values()), list(module.biases.values())
        # Muon takes matrices only: these share their memory with the weights
        self._matrices = [torch.nn.Parameter(weight.detach().flatten(1)) for weight in self._weights]
        self._muon = torch.optim.Muon(self._matrices, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
        self._adam = torch.optim.Adam(self._biases)

    def step(self, rate):
        """One step at this learning rate, along the parameters' gradients, which are gone afterwards."""
        for matrix, weight in zip(self._matrices, self._weights, strict=True):
            matrix.grad = weight.grad.flatten(1)
            weight.grad = None
        for optimiser, share in ((self._muon, 1.0), (self._adam, _BIAS_RATE)):
            for group in optimiser.param_groups:
                group["lr"] = rate * share
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    def state_dict(self):
        """What a checkpoint keeps."""
        return {"muon": self._muon.state_dict(), "adam": self._adam.state_dict()}

    def load_state_dict(self, state):
        """The way back."""
        self._muon.load_state_dict(state["muon"])
        self._adam.load_state_dict(state["adam"])
