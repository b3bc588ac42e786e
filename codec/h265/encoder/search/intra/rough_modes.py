"""Which intra modes are worth coding in full: luma by SATD, then both components by rough_cost.

All but rough_block leave their modes in g.intra.candidates, best first, and their costs in g.intra.refined; the
estimator is only looked at. What luma modes cost to tell is in g.intra.rates.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.distortion import copy_block, difference, satd
from codec.h265.cabac.contexts import (
    CHROMA_FROM_LUMA_FLAG,
    CHROMA_MODEL_IDX,
    CHROMA_NET_FLAG,
    INTRA_CHROMA_PRED_MODE,
)
from codec.h265.cabac.tables import ENTROPY_BITS, ONE_BIT
from codec.h265.encoder.search.residual.forward_transform import forward_transform
from codec.h265.encoder.search.rough_cost import rough_cost
from codec.h265.intra_modes import (
    CCCM,
    CHROMA_NET,
    DERIVED_CHROMA,
    FIRST_ANGULAR,
    INTRA_DC,
    INTRA_PLANAR,
    LINEAR_MODELS,
    LM,
    MODES,
    MPMS,
    SMOOTHED,
)
from codec.h265.recon.cross_component import prepare_luma
from codec.h265.recon.intra import predict_all_modes, predict_intra
from codec.h265.recon.intra_reference import fetch_reference, filter_reference
from codec.h265.recon.mpm import chroma_mode
from codec.h265.recon.reconstruct import block_qp, predict_chroma, prepare_from_luma, uses_reference
from codec.h265.structs import MAX_CTB_SIZE

_CHROMA_MODES = DERIVED_CHROMA + 1
# of rough_block: angles between those tried first, and bits of a mode
_COARSE_STEP = 4
_MODE_BITS = 3.0
# of rough_chroma: what CCCM, or its mean with planar prediction, may cost of the least for the net to be tried
_NET_LIMIT = 1.15


@kernel
def _insert(g, count, mode, cost):
    """Put a mode in its place behind `count` ordered ones."""
    at = np.int64(count)
    while at > 0 and g.intra.refined[at - 1] > cost:
        g.intra.refined[at] = g.intra.refined[at - 1]
        g.intra.candidates[at] = g.intra.candidates[at - 1]
        at -= 1
    g.intra.refined[at] = cost
    g.intra.candidates[at] = mode


@kernel
def _within(g, count, limit):
    """How many of the first `count` modes cost at most `limit` times the least."""
    while g.intra.refined[count - 1] > limit * g.intra.refined[0]:
        count -= 1
    return count


@kernel
def _begin_block(f, s, x, y, log2_size):
    """Source and reference lines of a luma block."""
    p = f.params[0]
    r = s.work[0].block.recon
    copy_block(s.luma, x, y, 1 << log2_size, s.work[0].block.source)
    fetch_reference(f, f.luma, 0, x, y, log2_size, r.reference)
    filter_reference(r.reference, 1 << log2_size, r.smoothed, p.strong_intra_smoothing, np.int64(p.bit_depth_y))


@kernel
def _satd_of(f, s, mode, log2_size):
    """Predict the block begun into g.intra.predictions[mode]. -> its SATD"""
    g = s.work[0]
    r = g.block.recon
    line = r.smoothed if SMOOTHED[log2_size - 2, mode] else r.reference
    predict_intra(
        line, mode, log2_size, np.int64(0), np.int64(f.params[0].bit_depth_y), g.intra.predictions[mode], r.intra
    )
    return satd(g.block.source, 0, g.intra.predictions[mode], 0, log2_size)


@kernel
def _add_satd(f, s, log2_size, all_modes):
    """Predict the block begun in all modes, or those to be looked at, and add their SATD to g.intra.costs."""
    g = s.work[0]
    if not all_modes:
        for mode in range(MODES):
            if g.intra.looked_at[mode]:
                g.intra.costs[mode] += _satd_of(f, s, np.int64(mode), log2_size)
        return
    r, bit_depth = g.block.recon, np.int64(f.params[0].bit_depth_y)
    predict_all_modes(r.reference, r.smoothed, log2_size, bit_depth, g.intra.predictions, r.intra)
    for mode in range(MODES):
        g.intra.costs[mode] += satd(g.block.source, 0, g.intra.predictions[mode], 0, log2_size)


@kernel
def _find_mode(f, s, log2_size):
    """The best mode of the block begun by SATD: of planar, DC and every fourth angle, then of those between."""
    best_satd = _satd_of(f, s, np.int64(INTRA_PLANAR), log2_size)
    best = np.int64(INTRA_PLANAR)
    found = _satd_of(f, s, np.int64(INTRA_DC), log2_size)
    if found < best_satd:
        best, best_satd = np.int64(INTRA_DC), found
    angle, angle_satd = np.int64(FIRST_ANGULAR), np.int64(1 << 62)
    for k in range(FIRST_ANGULAR, MODES, _COARSE_STEP):
        found = _satd_of(f, s, np.int64(k), log2_size)
        if found < angle_satd:
            angle, angle_satd = np.int64(k), found
    for step in (_COARSE_STEP // 2, _COARSE_STEP // 4):
        centre = angle
        for k in (centre - step, centre + step):
            if FIRST_ANGULAR <= k < MODES:
                found = _satd_of(f, s, np.int64(k), log2_size)
                if found < angle_satd:
                    angle, angle_satd = np.int64(k), found
    return angle if angle_satd < best_satd else best


@kernel
def _look_at_likely_modes(g, x, y, log2_size):
    """Planar, DC, the most probable modes, and what rough_tree found for the block with its neighbours.

    The costs of all others become infinite.
    """
    wanted = g.intra.looked_at
    wanted[:] = 0
    wanted[INTRA_PLANAR] = wanted[INTRA_DC] = 1
    for k in range(MPMS):
        wanted[g.intra.mpm[k]] = 1
    found = np.int64(g.rough.modes[log2_size - 2, (y & (MAX_CTB_SIZE - 1)) >> 2, (x & (MAX_CTB_SIZE - 1)) >> 2])
    for mode in range(max(found - 1, FIRST_ANGULAR), min(found + 2, MODES)):
        wanted[mode] = 1
    for mode in range(MODES):
        if not wanted[mode]:
            g.intra.costs[mode] = np.inf


@kernel
def _rough_costs(f, s, x, y, log2_size):
    """g.intra.costs = SATD + sqrt(lambda) * bits of all modes, or of the likely ones and infinite.

    Up to 32x32 the predictions stay in g.intra.predictions. A 64x64 block is judged by its four 32x32 blocks, which for
    want of a reconstruction predict from the source inside the block.
    """
    g = s.work[0]
    weight = g.settings.sqrt_lambda / ONE_BIT
    for mode in range(MODES):
        g.intra.costs[mode] = weight * g.intra.rates[mode]
    all_modes = not g.rough.planned or g.settings.all_modes != 0 or log2_size > 5
    if not all_modes:
        _look_at_likely_modes(g, x, y, log2_size)
    if log2_size <= 5:
        _begin_block(f, s, x, y, log2_size)
        _add_satd(f, s, log2_size, all_modes)
        return
    for v in range(y, y + 64):
        for u in range(np.uint64(x), np.uint64(x + 64)):
            f.luma[v, u] = s.luma[v, u]
    for k in range(4):
        _begin_block(f, s, x + 32 * (k & 1), y + 32 * (k >> 1), np.int64(5))
        _add_satd(f, s, np.int64(5), all_modes)


@kernel
def _cheapest(g, wanted):
    """Put the `wanted` modes of least g.intra.costs in order. -> how many"""
    count = np.int64(0)
    for mode in range(MODES):
        cost = g.intra.costs[mode]
        if count < wanted or cost < g.intra.refined[count - 1]:
            count = min(count, wanted - 1)
            _insert(g, count, np.int64(mode), cost)
            count += 1
    return count


@kernel
def _select(g, wanted, limit):
    """The `wanted` cheapest of g.intra.costs and the most probable modes, within `limit` times the least. -> count"""
    count = _within(g, _cheapest(g, wanted), limit)
    if not g.settings.try_probable_modes:
        return count
    limit *= g.intra.refined[0]
    for place in range(MPMS):
        mpm = g.intra.mpm[place]
        wanted_too = g.intra.costs[mpm] <= limit
        for k in range(count):
            wanted_too &= g.intra.candidates[k] != mpm
        if wanted_too:
            g.intra.candidates[count] = mpm
            count += 1
    return count


@kernel
def _refine(f, s, log2_size, count):
    """Order the modes by rough_cost of what their predictions leave, and drop those above full_limit. -> count"""
    g = s.work[0]
    n = 1 << (2 * log2_size)
    bit_depth = np.int64(f.params[0].bit_depth_y)
    qp = block_qp(f, g.unit.slice_idx, g.unit.qp_y, 0)
    for k in range(count):
        mode = g.intra.candidates[k]
        difference(g.block.source, 0, g.intra.predictions[mode], 0, n, g.block.residual)
        forward_transform(g.block.residual, 0, log2_size, log2_size == 2, bit_depth, g.block.transformed, g.block.stage)
        cost, _ = rough_cost(g.block.transformed, log2_size, qp, bit_depth, g.settings.lambda_mode)
        _insert(g, k, mode, cost + g.settings.lambda_mode * g.intra.rates[mode] / ONE_BIT)
    return _within(g, count, g.settings.full_limit[log2_size - 2])


@kernel
def rough_luma(f, s, x, y, log2_size):
    """The modes of a luma block to code in full, in g.intra.candidates; the least rough cost in g.intra.least. -> count

    g.intra.mpm has the most probable modes, g.intra.rates what each costs. Predictions of blocks up to 32x32 are in
    g.intra.predictions, the source in g.block.source.
    """
    g = s.work[0]
    _rough_costs(f, s, x, y, log2_size)
    wanted = g.settings.modes_small if log2_size <= 3 else g.settings.modes_large
    count = _select(g, wanted, g.settings.mode_limit[log2_size - 2])
    g.intra.least = g.intra.costs[g.intra.candidates[0]]
    if log2_size > 5 or g.unit.bypass:
        return count
    return _refine(f, s, log2_size, count)


@kernel
def rough_block(f, s, x, y, log2_size):
    """Rough cost of a luma block of up to 32x32 samples, predicted from what the frame holds around it.

    In the mode that is best by SATD, which goes to g.rough.modes; what a mode costs to tell is the same for all.
    """
    g = s.work[0]
    _begin_block(f, s, x, y, log2_size)
    mode = _find_mode(f, s, log2_size)
    g.rough.modes[log2_size - 2, (y & (MAX_CTB_SIZE - 1)) >> 2, (x & (MAX_CTB_SIZE - 1)) >> 2] = np.int8(mode)
    bit_depth = np.int64(f.params[0].bit_depth_y)
    difference(g.block.source, 0, g.intra.predictions[mode], 0, 1 << (2 * log2_size), g.block.residual)
    forward_transform(g.block.residual, 0, log2_size, log2_size == 2, bit_depth, g.block.transformed, g.block.stage)
    cost, _ = rough_cost(
        g.block.transformed, log2_size, block_qp(f, g.unit.slice_idx, g.unit.qp_y, 0), bit_depth, g.settings.lambda_mode
    )
    return cost + _MODE_BITS * g.settings.lambda_mode


@kernel
def _chroma_rates(s, models):
    """g.intra.costs = lambda * bits of each value of intra_chroma_pred_mode."""
    g = s.work[0]
    contexts, lam = s.estimator.state[0].contexts, g.settings.lambda_mode
    plain, modelled = np.int64(0), np.int64(0)
    if models > 0:
        state = np.int64(contexts[CHROMA_FROM_LUMA_FLAG])
        plain, modelled = np.int64(ENTROPY_BITS[state]), np.int64(ENTROPY_BITS[state ^ 1])
    state = np.int64(contexts[INTRA_CHROMA_PRED_MODE])
    g.intra.costs[DERIVED_CHROMA] = lam * (plain + np.int64(ENTROPY_BITS[state])) / ONE_BIT
    for idc in range(DERIVED_CHROMA):
        g.intra.costs[idc] = lam * (plain + np.int64(ENTROPY_BITS[state ^ 1]) + 2 * ONE_BIT) / ONE_BIT
    if models > LINEAR_MODELS:
        models = np.int64(LINEAR_MODELS)
        state = np.int64(contexts[CHROMA_NET_FLAG])
        g.intra.costs[_CHROMA_MODES + models] = lam * (modelled + np.int64(ENTROPY_BITS[state ^ 1])) / ONE_BIT
        modelled += np.int64(ENTROPY_BITS[state])
    for k in range(models):
        state = np.int64(contexts[CHROMA_MODEL_IDX + min(k, models - 2)])
        ends = np.int64(0) if k + 1 == models else np.int64(ENTROPY_BITS[state])
        g.intra.costs[_CHROMA_MODES + k] = lam * (modelled + ends) / ONE_BIT
        modelled += np.int64(ENTROPY_BITS[state ^ 1])


@kernel
def _add_chroma(f, s, c_idx, x, y, log2_size, idc, luma_mode, begins):
    """Add the rough cost of a component's block in one chroma mode to g.intra.costs.

    begins  source and reference line are those of another component
    """
    g = s.work[0]
    r, n, bit_depth = g.block.recon, 1 << (2 * log2_size), np.int64(f.params[0].bit_depth_c)
    mode, plane = chroma_mode(idc, luma_mode), f.cb if c_idx == 1 else f.cr
    weight = g.settings.weight_cb if c_idx == 1 else g.settings.weight_cr
    if begins:
        copy_block(s.cb if c_idx == 1 else s.cr, x, y, 1 << log2_size, g.block.source)
        if uses_reference(mode):
            fetch_reference(f, plane, np.int64(c_idx), x, y, log2_size, r.reference)
    predict_chroma(plane, np.int64(c_idx), x, y, log2_size, mode, bit_depth, r)
    difference(g.block.source, 0, r.prediction, 0, n, g.block.residual)
    forward_transform(g.block.residual, 0, log2_size, False, bit_depth, g.block.transformed, g.block.stage)
    qp = block_qp(f, g.unit.slice_idx, g.unit.qp_y, c_idx)
    cost, _ = rough_cost(g.block.transformed, log2_size, qp, bit_depth, g.settings.lambda_rdoq[c_idx])
    g.intra.costs[idc] += weight * cost


@kernel
def _may_win(g, idc):
    """Whether the net, of value `idc`, may be better than all before it: it corrects CCCM."""
    least = g.intra.costs[0]
    for k in range(1, idc):
        least = min(least, g.intra.costs[k])
    first = _CHROMA_MODES + CCCM - LM
    return min(g.intra.costs[first], g.intra.costs[idc - 1]) <= _NET_LIMIT * least


@kernel
def rough_chroma(f, s, x0, y0, log2_cb_size, luma_mode):
    """The values of intra_chroma_pred_mode to code in full, in g.intra.candidates. -> count

    Judged by one block a component, whatever the residual quadtree is.
    """
    g = s.work[0]
    if g.settings.chroma_modes == 1:
        g.intra.candidates[0] = DERIVED_CHROMA
        return np.int64(1)
    log2_size = min(log2_cb_size - 1, 5)
    bit_depth = np.int64(f.params[0].bit_depth_c)
    models = np.int64(f.params[0].chroma_models)
    _chroma_rates(s, models)
    for c_idx in range(1, 3):
        for idc in range(_CHROMA_MODES):
            _add_chroma(f, s, c_idx, x0 >> 1, y0 >> 1, log2_size, np.int64(idc), luma_mode, idc == 0)
    if models > 0:
        prepare_luma(f, x0 >> 1, y0 >> 1, log2_size, np.int64(LM if models == 1 else CCCM), g.block.recon.cross)
    for idc in range(_CHROMA_MODES, _CHROMA_MODES + models):
        mode = chroma_mode(np.int64(idc), luma_mode)
        # 64x64 units are divided into transform blocks of 16 chroma samples: the net is not worth its time in one of 32
        if mode == CHROMA_NET and (log2_size > 4 or not _may_win(g, idc)):
            g.intra.costs[idc] = np.inf
            continue
        prepare_from_luma(f, x0 >> 1, y0 >> 1, log2_size, mode, bit_depth, g.block.recon)
        for c_idx in range(1, 3):
            _add_chroma(f, s, c_idx, x0 >> 1, y0 >> 1, log2_size, np.int64(idc), luma_mode, True)
    for idc in range(_CHROMA_MODES + models):
        _insert(g, idc, np.int64(idc), g.intra.costs[idc])
    return _within(g, np.int64(_CHROMA_MODES + models), g.settings.chroma_limit)
