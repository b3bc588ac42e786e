"""(docs/BITSTREAM.md, 9.1) Planes at half size: every sample of the smaller plane stands in the middle of four.

Both filters are separable, and exact in 32 bit: nothing is rounded between the two directions.
"""

import numpy as np

from codec.base.kernels.jit import kernel

# bicubic with a = -1/2, stretched by two: of the samples at distances 1/2, 3/2, 5/2, 7/2; eight of them have 256
DOWN_TAPS = (111, 29, -9, -3)
LOG2_DOWN_GAIN = 16  # of both directions
# H.265's luma filter at a quarter sample (table 8-11), from the side where the sample is to the other one
UP_TAPS = (-1, 4, -10, 58, 17, -5, 1)
LOG2_UP_GAIN = 12
UP_REACH = 3  # samples on each side
# lines of a block, at most: those of a half CTU with what lies above and below
_LINES = 32 + 2 * UP_REACH


def new_lines():
    """Scratch memory of `halve` and `double`, one per thread."""
    return np.zeros((2 * _LINES, 64), np.int32)


@kernel(inline=True)
def _inside(value, first, last):
    return min(max(value, first), last)


@kernel
def halve(source, target, x, y, width, height, left, top, right, bottom, bit_depth, lines):
    """The block of `target` at (x, y) from the one of `source` at (2x, 2y) and what is around it.

    width, height  of the smaller block, at most 32;  lines: new_lines()
    left, top, right, bottom  of the part of `source` that may be used (the last two lie outside it): beyond it, its
    outermost samples go on
    """
    width, height = np.int64(width), np.int64(height)
    reach = len(DOWN_TAPS) - 1
    for v in range(2 * height + 2 * reach):
        row = source[_inside(2 * y - reach + v, top, bottom - 1)]
        for u in range(width):
            total = np.int32(0)
            for k in range(4):
                before = np.int32(row[_inside(2 * (x + u) - k, left, right - 1)])
                behind = np.int32(row[_inside(2 * (x + u) + 1 + k, left, right - 1)])
                total += np.int32(DOWN_TAPS[k]) * (before + behind)
            lines[v, u] = total
    largest = np.int32((1 << bit_depth) - 1)
    for v in range(height):
        for u in range(width):
            total = np.int32(1 << (LOG2_DOWN_GAIN - 1))
            for k in range(4):
                total += np.int32(DOWN_TAPS[k]) * (lines[2 * v + reach - k, u] + lines[2 * v + 1 + reach + k, u])
            target[y + v, x + u] = np.int16(min(max(total >> np.int32(LOG2_DOWN_GAIN), np.int32(0)), largest))


@kernel
def double(source, target, x, y, width, height, left, top, right, bottom, bit_depth, lines):
    """The block of `target` at (2x, 2y) from the one of `source` at (x, y) and what is around it.

    width, height  of the smaller block, at most 32;  lines: new_lines()
    left, top, right, bottom  of the part of `source` that may be used (the last two lie outside it): beyond it, its
    outermost samples go on
    """
    width, height = np.int64(width), np.int64(height)
    rows = height + 2 * UP_REACH
    for v in range(rows):
        row = source[_inside(y - UP_REACH + v, top, bottom - 1)]
        for u in range(width):
            nearer, farther = np.int32(0), np.int32(0)
            for k in range(2 * UP_REACH + 1):
                sample = np.int32(row[_inside(x + u - UP_REACH + k, left, right - 1)])
                nearer += np.int32(UP_TAPS[2 * UP_REACH - k]) * sample
                farther += np.int32(UP_TAPS[k]) * sample
            lines[v, 2 * u], lines[v, 2 * u + 1] = nearer, farther
    largest, half = np.int32((1 << bit_depth) - 1), np.int32(1 << (LOG2_UP_GAIN - 1))
    for v in range(height):
        for u in range(2 * width):
            upper, lower = half, half
            for k in range(2 * UP_REACH + 1):
                upper += np.int32(UP_TAPS[2 * UP_REACH - k]) * lines[v + k, u]
                lower += np.int32(UP_TAPS[k]) * lines[v + k, u]
            upper, lower = upper >> np.int32(LOG2_UP_GAIN), lower >> np.int32(LOG2_UP_GAIN)
            target[2 * (y + v), 2 * x + u] = np.int16(min(max(upper, np.int32(0)), largest))
            target[2 * (y + v) + 1, 2 * x + u] = np.int16(min(max(lower, np.int32(0)), largest))
