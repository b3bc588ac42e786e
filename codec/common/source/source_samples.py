"""Source pictures as the temporal filter reads them: planes with borders, at three sizes, and at 1/32 samples.

Fractional samples come from a windowed sinc of six taps (Lanczos, a = 3), in both directions.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.lanes import I32, U64

BLOCK = 8
"""Blocks of this size have a vector each."""

LEVELS = 3
"""Sizes of the luma plane: whole, half and a quarter."""

MULTIPLE = BLOCK << (LEVELS - 1)
"""Planes are continued to multiples of this, those of chroma to half of it."""

REACH = 24
"""How far outside the picture a block may lie, at every size."""

BORDER = 32
"""Samples around a plane: what blocks reach, and the filter's taps."""

TAPS = 6
PHASES = 32
_BEFORE = TAPS // 2 - 1
_SHIFT = 6


def _lanczos():
    """(PHASES * TAPS,) int32; the weights of each phase have the sum 64."""
    at = np.arange(TAPS) - _BEFORE - np.arange(PHASES)[:, None] / PHASES
    weights = np.sinc(at) * np.sinc(at / (TAPS // 2))
    scaled = np.rint((1 << _SHIFT) * weights / weights.sum(axis=1, keepdims=True)).astype(np.int32)
    nearest = np.abs(at).argmin(axis=1)
    scaled[np.arange(PHASES), nearest] += (1 << _SHIFT) - scaled.sum(axis=1)
    return scaled.ravel()


FILTER = _lanczos()


def new_block_memory():
    """Working memory of interpolated_block: rows that are filtered across; then the block itself, from BLOCK_AT on."""
    return np.zeros((BLOCK + TAPS) * BLOCK + BLOCK * BLOCK, np.int32)


BLOCK_AT = (BLOCK + TAPS) * BLOCK


def with_border(plane, border, multiple):
    """A plane, continued by its edge to multiples of a size, and by `border` samples on every side."""
    height, width = plane.shape
    grow = ((border, border + -height % multiple), (border, border + -width % multiple))
    return np.ascontiguousarray(np.pad(plane, grow, mode="edge"))


def luma_levels(luma):
    """The luma plane, int16, with borders at each of the LEVELS: whole first."""
    height, width = luma.shape
    plane = np.pad(luma, ((0, -height % MULTIPLE), (0, -width % MULTIPLE)), mode="edge")
    levels = []
    for _ in range(LEVELS):
        levels.append(with_border(plane, BORDER, 1))
        halves = plane.astype(np.int32)
        sums = halves[::2, ::2] + halves[1::2, ::2] + halves[::2, 1::2] + halves[1::2, 1::2]
        plane = ((sums + 2) >> 2).astype(np.int16)
    return levels


@kernel
def interpolated_block(plane, stride, x, y, size, top, memory):
    """memory[BLOCK_AT : BLOCK_AT + size * size] = the block of `size` 8 or 4 at 1/32 sample x, y of a flat plane.

    top  the largest sample;  coordinates count from the plane's first sample, and are not negative
    """
    across, down = TAPS * (x & (PHASES - 1)), TAPS * (y & (PHASES - 1))
    first = ((y >> 5) - _BEFORE) * stride + (x >> 5) - _BEFORE
    a0, a1, a2, a3, a4, a5 = _weights(across)
    for r in range(size + TAPS - 1):
        row, to = U64(first + r * stride), U64(r * BLOCK)
        for c in range(U64(size)):
            i = row + c
            total = a0 * I32(plane[i]) + a1 * I32(plane[i + U64(1)]) + a2 * I32(plane[i + U64(2)])
            total += a3 * I32(plane[i + U64(3)]) + a4 * I32(plane[i + U64(4)]) + a5 * I32(plane[i + U64(5)])
            memory[to + c] = I32(total)
    a0, a1, a2, a3, a4, a5 = _weights(down)
    half = I32(1 << (2 * _SHIFT - 1))
    for r in range(size):
        row, to = U64(r * BLOCK), U64(BLOCK_AT + r * size)
        for c in range(U64(size)):
            i = row + c
            total = a0 * memory[i] + a1 * memory[i + U64(8)] + a2 * memory[i + U64(16)]
            total += a3 * memory[i + U64(24)] + a4 * memory[i + U64(32)] + a5 * memory[i + U64(40)]
            memory[to + c] = min(max(I32((total + half) >> (2 * _SHIFT)), I32(0)), I32(top))


@kernel(inline=True)
def _weights(at):
    return (
        I32(FILTER[at]),
        I32(FILTER[at + 1]),
        I32(FILTER[at + 2]),
        I32(FILTER[at + 3]),
        I32(FILTER[at + 4]),
        I32(FILTER[at + 5]),
    )
