"""Which set of interpolation filters makes a prediction block's luma (CnnInterpolation), once its motion is found.

Vectors are searched with H.265's filters; what the trained ones make of the best of them is made by recon/inter.py, as
a decoder makes it.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.contexts import INTERPOLATION_IDX
from codec.h265.cabac.tables import ONE_BIT
from codec.h265.encoder.search.inter.motion_cost import motion_satd, vector_bits
from codec.h265.encoder.search.inter.motion_search import may_refer
from codec.h265.encoder.search.inter.search_both_lists import put_list
from codec.h265.encoder.search.residual.level_rates import bin_bits
from codec.h265.syntax.prediction_unit import interpolation_context


@kernel
def _set_bits(contexts, context, sets, value):
    """Rate of cnn_interpolation_idx in bits."""
    bits = np.int64(bin_bits(contexts, INTERPOLATION_IDX + context, np.int64(value > 0)))
    for k in range(1, min(value + 1, sets)):
        bits += bin_bits(contexts, INTERPOLATION_IDX + 2 + k, np.int64(value > k))
    return bits / ONE_BIT


@kernel
def _refine(f, refs, s, i, ref_idx, best):
    """The vector of list i, alone, by a quarter sample in any direction, with the filters of g.motion.choice. -> J"""
    g, b, m = s.work[0], s.inter.block[0], s.motion[0]
    motion, vector = g.motion.choice.motion, g.motion.vectors[i, ref_idx]
    x, y = vector[0], vector[1]
    rest = best - motion_satd(f, refs, s, motion) - g.settings.sqrt_lambda * vector_bits(f, s, i, ref_idx)
    best_x, best_y = x, y
    for k in range(9):
        to_x, to_y = x + k % 3 - 1, y + k // 3 - 1
        inside = 4 * m.limits[0] <= to_x <= 4 * m.limits[2] and 4 * m.limits[1] <= to_y <= 4 * m.limits[3]
        if k == 4 or not inside or not may_refer(m, b.y, b.height, to_y):
            continue
        vector[0], vector[1] = to_x, to_y
        motion.mv[i, 0], motion.mv[i, 1] = np.int16(to_x), np.int16(to_y)
        cost = rest + motion_satd(f, refs, s, motion) + g.settings.sqrt_lambda * vector_bits(f, s, i, ref_idx)
        if cost < best:
            best, best_x, best_y = cost, to_x, to_y
    vector[0], vector[1] = best_x, best_y
    put_list(s, i, ref_idx)
    return best


@kernel
def _try_trained(f, refs, s, context, sets, rest):
    """The best trained filters for the motion in g.motion.choice, into it. -> J; rest: that without SATD and set"""
    motion, contexts = s.work[0].motion.choice.motion, s.estimator.state[0].contexts
    best, chosen = np.inf, np.int64(0)
    for k in range(1, sets + 1):
        motion.filter_set = np.int8(k)
        bits = _set_bits(contexts, context, sets, np.int64(k))
        cost = rest + motion_satd(f, refs, s, motion) + s.work[0].settings.sqrt_lambda * bits
        if cost < best:
            best, chosen = cost, np.int64(k)
    motion.filter_set = np.int8(chosen)
    return best


@kernel
def choose_filter_set(f, refs, s, walk, cost, whole):
    """The filters of the block whose vectors are in g.motion.choice and whose J is `cost` without their rate. -> J

    A block that is predicted from both lists has H.265's: the mean does what trained ones would.

    whole  the block is its unit: a vector of its own is refined with trained filters, and the worse way, H.265's
           filters or the best trained ones, goes to g.motion.other and other_cost
    """
    g, b = s.work[0], s.inter.block[0]
    sets = np.int64(f.slices[b.slice_idx].filter_sets)
    choice = g.motion.choice
    one_list = choice.motion.ref_idx[0] < 0 or choice.motion.ref_idx[1] < 0
    if whole:
        g.motion.other_cost = np.inf
    if sets == 0 or not one_list:
        return cost
    context = interpolation_context(f, walk, b.x, b.y)
    rest = cost - motion_satd(f, refs, s, choice.motion)
    bits = _set_bits(s.estimator.state[0].contexts, context, sets, np.int64(0))
    g.motion.ways[0], g.motion.way_costs[0] = choice, cost + g.settings.sqrt_lambda * bits
    trained = _try_trained(f, refs, s, context, sets, rest)
    if whole:
        i = np.int64(0 if choice.motion.ref_idx[0] >= 0 else 1)
        trained = _refine(f, refs, s, i, np.int64(choice.motion.ref_idx[i]), trained)
    g.motion.ways[1], g.motion.way_costs[1] = choice, trained
    way = np.int64(trained < g.motion.way_costs[0])
    g.motion.choice = g.motion.ways[way]
    if whole:
        g.motion.other, g.motion.other_cost = g.motion.ways[1 - way], g.motion.way_costs[1 - way]
    return g.motion.way_costs[way]
