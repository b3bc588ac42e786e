"""Cost kernels of the search: SSE, SAD and Hadamard SATD of contiguous n*n int16 blocks, and how blocks get there.

Samples and residuals may have up to 12 bit.
"""

import numpy as np

from codec.kernels.jit import kernel
from codec.recon.lanes import I32, U1, U2, U3, U4, U5, U6, U7, U64, add8, gather8, load4, load8, put4, put8, subtract8

# as many squares of 12-bit differences as an int32 holds
_CHUNK = 128
TMP_SAMPLES = 64
"""Length of the int32 scratch array of the SATD functions."""


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
def _difference8(a, i, b, j):
    return subtract8(load8(a, i), load8(b, j))


@kernel(inline=True)
def _two_butterflies(r):
    """First two of the three steps of an 8-point Hadamard transform across eight rows."""
    a0, a1, a2, a3 = add8(r[0], r[4]), add8(r[1], r[5]), add8(r[2], r[6]), add8(r[3], r[7])
    a4, a5, a6, a7 = subtract8(r[0], r[4]), subtract8(r[1], r[5]), subtract8(r[2], r[6]), subtract8(r[3], r[7])
    return (
        add8(a0, a2), add8(a1, a3), subtract8(a0, a2), subtract8(a1, a3),
        add8(a4, a6), add8(a5, a7), subtract8(a4, a6), subtract8(a5, a7),
    )  # fmt: skip


@kernel(inline=True)
def _larger(a, b):
    """max(|a|, |b|), which is (|a + b| + |a - b|) / 2: it stands for the last butterfly and the magnitudes."""
    return max(abs(a), abs(b))


@kernel(inline=True)
def _larger8(a, b):
    """_larger, lane by lane."""
    return (
        _larger(a[0], b[0]), _larger(a[1], b[1]), _larger(a[2], b[2]), _larger(a[3], b[3]),
        _larger(a[4], b[4]), _larger(a[5], b[5]), _larger(a[6], b[6]), _larger(a[7], b[7]),
    )  # fmt: skip


@kernel(inline=True)
def satd8(a, a_off, a_stride, b, b_off, b_stride, tmp):
    """(sum of |8x8 Hadamard coefficients| + 2) >> 2 of an 8x8 block inside rows of a_stride and b_stride samples."""
    i, j, s, t = U64(a_off), U64(b_off), U64(a_stride), U64(b_stride)
    i4, j4 = i + U4 * s, j + U4 * t
    rows = (
        _difference8(a, i, b, j),
        _difference8(a, i + s, b, j + t),
        _difference8(a, i + U2 * s, b, j + U2 * t),
        _difference8(a, i + U3 * s, b, j + U3 * t),
        _difference8(a, i4, b, j4),
        _difference8(a, i4 + s, b, j4 + t),
        _difference8(a, i4 + U2 * s, b, j4 + U2 * t),
        _difference8(a, i4 + U3 * s, b, j4 + U3 * t),
    )
    r = _two_butterflies(rows)
    put8(tmp, U64(0), add8(r[0], r[1]))
    put8(tmp, U64(8), subtract8(r[0], r[1]))
    put8(tmp, U64(16), add8(r[2], r[3]))
    put8(tmp, U64(24), subtract8(r[2], r[3]))
    put8(tmp, U64(32), add8(r[4], r[5]))
    put8(tmp, U64(40), subtract8(r[4], r[5]))
    put8(tmp, U64(48), add8(r[6], r[7]))
    put8(tmp, U64(56), subtract8(r[6], r[7]))
    step = U64(8)
    columns = (
        gather8(tmp, U64(0), step),
        gather8(tmp, U1, step),
        gather8(tmp, U2, step),
        gather8(tmp, U3, step),
        gather8(tmp, U4, step),
        gather8(tmp, U5, step),
        gather8(tmp, U6, step),
        gather8(tmp, U7, step),
    )
    c = _two_butterflies(columns)
    m = add8(
        add8(_larger8(c[0], c[1]), _larger8(c[2], c[3])),
        add8(_larger8(c[4], c[5]), _larger8(c[6], c[7])),
    )
    half = np.int64(m[0]) + m[1] + m[2] + m[3] + m[4] + m[5] + m[6] + m[7]
    return (2 * half + 2) >> 2


@kernel(inline=True)
def _difference4(a, i, b, j):
    p, q = load4(a, i), load4(b, j)
    return I32(p[0] - q[0]), I32(p[1] - q[1]), I32(p[2] - q[2]), I32(p[3] - q[3])


@kernel(inline=True)
def _butterfly4(p, q):
    """Lane-wise p + q and p - q."""
    return (
        (I32(p[0] + q[0]), I32(p[1] + q[1]), I32(p[2] + q[2]), I32(p[3] + q[3])),
        (I32(p[0] - q[0]), I32(p[1] - q[1]), I32(p[2] - q[2]), I32(p[3] - q[3])),
    )


@kernel(inline=True)
def satd4(a, a_off, a_stride, b, b_off, b_stride, tmp):
    """(sum of |4x4 Hadamard coefficients| + 1) >> 1 of a 4x4 block inside rows of a_stride and b_stride samples."""
    i, j, s, t = U64(a_off), U64(b_off), U64(a_stride), U64(b_stride)
    sum02, diff02 = _butterfly4(_difference4(a, i, b, j), _difference4(a, i + U2 * s, b, j + U2 * t))
    sum13, diff13 = _butterfly4(_difference4(a, i + s, b, j + t), _difference4(a, i + U3 * s, b, j + U3 * t))
    row0, row1 = _butterfly4(sum02, sum13)
    row2, row3 = _butterfly4(diff02, diff13)
    put4(tmp, U64(0), row0)
    put4(tmp, U64(4), row1)
    put4(tmp, U64(8), row2)
    put4(tmp, U64(12), row3)
    half = I32(0)
    for y in range(U64(0), U64(16), U64(4)):
        v = load4(tmp, y)
        half = I32(half + _larger(I32(v[0] + v[2]), I32(v[1] + v[3])) + _larger(I32(v[0] - v[2]), I32(v[1] - v[3])))
    return (2 * np.int64(half) + 1) >> 1


@kernel
def satd(a, a_off, b, b_off, log2_size, tmp):
    """Hadamard cost of two blocks as HM counts it, log2_size 2..6: 4x4, or the sum over the 8x8 blocks inside."""
    if log2_size == 2:
        return satd4(a, a_off, 4, b, b_off, 4, tmp)
    n = 1 << log2_size
    total = np.int64(0)
    for y in range(0, n * n, 8 * n):
        for x in range(y, y + n, 8):
            total += satd8(a, a_off + x, n, b, b_off + x, n, tmp)
    return total


@kernel
def satd_modes(orig, predictions, log2_size, out, tmp):
    """out[m] = satd of orig[0 : n*n] and predictions[m], for every row of `predictions` (modes, n*n) int16.

    out  (modes,) int32
    tmp  (>= TMP_SAMPLES,) int32 scratch
    """
    for mode in range(predictions.shape[0]):
        out[mode] = satd(orig, 0, predictions[mode], 0, log2_size, tmp)
