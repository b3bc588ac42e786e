"""codec.h265.syntax.mode_rank against docs/BITSTREAM.md: bins, contexts, and what they cost."""

import numpy as np
import pytest

from codec.h265.cabac import engine
from codec.h265.cabac.contexts import CONTEXT_COUNT, INTRA_MODE_RANK
from codec.h265.cabac.tables import ENTROPY_BITS, ONE_BIT
from codec.h265.encoder.search.intra.mode_rates import _rates_by_rank
from codec.h265.intra_modes import MODES
from codec.h265.structs import UNIT
from codec.h265.syntax.mode_rank import code_mode_rank, later_contexts, rank_context
from codec.h265.syntax.walk import new_walk
from tests.codec.h265.recon.test_intra_reference import make_frame

GROUPS = [[0], [1], [2], [3, 4], [5, 6], list(range(7, 11)), list(range(11, 19)), list(range(19, 35))]


@pytest.mark.parametrize("log2_size", [2, 3, 6])
def test_every_rank_survives(log2_size):
    contexts = np.random.default_rng(log2_size).integers(0, 100, CONTEXT_COUNT).astype(np.uint8)
    first, later = INTRA_MODE_RANK + (9 if log2_size > 2 else 0), int(later_contexts(log2_size))
    assert later == first + 3
    ranks = np.random.default_rng(1).permutation(np.repeat(np.arange(MODES), 3)).tolist()
    buffer = np.zeros(4096, np.uint8)
    writer = engine.new_writer(buffer)
    engine.set_contexts(writer, contexts)
    for k, rank in enumerate(ranks):
        assert code_mode_rank(writer, first + k % 3, later, rank) == rank
    engine.code_terminate(writer, 1)
    length = int(engine.finish_writer(writer))
    reader = engine.new_reader(buffer[:length].copy())
    engine.set_contexts(reader, contexts)
    engine.start_reader(reader, 0)
    assert [code_mode_rank(reader, first + k % 3, later, 0) for k in range(len(ranks))] == ranks
    moved = np.flatnonzero(engine.get_contexts(reader) != contexts)
    assert moved.min() == first and moved.max() == first + 8


@pytest.mark.parametrize("log2_size", [2, 4])
def test_rates_are_those_of_the_bins(log2_size):
    rng = np.random.default_rng(log2_size)
    contexts = rng.integers(0, 100, CONTEXT_COUNT).astype(np.uint8)
    first, later = INTRA_MODE_RANK + 1, int(later_contexts(log2_size))
    modes, rates = rng.permutation(MODES).astype(np.int64), np.zeros(MODES, np.int64)
    _rates_by_rank(contexts, first, later, modes, rates)
    used = [first, *range(later, later + 6)]
    for number, group in enumerate(GROUPS):
        wanted = sum(int(ENTROPY_BITS[contexts[c] ^ 1]) for c in used[:number])
        if number < 7:
            wanted += int(ENTROPY_BITS[contexts[used[number]]])
        wanted += (len(group).bit_length() - 1) * ONE_BIT
        assert [int(rates[modes[rank]]) for rank in group] == [wanted] * len(group)
    # and what the estimator counts
    for rank in range(MODES):
        e = engine.new_estimator()
        engine.set_contexts(e, contexts)
        e.state[0]["bits"] = 0
        code_mode_rank(e, first, later, rank)
        assert int(e.state[0]["bits"]) == int(rates[modes[rank]])


def test_the_first_bin_goes_by_the_blocks_left_and_above():
    frame = make_frame(np.random.default_rng(1), 64, 64, 5)
    walk = new_walk()
    frame.units[:] = np.zeros(1, UNIT)
    frame.units["mode_rank"][3, 3], frame.units["mode_rank"][2, 4] = 1, 34
    seen = {}
    for (x, y), size in (((16, 12), 2), ((16, 12), 3), ((12, 16), 2), ((20, 20), 2), ((32, 12), 2)):
        seen[x, y, size] = int(rank_context(frame, walk, x, y, size)) - INTRA_MODE_RANK
    assert seen == {(16, 12, 2): 2, (16, 12, 3): 11, (12, 16, 2): 1, (20, 20, 2): 0, (32, 12, 2): 0}
    # at the edge of the CTU the walk tells
    frame.units["mode_rank"][3, 7] = 3
    assert int(rank_context(frame, walk, 32, 12, 2)) == INTRA_MODE_RANK
    walk[0]["left_available"] = 1
    assert int(rank_context(frame, walk, 32, 12, 2)) == INTRA_MODE_RANK + 1
