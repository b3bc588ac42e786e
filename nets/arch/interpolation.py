"""Fractional interpolation: architectures of the nets that correct luma at all quarter-sample positions of a picture.

Inputs (fraction 9): rec_y, a reference picture as others refer to it; res_y, its luma residual; col_y, the picture of
best quality among those that it referred to itself; qp, as for the filters. The one output, "y", has 16 channels on the
grid of samples: what H.265's prediction at phase 4 * y_fraction + x_fraction lacks, in quarters of a 10-bit step. So a
net runs once for a reference picture, whatever refers to it.
"""

from nets.arch.describe import SAMPLES, Describe

PHASES = 16


def _describe(name):
    net = Describe(name, 10, "replicate")
    return net, net.input("rec_y"), net.input("qp", 1, 0, 0, 511)


def gvcnn(first=48, inner=10, layers=8, name="gvcnn"):
    """GVCNN (TIP 2019): one net for all positions and QPs; 3x3 throughout, wide layers around narrow ones."""
    net, rec, qp = _describe(name)
    x = net.conv(net.concat(rec, qp), first, 3, act="leaky")
    for _ in range(layers):
        x = net.conv(x, inner, 3, act="leaky")
    x = net.conv(x, first, 3, act="leaky")
    net.output("y", net.conv(x, PHASES, 3, **SAMPLES))
    return net.done()


def gvcnn_s():
    """GVCNN at 40 % of the cost."""
    return gvcnn(24, 8, 4, "gvcnn_s")


def prior(f=16, half=24):
    """With rich priors: the residual, and what the picture of best quality has at the same place; ours, lop's shape."""
    net, rec, qp = _describe("prior")

    def block(x, channels):
        return net.add(x, net.conv(net.conv(x, channels, 3), channels, 3, act="linear"))

    near = block(net.conv(net.concat(rec, net.input("res_y"), net.input("col_y"), qp), f, 3), f)
    wide = block(net.conv(near, half, 3, stride=2), half)
    both = block(net.add(near, net.deconv(wide, f, act="linear")), f)
    net.output("y", net.conv(net.conv(net.concat(near, both), 24, 1), PHASES, 3, **SAMPLES))
    return net.done()


INTERPOLATION_NETS = dict(gvcnn=gvcnn, gvcnn_s=gvcnn_s, prior=prior)
