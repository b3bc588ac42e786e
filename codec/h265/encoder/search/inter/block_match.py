"""Costs of a motion vector: SAD and Hadamard SATD of a block against a plane, and the bits of a vector difference.

Blocks have the sizes of prediction blocks: 4..64 wide and high, multiples of 4. `a` and `b` are flat int16 arrays, of
rows `a_stride` and `b_stride` samples apart; differences fit into 12 bits and a sign.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.differences import (
    ROWS,
    sum_of_4,
    sum_of_8,
    sum_of_12,
    sum_of_16,
    sum_of_24,
    sum_of_32,
    sum_of_48,
    sum_of_64,
)
from codec.common.blocks.distortion import satd4, satd8
from codec.common.blocks.hadamard import narrow_satd8, narrow_satd16

NO_LIMIT = 1 << 40
"""A limit that no cost reaches."""


def _component_bits(value):
    """(7.3.8.9, 9.3.3.3) Bins of one component of mvd_coding: the flags, abs_mvd_minus2 as EG1, the sign."""
    magnitude = abs(value)
    if magnitude < 2:
        return 1 + 2 * magnitude
    return 2 + 2 * (magnitude >> 1).bit_length() + 1


MVD_BITS = np.array([_component_bits(v if v < 32768 else v - 65536) for v in range(65536)], np.int8)
"""Bits of a component of MvdLX, by its low 16 bits: differences wrap (8-94 ff.)."""


@kernel
def mvd_bits(mvd_x, mvd_y):
    """(7.3.8.9) Length of mvd_coding, every bin counted as one bit."""
    return np.int64(MVD_BITS[mvd_x & 65535]) + np.int64(MVD_BITS[mvd_y & 65535])


@kernel(inline=True)
def _sum_of_rows(a, i, a_stride, b, j, b_stride, width, rows):
    """Sum of absolute differences of at most ROWS rows."""
    if width == 8:
        return sum_of_8(a, i, a_stride, b, j, b_stride, rows)
    if width == 16:
        return sum_of_16(a, i, a_stride, b, j, b_stride, rows)
    if width == 32:
        return sum_of_32(a, i, a_stride, b, j, b_stride, rows)
    if width == 64:
        return sum_of_64(a, i, a_stride, b, j, b_stride, rows)
    if width == 4:
        return sum_of_4(a, i, a_stride, b, j, b_stride, rows)
    if width == 12:
        return sum_of_12(a, i, a_stride, b, j, b_stride, rows)
    if width == 24:
        return sum_of_24(a, i, a_stride, b, j, b_stride, rows)
    return sum_of_48(a, i, a_stride, b, j, b_stride, rows)


@kernel
def sad_block(a, a_off, a_stride, b, b_off, b_stride, width, height, limit):
    """Sum of absolute differences: int64, exact below `limit`; from there on some value that is not below it."""
    total = np.int64(0)
    for y in range(0, height, ROWS):
        rows = np.int64(min(height - y, ROWS))
        total += _sum_of_rows(a, a_off + y * a_stride, a_stride, b, b_off + y * b_stride, b_stride, width, rows)
        if total >= limit:
            break
    return total


@kernel
def satd_block(a, a_off, a_stride, b, b_off, b_stride, width, height, narrow, limit):
    """Hadamard cost: int64, the sum over 8x8 blocks, or 4x4 ones where a side is not a multiple of 8.

    narrow  no difference is larger than 511
    limit   the cost is exact below it; from there on some value that is not below it
    """
    total = np.int64(0)
    size = np.int64(8 if (width | height) & 7 == 0 else 4)
    for y in range(0, height, size):
        i, j = a_off + y * a_stride, b_off + y * b_stride
        if size == 8 and narrow:
            for x in range(0, width - 15, 16):
                total += narrow_satd16(a, i + x, a_stride, b, j + x, b_stride)
            if width & 8:
                x = width - 8
                total += narrow_satd8(a, i + x, a_stride, b, j + x, b_stride)
        elif size == 8:
            for x in range(0, width, 8):
                total += satd8(a, i + x, a_stride, b, j + x, b_stride)
        else:
            for x in range(0, width, 4):
                total += satd4(a, i + x, a_stride, b, j + x, b_stride)
        if total >= limit:
            break
    return total
