"""Motion between source pictures, for the temporal filter (JVET-O0549): from a quarter of the size to 1/16 samples.

At half and a quarter of the size, blocks of 16x16 overlap by half; at full size they are of 8x8. Whole samples are
found by SAD: the best of what was found around it, at the smaller size and here, then all positions near that one.
Fractions are found by the squared error, in steps of 1/2, 1/4, 1/8 and 1/16.
"""

import numpy as np

from codec.base.kernels.jit import flattened, kernel
from codec.common.blocks.differences import ROWS, sum_of_8, sum_of_16
from codec.common.blocks.lanes import I32, U64
from codec.common.source.source_samples import (
    BLOCK,
    BLOCK_AT,
    BORDER,
    LEVELS,
    REACH,
    interpolated_block,
    new_block_memory,
)

UNIT = 16
"""Vectors are in this part of a sample."""

NO_LIMIT = np.int64(1) << np.int64(40)

# how far around the best start all positions are tried, from the smallest size on
_RANGES = (2, 2, 8)
_SIZES = (8, 16, 16)


def find_motion(current, reference, rows, columns, top):
    """Where blocks of a picture are in another.

    current, reference  luma_levels of both
    rows, columns  how many blocks of BLOCK cover the picture; top: the largest sample
    -> vectors (rows, columns, 2) int32, x and y in 1/UNIT samples; squared errors (rows, columns) int64
    """
    vectors = np.zeros((1, 1, 2), np.int32)
    for level in reversed(range(LEVELS)):
        blocks = tuple(-(-count >> level) for count in (rows, columns))
        coarse, vectors = vectors, np.zeros((*blocks, 2), np.int32)
        search_level(current[level], reference[level], coarse, vectors, _SIZES[level], _RANGES[level])
    errors = np.zeros((rows, columns), np.int64)
    refine(current[0], reference[0], vectors, errors, top, new_block_memory())
    return vectors, errors


@kernel(inline=True)
def _difference(a, i, b, j, stride, size):
    """SAD of two blocks of 8x8 or 16x16."""
    if size == 8:
        return sum_of_8(a, i, stride, b, j, stride, np.int64(ROWS))
    first = sum_of_16(a, i, stride, b, j, stride, np.int64(ROWS))
    return first + sum_of_16(a, i + ROWS * stride, stride, b, j + ROWS * stride, stride, np.int64(ROWS))


@kernel
def _try_vector(a, b, shape, x, y, size, mv_x, mv_y, best):
    """Take the vector into best, (SAD, x, y), if it is better; one that leads too far is shortened."""
    mv_x = min(max(mv_x, -REACH - x), np.int64(shape[1]) - 2 * BORDER + REACH - size - x)
    mv_y = min(max(mv_y, -REACH - y), np.int64(shape[0]) - 2 * BORDER + REACH - size - y)
    stride = np.int64(shape[1])
    i = (y + BORDER) * stride + x + BORDER
    cost = _difference(a, i, b, i + mv_y * stride + mv_x, stride, size)
    if cost < best[0]:
        return cost, mv_x, mv_y
    return best


@kernel
def search_level(current, reference, coarse, vectors, size, reach):
    """Whole-sample vectors of blocks BLOCK samples apart.

    current, reference  int16 planes with their BORDER
    coarse   (rows, columns, 2) vectors at half the size, or (1, 1, 2) zeros
    vectors  (rows, columns, 2) int32, written
    size     of what is matched, 8 or 16; reach: all positions up to this far around the best start are tried
    """
    a, b, shape = flattened(current), flattened(reference), current.shape
    last_row, last_column = np.int64(coarse.shape[0]) - 1, np.int64(coarse.shape[1]) - 1
    for row in range(np.int64(vectors.shape[0])):
        for column in range(np.int64(vectors.shape[1])):
            x, y = column * BLOCK, row * BLOCK
            zero = np.int64(0)
            best = _try_vector(a, b, shape, x, y, size, zero, zero, (NO_LIMIT, zero, zero))
            for k in range(5):
                # the block at half the size that this one is in, and those beside it
                r = min(max((row >> 1) + (k == 1) - (k == 2), 0), last_row)
                c = min(max((column >> 1) + (k == 3) - (k == 4), 0), last_column)
                mv_x, mv_y = 2 * np.int64(coarse[r, c, 0]), 2 * np.int64(coarse[r, c, 1])
                best = _try_vector(a, b, shape, x, y, size, mv_x, mv_y, best)
            if column:
                mv_x, mv_y = np.int64(vectors[row, column - 1, 0]), np.int64(vectors[row, column - 1, 1])
                best = _try_vector(a, b, shape, x, y, size, mv_x, mv_y, best)
            if row:
                mv_x, mv_y = np.int64(vectors[row - 1, column, 0]), np.int64(vectors[row - 1, column, 1])
                best = _try_vector(a, b, shape, x, y, size, mv_x, mv_y, best)
            centre_x, centre_y = best[1], best[2]
            for mv_y in range(centre_y - reach, centre_y + reach + 1):
                for mv_x in range(centre_x - reach, centre_x + reach + 1):
                    best = _try_vector(a, b, shape, x, y, size, mv_x, mv_y, best)
            vectors[row, column, 0], vectors[row, column, 1] = best[1], best[2]


@kernel
def _squared_error(a, i, stride, memory):
    """Of the block at i of a flat plane and that in memory."""
    total = I32(0)
    for r in range(BLOCK):
        row, other = U64(i + r * stride), U64(BLOCK_AT + r * BLOCK)
        for c in range(U64(BLOCK)):
            difference = I32(a[row + c]) - memory[other + c]
            total += I32(difference * difference)
    return np.int64(total)


@kernel
def refine(current, reference, vectors, errors, top, memory):
    """Vectors of 8x8 blocks from whole samples to 1/UNIT samples, in place; their squared errors into `errors`.

    top  the largest sample, at most 1023;  memory: from new_block_memory
    """
    a, b, stride = flattened(current), flattened(reference), np.int64(current.shape[1])
    # 1/32 samples; BORDER leaves room for the taps and for the steps beyond REACH
    for row in range(np.int64(vectors.shape[0])):
        for column in range(np.int64(vectors.shape[1])):
            x, y = column * BLOCK + BORDER, row * BLOCK + BORDER
            i = y * stride + x
            best_x, best_y = UNIT * np.int64(vectors[row, column, 0]), UNIT * np.int64(vectors[row, column, 1])
            interpolated_block(b, stride, 32 * x + 2 * best_x, 32 * y + 2 * best_y, BLOCK, top, memory)
            best = _squared_error(a, i, stride, memory)
            step = np.int64(UNIT // 2)
            while step and best:
                centre_x, centre_y = best_x, best_y
                for k in range(9):
                    mv_x, mv_y = centre_x + (k % 3 - 1) * step, centre_y + (k // 3 - 1) * step
                    if k != 4:
                        interpolated_block(b, stride, 32 * x + 2 * mv_x, 32 * y + 2 * mv_y, BLOCK, top, memory)
                        error = _squared_error(a, i, stride, memory)
                        if error < best:
                            best, best_x, best_y = error, mv_x, mv_y
                step >>= 1
            vectors[row, column, 0], vectors[row, column, 1] = best_x, best_y
            errors[row, column] = best
