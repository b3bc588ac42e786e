"""Costs of a motion vector: SAD and Hadamard SATD of a block against a plane, and the bits of a vector difference.

Blocks have the sizes of prediction blocks: 4..64 wide and high, multiples of 4. `a` and `b` are flat int16 arrays, of
rows `a_stride` and `b_stride` samples apart; differences fit into 12 bits and a sign.
"""

import numpy as np

from codec.encoder.distortion import satd4, satd8
from codec.kernels.jit import kernel
from codec.recon.lanes import I32, U64

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
def _sad(a, a_off, a_stride, b, b_off, b_stride, width, height, limit):
    """sad_block for a constant width: what makes the inner loop vector instructions."""
    i, j, s, t = U64(a_off), U64(b_off), U64(a_stride), U64(b_stride)
    total, left = np.int64(0), np.int64(height)
    while left > 0:
        part = I32(0)
        rows = min(left, np.int64(8))
        for _ in range(rows):
            for c in range(width):
                part = I32(part + abs(I32(I32(a[i + c]) - I32(b[j + c]))))
            i += s
            j += t
        left -= rows
        total += np.int64(part)
        if total >= limit:
            break
    return total


@kernel
def sad_block(a, a_off, a_stride, b, b_off, b_stride, width, height, limit):
    """Sum of absolute differences: int64, exact below `limit`; from there on some value that is not below it."""
    if width == 64:
        return _sad(a, a_off, a_stride, b, b_off, b_stride, U64(64), height, limit)
    if width == 32:
        return _sad(a, a_off, a_stride, b, b_off, b_stride, U64(32), height, limit)
    if width == 16:
        return _sad(a, a_off, a_stride, b, b_off, b_stride, U64(16), height, limit)
    if width == 8:
        return _sad(a, a_off, a_stride, b, b_off, b_stride, U64(8), height, limit)
    if width == 4:
        return _sad(a, a_off, a_stride, b, b_off, b_stride, U64(4), height, limit)
    if width == 12:
        return _sad(a, a_off, a_stride, b, b_off, b_stride, U64(12), height, limit)
    if width == 24:
        return _sad(a, a_off, a_stride, b, b_off, b_stride, U64(24), height, limit)
    return _sad(a, a_off, a_stride, b, b_off, b_stride, U64(48), height, limit)


@kernel
def satd_block(a, a_off, a_stride, b, b_off, b_stride, width, height, limit):
    """Hadamard cost: int64, the sum over 8x8 blocks, or 4x4 ones where a side is not a multiple of 8.

    limit  the cost is exact below it; from there on some value that is not below it
    """
    total = np.int64(0)
    size = np.int64(8 if (width | height) & 7 == 0 else 4)
    for y in range(0, height, size):
        i, j = a_off + y * a_stride, b_off + y * b_stride
        if size == 8:
            for x in range(0, width, 8):
                total += satd8(a, i + x, a_stride, b, j + x, b_stride)
        else:
            for x in range(0, width, 4):
                total += satd4(a, i + x, a_stride, b, j + x, b_stride)
        if total >= limit:
            break
    return total
