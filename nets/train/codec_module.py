"""The trainable side of a learned codec: its nets, its quantiser's steps and its densities in one torch module.

Latents are quantised with a step a channel and quality (gained autoencoders, Cui et al. 2021), which are learnt with
the nets: one set of weights has all rates. Rates are those of noisy latents, distortions those of rounded ones
(Minnen and Singh 2020). What it calls steps and scales is in real units; nets/train/codec_export.py makes integers.
"""

import functools
import math

from nets.arch.codec import QUALITIES, Y_FRACTION, Y_RANGE, Z_FRACTION, Z_RANGE

# scales of symbols, in log2, that tables are made for (codec/learned has the same as indices)
LEAST_SCALE, MOST_SCALE = -3.5, 6.25
_COMPONENTS = 3  # Gaussians of a density
_FIRST_STEP = 0.125  # of the best quality
_FLOOR = 1e-6
_FIRST_OUTPUT = 0.1  # of what a layer would begin with


def make_codec_module(recipe):
    """The module of a recipe of a learned codec, with its first weights."""
    return _classes()(recipe)


@functools.cache
def _classes():
    import torch
    from torch import nn

    from nets.arch.module import ends_of, make_module

    class Bounded(torch.autograd.Function):
        """Clamp; the gradient passes where it leads back inside."""

        @staticmethod
        def forward(context, value, low, high):
            context.save_for_backward(value)
            context.limits = low, high
            return value.clamp(low, high)

        @staticmethod
        def backward(context, gradient):
            (value,), (low, high) = context.saved_tensors, context.limits
            stays = ((value >= low) | (gradient < 0)) & ((value <= high) | (gradient > 0))
            return gradient * stays, None, None

    def rounded(value):
        return value + (value.round() - value).detach()

    def spread(table, like):
        return table.unsqueeze(-1).unsqueeze(-1).to(like.dtype)

    def normal(value):
        return 0.5 * torch.erfc(value * -(0.5**0.5))

    class CodecModule(nn.Module):
        """See make_codec_module.

        parts       {name: module of nets/arch/module.py}
        steps       {"y" and "z": log2 of the quantiser's steps, (qualities, channels)}
        densities   {the latents with a density of their own: (3, channels, components) of weights, means, log2 scales}
        """

        def __init__(self, recipe):
            super().__init__()
            self.parts = nn.ModuleDict({name: make_module(part) for name, part in recipe.describe().items()})
            for part in self.parts.values():
                # what comes out has the range of samples: the ends learn like all layers
                part.ends = set()
                _begin_quietly(part)
            self.has_hyper = "hyper_synthesis" in self.parts
            channels = {"y": self._channels("analysis", "y")}
            latents = ("y", "z") if self.has_hyper else ("y",)
            if self.has_hyper:
                channels["z"] = self._channels("hyper_analysis", "z")
            ratios = torch.tensor([-0.5 * math.log2(weight / recipe.rates[-1]) for weight in recipe.rates])
            first = math.log2(_FIRST_STEP)
            self.steps, self.densities = nn.ParameterDict(), nn.ParameterDict()
            for name in latents:
                start = first + ratios if name == "y" else torch.full((QUALITIES,), -1.0)
                self.steps[name] = nn.Parameter(start[:, None].repeat(1, channels[name]))
            own = "z" if self.has_hyper else "y"
            density = torch.zeros(3, channels[own], _COMPONENTS)
            density[2] = torch.tensor([-1.0, 0.5, 1.5])
            self.densities[own] = nn.Parameter(density)

        def _channels(self, part, output):
            module = self.parts[part]
            source = next(entry.source for entry in module.description.outputs if entry.name == output)
            return module.signals[source].channels

        @property
        def weights(self):
            """Matrices, for nets/train/optimiser.py."""
            return {f"{n}.{k}": v for n, part in self.parts.items() for k, v in part.weights.items()}

        @property
        def biases(self):
            """All other parameters."""
            found = {f"{n}.{k}": v for n, part in self.parts.items() for k, v in part.biases.items()}
            return found | {f"step {k}": v for k, v in self.steps.items()} | dict(self.densities.items())

        @property
        def quantised(self):
            """Whether nets compute as their integer nets will."""
            return self.parts["analysis"].quantised

        @quantised.setter
        def quantised(self, value):
            for part in self.parts.values():
                part.quantised = value

        def forward(self, rgb, quality, one_hot, noisy=True, watch=None):
            """(rgb again, bits (batch,)) of real rgb (batch, 3, rows, columns) at qualities (batch,).

            one_hot  (batch, qualities, 1, 1);  noisy: rates as training takes them
            watch    None, or function(name of a part, its inputs)
            """
            y = self._run("analysis", watch, rgb=rgb, quality=one_hot)["y"].float()
            step = spread(torch.exp2(self.steps["y"])[quality], y)
            if self.has_hyper:
                z = self._run("hyper_analysis", watch, y=y, quality=one_hot)["z"].float()
                step_z = spread(torch.exp2(self.steps["z"])[quality], z)
                z_hat = self._limited(rounded(z / step_z) * step_z, Z_FRACTION, Z_RANGE)
                bits = self._density_bits("z", z, step_z, noisy)
                told = self._run("hyper_synthesis", watch, z=z_hat, quality=one_hot)
                mean = told["mean"].float()
                scale = Bounded.apply(told["scale"].float() - torch.log2(step), LEAST_SCALE, MOST_SCALE)
                symbols = (y - mean) / step
                bits = bits + self._gaussian_bits(symbols, torch.exp2(scale), noisy)
                y_hat = mean + rounded(symbols) * step
            else:
                bits = self._density_bits("y", y, step, noisy)
                y_hat = rounded(y / step) * step
            y_hat = self._limited(y_hat, Y_FRACTION, Y_RANGE)
            return self._run("synthesis", watch, y=y_hat, quality=one_hot)["rgb"].float(), bits

        def _run(self, name, watch, **inputs):
            if watch:
                watch(name, inputs)
            return self.parts[name](inputs)

        def _limited(self, value, fraction, limits):
            """In the range of the net's input, and in its integers when quantised."""
            one = 2.0**fraction
            value = Bounded.apply(value, limits["lo"] / one, limits["hi"] / one)
            return rounded(value * one) / one if self.quantised else value

        def _gaussian_bits(self, symbols, scale, noisy):
            values = self._perturbed(symbols, noisy).abs()
            likelihood = normal((0.5 - values) / scale) - normal((-0.5 - values) / scale)
            return -torch.log2(likelihood.clamp(min=_FLOOR)).sum((1, 2, 3))

        def _density_bits(self, name, value, step, noisy):
            """Of a mixture of Gaussians a channel."""
            logits, means, scales = self.densities[name].float()
            weights = torch.softmax(logits, 1)
            values = self._perturbed(value / step, noisy) * step
            likelihood = 0.0
            for k in range(_COMPONENTS):
                weight, mean, scale = (t[None, :, k, None, None] for t in (weights, means, torch.exp2(scales)))
                far = (values - mean).abs()
                part = normal((0.5 * step - far) / scale) - normal((-0.5 * step - far) / scale)
                likelihood = likelihood + weight * part
            return -torch.log2(likelihood.clamp(min=_FLOOR)).sum((1, 2, 3))

        def _perturbed(self, symbols, noisy):
            return symbols + (torch.rand_like(symbols) - 0.5) if noisy else symbols.round()

    def _begin_quietly(part):
        """Residual blocks begin as nothing, and what comes out small."""
        with torch.no_grad():
            for layer in part.description.layers:
                if layer.op == "add":
                    part.weights[layer.inputs[1]].zero_()
            for name in ends_of(part.description) & set(part.weights):
                part.weights[name].mul_(_FIRST_OUTPUT)

    return CodecModule
