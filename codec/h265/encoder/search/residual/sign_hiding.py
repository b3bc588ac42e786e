"""(7.4.9.11) Sign data hiding, the encoder's side: choose the level whose change by one costs least."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.tables import ONE_BIT
from codec.h265.encoder.search.residual.level_rates import level_bits, pack_state, unpack_state
from codec.h265.encoder.search.residual.quantise import MAX_LEVEL, QUANT_SCALE, quantiser_shift
from codec.h265.syntax.scan import PLACE


@kernel
def _rate_change(contexts, w, i, level, step):
    """Change of the rate, in 1/32768 bit, when the level at scan position i changes by `step`, 1 or -1."""
    base, rice, greater1, greater2 = unpack_state(w.state[i])
    change = np.int64(0)
    if level:
        change -= level_bits(contexts, level, base, rice, greater1, greater2)
    if level + step:
        change += level_bits(contexts, level + step, base, rice, greater1, greater2)
    if level == 0:
        change += w.sig_gain[i]
    elif level + step == 0:
        change -= w.sig_gain[i]
    return change


@kernel
def _cheapest_change(coeffs, contexts, sub, first, final, top, level_sum, levels, w):
    """(n, step) of the change by one that makes the parity of a sub-block right at the least J."""
    best = np.inf
    best_n = np.int64(first)
    best_step = np.int64(1)
    for n in range(top, -1, -1):
        i = sub * 16 + n
        place = PLACE[w.log2_size - 2, w.scan_idx, i]
        level = abs(np.int64(levels[place]))
        magnitude = w.magnitude[i]
        error = float(magnitude - (level << w.shift))
        # one up: a zero in front of the first level would become the first, whose own sign then counts
        allowed = n >= first or np.int64(coeffs[place] < 0) == (level_sum + 1) & 1
        if allowed and level < MAX_LEVEL:
            after = float(magnitude - ((level + 1) << w.shift))
            distortion = (after * after - error * error) * w.step_squared
            # a new level costs its sign and significance at least, and most zeros are too far from one for that
            if level or distortion + w.rate_lambda * (ONE_BIT + w.sig_gain[i]) < best:
                cost = distortion + w.rate_lambda * _rate_change(contexts, w, i, level, np.int64(1))
                if cost < best:
                    best = cost
                    best_n = np.int64(n)
                    best_step = np.int64(1)
        # one down: the first or last level must not vanish, which would change the rule's own condition
        if level > 1 or (level == 1 and n != first and n != final):
            after = float(magnitude - ((level - 1) << w.shift))
            rate = _rate_change(contexts, w, i, level, np.int64(-1))
            cost = (after * after - error * error) * w.step_squared + w.rate_lambda * rate
            if cost < best:
                best = cost
                best_n = np.int64(n)
                best_step = np.int64(-1)
    return best_n, best_step


@kernel
def hide_signs(coeffs, contexts, last, levels, w):
    """Make the parity of each sub-block's level sum tell the sign of its first level in scan order.

    last  scan position of the last level; w: RDOQ_SCRATCH record of the block. -> change of the number of levels
    """
    change = np.int64(0)
    places = PLACE[w.log2_size - 2, w.scan_idx]
    for sub in range(last >> 4, -1, -1):
        first = np.int64(-1)
        final = np.int64(-1)
        level_sum = np.int64(0)
        for n in range(16):
            level = np.int64(levels[places[sub * 16 + n]])
            if level:
                if first < 0:
                    first = np.int64(n)
                final = np.int64(n)
                level_sum += abs(level)
        if first < 0 or final - first < 4:
            continue
        if np.int64(levels[places[sub * 16 + first]] < 0) == level_sum & 1:
            continue
        top = final if sub == last >> 4 else np.int64(15)
        n, step = _cheapest_change(coeffs, contexts, sub, first, final, top, level_sum, levels, w)
        place = places[sub * 16 + n]
        level = abs(np.int64(levels[place]))
        change += np.int64(level == 0) - np.int64(level + step == 0)
        level += step
        levels[place] = np.int16(-level if coeffs[place] < 0 else level)
    return change


@kernel
def hide_signs_plainly(coeffs, contexts, log2_size, scan_idx, qp, matrix, use_list, bit_depth, levels, w):
    """hide_signs of a block that quantise_plain made, by squared error alone. -> change of the number of levels

    w  RDOQ_SCRATCH record, written; the rest: see quantise_plain
    """
    scale = np.int64(QUANT_SCALE[qp % 6])
    w.log2_size, w.scan_idx = log2_size, scan_idx
    w.shift = quantiser_shift(qp, bit_depth, log2_size)
    w.step_squared, w.rate_lambda = 1.0, 0.0
    last = np.int64(-1)
    for i in range(1 << (2 * log2_size)):
        place = np.int64(PLACE[log2_size - 2, scan_idx, i])
        factor = scale * 16 // np.int64(matrix[place]) if use_list else scale
        w.magnitude[i] = abs(np.int64(coeffs[place])) * factor
        w.sig_gain[i] = 0
        w.state[i] = pack_state(np.int64(1), np.int64(0), np.int64(0), np.int64(0))
        if levels[place] != 0:
            last = np.int64(i)
    return hide_signs(coeffs, contexts, last, levels, w)
