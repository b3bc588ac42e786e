"""codec.h265.recon.mode_inputs and mode_ranking against docs/BITSTREAM.md written out, and the net's definition."""

import math
from fractions import Fraction

import numpy as np
import pytest

from codec.base.errors import Unsupported
from codec.common.tools.filter_nets import FilterNet
from codec.h265.intra_modes import INTRA_PRED_ANGLE
from codec.h265.recon.mode_inputs import INPUT_MAX, INPUTS, MODE_INPUT_SCRATCH, gather_inputs
from codec.h265.recon.mode_ranking import MODE_RANKING, mode_of_rank, rank_modes, resolve_mode
from codec.h265.structs import MODE_INTRA, PART_2Nx2N, PART_NxN
from codec.h265.tools.modes.apply import load_ranking
from nets.reference import run
from tests.codec.h265.recon.test_intra_reference import LAYOUTS, make_frame, slow_available
from tests.codec.h265.tools.small_nets import luma_net, mode_net

QP, MODES = 33, 35


def frame_of(layout, kind, seed=5):
    """Noise, edges or nothing in luma, modes at random."""
    rng = np.random.default_rng(seed)
    frame = make_frame(rng, **layout)
    top = (1 << layout.get("bit_depth", 8)) - 1
    rows, columns = np.indices(frame.luma.shape)
    if kind == "edges":
        frame.luma[:] = np.where((3 * rows + 5 * columns) // 37 % 2 == 0, top, top // 3)
    elif kind == "ramp":
        frame.luma[:] = (rows + 2 * columns) % (top + 1)
    elif kind == "flat":
        frame.luma[:] = top // 2
    frame.units["intra_luma_mode"] = rng.integers(0, MODES, frame.units.shape)
    frame.slices["slice_qp_y"] = QP
    frame.params["mode_ranks"] = 1
    return frame


def places_of(frame, n, count=14):
    rng = np.random.default_rng(n)
    columns, rows = frame.luma.shape[1] // n, frame.luma.shape[0] // n
    every = [(n * (i % columns), n * (i // columns)) for i in range(columns * rows)]
    return [every[0], *(every[i] for i in rng.permutation(len(every))[:count])] if every else []


def log2(value):
    power = (value + 1).bit_length() - 1
    return 16 * power + ((value + 1) * 16 >> power) - 16


def bin_of(gx, gy):
    """The direction of an edge as 16 * ( mode - 2 ), between modes."""
    flat = abs(gx) <= abs(gy)
    small, large = (gx, gy) if flat else (gy, gx)
    ratio = (256 * abs(small) + abs(large) // 2) // abs(large)
    ratio = -ratio if (gx < 0) != (gy < 0) else ratio
    angles = [8 * int(a) for a in INTRA_PRED_ANGLE[2:19]]
    k = next(k for k in range(16) if angles[k + 1] <= ratio <= angles[k])
    place = 16 * k + math.floor(Fraction(16 * (angles[k] - ratio), angles[k] - angles[k + 1]) + Fraction(1, 2))
    return place if flat else 512 - place


def slow_inputs(frame, x, y, n):
    """All inputs of a block, as Python's integers."""
    p = frame.params[0]
    up, step = 10 - int(p["bit_depth_y"]), max(n // 8, 1)

    def usable(u, v):
        there = slow_available(frame, x, y, u, v)
        return there and (not p["constrained_intra_pred"] or frame.units["pred_mode"][v >> 2, u >> 2] == MODE_INTRA)

    histogram, totals, bent, counts, ends = np.zeros((4, 33), object), [0] * 4, [0] * 4, [0] * 4, []
    for upright in (False, True):

        def at(along, line, upright=upright):
            u, v = (x - 3 + line, y + along) if upright else (x + along, y - 3 + line)
            return int(frame.luma[v, u])

        def has(along, upright=upright):
            # the whole group of four stands or falls together
            group = along // 4 * 4
            return usable(*((x - 1, y + group) if upright else (x + group, y - 1)))

        seen = []
        for i in range(-1, 2 * n - 1, step):
            if not all(has(k) for k in (i - 1, i, i + 1)):
                continue
            weights = (1, 2, 1)
            along = sum(w * (at(i + 1, k) - at(i - 1, k)) for k, w in enumerate(weights))
            across = sum(w * (at(i + k - 1, 2) - at(i + k - 1, 0)) for k, w in enumerate(weights))
            gx, gy = (across, along) if upright else (along, across)
            area, size = 2 * upright + (i >= n), (abs(gx) + abs(gy)) * 2**up // 4
            if size:
                place = bin_of(gx, gy)
                histogram[area, place // 16] += size * (16 - place % 16)
                if place % 16:
                    histogram[area, place // 16 + 1] += size * (place % 16)
            totals[area] += size
            bent[area] += abs(at(i - 1, 2) - 2 * at(i, 2) + at(i + 1, 2)) << up
            counts[area] += 1
            seen.append(at(i, 2))
        ends.append(log2(4 * (abs(seen[-1] - seen[0]) << up) if seen else 0))
    inputs = []
    factor = 2**40 // (16 * (sum(totals) + 8 * sum(counts))) if sum(totals) else 0
    inputs += [min(int(value) * factor >> 31, INPUT_MAX) for value in histogram.reshape(-1)]
    around = [(-1, 0), (-1, n - 1), (0, -1), (n - 1, -1), (-1, -1), (n, -1), (-1, n)]
    for dx, dy in around:
        one = [0] * (MODES + 1)
        there = slow_available(frame, x, y, x + dx, y + dy)
        unit = frame.units[(y + dy) >> 2, (x + dx) >> 2] if there else None
        one[int(unit["intra_luma_mode"]) if there and unit["pred_mode"] == MODE_INTRA else MODES] = 64
        inputs += one
    inputs += [64 * (n == size) for size in (4, 8, 16, 32, 64)]
    inputs += [64 * (k == x // n % 2 + 2 * (y // n % 2)) for k in range(4)]
    inputs += [log2(t // c) if c else 0 for t, c in zip(totals, counts, strict=True)]
    inputs += [log2(4 * b // c) if c else 0 for b, c in zip(bent, counts, strict=True)]
    inputs += [64 * (c > 0) for c in counts]
    return [*inputs, *ends, 8 * QP, 8 * (51 - QP)]


@pytest.mark.parametrize("kind", ["noise", "edges", "ramp", "flat"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: "-".join(map(str, layout.values())))
def test_inputs(layout, kind):
    frame, memory = frame_of(layout, kind), np.zeros(1, MODE_INPUT_SCRATCH)
    for log2_size in range(int(frame.params[0]["log2_min_tb_size"]), layout["log2_ctb"] + 1):
        n = 1 << log2_size
        for x, y in places_of(frame, n):
            count = gather_inputs(frame, x, y, log2_size, memory[0])
            wanted = slow_inputs(frame, x, y, n)
            assert memory["values"][0].tolist() == [*wanted, 0], (x, y, n)
            active = memory["active"][0][:count].tolist()
            assert sorted(active) == np.flatnonzero(wanted).tolist() and len(wanted) == INPUTS


def loaded(net):
    memory = np.zeros(1, MODE_RANKING)
    load_ranking(FilterNet("0", "small", net, None, frozenset(("block",)), {"scores": 10}), memory)
    return memory


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_modes_are_ranked_by_the_scores_of_the_net(seed):
    net, frame = mode_net(seed), frame_of(LAYOUTS[0], "noise")
    memory, equal = loaded(net), 0
    for log2_size in (2, 3, 4):
        for x, y in places_of(frame, 1 << log2_size):
            rank_modes(frame, x, y, log2_size, memory[0])
            block = np.array(slow_inputs(frame, x, y, 1 << log2_size))[None, :, None, None]
            scores = run(net, {"block": block})["scores"].reshape(-1).tolist()
            wanted = sorted(range(MODES), key=lambda mode: (-scores[mode], mode))
            assert memory["modes"][0].tolist() == wanted
            assert memory["ranks"][0][wanted].tolist() == list(range(MODES))
            equal += len(set(scores)) < MODES
            for rank in (0, 5, MODES - 1):
                assert mode_of_rank(frame, x, y, log2_size, rank, memory[0]) == wanted[rank]
    # ties are met
    assert equal or seed != 3


def test_a_net_of_another_shape_is_refused():
    with pytest.raises(Unsupported, match="other layers"):
        loaded(luma_net())


@pytest.mark.parametrize("part_mode", [PART_2Nx2N, PART_NxN])
def test_ranks_become_modes_over_the_block(part_mode):
    """And the chroma mode over the unit, by the mode of its first block."""
    frame, memory = frame_of(dict(width=64, height=64, log2_ctb=6), "edges"), loaded(mode_net(1))
    here = frame.units[4:6, 4:6]
    here["log2_cb_size"], here["part_mode"], here["pred_mode"] = 3, part_mode, MODE_INTRA
    here["mode_rank"], here["chroma_pred_idc"], here["intra_luma_mode"] = 7, 4, 1
    before = frame.units.copy()
    modes = []
    for x, y in ((16, 16), (20, 16), (16, 20), (20, 20)):
        rank_modes(frame, x, y, 3 - (part_mode == PART_NxN), memory[0])
        expected = int(memory["modes"][0][7])
        resolve_mode(frame, x, y, frame.units[y >> 2, x >> 2], memory[0])
        modes.append(int(frame.units["intra_luma_mode"][y >> 2, x >> 2]))
        if part_mode == PART_NxN:
            assert modes[-1] == expected
    assert (here["intra_chroma_mode"] == modes[0]).all()
    assert part_mode == PART_NxN or len(set(modes)) == 1
    here["intra_luma_mode"], here["intra_chroma_mode"] = 1, before["intra_chroma_mode"][4:6, 4:6]
    assert (frame.units == before).all()
