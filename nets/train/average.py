"""The moving average of a module's weights: a long training's noise without its end (Polyak averaging, exponential)."""

from nets.torch_backend import import_torch


class Average:
    """Of all parameters of a module, which it exchanges with them on demand.

    decay  share of the mean that stays at each step: 0 is the weights themselves, 0.999 the last thousand steps or so
    """

    def __init__(self, module, decay):
        self._torch, self._decay, self._steps = import_torch(), decay, 0
        self._module = module
        self._means = {name: value.detach().clone() for name, value in module.named_parameters()}

    def update(self):
        """Take in the weights as they are now."""
        self._steps += 1
        # early on the first weights, which know nothing, must not stay in the mean
        decay = min(self._decay, (self._steps - 1) / (self._steps + 8))
        with self._torch.no_grad():
            for name, value in self._module.named_parameters():
                self._means[name].lerp_(value, 1 - decay)

    def swap(self):
        """Exchange the weights and their means; a second call puts them back."""
        with self._torch.no_grad():
            for name, value in self._module.named_parameters():
                weight = value.clone()
                value.copy_(self._means[name])
                self._means[name].copy_(weight)

    def state_dict(self):
        """What a checkpoint keeps."""
        return {"means": self._means, "steps": self._steps}

    def load_state_dict(self, state):
        """The way back."""
        self._steps = int(state["steps"])
        for name in self._means.keys() & state["means"].keys():
            self._means[name].copy_(state["means"][name])
