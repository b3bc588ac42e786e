"""From a finished run to an installed net, and what it gains: in floating point, and in integers."""

from pathlib import Path

from codec.base.errors import InputError, UsageError
from nets.netfile import load_net
from nets.quantise import export
from nets.torch_backend import prepare
from nets.train.checkpoints import FLOAT, STATE, use_means
from nets.train.fit import load_module
from nets.train.pace import Way
from nets.train.tasks import Measure
from nets.weights import begin_directory, publish


def finished_module(recipe, run):
    """The module at the end of both phases, minutes of training, and how its steps were done. UsageError before."""
    module, state = load_module(recipe, Path(run) / STATE)
    steps = recipe.fit.steps + recipe.quantised.steps
    if state["step"] < steps:
        raise UsageError(f"{run}: trained {state['step']} of {steps} steps; run pytrain fit {recipe.name} to the end")
    use_means(module, state)
    return module, state["seconds"] / 60, Way(*state["ways"]["fit"])


def publish_run(recipe, run, measured, title, directory, windows=None):
    """Export a finished run into a folder of weights. -> its Entry

    measured   folder of shards for the entry's gain, `title` its name in words;  windows: see nets/train/tasks.py
    """
    module, minutes, way = finished_module(recipe, run)
    name = recipe.net_name
    about = {"name": name, "placement": recipe.placement, "recipe": Path(recipe.name).name}
    net = export(module, {**about, "architecture": recipe.architecture})
    measure = Measure(recipe, module.description, measured, windows)
    found = measure.means(measure.of_net(net, prepare(net)))
    directory = Path(directory)
    begin_directory(directory)
    phases = f"{recipe.fit.steps} steps in float and {recipe.quantised.steps} quantised"
    begun = f", begun with the weights of {recipe.start}" if recipe.start else ""
    material = ", ".join(Path(plan).stem for plan in recipe.dump)
    training = (
        f"pytrain {Path(recipe.name).name}: on {material}, samples {recipe.placement}, {phases} of "
        f"{recipe.fit.batch} patches of {recipe.fit.patch}x{recipe.fit.patch}, {minutes:.0f} minutes ({way}){begun}"
    )
    return publish(net, name, training, f"{measure.words} on {title}: {_words(found)}", directory)


def _words(found):
    return "; ".join(
        f"{component.upper()} " + ", ".join(f"{qp} {gain:+.3f}" for qp, gain in by_qp.items())
        for component, by_qp in found.items()
    )


def measure_run(recipe, run, measured, windows=None):
    """(float, integer): {(source, QP): {component: (PSNR, gain)}} of the weights before and after the quantised phase.

    The integer net is the one that was exported into the run's folder, read back from its file.
    """
    floating, _ = load_module(recipe, Path(run) / FLOAT)
    path = Path(run) / "weights" / f"{recipe.net_name}.safetensors"
    if not path.exists():
        raise InputError(f"{path}: not there; run pytrain export {recipe.name}")
    net = load_net(path)
    measure = Measure(recipe, floating.description, measured, windows)
    return measure.by_source(measure.of_module(floating)), measure.by_source(measure.of_net(net, prepare(net)))
