"""The nets of the CNN loop filter: found among the installed weights, checked, and made ready to run.

Nothing of the package `nets` is imported before a net is wanted.
"""

import importlib.util
from collections.abc import Callable
from typing import NamedTuple

from codec.errors import Unsupported, UsageError, WeightsMissing
from codec.tools.filter_inputs import INPUTS, SAMPLE_FRACTION

# channels and grid of what a net may give: corrections of luma; of Cb and Cr
_OUTPUTS = {"y": (1, 0), "uv": (2, 1)}
_MAX_FRACTION = 14
MAX_NETS = 4


class FilterNet(NamedTuple):
    """A net that can filter pictures.

    runner     {input: map} -> {output: map}, see nets/run.py;  inputs: the names that it asks for
    fractions  {output: fraction};  id, name: what streams and people call it
    """

    id: str
    name: str
    net: object
    runner: Callable
    inputs: frozenset
    fractions: dict

    @property
    def has_chroma(self):
        """Whether it corrects Cb and Cr as well."""
        return "uv" in self.fractions


def choose_nets(architecture, names, directory):
    """Ids of the nets for an encoding: those that `names` lists (separated by commas), else all of an architecture.

    Raises WeightsMissing when there is none, UsageError when there are too many.
    """
    from nets import weights

    directory = directory or weights.WEIGHTS
    if names:
        ids = [weights.find(name.strip(), directory, "CnnLoopFilterNets").id for name in names.split(",")]
        if len(set(ids)) < len(ids):
            raise UsageError(f"CnnLoopFilterNets={names} names a net twice")
    else:
        ids = [entry.id for entry in weights.manifest(directory) if entry.architecture == architecture]
        if not ids:
            raise WeightsMissing(
                f"CnnLoopFilter={architecture}: no network weights of this architecture are installed in {directory}"
            )
    if len(ids) > MAX_NETS:
        raise UsageError(f"CnnLoopFilter={architecture}: {len(ids)} nets; name at most {MAX_NETS} (CnnLoopFilterNets)")
    return tuple(ids)


def installed_net(key, directory=""):
    """What the manifest says of a net (nets.weights.Entry): its name, costs, training. Raises WeightsMissing."""
    from nets import weights

    return weights.find(key, directory or weights.WEIGHTS)


def load_nets(ids, directory="", backend="auto", device="cpu", why="the stream"):
    """FilterNets of these ids, proved and ready. Raises WeightsMissing, Unsupported; `why` says who asks."""
    from nets import weights

    return tuple(_load(weights.load(key, directory or weights.WEIGHTS, why), key, backend, device) for key in ids)


def _load(net, key, backend, device):
    from nets.graph import signals_of

    signals = signals_of(net.inputs, net.layers, net.outputs, net.name)
    where = f"network weights {key} ({net.name}) are no loop filter"
    for entry in net.inputs:
        grids, least, most = INPUTS.get(entry.name, ((), 0, 0))
        if entry.grid not in grids or entry.channels != 1 or entry.lo > least or entry.hi < most:
            raise Unsupported(f"{where}: input {entry.name} cannot be given to them")
    for output in net.outputs:
        made = signals[output.source].channels, signals[output.source].grid
        if _OUTPUTS.get(output.name) != made or not SAMPLE_FRACTION <= output.fraction <= _MAX_FRACTION:
            raise Unsupported(f"{where}: output {output.name} is no correction of samples")
    fractions = {output.name: output.fraction for output in net.outputs}
    if "y" not in fractions:
        raise Unsupported(f"{where}: they do not correct luma")
    inputs = frozenset(entry.name for entry in net.inputs)
    return FilterNet(key, net.name, net, _prepare(net, backend, device), inputs, fractions)


def _prepare(net, backend, device):
    """torch, or compiled loops where it is not installed: the samples are the same."""
    if backend == "compiled" or (backend == "auto" and not importlib.util.find_spec("torch")):
        from nets.compiled_backend import prepare

        return prepare(net)
    from nets.torch_backend import import_torch, prepare

    if device != "cpu" and not import_torch().cuda.is_available():
        raise UsageError(f"CnnDevice={device}: torch finds no such device here")
    return prepare(net, device=device)
