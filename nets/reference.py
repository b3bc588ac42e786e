"""What a qnet means: every layer in plain int64 arithmetic. Slow on purpose; the backends are measured against it.

A signal is an int64 array (batch, channels, height, width); vectors have height and width 1.
"""

import numpy as np

from nets.run import check_inputs


def run(net, inputs):
    """{output name: int16 array} of {input name: integer array (batch, channels, height, width)}."""
    check_inputs(net, inputs)
    signals = {name: np.asarray(array, np.int64) for name, array in inputs.items()}
    for layer in net.layers:
        sources = [signals[name] for name in layer.inputs]
        parameters = {key: net.tensors.get(f"{layer.name}.{key}") for key in ("weight", "bias", "shift", "slope")}
        signals[layer.name] = _OPERATIONS[layer.op](layer, sources, parameters)
    return {output.name: signals[output.source].astype(np.int16) for output in net.outputs}


def epilogue(layer, sums, parameters):
    """Negative sums times 2**-slope of their channel; division by 2**shift, rounded half to even; clamp."""
    shift = parameters["shift"].astype(np.int64).reshape(1, -1, 1, 1)
    if layer.prelu:
        slope = parameters["slope"].astype(np.int64).reshape(1, -1, 1, 1)
        shift = shift + np.where(sums < 0, slope, 0)
    return np.clip(shift_half_even(sums, shift), layer.lo, layer.hi)


def shift_half_even(value, shift):
    """value / 2**shift, rounded to the nearest integer, ties to the even one."""
    floor = value >> shift
    twice_rest = 2 * (value - (floor << shift))
    one = np.int64(1) << shift
    return floor + ((twice_rest > one) | ((twice_rest == one) & (floor & 1 == 1)))


def conv(layer, sources, parameters):
    """out[o, y, x] = bias[o] + sum of weight[o, i, v, u] * in[i, s*y + v - kh//2, s*x + u - kw//2].

    Beyond the border `in` is 0 (pad zero) or the nearest sample (pad replicate). With g groups, output channel o sees
    the channels of its group only.
    """
    (source,), weight = sources, parameters["weight"].astype(np.int64)
    batch, _, height, width = source.shape
    kh, kw = layer.kernel
    around = ((0, 0), (0, 0), (kh // 2, kh // 2), (kw // 2, kw // 2))
    padded = np.pad(source, around, mode="constant" if layer.pad == "zero" else "edge")
    step, groups = layer.stride, layer.groups
    sums = np.zeros((batch, layer.channels, -(-height // step), -(-width // step)), np.int64)
    outs, ins = layer.channels // groups, source.shape[1] // groups
    for v in range(kh):
        for u in range(kw):
            tap = padded[:, :, v : v + height : step, u : u + width : step]
            for g in range(groups):
                part = weight[g * outs : (g + 1) * outs, :, v, u]
                sums[:, g * outs : (g + 1) * outs] += np.einsum("oi,bihw->bohw", part, tap[:, g * ins : (g + 1) * ins])
    return epilogue(layer, sums + parameters["bias"].astype(np.int64).reshape(1, -1, 1, 1), parameters)


def deconv(layer, sources, parameters):
    """out[o, 2*y + v - p, 2*x + u - p] += weight[i, o, v, u] * in[i, y, x], plus bias[o]; p = kernel/2 - 1."""
    (source,), weight = sources, parameters["weight"].astype(np.int64)
    batch, _, height, width = source.shape
    size, pad = layer.kernel[0], layer.kernel[0] // 2 - 1
    sums = np.zeros((batch, layer.channels, 2 * height + 2 * pad, 2 * width + 2 * pad), np.int64)
    for v in range(size):
        for u in range(size):
            sums[:, :, v : v + 2 * height : 2, u : u + 2 * width : 2] += np.einsum(
                "io,bihw->bohw", weight[:, :, v, u], source
            )
    sums = sums[:, :, pad : pad + 2 * height, pad : pad + 2 * width]
    return epilogue(layer, sums + parameters["bias"].astype(np.int64).reshape(1, -1, 1, 1), parameters)


def fc(layer, sources, parameters):
    """out[o] = bias[o] + sum of weight[o, i] * in[i]."""
    sums = np.einsum("oi,bihw->bohw", parameters["weight"].astype(np.int64), sources[0])
    return epilogue(layer, sums + parameters["bias"].astype(np.int64).reshape(1, -1, 1, 1), parameters)


def add(layer, sources, parameters):
    """Sum of in_k * 2**up_k; a vector counts at every position of a map."""
    sums = sum(source << up for source, up in zip(sources, layer.up, strict=True))
    return epilogue(layer, sums, parameters)


def mul(layer, sources, parameters):
    """Product, element by element; a vector counts at every position of a map."""
    return epilogue(layer, sources[0] * sources[1], parameters)


def concat(layer, sources, parameters):
    """The channels of all inputs, one input behind the other; a vector is repeated at every position of a map."""
    size = np.broadcast_shapes(*(source.shape[2:] for source in sources))
    return np.concatenate([np.broadcast_to(s, s.shape[:2] + size) for s in sources], axis=1)


def unshuffle(layer, sources, parameters):
    """out[4*c + 2*v + u, y, x] = in[c, 2*y + v, 2*x + u]: four channels at half size of each."""
    (source,) = sources
    batch, channels, height, width = source.shape
    blocks = source.reshape(batch, channels, height // 2, 2, width // 2, 2)
    return blocks.transpose(0, 1, 3, 5, 2, 4).reshape(batch, 4 * channels, height // 2, width // 2)


def shuffle(layer, sources, parameters):
    """out[c, 2*y + v, 2*x + u] = in[4*c + 2*v + u, y, x]: the way back."""
    (source,) = sources
    batch, channels, height, width = source.shape
    blocks = source.reshape(batch, channels // 4, 2, 2, height, width)
    return blocks.transpose(0, 1, 4, 2, 5, 3).reshape(batch, channels // 4, 2 * height, 2 * width)


_OPERATIONS = dict(
    conv=conv, deconv=deconv, fc=fc, add=add, mul=mul, concat=concat, unshuffle=unshuffle, shuffle=shuffle
)
