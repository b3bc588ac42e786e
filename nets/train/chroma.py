"""Training nets of chroma from luma: blocks of shards, the loss, and what a net gains beside all other modes.

Windows come from a maker that is handed in: the codec's own kernels make them.
"""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from codec.base.errors import InputError, UsageError
from nets.arch.chroma import SIDE_CHANNELS, WINDOW_CHANNELS
from nets.quantise import to_real
from nets.train.data import DAMAGES, check_patterns
from nets.train.evaluate import REAL
from nets.train.fit import Fit

SIZES = (4, 8, 16, 32)
_LINES = 4
# how often a step takes blocks of each size
_SHARES = (0.3, 0.3, 0.25, 0.15)
# of places that no transform block of this size stands at, this many are taken
_ELSEWHERE = 0.3
# blocks of each size of a crop that are measured
_MEASURED = {4: 128, 8: 96, 16: 48, 32: 24}
# a coefficient below this share of the quantiser's step squared mostly costs nothing
_FREE = 1 / 3
_TILE = 8
# how much cheaper the net must be for a block to be its own
_SOFT = 0.1
# batches that are drawn; then they come again: making a batch takes several times as long as learning from it
POOL = 2000


class Picture(NamedTuple):
    """A crop of a shard: samples before the in-loop filters, original chroma, sizes of transform blocks by 4x4."""

    source: str
    qp: int
    bit_depth: int
    raw: list
    original: list
    log2_tb: np.ndarray

    @property
    def planes(self):
        """[Y, Cb, Cr] as kernels take them."""
        return [plane.astype(np.int16) for plane in self.raw]

    @property
    def wanted(self):
        """[Cb, Cr] of the original."""
        return [plane.astype(np.int16) for plane in self.original]


def load_pictures(folder, keep=None):
    """All Pictures of a dump. Raises InputError. keep: function(source) -> bool, or None"""
    paths = sorted(Path(folder).glob("*_qp*.npz"))
    if not paths:
        raise InputError(f"{folder}: no training material; make it with pytrain dump")
    found = []
    for path in paths:
        source = path.stem.rpartition("_qp")[0]
        if keep is None or keep(source):
            try:
                with np.load(path, allow_pickle=False) as shard:
                    found += _pictures(shard, source)
            except DAMAGES as error:
                raise InputError(f"{path}: damaged shard ({error}); remove it and run pytrain dump again") from None
    return found


def _pictures(shard, source):
    raw, original = [[shard[f"{stage}_{c}"] for c in cs] for stage, cs in (("raw", "yuv"), ("org", "uv"))]
    qps, log2_tb, depth = shard["slice_qp"], shard["log2_tb"], int(shard["bit_depth"])
    rows, columns = raw[0].shape[1:]
    for planes, shape in ((raw[1:] + original, (rows // 2, columns // 2)), ([log2_tb], (rows // 4, columns // 4))):
        if any(plane.shape != (len(qps), *shape) for plane in planes):
            raise ValueError("its planes are of different sizes")
    return [
        Picture(source, int(qps[i]), depth, [p[i] for p in raw], [p[i] for p in original], log2_tb[i])
        for i in range(len(qps))
    ]


class Blocks:
    """Draws blocks of pictures. `make`: function of cli/train/chroma_windows.py."""

    def __init__(self, pictures, maker, inputs, sizes=SIZES):
        if not pictures:
            raise InputError("no training material is left beside the validation sources")
        self.crops, self._maker, self._inputs, self._sizes = pictures, maker, inputs, sizes
        areas = np.array([picture.raw[0].size for picture in pictures], float)
        self._areas = areas / areas.sum()
        shares = np.array([_SHARES[SIZES.index(size)] for size in sizes])
        self._shares = shares / shares.sum()
        self._pool = {}

    def batch(self, seed, number, batch, patch):
        """As draw, with random numbers of a seed and a number; kept."""
        key = (seed, number % POOL, batch, patch)
        if key not in self._pool:
            self._pool[key] = self.draw(np.random.default_rng(key[:2]), batch, patch)
        return self._pool[key]

    def draw(self, rng, batch, patch):
        """Blocks of one size with the samples of `batch` squares of patch x patch luma samples.

        -> ({input: int16}, {component: (n, 3, size, size)}, [QPs])

        Of a component: what CCCM, MMLM and planar prediction miss, in 8-bit steps; the first is what is to be added.
        """
        size = int(rng.choice(self._sizes, p=self._shares))
        wanted = max(batch * (patch // 2) ** 2 // size**2, 1)
        parts, qps = [], []
        chosen = rng.choice(len(self.crops), min(8, wanted), p=self._areas)
        for index, count in zip(chosen, _shared(wanted, len(chosen)), strict=True):
            picture = self.crops[index]
            parts.append(made_blocks(self._maker, picture, drawn_places(rng, picture, size, count), size))
            qps += [picture.qp] * count
        window, side, base, missing = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        targets = {c: missing[:, k] for k, c in enumerate("uv")}
        return net_inputs(self._inputs, window, side, base), targets, qps


def _shared(total, parts):
    return [total // parts + (i < total % parts) for i in range(parts)]


def drawn_places(rng, picture, size, count):
    """(count, 2) x and y of chroma blocks of this size, more often where transform blocks have it."""
    rows, columns = (side // size for side in picture.raw[1].shape)
    if not rows or not columns:
        raise UsageError(f"{picture.source}: smaller than blocks of {size} chroma samples")
    places = np.stack([rng.integers(0, columns, 4 * count), rng.integers(0, rows, 4 * count)], 1) * size
    log2_tb = picture.log2_tb[places[:, 1] // 2, places[:, 0] // 2]
    fits = np.maximum(log2_tb, 3) == size.bit_length()
    order = np.argsort(~(fits | (rng.random(4 * count) < _ELSEWHERE)), kind="stable")
    return np.ascontiguousarray(places[order[:count]], np.int64)


def made_blocks(maker, picture, places, size):
    """(windows, vectors, what is corrected, what is missing in 8-bit steps) of blocks of a Picture.

    missing   (n, 2, 3, size, size) of Cb and Cr: by CCCM, by MMLM, by planar prediction
    """
    log2_size = size.bit_length() - 1
    window, side, base = maker.make(picture.planes, picture.bit_depth, picture.qp, places, log2_size)
    blocks = [[plane[y : y + size, x : x + size] for plane in picture.wanted] for x, y in places.tolist()]
    missing = (np.array(blocks, np.float32) - base) / (1 << (picture.bit_depth - 8))
    others = window[:, 8:12, _LINES:, _LINES:].astype(np.float32) / 4
    return window, side, base, np.stack([missing, missing - others[:, :2], missing - others[:, 2:]], 2)


def net_inputs(names, window, side, base):
    """What a net of these inputs takes of windows and vectors: (n, channels, rows, columns) each."""
    made = {}
    for name in names:
        if name == "window":
            made[name] = window
        elif name == "side":
            made[name] = side
        elif name == "luma":
            made[name] = _luma(window)[:, :, _LINES:, _LINES:]
        elif name == "border":
            both = np.concatenate([_luma(window), window[:, 4:6]], 1)
            near = _LINES - 1
            lines = [both[:, :, :near:-1, near], both[:, :, near : near + 1, near], both[:, :, near, _LINES:]]
            made[name] = np.concatenate(lines, 2).reshape(len(window), -1, 1, 1)
        else:
            raise UsageError(f"training material of chroma has no input {name!r}")
    return {name: np.ascontiguousarray(array) for name, array in made.items()}


def _luma(window):
    """The mean of the four phases."""
    return ((window[:, :4].astype(np.int32).sum(1, keepdims=True) + 2) >> 2).astype(np.int16)


def free(qp):
    """What a squared coefficient, in 8-bit steps, may be without costing much."""
    return _FREE * 2.0 ** ((np.asarray(qp, np.float64) - 4) / 3)


class ChromaFit(Fit):
    """As Fit; `maker`: what makes windows."""

    _inner_only = False

    def __init__(self, recipe, material, run, device="cpu", threads=1, *, maker):
        self._maker = maker
        super().__init__(recipe, material, run, device, threads)

    def _take_material(self, description, material, train, held_out):
        pictures = [picture for folder in material for picture in load_pictures(folder)]
        check_patterns(self.recipe, {picture.source for picture in pictures})
        kept = [picture for picture in pictures if train(picture.source)]
        self._inputs, self._sizes = inputs_of(description), sizes_of(self.recipe)
        self._patches = Blocks(kept, self._maker, self._inputs, self._sizes)
        self._validation = [picture for picture in pictures if held_out(picture.source)]
        self._matrices = {}

    def _batch(self, phase):
        return self._patches.batch(self.recipe.seed, self.step, phase.batch, phase.patch)

    def _loss(self, outputs, targets, qps):
        """What blocks cost where each takes the net or the best of three other ways, over what they cost without it.

        A block costs mean log(1 + c^2 / free) of its Hadamard coefficients. The choice is a soft one: a net need not be
        good where others are better.
        """
        torch = self._torch
        limit = torch.from_numpy(free(qps)).float().to(self._device)[:, None, None]
        costs, everything = [], sum(self.recipe.weight[c] for c in self._components)
        for channel, component in enumerate(self._components):
            missing = torch.from_numpy(targets[component]).to(self._device)
            side = missing.shape[-1]
            left = missing[:, 0] - outputs["uv"][:, channel].float()[..., -side:, -side:] * REAL
            all_ways = [self._cost(error, limit) for error in (left, *missing.unbind(1))]
            costs.append(torch.stack(all_ways) * (self.recipe.weight[component] / everything))
        net, *others = sum(costs).unbind(0)
        others = torch.stack(others).amin(0)
        chosen = -_SOFT * torch.logsumexp(torch.stack([net, others]) / -_SOFT, 0) + _SOFT * math.log(2)
        return chosen.mean() / others.mean().clamp(min=1e-3)

    def _cost(self, error, limit):
        """Of each of n blocks (n, rows, columns), by coefficients of tiles of at most 8x8."""
        side = min(error.shape[-1], _TILE)
        matrix = self._hadamard(side)
        tiles = error.reshape(len(error), error.shape[1] // side, side, error.shape[2] // side, side)
        tiles = tiles.permute(0, 1, 3, 2, 4).reshape(len(error), -1, side, side)
        coefficients = (matrix @ tiles @ matrix).flatten(2)
        return (1 + coefficients.square() / limit).log().mean((1, 2))

    def _hadamard(self, side):
        if side not in self._matrices:
            matrix = self._torch.ones(1, 1)
            while len(matrix) < side:
                top = self._torch.cat([matrix, matrix], 1)
                matrix = self._torch.cat([top, self._torch.cat([matrix, -matrix], 1)]) * 0.5**0.5
            self._matrices[side] = matrix.to(self._device)
        return self._matrices[side]

    def validate(self):
        if not self._validation:
            return {}
        self._average.swap()
        found = gains(float_net(self.module, self._device), self._validation, self._maker, self._inputs, self._sizes)
        self._average.swap()
        return mean_gains(found)


def inputs_of(description):
    """Names of a net's inputs. UsageError where windows are not what it takes."""
    channels = {"window": WINDOW_CHANNELS, "side": SIDE_CHANNELS}
    for entry in description.inputs:
        if channels.get(entry.name, entry.channels) != entry.channels:
            raise UsageError(f"net {description.name}: input {entry.name} has {channels[entry.name]} channels")
    return [entry.name for entry in description.inputs]


def sizes_of(recipe):
    """The block sizes that a recipe's net is for; chroma transform blocks have 16 samples a side at most."""
    return (recipe.settings.get("size", 16),) if recipe.architecture == "chroma_hybrid" else SIZES[:3]


def float_net(module, device="cpu"):
    """A function {input: int16} -> corrections (n, 2, rows, columns) in 8-bit steps, by the module as it is set."""
    import torch

    def corrections(inputs):
        with torch.no_grad():
            real = {name: tensor.to(device) for name, tensor in to_real(module.description, inputs).items()}
            return module(real)["uv"].float().cpu().numpy() * REAL

    return corrections


def integer_net(net, runner):
    """The same by the integer net."""
    scale = 128.0 / 2 ** net.outputs[0].fraction
    return lambda inputs: runner(inputs)["uv"].astype(np.float32) * scale


class Gain(NamedTuple):
    """Of one block: squared errors of Cb and Cr together, of the best other mode and of the net, in 8-bit steps."""

    source: str
    qp: int
    size: int
    others: float
    net: float


def gains(function, pictures, maker, inputs, sizes=SIZES):
    """[Gain] of blocks of Pictures, at places that depend on the picture's source and QP only."""
    found = []
    for picture in pictures:
        for size in sizes:
            if min(picture.raw[1].shape) < size:
                continue
            rng = np.random.default_rng([size, picture.qp, *picture.source.encode()])
            places = drawn_places(rng, picture, size, _MEASURED[size])
            window, side, base, missing = made_blocks(maker, picture, places, size)
            made = function(net_inputs(inputs, window, side, base))[..., -size:, -size:]
            scale, top = 1 << (picture.bit_depth - 8), (1 << picture.bit_depth) - 1
            predicted = np.clip(np.rint(base + made * scale), 0, top)
            left = np.square((base - predicted) / scale + missing[:, :, 0]).sum((1, 2, 3))
            log2_size = size.bit_length() - 1
            others = maker.others(
                picture.planes, picture.wanted, picture.bit_depth, picture.qp, places, log2_size
            )  # fmt: skip
            best = others.sum(1).min(1) / scale**2
            found += [
                Gain(picture.source, picture.qp, size, *pair) for pair in zip(best.tolist(), left.tolist(), strict=True)
            ]
    return found


def decibels(found):
    """(mean of what the choice between the best other mode and the net gains in dB, share of blocks of the net)."""
    others, net = (np.array([getattr(gain, name) for gain in found]) for name in ("others", "net"))
    # a block without any error gives no finite figure: a tenth of a step squared in each sample
    least = 0.1 * 2 * np.array([gain.size for gain in found]) ** 2
    gain = 10 * np.log10((others + least) / (np.minimum(others, net) + least))
    return float(gain.mean()), float((net < others).mean())


def mean_gains(found):
    """{"nSIZE": {QP: dB}}"""
    table = {}
    for size in sorted({gain.size for gain in found}):
        here = [gain for gain in found if gain.size == size]
        table[f"n{size}"] = {
            qp: decibels([gain for gain in here if gain.qp == qp])[0] for qp in sorted({gain.qp for gain in here})
        }
    return table


def by_source(found):
    """{(source, QP): {"nSIZE": (share of blocks that take the net in percent, gain in dB)}}"""
    table = {}
    for gain in found:
        table.setdefault((gain.source, gain.qp), {}).setdefault(f"n{gain.size}", []).append(gain)
    return {
        key: {size: (100 * share, mean) for size, (mean, share) in ((s, decibels(g)) for s, g in entry.items())}
        for key, entry in sorted(table.items())
    }
