"""A small language for nets: one description gives both the trainable module and the integer graph.

    net = Describe("example", 10, "replicate")
    rec = net.input("rec")
    x = net.conv(rec, 32, 3)
    net.output("residual", net.conv(x, 1, 3, **SAMPLES))

Every call takes names of signals and gives back one. Real value = integer / 2**fraction; nets/quantise.py finds the
fractions of hidden signals.
"""

from typing import NamedTuple

from nets.graph import ARITHMETIC, signals_of
from nets.qnet import Input, Layer, Output

SAMPLE_FRACTION = 9  # inputs: 10-bit samples around 512 are -1..1
# settings of a layer that makes corrections of samples, in quarters of a 10-bit step: at most 32 steps of 8 bits, so
# that what a net has never seen does not run away with it (8 were too few for one sample in a hundred at QP 37)
SAMPLES = dict(act="linear", fraction=11, lo=-512, hi=511)


class Description(NamedTuple):
    """What Describe collected. `layers` are those of the qnet (except `up`, which depends on fractions).

    slopes     {layer: k}: negative values times 2**-k
    fractions  {layer: fraction}, where it is fixed beforehand
    wide       whether all weights have 16 bits, not those of the first convolutions alone
    """

    name: str
    inputs: tuple
    layers: tuple
    outputs: tuple
    slopes: dict
    fractions: dict
    wide: bool = False

    def signals(self):
        """{name: Signal}, see nets/graph.py."""
        return signals_of(self.inputs, self.layers, self.outputs, self.name)


class Describe:
    """Collects a Description, call by call.

    bits  of activations behind a ReLU; those with a sign have one more
    pad   what convolutions find beyond the picture's border: "zero", or "replicate", its nearest sample
    wide  see Description
    """

    def __init__(self, name, bits, pad, wide=False):
        self.name, self._top, self._pad, self._wide = name, 1 << bits, pad, wide
        self._inputs, self._layers, self._outputs = [], [], []
        self._slopes, self._fractions = {}, {}

    def input(self, name, channels=1, grid=0, lo=-512, hi=511, fraction=SAMPLE_FRACTION):
        """A net input; without more, one plane of samples."""
        self._inputs.append(Input(name, channels, grid, lo, hi, fraction))
        return name

    def conv(self, source, channels, kernel=3, stride=1, groups=1, **settings):
        """Convolution; `kernel` is a number or (height, width)."""
        kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
        fields = dict(channels=channels, kernel=kernel, stride=stride, groups=groups, pad=self._pad)
        return self._arithmetic("conv", (source,), fields, **settings)

    def deconv(self, source, channels, kernel=4, **settings):
        """Transposed convolution to twice the size."""
        return self._arithmetic("deconv", (source,), dict(channels=channels, kernel=(kernel, kernel)), **settings)

    def fc(self, source, channels, **settings):
        """Fully connected layer between vectors."""
        return self._arithmetic("fc", (source,), dict(channels=channels), **settings)

    def add(self, *sources, **settings):
        """Sum."""
        return self._arithmetic("add", sources, dict(up=(0,) * len(sources)), **{"act": "linear", **settings})

    def mul(self, a, b, **settings):
        """Product, element by element."""
        return self._arithmetic("mul", (a, b), {}, **{"act": "linear", **settings})

    def concat(self, *sources):
        """Channels side by side."""
        return self._push("concat", sources, {})

    def unshuffle(self, source):
        """Four phases as channels at half size."""
        return self._push("unshuffle", (source,), {})

    def shuffle(self, source):
        """Four channels as phases at twice the size."""
        return self._push("shuffle", (source,), {})

    def output(self, name, source, fraction=SAMPLES["fraction"]):
        """Hand a signal out; its fraction is that of the layer that made it."""
        self._outputs.append(Output(name, source, fraction))

    def done(self):
        """The Description, checked."""
        description = Description(
            self.name, tuple(self._inputs), tuple(self._layers), tuple(self._outputs), self._slopes, self._fractions,
            self._wide,
        )  # fmt: skip
        description.signals()
        return description

    def _arithmetic(self, op, sources, fields, act="relu", slope=3, lo=None, hi=None, fraction=None):
        """act: relu, leaky (negative values by 2**-slope), linear; lo, hi, fraction: where they are fixed."""
        low = {"relu": 0, "leaky": -(self._top >> slope), "linear": -self._top}[act]
        high = self._top - 1
        fields |= dict(lo=low if lo is None else lo, hi=high if hi is None else hi, prelu=act == "leaky")
        name = self._push(op, sources, fields)
        if act == "leaky":
            self._slopes[name] = slope
        if fraction is not None:
            self._fractions[name] = fraction
        return name

    def _push(self, op, sources, fields):
        name = f"{op}{1 + sum(layer.op == op for layer in self._layers)}"
        self._layers.append(Layer(name, op, tuple(sources), **fields))
        return name


def trained_layers(description):
    """Layers that have weights, or only a clamp: all that do arithmetic."""
    return [layer for layer in description.layers if layer.op in ARITHMETIC]
