"""The CNN loop filter: nets in place of deblocking, or behind it."""

# %% [markdown]
# # A net in the loop
#
# Deblocking knows a few samples on each side of an edge. A net looks at the picture around each sample, at the
# residual, at QP, and says by how much the sample should change. All pictures that follow build on the result.
#
# The papers taught here are VRCNN, which works in place of deblocking and SAO, and RRCNN, which also sees the residual:
# where the residual is large, so mostly is the error. pyenc has these, a dense net called CNNIF, and `lop`, a net made
# for low cost. All run in **exact integers**, so that the decoder has the encoder's pictures to the bit on any machine.

# %%
import numpy as np

from cli.course.figures import ORANGE, QUIET, new_figure
from cli.course.lab import QPS, bd_rates, change, clip, code, curve, grey, overlay, stages, typed
from cli.course.shown import Panels, Plot, Rows
from nets.weights import find

QP = 37
PLAIN, LOP = "-c encoder_intra_main.cfg -f 1", "-c encoder_intra_lop.cfg -f 1"
plain, lop = code(f"{PLAIN} -q {QP}"), code(f"{LOP} -q {QP}")
original = clip()[0][0]
before, after = plain.pictures[0].planes[0], lop.pictures[0].planes[0]
view = (slice(40, 136), slice(160, 304))

# %% [markdown]
# ## Before, after, difference
#
# One picture at QP {{QP}}: H.265 with deblocking and SAO, and with `lop` in place of deblocking.

# %%
Panels(
    [
        ("original", grey(original[view])),
        (f"H.265: {plain.bits} bits, {plain.psnr():.2f} dB in all", grey(before[view])),
        (f"with the net: {lop.bits} bits, {lop.psnr():.2f} dB in all", grey(after[view])),
        ("the second picture less the first, eight times as strong", change(after, before)[view]),
        ("error of H.265, four times as strong", change(before, original, 4)[view]),
        ("error with the net, four times as strong", change(after, original, 4)[view]),
    ],
    "Edges that were frayed by quantisation are lines again, and flat areas are flat. What was lost altogether, such "
    "as skin's grain, no filter brings back.",
    least=250,
)

# %% [markdown]
# ## What guides the net
#
# Its inputs besides the samples: the residual, and where edges of blocks are. Both are known to the decoder.

# %%
record = stages(f"{PLAIN} -q {QP}")[0]
edges = np.kron(record.strengths.max(0), np.ones((4, 4), int))[: original.shape[0], : original.shape[1]]
error = np.abs(record.reconstructed[0].astype(int) - original)
residual = np.abs(record.residual.astype(int))
quarters = np.percentile(residual[residual > 0], [0, 33, 67, 100])
bands = [("no residual", residual == 0)] + [
    (f"{words} residual", (residual > 0) & (residual >= low) & (residual <= high))
    for words, low, high in zip(("small", "middle", "large"), quarters, quarters[1:])
]
by_band = {name: float((error[mask].astype(float) ** 2).mean()) for name, mask in bands}
Panels(
    [
        ("reconstruction before any filter", grey(record.reconstructed[0])),
        ("residual, four times as strong", grey(128 + 4 * record.residual.astype(int))),
        ("edges of blocks, by strength", grey(255 - 110 * edges)),
        ("what is wrong with the reconstruction, four times as strong", change(record.reconstructed[0], original, 4)),
    ],
    f"The mean squared error is {by_band['no residual']:.0f} where the residual is zero, and "
    f"{by_band['small residual']:.0f}, {by_band['middle residual']:.0f} and {by_band['large residual']:.0f} in the "
    "thirds of samples with a small, a middle and a large one.",
    least=330,
)

# %% [markdown]
# ## What is chosen
#
# The encoder decides for each picture which net, for each component whether it is on everywhere, off, or switched by a
# flag in each coding tree unit, and one of four factors for the corrections. It compares squared error divided by
# $\lambda$ plus bits. In inter pictures areas that were copied from a filtered picture need no second filtering; so
# there it is switched.

# %%
moving = code("-c encoder_lowdelay_P_main.cfg --CnnLoopFilter=lop -q 32")
shares = [report.tools["cnn_filter_share_y"] for report in moving.reports]
Panels(
    [
        (
            f"all intra: luma filtered in {100 * lop.tool('cnn_filter_share_y'):.0f} % of the units",
            overlay(lop.pictures[0], "filters"),
        ),
        (f"picture 2 of low delay P: {100 * shares[2]:.0f} %", overlay(moving.pictures[2], "skip,filters")),
    ],
    "Coding tree units, and in each a square for every filter that changes it: dark and light green SAO, orange the "
    "net in Y, blue in Cb, pink in Cr.",
    least=330,
)

# %% [markdown]
# ## What it gains, and what it costs

# %%
TESTS = {
    "`lop` in place of deblocking": (LOP, "lop_instead"),
    "`lop` behind SAO": (f"{PLAIN} --CnnLoopFilter=lop", "lop_intra"),
    "VRCNN in place of both": (f"{PLAIN} --CnnLoopFilter=vrcnn --CnnLoopFilterPlace=instead", "vrcnn_instead"),
    "RRCNN, middle, behind SAO": (f"{PLAIN} --CnnLoopFilter=rrcnn_m", "rrcnn_m_intra"),
    "RRCNN, small, behind SAO": (f"{PLAIN} --CnnLoopFilter=rrcnn_s", "rrcnn_s_intra"),
    "CNNIF, very small, behind SAO": (f"{PLAIN} --CnnLoopFilter=cnnif_xs", "cnnif_xs_intra"),
}
gains = {name: bd_rates(PLAIN, options) for name, (options, _) in TESTS.items()}
Rows(
    ["net", "Y %", "U %", "V %", "parameters", "kMAC a pixel"],
    [
        [
            name.replace("`", ""),
            *(f"{gain:+.1f}" for gain in gains[name]),
            f"{find(net).parameters:,}",
            f"{find(net).macs_per_pixel / 1000:.1f}",
        ]
        for name, (_, net) in TESTS.items()
    ],
    f"BD-rate against H.265 with deblocking and SAO, one picture, QP {', '.join(map(str, QPS))}: negative is fewer "
    "bits for the same quality. VRCNN and RRCNN filter luma alone; in place of both filters, chroma goes "
    "unfiltered. One picture says little about others: docs/TOOLS.md has eight clips.",
)

# %%
figure, axes = new_figure(4.5, 3.0)
curves = {"H.265": curve(PLAIN), "with lop in place of deblocking": curve(LOP)}
for (name, made), colour in zip(curves.items(), (QUIET, ORANGE)):
    axes.plot([m.bits / 1000 for m in made], [m.psnr() for m in made], "o-", color=colour, label=name)
axes.set(xlabel="kbit", ylabel="PSNR of luma, dB")
axes.legend(loc="lower right")
Plot(
    figure,
    "The first picture of the clip. The net gains "
    f"{', '.join(f'{b.psnr() - a.psnr():.2f}' for a, b in zip(*curves.values()))} dB at QP "
    f"{', '.join(map(str, QPS))}.",
)

# %% [markdown]
# ## To type

# %%
typed(
    "pyenc -c encoder_intra_lop.cfg -i media/CiscoVT2people_320x192_12.yuv -o filtered.bin -q 37 -f 2 | grep ^POC; "
    "pydec -i filtered.bin -o filtered.yuv | grep -o 'POC *[0-9]*\\|(OK)' | paste - -"
)

# %%
typed("pyinspect overlay -i filtered.bin -o filters.png --frames 0 --layers filters", picture="filters.png")
