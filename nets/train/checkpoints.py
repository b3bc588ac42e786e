"""Checkpoints: those of a run, and those that come with the project (weights/float), from which anybody can go on.

A run's folder holds state.pt, the training as it stands, and float.pt, the weights at the end of its first phase. What
is shipped is a state.pt under the recipe's name.
"""

import io
from pathlib import Path

from codec.base.errors import InputError
from codec.base.io.files import open_input
from codec.base.io.writer import whole_file
from nets.torch_backend import import_torch
from nets.train.average import Average
from nets.weights import WEIGHTS

STATE, FLOAT = "state.pt", "float.pt"
SHIPPED = WEIGHTS / "float"


def save(state, path):
    """Write a checkpoint, whole or not at all."""
    memory = io.BytesIO()  # torch tells of a full disk in its own way
    import_torch().save(state, memory)
    with whole_file(str(path), own=True) as file:
        file.write(memory.getbuffer())


def load(path, recipe_name):
    """The checkpoint in a file. Raises InputError, which names the recipe that makes it."""
    torch = import_torch()
    try:
        with open_input(path) as file:
            return torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        # a run goes on from its checkpoint: what was lost before that is not made again
        lost = path.name != STATE and (path.parent / STATE).exists()
        first = f"remove {path.parent} and " if lost else ""
        raise InputError(f"{path}: not there; {first}run pytrain fit {recipe_name}") from None
    except Exception as error:
        # torch raises many kinds for damaged files
        raise InputError(f"{path}: damaged checkpoint ({type(error).__name__}); remove it") from None


def shipped(recipe_name):
    """Where the checkpoint of a recipe lies that comes with the project, if there is one."""
    return SHIPPED / f"{Path(recipe_name).stem}.pt"


def keep(recipe, run, directory):
    """Ship the checkpoint of a run. -> (its file, its step)"""
    state = load(Path(run) / STATE, recipe.name)
    path = Path(directory) / shipped(recipe.name).name
    path.parent.mkdir(parents=True, exist_ok=True)
    save(state, path)
    return path, int(state["step"])


def to_go_on_from(recipe, run):
    """The checkpoint that a training of this recipe goes on from: the run's, or the shipped one; None for neither."""
    own, given = Path(run) / STATE, shipped(recipe.name)
    if own.exists():
        return own
    # a recipe that was changed since begins anew
    return given if given.exists() and load(given, recipe.name).get("recipe") == recipe.identity() else None


def begin_with(module, recipe_name, runs):
    """Give a module what another recipe learnt: at the end of its first phase, or, of a shipped one, so far.

    A learned codec without a hyperprior takes of one with it what it has itself.
    """
    whole = not hasattr(module, "parts")
    path = Path(runs) / Path(recipe_name).stem / FLOAT
    if path.exists() or not shipped(recipe_name).exists():
        module.load_state_dict(load(path, recipe_name)["module"], strict=whole)
        return
    state = load(shipped(recipe_name), recipe_name)
    module.load_state_dict(state["module"], strict=whole)
    use_means(module, state)


def use_means(module, state):
    """Give a module the mean weights of a checkpoint."""
    means = Average(module, 0.0)
    means.load_state_dict(state["average"])
    means.swap()
