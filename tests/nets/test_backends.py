"""Torch, the compiled loops and the definition agree to the last digit: on random nets, at the bound, in tiles."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.base.errors import Unsupported
from nets import program, reference, torch_backend
from nets.graph import analyse, bound, net_stride
from nets.netfile import with_answer
from nets.qnet import EXACT
from nets.run import _tiles, run_picture
from tests.nets.random_nets import random_inputs, random_net
from tests.nets.test_arch import random_filter

ROOT = Path(__file__).resolve().parents[2]


def prepare(net, backend):
    if backend == "torch":
        pytest.importorskip("torch")
        return torch_backend.prepare(net)
    return program.prepare(net)


def assert_same(result, expected):
    assert list(result) == list(expected)
    for name in expected:
        assert result[name].dtype == np.int16
        np.testing.assert_array_equal(result[name], expected[name])


@pytest.mark.parametrize("backend", ["torch", "compiled"])
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1 << 30), layers=st.integers(1, 9), extreme=st.booleans())
def test_backends_equal_the_definition(backend, seed, layers, extreme):
    net = with_answer(random_net(seed, layers))
    inputs = random_inputs(net, seed, 32, 48, batch=2, extreme=extreme)
    assert_same(prepare(net, backend)(inputs), reference.run(net, inputs))


def worst_case(net, layer):
    """Inputs with which the first channel of a convolution reads the worst value behind each of its weights."""
    weight = net.tensors[f"{layer.name}.weight"][0].astype(np.int64)
    entry = next(entry for entry in net.inputs if entry.name == layer.inputs[0])
    signs = -weight if entry.hi < -entry.lo else weight
    ends = np.where(signs > 0, entry.hi, entry.lo)
    repeats = (1, -(-32 // weight.shape[1]), -(-32 // weight.shape[2]))
    return np.tile(ends, repeats)[None, :, :32, :32].astype(np.int16)


def bound_net(low, high, sign):
    """One 5x5 convolution whose first channel reaches sign * (2**24 - 1) exactly, undivided."""
    from nets.qnet import Input, Layer, Output, QNet

    rng = np.random.default_rng(5)
    layer = Layer("c", "conv", ("a",), 8, (5, 5), lo=-32768, hi=32767)
    weight = rng.integers(-127, 128, (8, 10, 5, 5)).astype(np.int8)
    tensors = {"c.weight": weight, "c.bias": np.zeros(8, np.int32), "c.shift": np.full(8, 10, np.uint8)}
    net = QNet((Input("a", 10, 0, low, high, 0),), (layer,), (Output("y", "c", 0),), tensors)
    room = EXACT - 1 - bound(net, layer, [signal_of(net.inputs[0])])
    tensors["c.bias"] = (sign * room).astype(np.int32)
    return with_answer(net), layer


def signal_of(entry):
    from nets.graph import Signal

    return Signal(entry.channels, 0, np.full(entry.channels, entry.lo), np.full(entry.channels, entry.hi))


@pytest.mark.parametrize("backend", ["torch", "compiled"])
@pytest.mark.parametrize("low, high", [(-512, 512), (-512, 511), (0, 255)])
@pytest.mark.parametrize("sign", [1, -1])
def test_sums_at_the_very_bound(backend, low, high, sign):
    net, layer = bound_net(low, high, sign)
    most = bound(net, layer, [signal_of(net.inputs[0])])
    assert (most == EXACT - 1).all()
    inputs = {"a": worst_case(net, layer) if low < 0 else np.full((1, 10, 32, 32), high, np.int16)}
    expected = reference.run(net, inputs)
    assert np.abs(expected["y"].astype(int)).max() > 5000
    assert_same(prepare(net, backend)(inputs), expected)


@pytest.mark.parametrize("seed", range(8))
def test_tiles_and_memory_layouts_change_nothing(seed):
    net = with_answer(random_net(seed + 100))
    stride = net_stride(net, analyse(net))
    inputs = random_inputs(net, seed, 72, 56)
    expected = run_picture(lambda arrays: reference.run(net, arrays), net, inputs)
    for backend in ("compiled", "torch"):
        runner = prepare(net, backend)
        for tile in (8, 16, 40, 64, None):
            assert_same(run_picture(runner, net, inputs, tile and -(-tile // stride) * stride), expected)
        turned = {name: np.asfortranarray(array) for name, array in inputs.items()}
        assert_same(run_picture(runner, net, turned), expected)


@pytest.mark.parametrize("backend", ["torch", "compiled"])
@pytest.mark.parametrize("seed", range(4))
def test_threads_that_share_a_picture_change_nothing(seed, backend):
    net = with_answer(random_net(seed + 200))
    stride, runner = net_stride(net, analyse(net)), prepare(net, backend)
    # odd numbers of tiles, and rows that are no whole tiles
    for height, width in ((104, 72), (40, 136), (8, 8)):
        inputs = random_inputs(net, seed, height, width)
        expected = run_picture(runner, net, inputs)
        with ThreadPoolExecutor(3) as pool:
            for parts, tile in ((2, None), (3, 32), (5, 64), (64, None)):
                tile = tile and -(-tile // stride) * stride
                assert_same(run_picture(runner, net, inputs, tile, pool, parts), expected)


def test_a_picture_is_shared_out_evenly_and_not_too_finely():
    def heights(size, tile, parts, stride=2):
        return [bottom - top for top, bottom, left, _ in _tiles(size, tile, stride, parts) if left == 0]

    assert heights((240, 416), 512, 1) == [240]
    assert heights((240, 416), 512, 2) == [120, 120]
    assert heights((1080, 1920), 512, 2) == [512, 512, 56]
    assert heights((1080, 1920), 512, 16) == [270] * 4
    assert heights((64, 64), None, 16) == [32, 32]
    assert heights((8, 8), None, 16) == [8]


def test_tiles_must_fit_the_stride():
    net = next(net for net in map(random_net, range(99)) if net_stride(net, analyse(net)) == 8)
    inputs = random_inputs(net, 1, 64, 64)
    with pytest.raises(ValueError, match="multiples of 8"):
        run_picture(lambda arrays: reference.run(net, arrays), net, inputs, 12)


def test_rounding_is_half_to_even():
    cases = [(1, 1, 0), (3, 1, 2), (-1, 1, 0), (-3, 1, -2), (5, 1, 2), (6, 2, 2), (-6, 2, -2), (7, 0, 7)]
    for value, shift, expected in cases:
        assert reference.shift_half_even(np.int64(value), np.int64(shift)) == expected
    values = np.arange(-3000, 3000)
    for shift in range(1, 12):
        np.testing.assert_array_equal(reference.shift_half_even(values, np.int64(shift)), np.round(values / 2.0**shift))


def digest_of_many(threads=1):
    """One digest of what twelve random nets and two filters make of large inputs."""
    digest = hashlib.sha256()
    nets = [with_answer(random_net(seed)) for seed in range(12)] + [random_filter("lop"), random_filter("vrcnn_s")]
    for net in nets:
        inputs = random_inputs(net, 3, 96, 80, extreme=len(net.layers) % 2)
        results = run_picture(torch_backend.prepare(net, threads), net, inputs)
        for name in sorted(results):
            digest.update(results[name].tobytes())
    return digest.hexdigest()


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
def test_threads_processors_and_libraries_change_nothing(monkeypatch):
    torch = pytest.importorskip("torch")
    digests = {digest_of_many(), digest_of_many(threads=2)}
    with torch.backends.mkldnn.flags(enabled=False):
        digests.add(digest_of_many())
    monkeypatch.setattr(torch, "channels_last", torch.contiguous_format)
    digests.add(digest_of_many())
    code = "import sys; from tests.nets.test_backends import *; print(digest_of_many(int(sys.argv[1])))"
    for isa, threads in (("SSE41", "1"), ("AVX2", "2")):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "ONEDNN_MAX_CPU_ISA": isa}
        command = [sys.executable, "-c", code, threads]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert result.returncode == 0, result.stderr
        digests.add(result.stdout.strip())
    assert len(digests) == 1


def test_wrong_inputs_are_refused():
    net = random_net(1)
    inputs = random_inputs(net, 1)
    name = net.inputs[0].name
    for wrong in (inputs[name][0], inputs[name][:, :0], inputs[name].astype(np.float32), inputs[name] * 0 + 9999):
        with pytest.raises(ValueError, match="net 'random'"):
            reference.run(net, {**inputs, name: wrong})
    with pytest.raises(ValueError, match="takes"):
        reference.run(net, {})
    with pytest.raises(ValueError, match="different sizes"):
        reference.run(net, {**inputs, name: np.concatenate([inputs[name]] * 2)})


@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_runners_may_be_called_from_several_threads(backend):
    net = with_answer(random_net(21))
    runner = prepare(net, backend)
    many = [random_inputs(net, seed, 64, 64) for seed in range(12)]
    with ThreadPoolExecutor(3) as executor:
        results = list(executor.map(runner, many))
    for inputs, result in zip(many, results, strict=True):
        assert_same(result, reference.run(net, inputs))


def test_without_torch_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Unsupported, match="make train"):
        torch_backend.prepare(with_answer(random_net(1)))
