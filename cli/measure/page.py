"""The report of a sweep: one HTML page that needs no other file, no script and no network."""

import base64
import datetime
import html
import math
from pathlib import Path

from cli.measure.compare import Group, compare
from cli.measure.crops import crops_of
from cli.measure.logs import read_points
from cli.measure.plots import rd_figure, scatter_figure, svg_text
from cli.measure.store import TABLE, Store
from cli.measure.tables import Table, comparison_table
from codec.errors import InputError

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
    rows = [row for row in (store.row(task["key"]) for task in plan.tasks()) if row]
    parts = [
        _head(title, rows, len(plan.tasks())),
        _deltas(comparisons),
        _gain_section(comparisons, points),
        _curves(sides),
        _crops(plan, store),
        _points_section(rows),
    ]
    style = _STYLE.read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title>\n<style>\n{style}</style></head>\n<body><main>\n"
        + "\n".join(filter(None, parts))
        + "\n</main></body></html>\n"
    )


def _comparisons(plan, sides, method):
    """Every configuration that is no anchor against every anchor; without anchors the first one is it."""
    names = [config.name for config in plan.configs if config.name in sides]
    anchors = [config.name for config in plan.configs if config.anchor and config.name in sides] or names[:1]
    groups = {name: Group(name, [_without_config(point) for point in sides[name]]) for name in names}
    tests = [name for name in names if name not in anchors]
    return [compare(groups[anchor], groups[test], method) for anchor in anchors for test in tests]


def _without_config(point):
    return type(point)(point.clip, "", point.qp, point.frames, point.bits, point.values, point.source)


def _head(title, rows, total):
    versions = dict.fromkeys(row["version"] for row in rows if row["version"])
    hosts = dict.fromkeys(row["host"] for row in rows)
    today = datetime.date.today().isoformat()
    measured = f"{len(rows)} of {total} points measured" if len(rows) < total else f"{total} points"
    items = "".join(f"<li>{html.escape(text)}</li>" for text in versions)
    return (
        f"<header><h1>{html.escape(title)}</h1><p>{measured}, on {html.escape(', '.join(hosts))}; page of {today}</p>"
        f"<ul>{items}</ul></header>"
    )


def _section(title, note, body):
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
    return _section("BD-rate and BD-PSNR", note, "\n".join(parts))


def _gain_section(comparisons, points):
    """Time, and kMAC/pixel where it is known, against gain."""
    figures = []
    by_time = [(c.test, c.mean.values.get("time_ratio"), c.mean.values.get("bd_rate_y"), c.anchor) for c in comparisons]
    by_time = [entry for entry in by_time if entry[1] and entry[2] is not None and not math.isnan(entry[2])]
    if by_time:
        figures.append(scatter_figure(by_time, "encoder time over the anchor's"))
    known = {point.config: point.get("kmac_per_pixel") for point in points if point.get("kmac_per_pixel") is not None}
    by_macs = [(name, known[name], gain, anchor) for name, _, gain, anchor in by_time if known.get(name)]
    if by_macs:
        figures.append(scatter_figure(by_macs, "kMAC a pixel"))
    body = "".join(f"<figure>{svg_text(figure, f'gain{n}')}</figure>" for n, figure in enumerate(figures))
    return _section(
        "Gain and what it costs",
        "Lower is better, further left is quicker.",
        body and f'<div class="grid">{body}</div>',
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
    return _section("Rate-distortion curves", note, f'<div class="grid">{"".join(figures)}</div>')


def _crops(plan, store):
    """Of the first clip of each picture size, at the highest QP, what every configuration made of it."""
    chosen = {}
    for clip in plan.clips:
        chosen.setdefault((clip.width, clip.height), clip)
    qp = max(plan.qps)
    parts = []
    for clip in list(chosen.values())[:_MOST_CROPS]:
        tasks = [t for t in plan.tasks() if t["clip"] == clip and t["qp"] == qp and store.row(t["key"])]
        tasks.sort(key=lambda task: not task["config"].anchor)
        if not tasks:
            continue
        cells = "".join(map(_crop_html, crops_of(tasks, store)))
        parts.append(f'<h3>{html.escape(clip.name)}</h3><div class="crops">{cells}</div>')
    note = f"QP {qp:g}, first picture, where the anchor's error is largest; Y-PSNR is that of the crop."
    return _section("Side by side", note, "\n".join(parts))


def _crop_html(crop):
    image = base64.b64encode(crop.png).decode()
    label = html.escape(crop.label)
    figures = "" if crop.bits is None else f"<br>{crop.bits / 1000:.1f} kbit, {crop.psnr_y:.2f} dB"
    return (
        f'<figure><img alt="{label}" src="data:image/png;base64,{image}">'
        f"<figcaption><b>{label}</b>{figures}</figcaption></figure>"
    )


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
