"""Bi-prediction of one prediction block: the vectors of both lists, refined in turn."""

import numpy as np

from codec.base.kernels.jit import flattened, kernel
from codec.h265.encoder.search.inter.block_match import mvd_bits
from codec.h265.encoder.search.inter.motion_cost import (
    better_predictor,
    direction_bits,
    found_satd,
    sad_to,
    satd_to_both,
    vector_bits,
)
from codec.h265.encoder.search.inter.motion_search import SOURCE_STRIDE, may_refer, refine_vector
from codec.h265.encoder.search.inter.reference_planes import plane_offset
from codec.h265.encoder.search.inter.weighted_match import aim_unweighted_rest


@kernel
def put_list(s, i, ref_idx):
    """List i of motion.choice from motion.vectors: reference index, difference, predictor and motion; -1: not used."""
    g = s.work[0]
    unit, motion = g.motion.choice.unit, g.motion.choice.motion
    unit.ref_idx[i] = np.int8(ref_idx)
    motion.ref_idx[i] = np.int8(ref_idx)
    for k in range(2):
        unit.mvd[i, k] = np.int16(0)
        motion.mv[i, k] = np.int16(0)
    unit.mvp_flag[i] = np.int8(0)
    if ref_idx < 0:
        return
    flag, _ = better_predictor(s, i, ref_idx)
    unit.mvp_flag[i] = np.int8(flag)
    for k in range(2):
        difference = g.motion.vectors[i, ref_idx, k] - g.motion.predictors[i, ref_idx, flag, k]
        unit.mvd[i, k] = np.int16(((difference + 32768) & 65535) - 32768)
        motion.mv[i, k] = np.int16(g.motion.vectors[i, ref_idx, k])


@kernel
def _aim_at_rest(s, reference, other, mv_x, mv_y):
    """m.source = 2 * source - the prediction by the other list: what a second prediction should be.

    reference, other  REFERENCE of the list whose vector is searched, and of the other list
    mv_x, mv_y        the other list's vector
    """
    g, b, m = s.work[0], s.inter.block[0], s.motion[0]
    if g.settings.weighted:
        aim_unweighted_rest(s, reference, other, mv_x, mv_y)
        return
    m.distortion_shift = 1
    planes = s.reference_planes
    flat = flattened(planes)
    stride = np.int64(planes.shape[3])
    at = plane_offset(planes.shape, np.int64(other.slot), b.x, b.y, mv_x, mv_y, b.width, b.height)
    for v in range(b.height):
        p, o = np.uint64(at + v * stride), np.uint64(v * SOURCE_STRIDE)
        for u in range(np.uint64(b.width)):
            twice = np.int32(np.int32(g.motion.block_source[o + u]) << np.int32(1))
            m.source[o + u] = np.int32(twice - np.int32(flat[p + u]))


@kernel
def _pick_zero_difference(f, refs, s):
    """(7.4.7.1, mvd_l1_zero_flag) The predictor of list 1 that matches best becomes its vector. -> ref_idx or -1"""
    g, m = s.work[0], s.motion[0]
    slice_idx = s.inter.block[0].slice_idx
    best = np.int64(1) << 40
    chosen, flag = np.int64(-1), np.int64(0)
    for ref_idx in range(f.slices[slice_idx].num_ref_idx_l1):
        if g.motion.vector_costs[1, ref_idx] == np.inf:
            continue
        reference = refs.lists[slice_idx, 1, ref_idx]
        for k in range(2):
            if not may_refer(m, m.y, m.height, g.motion.predictors[1, ref_idx, k, 1]):
                continue
            cost = sad_to(s, reference, g.motion.predictors[1, ref_idx, k, 0], g.motion.predictors[1, ref_idx, k, 1])
            if cost < best:
                best, chosen, flag = cost, np.int64(ref_idx), np.int64(k)
    if chosen < 0:
        return chosen
    g.motion.vectors[1, chosen, 0] = g.motion.predictors[1, chosen, flag, 0]
    g.motion.vectors[1, chosen, 1] = g.motion.predictors[1, chosen, flag, 1]
    return chosen


@kernel
def _refine_list(f, refs, s, i, ref_idx, other_idx, limit):
    """Refine the vector of list i while that of the other list stays. -> (J of both, whether it fell below limit)

    g.motion.vectors of list i changes only when it did.
    """
    g, m = s.work[0], s.motion[0]
    slice_idx = s.inter.block[0].slice_idx
    other = 1 - i
    reference, other_reference = refs.lists[slice_idx, i, ref_idx], refs.lists[slice_idx, other, other_idx]
    other_x, other_y = g.motion.vectors[other, other_idx, 0], g.motion.vectors[other, other_idx, 1]
    _aim_at_rest(s, reference, other_reference, other_x, other_y)
    flag, _ = better_predictor(s, i, ref_idx)
    m.mvp[0], m.mvp[1] = g.motion.predictors[i, ref_idx, flag, 0], g.motion.predictors[i, ref_idx, flag, 1]
    old_x, old_y = g.motion.vectors[i, ref_idx, 0], g.motion.vectors[i, ref_idx, 1]
    m.mv[0], m.mv[1] = old_x, old_y
    refine_vector(m, s.reference_planes, np.int64(reference.slot), g.settings.bi_range)
    g.motion.vectors[i, ref_idx, 0], g.motion.vectors[i, ref_idx, 1] = m.mv[0], m.mv[1]
    bits = vector_bits(f, s, i, ref_idx) + direction_bits(f, s, 3)
    bits += vector_bits(f, s, other, other_idx)
    if f.slices[slice_idx].mvd_l1_zero:
        # the difference of list 1, which is zero, is not coded
        bits -= mvd_bits(np.int64(0), np.int64(0))
    satd = found_satd(m)
    if g.settings.weighted:
        satd = float(satd_to_both(s, reference, m.mv[0], m.mv[1], other_reference, other_x, other_y))
    cost = satd + g.settings.sqrt_lambda * bits
    if cost < limit:
        return cost, True
    g.motion.vectors[i, ref_idx, 0], g.motion.vectors[i, ref_idx, 1] = old_x, old_y
    return limit, False


@kernel
def search_both(f, refs, s, first, second, limit):
    """Bi-prediction beginning at the best vectors of both lists. -> J; g.motion.choice has it when J is below limit"""
    g = s.work[0]
    slice_idx = s.inter.block[0].slice_idx
    zero = f.slices[slice_idx].mvd_l1_zero != 0
    turn = np.int64(g.motion.vector_costs[0, first] <= g.motion.vector_costs[1, second])
    if zero:
        second = _pick_zero_difference(f, refs, s)
        if second < 0:
            return np.inf
        turn = np.int64(0)
    best = np.inf
    for _ in range(1 if zero else g.settings.bi_rounds):
        if turn:
            best, better = _refine_list(f, refs, s, np.int64(1), second, first, best)
        else:
            best, better = _refine_list(f, refs, s, np.int64(0), first, second, best)
        if not better:
            break
        turn = 1 - turn
    if best < limit:
        put_list(s, np.int64(0), first)
        put_list(s, np.int64(1), second)
    return best
