"""The trainable side of a description: a torch module whose quantised forward pass *is* the integer net's arithmetic.

In float mode it is an ordinary network on real values. In quantised mode weights, biases and activations are rounded to
the integers that the qnet will have, scaled by powers of two, so every result equals the qnet's times 2**-fraction,
digit by digit; gradients pass the roundings straight through.
"""

import functools

import numpy as np

from nets.arch.describe import trained_layers
from nets.container import InvalidNet
from nets.graph import weight_shape
from nets.qnet import EXACT, MAX_SHIFT, MAX_UP, MAX_WEIGHT, MAX_WIDE_WEIGHT

# Weights of the layers that make outputs are kept larger by 1 / this: corrections are a hundredth of samples' range,
# and an optimiser whose steps suit the other layers would shake them by many times what there is to correct.
_OUTPUT_SCALE = 1 / 32


def make_module(description, max_weight=MAX_WEIGHT):
    """A torch module for this description. Attributes beside torch's:

    fractions   {layer: fraction of its activations}, set by nets/quantise.py: calibrate
    quantised   False: float arithmetic; True: the integer net's
    ends        names of the layers that make the outputs
    watch       None, or function(layer, real-valued result), called for every arithmetic layer
    """
    return _module_class()(description, max_weight)


def channel_fractions(description, fractions):
    """{signal: int array, the fraction of each channel}. Raises InvalidNet where fractions cannot be mixed."""
    known = {entry.name: np.full(entry.channels, entry.fraction) for entry in description.inputs}
    signals = description.signals()
    for layer in description.layers:
        sources = [known[name] for name in layer.inputs]
        if layer.name in fractions:
            known[layer.name] = np.full(signals[layer.name].channels, fractions[layer.name])
        elif layer.op == "concat":
            known[layer.name] = np.concatenate(sources)
        elif layer.op == "unshuffle":
            known[layer.name] = np.repeat(sources[0], 4)
        else:
            phases = sources[0].reshape(-1, 4)
            if (phases != phases[:, :1]).any():
                raise InvalidNet(f"net {description.name!r}: {layer.name} shuffles channels of different fractions")
            known[layer.name] = phases[:, 0]
    return known


def sum_fraction(description, layer, known):
    """The fraction of the sums in an add or mul layer, and the `up` of each input."""
    each = [np.unique(known[name]) for name in layer.inputs]
    if any(len(values) > 1 for values in each):
        raise InvalidNet(f"net {description.name!r}: {layer.name} takes channels of different fractions")
    values = [int(value[0]) for value in each]
    if layer.op == "mul":
        return sum(values), ()
    up = tuple(max(values) - value for value in values)
    if max(up) > MAX_UP:
        raise InvalidNet(f"net {description.name!r}: {layer.name} adds fractions {values}, too far apart")
    return max(values), up


def _first_layers(description):
    """Names of the convolutions whose inputs are all net inputs."""
    given, found = {entry.name for entry in description.inputs}, set()
    for layer in description.layers:
        if set(layer.inputs) <= given:
            if layer.op == "conv":
                found.add(layer.name)
            elif layer.op in ("concat", "unshuffle", "shuffle"):
                given.add(layer.name)
    return found


def ends_of(description):
    """Names of the layers that make the outputs."""
    ends = {output.source for output in description.outputs}
    return ends | {layer.inputs[0] for layer in description.layers if layer.name in ends and layer.op == "shuffle"}


@functools.cache
def _module_class():
    import torch
    from torch import nn
    from torch.nn import functional

    class Round(torch.autograd.Function):
        """Round half to even; the gradient passes."""

        @staticmethod
        def forward(context, value):
            return value.round()

        @staticmethod
        def backward(context, gradient):
            return gradient

    class Module(nn.Module):
        """See make_module."""

        def __init__(self, description, max_weight):
            super().__init__()
            self.description, self.max_weight = description, max_weight
            self.signals = description.signals()
            self.fractions, self.quantised, self.watch = dict(description.fractions), False, None
            self.weights, self.biases, self.ends = nn.ParameterDict(), nn.ParameterDict(), ends_of(description)
            layers = trained_layers(description)
            self._wide = {layer.name for layer in layers} if description.wide else _first_layers(description)
            for layer in trained_layers(description):
                shape = weight_shape(layer, self.signals[layer.inputs[0]].channels)
                if shape:
                    weight = nn.init.kaiming_normal_(torch.empty(shape), mode="fan_in")
                    self.weights[layer.name] = nn.Parameter(weight)
                    self.biases[layer.name] = nn.Parameter(torch.zeros(layer.channels))

        def get_extra_state(self):
            """The fractions, kept with the weights."""
            return dict(self.fractions)

        def set_extra_state(self, state):
            """The way back."""
            self.fractions = {name: int(value) for name, value in state.items()}

        def forward(self, inputs, inner_only=False):
            """{output: real tensor} of {input: real tensor}, all (batch, channels, height, width).

            inner_only  results within the receptive field of a border do not matter, and are not those of the net
                        (repeating the borders takes a third of the time of training)
            """
            known = channel_fractions(self.description, self.fractions) if self.quantised else None
            maps = dict(inputs)
            for layer in self.description.layers:
                sources = [maps[name] for name in layer.inputs]
                maps[layer.name] = self._layer(layer, sources, known, inner_only)
                if self.watch and (layer.lo or layer.hi):
                    self.watch(layer, maps[layer.name])
            return {output.name: maps[output.source] for output in self.description.outputs}

        def _layer(self, layer, sources, known, inner_only):
            if layer.op == "concat":
                height, width = (max(source.shape[axis] for source in sources) for axis in (2, 3))
                return torch.cat([source.expand(-1, -1, height, width) for source in sources], 1)
            if layer.op == "unshuffle":
                return functional.pixel_unshuffle(sources[0], 2)
            if layer.op == "shuffle":
                return functional.pixel_shuffle(sources[0], 2)
            if layer.op == "add":
                sums = functools.reduce(torch.add, sources)
            elif layer.op == "mul":
                sums = sources[0] * sources[1]
            else:
                repeated = layer.pad == "replicate" and not inner_only
                sums = self._convolve(layer, sources[0], *self._effective(layer, known), repeated)
            if layer.prelu:
                sums = functional.leaky_relu(sums, 0.5 ** self.description.slopes[layer.name])
            if not self.quantised:
                return functional.relu(sums) if layer.lo == 0 else sums
            step = 2.0 ** self.fractions[layer.name]
            return Round.apply(sums * step).clamp(layer.lo, layer.hi) / step

        def _convolve(self, layer, source, weight, bias, repeated):
            if layer.op == "fc":
                return functional.conv2d(source, weight[:, :, None, None], bias)
            if layer.op == "deconv":
                return functional.conv_transpose2d(source, weight, bias, 2, layer.kernel[0] // 2 - 1)
            pads = (layer.kernel[0] // 2, layer.kernel[1] // 2)
            if repeated:
                source, pads = functional.pad(source, (pads[1], pads[1], pads[0], pads[0]), mode="replicate"), 0
            return functional.conv2d(source, weight, bias, layer.stride, pads, 1, layer.groups)

        def _effective(self, layer, known):
            """Weight and bias as real numbers, rounded when quantised."""
            if not self.quantised:
                return self._scaled(layer)
            weight, bias, fractions, down = self.integers(layer, known)
            return weight / torch.exp2(_by_output(layer, fractions)) * down, bias / torch.exp2(fractions)

        def _scaled(self, layer):
            scale = _OUTPUT_SCALE if layer.name in self.ends else 1.0
            return self.weights[layer.name] * scale, self.biases[layer.name] * scale

        def integers(self, layer, known):
            """(weight, bias, fractions of the sums per output channel, 2**fraction per input channel); whole numbers.

            The fractions are the largest with which weights fit, and every sum stays below 2**24.
            """
            weight, bias = self._scaled(layer)
            source, out = layer.inputs[0], self.fractions[layer.name]
            down = _by_input(layer, torch.exp2(torch.as_tensor(known[source]).to(weight)))
            peak = _by_input(layer, torch.as_tensor(self.signals[source].peak()).to(weight))
            with torch.no_grad():
                axes = [axis for axis in range(weight.dim()) if axis != (1 if layer.op == "deconv" else 0)]
                largest = (weight.abs() / down).amax(axes).clamp(min=2.0**-60)
                # features are differences of a few steps between samples that have hundreds in common
                top = MAX_WIDE_WEIGHT if layer.name in self._wide else self.max_weight
                fractions = torch.log2(top / largest).floor().clamp(out, out + MAX_SHIFT)
            while True:
                rounded = Round.apply(weight / down * torch.exp2(_by_output(layer, fractions)))
                rounded = rounded.clamp(-top, top)
                offset = Round.apply(bias * torch.exp2(fractions))
                with torch.no_grad():
                    over = _most(layer, rounded.abs() * peak) + offset.abs() >= EXACT
                    if not over.any():
                        return rounded, offset, fractions, down
                    fractions = fractions - over.to(fractions)
                    if (fractions < out).any():
                        raise InvalidNet(f"net {self.description.name!r}: weights of {layer.name} are too large")

    def _by_output(layer, values):
        shape = {"deconv": (1, -1, 1, 1), "fc": (-1, 1)}.get(layer.op, (-1, 1, 1, 1))
        return values.reshape(shape)

    def _by_input(layer, values):
        if layer.op == "conv":
            per_group = values.reshape(layer.groups, 1, -1).expand(-1, layer.channels // layer.groups, -1)
            return per_group.reshape(layer.channels, -1, 1, 1)
        return values.reshape((-1, 1, 1, 1) if layer.op == "deconv" else (1, -1))

    def _most(layer, products):
        """Sums of products per output channel; for a transposed convolution, of its worst phase."""
        if layer.op != "deconv":
            return products.flatten(1).sum(1)
        phases = [products[:, :, y::2, x::2].sum((0, 2, 3)) for y in (0, 1) for x in (0, 1)]
        return torch.stack(phases).amax(0)

    return Module
