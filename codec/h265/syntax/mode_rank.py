"""(docs/BITSTREAM.md) intra_mode_rank of CnnMpm: a luma mode by its place in the order that a net will make of all."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.contexts import INTRA_MODE_RANK
from codec.h265.cabac.engine import code_bin, code_bypass_bits
from codec.h265.intra_modes import MODES
from codec.h265.syntax.walk import left_available, up_available

# ranks come in groups: which one is unary, with contexts; the place in the group is bypassed
GROUP_BITS = np.array([0, 0, 0, 1, 1, 2, 3, 4], np.int64)
GROUPS = len(GROUP_BITS)
GROUP_START = np.append(0, np.cumsum(1 << GROUP_BITS))
assert GROUP_START[GROUPS] == MODES
# of the first bin by neighbours, then one for each further bin; the same once more for blocks above 4x4
_FIRST_BIN = 3
_SET = _FIRST_BIN + GROUPS - 2


@kernel(inline=True)
def later_contexts(log2_size):
    """The context of the second bin of a block; those of the others follow it."""
    return np.int64(INTRA_MODE_RANK + _FIRST_BIN) + _SET * np.int64(log2_size > 2)


@kernel(inline=True)
def rank_context(f, walk, x, y, log2_size):
    """The context of the first bin of the block at luma (x, y): by how many of left and above have a rank above 0."""
    context = np.int64(INTRA_MODE_RANK) + _SET * np.int64(log2_size > 2)
    if left_available(f, walk, x):
        context += np.int64(f.units[y >> 2, (x >> 2) - 1].mode_rank > 0)
    if up_available(f, walk, y):
        context += np.int64(f.units[(y >> 2) - 1, x >> 2].mode_rank > 0)
    return context


@kernel
def code_mode_rank(e, context, later, rank):
    """intra_mode_rank, whose bins have the contexts `context`, then `later` and those behind it. -> rank"""
    group = np.int64(0)
    while group < GROUPS - 1:
        if code_bin(e, context, np.int64(rank >= GROUP_START[group + 1])) == 0:
            break
        context = later + group
        group += 1
    start = GROUP_START[group]
    return start + code_bypass_bits(e, GROUP_BITS[group], rank - start)
