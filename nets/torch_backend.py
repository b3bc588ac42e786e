"""A qnet carried by float32 convolutions of torch: exact, because every sum stays below 2**24 (nets/graph.py).

Weights and biases are multiplied by 2**-shift of their channel beforehand, which changes no digit, so that a
convolution's result only needs rounding and clamping. What could break exactness is switched off: Winograd and FFT
(NNPACK, cuDNN), TF32 and bf16.
"""

import contextlib
import threading

import numpy as np

from codec.base.errors import Unsupported, UsageError
from nets.graph import ARITHMETIC, analyse
from nets.run import check_answer, check_inputs

_PARAMETERS = ("weight", "bias", "shift", "slope")
# cuDNN is switched off and on again for the whole process
_CUDNN = threading.Lock()


def import_torch(threads=1):
    """The torch module, set up for exact arithmetic in this process; see docs/NETS.md for the thread policy."""
    try:
        import torch
    except ImportError as error:
        raise Unsupported(f"this needs torch ({error}): run `make train` in pyenc's checkout") from None
    torch.set_num_threads(threads)
    torch.backends.nnpack.set_flags(False)
    torch.backends.fp32_precision = "ieee"
    torch.backends.mkldnn.fp32_precision = "ieee"
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    return torch


def check_device(name):
    """UsageError for a device of torch that is not here."""
    torch = import_torch()
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"--device {name}: torch knows no such device: cpu, cuda, cuda:1, ...") from None
    there = device.type == "cpu" or (device.type == "cuda" and (device.index or 0) < torch.cuda.device_count())
    if not there:
        raise UsageError(f"--device {name}: torch finds no such device here")


def prepare(net, threads=1, device="cpu"):
    """A runner of `net`. Proves the bound and runs the known-answer test. Raises InvalidNet, Unsupported.

    threads   torch's own threads, for the whole process. 1 is right when the caller runs tiles or pictures in threads.
    """
    torch = import_torch(threads)
    signals = analyse(net)
    plan = [_step(torch, net, layer, signals, device) for layer in net.layers]
    dead = _last_uses(net)

    def runner(inputs):
        check_inputs(net, inputs)
        with torch.inference_mode(), _exact(torch, device):
            maps = {name: _to_torch(torch, array, device) for name, array in inputs.items()}
            for layer, step in zip(net.layers, plan, strict=True):
                maps[layer.name] = step(*(maps[name] for name in layer.inputs))
                for name in dead[layer.name]:
                    del maps[name]
            return {output.name: _to_numpy(torch, maps[output.source]) for output in net.outputs}

    check_answer(net, runner, f"torch ({device})")
    return runner


@contextlib.contextmanager
def _exact(torch, device):
    """cuDNN may choose Winograd: a GPU takes torch's own convolutions, and one thread at a time."""
    if device == "cpu":
        yield
        return
    with _CUDNN, torch.backends.cudnn.flags(enabled=False):
        yield


def _to_torch(torch, array, device):
    tensor = torch.from_numpy(np.ascontiguousarray(array, np.int16)).to(device)
    return tensor.to(torch.float32, memory_format=torch.channels_last)


def _to_numpy(torch, tensor):
    return tensor.to(torch.int16).contiguous().cpu().numpy()


def _last_uses(net):
    """{layer name: signals that nobody needs after it}"""
    last = {name: layer.name for layer in net.layers for name in layer.inputs}
    kept = {output.source for output in net.outputs}
    dead = {layer.name: [] for layer in net.layers}
    for name, layer_name in last.items():
        if name not in kept:
            dead[layer_name].append(name)
    return dead


def _step(torch, net, layer, signals, device):
    """The function that computes one layer from its input tensors."""
    functional = torch.nn.functional
    if layer.op == "unshuffle":
        return lambda x: functional.pixel_unshuffle(x, 2)
    if layer.op == "shuffle":
        return lambda x: functional.pixel_shuffle(x, 2)
    if layer.op == "concat":
        return lambda *xs: _concat(torch, xs)
    assert layer.op in ARITHMETIC
    tensors = {key: net.tensors.get(f"{layer.name}.{key}") for key in _PARAMETERS}
    scale = np.ldexp(np.float32(1), -tensors["shift"].astype(np.int32))
    finish = _epilogue(torch, layer, tensors["slope"], device)
    if layer.op == "mul":
        factor = _column(torch, scale, device)
        return lambda a, b: finish(torch.mul(a, b).mul_(factor))
    if layer.op == "add":
        ratios = [2.0 ** (up - layer.up[0]) for up in layer.up]
        factor = _column(torch, scale * np.float32(1 << layer.up[0]), device)
        return lambda *xs: finish(_sum(torch, xs, ratios).mul_(factor))
    weight = tensors["weight"].astype(np.float32)
    weight = weight.reshape(*weight.shape, 1, 1) if layer.op == "fc" else weight
    weight = weight * scale.reshape((1, -1, 1, 1) if layer.op == "deconv" else (-1, 1, 1, 1))
    weight = torch.from_numpy(weight).to(device, memory_format=torch.channels_last)
    bias = torch.from_numpy(tensors["bias"].astype(np.float32) * scale).to(device)
    if layer.op == "deconv":
        pad = layer.kernel[0] // 2 - 1
        return lambda x: finish(functional.conv_transpose2d(x, weight, bias, 2, pad))
    pads = (layer.kernel[0] // 2, layer.kernel[1] // 2)
    if layer.pad == "replicate" and any(pads):
        around = (pads[1], pads[1], pads[0], pads[0])
        pads = 0
        widen = lambda x: functional.pad(x, around, mode="replicate")  # noqa: E731
    else:
        widen = lambda x: x  # noqa: E731
    return lambda x: finish(functional.conv2d(widen(x), weight, bias, layer.stride, pads, 1, layer.groups))


def _column(torch, values, device):
    """One number for all channels where it can be, else a tensor that lies along the channels."""
    if (values == values[0]).all():
        return float(values[0])
    return torch.from_numpy(values.astype(np.float32).reshape(1, -1, 1, 1)).to(device)


def _sum(torch, tensors, ratios):
    """Sum in units of the first input; a power of two times an integer below 2**24 is exact."""
    if len(tensors) == 1:
        return tensors[0].clone()
    total = tensors[0]
    for tensor, ratio in zip(tensors[1:], ratios[1:], strict=True):
        total = torch.add(total, tensor, alpha=ratio)
    return total


def _concat(torch, tensors):
    height, width = (max(tensor.shape[axis] for tensor in tensors) for axis in (2, 3))
    return torch.cat([tensor.expand(-1, -1, height, width) for tensor in tensors], 1)


def _epilogue(torch, layer, slope, device):
    """In place: slopes of negative values, rounding half to even, clamp."""
    low, high = float(layer.lo), float(layer.hi)
    if not layer.prelu:
        return lambda x: x.round_().clamp_(low, high)
    factors = np.ldexp(np.float32(1), -slope.astype(np.int32))
    if (slope == slope[0]).all():
        factor = float(factors[0])
        return lambda x: torch.nn.functional.leaky_relu_(x, factor).round_().clamp_(low, high)
    column = torch.from_numpy(factors).to(device)
    return lambda x: torch.nn.functional.prelu(x, column).round_().clamp_(low, high)
