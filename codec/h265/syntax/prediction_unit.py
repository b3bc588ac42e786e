"""(7.3.8.6, 7.3.8.9) prediction_unit and mvd_coding: merge candidates, references, vector differences, filter sets."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.contexts import (
    ABS_MVD_GREATER0_FLAG,
    ABS_MVD_GREATER1_FLAG,
    INTER_PRED_IDC,
    INTERPOLATION_IDX,
    MERGE_FLAG,
    MERGE_IDX,
    MVP_FLAG,
    REF_IDX,
)
from codec.h265.cabac.engine import code_bin, code_bypass, code_bypass_bits, reads, report_error
from codec.h265.structs import SLICE_B
from codec.h265.syntax.walk import ERROR_MVD, left_available, up_available

_MAX_MVD_GROUP = 15  # abs_mvd_minus2 <= 2^15 - 2 ends in the group of 2^15 values


@kernel(inline=True)
def code_merge_idx(e, count, value):
    """(9.3.3.2, TR cMax count - 1) merge_idx: the first bin has a context. `count` is MaxNumMergeCand."""
    if count < 2 or code_bin(e, MERGE_IDX, np.int64(value > 0)) == 0:
        return np.int64(0)
    result = np.int64(1)
    while result < count - 1 and code_bypass(e, np.int64(value > result)):
        result += 1
    return result


@kernel(inline=True)
def code_inter_pred_idc(e, ct_depth, is_small, uses):
    """(9.3.3.7) inter_pred_idc as a bit per list. `is_small` for 8x4 and 4x8 blocks, which have one list only."""
    if not is_small and code_bin(e, INTER_PRED_IDC + ct_depth, np.int64(uses == 3)):
        return np.int64(3)
    return np.int64(2) if code_bin(e, INTER_PRED_IDC + 4, np.int64(uses == 2)) else np.int64(1)


@kernel(inline=True)
def code_ref_idx(e, count, value):
    """(9.3.3.2, TR cMax count - 1) ref_idx_lX: two bins with contexts, the rest without."""
    result = np.int64(0)
    while result < count - 1:
        more = np.int64(value > result)
        if result < 2:
            more = code_bin(e, REF_IDX + result, more)
        else:
            more = code_bypass(e, more)
        if more == 0:
            break
        result += 1
    return result


@kernel
def _code_abs_mvd_minus2(e, value):
    """(9.3.3.3, EG1) abs_mvd_minus2."""
    k = np.int64(1)
    start = np.int64(0)
    while code_bypass(e, np.int64(value >= start + (np.int64(1) << k))):
        start += np.int64(1) << k
        k += 1
        if k > _MAX_MVD_GROUP:
            report_error(e, ERROR_MVD)
            return np.int64(0)
    return start + code_bypass_bits(e, k, value - start)


@kernel
def code_mvd(e, mvd_x, mvd_y):
    """(7.3.8.9) mvd_coding. -> lMvd horizontal, vertical"""
    size_x, size_y = abs(mvd_x), abs(mvd_y)
    greater0_x = code_bin(e, ABS_MVD_GREATER0_FLAG, np.int64(size_x > 0))
    greater0_y = code_bin(e, ABS_MVD_GREATER0_FLAG, np.int64(size_y > 0))
    greater1_x = np.int64(0)
    greater1_y = np.int64(0)
    if greater0_x:
        greater1_x = code_bin(e, ABS_MVD_GREATER1_FLAG, np.int64(size_x > 1))
    if greater0_y:
        greater1_y = code_bin(e, ABS_MVD_GREATER1_FLAG, np.int64(size_y > 1))
    x = greater0_x
    if greater0_x:
        if greater1_x:
            x = 2 + _code_abs_mvd_minus2(e, size_x - 2)
        x = -x if code_bypass(e, np.int64(mvd_x < 0)) else x
    y = greater0_y
    if greater0_y:
        if greater1_y:
            y = 2 + _code_abs_mvd_minus2(e, size_y - 2)
        y = -y if code_bypass(e, np.int64(mvd_y < 0)) else y
    if max(x, y) > 32767 or min(x, y) < -32768:
        report_error(e, ERROR_MVD)
        x = y = np.int64(0)
    return x, y


@kernel
def _code_list(e, pu, i, count, zero_mvd):
    """ref_idx, mvd and mvp flag of list `i`, whose number of pictures is `count`."""
    pu.ref_idx[i] = np.int8(code_ref_idx(e, count, np.int64(pu.ref_idx[i])))
    if zero_mvd:
        pu.mvd[i, 0] = np.int16(0)
        pu.mvd[i, 1] = np.int16(0)
    else:
        x, y = code_mvd(e, np.int64(pu.mvd[i, 0]), np.int64(pu.mvd[i, 1]))
        pu.mvd[i, 0] = np.int16(x)
        pu.mvd[i, 1] = np.int16(y)
    pu.mvp_flag[i] = np.int8(code_bin(e, MVP_FLAG, np.int64(pu.mvp_flag[i])))


@kernel
def interpolation_context(f, walk, x0, y0):
    """(docs/BITSTREAM.md) ctxInc of the first bin of cnn_interpolation_idx: neighbours whose own is not 0."""
    context = np.int64(0)
    if left_available(f, walk, x0):
        context += np.int64(f.units[y0 >> 2, (x0 >> 2) - 1].filter_set != 0)
    if up_available(f, walk, y0):
        context += np.int64(f.units[(y0 >> 2) - 1, x0 >> 2].filter_set != 0)
    return context


@kernel(inline=True)
def code_interpolation_idx(e, context, sets, value):
    """(docs/BITSTREAM.md, TR cMax sets) cnn_interpolation_idx."""
    result = np.int64(0)
    while result < sets:
        if code_bin(e, INTERPOLATION_IDX + (context if result == 0 else 2 + result), np.int64(value > result)) == 0:
            break
        result += 1
    return result


@kernel
def _code_filter_set(e, f, walk, x0, y0, width, height):
    """cnn_interpolation_idx, into all units of the block."""
    sets = np.int64(f.slices[walk[0].slice_idx].filter_sets)
    context = interpolation_context(f, walk, x0, y0)
    value = code_interpolation_idx(e, context, sets, np.int64(f.units[y0 >> 2, x0 >> 2].filter_set))
    if reads(e):
        for y in range(y0 >> 2, (y0 + height) >> 2):
            for x in range(x0 >> 2, (x0 + width) >> 2):
                f.units[y, x].filter_set = np.int8(value)


@kernel
def prediction_unit(e, f, walk, x0, y0, width, height, ct_depth):
    """(7.3.8.6) One prediction block: its record in f.prediction_units, and its merge_flag in f.units.

    x0, y0, width, height   in luma samples
    ct_depth                cqtDepth of the coding unit
    """
    s = f.slices[walk[0].slice_idx]
    unit = f.units[y0 >> 2, x0 >> 2]
    pu = f.prediction_units[y0 >> 2, x0 >> 2]
    if unit.cu_skip_flag == 0:
        unit.merge_flag = np.int8(code_bin(e, MERGE_FLAG, np.int64(unit.merge_flag)))
    if unit.merge_flag:
        pu.merge_idx = np.int8(code_merge_idx(e, np.int64(s.max_num_merge_cand), np.int64(pu.merge_idx)))
        return
    uses = np.int64(1)
    if s.slice_type == SLICE_B:
        if not reads(e):
            uses = np.int64(pu.ref_idx[0] >= 0) + 2 * np.int64(pu.ref_idx[1] >= 0)
        uses = code_inter_pred_idc(e, ct_depth, width + height == 12, uses)
    if reads(e):
        pu.ref_idx[0] = np.int8(-1)
        pu.ref_idx[1] = np.int8(-1)
    if uses & 1:
        _code_list(e, pu, 0, np.int64(s.num_ref_idx_l0), False)
    if uses & 2:
        _code_list(e, pu, 1, np.int64(s.num_ref_idx_l1), s.mvd_l1_zero != 0 and uses == 3)
    if s.filter_sets > 0 and uses != 3:
        _code_filter_set(e, f, walk, x0, y0, width, height)
