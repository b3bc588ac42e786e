"""Training nets of fractional interpolation: pictures that others refer to, and what their blocks lack there.

Of a pair of pictures, one that refers to the other, every sample of a block with one vector says what one phase of the
other should be at one place: the original less H.265's prediction. The loss looks at these places alone.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from codec.base.errors import InputError, UsageError
from nets.filter_bank import FIRST_QP, PHASES, QP_STEP, SIDE, band_of
from nets.graph import halo
from nets.quantise import to_real
from nets.train.data import check_patterns
from nets.train.evaluate import REAL, Gain
from nets.train.fit import LEAST_ERROR, Fit
from nets.train.interpolation import standard_filter
from nets.train.motion_blocks import UNUSED, mirrored, read_shard, units_with_one_vector

_BEFORE = SIDE // 2 - 1
# places of a pair that are kept for drawing
_MOST_PLACES = 30000
# a net with strides wants patches on its coarsest grid
_GRID = 4
# of QP, by which gains are told
_BANDS = 5


class Reference(NamedTuple):
    """A picture that others refer to: int16 planes of 8-bit samples, and its SliceQpY."""

    rec: np.ndarray
    res: np.ndarray
    col: np.ndarray
    qp: int


class Pair(NamedTuple):
    """A picture and one that it refers to.

    source, qp   of the picture that refers;  reference: Reference
    y, x, phase  (n,) where in the reference, and at which phase;  missing: float32, in 8-bit steps
    group        (n,) number of the prediction block
    """

    source: str
    qp: int
    reference: Reference
    y: np.ndarray
    x: np.ndarray
    phase: np.ndarray
    missing: np.ndarray
    group: np.ndarray


def load_pairs(folder, keep=lambda source: True, most=_MOST_PLACES):
    """All Pairs of a dump with motion. Raises InputError. most: places of each; None for all"""
    paths = sorted(path for path in Path(folder).glob("*_qp*.npz"))
    if not paths:
        raise InputError(f"{folder}: no training material; make it with pytrain dump")
    found = []
    for path in paths:
        source = path.name.rpartition("_qp")[0]
        if not keep(source):
            continue
        found += _pairs(read_shard(path), source, most)
    return found


def _pairs(arrays, source, most):
    rng = np.random.default_rng([*source.encode(), int(arrays["slice_qp"][0])])
    number = {int(poc): i for i, poc in enumerate(arrays["poc"])}
    references, planes, found = {}, {}, []
    for i in range(len(arrays["poc"])):
        y, x, poc, right, down, group = units_with_one_vector(arrays, i)
        for reference in np.unique(poc):
            j, here = number[int(reference)], poc == reference
            if j not in references:
                references[j], planes[j] = _reference(arrays, j, number), _standard_planes(arrays["rec_y"][j])
            places = _places(y[here], x[here], right[here], down[here], group[here], arrays["rec_y"].shape[1:])
            if most and len(places[0]) > most:
                kept = np.sort(rng.choice(len(places[0]), most, replace=False))
                places = [array[kept] for array in places]
            to_y, to_x, phase, own_y, own_x, block = places
            if not len(to_y):
                continue
            wanted = arrays["org_y"][i][own_y, own_x].astype(np.float32)
            missing = wanted - planes[j][phase, to_y, to_x]
            found.append(
                Pair(
                    source, int(arrays["slice_qp"][i]), references[j], to_y.astype(np.int16), to_x.astype(np.int16),
                    phase.astype(np.uint8), missing, block.astype(np.int32),
                )
            )  # fmt: skip
    return found


def _places(y, x, right, down, group, shape):
    """Samples of 4x4 units whose vectors end in the picture: (y, x in the reference, phase, own y, own x, group)."""
    own_y = (4 * y[:, None, None] + np.arange(4)[:, None] + np.zeros(4, np.int64)).reshape(len(y), 16)
    own_x = (4 * x[:, None, None] + np.zeros(4, np.int64)[:, None] + np.arange(4)).reshape(len(y), 16)
    to_y, to_x = own_y + (down >> 2)[:, None], own_x + (right >> 2)[:, None]
    phase, block = (np.broadcast_to(a[:, None], to_y.shape) for a in (4 * (down & 3) + (right & 3), group))
    inside = (to_y >= 0) & (to_y < shape[0]) & (to_x >= 0) & (to_x < shape[1])
    return [array[inside] for array in (to_y, to_x, phase, own_y, own_x, block)]


def _reference(arrays, j, number):
    """The Reference of picture j: beside it stands the best of the pictures that its own blocks refer to, or itself."""
    named = [number[int(poc)] for poc in np.unique(arrays["ref_poc"][j]) if poc != UNUSED]
    best = min(named, key=lambda i: (int(arrays["slice_qp"][i]), -int(arrays["poc"][i])), default=j)
    rec, col = (arrays["rec_y"][i].astype(np.int16) for i in (j, best))
    return Reference(rec, arrays["res_y"][j].astype(np.int16), col, int(arrays["slice_qp"][j]))


def _standard_planes(rec):
    """(16, h, w) float32: H.265's prediction at all phases, not rounded in between."""
    padded = np.pad(rec.astype(np.float32), ((_BEFORE, SIDE - 1 - _BEFORE),) * 2, mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, (SIDE, SIDE))
    planes = np.empty((PHASES, *rec.shape), np.float32)
    for phase in range(PHASES):
        kept, flip_rows, flip_columns = mirrored(phase)
        weights = standard_filter(kept).reshape(SIDE, SIDE).astype(np.float32)
        weights = weights[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
        planes[phase] = np.einsum("yxij,ij->yx", views, weights, optimize=True)
    return np.clip(planes, 0, 255)


def net_inputs(names, reference, window=(slice(None), slice(None))):
    """{input: int16 (1, rows, columns)} of a Reference, or of a window of it."""
    made = {}
    for name in names:
        if name == "qp":
            shape = reference.rec[window].shape
            made[name] = np.full((1, *shape), min(max(8 * reference.qp, 0), 511), np.int16)
            continue
        planes = {"rec_y": reference.rec, "col_y": reference.col, "res_y": reference.res}
        if name not in planes:
            raise UsageError(f"training material of interpolation has no input {name!r}")
        plane = planes[name][window].astype(np.int32) * 4
        made[name] = np.clip(plane if name == "res_y" else plane - 512, -512, 511).astype(np.int16)[None]
    return made


class PhaseFit(Fit):
    """As Fit."""

    _inner_only = False

    def _take_material(self, description, material, train, held_out):
        pairs = [pair for folder in material for pair in load_pairs(folder)]
        check_patterns(self.recipe, {pair.source for pair in pairs})
        self._names = [entry.name for entry in description.inputs]
        self._patches = _Drawn([pair for pair in pairs if train(pair.source)])
        self._validation = [pair for pair in pairs if held_out(pair.source)]
        self._lost = max(halo(description, description.signals()))
        if min(self.recipe.fit.patch, self.recipe.quantised.patch) <= 2 * self._lost + _GRID:
            raise UsageError(f"{self.recipe.name}: patches lose {self._lost} samples on each side: they are too small")

    def _batch(self, phase):
        return self._drawn(np.random.default_rng([self.recipe.seed, self.step]), phase)

    def _calibration(self, phase, number):
        return self._drawn(np.random.default_rng([self.recipe.seed, 1 << 40, number]), phase)[0]

    def _drawn(self, rng, phase):
        return self._patches.draw(rng, phase.batch, phase.patch, self._names, self._lost)

    def _loss(self, outputs, targets, qps):
        """Squared errors in 8-bit steps at the places that say something, over what they are without a net."""
        torch, parts = self._torch, []
        for k, (phase, y, x, missing) in enumerate(targets):
            wanted = torch.from_numpy(missing).to(self._device)
            made = outputs["y"][k].float()[tuple(torch.from_numpy(a).to(self._device) for a in (phase, y, x))] * REAL
            usual = self._patches.error[qps[k]]
            without = (usual * wanted.square().mean().clamp(min=LEAST_ERROR)).sqrt()
            parts.append((made - wanted).square().mean() / without)
        return torch.stack(parts).mean()

    def validate(self):
        if not self._validation:
            return {}
        self._average.swap()
        found = gains(float_net(self.module, self._device), self._validation, self._names)
        self._average.swap()
        return mean_gains(found)


class _Drawn:
    """Draws patches of references, with the places of a pair that lie in them."""

    def __init__(self, pairs):
        if not pairs:
            raise InputError("no training material is left beside the validation sources")
        self.crops = pairs
        counts = np.array([len(pair.y) for pair in pairs], float)
        self._shares = counts / counts.sum()
        squares = {}
        for pair in pairs:
            squares.setdefault(pair.qp, []).append(float(np.square(pair.missing).mean()))
        self.error = {qp: max(float(np.mean(each)), LEAST_ERROR) for qp, each in squares.items()}

    def draw(self, rng, batch, patch, names, lost):
        """({input: int16 (batch, 1, patch, patch)}, [(phase, y, x, missing)], [QPs])"""
        inputs, targets, qps = [], [], []
        while len(targets) < batch:
            pair = self.crops[int(rng.choice(len(self.crops), p=self._shares))]
            at = int(rng.integers(len(pair.y)))
            top, left = (
                _corner(rng, int(place), patch, size, lost)
                for place, size in zip((pair.y[at], pair.x[at]), pair.reference.rec.shape, strict=True)
            )
            y, x = pair.y.astype(np.int64) - top, pair.x.astype(np.int64) - left
            inside = (y >= lost) & (y < patch - lost) & (x >= lost) & (x < patch - lost)
            if not inside.any():
                continue
            window = slice(top, top + patch), slice(left, left + patch)
            inputs.append(net_inputs(names, pair.reference, window))
            targets.append((pair.phase[inside].astype(np.int64), y[inside], x[inside], pair.missing[inside]))
            qps.append(pair.qp)
        return {name: np.stack([each[name] for each in inputs]) for name in names}, targets, qps


def _corner(rng, place, patch, size, lost):
    """Where a patch begins that has a place well inside, as far as the picture allows."""
    if size < patch:
        raise InputError(f"pictures with sides of {size} are smaller than patches of {patch}")
    first = place - int(rng.integers(lost, patch - lost))
    return min(max(first, 0), size - patch) // _GRID * _GRID


def float_net(module, device="cpu"):
    """A function {input: int16} -> corrections (16, rows, columns) in 8-bit steps, by the module as it is set."""
    import torch

    def corrections(inputs):
        with torch.no_grad():
            real = {name: tensor.to(device) for name, tensor in to_real(module.description, inputs).items()}
            return module(real)["y"][0].float().cpu().numpy() * REAL

    return corrections


def integer_net(net, runner):
    """The same by the integer net."""
    scale = 128.0 / 2 ** net.outputs[0].fraction
    return lambda inputs: runner(inputs)["y"][0].astype(np.float32) * scale


def gains(function, pairs, names):
    """[Gain] of Pairs: PSNR of predictions, and what it gains where each prediction block takes the better."""
    found, made, last, order = [], None, None, {}
    for pair in pairs:
        order.setdefault(id(pair.reference), len(order))
    # a net runs once for each reference
    for pair in sorted(pairs, key=lambda pair: order[id(pair.reference)]):
        if pair.reference is not last:
            inputs = {name: array[None] for name, array in net_inputs(names, pair.reference).items()}
            made, last = function(inputs), pair.reference
        left = pair.missing - made[pair.phase, pair.y, pair.x]
        _, group = np.unique(pair.group, return_inverse=True)
        without, with_net = (np.bincount(group, np.square(error)) for error in (pair.missing, left))
        before, after = without.sum() / len(left), np.minimum(without, with_net).sum() / len(left)
        if before > 0:
            psnr, better = (10 * np.log10(255.0**2 / max(error, 1e-4)) for error in (before, after))
            found.append(Gain(pair.source, pair.qp, "y", float(psnr), float(better - psnr)))
    return found


def _bands(found):
    """The same by QPs that many pictures have: 22, 27, ..."""
    return [gain._replace(qp=FIRST_QP + QP_STEP * band_of(gain.qp, _BANDS)) for gain in found]


def mean_gains(found):
    """{"y": {QP: mean gain}}, by the QP of 22, 27, ... that is nearest."""
    table = {}
    for gain in _bands(found):
        table.setdefault(gain.qp, []).append(gain.gain)
    return {"y": {qp: float(np.mean(values)) for qp, values in sorted(table.items())}}


def by_source(found):
    """{(source, QP): {"y": (mean PSNR, mean gain)}}, by such QPs."""
    table = {}
    for gain in _bands(found):
        table.setdefault((gain.source, gain.qp), []).append((gain.psnr, gain.gain))
    return {key: {"y": tuple(float(v) for v in np.mean(values, 0))} for key, values in sorted(table.items())}
