"""Quantisation (encoder choice, the inverse of 8.6.4.1): plain, or rate-distortion optimised with sign data hiding.

Rate-distortion optimised quantisation decides, in reverse scan order, each level among its two nearest values and zero,
then each sub-block against all zeros, then the last significant position and the coded block flag, by
J = D + lambda * R; rates come from the current contexts. All costs are relative to the all-zero block.
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
from codec.kernels.jit import kernel
from codec.structs import record
from codec.syntax.scan import LAST_GROUP, POS, SCAN_VERTICAL, SIG_CTX, SUB_BLOCK_X, SUB_BLOCK_Y

# (inverse of levelScale) quantScale[qP % 6]
QUANT_SCALE = np.array([26214, 23302, 20560, 18396, 16384, 14564], np.int64)
_QUANT_SHIFT = 14
_TRANSFORM_RANGE = 15
_MAX_LEVEL = 32767


# per coefficient, in scan order, of one block of at most 32x32
RDOQ_SCRATCH = record(
    [
        ("magnitude", np.int64, (1024,)),  # |coefficient| * quantisation scale
        ("cost", np.float64, (1024,)),  # J of the chosen level with its significance flag, relative to zero
        ("sig_cost", np.float64, (1024,)),  # lambda * rate of its significance flag
        ("flag_cost", np.float64, (64,)),  # lambda * rate of each sub-block's coded_sub_block_flag
        ("rate_up", np.int32, (1024,)),  # change of the rate, in 1/32768 bit, when the level grows by one
        ("rate_down", np.int32, (1024,)),
        ("place", np.int32, (1024,)),  # position in the block, row by row
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
def _fill_last_bits(contexts, log2_size, c_idx, last_bits):
    """(9.3.4.2.3) Rates of the last position's prefix and suffix for every coordinate."""
    for axis in range(2):
        first = LAST_SIG_COEFF_X_PREFIX if axis == 0 else LAST_SIG_COEFF_Y_PREFIX
        if c_idx == 0:
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
def quantise_plain(coeffs, log2_size, qp, matrix, use_list, bit_depth, intra, levels):
    """Dead-zone quantisation: rounding offset 171/512 for intra blocks, 85/512 for inter. -> number of nonzero levels"""
    shift = _QUANT_SHIFT + qp // 6 + _TRANSFORM_RANGE - bit_depth - log2_size
    scale = np.int64(QUANT_SCALE[qp % 6])
    offset = np.int64(171 if intra else 85) << (shift - 9)
    count = np.int64(0)
    for i in range(1 << (2 * log2_size)):
        factor = scale * 16 // np.int64(matrix[i]) if use_list else scale
        value = np.int64(coeffs[i])
        level = min((abs(value) * factor + offset) >> shift, _MAX_LEVEL)
        count += np.int64(level != 0)
        levels[i] = np.int16(-level if value < 0 else level)
    return count


@kernel
def rdoq(coeffs, log2_size, c_idx, scan_idx, qp, matrix, use_list, bit_depth, lam, contexts, cbf_context, hide, levels, w):
    """Rate-distortion optimised quantisation of one block. -> number of nonzero levels

    coeffs       int16 transform coefficients, n*n row-major
    matrix       (n*n,) scaling factors, used when use_list
    lam          Lagrangian multiplier of one bit against squared error at this bit depth
    cbf_context  context of the coded block flag
    hide         sign data hiding
    levels       (n*n,) int16, written
    w            RDOQ_SCRATCH record
    """
    shift = _QUANT_SHIFT + qp // 6 + _TRANSFORM_RANGE - bit_depth - log2_size
    scale = np.int64(QUANT_SCALE[qp % 6])
    half = np.int64(1) << (shift - 1)
    count = 1 << (2 * log2_size)
    rate_lambda = lam / ONE_BIT

    # where the levels begin: magnitudes in scan order, and the last one that does not round to zero
    last = np.int64(-1)
    for sub in range(count >> 4):
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
                last = np.int64(i)
    if last < 0:
        return np.int64(0)

    luma = c_idx == 0
    csbf_context = CODED_SUB_BLOCK_FLAG + (0 if luma else 2)
    sig_first = SIG_COEFF_FLAG + (0 if luma else 27)
    greater1_first = COEFF_ABS_LEVEL_GREATER1_FLAG + (0 if luma else 16)
    greater2_first = COEFF_ABS_LEVEL_GREATER2_FLAG + (0 if luma else 4)
    step_squared = 1.0 / (float(scale) * float(scale)) / float(np.int64(1) << (2 * (_TRANSFORM_RANGE - bit_depth - log2_size)))
    coded_sub_blocks = np.int64(0)
    previous_greater1 = False
    total = 0.0
    last_sub = last >> 4

    for sub in range(last_sub, -1, -1):
        x_s = np.int64(SUB_BLOCK_X[log2_size - 2, scan_idx, sub])
        y_s = np.int64(SUB_BLOCK_Y[log2_size - 2, scan_idx, sub])
        pattern = np.int64(0)
        if x_s < (1 << (log2_size - 2)) - 1:
            pattern |= (coded_sub_blocks >> (y_s * 8 + x_s + 1)) & 1
        if y_s < (1 << (log2_size - 2)) - 1:
            pattern |= ((coded_sub_blocks >> (y_s * 8 + x_s + 8)) & 1) << 1
        csbf = csbf_context + np.int64(pattern > 0)
        if log2_size == 2:
            sig_context = np.int64(sig_first)
            pattern = np.int64(4)
        elif luma:
            sig_context = np.int64(sig_first) + (0 if sub == 0 else 3)
            sig_context += (9 if scan_idx == 0 else 15) if log2_size == 3 else 21
        else:
            sig_context = np.int64(sig_first) + (9 if log2_size == 3 else 12)

        context_set = np.int64(0 if (sub == 0 or not luma) else 2) + np.int64(previous_greater1)
        greater1_context = np.int64(1)
        greater2_free = True  # coeff_abs_level_greater2_flag not used yet
        rice = np.int64(0)
        coded = np.int64(0)
        sub_cost = 0.0
        dc_sig_cost = 0.0
        first_n = last & 15 if sub == last_sub else np.int64(15)
        for n in range(15, first_n, -1):
            w.cost[sub * 16 + n] = 0.0
            w.sig_cost[sub * 16 + n] = 0.0
            w.rate_up[sub * 16 + n] = 0
            w.rate_down[sub * 16 + n] = 0
        for n in range(first_n, -1, -1):
            i = sub * 16 + n
            magnitude = w.magnitude[i]
            highest = min((magnitude + half) >> shift, _MAX_LEVEL)
            if i == last:
                zero_sig = np.int64(0)
                one_sig = np.int64(0)
            else:
                if i == 0:
                    context = np.int64(sig_first)
                else:
                    context = sig_context + np.int64(SIG_CTX[pattern, POS[scan_idx, n]])
                zero_sig = _bits(contexts, context, 0)
                one_sig = _bits(contexts, context, 1)
            base = np.int64(1 if coded >= 8 else 3 if greater2_free else 2)
            greater1 = greater1_first + context_set * 4 + greater1_context
            greater2 = greater2_first + context_set

            level = np.int64(0)
            best = rate_lambda * zero_sig
            best_bits = np.int64(0)
            if highest > 0:
                if highest > 2 or i == last:
                    best = np.inf
                zero_distortion = float(magnitude) * float(magnitude)
                lowest = max(highest - 1, 1)
                for candidate in range(highest, lowest - 1, -1):
                    bits = _level_bits(contexts, np.int64(candidate), base, rice, greater1, greater2)
                    error = float(magnitude - (np.int64(candidate) << shift))
                    cost = (error * error - zero_distortion) * step_squared + rate_lambda * (one_sig + bits)
                    if cost < best:
                        best = cost
                        level = np.int64(candidate)
                        best_bits = bits
            w.cost[i] = best
            sig_bits = one_sig if level else zero_sig
            w.sig_cost[i] = rate_lambda * sig_bits
            if n == 0:
                dc_sig_cost = rate_lambda * sig_bits
            levels[w.place[i]] = np.int16(level)
            sub_cost += best

            # what one level more or less would cost, for sign data hiding
            if hide:
                up_bits = _level_bits(contexts, level + 1, base, rice, greater1, greater2)
                if level:
                    w.rate_up[i] = np.int32(up_bits - best_bits)
                    if level > 1:
                        down_bits = _level_bits(contexts, level - 1, base, rice, greater1, greater2)
                        w.rate_down[i] = np.int32(down_bits - best_bits)
                    else:
                        w.rate_down[i] = np.int32(zero_sig - one_sig - best_bits)
                else:
                    w.rate_up[i] = np.int32(up_bits + one_sig - zero_sig)

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

        # the sub-block as a whole: all zero may be cheaper
        w.flag_cost[sub] = 0.0
        if coded:
            previous_greater1 = greater1_context == 0
        if 0 < sub < last_sub:
            zero_flag = rate_lambda * _bits(contexts, csbf, 0)
            if coded == 0:
                # no significance flags are sent then
                for n in range(16):
                    w.cost[sub * 16 + n] = 0.0
                    w.sig_cost[sub * 16 + n] = 0.0
                w.flag_cost[sub] = zero_flag
                total += zero_flag
                continue
            one_flag = rate_lambda * _bits(contexts, csbf, 1)
            if coded == 1 and levels[w.place[sub * 16]] != 0:
                # (7.3.8.11) the only level is at the corner: its significance is inferred
                sub_cost -= dc_sig_cost
                w.cost[sub * 16] -= dc_sig_cost
                w.sig_cost[sub * 16] = 0.0
            if zero_flag <= sub_cost + one_flag:
                for n in range(16):
                    w.cost[sub * 16 + n] = 0.0
                    w.sig_cost[sub * 16 + n] = 0.0
                    levels[w.place[sub * 16 + n]] = 0
                w.flag_cost[sub] = zero_flag
                total += zero_flag
                continue
            w.flag_cost[sub] = one_flag
            sub_cost += one_flag
        coded_sub_blocks |= np.int64(1) << (y_s * 8 + x_s)
        total += sub_cost

    # last significant position: walk forward from the last, dropping levels while they are worth less than they cost
    _fill_last_bits(contexts, log2_size, c_idx, w.last_bits)
    best_total = rate_lambda * (_bits(contexts, cbf_context, 0) - _bits(contexts, cbf_context, 1))
    best_last = np.int64(-1)
    for i in range(last, -1, -1):
        if i == last or i & 15 == 15:
            # coded_sub_block_flag is not sent for the sub-block of the last level
            total -= w.flag_cost[i >> 4]
        place = np.int64(w.place[i])
        level = np.int64(levels[place])
        if level:
            x = place & ((1 << log2_size) - 1)
            y = place >> log2_size
            if scan_idx == SCAN_VERTICAL:
                x, y = y, x
            last_rate = np.int64(w.last_bits[0, x]) + np.int64(w.last_bits[1, y])
            here = total + rate_lambda * last_rate - w.sig_cost[i]
            if here < best_total:
                best_total = here
                best_last = np.int64(i)
            if level > 1:
                break
        total -= w.cost[i]
    nonzero = np.int64(0)
    for i in range(last + 1):
        place = w.place[i]
        if i > best_last:
            levels[place] = 0
        elif levels[place] != 0:
            nonzero += 1
            if coeffs[place] < 0:
                levels[place] = np.int16(-levels[place])
    if hide and nonzero > 1:
        nonzero += hide_signs(coeffs, best_last, shift, step_squared, rate_lambda, levels, w)
    return nonzero


@kernel
def hide_signs(coeffs, last, shift, step_squared, rate_lambda, levels, w):
    """(7.4.9.11) Make the parity of each sub-block's level sum tell the sign of its first level in scan order.

    Where it does not, the level whose change by one costs least is changed. -> change of the number of nonzero levels
    """
    change = np.int64(0)
    for sub in range(last >> 4, -1, -1):
        first = np.int64(-1)
        final = np.int64(-1)
        level_sum = np.int64(0)
        for n in range(16):
            level = np.int64(levels[w.place[sub * 16 + n]])
            if level:
                if first < 0:
                    first = np.int64(n)
                final = np.int64(n)
                level_sum += abs(level)
        if first < 0 or final - first < 4:
            continue
        if np.int64(levels[w.place[sub * 16 + first]] < 0) == level_sum & 1:
            continue
        best = np.inf
        best_n = np.int64(-1)
        best_step = np.int64(0)
        top = final if sub == last >> 4 else np.int64(15)
        for n in range(top, -1, -1):
            i = sub * 16 + n
            place = w.place[i]
            level = abs(np.int64(levels[place]))
            magnitude = w.magnitude[i]
            error = float(magnitude - (level << shift))
            # one up: a zero in front of the first level would become the first, whose own sign then counts
            allowed = n >= first or np.int64(coeffs[place] < 0) == (level_sum + 1) & 1
            if allowed and level < _MAX_LEVEL:
                after = float(magnitude - ((level + 1) << shift))
                cost = (after * after - error * error) * step_squared + rate_lambda * w.rate_up[i]
                if cost < best:
                    best = cost
                    best_n = np.int64(n)
                    best_step = np.int64(1)
            # one down: the first or last level must not vanish, which would change the rule's own condition
            if level > 1 or (level == 1 and n != first and n != final):
                after = float(magnitude - ((level - 1) << shift))
                cost = (after * after - error * error) * step_squared + rate_lambda * w.rate_down[i]
                if cost < best:
                    best = cost
                    best_n = np.int64(n)
                    best_step = np.int64(-1)
        place = w.place[sub * 16 + best_n]
        level = abs(np.int64(levels[place]))
        change += np.int64(level == 0) - np.int64(level + best_step == 0)
        level += best_step
        levels[place] = np.int16(-level if coeffs[place] < 0 else level)
    return change
