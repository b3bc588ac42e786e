"""(8.4.4.2.4 to 8.4.4.2.6) Intra prediction of one block from its reference line (layout: intra_reference.py).

Horizontal modes are vertical modes of the mirrored line, transposed: that keeps every inner loop contiguous.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.lanes import I32, U64, gather8, load4, load8, put4, put8
from codec.h265.intra_modes import (
    FIRST_ANGULAR,
    FIRST_VERTICAL,
    INTRA_DC,
    INTRA_PLANAR,
    INTRA_PRED_ANGLE,
    INTRA_VER,
    INV_ANGLE,
    MODES,
    SMOOTHED,
    TRANSPOSED,
)
from codec.h265.recon.intra_reference import REFERENCE_SAMPLES

# parts of the scratch array: mirrored line, extended line, transposed block
_MIRROR = 0
_MIRROR_FILTERED = REFERENCE_SAMPLES + 3
_LINE = 2 * _MIRROR_FILTERED
_BLOCK = _LINE + 72
SCRATCH_SAMPLES = _BLOCK + 32 * 32
"""Length of the int16 scratch array of the functions below."""


@kernel(inline=True)
def _planar(ref, n, log2_size, out):
    """(8.4.4.2.4) INTRA_PLANAR."""
    top_right, bottom_left = I32(ref[3 * n + 1]), I32(ref[n - 1])
    shift = I32(log2_size + 1)
    for y in range(n):
        left = I32(ref[2 * n - 1 - y])
        step = I32(top_right - left)
        below = I32(n - 1 - y)
        start = I32((n - 1) * left + top_right + (y + 1) * bottom_left + n)
        for x in range(0, n, 4):
            top = load4(ref, U64(2 * n + 1 + x))
            ramp = I32(start + x * step)
            row = (
                I32(I32(ramp + below * top[0]) >> shift),
                I32(I32(ramp + step + below * top[1]) >> shift),
                I32(I32(ramp + 2 * step + below * top[2]) >> shift),
                I32(I32(ramp + 3 * step + below * top[3]) >> shift),
            )
            put4(out, U64(y * n + x), row)


@kernel(inline=True)
def _dc(ref, n, log2_size, smooth_edges, out):
    """(8.4.4.2.5) INTRA_DC."""
    total = I32(n)
    for i in range(U64(n), U64(2 * n)):
        total = I32(total + I32(ref[i]))
    for i in range(U64(2 * n + 1), U64(3 * n + 1)):
        total = I32(total + I32(ref[i]))
    dc = I32(total >> I32(log2_size + 1))
    for i in range(U64(n * n)):
        out[i] = dc
    if smooth_edges:
        for i in range(n):
            out[i] = (np.int64(ref[2 * n + 1 + i]) + 3 * dc + 2) >> 2
            out[i * n] = (np.int64(ref[2 * n - 1 - i]) + 3 * dc + 2) >> 2
        out[0] = (np.int64(ref[2 * n - 1]) + 2 * dc + np.int64(ref[2 * n + 1]) + 2) >> 2


@kernel(inline=True)
def _interpolate8(line, i, fact):
    """Eight samples at 1/32 position `fact` to the right of line[i]; at 0 the sample to the right is not touched."""
    a, b = load8(line, i), load8(line, i + U64(fact != 0))
    rest = I32(32 - fact)
    return (
        I32(I32(rest * a[0] + fact * b[0] + 16) >> I32(5)),
        I32(I32(rest * a[1] + fact * b[1] + 16) >> I32(5)),
        I32(I32(rest * a[2] + fact * b[2] + 16) >> I32(5)),
        I32(I32(rest * a[3] + fact * b[3] + 16) >> I32(5)),
        I32(I32(rest * a[4] + fact * b[4] + 16) >> I32(5)),
        I32(I32(rest * a[5] + fact * b[5] + 16) >> I32(5)),
        I32(I32(rest * a[6] + fact * b[6] + 16) >> I32(5)),
        I32(I32(rest * a[7] + fact * b[7] + 16) >> I32(5)),
    )


@kernel(inline=True)
def _interpolate4(line, i, fact):
    """Four samples at 1/32 position `fact` to the right of line[i]; at 0 the sample to the right is not touched."""
    a, b = load4(line, i), load4(line, i + U64(fact != 0))
    rest = I32(32 - fact)
    return (
        I32(I32(rest * a[0] + fact * b[0] + 16) >> I32(5)),
        I32(I32(rest * a[1] + fact * b[1] + 16) >> I32(5)),
        I32(I32(rest * a[2] + fact * b[2] + 16) >> I32(5)),
        I32(I32(rest * a[3] + fact * b[3] + 16) >> I32(5)),
    )


@kernel(inline=True)
def _sweep(line, origin, n, angle, out, o):
    """(8-51, 8-52) Rows of an angular prediction: out[o : o + n*n] from line[origin] = ref[0] of the standard."""
    for y in range(n):
        position = (y + 1) * angle
        i = origin + 1 + (position >> 5)
        fact = I32(position & 31)
        if n == 4:
            put4(out, U64(o + 4 * y), _interpolate4(line, U64(i), fact))
        else:
            for x in range(0, n, 8):
                put8(out, U64(o + y * n + x), _interpolate8(line, U64(i + x), fact))


@kernel(inline=True)
def _smooth_first_column(ref, corner, n, bit_depth, out, o):
    """(8-53) Edge filter of mode 26 (of mode 10 when `ref` is mirrored)."""
    top = (1 << bit_depth) - 1
    middle, above = np.int64(ref[corner]), np.int64(ref[corner + 1])
    for y in range(n):
        out[o + y * n] = min(max(above + ((np.int64(ref[corner - 1 - y]) - middle) >> 1), 0), top)


@kernel(inline=True)
def _extend(ref, corner, n, inverse, reach, scratch):
    """(8-49) scratch[_LINE + reach + i] = ref[i] of the standard, i = -reach..n: the left side projected upwards."""
    origin = _LINE + reach
    for i in range(-reach, 0):
        scratch[origin + i] = ref[corner - ((i * inverse + 128) >> 8)]
    for i in range(U64(n + 1)):
        scratch[U64(origin) + i] = ref[U64(corner) + i]


@kernel(inline=True)
def _vertical(ref, start, mode, n, smooth_edge, bit_depth, out, o, scratch):
    """(8.4.4.2.6) Vertical angular modes of the reference line at ref[start]: out[o : o + n*n]."""
    angle = INTRA_PRED_ANGLE[mode]
    reach = -((n * angle) >> 5)
    corner = start + 2 * n
    if reach > 1:
        _extend(ref, corner, n, INV_ANGLE[mode], reach, scratch)
        _sweep(scratch, _LINE + reach, n, angle, out, o)
    else:
        _sweep(ref, corner, n, angle, out, o)
    if mode == INTRA_VER and smooth_edge:
        _smooth_first_column(ref, corner, n, bit_depth, out, o)


@kernel(inline=True)
def _mirror(ref, n, scratch, start):
    """scratch[start : start + 4n + 1] = the reference line with left and above exchanged."""
    for i in range(U64(4 * n + 1)):
        scratch[U64(start) + i] = ref[U64(4 * n) - i]


@kernel(inline=True)
def _transpose(block, b, n, out):
    """out[0 : n*n] = the block at block[b] transposed."""
    if n == 4:
        for y in range(U64(4)):
            for x in range(U64(4)):
                out[y * U64(4) + x] = block[U64(b) + x * U64(4) + y]
    else:
        for x in range(0, n, 8):
            for y in range(n):
                put8(out, U64(y * n + x), gather8(block, U64(b + x * n + y), U64(n)))


@kernel
def predict_intra(ref, mode, log2_size, c_idx, bit_depth, out, scratch):
    """(8.4.4.2) Prediction of one block: out[0 : n*n] int16.

    ref        (>= 4n + 1,) int16 reference line, smoothed already where needs_filter says so
    mode       below MODES: others predict nothing, and leave `out` as it is
    log2_size  2..5
    c_idx      0 luma, 1 Cb, 2 Cr: edges of DC, horizontal and vertical blocks are smoothed in luma below 32x32
    scratch    (>= SCRATCH_SAMPLES,) int16
    """
    n = 1 << log2_size
    smooth_edge = c_idx == 0 and log2_size < 5
    if mode == INTRA_PLANAR:
        _planar(ref, n, log2_size, out)
    elif mode == INTRA_DC:
        _dc(ref, n, log2_size, smooth_edge, out)
    elif FIRST_VERTICAL <= mode < MODES:
        _vertical(ref, 0, mode, n, smooth_edge, bit_depth, out, 0, scratch)
    elif FIRST_ANGULAR <= mode < FIRST_VERTICAL:
        _mirror(ref, n, scratch, _MIRROR)
        _vertical(scratch, _MIRROR, TRANSPOSED - mode, n, smooth_edge, bit_depth, scratch, _BLOCK, scratch)
        _transpose(scratch, _BLOCK, n, out)


@kernel
def predict_all_modes(ref, filtered, log2_size, bit_depth, out, scratch):
    """(8.4.4.2) Luma predictions of all modes, for the encoder's rough mode decision.

    ref, filtered  (>= 4n + 1,) int16 reference line and its smoothed version
    out            (MODES, n*n) int16, one contiguous block per mode
    scratch        (>= SCRATCH_SAMPLES,) int16
    """
    n = 1 << log2_size
    smooth_edge = log2_size < 5
    _planar(filtered if log2_size > 2 else ref, n, log2_size, out[INTRA_PLANAR])
    _dc(ref, n, log2_size, smooth_edge, out[INTRA_DC])
    _mirror(ref, n, scratch, _MIRROR)
    _mirror(filtered, n, scratch, _MIRROR_FILTERED)
    for mode in range(FIRST_ANGULAR, FIRST_VERTICAL):
        start = _MIRROR_FILTERED if SMOOTHED[log2_size - 2, mode] else _MIRROR
        _vertical(scratch, start, TRANSPOSED - mode, n, smooth_edge, bit_depth, scratch, _BLOCK, scratch)
        _transpose(scratch, _BLOCK, n, out[mode])
    for mode in range(FIRST_VERTICAL, MODES):
        line = filtered if SMOOTHED[log2_size - 2, mode] else ref
        _vertical(line, 0, mode, n, smooth_edge, bit_depth, out[mode], 0, scratch)
