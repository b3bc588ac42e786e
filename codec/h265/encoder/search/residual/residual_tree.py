"""(7.3.8.8) Residual quadtree of a coding unit: the best split of its luma, chroma along it, for intra and inter units.

Every function leaves its choice in the frame (units, planes) and in the CTU's coefficients, and the estimator's
contexts as they are behind it. Costs are J = SSE + lambda * bits, luma blind to chroma and vice versa. Intra blocks are
predicted here, one after the other; the prediction of an inter unit lies ready in Search.predicted.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.distortion import copy_block
from codec.h265.cabac.contexts import SPLIT_TRANSFORM_FLAG
from codec.h265.cabac.engine import code_bin
from codec.h265.cabac.tables import ONE_BIT
from codec.h265.encoder.search.residual.forward_transform import forward_transform_skip
from codec.h265.encoder.search.residual.search_block import (
    chroma_cbf_context,
    copy_contexts,
    count_block,
    luma_cbf_context,
    scan_of,
    trial_block,
)
from codec.h265.encoder.search.rough_cost import rough_cost
from codec.h265.encoder.search.search_state import (
    CTX_BLOCK_BEST,
    CTX_BLOCK_START,
    CTX_KNOWN_BLOCK,
    CTX_TREE_BEST,
    CTX_TREE_START,
)
from codec.h265.recon.order import X4, Y4, coeff_offset
from codec.h265.recon.reconstruct import block_qp, predict_block
from codec.h265.recon.residual import put_block
from codec.h265.structs import PART_2Nx2N, PART_NxN


@kernel
def _predict(f, s, c_idx, x, y, log2_size, mode):
    """Prediction of a transform block into g.block.recon.prediction; x, y in samples of the component."""
    plane = f.luma if c_idx == 0 else f.cb if c_idx == 1 else f.cr
    if s.work[0].unit.inter:
        predicted = s.predicted.luma if c_idx == 0 else s.predicted.cb if c_idx == 1 else s.predicted.cr
        copy_block(predicted, x, y, 1 << log2_size, s.work[0].block.recon.prediction)
    else:
        predict_block(f, plane, c_idx, x, y, log2_size, mode, s.work[0].block.recon)


@kernel
def _keep_block(f, s, coeffs, x, y, log2_size, slot, nonzero, skip):
    """Put a trial luma block into the frame and the CTU's coefficients."""
    g = s.work[0]
    count = 1 << (2 * log2_size)
    put_block(f.luma, x, y, 1 << log2_size, g.block.samples[slot])
    mask = (1 << f.params[0].log2_ctb_size) - 1
    at = coeff_offset(0, x & mask, y & mask)
    levels = g.block.levels[slot]
    for i in range(np.uint64(count)):
        coeffs[np.uint64(at) + i] = levels[i]
    for v in range(y >> 2, (y >> 2) + (1 << (log2_size - 2))):
        for u in range(x >> 2, (x >> 2) + (1 << (log2_size - 2))):
            unit = f.units[v, u]
            unit.log2_tb_size = np.int8(log2_size)
            unit.cbf = np.int8(nonzero > 0)
            unit.transform_skip = np.int8(skip)


@kernel
def _skip_is_likely(f, s, qp):
    """Whether rough_cost does not speak against transform skip of the 4x4 luma block just coded."""
    g = s.work[0]
    bit_depth = np.int64(f.params[0].bit_depth_y)
    transformed, _ = rough_cost(g.block.transformed, np.int64(2), qp, bit_depth, g.settings.lambda_mode)
    forward_transform_skip(g.block.residual, 0, np.int64(2), bit_depth, g.block.transformed)
    skipped, any_level = rough_cost(g.block.transformed, np.int64(2), qp, bit_depth, g.settings.lambda_mode)
    return any_level and skipped <= g.settings.skip_limit * transformed


@kernel
def code_luma_block(f, s, x, y, log2_size, depth, split_flag, mode, prediction, slot, try_skip):
    """Trial of one luma transform block with source and prediction given. -> (J, nonzero, transform skip)

    split_flag tells that split_transform_flag (0) is sent. The estimator's bits start at zero.
    """
    g = s.work[0]
    e = s.estimator
    qp = block_qp(f, g.unit.slice_idx, g.unit.qp_y, 0)
    scan_idx = scan_of(f, s, 0, log2_size, mode)
    cbf_context = luma_cbf_context(depth)
    if split_flag:
        code_bin(e, SPLIT_TRANSFORM_FLAG + 5 - log2_size, 0)
    if try_skip:
        copy_contexts(e.state[0].contexts, g.saved.contexts[CTX_BLOCK_START])
    bits = e.state[0].bits
    distortion, nonzero = trial_block(f, s, 0, log2_size, scan_idx, qp, False, cbf_context, prediction, slot)
    count_block(f, s, 0, log2_size, scan_idx, False, cbf_context, nonzero, slot)
    cost = distortion + g.settings.lambda_mode * e.state[0].bits / ONE_BIT
    if not try_skip or nonzero == 0 or not _skip_is_likely(f, s, qp):
        return cost, nonzero, np.int64(0)
    # transform skip goes into the next slot, and is copied over when it wins
    copy_contexts(e.state[0].contexts, g.saved.contexts[CTX_BLOCK_BEST])
    copy_contexts(g.saved.contexts[CTX_BLOCK_START], e.state[0].contexts)
    all_bits = e.state[0].bits
    e.state[0].bits = bits
    distortion, skip_nonzero = trial_block(f, s, 0, log2_size, scan_idx, qp, True, cbf_context, prediction, 2)
    count_block(f, s, 0, log2_size, scan_idx, True, cbf_context, skip_nonzero, 2)
    skip_cost = distortion + g.settings.lambda_mode * e.state[0].bits / ONE_BIT
    if skip_nonzero and skip_cost < cost:
        for i in range(1 << (2 * log2_size)):
            g.block.levels[slot, i] = g.block.levels[2, i]
            g.block.samples[slot, i] = g.block.samples[2, i]
        return skip_cost, skip_nonzero, np.int64(1)
    copy_contexts(g.saved.contexts[CTX_BLOCK_BEST], e.state[0].contexts)
    e.state[0].bits = all_bits
    return cost, nonzero, np.int64(0)


@kernel(inline=True)
def may_skip_transform(f, s, log2_size, nxn):
    """Whether transform skip is tried: 4x4 blocks, and of intra units only NxN ones in the fast setting."""
    g = s.work[0]
    likely = nxn or g.unit.inter or not g.settings.transform_skip_fast
    return f.params[0].transform_skip_enabled and log2_size == 2 and not g.unit.bypass and likely


@kernel
def luma_tree(f, s, coeffs, x, y, log2_size, depth, max_depth, mode, level, known):
    """Best residual quadtree of a luma block. -> J, mode bits not included

    mode   of an intra block; of no meaning for inter
    level  row of the saved states; one more per recursion
    known  the block as a whole has been coded: it is in g.known, see KNOWN
    """
    p = f.params[0]
    g = s.work[0]
    e = s.estimator
    nxn = f.units[y >> 2, x >> 2].part_mode == PART_NxN
    start = g.saved.contexts[CTX_TREE_START + level]
    best = np.inf
    # (7.3.8.8) interSplitFlag forces the first level; so does IntraSplitFlag, but callers begin below that
    inter_split = g.unit.inter != 0 and p.max_th_depth_inter == 0 and depth == 0
    inter_split = inter_split and f.units[y >> 2, x >> 2].part_mode != PART_2Nx2N
    fits = log2_size <= p.log2_max_tb_size and not inter_split
    may_split = log2_size > p.log2_min_tb_size and (depth < max_depth or not fits)
    if fits:
        if may_split:
            copy_contexts(e.state[0].contexts, start)
        slot = np.int64(0)
        if known:
            best, nonzero, skip, slot = g.known.cost, g.known.coded, g.known.skip, g.known.slot
            copy_contexts(g.saved.contexts[CTX_KNOWN_BLOCK], e.state[0].contexts)
        else:
            e.state[0].bits = 0
            copy_block(s.luma, x, y, 1 << log2_size, g.block.source)
            _predict(f, s, np.int64(0), x, y, log2_size, mode)
            best, nonzero, skip = code_luma_block(
                f, s, x, y, log2_size, depth, may_split, mode, g.block.recon.prediction, slot,
                may_skip_transform(f, s, log2_size, nxn),
            )  # fmt: skip
        _keep_block(f, s, coeffs, x, y, log2_size, slot, nonzero, skip)
        if not may_split or nonzero == 0 or best < g.settings.lambda_mode * g.settings.tree_bits:
            return best
        _save_luma(f, s, coeffs, x, y, log2_size, level)
        copy_contexts(e.state[0].contexts, g.saved.contexts[CTX_TREE_BEST + level])
        copy_contexts(start, e.state[0].contexts)
    half = 1 << (log2_size - 1)
    e.state[0].bits = 0
    if fits:
        code_bin(e, SPLIT_TRANSFORM_FLAG + 5 - log2_size, 1)
    cost = g.settings.lambda_mode * e.state[0].bits / ONE_BIT
    for k in range(4):
        u, v = x + half * (k & 1), y + half * (k >> 1)
        cost += luma_tree(f, s, coeffs, u, v, log2_size - 1, depth + 1, max_depth, mode, level + 1, np.int64(0))
        if cost >= best:
            break
    if cost < best:
        return cost
    _restore_luma(f, s, coeffs, x, y, log2_size, level)
    copy_contexts(g.saved.contexts[CTX_TREE_BEST + level], e.state[0].contexts)
    return best


@kernel
def _save_luma(f, s, coeffs, x, y, log2_size, level):
    """Keep the luma block's samples, levels and transform fields in row `level` of the tree's saved states."""
    g = s.work[0]
    n = 1 << log2_size
    mask = (1 << f.params[0].log2_ctb_size) - 1
    at = coeff_offset(0, x & mask, y & mask)
    unit = f.units[y >> 2, x >> 2]
    g.saved.tree_fields[level, 0] = unit.cbf
    g.saved.tree_fields[level, 1] = unit.transform_skip
    for i in range(np.uint64(n * n)):
        g.saved.tree_levels[level, i] = coeffs[np.uint64(at) + i]
    copy_block(f.luma, x, y, n, g.saved.tree_samples[level])


@kernel
def _restore_luma(f, s, coeffs, x, y, log2_size, level):
    """Put back what _save_luma kept."""
    g = s.work[0]
    n = 1 << log2_size
    mask = (1 << f.params[0].log2_ctb_size) - 1
    at = coeff_offset(0, x & mask, y & mask)
    for i in range(np.uint64(n * n)):
        coeffs[np.uint64(at) + i] = g.saved.tree_levels[level, i]
    put_block(f.luma, x, y, n, g.saved.tree_samples[level])
    for v in range(y >> 2, (y + n) >> 2):
        for u in range(x >> 2, (x + n) >> 2):
            unit = f.units[v, u]
            unit.log2_tb_size = np.int8(log2_size)
            unit.cbf = np.int8(g.saved.tree_fields[level, 0])
            unit.transform_skip = np.int8(g.saved.tree_fields[level, 1])


@kernel
def _code_chroma_block(f, s, coeffs, c_idx, x_luma, y_luma, log2_size, depth, mode, try_skip):
    """Code one chroma block into the frame and the coefficients. -> (J, cbf, transform skip)"""
    g = s.work[0]
    e = s.estimator
    plane = f.cb if c_idx == 1 else f.cr
    source = s.cb if c_idx == 1 else s.cr
    weight = g.settings.weight_cb if c_idx == 1 else g.settings.weight_cr
    x, y = x_luma >> 1, y_luma >> 1
    copy_block(source, x, y, 1 << log2_size, g.block.source)
    _predict(f, s, c_idx, x, y, log2_size, mode)
    qp = block_qp(f, g.unit.slice_idx, g.unit.qp_y, c_idx)
    scan_idx = scan_of(f, s, c_idx, log2_size, mode)
    cbf_context = chroma_cbf_context(depth)
    slot = np.int64(0)
    skip = np.int64(0)
    if try_skip:
        copy_contexts(e.state[0].contexts, g.saved.contexts[CTX_BLOCK_START])
    before = e.state[0].bits
    distortion, nonzero = trial_block(
        f, s, c_idx, log2_size, scan_idx, qp, False, cbf_context, g.block.recon.prediction, 0
    )
    count_block(f, s, c_idx, log2_size, scan_idx, False, cbf_context, nonzero, 0)
    cost = weight * distortion + g.settings.lambda_mode * (e.state[0].bits - before) / ONE_BIT
    if try_skip and nonzero:
        copy_contexts(e.state[0].contexts, g.saved.contexts[CTX_BLOCK_BEST])
        copy_contexts(g.saved.contexts[CTX_BLOCK_START], e.state[0].contexts)
        plain_bits = e.state[0].bits
        e.state[0].bits = before
        distortion, skip_nonzero = trial_block(
            f, s, c_idx, log2_size, scan_idx, qp, True, cbf_context, g.block.recon.prediction, 2
        )
        count_block(f, s, c_idx, log2_size, scan_idx, True, cbf_context, skip_nonzero, 2)
        skip_cost = weight * distortion + g.settings.lambda_mode * (e.state[0].bits - before) / ONE_BIT
        if skip_nonzero and skip_cost < cost:
            cost, nonzero, slot, skip = skip_cost, skip_nonzero, np.int64(2), np.int64(1)
        else:
            copy_contexts(g.saved.contexts[CTX_BLOCK_BEST], e.state[0].contexts)
            e.state[0].bits = plain_bits
    put_block(plane, x, y, 1 << log2_size, g.block.samples[slot])
    mask = (1 << f.params[0].log2_ctb_size) - 1
    at = coeff_offset(c_idx, x_luma & mask, y_luma & mask)
    levels = g.block.levels[slot]
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
def chroma_tree(f, s, coeffs, x0, y0, log2_cb_size, mode, limit):
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
        try_skip = p.transform_skip_enabled and log2_chroma == 2 and not s.work[0].unit.bypass
        if try_skip and s.work[0].settings.transform_skip_fast:
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
