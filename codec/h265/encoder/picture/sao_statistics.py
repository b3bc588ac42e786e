"""Counts and sums of (original - deblocked) by SAO category: all that the SAO decision needs to know of the samples.

``statistics[ctb, c_idx, row]`` is (count, sum), int64. Rows 4 * SaoEoClass + k hold the samples that edge offset
SaoOffsetVal[k + 1] of that class changes, rows 16 + band those of a band. Samples that SAO may not touch (closed
borders, lossless units; rules of (8.7.3.2)) are in no row, so that an offset h changes the squared error of its row by
count * h * h - 2 * h * sum, exactly as long as nothing is clipped at the bit depth (clipping only helps).
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.filters.sao import (
    EDGE_DX,
    EDGE_DY,
    changeable_run,
    edge_row_spans,
    keeps_lossless_samples,
    neighbour_mask,
)

N_EDGE_CLASSES, N_OFFSETS, N_BANDS = 4, 4, 32
FIRST_BAND_ROW = N_EDGE_CLASSES * N_OFFSETS
N_ROWS = FIRST_BAND_ROW + N_BANDS


def make_statistics(params):
    """Room for the statistics of one picture: (n ctbs, 3, N_ROWS, 2) int64."""
    n_ctbs = int(params["width_in_ctbs"]) * int(params["height_in_ctbs"])
    return np.zeros((n_ctbs, 3, N_ROWS, 2), np.int64)


@kernel
def _count_edge_row(original, deblocked, y, begin, end, dy, dx, rows):
    """Add samples begin <= x < end of plane row y to the four `rows` of one edge class."""
    wanted = original[y, begin:end]
    current = deblocked[y, begin:end]
    before = deblocked[y + dy, begin + dx : end + dx]
    after = deblocked[y - dy, begin - dx : end - dx]
    n_0, n_1, n_2, n_3 = np.int32(0), np.int32(0), np.int32(0), np.int32(0)
    sum_0, sum_1, sum_2, sum_3 = np.int32(0), np.int32(0), np.int32(0), np.int32(0)
    zero = np.int32(0)
    for x in range(end - begin):
        sample, a, b = np.int32(current[x]), np.int32(before[x]), np.int32(after[x])
        error = np.int32(np.int32(wanted[x]) - sample)
        shape = np.int32(sample > a) - np.int32(sample < a) + np.int32(sample > b) - np.int32(sample < b)
        n_0 = np.int32(n_0 + np.int32(shape == -2))
        n_1 = np.int32(n_1 + np.int32(shape == -1))
        n_2 = np.int32(n_2 + np.int32(shape == 1))
        n_3 = np.int32(n_3 + np.int32(shape == 2))
        sum_0 = np.int32(sum_0 + (error if shape == -2 else zero))
        sum_1 = np.int32(sum_1 + (error if shape == -1 else zero))
        sum_2 = np.int32(sum_2 + (error if shape == 1 else zero))
        sum_3 = np.int32(sum_3 + (error if shape == 2 else zero))
    rows[0, 0] += n_0
    rows[1, 0] += n_1
    rows[2, 0] += n_2
    rows[3, 0] += n_3
    rows[0, 1] += sum_0
    rows[1, 1] += sum_1
    rows[2, 1] += sum_2
    rows[3, 1] += sum_3


@kernel
def _count_band_row(original, deblocked, y, begin, end, shift, rows):
    """Add samples begin <= x < end of plane row y to the 32 `rows` of the bands."""
    wanted, current = original[y, begin:end], deblocked[y, begin:end]
    for x in range(end - begin):
        sample = np.int64(current[x])
        band = (sample >> shift) & 31
        rows[band, 0] += 1
        rows[band, 1] += np.int64(wanted[x]) - sample


@kernel
def _count_ctb(frame, original, deblocked, rx, ry, c_idx, mask, statistics):
    """One component of one coding tree block; statistics: its (N_ROWS, 2) rows."""
    params, shift = frame.params[0], 1 if c_idx > 0 else 0
    bit_depth = np.int64(params.bit_depth_c) if c_idx > 0 else np.int64(params.bit_depth_y)
    size = np.int64(1) << (np.int64(params.log2_ctb_size) - shift)
    x0, y0 = rx * size, ry * size
    width, height = min(size, deblocked.shape[1] - x0), min(size, deblocked.shape[0] - y0)
    keeps = keeps_lossless_samples(frame)
    statistics[:] = 0
    for y in range(height):
        begin, end = changeable_run(frame, keeps, y0 + y, x0, x0 + width, 2 - shift)
        while begin < end:
            _count_band_row(original, deblocked, y0 + y, begin, end, bit_depth - 5, statistics[FIRST_BAND_ROW:])
            begin, end = changeable_run(frame, keeps, y0 + y, end, x0 + width, 2 - shift)
        for eo_class in range(N_EDGE_CLASSES):
            rows = statistics[N_OFFSETS * eo_class : N_OFFSETS * (eo_class + 1)]
            dx, dy = EDGE_DX[eo_class], EDGE_DY[eo_class]
            begin, span_end, next_begin, next_end = edge_row_spans(mask, eo_class, y, width, height)
            for _ in range(2):
                begin, end = changeable_run(frame, keeps, y0 + y, x0 + begin, x0 + span_end, 2 - shift)
                while begin < end:
                    _count_edge_row(original, deblocked, y0 + y, begin, end, dy, dx, rows)
                    begin, end = changeable_run(frame, keeps, y0 + y, end, x0 + span_end, 2 - shift)
                begin, span_end = next_begin, next_end


@kernel
def gather_statistics(frame, luma, cb, cr, statistics, row_begin, row_end):
    """Statistics of the CTB rows row_begin <= row < row_end.

    luma, cb, cr: the original picture; the frame's planes hold the deblocked one. statistics: `make_statistics`.
    """
    width = np.int64(frame.params[0].width_in_ctbs)
    for ry in range(np.int64(row_begin), np.int64(row_end)):
        for rx in range(width):
            mask, rows = neighbour_mask(frame, rx, ry), statistics[ry * width + rx]
            _count_ctb(frame, luma, frame.luma, rx, ry, 0, mask, rows[0])
            if frame.params[0].chroma_format_idc != 0:
                _count_ctb(frame, cb, frame.cb, rx, ry, 1, mask, rows[1])
                _count_ctb(frame, cr, frame.cr, rx, ry, 2, mask, rows[2])
