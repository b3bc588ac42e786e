"""docs/RESULTS.md: the figures of this version, in the form of the literature's tables. Run: make results"""

import datetime
from pathlib import Path

import click

from cli.measure import commands
from cli.measure.choices import cnn_table, ratio_table
from cli.measure.compare import Group, compare
from cli.measure.costs import cost_table, made_with
from cli.measure.logs import read_points
from cli.measure.plan import read_plan
from cli.measure.store import TABLE, Store, announce_report
from cli.measure.tables import Table, comparison_table, markdown, side_by_side
from cli.terminal import report_stream
from codec.base.errors import CodecError, InputError
from codec.base.io.writer import write_text
from codec.common.tools.filter_nets import installed_net

_PROGRAM = "results"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("plan_name", metavar="PLAN", type=click.Path())
@click.option("--clips", multiple=True, help="Clips in place of the plan's.")
@click.option(
    "--table", type=click.Path(), help="Points of an anchor that others measured, as CSV; config: conditions."
)
@click.option("--table-name", default="HM 16.21", show_default=True, help="What it is called.")
@click.option("-o", "--output", type=click.Path(), required=True, help="The Markdown file.")
def command(plan_name, clips, table, table_name, output):
    """Write the tables of a PLAN that pysweep has measured."""
    plan = read_plan(plan_name, list(clips) or None)
    announce_report(plan, output)
    store = Store(plan.out)
    rows = store.rows(plan.tasks())
    if not rows:
        raise InputError(f"nothing of {plan_name} is measured yet: run pysweep {plan_name}")
    store.write_table(plan.tasks())
    points = read_points(str(plan.out / TABLE))
    groups = {config.name: Group(config.name, _of(points, config.name)) for config in plan.configs}
    groups = {name: group for name, group in groups.items() if group.points}
    pairs = [(anchor.name, test.name) for anchor, test in plan.pairs()]
    own = [compare(groups[anchor], groups[test]) for anchor, test in pairs if {anchor, test} <= set(groups)]
    foreign = _against_table(plan, groups, table, table_name) if table else []
    parts = [_head(plan_name, plan, rows), _overview(foreign, table_name), _overview_of_own(own)]
    parts += [_section("What it costs", _COSTS, cost_table(own, rows)), _choices(rows)]
    parts += [_comparison(comparison) for comparison in foreign + own]
    parts.append(_points(rows))
    write_text(output, "\n".join(filter(None, parts)))
    print(f"wrote {output}", file=report_stream(output))


_COSTS = (
    "kMAC/pixel: multiplications a luma sample, of the largest net that streams use. Times are user time of whole\n"
    "processes over the anchor's, geometric means over QPs and clips; peak memory is the encoder's."
)
_RATIOS = (
    "Percent, means over clips. Modes and sizes: of the area; shapes of partitions and bi: of the inter area; intra\n"
    "NxN: of the intra area; tskip: of the 4x4 luma blocks with coefficients; SAO and CNN: of the coding tree blocks\n"
    "that the filter changes. `pyinspect stats` tells the same of any stream."
)
_CNN = "Coding tree blocks whose luma the filter changes (`cnn_filter_share_y`), percent."


def _of(points, name):
    return [point for point in points if point.config == name]


def _against_table(plan, groups, table, table_name):
    """Comparisons with the table's points of the same conditions; other machines have other times."""
    known = read_points(table)
    found = []
    for config in plan.configs:
        theirs = _of(known, config.conditions)
        if theirs and config.name in groups and not config.anchor:
            test = Group(config.name, [_timeless(point) for point in groups[config.name].points])
            found.append(compare(Group(table_name, theirs), test))
    if not found:
        names = ", ".join(dict.fromkeys(point.config for point in known))
        raise InputError(f"{table}: no configuration of the plan has its conditions ({names})")
    return found


def _timeless(point):
    values = {name: value for name, value in point.values.items() if not name.endswith("_s")}
    return type(point)(point.clip, point.config, point.qp, point.frames, point.bits, values, point.source)


def _head(plan_name, plan, rows):
    first = {}
    for row in rows:
        first.setdefault(row["config"], f"    {row['command']}")
    frames = sorted({row["frames"] for row in rows})
    counts = f"{frames[0]}" if len(frames) == 1 else f"{frames[0]} to {frames[-1]}"
    missing = len(plan.tasks()) - len(rows)
    lines = [
        "# Results",
        "",
        f"Made by `make results` from `{Path(plan_name).name}` on {datetime.date.today().isoformat()}; do not edit.",
        f"{len(plan.clips)} clips, {counts} pictures of each, QP {', '.join(f'{qp:g}' for qp in plan.qps)}.",
        *([f"**{missing} of {len(plan.tasks())} points are not measured yet.**"] if missing else []),
        "BD-rates are by PCHIP, negative where fewer bits are needed; [MEASURING.md](MEASURING.md) says what figures",
        "mean. Clips that are no sequences of JCT-VC's are classed by picture size.",
        "",
        *dict.fromkeys(f"- `{row['config']}`: {made_with(row)}" for row in rows),
        *_nets(plan, rows),
        "",
        "One command of each, as it was run:",
        "",
        *first.values(),
    ]
    return "\n".join(lines) + "\n"


def _nets(plan, rows):
    """A line about each net that streams use."""
    folders = {config.name: config.weights_dir for config in plan.configs}
    used = {net: folders[row["config"]] for row in rows for net in row["weights"].split()}
    lines = []
    for net, folder in used.items():
        try:
            entry = installed_net(net, folder)
            lines.append(f"- net `{net}`: {entry.name}, {entry.architecture}; {entry.training}")
        except CodecError:
            lines.append(f"- net `{net}`: no longer installed")
    return lines


def _overview(comparisons, name):
    if not comparisons:
        return ""
    note = f"BD-rate in percent against {name}, coded under the same conditions."
    return _section(f"BD-rates against {name}", note, side_by_side(comparisons))


def _overview_of_own(comparisons):
    if not comparisons:
        return ""
    pairs = "; ".join(f"{comparison.test} against {comparison.anchor}" for comparison in comparisons)
    return _section("BD-rates between the encoders of the plan", f"Percent: {pairs}.", side_by_side(comparisons))


def _choices(rows):
    parts = [("How often each tool was chosen", _RATIOS, ratio_table(rows))]
    parts.append(("Where the CNN loop filter is on", _CNN, cnn_table(rows)))
    return "\n".join(_section(*part) for part in parts if part[2])


def _section(title, note, table):
    return f"## {title}\n\n{note}\n\n{markdown(table)}" if table.rows else ""


def _comparison(comparison):
    notes = "".join(f"\n{text}.\n" for text in comparison.warnings)
    return f"## {comparison.test} against {comparison.anchor}\n\n{markdown(comparison_table(comparison))}{notes}"


def _points(rows):
    names = ["config", "clip", "qp", "frames", "bits", "psnr_y", "psnr_u", "psnr_v", "user_s", "dec_user_s", "peak_mib"]
    cells = [[f"{row[name]:.4f}" if name.startswith("psnr") else f"{row[name]}" for name in names] for row in rows]
    return f"## Every point\n\n{markdown(Table(names, cells, 2))}"


if __name__ == "__main__":
    commands.end(command, _PROGRAM)
