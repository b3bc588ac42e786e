"""The SAO decision: its predicted gain is what applying it gives, its syntax is legal, unused it is off."""

import numpy as np
import pytest

from codec.h265.cabac.tables import ENTROPY_BITS, NEXT_STATE, ONE_BIT
from codec.h265.encoder.picture.decide_sao import MERGE_LEFT, MERGE_NONE, MERGE_UP, SaoDecision, distortion_change
from codec.h265.filters.sao import sao_rows
from tests.codec.h265.encoder.picture.test_sao_statistics import noisy
from tests.codec.h265.filters.random_frame import random_scene

SAO_FIELDS = ("sao_type", "sao_eo_class", "sao_band_position", "sao_offset")


def squared_error(original, frame):
    planes = zip(original, (frame.luma, frame.cb, frame.cr), strict=True)
    return [int(((a.astype(np.int64) - b) ** 2).sum()) for a, b in planes]


def degraded(rng, plane, block, limit):
    """`plane` with each block either sharpened along one direction (edge offsets repair it) or moved by a constant."""
    wide = np.pad(plane.astype(np.int64), 1, mode="symmetric") if plane.size else np.zeros((2, 2), np.int64)
    height, width = plane.shape

    def moved(dx, dy):
        return wide[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]

    choices = [(6 * plane - moved(dx, dy) - moved(-dx, -dy) + 2) >> 2 for dx, dy in ((1, 0), (0, 1), (1, 1), (1, -1))]
    choices += [plane.astype(np.int64) + 5, plane.astype(np.int64) - 3]
    kind = np.kron(rng.integers(0, len(choices), (20, 20)), np.ones((block, block), np.int64))[:height, :width]
    return np.clip(np.choose(kind, choices), 16, limit - 16)


def decided(seed, width=88, height=72, log2_ctb_size=4, lam=10.0, depths=(8, 8), **options):
    """A random scene with a degraded picture, far from the ends of the sample range, and its decision.

    The last value is the change of squared error over lambda that the decision counts with.
    """
    rng = np.random.default_rng(seed)
    frame = random_scene(rng, width, height, log2_ctb_size, depths=depths, **options).frame
    original = []
    for c_idx, plane in enumerate((frame.luma, frame.cb, frame.cr)):
        depth = depths[c_idx > 0]
        limit = (1 << depth) - 1
        original.append(noisy(rng, np.clip(plane, 16, limit - 16), depth, 6))
        plane[:] = degraded(rng, original[-1], 8 if c_idx else 16, limit)
    frame.ctbs["sao_type"] = 1
    lambdas = np.array([lam, lam / 2, lam / 3])
    contexts = rng.integers(0, 124, (len(frame.slices), 2)).astype(np.uint8)
    decision, rows = SaoDecision(frame.params[0]), int(frame.params[0]["height_in_ctbs"])
    decision.begin(frame, lambdas, contexts)
    cut = int(rng.integers(rows))
    cost = decision.decide(frame, original, 0, cut) + decision.decide(frame, original, cut, rows)
    cost -= syntax_bits(frame, contexts, decision.merge)
    decision.end(frame)
    return frame, original, lambdas, contexts, frame.ctbs["sao_merge"].copy(), decision.search, cost


def syntax_bits(frame, contexts, sao_merge):
    """(7.3.8.3, 9.3.4.2) Rate of the SAO syntax of the whole picture, bin by bin."""
    bits, states, previous = 0.0, None, None
    width = int(frame.params[0]["width_in_ctbs"])

    def code(which, value):
        nonlocal bits
        bits += ENTROPY_BITS[states[which] ^ value] / ONE_BIT
        states[which] = int(NEXT_STATE[value, states[which]])

    for ctb in np.argsort(frame.ctbs["addr_ts"]):
        record = frame.ctbs[ctb]
        key = int(record["slice_addr"]), int(record["tile_id"])
        if key != previous:
            states, previous = [int(s) for s in contexts[record["slice_idx"]]], key
        here = frame.slices[record["slice_idx"]]
        if not (here["slice_sao_luma"] or here["slice_sao_chroma"]):
            assert sao_merge[ctb] == MERGE_NONE
            continue
        merged = False
        for flag, other, exists in ((MERGE_LEFT, ctb - 1, ctb % width > 0), (MERGE_UP, ctb - width, ctb >= width)):
            there = frame.ctbs[other] if exists else record
            if merged or not exists or key != (int(there["slice_addr"]), int(there["tile_id"])):
                assert merged or sao_merge[ctb] != flag
                continue
            merged = bool(sao_merge[ctb] == flag)
            code(0, int(merged))
            if merged:
                assert all(np.array_equal(record[name], there[name]) for name in SAO_FIELDS)
        if merged:
            continue
        for c_idx in range(3 if frame.params[0]["chroma_format_idc"] else 1):
            sao_type, offsets = int(record["sao_type"][c_idx]), np.abs(record["sao_offset"][c_idx]).astype(int)
            if not here["slice_sao_chroma" if c_idx else "slice_sao_luma"]:
                assert sao_type == 0
                continue
            if c_idx < 2:
                code(1, int(sao_type > 0))
                bits += sao_type > 0
            if sao_type == 0:
                continue
            depth = int(frame.params[0]["bit_depth_c" if c_idx else "bit_depth_y"])
            largest = (1 << (min(depth, 10) - 5)) - 1
            bits += sum(min(v + 1, largest) for v in offsets)
            if sao_type == 1:
                bits += 5 + np.count_nonzero(offsets)
            elif c_idx < 2:
                bits += 2
    return bits


CASES = [
    {"log2_ctb_size": 4},
    {"log2_ctb_size": 5, "lam": 3.0},
    {"log2_ctb_size": 6, "width": 136, "lam": 60.0},
    {"log2_ctb_size": 4, "depths": (10, 10), "lam": 60.0},
    {"log2_ctb_size": 4, "chroma": False},
    {"log2_ctb_size": 4, "tiles": False, "slices": False},
]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("case", CASES, ids=str)
def test_predicted_cost_is_what_syntax_and_samples_say(case, seed):
    frame, original, lambdas, contexts, sao_merge, search, cost = decided(seed, **case)
    predicted = [
        sum(distortion_change(search.statistics[i, c], ctb, c) for i, ctb in enumerate(frame.ctbs)) for c in range(3)
    ]
    before, source = squared_error(original, frame), [p.copy() for p in (frame.luma, frame.cb, frame.cr)]
    sao_rows(frame, *source, 0, int(frame.params[0]["height_in_ctbs"]))
    change = [a - b for a, b in zip(squared_error(original, frame), before, strict=True)]
    assert change == predicted
    assert cost == pytest.approx(sum(change / lambdas))
    assert cost + syntax_bits(frame, contexts, sao_merge) < 0


def test_offsets_are_legal_and_every_kind_is_used():
    kinds, merges = set(), set()
    for seed in range(6):
        depths, many = (8, 10) if seed & 1 else (10, 8), seed < 3
        frame, *_, sao_merge, _, _ = decided(seed, depths=depths, slices=many, tiles=many)
        merges |= set(sao_merge.tolist())
        for ctb in frame.ctbs:
            for c_idx in range(3):
                depth = int(frame.params[0]["bit_depth_c" if c_idx else "bit_depth_y"])
                sao_type, offsets = ctb["sao_type"][c_idx], ctb["sao_offset"][c_idx]
                assert np.abs(offsets).max() <= (1 << (depth - 5)) - 1
                assert 0 <= ctb["sao_band_position"][c_idx] < 32
                assert sao_type != 2 or (offsets[:2].min() >= 0 >= offsets[2:].max())
                kinds.add((min(c_idx, 1), int(sao_type), int(ctb["sao_eo_class"][c_idx])))
            assert ctb["sao_type"][1] == ctb["sao_type"][2]
            assert ctb["sao_eo_class"][1] == ctb["sao_eo_class"][2] or ctb["sao_type"][1] == 1
    assert merges == {MERGE_NONE, MERGE_LEFT, MERGE_UP}
    assert {(c, t, e) for c in (0, 1) for t, e in ((0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (2, 3))} <= kinds


def test_nothing_to_gain_switches_the_slices_off():
    frame, _, _, _, sao_merge, _, cost = decided(1, lam=1e9)
    assert cost == pytest.approx(0, abs=1e-3)
    assert not frame.slices["slice_sao_luma"].any() and not frame.slices["slice_sao_chroma"].any()
    assert not frame.ctbs["sao_type"].any() and not sao_merge.any()


def test_cheap_bits_never_lose_to_expensive_ones():
    def error_after(lam):
        frame, original, *_ = decided(2, lam=lam, lossless=False)
        source = [p.copy() for p in (frame.luma, frame.cb, frame.cr)]
        before = sum(squared_error(original, frame))
        sao_rows(frame, *source, 0, int(frame.params[0]["height_in_ctbs"]))
        return sum(squared_error(original, frame)) / before

    errors = [error_after(lam) for lam in (1.0, 30.0, 1000.0)]
    assert errors[0] < errors[1] < errors[2] <= 1
    assert errors[0] < 0.9


def best_by_exhaustion(rows, bit_depth, lam):
    """Cheapest new luma parameters of one block in bits, without the first bin of sao_type_idx, all offsets tried."""
    largest = (1 << (min(bit_depth, 10) - 5)) - 1
    offsets = np.arange(-largest, largest + 1)
    bits = np.minimum(np.abs(offsets) + 1, largest)
    change = (rows[:, :1] * offsets**2 - 2 * rows[:, 1:] * offsets) / lam
    edge, band = change + bits, change + bits + (offsets != 0)
    positive, negative = edge[:16, largest:].min(axis=1), edge[:16, : largest + 1].min(axis=1)
    classes = [positive[i : i + 2].sum() + negative[i + 2 : i + 4].sum() for i in range(0, 16, 4)]
    bands = band[16:].min(axis=1)
    positions = [sum(bands[(k + i) % 32] for i in range(4)) for k in range(32)]
    return 1 + min(2 + min(classes), 5 + min(positions))


@pytest.mark.parametrize("depths", [(8, 8), (10, 10)])
def test_new_parameters_are_the_cheapest(depths):
    for seed in range(3):
        _, _, lambdas, *_, search, _ = decided(seed, depths=depths, lam=4.0 + 40 * seed)
        expected = [best_by_exhaustion(rows[0], depths[0], lambdas[0]) for rows in search.statistics]
        np.testing.assert_allclose(search.costs[:, 0], expected)
