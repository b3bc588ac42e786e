"""The page of `make learned`: one HTML file that needs no other file, no script and no network."""

import datetime
import html

from cli.e2e.measured import mean_curve
from cli.e2e.published import published_points, published_sources
from cli.measure.page import document, section, table_html
from cli.measure.plots import line_style, svg_text

# of published curves, those that are drawn; the others are in the table
_DRAWN = ("Balle 2017", "Balle 2018", "ELIC", "HPCM-Large", "HM 16.20 4:4:4")
_PANELS = (
    ("psnr_rgb", "PSNR of RGB (dB)"),
    ("psnr_yuv", "PSNR of YUV 4:2:0, 6:1:1 (dB)"),
    ("ms_ssim_rgb", "MS-SSIM of RGB (dB: -10 log10(1 - x))"),
)


def page_of(found, parts):
    """The text of the page of a Found (cli.e2e.run) and its tables, [(title, words, Table)]."""
    today, names = datetime.date.today().isoformat(), ", ".join(found.photos)
    head = (
        "<header><h1>Learned codecs beside the standards</h1>"
        f"<p>{len(found.photos)} photos, {len(found.codecs)} learned codecs with installed weights, pyenc as H.265; "
        f"page of {today}</p><ul><li>{html.escape(names)}</li></ul></header>"
    )
    drawn = [
        _figure([(name, mean_curve(found.rows, name, key)) for name in _names(found)], title, key.startswith("ms"))
        for key, title in _PANELS
    ]
    if found.kodak:
        ours = [(f"{name} (ours)", mean_curve(found.rows, name, "psnr_rgb", found.kodak)) for name in found.codecs]
        known = published_points()
        theirs = [(name, [(p.bpp, p.psnr_rgb) for p in known[name] if 0.05 < p.bpp < 1.6]) for name in _DRAWN]
        words = f"Kodak: published, 24 photos; ours, {len(found.kodak)} of them"
        drawn.append(_figure(ours + theirs, "PSNR of RGB (dB)", False, words))
    body = "".join(f"<figure>{svg_text(figure, f'e2e{n}')}</figure>" for n, figure in enumerate(drawn))
    note = "Means over photos at each quality, or QP. What published codecs are, and what they learnt on, is below."
    return document("Learned codecs", [
        head,
        section("Curves", note, f'<div class="grid">{body}</div>'),
        *(section(html.escape(title), html.escape(words), table_html(table)) for title, words, table in parts),
        _sources(),
    ])  # fmt: skip


def _names(found):
    return list(dict.fromkeys(row["codec"] for row in found.rows))


def _figure(lines, title, likeness, words=""):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.8, 3.9), layout="constrained")
    axes = figure.add_subplot()
    for number, (label, points) in enumerate(lines):
        if points:
            rates, values = zip(*points, strict=True)
            if likeness:
                import math

                values = [-10 * math.log10(max(1 - value, 1e-9)) for value in values]
            axes.plot(rates, values, label=label, linewidth=1.3, markersize=4, **line_style(number))
    axes.set_xlabel("bits a pixel", fontsize=8)
    axes.set_ylabel(title, fontsize=8)
    axes.set_title(words, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, loc="lower right")
    return figure


def _sources():
    listed = "".join(
        f"<li>{html.escape(name)}: {html.escape(source)}</li>" for name, source in published_sources().items()
    )
    return f"<section><details><summary>Sources of published points</summary><ul>{listed}</ul></details></section>"
