"""(8.6.4.2) Inverse transforms: residual samples from scaled coefficients."""

import numpy as np

from codec.kernels.jit import kernel
from codec.recon.lanes import (
    I32,
    U1,
    U2,
    U64,
    add8,
    reverse8,
    store4,
    store8,
    subtract8,
    weighted_rows4,
    weighted_rows8,
)
from codec.recon.transform_tables import DCT_OFFSET, INVERSE

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
def _inverse_columns(coeffs, offset, n, matrix, rows, columns, tmp):
    """(8-304) First stage: each column of `coeffs`, of which only the top left rows x columns are not zero."""
    double = U64(2 * n)
    evens, odds = (rows + 1) >> 1, rows >> 1
    for y in range(n >> 1):
        for x in range(0, columns, 8):
            even = weighted_rows8(INVERSE, U64(matrix + y), double, coeffs, U64(offset + x), double, evens)
            odd = weighted_rows8(INVERSE, U64(matrix + y + n), double, coeffs, U64(offset + x + n), double, odds)
            store8(tmp, U64(y * n + x), add8(even, odd), _FIRST_ROUNDING, _FIRST_SHIFT)
            store8(tmp, U64((n - 1 - y) * n + x), subtract8(even, odd), _FIRST_ROUNDING, _FIRST_SHIFT)


@kernel(inline=True)
def _inverse_rows8(tmp, matrix, rounding, shift, out):
    """(8-306) Second stage of an 8x8 block."""
    for y in range(0, 64, 8):
        row = weighted_rows8(tmp, U64(y), U1, INVERSE, U64(matrix), U64(8), 8)
        store8(out, U64(y), row, rounding, shift)


@kernel(inline=True)
def _inverse_rows(tmp, n, matrix, columns, rounding, shift, out):
    """(8-306) Second stage for n >= 16: each row of `tmp`, of which only the first `columns` (even) are not zero."""
    double = U64(2 * n)
    for y in range(0, n * n, n):
        for x in range(0, n >> 1, 8):
            even = weighted_rows8(tmp, U64(y), U2, INVERSE, U64(matrix + x), double, columns >> 1)
            odd = weighted_rows8(tmp, U64(y + 1), U2, INVERSE, U64(matrix + n + x), double, columns >> 1)
            store8(out, U64(y + x), add8(even, odd), rounding, shift)
            store8(out, U64(y + n - 8 - x), reverse8(subtract8(even, odd)), rounding, shift)


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
    tmp        (>= n*n,) int16 scratch
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
    matrix = DCT_OFFSET[log2_size]
    if rows <= 1 and columns == 8:
        rest = I32(0)
        for x in range(U64(offset + 1), U64(offset + 8)):
            rest |= I32(coeffs[x])
        if rest == 0:
            _fill_dc(np.int64(coeffs[offset]), n * n, rounding, shift, out)
            return
    _inverse_columns(coeffs, offset, n, matrix, rows, columns, tmp)
    if log2_size == 3:
        _inverse_rows8(tmp, matrix, rounding, shift, out)
    else:
        _inverse_rows(tmp, n, matrix, columns, rounding, shift, out)
