"""pysweep: measure a plan of clips x QPs x configurations, report it, or measure one decoded file."""

import sys
import time
from pathlib import Path

import click

from cli import fail
from cli.measure import commands
from cli.measure.quality import METRICS
from codec.base.errors import CodecError, UsageError

_PROGRAM = "pysweep"
_CONTEXT = {"max_content_width": 110, "help_option_names": ["-h", "--help"]}


def main():
    """Entry point: run on sys.argv and end the process with the exit code."""
    sys.exit(fail.run(_PROGRAM, run, sys.argv[1:]))


def run(arguments):
    """`pysweep PLAN`, `pysweep report PLAN`, `pysweep measure ORIGINAL DECODED`; an exit code or CodecError."""
    if arguments and arguments[0] in _COMMANDS:
        name = arguments[0]
        return commands.run(_COMMANDS[name], f"{_PROGRAM} {name}", arguments[1:])
    return commands.run(sweep, _PROGRAM, arguments)


def _numbers(text):
    try:
        return [float(word) if "." in word else int(word) for word in text.replace(",", " ").split()] if text else None
    except ValueError:
        raise UsageError(f"--qps {text}: QPs are numbers with commas between them") from None


_plan_options = [
    click.argument("plan_name", metavar="PLAN", type=click.Path()),
    click.option("--clips", multiple=True, help="Clips in place of the plan's; a pattern, may be given several times."),
    click.option("--frames", type=click.IntRange(0), help="Pictures of each clip in place of the plan's; 0: all."),
    click.option("--qps", help="QPs in place of the plan's: 22,27,32,37."),
]


def plan_options(function):
    """The options of every command that reads a plan."""
    for option in reversed(_plan_options):
        function = option(function)
    return function


def _plan(plan_name, clips, frames, qps, jobs=None):
    from cli.measure.plan import read_plan

    return read_plan(plan_name, list(clips) or None, frames, _numbers(qps), jobs)


@click.command(context_settings=_CONTEXT)
@plan_options
@click.option("--jobs", type=click.IntRange(1), help="Points at the same time.  [default: the plan's, or all cores]")
@click.option("--scheduler", help="Run on a Dask cluster: tcp://HOST:PORT of its scheduler.")
@click.option("--dry-run", is_flag=True, help="Only tell which points are missing.")
def sweep(plan_name, clips, frames, qps, jobs, scheduler, dry_run):
    """Measure every point of a PLAN (TOML) that is not measured yet.

    Other commands: pysweep report PLAN (an HTML page), pysweep measure ORIGINAL DECODED (quality of one file).
    """
    from cli.measure.store import TABLE, Store
    from cli.measure.sweep import missing_tasks, run_sweep
    from cli.terminal import progress

    if jobs and scheduler:
        fail.warn(_PROGRAM, "--jobs has no effect with --scheduler: the cluster has the workers that it has")
    plan = _plan(plan_name, clips, frames, qps, jobs)
    store = Store(plan.out)
    missing = missing_tasks(plan, store)
    total = len(plan.tasks())
    print(f"{total} points, {total - len(missing)} of them measured already; {plan.jobs} jobs, results in {plan.out}")
    if dry_run:
        for task in missing:
            print(f"missing: {task['clip'].name} {task['config'].name} QP {task['qp']:g}")
        return
    store.begin()
    started, done = time.perf_counter(), []
    with progress(len(missing), "point", _PROGRAM) as bar:

        def show(task, row, error):
            # a bar that is not shown does not count
            done.append(task)
            bar.update()
            bar.write(_line(len(done), len(missing), task, row) if row else f"{_PROGRAM}: {error}", file=sys.stdout)
            sys.stdout.flush()

        errors = run_sweep(plan, store, scheduler, show)
    print(f"{len(missing) - len(errors)} points measured in {time.perf_counter() - started:.1f} s")
    table = plan.out / TABLE
    anchors = [config.name for config in plan.configs if config.anchor]
    if len(plan.configs) > 1 and table.exists():
        print(f"compare: pybd {table}" + "".join(f" --anchor {name}" for name in anchors[:1]))
    if errors:
        raise CodecError(f"{len(errors)} of {len(missing)} points failed; the first: {errors[0]}")


def _line(number, total, task, row):
    seconds = f"{row['user_s']:.1f} s"
    what = f"{task['clip'].name} {task['config'].name} QP {task['qp']:g}"
    return f"[{number}/{total}] {what}: {row['bits']} bits, Y {row['psnr_y']:.4f} dB, {seconds}"


@click.command(context_settings=_CONTEXT)
@click.argument("original", type=click.Path())
@click.argument("decoded", type=click.Path())
@click.option("-f", "--frames", type=click.IntRange(1), help="Compare this many pictures.  [default: all of DECODED]")
@click.option("--depth", type=click.IntRange(8, 16), help="Bit depth of raw files.  [default: by the name, or 8]")
@click.option("--metrics", default=",".join(METRICS), show_default=True, help="What to compute.")
def measure(original, decoded, frames, depth, metrics):
    """Quality of the pictures of DECODED against ORIGINAL: raw, y4m, or stills."""
    from cli.measure.files import compare_files, is_raw

    if depth and not (is_raw(original) or is_raw(decoded)):
        fail.warn(_PROGRAM, "--depth has no effect: neither file is raw")
    chosen = tuple(metrics.split(","))
    unknown = [metric for metric in chosen if metric not in METRICS]
    if unknown:
        raise UsageError(f"--metrics: {unknown[0]} is not one of {', '.join(METRICS)}")
    for name, value in compare_files(original, decoded, frames, depth, chosen).items():
        print(f"{name:14} {value:.6f}" if isinstance(value, float) else f"{name:14} {value}")


@click.command(context_settings=_CONTEXT)
@plan_options
@click.option("-o", "--output", type=click.Path(), help="The page.  [default: report.html in the folder of results]")
@click.option("--method", type=click.Choice(("pchip", "akima")), default="pchip", show_default=True)
def report(plan_name, clips, frames, qps, output, method):
    """Write one HTML page that holds all: curves, BD tables, time against gain, crops side by side."""
    from cli.measure.page import page_of
    from cli.measure.store import announce_report
    from cli.terminal import report_stream
    from codec.base.io.writer import write_text

    plan = _plan(plan_name, clips, frames, qps)
    name = output or str(plan.out / "report.html")
    announce_report(plan, name)
    write_text(name, page_of(plan, method, Path(plan_name).stem))
    print(f"wrote {name}", file=report_stream(name))


_COMMANDS = {"report": report, "measure": measure}

if __name__ == "__main__":
    main()
