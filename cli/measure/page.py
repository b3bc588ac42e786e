"""The report of a sweep: one HTML page that needs no other file, no script and no network."""

import base64
import datetime
import html
import math
from pathlib import Path

from cli.measure.choices import cnn_table, ratio_table
from cli.measure.compare import Group, compare
from cli.measure.costs import cost_table, made_with
from cli.measure.crops import crops_of
from cli.measure.logs import read_points
from cli.measure.maps import maps_of
from cli.measure.plots import rd_figure, scatter_figure, svg_text
from cli.measure.store import TABLE, Store
from cli.measure.tables import Table, comparison_table
from codec.base.errors import InputError

_STYLE = Path(__file__).with_name("page.css")
_MOST_CROPS = 4


def page_of(plan, method, title):
    """The text of the page about all points of a plan that are measured; InputError when there are none."""
    store = Store(plan.out)
    store.write_table(plan.tasks())
    table = plan.out / TABLE
    if not table.exists():
        raise InputError(f"nothing of this plan is measured yet: no {table}")
    points = read_points(str(table))
    sides = {config.name: [p for p in points if p.config == config.name] for config in plan.configs}
    sides = {name: found for name, found in sides.items() if found}
    comparisons = _comparisons(plan, sides, method)
    rows = store.rows(plan.tasks())
    parts = [
        _head(title, rows, len(plan.tasks())),
        _deltas(comparisons),
        _gain_section(comparisons, rows),
        _curves(sides),
        _crops(plan, store),
        _maps_section(plan, store),
        _ratios_section(rows),
        _points_section(rows),
    ]
    return document(title, parts)


def document(title, parts):
    """A page of parts, HTML each, "" or None for none."""
    style = _STYLE.read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title>\n<style>\n{style}</style></head>\n<body><main>\n"
        + "\n".join(filter(None, parts))
        + "\n</main></body></html>\n"
    )


def _comparisons(plan, sides, method):
    groups = {name: Group(name, [_without_config(point) for point in points]) for name, points in sides.items()}
    pairs = [(anchor.name, test.name) for anchor, test in plan.pairs()]
    return [compare(groups[anchor], groups[test], method) for anchor, test in pairs if {anchor, test} <= set(groups)]


def _without_config(point):
    return type(point)(point.clip, "", point.qp, point.frames, point.bits, point.values, point.source)


def _head(title, rows, total):
    versions = dict.fromkeys(made_with(row) for row in rows if row["version"])
    hosts = dict.fromkeys(row["host"] for row in rows)
    today = datetime.date.today().isoformat()
    measured = f"{len(rows)} of {total} points measured" if len(rows) < total else f"{total} points"
    items = "".join(f"<li>{html.escape(text)}</li>" for text in versions)
    return (
        f"<header><h1>{html.escape(title)}</h1><p>{measured}, on {html.escape(', '.join(hosts))}; page of {today}</p>"
        f"<ul>{items}</ul></header>"
    )


def section(title, note, body):
    """A section of a page; "" without a body."""
    text = f'<p class="note">{note}</p>' if note else ""
    return f"<section><h2>{title}</h2>{text}\n{body}</section>" if body else ""


def table_html(table, strong_last=False):
    """A Table as an HTML table in a box that scrolls on narrow screens."""
    lines = []
    for number, row in enumerate(table.rows):
        kinds = ["rule"] if number in table.rule_before else []
        kinds += ["mean"] if strong_last and number == len(table.rows) - 1 else []
        lines.append(f'<tr class="{" ".join(kinds)}">{_cells(row, table.names, "td")}</tr>')
    head = f"<thead><tr>{_cells(table.headings, table.names, 'th')}</tr></thead>"
    return f'<div class="scroll"><table>{head}<tbody>{"".join(lines)}</tbody></table></div>'


def _cells(row, names, tag):
    """Cells of a row; those after the first `names` hold numbers."""
    kinds = [' class="clip"' if number < names else ' class="n"' for number in range(len(row))]
    kinds[0] = ""
    # long names of clips may break after an underscore
    texts = [html.escape(cell).replace("_", "_<wbr>") for cell in row]
    return "".join(f"<{tag}{kind}>{cell}</{tag}>" for kind, cell in zip(kinds, texts, strict=True))


def _deltas(comparisons):
    parts = []
    for comparison in comparisons:
        parts.append(f"<h3>{html.escape(comparison.test)} against {html.escape(comparison.anchor)}</h3>")
        parts.append(table_html(comparison_table(comparison), strong_last=True))
        if comparison.warnings:
            items = "".join(f"<li>{html.escape(text)}</li>" for text in comparison.warnings)
            parts.append(f'<ul class="warnings">{items}</ul>')
    method = comparisons[0].method if comparisons else ""
    note = (
        f"Negative BD-rate: fewer bits at equal quality ({method.upper()} interpolation). YUV is (6 Y + U + V) / 8. "
        "Time is user time over the anchor's, geometric mean."
    )
    return section("BD-rate and BD-PSNR", note, "\n".join(parts))


def _gain_section(comparisons, rows):
    """Time, and kMAC/pixel where it is known, against gain; the same as a table."""
    figures = []
    by_time = [(c.test, c.mean.values.get("time_ratio"), c.mean.values.get("bd_rate_y"), c.anchor) for c in comparisons]
    by_time = [entry for entry in by_time if entry[1] and entry[2] is not None and not math.isnan(entry[2])]
    if by_time:
        figures.append(scatter_figure(by_time, "encoder time over the anchor's"))
    known = {row["config"]: row["kmac_per_pixel"] for row in rows if row["kmac_per_pixel"] != ""}
    by_macs = [(name, known[name], gain, anchor) for name, _, gain, anchor in by_time if known.get(name)]
    if by_macs:
        figures.append(scatter_figure(by_macs, "kMAC a pixel"))
    body = "".join(f"<figure>{svg_text(figure, f'gain{n}')}</figure>" for n, figure in enumerate(figures))
    return section(
        "Gain and what it costs",
        "Lower is better, further left is quicker.",
        body and f'<div class="grid">{body}</div>{table_html(cost_table(comparisons, rows))}',
    )


def _curves(sides):
    panels = {}
    for name, points in sides.items():
        for point in points:
            panels.setdefault(point.clip, {}).setdefault(name, []).append(point)
    figures = []
    for number, (clip, lines) in enumerate(panels.items()):
        figure = rd_figure([(clip, list(lines.items()))], labels=list(sides))
        figures.append(f"<figure>{svg_text(figure, f'rd{number}')}</figure>")
    note = "Bits of the whole stream over its pictures; PSNR is the mean of the pictures'."
    return section("Rate-distortion curves", note, f'<div class="grid">{"".join(figures)}</div>')


def _crops(plan, store):
    """Of the first clip of each picture size, at the highest QP, what every configuration made of it."""
    chosen = {}
    for clip in plan.clips:
        chosen.setdefault((clip.width, clip.height), clip)
    qp = max(plan.qps)
    parts = []
    for clip in list(chosen.values())[:_MOST_CROPS]:
        tasks = [t for t in plan.tasks() if t["clip"].name == clip.name and t["qp"] == qp and store.row(t["key"])]
        tasks.sort(key=lambda task: not task["config"].anchor)
        if not tasks:
            continue
        cells = "".join(map(_crop_html, crops_of(tasks, store)))
        parts.append(f'<h3>{html.escape(clip.name)}</h3><div class="crops">{cells}</div>')
    note = f"QP {qp:g}, first picture, where the anchor's error is largest; Y-PSNR is that of the crop."
    return section("Side by side", note, "\n".join(parts))


def _crop_html(crop):
    figures = "" if crop.bits is None else f"{crop.bits / 1000:.1f} kbit, {crop.psnr_y:.2f} dB"
    return _picture_html(crop.png, crop.label, figures)


def _picture_html(png, label, words):
    image, label = base64.b64encode(png).decode(), html.escape(label)
    return (
        f'<figure><img alt="{label}" src="data:image/png;base64,{image}">'
        f"<figcaption><b>{label}</b>{words and '<br>'}{words}</figcaption></figure>"
    )


def _maps_section(plan, store):
    """Of each of the first clips, what every configuration chose in one picture."""
    qp = sorted(plan.qps)[len(plan.qps) // 2]
    maps, parts = maps_of(plan, store, qp), []
    for clip in dict.fromkeys(found.clip for found in maps):
        cells = [_picture_html(m.png, m.config, m.words) for m in maps if m.clip == clip]
        parts.append(f'<h3>{html.escape(clip)}</h3><div class="maps">{"".join(cells)}</div>')
    keys = {key.label: key for found in maps for key in found.keys}
    legend = "".join(
        f'<li><span class="{key.kind}" style="--mark: #{bytes(key.colour[::-1]).hex()}"></span>{key.label}</li>'
        for key in keys.values()
    )
    note = (
        f"The middle picture of each stream at QP {qp:g}, as it was decoded: how its blocks are predicted, and in the "
        "corner of each coding tree block the loop filters that change it."
    )
    return section("What was chosen where", note, parts and f'<ul class="legend">{legend}</ul>{"".join(parts)}')


def _ratios_section(rows):
    """How often the tools were chosen, by QP; of the CNN loop filter also by clip."""
    tables = [table_html(table) for table in (ratio_table(rows), cnn_table(rows)) if table]
    note = (
        "Percent, means over clips. Modes and sizes: of the area; shapes of partitions and bi: of the inter area; "
        "intra NxN: of the intra area; tskip: of the 4x4 luma blocks with coefficients; SAO and CNN: of the coding "
        "tree blocks that the filter changes. The CNN loop filter's luma share is also told by clip."
    )
    return section("How often each tool was chosen", note, "\n".join(tables))


def _points_section(rows):
    names = ["config", "clip", "qp", "frames", "bits", "psnr_y", "psnr_u", "psnr_v", "user_s", "dec_user_s", "peak_mib"]
    table = Table(names, [[_text(row.get(name, "")) for name in names] for row in rows], 2)
    commands = dict.fromkeys(f"{row['config']}: {row['command']}" for row in rows if row["qp"] == rows[0]["qp"])
    listed = "".join(f"<li><code>{html.escape(text)}</code></li>" for text in commands)
    return (
        f"<section><details><summary>All points</summary>{table_html(table)}</details>"
        f"<details><summary>Commands</summary><ul>{listed}</ul></details></section>"
    )


def _text(value):
    return f"{value:.4f}" if isinstance(value, float) and value != int(value) else f"{value}"
