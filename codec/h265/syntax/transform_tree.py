"""(7.3.8.8, 7.3.8.10) transform_tree, transform_unit and the QP delta inside it."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.contexts import CBF_CHROMA, CBF_LUMA, CU_QP_DELTA_ABS, SPLIT_TRANSFORM_FLAG
from codec.h265.cabac.engine import code_bin, code_bypass, code_bypass_bits, reads, report_error
from codec.h265.intra_modes import INTRA_SCAN, SCAN_DIAGONAL
from codec.h265.recon.order import coeff_offset
from codec.h265.structs import MODE_INTER, MODE_INTRA, PART_2Nx2N, PART_NxN
from codec.h265.syntax.residual import residual_coding
from codec.h265.syntax.walk import ERROR_QP_DELTA


@kernel
def _any_cbf(f, x0, y0, log2_size, c_idx):
    """The chroma cbf of an inner node of the transform tree: whether any unit below it has one."""
    last = 1 << (log2_size - 2)
    for y in range(y0 >> 2, (y0 >> 2) + last):
        for x in range(x0 >> 2, (x0 >> 2) + last):
            if (f.units[y, x].cbf >> c_idx) & 1:
                return np.int64(1)
    return np.int64(0)


@kernel(inline=True)
def code_qp_delta(e, value):
    """(9.3.3.10) cu_qp_delta_abs (prefix TU 5, suffix EG0) and sign. -> CuQpDeltaVal"""
    size = abs(value)
    prefix = np.int64(0)
    while prefix < 5:
        if code_bin(e, CU_QP_DELTA_ABS + np.int64(prefix > 0), np.int64(size > prefix)) == 0:
            break
        prefix += 1
    if prefix == 5:
        # EG0: 1-bits while the rest exceeds the group, each group twice as large
        k = np.int64(0)
        start = np.int64(5)
        while code_bypass(e, np.int64(size >= start + (1 << k))):
            start += 1 << k
            k += 1
            if k > 7:
                report_error(e, ERROR_QP_DELTA)
                return np.int64(0)
        code_value = code_bypass_bits(e, k, size - start)
        prefix = start + code_value
    if prefix == 0:
        return np.int64(0)
    return -prefix if code_bypass(e, np.int64(value < 0)) else prefix


@kernel(inline=True)
def _code_cu_qp_delta(e, f, walk, unit):
    """(7.4.9.10, 8.6.1) cu_qp_delta of the quantisation group, and the QpY that follows from it."""
    w = walk[0]
    offset = 6 * (np.int64(f.params[0].bit_depth_y) - 8)
    span = 52 + offset
    value = np.int64(0)
    if not reads(e):
        # the representative of (QpY - qPY_PRED) inside -(26 + offset / 2) .. 25 + offset / 2
        value = np.int64(unit.qp_y) - w.qp_y_pred
        if value > 25 + (offset >> 1):
            value -= span
        elif value < -(26 + (offset >> 1)):
            value += span
    value = code_qp_delta(e, value)
    if value < -(26 + (offset >> 1)) or value > 25 + (offset >> 1):
        report_error(e, ERROR_QP_DELTA)
        value = np.int64(0)
    w.is_cu_qp_delta_coded = 1
    w.cu_qp_delta_val = value
    w.qp_y = (w.qp_y_pred + value + 52 + 2 * offset) % span - offset


@kernel
def _code_block(e, f, coeffs, x, y, log2_size, c_idx, unit):
    """residual_coding of one block with the scan and flags of its coding unit."""
    p = f.params[0]
    scan_idx = np.int64(SCAN_DIAGONAL)
    # a mode that is told by its rank is not known yet
    small = log2_size == 2 or (log2_size == 3 and c_idx == 0)
    if small and unit.pred_mode == MODE_INTRA and not p.mode_ranks:
        mode = np.int64(unit.intra_luma_mode) if c_idx == 0 else np.int64(unit.intra_chroma_mode)
        scan_idx = np.int64(INTRA_SCAN[mode])
    mask = (1 << p.log2_ctb_size) - 1
    skip = (np.int64(unit.transform_skip) >> c_idx) & 1
    return residual_coding(
        e,
        coeffs,
        coeff_offset(c_idx, x & mask, y & mask),
        log2_size,
        np.int64(c_idx),
        scan_idx,
        np.int64(p.transform_skip_enabled),
        skip,
        np.int64(unit.bypass),
        np.int64(p.sign_data_hiding),
    )


@kernel
def transform_unit(e, f, walk, coeffs, x0, y0, log2_size, blk_idx, cbf):
    """(7.3.8.10) QP delta and the residuals of one transform unit; `cbf` has a bit per component.

    A 4x4 luma unit carries the chroma cbf of its 8x8 parent; chroma is coded behind the fourth.
    """
    w = walk[0]
    p = f.params[0]
    unit = f.units[y0 >> 2, x0 >> 2]
    if reads(e):
        unit.log2_tb_size = np.int8(log2_size)
        unit.cbf = np.int8(cbf)
        unit.transform_skip = np.int8(0)
    if cbf:
        if p.cu_qp_delta_enabled and not w.is_cu_qp_delta_coded:
            _code_cu_qp_delta(e, f, walk, unit)
        skip = np.int64(0)
        if cbf & 1:
            skip |= _code_block(e, f, coeffs, x0, y0, log2_size, 0, unit)
        if log2_size > 2 or blk_idx == 3:
            log2_chroma = max(log2_size - 1, 2)
            for c_idx in range(1, 3):
                if (cbf >> c_idx) & 1:
                    skip |= _code_block(e, f, coeffs, x0, y0, log2_chroma, c_idx, unit) << c_idx
        if reads(e):
            unit.transform_skip = np.int8(skip)
    if reads(e):
        for y in range(y0 >> 2, (y0 >> 2) + (1 << (log2_size - 2))):
            for x in range(x0 >> 2, (x0 >> 2) + (1 << (log2_size - 2))):
                u = f.units[y, x]
                u.log2_tb_size = unit.log2_tb_size
                u.cbf = unit.cbf
                u.transform_skip = unit.transform_skip


@kernel
def transform_tree(e, f, walk, coeffs, x0, y0, log2_size, depth, blk_idx, parent_cbf):
    """(7.3.8.8) Residual quadtree below (x0, y0); `parent_cbf`: the chroma bits of the node above (6 at the root)."""
    p = f.params[0]
    unit = f.units[y0 >> 2, x0 >> 2]
    intra_split = unit.pred_mode == MODE_INTRA and unit.part_mode == PART_NxN
    if unit.pred_mode == MODE_INTRA:
        max_depth = np.int64(p.max_th_depth_intra) + np.int64(intra_split)
    else:
        max_depth = np.int64(p.max_th_depth_inter)

    if (
        log2_size <= p.log2_max_tb_size
        and log2_size > p.log2_min_tb_size
        and depth < max_depth
        and not (intra_split and depth == 0)
    ):
        split = code_bin(e, SPLIT_TRANSFORM_FLAG + 5 - log2_size, np.int64(unit.log2_tb_size < log2_size))
    else:
        inter_split = (
            p.max_th_depth_inter == 0 and unit.pred_mode == MODE_INTER and unit.part_mode != PART_2Nx2N and depth == 0
        )
        split = np.int64(log2_size > p.log2_max_tb_size or (intra_split and depth == 0) or inter_split)

    cbf = np.int64(0)
    if p.chroma_format_idc != 0:
        if log2_size > 2:
            for c_idx in range(1, 3):
                if (parent_cbf >> c_idx) & 1:
                    value = np.int64(0)
                    if not reads(e):
                        value = _any_cbf(f, x0, y0, log2_size, c_idx)
                    cbf |= code_bin(e, CBF_CHROMA + depth, value) << c_idx
        else:
            cbf = parent_cbf & 6

    if split:
        half = 1 << (log2_size - 1)
        for k in range(4):
            transform_tree(
                e, f, walk, coeffs, x0 + half * (k & 1), y0 + half * (k >> 1), log2_size - 1, depth + 1, k, cbf
            )
        return np.int64(0)

    luma = np.int64(1)
    if unit.pred_mode == MODE_INTRA or depth != 0 or cbf != 0:
        luma = code_bin(e, CBF_LUMA + np.int64(depth == 0), np.int64(unit.cbf) & 1)
    transform_unit(e, f, walk, coeffs, x0, y0, log2_size, blk_idx, cbf | luma)
    return np.int64(0)
