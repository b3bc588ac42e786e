"""(docs/BITSTREAM.md, 9.2) CTUs of two sizes: block data and samples of the picture, and of the picture at half size.

A CTU is coded in one of two Frames. `half` has the same CTBs, each half as wide and as high, with a quarter of the
samples and of the units. What is coded in one of them is told to the other, so that later CTUs of either size find
neighbours of their own size.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.resample import double, halve
from codec.h265.structs import MODE_INTRA, PART_2Nx2N

MAX_QP = 51


@kernel(inline=True)
def shifted_qp(qp, offset, bit_depth):
    """QpY + offset in its range (7.4.9.14)."""
    return min(max(np.int64(qp) + np.int64(offset), -6 * (np.int64(bit_depth) - 8)), np.int64(MAX_QP))


@kernel(inline=True)
def _copy_fields(source, target, grown, qp_offset, bit_depth):
    """What a neighbour, deblocking and statistics look at; a unit of the other size has no residual of its own."""
    target.log2_cb_size = np.int8(source.log2_cb_size + grown)
    target.log2_tb_size = np.int8(source.log2_tb_size + grown)
    # in slices with CTUs of two sizes all are; of other slices only deblocking at half size wants to know
    target.pred_mode = np.int8(MODE_INTRA)
    target.part_mode = np.int8(source.part_mode)
    target.cbf = target.transform_skip = target.bypass = target.pcm_flag = target.cu_skip_flag = np.int8(0)
    target.qp_y = np.int8(shifted_qp(source.qp_y, qp_offset, bit_depth))
    target.intra_luma_mode = np.int8(source.intra_luma_mode)
    target.intra_chroma_mode = np.int8(source.intra_chroma_mode)
    target.chroma_pred_idc = np.int8(source.chroma_pred_idc)
    target.mode_rank = np.int8(source.mode_rank)
    target.merge_flag = target.filter_set = np.int8(0)


@kernel(inline=True)
def _units_of(f, ctb_addr):
    """(first column, first row, columns, rows) of a CTB in f.units."""
    p = f.params[0]
    log2_size = np.int64(p.log2_ctb_size) - 2
    x4 = (np.int64(ctb_addr) % p.width_in_ctbs) << log2_size
    y4 = (np.int64(ctb_addr) // p.width_in_ctbs) << log2_size
    side = np.int64(1) << log2_size
    return x4, y4, min(side, p.width_in_units - x4), min(side, p.height_in_units - y4)


@kernel
def grow_units(half, f, ctb_addr, qp_offset):
    """CTB `ctb_addr` was coded at half size: its units in `f`, twice as large. Their QpY is without `qp_offset`.

    Of one that is not whole inside the picture there are as many smaller ones as are needed to fill it.
    """
    p = f.params[0]
    x4, y4, columns, rows = _units_of(f, ctb_addr)
    bit_depth = np.int64(p.bit_depth_y)
    for y in range(y4, y4 + rows):
        for x in range(x4, x4 + columns):
            unit = f.units[y, x]
            _copy_fields(half.units[y >> 1, x >> 1], unit, 1, -qp_offset, bit_depth)
            log2_size = np.int64(unit.log2_cb_size) - 2
            while ((x >> log2_size) + 1) << log2_size > p.width_in_units:
                log2_size -= 1
            while ((y >> log2_size) + 1) << log2_size > p.height_in_units:
                log2_size -= 1
            if log2_size < unit.log2_cb_size - 2:
                unit.log2_cb_size = np.int8(log2_size + 2)
                unit.log2_tb_size = np.int8(min(np.int64(unit.log2_tb_size), log2_size + 2))
                unit.part_mode = np.int8(PART_2Nx2N)


@kernel
def shrink_units(f, half, ctb_addr, qp_offset):
    """CTB `ctb_addr` was coded at full size: its units in `half`. Of four units the last one is taken."""
    x4, y4, columns, rows = _units_of(half, ctb_addr)
    bit_depth = np.int64(f.params[0].bit_depth_y)
    last_x, last_y = np.int64(f.params[0].width_in_units) - 1, np.int64(f.params[0].height_in_units) - 1
    for y in range(y4, y4 + rows):
        for x in range(x4, x4 + columns):
            source = f.units[min(2 * y + 1, last_y), min(2 * x + 1, last_x)]
            _copy_fields(source, half.units[y, x], -1, qp_offset, bit_depth)


@kernel
def pass_modes_on(source, target, ctb_addr, grows):
    """Intra modes of a CTB for the other size, where they are found with its samples (recon/mode_ranking.py)."""
    x4, y4, columns, rows = _units_of(target, ctb_addr)
    last_x, last_y = np.int64(source.params[0].width_in_units) - 1, np.int64(source.params[0].height_in_units) - 1
    for y in range(y4, y4 + rows):
        for x in range(x4, x4 + columns):
            u, v = (x >> 1, y >> 1) if grows else (min(2 * x + 1, last_x), min(2 * y + 1, last_y))
            unit, other = target.units[y, x], source.units[v, u]
            unit.intra_luma_mode, unit.intra_chroma_mode = other.intra_luma_mode, other.intra_chroma_mode


@kernel(inline=True)
def _same_part(f, here, other):
    return f.ctbs[other].slice_addr == f.ctbs[here].slice_addr and f.ctbs[other].tile_id == f.ctbs[here].tile_id


@kernel(inline=True)
def _extend(plane, x, y, width, height, whole_width, whole_height):
    """The last samples of a block go on to the right and below, up to a larger one."""
    for v in range(height):
        for u in range(width, whole_width):
            plane[y + v, x + u] = plane[y + v, x + width - 1]
    for v in range(height, whole_height):
        for u in range(whole_width):
            plane[y + v, x + u] = plane[y + height - 1, x + u]


@kernel
def shrink_samples(f, half, ctb_addr, is_whole, lines):
    """Samples of a CTB of `f` into `half`, which may be a little larger than half of it: there they go on.

    is_whole  whether all samples around it are there; else none of them are used
    """
    p = f.params[0]
    x4, y4, columns, rows = _units_of(f, ctb_addr)
    _, _, half_columns, half_rows = _units_of(half, ctb_addr)
    for c_idx in range(3 if p.chroma_format_idc else 1):
        source, target = (f.luma, half.luma) if c_idx == 0 else (f.cb, half.cb) if c_idx == 1 else (f.cr, half.cr)
        unit = 2 if c_idx == 0 else 1  # samples of half a unit
        bit_depth = np.int64(p.bit_depth_y if c_idx == 0 else p.bit_depth_c)
        x, y, width, height = unit * x4, unit * y4, unit * columns, unit * rows
        left, top, right, bottom = 2 * x, 2 * y, 2 * (x + width), 2 * (y + height)
        if is_whole:
            left, top, right, bottom = np.int64(0), np.int64(0), np.int64(source.shape[1]), np.int64(source.shape[0])
        halve(source, target, x, y, width, height, left, top, right, bottom, bit_depth, lines)
        _extend(target, x, y, width, height, 2 * unit * half_columns, 2 * unit * half_rows)


@kernel
def grow_samples(half, f, ctb_addr, is_whole, lines):
    """Samples of a CTB of `half` into `f`.

    is_whole  whether all samples around it are there; else those to the left and above are used, where their CTBs are
              in the same slice and tile, and that to the left above too
    """
    p = f.params[0]
    width = np.int64(p.width_in_ctbs)
    x4, y4, columns, rows = _units_of(f, ctb_addr)
    left = up = np.int64(0)
    if x4 > 0:
        left = np.int64(_same_part(f, ctb_addr, ctb_addr - 1))
    if y4 > 0:
        up = np.int64(_same_part(f, ctb_addr, ctb_addr - width))
    if left and up and not _same_part(f, ctb_addr, ctb_addr - width - 1):
        up = np.int64(0)
    for c_idx in range(3 if p.chroma_format_idc else 1):
        source, target = (half.luma, f.luma) if c_idx == 0 else (half.cb, f.cb) if c_idx == 1 else (half.cr, f.cr)
        unit = 2 if c_idx == 0 else 1
        bit_depth = np.int64(p.bit_depth_y if c_idx == 0 else p.bit_depth_c)
        x, y, w, h = unit * x4, unit * y4, unit * columns, unit * rows
        if is_whole:
            first_x, first_y = np.int64(0), np.int64(0)
            end_x, end_y = np.int64(target.shape[1]) >> 1, np.int64(target.shape[0]) >> 1
        else:
            first_x, first_y, end_x, end_y = (0 if left else x), (0 if up else y), x + w, y + h
        double(source, target, x, y, w, h, first_x, first_y, end_x, end_y, bit_depth, lines)
