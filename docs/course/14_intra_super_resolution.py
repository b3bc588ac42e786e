"""Intra super-resolution: coding tree units at half size."""

# %% [markdown]
# # Intra super-resolution
#
# At a low rate a picture has less detail left than it has samples. Then it pays to code fewer samples, and to scale
# them up again: a quarter of the samples, and for the bits that this saves a finer quantiser.
#
# A picture is seldom like that everywhere. So each coding tree unit (CTU) is coded either way, and the encoder keeps
# what costs less.

# %%
import numpy as np

from cli.course.figures import BLUE, ORANGE, new_figure
from cli.course.lab import bd_rates, change, clip, code, grey, overlay, psnr, typed
from cli.course.shown import Panels, Plot, Rows
from codec.common.blocks.resample import DOWN_TAPS, UP_TAPS, double, halve, new_lines

QP = 42
QPS = (32, 37, 42, 47)
PLAIN = "-c encoder_intra_main.cfg -f 1"
HALF = f"{PLAIN} --CnnIntraSr=dctif"
original = clip()[0]
height, width = original[0].shape

# %% [markdown]
# ## Down and up
#
# Down: a bicubic filter of {{2 * len(DOWN_TAPS)}} taps, stretched by two, so that what the smaller picture cannot hold
# is taken away first. Up: H.265's own interpolation filter at a quarter sample. Both in exact integers, for the decoder
# scales up too.

# %%
figure, axes = new_figure(4.5, 2.8)
reach = len(DOWN_TAPS)
axes.stem(np.arange(2 * reach) - reach + 0.5, np.array([*DOWN_TAPS[::-1], *DOWN_TAPS]) / (2 * sum(DOWN_TAPS)), BLUE)
axes.plot((np.arange(len(UP_TAPS)) - len(UP_TAPS) // 2 + 0.25) * 2, np.array(UP_TAPS) / sum(UP_TAPS), "s", color=ORANGE)
axes.set(xlabel="distance in samples of the large picture", ylabel="weight")
Plot(figure, "Taps of the filter that scales down (blue), and of the one that scales up (orange).")

# %%
smaller = np.zeros((height // 2, width // 2), np.int16)
again = np.zeros((height, width), np.int16)
for y in range(0, height // 2, 32):
    for x in range(0, width // 2, 32):
        halve(original[0], smaller, x, y, 32, 32, 0, 0, width, height, 8, new_lines())
for y in range(0, height // 2, 32):
    for x in range(0, width // 2, 32):
        double(smaller, again, x, y, 32, 32, 0, 0, width // 2, height // 2, 8, new_lines())
kept = psnr(again, original[0])
Panels(
    [("down, and up again", grey(again)), ("what is lost, eight times as strong", change(again, original[0]))],
    f"Luma of the first picture, without any coding: {kept:.2f} dB. A CTU at half size can hardly have more. Coded at "
    f"full size with QP {QP}, the picture has {code(f'{PLAIN} -q {QP}').psnr():.2f} dB.",
    least=330,
)

# %% [markdown]
# ## Why six steps of QP
#
# There is a quarter of the samples, and each stands for four. An error counts four times, as if $\lambda$ were a
# quarter:
#
# $$ J = 4 D + \lambda R \; \sim \; D + \tfrac{\lambda}{4} R . $$
#
# $\lambda$ grows by $2^{1/3}$ with each QP, so a quarter of it is six steps of QP down.

# %%
plain, mixed = code(f"{PLAIN} -q {QP}"), code(f"{HALF} -q {QP}")
shares = [100 * code(f"{HALF} -q {qp}").tool("cnn_intra_sr_share") for qp in QPS]
figure, axes = new_figure(4.5, 2.6)
axes.bar([str(qp) for qp in QPS], shares, color=BLUE)
axes.set(xlabel="QP", ylabel="% of the CTUs at half size")
Plot(figure, "How many CTUs of the first picture are coded at half size.")

# %%
Panels(
    [(f"CTUs at half size, QP {QP} (`pyinspect`'s layer)", overlay(mixed.pictures[0], "sizes,cu", scale=3))],
    "Tinted: CTUs at half size. Their coding units are drawn as large as they are in the picture.",
    least=330,
)

# %% [markdown]
# ## Before, after, difference

# %%
before, after = plain.pictures[0].planes[0], mixed.pictures[0].planes[0]
Panels(
    [
        ("the source", grey(original[0])),
        (f"all at full size: {plain.bits} bits, {plain.psnr():.2f} dB", grey(before)),
        (f"two sizes: {mixed.bits} bits, {mixed.psnr():.2f} dB", grey(after)),
        ("the second picture less the first, eight times as strong", change(after, before)),
    ],
    f"Luma at QP {QP}.",
    least=330,
)

# %% [markdown]
# ## What it gains

# %%
ranges = {"low rates": QPS, "the usual ones": (22, 27, 32, 37)}
gains = {name: bd_rates(PLAIN, HALF, qps) for name, qps in ranges.items()}
Rows(
    ["", "QP", "Y %", "U %", "V %"],
    [[name, ", ".join(map(str, ranges[name])), *(f"{gain:+.1f}" for gain in found)] for name, found in gains.items()],
    "BD-rate against H.265, one picture. The clip is small: where there are few samples, few can be spared. Large "
    "photos gain much more (docs/TOOLS.md).",
)

# %% [markdown]
# ## To type

# %%
typed(
    "pyenc -c encoder_intra_main.cfg --CnnIntraSr=dctif -i media/CiscoVT2people_320x192_12.yuv -o half.bin -q 42 -f 1 "
    "| grep ^POC; pyinspect stats -i half.bin | grep 'half size'"
)

# %%
typed("pyinspect overlay -i half.bin -o half.png --frames 0 --layers sizes,cu", picture="half.png")
