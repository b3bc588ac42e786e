"""Shards of training material as inputs and wanted outputs of a filter's net."""

import fnmatch
import math
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from codec.base.errors import InputError, UsageError
from codec.base.io.matrices import Colour
from codec.base.io.rgb import to_rgb
from nets import filter_inputs
from nets.train.recipe import PLACEMENTS

_COMPONENTS, _RGB = ("y", "u", "v"), ("r", "g", "b")
# pytrain reads stills as BT.709; which matrix it is matters little to a net
_COLOUR = Colour(1)
_RGB_DEPTH = 12  # of sixteenths of an 8-bit step
# what numpy and zipfile raise for files that are cut, overwritten, or hold other arrays
DAMAGES = (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error)


class Crop(NamedTuple):
    """One crop: the net's inputs, and the samples before and after.

    source, qp   where it comes from;  bit_depth: of `rec` and `org`
    inputs       {input name: int16 array (1, h, w)} as nets/filter_inputs.py makes them, but "qp", which is a number
    rec, org     {component: plane}: what is filtered, and the original; in RGB for nets of the output filter
    """

    source: str
    qp: int
    bit_depth: int
    inputs: dict
    rec: dict
    org: dict

    @property
    def shape(self):
        """(rows, columns) on the finest grid."""
        return next(iter(self.rec.values())).shape


def load_crops(folder, wanted, placement, keep=None):
    """All Crops of a dump. Raises InputError for a folder without shards, or a damaged one.

    wanted   names of the net's inputs;  placement: see recipe.PLACEMENTS;  keep: function(source) -> bool, or None
    """
    crops = []
    paths = sorted(Path(folder).glob("*_qp*.npz"))
    if not paths:
        raise InputError(f"{folder}: no training material; make it with pytrain dump")
    for path in paths:
        source = path.stem.rpartition("_qp")[0]
        if keep is None or keep(source):
            crops += _read_shard(path, source, wanted, PLACEMENTS[placement])
    return crops


def _read_shard(path, source, wanted, stage):
    try:
        with np.load(path, allow_pickle=False) as shard:
            depth = int(shard["bit_depth"])
            rec = {c: shard[f"{stage}_{c}"] for c in _COMPONENTS}
            org = {c: shard[f"org_{c}"] for c in _COMPONENTS}
            if "rec_rgb" in wanted:
                if "org_rgb" not in shard:
                    raise UsageError(f"{path}: holds no RGB, which this net is trained on: its plan needs rgb = true")
                rec, org, depth = *_as_rgb(rec, depth, shard["org_rgb"]), _RGB_DEPTH
            inputs = _inputs(shard, rec, depth, wanted)
            return _crops(source, depth, inputs, rec, org, shard["slice_qp"])
    except DAMAGES as error:
        raise InputError(f"{path}: damaged shard ({error}); remove it and run pytrain dump again") from None


def _crops(source, depth, inputs, rec, org, qps):
    """The Crops of a shard's arrays. Raises ValueError where these do not belong together."""
    luma = next(iter(rec.values())).shape
    for component, planes in [*rec.items(), *org.items()]:
        sides = [side >> grid_of(component) for side in luma[1:]]
        if planes.shape != (len(qps), *sides):
            raise ValueError(f"{component} is of shape {planes.shape}, beside {len(qps)} QPs and luma of {luma}")
    return [
        Crop(
            source, int(qps[n]), depth, {name: array[n] for name, array in inputs.items()},
            {c: plane[n] for c, plane in rec.items()}, {c: plane[n] for c, plane in org.items()},
        )
        for n in range(len(qps))
    ]  # fmt: skip


def _as_rgb(rec, depth, original):
    """({component: planes of the reconstruction}, the same of the original), in sixteenths of an 8-bit step."""
    crops = zip(*(rec[c] for c in _COMPONENTS), strict=True)
    converted = np.stack([to_rgb(planes, (depth, depth), _COLOUR) for planes in crops]).astype(np.int16)
    original = original.astype(np.int16) << (_RGB_DEPTH - 8)
    return tuple({c: planes[:, index] for index, c in enumerate(_RGB)} for planes in (converted, original))


def _inputs(shard, rec, depth, wanted):
    """The inputs of all crops of a shard: (n, 1, h, w), "qp" (n, 1, 1, 1)."""
    made = {}
    for name in wanted:
        if name == "rec_rgb":
            made[name] = filter_inputs.rgb(np.stack([rec[c] for c in _RGB], 1))
            continue
        if name in ("rec_y", "rec_u", "rec_v"):
            made[name] = filter_inputs.samples(rec[name[-1]], depth)
        elif name == "pred_y":
            made[name] = filter_inputs.prediction(shard["raw_y"], shard["res_y"], depth)
        elif name == "res_y":
            made[name] = filter_inputs.residual(shard["res_y"], depth)
        elif name == "edges":
            made[name] = filter_inputs.edges(shard["strengths"], *rec["u"].shape[-2:])
        elif name == "qp":
            made[name] = filter_inputs.qp(shard["slice_qp"])[:, None, None]
        else:
            raise UsageError(f"training material has no input {name!r}")
        made[name] = made[name][:, None]
    return made


def check_patterns(recipe, sources, material=None):
    """UsageError for a pattern of validation that none of the sources of the material has."""
    for pattern in recipe.validation:
        if not any(fnmatch.fnmatchcase(source, pattern) for source in sources):
            some = ", ".join(sorted(sources)[:3])
            where = f"{recipe.name}: validation"
            dumps = material or " and ".join(recipe.dump)
            raise UsageError(f"{where}: no source of {dumps} is called {pattern}; it has {some}, ...")


def split(patterns):
    """(function telling whether a source is trained on, the same for validation)."""
    held_out = lambda source: any(fnmatch.fnmatchcase(source, pattern) for pattern in patterns)  # noqa: E731
    return (lambda source: not held_out(source)), held_out


def grid_of(component):
    """Chroma planes are half the size of all others."""
    return int(component in ("u", "v"))


def target(crop, component):
    """What the net should add to a component, in 8-bit steps: float32 plane."""
    difference = crop.org[component].astype(np.float32) - crop.rec[component]
    return difference / (1 << (crop.bit_depth - 8))


class Patches:
    """Random patches of crops: {input: int16 (batch, channels, h, w)}, {component: float32 targets}, [QPs]."""

    def __init__(self, crops, grids, components):
        """grids: {input: grid};  components: those of which targets are wanted."""
        if not crops:
            raise InputError("no training material is left beside the validation sources")
        self.crops, self._grids, self._components = crops, grids, components
        areas = np.array([math.prod(crop.shape) for crop in crops], float)
        self._shares = areas / areas.sum()
        self.error = self._errors()

    def _errors(self):
        """{(component, QP): mean squared error of what is filtered, in 8-bit steps}"""
        sums = {}
        for crop in self.crops:
            for component in self._components:
                entry = sums.setdefault((component, crop.qp), [])
                entry.append(float(np.square(target(crop, component)).mean()))
        return {key: max(sum(values) / len(values), 0.01) for key, values in sums.items()}

    def draw(self, rng, batch, side):
        """A batch of side x side luma samples, transposed at random.

        Not mirrored: prediction runs from the left and from above, and so do its errors.
        """
        inputs, targets = {name: [] for name in self._grids}, {c: [] for c in self._components}
        qps = []
        for index in rng.choice(len(self.crops), batch, p=self._shares):
            crop = self.crops[index]
            height, width = crop.shape
            if min(height, width) < side:
                raise UsageError(f"patches of {side} samples do not fit in {crop.source}, {width}x{height}")
            top, left = (8 * int(rng.integers(0, (space - side) // 8 + 1)) for space in (height, width))
            turned = rng.integers(0, 2)
            for name, grid in self._grids.items():
                plane = crop.inputs[name]
                if name == "qp":
                    inputs[name].append(np.broadcast_to(plane, (1, side >> grid, side >> grid)))
                else:
                    inputs[name].append(_turned(_cut(plane, top, left, side, grid), turned))
            for component in self._components:
                grid = grid_of(component)
                part = _cut(crop.org[component], top, left, side, grid).astype(np.float32)
                part = (part - _cut(crop.rec[component], top, left, side, grid)) / (1 << (crop.bit_depth - 8))
                targets[component].append(_turned(part, turned)[None])
            qps.append(crop.qp)
        return ({name: np.stack(arrays) for name, arrays in inputs.items()},
                {name: np.stack(arrays) for name, arrays in targets.items()}, qps)  # fmt: skip


def _cut(plane, top, left, side, grid):
    return plane[..., top >> grid : (top + side) >> grid, left >> grid : (left + side) >> grid]


def _turned(plane, turned):
    return np.swapaxes(plane, -1, -2) if turned else plane


def whole_inputs(crop, grids):
    """The inputs of a whole crop, as a batch of one; its sides cut to multiples of 8 already."""
    height, width = crop.shape
    made = {}
    for name, grid in grids.items():
        array = crop.inputs[name]
        made[name] = np.broadcast_to(array, (1, height >> grid, width >> grid)) if name == "qp" else array
    return {name: np.ascontiguousarray(array)[None] for name, array in made.items()}
