"""Tables as text: Markdown, CSV, LaTeX."""

import csv
import io
import math
from dataclasses import dataclass

FORMATS = ("markdown", "csv", "latex")
_LATEX_WORDS = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}"}
_LATEX = str.maketrans({char: f"\\{char}" for char in "_%&#${}"} | _LATEX_WORDS)
_HEADINGS = {
    "bd_rate_y": ("BD-rate Y %", 2),
    "bd_rate_u": ("U %", 2),
    "bd_rate_v": ("V %", 2),
    "bd_rate_yuv": ("YUV %", 2),
    "bd_psnr_y": ("BD-PSNR Y dB", 3),
    "bd_psnr_u": ("U dB", 3),
    "bd_psnr_v": ("V dB", 3),
    "bd_psnr_yuv": ("YUV dB", 3),
    "bd_rate_ssim_y": ("SSIM Y %", 2),
    "bd_rate_ms_ssim_y": ("MS-SSIM Y %", 2),
    "time_ratio": ("time %", 0),
    "dec_time_ratio": ("dec time %", 0),
}


@dataclass(frozen=True)
class Table:
    """headings and rows of text; the first `names` columns are names, the others numbers. rule_before: numbers of rows
    that begin a new part."""

    headings: list
    rows: list
    names: int = 1
    rule_before: tuple = ()


def comparison_table(comparison, per_clip=True):
    """The Table of a Comparison: clips, classes, mean."""
    keys = [key for key in _HEADINGS if key in comparison.mean.values]
    lines = list(comparison.lines) if per_clip else []
    classes = comparison.classes if len(comparison.classes) > 1 or not per_clip else []
    rows = [[line.clip_class, line.name] + _cells(line, keys) for line in lines]
    rows += [[line.clip_class, f"{line.clips} clip{'s' * (line.clips > 1)}"] + _cells(line, keys) for line in classes]
    rows += [["", "mean"] + _cells(comparison.mean, keys)]
    rules = {len(lines), len(lines) + len(classes)} - {0}
    return Table(["class", "clip"] + [_HEADINGS[key][0] for key in keys], rows, 2, tuple(sorted(rules)))


def side_by_side(comparisons, keys=("bd_rate_y", "bd_rate_u", "bd_rate_v")):
    """The Table of several Comparisons, as papers have it: clips, classes and mean by Y, U and V of each test."""
    clips = list(dict.fromkeys((line.clip_class, line.name) for c in comparisons for line in c.lines))
    counts = {line.name: line.clips for c in comparisons for line in c.classes}
    by_name = [{line.name: line for line in c.lines} for c in comparisons]
    by_class = [{line.name: line for line in c.classes} for c in comparisons]

    def cells(lines):
        return [_number(line.values.get(key, math.nan) if line else math.nan, key) for line in lines for key in keys]

    rows = [[kind, name, *cells([found.get(name) for found in by_name])] for kind, name in sorted(clips)]
    rules = [n for n in range(1, len(rows)) if rows[n][0] != rows[n - 1][0]] + [len(rows)]
    if len(counts) > 1:
        for name in sorted(counts):
            words = f"{counts[name]} clip{'s' * (counts[name] > 1)}"
            rows.append([name, words, *cells([found.get(name) for found in by_class])])
        rules.append(len(rows))
    rows.append(["", "mean", *cells([c.mean for c in comparisons])])
    titles = [f"{c.test} {key[-1].upper()}" for c in comparisons for key in keys]
    return Table(["class", "clip", *titles], rows, 2, tuple(rules))


def _cells(line, keys):
    return [_number(line.values.get(key, math.nan), key) for key in keys]


def _number(value, key):
    if math.isnan(value):
        return "n/a"
    if key.endswith("_ratio"):
        return f"{100 * value:.0f}" if value >= 0.1 else f"{100 * value:.1f}"
    text = f"{value:+.{_HEADINGS[key][1]}f}"
    return text if float(text) else text.replace("-", "").replace("+", "")


def render(table, how):
    """The table as text, how: one of FORMATS."""
    return {"markdown": markdown, "csv": csv_text, "latex": latex}[how](table)


def markdown(table):
    """Columns are padded, so that it also reads well unrendered."""
    rows = [[cell.replace("|", "\\|") for cell in row] for row in [table.headings, *table.rows]]
    widths = [max(3, *(len(row[column]) for row in rows)) for column in range(len(table.headings))]

    def line(row):
        cells = [
            cell.ljust(width) if number < table.names else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(cells)} |\n"

    dashes = ["-" * w if n < table.names else "-" * (w - 1) + ":" for n, w in enumerate(widths)]
    return line(rows[0]) + line(dashes) + "".join(map(line, rows[1:]))


def csv_text(table):
    """Comma-separated, with the headings."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([table.headings, *table.rows])
    return file.getvalue()


def latex(table):
    """A tabular environment with plain \\hline rules."""

    def line(row):
        cells = [cell.translate(_LATEX) for cell in row]
        cells = cells[: table.names] + [f"${c}$" if c[:1] in ("+", "-") else c for c in cells[table.names :]]
        return f"{' & '.join(cells)} \\\\\n"

    columns = "l" * table.names + "r" * (len(table.headings) - table.names)
    body = "".join(("\\hline\n" if n in table.rule_before else "") + line(row) for n, row in enumerate(table.rows))
    head = line(table.headings)
    return f"\\begin{{tabular}}{{{columns}}}\n\\hline\n{head}\\hline\n{body}\\hline\n\\end{{tabular}}\n"
