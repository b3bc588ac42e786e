"""Eight (or four) lanes side by side: the inner loops of interpolation, small transforms and intra prediction.

Accumulators held as a tuple live in vector registers once these helpers are inlined, for any run-time loop count: zero
rows and columns of a block cost nothing, and one loop serves every size. Indices are unsigned because a signed index
brings a wrap-around test that hides the contiguous access from the vectoriser.
"""

import numpy as np

from codec.base.kernels.jit import kernel

I32 = np.int32
U64 = np.uint64
U1, U2, U3, U4, U5, U6, U7 = (np.uint64(i) for i in range(1, 8))
MIN16, MAX16 = np.int32(-32768), np.int32(32767)


@kernel(inline=True)
def weighted_rows4(weights, w, w_step, rows, r):
    """Sum over k < 4 of weights[w + k*w_step] * rows[r + 4*k + 0..3], as four int32."""
    a0 = a1 = a2 = a3 = I32(0)
    for _ in range(4):
        m = I32(weights[w])
        a0 = I32(a0 + m * I32(rows[r]))
        a1 = I32(a1 + m * I32(rows[r + U1]))
        a2 = I32(a2 + m * I32(rows[r + U2]))
        a3 = I32(a3 + m * I32(rows[r + U3]))
        w = w + w_step
        r = r + U4
    return a0, a1, a2, a3


@kernel(inline=True)
def _scaled16(value, rounding, shift):
    return I32(min(max(I32(I32(value + rounding) >> shift), MIN16), MAX16))


@kernel(inline=True)
def store4(out, o, a, rounding, shift):
    """out[o + 0..3] = a shifted right with rounding, clipped to 16 bit."""
    out[o] = _scaled16(a[0], rounding, shift)
    out[o + U1] = _scaled16(a[1], rounding, shift)
    out[o + U2] = _scaled16(a[2], rounding, shift)
    out[o + U3] = _scaled16(a[3], rounding, shift)


@kernel(inline=True)
def put8(out, o, a):
    """out[o + 0..7] = a."""
    out[o] = a[0]
    out[o + U1] = a[1]
    out[o + U2] = a[2]
    out[o + U3] = a[3]
    out[o + U4] = a[4]
    out[o + U5] = a[5]
    out[o + U6] = a[6]
    out[o + U7] = a[7]


@kernel(inline=True)
def put4(out, o, a):
    """out[o + 0..3] = a."""
    out[o] = a[0]
    out[o + U1] = a[1]
    out[o + U2] = a[2]
    out[o + U3] = a[3]


@kernel(inline=True)
def load8(line, i):
    """line[i + 0..7] as eight int32."""
    return (
        I32(line[i]), I32(line[i + U1]), I32(line[i + U2]), I32(line[i + U3]),
        I32(line[i + U4]), I32(line[i + U5]), I32(line[i + U6]), I32(line[i + U7]),
    )  # fmt: skip


@kernel(inline=True)
def load4(line, i):
    """line[i + 0..3] as four int32."""
    return I32(line[i]), I32(line[i + U1]), I32(line[i + U2]), I32(line[i + U3])


@kernel(inline=True)
def gather8(block, i, step):
    """block[i + k*step], k = 0..7, as eight int32: a piece of a column."""
    i4 = i + U4 * step
    return (
        I32(block[i]), I32(block[i + step]), I32(block[i + U2 * step]), I32(block[i + U3 * step]),
        I32(block[i4]), I32(block[i4 + step]), I32(block[i4 + U2 * step]), I32(block[i4 + U3 * step]),
    )  # fmt: skip
