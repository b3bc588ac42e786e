"""Random nets of every kind of layer, with sums up to the very bound, for comparing backends."""

import numpy as np

from nets.graph import analyse, bound
from nets.qnet import EXACT, MAX_WEIGHT, VECTOR, Input, Layer, Output, QNet

OPS = "conv conv conv deconv fc add mul concat unshuffle shuffle".split()


def random_net(seed, layers=7):
    """A valid net: two maps and a vector go in, one map comes out last."""
    return _Builder(np.random.default_rng(seed)).build(layers)


def random_inputs(net, seed, height=32, width=32, batch=1, extreme=False):
    """Inputs over the whole range, or at its ends only. Sides are on the finest grid."""
    rng, inputs = np.random.default_rng(seed), {}
    for entry in net.inputs:
        size = (1, 1) if entry.grid == VECTOR else (height >> entry.grid, width >> entry.grid)
        shape = (batch, entry.channels, *size)
        values = rng.integers(entry.lo, entry.hi + 1, shape)
        if extreme:
            values = np.where(rng.integers(0, 2, shape) == 1, entry.lo, entry.hi)
        inputs[entry.name] = values.astype(np.int16)
    return inputs


class _Builder:
    def __init__(self, rng):
        self.rng = rng
        grid = self.pick(0, 1)
        self.inputs = [
            Input("a", self.count(), grid, *self.range(), 3),
            Input("b", self.count(), self.pick(grid, 1), *self.range(), 3),
            Input("v", self.count(), VECTOR, *self.range(), 3),
        ]
        self.layers, self.tensors = [], {}
        self.signals = self.analyse()

    def pick(self, *values):
        return values[self.rng.integers(len(values))]

    def count(self):
        return int(self.rng.integers(1, 9))

    def range(self):
        low, high = sorted(int(value) for value in self.rng.integers(-600, 600, 2))
        return self.pick((0, 255), (-256, 255), (-512, 511), (low, high), (-32, 255))

    def analyse(self):
        source = self.layers[-1].name if self.layers else "a"
        return analyse(QNet(tuple(self.inputs), tuple(self.layers), (Output("y", source, 0),), self.tensors))

    def build(self, count):
        maps = lambda: [name for name, s in self.signals.items() if s.grid != VECTOR]  # noqa: E731
        while len(self.layers) < count:
            op = self.pick(*OPS)
            layer = self.layer(op, maps())
            if layer:
                self.push(layer)
        last = [layer.name for layer in self.layers if self.signals[layer.name].grid != VECTOR][-1:] or ["a"]
        outputs = (Output("y", last[0], 0), Output("z", self.pick(*maps()), 2))
        return QNet(tuple(self.inputs), tuple(self.layers), outputs, self.tensors, {"name": "random"})

    def layer(self, op, maps):
        name, source = f"l{len(self.layers)}", self.pick(*maps)
        signal = self.signals[source]
        low, high = self.range()
        common = dict(prelu=bool(self.rng.integers(2)), lo=low, hi=high)
        if op == "conv":
            groups = self.pick(1, 1, *[g for g in (2, 3, 4) if signal.channels % g == 0])
            kernel = (self.pick(1, 3, 5), self.pick(1, 3, 5))
            stride = self.pick(1, 1, 2) if signal.grid < 3 else 1
            pad = self.pick("zero", "replicate")
            channels = self.pick(1, 2, 3) * groups
            return Layer(name, op, (source,), channels, kernel, stride, pad, groups, **common)
        if op == "deconv" and signal.grid > 0:
            size = self.pick(2, 4, 6, 12)
            return Layer(name, op, (source,), self.count(), (size, size), **common)
        if op == "fc":
            source = self.pick(*[name for name, s in self.signals.items() if s.grid == VECTOR])
            return Layer(name, op, (source,), self.count(), **common)
        same = [n for n, s in self.signals.items() if s.grid in (signal.grid, VECTOR)]
        alike = [n for n in same if self.signals[n].channels == signal.channels]
        if op == "add":
            sources = (source, *(self.pick(*alike) for _ in range(self.rng.integers(3))))
            return Layer(name, op, sources, up=tuple(self.pick(0, 1, 4) for _ in sources), **common)
        if op == "mul":
            return Layer(name, op, (source, self.pick(*alike)), **common)
        if op == "concat":
            return Layer(name, op, (source, self.pick(*same)))
        if op == "unshuffle" and signal.grid < 3 and signal.channels < 12:
            return Layer(name, op, (source,))
        if op == "shuffle" and signal.grid > 0 and signal.channels % 4 == 0:
            return Layer(name, op, (source,))
        return None

    def push(self, layer):
        sources = [self.signals[name] for name in layer.inputs]
        if layer.op in ("conv", "deconv", "fc", "add", "mul"):
            self.fill(layer, sources)
        self.layers.append(layer)
        self.signals = self.analyse()

    def fill(self, layer, sources):
        channels = layer.channels or sources[0].channels
        inside = sources[0].channels // layer.groups
        shape = {
            "conv": (channels, inside, *layer.kernel),
            "deconv": (inside, channels, *layer.kernel),
            "fc": (channels, inside),
        }.get(layer.op)
        key = layer.name
        if shape:
            most = int(self.pick(MAX_WEIGHT, MAX_WEIGHT, 20))
            self.tensors[f"{key}.weight"] = self.rng.integers(-most, most + 1, shape).astype(np.int8)
            self.tensors[f"{key}.bias"] = np.zeros(channels, np.int32)
            room = EXACT - 1 - bound(QNet((), (), (), self.tensors), layer, sources)
            while room.min() < 0:
                self.tensors[f"{key}.weight"] //= np.int8(2)
                room = EXACT - 1 - bound(QNet((), (), (), self.tensors), layer, sources)
            sign = self.rng.choice([-1, 1], channels)
            share = self.pick(1, 0.01, 0.0)  # 1: a sum can reach 2**24 - 1
            self.tensors[f"{key}.bias"] = (sign * np.floor(room * share)).astype(np.int32)
        self.tensors[f"{key}.shift"] = self.rng.integers(0, 18, channels).astype(np.uint8)
        if layer.prelu:
            same = self.pick(True, False)
            slopes = np.full(channels, 3) if same else self.rng.integers(0, 8, channels)
            self.tensors[f"{key}.slope"] = slopes.astype(np.uint8)
