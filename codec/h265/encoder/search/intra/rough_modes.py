"""Which intra modes are worth coding in full: luma by SATD, then both components by rough_cost.

All but rough_block leave their modes in g.candidates, best first, and their costs in g.refined; the estimator is only
looked at.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.distortion import copy_block, difference, satd
from codec.h265.cabac.contexts import INTRA_CHROMA_PRED_MODE, PREV_INTRA_LUMA_PRED_FLAG
from codec.h265.cabac.tables import ENTROPY_BITS, ONE_BIT
from codec.h265.encoder.search.residual.forward_transform import forward_transform
from codec.h265.encoder.search.rough_cost import rough_cost
from codec.h265.recon.intra import predict_all_modes, predict_intra
from codec.h265.recon.intra_reference import fetch_reference, filter_reference, needs_filter
from codec.h265.recon.mpm import chroma_mode
from codec.h265.recon.reconstruct import block_qp
from codec.h265.structs import INTRA_DC, INTRA_PLANAR, MAX_CTB_SIZE

_MODES = 35
_FIRST_ANGULAR = 2
_CHROMA_MODES = 5
# modes, a bit each
_ALL_MODES = np.int64((1 << _MODES) - 1)
# of rough_block: angles between those tried first, and bits of a mode
_COARSE_STEP = 4
_MODE_BITS = 3.0


@kernel(inline=True)
def _mode_bits(contexts, m0, m1, m2, mode):
    """Rate of a luma mode: prev_intra_luma_pred_flag and mpm_idx or rem_intra_luma_pred_mode, in 1/32768 bit."""
    state = np.int64(contexts[PREV_INTRA_LUMA_PRED_FLAG])
    if mode == m0:
        return np.int64(ENTROPY_BITS[state ^ 1]) + ONE_BIT
    if mode == m1 or mode == m2:
        return np.int64(ENTROPY_BITS[state ^ 1]) + 2 * ONE_BIT
    return np.int64(ENTROPY_BITS[state]) + 5 * ONE_BIT


@kernel
def _insert(g, count, mode, cost):
    """Put a mode in its place behind `count` ordered ones."""
    at = np.int64(count)
    while at > 0 and g.refined[at - 1] > cost:
        g.refined[at] = g.refined[at - 1]
        g.candidates[at] = g.candidates[at - 1]
        at -= 1
    g.refined[at] = cost
    g.candidates[at] = mode


@kernel
def _within(g, count, limit):
    """How many of the first `count` modes cost at most `limit` times the least."""
    while g.refined[count - 1] > limit * g.refined[0]:
        count -= 1
    return count


@kernel
def _begin_block(f, s, x, y, log2_size):
    """Source and reference lines of a luma block."""
    p = f.params[0]
    r = s.work[0].recon
    copy_block(s.luma, x, y, 1 << log2_size, s.work[0].source)
    fetch_reference(f, f.luma, 0, x, y, log2_size, r.reference)
    filter_reference(r.reference, 1 << log2_size, r.smoothed, p.strong_intra_smoothing, np.int64(p.bit_depth_y))


@kernel
def _satd_of(f, s, mode, log2_size):
    """Predict the block begun into g.predictions[mode]. -> its SATD"""
    g = s.work[0]
    r = g.recon
    line = r.smoothed if needs_filter(mode, log2_size, 0) else r.reference
    predict_intra(line, mode, log2_size, np.int64(0), np.int64(f.params[0].bit_depth_y), g.predictions[mode], r.intra)
    return satd(g.source, 0, g.predictions[mode], 0, log2_size)


@kernel
def _add_satd(f, s, log2_size, modes):
    """Predict the block begun in these modes, a bit each, into g.predictions and add their SATD to g.costs."""
    g = s.work[0]
    if modes != _ALL_MODES:
        for mode in range(_MODES):
            if (modes >> mode) & 1:
                g.costs[mode] += _satd_of(f, s, np.int64(mode), log2_size)
        return
    r = g.recon
    predict_all_modes(r.reference, r.smoothed, log2_size, np.int64(f.params[0].bit_depth_y), g.predictions, r.intra)
    for mode in range(_MODES):
        g.costs[mode] += satd(g.source, 0, g.predictions[mode], 0, log2_size)


@kernel
def _find_mode(f, s, log2_size):
    """The best mode of the block begun by SATD: of planar, DC and every fourth angle, then of those between."""
    best_satd = _satd_of(f, s, np.int64(INTRA_PLANAR), log2_size)
    best = np.int64(INTRA_PLANAR)
    found = _satd_of(f, s, np.int64(INTRA_DC), log2_size)
    if found < best_satd:
        best, best_satd = np.int64(INTRA_DC), found
    angle, angle_satd = np.int64(_FIRST_ANGULAR), np.int64(1 << 62)
    for k in range(_FIRST_ANGULAR, _MODES, _COARSE_STEP):
        found = _satd_of(f, s, np.int64(k), log2_size)
        if found < angle_satd:
            angle, angle_satd = np.int64(k), found
    for step in (_COARSE_STEP // 2, _COARSE_STEP // 4):
        centre = angle
        for k in (centre - step, centre + step):
            if _FIRST_ANGULAR <= k < _MODES:
                found = _satd_of(f, s, np.int64(k), log2_size)
                if found < angle_satd:
                    angle, angle_satd = np.int64(k), found
    return angle if angle_satd < best_satd else best


@kernel
def _likely_modes(g, x, y, log2_size, m0, m1, m2):
    """Planar, DC, the most probable modes, and what rough_tree found for the block with its neighbours, a bit each."""
    one = np.int64(1)
    modes = one << INTRA_PLANAR | one << INTRA_DC | one << m0 | one << m1 | one << m2
    found = np.int64(g.rough_modes[log2_size - 2, (y & (MAX_CTB_SIZE - 1)) >> 2, (x & (MAX_CTB_SIZE - 1)) >> 2])
    for mode in range(max(found - 1, _FIRST_ANGULAR), min(found + 2, _MODES)):
        modes |= one << mode
    return modes


@kernel
def _rough_costs(f, s, x, y, log2_size, m0, m1, m2):
    """g.costs = SATD + sqrt(lambda) * bits of all 35 modes, or of the likely ones and infinite.

    Up to 32x32 the predictions stay in g.predictions. A 64x64 block is judged by its four 32x32 blocks, which for want
    of a reconstruction predict from the source inside the block.
    """
    g = s.work[0]
    weight = s.work[0].sqrt_lambda / ONE_BIT
    for mode in range(_MODES):
        g.costs[mode] = weight * _mode_bits(s.estimator.state[0].contexts, m0, m1, m2, np.int64(mode))
    modes = _ALL_MODES
    if g.planned and not g.all_modes and log2_size <= 5:
        modes = _likely_modes(g, x, y, log2_size, m0, m1, m2)
        for mode in range(_MODES):
            if not (modes >> mode) & 1:
                g.costs[mode] = np.inf
    if log2_size <= 5:
        _begin_block(f, s, x, y, log2_size)
        _add_satd(f, s, log2_size, modes)
        return
    for v in range(y, y + 64):
        for u in range(np.uint64(x), np.uint64(x + 64)):
            f.luma[v, u] = s.luma[v, u]
    for k in range(4):
        _begin_block(f, s, x + 32 * (k & 1), y + 32 * (k >> 1), np.int64(5))
        _add_satd(f, s, np.int64(5), modes)


@kernel
def _cheapest(g, wanted):
    """Put the `wanted` modes of least g.costs in order. -> how many"""
    count = np.int64(0)
    for mode in range(_MODES):
        cost = g.costs[mode]
        if count < wanted or cost < g.refined[count - 1]:
            count = min(count, wanted - 1)
            _insert(g, count, np.int64(mode), cost)
            count += 1
    return count


@kernel
def _select(g, wanted, limit, m0, m1, m2):
    """The `wanted` cheapest of g.costs and the most probable modes, within `limit` times the least. -> count"""
    count = _within(g, _cheapest(g, wanted), limit)
    if not g.try_probable_modes:
        return count
    limit *= g.refined[0]
    for mpm in (m0, m1, m2):
        wanted_too = g.costs[mpm] <= limit
        for k in range(count):
            wanted_too &= g.candidates[k] != mpm
        if wanted_too:
            g.candidates[count] = mpm
            count += 1
    return count


@kernel
def _refine(f, s, log2_size, m0, m1, m2, count):
    """Order the modes by rough_cost of what their predictions leave, and drop those above g.full_limit. -> count"""
    g = s.work[0]
    n = 1 << (2 * log2_size)
    bit_depth = np.int64(f.params[0].bit_depth_y)
    qp = block_qp(f, 0, g.qp_y, 0)
    contexts = s.estimator.state[0].contexts
    for k in range(count):
        mode = g.candidates[k]
        difference(g.source, 0, g.predictions[mode], 0, n, g.residual)
        forward_transform(g.residual, 0, log2_size, log2_size == 2, bit_depth, g.transformed, g.stage)
        cost, _ = rough_cost(g.transformed, log2_size, qp, bit_depth, g.lambda_mode)
        _insert(g, k, mode, cost + g.lambda_mode * _mode_bits(contexts, m0, m1, m2, mode) / ONE_BIT)
    return _within(g, count, g.full_limit[log2_size - 2])


@kernel
def rough_luma(f, s, x, y, log2_size, m0, m1, m2):
    """The modes of a luma block to code in full, in g.candidates; the least rough cost in g.rough_intra. -> count

    m0, m1, m2  the most probable modes. Predictions of blocks up to 32x32 are in g.predictions, the source in g.source.
    """
    g = s.work[0]
    _rough_costs(f, s, x, y, log2_size, m0, m1, m2)
    wanted = g.modes_small if log2_size <= 3 else g.modes_large
    count = _select(g, wanted, g.mode_limit[log2_size - 2], m0, m1, m2)
    g.rough_intra = g.costs[g.candidates[0]]
    if log2_size > 5 or g.bypass:
        return count
    return _refine(f, s, log2_size, m0, m1, m2, count)


@kernel
def rough_block(f, s, x, y, log2_size):
    """Rough cost of a luma block of up to 32x32 samples, predicted from what the frame holds around it.

    In the mode that is best by SATD, which goes to g.rough_modes; what a mode costs to tell is the same for all.
    """
    g = s.work[0]
    _begin_block(f, s, x, y, log2_size)
    mode = _find_mode(f, s, log2_size)
    g.rough_modes[log2_size - 2, (y & (MAX_CTB_SIZE - 1)) >> 2, (x & (MAX_CTB_SIZE - 1)) >> 2] = np.int8(mode)
    bit_depth = np.int64(f.params[0].bit_depth_y)
    difference(g.source, 0, g.predictions[mode], 0, 1 << (2 * log2_size), g.residual)
    forward_transform(g.residual, 0, log2_size, log2_size == 2, bit_depth, g.transformed, g.stage)
    cost, _ = rough_cost(g.transformed, log2_size, block_qp(f, 0, g.qp_y, 0), bit_depth, g.lambda_mode)
    return cost + _MODE_BITS * g.lambda_mode


@kernel
def rough_chroma(f, s, x0, y0, log2_cb_size, luma_mode):
    """The values of intra_chroma_pred_mode to code in full, in g.candidates. -> count

    Judged by one block a component, whatever the residual quadtree is.
    """
    g = s.work[0]
    if g.chroma_modes == 1:
        g.candidates[0] = 4
        return np.int64(1)
    log2_size = min(log2_cb_size - 1, 5)
    n = 1 << (2 * log2_size)
    bit_depth = np.int64(f.params[0].bit_depth_c)
    state = np.int64(s.estimator.state[0].contexts[INTRA_CHROMA_PRED_MODE])
    g.costs[4] = g.lambda_mode * np.int64(ENTROPY_BITS[state]) / ONE_BIT
    for idc in range(4):
        g.costs[idc] = g.lambda_mode * (np.int64(ENTROPY_BITS[state ^ 1]) + 2 * ONE_BIT) / ONE_BIT
    r = g.recon
    for c_idx in range(1, 3):
        source = s.cb if c_idx == 1 else s.cr
        plane = f.cb if c_idx == 1 else f.cr
        weight = g.weight_cb if c_idx == 1 else g.weight_cr
        qp = block_qp(f, 0, g.qp_y, c_idx)
        copy_block(source, x0 >> 1, y0 >> 1, 1 << log2_size, g.source)
        fetch_reference(f, plane, np.int64(c_idx), x0 >> 1, y0 >> 1, log2_size, r.reference)
        for idc in range(_CHROMA_MODES):
            mode = chroma_mode(np.int64(idc), luma_mode)
            predict_intra(r.reference, mode, log2_size, np.int64(c_idx), bit_depth, r.prediction, r.intra)
            difference(g.source, 0, r.prediction, 0, n, g.residual)
            forward_transform(g.residual, 0, log2_size, False, bit_depth, g.transformed, g.stage)
            cost, _ = rough_cost(g.transformed, log2_size, qp, bit_depth, g.lambda_rdoq[c_idx])
            g.costs[idc] += weight * cost
    for idc in range(_CHROMA_MODES):
        _insert(g, idc, np.int64(idc), g.costs[idc])
    return _within(g, np.int64(_CHROMA_MODES), g.chroma_limit)
