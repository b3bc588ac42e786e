"""Chroma from luma: architectures of the nets that predict Cb and Cr of a block. docs/NETS.md has their costs.

Grid 0 is chroma's. `window` is the block and four lines of samples above and left of it, `side` a vector of what these
tell as a whole (docs/BITSTREAM.md); `luma` is the block alone, `border` the line around it. Outputs are corrections of
what is predicted without the net, in quarters of a 10-bit step.

Zeros beyond the window: all its signals are differences, to which 0 is neutral.
"""

from nets.arch.describe import Describe

WINDOW_CHANNELS, SIDE_CHANNELS = 14, 8
# corrections reach 64 steps of 8 bits
CORRECTIONS = dict(act="linear", fraction=11, lo=-1024, hi=1023)


def chroma_window(f=16, layers=3, side=16):
    """Ours: one set of weights for blocks of all sizes; the vector decides how strongly features of luma count."""
    net = Describe("chroma_window", 10, "zero")
    window = net.input("window", WINDOW_CHANNELS)
    vector = net.fc(net.fc(net.input("side", SIDE_CHANNELS, -1), side), f, act="linear")
    x = net.mul(net.conv(window, f, 3), vector)
    for _ in range(layers - 1):
        x = net.conv(x, f, 3)
    net.output("uv", net.conv(x, 2, 3, **CORRECTIONS))
    return net.done()


def chroma_hybrid(size=16, full=0):
    """The hybrid network (ICIP 2018): fully connected layers on the border, convolutions on luma, their product.

    size   of the chroma blocks that it is for, 4 to 32;  full: 1 for the published widths, else those of Hybrid-S
    """
    if size not in (4, 8, 16, 32):
        raise ValueError(f"size {size} is not 4, 8, 16 or 32")
    width, first, halves, last = (128, 64, 32, 64) if full == 1 else (32, 16, 8, 16)
    net = Describe("chroma_hybrid", 10, "zero")
    vector = net.fc(net.input("border", 3 * (2 * size + 1), -1), width)
    vector = net.fc(net.fc(vector, width), width)
    x = net.conv(net.input("luma"), first, 5)
    x = net.concat(net.conv(x, halves, 3), net.conv(x, halves, 5))
    x = net.concat(net.conv(x, last, 3), net.conv(x, last, 1))
    net.output("uv", net.conv(net.mul(x, vector), 2, 3, **CORRECTIONS))
    return net.done()


CHROMA_NETS = dict(chroma_window=chroma_window, chroma_hybrid=chroma_hybrid)
