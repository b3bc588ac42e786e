"""Integer nets made by hand, published in a folder of their own: loop filters that need no training."""

import numpy as np

from nets.netfile import with_answer
from nets.qnet import Input, Layer, Output, QNet
from nets.weights import publish

_RANGE = dict(lo=-2048, hi=2047)
_BLUR = np.array([[1, 1, 1], [1, -8, 1], [1, 1, 1]], np.int8)


def _input(name, grid=0, lo=-512, hi=511):
    return Input(name, 1, grid, lo, hi, 9)


def _conv(name, source, channels):
    return Layer(name, "conv", (source,), channels=channels, kernel=(3, 3), pad="replicate", **_RANGE)


def _tensors(name, weight, shift):
    count = len(weight)
    return {
        f"{name}.weight": weight,
        f"{name}.bias": np.zeros(count, np.int32),
        f"{name}.shift": np.full(count, shift, np.uint8),
    }


def luma_net(sign=1, shift=2):
    """Blurs luma, or sharpens it, by 3x3 samples."""
    tensors = _tensors("c", (sign * _BLUR)[None, None], shift)
    layers = (_conv("c", "rec_y", 1),)
    return QNet((_input("rec_y"),), layers, (Output("y", "c", 11),), tensors, {"architecture": "vrcnn"})


def full_net(seed=1):
    """Takes everything that a net may ask for, and corrects all components, without sense or reason."""
    grids = dict(rec_y=0, pred_y=0, res_y=0, rec_u=1, rec_v=1, edges=1, qp=1)
    ranges = dict(edges=(0, 512), qp=(0, 511))
    inputs = tuple(_input(name, grid, *ranges.get(name, (-512, 511))) for name, grid in grids.items())
    fine = [name for name, grid in grids.items() if grid == 0]
    layers = [Layer(f"u_{name}", "unshuffle", (name,)) for name in fine]
    coarse = [f"u_{name}" for name in fine] + [name for name, grid in grids.items() if grid]
    layers += [Layer("all", "concat", tuple(coarse)), _conv("a", "all", 4), Layer("s", "shuffle", ("a",))]
    layers += [_conv("b", "all", 2)]
    rng = np.random.default_rng(seed)
    tensors = {}
    for name, channels in (("a", 4), ("b", 2)):
        tensors |= _tensors(name, rng.integers(-3, 4, (channels, 16, 3, 3)).astype(np.int8), 5)
    outputs = (Output("y", "s", 11), Output("uv", "b", 11))
    return QNet(inputs, tuple(layers), outputs, tensors, {"architecture": "lop"})


def rgb_net(seed=1, architecture="cnnif_xs_rgb"):
    """An output filter that takes RGB and QP, and smoothes, mixes and shifts colours without much sense."""
    inputs = (Input("rec_rgb", 3, 0, -512, 511, 9), _input("qp", 0, 0, 511))
    layers = (Layer("all", "concat", ("rec_rgb", "qp")), _conv("c", "all", 3))
    weight = np.random.default_rng(seed).integers(-3, 4, (3, 4, 3, 3)).astype(np.int8)
    for channel in range(3):
        weight[channel, channel] += _BLUR
    return QNet(inputs, layers, (Output("rgb", "c", 11),), _tensors("c", weight, 5), {"architecture": architecture})


def chroma_net(seed=1, f=6, shift=3):
    """Corrects Cb and Cr of a block by a window and a vector, without sense; strongly with a small shift."""
    inputs = (Input("window", 14, 0, -512, 511, 9), Input("side", 8, -1, -512, 511, 9))
    layers = (
        Layer("v", "fc", ("side",), channels=f, **_RANGE),
        _conv("a", "window", f)._replace(pad="zero"),
        Layer("m", "mul", ("a", "v"), **_RANGE),
        _conv("c", "m", 2)._replace(pad="zero"),
    )
    rng, tensors = np.random.default_rng(seed), {"m.shift": np.full(f, 9, np.uint8)}
    for name, shape, last in (("v", (f, 8), 4), ("a", (f, 14, 3, 3), 4), ("c", (2, f, 3, 3), shift)):
        tensors |= _tensors(name, rng.integers(-3, 4, shape).astype(np.int8), last)
    return QNet(inputs, layers, (Output("uv", "c", 11),), tensors, {"architecture": "chroma_window"})


def publish_nets(directory, **nets):
    """Write nets and their manifest; returns {name: id}."""
    directory.mkdir(exist_ok=True)
    (directory / "MANIFEST.json").write_text('{"format": 1, "nets": []}\n')
    return {name: publish(with_answer(net), name, "made by hand", "none", directory).id for name, net in nets.items()}


def all_nets(directory):
    """The folder that most tests use: blur and sharpen (vrcnn), full (lop). -> {name: id}"""
    return publish_nets(directory, blur=luma_net(), sharpen=luma_net(-1, 4), full=full_net())


def mode_net(seed=1):
    """Ranks intra modes without sense: its weights are noise. With seed 3 many scores are equal."""
    rng, wide = np.random.default_rng(seed), seed != 3
    inputs = (Input("block", 409, -1, 0, 511, 6),)
    layers = (
        Layer("a", "fc", ("block",), channels=64, lo=0, hi=1023),
        Layer("b", "fc", ("a",), channels=35, lo=-32768 if wide else -2, hi=32767 if wide else 3),
    )
    tensors = _tensors("a", rng.integers(-60, 61, (64, 409)).astype(np.int16), 6)
    tensors |= _tensors("b", rng.integers(-200, 201, (35, 64)).astype(np.int16), 3)
    tensors["a.bias"] = rng.integers(-3000, 3001, 64).astype(np.int32)
    return QNet(inputs, layers, (Output("scores", "b", 10),), tensors, {"architecture": "mode_light"})
