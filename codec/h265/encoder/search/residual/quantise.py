"""Plain quantisation (encoder choice, the inverse of 8.6.4.1)."""

import numpy as np

from codec.base.kernels.jit import kernel

# the inverse of levelScale: quantScale[qP % 6]
QUANT_SCALE = np.array([26214, 23302, 20560, 18396, 16384, 14564], np.int64)
MAX_LEVEL = 32767


@kernel(inline=True)
def quantiser_shift(qp, bit_depth, log2_size):
    """Right shift from |coefficient| * quantScale to a level: 14 + qP / 6, and the forward transform's own scale."""
    return 14 + qp // 6 + 15 - bit_depth - log2_size


@kernel
def quantise_plain(coeffs, log2_size, qp, matrix, use_list, bit_depth, intra, levels):
    """Dead-zone quantisation: rounding offset 171/512 for intra blocks, 85/512 for inter. -> number of nonzero levels

    coeffs  int16 transform coefficients, n*n row by row; levels: the same, written
    matrix  (n*n,) scaling factors, used when use_list
    """
    shift = quantiser_shift(qp, bit_depth, log2_size)
    scale = np.int64(QUANT_SCALE[qp % 6])
    offset = np.int64(171 if intra else 85) << (shift - 9)
    count = np.int64(0)
    for i in range(1 << (2 * log2_size)):
        factor = scale * 16 // np.int64(matrix[i]) if use_list else scale
        value = np.int64(coeffs[i])
        level = min((abs(value) * factor + offset) >> shift, MAX_LEVEL)
        count += np.int64(level != 0)
        levels[i] = np.int16(-level if value < 0 else level)
    return count
