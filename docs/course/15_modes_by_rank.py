"""Most probable modes: a list of three, and a net that ranks all."""

# %% [markdown]
# # Most probable modes
#
# There are 35 ways to predict an intra block, and the stream must tell which. Five bits and a bit would do. It takes
# fewer, because neighbours mostly go the same way.
#
# **H.265** makes a list of three most probable modes out of the modes of the block to the left and of the one above. A
# flag says whether the mode is in the list; then an index of one or two bits follows, or five bits for another mode.
#
# **A net** can look at more: at the samples around the block, and where their edges point. The paper's net (CNNMC)
# gives a map of probabilities for a whole CTU. Here a small net ranks all 35 modes for one block, and the stream tells
# the rank: 0 for the most probable mode, and so on. What no list of three holds is in an order as well.

# %%
import numpy as np

from cli.course.figures import BLUE, ORANGE, new_figure
from cli.course.lab import QPS, bd_rates, code, entropy, overlay, typed
from cli.course.shown import Panels, Plot, Rows
from codec.h265.intra_modes import MODES, MPMS

QP = 27
PLAIN = "-c encoder_intra_main.cfg -f 4"
RANKED = f"{PLAIN} --CnnMpm=light"


def ranks_of(options, qp):
    """Places of the modes of all intra blocks: in H.265's list and behind it, or by rank."""
    blocks = [picture.statistics.intra_blocks for picture in code(f"{options} -q {qp}").pictures]
    found = np.concatenate([each["mode_rank"] for each in blocks])
    return found[found >= 0]


listed, ranked = ranks_of(PLAIN, QP), ranks_of(RANKED, QP)

# %% [markdown]
# ## Where the modes stand

# %%
figure, axes = new_figure(4.8, 2.9)
places = np.arange(MODES)
for values, colour, label in ((listed, BLUE, "H.265's list, then by number"), (ranked, ORANGE, "ranked by the net")):
    axes.step(places, 100 * np.bincount(values, minlength=MODES) / len(values), color=colour, where="mid", label=label)
axes.set(xlabel="place", ylabel="% of the intra blocks", yscale="log")
axes.legend()
Plot(
    figure,
    f"How often the mode that the encoder took stands at each place, in {len(code(f'{PLAIN} -q {QP}').pictures)} "
    f"pictures at QP {QP}. Behind the list of {MPMS} H.265 has no order: its line is flat. The net's falls on.",
)

# %%
rows = []
for qp in QPS:
    for name, options in (("list", PLAIN), ("ranks", RANKED)):
        found = ranks_of(options, qp)
        first, three = 100 * np.mean(found == 0), 100 * np.mean(found < MPMS)
        rows.append([f"{qp}", name, f"{first:.1f}", f"{three:.1f}", f"{entropy(found):.2f}"])
Rows(
    ["QP", "", "first, %", "first three, %", "entropy of the place, bits"],
    rows,
    "The entropy is what a coder needs that knows how often each place is taken, and nothing else.",
)

# %%
picture = code(f"{RANKED} -q {QP}").pictures[0]
Panels(
    [("ranks of the modes (`pyinspect`'s layer)", overlay(picture, "ranks", scale=3))],
    "Green: the first mode. Orange: the second or third. Red: another one.",
    least=330,
)

# %% [markdown]
# ## No net in the parser
#
# If a decoder had to run a net to know what the next bits mean, reading could not begin before the samples around the
# block are there, and one wrong number would lose the rest of the stream. So the rank is read as a number. It becomes a
# mode later, where the block's samples are made. What H.265 reads depending on the mode, the scan of small blocks, is
# read in one order, and put in place later as well.
#
# The net computes in integers. Where two modes have the same score, the one with the lower number comes first: a rule
# for ties must be part of the format, or two decoders may differ by one place.

# %% [markdown]
# ## What it gains

# %%
gain = bd_rates(PLAIN, RANKED)
Rows(
    ["", "Y %", "U %", "V %"],
    [["modes by rank", *(f"{value:+.1f}" for value in gain)]],
    f"BD-rate against H.265, four pictures, QP {', '.join(map(str, QPS))}. Over eight clips: docs/TOOLS.md.",
)

# %% [markdown]
# ## To type

# %%
typed(
    "pyenc -c encoder_intra_main.cfg --CnnMpm=light -i media/CiscoVT2people_320x192_12.yuv -o ranked.bin -q 27 -f 1 "
    "| grep ^POC; pyinspect stats -i ranked.bin | grep -i 'mode'"
)

# %%
typed("pyinspect overlay -i ranked.bin -o ranked.png --frames 0 --layers ranks", picture="ranked.png")
