"""Loops in LLVM's vectors against the same without compilation: noise and extremes."""

import numpy as np
import pytest
from numba import config
from numba.core.errors import TypingError

from codec.base.kernels.jit import kernel
from codec.common.blocks import block_rows, differences, hadamard, products
from codec.common.blocks.block_rows import (
    narrow_filter4,
    narrow_filter8,
    round_mean,
    round_one,
    wide_filter4,
    wide_filter8,
    wide_filter8x8,
)
from codec.common.blocks.hadamard import half_satd4, half_satd8, narrow_satd8, narrow_satd16
from codec.common.blocks.lanes import I32
from codec.common.blocks.products import pair_sums, pair_sums16, row_sums, row_sums16
from codec.h265.encoder.search.inter.block_match import _sum_of_rows

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="there is nothing else to compare with")
RNG = np.random.default_rng(8)


@kernel
def _satds(a, i, a_stride, b, j, b_stride, out):
    out[0] = half_satd4(a, i, a_stride, b, j, b_stride)
    out[1] = half_satd8(a, i, a_stride, b, j, b_stride)


@kernel
def _narrow_satds(a, i, a_stride, b, j, b_stride, out):
    out[0] = narrow_satd8(a, i, a_stride, b, j, b_stride)
    out[1] = narrow_satd16(a, i, a_stride, b, j, b_stride)


@kernel
def _sums(which, weights, first, second, pairs, at, step, count, rounding, shift, out, o, p):
    if which == 0:
        pair_sums(weights, first, second, pairs, at, step, count, I32(rounding), I32(shift), out, o, p)
    elif which == 1:
        pair_sums16(weights, first, second, pairs, at, step, count, I32(rounding), I32(shift), out, o, p)
    elif which == 2:
        row_sums(weights, first, second, pairs, at, step, count, I32(rounding), I32(shift), out, o, p)
    else:
        row_sums16(weights, first, second, pairs, at, step, count, I32(rounding), I32(shift), out, o, p)


@pytest.mark.parametrize("top", [1, 255, 4095, 16383])
def test_hadamard_coefficients(top):
    checker = (np.indices((12, 20)).sum(axis=0) % 2 * 2 - 1) * top
    full = np.full((12, 20), top)
    noise = (RNG.integers(-top, top + 1, (2, 12, 20)) for _ in range(50))
    for a, b in (*noise, (full, -full), (-full, full), (checker, -checker), (checker, full)):
        a, b = a.astype(np.int16).ravel(), b.astype(np.int16).ravel()
        found = np.zeros(2, np.int64)
        _satds(a, 3, 20, b, 25, 16, found)
        want = [hadamard._plain(size)(a, 3, 20, b, 25, 16) for size in (4, 8)]
        assert found.tolist() == want


@pytest.mark.parametrize("top", [1, 127, 255])
def test_hadamard_coefficients_of_narrow_differences(top):
    checker = (np.indices((12, 30)).sum(axis=0) % 2 * 2 - 1) * top
    full, patterns = np.full((12, 30), top), RNG.choice([-top, top], (100, 12, 30))
    noise = (RNG.integers(-top, top + 1, (2, 12, 30)) for _ in range(50))
    extremes = ((2 * full + 1, 0 * full), (full, -full - 1), (checker, -checker), (checker, full))
    for a, b in (*noise, *extremes, *((pattern, -pattern) for pattern in patterns)):
        a, b = a.astype(np.int16).ravel(), b.astype(np.int16).ravel()
        found = np.zeros(2, np.int64)
        _narrow_satds(a, 3, 30, b, 35, 26, found)
        want = [hadamard._plain(8, blocks)(a, 3, 30, b, 35, 26) for blocks in (1, 2)]
        assert found.tolist() == want


@kernel
def _filtered(which, weights, w, source, first, step, stride, out, out_stride, width, height, numbers):
    a, b, c, d = I32(numbers[0]), I32(numbers[1]), I32(numbers[2]), I32(numbers[3])
    if which == 0:
        narrow_filter8(weights, w, source, first, step, stride, out, out_stride, width, height, a)
    elif which == 1:
        narrow_filter4(weights, w, source, first, step, stride, out, out_stride, width, height, a)
    elif which == 2:
        wide_filter8(weights, w, source, first, step, stride, out, out_stride, width, height, a, b, c, d)
    else:
        wide_filter4(weights, w, source, first, step, stride, out, out_stride, width, height, a, b, c, d)


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("width", [2, 4, 8, 12, 16, 24, 36, 64])
@pytest.mark.parametrize("step", [1, 80])
def test_filters(which, width, step):
    plain = block_rows._plain_filter(4 if which & 1 else 8, which < 2)
    weights = RNG.integers(-90, 91, 40).astype(np.int16)
    for top in (255, 32767):
        source = RNG.integers(-top, top + 1, 80 * 16).astype(np.int16)
        source[:300] = top
        for numbers in ((-5, 6, -32768, 32767), (32, 3, 0, 255)):
            found, want = np.full((2, 80 * 6), 7, np.int16)
            place = weights, 3, source, 5, step, 80
            _filtered(which, *place, found, 80, width, 6, np.array(numbers))
            plain(*place, want, 80, width, 6, *(numbers[:1] if which < 2 else numbers))
            assert found.tolist() == want.tolist()


@kernel
def _filtered_square(weights, w, source, first, stride, out, out_stride, width, height, numbers):
    a, b, c, d = I32(numbers[0]), I32(numbers[1]), I32(numbers[2]), I32(numbers[3])
    wide_filter8x8(weights, w, source, first, stride, out, out_stride, width, height, a, b, c, d)


@pytest.mark.parametrize("width", [2, 4, 8, 12, 16, 24, 36, 64])
def test_square_filters(width):
    for top, most in ((255, 511), (1023, 300), (32767, 12)):
        weights = RNG.integers(-most, most + 1, 70).astype(np.int16)
        source = RNG.integers(-top, top + 1, 80 * 16).astype(np.int16)
        source[:300] = top
        for numbers in ((-5, 6, -32768, 32767), (32, 3, 0, 255)):
            found, want = np.full((2, 80 * 6), 7, np.int16)
            _filtered_square(weights, 3, source, 5, 80, found, 80, width, 6, np.array(numbers))
            block_rows._plain_filter8x8(weights, 3, source, 5, 80, want, 80, width, 6, *numbers)
            assert found.tolist() == want.tolist()


@kernel
def _rounded(a, b, a_stride, out, at, stride, width, height, rounding, shift, middle, top):
    numbers = I32(rounding), I32(shift), I32(middle), I32(top)
    if b.size:
        round_mean(a, b, a_stride, out, at, stride, width, height, *numbers)
    else:
        round_one(a, a_stride, out, at, stride, width, height, *numbers)


@pytest.mark.parametrize("two", [True, False])
@pytest.mark.parametrize("width", [2, 4, 6, 8, 12, 14, 16, 24, 48, 64])
def test_rounding(two, width):
    none = np.zeros(0, np.int16)
    for least, most in ((-8192, 8191), (-32768, 32767), (32767, 32767), (-32768, -32768)):
        a, b = RNG.integers(least, most + 1, (2, 64 * 5)).astype(np.int16)
        for numbers in ((32, 6, 128, 255), (16, 5, 512, 1023), (0, 0, 0, 1023)):
            found, want = np.full((2, 80 * 6), 7, np.int16)
            _rounded(a, b if two else none, 64, found, 85, 80, width, 5, *numbers)
            block_rows._plain_round_mean(a, b if two else None, 64, want, 85, 80, width, 5, *numbers)
            assert found.tolist() == want.tolist()


@kernel
def _sum_of_differences(a, i, a_stride, b, j, b_stride, width, rows):
    return _sum_of_rows(a, i, a_stride, b, j, b_stride, width, rows)


@pytest.mark.parametrize("width", [4, 8, 12, 16, 24, 32, 48, 64])
@pytest.mark.parametrize("top", [255, 4095])
def test_sums_of_differences(width, top):
    noise = (RNG.integers(0, top + 1, (2, 12, 90)) for _ in range(20))
    full, none = np.full((12, 90), top), np.zeros((12, 90), int)
    for a, b in (*noise, (full, none), (none, full), (-none, full)):
        a, b = (a - top // 3).astype(np.int16).ravel(), (b - top // 3).astype(np.int16).ravel()
        for rows in (1, 3, differences.ROWS):
            place = a, 3, 90, b, 25, 80
            assert _sum_of_differences(*place, width, rows) == differences._plain(width)(*place, rows)


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("top", [90, 32767])
def test_sums_of_products(which, top):
    plain = products._plain(1 + which % 2, which < 2)
    for count in (1, 3, 16):
        weights = RNG.integers(-90, 91, 80).astype(np.int16)
        pairs = RNG.integers(-top, top + 1, 1300).astype(np.int16)
        pairs[:200] = top
        for shift in (7, 12):
            found, want = np.full((2, 80), 7, np.int16)
            place = weights, 1, 41, pairs, 5, 64, count, 1 << (shift - 1), shift
            _sums(which, *place, found, 3, 43)
            plain(*place, want, 3, 43)
            assert found.tolist() == want.tolist()


@pytest.mark.parametrize("array", [np.zeros(400, np.int32), np.zeros(800, np.int16)[::2]])
def test_other_arrays_are_refused(array):
    good = np.zeros(400, np.int16)
    with pytest.raises(TypingError, match="contiguous arrays of int16"):
        _satds(array, 0, 20, good, 0, 20, np.zeros(2, np.int64))
    with pytest.raises(TypingError, match="contiguous arrays of int16"):
        _sums(0, good, 0, 16, array, 0, 16, 1, 0, 0, good, 0, 0)
