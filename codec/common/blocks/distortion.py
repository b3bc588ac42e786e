"""Cost kernels of the search: SSE, SAD and Hadamard SATD of contiguous n*n int16 blocks, and how blocks get there.

Samples and residuals may have up to 12 bit.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.hadamard import half_satd4, half_satd8
from codec.common.blocks.lanes import I32, U64

# as many squares of 12-bit differences as an int32 holds
_CHUNK = 128


@kernel
def copy_block(plane, x, y, size, out):
    """out[0 : size*size] = plane[y : y+size, x : x+size]."""
    for j in range(size):
        row = plane[y + j]
        start, left = U64(j * size), U64(x)
        for i in range(U64(size)):
            out[start + i] = row[left + i]


@kernel
def difference(a, a_off, b, b_off, count, out):
    """out[0:count] = a - b: the residual of an original and its prediction."""
    i, j = U64(a_off), U64(b_off)
    for k in range(U64(count)):
        out[k] = I32(I32(a[i + k]) - I32(b[j + k]))


@kernel
def sse(a, a_off, b, b_off, log2_size):
    """Sum of squared differences of two blocks, log2_size 2..6: int64."""
    i, j = U64(a_off), U64(b_off)
    count = 1 << (2 * log2_size)
    total = np.int64(0)
    for start in range(0, count, _CHUNK):
        part = I32(0)
        for k in range(U64(start), U64(min(start + _CHUNK, count))):
            d = I32(I32(a[i + k]) - I32(b[j + k]))
            part = I32(part + I32(d * d))
        total += part
    return total


@kernel(inline=True)
def satd8(a, a_off, a_stride, b, b_off, b_stride):
    """(sum of |8x8 Hadamard coefficients| + 2) >> 2 of an 8x8 block inside rows of a_stride and b_stride samples."""
    return (half_satd8(a, a_off, a_stride, b, b_off, b_stride) + 1) >> 1


@kernel(inline=True)
def satd4(a, a_off, a_stride, b, b_off, b_stride):
    """(sum of |4x4 Hadamard coefficients| + 1) >> 1 of a 4x4 block inside rows of a_stride and b_stride samples."""
    return half_satd4(a, a_off, a_stride, b, b_off, b_stride)


@kernel
def satd(a, a_off, b, b_off, log2_size):
    """Hadamard cost of two blocks as HM counts it, log2_size 2..6: 4x4, or the sum over the 8x8 blocks inside."""
    if log2_size == 2:
        return satd4(a, a_off, 4, b, b_off, 4)
    n = 1 << log2_size
    total = np.int64(0)
    for y in range(0, n * n, 8 * n):
        for x in range(y, y + n, 8):
            total += satd8(a, a_off + x, n, b, b_off + x, n)
    return total
