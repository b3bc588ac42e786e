"""Motion of one prediction block: vectors into every reference picture, both lists together, merging.

Costs are J = SATD + sqrt(lambda) * bits. The block is Search.inter.block; the choice is left in WORK.block.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.contexts import MERGE_FLAG
from codec.h265.cabac.tables import ONE_BIT
from codec.h265.encoder.search.inter.motion_cost import (
    direction_bits,
    found_satd,
    load_source,
    merge_index_bits,
    motion_may_refer,
    motion_satd,
    sad_to,
    satd_to,
    vector_bits,
)
from codec.h265.encoder.search.inter.motion_search import add_start, may_refer, search_vector
from codec.h265.encoder.search.inter.search_both_lists import put_list, search_both
from codec.h265.encoder.search.inter.search_filters import choose_filter_set
from codec.h265.encoder.search.inter.weighted_match import aim_unweighted
from codec.h265.encoder.search.residual.level_rates import bin_bits
from codec.h265.recon.amvp import vector_candidates
from codec.h265.recon.inter import list_merge_candidates
from codec.h265.structs import SLICE_B


@kernel
def _price(f, s, i, ref_idx):
    """g.motion.vector_costs of a vector whose SATD is known."""
    g = s.work[0]
    bits = vector_bits(f, s, i, ref_idx) + direction_bits(f, s, 1 << i)
    g.motion.vector_costs[i, ref_idx] = g.motion.vector_satd[i, ref_idx] + g.settings.sqrt_lambda * bits


@kernel
def _same_in_list_0(f, refs, s, ref_idx):
    """ref_idx of list 0 that was searched already and is the same picture as `ref_idx` of list 1, or -1."""
    slice_idx = s.inter.block[0].slice_idx
    slot = refs.lists[slice_idx, 1, ref_idx].slot
    for k in range(f.slices[slice_idx].num_ref_idx_l0):
        if refs.lists[slice_idx, 0, k].slot == slot and s.work[0].motion.vector_costs[0, k] < np.inf:
            return np.int64(k)
    return np.int64(-1)


@kernel
def _better_start(s, reference, x1, y1, x0, y0):
    """Whether the block is predicted better by the vector (x1, y1) into a REFERENCE than by (x0, y0)."""
    m = s.motion[0]
    if not may_refer(m, m.y, m.height, y1):
        return False
    if not may_refer(m, m.y, m.height, y0):
        return True
    return sad_to(s, reference, x1, y1) < sad_to(s, reference, x0, y0)


@kernel
def _search_reference(f, refs, s, i, ref_idx, depth, whole):
    """Best vector into RefPicListX[ref_idx]: into vectors, predictors, vector_satd and vector_costs of g.motion."""
    g, b, m = s.work[0], s.inter.block[0], s.motion[0]
    reference = refs.lists[b.slice_idx, i, ref_idx]
    x0, y0, x1, y1 = vector_candidates(f, refs, s.inter.block, i, ref_idx)
    g.motion.predictors[i, ref_idx, 0, 0], g.motion.predictors[i, ref_idx, 0, 1] = x0, y0
    g.motion.predictors[i, ref_idx, 1, 0], g.motion.predictors[i, ref_idx, 1, 1] = x1, y1
    twin = _same_in_list_0(f, refs, s, ref_idx) if i else np.int64(-1)
    if twin >= 0:
        g.motion.vectors[1, ref_idx, 0], g.motion.vectors[1, ref_idx, 1] = (
            g.motion.vectors[0, twin, 0],
            g.motion.vectors[0, twin, 1],
        )
        g.motion.vector_satd[1, ref_idx] = g.motion.vector_satd[0, twin]
    else:
        m.mvp[0], m.mvp[1] = x0, y0
        m.start_count = 0
        if x0 != x1 or y0 != y1:
            if _better_start(s, reference, x1, y1, x0, y0):
                m.mvp[0], m.mvp[1] = x1, y1
                add_start(m, x0, y0)
            else:
                add_start(m, x1, y1)
        add_start(m, np.int64(0), np.int64(0))
        # of this unit or the one before it, and of the one that it is a part of
        for level in range(max(depth - 1, 0), depth + 1):
            add_start(m, g.motion.whole_vectors[level, i, ref_idx, 0], g.motion.whole_vectors[level, i, ref_idx, 1])
        m.distortion_shift = 0
        m.raster = np.int64(whole and b.width >= g.settings.raster_least)
        if g.settings.weighted:
            aim_unweighted(s, reference)
        search_vector(m, s.reference_planes, np.int64(reference.slot))
        g.motion.vectors[i, ref_idx, 0], g.motion.vectors[i, ref_idx, 1] = m.mv[0], m.mv[1]
        g.motion.vector_satd[i, ref_idx] = (
            satd_to(s, reference, m.mv[0], m.mv[1]) if g.settings.weighted else found_satd(m)
        )
    _price(f, s, i, ref_idx)


@kernel
def _best_reference(f, s, i):
    """ref_idx of the cheapest vector of list i, or -1."""
    slice_ = f.slices[s.inter.block[0].slice_idx]
    best = np.int64(-1)
    cost = np.inf
    for ref_idx in range(slice_.num_ref_idx_l1 if i else slice_.num_ref_idx_l0):
        if s.work[0].motion.vector_costs[i, ref_idx] < cost:
            cost = s.work[0].motion.vector_costs[i, ref_idx]
            best = np.int64(ref_idx)
    return best


@kernel
def _search_merge(f, refs, s, limit):
    """Merge candidates of a block inside a split unit. -> J; g.motion.choice has the best when J is below limit"""
    g, b = s.work[0], s.inter.block[0]
    count = np.int64(f.slices[b.slice_idx].max_num_merge_cand)
    list_merge_candidates(f, refs, s.inter, count - 1)
    flag = bin_bits(s.estimator.state[0].contexts, MERGE_FLAG, np.int64(1)) / ONE_BIT
    best = limit
    for k in range(count):
        if not motion_may_refer(s, s.inter.candidates[k]):
            continue
        bits = flag + merge_index_bits(f, s, b.slice_idx, np.int64(k))
        cost = motion_satd(f, refs, s, s.inter.candidates[k]) + g.settings.sqrt_lambda * bits
        if cost < best:
            best = cost
            g.motion.choice.motion = s.inter.candidates[k]
            g.motion.choice.unit.merge_idx = np.int8(k)
            g.motion.choice.merge_flag = np.int8(1)
    return best


@kernel
def search_block_motion(f, refs, s, walk, depth, whole):
    """Best motion of the block s.inter.block: its J; what it codes and its motion are left in g.motion.choice.

    depth  quadtree depth of the unit
    whole  the block is its unit: all reference pictures are searched, and merging is tried elsewhere
    """
    g, b = s.work[0], s.inter.block[0]
    slice_ = f.slices[b.slice_idx]
    load_source(s)
    lists = 2 if slice_.slice_type == SLICE_B else 1
    for i in range(lists):
        for ref_idx in range(slice_.num_ref_idx_l1 if i else slice_.num_ref_idx_l0):
            g.motion.vector_costs[i, ref_idx] = np.inf
            if whole or g.motion.wanted[i, ref_idx]:
                _search_reference(f, refs, s, np.int64(i), np.int64(ref_idx), depth, whole)
    first = _best_reference(f, s, np.int64(0))
    second = _best_reference(f, s, np.int64(1)) if lists == 2 else np.int64(-1)
    if whole:
        for i in range(lists):
            limit = g.settings.reference_limit * g.motion.vector_costs[i, second if i else first]
            for ref_idx in range(slice_.num_ref_idx_l1 if i else slice_.num_ref_idx_l0):
                for k in range(2):
                    g.motion.whole_vectors[depth, i, ref_idx, k] = g.motion.vectors[i, ref_idx, k]
                g.motion.wanted[i, ref_idx] = np.int64(g.motion.vector_costs[i, ref_idx] <= limit)
    g.motion.choice.merge_flag = np.int8(0)
    g.motion.choice.motion.filter_set = np.int8(0)
    if first >= 0 and (second < 0 or g.motion.vector_costs[0, first] <= g.motion.vector_costs[1, second]):
        best = g.motion.vector_costs[0, first]
        put_list(s, np.int64(0), first)
        put_list(s, np.int64(1), np.int64(-1))
    else:
        best = g.motion.vector_costs[1, second]
        put_list(s, np.int64(0), np.int64(-1))
        put_list(s, np.int64(1), second)
    if first >= 0 and second >= 0 and b.width + b.height != 12:
        best = min(best, search_both(f, refs, s, first, second, best))
    best = choose_filter_set(f, refs, s, walk, best, whole)
    if not whole:
        best += g.settings.sqrt_lambda * bin_bits(s.estimator.state[0].contexts, MERGE_FLAG, np.int64(0)) / ONE_BIT
        best = _search_merge(f, refs, s, best)
    return best
