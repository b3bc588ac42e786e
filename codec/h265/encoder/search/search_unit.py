"""The coding of one unsplit coding unit: intra, inter, PCM and lossless against each other, by full cost."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.encoder.search.inter.search_inter import search_inter
from codec.h265.encoder.search.intra.search_intra import search_chroma, search_luma
from codec.h265.encoder.search.rough_tree import worth_trying
from codec.h265.encoder.search.saved_unit import restore_unit, save_unit
from codec.h265.encoder.search.search_state import DEPTHS
from codec.h265.encoder.search.unit_cost import count_unit, prepare_unit, restart_unit
from codec.h265.recon.order import coeff_offset
from codec.h265.structs import MODE_INTRA, SLICE_I, PART_2Nx2N, PART_NxN
from codec.h265.syntax.coding_unit import any_coefficients

# ways to code a unit that are tried against the one in place
WAY_WHOLE, WAY_NXN, WAY_PCM = range(3)


@kernel
def _search_intra(f, s, walk, coeffs, x, y, log2_cb_size, part_mode, limit):
    """Best intra coding of a coding unit with `part_mode`, in place. -> J without the split flags

    The contexts at entry must be those in front of the unit; at exit they are those behind it. An undivided unit whose
    modes all have a rough cost of `limit` or more is left half done, at infinite cost; so is NxN when its luma alone
    costs as much.
    """
    size = 1 << log2_cb_size
    max_depth = np.int64(f.params[0].max_th_depth_intra)
    prepare_unit(f, s, x, y, log2_cb_size, MODE_INTRA, part_mode)
    s.work[0].unit.inter = 0
    if part_mode == PART_2Nx2N:
        if search_luma(f, s, walk, coeffs, x, y, log2_cb_size, np.int64(0), max_depth, limit) == np.inf:
            return np.inf
    else:
        half = size >> 1
        spent = 0.0
        for k in range(4):
            px = x + half * (k & 1)
            py = y + half * (k >> 1)
            spent += search_luma(f, s, walk, coeffs, px, py, log2_cb_size - 1, np.int64(1), max_depth + 1, np.inf)
            if spent >= s.work[0].settings.part_share[k] * limit:
                return np.inf
    if f.params[0].chroma_format_idc != 0:
        search_chroma(f, s, coeffs, x, y, log2_cb_size)
    return count_unit(f, s, walk, coeffs, x, y, log2_cb_size)


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
    prepare_unit(f, s, x, y, log2_cb_size, MODE_INTRA, PART_2Nx2N)
    for v in range(y >> 2, (y + size) >> 2):
        for u in range(x >> 2, (x + size) >> 2):
            f.units[v, u].pcm_flag = np.int8(1)
    mask = (1 << p.log2_ctb_size) - 1
    _fill_pcm(f, s.luma, f.luma, coeffs, coeff_offset(0, x & mask, y & mask), x, y, size,
              p.bit_depth_y - p.pcm_bit_depth_y)  # fmt: skip
    if p.chroma_format_idc != 0:
        shift = p.bit_depth_c - p.pcm_bit_depth_c
        cx, cy, half = x >> 1, y >> 1, size >> 1
        _fill_pcm(f, s.cb, f.cb, coeffs, coeff_offset(1, x & mask, y & mask), cx, cy, half, shift)
        _fill_pcm(f, s.cr, f.cr, coeffs, coeff_offset(2, x & mask, y & mask), cx, cy, half, shift)
    return count_unit(f, s, walk, coeffs, x, y, log2_cb_size)


@kernel
def _try(f, s, walk, coeffs, x, y, log2_cb_size, way, best, limit):
    """Code the unit in another way; the better of it and what is in place at cost `best` stays. -> its cost"""
    depth = np.int64(f.params[0].log2_ctb_size) - log2_cb_size
    save_unit(f, s, walk, coeffs, x, y, 1 << log2_cb_size, depth)
    restart_unit(f, s, walk, log2_cb_size)
    if way == WAY_PCM:
        cost = _code_pcm(f, s, walk, coeffs, x, y, log2_cb_size)
    else:
        part_mode = PART_NxN if way == WAY_NXN else PART_2Nx2N
        cost = _search_intra(f, s, walk, coeffs, x, y, log2_cb_size, part_mode, limit)
    if cost < best:
        return cost
    restore_unit(f, s, walk, coeffs, x, y, 1 << log2_cb_size, depth)
    return best


@kernel
def _search_ways(f, refs, s, walk, coeffs, x, y, log2_cb_size):
    """Best coding of an unsplit coding unit at the QP of g.unit.qp_y, in place. -> J"""
    p = f.params[0]
    g = s.work[0]
    nxn = log2_cb_size == p.log2_min_cb_size and log2_cb_size > p.log2_min_tb_size
    g.unit.bypass = g.settings.always_bypass
    if f.slices[walk[0].slice_idx].slice_type == SLICE_I:
        whole, divided = worth_trying(f, s, x, y, log2_cb_size)
        nxn = nxn and divided
        only_nxn = nxn and not whole
        best = _search_intra(f, s, walk, coeffs, x, y, log2_cb_size, PART_NxN if only_nxn else PART_2Nx2N, np.inf)
        nxn = nxn and not only_nxn
    else:
        best = search_inter(f, refs, s, walk, coeffs, x, y, log2_cb_size)
        if not g.settings.intra_in_inter or not any_coefficients(f, x, y, 1 << log2_cb_size):
            # the prediction alone is good enough
            return best
        limit = g.settings.intra_limit * g.motion.least
        best = _try(f, s, walk, coeffs, x, y, log2_cb_size, WAY_WHOLE, best, limit)
        nxn = nxn and g.intra.least < limit
    if nxn and best >= g.settings.lambda_mode * g.settings.parts_bits:
        best = _try(f, s, walk, coeffs, x, y, log2_cb_size, WAY_NXN, best, best)
    if g.settings.may_bypass and not g.settings.always_bypass:
        g.unit.bypass = 1
        best = _try(f, s, walk, coeffs, x, y, log2_cb_size, WAY_WHOLE, best, np.inf)
        if nxn:
            best = _try(f, s, walk, coeffs, x, y, log2_cb_size, WAY_NXN, best, best)
        g.unit.bypass = 0
    if p.pcm_enabled and p.log2_min_pcm_size <= log2_cb_size <= p.log2_max_pcm_size:
        bits = p.pcm_bit_depth_y << (2 * log2_cb_size)
        if p.chroma_format_idc != 0:
            bits += p.pcm_bit_depth_c << (2 * log2_cb_size - 1)
        if best > g.settings.lambda_mode * bits:
            best = _try(f, s, walk, coeffs, x, y, log2_cb_size, WAY_PCM, best, np.inf)
    return best


@kernel
def search_unit(f, refs, s, walk, coeffs, x, y, log2_cb_size, may_change_qp):
    """Best coding of an unsplit coding unit, in place; over the QPs around its own too when it may change. -> J

    g.unit.qp_y ends at the QP that won.
    """
    g = s.work[0]
    best = _search_ways(f, refs, s, walk, coeffs, x, y, log2_cb_size)
    if not may_change_qp or g.settings.max_delta_qp == 0:
        return best
    centre = g.unit.qp_y
    best_qp = centre
    lowest = max(centre - g.settings.max_delta_qp, -6 * (np.int64(f.params[0].bit_depth_y) - 8))
    for qp in range(lowest, min(centre + g.settings.max_delta_qp, 51) + 1):
        if qp == centre:
            continue
        row = np.int64(DEPTHS)
        save_unit(f, s, walk, coeffs, x, y, 1 << log2_cb_size, row)
        restart_unit(f, s, walk, log2_cb_size)
        g.unit.qp_y = qp
        cost = _search_ways(f, refs, s, walk, coeffs, x, y, log2_cb_size)
        if cost < best:
            best = cost
            best_qp = np.int64(qp)
        else:
            restore_unit(f, s, walk, coeffs, x, y, 1 << log2_cb_size, row)
    g.unit.qp_y = best_qp
    return best
