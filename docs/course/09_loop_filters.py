"""Deblocking in H.261, H.264 and H.265, and sample adaptive offset."""

# %% [markdown]
# # Deblocking, and sample adaptive offset
#
# Blocks are coded apart, so their borders show. Filters make the jumps smaller where they come from coding, and try to
# leave them where they come from the picture.
#
# Since H.264 (and annex J of H.263) this happens **in the loop**: pictures that are referred to are filtered ones, so
# the decoder must filter to the last bit as the encoder does, and prediction gets better.

# %%
import numpy as np

from cli.course.figures import BLUE, GREEN, INK, ORANGE, QUIET, new_figure
from cli.course.lab import change, code, grey, psnr, stages, typed
from cli.course.shown import Panels, Plot, Rows
from cli.measure.bd import bd_rate
from codec.h265.filters.deblock import BETA_TABLE, TC_TABLE, _filter_luma, _luma_decision
from codec.h265.filters.deblock_edges import EDGE_VER

QP = 37
record = stages(f"-c encoder_intra_main.cfg -q {QP} -f 1")[0]
original, before, deblocked, filtered = (
    planes[0].astype(int) for planes in (record.original, record.reconstructed, record.deblocked, record.filtered)
)
strong = record.strengths[EDGE_VER]


def error(plane, rows, columns):
    return int(((plane - original)[rows, columns] ** 2).sum())


# %% [markdown]
# ## The same edge through three filters
#
# Below, an edge between two blocks of the clip at QP {{QP}} goes through the filters of three standards.
#
# **H.261** smooths the inside of each 8x8 block of a prediction, in both directions, with
#
# $$ \left[ \tfrac{1}{4}, \; \tfrac{1}{2}, \; \tfrac{1}{4} \right] , $$
#
# and leaves the samples at the block's own borders as they are. It takes noise out of what is predicted, but does not
# reach across the edge. It is switched for a macroblock as a whole.


# %%
def h261(plane):
    """The loop filter of H.261 (3.2.3), inside each block of 8x8; not across its border."""
    out = plane.astype(float)
    for axis in (0, 1):
        moved = (np.roll(out, 1, axis) + 2 * out + np.roll(out, -1, axis)) / 4
        place = np.arange(plane.shape[axis]) % 8
        inside = (place > 0) & (place < 7)
        out = np.where(inside[:, None] if axis == 0 else inside[None], moved, out)
    return np.floor(out + 0.5).astype(int)


# %% [markdown]
# **H.264** filters across the edges of 4x4 blocks (or 8x8, where transforms are that large). How strongly depends on
# the edge: the border of an intra macroblock has strength 4, an edge inside it 3, others have 2 to 0 by whether there
# are residuals and unlike motion. A line across the edge, $p_2 p_1 p_0 | q_0 q_1 q_2$, is filtered only if
#
# $$ |p_0 - q_0| < \alpha, \quad |p_1 - p_0| < \beta, \quad |q_1 - q_0| < \beta , $$
#
# where $\alpha$ and $\beta$ grow with QP: a larger jump is believed to be one of the picture.

# %%
# (H.264, table 8-16) alpha and beta by index 16..51, 0 below
ALPHA = [0] * 16 + [
    4,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    12,
    13,
    15,
    17,
    20,
    22,
    25,
    28,
    32,
    36,
    40,
    45,
    50,
    56,
    63,
    71,
    80,
    90,
    101,
    113,
    127,
    144,
    162,
    182,
    203,
    226,
    255,
    255,
]
BETA = [0] * 16 + [
    2,
    2,
    2,
    3,
    3,
    3,
    3,
    4,
    4,
    4,
    6,
    6,
    7,
    7,
    8,
    8,
    9,
    9,
    10,
    10,
    11,
    11,
    12,
    12,
    13,
    13,
    14,
    14,
    15,
    15,
    16,
    16,
    17,
    17,
    18,
    18,
]


def h264(plane, x, lines, qp):
    """H.264's luma filter of strength 4 (8.7.2.4) on a vertical edge."""
    out, alpha, beta = plane.copy(), ALPHA[qp], BETA[qp]
    for y in range(lines.start, lines.stop):
        p, q = [plane[y, x - 1 - k] for k in range(4)], [plane[y, x + k] for k in range(4)]
        if abs(p[0] - q[0]) >= alpha or abs(p[1] - p[0]) >= beta or abs(q[1] - q[0]) >= beta:
            continue
        for a, b, step in ((p, q, -1), (q, p, 1)):
            start = x + (step - 1) // 2
            if abs(a[2] - a[0]) < beta and abs(p[0] - q[0]) < (alpha >> 2) + 2:
                out[y, start] = (a[2] + 2 * a[1] + 2 * a[0] + 2 * b[0] + b[1] + 4) >> 3
                out[y, start + step] = (a[2] + a[1] + a[0] + b[0] + 2) >> 2
                out[y, start + 2 * step] = (2 * a[3] + 3 * a[2] + a[1] + a[0] + b[0] + 4) >> 3
            else:
                out[y, start] = (2 * a[1] + a[0] + b[1] + 2) >> 2
    return out


# %% [markdown]
# **H.265** filters edges of prediction and transform blocks on a grid of 8x8 samples alone, so that all edges of a
# direction can be filtered side by side. It decides for four lines at once, by how straight they are on both sides:
#
# $$ \begin{array}{l} |p_{2,0} - 2 p_{1,0} + p_{0,0}| + |q_{2,0} - 2 q_{1,0} + q_{0,0}| \\ + \; |p_{2,3} - 2 p_{1,3} +
# p_{0,3}| + |q_{2,3} - 2 q_{1,3} + q_{0,3}| < \beta . \end{array} $$
#
# Then it filters strongly (three samples a side) or weakly (one or two), and never changes a sample by more than $t_C$
# allows.


# %%
def h265(plane, x, lines, qp):
    """The codec's kernels on a vertical edge of strength 2, four lines at a time."""
    flat, width = plane.astype(np.int16).ravel(), plane.shape[1]
    beta, tc = np.int32(BETA_TABLE[qp]), np.int32(TC_TABLE[qp + 2])
    for y in range(lines.start, lines.stop, 4):
        decision = _luma_decision(flat, y * width + x, 1, width, beta, tc)
        if decision:
            _filter_luma(flat, y * width + x, 1, width, decision, tc, True, True, np.int32(255))
    return flat.reshape(plane.shape).astype(int)


def around(top, x):
    return slice(top, top + 16), slice(x - 8, x + 8)


def gain(at):
    """What the weaker of the two filters takes off the squared error around an edge."""
    rows, columns = around(*at)
    return min(error(before, rows, columns) - error(f(before, at[1], rows, QP), rows, columns) for f in (h264, h265))


# vertical edges of macroblocks, sixteen samples down; the one that both filters mend best
edges = [(y, x) for y in range(0, 176, 16) for x in range(16, 304, 16) if strong[y // 4 : y // 4 + 4, x // 4].all()]
top, edge = max(edges, key=gain)
rows, columns = around(top, edge)
results = {
    "before": before,
    "H.261": h261(before),
    "H.264": h264(before, edge, rows, QP),
    "H.265": h265(before, edge, rows, QP),
}
errors = {name: error(plane, rows, columns) for name, plane in results.items()}
colours = dict(zip(results, (QUIET, ORANGE, GREEN, BLUE)))
line = top + int(
    np.argmax(
        np.abs(before[rows, edge] - before[rows, edge - 1])
        * (np.abs(results["H.265"] - before)[rows, columns].sum(1) > 0)
    )
)
across = np.arange(-8, 8)
figure, axes = new_figure(4.5, 3.1)
axes.plot(across, original[line, columns], ":", color=INK, label="original", linewidth=1.2)
for name, plane in results.items():
    axes.plot(
        across,
        plane[line, columns],
        "o-" if name in ("before", "H.265") else "-",
        color=colours[name],
        label=name,
        markersize=3.5,
        linewidth=1.4,
    )
axes.axvline(-0.5, color=QUIET, linewidth=0.8)
axes.set(xlabel="samples from the edge", ylabel="luma")
axes.legend(ncols=2, loc="upper center")
Plot(
    figure,
    f"Line {line - top} of the edge, across it. At the edge H.261's filter smooths along it, not across it: the jump "
    "stays. H.264's and H.265's make a ramp of the jump.",
)

# %%
low, high = min(p[rows, columns].min() for p in results.values()), max(p[rows, columns].max() for p in results.values())


def stretched(plane):
    part = plane[rows, columns]
    return np.repeat(np.repeat(np.clip((part - low) * 255 // max(1, high - low), 0, 255).astype(np.uint8), 8, 0), 8, 1)


Panels(
    [("original", stretched(original))]
    + [(f"{name}: squared error {errors[name]}", stretched(plane)) for name, plane in results.items()],
    f"The edge at ({edge}, {top}) and 16x16 samples around it, with contrast stretched. The blocks' border is in the "
    "middle; horizontal edges are not filtered here.",
    least=150,
)

# %%
figure, axes = new_figure(4.5, 2.6)
axes.plot(BETA_TABLE, color=BLUE, label="β of H.265")
axes.plot(TC_TABLE[:52], color=ORANGE, label="tC of H.265")
axes.plot(BETA, color=GREEN, linestyle="--", label="β of H.264")
axes.set(xlabel="QP", ylabel="8-bit samples")
axes.legend()
Plot(
    figure,
    "Thresholds by QP: those of H.265 from the codec's tables. (Both standards compare β with different sums: slopes "
    "in H.264, bends in H.265.)",
)

# %% [markdown]
# ## A whole picture: deblocking, then SAO
#
# **Sample adaptive offset** comes next in H.265. For each coding tree block the encoder sends offsets for samples of
# four kinds. *Edge offset* compares a sample with its two neighbours along one of four directions: it may be lower than
# both, higher than both, or one of two sorts of corner. *Band offset* goes by brightness: of 32 bands, four in a row
# have offsets. The decoder sees the kinds for itself.

# %%
stages_ = {"before the filters": before, "deblocked": deblocked, "with SAO": filtered}
quality = {name: psnr(plane, original) for name, plane in stages_.items()}
view = (slice(40, 136), slice(160, 304))
Panels(
    [("original", grey(original[view]))]
    + [(f"{name}: {quality[name]:.2f} dB in all", grey(plane[view])) for name, plane in stages_.items()]
    + [
        ("what deblocking changes, eight times as strong", change(deblocked, before)[view]),
        ("what SAO changes, eight times as strong", change(filtered, deblocked)[view]),
    ],
    f"A part of the first picture at QP {QP}, made by the codec's kernels.",
    least=250,
)

# %%
inter = {}
for name, options in {
    "no filters": "--LoopFilterDisable=1 --SAO=0",
    "deblocking": "--SAO=0",
    "SAO": "--LoopFilterDisable=1",
    "both": "",
}.items():
    made = [code(f"-c encoder_lowdelay_P_main.cfg -q {qp} {options}") for qp in (22, 27, 32, 37)]
    inter[name] = [(m.bits, m.psnr()) for m in made]
rates = {name: bd_rate(inter["no filters"], points).value for name, points in inter.items()}
Rows(
    ["in the loop", *(f"QP {qp}: bits / dB" for qp in (22, 27, 32, 37)), "BD-rate, %"],
    [[name, *(f"{bits} / {db:.2f}" for bits, db in points), f"{rates[name]:+.2f}"] for name, points in inter.items()],
    "All five pictures with low delay: filtered pictures are better references, so fewer bits are needed in those "
    "that follow.",
)

# %% [markdown]
# ## To type

# %%
typed(
    "pyenc -c encoder_intra_main.cfg -i media/CiscoVT2people_320x192_12.yuv -o off.bin -q 37 -f 1 "
    "--LoopFilterDisable=1 --SAO=0 | grep ^POC; pyenc -c encoder_intra_main.cfg -i "
    "media/CiscoVT2people_320x192_12.yuv -o on.bin -q 37 -f 1 | grep ^POC"
)

# %%
typed("pyinspect overlay -i on.bin -o sao.png --frames 0 --layers sao --scale 5", picture="sao.png")
