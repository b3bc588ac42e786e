"""Measuring: PSNR, rate, BD-rate, anchors, and what is fair."""

# %% [markdown]
# # Measuring
#
# A tool makes the file smaller and the picture worse, or the other way round. Whether it is any good is told by two
# curves and the distance between them; and by how honestly they were made.

# %%
import math

import numpy as np
from scipy.interpolate import PchipInterpolator

from cli.course.figures import BLUE, GREEN, QUIET, new_figure
from cli.course.lab import QPS, bd_rates, clip, curve, psnr, typed
from cli.course.shown import Plot, Rows
from cli.measure.bd import bd_quality, bd_rate

ANCHOR, TEST = (
    "-c encoder_lowdelay_P_main.cfg --SEIDecodedPictureHash=0 --MaxPartitionDepth=2",
    "-c encoder_lowdelay_P_main.cfg --SEIDecodedPictureHash=0",
)
anchor, test = curve(ANCHOR), curve(TEST)
SECONDS = len(clip()) / 12

# %% [markdown]
# ## Quality
#
# The mean squared error of a component, and on a logarithmic scale its peak signal-to-noise ratio:
#
# $$ \mathrm{MSE} = \frac{1}{W H} \sum_{x, y} (s(x, y) - r(x, y))^2 , $$
#
# $$ \mathrm{PSNR} = 10 \log_{10} \frac{(2^B - 1)^2}{\mathrm{MSE}} \; \text{dB} . $$
#
# A clip's PSNR is by habit the mean of its pictures' PSNRs. That is not the PSNR of the mean error, and good pictures
# pull it up.

# %%
middle = test[2]
by_picture = [report.psnr[0] for report in middle.reports]
of_mean = 10 * math.log10(255**2 / np.mean([report.mse[0] for report in middle.reports]))
decoded = [psnr(picture.planes[0], source[0]) for picture, source in zip(middle.pictures, clip())]
Rows(
    ["picture", *map(str, range(len(by_picture))), "mean of PSNRs", "PSNR of the mean error"],
    [["pyenc's, dB", *(f"{value:.2f}" for value in by_picture), f"{np.mean(by_picture):.2f}", f"{of_mean:.2f}"],
     ["of what the decoder made, dB", *(f"{value:.2f}" for value in decoded), f"{np.mean(decoded):.2f}", ""]],
    f"Luma at QP {QPS[2]}. The encoder's figures are those of the decoder's pictures, for both have the same pictures.",
)  # fmt: skip

# %% [markdown]
# ## BD-rate
#
# Code the clip at four QPs with the **anchor** and with the **test**: here an encoder that may divide the picture down
# to 32x32 samples, and one that may go on to 8x8. Through the points of each go smooth curves, with the rate on a
# logarithmic axis. Bjontegaard's delta is the mean distance of the two, over the qualities that both reach:
#
# $$ \mathrm{BD} = 10^{\; \frac{1}{q_1 - q_0} \int_{q_0}^{q_1} (\log_{10} R_T(q) - \log_{10} R_A(q)) \, dq} - 1 . $$


# %%
def points(made):
    return [(m.bits, m.psnr()) for m in made]


def smooth(made):
    """(qualities, rates) along the curve through the points."""
    known = sorted((q, math.log10(r)) for r, q in points(made))
    q = np.linspace(known[0][0], known[-1][0], 200)
    return q, 10 ** PchipInterpolator(*zip(*known))(q)


delta = bd_rate(points(anchor), points(test))
decibel = bd_quality(points(anchor), points(test))
low, high = (
    max(min(q for _, q in points(m)) for m in (anchor, test)),
    min(max(q for _, q in points(m)) for m in (anchor, test)),
)
lines = [PchipInterpolator(*zip(*sorted((q, math.log10(r)) for r, q in points(m)))) for m in (anchor, test)]
between = (lines[1].integrate(low, high) - lines[0].integrate(low, high)) / (high - low)
by_hand = 100 * (10**between - 1)
common = np.linspace(low, high, 400)
logs = [line(common) for line in lines]

figure, axes = new_figure(4.5, 3.3)
axes.fill_betweenx(
    common, 10 ** logs[0] / SECONDS / 1000, 10 ** logs[1] / SECONDS / 1000, color=GREEN, alpha=0.3, linewidth=0
)
for name, made, colour in (("anchor: units from 32x32 on", anchor, QUIET), ("test: down to 8x8", test, BLUE)):
    q, r = smooth(made)
    axes.plot(r / SECONDS / 1000, q, color=colour, linewidth=1.3)
    axes.plot([m.bits / SECONDS / 1000 for m in made], [m.psnr() for m in made], "o", color=colour, label=name)
axes.set(xscale="log", xlabel="kbit/s (logarithmic)", ylabel="PSNR of luma, dB")
axes.set_xticks([50, 100, 200, 400], ["50", "100", "200", "400"])
axes.minorticks_off()
axes.legend(loc="lower right")
Plot(
    figure,
    f"The mean width of the green strip is the BD-rate: {delta.value:+.2f} % by pybd's function, {by_hand:+.2f} % by "
    f"the integral over the strip. Its mean height is {decibel.value:+.3f} dB.",
)

# %% [markdown]
# ## What can go wrong
#
# **One point is no result.** A tool that moves along the curve looks like a gain or a loss, as one looks at bits or at
# decibels. Here is an encoder that only turns QP down by one:

# %%
turned = curve(ANCHOR, [qp - 1 for qp in QPS])
nothing = bd_rate(points(anchor), points(turned)).value
Rows(
    ["the same encoder at QP - 1", "bits", "dB"],
    [
        [f"QP {qp}", f"{100 * (b.bits / a.bits - 1):+.1f} %", f"{b.psnr() - a.psnr():+.2f}"]
        for qp, a, b in zip(QPS, anchor, turned)
    ],
    f"Much better in decibels, much worse in bits. Its BD-rate is {nothing:+.2f} %, near to nothing beside these, as "
    "it should be.",
)

# %% [markdown]
# **What counts as rate.** The file's size, headers and all. On small clips even the hash of each picture matters, which
# `--SEIDecodedPictureHash=0` leaves out:

# %%
hashed = curve("-c encoder_lowdelay_P_main.cfg")
cost = [100 * (a.bits / b.bits - 1) for a, b in zip(hashed, test)]
chroma = bd_rates(ANCHOR, TEST)
few = {
    name: bd_rate(points(a)[:3], points(b)[:3]).value
    for name, (a, b) in {"low QPs": (anchor, test), "high QPs": (anchor[1:], test[1:])}.items()
}
akima = bd_rate(points(anchor), points(test), "akima").value
Rows(
    ["the same two encoders", "result"],
    [
        ["BD-rate of Y, U, V", ", ".join(f"{value:+.2f} %" for value in chroma)],
        ["of luma from the three lower QPs alone", f"{few['low QPs']:+.2f} %"],
        ["of luma from the three higher QPs alone", f"{few['high QPs']:+.2f} %"],
        ["of luma with Akima's interpolation, as JVET has it", f"{akima:+.2f} %"],
        ["hashes of pictures in the file", "+" + " / +".join(f"{value:.1f}" for value in cost) + " % of bits"],
    ],
    "A BD-rate depends on its QPs. Without them, and without the clips, the figure says nothing.",
    names=2,
)

# %% [markdown]
# **The anchor.** It must differ from the test in the tool and in nothing else: the same cfg, the same QPs, the same
# frames, the same number of threads where time is compared. An anchor that is weak in anything makes any tool look
# good. And so does an anchor in another colour space: a codec that is measured in RGB, against one that was made to be
# good in Y'CbCr, is measured by a rule that only one of them knew.
#
# **Training and test.** What a net was trained on may not be measured. docs/TRAINING.md says which clips the nets of
# this course have seen.
#
# **Time.** Half a per cent for ten times the time is no bargain. A tool is told by three figures: BD-rate, time of the
# encoder and of the decoder; for nets also by multiplications a pixel, which do not depend on the machine.
#
# **Noise.** An encoder is a chaotic thing: one decision changes the next. A tool's gain should hold on many clips
# before it is believed. Five pictures, as here, teach how to measure, not which tool is best.

# %% [markdown]
# ## To type
#
# The whole of it, with `pyenc` and `pybd`; for more than one clip let `pysweep` do the loop (docs/MEASURING.md).

# %%
typed(
    "mkdir -p anchor test; for qp in 22 27 32 37; do "
    "pyenc -c encoder_lowdelay_P_main.cfg -i media/CiscoVT2people_320x192_12.yuv -q $qp --SEIDecodedPictureHash=0 "
    "--MaxPartitionDepth=2 -o anchor/$qp.bin --json anchor/people_$qp.json > anchor/$qp.log; "
    "pyenc -c encoder_lowdelay_P_main.cfg -i media/CiscoVT2people_320x192_12.yuv -q $qp --SEIDecodedPictureHash=0 -o "
    "test/$qp.bin --json test/people_$qp.json > test/$qp.log; done; ls anchor/*.bin test/*.bin"
)

# %%
typed("pybd anchor/people_*.json test/people_*.json --plot curves.png", picture="curves.png")
