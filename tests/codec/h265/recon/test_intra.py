"""codec.h265.recon.intra and intra_reference against plain formulas of clause 8.4.4.2."""

import numpy as np
import pytest

from codec.h265.intra_modes import MODES
from codec.h265.recon.intra import SCRATCH_SAMPLES, predict_all_modes, predict_intra
from codec.h265.recon.intra_reference import REFERENCE_SAMPLES, filter_reference, needs_filter

ANGLE = dict(
    zip(
        range(2, 35),
        [32, 26, 21, 17, 13, 9, 5, 2, 0, -2, -5, -9, -13, -17, -21, -26, -32]
        + [-26, -21, -17, -13, -9, -5, -2, 0, 2, 5, 9, 13, 17, 21, 26, 32],
        strict=True,
    )
)
INVERSE = dict(
    zip(
        range(11, 26),
        [-4096, -1638, -910, -630, -482, -390, -315, -256, -315, -390, -482, -630, -910, -1638, -4096],
        strict=True,
    )
)


def neighbours(line, n):
    """p as a dict of the standard's coordinates [x, y] from the line of 4n + 1 samples."""
    p = {(-1, -1): int(line[2 * n])}
    for i in range(2 * n):
        p[i, -1] = int(line[2 * n + 1 + i])
        p[-1, i] = int(line[2 * n - 1 - i])
    return p


def slow_planar(p, n):
    log2 = n.bit_length() - 1
    return [
        [
            (
                (n - 1 - x) * p[-1, y] + (x + 1) * p[n, -1] + (n - 1 - y) * p[x, -1] + (y + 1) * p[-1, n] + n
            ) >> (log2 + 1)
            for x in range(n)
        ]
        for y in range(n)
    ]  # fmt: skip


def slow_dc(p, n, c_idx):
    dc = (sum(p[i, -1] + p[-1, i] for i in range(n)) + n) >> n.bit_length()
    pred = [[dc] * n for _ in range(n)]
    if c_idx == 0 and n < 32:
        for i in range(1, n):
            pred[0][i] = (p[i, -1] + 3 * dc + 2) >> 2
            pred[i][0] = (p[-1, i] + 3 * dc + 2) >> 2
        pred[0][0] = (p[-1, 0] + 2 * dc + p[0, -1] + 2) >> 2
    return pred


def slow_angular(p, n, mode, c_idx, bit_depth):
    angle, vertical = ANGLE[mode], mode >= 18

    def side(a, b):
        return p[a, b] if vertical else p[b, a]

    ref = {x: side(-1 + x, -1) for x in range(n + 1)}
    if angle < 0:
        for x in range((n * angle) >> 5, 0) if (n * angle) >> 5 < -1 else ():
            ref[x] = side(-1, -1 + ((x * INVERSE[mode] + 128) >> 8))
    else:
        ref.update({x: side(-1 + x, -1) for x in range(n + 1, 2 * n + 1)})
    pred = [[0] * n for _ in range(n)]
    for along in range(n):
        index, fact = ((along + 1) * angle) >> 5, ((along + 1) * angle) & 31
        for across in range(n):
            value = ref[across + index + 1]
            if fact:
                value = ((32 - fact) * value + fact * ref[across + index + 2] + 16) >> 5
            x, y = (across, along) if vertical else (along, across)
            pred[y][x] = value
    if angle == 0 and c_idx == 0 and n < 32:
        for i in range(n):
            value = side(0, -1) + ((side(-1, i) - p[-1, -1]) >> 1)
            x, y = (0, i) if vertical else (i, 0)
            pred[y][x] = min(max(value, 0), (1 << bit_depth) - 1)
    return pred


def slow_predict(line, n, mode, c_idx, bit_depth):
    p = neighbours(line, n)
    if mode == 0:
        return slow_planar(p, n)
    return slow_dc(p, n, c_idx) if mode == 1 else slow_angular(p, n, mode, c_idx, bit_depth)


def slow_filter(line, n, strong, bit_depth):
    p = neighbours(line, n)
    limit = 1 << (bit_depth - 5)
    top_flat = abs(p[-1, -1] + p[2 * n - 1, -1] - 2 * p[n - 1, -1]) < limit
    left_flat = abs(p[-1, -1] + p[-1, 2 * n - 1] - 2 * p[-1, n - 1]) < limit
    f = dict(p)
    if strong and n == 32 and top_flat and left_flat:
        for i in range(63):
            f[-1, i] = ((63 - i) * p[-1, -1] + (i + 1) * p[-1, 63] + 32) >> 6
            f[i, -1] = ((63 - i) * p[-1, -1] + (i + 1) * p[63, -1] + 32) >> 6
    else:
        f[-1, -1] = (p[-1, 0] + 2 * p[-1, -1] + p[0, -1] + 2) >> 2
        for i in range(2 * n - 1):
            before = i - 1
            f[-1, i] = (p[-1, i + 1] + 2 * p[-1, i] + p[-1, before] + 2) >> 2
            f[i, -1] = (p[before, -1] + 2 * p[i, -1] + p[i + 1, -1] + 2) >> 2
    return [f[-1, 2 * n - 1 - i] for i in range(2 * n)] + [f[-1, -1]] + [f[i, -1] for i in range(2 * n)]


def lines(n, bit_depth):
    """Reference lines: noise, extremes, a checker, a near-flat one and a ramp; exactly 4n + 1 long."""
    rng = np.random.default_rng(n + bit_depth)
    top, size = (1 << bit_depth) - 1, 4 * n + 1
    yield rng.integers(0, top + 1, size).astype(np.int16)
    yield np.full(size, top, np.int16)
    yield np.zeros(size, np.int16)
    yield (np.arange(size) % 2 * top).astype(np.int16)
    yield (top // 2 + rng.integers(-2, 3, size)).astype(np.int16)
    yield (np.arange(size) * top // size).astype(np.int16)


@pytest.mark.parametrize("bit_depth", [8, 10])
@pytest.mark.parametrize("log2_size", [2, 3, 4, 5])
def test_every_mode_equals_the_standard(log2_size, bit_depth):
    n = 1 << log2_size
    out, scratch = np.zeros(n * n, np.int16), np.zeros(SCRATCH_SAMPLES, np.int16)
    for number, line in enumerate(lines(n, bit_depth)):
        for mode in range(35):
            for c_idx in (0, 1) if mode in (1, 10, 26) else (0,):
                predict_intra(line, mode, log2_size, c_idx, bit_depth, out, scratch)
                expected = slow_predict(line, n, mode, c_idx, bit_depth)
                assert out.reshape(n, n).tolist() == expected, f"line {number}, mode {mode}, c_idx {c_idx}"


@pytest.mark.parametrize("log2_size", [2, 3, 4, 5])
def test_all_modes_at_once_equal_one_by_one(log2_size):
    n = 1 << log2_size
    out, scratch = np.zeros(n * n, np.int16), np.zeros(SCRATCH_SAMPLES, np.int16)
    every = np.zeros((35, n * n), np.int16)
    for line in lines(n, 8):
        filtered = np.zeros_like(line)
        filter_reference(line, n, filtered, True, 8)
        predict_all_modes(line, filtered, log2_size, 8, every, scratch)
        for mode in range(35):
            source = filtered if needs_filter(mode, log2_size, 0) else line
            predict_intra(source, mode, log2_size, 0, 8, out, scratch)
            assert every[mode].tolist() == out.tolist(), f"mode {mode}"


@pytest.mark.parametrize("bit_depth", [8, 10])
@pytest.mark.parametrize("strong", [False, True])
@pytest.mark.parametrize("n", [8, 16, 32])
def test_smoothing(n, strong, bit_depth):
    for line in lines(n, bit_depth):
        out = np.zeros_like(line)
        filter_reference(line, n, out, strong, bit_depth)
        assert out.tolist() == slow_filter(line, n, strong, bit_depth)


def test_strong_smoothing_is_reached():
    line = (100 + np.arange(129) % 2).astype(np.int16)
    weak, strong = np.zeros_like(line), np.zeros_like(line)
    filter_reference(line, 32, weak, False, 8)
    filter_reference(line, 32, strong, True, 8)
    assert weak.tolist() != strong.tolist()


def test_which_blocks_are_smoothed():
    smoothed = {log2: [mode for mode in range(35) if needs_filter(mode, log2, 0)] for log2 in (2, 3, 4, 5)}
    assert smoothed[2] == []
    assert smoothed[3] == [0, 2, 18, 34]
    assert smoothed[4] == [mode for mode in range(35) if mode not in (1, 9, 10, 11, 25, 26, 27)]
    assert smoothed[5] == [mode for mode in range(35) if mode not in (1, 10, 26)]
    assert not any(needs_filter(mode, 4, 1) for mode in range(35))


def test_line_fits_the_largest_block():
    assert REFERENCE_SAMPLES == 129


@pytest.mark.parametrize("mode", [-2, -1, MODES, MODES + 1, 66, 127])
def test_a_mode_out_of_range_predicts_nothing(mode):
    out = np.full(64, 77, np.int16)
    line = np.arange(REFERENCE_SAMPLES, dtype=np.int16)
    predict_intra(line, mode, 3, 0, 8, out, np.zeros(SCRATCH_SAMPLES, np.int16))
    assert (out == 77).all()
