"""(8.5.3) Inter prediction of a coding tree unit: motion of every prediction block, then its samples.

All inter blocks of a CTU are predicted before any residual is added: they read other pictures only. Their residuals,
and the intra blocks between them, follow in recon/reconstruct.py.
"""

from typing import NamedTuple

import numpy as np

from codec.base.kernels.jit import flattened, kernel
from codec.h265.recon.amvp import vector_candidates
from codec.h265.recon.interpolation import (
    PREDICTION_SAMPLES,
    ROWS_SAMPLES,
    interpolate_chroma,
    interpolate_luma,
)
from codec.h265.recon.learnt_interpolation import BEFORE, BEHIND, interpolate_learnt
from codec.h265.recon.merge import MAX_MERGE_CANDIDATES, merge_candidates
from codec.h265.recon.order import X4, Y4
from codec.h265.recon.prediction_block import PART_COUNT, PREDICTION_BLOCK, part_rectangle
from codec.h265.recon.weighted_prediction import weigh_one, weigh_two
from codec.h265.structs import MAX_CTB_SIZE, MODE_INTER, MOTION, SLICE_P

# a block with the samples around it that the longest filter reads, and those of a last group of eight columns
_WINDOW_STRIDE = MAX_CTB_SIZE + 16
_WINDOW_SAMPLES = _WINDOW_STRIDE * (MAX_CTB_SIZE + 8)


class InterScratch(NamedTuple):
    """Working memory of one thread that predicts: the block at hand, its merge candidates, and int16 samples."""

    block: np.ndarray
    candidates: np.ndarray
    first: np.ndarray
    second: np.ndarray
    rows: np.ndarray
    window: np.ndarray


def new_inter_scratch():
    """Working memory for predict_inter_ctu; one per thread."""
    return InterScratch(
        block=np.zeros(1, PREDICTION_BLOCK),
        candidates=np.zeros(MAX_MERGE_CANDIDATES + 1, MOTION),
        first=np.zeros(PREDICTION_SAMPLES, np.int16),
        second=np.zeros(PREDICTION_SAMPLES, np.int16),
        rows=np.zeros(ROWS_SAMPLES, np.int16),
        window=np.zeros(_WINDOW_SAMPLES, np.int16),
    )


# --- motion ---------------------------------------------------------------------------------------------------------


@kernel(inline=True)
def _wrap16(value):
    """(8-94 ff.) A sum of vectors in 16 bit, two's complement."""
    return ((value + 32768) & 65535) - 32768


@kernel
def list_merge_candidates(f, refs, scratch, last):
    """(8.5.3.2.2) mergeCandList of scratch.block up to index `last`, as it may use it, in scratch.candidates."""
    b = scratch.block[0]
    x, y, width, height, part_idx = b.x, b.y, b.width, b.height, b.part_idx
    if f.params[0].log2_parallel_merge_level > 2 and b.cb_size == 8:
        # singleMCLFlag: all blocks of the coding block share the list of the whole
        b.x, b.y, b.width, b.height, b.part_idx = b.x_cb, b.y_cb, np.int64(8), np.int64(8), np.int64(0)
    merge_candidates(f, refs, scratch.block, last, scratch.candidates)
    b.x, b.y, b.width, b.height, b.part_idx = x, y, width, height, part_idx
    if width + height != 12:
        return
    # 8x4 and 4x8 blocks are never bi-predicted
    for k in range(last + 1):
        candidate = scratch.candidates[k]
        if candidate.ref_idx[0] >= 0 and candidate.ref_idx[1] >= 0:
            candidate.ref_idx[1] = np.int8(-1)
            candidate.mv[1, 0] = np.int16(0)
            candidate.mv[1, 1] = np.int16(0)


@kernel
def _coded_motion(f, refs, scratch, unit):
    """(8.5.3.2.1) Motion of a block with coded vector differences, left in scratch.candidates[0]."""
    b, motion = scratch.block[0], scratch.candidates[0]
    for i in range(2):
        ref_idx = np.int64(unit.ref_idx[i])
        motion.ref_idx[i] = unit.ref_idx[i]
        mv_x, mv_y = np.int64(0), np.int64(0)
        if ref_idx >= 0:
            x0, y0, x1, y1 = vector_candidates(f, refs, scratch.block, np.int64(i), ref_idx)
            mv_x = _wrap16((x1 if unit.mvp_flag[i] else x0) + np.int64(unit.mvd[i, 0]))
            mv_y = _wrap16((y1 if unit.mvp_flag[i] else y0) + np.int64(unit.mvd[i, 1]))
        motion.mv[i, 0] = np.int16(mv_x)
        motion.mv[i, 1] = np.int16(mv_y)
    motion.filter_set = f.units[b.y >> 2, b.x >> 2].filter_set


@kernel
def derive_motion(f, refs, scratch):
    """(8.5.3.2) From the PREDICTION_UNIT of scratch.block to f.motion of all its 4x4 blocks."""
    b = scratch.block[0]
    chosen = np.int64(0)
    unit = f.prediction_units[b.y >> 2, b.x >> 2]
    if f.units[b.y >> 2, b.x >> 2].merge_flag:
        chosen = np.int64(unit.merge_idx)
        list_merge_candidates(f, refs, scratch, chosen)
    else:
        _coded_motion(f, refs, scratch, unit)
    fill_motion(f, b, scratch.candidates[chosen])


# --- samples --------------------------------------------------------------------------------------------------------


@kernel
def _copy_window(plane, x, y, width, height, window):
    """(8-222, 8-239) Samples of a (h, w) plane around a border, coordinates clamped to it."""
    last_x, last_y = np.int64(plane.shape[1] - 1), np.int64(plane.shape[0] - 1)
    begin = min(max(-x, 0), width)  # columns of the window that lie in the plane
    end = max(min(last_x + 1 - x, width), begin)
    for j in range(height):
        row = plane[min(max(y + j, 0), last_y)]
        line = window[j * _WINDOW_STRIDE : j * _WINDOW_STRIDE + width]
        for i in range(begin):
            line[i] = row[0]
        if begin < end:
            inside = row[x + begin : x + end]
            for i in range(end - begin):
                line[begin + i] = inside[i]
        for i in range(end, width):
            line[i] = row[last_x]


@kernel(inline=True)
def _find_source(plane, x, y, before_x, before_y, behind_x, behind_y, width, height, scratch):
    """Samples of a block at (x, y) of a plane, with as many around it as are told. -> (flat array, at, stride)

    Where they leave the plane they are copied, with what stands for those outside.
    """
    left, top = x - before_x, y - before_y
    columns, rows = ((width + 7) & ~7) + before_x + behind_x, height + before_y + behind_y
    if left < 0 or top < 0 or left + columns > plane.shape[1] or top + rows > plane.shape[0]:
        _copy_window(plane, left, top, columns, rows, scratch.window)
        stride = np.int64(_WINDOW_STRIDE)
        return scratch.window, before_y * stride + before_x, stride
    stride = np.int64(plane.shape[1])
    return flattened(plane), y * stride + x, stride


@kernel
def fetch_prediction(planes, slot, c_idx, x, y, width, height, mv_x, mv_y, bit_depth, scratch, out):
    """(8.5.3.3.3) predSamplesLX of one block and component.

    planes      (slots, h, w) reference planes of the component
    x, y        position and size of the block, in samples of the component
    mv_x, mv_y  vector in quarter luma samples, which are eighths of chroma samples (4:2:0)
    """
    bits = np.int64(2 if c_idx == 0 else 3)
    before, behind = np.int64(3 if c_idx == 0 else 1), np.int64(4 if c_idx == 0 else 2)
    x_fraction, y_fraction = mv_x & ((1 << bits) - 1), mv_y & ((1 << bits) - 1)
    # what the filters reach: at full positions there is none
    before_x, behind_x = (before, behind) if x_fraction else (np.int64(0), np.int64(0))
    before_y, behind_y = (before, behind) if y_fraction else (np.int64(0), np.int64(0))
    left, top = x + (mv_x >> bits), y + (mv_y >> bits)
    source, at, stride = _find_source(
        planes[slot], left, top, before_x, before_y, behind_x, behind_y, width, height, scratch
    )
    if c_idx == 0:
        interpolate_luma(source, at, stride, x_fraction, y_fraction, width, height, bit_depth, scratch.rows, out)
    else:
        interpolate_chroma(source, at, stride, x_fraction, y_fraction, width, height, bit_depth, scratch.rows, out)


@kernel
def _fetch_learnt(refs, slot, filter_set, x, y, width, height, mv_x, mv_y, bit_depth, scratch, out):
    """(docs/BITSTREAM.md) As fetch_prediction for luma, by a filter of the bank. The seam of CnnInterpolation."""
    before, behind = np.int64(BEFORE), np.int64(BEHIND)
    source, at, stride = _find_source(
        refs.luma[slot], x + (mv_x >> 2), y + (mv_y >> 2), before, before, behind, behind, width, height, scratch
    )
    phase = 4 * (mv_y & 3) + (mv_x & 3)
    interpolate_learnt(refs.filters, filter_set, source, at, stride, phase, width, height, bit_depth, out)


@kernel
def _copy_prediction(planes, slot, c_idx, x, y, width, height, mv_x, mv_y, target, at, stride):
    """(8-224, 8-246) From one full-sample position: a copy. -> False where it is not one, or leaves the plane"""
    bits = np.int64(2 if c_idx == 0 else 3)
    left, top = x + (mv_x >> bits), y + (mv_y >> bits)
    if (mv_x | mv_y) & ((1 << bits) - 1):
        return False
    if left < 0 or top < 0 or left + width > planes.shape[2] or top + height > planes.shape[1]:
        return False
    plane = planes[slot]
    for j in range(height):
        source = plane[top + j, left : left + width]
        line = target[at + j * stride : at + j * stride + width]
        for i in range(width):
            line[i] = source[i]
    return True


@kernel
def predict_samples(f, refs, b, motion, planes, c_idx, target, at, stride, scratch):
    """(8.5.3.3) Prediction samples of one component of block `b` with `motion`, into rows of a flat int16 array."""
    p = f.params[0]
    chroma = np.int64(c_idx > 0)
    x, y, width, height = b.x >> chroma, b.y >> chroma, b.width >> chroma, b.height >> chroma
    bit_depth = np.int64(p.bit_depth_c if chroma else p.bit_depth_y)
    is_p = f.slices[b.slice_idx].slice_type == SLICE_P
    explicit = p.weighted_pred != 0 if is_p else p.weighted_bipred != 0
    filter_set = np.int64(0 if chroma else motion.filter_set)
    uses_0, uses_1 = motion.ref_idx[0] >= 0, motion.ref_idx[1] >= 0
    ref_0 = refs.lists[b.slice_idx, 0, max(np.int64(motion.ref_idx[0]), 0)]
    ref_1 = refs.lists[b.slice_idx, 1, max(np.int64(motion.ref_idx[1]), 0)]
    for i in range(2):
        if motion.ref_idx[i] >= 0:
            slot = np.int64(ref_1.slot if i else ref_0.slot)
            mv_x, mv_y = np.int64(motion.mv[i, 0]), np.int64(motion.mv[i, 1])
            if uses_0 != uses_1 and not explicit and filter_set == 0:
                if _copy_prediction(planes, slot, c_idx, x, y, width, height, mv_x, mv_y, target, at, stride):
                    return
            out = scratch.second if i else scratch.first
            if filter_set > 0:
                chosen = np.int64(f.slices[b.slice_idx].first_filter_set) + filter_set - 1
                _fetch_learnt(refs, slot, chosen, x, y, width, height, mv_x, mv_y, bit_depth, scratch, out)
            else:
                fetch_prediction(planes, slot, c_idx, x, y, width, height, mv_x, mv_y, bit_depth, scratch, out)
    if uses_0 and uses_1:
        weigh_two(
            scratch.first, scratch.second, target, at, stride, width, height, ref_0, ref_1, c_idx, explicit, bit_depth
        )
    elif uses_0:
        weigh_one(scratch.first, target, at, stride, width, height, ref_0, c_idx, explicit, bit_depth)
    elif uses_1:
        weigh_one(scratch.second, target, at, stride, width, height, ref_1, c_idx, explicit, bit_depth)


@kernel
def _predict_component(f, refs, b, motion, plane, planes, c_idx, scratch):
    """The same into the plane of the component."""
    chroma, stride = np.int64(c_idx > 0), np.int64(plane.shape[1])
    at = (b.y >> chroma) * stride + (b.x >> chroma)
    predict_samples(f, refs, b, motion, planes, c_idx, flattened(plane), at, stride, scratch)


@kernel
def predict_block(f, refs, scratch):
    """(8.5.3.3) Samples of scratch.block from f.motion, into the planes of f."""
    b = scratch.block[0]
    motion = f.motion[b.y >> 2, b.x >> 2]
    _predict_component(f, refs, b, motion, f.luma, refs.luma, np.int64(0), scratch)
    if f.params[0].chroma_format_idc != 0:
        _predict_component(f, refs, b, motion, f.cb, refs.cb, np.int64(1), scratch)
        _predict_component(f, refs, b, motion, f.cr, refs.cr, np.int64(2), scratch)


@kernel
def set_block(scratch, slice_idx, x_cb, y_cb, cb_size, part_mode, part_idx):
    """scratch.block = prediction block `part_idx` of a coding block."""
    b = scratch.block[0]
    b.slice_idx = slice_idx
    b.x_cb, b.y_cb, b.cb_size = x_cb, y_cb, cb_size
    b.part_mode, b.part_idx = part_mode, part_idx
    x, y, width, height = part_rectangle(part_mode, part_idx, cb_size)
    b.x, b.y, b.width, b.height = x_cb + x, y_cb + y, width, height


@kernel
def fill_motion(f, block, motion):
    """f.motion of all 4x4 blocks of `block` (PREDICTION_BLOCK) = motion."""
    for y in range(block.y >> 2, (block.y + block.height) >> 2):
        for x in range(block.x >> 2, (block.x + block.width) >> 2):
            f.motion[y, x] = motion


@kernel
def predict_inter_unit(f, refs, slice_idx, x_cb, y_cb, cb_size, scratch):
    """(8.5.3) Motion and samples of all prediction blocks of an inter coding unit."""
    part_mode = np.int64(f.units[y_cb >> 2, x_cb >> 2].part_mode)
    for part_idx in range(PART_COUNT[part_mode]):
        set_block(scratch, slice_idx, x_cb, y_cb, cb_size, part_mode, part_idx)
        derive_motion(f, refs, scratch)
        predict_block(f, refs, scratch)


@kernel
def _predict_coding_units(f, refs, ctb_addr, scratch):
    """(8.5) All inter coding units of one CTB in z-order."""
    p = f.params[0]
    slice_idx = np.int64(f.ctbs[ctb_addr].slice_idx)
    x_ctb = (ctb_addr % p.width_in_ctbs) << p.log2_ctb_size
    y_ctb = (ctb_addr // p.width_in_ctbs) << p.log2_ctb_size
    last = 1 << (2 * (p.log2_ctb_size - 2))
    z = np.int64(0)
    while z < last:
        x = np.int64(x_ctb) + 4 * X4[z]
        y = np.int64(y_ctb) + 4 * Y4[z]
        if x >= p.pic_width or y >= p.pic_height:
            z += 4
            continue
        unit = f.units[y >> 2, x >> 2]
        if unit.pred_mode == MODE_INTER:
            predict_inter_unit(f, refs, slice_idx, x, y, np.int64(1) << np.int64(unit.log2_cb_size), scratch)
        z += 1 << (2 * (unit.log2_cb_size - 2))


@kernel
def predict_inter_ctu(f, refs, ctb_addr, count, scratch):
    """(8.5) Motion and prediction of CTB `ctb_addr` and the `count` - 1 right of it; reconstruct_ctu comes after it.

    refs     References of the picture; f.motion and f.prediction_units must exist
    scratch  from new_inter_scratch
    """
    for k in range(count):
        _predict_coding_units(f, refs, ctb_addr + k, scratch)
