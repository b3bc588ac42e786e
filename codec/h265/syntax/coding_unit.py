"""(7.3.8.5-7.3.8.7) coding_unit: modes, pcm samples, and the residual quadtree below."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.contexts import (
    CHROMA_FROM_LUMA_FLAG,
    CHROMA_MODEL_IDX,
    CHROMA_NET_FLAG,
    CU_SKIP_FLAG,
    CU_TRANSQUANT_BYPASS_FLAG,
    INTRA_CHROMA_PRED_MODE,
    PART_MODE,
    PRED_MODE_FLAG,
    PREV_INTRA_LUMA_PRED_FLAG,
    RQT_ROOT_CBF,
)
from codec.h265.cabac.engine import code_bin, code_bypass, code_bypass_bits, code_terminate, reads
from codec.h265.cabac.raw import begin_raw, code_raw_bits, end_raw
from codec.h265.intra_modes import DERIVED_CHROMA, INTRA_DC, LINEAR_MODELS, MPMS, REMAINING_BITS
from codec.h265.recon.mpm import chroma_mode, most_probable_modes, mpm_index, remaining_mode, remaining_rank
from codec.h265.recon.order import coeff_offset
from codec.h265.recon.prediction_block import PART_COUNT, part_rectangle
from codec.h265.structs import (
    MODE_INTER,
    MODE_INTRA,
    SLICE_I,
    PART_2Nx2N,
    PART_2NxN,
    PART_2NxnD,
    PART_2NxnU,
    PART_nLx2N,
    PART_nRx2N,
    PART_Nx2N,
    PART_NxN,
)
from codec.h265.syntax.mode_rank import code_mode_rank, later_contexts, rank_context
from codec.h265.syntax.prediction_unit import prediction_unit
from codec.h265.syntax.transform_tree import transform_tree
from codec.h265.syntax.walk import left_available, up_available


@kernel
def _fill_units(f, x0, y0, size):
    """Copy the record of the unit at (x0, y0) over the block."""
    first = f.units[y0 >> 2, x0 >> 2]
    for y in range(y0 >> 2, (y0 + size) >> 2):
        for x in range(x0 >> 2, (x0 + size) >> 2):
            f.units[y, x] = first


@kernel
def set_unit_qp(f, x0, y0, size, qp_y):
    """QpY of a coding block."""
    for y in range(y0 >> 2, (y0 + size) >> 2):
        for x in range(x0 >> 2, (x0 + size) >> 2):
            f.units[y, x].qp_y = np.int8(qp_y)


@kernel(inline=True)
def code_remaining_mode(e, mpm, mode):
    """(7.4.9.5, 8.4.2) rem_intra_luma_pred_mode: the mode's rank among those not in candModeList. -> mode"""
    return remaining_mode(mpm, code_bypass_bits(e, REMAINING_BITS, remaining_rank(mpm, mode)))


@kernel(inline=True)
def code_mpm_idx(e, value):
    """(9.3.3.2, TR cMax MPMS - 1, bypass) mpm_idx."""
    for k in range(MPMS - 1):
        if code_bypass(e, np.int64(value > k)) == 0:
            return np.int64(k)
    return np.int64(MPMS - 1)


@kernel
def code_chroma_pred_mode(e, f, value):
    """(9.3.3.8, docs/BITSTREAM.md) intra_chroma_pred_mode: luma's mode is a single bin; before it, chroma from luma."""
    models = np.int64(f.params[0].chroma_models)
    if models > 0 and code_bin(e, CHROMA_FROM_LUMA_FLAG, np.int64(value > DERIVED_CHROMA)):
        first = np.int64(DERIVED_CHROMA + 1)
        if models > LINEAR_MODELS:
            models = np.int64(LINEAR_MODELS)
            if code_bin(e, CHROMA_NET_FLAG, np.int64(value >= first + models)):
                return first + models
        for k in range(models - 1):
            if code_bin(e, CHROMA_MODEL_IDX + k, np.int64(value > first + k)) == 0:
                return first + k
        return first + models - 1
    if code_bin(e, INTRA_CHROMA_PRED_MODE, np.int64(value != DERIVED_CHROMA)) == 0:
        return np.int64(DERIVED_CHROMA)
    return code_bypass_bits(e, 2, value)


@kernel
def _code_mode_ranks(e, f, walk, x0, y0, log2_size, parts):
    """(docs/BITSTREAM.md) intra_mode_rank of 1 or 4 blocks."""
    log2_part = log2_size - np.int64(parts > 1)
    for k in range(parts):
        x = x0 + ((k & 1) << log2_part)
        y = y0 + ((k >> 1) << log2_part)
        unit = f.units[y >> 2, x >> 2]
        context = rank_context(f, walk, x, y, log2_part)
        rank = code_mode_rank(e, context, later_contexts(log2_part), np.int64(unit.mode_rank))
        if reads(e):
            unit.mode_rank = np.int8(rank)
            _fill_units(f, x, y, 1 << log2_part)


@kernel
def _code_luma_modes(e, f, walk, x0, y0, size, parts):
    """prev_intra_luma_pred_flag, mpm_idx, rem_intra_luma_pred_mode of 1 or 4 blocks."""
    part_size = size if parts == 1 else size >> 1
    flags = np.int64(0)
    mpm = walk[0].mpm
    for k in range(parts):
        x = x0 + part_size * (k & 1)
        y = y0 + part_size * (k >> 1)
        is_mpm = np.int64(0)
        if not reads(e):
            most_probable_modes(f, x, y, left_available(f, walk, x), up_available(f, walk, y), mpm)
            is_mpm = np.int64(mpm_index(mpm, f.units[y >> 2, x >> 2].intra_luma_mode) < MPMS)
        flags |= code_bin(e, PREV_INTRA_LUMA_PRED_FLAG, is_mpm) << k
    for k in range(parts):
        x = x0 + part_size * (k & 1)
        y = y0 + part_size * (k >> 1)
        most_probable_modes(f, x, y, left_available(f, walk, x), up_available(f, walk, y), mpm)
        unit = f.units[y >> 2, x >> 2]
        mode = np.int64(unit.intra_luma_mode)
        if (flags >> k) & 1:
            mode = mpm[code_mpm_idx(e, mpm_index(mpm, mode))]
        else:
            mode = code_remaining_mode(e, mpm, mode)
        if reads(e):
            unit.intra_luma_mode = np.int8(mode)
            _fill_units(f, x, y, part_size)


@kernel
def _code_intra_modes(e, f, walk, x0, y0, log2_size, parts):
    """Luma modes of 1 or 4 blocks, then the chroma mode. Where luma modes have ranks, reconstruction finds modes."""
    size = 1 << log2_size
    if f.params[0].mode_ranks:
        _code_mode_ranks(e, f, walk, x0, y0, log2_size, parts)
    else:
        _code_luma_modes(e, f, walk, x0, y0, size, parts)
    if f.params[0].chroma_format_idc != 0:
        first = f.units[y0 >> 2, x0 >> 2]
        value = code_chroma_pred_mode(e, f, np.int64(first.chroma_pred_idc))
        if reads(e):
            mode = chroma_mode(value, np.int64(first.intra_luma_mode))
            for y in range(y0 >> 2, (y0 + size) >> 2):
                for x in range(x0 >> 2, (x0 + size) >> 2):
                    u = f.units[y, x]
                    u.chroma_pred_idc = np.int8(value)
                    u.intra_chroma_mode = np.int8(mode)


@kernel
def _code_pcm_samples(e, f, coeffs, x0, y0, size):
    """(7.3.8.7) pcm_sample: raw samples, kept where the block's coefficients would be, row by row."""
    p = f.params[0]
    mask = (1 << p.log2_ctb_size) - 1
    begin_raw(e)
    for c_idx in range(3):
        if c_idx > 0 and p.chroma_format_idc == 0:
            break
        n = size if c_idx == 0 else size >> 1
        depth = np.int64(p.pcm_bit_depth_y if c_idx == 0 else p.pcm_bit_depth_c)
        at = coeff_offset(c_idx, x0 & mask, y0 & mask)
        for k in range(n * n):
            coeffs[at + k] = np.int16(code_raw_bits(e, depth, np.int64(coeffs[at + k])))
    end_raw(e)


@kernel(inline=True)
def _code_skip_flag(e, f, walk, x0, y0, value):
    """(9.3.4.2.2) cu_skip_flag: the context counts skipped units to the left and above."""
    context = np.int64(0)
    if left_available(f, walk, x0):
        context += np.int64(f.units[y0 >> 2, (x0 >> 2) - 1].cu_skip_flag)
    if up_available(f, walk, y0):
        context += np.int64(f.units[(y0 >> 2) - 1, x0 >> 2].cu_skip_flag)
    return code_bin(e, CU_SKIP_FLAG + context, value)


@kernel
def code_inter_part_mode(e, log2_cb_size, smallest, amp, value):
    """(9.3.3.6) part_mode of an inter coding unit. `smallest`: it has the minimum size, where NxN may exist."""
    if code_bin(e, PART_MODE, np.int64(value == PART_2Nx2N)):
        return np.int64(PART_2Nx2N)
    lies = code_bin(e, PART_MODE + 1, np.int64(value in (PART_2NxN, PART_2NxnU, PART_2NxnD)))
    symmetric = np.int64(PART_2NxN) if lies else np.int64(PART_Nx2N)
    if smallest:
        if log2_cb_size > 3 and not lies and code_bin(e, PART_MODE + 2, np.int64(value == PART_Nx2N)) == 0:
            return np.int64(PART_NxN)
        return symmetric
    if not amp or code_bin(e, PART_MODE + 3, np.int64(value == symmetric)):
        return symmetric
    second = code_bypass(e, np.int64(value in (PART_2NxnD, PART_nRx2N)))
    return (PART_2NxnU if lies else PART_nLx2N) + second


@kernel
def any_coefficients(f, x0, y0, size):
    """Whether any transform unit of a coding block has coefficients."""
    for y in range(y0 >> 2, (y0 + size) >> 2):
        for x in range(x0 >> 2, (x0 + size) >> 2):
            if f.units[y, x].cbf:
                return True
    return False


@kernel
def _code_inter(e, f, walk, x0, y0, log2_cb_size, unit):
    """Partitions of an inter coding unit with their motion. -> rqt_root_cbf"""
    p = f.params[0]
    size = 1 << log2_cb_size
    part_mode = np.int64(unit.part_mode)
    if not unit.cu_skip_flag:
        smallest = log2_cb_size == p.log2_min_cb_size
        part_mode = code_inter_part_mode(e, log2_cb_size, smallest, p.amp_enabled != 0, part_mode)
    if reads(e):
        unit.part_mode = np.int8(part_mode)
        _fill_units(f, x0, y0, size)
    ct_depth = np.int64(p.log2_ctb_size) - log2_cb_size
    for part_idx in range(PART_COUNT[part_mode]):
        x, y, width, height = part_rectangle(part_mode, part_idx, size)
        prediction_unit(e, f, walk, x0 + x, y0 + y, width, height, ct_depth)
    if unit.cu_skip_flag:
        return np.int64(0)
    if part_mode == PART_2Nx2N and unit.merge_flag:
        # without coefficients it would have been skipped
        return np.int64(1)
    root_cbf = np.int64(0)
    if not reads(e):
        root_cbf = np.int64(any_coefficients(f, x0, y0, size))
    return code_bin(e, RQT_ROOT_CBF, root_cbf)


@kernel
def coding_unit(e, f, walk, coeffs, x0, y0, log2_cb_size):
    """(7.3.8.5) One coding unit."""
    w = walk[0]
    p = f.params[0]
    size = 1 << log2_cb_size
    unit = f.units[y0 >> 2, x0 >> 2]
    if reads(e):
        unit.log2_cb_size = np.int8(log2_cb_size)
        unit.pred_mode = np.int8(MODE_INTRA)
        unit.part_mode = np.int8(PART_2Nx2N)
        unit.cu_skip_flag = np.int8(0)
        unit.merge_flag = np.int8(0)
        unit.log2_tb_size = np.int8(min(log2_cb_size, p.log2_max_tb_size))
        unit.cbf = np.int8(0)
        unit.transform_skip = np.int8(0)
        unit.bypass = np.int8(0)
        unit.pcm_flag = np.int8(0)
        unit.intra_luma_mode = np.int8(INTRA_DC)
        unit.intra_chroma_mode = np.int8(INTRA_DC)
        unit.chroma_pred_idc = np.int8(DERIVED_CHROMA)
        unit.filter_set = np.int8(0)
        unit.mode_rank = np.int8(0)
    if p.transquant_bypass_enabled:
        unit.bypass = np.int8(code_bin(e, CU_TRANSQUANT_BYPASS_FLAG, np.int64(unit.bypass)))
    is_intra = np.int64(1)
    if f.slices[w.slice_idx].slice_type != SLICE_I:
        unit.cu_skip_flag = np.int8(_code_skip_flag(e, f, walk, x0, y0, np.int64(unit.cu_skip_flag)))
        if unit.cu_skip_flag:
            is_intra = np.int64(0)
            unit.merge_flag = np.int8(1)
        else:
            is_intra = code_bin(e, PRED_MODE_FLAG, np.int64(unit.pred_mode == MODE_INTRA))
    if not is_intra:
        unit.pred_mode = np.int8(MODE_INTER)
        if _code_inter(e, f, walk, x0, y0, log2_cb_size, unit):
            transform_tree(e, f, walk, coeffs, x0, y0, log2_cb_size, np.int64(0), np.int64(0), np.int64(6))
        # also when writing: a unit without residual has the predicted QpY, whatever was searched
        set_unit_qp(f, x0, y0, size, w.qp_y)
        w.last_qp_y = w.qp_y
        return
    parts = np.int64(1)
    if log2_cb_size == p.log2_min_cb_size:
        if code_bin(e, PART_MODE, np.int64(unit.part_mode == PART_2Nx2N)) == 0:
            parts = np.int64(4)
            unit.part_mode = np.int8(PART_NxN)
    pcm = np.int64(0)
    if p.pcm_enabled and parts == 1 and p.log2_min_pcm_size <= log2_cb_size <= p.log2_max_pcm_size:
        pcm = code_terminate(e, np.int64(unit.pcm_flag))
        unit.pcm_flag = np.int8(pcm)
    if reads(e):
        _fill_units(f, x0, y0, size)
    if pcm:
        _code_pcm_samples(e, f, coeffs, x0, y0, size)
    else:
        _code_intra_modes(e, f, walk, x0, y0, log2_cb_size, parts)
        transform_tree(e, f, walk, coeffs, x0, y0, log2_cb_size, np.int64(0), np.int64(0), np.int64(6))
    set_unit_qp(f, x0, y0, size, w.qp_y)
    w.last_qp_y = w.qp_y
