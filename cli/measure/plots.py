"""Rate-distortion curves drawn by matplotlib (imported at first use, without a screen)."""

import io
import math

FORMATS = ("png", "svg", "pdf")
_TITLES = {
    "psnr_y": "Y-PSNR (dB)",
    "psnr_u": "U-PSNR (dB)",
    "psnr_v": "V-PSNR (dB)",
    "psnr_yuv": "YUV-PSNR 6:1:1 (dB)",
    "ssim_y": "Y-SSIM",
    "ms_ssim_y": "Y-MS-SSIM",
}
# Okabe and Ito: told apart by people with colour-blindness; markers for print
_COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MARKERS = "osD^vPX"


def rd_figure(panels, quality="psnr_y", columns=3, labels=None):
    """A figure with one panel a clip; panels: [(clip, [(label, points), ...]), ...]. Rate in kbit a picture.

    labels: all labels in the order of their colours, where several figures are to agree.
    """
    from matplotlib.figure import Figure

    columns = max(1, min(columns, len(panels)))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(4.6 * columns, 3.5 * rows), layout="constrained")
    labels = labels or list(dict.fromkeys(label for _, lines in panels for label, _ in lines))
    for number, (clip, lines) in enumerate(panels, 1):
        axes = figure.add_subplot(rows, columns, number)
        for label, points in lines:
            _draw(axes, labels.index(label), label, points, quality)
        axes.set_title(clip, fontsize=9)
        axes.set_xlabel("kbit a picture", fontsize=8)
        axes.set_ylabel(_TITLES[quality], fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="lower right")
    return figure


def line_style(number):
    """Colour and marker of the line with this number."""
    return {"color": _COLOURS[number % len(_COLOURS)], "marker": _MARKERS[number % len(_MARKERS)]}


def _draw(axes, number, label, points, quality):
    known = sorted((point.rate / 1000, point.get(quality)) for point in points if point.get(quality) is not None)
    if known:
        style = line_style(number)
        axes.plot(*zip(*known, strict=True), label=label, linewidth=1.3, markersize=4, **style)


def scatter_figure(entries, title):
    """BD-rate Y against a cost on a logarithmic axis; entries: [(test, cost, BD-rate in percent, anchor), ...]."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 3.5), layout="constrained")
    axes = figure.add_subplot()
    several = len({anchor for *_, anchor in entries}) > 1
    for number, (test, cost, gain, anchor) in enumerate(entries):
        style = line_style(number + 1)
        label = f"{test} (over {anchor})" if several else test
        axes.plot([cost], [gain], linestyle="none", markersize=8, label=label, **style)
    axes.axhline(0, color="#888888", linewidth=0.8)
    axes.set_xscale("log")
    costs = [cost for _, cost, _, _ in entries]
    axes.set_xlim(min(*costs, 1) / 2, max(*costs, 1) * 2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel(title, fontsize=8)
    axes.set_ylabel("mean BD-rate Y (%)", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.margins(y=0.3)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure


def save(figure, file, kind):
    """Write the figure to a binary file as png, svg or pdf."""
    figure.savefig(file, format=kind, dpi=130)


def svg_text(figure, salt):
    """The figure as an <svg> element for an HTML page; equal figures give equal text. salt: makes its ids unique."""
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": salt, "svg.fonttype": "none"}):
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = file.getvalue()
    return text[text.index("<svg") :]
