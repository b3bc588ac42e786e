"""Motion: search patterns on a real error surface, fractional samples, and who refers to whom."""

# %% [markdown]
# # Motion search
#
# Most of a picture was in the picture before, a little elsewhere. The encoder looks for where; only the vector and what
# is left over are sent.
#
# The search minimises the sum of absolute differences between the block and its place in the reference picture,
#
# $$ \mathrm{SAD}(d_x, d_y) = \sum_{x, y} | s(x, y) - r(x + d_x, y + d_y) | . $$

# %%
import types

import numpy as np

import codec.h265.encoder.search.inter.motion_search as motion_search
from cli.course.figures import BLUE, GREEN, ORANGE, QUIET, bare, new_figure
from cli.course.lab import clip, code, entropy, typed
from cli.course.shown import Panels, Plot, Rows
from codec.h265.encoder.search.inter.motion_search import (
    SEARCH_DIAMOND,
    SEARCH_FULL,
    SEARCH_TSS,
    SEARCH_TZ,
    new_motion_search,
    search_vector,
)
from codec.h265.encoder.search.inter.reference_planes import BORDER, fill_planes, new_plane_memory, new_planes
from codec.h265.recon.interpolation import LUMA_FILTER
from codec.h265.structs import PARAMS

AWAY = 3  # pictures from the current one, the last, to its reference: so things have moved
reference, current = clip()[-1 - AWAY][0], clip()[-1][0]
params = np.zeros(1, PARAMS)
params["pic_height"], params["pic_width"] = reference.shape
planes = new_planes(params[0], 1)
fill_planes(np.ascontiguousarray(reference), planes[0], 8, 0, planes.shape[2], new_plane_memory(planes))
SIZE, RANGE = 16, 16


def place(x, y, mv_x, mv_y, size=SIZE):
    """The prediction of a block by a vector in quarter samples, from the search's planes."""
    top, left = y + (mv_y >> 2) + BORDER, x + (mv_x >> 2) + BORDER
    return planes[0, 4 * (mv_y & 3) + (mv_x & 3), top : top + size, left : left + size].astype(int)


def surface(x, y):
    """SAD of the block at all full positions of +-RANGE samples: [dy + RANGE, dx + RANGE]."""
    block, steps = current[y : y + SIZE, x : x + SIZE].astype(int), range(-RANGE, RANGE + 1)
    return np.array([[np.abs(block - place(x, y, 4 * dx, 4 * dy)).sum() for dx in steps] for dy in steps])


def ready(x, y, method):
    """A MOTION_SEARCH for this block."""
    m = new_motion_search()
    m["method"], m["search_range"], m["narrow"], m["sqrt_lambda"] = method, RANGE, 1, 0.0
    m["x"], m["y"], m["width"], m["height"] = x, y, SIZE, SIZE
    m["source"].reshape(64, 64)[:SIZE, :SIZE] = current[y : y + SIZE, x : x + SIZE]
    return m


def block_at(x, y):
    return current[y : y + SIZE, x : x + SIZE].astype(int)


def sad(x, y, mv_x, mv_y):
    return int(np.abs(block_at(x, y) - place(x, y, mv_x, mv_y)).sum())


# of the blocks of the picture, the one that gains most by moving
blocks = [(x, y) for y in range(16, 160, 16) for x in range(16, 288, 16)]
surfaces = {at: surface(*at) for at in blocks}
x, y = max(blocks, key=lambda at: surfaces[at][RANGE, RANGE] - surfaces[at].min())
errors = surfaces[x, y]
best = np.array(np.unravel_index(errors.argmin(), errors.shape))[::-1] - RANGE

# %% [markdown]
# ## A real error surface, and four ways over it
#
# The block of {{SIZE}}x{{SIZE}} samples at ({{x}}, {{y}}) of the last picture has its least SAD {{AWAY}} pictures
# earlier at ({{best[0]}}, {{best[1]}}): {{errors.min()}}, where staying has {{errors[RANGE, RANGE]}}. To know this,
# {{errors.size}} positions were tried. Patterns try far fewer.
#
# * The **three-step search** tries the eight positions on a square around the centre, moves to the best, and halves the
#   square. The new three-step search (Li, Zeng and Liou), which pyenc has, also tries the nearest neighbours first, for
#   most blocks hardly move.
# * The **diamond search** tries a large diamond and moves to its best position as long as that is not the centre; then
#   a small diamond ends it.
# * HM's **test zones** try diamonds of growing size, and a coarse grid where the best is far away; then again around
#   the best.
#
# The codec's own functions run here, as plain Python with one change: whoever visits a position leaves a mark.

# %%
visits = []


def plainly(module, **instead):
    """The functions of a module of kernels as plain Python, some of them replaced."""
    names = dict(vars(module))
    for name, value in vars(module).items():
        if hasattr(value, "py_func") and value.py_func.__module__ == module.__name__:
            names[name] = types.FunctionType(value.py_func.__code__, names, name, value.py_func.__defaults__)
    names.update(instead)
    return names


def visit(m, flat, shape, slot, x, y, distance):
    """motion_search._visit, on the surface that is known."""
    if abs(x) <= RANGE and abs(y) <= RANGE:
        visits.append((int(x), int(y)))
        cost = float(errors[y + RANGE, x + RANGE])
        if cost < m.best_cost:
            m.best_cost, m.best_x, m.best_y, m.distance = cost, x, y, distance


plain = plainly(motion_search, _visit=visit)
METHODS = {
    "new three-step search": (SEARCH_TSS, "_three_step"),
    "diamond search": (SEARCH_DIAMOND, "_diamond"),
    "test zones": (SEARCH_TZ, "_test_zones"),
}
paths = {}
for name, (method, function) in METHODS.items():
    m = ready(x, y, method)[0]
    m.best_x = m.best_y = 0
    m.best_cost = float(errors[RANGE, RANGE])
    m.window[:] = -RANGE, -RANGE, RANGE, RANGE
    visits.clear()
    visits.append((0, 0))
    plain[function](m, None, None, 0)
    paths[name] = (list(dict.fromkeys(visits)), (int(m.best_x), int(m.best_y)))


def drawn(positions, end):
    figure, axes = new_figure(3.3, 3.3)
    axes.grid(False)
    axes.contourf(range(-RANGE, RANGE + 1), range(-RANGE, RANGE + 1), np.sqrt(errors), 24, cmap="Greys_r", alpha=0.75)
    if positions:
        px, py = np.array(positions).T
        axes.scatter(px, py, c=range(len(px)), cmap="plasma", s=20, linewidths=0.5, edgecolors="#ffffff")
    axes.plot(*best, "+", color=ORANGE, markersize=13, markeredgewidth=2)
    if end is not None:
        axes.plot(*end, "o", markerfacecolor="none", markeredgecolor=BLUE, markersize=11, markeredgewidth=1.8)
    axes.set(aspect="equal", xlim=(-RANGE - 0.5, RANGE + 0.5), ylim=(RANGE + 0.5, -RANGE - 0.5))
    return figure


def sad_at(end):
    return int(errors[end[1] + RANGE, end[0] + RANGE])


Panels(
    [(f"all {errors.size} positions: SAD {errors.min()}", drawn([], None))]
    + [
        (f"{name}: {len(positions)} positions, SAD {sad_at(end)}", drawn(positions, end))
        for name, (positions, end) in paths.items()
    ],
    "Dark is little error. The cross is the least of all, the ring is where the search ended; dots are the positions "
    "that it tried, from dark to bright in their order.",
    least=300,
)

# %% [markdown]
# A pattern may end in a hollow that is not the deepest. How often does that happen, and what does it cost? All blocks
# of the picture, starting at no motion:

# %%
rows = []
for name, method in {"full search": SEARCH_FULL, **{n: m for n, (m, _) in METHODS.items()}}.items():
    total, same = 0, 0
    for at in blocks:
        m = ready(*at, method)[0]
        search_vector(m, planes, 0)
        total += int(m["best_cost"])
        same += int(m["best_cost"]) == surfaces[at].min()
    rows.append((name, total, same))
least = rows[0][1]
search_sad = {name: total for name, total, _ in rows}
Rows(
    ["search", "sum of SAD", "more than full search, %", "blocks with the least SAD, %"],
    [
        [name, total, f"{100 * (total / least - 1):.1f}", f"{100 * same / len(blocks):.0f}"]
        for name, total, same in rows
    ],
    f"{len(blocks)} blocks by the compiled `motion_search.py`.",
)

# %% [markdown]
# ## Between samples
#
# Motion does not stop at full samples. H.265 makes samples at quarter positions with filters of eight taps:

# %%
taps = LUMA_FILTER.reshape(4, 8).astype(int)
figure, axes = new_figure(4.5, 2.6)
for fraction, colour in zip(range(1, 4), (BLUE, ORANGE, GREEN)):
    axes.plot(np.arange(-3, 5), taps[fraction], "o-", color=colour, label=f"{fraction}/4", linewidth=1.2)
axes.axhline(0, color=QUIET, linewidth=0.8)
axes.set(xlabel="sample", ylabel="weight, in 64ths")
axes.legend(title="position")
Plot(
    figure,
    f"The filters from the codec's table; each adds up to {taps[1].sum()}. They are cosine transforms that are read "
    "out between their samples, so they are called DCTIF.",
)

# %%
around = range(-6, 7)


def fine_surface(at):
    """SAD at quarter positions around the best full one: [dy + 6, dx + 6]."""
    best_x, best_y = np.array(np.unravel_index(surfaces[at].argmin(), surfaces[at].shape))[::-1] - RANGE
    return np.array([[sad(*at, 4 * best_x + dx, 4 * best_y + dy) for dx in around] for dy in around])


between = {at: fine_surface(at) for at in blocks}
# the block that gains most by a finer vector
finest = max(blocks, key=lambda at: between[at][6, 6] - between[at].min())
fine = between[finest]
at_full, at_half, at_quarter = int(fine[6, 6]), int(fine[::2, ::2].min()), int(fine.min())
figure, axes = new_figure(3.6, 3.1)
axes.grid(False)
shown = axes.imshow(fine, cmap="Greys_r", extent=(-1.625, 1.625, 1.625, -1.625))
full = np.array([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]).T
axes.plot(*full, "s", color=ORANGE, markersize=5, linestyle="none", label="full samples")
low = np.array(np.unravel_index(fine.argmin(), fine.shape))[::-1] - 6
axes.plot(*(low / 4), "+", color=BLUE, markersize=13, markeredgewidth=2.2)
axes.set(xlabel="samples from the best full position")
figure.colorbar(shown, ax=axes, label="SAD", shrink=0.85)
Plot(
    figure,
    f"The surface between samples, of the block at {finest}: SAD {at_full} at the best full position, {at_half} at "
    f"the best half, {at_quarter} at the best quarter position (cross).",
)


# %%
def refined(at, step):
    """The best vector of a block: full samples, then the neighbours at half, then at quarter samples."""
    flat = surfaces[at].argmin()
    mv = (4 * (flat % (2 * RANGE + 1) - RANGE), 4 * (flat // (2 * RANGE + 1) - RANGE))
    for finer in (2, 1):
        if finer >= step:
            near = [(mv[0] + a * finer, mv[1] + b * finer) for a in (-1, 0, 1) for b in (-1, 0, 1)]
            mv = min(near, key=lambda v: sad(*at, *v))
    return mv


def residual_of(step):
    """What motion compensation leaves of all blocks where vectors are multiples of `step` quarter samples."""
    return np.concatenate([block_at(*at) - place(*at, *(refined(at, step) if step else (0, 0))) for at in blocks])


steps = {"no motion": 0, "full samples": 4, "half samples": 2, "quarter samples": 1}
precision = {name: residual_of(step) for name, step in steps.items()}
Rows(
    ["vectors in", "variance of the residual", "entropy, bits a sample"],
    [[name, f"{values.var():.1f}", f"{entropy(values):.2f}"] for name, values in precision.items()],
    "The finer the vector, the less is left.",
)

# %% [markdown]
# ## Who refers to whom
#
# With **low delay** each picture refers to earlier ones. With **random access** pictures form a hierarchy: the middle
# one refers to both ends, the quarters to it, and so on; what few others depend on is coded more coarsely. Order and
# references below are those that the encoder used for the {{len(clip())}} pictures of the clip.


# %%
def structure(cfg):
    reports = code(f"-c {cfg} -q 32").reports
    figure, axes = new_figure(4.2, 2.0)
    bare(axes)
    ids = [report.temporal_id for report in reports]
    for report in reports:
        for poc in sorted({p for refs in report.refs for p in refs}):
            arrow = dict(arrowstyle="->", color=QUIET, lw=0.9, shrinkA=11, shrinkB=11, connectionstyle="arc3,rad=0.22")
            axes.annotate("", (poc, -ids[poc]), (report.poc, -report.temporal_id), arrowprops=arrow)
        colour = {"I": ORANGE, "P": BLUE, "B": GREEN}[report.slice_type]
        axes.plot(report.poc, -report.temporal_id, "o", markersize=19, color=colour)
        axes.text(
            report.poc,
            -report.temporal_id,
            f"{report.slice_type}{report.poc}",
            ha="center",
            va="center",
            color="#ffffff",
            fontsize=8,
            weight="bold",
        )
    axes.set(xlim=(-0.5, len(reports) - 0.5), ylim=(-max(ids) - 0.7, 1.0))
    return figure, sum(report.bits for report in reports), [report.qp for report in reports]


drawings = {
    name: structure(cfg)
    for name, cfg in {
        "low delay P": "encoder_lowdelay_P_main.cfg",
        "random access": "encoder_randomaccess_main.cfg",
    }.items()
}
Panels(
    [
        (f"{name}: {bits} bits, QPs {', '.join(map(str, qps))}", figure)
        for name, (figure, bits, qps) in drawings.items()
    ],
    "Arrows lead from a picture to those that it refers to; lower in the drawing is a higher temporal layer. The cfg "
    "files give the lower QPs to pictures on which more of those that follow are built.",
    least=300,
)

# %% [markdown]
# ## To type

# %%
typed("pyenc -c encoder_lowdelay_P_main.cfg -i media/CiscoVT2people_320x192_12.yuv -o moving.bin -q 32 | grep ^POC")

# %%
typed(
    "pyinspect overlay -i moving.bin -o motion.png --frames 4 --layers skip,pu,motion --scale 5", picture="motion.png"
)
