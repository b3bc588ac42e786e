"""Learned codecs of images: analysis and synthesis (Balle et al. 2017), hyper-analysis and -synthesis (2018, 2018b).

Four nets. Grid 0 of the first two is the picture's; latents are on grid 4 of it, which is grid 0 of the other two; the
hyper-latents are on grid 2 of that. Pixels are unshuffled to a quarter first; from there down and up it is a linear
transform, as of wavelets, beside residual blocks of ReLUs (in place of GDN, which has no exact integer form in these
layers). So nets/train/codec_start.py can begin with the best linear transform.

    input    rgb      8-bit values times 4, minus 512 (fraction 9)
             quality  a vector, 511 at the quality that is coded and 0 at the others (fraction 9)
    latents  y, mean  fraction 6;  z  fraction 4
    scale    log2 of the standard deviation, fraction 6
"""

from nets.arch.describe import Describe
from nets.qnet import VECTOR

QUALITIES = 6
ONE = 511  # the quality that is coded
Y_FRACTION, Z_FRACTION, SCALE_FRACTION = 6, 4, 6
Y_RANGE, Z_RANGE, SCALE_RANGE = dict(lo=-2048, hi=2047), dict(lo=-1024, hi=1023), dict(lo=-512, hi=511)
_LATENTS = dict(act="linear", fraction=Y_FRACTION, **Y_RANGE)


def _quality(net):
    return net.input("quality", QUALITIES, VECTOR, 0, ONE)


def _blocks(net, x, channels, count):
    for _ in range(count):
        x = net.add(x, net.conv(net.conv(x, channels, 3), channels, 3, act="linear"))
    return x


def analysis(fine=48, coarse=64, latent=96, blocks=2):
    """rgb to y.  fine, coarse: channels at a quarter and an eighth;  blocks: residual ones at an eighth"""
    net = Describe("analysis", 10, "zero")
    x = net.concat(net.unshuffle(net.unshuffle(net.input("rgb", 3))), _quality(net))
    x = _blocks(net, net.conv(x, fine, 3, act="linear"), fine, 1)
    x = _blocks(net, net.conv(x, coarse, 3, stride=2, act="linear"), coarse, blocks)
    net.output("y", net.conv(x, latent, 3, stride=2, **_LATENTS), Y_FRACTION)
    return net.done()


def synthesis(fine=48, coarse=64, latent=96, blocks=2):
    """y to rgb, as the analysis takes it."""
    net = Describe("synthesis", 10, "zero")
    x = net.concat(net.input("y", latent, 4, **Y_RANGE, fraction=Y_FRACTION), _quality(net))
    x = _blocks(net, net.deconv(net.conv(x, latent, 1, act="linear"), coarse, act="linear"), coarse, blocks)
    x = _blocks(net, net.deconv(x, fine, act="linear"), fine, 1)
    x = net.shuffle(net.shuffle(net.conv(x, 48, 3, act="linear", fraction=9, lo=-512, hi=511)))
    net.output("rgb", x, 9)
    return net.done()


def hyper_analysis(latent=96, hyper=48, z=32):
    """y to z."""
    net = Describe("hyper_analysis", 10, "zero")
    x = net.concat(net.input("y", latent, 0, **Y_RANGE, fraction=Y_FRACTION), _quality(net))
    x = net.conv(net.conv(x, hyper, 3), hyper, 3, stride=2)
    net.output("z", net.conv(x, z, 3, stride=2, act="linear", fraction=Z_FRACTION, **Z_RANGE), Z_FRACTION)
    return net.done()


def hyper_synthesis(latent=96, hyper=48, z=32):
    """z to what y is expected to be: mean and scale."""
    net = Describe("hyper_synthesis", 10, "zero")
    x = net.concat(net.input("z", z, 2, **Z_RANGE, fraction=Z_FRACTION), _quality(net))
    x = net.deconv(net.deconv(net.conv(x, hyper, 1), hyper), hyper)
    net.output("mean", net.conv(x, latent, 3, **_LATENTS), Y_FRACTION)
    net.output("scale", net.conv(x, latent, 3, act="linear", fraction=SCALE_FRACTION, **SCALE_RANGE), SCALE_FRACTION)
    return net.done()


def _pick(settings, *names):
    return {name: settings[name] for name in names if name in settings}


def factorized(**settings):
    """{name: Description} of the codec of 2017: latents whose distribution depends on the channel only."""
    _known(settings, "fine", "coarse", "latent", "blocks")
    return dict(analysis=analysis(**settings), synthesis=synthesis(**settings))


def hyperprior(**settings):
    """{name: Description} of the codec of 2018, with means: hyper-latents tell mean and scale of every latent."""
    _known(settings, "fine", "coarse", "latent", "blocks", "hyper", "z")
    outer = factorized(**_pick(settings, "fine", "coarse", "latent", "blocks"))
    inner = _pick(settings, "latent", "hyper", "z")
    return outer | dict(hyper_analysis=hyper_analysis(**inner), hyper_synthesis=hyper_synthesis(**inner))


def _known(settings, *names):
    wrong = set(settings) - set(names)
    if wrong:
        raise TypeError(f"no argument {sorted(wrong)[0]!r} (there are {', '.join(names)})")


CODECS = dict(factorized=factorized, hyperprior=hyperprior)
