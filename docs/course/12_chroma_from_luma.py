"""Chroma from luma: a straight line, other models, and a net."""

# %% [markdown]
# # Chroma from luma
#
# Where luma has an edge, chroma mostly has one too. Luma of a block is decoded first; so chroma can be predicted from
# it, by a model that both sides fit to the samples around the block.
#
# The oldest model is a straight line. Reconstructed luma is brought to chroma's grid, where it is $y_R$, and then
#
# $$ c_P(i, j) = \alpha \, y_R(i, j) + \beta ; \quad i, j = 0, \ldots, N - 1 , $$
#
# where $\alpha$ and $\beta$ are those of least squared error for the decoded samples above and to the left. Nothing is
# sent but which model it is.

# %%
import numpy as np

from cli.course.figures import BLUE, ORANGE, QUIET, new_figure
from cli.course.lab import QPS, bd_rates, change, clip, code, grey, overlay, typed
from cli.course.shown import Panels, Plot, Rows
from cli.inspect.figures import CHROMA_MODELS, block_sums, figures
from codec.h265.intra_modes import LM

QP = 32
PLAIN = "-c encoder_intra_main.cfg -f 1"
LINE, MODELS, NET = (
    f"{PLAIN} {more}" for more in ("--CnnChroma=lm --ChromaModels=lm", "--CnnChroma=lm", "--CnnChroma=net")
)
plain, models = code(f"{PLAIN} -q {QP}"), code(f"{MODELS} -q {QP}")
picture = models.pictures[0]
original = clip()[0]

# %% [markdown]
# ## One block
#
# A block of the clip that the encoder predicted so: luma and Cr around it and in it.

# %%
luma, cr = (plane.astype(float) for plane in (picture.planes[0], picture.planes[2]))
halved = luma.reshape(luma.shape[0] // 2, 2, -1, 2).mean((1, 3))
units = picture.statistics.coding_units
of_line = units[(units["chroma_mode"] == LM) & (units["x"] > 0) & (units["y"] > 0) & (units["size"] >= 16)]


def samples(unit):
    """((luma, Cr) of the template, (luma, Cr) of the block) on chroma's grid."""
    x, y, n = int(unit["x"]) // 2, int(unit["y"]) // 2, int(unit["size"]) // 2
    template = [np.concatenate([p[y - 1, x : x + n], p[y : y + n, x - 1]]) for p in (halved, cr)]
    inside = [halved[y : y + n, x : x + n].ravel(), original[2][y : y + n, x : x + n].astype(float).ravel()]
    return template, inside


def worth(unit):
    """How much a line explains of chroma in the block, by the template's line."""
    (tx, ty), (bx, by) = samples(unit)
    if np.ptp(tx) < 20 or bx.min() < 8:  # not the black bar
        return -1e9
    alpha, beta = np.polyfit(tx, ty, 1)
    return ((by - by.mean()) ** 2).sum() - ((by - alpha * bx - beta) ** 2).sum()


unit = max(of_line, key=worth)
(tx, ty), (bx, by) = samples(unit)
alpha, beta = np.polyfit(tx, ty, 1)
explained = 100 * (1 - ((by - alpha * bx - beta) ** 2).sum() / ((by - by.mean()) ** 2).sum())
figure, axes = new_figure(4.5, 3.1)
axes.plot(bx, by, ".", color=QUIET, markersize=3.5, label="samples of the block (original)")
axes.plot(tx, ty, "o", color=ORANGE, label="decoded samples around it")
ends = np.array([min(tx.min(), bx.min()), max(tx.max(), bx.max())])
axes.plot(ends, alpha * ends + beta, color=BLUE, label=f"the line: {alpha:.2f} y + {beta:.0f}")
axes.set(xlabel="luma on chroma's grid", ylabel="Cr")
axes.legend(fontsize=8)
Plot(
    figure,
    f"A coding unit of {unit['size']}x{unit['size']} samples at ({unit['x']}, {unit['y']}). The line is fitted to "
    f"the samples around the block alone, and explains {explained:.0f} % of the variance of Cr inside.",
)

# %% [markdown]
# ## Six models, and a net
#
# * **LM** is the line; **MMLM** has two lines, for dark and for bright luma.
# * **CCCM** has seven taps: luma with its four neighbours, the square of luma, and a constant. It is fitted to samples
#   above and to the left, to one of these alone, or averaged with planar prediction.
# * The **net** sees luma, the template, where CCCM fails there, and what the others say, and corrects CCCM.

# %%
shares = {
    name: figures(block_sums(code(f"{options} -q {QP}").pictures[0].statistics))["chroma_from_luma"]
    for name, options in (("LM alone", LINE), ("six models", MODELS), ("six models and the net", NET))
}
Rows(
    ["share of the intra area, %", *CHROMA_MODELS],
    [[name, *(f"{100 * (found[model] or 0):.0f}" for model in CHROMA_MODELS)] for name, found in shares.items()],
    f"What the encoder chose at QP {QP}, first picture. The rest is predicted as in H.265.",
)

# %%
Panels(
    [("which model, where (`pyinspect`'s layer)", overlay(picture, "chroma"))],
    "Tinted: units whose chroma comes from luma, a colour a model.",
    least=330,
)

# %% [markdown]
# ## Before, after, difference

# %%
view = (slice(40, 92), slice(80, 160))
before, after = plain.pictures[0].planes[2], picture.planes[2]


def stretched(plane):
    low, high = original[2].min(), original[2].max()
    return grey((plane.astype(float) - low) * (255 / (high - low)))


Panels(
    [
        ("Cr of the source", stretched(original[2])[view]),
        (f"H.265: {plain.bits} bits, Cr {plain.psnr(2):.2f} dB in all", stretched(before)[view]),
        (f"six models: {models.bits} bits, Cr {models.psnr(2):.2f} dB in all", stretched(after)[view]),
        ("the second picture less the first, eight times as strong", change(after, before)[view]),
    ],
    f"A part of Cr at QP {QP}, with contrast stretched: the red folder and its letters. Luma of the two is "
    f"{plain.psnr():.2f} and {models.psnr():.2f} dB.",
    least=330,
)

# %% [markdown]
# ## What it gains

# %%
gains = {
    name: bd_rates(PLAIN, options)
    for name, options in (("LM alone", LINE), ("six models", MODELS), ("six models and the net", NET))
}
Rows(
    ["chroma from luma", "Y %", "U %", "V %"],
    [[name, *(f"{gain:+.1f}" for gain in found)] for name, found in gains.items()],
    f"BD-rate against H.265, one picture, QP {', '.join(map(str, QPS))}; rates are of the whole file, so a better "
    "chroma helps luma, too. Over many clips the net gains nothing over the six models that are fitted on the spot "
    "(docs/TOOLS.md): a good linear model is a strong opponent.",
)

# %% [markdown]
# ## To type

# %%
typed(
    "pyenc -c encoder_intra_main.cfg --CnnChroma=lm -i media/CiscoVT2people_320x192_12.yuv -o chroma.bin -q 32 -f 1 "
    "| grep ^POC; pyinspect stats -i chroma.bin | grep -i -A2 chroma"
)

# %%
typed("pyinspect overlay -i chroma.bin -o chroma.png --frames 0 --layers chroma", picture="chroma.png")
