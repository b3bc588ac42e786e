"""Rate-distortion optimised quantisation (encoder choice, the inverse of 8.6.4.1).

It decides, in reverse scan order, each level among its two nearest values and zero, then each sub-block against all
zeros, then the last significant position and the coded block flag, by J = D + lambda * R; rates come from the current
contexts. All costs are relative to the all-zero block.
"""

import numpy as np

from codec.cabac.contexts import (
    CODED_SUB_BLOCK_FLAG,
    COEFF_ABS_LEVEL_GREATER1_FLAG,
    COEFF_ABS_LEVEL_GREATER2_FLAG,
    LAST_SIG_COEFF_X_PREFIX,
    LAST_SIG_COEFF_Y_PREFIX,
    SIG_COEFF_FLAG,
)
from codec.cabac.tables import BIT_SHIFT, ENTROPY_BITS, ONE_BIT
from codec.encoder.quantise import MAX_LEVEL, QUANT_SCALE, quantiser_shift
from codec.encoder.sign_hiding import hide_signs
from codec.kernels.jit import kernel
from codec.structs import record
from codec.syntax.scan import LAST_GROUP, POS, SCAN_VERTICAL, SIG_CTX, SUB_BLOCK_X, SUB_BLOCK_Y

RDOQ_SCRATCH = record(
    [
        # the block
        ("log2_size", np.int64),
        ("luma", np.int64),
        ("scan_idx", np.int64),
        ("hide", np.int64),  # sign data hiding
        ("shift", np.int64),  # of magnitudes to levels
        ("step_squared", np.float64),  # squared error per squared magnitude
        ("rate_lambda", np.float64),  # J of 1/32768 bit
        ("last", np.int64),  # scan position of the last level that does not round to zero
        # what a sub-block takes over from the ones before it
        ("coded_sub_blocks", np.int64),  # bit (y * 8 + x): coded_sub_block_flag
        ("previous_greater1", np.int64),  # the previous coded sub-block's lastGreater1Ctx ended at 0 (9.3.4.2.6)
        # per coefficient of a block of at most 32x32, in scan order
        ("magnitude", np.int64, (1024,)),  # |coefficient| * quantisation scale
        ("cost", np.float64, (1024,)),  # J of the chosen level with its significance flag
        ("sig_cost", np.float64, (1024,)),  # J of its significance flag
        ("rate_up", np.int32, (1024,)),  # change of the rate, in 1/32768 bit, when the level grows by one
        ("rate_down", np.int32, (1024,)),
        ("place", np.int32, (1024,)),  # position in the block, row by row
        ("flag_cost", np.float64, (64,)),  # J of each sub-block's coded_sub_block_flag
        ("last_bits", np.int32, (2, 32)),  # rate of last_sig_coeff_x / y by position
    ]
)


@kernel(inline=True)
def _bits(contexts, context, value):
    return np.int64(ENTROPY_BITS[np.int64(contexts[context]) ^ value])


@kernel
def remaining_bits(rice, value):
    """(9.3.3.11) Rate of coeff_abs_level_remaining, in 1/32768 bit."""
    if value < (4 << rice):
        return ((value >> rice) + 1 + rice) << BIT_SHIFT
    prefix = np.int64(4)
    while value >= ((np.int64(2) << (prefix - 3)) + 2) << rice:
        prefix += 1
    return (prefix + 1 + prefix - 3 + rice) << BIT_SHIFT


@kernel(inline=True)
def _level_bits(contexts, level, base, rice, greater1, greater2):
    """Rate of a nonzero level without its significance flag: sign, greater flags, remaining.

    base      level from which coeff_abs_level_remaining is coded: 3 (both flags), 2 (greater1 only), 1 (none)
    greater1, greater2   the contexts of the two flags
    """
    bits = np.int64(ONE_BIT)
    if base > 1:
        bits += _bits(contexts, greater1, np.int64(level > 1))
        if level > 1 and base == 3:
            bits += _bits(contexts, greater2, np.int64(level > 2))
    if level >= base:
        bits += remaining_bits(rice, level - base)
    return bits


@kernel
def _fill_last_bits(contexts, log2_size, luma, last_bits):
    """(9.3.4.2.3) Rates of the last position's prefix and suffix for every coordinate."""
    for axis in range(2):
        first = LAST_SIG_COEFF_X_PREFIX if axis == 0 else LAST_SIG_COEFF_Y_PREFIX
        if luma:
            context = first + 3 * (log2_size - 2) + ((log2_size - 1) >> 2)
            shift = (log2_size + 1) >> 2
        else:
            context = first + 15
            shift = log2_size - 2
        longest = (log2_size << 1) - 1
        position = np.int64(0)
        ones = np.int64(0)
        for group in range(longest + 1):
            bits = ones
            if group < longest:
                bits += _bits(contexts, context + (group >> shift), 0)
                ones += _bits(contexts, context + (group >> shift), 1)
            if group > 3:
                bits += ((group >> 1) - 1) << BIT_SHIFT
            while position < (1 << log2_size) and LAST_GROUP[position] == group:
                last_bits[axis, position] = np.int32(bits)
                position += 1


@kernel
def _gather(coeffs, scale, matrix, use_list, levels, w):
    """Magnitudes in scan order, all levels zero, and w.last; w.last is -1 when everything rounds to zero."""
    log2_size, scan_idx = w.log2_size, w.scan_idx
    half = np.int64(1) << (w.shift - 1)
    w.last = -1
    for sub in range(1 << (2 * log2_size - 4)):
        corner = (
            (np.int64(SUB_BLOCK_Y[log2_size - 2, scan_idx, sub]) << log2_size)
            + np.int64(SUB_BLOCK_X[log2_size - 2, scan_idx, sub])
        ) * 4
        for n in range(16):
            p = np.int64(POS[scan_idx, n])
            place = corner + ((p >> 2) << log2_size) + (p & 3)
            factor = scale * 16 // np.int64(matrix[place]) if use_list else scale
            magnitude = abs(np.int64(coeffs[place])) * factor
            i = sub * 16 + n
            w.magnitude[i] = magnitude
            w.place[i] = np.int32(place)
            levels[place] = 0
            if magnitude >= half:
                w.last = i


@kernel(inline=True)
def _neighbour_pattern(w, sub):
    """(9.3.4.2.4) Which of the right (bit 0) and lower (bit 1) sub-blocks are coded."""
    log2_size = w.log2_size
    x = np.int64(SUB_BLOCK_X[log2_size - 2, w.scan_idx, sub])
    y = np.int64(SUB_BLOCK_Y[log2_size - 2, w.scan_idx, sub])
    pattern = np.int64(0)
    if x < (1 << (log2_size - 2)) - 1:
        pattern |= (w.coded_sub_blocks >> (y * 8 + x + 1)) & 1
    if y < (1 << (log2_size - 2)) - 1:
        pattern |= ((w.coded_sub_blocks >> (y * 8 + x + 8)) & 1) << 1
    return pattern


@kernel(inline=True)
def _sig_context(w, sub):
    """(9.3.4.2.5) The context that SIG_CTX of a sub-block counts from."""
    if w.log2_size == 2:
        return np.int64(SIG_COEFF_FLAG + (0 if w.luma else 27))
    if not w.luma:
        return np.int64(SIG_COEFF_FLAG + 27 + (9 if w.log2_size == 3 else 12))
    context = np.int64(SIG_COEFF_FLAG + (0 if sub == 0 else 3))
    return context + (21 if w.log2_size > 3 else 9 if w.scan_idx == 0 else 15)


@kernel
def _choose_levels(contexts, sub, pattern, levels, w):
    """The levels of a sub-block one by one. -> (J, number of levels, J of the corner's significance flag)"""
    last = w.last
    half = np.int64(1) << (w.shift - 1)
    sig_context = _sig_context(w, sub)
    sig_row = np.int64(4) if w.log2_size == 2 else pattern
    context_set = np.int64(0 if (sub == 0 or not w.luma) else 2) + w.previous_greater1
    greater1_first = COEFF_ABS_LEVEL_GREATER1_FLAG + (0 if w.luma else 16) + context_set * 4
    greater2 = COEFF_ABS_LEVEL_GREATER2_FLAG + (0 if w.luma else 4) + context_set
    greater1_context = np.int64(1)
    greater2_free = True  # coeff_abs_level_greater2_flag not used yet
    rice = np.int64(0)
    coded = np.int64(0)
    total = 0.0
    corner_cost = 0.0
    first_n = last & 15 if sub == last >> 4 else np.int64(15)
    for n in range(15, first_n, -1):
        i = sub * 16 + n
        w.cost[i] = 0.0
        w.sig_cost[i] = 0.0
        w.rate_up[i] = 0
        w.rate_down[i] = 0
    for n in range(first_n, -1, -1):
        i = sub * 16 + n
        magnitude = w.magnitude[i]
        highest = min((magnitude + half) >> w.shift, MAX_LEVEL)
        zero_sig = np.int64(0)
        one_sig = np.int64(0)
        if i != last:
            context = sig_context + np.int64(SIG_CTX[sig_row, POS[w.scan_idx, n]])
            if i == 0:
                context = np.int64(SIG_COEFF_FLAG + (0 if w.luma else 27))
            zero_sig = _bits(contexts, context, 0)
            one_sig = _bits(contexts, context, 1)
        base = np.int64(1 if coded >= 8 else 3 if greater2_free else 2)
        greater1 = greater1_first + greater1_context

        level = np.int64(0)
        best = w.rate_lambda * zero_sig
        best_bits = np.int64(0)
        if highest > 0:
            if highest > 2 or i == last:
                best = np.inf
            zero_distortion = float(magnitude) * float(magnitude)
            for candidate in range(highest, max(highest - 1, 1) - 1, -1):
                bits = _level_bits(contexts, np.int64(candidate), base, rice, greater1, greater2)
                error = float(magnitude - (np.int64(candidate) << w.shift))
                cost = (error * error - zero_distortion) * w.step_squared + w.rate_lambda * (one_sig + bits)
                if cost < best:
                    best = cost
                    level = np.int64(candidate)
                    best_bits = bits
        w.cost[i] = best
        w.sig_cost[i] = w.rate_lambda * (one_sig if level else zero_sig)
        if n == 0:
            corner_cost = w.sig_cost[i]
        levels[w.place[i]] = np.int16(level)
        total += best

        # what one level more or less would cost, for sign data hiding
        if w.hide:
            up_bits = _level_bits(contexts, level + 1, base, rice, greater1, greater2)
            if level == 0:
                w.rate_up[i] = np.int32(up_bits + one_sig - zero_sig)
            else:
                w.rate_up[i] = np.int32(up_bits - best_bits)
                down_bits = zero_sig - one_sig
                if level > 1:
                    down_bits = _level_bits(contexts, level - 1, base, rice, greater1, greater2)
                w.rate_down[i] = np.int32(down_bits - best_bits)

        if level:
            if level >= base and level > 3 << rice:
                rice = min(rice + 1, 4)
            if coded < 8:
                if level > 1:
                    greater1_context = np.int64(0)
                    greater2_free = False
                elif 0 < greater1_context < 3:
                    greater1_context += 1
            coded += 1
    if coded:
        w.previous_greater1 = np.int64(greater1_context == 0)
    return total, coded, corner_cost


@kernel
def _close_sub_block(contexts, sub, pattern, total, coded, corner_cost, levels, w):
    """coded_sub_block_flag: the levels chosen, or all zero where that is cheaper. -> J of the sub-block"""
    w.flag_cost[sub] = 0.0
    if 0 < sub < w.last >> 4:
        flag = CODED_SUB_BLOCK_FLAG + (0 if w.luma else 2) + np.int64(pattern > 0)
        zero_flag = w.rate_lambda * _bits(contexts, flag, 0)
        one_flag = w.rate_lambda * _bits(contexts, flag, 1)
        if coded == 1 and levels[w.place[sub * 16]] != 0:
            # (7.3.8.11) the only level is at the corner: its significance is inferred
            total -= corner_cost
            w.cost[sub * 16] -= corner_cost
            w.sig_cost[sub * 16] = 0.0
        if coded == 0 or zero_flag <= total + one_flag:
            for i in range(sub * 16, sub * 16 + 16):
                w.cost[i] = 0.0
                w.sig_cost[i] = 0.0
                levels[w.place[i]] = 0
            w.flag_cost[sub] = zero_flag
            return zero_flag
        w.flag_cost[sub] = one_flag
        total += one_flag
    x = np.int64(SUB_BLOCK_X[w.log2_size - 2, w.scan_idx, sub])
    y = np.int64(SUB_BLOCK_Y[w.log2_size - 2, w.scan_idx, sub])
    w.coded_sub_blocks |= np.int64(1) << (y * 8 + x)
    return total


@kernel
def _choose_last(contexts, cbf_context, total, levels, w):
    """Drop levels from the end while they cost more than they save, `total` being J of all. -> last, -1 for none"""
    log2_size = w.log2_size
    _fill_last_bits(contexts, log2_size, w.luma, w.last_bits)
    best = w.rate_lambda * (_bits(contexts, cbf_context, 0) - _bits(contexts, cbf_context, 1))
    best_last = np.int64(-1)
    for i in range(w.last, -1, -1):
        if i == w.last or i & 15 == 15:
            # coded_sub_block_flag is not sent for the sub-block of the last level
            total -= w.flag_cost[i >> 4]
        place = np.int64(w.place[i])
        level = np.int64(levels[place])
        if level:
            x = place & ((1 << log2_size) - 1)
            y = place >> log2_size
            if w.scan_idx == SCAN_VERTICAL:
                x, y = y, x
            here = total + w.rate_lambda * (w.last_bits[0, x] + w.last_bits[1, y]) - w.sig_cost[i]
            if here < best:
                best = here
                best_last = np.int64(i)
            if level > 1:
                break
        total -= w.cost[i]
    return best_last


@kernel
def rdoq(
    coeffs, log2_size, c_idx, scan_idx, qp, matrix, use_list, bit_depth, lam, contexts, cbf_context, hide, levels, w
):
    """Rate-distortion optimised quantisation of one block. -> number of nonzero levels

    coeffs       int16 transform coefficients, n*n row-major
    matrix       (n*n,) scaling factors, used when use_list
    lam          Lagrangian multiplier of one bit against squared error at this bit depth
    cbf_context  context of the coded block flag
    hide         sign data hiding
    levels       (n*n,) int16, written
    w            RDOQ_SCRATCH record
    """
    scale = np.int64(QUANT_SCALE[qp % 6])
    w.log2_size, w.luma, w.scan_idx, w.hide = log2_size, np.int64(c_idx == 0), scan_idx, np.int64(hide)
    w.shift = quantiser_shift(qp, bit_depth, log2_size)
    w.rate_lambda = lam / ONE_BIT
    # the forward transform scales residuals by 2^(15 - bit_depth - log2_size)
    transform_scale = float(np.int64(1) << (15 - bit_depth - log2_size))
    w.step_squared = 1.0 / (float(scale) * float(scale) * transform_scale * transform_scale)
    _gather(coeffs, scale, matrix, use_list, levels, w)
    if w.last < 0:
        return np.int64(0)
    w.coded_sub_blocks = 0
    w.previous_greater1 = 0
    total = 0.0
    for sub in range(w.last >> 4, -1, -1):
        pattern = _neighbour_pattern(w, sub)
        sub_total, coded, corner_cost = _choose_levels(contexts, sub, pattern, levels, w)
        total += _close_sub_block(contexts, sub, pattern, sub_total, coded, corner_cost, levels, w)
    last = _choose_last(contexts, cbf_context, total, levels, w)
    nonzero = np.int64(0)
    for i in range(w.last + 1):
        place = w.place[i]
        if i > last:
            levels[place] = 0
        elif levels[place] != 0:
            nonzero += 1
            if coeffs[place] < 0:
                levels[place] = np.int16(-levels[place])
    if hide and nonzero > 1:
        nonzero += hide_signs(coeffs, last, levels, w)
    return nonzero
