"""The nets of the CNN filters: found among the installed weights, checked, and made ready to run.

Nothing of the package `nets` is imported before a net is wanted.
"""

import importlib.util
from collections.abc import Callable
from typing import NamedTuple

from codec.base.errors import Unsupported, UsageError, WeightsMissing

_MAX_FRACTION = 14


class Place(NamedTuple):
    """Where in the codec nets filter, what they may ask for there, and what they may give.

    name      in words;  option: of pyenc, which switches it on;  suffix: of its architectures behind the option's value
    inputs    as INPUTS of filter_inputs.py;  outputs: {name: (channels, grid)}, the first must be there
    least_fraction  of outputs
    """

    name: str
    option: str
    suffix: str
    inputs: dict
    outputs: dict
    least_fraction: int


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


def choose_nets(architecture, names, directory, place, most, placement="filtered"):
    """Ids of the nets for an encoding: those that `names` lists (separated by commas), else all of an architecture.

    placement   the samples that it filters, as recipes say; of an architecture's nets, those trained on such are taken
                if there are any
    Raises WeightsMissing when there is none, UsageError when there are more than `most`.
    """
    from nets import weights

    directory, option = directory or weights.WEIGHTS, place.option
    if names:
        ids = [weights.find(name.strip(), directory, f"{option}Nets").id for name in names.split(",")]
        if len(set(ids)) < len(ids):
            raise UsageError(f"{option}Nets={names} names a net twice")
    else:
        entries = [entry for entry in weights.manifest(directory) if entry.architecture == architecture + place.suffix]
        if not entries:
            raise WeightsMissing(
                f"{option}={architecture}: no network weights of this architecture are installed in {directory}"
            )
        ids = [entry.id for entry in entries if entry.placement == placement] or [entry.id for entry in entries]
    if len(ids) > most:
        raise UsageError(f"{option}={architecture}: {len(ids)} nets; name at most {most} ({option}Nets)")
    return tuple(ids)


def choose_bank(architecture, name, directory, option):
    """Id of the bank of filters for an encoding: `name`, else the first that is installed of an architecture.

    Raises WeightsMissing when there is none.
    """
    from nets import weights

    directory = directory or weights.WEIGHTS
    if name:
        return weights.find(name, directory, f"{option}Bank").id
    for entry in weights.manifest(directory):
        if entry.architecture == architecture:
            return entry.id
    raise WeightsMissing(f"{option}={architecture}: no filters of this kind are installed in {directory}")


def installed_net(key, directory=""):
    """What the manifest says of a net (nets.weights.Entry): its name, costs, training. Raises WeightsMissing."""
    from nets import weights

    return weights.find(key, directory or weights.WEIGHTS)


def load_nets(ids, directory="", backend="auto", device="cpu", why="the stream", *, place):
    """FilterNets of these ids, proved and ready. Raises WeightsMissing, Unsupported; `why` says who asks."""
    from nets import weights

    directory = directory or weights.WEIGHTS
    return tuple(_load(weights.load(key, directory, why), key, place, backend, device) for key in ids)


class NetStore:
    """Nets that a program has loaded: each once."""

    def __init__(self, config, why):
        """config: an encoder's or a decoder's;  why: who asks, as text with {} for the option of the tool"""
        self._settings, self._why, self._nets = (config.WeightsDir, config.CnnBackend, config.CnnDevice), why, {}

    def get(self, ids, place):
        """FilterNets of these ids. Raises as load_nets."""
        for key in ids:
            if (place.name, key) not in self._nets:
                why = self._why.format(place.option)
                (self._nets[place.name, key],) = load_nets([key], *self._settings, why, place=place)
        return tuple(self._nets[place.name, key] for key in ids)

    def bank(self, key, option):
        """The nets.filter_bank.FilterBank of this id, which `option` of pyenc wants. Raises WeightsMissing."""
        from nets import weights

        if (option, key) not in self._nets:
            directory = self._settings[0] or weights.WEIGHTS
            self._nets[option, key] = weights.load(key, directory, self._why.format(option), weights.BANK)
        return self._nets[option, key]


def _load(net, key, place, backend, device):
    from nets.graph import signals_of

    signals = signals_of(net.inputs, net.layers, net.outputs, net.name)
    where = f"network weights {key} ({net.name}) are no {place.name}"
    for entry in net.inputs:
        channels, grids, least, most = place.inputs.get(entry.name, (1, (), 0, 0))
        if entry.grid not in grids or entry.channels != channels or entry.lo > least or entry.hi < most:
            raise Unsupported(f"{where}: input {entry.name} cannot be given to them")
    for output in net.outputs:
        made = signals[output.source].channels, signals[output.source].grid
        if place.outputs.get(output.name) != made or not place.least_fraction <= output.fraction <= _MAX_FRACTION:
            raise Unsupported(f"{where}: output {output.name} is no correction of samples")
    fractions = {output.name: output.fraction for output in net.outputs}
    if next(iter(place.outputs)) not in fractions:
        raise Unsupported(f"{where}: they do not correct {'luma' if 'y' in place.outputs else 'RGB'}")
    inputs = frozenset(entry.name for entry in net.inputs)
    return FilterNet(key, net.name, net, _prepare(net, backend, device), inputs, fractions)


def check_backend(backend, device):
    """UsageError or Unsupported for a CnnBackend and a CnnDevice that this machine does not have."""
    if backend == "compiled" and device != "cpu":
        raise UsageError(f"CnnBackend=compiled computes on the processor: leave CnnDevice={device} out")
    if backend != "torch" and device == "cpu":
        return
    from nets.torch_backend import import_torch

    if not importlib.util.find_spec("torch"):
        asked = f"CnnDevice={device}" if device != "cpu" else "CnnBackend=torch"
        how = "run `make train` in pyenc's checkout, or leave it out"
        raise Unsupported(f"{asked} needs torch, which is not installed: {how}")
    if device != "cpu" and not import_torch().cuda.is_available():
        raise UsageError(f"CnnDevice={device}: torch finds no such device here: leave it out")


def _prepare(net, backend, device):
    """Compiled loops, or torch where it is asked for, or another device: the samples are the same."""
    check_backend(backend, device)
    if backend != "torch" and device == "cpu":
        from nets.program import prepare

        return prepare(net)
    from nets.torch_backend import prepare

    return prepare(net, device=device)
