"""Rate-distortion optimised quantisation (encoder choice, the inverse of 8.6.4.1).

It decides, in reverse scan order, each level among its two nearest values and zero, then each sub-block against all
zeros, then the last significant position and the coded block flag, by J = D + lambda * R; rates come from the current
contexts. All costs are relative to the all-zero block.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.base.records import record
from codec.h265.cabac.contexts import (
    CODED_SUB_BLOCK_FLAG,
    COEFF_ABS_LEVEL_GREATER1_FLAG,
    COEFF_ABS_LEVEL_GREATER2_FLAG,
    LAST_SIG_COEFF_X_PREFIX,
    LAST_SIG_COEFF_Y_PREFIX,
    SIG_COEFF_FLAG,
)
from codec.h265.cabac.tables import BIT_SHIFT, ONE_BIT
from codec.h265.encoder.search.residual.level_rates import bin_bits, level_bits, pack_state
from codec.h265.encoder.search.residual.quantise import MAX_LEVEL, QUANT_SCALE, quantiser_shift
from codec.h265.encoder.search.residual.sign_hiding import hide_signs
from codec.h265.intra_modes import SCAN_VERTICAL
from codec.h265.syntax.residual import significance_context
from codec.h265.syntax.scan import LAST_GROUP, PLACE, POS, SIG_CTX, SUB_BLOCK_X, SUB_BLOCK_Y

RDOQ_SCRATCH = record(
    [
        # the block
        ("log2_size", np.int64),
        ("luma", np.int64),
        ("scan_idx", np.int64),
        ("shift", np.int64),  # of magnitudes to levels
        ("step_squared", np.float64),  # squared error per squared magnitude
        ("rate_lambda", np.float64),  # J of 1/32768 bit
        ("last", np.int64),  # scan position of the last level that does not round to zero
        ("candidates", np.int64),  # bit per sub-block: has a coefficient that does not round to zero
        # what a sub-block takes over from the ones before it
        ("coded_sub_blocks", np.int64),  # bit (y * 8 + x): coded_sub_block_flag
        ("zeroed", np.int64),  # bit sub-block: decided to be all zero
        ("previous_greater1", np.int64),  # the previous coded sub-block's lastGreater1Ctx ended at 0 (9.3.4.2.6)
        # per coefficient of a block of at most 32x32, in scan order
        ("magnitude", np.int64, (1024,)),  # |coefficient| * quantisation scale
        ("cost", np.float64, (1024,)),  # J of the chosen level with its significance flag
        ("sig_cost", np.float64, (1024,)),  # J of its significance flag
        ("sig_gain", np.int32, (1024,)),  # rate of a significance flag of 1 less that of 0, in 1/32768 bit
        ("state", np.int32, (1024,)),  # what the level's rate depends on, see level_rates.pack_state
        ("flag_cost", np.float64, (64,)),  # J of each sub-block's coded_sub_block_flag
        ("last_bits", np.int32, (2, 32)),  # rate of last_sig_coeff_x / y by position
    ]
)


@kernel
def _fill_lastbin_bits(contexts, log2_size, luma, last_bits):
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
                bits += bin_bits(contexts, context + (group >> shift), 0)
                ones += bin_bits(contexts, context + (group >> shift), 1)
            if group > 3:
                bits += ((group >> 1) - 1) << BIT_SHIFT
            while position < (1 << log2_size) and LAST_GROUP[position] == group:
                last_bits[axis, position] = np.int32(bits)
                position += 1


@kernel(inline=True)
def _corner(w, sub):
    """Position of a sub-block's first coefficient in the block."""
    x = np.int64(SUB_BLOCK_X[w.log2_size - 2, w.scan_idx, sub])
    y = np.int64(SUB_BLOCK_Y[w.log2_size - 2, w.scan_idx, sub])
    return ((y << w.log2_size) + x) * 4


@kernel(inline=True)
def _reaches(coeffs, corner, log2_size, threshold):
    """Whether a 4x4 sub-block has a coefficient of at least `threshold` in magnitude."""
    found = np.int32(0)
    for y in range(4):
        row = np.uint64(corner + (y << log2_size))
        for x in range(np.uint64(4)):
            found |= np.int32(abs(np.int32(coeffs[row + x])) >= threshold)
    return found != 0


@kernel
def _gather(coeffs, scale, matrix, use_list, levels, w):
    """Magnitudes in scan order, all levels zero, and w.last; w.last is -1 when everything rounds to zero."""
    log2_size = w.log2_size
    for i in range(np.uint64(1 << (2 * log2_size))):
        levels[i] = 0
    half = np.int64(1) << (w.shift - 1)
    # a list's factors are at most scale * 16, which bounds what can round to a level
    largest = scale * 16 if use_list else scale
    threshold = np.int32(min((half + largest - 1) // largest, 32768))
    w.last = -1
    w.candidates = 0
    for sub in range((1 << (2 * log2_size - 4)) - 1, -1, -1):
        if not _reaches(coeffs, _corner(w, sub), log2_size, threshold) and (w.last < 0 or sub > 0):
            continue
        for n in range(15, -1, -1):
            i = sub * 16 + n
            place = np.int64(PLACE[log2_size - 2, w.scan_idx, i])
            factor = scale * 16 // np.int64(matrix[place]) if use_list else scale
            magnitude = abs(np.int64(coeffs[place])) * factor
            w.magnitude[i] = magnitude
            if magnitude >= half:
                w.candidates |= np.int64(1) << sub
                if w.last < 0:
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


@kernel
def _choose_levels(contexts, sub, pattern, levels, w):
    """The levels of a sub-block one by one. -> (J, number of levels, J of the corner's significance flag)"""
    last = w.last
    half = np.int64(1) << (w.shift - 1)
    sig_context = significance_context(w.log2_size, w.luma != 0, w.scan_idx, sub)
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
            zero_sig = bin_bits(contexts, context, 0)
            one_sig = bin_bits(contexts, context, 1)
        base = np.int64(1 if coded >= 8 else 3 if greater2_free else 2)
        greater1 = greater1_first + greater1_context

        level = np.int64(0)
        best = w.rate_lambda * zero_sig
        if highest > 0:
            if highest > 2 or i == last:
                best = np.inf
            zero_distortion = float(magnitude) * float(magnitude)
            for candidate in range(highest, max(highest - 1, 1) - 1, -1):
                bits = level_bits(contexts, np.int64(candidate), base, rice, greater1, greater2)
                error = float(magnitude - (np.int64(candidate) << w.shift))
                cost = (error * error - zero_distortion) * w.step_squared + w.rate_lambda * (one_sig + bits)
                if cost < best:
                    best = cost
                    level = np.int64(candidate)
        w.cost[i] = best
        w.sig_cost[i] = w.rate_lambda * (one_sig if level else zero_sig)
        if n == 0:
            corner_cost = w.sig_cost[i]
        levels[PLACE[w.log2_size - 2, w.scan_idx, i]] = np.int16(level)
        total += best

        # for sign data hiding, which may ask what one level more or less would cost
        w.sig_gain[i] = np.int32(one_sig - zero_sig)
        w.state[i] = pack_state(base, rice, greater1, greater2)
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
        zero_flag = w.rate_lambda * bin_bits(contexts, flag, 0)
        one_flag = w.rate_lambda * bin_bits(contexts, flag, 1)
        places = PLACE[w.log2_size - 2, w.scan_idx]
        if coded == 1 and levels[places[sub * 16]] != 0:
            # (7.3.8.11) the only level is at the corner: its significance is inferred
            total -= corner_cost
            w.cost[sub * 16] -= corner_cost
            w.sig_cost[sub * 16] = 0.0
        if coded == 0 or zero_flag <= total + one_flag:
            if coded:
                for i in range(sub * 16, sub * 16 + 16):
                    levels[places[i]] = 0
            w.flag_cost[sub] = zero_flag
            w.zeroed |= np.int64(1) << sub
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
    _fill_lastbin_bits(contexts, log2_size, w.luma, w.last_bits)
    best = w.rate_lambda * (bin_bits(contexts, cbf_context, 0) - bin_bits(contexts, cbf_context, 1))
    best_last = np.int64(-1)
    for sub in range(w.last >> 4, -1, -1):
        # coded_sub_block_flag is not sent for the sub-block of the last level
        total -= w.flag_cost[sub]
        if (w.zeroed >> sub) & 1:
            continue
        for i in range(min(w.last, sub * 16 + 15), sub * 16 - 1, -1):
            place = np.int64(PLACE[log2_size - 2, w.scan_idx, i])
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
                    return best_last
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
    w.log2_size, w.luma, w.scan_idx = log2_size, np.int64(c_idx == 0), scan_idx
    w.shift = quantiser_shift(qp, bit_depth, log2_size)
    w.rate_lambda = lam / ONE_BIT
    # the forward transform scales residuals by 2^(15 - bit_depth - log2_size)
    transform_scale = float(np.int64(1) << (15 - bit_depth - log2_size))
    w.step_squared = 1.0 / (float(scale) * float(scale) * transform_scale * transform_scale)
    _gather(coeffs, scale, matrix, use_list, levels, w)
    if w.last < 0:
        return np.int64(0)
    w.coded_sub_blocks = 0
    w.zeroed = 0
    w.previous_greater1 = 0
    total = 0.0
    for sub in range(w.last >> 4, -1, -1):
        pattern = _neighbour_pattern(w, sub)
        sub_total, coded, corner_cost = 0.0, np.int64(0), 0.0
        if sub == 0 or (w.candidates >> sub) & 1:
            sub_total, coded, corner_cost = _choose_levels(contexts, sub, pattern, levels, w)
        total += _close_sub_block(contexts, sub, pattern, sub_total, coded, corner_cost, levels, w)
    last = _choose_last(contexts, cbf_context, total, levels, w)
    nonzero = np.int64(0)
    for i in range(w.last + 1):
        place = PLACE[log2_size - 2, scan_idx, i]
        if i > last:
            levels[place] = 0
        elif levels[place] != 0:
            nonzero += 1
            if coeffs[place] < 0:
                levels[place] = np.int16(-levels[place])
    if hide and nonzero > 1:
        nonzero += hide_signs(coeffs, contexts, last, levels, w)
    return nonzero
