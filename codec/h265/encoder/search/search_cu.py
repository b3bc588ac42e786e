"""The coding quadtree decision: every coding unit whole against split, by full cost J = SSE + lambda * bits.

Bits are counted by the one syntax walk (syntax/) with the estimating engine, contexts included.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.contexts import SPLIT_CU_FLAG
from codec.h265.cabac.engine import code_bin
from codec.h265.cabac.tables import ONE_BIT
from codec.h265.encoder.search.residual.search_block import copy_contexts
from codec.h265.encoder.search.rough_tree import rough_tree, worth_trying
from codec.h265.encoder.search.saved_unit import restore_unit, save_unit
from codec.h265.encoder.search.search_state import CTX_CU_START, CTX_NODE_START
from codec.h265.encoder.search.search_unit import search_unit
from codec.h265.syntax.coding_tree import split_cu_context
from codec.h265.syntax.walk import begin_ctu, begin_quantization_group


@kernel
def search_quadtree(f, refs, s, walk, coeffs, x, y, log2_cb_size):
    """(7.3.8.4) Best coding of the quadtree below (x, y), in place. -> J

    The estimator's contexts and the walk's quantisation state move on as the decided syntax moves them.
    """
    p = f.params[0]
    g = s.work[0]
    e = s.estimator
    size = 1 << log2_cb_size
    depth = np.int64(p.log2_ctb_size) - log2_cb_size
    fits = x + size <= p.pic_width and y + size <= p.pic_height
    may_split = log2_cb_size > p.log2_min_cb_size
    is_group = p.cu_qp_delta_enabled and depth <= p.diff_cu_qp_delta_depth
    if is_group:
        begin_quantization_group(f, walk, x, y)
        g.unit.qp_y = np.int64(s.qp_map[depth, y >> log2_cb_size, x >> log2_cb_size])
    split_context = SPLIT_CU_FLAG + split_cu_context(f, walk, x, y, log2_cb_size)
    copy_contexts(e.state[0].contexts, g.saved.contexts[CTX_NODE_START + depth])
    g.saved.node_walks[depth] = walk[0]

    best = np.inf
    whole, divided = worth_trying(f, s, x, y, log2_cb_size)
    if fits and (whole or not may_split):
        flag_cost = 0.0
        if may_split:
            e.state[0].bits = 0
            code_bin(e, split_context, 0)
            flag_cost = g.settings.lambda_mode * e.state[0].bits / ONE_BIT
        copy_contexts(e.state[0].contexts, g.saved.contexts[CTX_CU_START + depth])
        best = search_unit(f, refs, s, walk, coeffs, x, y, log2_cb_size, is_group)
        if not may_split:
            return best
        best += flag_cost
        if g.settings.early_cu and f.units[y >> 2, x >> 2].cu_skip_flag:
            return best
        if best < g.settings.lambda_mode * g.settings.split_bits or not divided:
            return best
        save_unit(f, s, walk, coeffs, x, y, size, depth)
        copy_contexts(g.saved.contexts[CTX_NODE_START + depth], e.state[0].contexts)
        walk[0] = g.saved.node_walks[depth]

    cost = 0.0
    if fits:
        e.state[0].bits = 0
        code_bin(e, split_context, 1)
        cost = g.settings.lambda_mode * e.state[0].bits / ONE_BIT
    half = size >> 1
    for k in range(4):
        u = x + half * (k & 1)
        v = y + half * (k >> 1)
        if u < p.pic_width and v < p.pic_height:
            cost += search_quadtree(f, refs, s, walk, coeffs, u, v, log2_cb_size - 1)
            if cost >= best:
                break
    if cost < best:
        return cost
    restore_unit(f, s, walk, coeffs, x, y, size, depth)
    return best


@kernel
def search_ctu(f, refs, s, walk, coeffs):
    """Decide CTU walk.ctb_addr: fills its units, coefficients and planes. -> J

    f       the frame being coded; f.ctbs names the CTU's slice and tile
    refs    References; not looked at in I slices
    s       Search; its estimator's contexts are those in front of the CTU's coding tree, and behind it afterwards
    coeffs  the CTU's int16 buffer (structs.CTU_COEFFS)
    """
    begin_ctu(f, walk)
    g = s.work[0]
    x, y = np.int64(walk[0].x_ctb), np.int64(walk[0].y_ctb)
    log2_size = np.int64(f.params[0].log2_ctb_size)
    g.unit.slice_idx = walk[0].slice_idx
    g.rough.planned = g.settings.rough_first
    if g.rough.planned:
        if f.params[0].cu_qp_delta_enabled:
            g.unit.qp_y = np.int64(s.qp_map[0, y >> log2_size, x >> log2_size])
        rough_tree(f, refs, s, walk, x, y)
    return search_quadtree(f, refs, s, walk, coeffs, x, y, log2_size)
