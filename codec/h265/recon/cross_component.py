"""(docs/BITSTREAM.md) Chroma from luma: blocks predicted from their reconstructed luma.

Both sides fit the models to the samples around a block.

Luma is brought to chroma's grid; the samples of the template, up to four lines above and left of the block, give sums,
and a linear system in integers gives the model. LM: one straight line. MMLM: two of them, for dark and for bright luma.
CCCM: five neighbours of luma, the square of the centre, a constant. Everything around a block comes in groups of 4x4
chroma samples, which can be used as a whole or not at all; a grid of groups begins with the corner above left.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.base.records import record
from codec.h265.intra_modes import CCCM, CCCM_ABOVE, CCCM_LEFT, LM, MMLM
from codec.h265.recon.intra_reference import constrained_unit, neighbour_flags

LINES = 4
_LARGEST = 32
_SIDE = LINES + 2 * _LARGEST
_GROUPS = _SIDE // 4
_TAPS = 7
_TEMPLATE = LINES * (4 * _LARGEST + LINES)
# fractional bits of factors, which are below 8 in size; of what the solution is computed with
_FRACTION = 14
_LIMIT = np.int64((8 << _FRACTION) - 1)
_INNER = 16
# of the factors of L, so that nothing leaves 64 bits
_FACTOR_LIMIT = np.int64(1) << 27
# the square that each tap is said to have in every sample, by which small templates are held near the straight line:
# 9 bits in blocks of 4, three fewer in each larger size, with 8-bit samples
_RIDGE = -1

_I32, _U64 = np.int32, np.uint64

CROSS_SCRATCH = record(
    [
        ("usable", np.int8, ((_GROUPS + 1) * (_GROUPS + 1),)),  # by row and column of the grid of groups
        ("luma", np.int16, (_SIDE * _SIDE,)),  # on chroma's grid, by row and column
        ("sums", np.int64, (2, 5)),  # of the points of a line, for dark and for bright luma
        # CCCM: mean luma and number of samples of the template, its taps and its chroma, the taps of the block
        ("fitted", np.int64),  # which template of the present block's luma they are of; -1: none
        ("middle", np.int64),
        ("samples", np.int64),
        ("chroma", np.int64),  # mean of the component that was predicted last
        ("template", np.int16, (_TAPS, _TEMPLATE)),
        ("wanted", np.int16, (_TEMPLATE,)),
        ("taps", np.int16, (_TAPS, _LARGEST * _LARGEST)),
        ("matrix", np.int64, (_TAPS, _TAPS)),
        ("first", np.int64, (_TAPS,)),  # its first column, before it is factorised
        ("factors", np.int64, (_TAPS, _TAPS)),
        ("right", np.int64, (_TAPS,)),
        ("weights", np.int64, (_TAPS,)),
    ]
)


@kernel
def _mark(f, x, y, n, reach, c):
    """c.usable: the groups of the block, and those around it up to `reach` samples, as far as they may be used.

    One group more than there are stands at the end of each row and column, and may not be used.
    """
    p = f.params[0]
    flags = neighbour_flags(f, 2 * x, 2 * y, 2 * n)
    width, height = p.pic_width >> 1, p.pic_height >> 1
    constrained = p.constrained_intra_pred != 0
    side = _GROUPS + 1
    inside = n >> 2
    for row in range((reach >> 2) + 2):
        for column in range((reach >> 2) + 2):
            c.usable[row * side + column] = 1 if 1 <= row <= inside and 1 <= column <= inside else 0
    for k in range(-1, reach >> 2):
        # the corner, then above, then left
        above = (flags & (16 if k < 0 else 4 if 4 * k < n else 8)) != 0 and x + 4 * k < width
        if above and constrained:
            above = constrained_unit(f, x + 4 * k, y - 1, 1)
        c.usable[k + 1] = np.int8(above)
        left = k >= 0 and (flags & (1 if 4 * k < n else 2)) != 0 and y + 4 * k < height
        if left and constrained:
            left = constrained_unit(f, x - 1, y + 4 * k, 1)
        if k >= 0:
            c.usable[(k + 1) * side] = np.int8(left)


@kernel(inline=True)
def _bring_down_row(top, bottom, u, count, luma, o):
    """luma[o + k] for k < count from two rows of the plane at 2 * k + u. Nothing left of them counts."""
    total = 3 * _I32(top[u]) + _I32(top[u + 1])
    total += 3 * _I32(bottom[u]) + _I32(bottom[u + 1])
    luma[o] = np.int16((total + 4) >> 3)
    for k in range(_U64(1), _U64(count)):
        i = _U64(u) + k + k
        total = _I32(top[i - _U64(1)]) + _I32(2) * _I32(top[i]) + _I32(top[i + _U64(1)])
        total = _I32(total + _I32(bottom[i - _U64(1)]) + _I32(2) * _I32(bottom[i]) + _I32(bottom[i + _U64(1)]))
        luma[_U64(o) + k] = np.int16(_I32(total + _I32(4)) >> _I32(3))


@kernel
def prepare_luma(f, x, y, log2_size, mode, c):
    """Luma in and around the chroma block at (x, y), on chroma's grid: what a model begins with.

    mode  the model; what CCCM needs is enough for all
    """
    n = np.int64(1) << log2_size
    reach = 2 * n if mode >= CCCM else n
    lines = np.int64(1 if mode == LM else LINES)
    c.fitted = -1
    _mark(f, x, y, n, reach, c)
    side = _GROUPS + 1
    # row by row the runs of groups that may be used: above the block, then left of it and in it
    for group_row in range((reach >> 2) + 1):
        columns = (reach >> 2) + 1 if group_row == 0 else (n >> 2) + 1 if group_row <= n >> 2 else 1
        for row in range(4 * group_row + (4 - lines if group_row == 0 else 0), 4 * group_row + 4):
            v = 2 * (y - LINES + row)
            column = np.int64(0)
            while column < columns:
                if not c.usable[group_row * side + column]:
                    column += 1
                    continue
                start = column
                while column < columns and c.usable[group_row * side + column]:
                    column += 1
                u = 2 * (x - LINES + 4 * start)
                at = row * _SIDE + 4 * start
                _bring_down_row(f.luma[v], f.luma[v + 1], u, 4 * (column - start), c.luma, at)


@kernel(inline=True)
def _line(count, sum_x, sum_y, sum_xx, sum_xy):
    """(slope, offset), with _FRACTION bits, of the straight line through `count` > 0 points."""
    spread = count * sum_xx - sum_x * sum_x
    slope = np.int64(0)
    if spread > 0:
        slope = ((count * sum_xy - sum_x * sum_y) << _FRACTION) // spread
        slope = min(max(slope, -_LIMIT), _LIMIT)
    return slope, ((sum_y << _FRACTION) - slope * sum_x + (count >> 1)) // count


@kernel(inline=True)
def is_usable(c, row, column):
    """Whether the place of the grid that begins above left of the block may be used; the block itself may."""
    return c.usable[(row >> 2) * (_GROUPS + 1) + (column >> 2)] != 0


@kernel
def _mean_luma(n, lines, c):
    """Mean luma of the template's nearest lines beside the block; 0 of nothing."""
    total, count = np.int64(0), np.int64(0)
    for b in range(LINES, LINES + n, 4):
        if is_usable(c, np.int64(0), b):
            for a in range(LINES - lines, LINES):
                for i in range(a * _SIDE + b, a * _SIDE + b + 4):
                    total += c.luma[i]
            count += 4 * lines
        if is_usable(c, b, np.int64(0)):
            for row in range(b, b + 4):
                for i in range(row * _SIDE + LINES - lines, row * _SIDE + LINES):
                    total += c.luma[i]
            count += 4 * lines
    return total // count if count else np.int64(0)


@kernel(inline=True)
def _add_point(c, luma, chroma, threshold):
    """A sample of the template into the sums of its line."""
    sums = c.sums[np.int64(luma > threshold)]
    sums[0] += 1
    sums[1] += luma
    sums[2] += chroma
    sums[3] += luma * luma
    sums[4] += luma * chroma


@kernel
def _predict_lines(plane, x, y, n, top, two, c, out):
    """LM, or with `two` MMLM, from the template's nearest lines beside the block."""
    lines = np.int64(LINES if two else 1)
    threshold = _mean_luma(n, lines, c) if two else np.int64(top)
    c.sums[:] = 0
    for b in range(LINES, LINES + n, 4):
        if is_usable(c, np.int64(0), b):
            for a in range(LINES - lines, LINES):
                for column in range(b, b + 4):
                    luma = np.int64(c.luma[a * _SIDE + column])
                    _add_point(c, luma, np.int64(plane[y - LINES + a, x - LINES + column]), threshold)
        if is_usable(c, b, np.int64(0)):
            for row in range(b, b + 4):
                for a in range(LINES - lines, LINES):
                    luma = np.int64(c.luma[row * _SIDE + a])
                    _add_point(c, luma, np.int64(plane[y - LINES + row, x - LINES + a]), threshold)
    s = c.sums[0]
    if s[0] == 0:
        for i in range(_U64(n * n)):
            out[i] = np.int16((top + 1) >> 1)
        return
    low, low_offset = _line(s[0], s[1], s[2], s[3], s[4])
    high, high_offset = low, low_offset
    s = c.sums[1]
    if s[0] > 0:
        high, high_offset = _line(s[0], s[1], s[2], s[3], s[4])
    # slopes have 17 bits, luma and chroma 10: 32 bits are enough
    half, least, most = _I32(1 << (_FRACTION - 1)), _I32(0), _I32(top)
    a, b, a_offset, b_offset = _I32(low), _I32(high), _I32(low_offset + half), _I32(high_offset + half)
    middle = _I32(threshold)
    for row in range(_U64(n)):
        start = (_U64(LINES) + row) * _U64(_SIDE) + _U64(LINES)
        for column in range(_U64(n)):
            luma = _I32(c.luma[start + column])
            value = _I32(_I32((b if luma > middle else a) * luma) + (b_offset if luma > middle else a_offset))
            value = _I32(value >> _I32(_FRACTION))
            out[row * _U64(n) + column] = np.int16(min(max(value, least), most))


@kernel(inline=True)
def _taps_of_four(c, row, column, middle, bit_depth, taps, at):
    """taps[:, at...] of four samples in a row, of one group: what may not be used counts as the sample itself."""
    i = row * _SIDE + column
    up = i - _SIDE if (row & 3) != 0 or (row > 0 and is_usable(c, row - 1, column)) else i
    down = i + _SIDE if (row & 3) != 3 or is_usable(c, row + 1, column) else i
    left = i - 1 if column > 0 and is_usable(c, row, column - 1) else i
    right = i + 4 if is_usable(c, row, column + 4) else i + 3
    to = _U64(at)
    t0, t1, t2, t3, t4, t5, t6 = taps[0], taps[1], taps[2], taps[3], taps[4], taps[5], taps[6]
    for k in range(_U64(4)):
        centre = _I32(_I32(c.luma[_U64(i) + k]) - middle)
        t0[to + k] = np.int16(centre)
        t1[to + k] = np.int16(_I32(c.luma[_U64(up) + k]) - middle)
        t2[to + k] = np.int16(_I32(c.luma[_U64(down) + k]) - middle)
        t5[to + k] = np.int16(_I32(centre * centre) >> _I32(bit_depth))
        t6[to + k] = np.int16(_I32(1) << _I32(bit_depth - 4))
    t3[to] = np.int16(_I32(c.luma[_U64(left)]) - middle)
    t4[to + _U64(3)] = np.int16(_I32(c.luma[_U64(right)]) - middle)
    for k in range(_U64(3)):
        t3[to + k + _U64(1)] = t0[to + k]
        t4[to + k] = t0[to + k + _U64(1)]


@kernel
def _factorise(c):
    """c.matrix = L D L^T in integers: D on its diagonal, L with _INNER bits in c.factors.

    Divisions round down, and so do shifts.
    """
    u, low = c.matrix, c.factors
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


@kernel
def _solve(c):
    """c.weights with _FRACTION bits: what the matrix that was factorised makes c.right of."""
    low, right, weights = c.factors, c.right, c.weights
    for i in range(_TAPS):
        value = right[i]
        for m in range(i):
            value -= (low[i, m] * right[m]) >> _INNER
        right[i] = value
    for i in range(_TAPS - 1, -1, -1):
        value = (right[i] << _FRACTION) // c.matrix[i, i]
        for m in range(i + 1, _TAPS):
            value -= (low[m, i] * weights[m]) >> _INNER
        weights[i] = min(max(value, -_LIMIT), _LIMIT)


@kernel(inline=True)
def _product(a, b, count):
    """Sum of products of two rows: taps have 10 bits and a sign, templates 528 samples."""
    total = _I32(0)
    for i in range(_U64(count)):
        total = _I32(total + _I32(a[i]) * _I32(b[i]))
    return np.int64(total)


@kernel(inline=True)
def _rows(n, mode):
    """(first row, end, columns of the rows above the block) of the template of a kind of CCCM."""
    columns = LINES + 2 * n
    return np.int64(LINES if mode == CCCM_LEFT else 0), np.int64(LINES) if mode == CCCM_ABOVE else columns, columns


@kernel
def _mean_of_template(first, end, columns, c):
    """c.middle and c.samples."""
    total, count = np.int64(0), np.int64(0)
    for row in range(first, end):
        for column in range(0, columns if row < LINES else LINES, 4):
            if is_usable(c, row, column):
                for k in range(column, column + 4):
                    total += c.luma[row * _SIDE + k]
                count += 4
    c.samples = count
    c.middle = total // count if count else np.int64(0)


@kernel
def prepare_model(log2_size, mode, bit_depth, c):
    """What a model needs that depends on luma alone, behind prepare_luma: the same for Cb and Cr."""
    if mode < CCCM:
        return
    template = mode if mode == CCCM_LEFT or mode == CCCM_ABOVE else np.int64(CCCM)
    if c.fitted == template:
        return
    c.fitted = template
    n = np.int64(1) << log2_size
    first, end, columns = _rows(n, mode)
    _mean_of_template(first, end, columns, c)
    if c.samples == 0:
        return
    middle, at = _I32(c.middle), np.int64(0)
    for row in range(first, end):
        for column in range(0, columns if row < LINES else LINES, 4):
            if is_usable(c, row, column):
                _taps_of_four(c, row, column, middle, bit_depth, c.template, at)
                at += 4
    for j in range(_TAPS):
        for i in range(j, _TAPS):
            c.matrix[i, j] = _product(c.template[i], c.template[j], at)
        c.first[j] = c.matrix[j, 0]
    for j in range(_TAPS):
        c.matrix[j, j] += at << (_RIDGE - 3 * log2_size + 2 * bit_depth)
    _factorise(c)
    for row in range(n):
        for column in range(0, n, 4):
            _taps_of_four(c, LINES + row, LINES + column, middle, bit_depth, c.taps, row * n + column)


@kernel
def _predict_taps(plane, x, y, n, mode, top, c, out):
    """CCCM of any kind."""
    if c.samples == 0:
        for i in range(_U64(n * n)):
            out[i] = np.int16((top + 1) >> 1)
        return
    first, end, columns = _rows(n, mode)
    total, at = np.int64(0), np.int64(0)
    for row in range(first, end):
        for column in range(0, columns if row < LINES else LINES, 4):
            if is_usable(c, row, column):
                for k in range(4):
                    sample = plane[y - LINES + row, x - LINES + column + k]
                    c.wanted[at + k] = sample
                    total += sample
                at += 4
    chroma = total // at
    c.chroma = chroma
    for i in range(_U64(at)):
        c.wanted[i] = np.int16(_I32(c.wanted[i]) - _I32(chroma))
    for j in range(_TAPS):
        c.right[j] = _product(c.template[j], c.wanted, at)
    # what the template does not tell is left to the straight line: the centre alone
    slope = (c.right[0] << _FRACTION) // max(c.first[0], 1)
    slope = min(max(slope, -_LIMIT), _LIMIT)
    for j in range(_TAPS):
        c.right[j] -= (c.first[j] * slope) >> _FRACTION
    _solve(c)
    c.weights[0] = min(max(c.weights[0] + slope, -_LIMIT), _LIMIT)
    _apply_taps(c, n * n, chroma, top, out)


@kernel
def _apply_taps(c, count, chroma, top, out):
    """out = chroma + the block's taps by their weights, which have 17 bits: 32 bits are enough."""
    t = c.taps
    w0, w1, w2, w3 = _I32(c.weights[0]), _I32(c.weights[1]), _I32(c.weights[2]), _I32(c.weights[3])
    w4, w5, w6 = _I32(c.weights[4]), _I32(c.weights[5]), _I32(c.weights[6])
    t0, t1, t2, t3, t4, t5, t6 = t[0], t[1], t[2], t[3], t[4], t[5], t[6]
    half, least, most = _I32(1 << (_FRACTION - 1)), _I32(0), _I32(top)
    for i in range(_U64(count)):
        total = _I32(half + w0 * _I32(t0[i]) + w1 * _I32(t1[i]) + w2 * _I32(t2[i]) + w3 * _I32(t3[i]))
        total = _I32(total + w4 * _I32(t4[i]) + w5 * _I32(t5[i]) + w6 * _I32(t6[i]))
        value = _I32(_I32(chroma) + (total >> _I32(_FRACTION)))
        out[i] = np.int16(min(max(value, least), most))


@kernel
def template_errors(n, errors, c):
    """What CCCM, of which predict_from_luma just made a block, misses in the template. -> (spread, missed)

    errors   int16 by row and column of the window of LINES + n places: chroma minus its prediction, unclipped
    spread   sum of sizes of differences from the mean of chroma, and of the errors, over the whole template
    """
    t, side = c.template, LINES + n
    w0, w1, w2, w3 = _I32(c.weights[0]), _I32(c.weights[1]), _I32(c.weights[2]), _I32(c.weights[3])
    w4, w5, w6 = _I32(c.weights[4]), _I32(c.weights[5]), _I32(c.weights[6])
    t0, t1, t2, t3, t4, t5, t6 = t[0], t[1], t[2], t[3], t[4], t[5], t[6]
    half = _I32(1 << (_FRACTION - 1))
    spread, missed, at = np.int64(0), np.int64(0), np.int64(0)
    for row in range(LINES + 2 * n):
        for column in range(0, LINES + 2 * n if row < LINES else LINES, 4):
            if not is_usable(c, row, column):
                continue
            for k in range(_U64(4)):
                i = _U64(at) + k
                total = _I32(half + w0 * _I32(t0[i]) + w1 * _I32(t1[i]) + w2 * _I32(t2[i]) + w3 * _I32(t3[i]))
                total = _I32(total + w4 * _I32(t4[i]) + w5 * _I32(t5[i]) + w6 * _I32(t6[i]))
                wanted = _I32(c.wanted[i])
                error = _I32(wanted - (total >> _I32(_FRACTION)))
                spread += np.int64(abs(wanted))
                missed += np.int64(abs(error))
                if row < side and column < side:
                    errors[_U64(row * side + column) + k] = np.int16(min(max(error, _I32(-1023)), _I32(1023)))
            at += 4
    return spread, missed


@kernel
def predict_from_luma(plane, x, y, log2_size, model, bit_depth, c, out):
    """Prediction of a chroma block by LM, MMLM or CCCM (of CCCM_PLANAR that part): out[0 : n*n] int16.

    prepare_luma and prepare_model come first.
    plane  Cb or Cr as reconstructed so far, whose block at (x, y) is predicted
    """
    n, top = np.int64(1) << log2_size, (np.int64(1) << bit_depth) - 1
    if model >= CCCM:
        _predict_taps(plane, x, y, n, model, top, c, out)
    else:
        _predict_lines(plane, x, y, n, top, model == MMLM, c, out)


@kernel
def mix_in(n, other, out):
    """out = mean of two predictions, rounded up."""
    for i in range(_U64(n * n)):
        out[i] = np.int16((_I32(out[i]) + _I32(other[i]) + _I32(1)) >> _I32(1))
