"""(8.7.3) Sample adaptive offset: read the deblocked picture, write the frame, coding tree block by coding tree block.

Which samples an edge offset may touch (picture borders, closed slice and tile borders, lossless units) is worked out
here for whole rows of a block, so that the inner loops carry no conditions; encoder/picture/sao_statistics.py walks the
same rows.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.structs import SAO_BAND, SAO_NOT_APPLIED

# (table 8-13) hPos[0], vPos[0] by SaoEoClass; the second neighbour lies opposite
EDGE_DX = np.array([-1, 0, -1, 1], np.int64)
EDGE_DY = np.array([0, -1, -1, -1], np.int64)


@kernel
def _samples_may_be_read(frame, here, there):
    """(8.7.3.2) False where a sample of block `here` gets edgeIdx 0 because its neighbour lies in block `there`."""
    current, other = frame.ctbs[here], frame.ctbs[there]
    if other.slice_addr < 0:
        return False
    if current.slice_addr != other.slice_addr:
        later = current if current.addr_ts > other.addr_ts else other
        if frame.slices[later.slice_idx].loop_filter_across_slices == 0:
            return False
    return current.tile_id == other.tile_id or frame.params[0].loop_filter_across_tiles != 0


@kernel
def neighbour_mask(frame, rx, ry):
    """(8.7.3.2) Bit 3 * (dy + 1) + dx + 1 is set when edge offsets of block (rx, ry) may read block (rx+dx, ry+dy)."""
    width, height = np.int64(frame.params[0].width_in_ctbs), np.int64(frame.params[0].height_in_ctbs)
    mask = 0
    for dy in range(-1, 2):
        for dx in range(-1, 2):
            x, y = rx + dx, ry + dy
            if 0 <= x < width and 0 <= y < height and _samples_may_be_read(frame, ry * width + rx, y * width + x):
                mask |= 1 << (3 * (dy + 1) + dx + 1)
    return mask


@kernel
def _both_neighbours(mask, eo_class, row_is_first, row_is_last, column_is_first, column_is_last):
    """True when both neighbours (8.7.3.2) of a sample at such a place in its block may be read."""
    dx, dy = EDGE_DX[eo_class], EDGE_DY[eo_class]
    for _ in range(2):
        block_y = 1
        if dy < 0 and row_is_first:
            block_y = 0
        elif dy > 0 and row_is_last:
            block_y = 2
        block_x = 1
        if dx < 0 and column_is_first:
            block_x = 0
        elif dx > 0 and column_is_last:
            block_x = 2
        if mask >> (3 * block_y + block_x) & 1 == 0:
            return False
        dx, dy = -dx, -dy
    return True


@kernel
def edge_row_spans(mask, eo_class, y, width, height):
    """(8.7.3.2) Samples of row y of a width x height block whose neighbours may all be read.

    Returns two spans (begin, end, begin, end). Nearly always the first is the row, with or without its ends, and the
    second is empty; where only blocks across a corner are open, the spans are the first and the last sample.
    """
    row_is_first, row_is_last = y == 0, y == height - 1
    first = 1 if _both_neighbours(mask, eo_class, row_is_first, row_is_last, True, False) else 0
    last = 1 if _both_neighbours(mask, eo_class, row_is_first, row_is_last, False, True) else 0
    if _both_neighbours(mask, eo_class, row_is_first, row_is_last, False, False):
        return 1 - first, width - 1 + last, width, width
    return 0, first, width - 1, width - 1 + last


@kernel
def keeps_lossless_samples(frame):
    """(8.7.3.2) True when some units of the picture may have to stay as they are."""
    params = frame.params[0]
    return params.transquant_bypass_enabled != 0 or params.pcm_loop_filter_disabled != 0


@kernel
def changeable_run(frame, keeps, y, begin, end, log2_unit):
    """(8.7.3.2) First run of samples in begin <= x < end of plane row y that are not lossless: (run begin, run end).

    keeps: `keeps_lossless_samples`; log2_unit: size of a 4x4 luma unit in this plane, 2 or 1 (chroma).
    """
    if not keeps:
        return begin, end
    pcm_is_kept = frame.params[0].pcm_loop_filter_disabled != 0
    run_begin, run_end, x = end, end, begin
    while x < end:
        unit = frame.units[y >> log2_unit, x >> log2_unit]
        is_kept = unit.bypass != 0 or (pcm_is_kept and unit.pcm_flag != 0)
        if is_kept and run_begin < end:
            run_end = x
            break
        if not is_kept and run_begin == end:
            run_begin = x
        x = ((x >> log2_unit) + 1) << log2_unit
    return run_begin, run_end


@kernel
def _edge_row(source, target, y, begin, end, dy, dx, offsets, max_value):
    """(8.7.3.2) Edge offset of samples begin <= x < end of row y; every neighbour lies inside the plane."""
    current = source[y, begin:end]
    before = source[y + dy, begin + dx : end + dx]
    after = source[y - dy, begin - dx : end - dx]
    out = target[y, begin:end]
    minimum, below = np.int32(offsets[0]), np.int32(offsets[1])
    above, maximum = np.int32(offsets[2]), np.int32(offsets[3])
    for x in range(end - begin):
        sample, a, b = np.int32(current[x]), np.int32(before[x]), np.int32(after[x])
        shape = np.int32(sample > a) - np.int32(sample < a) + np.int32(sample > b) - np.int32(sample < b)
        offset = minimum if shape == -2 else np.int32(0)
        offset = below if shape == -1 else offset
        offset = above if shape == 1 else offset
        offset = maximum if shape == 2 else offset
        out[x] = np.int16(min(max(sample + offset, 0), max_value))


@kernel
def _band_row(source, target, y, begin, end, shift, band_position, offsets, max_value):
    """(8.7.3.2) Band offset of samples begin <= x < end of row y."""
    current = source[y, begin:end]
    out = target[y, begin:end]
    offset_0, offset_1 = np.int32(offsets[0]), np.int32(offsets[1])
    offset_2, offset_3 = np.int32(offsets[2]), np.int32(offsets[3])
    for x in range(end - begin):
        sample = np.int32(current[x])
        band = ((sample >> shift) - band_position) & np.int32(31)
        offset = offset_0 if band == 0 else np.int32(0)
        offset = offset_1 if band == 1 else offset
        offset = offset_2 if band == 2 else offset
        offset = offset_3 if band == 3 else offset
        out[x] = np.int16(min(max(sample + offset, 0), max_value))


@kernel
def _sao_ctb(frame, source, target, rx, ry, c_idx):
    """(8.7.3.2) One component of one coding tree block."""
    params, ctb = frame.params[0], frame.ctbs[ry * np.int64(frame.params[0].width_in_ctbs) + rx]
    shift = 1 if c_idx > 0 else 0
    bit_depth = np.int64(params.bit_depth_c) if c_idx > 0 else np.int64(params.bit_depth_y)
    max_value = np.int32((1 << bit_depth) - 1)
    size = np.int64(1) << (np.int64(params.log2_ctb_size) - shift)
    x0, y0 = rx * size, ry * size
    width, height = min(size, source.shape[1] - x0), min(size, source.shape[0] - y0)
    offsets = ctb.sao_offset[c_idx]
    keeps = keeps_lossless_samples(frame)
    if ctb.sao_type[c_idx] == SAO_BAND:
        position, band_shift = np.int32(ctb.sao_band_position[c_idx]), np.int32(bit_depth - 5)
        for y in range(y0, y0 + height):
            begin, end = changeable_run(frame, keeps, y, x0, x0 + width, 2 - shift)
            while begin < end:
                _band_row(source, target, y, begin, end, band_shift, position, offsets, max_value)
                begin, end = changeable_run(frame, keeps, y, end, x0 + width, 2 - shift)
        return
    mask = neighbour_mask(frame, rx, ry)
    eo_class = np.int64(ctb.sao_eo_class[c_idx])
    dx, dy = EDGE_DX[eo_class], EDGE_DY[eo_class]
    for y in range(height):
        begin, span_end, next_begin, next_end = edge_row_spans(mask, eo_class, y, width, height)
        for _ in range(2):
            begin, end = changeable_run(frame, keeps, y0 + y, x0 + begin, x0 + span_end, 2 - shift)
            while begin < end:
                _edge_row(source, target, y0 + y, begin, end, dy, dx, offsets, max_value)
                begin, end = changeable_run(frame, keeps, y0 + y, end, x0 + span_end, 2 - shift)
            begin, span_end = next_begin, next_end


@kernel
def sao_rows(frame, luma, cb, cr, row_begin, row_end):
    """(8.7.3) Sample adaptive offset of the CTB rows row_begin <= row < row_end.

    luma, cb, cr: the deblocked picture, which nobody may change meanwhile. The frame's planes hold the same samples
    before; samples that SAO leaves alone are not written.
    """
    n_components = 1 if frame.params[0].chroma_format_idc == 0 else 3
    width = np.int64(frame.params[0].width_in_ctbs)
    for ry in range(np.int64(row_begin), np.int64(row_end)):
        for rx in range(width):
            ctb = frame.ctbs[ry * width + rx]
            if ctb.slice_addr < 0:
                continue
            here = frame.slices[ctb.slice_idx]
            for c_idx in range(n_components):
                is_on = here.slice_sao_luma if c_idx == 0 else here.slice_sao_chroma
                if is_on == 0 or ctb.sao_type[c_idx] == SAO_NOT_APPLIED:
                    continue
                if c_idx == 0:
                    _sao_ctb(frame, luma, frame.luma, rx, ry, 0)
                elif c_idx == 1:
                    _sao_ctb(frame, cb, frame.cb, rx, ry, 1)
                else:
                    _sao_ctb(frame, cr, frame.cr, rx, ry, 2)
