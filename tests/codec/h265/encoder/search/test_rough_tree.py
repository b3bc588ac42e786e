"""rough_tree tells smooth areas from detailed ones, and leaves out only what its settings say."""

import io

import numpy as np
import pytest

from codec.h265.encoder.encode import encode_sequence
from codec.h265.encoder.search import ctu_search
from codec.h265.structs import PART_NxN
from tests.codec.h265.encoder.plan.gops import cfg_config

WIDTH, HEIGHT = 96, 80  # one CTU that fits, three that do not


def quartered_picture(seed=1):
    """Flat, but for noise in the upper right quarter of the first 64x64 samples and blocks of 4x4 in the lower left."""
    rng = np.random.default_rng(seed)
    luma = np.full((HEIGHT, WIDTH), 120, np.int16)
    luma[:32, 32:64] = rng.integers(0, 256, (32, 32))
    luma[32:64, :32] = np.kron(rng.integers(60, 200, (8, 8)), np.ones((4, 4)))
    chroma = np.full((HEIGHT // 2, WIDTH // 2), 128, np.int16)
    return [luma, chroma, chroma.copy()]


def encode(monkeypatch, work=None, **changes):
    """(bytes, Frame units of the picture, [ratio by CTU]) with these settings of the search."""
    set_up, search = ctu_search.set_up_search, ctu_search._search
    seen, units = [], []

    def changed(state, *given):
        set_up(state, *given)
        for name, value in (work or {}).items():
            state.work[0]["settings"][name] = value

    def watched(frame, refs, state, walk, coeffs):
        cost = search(frame, refs, state, walk, coeffs)
        seen.append(state.work[0]["rough"]["ratio"].copy())
        units[:] = [frame.units.copy()]
        return cost

    monkeypatch.setattr(ctu_search, "set_up_search", changed)
    monkeypatch.setattr(ctu_search, "_search", watched)
    config = cfg_config("intra_main", SourceWidth=WIDTH, SourceHeight=HEIGHT, Threads=1, **changes)
    out = io.BytesIO()
    list(encode_sequence(config, [quartered_picture()], out))
    monkeypatch.undo()
    return out.getvalue(), units[0], seen


def test_ratios_tell_smooth_areas_from_detailed_ones(monkeypatch):
    _, _, (first, second, *_) = encode(monkeypatch, dict(rough_bits=(0.0, 0.0, 0.0, 0.0), rough_least=0.0))
    by_8, by_16, by_32, by_64 = first
    assert by_64[0, 0] < 1
    # flat: more parts cost more to tell
    assert by_32[0, 0] > 1.2 and (by_16[:4:2, :4:2] > 1.2).all() and (by_8[:4, :4] > 1.2).all()
    # blocks of 4x4 are best coded by themselves
    assert by_32[4, 0] < 0.8 and (by_16[4::2, :4:2] < 0.9).all()
    # what does not fit is divided
    assert second[3, 0, 0] == 0 and second[2, 0, 0] > 1


def test_wide_limits_leave_nothing_out(monkeypatch):
    everything = dict(whole_from=(0.0,) * 4, divided_to=(np.inf,) * 4)
    assert encode(monkeypatch, everything)[0] == encode(monkeypatch, dict(rough_first=0))[0]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        dict(MaxCUWidth=32, MaxCUHeight=32, MaxPartitionDepth=3),
        dict(MaxCUWidth=16, MaxCUHeight=16, MaxPartitionDepth=1, QuadtreeTULog2MaxSize=4),
    ],
)
def test_limits_decide(monkeypatch, changes):
    """All in four, and nothing in four: units as small, and as large, as may be."""
    smallest = 16 if changes.get("MaxCUWidth") == 16 else 8
    all_in_four = dict(whole_from=(np.inf,) * 4, divided_to=(np.inf,) * 4, rough_least=0.0)
    _, units, _ = encode(monkeypatch, all_in_four, **changes)
    assert (units["log2_cb_size"] == smallest.bit_length() - 1).all()
    # the least transform block is 4x4
    assert (units["part_mode"] == PART_NxN).all()
    _, units, _ = encode(monkeypatch, dict(whole_from=(0.0,) * 4, divided_to=(0.0,) * 4), **changes)
    largest = min(changes.get("MaxCUWidth", 64), 64).bit_length() - 1
    assert (units["log2_cb_size"][:16, :16] == largest).all()
    assert not (units["part_mode"] == PART_NxN).any()


def test_what_costs_little_is_not_looked_into(monkeypatch):
    _, _, (all_ratios, *_) = encode(monkeypatch, dict(rough_least=0.0))
    _, _, (ratios, *_) = encode(monkeypatch, dict(rough_least=20.0))
    flat = (slice(0, 4), slice(0, 4))
    assert np.isfinite(all_ratios[0][flat]).all() and np.isinf(ratios[0][flat]).all() and np.isinf(ratios[2, 0, 0])
    # noise, and what is around it
    np.testing.assert_array_equal(ratios[0, :4, 4:], all_ratios[0, :4, 4:])
    assert np.isfinite(ratios[3, 0, 0])
    _, units, (ratios, *_) = encode(monkeypatch, dict(rough_least=np.inf))
    # a 64x64 unit is judged by its four blocks
    assert np.isfinite(ratios[3, 0, 0]) and np.isinf(ratios[:3]).all()
    assert (units["log2_cb_size"][:16, :16] >= 5).all()


def test_forced_lossless_coding_has_no_use_for_it(monkeypatch):
    lossless = dict(TransquantBypassEnable=True, CUTransquantBypassFlagForce=True)
    assert encode(monkeypatch, **lossless)[0] == encode(monkeypatch, dict(rough_first=0), **lossless)[0]


def moving_pictures(monkeypatch):
    """[(ratio, vectors) by CTU] of two pictures: what is left of x = 32 moves faster than the rest."""
    rng = np.random.default_rng(2)
    texture = np.kron(rng.integers(40, 216, (24, 40)), np.ones((8, 8)))
    texture = sum(np.roll(texture, (j, k), (0, 1)) for j in range(-3, 4) for k in range(-3, 4)) / 49

    def picture(index):
        luma = np.empty((HEIGHT, WIDTH))
        luma[:, :32] = texture[10 + 5 * index : 10 + 5 * index + HEIGHT, 20:52]
        luma[:, 32:] = texture[40 + 3 * index : 40 + 3 * index + HEIGHT, 120:184]
        chroma = np.full((HEIGHT // 2, WIDTH // 2), 128, np.int16)
        return [luma.round().astype(np.int16), chroma, chroma.copy()]

    search, found = ctu_search._search, []

    def watched(frame, refs, state, walk, coeffs):
        cost = search(frame, refs, state, walk, coeffs)
        found.append((state.work[0]["rough"]["ratio"].copy(), state.work[0]["rough"]["vectors"].copy()))
        return cost

    monkeypatch.setattr(ctu_search, "_search", watched)
    config = cfg_config("lowdelay_P_main", SourceWidth=WIDTH, SourceHeight=HEIGHT, Threads=1, QP=32)
    list(encode_sequence(config, [picture(0), picture(1)], io.BytesIO()))
    monkeypatch.undo()
    return found


def test_inter_ratios_tell_where_motion_changes(monkeypatch):
    """A 64x64 unit is worth dividing, its quarters are not."""
    ratios, vectors = moving_pictures(monkeypatch)[4]  # the first CTU of the second picture
    assert ratios[3, 0, 0] < 0.7
    assert (ratios[2, ::4, ::4] > 1).all()
    np.testing.assert_array_equal(vectors[2, ::4, 0], [[0, 20]] * 2)
    np.testing.assert_array_equal(vectors[2, ::4, 4], [[0, 12]] * 2)
