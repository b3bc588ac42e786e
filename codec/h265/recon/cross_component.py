"""(docs/BITSTREAM.md) Chroma from luma: blocks predicted from their reconstructed luma.

Both sides fit the models to the samples around a block.

Luma is brought to chroma's grid; the samples of the template, up to four lines above and left of the block, give sums,
and a linear system in integers gives the model. LM: one straight line. MMLM: two of them, for dark and for bright luma.
CCCM: five neighbours of luma, the square of the centre, a constant.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.base.records import record
from codec.h265.intra_modes import CCCM, CCCM_ABOVE, CCCM_LEFT, MMLM
from codec.h265.recon.intra_reference import constrained_unit, neighbour_flags

LINES = 4
_LARGEST = 32
_SIDE = LINES + 2 * _LARGEST
_TAPS = 7
# fractional bits of factors, which are below 8 in size; of what the solution is computed with
_FRACTION = 14
_LIMIT = np.int64((8 << _FRACTION) - 1)
_INNER = 16
# of the factors of L, so that nothing leaves 64 bits
_FACTOR_LIMIT = np.int64(1) << 27
# the square that each tap is said to have in every sample, by which small templates are held near the straight line:
# 9 bits in blocks of 4, three fewer in each larger size, with 8-bit samples
_RIDGE = -1

CROSS_SCRATCH = record(
    [
        # by row and column from LINES above and left of the block: luma on chroma's grid; whether it may be used
        ("luma", np.int32, (_SIDE * _SIDE,)),
        ("usable", np.int8, (_SIDE * _SIDE,)),
        ("sums", np.int64, (2, 5)),  # of the points of a line, for dark and for bright luma
        ("taps", np.int64, (_TAPS,)),
        ("matrix", np.int64, (_TAPS, _TAPS)),
        ("factors", np.int64, (_TAPS, _TAPS)),
        ("right", np.int64, (_TAPS,)),
        ("weights", np.int64, (_TAPS,)),
    ]
)


@kernel
def _mark(f, x, y, n, c):
    """c.usable: the block itself, and the groups of four lines or columns around it that may be used."""
    p = f.params[0]
    flags = neighbour_flags(f, 2 * x, 2 * y, 2 * n)
    width, height = p.pic_width >> 1, p.pic_height >> 1
    constrained = p.constrained_intra_pred != 0
    side = LINES + 2 * n
    for i in range(side * side):
        c.usable[i] = 0
    for row in range(LINES, LINES + n):
        for column in range(LINES, LINES + n):
            c.usable[row * side + column] = 1
    for k in range(-1, 2 * n // 4):
        # the corner, then above, then left
        above = (flags & (16 if k < 0 else 4 if 4 * k < n else 8)) != 0 and x + 4 * k < width
        if above and constrained:
            above = constrained_unit(f, x + 4 * k, y - 1, 1)
        if above:
            for row in range(LINES):
                for column in range(LINES + 4 * k, LINES + 4 * k + 4):
                    c.usable[row * side + column] = 1
        left = k >= 0 and (flags & (1 if 4 * k < n else 2)) != 0 and y + 4 * k < height
        if left and constrained:
            left = constrained_unit(f, x - 1, y + 4 * k, 1)
        if left:
            for row in range(LINES + 4 * k, LINES + 4 * k + 4):
                for column in range(LINES):
                    c.usable[row * side + column] = 1


@kernel
def _bring_down(f, x, y, n, c):
    """c.luma where it is usable: 1 2 1 horizontally, two rows; left of what may be used counts the middle."""
    side = LINES + 2 * n
    for row in range(side):
        v = 2 * (y - LINES + row)
        for column in range(side):
            i = row * side + column
            if not c.usable[i]:
                continue
            u = 2 * (x - LINES + column)
            w = u - 1 if column > 0 and c.usable[i - 1] else u
            top = np.int32(f.luma[v, w]) + 2 * np.int32(f.luma[v, u]) + np.int32(f.luma[v, u + 1])
            bottom = np.int32(f.luma[v + 1, w]) + 2 * np.int32(f.luma[v + 1, u]) + np.int32(f.luma[v + 1, u + 1])
            c.luma[i] = (top + bottom + 4) >> 3


@kernel
def prepare_luma(f, x, y, log2_size, c):
    """Luma in and around the chroma block at (x, y), on chroma's grid: what all models begin with."""
    _mark(f, x, y, np.int64(1) << log2_size, c)
    _bring_down(f, x, y, np.int64(1) << log2_size, c)


@kernel(inline=True)
def _line(count, sum_x, sum_y, sum_xx, sum_xy):
    """(slope, offset), with _FRACTION bits, of the straight line through `count` > 0 points."""
    spread = count * sum_xx - sum_x * sum_x
    slope = np.int64(0)
    if spread > 0:
        slope = ((count * sum_xy - sum_x * sum_y) << _FRACTION) // spread
        slope = min(max(slope, -_LIMIT), _LIMIT)
    return slope, ((sum_y << _FRACTION) - slope * sum_x + (count >> 1)) // count


@kernel
def _mean_luma(n, lines, c):
    """(mean luma of the template's nearest lines beside the block, how many samples)"""
    side = LINES + 2 * n
    total, count = np.int64(0), np.int64(0)
    for a in range(LINES - lines, LINES):
        for b in range(LINES, LINES + n):
            if c.usable[a * side + b]:
                total += c.luma[a * side + b]
                count += 1
            if c.usable[b * side + a]:
                total += c.luma[b * side + a]
                count += 1
    return (total // count if count else np.int64(0)), count


@kernel(inline=True)
def _add_point(c, side, row, column, chroma, threshold):
    """A sample of the template into the sums of its line."""
    i = row * side + column
    if c.usable[i]:
        luma = np.int64(c.luma[i])
        sums = c.sums[np.int64(luma > threshold)]
        sums[0] += 1
        sums[1] += luma
        sums[2] += chroma
        sums[3] += luma * luma
        sums[4] += luma * chroma


@kernel
def _predict_lines(plane, x, y, n, top, two, lines, c, out):
    """LM, or with `two` MMLM, from the template's nearest lines beside the block."""
    side = LINES + 2 * n
    mean, count = _mean_luma(n, lines, c)
    if count == 0:
        for i in range(n * n):
            out[i] = (top + 1) >> 1
        return
    threshold = mean if two else np.int64(top)
    c.sums[:] = 0
    for a in range(LINES - lines, LINES):
        for b in range(LINES, LINES + n):
            if c.usable[a * side + b]:
                _add_point(c, side, a, b, np.int64(plane[y - LINES + a, x - LINES + b]), threshold)
            if c.usable[b * side + a]:
                _add_point(c, side, b, a, np.int64(plane[y - LINES + b, x - LINES + a]), threshold)
    s = c.sums[0]
    low, low_offset = _line(s[0], s[1], s[2], s[3], s[4])
    high, high_offset = low, low_offset
    s = c.sums[1]
    if s[0] > 0:
        high, high_offset = _line(s[0], s[1], s[2], s[3], s[4])
    half = np.int64(1) << (_FRACTION - 1)
    for row in range(n):
        for column in range(n):
            luma = np.int64(c.luma[(LINES + row) * side + LINES + column])
            slope, offset = (high, high_offset) if luma > threshold else (low, low_offset)
            out[row * n + column] = np.int16(min(max((slope * luma + offset + half) >> _FRACTION, 0), top))


@kernel(inline=True)
def _fill_taps(c, side, row, column, middle, bit_depth):
    """c.taps of a sample: what may not be used around it counts as the sample itself."""
    i = row * side + column
    centre = np.int64(c.luma[i]) - middle
    taps = c.taps
    taps[0] = centre
    taps[1] = np.int64(c.luma[i - side]) - middle if row > 0 and c.usable[i - side] else centre
    taps[2] = np.int64(c.luma[i + side]) - middle if row + 1 < side and c.usable[i + side] else centre
    taps[3] = np.int64(c.luma[i - 1]) - middle if column > 0 and c.usable[i - 1] else centre
    taps[4] = np.int64(c.luma[i + 1]) - middle if column + 1 < side and c.usable[i + 1] else centre
    taps[5] = (centre * centre) >> (bit_depth - 2)
    taps[6] = np.int64(1) << (bit_depth - 4)


@kernel
def _solve(c):
    """c.weights with _FRACTION bits: c.matrix * weights = c.right, by L D L^T in integers.

    Divisions round down, and so do shifts.
    """
    u, low, right, weights = c.matrix, c.factors, c.right, c.weights
    for j in range(_TAPS):
        for i in range(j, _TAPS):
            value = u[i, j]
            for m in range(j):
                value -= (low[j, m] * u[i, m]) >> _INNER
            u[i, j] = value
        pivot = max(u[j, j], 1)
        u[j, j] = pivot
        for i in range(j + 1, _TAPS):
            low[i, j] = min(max((u[i, j] << _INNER) // pivot, -_FACTOR_LIMIT), _FACTOR_LIMIT)
    for i in range(_TAPS):
        value = right[i]
        for m in range(i):
            value -= (low[i, m] * right[m]) >> _INNER
        right[i] = value
    for i in range(_TAPS - 1, -1, -1):
        value = (right[i] << _FRACTION) // u[i, i]
        for m in range(i + 1, _TAPS):
            value -= (low[m, i] * weights[m]) >> _INNER
        weights[i] = min(max(value, -_LIMIT), _LIMIT)


@kernel
def _predict_taps(plane, x, y, log2_size, left, above, bit_depth, c, out):
    """CCCM, from the template left of the block, above it, or both."""
    n = np.int64(1) << log2_size
    side = LINES + 2 * n
    top = (np.int64(1) << bit_depth) - 1
    luma, chroma, count = np.int64(0), np.int64(0), np.int64(0)
    first = 0 if above else LINES
    end = side if left else LINES
    for row in range(first, end):
        for column in range(side if row < LINES else LINES):
            if c.usable[row * side + column]:
                luma += c.luma[row * side + column]
                chroma += plane[y - LINES + row, x - LINES + column]
                count += 1
    if count == 0:
        for i in range(n * n):
            out[i] = (top + 1) >> 1
        return
    luma, chroma = luma // count, chroma // count
    c.matrix[:] = 0
    c.right[:] = 0
    taps = c.taps
    for row in range(first, end):
        for column in range(side if row < LINES else LINES):
            if not c.usable[row * side + column]:
                continue
            _fill_taps(c, side, row, column, luma, bit_depth)
            wanted = np.int64(plane[y - LINES + row, x - LINES + column]) - chroma
            for j in range(_TAPS):
                c.right[j] += taps[j] * wanted
                for i in range(j, _TAPS):
                    c.matrix[i, j] += taps[i] * taps[j]
    # what the template does not tell is left to the straight line: the centre alone
    slope = (c.right[0] << _FRACTION) // max(c.matrix[0, 0], 1)
    slope = min(max(slope, -_LIMIT), _LIMIT)
    for j in range(_TAPS):
        c.right[j] -= (c.matrix[j, 0] * slope) >> _FRACTION
    for j in range(_TAPS):
        c.matrix[j, j] += count << (_RIDGE - 3 * log2_size + 2 * bit_depth)
    _solve(c)
    c.weights[0] = min(max(c.weights[0] + slope, -_LIMIT), _LIMIT)
    half = np.int64(1) << (_FRACTION - 1)
    for row in range(n):
        for column in range(n):
            _fill_taps(c, side, LINES + row, LINES + column, luma, bit_depth)
            total = half
            for j in range(_TAPS):
                total += c.weights[j] * taps[j]
            out[row * n + column] = np.int16(min(max(chroma + (total >> _FRACTION), 0), top))


@kernel
def predict_from_luma(plane, x, y, log2_size, model, bit_depth, c, out):
    """Prediction of a chroma block by LM, MMLM or CCCM (of CCCM_PLANAR that part): out[0 : n*n] int16.

    prepare_luma comes first. plane: Cb or Cr as reconstructed so far, whose block at (x, y) is predicted
    """
    n, top = np.int64(1) << log2_size, (np.int64(1) << bit_depth) - 1
    if model >= CCCM:
        _predict_taps(plane, x, y, log2_size, model != CCCM_ABOVE, model != CCCM_LEFT, bit_depth, c, out)
    else:
        _predict_lines(plane, x, y, n, top, model == MMLM, np.int64(LINES if model == MMLM else 1), c, out)


@kernel
def mix_in(n, other, out):
    """out = mean of two predictions, rounded up."""
    for i in range(n * n):
        out[i] = np.int16((np.int32(out[i]) + np.int32(other[i]) + 1) >> 1)
