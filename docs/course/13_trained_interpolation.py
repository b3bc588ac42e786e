"""Interpolation filters that were trained."""

# %% [markdown]
# # Trained interpolation filters
#
# H.265 makes samples between samples by one fixed filter a position. But what a block needs depends on how its
# reference was coded: where that is coarse, smoothing helps; where it is sharp, it hurts.
#
# Nets for this take the reference block and give the one between its samples. A net without non-linear layers is a
# filter, and a filter that is fitted to coded pictures by least squares is the best of these in squared error. pyenc
# has banks of such filters: 8x8 taps, two-dimensional, in whole numbers, several sets for each band of QP. The encoder
# chooses a set, or H.265's filters, for each block.

# %%
import numpy as np

from cli.course.figures import BLUE, GREEN, ORANGE, QUIET, bare, new_figure
from cli.course.lab import QPS, bd_rates, change, clip, code, grey, overlay, typed
from cli.course.shown import Panels, Plot, Rows
from codec.common.tools.filter_nets import choose_bank
from codec.h265.recon.interpolation import LUMA_FILTER
from nets.filter_bank import FRACTION, band_of
from nets.weights import BANK, load

bank = load(choose_bank("fir", "", "", "CnnInterpolation"), kind=BANK)
taps = LUMA_FILTER.reshape(4, 8).astype(float) / 64
POSITION = 4 * 2 + 2  # half a sample right and down
band = band_of(27, bank.bands)
fixed = np.outer(taps[2], taps[2])
trained = bank.filters[band, :, POSITION] / 2.0**FRACTION

# %% [markdown]
# ## What was learnt
#
# The filters for the position in the middle of four samples, in the band of QP 27: H.265's, which is a product of a
# column and a row, and the {{bank.sets}} trained ones.


# %%
def filter_figure(weights):
    figure, axes = new_figure(2.2, 2.2)
    bare(axes)
    axes.imshow(np.sign(weights) * np.sqrt(np.abs(weights)), cmap="RdBu_r", vmin=-0.7, vmax=0.7)
    return figure


def response(weights):
    """Gain by frequency along the rows, 0 to half a cycle a sample."""
    line = weights.sum(0)
    frequency = np.linspace(0, 0.5, 101)
    return frequency, np.abs((line[None] * np.exp(-2j * np.pi * frequency[:, None] * np.arange(8)[None])).sum(1))


Panels(
    [("H.265's", filter_figure(fixed))]
    + [(f"set {number}", filter_figure(weights)) for number, weights in enumerate(trained, 1)],
    "Weights of 8x8 samples: red positive, blue negative; colours are of their square roots, so that small ones can "
    "be seen.",
    least=150,
)

# %%
figure, axes = new_figure(4.5, 2.8)
axes.plot(*response(fixed), color=QUIET, label="H.265")
for number, (weights, colour) in enumerate(zip(trained, (BLUE, ORANGE, GREEN)), 1):
    axes.plot(*response(weights), color=colour, label=f"set {number}")
axes.set(xlabel="cycles a sample", ylabel="gain", ylim=(0, None))
axes.legend()
middle = {number: float(response(weights)[1][50]) for number, weights in enumerate(trained, 1)}
fixed_middle = float(response(fixed)[1][50])
Plot(
    figure,
    f"What each does to waves. At a quarter of a cycle a sample H.265's filter passes {100 * fixed_middle:.0f} %, "
    f"the sets {', '.join(f'{100 * value:.0f} %' for value in middle.values())}. Below H.265's curve a filter "
    "smooths, above it it sharpens.",
)

# %% [markdown]
# ## Before, after, difference
#
# The last picture of the clip, coded with low delay and P slices.

# %%
QP = 27
PLAIN, TRAINED = "-c encoder_lowdelay_P_main.cfg", "-c encoder_lowdelay_P_main.cfg --CnnInterpolation=fir"
plain, fir = code(f"{PLAIN} -q {QP}"), code(f"{TRAINED} -q {QP}")
original, before, after = clip()[-1][0], plain.pictures[-1].planes[0], fir.pictures[-1].planes[0]
view = (slice(40, 136), slice(160, 304))
Panels(
    [
        ("original", grey(original[view])),
        (
            f"H.265's filters: {plain.reports[-1].bits} bits, {plain.reports[-1].psnr[0]:.2f} dB in all",
            grey(before[view]),
        ),
        (f"with trained ones: {fir.reports[-1].bits} bits, {fir.reports[-1].psnr[0]:.2f} dB in all", grey(after[view])),
        ("the second picture less the first, eight times as strong", change(after, before)[view]),
    ],
    "A tool inside prediction changes little that is to be seen: what prediction does better, the residual need not "
    "do. The difference is that of two encodings whose decisions have parted.",
    least=330,
)

# %%
share = [report.tools["cnn_interpolation_share"] for report in fir.reports]
Panels(
    [
        (
            f"picture {number}: {100 * share[number]:.0f} % of the inter area",
            overlay(fir.pictures[number], "interpolation"),
        )
        for number in (1, 4)
    ],
    "Tinted: blocks that are predicted with trained filters, a colour a set.",
    least=330,
)

# %% [markdown]
# ## What it gains

# %%
gain = bd_rates(PLAIN, TRAINED)
rows = []
for qp in QPS:
    a, b = code(f"{PLAIN} -q {qp}"), code(f"{TRAINED} -q {qp}")
    rows.append(
        [
            qp,
            a.bits,
            f"{a.psnr():.2f}",
            b.bits,
            f"{b.psnr():.2f}",
            f"{100 * np.mean([r.tools['cnn_interpolation_share'] for r in b.reports[1:]]):.0f}",
        ]
    )
Rows(
    ["QP", "bits, H.265's", "dB", "bits, trained", "dB", "share of area, %"], rows,
    f"All pictures of the clip. BD-rate of luma: {gain[0]:+.1f} %. Five pictures are few: the longer header counts, "
    "and there is little texture that moves, which gains most from this tool (docs/TOOLS.md).",
    names=0,
)  # fmt: skip

# %% [markdown]
# ## To type

# %%
typed(
    "pyenc -c encoder_lowdelay_P_main.cfg --CnnInterpolation=fir -i media/CiscoVT2people_320x192_12.yuv -o fir.bin "
    "-q 27 | grep ^POC; pyinspect stats -i fir.bin | grep -i interpol"
)

# %%
typed("pyinspect overlay -i fir.bin -o sets.png --frames 1 --layers interpolation", picture="sets.png")
