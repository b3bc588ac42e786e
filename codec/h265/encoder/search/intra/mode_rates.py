"""What it costs to tell a luma mode: by H.265's list of most probable modes, or by its rank (CnnMpm)."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.contexts import PREV_INTRA_LUMA_PRED_FLAG
from codec.h265.cabac.engine import code_bin, code_bypass_bits
from codec.h265.cabac.tables import ENTROPY_BITS, ONE_BIT
from codec.h265.intra_modes import MODES, MPMS, REMAINING_BITS
from codec.h265.recon.mode_ranking import rank_modes
from codec.h265.recon.mpm import most_probable_modes, mpm_index
from codec.h265.syntax.mode_rank import GROUP_BITS, GROUP_START, GROUPS, code_mode_rank, later_contexts, rank_context
from codec.h265.syntax.walk import left_available, up_available


@kernel
def _rates_by_rank(contexts, context, later, modes, rates):
    """rates[mode] of all modes, which stand in `modes` by rank."""
    before = np.int64(0)
    for group in range(GROUPS):
        cost = before + np.int64(GROUP_BITS[group]) * ONE_BIT
        if group < GROUPS - 1:
            state = np.int64(contexts[context])
            cost += np.int64(ENTROPY_BITS[state])
            before += np.int64(ENTROPY_BITS[state ^ 1])
            context = later + group
        for rank in range(GROUP_START[group], GROUP_START[group + 1]):
            rates[modes[rank]] = cost


@kernel
def prepare_modes(f, s, walk, x, y, log2_size):
    """g.intra.mpm and g.intra.rates of the prediction block at luma (x, y), with the contexts as they are.

    With CnnMpm the modes are ranked, once for all that is tried in the block.
    """
    g, contexts = s.work[0], s.estimator.state[0].contexts
    if f.params[0].mode_ranks:
        ranking = g.block.recon.ranking
        rank_modes(f, x, y, log2_size, ranking)
        g.intra.rank_context = rank_context(f, walk, x, y, log2_size)
        later = later_contexts(log2_size)
        _rates_by_rank(contexts, g.intra.rank_context, later, ranking.modes, g.intra.rates)
        for k in range(MPMS):
            g.intra.mpm[k] = ranking.modes[k]
        return
    most_probable_modes(f, x, y, left_available(f, walk, x), up_available(f, walk, y), g.intra.mpm)
    state = np.int64(contexts[PREV_INTRA_LUMA_PRED_FLAG])
    remaining = np.int64(ENTROPY_BITS[state]) + REMAINING_BITS * ONE_BIT
    for mode in range(MODES):
        g.intra.rates[mode] = remaining
    for k in range(MPMS):
        g.intra.rates[g.intra.mpm[k]] = np.int64(ENTROPY_BITS[state ^ 1]) + min(k + 1, MPMS - 1) * ONE_BIT


@kernel
def count_mode(f, s, log2_size, mode):
    """Count a luma mode's bins, and move contexts on, behind prepare_modes."""
    g, e = s.work[0], s.estimator
    if f.params[0].mode_ranks:
        rank = np.int64(g.block.recon.ranking.ranks[mode])
        code_mode_rank(e, g.intra.rank_context, later_contexts(log2_size), rank)
        return
    index = mpm_index(g.intra.mpm, mode)
    code_bin(e, PREV_INTRA_LUMA_PRED_FLAG, np.int64(index < MPMS))
    code_bypass_bits(e, min(index + 1, MPMS - 1) if index < MPMS else REMAINING_BITS, 0)


@kernel
def set_luma_mode(f, s, x, y, size, mode):
    """The mode of a prediction block, and its rank."""
    rank = np.int64(0)
    if f.params[0].mode_ranks:
        rank = np.int64(s.work[0].block.recon.ranking.ranks[mode])
    for v in range(y >> 2, (y + size) >> 2):
        for u in range(x >> 2, (x + size) >> 2):
            f.units[v, u].intra_luma_mode = np.int8(mode)
            f.units[v, u].mode_rank = np.int8(rank)
