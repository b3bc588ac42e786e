"""pybd: Bjontegaard deltas of sweeps, from logs, JSON and CSV."""

from pathlib import Path

import click

from cli import fail
from cli.measure import commands
from cli.measure.bd import METHODS
from cli.measure.cells import rows_of_cells
from cli.measure.compare import QUALITIES, compare, rd_pairs
from cli.measure.groups import groups_of
from cli.measure.logs import COUNTS
from cli.measure.tables import FORMATS, comparison_table, render
from codec.base.errors import InputError, UsageError
from codec.base.io.text import read_text
from codec.base.io.writer import announce_outputs, whole_file, write_text

_PROGRAM = "pybd"


def main():
    """Entry point: run on sys.argv and end the process with the exit code."""
    commands.end(command, _PROGRAM)


@click.command(context_settings={"max_content_width": 110, "help_option_names": ["-h", "--help"]})
@click.argument("files", nargs=-1, required=True)
@click.option("--anchor", help="The side that is the anchor, by name.  [default: the first]")
@click.option("--config", help="Use only this configuration of tables that hold several.")
@click.option("--method", type=click.Choice(METHODS), default="pchip", show_default=True, help="Interpolation.")
@click.option("--count", type=click.Choice(COUNTS), default="pictures", show_default=True,
              help="Bits of a log: those of its picture lines, or of the file written.")  # fmt: skip
@click.option("--classes", type=click.Path(), help="CSV of clip,class beside the classes that names tell.")
@click.option("--format", "how", type=click.Choice(FORMATS), default="markdown", show_default=True, help="Of stdout.")
@click.option("--mean-only", is_flag=True, help="Leave the clips out of the table: classes and mean only.")
@click.option("--json", "json_name", type=click.Path(), help="Write the figures as JSON.")
@click.option("--plot", "plot_name", type=click.Path(), help="Draw the curves: a .png, .svg or .pdf.")
@click.option("--quality", type=click.Choice(QUALITIES), default="psnr_y", show_default=True, help="What --plot draws.")
def command(files, anchor, config, method, count, classes, how, mean_only, json_name, plot_name, quality):
    """BD-rate and BD-PSNR of tests against an anchor.

    FILES are logs of pyenc, HM or VTM, JSON or CSV of pyenc, tables of points (clip,config,qp,frames,bits,psnr_y,...),
    or folders of these; the anchor comes first: pybd anchor/*.log test/*.log
    """
    if quality != "psnr_y" and not plot_name:
        fail.warn(_PROGRAM, "--quality has no effect without --plot")
    announce_outputs(json_name, plot_name)
    groups = groups_of(files, count, anchor, config)
    if len(groups) < 2:
        raise UsageError(f"only one side is given ({groups[0].name}): an anchor and a test are needed")
    given = read_classes(classes) if classes else {}
    unknown = sorted(set(given) - {point.clip for group in groups for point in group.points})
    if unknown:
        fail.warn(_PROGRAM, f"{classes}: {', '.join(unknown)} is no clip that is compared")
    comparisons = [compare(groups[0], test, method, given) for test in groups[1:]]
    for comparison in comparisons:
        if how == "markdown":
            print(f"{comparison.test} against {comparison.anchor} ({method})\n")
        print(render(comparison_table(comparison, not mean_only), how))
        for warning in comparison.warnings:
            fail.warn(_PROGRAM, warning)
    if json_name:
        _write_json(json_name, comparisons)
    if plot_name:
        _write_plot(plot_name, groups, quality)


def read_classes(name):
    """{clip: class} of a CSV file with two columns."""
    rows = [cells for _, cells in rows_of_cells(read_text(name, name), name)]
    if any(len(cells) != 2 for cells in rows):
        raise InputError(f"{name}: every line must be clip,class")
    return dict(rows)


def _write_json(name, comparisons):
    from cli.records import json_text

    documents = [comparison.document() for comparison in comparisons]
    whole = documents[0] if len(documents) == 1 else {"tests": {each["test"]: each for each in documents}}
    write_text(name, json_text(whole))


def _write_plot(name, groups, quality):
    from cli.measure.plots import FORMATS as KINDS
    from cli.measure.plots import rd_figure, save

    kind = Path(name).suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise UsageError(f"--plot {name}: the name must end in .{', .'.join(KINDS)}")
    labels = [Path(group.name).name for group in groups]
    if len(set(labels)) < len(labels):
        labels = [group.name for group in groups]
    panels = {}
    for label, test in zip(labels[1:], groups[1:], strict=True):
        for clip, theirs, ours in rd_pairs(groups[0], test):
            panels.setdefault(clip, [(labels[0], theirs)]).append((label, ours))
    with whole_file(name) as file:
        save(rd_figure(list(panels.items()), quality), file, kind)


if __name__ == "__main__":
    main()
