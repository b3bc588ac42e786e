"""The coding quadtree decision: every coding unit whole against split, by full cost J = SSE + lambda * bits.

Bits are counted by the one syntax walk (codec/syntax) with the estimating engine, contexts included.
"""

import numpy as np

from codec.cabac.contexts import SPLIT_CU_FLAG
from codec.cabac.engine import code_bin
from codec.cabac.tables import ONE_BIT
from codec.encoder.search_block import copy_contexts
from codec.encoder.search_intra import search_chroma, search_luma
from codec.encoder.search_state import CTX_CU_BEST, CTX_CU_START, CTX_NODE_START, DEPTHS
from codec.kernels.jit import kernel
from codec.recon.order import coeff_offset
from codec.structs import INTRA_DC, MODE_INTRA, PART_2Nx2N, PART_NxN
from codec.syntax.coding_tree import split_cu_context
from codec.syntax.coding_unit import coding_unit
from codec.syntax.walk import begin_ctu, begin_quantization_group

# ways to code a unit that are tried against the one in place
WAY_WHOLE, WAY_NXN, WAY_PCM = range(3)


@kernel
def _plane_sse(a, b, x, y, size):
    """Sum of squared differences of two planes over a square."""
    total = np.int64(0)
    for v in range(y, y + size):
        row = np.int32(0)
        for u in range(np.uint64(x), np.uint64(x + size)):
            d = np.int32(np.int32(a[v, u]) - np.int32(b[v, u]))
            row = np.int32(row + np.int32(d * d))
        total += row
    return total


@kernel
def _distortion(f, s, x, y, size):
    """Weighted squared error of the reconstruction of a coding unit."""
    g = s.work[0]
    total = float(_plane_sse(f.luma, s.luma, x, y, size))
    if f.params[0].chroma_format_idc != 0:
        half = size >> 1
        total += g.weight_cb * _plane_sse(f.cb, s.cb, x >> 1, y >> 1, half)
        total += g.weight_cr * _plane_sse(f.cr, s.cr, x >> 1, y >> 1, half)
    return total


@kernel
def _copy_coeffs(source, target, at, count):
    for i in range(np.uint64(at), np.uint64(at + count)):
        target[i] = source[i]


@kernel
def _copy_cu_coeffs(f, source, target, x, y, size):
    """Copy the coefficients of a coding unit between two CTU buffers."""
    mask = (1 << f.params[0].log2_ctb_size) - 1
    count = size * size
    _copy_coeffs(source, target, coeff_offset(0, x & mask, y & mask), count)
    if f.params[0].chroma_format_idc != 0:
        for c_idx in range(1, 3):
            _copy_coeffs(source, target, coeff_offset(c_idx, x & mask, y & mask), count >> 2)


@kernel
def _store_plane(plane, x, y, size, out, at):
    for v in range(size):
        for u in range(np.uint64(size)):
            out[np.uint64(at + v * size) + u] = plane[y + v, np.uint64(x) + u]


@kernel
def _load_plane(plane, x, y, size, source, at):
    for v in range(size):
        for u in range(np.uint64(size)):
            plane[y + v, np.uint64(x) + u] = source[np.uint64(at + v * size) + u]


@kernel
def _save(f, s, walk, coeffs, x, y, size, row):
    """Keep a coding unit's block data, samples, contexts and quantisation state in row `row` of the saved states."""
    g = s.work[0]
    copy_contexts(s.estimator.state[0].contexts, g.contexts[CTX_CU_BEST + row])
    g.saved_walks[row] = walk[0]
    n = size >> 2
    for v in range(n):
        for u in range(n):
            g.saved_units[row, v * n + u] = f.units[(y >> 2) + v, (x >> 2) + u]
    _copy_cu_coeffs(f, coeffs, g.saved_coeffs[row], x, y, size)
    area = size * size
    _store_plane(f.luma, x, y, size, g.saved_samples[row], 0)
    if f.params[0].chroma_format_idc != 0:
        _store_plane(f.cb, x >> 1, y >> 1, size >> 1, g.saved_samples[row], area)
        _store_plane(f.cr, x >> 1, y >> 1, size >> 1, g.saved_samples[row], area + (area >> 2))


@kernel
def _restore(f, s, walk, coeffs, x, y, size, row):
    """Put back what _save kept."""
    g = s.work[0]
    copy_contexts(g.contexts[CTX_CU_BEST + row], s.estimator.state[0].contexts)
    walk[0] = g.saved_walks[row]
    n = size >> 2
    for v in range(n):
        for u in range(n):
            f.units[(y >> 2) + v, (x >> 2) + u] = g.saved_units[row, v * n + u]
    _copy_cu_coeffs(f, g.saved_coeffs[row], coeffs, x, y, size)
    area = size * size
    _load_plane(f.luma, x, y, size, g.saved_samples[row], 0)
    if f.params[0].chroma_format_idc != 0:
        _load_plane(f.cb, x >> 1, y >> 1, size >> 1, g.saved_samples[row], area)
        _load_plane(f.cr, x >> 1, y >> 1, size >> 1, g.saved_samples[row], area + (area >> 2))


@kernel
def _prepare_units(f, s, x, y, log2_cb_size, part_mode):
    """Mark a coding unit as intra with `part_mode`, nothing coded yet."""
    n = 1 << (log2_cb_size - 2)
    for v in range(y >> 2, (y >> 2) + n):
        for u in range(x >> 2, (x >> 2) + n):
            unit = f.units[v, u]
            unit.log2_cb_size = np.int8(log2_cb_size)
            unit.pred_mode = np.int8(MODE_INTRA)
            unit.part_mode = np.int8(part_mode)
            unit.cu_skip_flag = np.int8(0)
            unit.merge_flag = np.int8(0)
            unit.bypass = np.int8(s.work[0].bypass)
            unit.pcm_flag = np.int8(0)
            unit.qp_y = np.int8(s.work[0].qp_y)
            unit.cbf = np.int8(0)
            unit.transform_skip = np.int8(0)
            unit.chroma_pred_idc = np.int8(4)


@kernel
def _count_unit(f, s, walk, coeffs, x, y, log2_cb_size):
    """J of the coding unit that is in place, by the syntax walk; contexts and walk move from its start to behind it."""
    g = s.work[0]
    e = s.estimator
    depth = np.int64(f.params[0].log2_ctb_size) - log2_cb_size
    copy_contexts(g.contexts[CTX_CU_START + depth], e.state[0].contexts)
    e.state[0].bits = 0
    coding_unit(e, f, walk, coeffs, x, y, log2_cb_size)
    return _distortion(f, s, x, y, 1 << log2_cb_size) + g.lambda_mode * e.state[0].bits / ONE_BIT


@kernel
def _search_intra(f, s, walk, coeffs, x, y, log2_cb_size, part_mode):
    """Best intra coding of a coding unit with `part_mode`, in place. -> J without the split flags

    The contexts at entry must be those in front of the unit; at exit they are those behind it.
    """
    size = 1 << log2_cb_size
    max_depth = np.int64(f.params[0].max_th_depth_intra)
    _prepare_units(f, s, x, y, log2_cb_size, part_mode)
    if part_mode == PART_2Nx2N:
        search_luma(f, s, walk, coeffs, x, y, log2_cb_size, np.int64(0), max_depth)
    else:
        half = size >> 1
        for k in range(4):
            px = x + half * (k & 1)
            py = y + half * (k >> 1)
            search_luma(f, s, walk, coeffs, px, py, log2_cb_size - 1, np.int64(1), max_depth + 1)
    if f.params[0].chroma_format_idc != 0:
        search_chroma(f, s, coeffs, x, y, log2_cb_size)
    return _count_unit(f, s, walk, coeffs, x, y, log2_cb_size)


@kernel
def _fill_pcm(f, source, plane, coeffs, at, x, y, size, shift):
    """Samples of one component as pcm keeps them: `shift` lowest bits are lost."""
    for v in range(size):
        for u in range(size):
            sample = np.int32(source[y + v, x + u]) >> np.int32(shift)
            coeffs[at + v * size + u] = np.int16(sample)
            plane[y + v, x + u] = np.int16(sample << np.int32(shift))


@kernel
def _code_pcm(f, s, walk, coeffs, x, y, log2_cb_size):
    """Code the unit as pcm, in place. -> J"""
    p = f.params[0]
    size = 1 << log2_cb_size
    _prepare_units(f, s, x, y, log2_cb_size, PART_2Nx2N)
    for v in range(y >> 2, (y + size) >> 2):
        for u in range(x >> 2, (x + size) >> 2):
            unit = f.units[v, u]
            unit.pcm_flag = np.int8(1)
            unit.log2_tb_size = np.int8(min(log2_cb_size, p.log2_max_tb_size))
            unit.intra_luma_mode = np.int8(INTRA_DC)
            unit.intra_chroma_mode = np.int8(INTRA_DC)
    mask = (1 << p.log2_ctb_size) - 1
    _fill_pcm(f, s.luma, f.luma, coeffs, coeff_offset(0, x & mask, y & mask), x, y, size,
              p.bit_depth_y - p.pcm_bit_depth_y)  # fmt: skip
    if p.chroma_format_idc != 0:
        shift = p.bit_depth_c - p.pcm_bit_depth_c
        cx, cy, half = x >> 1, y >> 1, size >> 1
        _fill_pcm(f, s.cb, f.cb, coeffs, coeff_offset(1, x & mask, y & mask), cx, cy, half, shift)
        _fill_pcm(f, s.cr, f.cr, coeffs, coeff_offset(2, x & mask, y & mask), cx, cy, half, shift)
    return _count_unit(f, s, walk, coeffs, x, y, log2_cb_size)


@kernel
def _try(f, s, walk, coeffs, x, y, log2_cb_size, way, best):
    """Code the unit in another way; the better of it and what is in place at cost `best` stays. -> its cost"""
    g = s.work[0]
    depth = np.int64(f.params[0].log2_ctb_size) - log2_cb_size
    _save(f, s, walk, coeffs, x, y, 1 << log2_cb_size, depth)
    copy_contexts(g.contexts[CTX_CU_START + depth], s.estimator.state[0].contexts)
    walk[0] = g.node_walks[depth]
    if way == WAY_PCM:
        cost = _code_pcm(f, s, walk, coeffs, x, y, log2_cb_size)
    else:
        cost = _search_intra(f, s, walk, coeffs, x, y, log2_cb_size, PART_NxN if way == WAY_NXN else PART_2Nx2N)
    if cost < best:
        return cost
    _restore(f, s, walk, coeffs, x, y, 1 << log2_cb_size, depth)
    return best


@kernel
def _search_unit(f, s, walk, coeffs, x, y, log2_cb_size):
    """Best coding of an unsplit coding unit at the QP of g.qp_y, in place. -> J"""
    p = f.params[0]
    g = s.work[0]
    nxn = log2_cb_size == p.log2_min_cb_size and log2_cb_size > p.log2_min_tb_size
    g.bypass = g.always_bypass
    best = _search_intra(f, s, walk, coeffs, x, y, log2_cb_size, PART_2Nx2N)
    if nxn:
        best = _try(f, s, walk, coeffs, x, y, log2_cb_size, WAY_NXN, best)
    if g.may_bypass and not g.always_bypass:
        g.bypass = 1
        best = _try(f, s, walk, coeffs, x, y, log2_cb_size, WAY_WHOLE, best)
        if nxn:
            best = _try(f, s, walk, coeffs, x, y, log2_cb_size, WAY_NXN, best)
        g.bypass = 0
    if p.pcm_enabled and p.log2_min_pcm_size <= log2_cb_size <= p.log2_max_pcm_size:
        bits = p.pcm_bit_depth_y << (2 * log2_cb_size)
        if p.chroma_format_idc != 0:
            bits += p.pcm_bit_depth_c << (2 * log2_cb_size - 1)
        if best > g.lambda_mode * bits:
            best = _try(f, s, walk, coeffs, x, y, log2_cb_size, WAY_PCM, best)
    return best


@kernel
def _search_qps(f, s, walk, coeffs, x, y, log2_cb_size):
    """Best coding of an unsplit coding unit over the QPs around its own (MaxDeltaQP), in place. -> J

    g.qp_y ends at the QP that won.
    """
    g = s.work[0]
    centre = g.qp_y
    depth = np.int64(f.params[0].log2_ctb_size) - log2_cb_size
    best = _search_unit(f, s, walk, coeffs, x, y, log2_cb_size)
    best_qp = centre
    lowest = max(centre - g.max_delta_qp, -6 * (np.int64(f.params[0].bit_depth_y) - 8))
    for qp in range(lowest, min(centre + g.max_delta_qp, 51) + 1):
        if qp == centre:
            continue
        row = np.int64(DEPTHS)
        _save(f, s, walk, coeffs, x, y, 1 << log2_cb_size, row)
        copy_contexts(g.contexts[CTX_CU_START + depth], s.estimator.state[0].contexts)
        walk[0] = g.node_walks[depth]
        g.qp_y = qp
        cost = _search_unit(f, s, walk, coeffs, x, y, log2_cb_size)
        if cost < best:
            best = cost
            best_qp = np.int64(qp)
        else:
            _restore(f, s, walk, coeffs, x, y, 1 << log2_cb_size, row)
    g.qp_y = best_qp
    return best


@kernel
def search_quadtree(f, s, walk, coeffs, x, y, log2_cb_size):
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
        g.qp_y = np.int64(s.qp_map[depth, y >> log2_cb_size, x >> log2_cb_size])
    split_context = SPLIT_CU_FLAG + split_cu_context(f, walk, x, y, log2_cb_size)
    copy_contexts(e.state[0].contexts, g.contexts[CTX_NODE_START + depth])
    g.node_walks[depth] = walk[0]

    best = np.inf
    if fits:
        flag_cost = 0.0
        if may_split:
            e.state[0].bits = 0
            code_bin(e, split_context, 0)
            flag_cost = g.lambda_mode * e.state[0].bits / ONE_BIT
        copy_contexts(e.state[0].contexts, g.contexts[CTX_CU_START + depth])
        if is_group and g.max_delta_qp > 0:
            best = _search_qps(f, s, walk, coeffs, x, y, log2_cb_size)
        else:
            best = _search_unit(f, s, walk, coeffs, x, y, log2_cb_size)
        if not may_split:
            return best
        best += flag_cost
        _save(f, s, walk, coeffs, x, y, size, depth)
        copy_contexts(g.contexts[CTX_NODE_START + depth], e.state[0].contexts)
        walk[0] = g.node_walks[depth]

    cost = 0.0
    if fits:
        e.state[0].bits = 0
        code_bin(e, split_context, 1)
        cost = g.lambda_mode * e.state[0].bits / ONE_BIT
    half = size >> 1
    for k in range(4):
        u = x + half * (k & 1)
        v = y + half * (k >> 1)
        if u < p.pic_width and v < p.pic_height:
            cost += search_quadtree(f, s, walk, coeffs, u, v, log2_cb_size - 1)
            if cost >= best:
                break
    if cost < best:
        return cost
    _restore(f, s, walk, coeffs, x, y, size, depth)
    return best


@kernel
def search_ctu(f, refs, s, walk, coeffs):
    """Decide CTU walk.ctb_addr: fills its units, coefficients and planes. -> J

    f       the frame being coded; f.ctbs names the CTU's slice and tile
    refs    References of the picture; without entries in I slices
    s       Search; its estimator's contexts are those in front of the CTU's coding tree, and behind it afterwards
    coeffs  the CTU's int16 buffer (structs.CTU_COEFFS)
    """
    begin_ctu(f, walk)
    w = walk[0]
    return search_quadtree(f, s, walk, coeffs, w.x_ctb, w.y_ctb, np.int64(f.params[0].log2_ctb_size))
