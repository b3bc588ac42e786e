"""A qnet in compiled integer loops: for nets that run per block inside the CTU, and as a check of the other backend.

Signals are int16 arrays, channels last. A transposed convolution is a convolution for its four phases and a shuffle.
"""

from typing import NamedTuple

import numpy as np

from nets.graph import ARITHMETIC, analyse
from nets.run import check_answer, check_inputs


class _Weights(NamedTuple):
    """A convolution as nets/compiled_kernels.py wants it."""

    layer: tuple
    kernel: tuple
    made: int  # output channels in all
    rows: np.ndarray
    biases: np.ndarray
    shifts: np.ndarray
    slopes: np.ndarray
    limits: np.ndarray
    length: int


def prepare(net):
    """A runner of `net`. Proves the bound and runs the known-answer test. Raises InvalidNet."""
    signals = analyse(net)
    plan = [_step(net, layer, signals) for layer in net.layers]

    def runner(inputs):
        check_inputs(net, inputs)
        maps = {name: _channels_last(array) for name, array in inputs.items()}
        for layer, step in zip(net.layers, plan, strict=True):
            maps[layer.name] = step(*(maps[name] for name in layer.inputs))
        return {o.name: np.ascontiguousarray(maps[o.source].transpose(0, 3, 1, 2)) for o in net.outputs}

    check_answer(net, runner, "compiled")
    return runner


def _channels_last(array):
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1), np.int16)


def _step(net, layer, signals):
    """The function that computes one layer from its input arrays."""
    if layer.op == "unshuffle":
        return _unshuffle
    if layer.op == "shuffle":
        return _shuffle
    if layer.op == "concat":
        return lambda *arrays: _concat(arrays)
    assert layer.op in ARITHMETIC
    parameters = shifts, slopes, limits = _parameters(net, layer, signals[layer.name].channels)
    if layer.op == "mul":
        return lambda a, b: _finish(a.astype(np.int32) * b, *parameters)
    if layer.op == "add":
        return lambda *arrays: _finish(_shifted_sum(arrays, layer.up), *parameters)
    weight = net.tensors[f"{layer.name}.weight"]
    if layer.op == "fc":
        weight = weight.reshape(*weight.shape, 1, 1)
    bias = net.tensors[f"{layer.name}.bias"].astype(np.int32)
    if layer.op == "deconv":
        ready = _pack(layer, _phases(weight), *(np.repeat(array, 4) for array in (bias, shifts, slopes)), limits)
        return lambda array: _shuffle(_convolve(ready, array))
    ready = _pack(layer, weight, bias, *parameters)
    return lambda array: _convolve(ready, array)


def _parameters(net, layer, channels):
    shifts = net.tensors[f"{layer.name}.shift"].astype(np.int32)
    slopes = net.tensors[f"{layer.name}.slope"].astype(np.int32) if layer.prelu else np.zeros(channels, np.int32)
    return shifts, slopes, np.array([layer.lo, layer.hi], np.int32)


def _phases(weight):
    """Weights (in, out, k, k) of a transposed convolution as those of a convolution: (4*out, in, n, n)."""
    inputs, outputs, size, _ = weight.shape
    pad = size // 2 - 1
    reach = (pad + 1) // 2
    taps = np.zeros((outputs, 2, 2, inputs, 2 * reach + 1, 2 * reach + 1), np.int16)
    offsets = [(v, d, v + pad - 2 * d) for v in (0, 1) for d in range(-reach, reach + 1)]
    used = [entry for entry in offsets if 0 <= entry[2] < size]
    for v, dy, ty in used:
        for u, dx, tx in used:
            taps[:, v, u, :, reach + dy, reach + dx] = weight[:, :, ty, tx].T
    return taps.reshape(4 * outputs, inputs, 2 * reach + 1, 2 * reach + 1)


def _pack(layer, weight, biases, shifts, slopes, limits):
    """Rows of weights with their parameters; each group filled up to a multiple of four rows."""
    groups = layer.groups
    made, inside, kh, kw = weight.shape
    length = -(-inside * kh * kw // 16) * 16
    rows = -(-made // groups // 4) * 4

    def fill(array):
        filled = np.zeros((groups, rows, *array.shape[1:]), array.dtype)
        filled[:, : made // groups] = array.reshape(groups, -1, *array.shape[1:])
        return filled.reshape(groups * rows, *array.shape[1:])

    flat = np.zeros((made, length), np.int16)
    flat[:, : inside * kh * kw] = weight.transpose(0, 2, 3, 1).reshape(made, -1)
    filled = [fill(array) for array in (flat, biases, shifts, slopes)]
    return _Weights(layer, (kh, kw), made, filled[0].reshape(-1), *filled[1:], limits, length)


def _convolve(ready, array):
    from nets.compiled_kernels import convolve

    layer, (kh, kw) = ready.layer, ready.kernel
    step = layer.stride
    batch, height, width, channels = array.shape
    around = ((0, 0), (kh // 2, kh // 2), (kw // 2, kw // 2), (0, 0))
    padded = np.pad(array, around, mode="constant" if layer.pad == "zero" else "edge") if kh * kw > 1 else array
    out_height, out_width = -(-height // step), -(-width // step)
    out = np.empty((batch, out_height, out_width, ready.made), np.int16)
    geometry = np.array(
        [out_height, out_width, padded.shape[2], channels, kh, step, layer.groups]
        + ([1, kw * channels] if layer.groups == 1 else [kw, channels // layer.groups])
        + [len(ready.biases) // layer.groups, ready.made // layer.groups, ready.length]
    )
    patches = np.zeros(2 * ready.length, np.int16)
    for source, target in zip(np.ascontiguousarray(padded), out, strict=True):
        convolve(
            source.reshape(-1), ready.rows, ready.biases, ready.shifts, ready.slopes, ready.limits, geometry,
            patches, target.reshape(-1),
        )  # fmt: skip
    return out


def _shifted_sum(arrays, up):
    return sum(array.astype(np.int32) << shift for array, shift in zip(arrays, up, strict=True))


def _finish(sums, shifts, slopes, limits):
    from nets.compiled_kernels import finish_sums

    out = np.empty(sums.shape, np.int16)
    finish_sums(np.ascontiguousarray(sums).reshape(-1), shifts, slopes, limits, out.reshape(-1))
    return out


def _concat(arrays):
    size = np.broadcast_shapes(*(array.shape[1:3] for array in arrays))
    return np.concatenate([np.broadcast_to(a, (a.shape[0], *size, a.shape[3])) for a in arrays], axis=3)


def _unshuffle(array):
    batch, height, width, channels = array.shape
    blocks = array.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return blocks.transpose(0, 1, 3, 5, 2, 4).reshape(batch, height // 2, width // 2, 4 * channels)


def _shuffle(array):
    batch, height, width, channels = array.shape
    blocks = array.reshape(batch, height, width, channels // 4, 2, 2)
    return blocks.transpose(0, 1, 4, 2, 5, 3).reshape(batch, 2 * height, 2 * width, channels // 4)
