"""`make clic`: photos within a budget, as CLIC 2018 had it: every tool set of a plan, and BPG's points.

python -m cli.alloc.clic PLAN [--clips PATTERN] [--table POINTS.csv] [-o FOLDER]
"""

import datetime
import html
import math
from pathlib import Path

import click

from cli.alloc.budget import Budget, problem_of
from cli.alloc.compared import curve_of, distance, given_rows
from cli.alloc.objective import objective_of
from cli.alloc.plots import budgets_figure
from cli.measure import commands
from cli.measure.page import document, section, table_html
from cli.measure.plots import svg_text
from cli.measure.store import Store
from cli.measure.tables import Table, markdown
from codec.base.errors import InputError
from codec.base.io.writer import announce_outputs, write_text

_PROGRAM = "clic"
# bits a pixel; the first is the challenge's
LIMIT = 0.15
BUDGETS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6)
# what the seed's paper says of its codec against BPG, percent
SEED = (-27.9, -30.8)
_FEWEST_QPS = 3
_FIGURES = {"pooled": "pooled", "mean": "mean", "ms_ssim": "MS-SSIM"}


def main():
    """Entry point: run on sys.argv and end the process with the exit code."""
    commands.end(command, _PROGRAM)


@click.command(context_settings={"max_content_width": 110, "help_option_names": ["-h", "--help"]})
@click.argument("plan_name", metavar="PLAN", type=click.Path())
@click.option("--clips", multiple=True, help="Photos in place of the plan's; a pattern, may be given several times.")
@click.option("--table", type=click.Path(), help="Points of another codec: CSV with image, q, bytes, psnr_rgb.")
@click.option("--table-name", default="BPG", show_default=True, help="What that codec is called.")
@click.option("-o", "--output", required=True, type=click.Path(), help="The page; the tables lie beside it as .md.")
def command(plan_name, clips, table, table_name, output):
    """Compare the tool sets of a measured PLAN on a set of photos at several budgets."""
    from cli.measure.plan import read_plan

    plan = read_plan(plan_name, list(clips) or None)
    tables = str(Path(output).with_suffix(".md"))
    announce_outputs(output, tables)
    objective = objective_of("pooled", "rgb", plan)
    problems = {bpp: problem_of(plan, objective, Budget("bpp", bpp), min(plan.qps), max(plan.qps)) for bpp in BUDGETS}
    rows, left_out = measured_rows(plan)
    given = given_rows(table, plan.clips) if table else None
    if given:
        rows = {table_name: given} | rows
    if not rows:
        raise InputError(f"nothing of this plan is measured for these photos: run pysweep {plan_name} first")
    pooled = [curve_of(name, found, plan, problems) for name, found in rows.items()]
    mean = [curve_of(name, found, plan, problems, "mean") for name, found in rows.items()]
    notes = [f"{name} is left out: it is not measured for all photos" for name in left_out]
    if table and not given:
        notes.append(f"{table} has no points of these photos, so there is no {table_name}")
    parts = [(title, words, found) for title, words, found in _tables(pooled, mean, table_name if given else None)]
    write_text(tables, "".join(f"**{title}.** {words}\n\n{markdown(found)}\n" for title, words, found in parts))
    write_text(output, _page(Path(plan_name).stem, plan, parts, notes, pooled))
    for title, words, found in parts:
        print(f"{title}. {words}\n\n{markdown(found)}")
    for note in notes:
        print(note)
    print(f"wrote {output}")


def measured_rows(plan):
    """({tool set: rows of each photo} of those that are measured, names of the others)"""
    store, found, left_out = Store(plan.out), {}, []
    measured = store.rows(plan.tasks())
    for config in plan.configs:
        rows = [[r for r in measured if (r["config"], r["clip"]) == (config.name, clip.name)] for clip in plan.clips]
        if min(map(len, rows)) < _FEWEST_QPS:
            left_out.append(config.name)
        else:
            found[config.name] = rows
    # what lies between few QPs is guessed to be better than it is: all have the same
    common = set.intersection(set(plan.qps), *({row["qp"] for row in each} for rows in found.values() for each in rows))
    kept = {name: [[row for row in each if row["qp"] in common] for each in rows] for name, rows in found.items()}
    return kept, left_out


def _tables(pooled, mean, anchor_name):
    """[(title, words, Table)]"""
    first = pooled[0]
    yield (
        f"At {LIMIT:g} bits a pixel",
        "RGB. Pooled PSNR is of one error over all samples, with what is best for it; mean PSNR and MS-SSIM are of the "
        "same streams. The last column is the mean of the photos' PSNRs where that is made best; it depends on how far "
        "the QPs reach, for easy photos then get low ones.",
        Table(
            ["tools", "bpp", "pooled dB", "mean dB", "MS-SSIM", "best mean dB"],
            [_limit_row(curve, other) for curve, other in zip(pooled, mean, strict=True)],
        ),
    )
    yield (
        "Pooled PSNR by budget",
        "dB; the columns are budgets in bits a pixel. n/a: the QPs do not reach so far.",
        Table(
            ["tools", *(f"{bpp:g}" for bpp in BUDGETS)], [[c.name, *map(_pooled, c.points.values())] for c in pooled]
        ),
    )
    words = (
        "Rate of the whole set at equal quality, percent, over the budgets that both meet; negative: fewer bits. Made "
        "best is the pooled error; mean PSNR and MS-SSIM are of the same streams."
    )
    if anchor_name and len(pooled) > 1:
        best = min(distance(first, test).value for test in pooled[1:])
        words += (
            f" The seed's paper states {SEED[0]} to {SEED[1]} % against BPG, on other photos and on JEM's base, which "
            f"gains much over H.265 by itself. The best here, {best:+.1f} %, lacks {best - SEED[0]:.1f} to "
            f"{best - SEED[1]:.1f} points of that."
        )
    yield "BD-rate", words, _deltas(pooled, anchor_name)


def _deltas(curves, anchor_name):
    """BD-rates of every tool set over the table's codec and over pyenc; figures that an anchor lacks are left out."""
    anchors = [curve for curve in curves if curve.name in (anchor_name, "pyenc")]
    pairs = [(anchor, figure) for anchor in anchors for figure in _FIGURES if anchor.pairs(figure)]
    rows = [[curve.name, *(_delta(anchor, curve, figure) for anchor, figure in pairs)] for curve in curves]
    return Table(["tools", *(f"{_FIGURES[figure]} over {anchor.name} %" for anchor, figure in pairs)], rows)


def _delta(anchor, test, figure):
    value = 0.0 if anchor is test else distance(anchor, test, figure).value
    return "n/a" if math.isnan(value) else f"{value:+.2f}" if value else "0"


def _limit_row(curve, other):
    point, best = curve.points[LIMIT], other.points[LIMIT]
    if not point:
        return [curve.name, *["n/a"] * 5]
    likeness = "n/a" if point["ms_ssim"] is None else f"{point['ms_ssim']:.5f}"
    return [
        curve.name, f"{point['bpp']:.4f}", f"{point['pooled']:.3f}", f"{point['mean']:.3f}", likeness,
        f"{best['mean']:.3f}",
    ]  # fmt: skip


def _pooled(point):
    return f"{point['pooled']:.3f}" if point else "n/a"


def _page(title, plan, parts, notes, pooled):
    today, names = datetime.date.today().isoformat(), ", ".join(clip.name for clip in plan.clips)
    warnings = "".join(f"<li>{html.escape(text)}</li>" for text in notes)
    head = (
        f"<header><h1>{html.escape(title)}</h1><p><b>Objective: pooled</b>, the PSNR of one mean squared error over "
        "all RGB samples of the set, within a budget of bytes: that of CLIC 2018. Under it one QP for all photos is "
        "close to the best, so what differs are the tools; under the mean of the PSNRs, which is told beside it, the "
        f"choice of QPs matters much.</p><p>{len(plan.clips)} photos; page of {today}</p>"
        f"<ul><li>{html.escape(names)}</li></ul></header>"
    )
    note = "Each point is a budget. Between the plan's QPs, items go along PCHIP curves."
    curves = f'<div class="grid"><figure>{svg_text(budgets_figure(pooled), "budgets")}</figure></div>'
    return document(title, [
        head,
        f'<ul class="warnings">{warnings}</ul>' if warnings else "",
        section("Curves of the set", note, curves),
        *(section(html.escape(name), html.escape(words), table_html(found)) for name, words, found in parts),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
