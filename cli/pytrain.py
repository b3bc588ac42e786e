"""pytrain: from clips to the weights of a CNN tool."""

import os
import sys
import time
from pathlib import Path

import click

from cli import fail
from cli.measure import commands
from codec.base.errors import CodecError, UsageError

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
    from nets.train.codec_recipe import TASK as CODEC
    from nets.train.codec_recipe import make_codec_recipe
    from nets.train.filter_recipe import ARCHITECTURE, TASK, make_filter_recipe
    from nets.train.recipe import make_recipe

    document = read_toml(name)
    if document.get("task") == CODEC:
        return make_codec_recipe(document, str(name))
    filters = document.get("task") == TASK and document.get("architecture", ARCHITECTURE) == ARCHITECTURE
    return (make_filter_recipe if filters else make_recipe)(document, str(name))


def _has_net(recipe):
    """Whether it trains a net, not filters by least squares."""
    from nets.train.filter_recipe import FilterRecipe

    return not isinstance(recipe, FilterRecipe)


def _is_codec(recipe):
    """Whether it trains a learned codec, on images and not on dumps."""
    from nets.train.codec_recipe import CodecRecipe

    return isinstance(recipe, CodecRecipe)


def _plan_beside(recipe, plan_name):
    return Path(recipe.name).parent / plan_name


def _run_folder(work, recipe):
    return Path(work) / "runs" / Path(recipe.name).stem


@group.command(context_settings=_CONTEXT)
@click.argument("recipe_name", metavar="RECIPE", type=click.Path())
@options("work", "data", "device", "threads")
def fit(recipe_name, work, data, device, threads, debug):
    """Train the net of a RECIPE (TOML) on its dump, or its images, from the last checkpoint on."""
    recipe = _recipe(recipe_name)
    if data and not _is_codec(recipe):
        raise UsageError(f"{recipe_name}: trains on a dump: data is for pytrain dump")
    _fit(recipe, work, device, threads, data)


def _fit(recipe, work, device, threads, data=None):
    if not _has_net(recipe):
        _fit_filters(recipe, work)
        return
    from cli.terminal import progress
    from nets.torch_backend import check_device
    from nets.train.tasks import fitting_of

    check_device(device)
    work_run = _run_folder(work, recipe)
    material = recipe.images(data) if _is_codec(recipe) else [_dump_folder(work, plan) for plan in recipe.dump]
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


def _fit_filters(recipe, work):
    from cli.terminal import progress
    from nets.train.filter_run import fit_bands

    run_folder, started = _run_folder(work, recipe), time.perf_counter()
    with progress(recipe.bands * recipe.sets * recipe.rounds, "round", f"{_PROGRAM} fit") as bar:

        def show(band, number, bits, shares):
            bar.update(recipe.sets * recipe.rounds * band + number - bar.n)
            words = " ".join(f"{share:.3f}" for share in shares)
            line = f"band {band}, round {number}: {100 * (bits - 1):+.2f} % estimated bits, shares {words}"
            bar.write(line, file=sys.stdout)
            sys.stdout.flush()

        fit_bands(recipe, [_dump_folder(work, plan) for plan in recipe.dump], run_folder, show)
    print(f"{run_folder}: {recipe.bands} bands in {(time.perf_counter() - started) / 60:.1f} minutes", flush=True)


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
@options("work", "data")
def export(recipe_name, into, work, data, debug):
    """Write the integer net of a finished run and its entry in a MANIFEST.json."""
    _export(_recipe(recipe_name), work, into, data)


def _export(recipe, work, into=None, data=None):
    if _is_codec(recipe):
        from nets.train.codec_publish import publish_codec_run

        run_folder = _run_folder(work, recipe)
        _tell(publish_codec_run(recipe, run_folder, recipe.images(data), into or run_folder / "weights"))
        return
    run_folder, measured = _run_folder(work, recipe), _dump_folder(work, recipe.measured)
    directory = into or run_folder / "weights"
    if _has_net(recipe):
        from nets.train.publish import publish_run

        entry = publish_run(recipe, run_folder, measured, measured.stem, directory, _windows)
    else:
        from nets.train.filter_run import publish_bank

        entry = publish_bank(recipe, run_folder, measured, measured.stem, directory)
    _tell(entry)


def _tell(entry):
    print(f"{entry.file}: id {entry.id}, {entry.macs_per_pixel / 1000:.1f} kMAC/pixel, {entry.parameters} parameters")
    print(f"trained: {entry.training}\ngain: {entry.gain}", flush=True)


@group.command(context_settings=_CONTEXT)
@click.argument("recipe_name", metavar="RECIPE", type=click.Path())
@click.option("--into", help="Folder of checkpoints: weights/float of the checkout ships it.  [default: that]")
@options("work")
def keep(recipe_name, into, work, debug):
    """Ship a training as it stands, finished or not, so that it goes on elsewhere."""
    from nets.train import checkpoints

    recipe = _recipe(recipe_name)
    if not _has_net(recipe):
        raise UsageError(f"{recipe_name}: filters are fitted in minutes: there is no training to keep")
    path, step = checkpoints.keep(recipe, _run_folder(work, recipe), into or checkpoints.SHIPPED)
    print(f"{path}: step {step} of {recipe.fit.steps + recipe.quantised.steps}", flush=True)


@group.command("eval", context_settings=_CONTEXT)
@click.argument("recipe_name", metavar="RECIPE", type=click.Path())
@click.option("--on", "plan_name", type=click.Path(), help="A plan whose dump is measured, in place of the recipe's.")
@options("work", "data")
def evaluate(recipe_name, plan_name, work, data, debug):
    """Tell the PSNR gain of a finished run's net by clip and QP: in floating point, and of the integer net."""
    recipe = _recipe(recipe_name)
    _evaluate(recipe, plan_name or (None if _is_codec(recipe) else recipe.measured), work, data)


def _evaluate(recipe, plan_name, work, data=None):
    if _is_codec(recipe):
        _evaluate_codec(recipe, work, data)
        return
    if not _has_net(recipe):
        _evaluate_filters(recipe, plan_name, work)
        return
    from nets.train.publish import measure_run
    from nets.train.tasks import figure_of

    floats, integers = measure_run(recipe, _run_folder(work, recipe), _dump_folder(work, plan_name), _windows)
    names = list(dict.fromkeys(component for entry in floats.values() for component in entry))
    width = max(len(source) for source, _ in floats)
    figure = figure_of(recipe)
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


def _evaluate_codec(recipe, work, data):
    from nets.train.codec_publish import mean_figures, measure_codec_run

    rows = measure_codec_run(recipe, _run_folder(work, recipe), recipe.images(data))
    rows["mean"] = mean_figures(rows)
    width = max(map(len, rows))
    print(f"{'bits/pixel, PSNR of RGB':{width}}  " + "".join(f"{q:>16}" for q in range(1, len(rows["mean"]) + 1)))
    for name, figures in rows.items():
        print(f"{name:{width}}  " + "".join(f"  {bpp:6.3f}  {psnr:6.2f}" for bpp, psnr in figures), flush=True)


def _evaluate_filters(recipe, plan_name, work):
    from nets.train.filter_run import measure_bank

    table = measure_bank(recipe, _run_folder(work, recipe), _dump_folder(work, plan_name))
    qps = sorted({qp for _, qp in table})
    width = max(len(source) for source, _ in table)
    print(f"{'estimated bits, %':{width}}  " + "  ".join(f"QP {qp:2d}" for qp in qps))
    for source in dict.fromkeys(source for source, _ in table):
        cells = (f"{100 * (table[source, qp] - 1):+5.2f}" if (source, qp) in table else "    -" for qp in qps)
        print(f"{source:{width}}  " + "  ".join(cells))
    means = (sum(v for (_, at), v in table.items() if at == qp) / sum(at == qp for _, at in table) for qp in qps)
    print(f"{'mean':{width}}  " + "  ".join(f"{100 * (mean - 1):+5.2f}" for mean in means), flush=True)


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
    if _is_codec(recipe):
        _fit(recipe, work, device, threads, data)
        _export(recipe, work, None, data)
        _evaluate(recipe, None, work, data)
        return
    wanted = [(plan_name, data) for plan_name in recipe.dump]
    for plan_name, folder in wanted + [(recipe.evaluate, None)] * bool(recipe.evaluate):
        _dump(read_plan(_plan_beside(recipe, plan_name), folder), _dump_folder(work, plan_name), jobs)
    _fit(recipe, work, device, threads)
    _export(recipe, work)
    _evaluate(recipe, recipe.measured, work)


if __name__ == "__main__":
    main()
