"""Intra prediction: all 35 predictions of one block by the codec's kernels; the directions of H.266."""

# %% [markdown]
# # Intra prediction
#
# A block is predicted from the samples around it that are already decoded: by their mean, by a plane, or by sending
# them across the block along a direction. H.265 has 35 ways, H.266 has 67.

# %%
import numpy as np

from cli.course.figures import BLUE, GREEN, ORANGE, QUIET, bare, new_figure
from cli.course.lab import code, entropy, stages, typed
from cli.course.shown import Panels, Plot, Rows
from codec.common.blocks.distortion import satd
from codec.h265.intra_modes import INTRA_DC, INTRA_HOR, INTRA_PLANAR, INTRA_PRED_ANGLE, INTRA_VER, MODES
from codec.h265.recon.intra import SCRATCH_SAMPLES, predict_all_modes
from codec.h265.recon.intra_reference import filter_reference

record = stages("-c encoder_intra_main.cfg -q 27")[-1]
decoded, original = record.reconstructed[0], record.original[0]
N, LOG2 = 16, 4


def reference_line(x, y):
    """The 4 * N + 1 samples around a block whose neighbours are all decoded: up the left side, then along the top."""
    left = decoded[y + 2 * N - 1 : y - 1 if y else None : -1, x - 1]
    return np.concatenate([left, decoded[y - 1, x - 1 : x + 2 * N]]).astype(np.int16)


def predictions(x, y):
    """(MODES, N, N) predictions of the block at (x, y), and their Hadamard costs."""
    line, smooth = reference_line(x, y), np.zeros(4 * N + 1, np.int16)
    filter_reference(line, N, smooth, False, 8)
    out = np.zeros((MODES, N * N), np.int16)
    predict_all_modes(line, smooth, LOG2, 8, out, np.zeros(SCRATCH_SAMPLES, np.int16))
    source = np.ascontiguousarray(original[y : y + N, x : x + N]).ravel()
    return out.reshape(MODES, N, N), np.array([int(satd(source, 0, each.copy(), 0, LOG2)) for each in out])


# first block of each coding tree unit: there all neighbours are decoded; the one where choosing pays most
corners = [(x, y) for y in range(64, 129, 64) for x in range(64, 257, 64)]
tried = {at: predictions(*at) for at in corners}
at = max(corners, key=lambda place: np.median(tried[place][1]) - tried[place][1].min())
predicted, costs = tried[at]
x, y = at
best = int(costs.argmin())

# %% [markdown]
# ## All predictions of one block
#
# Here is a block of {{N}}x{{N}} luma samples of the clip with the decoded samples around it, and then everything that
# H.265 can predict from these.

# %%
ways = {INTRA_PLANAR: "planar", INTRA_DC: "DC", INTRA_HOR: "horizontal", INTRA_VER: "vertical"}
figure, axes = new_figure(2.6, 2.6)
bare(axes)
window = np.full((2 * N + 1, 2 * N + 1), np.nan)
line = reference_line(x, y)
window[1:, 0] = line[: 2 * N][::-1]
window[0, :] = line[2 * N :]
window[1 : N + 1, 1 : N + 1] = original[y : y + N, x : x + N]
low, high = np.nanmin(window), np.nanmax(window)
axes.imshow(window, cmap="gray", vmin=low, vmax=high)
axes.plot([0.5, N + 0.5, N + 0.5, 0.5, 0.5], [0.5, 0.5, N + 0.5, N + 0.5, 0.5], color=ORANGE, linewidth=1.2)
axes.plot(
    [-0.5, -0.5, 2 * N + 0.5, 2 * N + 0.5, 0.5, 0.5, -0.5],
    [2 * N + 0.5, -0.5, -0.5, 0.5, 0.5, 2 * N + 0.5, 2 * N + 0.5],
    color=QUIET,
    linewidth=0.7,
)
Plot(
    figure,
    f"The block at ({x}, {y}) of the last picture, framed, and the line of {4 * N + 1} samples that all predictions "
    "are made of.",
)

# %%
figure, grid = new_figure(4.8, 7.6, 7, 5)
for mode, axes in enumerate(grid.ravel()):
    bare(axes)
    axes.imshow(predicted[mode], cmap="gray", vmin=low, vmax=high)
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.5)
    name = f"{mode} {ways[mode]}" if mode in ways else f"{mode}"
    axes.set_title(
        f"{name}\n{costs[mode]}",
        fontsize=7.5,
        color=ORANGE if mode == best else QUIET,
        pad=2,
        weight="bold" if mode == best else "normal",
    )
Plot(
    figure,
    f"All {MODES} predictions of this block by `recon/intra.py`, and below each number its cost: the sum of the "
    f"Hadamard coefficients of what is left. Mode {best} is best.",
)

# %%
figure, axes = new_figure(4.5, 2.5)
axes.bar(range(MODES), costs, color=[ORANGE if mode == best else BLUE for mode in range(MODES)])
axes.set(xlabel="mode", ylabel="cost (SATD)")
Plot(figure, "The same costs. Neighbouring directions cost alike, so an encoder need not try them all.")

# %% [markdown]
# **Planar** is the mean of two ramps, from left to right and from top to bottom; **DC** is the mean of the neighbours.
# An **angular** mode takes each sample from where its direction meets the line of neighbours. The direction is a number
# $d$ of 1/32 samples a row: with $i = ((y + 1) d) \gg 5$ and $f = ((y + 1) d) \mathbin{\&} 31$, vertical modes are
#
# $$ p(x, y) = ((32 - f) \cdot r(x + i + 1) + f \cdot r(x + i + 2) + 16) \gg 5 . $$

# %% [markdown]
# ## 33 directions, and 65
#
# H.266 puts a direction between each two of H.265's. (pyenc codes H.265 and so has {{MODES}} modes; the drawing on the
# right is geometry alone.)

# %%
# (H.266, table 24) intraPredAngle of the modes from horizontal or vertical outwards
STEPS_266 = [0, 1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 18, 20, 23, 26, 29, 32]
angles_265 = INTRA_PRED_ANGLE[2:MODES]
# horizontal modes from bottom left (2) to the diagonal, then vertical ones to top right: mode by mode
angles_266 = [*STEPS_266[::-1], *(-a for a in STEPS_266[1:]), *(-a for a in STEPS_266[-2:0:-1]), *STEPS_266]


def fan(angles, first_vertical):
    """Lines from the middle of a block to where its directions point."""
    figure, axes = new_figure(2.9, 2.9)
    bare(axes)
    for number, angle in enumerate(angles):
        dx, dy = (angle / 32, 1) if number >= first_vertical else (-1, -angle / 32)
        axes.plot([0, dx], [0, dy], color=BLUE if number >= first_vertical else ORANGE, linewidth=0.9)
    axes.plot([-1, -1, 1], [-1, 1, 1], color=QUIET, linewidth=1.5)
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
    return figure


Panels(
    [
        (f"H.265: {len(angles_265)} directions, planar and DC", fan(angles_265, 16)),
        (f"H.266: {len(angles_266)} directions, planar and DC", fan(angles_266, 32)),
    ],
    "Horizontal directions are orange, vertical ones blue. They are closer together near the axes, where pictures "
    "have most of theirs.",
    least=240,
)

# %% [markdown]
# ## What choosing is worth

# %%
all_costs = np.concatenate([tried[place][1][None] for place in corners])
sets = {
    "DC alone": [INTRA_DC],
    "DC, planar, horizontal, vertical": [INTRA_DC, INTRA_PLANAR, INTRA_HOR, INTRA_VER],
    f"all {MODES}": list(range(MODES)),
}
mean_cost = {name: float(all_costs[:, modes].min(1).mean()) for name, modes in sets.items()}


def left_over(modes):
    """Entropy of what the best of these modes leaves of all the blocks."""
    parts = []
    for place in corners:
        made, cost = tried[place]
        chosen = min(modes, key=lambda m: cost[m])
        parts.append(original[place[1] : place[1] + N, place[0] : place[0] + N].astype(int) - made[chosen])
    return entropy(np.concatenate(parts))


left = {name: left_over(modes) for name, modes in sets.items()}
Rows(
    ["modes to choose from", "mean cost (SATD)", "entropy of the residual, bits a sample"],
    [[name, f"{mean_cost[name]:.0f}", f"{left[name]:.2f}"] for name in sets],
    f"The best mode of each, over {len(corners)} blocks of {N}x{N} samples of the picture.",
)

# %%
picture = code("-c encoder_intra_main.cfg -q 27").pictures[-1]
modes, size = picture.statistics.intra_blocks["luma_mode"], picture.statistics.intra_blocks["size"]
used = np.bincount(modes, weights=size.astype(float) ** 2, minlength=MODES)
figure, axes = new_figure(4.5, 2.5)
axes.bar(
    range(MODES),
    100 * used / used.sum(),
    color=[GREEN if m in (INTRA_PLANAR, INTRA_DC) else BLUE for m in range(MODES)],
)
axes.set(xlabel="mode", ylabel="share of the area, %")
Plot(
    figure,
    "What the encoder chose in this picture at QP 27: planar and DC (green) in "
    f"{100 * used[:2].sum() / used.sum():.0f} % of the area, then horizontal ({INTRA_HOR}), vertical ({INTRA_VER}) "
    "and their neighbours.",
)

# %% [markdown]
# The mode itself must be sent, too. A list of three **most probable modes** is made from the blocks to the left and
# above; one of these costs two or three bits, any other one six.

# %% [markdown]
# ## To type

# %%
typed("pyenc -c encoder_intra_main.cfg -i media/CiscoVT2people_320x192_12.yuv -o people.bin -q 27 | grep ^POC")

# %%
typed("pyinspect overlay -i people.bin -o modes.png --frames 4 --layers cu,modes --scale 5", picture="modes.png")
