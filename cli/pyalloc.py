"""pyalloc: a set of images or clips coded within a budget."""

import sys
import time
from pathlib import Path

import click

from cli import fail
from cli.alloc.objective import COLOURS, OBJECTIVES
from cli.measure import commands
from codec.base.errors import UsageError

_PROGRAM = "pyalloc"
_METHODS = ("hull", "hyperbolic", "same-qp")
# QPs that every item is coded with first; the lowest and the highest that are used
_START, _LOWEST, _HIGHEST = (32, 42), 10, 51


def main():
    """Entry point: run on sys.argv and end the process with the exit code."""
    commands.end(command, _PROGRAM)


@click.command(context_settings={"max_content_width": 110, "help_option_names": ["-h", "--help"]})
@click.argument("plan_name", metavar="PLAN", type=click.Path())
@click.option("--bpp", type=float, help="Budget: bits a pixel of the whole set.")
@click.option("--bytes", "size", type=float, help="Budget: bytes of the whole set.")
@click.option("--psnr", type=float, help="In place of a budget: the PSNR to reach with the fewest bytes.")
@click.option("--objective", type=click.Choice(OBJECTIVES),
              help="What is made best: the PSNR of one error over all samples, or the mean of the items' PSNRs or "
              "MS-SSIMs.  [default: the plan's, or pooled]")  # fmt: skip
@click.option("--colour", type=click.Choice(COLOURS),
              help="Where errors are counted.  [default: the plan's, or rgb where all items are images]")  # fmt: skip
@click.option("--method", type=click.Choice(_METHODS),
              help="How the streams are chosen.  [default: the plan's, or hull]")  # fmt: skip
@click.option("--only", is_flag=True, help="Leave the other methods out, which spares their encodes.")
@click.option("--tools", multiple=True, help="Only this configuration of the plan; may be given several times.")
@click.option("--clips", multiple=True, help="Items in place of the plan's; a pattern, may be given several times.")
@click.option("--frames", type=click.IntRange(0), help="Pictures of each item in place of the plan's; 0: all.")
@click.option("--jobs", type=click.IntRange(1), help="Encodes at the same time.  [default: the plan's, or all cores]")
@click.option("--scheduler", help="Run on a Dask cluster: tcp://HOST:PORT of its scheduler.")
@click.option("-o", "--output", type=click.Path(), help="The folder.  [default: of the budget, beside the points]")
def command(plan_name, bpp, size, psnr, scheduler, jobs, output, only, **given):
    """Code the items of a PLAN (TOML) within a budget: choose QP and tools of each, and keep the streams.

    Ctrl-C (or TERM) and go on at any time: what is coded stays.
    """
    from cli.alloc import save
    from cli.alloc.budget import budget_of
    from cli.alloc.tables import items_table, methods_table, model_words
    from cli.measure.store import Store
    from cli.measure.sweep import executor
    from cli.measure.tables import markdown

    if jobs and scheduler:
        fail.warn(_PROGRAM, "--jobs has no effect with --scheduler: the cluster has the workers that it has")
    budget = budget_of(bpp, size, psnr)
    plan, settings = _read(plan_name, jobs, given)
    objective, method = settings["objective"], settings["method"]
    name = f"{objective.kind}-{objective.colour}-{method}-{budget.label}"
    folder = Path(output) if output else plan.out / name
    store = Store(plan.out)
    store.begin()
    save.begin(folder, plan)
    print(f"{len(plan.clips)} items, {len(plan.configs)} tool sets; {plan.jobs} jobs, points in {plan.out}")
    print(f"objective {objective.kind}: {objective.words}", flush=True)
    started = time.perf_counter()
    with executor(scheduler, plan.jobs) as pool, _Progress() as shown:
        outcome = _solve(plan, settings, budget, (store, pool, shown), [method] if only else _METHODS)
        save.check(outcome, pool)
    print(f"{outcome.bench.measured} points measured in {time.perf_counter() - started:.1f} s\n")
    print(markdown(items_table(outcome)))
    print(markdown(methods_table(outcome)))
    if words := model_words(outcome):
        print(words)
    page = save.save(outcome, folder, f"{Path(plan_name).stem}, {budget.value:.12g} {budget.kind}")
    print(f"wrote {page}, and the streams beside it; pydec decoded each as it was measured")


def _read(plan_name, jobs, given):
    """(Plan with the tool sets asked for, {"objective", "method", "start", "lowest", "highest"})"""
    from dataclasses import replace

    from cli.alloc.objective import objective_of
    from cli.measure.plan import read_plan

    plan = read_plan(plan_name, list(given["clips"]) or None, given["frames"], None, jobs, ".alloc")
    names = [config.name for config in plan.configs]
    unknown = [name for name in given["tools"] if name not in names]
    if unknown:
        raise UsageError(f"--tools {unknown[0]}: the plan has {', '.join(names)}")
    if given["tools"]:
        plan = replace(plan, configs=[config for config in plan.configs if config.name in given["tools"]])
    settings = {"start": _START, "lowest": _LOWEST, "highest": _HIGHEST} | plan.alloc
    for key, usual, known in (
        ("objective", "pooled", OBJECTIVES),
        ("method", "hull", _METHODS),
        ("colour", None, COLOURS),
    ):
        settings[key] = given[key] or plan.alloc.get(key, usual)
        if settings[key] is not None and settings[key] not in known:
            raise UsageError(f"{plan_name}: alloc: {key} is one of {', '.join(known)}")
    start = settings["start"]
    if len(set(start)) < 2 or not all(isinstance(qp, int) and not isinstance(qp, bool) for qp in start):
        raise UsageError(f"{plan_name}: alloc: start must be two or more different whole QPs")
    if not settings["lowest"] <= min(start) < max(start) <= settings["highest"] <= 51:
        raise UsageError(f"{plan_name}: alloc: start must lie between lowest and highest, which is at most 51")
    settings["objective"] = objective_of(settings["objective"], settings["colour"], plan)
    return plan, settings


def _solve(plan, settings, budget, tools, methods):
    from cli.alloc.bench import Bench
    from cli.alloc.budget import problem_of
    from cli.alloc.methods import solve
    from cli.alloc.outcome import Outcome

    store, pool, shown = tools
    problem = problem_of(plan, settings["objective"], budget, settings["lowest"], settings["highest"])
    bench = Bench(plan, settings["objective"], store, pool, shown.show, shown.begin)
    results = {method: solve(method, problem, bench, settings["start"]) for method in methods}
    return Outcome(plan, problem, budget, bench, results, settings["method"])


class _Progress:
    """A bar for the points that are being measured, and a line for each: as pysweep shows them."""

    def __init__(self):
        self._bar, self._context, self._done, self._total = None, None, 0, 0

    def __enter__(self):
        from cli.terminal import progress

        self._context = progress(0, "point", _PROGRAM)
        self._bar = self._context.__enter__()
        return self

    def __exit__(self, *error):
        return self._context.__exit__(*error)

    def begin(self, number):
        """So many points more will be measured."""
        self._total += number
        self._bar.total = self._total
        self._bar.refresh()

    def show(self, task, row, error):
        """A point was measured, or failed."""
        self._done += 1
        self._bar.update()
        words = [task["clip"].name, task["config"].name, f"QP {task['qp']:g}"]
        line = (
            f"[{self._done}/{self._total}] {' '.join(words)}: {row['bits'] // 8} bytes"
            if row
            else f"{_PROGRAM}: {error}"
        )
        self._bar.write(line, file=sys.stdout)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
