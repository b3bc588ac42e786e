"""docs/RESULTS.md: the figures of this version, in the form of the literature's tables. Run: make results"""

import datetime
from pathlib import Path

import click

from cli.measure import commands
from cli.measure.compare import Group, compare
from cli.measure.logs import read_points
from cli.measure.plan import read_plan
from cli.measure.store import TABLE, Store
from cli.measure.tables import Table, comparison_table, markdown
from codec.errors import InputError
from codec.io.writer import whole_file

_PROGRAM = "results"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("plan_name", metavar="PLAN", type=click.Path())
@click.option("--clips", multiple=True, help="Clips in place of the plan's.")
@click.option("--table", type=click.Path(), help="Points of an anchor that others measured, as CSV.")
@click.option("--table-config", default="ai", show_default=True, help="Its configuration.")
@click.option("--table-name", default="HM 16.21", show_default=True, help="What it is called.")
@click.option("-o", "--output", type=click.Path(), required=True, help="The Markdown file.")
def command(plan_name, clips, table, table_config, table_name, output):
    """Write the tables of a PLAN that pysweep has measured."""
    plan = read_plan(plan_name, list(clips) or None)
    store = Store(plan.out)
    rows = [row for row in (store.row(task["key"]) for task in plan.tasks()) if row]
    if not rows:
        raise InputError(f"nothing of {plan_name} is measured yet: run pysweep {plan_name}")
    store.write_table(plan.tasks())
    points = read_points(str(plan.out / TABLE))
    sides = {config.name: [point for point in points if point.config == config.name] for config in plan.configs}
    anchors = [Group(config.name, sides[config.name]) for config in plan.configs if config.anchor]
    tests = [Group(config.name, sides[config.name]) for config in plan.configs if not config.anchor]
    parts = [_head(plan_name, plan, rows)]
    if table:
        foreign = [point for point in read_points(table) if point.config == table_config]
        # other machines have other times
        parts += [_section(Group(table_name, foreign), test, with_time=False) for test in tests]
    parts += [_section(anchor, test, with_time=True) for anchor in anchors for test in tests]
    parts.append(_points(rows))
    with whole_file(output) as file:
        file.write("\n".join(parts).encode())
    print(f"wrote {output}")


def _head(plan_name, plan, rows):
    versions = dict.fromkeys(f"`{row['config']}`: {row['version']}" for row in rows)
    first = {}
    for row in rows:
        first.setdefault(row["config"], f"    {row['command']}")
    frames = sorted({row["frames"] for row in rows})
    counts = f"{frames[0]}" if len(frames) == 1 else f"{frames[0]} to {frames[-1]}"
    lines = [
        "# Results",
        "",
        f"Made by `make results` from `{Path(plan_name).name}` on {datetime.date.today().isoformat()}; do not edit.",
        f"{len(plan.clips)} clips, {counts} pictures of each, QP {', '.join(f'{qp:g}' for qp in plan.qps)}.",
        "BD-rates are by PCHIP, negative where fewer bits are needed; [MEASURING.md](MEASURING.md) says what figures",
        "mean. Clips that are no sequences of JCT-VC's are classed by picture size.",
        "",
        *(f"- {text}" for text in versions),
        "",
        "One command of each, as it was run:",
        "",
        *first.values(),
    ]
    return "\n".join(lines) + "\n"


def _section(anchor, test, with_time):
    comparison = compare(anchor, test)
    if not with_time:
        for line in [*comparison.lines, *comparison.classes, comparison.mean]:
            line.values = {key: value for key, value in line.values.items() if not key.endswith("_ratio")}
    notes = "".join(f"\n{text}.\n" for text in comparison.warnings)
    return f"## {test.name} against {anchor.name}\n\n{markdown(comparison_table(comparison))}{notes}"


def _points(rows):
    names = ["config", "clip", "qp", "frames", "bits", "psnr_y", "psnr_u", "psnr_v", "user_s", "dec_user_s", "peak_mib"]
    cells = [[f"{row[name]:.4f}" if name.startswith("psnr") else f"{row[name]}" for name in names] for row in rows]
    return f"## Every point\n\n{markdown(Table(names, cells, 2))}"


if __name__ == "__main__":
    commands.end(command, _PROGRAM)
