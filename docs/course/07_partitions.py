"""Quadtrees and partitions: what the encoder chose at four QPs."""

# %% [markdown]
# # Quadtrees and partitions
#
# Large blocks where nothing happens, small ones where much does. The picture is divided into squares, and each square,
# if that pays, into four.
#
# H.264 has macroblocks of 16x16 samples. In H.265 a **coding tree unit** of up to 64x64 is divided by a quadtree into
# **coding units** (CU) down to 8x8; a coding unit into **prediction units** (PU), which have a mode or a vector each;
# and what is left is transformed in **transform units** (TU), by a quadtree of their own.

# %%
import numpy as np

from cli.course.figures import SERIES, new_figure
from cli.course.lab import code, overlay, typed
from cli.course.shown import Panels, Plot, Rows
from cli.inspect.figures import CU_SIZES, TU_SIZES, block_sums, figures

QPS = (22, 27, 32, 37)
intra = {qp: code(f"-c encoder_intra_main.cfg -q {qp} -f 1") for qp in QPS}
inter = {qp: code(f"-c encoder_lowdelay_P_main.cfg -q {qp}") for qp in QPS}

# %% [markdown]
# ## An intra picture at four QPs

# %%
units = {qp: len(made.pictures[0].statistics.coding_units) for qp, made in intra.items()}
Panels(
    [
        (f"QP {qp}: {made.bits} bits, {made.psnr():.1f} dB, {units[qp]} coding units", overlay(made.pictures[0], "cu"))
        for qp, made in intra.items()
    ],
    "The first picture of the clip, as it was decoded, with the borders of its coding units by `pyinspect`'s own "
    "layers. The coarser the quantiser, the larger the blocks: what small blocks would save in error is no longer "
    "worth their bits.",
    least=330,
)

# %% [markdown]
# ## A picture with motion at four QPs

# %%
Panels(
    [
        (f"QP {qp}: {last.bits} bits, {last.psnr[0]:.1f} dB", overlay(made.pictures[-1], "skip,cu,pu"))
        for qp, made in inter.items()
        for last in [made.reports[-1]]
    ],
    "The last picture, coded with low delay. Blue: skipped, the motion of a neighbour and no residual; green: "
    "merged, the motion of a neighbour; violet: motion of its own; red: intra. Orange lines part prediction units.",
    least=330,
)

# %%
shares = {qp: figures(block_sums(made.pictures[-1].statistics)) for qp, made in inter.items()}
intra_shares = {qp: figures(block_sums(made.pictures[0].statistics)) for qp, made in intra.items()}


def stacked(found, kind, names, title):
    figure, axes = new_figure(3.3, 2.6)
    bottom = np.zeros(len(QPS))
    for name, colour in zip(names, SERIES):
        values = np.array([100 * (found[qp][kind][str(name)] or 0) for qp in QPS])
        axes.bar([str(qp) for qp in QPS], values, bottom=bottom, color=colour, label=str(name), width=0.7)
        bottom += values
    axes.set(xlabel="QP", ylabel="share of the area, %", ylim=(0, 100))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.22), ncols=4, fontsize=8, handlelength=0.9, columnspacing=1)
    return title, figure


Panels(
    [
        stacked(intra_shares, "cu_size", CU_SIZES, "coding units of the intra picture, by size"),
        stacked(shares, "cu_size", CU_SIZES, "coding units of the inter picture, by size"),
        stacked(intra_shares, "coded_tu_size", TU_SIZES, "transform units with a residual, intra picture, by size"),
        stacked(shares, "modes", ("skip", "merge", "inter", "intra"), "modes of the inter picture"),
    ],
    "The same in figures, from `pyinspect stats`.",
    least=300,
)

# %% [markdown]
# ## What division is worth
#
# Forbid it, level by level, and measure what the picture costs.

# %%
rows, depth_rate = [], {}
for depth in (1, 2, 3, 4):
    # squares of 64 have no transform of their own size: they are at least halved for it
    points = {qp: code(f"-c encoder_intra_main.cfg -q {qp} -f 1 --MaxPartitionDepth={depth}") for qp in QPS}
    depth_rate[depth] = [(made.bits, made.psnr()) for made in points.values()]
    rows.append(
        [f"{64 >> (depth - 1)}x{64 >> (depth - 1)}", *(f"{made.bits} / {made.psnr():.2f}" for made in points.values())]
    )
Rows(["smallest coding unit", *(f"QP {qp}: bits / dB" for qp in QPS)], rows, "The first picture, all intra.")

# %%
figure, axes = new_figure(4.5, 3.0)
for depth, colour in zip(depth_rate, SERIES):
    rate, quality = np.array(depth_rate[depth]).T
    axes.plot(rate / 1000, quality, "o-", color=colour, label=f"{64 >> (depth - 1)}x{64 >> (depth - 1)}")
axes.set(xlabel="kbit", ylabel="PSNR of luma, dB")
axes.legend(title="smallest unit", loc="lower right")
Plot(
    figure,
    "Rate and quality for four depths of the quadtree. Each level that may be used moves the curve up and to the left.",
)

# %% [markdown]
# How does an encoder know which division is best? By the sum of error and bits, weighed against each other: the next
# chapter.

# %% [markdown]
# ## To type

# %%
typed(
    "pyenc -c encoder_lowdelay_P_main.cfg -i media/CiscoVT2people_320x192_12.yuv -o people.bin -q 27 > people.log; "
    "pyinspect stats -i people.bin"
)

# %%
typed("pyinspect overlay -i people.bin -o units.png --frames 4 --layers skip,cu,pu,tu --scale 5", picture="units.png")
