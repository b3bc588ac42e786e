"""(8.6.4.2, read backwards) The encoder's forward transforms: coefficients from residual samples, with HM's shifts.

Rows first, then columns. In between, samples of neighbouring rows stand side by side, as blocks/products.py wants it.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.lanes import I32, U1, U64, store4, weighted_rows4
from codec.common.blocks.products import pair_sums, pair_sums16, row_sums, row_sums16
from codec.h265.recon.transform_tables import DCT_OFFSET, FORWARD, FORWARD_PAIRS, INVERSE, PAIRS_OFFSET

TMP_SAMPLES = 32 * 32
"""Length of the int16 scratch array of forward_transform."""


@kernel(inline=True)
def _forward4(residual, offset, matrix, shift1, shift2, out, tmp):
    """Both stages of a 4x4 block; `matrix` is the position of the DST or DCT in FORWARD and INVERSE."""
    for y in range(0, 16, 4):
        row = weighted_rows4(residual, U64(offset + y), U1, FORWARD, U64(matrix))
        store4(tmp, U64(y), row, I32(I32(1) << I32(shift1 - 1)), shift1)
    for k in range(0, 16, 4):
        column = weighted_rows4(INVERSE, U64(matrix + k), U1, tmp, U64(0))
        store4(out, U64(k), column, I32(I32(1) << I32(shift2 - 1)), shift2)


@kernel
def forward_transform(residual, offset, log2_size, is_dst, bit_depth, out, tmp):
    """Transform coefficients of one block: out[0 : n*n] int16 from residual[offset : offset + n*n].

    residual   (...,) int16, +-(2^bit_depth - 1)
    log2_size  2..5; is_dst is used at 2 only
    bit_depth  8..12; the stages shift by log2_size + bit_depth - 9 and log2_size + 6, as HM does
    tmp        (>= TMP_SAMPLES,) int16 scratch
    """
    n = np.int64(1) << log2_size
    shift1, shift2 = I32(log2_size + bit_depth - 9), I32(log2_size + 6)
    if log2_size == 2:
        _forward4(residual, offset, 0 if is_dst else DCT_OFFSET[2], shift1, shift2, out, tmp)
        return
    rounding1, rounding2 = I32(I32(1) << I32(shift1 - 1)), I32(I32(1) << I32(shift2 - 1))
    rows, columns, half, double = PAIRS_OFFSET[log2_size], DCT_OFFSET[log2_size], n >> 1, 2 * n
    if log2_size == 3:
        for y in range(0, 64, 16):
            at = offset + y
            pair_sums(residual, at, at + 8, FORWARD_PAIRS, rows, double, half, rounding1, shift1, tmp, y, 0)
        for k in range(0, 64, 16):
            at = columns + k
            row_sums(INVERSE, at, at + 8, tmp, 0, double, half, rounding2, shift2, out, k, k + 8)
        return
    for y in range(0, n * n, double):
        at = offset + y
        for k in range(0, double, 32):
            pair_sums16(residual, at, at + n, FORWARD_PAIRS, rows + k, double, half, rounding1, shift1, tmp, y + k, 0)
    for k in range(0, n * n, double):
        at = columns + k
        for x in range(0, n, 16):
            row_sums16(INVERSE, at, at + n, tmp, 2 * x, double, half, rounding2, shift2, out, k + x, k + n + x)


@kernel
def forward_transform_skip(residual, offset, log2_size, bit_depth, out):
    """Coefficients of a transform_skip block: out[0 : n*n] = residual << (15 - bit_depth - log2_size)."""
    shift = I32(15 - bit_depth - log2_size)
    start = U64(offset)
    for i in range(U64(1 << (2 * log2_size))):
        out[i] = I32(I32(residual[start + i]) << shift)
