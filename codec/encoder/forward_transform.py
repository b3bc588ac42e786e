"""(8.6.4.2, read backwards) The encoder's forward transforms: coefficients from residual samples, with HM's shifts.

Rows first, then columns. Even frequencies see the sum and odd ones the difference of mirrored samples ("folding"),
which halves the multiplications; frequencies are kept even ones first until the last step.
"""

from codec.kernels.jit import kernel
from codec.recon.lanes import I32, U1, U64, add8, load8, put8, store4, store8, subtract8, weighted_rows4, weighted_rows8
from codec.recon.transform_tables import DCT_OFFSET, FORWARD, FORWARD_OFFSET, INVERSE

# the two halves of the scratch array
_FOLDED = 0
_STAGE = 32 * 32
TMP_SAMPLES = 2 * 32 * 32
"""Length of the int32 scratch array of forward_transform."""


@kernel(inline=True)
def _forward4(residual, offset, matrix, shift1, shift2, out, tmp):
    """Both stages of a 4x4 block; `matrix` is the position of the DST or DCT in FORWARD and INVERSE."""
    for y in range(0, 16, 4):
        row = weighted_rows4(residual, U64(offset + y), U1, FORWARD, U64(matrix))
        store4(tmp, U64(y), row, I32(I32(1) << I32(shift1 - 1)), shift1)
    for k in range(0, 16, 4):
        column = weighted_rows4(INVERSE, U64(matrix + k), U1, tmp, U64(0))
        store4(out, U64(k), column, I32(I32(1) << I32(shift2 - 1)), shift2)


@kernel(inline=True)
def _rows8(residual, offset, rounding, shift, tmp):
    """First stage of an 8x8 block, frequencies in order."""
    matrix = U64(FORWARD_OFFSET[3])
    for y in range(0, 64, 8):
        row = weighted_rows8(residual, U64(offset + y), U1, FORWARD, matrix, U64(8), 8)
        store8(tmp, U64(_STAGE + y), row, rounding, shift)


@kernel(inline=True)
def _fold_rows(residual, offset, n, tmp):
    """Left half of each row = x + its mirror image, right half = x - its mirror image."""
    half = U64(n >> 1)
    for y in range(n):
        start, stop = U64(offset + y * n), U64(offset + y * n + n - 1)
        folded = U64(_FOLDED + y * n)
        for x in range(half):
            left, right = I32(residual[start + x]), I32(residual[stop - x])
            tmp[folded + x] = I32(left + right)
            tmp[folded + half + x] = I32(left - right)


@kernel(inline=True)
def _rows(n, matrix, rounding, shift, tmp):
    """First stage of folded rows, n >= 16: even frequencies to the left half, odd ones to the right half."""
    half = n >> 1
    for y in range(n):
        start = _FOLDED + y * n
        for k in range(0, half, 8):
            even = weighted_rows8(tmp, U64(start), U1, FORWARD, U64(matrix + k), U64(n), half)
            odd = weighted_rows8(tmp, U64(start + half), U1, FORWARD, U64(matrix + half + k), U64(n), half)
            store8(tmp, U64(_STAGE + y * n + k), even, rounding, shift)
            store8(tmp, U64(_STAGE + y * n + half + k), odd, rounding, shift)


@kernel(inline=True)
def _fold_columns(n, tmp):
    """Upper half of the rows = row + its mirror image, lower half = row - its mirror image."""
    half = n >> 1
    for y in range(half):
        for x in range(0, n, 8):
            upper = load8(tmp, U64(_STAGE + y * n + x))
            lower = load8(tmp, U64(_STAGE + (n - 1 - y) * n + x))
            put8(tmp, U64(_FOLDED + y * n + x), add8(upper, lower))
            put8(tmp, U64(_FOLDED + (half + y) * n + x), subtract8(upper, lower))


@kernel(inline=True)
def _columns(n, matrix, rounding, shift, tmp):
    """Second stage of folded columns."""
    half = n >> 1
    for k in range(n):
        start = _FOLDED + (k & 1) * half * n
        for x in range(0, n, 8):
            column = weighted_rows8(INVERSE, U64(matrix + k * n), U1, tmp, U64(start + x), U64(n), half)
            store8(tmp, U64(_STAGE + k * n + x), column, rounding, shift)


@kernel(inline=True)
def _in_order(n, tmp, out):
    """out = the stage's rows with even and odd frequencies interleaved."""
    half = U64(n >> 1)
    for k in range(n):
        start = U64(_STAGE + k * n)
        row = U64(k * n)
        for i in range(half):
            out[row + i + i] = tmp[start + i]
            out[row + i + i + U1] = tmp[start + half + i]


@kernel
def forward_transform(residual, offset, log2_size, is_dst, bit_depth, out, tmp):
    """Transform coefficients of one block: out[0 : n*n] int16 from residual[offset : offset + n*n].

    residual   (...,) int16, +-(2^bit_depth - 1)
    log2_size  2..5; is_dst is used at 2 only
    bit_depth  8..12; the stages shift by log2_size + bit_depth - 9 and log2_size + 6, as HM does
    tmp        (>= TMP_SAMPLES,) int32 scratch
    """
    n = 1 << log2_size
    shift1, shift2 = I32(log2_size + bit_depth - 9), I32(log2_size + 6)
    if log2_size == 2:
        _forward4(residual, offset, 0 if is_dst else DCT_OFFSET[2], shift1, shift2, out, tmp)
        return
    rounding1, rounding2 = I32(I32(1) << I32(shift1 - 1)), I32(I32(1) << I32(shift2 - 1))
    if log2_size == 3:
        _rows8(residual, offset, rounding1, shift1, tmp)
    else:
        _fold_rows(residual, offset, n, tmp)
        _rows(n, FORWARD_OFFSET[log2_size], rounding1, shift1, tmp)
    _fold_columns(n, tmp)
    _columns(n, DCT_OFFSET[log2_size], rounding2, shift2, tmp)
    if log2_size == 3:
        for i in range(U64(64)):
            out[i] = tmp[U64(_STAGE) + i]
    else:
        _in_order(n, tmp, out)


@kernel
def forward_transform_skip(residual, offset, log2_size, bit_depth, out):
    """Coefficients of a transform_skip block: out[0 : n*n] = residual << (15 - bit_depth - log2_size)."""
    shift = I32(15 - bit_depth - log2_size)
    start = U64(offset)
    for i in range(U64(1 << (2 * log2_size))):
        out[i] = I32(I32(residual[start + i]) << shift)
