"""codec.h265.recon.mpm against clauses 8.4.2 and 8.4.3: all pairs of neighbours, all chroma modes."""

import itertools

import numpy as np
import pytest

from codec.base.kernels.jit import kernel
from codec.h265.recon.mpm import chroma_mode, most_probable_modes, mpm_index, remaining_mode, remaining_rank
from tests.codec.h265.recon.test_intra_reference import make_frame

MODES = range(35)


@kernel
def _lists(f, places, out):
    """most_probable_modes of rows (x, y, left available, up available) into rows of three."""
    for k in range(len(places)):
        x, y, left, up = places[k]
        most_probable_modes(f, x, y, left != 0, up != 0, out[k])


@kernel
def _chroma_modes(out):
    for idc in range(5):
        for mode in range(35):
            out[idc, mode] = chroma_mode(np.int64(idc), np.int64(mode))


@kernel
def _ranks(mpm, ranks, modes):
    """mpm_index, or behind it remaining_rank, of every mode; remaining_mode of every rank."""
    for mode in range(35):
        index = mpm_index(mpm, mode)
        ranks[mode] = index if index < 3 else 3 + remaining_rank(mpm, mode)
    for rank in range(32):
        modes[rank] = remaining_mode(mpm, rank)


def slow_list(a, b):
    """(8.4.2) candModeList of candIntraPredModeA and B."""
    if a == b:
        return [0, 1, 26] if a < 2 else [a, 2 + ((a + 29) % 32), 2 + ((a - 2 + 1) % 32)]
    third = next(mode for mode in (0, 1, 26) if mode not in (a, b))
    return [a, b, third]


def found(frame, places):
    out = np.full((len(places), 3), -1, np.int64)
    _lists(frame, np.array(places, np.int64), out)
    return out.tolist()


def test_every_pair_of_neighbours():
    frame = make_frame(np.random.default_rng(1), 64, 64, 6)
    for a in MODES:
        frame.units["intra_luma_mode"][4, 3] = a
        for b in MODES:
            frame.units["intra_luma_mode"][3, 4] = b
            assert found(frame, [(16, 16, 1, 1)]) == [slow_list(a, b)], (a, b)


def test_the_list_holds_three_modes():
    for a in MODES:
        for b in MODES:
            modes = slow_list(a, b)
            assert len(set(modes)) == 3 and set(modes) <= set(MODES)


@pytest.mark.parametrize("log2_ctb", [4, 5, 6])
def test_neighbours_that_do_not_count_are_dc(log2_ctb):
    """What is not available, and the row above of another CTB."""
    rng = np.random.default_rng(log2_ctb)
    frame = make_frame(rng, 136, 104, log2_ctb)
    frame.units["intra_luma_mode"] = rng.integers(0, 35, frame.units.shape)
    modes = frame.units["intra_luma_mode"]
    places, expected = [], []
    for y in range(0, 104, 4):
        for x in range(0, 136, 4):
            for left, up in ((0, 0), (0, 1), (1, 0), (1, 1)):
                left, up = left and x > 0, up and y > 0
                a = modes[y // 4, x // 4 - 1] if left else 1
                b = modes[y // 4 - 1, x // 4] if up and y % (1 << log2_ctb) else 1
                places.append((x, y, left, up))
                expected.append(slow_list(int(a), int(b)))
    assert found(frame, places) == expected


def test_chroma_modes():
    """(8.4.3, table 8-3)"""
    made = np.full((5, 35), -1, np.int64)
    _chroma_modes(made)
    for luma in MODES:
        for idc, mode in enumerate((0, 26, 10, 1)):
            assert made[idc, luma] == (34 if mode == luma else mode)
        assert made[4, luma] == luma


def test_ranks_of_all_modes():
    """(7.4.9.5, 8.4.2) Those of the list by place, the others in their order, and back."""
    for a, b in itertools.product(MODES, repeat=2):
        mpm = slow_list(a, b)
        ranks, modes = np.full(35, -1, np.int64), np.full(32, -1, np.int64)
        _ranks(np.array(mpm, np.int64), ranks, modes)
        rest = [mode for mode in MODES if mode not in mpm]
        assert modes.tolist() == rest
        assert ranks.tolist() == [mpm.index(mode) if mode in mpm else 3 + rest.index(mode) for mode in MODES]
