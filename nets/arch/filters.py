"""The filters' architectures. docs/NETS.md has their costs; PAPERS says which numbers are the papers'.

Inputs (all with fraction 9): rec_y, rec_u, rec_v, pred_y, res_y, rec_rgb: samples as 10 bit minus 512 (res_y: the
residual as 10 bit, clipped); qp: 8*QP; edges: 256 * boundary strength. Outputs: corrections in quarters of
a 10-bit step.

Borders are repeated: "zero" is a level in mid range, which beyond the picture's border would look like an edge.
"""

from nets.arch.describe import SAMPLES, Describe


def _describe(name):
    return Describe(name, 10, "replicate")


def _qp(net, grid=0):
    return net.input("qp", 1, grid, 0, 511)


def _doubled(net, plane):
    """A plane of half size, each sample four times."""
    return net.shuffle(net.concat(plane, plane, plane, plane))


def vrcnn(first=64, second=(16, 32), third=(16, 32), name="vrcnn"):
    """VRCNN (Dai 2017): 5x5, then 5x5 beside 3x3, then 3x3 beside 1x1, then 3x3. Luma; QP as a plane."""
    net = _describe(name)
    x = net.concat(net.input("rec_y"), _qp(net))
    x = net.conv(x, first, 5)
    x = net.concat(net.conv(x, second[0], 5), net.conv(x, second[1], 3))
    x = net.concat(net.conv(x, third[0], 3), net.conv(x, third[1], 1))
    net.output("y", net.conv(x, 1, 3, **SAMPLES))
    return net.done()


def vrcnn_s():
    """VRCNN at a sixth of the cost."""
    return vrcnn(16, (8, 16), (8, 16), "vrcnn_s")


def rrcnn(f=32, blocks=4, name="rrcnn"):
    """RRCNN (ICIP 2020): a residual branch of residual blocks, a reconstruction branch down and up in scale, fused."""
    net = _describe(name)
    rec = net.concat(net.input("rec_y"), _qp(net))
    e0 = net.conv(rec, f, 3)
    e1 = net.conv(net.conv(e0, 2 * f, 3, stride=2), 2 * f, 3)
    e2 = net.conv(net.conv(e1, 4 * f, 3, stride=2), 4 * f, 3)
    d1 = net.conv(net.add(net.deconv(e2, 2 * f, act="linear"), e1), 2 * f, 3)
    d0 = net.add(net.deconv(d1, f, act="linear"), e0)
    r = net.conv(net.input("res_y"), f, 3)
    for _ in range(blocks):
        r = net.add(r, net.conv(net.conv(r, f, 3), f, 3, act="linear"))
    x = net.conv(net.concat(d0, r), f, 3)
    net.output("y", net.conv(x, 1, 3, **SAMPLES))
    return net.done()


def rrcnn_s():
    """RRCNN at a sixteenth of the cost."""
    return rrcnn(8, 4, "rrcnn_s")


def rrcnn_m():
    """RRCNN at a quarter of the cost."""
    return rrcnn(16, 4, "rrcnn_m")


def cnnif(units=8, m=64, form="yuv", name="cnnif"):
    """CNNIF (CVPRW 2018): dense residual units, 1x1 bottlenecks without activation, no batch norm.

    form  "yuv": luma and 4:2:0 chroma with a QP plane, in the loop; "rgb": the paper's, on the output picture
    """
    net = _describe(name)
    if form == "rgb":
        source = net.concat(net.input("rec_rgb", 3), _qp(net))
    else:
        chroma = [_doubled(net, net.input(name, 1, 1)) for name in ("rec_u", "rec_v")]
        source = net.concat(net.input("rec_y"), *chroma, _qp(net))
    made = [net.conv(source, m, 3)]
    for unit in range(units):
        x = made[0] if unit == 0 else net.conv(net.concat(*made), m, 1, act="linear")
        a = net.conv(x, m, 3)
        made.append(net.add(a, net.conv(a, m, 3, act="linear")))
    x = net.conv(net.concat(*made), m, 1, act="linear")
    if form == "rgb":
        net.output("rgb", net.conv(x, 3, 3, **SAMPLES))
    else:
        net.output("y", net.conv(x, 1, 3, **SAMPLES))
        net.output("uv", net.conv(x, 2, 3, stride=2, **SAMPLES))
    return net.done()


def cnnif_s(form="yuv"):
    """CNNIF_S: two units of 32 channels."""
    return cnnif(2, 32, form, "cnnif_s")


def cnnif_xs():
    """CNNIF_S at a quarter of the cost: two units of 16 channels."""
    return cnnif(2, 16, "yuv", "cnnif_xs")


def cnnif_rgb():
    """CNNIF as the paper has it: RGB, on the output picture."""
    return cnnif(form="rgb", name="cnnif_rgb")


def cnnif_s_rgb():
    """CNNIF_S as the paper has it."""
    return cnnif(2, 32, "rgb", "cnnif_s_rgb")


def cnnif_xs_rgb():
    """The same with 16 channels."""
    return cnnif(2, 16, "rgb", "cnnif_xs_rgb")


def lop(f=16, half=24):
    """Our low-complexity filter: residual blocks at full resolution, one at half in between; chroma has a branch.

    What chroma asks of layers that it shares is lost to luma, so its branch has its own: a few, at half resolution.
    """
    net = _describe("lop")

    def block(x, channels):
        return net.add(x, net.conv(net.conv(x, channels, 3), channels, 3, act="linear"))

    luma = net.concat(*(net.input(name) for name in ("rec_y", "pred_y", "res_y")))
    chroma = net.concat(net.input("rec_u", 1, 1), net.input("rec_v", 1, 1), net.input("edges", 1, 1, 0, 512))
    qp = _qp(net)
    near = block(net.conv(net.concat(luma, _doubled(net, chroma), qp), f, 3), f)
    wide = block(net.conv(near, half, 3, stride=2), half)
    both = block(net.add(near, net.deconv(wide, f, act="linear")), f)
    net.output("y", net.conv(net.conv(net.concat(near, both), f, 1), 1, 3, **SAMPLES))
    x = net.conv(net.concat(net.conv(net.concat(luma, qp), 5, 3, stride=2), chroma), 12, 3)
    x = net.conv(net.conv(x, 12, 3), 12, 3)
    net.output("uv", net.conv(x, 2, 3, **SAMPLES))
    return net.done()


def dlsr_s(f=24, blocks=2):
    """What DLSR (TCSVT 2018) adds to samples that were scaled up, at half resolution throughout. Luma.

    The paper's net takes samples at half size and has a deconvolution; in these layers the first one has stride 2, and
    the last one's channels are the four samples.
    """
    net = _describe("dlsr_s")
    x = net.conv(net.concat(net.input("rec_y"), _qp(net)), f, 5, stride=2)
    for _ in range(blocks):
        x = net.add(x, net.conv(net.conv(x, f, 3), f, 3, act="linear"))
    net.output("y", net.shuffle(net.conv(x, 4, 3, **SAMPLES)))
    return net.done()


LOOP_FILTERS = dict(
    vrcnn=vrcnn, vrcnn_s=vrcnn_s, rrcnn=rrcnn, rrcnn_m=rrcnn_m, rrcnn_s=rrcnn_s, cnnif=cnnif, cnnif_s=cnnif_s,
    cnnif_xs=cnnif_xs, lop=lop,
)  # fmt: skip
OUTPUT_FILTERS = dict(cnnif_rgb=cnnif_rgb, cnnif_s_rgb=cnnif_s_rgb, cnnif_xs_rgb=cnnif_xs_rgb)
SCALING_NETS = dict(dlsr_s=dlsr_s)
ARCHITECTURES = {**LOOP_FILTERS, **OUTPUT_FILTERS, **SCALING_NETS}
