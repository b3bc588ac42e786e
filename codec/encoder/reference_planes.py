"""(8.5.3.3) The motion search's view of reference pictures: luma at all quarter-sample positions, with borders.

A slot holds 16 planes, one for each fractional position (4 * y_fraction + x_fraction), of samples as default
uni-prediction makes them. BORDER samples on each side lie outside the picture. Blocks farther out are read at the
border: there all samples of a row or column are the same.
"""

import numpy as np

from codec.kernels.jit import kernel
from codec.recon.interpolation import LUMA_FILTER, LUMA_TAPS
from codec.recon.lanes import I32, U1, U64, load8, put8, weighted_rows8

BORDER = 80
"""At least a block, what the filter reaches, and eight samples that vectors may go farther."""

LINES_BELOW = 4
"""How many lines of samples below its own a line of the planes is made from."""

POSITIONS = 16
_FRACTIONS = 4
# samples that a filter, or a group of eight columns, reads left and right of a row
_MARGIN = 8

# the ring of filtered rows begins anywhere: from its first row on, the filter repeats
_RING_FILTER = np.tile(LUMA_FILTER.reshape(_FRACTIONS, LUMA_TAPS), 2).ravel()
_RING_TAPS = 2 * LUMA_TAPS


def new_planes(params, slots):
    """(slots, 16, h + 2 * BORDER, w + 2 * BORDER) int16 planes for pictures of one PARAMS record."""
    height, width = int(params["pic_height"]) + 2 * BORDER, int(params["pic_width"]) + 2 * BORDER
    return np.zeros((slots, POSITIONS, height, width), np.int16)


def new_plane_memory(planes):
    """Working memory of fill_planes for planes of this size; one per thread."""
    width = planes.shape[-1]
    return np.zeros(width + 2 * _MARGIN + _FRACTIONS * LUMA_TAPS * width, np.int16)


@kernel(inline=True)
def plane_offset(shape, slot, x, y, mv_x, mv_y, width, height):
    """(8-225 ff.) Where the prediction of a block begins in planes.reshape(planes.size), whose rows are shape[3] apart.

    shape       shape of the planes
    x, y        the block, in luma samples of the picture
    mv_x, mv_y  vector in quarter samples, of any size
    """
    column = min(max(x + (mv_x >> 2) + BORDER, 0), shape[3] - width)
    row = min(max(y + (mv_y >> 2) + BORDER, 0), shape[2] - height)
    position = 4 * (mv_y & 3) + (mv_x & 3)
    return ((slot * POSITIONS + position) * shape[2] + row) * shape[3] + column


@kernel
def _pad_row(luma, y, line):
    """line[0 : w + 2 * (BORDER + _MARGIN)] = row y of the picture with both borders, y clamped."""
    row = luma[min(max(y, 0), np.int64(luma.shape[0] - 1))]
    width, before = np.int64(luma.shape[1]), np.int64(BORDER + _MARGIN)
    first, last = row[0], row[width - 1]
    for i in range(before):
        line[i] = first
        line[before + width + i] = last
    inside = line[before : before + width]
    for i in range(width):
        inside[i] = row[i]


@kernel(inline=True)
def _rounded8(a, rounding, shift, top):
    """Lane-wise Clip3(0, top, (a + rounding) >> shift)."""
    z = I32(0)
    return (
        min(max(I32(I32(a[0] + rounding) >> shift), z), top), min(max(I32(I32(a[1] + rounding) >> shift), z), top),
        min(max(I32(I32(a[2] + rounding) >> shift), z), top), min(max(I32(I32(a[3] + rounding) >> shift), z), top),
        min(max(I32(I32(a[4] + rounding) >> shift), z), top), min(max(I32(I32(a[5] + rounding) >> shift), z), top),
        min(max(I32(I32(a[6] + rounding) >> shift), z), top), min(max(I32(I32(a[7] + rounding) >> shift), z), top),
    )  # fmt: skip


@kernel(inline=True)
def _shifted8(a, shift):
    """Lane-wise a >> shift."""
    return (
        I32(a[0] >> shift), I32(a[1] >> shift), I32(a[2] >> shift), I32(a[3] >> shift),
        I32(a[4] >> shift), I32(a[5] >> shift), I32(a[6] >> shift), I32(a[7] >> shift),
    )  # fmt: skip


@kernel
def _filter_row(line, fraction, width, shift, ring, target):
    """(8-225 ff.) Row of the ring: `line` filtered horizontally, 14 bit; at full positions the samples themselves."""
    first, o = U64(_MARGIN - 3), U64(target)
    if fraction == 0:
        for c in range(U64(0), U64(width), U64(8)):
            put8(ring, o + c, load8(line, c + U64(_MARGIN)))
    else:
        w = U64(LUMA_TAPS * fraction)
        for c in range(U64(0), U64(width), U64(8)):
            total = weighted_rows8(LUMA_FILTER, w, U1, line, first + c, U1, LUMA_TAPS)
            put8(ring, o + c, _shifted8(total, shift))


@kernel
def _round_row(ring, source, width, rounding, shift, top, out):
    """(8.5.3.3.4.2) Samples at a full vertical position, from the row of the ring at `source`."""
    for c in range(U64(0), U64(width), U64(8)):
        put8(out, c, _rounded8(load8(ring, U64(source) + c), rounding, shift, top))


@kernel
def _filter_ring(ring, source, weight, width, rounding, shift, top, out):
    """(8-228 ff., 8.5.3.3.4.2) Samples at a fractional vertical position, from the eight rows of the ring."""
    for c in range(U64(0), U64(width), U64(8)):
        total = weighted_rows8(_RING_FILTER, U64(weight), U1, ring, U64(source) + c, U64(width), LUMA_TAPS)
        put8(out, c, _rounded8(total, rounding, shift, top))


@kernel
def _copy_row(source, width, out):
    """out[0 : width] = source."""
    for c in range(U64(width)):
        out[c] = source[c]


@kernel
def _make_row(planes_of_slot, row, entry, ring, width, bit_depth):
    """One row of all 16 planes from the ring, whose newest row is at place `entry`."""
    top, to_samples = I32((1 << bit_depth) - 1), np.int64(14 - bit_depth)
    for x_fraction in range(_FRACTIONS):
        first = x_fraction * LUMA_TAPS * width
        # the sample itself is four rows above the newest; the newest is the last that the filter weighs
        middle, turn = first + ((entry + 4) & 7) * width, (7 - entry) & 7
        shift = to_samples if x_fraction else np.int64(0)
        _round_row(ring, middle, width, I32((1 << shift) >> 1), I32(shift), top, planes_of_slot[x_fraction, row])
        # without a first pass, its shift and the one to samples are 6 together
        shift += 6
        for y_fraction in range(1, _FRACTIONS):
            out, weight = planes_of_slot[4 * y_fraction + x_fraction, row], _RING_TAPS * y_fraction + turn
            _filter_ring(ring, first, weight, width, I32((1 << shift) >> 1), I32(shift), top, out)


@kernel
def fill_planes(luma, planes_of_slot, bit_depth, row_begin, row_end, memory):
    """(8.5.3.3.3.1, 8.5.3.3.4.2) Rows row_begin <= row < row_end of all 16 planes of a slot.

    luma            (h, w) int16 decoded samples, w a multiple of 8
    planes_of_slot  (16, h + 2 * BORDER, w + 2 * BORDER) int16
    row_begin, row_end   rows of the planes; bands of rows may be made at the same time, each with its memory
    memory          from new_plane_memory
    """
    width, last = np.int64(planes_of_slot.shape[2]), np.int64(luma.shape[0] - 1)
    line, ring = memory[: width + 2 * _MARGIN], memory[width + 2 * _MARGIN :]
    shift1 = I32(bit_depth - 8)
    for row in range(row_begin - 7, row_end):
        # the lowest row of the picture that the filter of `row` reaches enters the ring
        y = row - BORDER + LINES_BELOW
        if row > row_begin and (y <= 0 or y - LUMA_TAPS >= last):
            # beyond the picture: all rows that the filters reach are those of the row above
            for position in range(POSITIONS):
                _copy_row(planes_of_slot[position, row - 1], width, planes_of_slot[position, row])
            continue
        entry = (row + 7) & 7
        _pad_row(luma, y, line)
        for x_fraction in range(_FRACTIONS):
            _filter_row(line, x_fraction, width, shift1, ring, (x_fraction * LUMA_TAPS + entry) * width)
        if row >= row_begin:
            _make_row(planes_of_slot, row, entry, ring, width, bit_depth)
