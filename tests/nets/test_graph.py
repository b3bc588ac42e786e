"""What is derived from a graph: that the bound is what sums really reach, and that receptive fields are exact."""

import numpy as np
import pytest

from nets import reference
from nets.graph import ARITHMETIC, Signal, bound, cost, halo, signals_of
from nets.qnet import Input, Layer, Output, QNet

_OPS = dict(conv=reference.conv, deconv=reference.deconv, fc=reference.fc, add=reference.add, mul=reference.mul)


@pytest.mark.parametrize(
    "layer, shape",
    [
        (Layer("l", "conv", ("a",), 4, (3, 5)), (4, 8, 3, 5)),
        (Layer("l", "conv", ("a",), 6, (3, 3), 2, groups=2), (6, 4, 3, 3)),
        (Layer("l", "conv", ("a",), 8, (5, 1), groups=8), (8, 1, 5, 1)),
        (Layer("l", "deconv", ("a",), 3, (2, 2)), (8, 3, 2, 2)),
        (Layer("l", "deconv", ("a",), 3, (6, 6)), (8, 3, 6, 6)),
        (Layer("l", "deconv", ("a",), 3, (8, 8)), (8, 3, 8, 8)),
        (Layer("l", "fc", ("a",), 5), (5, 8)),
        (Layer("l", "add", ("a", "b"), up=(0, 3)), None),
        (Layer("l", "mul", ("a", "b")), None),
    ],
)
def test_the_bound_is_the_largest_sum_that_there_is(layer, shape, monkeypatch):
    assert layer.op in ARITHMETIC
    rng = np.random.default_rng(1)
    sources = [Signal(8, 0, rng.integers(-500, 0, 8), rng.integers(0, 500, 8)) for _ in layer.inputs]
    parameters, tensors = {}, {}
    if shape:
        parameters = dict(weight=rng.integers(-127, 128, shape), bias=rng.integers(-9999, 9999, layer.channels))
        tensors = {f"l.{key}": array for key, array in parameters.items()}
    most = bound(QNet((), (layer,), (), tensors), layer, sources)
    monkeypatch.setattr(reference, "epilogue", lambda layer, sums, parameters: sums)
    size = 1 if layer.op == "fc" else 12
    peaks = [np.broadcast_to(source.peak()[None, :, None, None], (1, 8, size, size)) for source in sources]
    sums = _OPS[layer.op](layer, peaks, {key: np.abs(array) for key, array in parameters.items()})
    np.testing.assert_array_equal(sums.max((0, 2, 3)), most)


CHAINS = {
    "conv": ([("conv", dict(kernel=(5, 3)))], (2, 2, 1, 1)),
    "two": ([("conv", dict(kernel=(3, 3))), ("conv", dict(kernel=(5, 5)))], (3, 3, 3, 3)),
    "down": ([("conv", dict(kernel=(5, 5), stride=2))], (2, 2, 2, 2)),
    "half": ([("unshuffle", {}), ("conv", dict(kernel=(3, 3))), ("shuffle", {})], (2, 2, 2, 2)),
    "up": ([("conv", dict(kernel=(1, 1), stride=2)), ("deconv", dict(kernel=(4, 4)))], (2, 2, 2, 2)),
    "wide": ([("unshuffle", {}), ("deconv", dict(kernel=(12, 12)))], (6, 6, 6, 6)),
    "none": ([("conv", dict(kernel=(1, 1))), ("unshuffle", {}), ("shuffle", {})], (0, 0, 0, 0)),
}


@pytest.mark.parametrize("name", CHAINS)
def test_receptive_fields(name):
    """By hand, and by looking where a change of one sample is seen."""
    steps, expected = CHAINS[name]
    layers, tensors, source, channels = [], {}, "a", 1
    for index, (op, fields) in enumerate(steps):
        layer = f"l{index}"
        wanted = {"unshuffle": 4 * channels, "shuffle": channels // 4}.get(op, 4)
        if op in ("conv", "deconv"):
            fields = dict(fields, channels=wanted, lo=-32768, hi=32767)
            shape = (wanted, channels) if op == "conv" else (channels, wanted)
            tensors |= {
                f"{layer}.weight": np.ones((*shape, *fields["kernel"]), np.int8),
                f"{layer}.bias": np.zeros(wanted, np.int32),
                f"{layer}.shift": np.zeros(wanted, np.uint8),
            }
        layers.append(Layer(layer, op, (source,), **fields))
        source, channels = layer, wanted
    net = QNet((Input("a", 1, 0, 0, 255, 0),), tuple(layers), (Output("y", source, 0),), tensors)
    signals = signals_of(net.inputs, net.layers, net.outputs, "chain")
    around = halo(net, signals)
    assert tuple(around) == expected
    grid, tile = signals[source].grid, 2
    seen = np.zeros((32, 32), bool)
    for y in range(32):
        for x in range(32):
            impulse = np.zeros((1, 1, 32, 32), np.int16)
            impulse[0, 0, y, x] = 1
            middle = slice(16 >> grid, (16 + tile) >> grid)
            seen[y, x] = reference.run(net, {"a": impulse})["y"][0, :, middle, middle].any()
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    reach = (16 - rows[0], rows[-1] - 17, 16 - columns[0], columns[-1] - 17)
    stride = 2 if any(signal.grid for signal in signals.values()) else 1
    assert tuple(-(-max(side, 0) // stride) * stride for side in reach) == expected


def test_costs_by_hand():
    layers = (
        Layer("c", "conv", ("a",), 8, (3, 3), 2, groups=2, lo=0, hi=255),
        Layer("d", "deconv", ("c",), 2, (4, 4), lo=0, hi=255),
        Layer("f", "fc", ("v",), 2, lo=0, hi=255),
        Layer("m", "mul", ("d", "f"), lo=0, hi=255),
    )
    inputs = (Input("a", 4, 0, 0, 255, 0), Input("v", 10, -1, 0, 255, 0))
    net = QNet(inputs, layers, (Output("y", "m", 0),), {})
    costs = cost(net, signals_of(inputs, layers, net.outputs, "x"))
    assert costs.macs_per_pixel == 8 * 2 * 9 / 4 + 8 * 2 * 16 / 4 + 2
    assert costs.macs_per_call == 20
    assert costs.parameters == (8 * 2 * 9 + 8) + (8 * 2 * 16 + 2) + (20 + 2)
