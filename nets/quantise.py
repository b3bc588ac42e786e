"""From a trained float module to a qnet: fractions of activations from data, integers from weights, the loss by it."""

from typing import NamedTuple

import numpy as np

from nets.arch.describe import trained_layers
from nets.arch.module import channel_fractions, sum_fraction
from nets.netfile import with_answer
from nets.qnet import MAX_WEIGHT, QNet

_FRACTIONS = range(-2, 15)


def to_real(description, inputs):
    """{input: float32 tensor} of {input: integer array}: what the module takes."""
    import torch

    scale = {entry.name: 2.0**-entry.fraction for entry in description.inputs}
    return {name: torch.from_numpy(np.asarray(array, np.float32)) * scale[name] for name, array in inputs.items()}


def calibrate(module, batches):
    """Choose the fraction of every layer's activations: the one with the least squared error over `batches`.

    module    of nets/arch/module.py; afterwards its `fractions` are set and it may be switched to `quantised`
    batches   list of {input: integer array (batch, channels, height, width)}
    """
    import torch

    description = module.description
    errors = {layer.name: np.zeros(len(_FRACTIONS)) for layer in trained_layers(description)}

    def measure(layer, result):
        for index, fraction in enumerate(_FRACTIONS):
            rounded = (result * 2.0**fraction).round().clamp(layer.lo, layer.hi) * 2.0**-fraction
            errors[layer.name][index] += float((rounded - result).double().square().sum())

    device = next(iter(module.parameters())).device
    module.quantised, module.watch = False, measure
    try:
        with torch.no_grad():
            for batch in batches:
                module({name: tensor.to(device) for name, tensor in to_real(description, batch).items()})
    finally:
        module.watch = None
    module.fractions = _chosen(description, errors)


def _chosen(description, errors):
    """Fractions in graph order: an addition or a product cannot have a finer one than its sums."""
    fractions = {}
    for layer in description.layers:
        if layer.name not in errors:
            continue
        least = _FRACTIONS[int(errors[layer.name].argmin())]
        fractions[layer.name] = description.fractions.get(layer.name, least)
        if layer.op in ("add", "mul"):
            known = _known_so_far(description, fractions, layer)
            fractions[layer.name] = min(fractions[layer.name], sum_fraction(description, layer, known)[0])
    return fractions


def _known_so_far(description, fractions, until):
    layers = description.layers[: description.layers.index(until)]
    return channel_fractions(description._replace(layers=layers, outputs=()), fractions)


def export(module, info=None):
    """The qnet of a calibrated module, with its known answer. Raises InvalidNet when float32 could not carry it."""
    import torch

    description, tensors, layers = module.description, {}, []
    known = channel_fractions(description, module.fractions)
    signals = description.signals()
    with torch.no_grad():
        for layer in description.layers:
            if layer in trained_layers(description):
                out, channels = module.fractions[layer.name], signals[layer.name].channels
                if layer.op in ("add", "mul"):
                    fraction, up = sum_fraction(description, layer, known)
                    layer, fractions = layer._replace(up=up), np.full(channels, fraction)
                else:
                    weight, bias, fractions, _ = (t.cpu().numpy() for t in module.integers(layer, known))
                    narrow = np.abs(weight).max() <= MAX_WEIGHT
                    tensors[f"{layer.name}.weight"] = weight.astype(np.int8 if narrow else np.int16)
                    tensors[f"{layer.name}.bias"] = bias.astype(np.int32)
                tensors[f"{layer.name}.shift"] = (fractions - out).astype(np.uint8)
                if layer.prelu:
                    tensors[f"{layer.name}.slope"] = np.full(channels, description.slopes[layer.name], np.uint8)
            layers.append(layer)
    outputs = tuple(output._replace(fraction=int(known[output.source][0])) for output in description.outputs)
    info = {"name": description.name, "architecture": description.name, **(info or {})}
    return with_answer(QNet(description.inputs, tuple(layers), outputs, tensors, info))


class Difference(NamedTuple):
    """Float against integer, of one output, in steps of the output: root mean square, largest, and range of float."""

    rms: float
    largest: float
    float_rms: float


def compare(module, runner, batches):
    """{output: Difference} between the float module and the integer net's runner over `batches`."""
    import torch

    squares, largest, energy, count = {}, {}, {}, {}
    before, module.quantised = module.quantised, False
    fractions = channel_fractions(module.description, module.fractions)
    device = next(iter(module.parameters())).device
    with torch.no_grad():
        for batch in batches:
            real = module({name: t.to(device) for name, t in to_real(module.description, batch).items()})
            whole = runner(batch)
            for output in module.description.outputs:
                name = output.name
                wanted = real[name].cpu().double().numpy() * 2.0 ** float(fractions[output.source][0])
                error = whole[name] - wanted
                squares[name] = squares.get(name, 0) + float((error**2).sum())
                energy[name] = energy.get(name, 0) + float((wanted**2).sum())
                largest[name] = max(largest.get(name, 0), float(np.abs(error).max()))
                count[name] = count.get(name, 0) + error.size
    module.quantised = before
    return {
        name: Difference((squares[name] / count[name]) ** 0.5, largest[name], (energy[name] / count[name]) ** 0.5)
        for name in squares
    }
