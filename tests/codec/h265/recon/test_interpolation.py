"""codec.h265.recon.interpolation and weighted_prediction against the formulas of clauses 8.5.3.3.3 and 8.5.3.3.4."""

import numpy as np
import pytest

from codec.h265.recon.inter import fetch_prediction, new_inter_scratch
from codec.h265.recon.interpolation import PREDICTION_BIAS, PREDICTION_STRIDE
from codec.h265.recon.weighted_prediction import weigh_one, weigh_two
from codec.h265.structs import REFERENCE

LUMA = [(0, 0, 0, 64, 0, 0, 0, 0), (-1, 4, -10, 58, 17, -5, 1, 0), (-1, 4, -11, 40, 40, -11, 4, -1)]
LUMA.append(LUMA[1][::-1])
CHROMA = [(0, 64, 0, 0), (-2, 58, 10, -2), (-4, 54, 16, -2), (-6, 46, 28, -4), (-4, 36, 36, -4)]
CHROMA += [row[::-1] for row in CHROMA[3:0:-1]]
HEIGHT, WIDTH = 40, 56


def slow_fetch(plane, c_idx, x, y, width, height, mv, depth):
    """predSamplesLX of a block, every sample by itself with clamped coordinates."""
    bits, taps = (2, LUMA) if c_idx == 0 else (3, CHROMA)
    before = len(taps[0]) // 2 - 1
    fx, fy = mv[0] & ((1 << bits) - 1), mv[1] & ((1 << bits) - 1)
    columns = np.clip(np.arange(width + len(taps[0]) - 1) + x + (mv[0] >> bits) - before, 0, plane.shape[1] - 1)
    rows = np.clip(np.arange(height + len(taps[0]) - 1) + y + (mv[1] >> bits) - before, 0, plane.shape[0] - 1)
    area = plane[np.ix_(rows, columns)].astype(np.int64)
    if fx == 0 and fy == 0:
        return area[before : before + height, before : before + width] << (14 - depth)
    shift1 = depth - 8
    if fx:
        area = sum(c * area[:, k : k + width] for k, c in enumerate(taps[fx])) >> shift1
        if fy == 0:
            return area[before : before + height]
        return sum(c * area[k : k + height] for k, c in enumerate(taps[fy])) >> 6
    area = area[:, before : before + width]
    return sum(c * area[k : k + height] for k, c in enumerate(taps[fy])) >> shift1


def planes_of(kind, depth, rng):
    """(2, HEIGHT, WIDTH) int16 reference planes."""
    top = (1 << depth) - 1
    if kind == "random":
        return rng.integers(0, top + 1, (2, HEIGHT, WIDTH)).astype(np.int16)
    if kind == "extreme":
        return (rng.integers(0, 2, (2, HEIGHT, WIDTH)) * top).astype(np.int16)
    # the signs of the half-sample filter in both directions: as far out of range as the filters reach
    sign = np.array([0, 1, 0, 1, 1, 0, 1, 0])
    row = np.tile(sign, WIDTH // 8 + 1)[:WIDTH]
    pattern = np.where(np.tile(sign, HEIGHT // 8 + 1)[:HEIGHT, None] == 1, row, 1 - row)
    return np.stack([pattern, 1 - pattern]).astype(np.int16) * np.int16(top)


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("kind", ["random", "extreme", "overshoot"])
@pytest.mark.parametrize("c_idx", [0, 1])
def test_fetch_prediction(kind, c_idx, depth):
    rng = np.random.default_rng(7)
    planes, scratch = planes_of(kind, depth, rng), new_inter_scratch()
    sizes = [(4, 8), (8, 4), (8, 8), (12, 16), (16, 12), (24, 32), (2, 4), (6, 8), (16, 4)]
    fractions = 4 if c_idx == 0 else 8
    cases = [(fx, fy, 0, 0) for fx in range(fractions) for fy in range(fractions)]
    cases += [tuple(rng.integers(-40, 40, 4)) for _ in range(150)] + [(-32768, 32767, 0, 0), (32767, -32768, 0, 0)]
    for i, (mx, my, _, _) in enumerate(cases):
        width, height = sizes[i % len(sizes)]
        x, y = int(rng.integers(0, WIDTH - width + 1)), int(rng.integers(0, HEIGHT - height + 1))
        slot = i % 2
        fetch_prediction(planes, slot, c_idx, x, y, width, height, int(mx), int(my), depth, scratch, scratch.first)
        got = scratch.first.reshape(-1, PREDICTION_STRIDE)[:height, :width].astype(np.int64) + PREDICTION_BIAS
        want = slow_fetch(planes[slot], c_idx, x, y, width, height, (int(mx), int(my)), depth)
        assert np.array_equal(got, want), (mx, my, x, y, width, height)


def test_whole_block_reaches_every_border():
    rng = np.random.default_rng(8)
    plane = rng.integers(0, 256, (1, 64, 64)).astype(np.int16)
    scratch = new_inter_scratch()
    for mv in ((0, 0), (2, 2), (-1, 3), (400, 400), (-400, 5)):
        fetch_prediction(plane, 0, 0, 0, 0, 64, 64, *mv, 8, scratch, scratch.second)
        got = scratch.second.reshape(64, 64).astype(np.int64) + PREDICTION_BIAS
        assert np.array_equal(got, slow_fetch(plane[0], 0, 0, 0, 64, 64, mv, 8))


def slow_weighted(predictions, references, c_idx, explicit, depth):
    """(8.5.3.3.4.2, 8.5.3.3.4.3) on int64 arrays."""
    shift1, top = 14 - depth, (1 << depth) - 1
    if not explicit:
        shift = shift1 + len(predictions) - 1
        return np.clip((sum(predictions) + (1 << (shift - 1))) >> shift, 0, top)
    log2_wd = int(references[0]["log2_denominator"][c_idx]) + shift1
    weights = [int(r["weight"][c_idx]) for r in references]
    offsets = [int(r["offset"][c_idx]) for r in references]
    if len(predictions) == 1:
        return np.clip(((predictions[0] * weights[0] + (1 << (log2_wd - 1))) >> log2_wd) + offsets[0], 0, top)
    total = predictions[0] * weights[0] + predictions[1] * weights[1] + ((sum(offsets) + 1) << log2_wd)
    return np.clip(total >> (log2_wd + 1), 0, top)


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("explicit", [False, True])
def test_weighted_prediction(explicit, depth):
    rng = np.random.default_rng(9)
    for _ in range(120):
        width, height = int(rng.choice([2, 4, 6, 8, 12, 16, 24, 64])), int(rng.choice([2, 4, 8, 16]))
        c_idx = int(rng.integers(0, 3))
        blocks = rng.integers(-8192, 33151, (2, height, 64))
        if rng.random() < 0.5:
            blocks = rng.choice([-8192, 33150], (2, height, 64))
        first, second = ((b - PREDICTION_BIAS).astype(np.int16).ravel() for b in blocks)
        references = np.zeros(2, REFERENCE)
        denominator = int(rng.integers(0, 8))
        references["log2_denominator"] = denominator
        references["weight"] = (1 << denominator) + rng.integers(-128, 128, (2, 3))
        references["offset"] = rng.integers(-128, 128, (2, 3)) << (depth - 8)
        plane = np.full(80 * (height + 2), -1, np.int16)
        want = np.full((height + 2, 80), -1, np.int64)
        areas = [b[:, :width] for b in blocks]
        if rng.random() < 0.5:
            weigh_one(first, plane, 85, 80, width, height, references[0], c_idx, explicit, depth)
            want[1:-1, 5 : 5 + width] = slow_weighted(areas[:1], references[:1], c_idx, explicit, depth)
        else:
            weigh_two(first, second, plane, 85, 80, width, height, references[0], references[1], c_idx, explicit, depth)
            want[1:-1, 5 : 5 + width] = slow_weighted(areas, references, c_idx, explicit, depth)
        assert np.array_equal(plane.reshape(-1, 80), want)
