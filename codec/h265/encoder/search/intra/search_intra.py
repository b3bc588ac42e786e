"""Intra mode decision of a coding unit: full cost of the modes that rough_modes.py proposes, luma, then chroma.

Every function leaves its choice in the frame (units, planes) and in the CTU's coefficients, and the estimator's
contexts as they are behind it. Costs are J = SSE + lambda * bits, the luma search blind to chroma and vice versa.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.tables import ONE_BIT
from codec.h265.encoder.search.intra.mode_rates import count_mode, prepare_modes, set_luma_mode
from codec.h265.encoder.search.intra.rough_modes import rough_chroma, rough_luma
from codec.h265.encoder.search.residual.residual_tree import chroma_tree, code_luma_block, luma_tree, may_skip_transform
from codec.h265.encoder.search.residual.search_block import copy_contexts
from codec.h265.encoder.search.search_state import CTX_KNOWN_BLOCK, CTX_MODE_START
from codec.h265.intra_modes import DERIVED_CHROMA
from codec.h265.recon.mpm import chroma_mode
from codec.h265.syntax.coding_unit import code_chroma_pred_mode


@kernel
def search_luma(f, s, walk, coeffs, x, y, log2_size, depth, max_depth, limit):
    """Mode and residual quadtree of one luma prediction block. -> J; infinite if no rough cost is below `limit`

    depth  transform depth of the block: 1 for the parts of an NxN unit
    """
    g = s.work[0]
    e = s.estimator
    prepare_modes(f, s, walk, x, y, log2_size)
    count = rough_luma(f, s, x, y, log2_size)
    if g.intra.least >= limit:
        return np.inf

    may_split = log2_size > f.params[0].log2_min_tb_size and depth < max_depth
    copy_contexts(e.state[0].contexts, g.saved.contexts[CTX_MODE_START])
    best = np.inf
    best_mode = g.intra.candidates[0]
    slot = np.int64(0)
    for k in range(count):
        mode = g.intra.candidates[k]
        if k > 0:
            copy_contexts(g.saved.contexts[CTX_MODE_START], e.state[0].contexts)
        e.state[0].bits = 0
        count_mode(f, s, log2_size, mode)
        mode_cost = g.settings.lambda_mode * e.state[0].bits / ONE_BIT
        if log2_size > 5:
            cost = mode_cost
            cost += luma_tree(f, s, coeffs, x, y, log2_size, depth, np.int64(0), mode, np.int64(0), np.int64(0))
        else:
            cost, nonzero, skip = code_luma_block(
                f, s, x, y, log2_size, depth, may_split, mode, g.intra.predictions[mode], slot,
                may_skip_transform(f, s, log2_size, depth == 1),
            )  # fmt: skip
        if cost < best:
            best = cost
            best_mode = mode
            if log2_size <= 5:
                # luma_tree begins with this block
                g.known.cost, g.known.coded, g.known.skip, g.known.slot = cost - mode_cost, nonzero, skip, slot
                copy_contexts(e.state[0].contexts, g.saved.contexts[CTX_KNOWN_BLOCK])
                slot ^= 1
    set_luma_mode(f, s, x, y, 1 << log2_size, best_mode)
    copy_contexts(g.saved.contexts[CTX_MODE_START], e.state[0].contexts)
    e.state[0].bits = 0
    count_mode(f, s, log2_size, best_mode)
    cost = g.settings.lambda_mode * e.state[0].bits / ONE_BIT
    known = np.int64(log2_size <= 5)
    return cost + luma_tree(f, s, coeffs, x, y, log2_size, depth, max_depth, best_mode, np.int64(0), known)


@kernel
def search_chroma(f, s, coeffs, x0, y0, log2_cb_size):
    """Chroma mode of a coding unit by full cost."""
    g = s.work[0]
    e = s.estimator
    size = 1 << log2_cb_size
    luma_mode = np.int64(f.units[y0 >> 2, x0 >> 2].intra_luma_mode)
    count = rough_chroma(f, s, x0, y0, log2_cb_size, luma_mode)
    copy_contexts(e.state[0].contexts, g.saved.contexts[CTX_MODE_START])
    best = np.inf
    best_idc = np.int64(DERIVED_CHROMA)
    last_idc = np.int64(-1)
    # the likeliest last: what is coded last need not be coded again
    for k in range(count - 1, -1, -1):
        idc = g.intra.candidates[k]
        copy_contexts(g.saved.contexts[CTX_MODE_START], e.state[0].contexts)
        e.state[0].bits = 0
        code_chroma_pred_mode(e, f, idc)
        mode_cost = g.settings.lambda_mode * e.state[0].bits / ONE_BIT
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
        copy_contexts(g.saved.contexts[CTX_MODE_START], e.state[0].contexts)
        code_chroma_pred_mode(e, f, best_idc)
        chroma_tree(f, s, coeffs, x0, y0, log2_cb_size, mode, np.inf)
