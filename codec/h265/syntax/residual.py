"""(7.3.8.11) residual_coding: the transform coefficient levels of one block, read, written or counted.

A block is n*n int16 levels, row-major and contiguous at `offset` of `coeffs`.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.contexts import (
    CODED_SUB_BLOCK_FLAG,
    COEFF_ABS_LEVEL_GREATER1_FLAG,
    COEFF_ABS_LEVEL_GREATER2_FLAG,
    LAST_SIG_COEFF_X_PREFIX,
    LAST_SIG_COEFF_Y_PREFIX,
    SIG_COEFF_FLAG,
    TRANSFORM_SKIP_FLAG,
)
from codec.h265.cabac.engine import code_bin, code_bypass, code_bypass_bits, reads, report_error
from codec.h265.intra_modes import SCAN_VERTICAL
from codec.h265.syntax.scan import (
    LAST_GROUP,
    LAST_GROUP_START,
    POS,
    POS_INDEX,
    SIG_CTX,
    SUB_BLOCK_INDEX,
    SUB_BLOCK_X,
    SUB_BLOCK_Y,
)
from codec.h265.syntax.walk import ERROR_LEVEL_PREFIX

_MAX_PREFIX = 32


@kernel
def _last_scan_position(coeffs, offset, log2_size, scan_idx):
    """Scan position (sub-block * 16 + n) of the last nonzero level; the block has one."""
    count = 1 << (2 * (log2_size - 2))
    for i in range(count - 1, -1, -1):
        x = SUB_BLOCK_X[log2_size - 2, scan_idx, i]
        at = offset + ((SUB_BLOCK_Y[log2_size - 2, scan_idx, i] << log2_size) + x) * 4
        for n in range(15, -1, -1):
            p = POS[scan_idx, n]
            if coeffs[at + ((p >> 2) << log2_size) + (p & 3)] != 0:
                return i * 16 + n
    return 0


@kernel(inline=True)
def _code_last_prefix(e, first_context, log2_size, c_idx, group):
    """(9.3.4.2.3) last_sig_coeff_x/y_prefix: truncated unary with its contexts."""
    if c_idx == 0:
        context = first_context + 3 * (log2_size - 2) + ((log2_size - 1) >> 2)
        shift = (log2_size + 1) >> 2
    else:
        context = first_context + 15
        shift = log2_size - 2
    longest = (log2_size << 1) - 1
    prefix = np.int64(0)
    while prefix < longest:
        if code_bin(e, context + (prefix >> shift), np.int64(prefix < group)) == 0:
            break
        prefix += 1
    return prefix


@kernel(inline=True)
def _code_last_suffix(e, prefix, position):
    """last_sig_coeff_x/y_suffix. -> the position (7-78, 7-79)"""
    if prefix < 4:
        return prefix
    start = np.int64(LAST_GROUP_START[prefix])
    return start + code_bypass_bits(e, (prefix >> 1) - 1, position - start)


@kernel(inline=True)
def _code_last_position(e, log2_size, c_idx, scan_idx, x, y):
    """Position of the last significant level. -> (x, y)"""
    if scan_idx == SCAN_VERTICAL:
        x, y = y, x
    prefix_x = _code_last_prefix(e, LAST_SIG_COEFF_X_PREFIX, log2_size, c_idx, np.int64(LAST_GROUP[x]))
    prefix_y = _code_last_prefix(e, LAST_SIG_COEFF_Y_PREFIX, log2_size, c_idx, np.int64(LAST_GROUP[y]))
    x = _code_last_suffix(e, prefix_x, x)
    y = _code_last_suffix(e, prefix_y, y)
    if scan_idx == SCAN_VERTICAL:
        x, y = y, x
    return x, y


@kernel
def code_level_remaining(e, rice, value):
    """(9.3.3.11) coeff_abs_level_remaining. -> value, or -1 when a Reader meets an impossible prefix."""
    prefix = np.int64(0)
    if reads(e):
        while code_bypass(e, 1) == 1:
            prefix += 1
            if prefix > _MAX_PREFIX:
                return np.int64(-1)
    elif value < (4 << rice):
        prefix = value >> rice
    else:
        # EGk: group g (prefix g + 4) starts at ((2 << g) + 2) << rice and has 1 << (g + 1 + rice) values
        prefix = np.int64(4)
        while value >= ((np.int64(2) << (prefix - 3)) + 2) << rice:
            prefix += 1
    if not reads(e):
        code_bypass_bits(e, prefix + 1, (np.int64(1) << (prefix + 1)) - 2)
    if prefix < 4:
        return (prefix << rice) + code_bypass_bits(e, rice, value - (prefix << rice))
    start = ((np.int64(1) << (prefix - 3)) + 2) << rice
    return start + code_bypass_bits(e, prefix - 3 + rice, value - start)


@kernel(inline=True)
def significance_context(log2_size, luma, scan_idx, sub_block):
    """(9.3.4.2.5) The context that SIG_CTX of a sub-block counts from."""
    if log2_size == 2:
        return np.int64(SIG_COEFF_FLAG if luma else SIG_COEFF_FLAG + 27)
    if not luma:
        return np.int64(SIG_COEFF_FLAG + 27 + (9 if log2_size == 3 else 12))
    context = np.int64(SIG_COEFF_FLAG + (0 if sub_block == 0 else 3))
    return context + (21 if log2_size > 3 else 9 if scan_idx == 0 else 15)


@kernel(inline=True)
def _any_level(coeffs, at, log2_size):
    """Whether the 4x4 sub-block at `at` has a level: 0 or 1."""
    for y in range(4):
        for x in range(4):
            if coeffs[at + (y << log2_size) + x] != 0:
                return np.int64(1)
    return np.int64(0)


@kernel(inline=True)
def _code_significance(e, coeffs, at, log2_size, luma, scan_idx, sub_block, pattern, last_n, infer_corner):
    """sig_coeff_flag of a sub-block; its levels go to the engine's scratch. -> (count, lowest n, highest n)

    last_n  position of the block's last level, which needs no flag, or -1 when it is not in this sub-block
    """
    places = e.state[0].levels[0]
    levels = e.state[0].levels[1]
    first_context = np.int64(SIG_COEFF_FLAG if luma else SIG_COEFF_FLAG + 27)
    context = significance_context(log2_size, luma, scan_idx, sub_block)
    row = np.int64(4) if log2_size == 2 else pattern
    count = np.int64(0)
    lowest = np.int64(15)
    highest = np.int64(0)
    for n in range(15 if last_n < 0 else last_n, -1, -1):
        p = np.int64(POS[scan_idx, n])
        place = at + ((p >> 2) << log2_size) + (p & 3)
        level = np.int32(0) if reads(e) else abs(np.int32(coeffs[place]))
        if n == last_n or (n == 0 and infer_corner and count == 0):
            significant = np.int64(1)
        elif n == 0 and sub_block == 0:
            significant = code_bin(e, first_context, np.int64(level != 0))
        else:
            significant = code_bin(e, context + np.int64(SIG_CTX[row, p]), np.int64(level != 0))
        if significant:
            if count == 0:
                highest = np.int64(n)
            lowest = np.int64(n)
            places[count] = np.int32(place)
            levels[count] = level
            count += 1
    return count, lowest, highest


@kernel(inline=True)
def _code_greater_flags(e, luma, context_set, count):
    """coeff_abs_level_greater1_flag and greater2_flag. -> (index of the first level above 1 or -1, last ctxInc is 0)"""
    levels = e.state[0].levels[1]
    first = np.int64(COEFF_ABS_LEVEL_GREATER1_FLAG if luma else COEFF_ABS_LEVEL_GREATER1_FLAG + 16) + context_set * 4
    greater1_context = np.int64(1)
    first_greater1 = np.int64(-1)
    for k in range(min(count, 8)):
        greater1 = code_bin(e, first + greater1_context, np.int64(levels[k] > 1))
        if reads(e):
            levels[k] = np.int32(1 + greater1)
        if greater1:
            greater1_context = np.int64(0)
            if first_greater1 < 0:
                first_greater1 = np.int64(k)
        elif 0 < greater1_context < 3:
            greater1_context += 1
    if first_greater1 >= 0:
        context = np.int64(COEFF_ABS_LEVEL_GREATER2_FLAG if luma else COEFF_ABS_LEVEL_GREATER2_FLAG + 4) + context_set
        greater2 = code_bin(e, context, np.int64(levels[first_greater1] > 2))
        if reads(e):
            levels[first_greater1] += np.int32(greater2)
    return first_greater1, np.int64(greater1_context == 0)


@kernel(inline=True)
def _code_signs(e, coeffs, count, hidden):
    """coeff_sign_flag. -> a bit per level, the first one highest; a hidden sign (the last one) reads 0"""
    places = e.state[0].levels[0]
    sent = count - np.int64(hidden)
    signs = np.int64(0)
    if not reads(e):
        for k in range(sent):
            signs = (signs << 1) | np.int64(coeffs[places[k]] < 0)
    return code_bypass_bits(e, sent, signs) << (count - sent)


@kernel(inline=True)
def _code_remaining_levels(e, coeffs, count, first_greater1, signs, hidden):
    """coeff_abs_level_remaining; a Reader puts the levels in their places. -> False on an impossible value"""
    places = e.state[0].levels[0]
    levels = e.state[0].levels[1]
    rice = np.int64(0)
    level_sum = np.int64(0)
    for k in range(count):
        base = np.int64(1 if k >= 8 else 3 if k == first_greater1 else 2)
        level = np.int64(1) if (reads(e) and k >= 8) else np.int64(levels[k])
        if level >= base:
            remaining = code_level_remaining(e, rice, level - base)
            if reads(e):
                if remaining < 0:
                    return False
                level = base + remaining
            if level > 3 << rice:
                rice = min(rice + 1, 4)
        if reads(e):
            level_sum += level
            negative = (signs >> (count - 1 - k)) & 1
            if hidden and k == count - 1:
                negative = level_sum & 1
            level = -level if negative else level
            coeffs[places[k]] = np.int16(min(max(level, -32768), 32767))
    return True


@kernel
def residual_coding(
    e, coeffs, offset, log2_size, c_idx, scan_idx, transform_skip_enabled, transform_skip, bypass, sign_data_hiding
):
    """(7.3.8.11) One transform block. -> transform_skip_flag

    A Reader fills `coeffs`; the others take the levels from there, of which at least one is nonzero.
    """
    if transform_skip_enabled and not bypass and log2_size == 2:
        transform_skip = code_bin(e, TRANSFORM_SKIP_FLAG + np.int64(c_idx > 0), transform_skip)

    last_x = np.int64(0)
    last_y = np.int64(0)
    if reads(e):
        for k in range(1 << (2 * log2_size)):
            coeffs[offset + k] = 0
    else:
        last = _last_scan_position(coeffs, offset, log2_size, scan_idx)
        p = np.int64(POS[scan_idx, last & 15])
        last_x = np.int64(SUB_BLOCK_X[log2_size - 2, scan_idx, last >> 4]) * 4 + (p & 3)
        last_y = np.int64(SUB_BLOCK_Y[log2_size - 2, scan_idx, last >> 4]) * 4 + (p >> 2)
    last_x, last_y = _code_last_position(e, log2_size, c_idx, scan_idx, last_x, last_y)
    last_sub_block = np.int64(SUB_BLOCK_INDEX[log2_size - 2, scan_idx, last_y >> 2, last_x >> 2])
    last_n = np.int64(POS_INDEX[scan_idx, (last_y & 3) * 4 + (last_x & 3)])

    luma = c_idx == 0
    csbf_context = CODED_SUB_BLOCK_FLAG if luma else CODED_SUB_BLOCK_FLAG + 2
    edge = (1 << (log2_size - 2)) - 1
    coded_sub_blocks = np.int64(0)  # bit (y * 8 + x): coded_sub_block_flag
    previous_greater1 = np.int64(0)  # the previous sub-block's lastGreater1Ctx ended at 0 (9.3.4.2.6)
    for i in range(last_sub_block, -1, -1):
        x_s = np.int64(SUB_BLOCK_X[log2_size - 2, scan_idx, i])
        y_s = np.int64(SUB_BLOCK_Y[log2_size - 2, scan_idx, i])
        at = offset + ((y_s << log2_size) + x_s) * 4
        pattern = np.int64(0)
        if x_s < edge:
            pattern |= (coded_sub_blocks >> (y_s * 8 + x_s + 1)) & 1
        if y_s < edge:
            pattern |= ((coded_sub_blocks >> (y_s * 8 + x_s + 8)) & 1) << 1

        # coded_sub_block_flag, inferred 1 for the first and the last
        between = 0 < i < last_sub_block
        if between:
            coded = np.int64(0) if reads(e) else _any_level(coeffs, at, log2_size)
            if code_bin(e, csbf_context + np.int64(pattern > 0), coded) == 0:
                continue
        coded_sub_blocks |= np.int64(1) << (y_s * 8 + x_s)

        here = last_n if i == last_sub_block else np.int64(-1)
        count, lowest, highest = _code_significance(e, coeffs, at, log2_size, luma, scan_idx, i, pattern, here, between)
        if count == 0:
            continue
        context_set = np.int64(0 if (i == 0 or not luma) else 2) + previous_greater1
        first_greater1, previous_greater1 = _code_greater_flags(e, luma, context_set, count)
        hidden = sign_data_hiding and not bypass and highest - lowest > 3
        signs = _code_signs(e, coeffs, count, hidden)
        if not _code_remaining_levels(e, coeffs, count, first_greater1, signs, hidden):
            report_error(e, ERROR_LEVEL_PREFIX)
            return transform_skip
    return transform_skip
