"""Intra mode decision of a coding unit: rough costs, full cost of the best, residual quadtree, chroma.

Every function leaves its choice in the frame (units, planes) and in the CTU's coefficients, and the estimator's
contexts as they are behind it. Costs are J = SSE + lambda * bits, the luma search blind to chroma and vice versa.
"""

import numpy as np

from codec.cabac.contexts import PREV_INTRA_LUMA_PRED_FLAG, SPLIT_TRANSFORM_FLAG
from codec.cabac.engine import code_bin, code_bypass_bits
from codec.cabac.tables import ENTROPY_BITS, ONE_BIT
from codec.encoder.distortion import copy_block, satd_modes
from codec.encoder.search_block import (
    chroma_cbf_context,
    copy_contexts,
    count_block,
    luma_cbf_context,
    scan_of,
    trial_block,
)
from codec.encoder.search_state import (
    CTX_BLOCK_BEST,
    CTX_BLOCK_START,
    CTX_MODE_START,
    CTX_TREE_BEST,
    CTX_TREE_START,
)
from codec.kernels.jit import kernel
from codec.recon.intra import predict_all_modes
from codec.recon.intra_reference import fetch_reference, filter_reference
from codec.recon.mpm import chroma_mode, most_probable_modes
from codec.recon.order import X4, Y4, coeff_offset
from codec.recon.reconstruct import block_qp, predict_block
from codec.recon.residual import put_block
from codec.structs import PART_NxN
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
    """The `wanted` cheapest modes of g.costs in g.candidates, best first, then the most probable modes. -> count"""
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
def _keep_block(f, s, coeffs, x, y, log2_size, slot, nonzero, skip):
    """Put a trial luma block into the frame and the CTU's coefficients."""
    g = s.work[0]
    count = 1 << (2 * log2_size)
    put_block(f.luma, x, y, 1 << log2_size, g.samples[slot])
    mask = (1 << f.params[0].log2_ctb_size) - 1
    at = coeff_offset(0, x & mask, y & mask)
    levels = g.levels[slot]
    for i in range(np.uint64(count)):
        coeffs[np.uint64(at) + i] = levels[i]
    for v in range(y >> 2, (y >> 2) + (1 << (log2_size - 2))):
        for u in range(x >> 2, (x >> 2) + (1 << (log2_size - 2))):
            unit = f.units[v, u]
            unit.log2_tb_size = np.int8(log2_size)
            unit.cbf = np.int8(nonzero > 0)
            unit.transform_skip = np.int8(skip)


@kernel
def _code_luma_block(f, s, x, y, log2_size, depth, split_flag, mode, prediction, slot, try_skip):
    """Trial of one luma transform block with source and prediction given. -> (J, nonzero, transform skip)

    split_flag tells that split_transform_flag (0) is sent. The estimator's bits start at zero.
    """
    g = s.work[0]
    e = s.estimator
    qp = block_qp(f, 0, g.qp_y, 0)
    scan_idx = scan_of(0, log2_size, mode)
    cbf_context = luma_cbf_context(depth)
    if split_flag:
        code_bin(e, SPLIT_TRANSFORM_FLAG + 5 - log2_size, 0)
    if try_skip:
        copy_contexts(e.state[0].contexts, g.contexts[CTX_BLOCK_START])
    bits = e.state[0].bits
    distortion, nonzero = trial_block(f, s, 0, log2_size, scan_idx, qp, False, cbf_context, prediction, slot)
    count_block(f, s, 0, log2_size, scan_idx, False, cbf_context, nonzero, slot)
    cost = distortion + g.lambda_mode * e.state[0].bits / ONE_BIT
    if not try_skip or nonzero == 0:
        return cost, nonzero, np.int64(0)
    # transform skip goes into the next slot, and is copied over when it wins
    copy_contexts(e.state[0].contexts, g.contexts[CTX_BLOCK_BEST])
    copy_contexts(g.contexts[CTX_BLOCK_START], e.state[0].contexts)
    all_bits = e.state[0].bits
    e.state[0].bits = bits
    distortion, skip_nonzero = trial_block(f, s, 0, log2_size, scan_idx, qp, True, cbf_context, prediction, 2)
    count_block(f, s, 0, log2_size, scan_idx, True, cbf_context, skip_nonzero, 2)
    skip_cost = distortion + g.lambda_mode * e.state[0].bits / ONE_BIT
    if skip_nonzero and skip_cost < cost:
        for i in range(1 << (2 * log2_size)):
            g.levels[slot, i] = g.levels[2, i]
            g.samples[slot, i] = g.samples[2, i]
        return skip_cost, skip_nonzero, np.int64(1)
    copy_contexts(g.contexts[CTX_BLOCK_BEST], e.state[0].contexts)
    e.state[0].bits = all_bits
    return cost, nonzero, np.int64(0)


@kernel(inline=True)
def _may_skip_transform(f, s, log2_size, nxn):
    """Whether transform skip is tried: 4x4 blocks, and only in NxN units in the fast setting."""
    g = s.work[0]
    return f.params[0].transform_skip_enabled and log2_size == 2 and not g.bypass and (nxn or not g.transform_skip_fast)


@kernel
def luma_tree(f, s, coeffs, x, y, log2_size, depth, max_depth, mode, level):
    """Best residual quadtree of a luma block with a given mode. -> J, mode bits not included

    level  row of the saved states; one more per recursion
    """
    p = f.params[0]
    g = s.work[0]
    e = s.estimator
    nxn = f.units[y >> 2, x >> 2].part_mode == PART_NxN
    start = g.contexts[CTX_TREE_START + level]
    best = np.inf
    fits = log2_size <= p.log2_max_tb_size
    # (7.3.8.8) interSplit does not concern intra; IntraSplit forces the first level, which callers begin below
    may_split = log2_size > p.log2_min_tb_size and (depth < max_depth or not fits)
    if fits:
        if may_split:
            copy_contexts(e.state[0].contexts, start)
        e.state[0].bits = 0
        copy_block(s.luma, x, y, 1 << log2_size, g.source)
        predict_block(f, f.luma, 0, x, y, log2_size, mode, g.recon)
        best, nonzero, skip = _code_luma_block(
            f, s, x, y, log2_size, depth, may_split, mode, g.recon.prediction, 0,
            _may_skip_transform(f, s, log2_size, nxn),
        )  # fmt: skip
        _keep_block(f, s, coeffs, x, y, log2_size, 0, nonzero, skip)
        if not may_split or nonzero == 0:
            return best
        _save_luma(f, s, coeffs, x, y, log2_size, level)
        copy_contexts(e.state[0].contexts, g.contexts[CTX_TREE_BEST + level])
        copy_contexts(start, e.state[0].contexts)
    e.state[0].bits = 0
    if fits:
        code_bin(e, SPLIT_TRANSFORM_FLAG + 5 - log2_size, 1)
    cost = g.lambda_mode * e.state[0].bits / ONE_BIT
    half = 1 << (log2_size - 1)
    for k in range(4):
        cost += luma_tree(
            f, s, coeffs, x + half * (k & 1), y + half * (k >> 1), log2_size - 1, depth + 1, max_depth, mode, level + 1
        )
        if cost >= best:
            break
    if cost < best:
        return cost
    _restore_luma(f, s, coeffs, x, y, log2_size, level)
    copy_contexts(g.contexts[CTX_TREE_BEST + level], e.state[0].contexts)
    return best


@kernel
def _save_luma(f, s, coeffs, x, y, log2_size, level):
    """Keep the luma block's samples, levels and transform fields in row `level` of the tree's saved states."""
    g = s.work[0]
    n = 1 << log2_size
    mask = (1 << f.params[0].log2_ctb_size) - 1
    at = coeff_offset(0, x & mask, y & mask)
    unit = f.units[y >> 2, x >> 2]
    g.tree_fields[level, 0] = unit.cbf
    g.tree_fields[level, 1] = unit.transform_skip
    for i in range(np.uint64(n * n)):
        g.tree_levels[level, i] = coeffs[np.uint64(at) + i]
    copy_block(f.luma, x, y, n, g.tree_samples[level])


@kernel
def _restore_luma(f, s, coeffs, x, y, log2_size, level):
    """Put back what _save_luma kept."""
    g = s.work[0]
    n = 1 << log2_size
    mask = (1 << f.params[0].log2_ctb_size) - 1
    at = coeff_offset(0, x & mask, y & mask)
    for i in range(np.uint64(n * n)):
        coeffs[np.uint64(at) + i] = g.tree_levels[level, i]
    put_block(f.luma, x, y, n, g.tree_samples[level])
    for v in range(y >> 2, (y + n) >> 2):
        for u in range(x >> 2, (x + n) >> 2):
            unit = f.units[v, u]
            unit.log2_tb_size = np.int8(log2_size)
            unit.cbf = np.int8(g.tree_fields[level, 0])
            unit.transform_skip = np.int8(g.tree_fields[level, 1])


@kernel
def _set_luma_mode(f, x, y, size, mode):
    for v in range(y >> 2, (y + size) >> 2):
        for u in range(x >> 2, (x + size) >> 2):
            f.units[v, u].intra_luma_mode = np.int8(mode)


@kernel
def search_luma(f, s, walk, coeffs, x, y, log2_size, depth, max_depth):
    """Mode and residual quadtree of one luma prediction block.

    depth  transform depth of the block: 1 for the parts of an NxN unit
    """
    g = s.work[0]
    e = s.estimator
    nxn = depth == 1
    m0, m1, m2 = most_probable_modes(f, x, y, left_available(f, walk, x), up_available(f, walk, y))
    _rough_costs(f, s, x, y, log2_size, m0, m1, m2)
    count = _select(s, 8 if log2_size <= 3 else 3, m0, m1, m2)

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
            cost, _, _ = _code_luma_block(
                f, s, x, y, log2_size, depth, may_split, mode, g.predictions[mode], 1,
                _may_skip_transform(f, s, log2_size, nxn),
            )  # fmt: skip
        if cost < best:
            best = cost
            best_mode = mode
    _set_luma_mode(f, x, y, 1 << log2_size, best_mode)
    copy_contexts(g.contexts[CTX_MODE_START], e.state[0].contexts)
    e.state[0].bits = 0
    _count_mode(e, m0, m1, m2, best_mode)
    luma_tree(f, s, coeffs, x, y, log2_size, depth, max_depth, best_mode, np.int64(0))


@kernel
def _code_chroma_block(f, s, coeffs, c_idx, x_luma, y_luma, log2_size, depth, mode, try_skip):
    """Code one chroma block into the frame and the coefficients. -> (J, cbf, transform skip)"""
    g = s.work[0]
    e = s.estimator
    plane = f.cb if c_idx == 1 else f.cr
    source = s.cb if c_idx == 1 else s.cr
    weight = g.weight_cb if c_idx == 1 else g.weight_cr
    x, y = x_luma >> 1, y_luma >> 1
    copy_block(source, x, y, 1 << log2_size, g.source)
    predict_block(f, plane, c_idx, x, y, log2_size, mode, g.recon)
    qp = block_qp(f, 0, g.qp_y, c_idx)
    scan_idx = scan_of(c_idx, log2_size, mode)
    cbf_context = chroma_cbf_context(depth)
    slot = np.int64(0)
    skip = np.int64(0)
    if try_skip:
        copy_contexts(e.state[0].contexts, g.contexts[CTX_BLOCK_START])
    before = e.state[0].bits
    distortion, nonzero = trial_block(f, s, c_idx, log2_size, scan_idx, qp, False, cbf_context, g.recon.prediction, 0)
    count_block(f, s, c_idx, log2_size, scan_idx, False, cbf_context, nonzero, 0)
    cost = weight * distortion + g.lambda_mode * (e.state[0].bits - before) / ONE_BIT
    if try_skip and nonzero:
        copy_contexts(e.state[0].contexts, g.contexts[CTX_BLOCK_BEST])
        copy_contexts(g.contexts[CTX_BLOCK_START], e.state[0].contexts)
        plain_bits = e.state[0].bits
        e.state[0].bits = before
        distortion, skip_nonzero = trial_block(
            f, s, c_idx, log2_size, scan_idx, qp, True, cbf_context, g.recon.prediction, 2
        )
        count_block(f, s, c_idx, log2_size, scan_idx, True, cbf_context, skip_nonzero, 2)
        skip_cost = weight * distortion + g.lambda_mode * (e.state[0].bits - before) / ONE_BIT
        if skip_nonzero and skip_cost < cost:
            cost, nonzero, slot, skip = skip_cost, skip_nonzero, np.int64(2), np.int64(1)
        else:
            copy_contexts(g.contexts[CTX_BLOCK_BEST], e.state[0].contexts)
            e.state[0].bits = plain_bits
    put_block(plane, x, y, 1 << log2_size, g.samples[slot])
    mask = (1 << f.params[0].log2_ctb_size) - 1
    at = coeff_offset(c_idx, x_luma & mask, y_luma & mask)
    levels = g.levels[slot]
    for i in range(np.uint64(1 << (2 * log2_size))):
        coeffs[np.uint64(at) + i] = levels[i]
    return cost, np.int64(nonzero > 0), skip


@kernel
def _set_chroma(f, x0, y0, size, flags, skips):
    """Write the chroma bits of cbf and transform_skip over the units of a transform unit."""
    for v in range(y0 >> 2, (y0 + size) >> 2):
        for u in range(x0 >> 2, (x0 + size) >> 2):
            unit = f.units[v, u]
            unit.cbf = np.int8((np.int64(unit.cbf) & 1) | flags)
            unit.transform_skip = np.int8((np.int64(unit.transform_skip) & 1) | skips)


@kernel
def _code_chroma_tree(f, s, coeffs, x0, y0, log2_cb_size, mode, limit):
    """Code the chroma of a coding unit along its luma residual quadtree. -> J, without the mode's bits

    Stops early, with some cost above it, once the cost reaches `limit`.
    """
    p = f.params[0]
    cost = 0.0
    z = np.int64(0)
    last = 1 << (2 * (log2_cb_size - 2))
    while z < last:
        x = x0 + 4 * np.int64(X4[z])
        y = y0 + 4 * np.int64(Y4[z])
        log2_size = np.int64(f.units[y >> 2, x >> 2].log2_tb_size)
        size = max(1 << log2_size, 8)
        log2_chroma = max(log2_size - 1, 2)
        # (7.3.8.8) chroma flags of 4x4 luma blocks belong to their 8x8 parent
        depth = log2_cb_size - max(log2_size, 3)
        try_skip = p.transform_skip_enabled and log2_chroma == 2 and not s.work[0].bypass
        if try_skip and s.work[0].transform_skip_fast:
            any_skip = np.int64(0)
            for k in range(4):
                unit = f.units[(y >> 2) + (k >> 1), (x >> 2) + (k & 1)]
                any_skip |= np.int64(unit.transform_skip) & 1
            try_skip = any_skip != 0
        flags = np.int64(0)
        skips = np.int64(0)
        for c_idx in range(1, 3):
            block_cost, cbf, skip = _code_chroma_block(
                f, s, coeffs, np.int64(c_idx), x, y, log2_chroma, depth, mode, try_skip
            )
            cost += block_cost
            flags |= cbf << c_idx
            skips |= skip << c_idx
        _set_chroma(f, x, y, size, flags, skips)
        if cost >= limit:
            break
        z += size * size >> 4
    return cost


@kernel
def search_chroma(f, s, coeffs, x0, y0, log2_cb_size):
    """Chroma mode of a coding unit: all five by full cost."""
    g = s.work[0]
    e = s.estimator
    size = 1 << log2_cb_size
    luma_mode = np.int64(f.units[y0 >> 2, x0 >> 2].intra_luma_mode)
    copy_contexts(e.state[0].contexts, g.contexts[CTX_MODE_START])
    best = np.inf
    best_idc = np.int64(4)
    last_idc = np.int64(-1)
    for k in range(5):
        # the derived mode first: it is the most frequent, and bounds the others
        idc = np.int64(4 - k)
        copy_contexts(g.contexts[CTX_MODE_START], e.state[0].contexts)
        e.state[0].bits = 0
        code_chroma_pred_mode(e, idc)
        mode_cost = g.lambda_mode * e.state[0].bits / ONE_BIT
        mode = chroma_mode(idc, luma_mode)
        cost = mode_cost + _code_chroma_tree(f, s, coeffs, x0, y0, log2_cb_size, mode, best - mode_cost)
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
        _code_chroma_tree(f, s, coeffs, x0, y0, log2_cb_size, mode, np.inf)
