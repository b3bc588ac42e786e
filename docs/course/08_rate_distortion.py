"""Rate-distortion optimisation: what lambda means, and decisions by it."""

# %% [markdown]
# # Rate-distortion optimisation
#
# A standard says what a stream means, not which stream to write. An encoder chooses among thousands of ways to code a
# block; it takes the one with the least $J$.
#
# The task is to have the least distortion $D$ with no more bits than $R_{max}$. With a **Lagrangian multiplier** it
# falls apart into one small task a block:
#
# $$ \min \; J = D + \lambda R . $$
#
# $\lambda$ is a price: how much squared error one bit must save to be worth it. Blocks that are coded with the same
# $\lambda$ cannot gain by moving bits from one to another.

# %%
import numpy as np

from cli.course.figures import BLUE, ORANGE, QUIET, new_figure
from cli.course.lab import clip, code, config_of, typed
from cli.course.shown import Plot, Rows
from cli.measure.bd import bd_rate
from codec.h265.encoder.plan.gop import picture_lambda


def of_picture(made):
    """(bits, sum of squared errors of luma) of the first picture."""
    return made.reports[0].bits, made.reports[0].mse[0] * clip()[0][0].size


# %% [markdown]
# ## Where lambda comes from
#
# If the rate falls with the step of the quantiser as theory says, the slope of the curve $D(R)$ of a whole picture is
# proportional to the square of the step, and so
#
# $$ \lambda = c \cdot 2^{(QP - 12) / 3} . $$
#
# The factor $c$ comes from HM, whose authors measured it. Is it the slope here? Code one picture at many QPs, and look.

# %%
QPS = list(range(20, 44, 2))
points = np.array([of_picture(code(f"-c encoder_intra_main.cfg -q {qp} -f 1")) for qp in QPS])
rate, error = points.T
config = config_of("-c encoder_intra_main.cfg -q 32 -f 1")
used = {qp: picture_lambda(config, qp) for qp in QPS}
factor = used[32] / 2 ** ((32 - 12) / 3)
slopes = -np.diff(error) / np.diff(rate)
middles = [(a + b) / 2 for a, b in zip(QPS, QPS[1:])]

figure, axes = new_figure(4.5, 3.0)
axes.plot(rate / 1000, error / clip()[0][0].size, "o-", color=BLUE)
for qp in (24, 30, 36):
    k = QPS.index(qp)
    reach = 0.16 * rate[k]
    axes.plot(
        np.array([rate[k] - reach, rate[k] + reach]) / 1000,
        (error[k] + used[qp] * np.array([reach, -reach])) / clip()[0][0].size,
        color=ORANGE,
        linewidth=2.2,
    )
    axes.annotate(
        f"QP {qp}", (rate[k] / 1000, error[k] / clip()[0][0].size), (6, 8), textcoords="offset points", color=QUIET
    )
axes.set(xlabel="kbit", ylabel="mean squared error of luma")
Plot(
    figure,
    "Rate and distortion of the first picture of the clip, all intra, and in orange lines with the slope of minus "
    "lambda that the encoder used at three of the points.",
)

# %%
figure, axes = new_figure(4.5, 2.8)
axes.semilogy(QPS, list(used.values()), color=ORANGE, label=f"the encoder's: c = {factor:.2f}")
axes.semilogy(middles, slopes, "o", color=BLUE, label="slope between two points")
axes.set(xlabel="QP", ylabel="squared error a bit")
axes.legend()
Plot(
    figure,
    "Lambda by the formula, and the slope of the measured curve. The measured one is "
    f"{np.exp(np.mean(np.log(slopes / np.interp(middles, QPS, list(used.values()))))):.2f} times the formula's in "
    "the (geometric) mean.",
)

# %% [markdown]
# ## Decisions about one picture
#
# Now forbid some choices, one kind at a time. An encoder with fewer choices should have a larger $J$ at the same
# $\lambda$: each row below is what a decision is worth at QP 32, for the first two pictures, coded with low delay.

# %%
BASE = "-c encoder_lowdelay_P_main.cfg -q 32 -f 2"
LIMITS = {
    "everything": "",
    "no RDOQ: levels are rounded": "--RDOQ=0",
    "no coding units below 16x16": "--MaxPartitionDepth=3",
    "transforms as large as the unit": "--QuadtreeTUMaxDepthIntra=1 --QuadtreeTUMaxDepthInter=1",
    "no transforms above 8x8": "--QuadtreeTULog2MaxSize=3",
    "no sign hiding": "--SignHideFlag=0",
    "no SAO": "--SAO=0",
    "no deblocking, no SAO": "--LoopFilterDisable=1 --SAO=0",
}
rows, costs = [], {}
lam = picture_lambda(config, 32)
for name, option in LIMITS.items():
    made = code(f"{BASE} {option}")
    bits = sum(report.bits for report in made.reports)
    squared = sum(report.mse[0] for report in made.reports) * clip()[0][0].size
    costs[name] = squared + lam * bits
    rows.append(
        [
            name,
            bits,
            f"{made.psnr():.2f}",
            f"{costs[name] / 1e6:.3f}",
            f"{100 * (costs[name] / costs['everything'] - 1):+.1f}",
        ]
    )
Rows(
    ["the encoder has", "bits", "PSNR of luma, dB", "J, millions", "J, %"],
    rows,
    f"J of luma with the lambda of an intra picture of QP 32, {lam:.1f}. Not all of them are decisions: loop filters "
    "cost few bits and change much.",
)

# %% [markdown]
# ## One coefficient at a time
#
# **Rate-distortion optimised quantisation** asks for each level whether the next smaller one, or none, has the smaller
# $J$. A small level far out in the scan costs many bits: its own, and those of all the zeros that the scan must pass on
# the way to it.

# %%
figure, axes = new_figure(4.5, 3.0)
curves = {}
for name, option, colour in (("levels rounded", "--RDOQ=0", ORANGE), ("RDOQ", "--RDOQ=1", BLUE)):
    made = [code(f"-c encoder_intra_main.cfg -q {qp} -f 1 {option}") for qp in (22, 27, 32, 37)]
    curves[name] = [(m.bits, m.psnr()) for m in made]
    axes.plot([m.bits / 1000 for m in made], [m.psnr() for m in made], "o-", color=colour, label=name)
axes.set(xlabel="kbit", ylabel="PSNR of luma, dB")
axes.legend(loc="lower right")
gain = bd_rate(curves["levels rounded"], curves["RDOQ"]).value
Plot(
    figure,
    f"With RDOQ each QP has fewer bits and a little more error, and the curve as a whole is better: {gain:+.1f} % of "
    "the bits for the same quality (BD-rate, the last chapter tells how).",
)

# %% [markdown]
# ## What lambda does
#
# The multiplier can be turned apart from QP. With a larger one the encoder buys less; with a smaller one it buys error
# reductions that are not worth their price.

# %%
rows, turned = [], {}
anchor = [(m.bits, m.psnr()) for m in (code(f"-c encoder_intra_main.cfg -q {qp} -f 1") for qp in (22, 27, 32, 37))]
for scale in (0.25, 0.5, 1.0, 2.0, 4.0):
    made = [code(f"-c encoder_intra_main.cfg -q {qp} -f 1 --LambdaModifier0={scale}") for qp in (22, 27, 32, 37)]
    turned[scale] = bd_rate(anchor, [(m.bits, m.psnr()) for m in made]).value
    rows.append([scale, made[2].bits, f"{made[2].psnr():.2f}", f"{turned[scale]:+.2f}"])
Rows(
    ["lambda times", "bits at QP 32", "PSNR of luma, dB", "BD-rate, %"],
    rows,
    "One intra picture. Near the best value the loss is small on both sides, as it must be at a minimum.",
    names=0,
)

# %% [markdown]
# ## To type

# %%
typed(
    "for rdoq in 0 1; do for qp in 22 27 32 37; do pyenc -c encoder_intra_main.cfg -i "
    "media/CiscoVT2people_320x192_12.yuv -q $qp "
    "--SEIDecodedPictureHash=0 --RDOQ=$rdoq -f 2 -o rdoq$rdoq.$qp.bin --json rdoq${rdoq}_$qp.json > /dev/null; done; "
    "done; ls *.json"
)

# %%
typed("pybd rdoq0_*.json rdoq1_*.json")
