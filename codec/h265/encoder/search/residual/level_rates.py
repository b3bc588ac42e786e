"""Rates of single levels (7.3.8.11) from the current contexts, in 1/32768 bit: what quantisation weighs."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.tables import BIT_SHIFT, ENTROPY_BITS, ONE_BIT


@kernel(inline=True)
def bin_bits(contexts, context, value):
    """Rate of one context coded bin."""
    return np.int64(ENTROPY_BITS[np.int64(contexts[context]) ^ value])


@kernel
def remaining_bits(rice, value):
    """(9.3.3.11) Rate of coeff_abs_level_remaining."""
    if value < (4 << rice):
        return ((value >> rice) + 1 + rice) << BIT_SHIFT
    prefix = np.int64(4)
    while value >= ((np.int64(2) << (prefix - 3)) + 2) << rice:
        prefix += 1
    return (prefix + 1 + prefix - 3 + rice) << BIT_SHIFT


@kernel(inline=True)
def level_bits(contexts, level, base, rice, greater1, greater2):
    """Rate of a nonzero level without its significance flag: sign, greater flags, remaining.

    base      level from which coeff_abs_level_remaining is coded: 3 (both flags), 2 (greater1 only), 1 (none)
    greater1, greater2   the contexts of the two flags
    """
    bits = np.int64(ONE_BIT)
    if base > 1:
        bits += bin_bits(contexts, greater1, np.int64(level > 1))
        if level > 1 and base == 3:
            bits += bin_bits(contexts, greater2, np.int64(level > 2))
    if level >= base:
        bits += remaining_bits(rice, level - base)
    return bits


@kernel(inline=True)
def pack_state(base, rice, greater1, greater2):
    """What level_bits depends on but for the level, in one number; `unpack_state` gives it back."""
    return np.int32(base | rice << 2 | greater1 << 5 | greater2 << 14)


@kernel(inline=True)
def unpack_state(state):
    """(base, rice, greater1, greater2) of pack_state."""
    s = np.int64(state)
    return s & 3, (s >> 2) & 7, (s >> 5) & 511, s >> 14
