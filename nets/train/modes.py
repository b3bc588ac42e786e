"""Training nets that rank intra modes: blocks of shards, the loss, and what a net saves beside H.265's own list.

A shard has of every intra prediction block what the net takes, and what each mode costs there in bits without those
that tell it (cli/train/mode_blocks.py). An encoder takes the mode that is cheapest with the bits that tell it: the net
is trained on just that, a soft minimum over all modes, not on the modes that an encoder with another list has chosen.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from codec.base.errors import InputError
from nets.quantise import to_real
from nets.train.data import DAMAGES, check_patterns
from nets.train.fit import Fit

MODES = 35
INPUT = "block"
# costs in shards, in sixteenths of a bit above the least
COST_STEP = 16
# the groups of ranks in the stream, whose probabilities follow the blocks
GROUP_SIZES = (1, 1, 1, 2, 2, 4, 8, 16)
_PLANAR, _DC, _VERTICAL = 0, 1, 26
_MPMS = 3
_ROUNDS = 4


class Blocks(NamedTuple):
    """Of a shard: inputs (n, channels) int16, costs (n, MODES) in sixteenths of a bit, H.265's list (n, 3)."""

    source: str
    qp: int
    inputs: np.ndarray
    costs: np.ndarray
    listed: np.ndarray


def load_blocks(folder, keep=lambda source: True):
    """All Blocks of a dump with modes. Raises InputError."""
    paths = sorted(Path(folder).glob("*_qp*.npz"))
    if not paths:
        raise InputError(f"{folder}: no training material; make it with pytrain dump")
    found = []
    for path in paths:
        source, _, qp = path.stem.rpartition("_qp")
        if not keep(source):
            continue
        try:
            with np.load(path, allow_pickle=False) as shard:
                arrays = [shard[f"mode_{name}"] for name in ("inputs", "costs", "listed")]
        except DAMAGES as error:
            raise InputError(f"{path}: damaged shard ({error}), or one without modes") from None
        if len({len(array) for array in arrays}) > 1 or arrays[1].shape[1:] != (MODES,):
            raise InputError(f"{path}: its arrays are of different sizes")
        found.append(Blocks(source, int(qp), *arrays))
    return found


class ModesFit(Fit):
    """As Fit; a step takes `batch` blocks."""

    _inner_only = False

    def _take_material(self, description, material, train, held_out):
        blocks = [part for folder in material for part in load_blocks(folder)]
        check_patterns(self.recipe, {part.source for part in blocks})
        self._patches = _Drawn([part for part in blocks if train(part.source)])
        self._validation = [part for part in blocks if held_out(part.source)]

    def _batch(self, phase):
        return self._patches.draw(np.random.default_rng([self.recipe.seed, self.step]), phase.batch)

    def _calibration(self, phase, number):
        return self._patches.draw(np.random.default_rng([self.recipe.seed, 1 << 40, number]), phase.batch)[0]

    def _loss(self, outputs, targets, qps):
        """What a block's cheapest mode costs, in bits, where the net's scores are the logarithms of probabilities."""
        torch = self._torch
        scores = outputs["scores"].float().flatten(1)
        costs = torch.from_numpy(targets).to(self._device) * (np.log(2) / COST_STEP)
        return -torch.logsumexp(torch.log_softmax(scores, 1) - costs, 1).mean() / np.log(2)

    def validate(self):
        if not self._validation:
            return {}
        self._average.swap()
        found = gains(float_net(self.module, self._device), self._validation)
        self._average.swap()
        return mean_gains(found)


class _Drawn:
    """Draws blocks of all shards."""

    def __init__(self, parts):
        if not parts:
            raise InputError("no training material is left beside the validation sources")
        self.crops = parts
        self._inputs = np.concatenate([part.inputs for part in parts])
        self._costs = np.concatenate([part.costs for part in parts])
        self._qps = np.concatenate([np.full(len(part.inputs), part.qp) for part in parts])

    def draw(self, rng, batch):
        """({INPUT: int16 (batch, channels, 1, 1)}, costs (batch, MODES) float32, QPs)"""
        chosen = rng.integers(0, len(self._inputs), batch)
        inputs = self._inputs[chosen][:, :, None, None]
        return {INPUT: inputs}, self._costs[chosen].astype(np.float32), self._qps[chosen]


def float_net(module, device="cpu"):
    """A function (n, channels) int16 -> scores (n, MODES), by the module as it is set."""
    import torch

    def scores(inputs):
        with torch.no_grad():
            real = to_real(module.description, {INPUT: inputs[:, :, None, None]})
            return module({name: t.to(device) for name, t in real.items()})["scores"].flatten(1).cpu().numpy()

    return scores


def integer_net(net, runner):
    """The same by the integer net."""
    return lambda inputs: runner({INPUT: inputs[:, :, None, None]})["scores"].reshape(len(inputs), MODES)


class Gain(NamedTuple):
    """Of a shard: blocks, bits of the mode and its rough cost in all, share in the first three; with the list, the net.

    Costs are bits above those of the mode that would be best if modes cost nothing.
    """

    source: str
    qp: int
    blocks: int
    listed: tuple
    ranked: tuple


def gains(function, parts):
    """[Gain] of Blocks, one a shard."""
    found = []
    for part in parts:
        if len(part.inputs):
            costs = part.costs / COST_STEP
            ways = _by_list(costs, part.listed), _by_rank(costs, function(part.inputs))
            found.append(Gain(part.source, part.qp, len(costs), *ways))
    return found


def _by_list(costs, listed):
    """(bits of modes, cost, share in the list) by H.265's list, with the flag's probability that follows from it."""
    count, share = np.arange(len(costs)), 0.65
    for _ in range(_ROUNDS):
        bits = np.full((len(costs), MODES), 5 - np.log2(1 - share))
        for place in range(_MPMS - 1, -1, -1):
            bits[count, listed[:, place]] = min(place + 1, _MPMS - 1) - np.log2(share)
        chosen = (costs + bits).argmin(1)
        hits = (listed == chosen[:, None]).any(1)
        share = (hits.sum() + 0.5) / (len(hits) + 1)
    return float(bits[count, chosen].mean()), float((costs + bits).min(1).mean()), float(hits.mean())


def _by_rank(costs, scores):
    """The same by rank, with probabilities of the groups that follow from it."""
    count, group = np.arange(len(costs)), np.repeat(np.arange(len(GROUP_SIZES)), GROUP_SIZES)
    ranks = np.argsort(np.argsort(-scores, 1, kind="stable"), 1, kind="stable")
    shares = np.full(len(GROUP_SIZES), 1 / len(GROUP_SIZES))
    for _ in range(_ROUNDS):
        bits = (np.log2(GROUP_SIZES) - np.log2(shares))[group][ranks]
        chosen = (costs + bits).argmin(1)
        taken = ranks[count, chosen]
        shares = np.bincount(group[taken], minlength=len(GROUP_SIZES)) + 0.5
        shares /= shares.sum()
    return float(bits[count, chosen].mean()), float((costs + bits).min(1).mean()), float((taken < _MPMS).mean())


def mean_gains(found):
    """{"bits": {QP: bits a block that the net saves}}"""
    return {
        "bits": {
            qp: float(np.mean([gain.listed[1] - gain.ranked[1] for gain in found if gain.qp == qp]))
            for qp in sorted({gain.qp for gain in found})
        }
    }


def by_source(found):
    """{(source, QP): {"bits": (bits of a mode with H.265's list, bits a block that the net saves)}}"""
    return {
        (gain.source, gain.qp): {"bits": (gain.listed[0], gain.listed[1] - gain.ranked[1])}
        for gain in sorted(found, key=lambda gain: gain[:2])
    }
