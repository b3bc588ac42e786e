"""Inter coding of a coding unit: skipped, merged, or with vectors in its partitions; by full cost.

Which partitions are coded in full is decided by the rough costs of their motion (search_motion.py).
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.encoder.search.inter.motion_cost import load_source, merge_index_bits, motion_may_refer, motion_satd
from codec.h265.encoder.search.inter.search_motion import search_block_motion
from codec.h265.encoder.search.residual.residual_tree import chroma_tree, luma_tree
from codec.h265.encoder.search.saved_unit import restore_unit, save_unit
from codec.h265.encoder.search.unit_cost import count_unit, distortion, prepare_unit, restart_unit
from codec.h265.intra_modes import INTRA_DC
from codec.h265.recon.inter import fill_motion, list_merge_candidates, predict_block, set_block
from codec.h265.recon.prediction_block import PART_COUNT
from codec.h265.structs import (
    MODE_INTER,
    PART_2Nx2N,
    PART_2NxN,
    PART_2NxnD,
    PART_2NxnU,
    PART_nLx2N,
    PART_nRx2N,
    PART_Nx2N,
)
from codec.h265.syntax.coding_unit import any_coefficients, set_unit_qp

# rough rate of part_mode in a slice that is not intra, in bits: which one is never known to be probable
_PART_MODE_BITS = np.array([1, 3, 3, 3, 4, 4, 4, 4], np.float64)


@kernel
def _copy_rows(source, target, x, y, size):
    for v in range(y, y + size):
        for u in range(np.uint64(x), np.uint64(x + size)):
            target[v, u] = source[v, u]


@kernel
def _keep_prediction(f, s, x, y, size):
    """What the planes hold of the unit becomes its prediction."""
    _copy_rows(f.luma, s.predicted.luma, x, y, size)
    if f.params[0].chroma_format_idc != 0:
        _copy_rows(f.cb, s.predicted.cb, x >> 1, y >> 1, size >> 1)
        _copy_rows(f.cr, s.predicted.cr, x >> 1, y >> 1, size >> 1)


@kernel
def _put_prediction(f, s, x, y, size):
    """The unit's samples are its prediction."""
    _copy_rows(s.predicted.luma, f.luma, x, y, size)
    if f.params[0].chroma_format_idc != 0:
        _copy_rows(s.predicted.cb, f.cb, x >> 1, y >> 1, size >> 1)
        _copy_rows(s.predicted.cr, f.cr, x >> 1, y >> 1, size >> 1)


@kernel
def _clear_residual(f, s, x, y, log2_cb_size):
    """The unit without any coefficients."""
    log2_tb_size = min(log2_cb_size, np.int64(f.params[0].log2_max_tb_size))
    n = 1 << (log2_cb_size - 2)
    for v in range(y >> 2, (y >> 2) + n):
        for u in range(x >> 2, (x >> 2) + n):
            unit = f.units[v, u]
            unit.cbf = np.int8(0)
            unit.transform_skip = np.int8(0)
            unit.log2_tb_size = np.int8(log2_tb_size)
    _put_prediction(f, s, x, y, 1 << log2_cb_size)


@kernel
def _code_residual(f, s, walk, coeffs, x, y, log2_cb_size, may_be_empty):
    """Residual of the unit whose prediction is in the planes, in place. -> J; infinite if empty where it must not be"""
    s.work[0].unit.inter = 1
    size = 1 << log2_cb_size
    _keep_prediction(f, s, x, y, size)
    empty = np.inf
    if may_be_empty:
        empty = count_unit(f, s, walk, coeffs, x, y, log2_cb_size)
        restart_unit(f, s, walk, log2_cb_size)
        # (8.6.1) an empty unit was given the predicted QpY
        set_unit_qp(f, x, y, size, s.work[0].unit.qp_y)
    mode = np.int64(INTRA_DC)
    max_depth = np.int64(f.params[0].max_th_depth_inter)
    luma_tree(f, s, coeffs, x, y, log2_cb_size, np.int64(0), max_depth, mode, np.int64(0), np.int64(0))
    if f.params[0].chroma_format_idc != 0:
        chroma_tree(f, s, coeffs, x, y, log2_cb_size, mode, np.inf)
    if any_coefficients(f, x, y, size):
        cost = count_unit(f, s, walk, coeffs, x, y, log2_cb_size)
        if cost < empty:
            return cost
        restart_unit(f, s, walk, log2_cb_size)
    if not may_be_empty:
        return np.inf
    _clear_residual(f, s, x, y, log2_cb_size)
    return count_unit(f, s, walk, coeffs, x, y, log2_cb_size)


# --- merging the whole unit -----------------------------------------------------------------------------------------


@kernel
def _set_merge(f, s, x, y, log2_cb_size, merge_idx, skip):
    """Begin the unit as one merged block, `skip` telling that it has no residual."""
    prepare_unit(f, s, x, y, log2_cb_size, MODE_INTER, PART_2Nx2N)
    fill_motion(f, s.inter.block[0], s.work[0].motion.merge_list[merge_idx])
    f.prediction_units[y >> 2, x >> 2].merge_idx = np.int8(merge_idx)
    n = 1 << (log2_cb_size - 2)
    for v in range(y >> 2, (y >> 2) + n):
        for u in range(x >> 2, (x >> 2) + n):
            f.units[v, u].merge_flag = np.int8(1)
            f.units[v, u].cu_skip_flag = np.int8(skip)


@kernel
def _rank_merge(f, refs, s, walk, x, y, log2_cb_size, count):
    """J of skipping with each candidate of merge_list; merge_costs by SATD. -> merge_idx of the best skip, or -1"""
    g = s.work[0]
    slice_idx = walk[0].slice_idx
    best = np.inf
    best_idx = np.int64(-1)
    for k in range(count):
        g.motion.merge_costs[k] = np.inf
        g.motion.merge_tried[k] = 0
        if not motion_may_refer(s, g.motion.merge_list[k]):
            continue
        bits = merge_index_bits(f, s, slice_idx, np.int64(k))
        fill_motion(f, s.inter.block[0], g.motion.merge_list[k])
        predict_block(f, refs, s.inter)
        cost = distortion(f, s, x, y, 1 << log2_cb_size) + g.settings.lambda_mode * bits
        g.motion.merge_costs[k] = motion_satd(f, refs, s, g.motion.merge_list[k]) + g.settings.sqrt_lambda * bits
        if cost < best:
            best = cost
            best_idx = np.int64(k)
    return best_idx


@kernel
def _search_merged(f, refs, s, walk, coeffs, x, y, log2_cb_size):
    """Best coding of the unit as one merged block, skipped or with a residual, in place. -> J, infinite without one"""
    g = s.work[0]
    p = f.params[0]
    size = 1 << log2_cb_size
    row = np.int64(p.log2_ctb_size) - log2_cb_size
    slice_idx = walk[0].slice_idx
    count = np.int64(f.slices[slice_idx].max_num_merge_cand)
    prepare_unit(f, s, x, y, log2_cb_size, MODE_INTER, PART_2Nx2N)
    set_block(s.inter, slice_idx, x, y, size, np.int64(PART_2Nx2N), np.int64(0))
    list_merge_candidates(f, refs, s.inter, count - 1)
    for k in range(count):
        g.motion.merge_list[k] = s.inter.candidates[k]
    load_source(s)
    skipped = _rank_merge(f, refs, s, walk, x, y, log2_cb_size, count)
    if skipped < 0:
        return np.inf
    limit = np.inf
    _set_merge(f, s, x, y, log2_cb_size, skipped, 1)
    predict_block(f, refs, s.inter)
    best = count_unit(f, s, walk, coeffs, x, y, log2_cb_size)
    for _ in range(g.settings.merge_trials):
        rough = limit
        merge_idx = np.int64(-1)
        for k in range(count):
            if not g.motion.merge_tried[k] and g.motion.merge_costs[k] < rough:
                rough = g.motion.merge_costs[k]
                merge_idx = np.int64(k)
        if merge_idx < 0:
            break
        limit = min(limit, g.settings.merge_limit * rough)
        g.motion.least = min(g.motion.least, rough)
        g.motion.merge_tried[merge_idx] = 1
        save_unit(f, s, walk, coeffs, x, y, size, row)
        restart_unit(f, s, walk, log2_cb_size)
        _set_merge(f, s, x, y, log2_cb_size, merge_idx, 0)
        predict_block(f, refs, s.inter)
        cost = _code_residual(f, s, walk, coeffs, x, y, log2_cb_size, False)
        if cost < best:
            best = cost
        else:
            restore_unit(f, s, walk, coeffs, x, y, size, row)
    return best


# --- prediction blocks with vectors ---------------------------------------------------------------------------------


@kernel
def _put_block_choice(f, s, choice):
    """The syntax and motion of the block at hand into the frame."""
    b = s.inter.block[0]
    f.units[b.y >> 2, b.x >> 2].merge_flag = choice.merge_flag
    if choice.motion.filter_set > 0 and not choice.merge_flag:
        # prepare_unit has cleared it
        for v in range(b.y >> 2, (b.y + b.height) >> 2):
            for u in range(b.x >> 2, (b.x + b.width) >> 2):
                f.units[v, u].filter_set = choice.motion.filter_set
    f.prediction_units[b.y >> 2, b.x >> 2] = choice.unit
    fill_motion(f, b, choice.motion)


@kernel
def _same_motion(a, b):
    """Whether two MOTION records predict alike."""
    same = a.filter_set == b.filter_set
    for i in range(2):
        same = same and a.ref_idx[i] == b.ref_idx[i]
        if a.ref_idx[i] >= 0:
            same = same and a.mv[i, 0] == b.mv[i, 0] and a.mv[i, 1] == b.mv[i, 1]
    return same


@kernel
def _is_tried(f, s, walk, part_mode):
    """Whether the partitions in motion.parts predict as something cheaper did: a merge candidate, or the whole unit."""
    g = s.work[0]
    first = g.motion.parts[part_mode, 0].motion
    if part_mode != PART_2Nx2N:
        return _same_motion(first, g.motion.parts[part_mode, 1].motion)
    tried = False
    for k in range(f.slices[walk[0].slice_idx].max_num_merge_cand):
        tried = tried or (g.motion.merge_tried[k] != 0 and _same_motion(first, g.motion.merge_list[k]))
    return tried


@kernel
def _search_parts(f, refs, s, walk, x, y, log2_cb_size, part_mode):
    """Motion of the partitions of a part_mode: into g.motion.parts, their rough J into g.motion.part_costs."""
    g = s.work[0]
    depth = np.int64(f.params[0].log2_ctb_size) - log2_cb_size
    prepare_unit(f, s, x, y, log2_cb_size, MODE_INTER, part_mode)
    cost = g.settings.sqrt_lambda * _PART_MODE_BITS[part_mode]
    for part_idx in range(PART_COUNT[part_mode]):
        set_block(s.inter, walk[0].slice_idx, x, y, 1 << log2_cb_size, part_mode, np.int64(part_idx))
        cost += search_block_motion(f, refs, s, walk, depth, part_mode == PART_2Nx2N)
        g.motion.parts[part_mode, part_idx] = g.motion.choice
        _put_block_choice(f, s, g.motion.choice)
    g.motion.part_costs[part_mode] = cost
    g.motion.least = min(g.motion.least, cost)


@kernel
def _code_parts(f, refs, s, walk, coeffs, x, y, log2_cb_size, part_mode, best):
    """Code the unit with the partitions in motion.parts; the better of it and what is in place at `best` stays. -> J"""
    if _is_tried(f, s, walk, part_mode):
        return best
    size = 1 << log2_cb_size
    row = np.int64(f.params[0].log2_ctb_size) - log2_cb_size
    save_unit(f, s, walk, coeffs, x, y, size, row)
    restart_unit(f, s, walk, log2_cb_size)
    prepare_unit(f, s, x, y, log2_cb_size, MODE_INTER, part_mode)
    for part_idx in range(PART_COUNT[part_mode]):
        set_block(s.inter, walk[0].slice_idx, x, y, size, part_mode, np.int64(part_idx))
        _put_block_choice(f, s, s.work[0].motion.parts[part_mode, part_idx])
        predict_block(f, refs, s.inter)
    cost = _code_residual(f, s, walk, coeffs, x, y, log2_cb_size, True)
    if cost < best:
        return cost
    restore_unit(f, s, walk, coeffs, x, y, size, row)
    return best


@kernel
def _search_halves(f, refs, s, walk, x, y, log2_cb_size):
    """Motion of all partitions but 2Nx2N that may be better than it, asymmetric ones along the better halves."""
    g = s.work[0]
    _search_parts(f, refs, s, walk, x, y, log2_cb_size, np.int64(PART_2NxN))
    _search_parts(f, refs, s, walk, x, y, log2_cb_size, np.int64(PART_Nx2N))
    p = f.params[0]
    if not p.amp_enabled or log2_cb_size <= p.log2_min_cb_size:
        return
    lying, standing = g.motion.part_costs[PART_2NxN], g.motion.part_costs[PART_Nx2N]
    if min(lying, standing) > g.settings.amp_limit * g.motion.part_costs[PART_2Nx2N]:
        return
    if lying <= standing:
        _search_parts(f, refs, s, walk, x, y, log2_cb_size, np.int64(PART_2NxnU))
        _search_parts(f, refs, s, walk, x, y, log2_cb_size, np.int64(PART_2NxnD))
    else:
        _search_parts(f, refs, s, walk, x, y, log2_cb_size, np.int64(PART_nLx2N))
        _search_parts(f, refs, s, walk, x, y, log2_cb_size, np.int64(PART_nRx2N))


@kernel
def search_inter(f, refs, s, walk, coeffs, x, y, log2_cb_size):
    """Best inter coding of an unsplit coding unit, in place. -> J

    The contexts and the walk at entry must be those in front of the unit; at exit they are those behind it.
    """
    g = s.work[0]
    g.motion.least = np.inf
    best = _search_merged(f, refs, s, walk, coeffs, x, y, log2_cb_size)
    skipped = f.units[y >> 2, x >> 2].cu_skip_flag != 0
    if skipped and g.settings.early_skip:
        return best
    # the search for motion writes into the frame
    depth = np.int64(f.params[0].log2_ctb_size) - log2_cb_size
    for part_mode in range(8):
        g.motion.part_costs[part_mode] = np.inf
    save_unit(f, s, walk, coeffs, x, y, 1 << log2_cb_size, depth)
    restart_unit(f, s, walk, log2_cb_size)
    _search_parts(f, refs, s, walk, x, y, log2_cb_size, np.int64(PART_2Nx2N))
    if not (skipped and g.settings.fast_cbf):
        _search_halves(f, refs, s, walk, x, y, log2_cb_size)
    restore_unit(f, s, walk, coeffs, x, y, 1 << log2_cb_size, depth)
    best = _code_parts(f, refs, s, walk, coeffs, x, y, log2_cb_size, np.int64(PART_2Nx2N), best)
    limit = g.settings.filter_limit * g.motion.part_costs[PART_2Nx2N]
    if g.motion.other_cost < limit:
        g.motion.parts[PART_2Nx2N, 0] = g.motion.other
        best = _code_parts(f, refs, s, walk, coeffs, x, y, log2_cb_size, np.int64(PART_2Nx2N), best)
    limit = g.settings.part_limit * g.motion.part_costs[PART_2Nx2N]
    for _ in range(g.settings.part_trials):
        part_mode = np.int64(0)
        for k in range(1, 8):
            if g.motion.part_costs[k] < limit and (
                part_mode == 0 or g.motion.part_costs[k] < g.motion.part_costs[part_mode]
            ):
                part_mode = np.int64(k)
        if part_mode == 0:
            break
        best = _code_parts(f, refs, s, walk, coeffs, x, y, log2_cb_size, part_mode, best)
        g.motion.part_costs[part_mode] = np.inf
    return best
