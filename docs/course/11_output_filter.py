"""The CNN output filter: RGB in, RGB out, behind the codec."""

# %% [markdown]
# # A net behind the loop
#
# CNNIF, a filter of the codec that was ranked first in the CLIC challenge of 2018, works on the decoded picture in RGB,
# just before it is shown. No picture refers to what it makes, so it may do what a loop filter must not: change chroma
# at full resolution, which 4:2:0 has not.
#
# The pictures that others refer to, and their bits, are what they are without it. The encoder only adds whether the net
# is used, and how strongly.

# %%
import numpy as np

from cli.course.figures import new_figure
from cli.course.lab import QPS, clip, code, psnr, typed
from cli.course.shown import Panels, Plot, Rows
from cli.measure.bd import bd_rate
from codec.base.io.matrices import Colour
from codec.base.io.rgb import shown as eight_bits
from codec.base.io.rgb import to_rgb

QP = 37
PLAIN, FILTERED = "-c encoder_intra_main.cfg -f 1", "-c encoder_intra_main.cfg -f 1 --CnnOutputFilter=cnnif_xs"
plain, filtered = code(f"{PLAIN} -q {QP}"), code(f"{FILTERED} -q {QP}")


def in_rgb(planes):
    return eight_bits(to_rgb(planes, (8, 8), Colour()))


source = in_rgb(clip()[0])
before, after = in_rgb(plain.pictures[0].planes), filtered.pictures[0].rgb
db = {name: psnr(made, source) for name, made in (("before", before), ("after", after))}
view = (slice(96, 184), slice(176, 312))
weight = filtered.tool("cnn_output_filter_weight")

# %% [markdown]
# ## Before, after, difference

# %%
difference = np.clip(128 + 8 * (after.astype(int) - before), 0, 255).astype(np.uint8)
Panels(
    [
        ("source", source[view]),
        (f"decoded at QP {QP}: RGB {db['before']:.2f} dB in all", before[view]),
        (f"with the net: RGB {db['after']:.2f} dB in all", after[view]),
        ("what the net changed, eight times as strong", difference[view]),
    ],
    f"The encoder chose {weight:g} of the net's corrections for this picture. The source is the clip, brought to "
    "RGB; what 4:2:0 lost before it came to us cannot come back.",
    least=330,
)

# %% [markdown]
# ## Choosing is half of it
#
# A net that was trained on photos of many kinds corrects too much in some. So there are four factors, and "off". For
# each QP:

# %%
rows, points = [], {"without": [], "with": []}
for qp in QPS:
    made = code(f"{FILTERED} -q {qp}")
    tools = made.reports[0].tools
    points["without"].append((code(f"{PLAIN} -q {qp}").bits, tools["psnr_rgb_without"]))
    points["with"].append((made.bits, tools["psnr_rgb"]))
    rows.append(
        [
            qp,
            f"{tools['cnn_output_filter_weight']:g}",
            f"{tools['psnr_rgb_without']:.2f}",
            f"{tools['psnr_rgb']:.2f}",
            made.bits - code(f"{PLAIN} -q {qp}").bits,
        ]
    )
gain = bd_rate(points["without"], points["with"]).value
Rows(
    ["QP", "weight", "RGB before, dB", "RGB after, dB", "more bits"], rows,
    f"BD-rate of RGB on this picture: {gain:+.1f} %. The bits are those of the longer header that names the net. "
    "This clip is noisy video and not one of the photos that the net was made for; on photos it gains more "
    "(docs/TOOLS.md).",
    names=0,
)  # fmt: skip

# %%
channels = ("red", "green", "blue")
figure, axes = new_figure(4.5, 2.4)
wrong_before, wrong_after = (np.abs(made.astype(int) - source) for made in (before, after))
closer, farther = (100 * wrong.mean((0, 1)) for wrong in (wrong_after < wrong_before, wrong_after > wrong_before))
place = np.arange(3)
axes.bar(place - 0.2, closer, 0.38, color="C2", label="nearer to the source")
axes.bar(place + 0.2, farther, 0.38, color="C3", label="farther from it")
axes.set(xticks=place, xticklabels=channels, ylabel="share of samples, %", ylim=(0, 1.35 * max(closer)))
axes.legend(ncols=2)
Plot(figure, "No filter is right everywhere: samples that the net brought nearer to the source, and farther from it.")

# %% [markdown]
# ## To type

# %%
typed(
    "pyenc -c encoder_intra_main.cfg --CnnOutputFilter=cnnif_xs -i media/CiscoVT2people_320x192_12.yuv -o out.bin -q "
    "37 -f 1 --json out.json | grep ^POC; grep -E 'psnr_rgb|weight' out.json"
)

# %%
typed("pydec -i out.bin -o out%03d.png", picture="out000.png")
