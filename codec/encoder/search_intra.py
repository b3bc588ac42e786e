"""Intra mode decision of a coding unit: rough costs, full cost of the best, chroma mode.

Every function leaves its choice in the frame (units, planes) and in the CTU's coefficients, and the estimator's
contexts as they are behind it. Costs are J = SSE + lambda * bits, the luma search blind to chroma and vice versa.
"""

import numpy as np

from codec.cabac.contexts import PREV_INTRA_LUMA_PRED_FLAG
from codec.cabac.engine import code_bin, code_bypass_bits
from codec.cabac.tables import ENTROPY_BITS, ONE_BIT
from codec.encoder.distortion import copy_block, satd_modes
from codec.encoder.residual_tree import chroma_tree, code_luma_block, luma_tree, may_skip_transform
from codec.encoder.search_block import copy_contexts
from codec.encoder.search_state import CTX_MODE_START
from codec.kernels.jit import kernel
from codec.recon.intra import predict_all_modes
from codec.recon.intra_reference import fetch_reference, filter_reference
from codec.recon.mpm import chroma_mode, most_probable_modes
from codec.syntax.coding_unit import code_chroma_pred_mode
from codec.syntax.walk import left_available, up_available

_MODES = 35


@kernel(inline=True)
def _mode_bits(contexts, m0, m1, m2, mode):
    """Rate of a luma mode: prev_intra_luma_pred_flag and mpm_idx or rem_intra_luma_pred_mode, in 1/32768 bit."""
    state = np.int64(contexts[PREV_INTRA_LUMA_PRED_FLAG])
    if mode == m0:
        return np.int64(ENTROPY_BITS[state ^ 1]) + ONE_BIT
    if mode == m1 or mode == m2:
        return np.int64(ENTROPY_BITS[state ^ 1]) + 2 * ONE_BIT
    return np.int64(ENTROPY_BITS[state]) + 5 * ONE_BIT


@kernel(inline=True)
def _count_mode(e, m0, m1, m2, mode):
    """Count a luma mode, as _mode_bits, and move the context on."""
    is_mpm = mode == m0 or mode == m1 or mode == m2
    code_bin(e, PREV_INTRA_LUMA_PRED_FLAG, np.int64(is_mpm))
    if is_mpm:
        code_bypass_bits(e, 1 if mode == m0 else 2, 0)
    else:
        code_bypass_bits(e, 5, 0)


@kernel
def _select(s, wanted, m0, m1, m2):
    """The modes to code in full, in g.candidates. -> count

    The `wanted` cheapest of g.costs, best first, as far as they are within g.mode_limit of the best; then the most
    probable modes.
    """
    g = s.work[0]
    count = np.int64(0)
    for mode in range(_MODES):
        cost = g.costs[mode]
        if count == wanted and cost >= g.costs[g.candidates[count - 1]]:
            continue
        at = min(count, wanted - 1)
        while at > 0 and g.costs[g.candidates[at - 1]] > cost:
            g.candidates[at] = g.candidates[at - 1]
            at -= 1
        g.candidates[at] = mode
        count = min(count + 1, wanted)
    while g.costs[g.candidates[count - 1]] > g.mode_limit * g.costs[g.candidates[0]]:
        count -= 1
    if not g.try_probable_modes:
        return count
    for mpm in (m0, m1, m2):
        known = False
        for k in range(count):
            known |= g.candidates[k] == mpm
        if not known:
            g.candidates[count] = mpm
            count += 1
    return count


@kernel
def _add_satd(f, s, x, y, log2_size):
    """Predict the block in all 35 modes into g.predictions and add their SATD to g.costs."""
    g = s.work[0]
    p = f.params[0]
    bit_depth = np.int64(p.bit_depth_y)
    r = g.recon
    copy_block(s.luma, x, y, 1 << log2_size, g.source)
    fetch_reference(f, f.luma, 0, x, y, log2_size, r.reference)
    filter_reference(r.reference, 1 << log2_size, r.smoothed, p.strong_intra_smoothing, bit_depth)
    predict_all_modes(r.reference, r.smoothed, log2_size, bit_depth, g.predictions, r.intra)
    satd_modes(g.source, g.predictions, log2_size, g.satd, g.satd_scratch)
    for mode in range(_MODES):
        g.costs[mode] += g.satd[mode]


@kernel
def _rough_costs(f, s, x, y, log2_size, m0, m1, m2):
    """(rough mode decision) g.costs = SATD + sqrt(lambda) * bits of all 35 modes.

    Up to 32x32 the predictions stay in g.predictions. A 64x64 block is judged by its four 32x32 blocks, which for want
    of a reconstruction predict from the source inside the block.
    """
    g = s.work[0]
    weight = s.work[0].sqrt_lambda / ONE_BIT
    for mode in range(_MODES):
        g.costs[mode] = weight * _mode_bits(s.estimator.state[0].contexts, m0, m1, m2, np.int64(mode))
    if log2_size <= 5:
        _add_satd(f, s, x, y, log2_size)
        return
    for v in range(y, y + 64):
        for u in range(np.uint64(x), np.uint64(x + 64)):
            f.luma[v, u] = s.luma[v, u]
    for k in range(4):
        _add_satd(f, s, x + 32 * (k & 1), y + 32 * (k >> 1), 5)


@kernel
def _set_luma_mode(f, x, y, size, mode):
    for v in range(y >> 2, (y + size) >> 2):
        for u in range(x >> 2, (x + size) >> 2):
            f.units[v, u].intra_luma_mode = np.int8(mode)


@kernel
def search_luma(f, s, walk, coeffs, x, y, log2_size, depth, max_depth, limit):
    """Mode and residual quadtree of one luma prediction block. -> whether any mode's rough cost is below `limit`

    depth  transform depth of the block: 1 for the parts of an NxN unit
    """
    g = s.work[0]
    e = s.estimator
    nxn = depth == 1
    m0, m1, m2 = most_probable_modes(f, x, y, left_available(f, walk, x), up_available(f, walk, y))
    _rough_costs(f, s, x, y, log2_size, m0, m1, m2)
    count = _select(s, g.modes_small if log2_size <= 3 else g.modes_large, m0, m1, m2)
    if g.costs[g.candidates[0]] >= limit:
        return False

    copy_contexts(e.state[0].contexts, g.contexts[CTX_MODE_START])
    best = np.inf
    best_mode = g.candidates[0]
    for k in range(count):
        mode = g.candidates[k]
        copy_contexts(g.contexts[CTX_MODE_START], e.state[0].contexts)
        e.state[0].bits = 0
        _count_mode(e, m0, m1, m2, mode)
        if log2_size > 5:
            mode_cost = g.lambda_mode * e.state[0].bits / ONE_BIT
            cost = mode_cost + luma_tree(f, s, coeffs, x, y, log2_size, depth, np.int64(0), mode, np.int64(0))
        else:
            may_split = log2_size > f.params[0].log2_min_tb_size and depth < max_depth
            cost, _, _ = code_luma_block(
                f, s, x, y, log2_size, depth, may_split, mode, g.predictions[mode], 1,
                may_skip_transform(f, s, log2_size, nxn),
            )  # fmt: skip
        if cost < best:
            best = cost
            best_mode = mode
    _set_luma_mode(f, x, y, 1 << log2_size, best_mode)
    copy_contexts(g.contexts[CTX_MODE_START], e.state[0].contexts)
    e.state[0].bits = 0
    _count_mode(e, m0, m1, m2, best_mode)
    luma_tree(f, s, coeffs, x, y, log2_size, depth, max_depth, best_mode, np.int64(0))
    return True


@kernel
def search_chroma(f, s, coeffs, x0, y0, log2_cb_size):
    """Chroma mode of a coding unit by full cost: of all five, or only that of luma."""
    g = s.work[0]
    e = s.estimator
    size = 1 << log2_cb_size
    luma_mode = np.int64(f.units[y0 >> 2, x0 >> 2].intra_luma_mode)
    copy_contexts(e.state[0].contexts, g.contexts[CTX_MODE_START])
    best = np.inf
    best_idc = np.int64(4)
    last_idc = np.int64(-1)
    for k in range(g.chroma_modes):
        # the derived mode first: it is the most frequent, and bounds the others
        idc = np.int64(4 - k)
        copy_contexts(g.contexts[CTX_MODE_START], e.state[0].contexts)
        e.state[0].bits = 0
        code_chroma_pred_mode(e, idc)
        mode_cost = g.lambda_mode * e.state[0].bits / ONE_BIT
        mode = chroma_mode(idc, luma_mode)
        cost = mode_cost + chroma_tree(f, s, coeffs, x0, y0, log2_cb_size, mode, best - mode_cost)
        last_idc = idc
        if cost < best:
            best = cost
            best_idc = idc
    mode = chroma_mode(best_idc, luma_mode)
    for v in range(y0 >> 2, (y0 + size) >> 2):
        for u in range(x0 >> 2, (x0 + size) >> 2):
            f.units[v, u].chroma_pred_idc = np.int8(best_idc)
            f.units[v, u].intra_chroma_mode = np.int8(mode)
    if last_idc != best_idc:
        copy_contexts(g.contexts[CTX_MODE_START], e.state[0].contexts)
        code_chroma_pred_mode(e, best_idc)
        chroma_tree(f, s, coeffs, x0, y0, log2_cb_size, mode, np.inf)
