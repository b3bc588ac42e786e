"""Running a net on pictures: what goes in, tile by tile in bounded memory, and the known answer.

A *runner* is a function {input name: array} -> {output name: int16 array}; each backend's `prepare(net)` makes one.
Arrays are (batch, channels, height, width).
"""

import hashlib

import numpy as np

from nets.container import InvalidNet
from nets.graph import halo, net_stride, signals_of
from nets.qnet import VECTOR

_ANSWER_SIDE = 32
# lower tiles are not worth what their surroundings cost
_LOWEST = 32


def check_inputs(net, inputs):
    """Height and width on the finest grid. Raises ValueError for arrays that are not what the net takes."""
    if set(inputs) != {entry.name for entry in net.inputs}:
        raise ValueError(f"net {net.name!r} takes {[entry.name for entry in net.inputs]}, not {sorted(inputs)}")
    sizes, batches = set(), set()
    for entry in net.inputs:
        array = inputs[entry.name]
        if array.ndim != 4 or array.shape[1] != entry.channels or array.dtype.kind not in "iu" or not array.size:
            raise ValueError(f"input {entry.name!r} of net {net.name!r} is {array.dtype} {array.shape}")
        if array.min() < entry.lo or array.max() > entry.hi:
            raise ValueError(f"input {entry.name!r} of net {net.name!r} is outside {entry.lo}..{entry.hi}")
        batches.add(array.shape[0])
        if entry.grid != VECTOR:
            sizes.add((array.shape[2] << entry.grid, array.shape[3] << entry.grid))
        elif array.shape[2:] != (1, 1):
            raise ValueError(f"input {entry.name!r} of net {net.name!r} is a vector")
    if len(sizes) > 1 or len(batches) > 1:
        raise ValueError(f"inputs of net {net.name!r} of different sizes: {sizes}, batches: {batches}")
    size = sizes.pop() if sizes else (1, 1)
    coarsest = max(0, *(entry.grid for entry in net.inputs))
    if any(side % (1 << coarsest) for side in size):
        raise ValueError(f"inputs of net {net.name!r} of size {size}")
    return size


def run_picture(runner, net, inputs, tile=None, pool=None, parts=1):
    """Outputs for a picture of any size, in tiles of at most tile x tile samples of the finest grid (None: at once).

    Sides that are no multiple of the net's stride are first continued by their last row and column; the outputs are
    cut. `tile` is a multiple of the stride. The result depends neither on it nor on what follows:

    pool    concurrent.futures executor of threads that take the tiles (not the caller's own), or None
    parts   how many tiles there are at least, where they do not become too low: the number of its threads
    """
    signals = signals_of(net.inputs, net.layers, net.outputs, net.name)
    stride = net_stride(net, signals)
    height, width = check_inputs(net, inputs)
    size = tuple(-(-side // stride) * stride for side in (height, width))
    if tile is not None and (tile < 1 or tile % stride):
        raise ValueError(f"tiles of {tile} samples: net {net.name!r} needs multiples of {stride}")
    grids = {entry.name: entry.grid for entry in net.inputs}
    whole = {name: _extended(array, grids[name], *size) for name, array in inputs.items()}
    tiles = _tiles(size, tile, stride, parts if pool else 1)
    results = runner(whole) if len(tiles) == 1 else _run_tiles(runner, net, signals, whole, size, tiles, pool)
    out_grids = {output.name: signals[output.source].grid for output in net.outputs}
    return {name: _cut(array, out_grids[name], 0, height, 0, width) for name, array in results.items()}


def _tiles(size, tile, stride, parts):
    """[(top, bottom, left, right)] of tiles that cover a picture: as wide as may be, low enough to make `parts`."""
    wide = min(tile or size[1], size[1])
    rows = min(-(-parts // -(-size[1] // wide)), max(size[0] // _LOWEST, 1))
    high = -(-size[0] // (rows * stride)) * stride
    high = min(tile or high, high)
    return [
        (top, min(top + high, size[0]), left, min(left + wide, size[1]))
        for top in range(0, size[0], high)
        for left in range(0, size[1], wide)
    ]


def _run_tiles(runner, net, signals, inputs, size, tiles, pool):
    around = halo(net, signals)
    grids = {entry.name: entry.grid for entry in net.inputs}
    batch = len(next(iter(inputs.values())))
    results = {}
    for output in net.outputs:
        made = signals[output.source]
        shape = (1, 1) if made.grid == VECTOR else (size[0] >> made.grid, size[1] >> made.grid)
        results[output.name] = np.empty((batch, made.channels, *shape), np.int16)

    def run_tile(place):
        top, bottom, left, right = place
        first_y, first_x = max(top - around.top, 0), max(left - around.left, 0)
        last_y, last_x = min(bottom + around.bottom, size[0]), min(right + around.right, size[1])
        part = {name: _cut(array, grids[name], first_y, last_y, first_x, last_x) for name, array in inputs.items()}
        for output, array in zip(net.outputs, runner(part).values(), strict=True):
            grid = signals[output.source].grid
            kept = _cut(array, grid, top - first_y, bottom - first_y, left - first_x, right - first_x)
            _cut(results[output.name], grid, top, bottom, left, right)[...] = kept

    for _ in pool.map(run_tile, tiles) if pool else map(run_tile, tiles):
        pass
    return results


def _cut(array, grid, top, bottom, left, right):
    """A view of a rectangle that is given in samples of the finest grid."""
    if grid == VECTOR:
        return array
    round_up = (1 << grid) - 1
    return array[:, :, top >> grid : (bottom + round_up) >> grid, left >> grid : (right + round_up) >> grid]


def _extended(array, grid, height, width):
    if grid == VECTOR:
        return array
    down, right = (height >> grid) - array.shape[2], (width >> grid) - array.shape[3]
    return np.pad(array, ((0, 0), (0, 0), (0, down), (0, right)), mode="edge") if down or right else array


def known_inputs(net, side=_ANSWER_SIDE):
    """(docs/NETS.md) The inputs of the known-answer test: numbers that anybody can make again."""
    inputs = {}
    for position, entry in enumerate(net.inputs):
        size = 1 if entry.grid == VECTOR else max(side >> entry.grid, 1)
        mixed = _mixed(np.arange(entry.channels * size * size) + 1 + 1000003 * position)
        values = entry.lo + (mixed >> 4) % (entry.hi - entry.lo + 1)
        values = np.where(mixed & 15 == 0, entry.lo, np.where(mixed & 15 == 1, entry.hi, values))
        inputs[entry.name] = values.astype(np.int16).reshape(1, entry.channels, size, size)
    return inputs


def _mixed(index):
    """Numbers below 2**32 that look random."""
    value = index.astype(np.uint64)
    for factor, shift in ((2654435761, 15), (2246822519, 13)):
        value = value * np.uint64(factor) & np.uint64(0xFFFFFFFF)
        value ^= value >> np.uint64(shift)
    return value.astype(np.int64)


def known_answer(net, runner):
    """SHA-256 of what `runner` makes of known_inputs: all outputs in order, int16, little endian."""
    digest = hashlib.sha256()
    results = runner(known_inputs(net))
    for output in net.outputs:
        digest.update(np.ascontiguousarray(results[output.name], "<i2").tobytes())
    return digest.hexdigest()


def check_answer(net, runner, backend):
    """Raise InvalidNet when this backend, on this machine, does not give the net's known answer."""
    if net.answer != known_answer(net, runner):
        raise InvalidNet(
            f"net {net.name!r}: the {backend} backend does not give its known answer on this machine; "
            "no picture can be coded or decoded with it"
        )
