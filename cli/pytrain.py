"""pytrain: from clips to the weights of a CNN tool."""

import os
import sys
import time
from pathlib import Path

import click

from cli import fail
from cli.measure import commands
from codec.base.errors import CodecError

_PROGRAM = "pytrain"
_CONTEXT = {"max_content_width": 110, "help_option_names": ["-h", "--help"]}


def main():
    """Entry point: run on sys.argv and end the process with the exit code."""
    sys.exit(fail.run(_PROGRAM, run, sys.argv[1:]))


def run(arguments):
    """`pytrain dump | fit | export | eval | run`; an exit code or CodecError."""
    return commands.run(group, _PROGRAM, arguments or ["--help"])


@click.group(context_settings=_CONTEXT)
def group():
    """Train the nets of the CNN tools: dump material, fit, export, eval; or all of them: run."""


def options(*names):
    """A decorator that adds these options."""
    known = {
        "work": click.option("--work", default="pytrain.work", show_default=True, help="Folder of dumps and runs."),
        "data": click.option("--data", help="Folder of the training material, in place of the plan's."),
        "jobs": click.option("--jobs", type=click.IntRange(1), help="Encodings at a time.  [default: all cores]"),
        "device": click.option("--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1, ..."),
        "threads": click.option(
            "--threads",
            type=click.IntRange(0),
            default=1,
            show_default=True,
            help="Of torch; 0: one or all cores, whichever is quicker.",
        ),
        "debug": click.option("--debug", is_flag=True, help="Show the traceback of an internal error."),
    }

    def add(function):
        for name in reversed([*names, "debug"]):
            function = known[name](function)
        return function

    return add


# --- material -------------------------------------------------------------------------------------------------------


@group.command(context_settings=_CONTEXT)
@click.argument("plan_name", metavar="PLAN", type=click.Path())
@options("work", "data", "jobs")
def dump(plan_name, work, data, jobs, debug):
    """Code the material of a PLAN (TOML) and keep pictures at every stage as shards."""
    from cli.train.plan import read_plan

    _dump(read_plan(plan_name, data), _dump_folder(work, plan_name), jobs)


def _dump_folder(work, plan_name):
    return Path(work) / "dumps" / Path(plan_name).stem


def _dump(plan, out, jobs):
    from cli.terminal import progress, warm_up
    from cli.train.dump import missing_tasks, run_dump

    missing, total, started = missing_tasks(plan, out), len(plan.tasks()), time.perf_counter()
    if missing:
        warm_up(_PROGRAM, "encoder")
        warm_up(_PROGRAM, "trainer")
    with progress(len(missing), "shard", f"{_PROGRAM} dump") as bar:

        def show(task, error):
            bar.update()
            bar.set_postfix_str(f"{task.source} QP {task.qp}", refresh=False)
            if error:
                bar.write(f"{_PROGRAM}: {error}", file=sys.stderr)

        errors = run_dump(plan, out, jobs or os.cpu_count() or 1, show)
    seconds = time.perf_counter() - started
    print(f"{out}: {total} shards, {len(missing) - len(errors)} of them made in {seconds:.1f} s", flush=True)
    if errors:
        raise CodecError(f"{len(errors)} of {len(missing)} shards failed; the first: {errors[0]}")


# --- training -------------------------------------------------------------------------------------------------------


def _recipe(name):
    from cli.tomlfile import read_toml
    from nets.train.recipe import make_recipe

    return make_recipe(read_toml(name), str(name))


def _plan_beside(recipe, plan_name):
    return Path(recipe.name).parent / plan_name


def _run_folder(work, recipe):
    return Path(work) / "runs" / Path(recipe.name).stem


@group.command(context_settings=_CONTEXT)
@click.argument("recipe_name", metavar="RECIPE", type=click.Path())
@options("work", "device", "threads")
def fit(recipe_name, work, device, threads, debug):
    """Train the net of a RECIPE (TOML) on its dump, from the last checkpoint on."""
    _fit(_recipe(recipe_name), work, device, threads)


def _fit(recipe, work, device, threads):
    from cli.terminal import progress
    from nets.torch_backend import check_device
    from nets.train.tasks import fitting_of

    check_device(device)
    work_run, material = _run_folder(work, recipe), [_dump_folder(work, plan) for plan in recipe.dump]
    fitting = fitting_of(recipe, _windows)(recipe, material, work_run, device, threads)
    print(f"{recipe.name}: {fitting.counts[0]} crops to train on, {fitting.counts[1]} to validate", flush=True)
    if fitting.step:
        print(f"going on from step {fitting.step} of {fitting.steps}", flush=True)
    with progress(fitting.steps, "step", f"{_PROGRAM} fit") as bar:
        bar.update(fitting.step)

        def show(step, loss, found=None):
            bar.update(step - bar.n)
            bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
            if found is not None:
                bar.write(_curve_line(step, fitting.seconds, loss, found), file=sys.stdout)
                sys.stdout.flush()

        fitting.run(show, tell=lambda text: bar.write(text, file=sys.stdout))
    print(f"{work_run}: trained {fitting.step} steps in {fitting.seconds / 60:.1f} minutes", flush=True)


def _windows():
    """What makes windows of chroma blocks: the codec's kernels."""
    from cli.terminal import warm_up
    from cli.train.chroma_windows import Windows

    warm_up(_PROGRAM, "trainer")
    return Windows()


def _curve_line(step, seconds, loss, found):
    gains = "  ".join(
        f"{component.upper()} {' '.join(f'{qp}:{gain:+.3f}' for qp, gain in sorted(table.items()))}"
        for component, table in found.items()
    )
    return f"step {step}, {seconds / 60:.1f} min, loss {loss:.4f}, validation dB by QP: {gains or 'none'}"


# --- what comes of it -----------------------------------------------------------------------------------------------


@group.command(context_settings=_CONTEXT)
@click.argument("recipe_name", metavar="RECIPE", type=click.Path())
@click.option("--into", help="Folder of weights: weights/ of the checkout installs the net.  [default: the run's]")
@options("work")
def export(recipe_name, into, work, debug):
    """Write the integer net of a finished run and its entry in a MANIFEST.json."""
    _export(_recipe(recipe_name), work, into)


def _export(recipe, work, into=None):
    from nets.train.publish import publish_run

    run_folder = _run_folder(work, recipe)
    directory = into or run_folder / "weights"
    measured = _dump_folder(work, recipe.measured)
    entry = publish_run(recipe, run_folder, measured, measured.stem, directory, _windows)
    print(f"{Path(directory) / entry.file}: id {entry.id}, {entry.macs_per_pixel / 1000:.1f} kMAC/pixel, "
          f"{entry.parameters} parameters")  # fmt: skip
    print(f"trained: {entry.training}\ngain: {entry.gain}", flush=True)


@group.command(context_settings=_CONTEXT)
@click.argument("recipe_name", metavar="RECIPE", type=click.Path())
@click.option("--into", help="Folder of checkpoints: weights/float of the checkout ships it.  [default: that]")
@options("work")
def keep(recipe_name, into, work, debug):
    """Ship a training as it stands, finished or not, so that it goes on elsewhere."""
    from nets.train import checkpoints

    recipe = _recipe(recipe_name)
    path, step = checkpoints.keep(recipe, _run_folder(work, recipe), into or checkpoints.SHIPPED)
    print(f"{path}: step {step} of {recipe.fit.steps + recipe.quantised.steps}", flush=True)


@group.command("eval", context_settings=_CONTEXT)
@click.argument("recipe_name", metavar="RECIPE", type=click.Path())
@click.option("--on", "plan_name", type=click.Path(), help="A plan whose dump is measured, in place of the recipe's.")
@options("work")
def evaluate(recipe_name, plan_name, work, debug):
    """Tell the PSNR gain of a finished run's net by clip and QP: in floating point, and of the integer net."""
    recipe = _recipe(recipe_name)
    _evaluate(recipe, plan_name or recipe.measured, work)


def _evaluate(recipe, plan_name, work):
    from nets.train.publish import measure_run

    floats, integers = measure_run(recipe, _run_folder(work, recipe), _dump_folder(work, plan_name), _windows)
    names = list(dict.fromkeys(component for entry in floats.values() for component in entry))
    width = max(len(source) for source, _ in floats)
    figure = "used" if recipe.task == "chroma" else "psnr"
    print(f"{'gain in dB':{width}} QP " + "".join(f"  {c.upper()} {figure}   float integer" for c in names))
    for source, qp in floats:
        cells = "".join(
            f"  {floats[source, qp][c][0]:6.2f}  {floats[source, qp][c][1]:+.3f}  {integers[source, qp][c][1]:+.3f}"
            for c in names
        )
        print(f"{source:{width}} {qp} {cells}")
    for qp in sorted({qp for _, qp in floats}):
        means = [
            [_mean(table, qp, c, part) for table, part in ((floats, 0), (floats, 1), (integers, 1))] for c in names
        ]
        print(f"{'mean':{width}} {qp} " + "".join(f"  {p:6.2f}  {f:+.3f}  {i:+.3f}" for p, f, i in means), flush=True)


def _mean(table, qp, component, part):
    values = [entry[component][part] for (_, at), entry in table.items() if at == qp and component in entry]
    return sum(values) / len(values)


@group.command("run", context_settings=_CONTEXT)
@click.argument("recipe_name", metavar="RECIPE", type=click.Path())
@options("work", "data", "jobs", "device", "threads")
def run_all(recipe_name, work, data, jobs, device, threads, debug):
    """All of it: dump, fit, export into the run's folder, eval. What is there already is not done again."""
    from cli.train.plan import read_plan

    recipe = _recipe(recipe_name)
    wanted = [(plan_name, data) for plan_name in recipe.dump]
    for plan_name, folder in wanted + [(recipe.evaluate, None)] * bool(recipe.evaluate):
        _dump(read_plan(_plan_beside(recipe, plan_name), folder), _dump_folder(work, plan_name), jobs)
    _fit(recipe, work, device, threads)
    _export(recipe, work)
    _evaluate(recipe, recipe.measured, work)


if __name__ == "__main__":
    main()
