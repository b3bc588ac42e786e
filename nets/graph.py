"""What follows from a graph: shapes, ranges, the proof that float32 is exact, costs, and the receptive field."""

from typing import NamedTuple

import numpy as np

from nets.container import InvalidNet
from nets.qnet import EXACT, MAX_CHANNELS, MAX_GRID, MAX_SHIFT, MAX_SLOPE, MAX_WEIGHT, MAX_WIDE_WEIGHT, VECTOR

ARITHMETIC = ("conv", "deconv", "fc", "add", "mul")


class Signal(NamedTuple):
    """What is known of a net input or a layer's result: lo and hi are int64 arrays, one number a channel."""

    channels: int
    grid: int
    lo: np.ndarray
    hi: np.ndarray

    def peak(self):
        """Largest absolute value of each channel."""
        return np.maximum(np.abs(self.lo), np.abs(self.hi))


def analyse(net):
    """{name: Signal} of a net whose every rule holds. Raises InvalidNet, naming layer and rule."""
    signals = signals_of(net.inputs, net.layers, net.outputs, net.name)
    expected = set()
    for layer in net.layers:
        if layer.op in ARITHMETIC:
            sources = [signals[name] for name in layer.inputs]
            try:
                expected |= _check_tensors(net, layer, sources, signals[layer.name])
                _check_bound(net, layer, sources)
            except InvalidNet as error:
                raise InvalidNet(f"net {net.name!r}: layer {layer.name!r}: {error}") from None
    if set(net.tensors) != expected:
        wrong = sorted(set(net.tensors) ^ expected)
        raise InvalidNet(f"net {net.name!r}: tensors missing or not used: {', '.join(wrong[:4])}")
    return signals


def signals_of(inputs, layers, outputs, title):
    """{name: Signal} of a graph, whatever its weights. Raises InvalidNet, naming layer and rule."""
    where = f"net {title!r}"
    signals = {entry.name: _constant(entry.channels, entry.grid, entry.lo, entry.hi) for entry in inputs}
    for layer in layers:
        try:
            signal = _signal(layer, [signals[name] for name in layer.inputs])
        except KeyError as error:
            raise InvalidNet(f"{where}: layer {layer.name!r}: input {error} is not there before it") from None
        except InvalidNet as error:
            raise InvalidNet(f"{where}: layer {layer.name!r}: {error}") from None
        if layer.name in signals or signal.channels > MAX_CHANNELS:
            raise InvalidNet(f"{where}: layer {layer.name!r}: its name is taken, or more than {MAX_CHANNELS} channels")
        signals[layer.name] = signal
    if len(signals) != len(inputs) + len(layers) or len({output.name for output in outputs}) != len(outputs):
        raise InvalidNet(f"{where}: two inputs or two outputs of one name")
    for output in outputs:
        if output.source not in signals:
            raise InvalidNet(f"{where}: output {output.name!r} is from {output.source!r}, which is not there")
    return signals


def _constant(channels, grid, lo, hi):
    return Signal(channels, grid, np.full(channels, lo, np.int64), np.full(channels, hi, np.int64))


def _signal(layer, sources):
    """The Signal that a layer makes of its inputs' Signals."""
    first, op = sources[0], layer.op
    if op in ("add", "mul", "concat"):
        return _joined(layer, sources)
    if op in ("conv", "deconv", "unshuffle", "shuffle") and first.grid == VECTOR:
        raise InvalidNet("its input is a vector")
    if op == "fc" and first.grid != VECTOR:
        raise InvalidNet("its input is not a vector")
    if op == "conv":
        if any(side not in (1, 3, 5) for side in layer.kernel):
            raise InvalidNet(f"kernel {layer.kernel}, not of 1, 3, 5")
        if layer.channels % layer.groups or first.channels % layer.groups:
            raise InvalidNet(f"{first.channels} to {layer.channels} channels in {layer.groups} groups")
        return _constant(layer.channels, _grid(first.grid, layer.stride - 1), layer.lo, layer.hi)
    if op == "deconv":
        if layer.kernel[0] != layer.kernel[1] or layer.kernel[0] not in (2, 4, 6, 8, 10, 12):
            raise InvalidNet(f"kernel {layer.kernel}, not an even square up to 12")
        return _constant(layer.channels, _grid(first.grid, -1), layer.lo, layer.hi)
    if op == "fc":
        return _constant(layer.channels, VECTOR, layer.lo, layer.hi)
    if op == "unshuffle":
        return Signal(4 * first.channels, _grid(first.grid, 1), np.repeat(first.lo, 4), np.repeat(first.hi, 4))
    if first.channels % 4:
        raise InvalidNet(f"{first.channels} channels, not a multiple of 4")
    lo, hi = first.lo.reshape(-1, 4).min(1), first.hi.reshape(-1, 4).max(1)
    return Signal(first.channels // 4, _grid(first.grid, -1), lo, hi)


def _grid(grid, step):
    if not 0 <= grid + step <= MAX_GRID:
        raise InvalidNet(f"its result would be on grid {grid + step}")
    return grid + step


def _joined(layer, sources):
    """add, mul, concat: maps of one grid; vectors are repeated over the map, where there is one."""
    grids = {source.grid for source in sources} - {VECTOR}
    if len(grids) > 1:
        raise InvalidNet(f"its inputs are on different grids: {sorted(grids)}")
    grid = grids.pop() if grids else VECTOR
    if layer.op == "concat":
        channels = sum(source.channels for source in sources)
        return Signal(channels, grid, *(np.concatenate([s[k] for s in sources]) for k in (2, 3)))
    if len({source.channels for source in sources}) > 1:
        raise InvalidNet("its inputs have different numbers of channels")
    if layer.op == "add" and len(layer.up) != len(sources):
        raise InvalidNet(f"{len(layer.up)} shifts for {len(sources)} inputs")
    return _constant(sources[0].channels, grid, layer.lo, layer.hi)


def weight_shape(layer, channels_in):
    """The shape of a layer's weights, or None."""
    if layer.op == "conv":
        return (layer.channels, channels_in // layer.groups, *layer.kernel)
    if layer.op == "deconv":
        return (channels_in, layer.channels, *layer.kernel)
    return (layer.channels, channels_in) if layer.op == "fc" else None


def _check_tensors(net, layer, sources, signal):
    """The names of the tensors that a layer must have; raises when one is absent or not as it must be."""
    per_channel = (signal.channels,)
    rules = {"shift": ("u1", per_channel, 0, MAX_SHIFT)}
    if layer.prelu:
        rules["slope"] = ("u1", per_channel, 0, MAX_SLOPE)
    shape = weight_shape(layer, sources[0].channels)
    if shape:
        wide = getattr(net.tensors.get(f"{layer.name}.weight"), "dtype", None) == np.int16
        most = MAX_WIDE_WEIGHT if wide else MAX_WEIGHT
        rules["weight"] = ("i2" if wide else "i1", shape, -most, most)
        rules["bias"] = ("i4", per_channel, -EXACT, EXACT)
    for key, (dtype, shape, low, high) in rules.items():
        array = net.tensors.get(f"{layer.name}.{key}")
        if array is None or array.dtype != np.dtype(dtype) or array.shape != shape:
            found = "missing" if array is None else f"{array.dtype} {list(array.shape)}"
            raise InvalidNet(f"{key} is {found}, not {np.dtype(dtype)} {list(shape)}")
        if array.size and (array.min() < low or array.max() > high):
            raise InvalidNet(f"{key} is outside {low}..{high}")
    return {f"{layer.name}.{key}" for key in rules}


def bound(net, layer, sources):
    """Per output channel, the most that any sum in the layer can reach in magnitude (int64)."""
    peaks = [source.peak() for source in sources]
    if layer.op == "mul":
        return peaks[0] * peaks[1]
    if layer.op == "add":
        return sum(peak << up for peak, up in zip(peaks, layer.up, strict=True))
    weight = np.abs(net.tensors[f"{layer.name}.weight"].astype(np.int64))
    bias = np.abs(net.tensors[f"{layer.name}.bias"].astype(np.int64))
    peak = peaks[0]
    if layer.op == "fc":
        return weight @ peak + bias
    if layer.op == "conv":
        groups = weight.reshape(layer.groups, -1, *weight.shape[1:]).sum((3, 4))
        return np.einsum("gok,gk->go", groups, peak.reshape(layer.groups, -1)).reshape(-1) + bias
    phases = [weight[:, :, y::2, x::2].sum((2, 3)) for y in (0, 1) for x in (0, 1)]
    return np.max([peak @ phase for phase in phases], axis=0) + bias


def _check_bound(net, layer, sources):
    most = bound(net, layer, sources)
    if most.max() >= EXACT:
        worst = int(most.argmax())
        raise InvalidNet(
            f"output channel {worst} can reach {int(most[worst])}, and float32 is exact below {EXACT} only; "
            "smaller weights or tighter clamps are needed"
        )


class Cost(NamedTuple):
    """macs per pixel of the finest grid, macs per call (vectors), number of weights and biases."""

    macs_per_pixel: float
    macs_per_call: int
    parameters: int


def cost(net, signals):
    """Multiplications and parameters of a net; the shifts count for nothing."""
    per_pixel, per_call, parameters = 0.0, 0, 0
    for layer in net.layers:
        signal, source = signals[layer.name], signals[layer.inputs[0]]
        shape = weight_shape(layer, source.channels)
        macs = int(np.prod(shape)) if shape else signal.channels if layer.op == "mul" else 0
        parameters += int(np.prod(shape)) + signal.channels if shape else 0
        grid = source.grid if layer.op == "deconv" else signal.grid
        if grid == VECTOR:
            per_call += macs
        else:
            per_pixel += macs / 4**grid
    return Cost(per_pixel, per_call, parameters)


def net_stride(net, signals):
    """Heights and widths on the finest grid are multiples of this."""
    return 1 << max(0, *(signal.grid for signal in signals.values()))


class Halo(NamedTuple):
    """How far beyond a tile, in samples of the finest grid, its result depends on inputs; multiples of the stride."""

    top: int
    bottom: int
    left: int
    right: int


def halo(net, signals):
    """The exact receptive field of all outputs, rounded up to the net's stride."""
    stride = net_stride(net, signals)
    sides = [_reach(net, signals, axis, stride) for axis in (0, 1)]
    return Halo(*(-(-reach // stride) * stride for side in sides for reach in side))


def _reach(net, signals, axis, tile):
    """(before, behind): samples of the finest grid needed around the tile [0, tile) along an axis."""
    need = {}

    def want(name, begin, end):
        if signals[name].grid != VECTOR:
            old = need.get(name, (begin, end))
            need[name] = min(old[0], begin), max(old[1], end)

    for output in net.outputs:
        grid = signals[output.source].grid
        want(output.source, 0, tile >> max(grid, 0))
    for layer in reversed(net.layers):
        if layer.name in need:
            for name in layer.inputs:
                want(name, *_needed(layer, axis, *need[layer.name]))
    spans = [(need[i.name][0] << i.grid, need[i.name][1] << i.grid) for i in net.inputs if i.name in need]
    return max([0, *(-begin for begin, _ in spans)]), max([0, *(end - tile for _, end in spans)])


def _needed(layer, axis, begin, end):
    """The input interval that a layer's output interval [begin, end) depends on."""
    if layer.op == "conv":
        reach = layer.kernel[axis] // 2
        return begin * layer.stride - reach, (end - 1) * layer.stride + reach + 1
    if layer.op == "deconv":
        pad = layer.kernel[axis] // 2 - 1
        return -((pad + 1 - begin) // 2), (end - 1 + pad) // 2 + 1
    if layer.op == "unshuffle":
        return 2 * begin, 2 * end
    if layer.op == "shuffle":
        return begin // 2, -(-end // 2)
    return begin, end
