"""Intra modes by rank: architectures of the nets that score the 35 modes of a block. docs/NETS.md has their costs.

`block` is a vector of what lies around the block (docs/BITSTREAM.md); `scores` has a number for each mode.
"""

from nets.arch.describe import Describe

INPUTS, MODES = 409, 35
# of inputs: 64 stands for 1
FRACTION = 6


def mode_light(hidden=64):
    """One hidden layer; both have 16-bit weights, which the bound of sums limits."""
    net = Describe("mode_light", 10, "zero", wide=True)
    block = net.input("block", INPUTS, -1, lo=0, hi=511, fraction=FRACTION)
    x = net.fc(block, hidden)
    net.output("scores", net.fc(x, MODES, act="linear", fraction=10, lo=-32768, hi=32767), fraction=10)
    return net.done()


MODE_NETS = dict(mode_light=mode_light)
