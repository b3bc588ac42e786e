"""(8.6.4.2) Inverse transforms: residual samples from scaled coefficients."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.lanes import I32, U1, U64, store4, weighted_rows4
from codec.common.blocks.products import row_sums, row_sums16
from codec.h265.recon.transform_tables import DCT_OFFSET, INVERSE, INVERSE_COLUMNS, INVERSE_PAIRS, PAIRS_OFFSET

# of the two halves of the scratch array, that of the first stage's results; the other is for its input
_STAGE = 32 * 32
TMP_SAMPLES = 2 * 32 * 32
"""Length of the int16 scratch array of inverse_transform."""

_FIRST_SHIFT = I32(7)
_FIRST_ROUNDING = I32(64)


@kernel(inline=True)
def _rows_in_use(coeffs, offset, n):
    """1 + the last row with a coefficient; 0 for an empty block."""
    for row in range(n - 1, -1, -1):
        start = U64(offset + row * n)
        seen = I32(0)
        for x in range(U64(n)):
            seen |= I32(coeffs[start + x])
        if seen != 0:
            return row + 1
    return 0


@kernel(inline=True)
def _columns_in_use(coeffs, offset, n, rows):
    """1 + the last column with a coefficient, rounded up to a multiple of 8 (n >= 8)."""
    for column in range(n - 8, 0, -8):
        seen = I32(0)
        for y in range(rows):
            start = U64(offset + y * n + column)
            for x in range(U64(8)):
                seen |= I32(coeffs[start + x])
        if seen != 0:
            return column + 8
    return 8


@kernel(inline=True)
def _inverse4(coeffs, offset, matrix, rounding, shift, out, tmp):
    """Both stages of a 4x4 block; `matrix` is the position of the DST or DCT in INVERSE."""
    for y in range(4):
        column = weighted_rows4(INVERSE, U64(matrix + y), U64(4), coeffs, U64(offset))
        store4(tmp, U64(4 * y), column, _FIRST_ROUNDING, _FIRST_SHIFT)
    for y in range(4):
        row = weighted_rows4(tmp, U64(4 * y), U1, INVERSE, U64(matrix))
        store4(out, U64(4 * y), row, rounding, shift)


@kernel(inline=True)
def _pair_rows(coeffs, offset, n, rows, columns, out):
    """Coefficients of neighbouring rows side by side, as common/blocks/products.py wants it; `rows` is even."""
    for y in range(0, rows, 2):
        upper, lower, made = U64(offset + y * n), U64(offset + (y + 1) * n), U64(y * n)
        for x in range(U64(columns)):
            out[made + x + x] = coeffs[upper + x]
            out[made + x + x + U1] = coeffs[lower + x]


@kernel(inline=True)
def _fill_dc(dc, count, rounding, shift, out):
    """Both stages of a DCT whose only coefficient is the first one."""
    column = min(max((64 * dc + 64) >> 7, -32768), 32767)
    value = min(max((64 * column + np.int64(rounding)) >> np.int64(shift), -32768), 32767)
    for i in range(U64(count)):
        out[i] = value


@kernel
def inverse_transform(coeffs, offset, log2_size, is_dst, bit_depth, out, tmp):
    """(8.6.4.2) Residual of one block: out[0 : n*n] from coeffs[offset : offset + n*n].

    coeffs     (...,) int16 scaled transform coefficients d
    log2_size  2..5; is_dst is used at 2 only
    bit_depth  of the component; the second stage shifts by 20 - bit_depth
    out        (>= n*n,) int16; clipped to 16 bit, which picture construction cannot tell from the unclipped value
    tmp        (>= TMP_SAMPLES,) int16 scratch
    """
    n = 1 << log2_size
    shift = I32(20 - bit_depth)
    rounding = I32(1 << (19 - bit_depth))
    if log2_size == 2:
        matrix = 0 if is_dst else DCT_OFFSET[2]
        _inverse4(coeffs, offset, matrix, rounding, shift, out, tmp)
        return
    rows = _rows_in_use(coeffs, offset, n)
    columns = _columns_in_use(coeffs, offset, n, rows)
    if rows <= 1 and columns == 8:
        rest = I32(0)
        for x in range(U64(offset + 1), U64(offset + 8)):
            rest |= I32(coeffs[x])
        if rest == 0:
            _fill_dc(np.int64(coeffs[offset]), n * n, rounding, shift, out)
            return
    rows += rows & 1
    _pair_rows(coeffs, offset, n, rows, columns, tmp)
    at, double = PAIRS_OFFSET[log2_size], 2 * n
    # (8-304) columns
    for y in range(0, n * n, double):
        for x in range(0, columns, 8):
            target = _STAGE + y + x
            row_sums(
                INVERSE_COLUMNS, at + y, at + y + n, tmp, 2 * x, double, rows >> 1, _FIRST_ROUNDING, _FIRST_SHIFT,
                tmp, target, target + n,
            )  # fmt: skip
    # (8-306) rows
    for y in range(0, n * n, double):
        line, half = _STAGE + y, columns >> 1
        if n == 8:
            row_sums(tmp, line, line + 8, INVERSE_PAIRS, at, double, half, rounding, shift, out, y, y + 8)
        else:
            for x in range(0, n, 16):
                place = at + 2 * x
                row_sums16(
                    tmp, line, line + n, INVERSE_PAIRS, place, double, half, rounding, shift, out, y + x, y + n + x
                )
