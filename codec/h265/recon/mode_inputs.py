"""(docs/BITSTREAM.md) What the net of CnnMpm takes of an intra prediction block: integers about what lies around it.

A histogram of the directions of gradients in three lines of samples above and left of the block, by four areas; the
modes of seven neighbours; size, place, QP, and how rough the lines are.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.base.records import record
from codec.h265.intra_modes import FIRST_ANGULAR, FIRST_VERTICAL, INTRA_PRED_ANGLE, MODES, TRANSPOSED
from codec.h265.recon.intra_reference import constrained_unit, neighbour_flags
from codec.h265.structs import MAX_CTB_SIZE, MODE_INTRA

LINES = 3
# areas of the template: above, above right, left, below left
AREAS, NEIGHBOURS, SIZES = 4, 7, 5
BINS = MODES - FIRST_ANGULAR
# a neighbour's mode, or that there is none
MODE_INPUTS = MODES + 1
# where each kind of input begins
HISTOGRAM = 0
MODES_AROUND = HISTOGRAM + AREAS * BINS
SIZE = MODES_AROUND + NEIGHBOURS * MODE_INPUTS
PLACE = SIZE + SIZES
GRADIENT = PLACE + 4
ROUGHNESS = GRADIENT + AREAS
PRESENT = ROUGHNESS + AREAS
ENDS = PRESENT + AREAS
QP = ENDS + 2
INPUTS = QP + 2
# inputs are 0 to this; it is what stands for "yes"
INPUT_MAX = 511
_YES = 64
# what each position of the template is said to have in gradients of no direction, in steps of 8-bit samples times 8
_NOISE = 8
_STRIP = 4 + 2 * MAX_CTB_SIZE + 4

_I32, _I64, _U64 = np.int32, np.int64, np.uint64

MODE_INPUT_SCRATCH = record(
    [
        ("values", np.int16, (INPUTS + 1,)),  # the last one is 0
        ("active", np.int32, (INPUTS + 3,)),  # indices of values that are not 0, then some of a 0
        ("strip", np.int16, (LINES, _STRIP)),  # the template above the block, or left of it, nearest line last
        ("usable", np.int8, (_STRIP // 4 + 1,)),  # of its groups of four
        ("counts", np.int32, (AREAS * BINS,)),
        ("totals", np.int32, (AREAS,)),  # gradients of an area
        ("rough", np.int32, (AREAS,)),
        ("positions", np.int32, (AREAS,)),
    ]
)


def _bin_of(ratio):
    """Place among the horizontal modes, 0 for mode 2, in sixteenths, of an angle that is 256 for mode 2."""
    angles = 8 * INTRA_PRED_ANGLE[FIRST_ANGULAR : FIRST_VERTICAL + 1]
    for k in range(len(angles) - 1):
        high, low = int(angles[k]), int(angles[k + 1])
        if low <= ratio <= high:
            return 16 * k + (16 * (high - ratio) + (high - low) // 2) // (high - low)
    raise ValueError(f"{ratio} is no angle")


_HORIZONTAL = np.array([_bin_of(ratio) for ratio in range(-256, 257)], np.int32)
_LAST_BIN = 16 * (TRANSPOSED - 2 * FIRST_ANGULAR)


@kernel(inline=True)
def _log2(value):
    """16 * log2(value + 1), roughly: linear between powers of two."""
    v, power = _I32(value + 1), _I32(0)
    rest = v
    for bits in (16, 8, 4, 2, 1):
        step = _I32(bits) if rest >= (1 << bits) else _I32(0)
        rest, power = _I32(rest >> step), _I32(power + step)
    return _I32(_I32(power << _I32(4)) + _I32(_I32(_I32(v << _I32(4)) >> power) - _I32(16)))


@kernel(inline=True)
def _put(m, count, index, value):
    """Set an input. -> how many are not 0"""
    m.values[index] = np.int16(min(_I32(value), _I32(INPUT_MAX)))
    if value > 0:
        m.active[count] = _I32(index)
        return count + 1
    return count


@kernel
def _fetch_strip(f, x, y, n, flags, upright, m):
    """m.strip, m.usable: the corner and the 2n samples above the block, or, upright, left of it, in three lines."""
    p = f.params[0]
    constrained = p.constrained_intra_pred != 0
    for group in range(-1, n >> 1):
        at = 4 * group
        flag = 16 if group < 0 else (1 if upright else 4) if at < n else (2 if upright else 8)
        usable = (flags & flag) != 0
        u, v = (x - 1, y + at) if upright else (x + at, y - 1)
        if usable:
            usable = (v < p.pic_height) if upright else (u < p.pic_width)
        if usable and constrained:
            usable = constrained_unit(f, u, v, 0)
        m.usable[group + 1] = np.int8(usable)
        if usable:
            for line in range(LINES):
                for k in range(4):
                    if upright:
                        m.strip[line, at + 4 + k] = f.luma[v + k, x - LINES + line]
                    else:
                        m.strip[line, at + 4 + k] = f.luma[y - LINES + line, u + k]
    m.usable[(n >> 1) + 1] = np.int8(0)


@kernel
def _count_strip(n, upright, up, m):
    """The gradients of a strip into m.counts, m.totals, m.rough and m.positions; where it begins and ends. -> its rise

    up   of samples to 10 bits
    """
    step = _I64(max(n >> 3, 1))
    area, stop = _I64(2 if upright else 0), 2 * n + 4
    a, b, c = m.strip[0], m.strip[1], m.strip[2]
    first, last = _I64(-1), _I64(-1)
    s = _I64(3)
    while s + 1 < stop:
        if m.usable[(s - 1) >> 2] and m.usable[s >> 2] and m.usable[(s + 1) >> 2]:
            before = _I32(a[s - 1]) + _I32(2) * _I32(b[s - 1]) + _I32(c[s - 1])
            behind = _I32(a[s + 1]) + _I32(2) * _I32(b[s + 1]) + _I32(c[s + 1])
            far = _I32(a[s - 1]) + _I32(2) * _I32(a[s]) + _I32(a[s + 1])
            near = _I32(c[s - 1]) + _I32(2) * _I32(c[s]) + _I32(c[s + 1])
            along, across = _I32(behind - before), _I32(near - far)
            gx, gy = (across, along) if upright else (along, across)
            here = area + _I64(s >= n + 4)
            wide, high = _I32(abs(gx)), _I32(abs(gy))
            size = _I32(_I32(_I32(wide + high) << up) >> _I32(2))
            if size > 0:
                large = max(wide, high)
                ratio = _I32((_I32(256) * min(wide, high) + (large >> _I32(1))) // large)
                if (gx < 0) != (gy < 0):
                    ratio = _I32(-ratio)
                place = _I32(_HORIZONTAL[_U64(ratio + _I32(256))])
                if wide > high:
                    place = _I32(_I32(_LAST_BIN) - place)
                at = here * BINS + _I64(place >> _I32(4))
                part = _I32(place & _I32(15))
                m.counts[at] += _I32(size * _I32(_I32(16) - part))
                if part > 0:
                    m.counts[at + 1] += _I32(size * part)
                m.totals[here] += size
            bent = _I32(abs(_I32(_I32(c[s - 1]) - _I32(2) * _I32(c[s]) + _I32(c[s + 1]))))
            m.rough[here] += _I32(bent << up)
            m.positions[here] += _I32(1)
            if first < 0:
                first = s
            last = s
        s += step
    if first < 0:
        return _I32(0)
    return _I32(_I32(abs(_I32(c[last]) - _I32(c[first]))) << up)


@kernel(inline=True)
def _mode_at(f, present, x, y):
    """The intra mode of the block that covers (x, y); MODES where there is none."""
    if not present:
        return _I64(MODES)
    unit = f.units[y >> 2, x >> 2]
    return _I64(unit.intra_luma_mode) if unit.pred_mode == MODE_INTRA else _I64(MODES)


@kernel
def gather_inputs(f, x, y, log2_size, m):
    """What the net takes of the luma prediction block at (x, y), into m.values. -> how many are not 0: m.active

    f   reconstructed up to the block, before the in-loop filters;  m: MODE_INPUT_SCRATCH
    """
    p = f.params[0]
    n = _I64(1) << log2_size
    up = _I32(10 - p.bit_depth_y)
    flags = neighbour_flags(f, x, y, n)
    for i in range(_U64(INPUTS + 1)):
        m.values[i] = 0
    for i in range(_U64(AREAS * BINS)):
        m.counts[i] = 0
    for i in range(AREAS):
        m.totals[i] = m.rough[i] = m.positions[i] = 0
    _fetch_strip(f, x, y, n, flags, False, m)
    rise_above = _count_strip(n, False, up, m)
    _fetch_strip(f, x, y, n, flags, True, m)
    rise_left = _count_strip(n, True, up, m)

    count = _I64(0)
    total, positions = _I64(0), _I64(0)
    for i in range(AREAS):
        total += _I64(m.totals[i])
        positions += _I64(m.positions[i])
    if total > 0:
        factor = (_I64(1) << 40) // (16 * (total + _NOISE * positions))
        for area in range(AREAS):
            if m.totals[area] > 0:
                for i in range(area * BINS, (area + 1) * BINS):
                    if m.counts[i] != 0:
                        count = _put(m, count, _I64(HISTOGRAM) + i, (_I64(m.counts[i]) * factor) >> 31)
    right, below = x + n < p.pic_width, y + n < p.pic_height
    for k in range(NEIGHBOURS):
        if k == 0:
            mode = _mode_at(f, (flags & 1) != 0, x - 1, y)
        elif k == 1:
            mode = _mode_at(f, (flags & 1) != 0, x - 1, y + n - 1)
        elif k == 2:
            mode = _mode_at(f, (flags & 4) != 0, x, y - 1)
        elif k == 3:
            mode = _mode_at(f, (flags & 4) != 0, x + n - 1, y - 1)
        elif k == 4:
            mode = _mode_at(f, (flags & 16) != 0, x - 1, y - 1)
        elif k == 5:
            mode = _mode_at(f, (flags & 8) != 0 and right, x + n, y - 1)
        else:
            mode = _mode_at(f, (flags & 2) != 0 and below, x - 1, y + n)
        count = _put(m, count, _I64(MODES_AROUND + k * MODE_INPUTS) + mode, _YES)
    count = _put(m, count, SIZE + log2_size - 2, _YES)
    count = _put(m, count, PLACE + ((x >> log2_size) & 1) + 2 * ((y >> log2_size) & 1), _YES)
    for i in range(AREAS):
        if m.positions[i] > 0:
            count = _put(m, count, _I64(GRADIENT) + i, _log2(m.totals[i] // m.positions[i]))
            count = _put(m, count, _I64(ROUGHNESS) + i, _log2((_I32(4) * m.rough[i]) // m.positions[i]))
            count = _put(m, count, _I64(PRESENT) + i, _YES)
    count = _put(m, count, _I64(ENDS), _log2(_I32(4) * rise_above))
    count = _put(m, count, _I64(ENDS) + 1, _log2(_I32(4) * rise_left))
    ctb = (y >> p.log2_ctb_size) * p.width_in_ctbs + (x >> p.log2_ctb_size)
    qp = _I64(f.slices[f.ctbs[ctb].slice_idx].slice_qp_y)
    count = _put(m, count, _I64(QP), max(8 * qp, 0))
    count = _put(m, count, _I64(QP) + 1, max(8 * (51 - qp), 0))
    for k in range(3):
        m.active[count + k] = _I32(INPUTS)
    return count
