"""(8.5.3.3) The motion search's view of reference pictures: luma at all quarter-sample positions, with borders.

A slot holds 16 planes, one for each fractional position (4 * y_fraction + x_fraction), of samples as default
uni-prediction makes them. BORDER samples on each side lie outside the picture. Blocks farther out are read at the
border: there all samples of a row or column are the same.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.block_rows import narrow_filter8, round_one, wide_filter8
from codec.common.blocks.lanes import I32, MAX16, MIN16, U64
from codec.h265.recon.interpolation import LUMA_FILTER, LUMA_TAPS

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


@kernel
def _filter_row(line, fraction, width, shift, ring, target):
    """(8-225 ff.) Row of the ring: `line` filtered horizontally, 14 bit; at full positions the samples themselves."""
    first, out, w = _MARGIN - 3, ring[target : target + width], LUMA_TAPS * fraction
    if fraction == 0:
        _copy_row(line[_MARGIN : _MARGIN + width], width, out)
    elif shift == 0:
        narrow_filter8(LUMA_FILTER, w, line, first, 1, 0, out, 0, width, 1, I32(0))
    else:
        wide_filter8(LUMA_FILTER, w, line, first, 1, 0, out, 0, width, 1, I32(0), shift, MIN16, MAX16)


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
        half, out = I32((1 << shift) >> 1), planes_of_slot[x_fraction, row]
        round_one(ring[middle : middle + width], 0, out, 0, 0, width, 1, half, I32(shift), I32(0), top)
        # without a first pass, its shift and the one to samples are 6 together
        shift += 6
        half = I32((1 << shift) >> 1)
        for y_fraction in range(1, _FRACTIONS):
            out, weight = planes_of_slot[4 * y_fraction + x_fraction, row], _RING_TAPS * y_fraction + turn
            wide_filter8(_RING_FILTER, weight, ring, first, width, 0, out, 0, width, 1, half, I32(shift), I32(0), top)


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
