"""codec.h265.encoder.search.inter.block_match against plain definitions."""

import numpy as np
import pytest

from codec.h265.encoder.search.inter.block_match import NO_LIMIT, mvd_bits, sad_block, satd_block
from tests.codec.h265.encoder.search.inter.motion_reference import (
    component_bits,
    prediction_block_sizes,
    slow_sad,
    slow_satd,
)

SIZES = prediction_block_sizes()


def test_bits_of_differences():
    magnitudes = list(range(70)) + [(1 << k) + d for k in range(6, 16) for d in (-2, -1, 0, 1, 2)]
    for v in [s * m for m in magnitudes for s in (1, -1)] + [40000, -40000, 65535, -65535]:
        assert mvd_bits(v, 0) == component_bits(v) + 1
        assert mvd_bits(0, v) == component_bits(v) + 1
    assert mvd_bits(-3, 100) == component_bits(-3) + component_bits(100)
    # by hand: flags, sign and '0' + one bit; '11' + '0' + three bits
    assert [component_bits(v) for v in (0, 1, -1, 2, 3, 4, -9)] == [1, 3, 3, 5, 5, 7, 9]


def test_every_prediction_block_size_is_here():
    assert len(SIZES) == 24
    assert {(4, 8), (12, 16), (64, 48), (16, 4), (64, 64)} <= set(SIZES)


def blocks(kind, rng):
    """Two (64, 100) int16 areas: the first in the range of the bi-prediction target."""
    if kind == "random":
        return rng.integers(-1023, 2047, (64, 100)).astype(np.int16), rng.integers(0, 1024, (64, 100)).astype(np.int16)
    if kind == "narrow":
        return rng.integers(-255, 511, (64, 100)).astype(np.int16), rng.integers(0, 256, (64, 100)).astype(np.int16)
    if kind == "largest":
        return np.full((64, 100), 2046, np.int16), np.zeros((64, 100), np.int16)
    if kind == "least":
        return np.full((64, 100), -1023, np.int16), np.full((64, 100), 1023, np.int16)
    checker = np.indices((64, 100)).sum(axis=0) % 2
    return (checker * 3069 - 1023).astype(np.int16), ((1 - checker) * 1023).astype(np.int16)


@pytest.mark.parametrize("kind", ["random", "narrow", "largest", "least", "checker"])
def test_costs_of_all_sizes(kind):
    rng = np.random.default_rng(4)
    a, b = blocks(kind, rng)
    wide = np.zeros((64, 131), np.int16)
    wide[:, :100] = b
    for width, height in SIZES:
        for left in (0, 5):
            p, q = a[:height, left : left + width], b[:height, 7 + left : 7 + left + width]
            block = width, height, NO_LIMIT
            assert sad_block(a.ravel(), left, 100, wide.ravel(), 7 + left, 131, *block) == slow_sad(p, q)
            for narrow in (0, 1) if kind == "narrow" else (0,):
                block = width, height, narrow, NO_LIMIT
                got = satd_block(a.ravel(), left, 100, wide.ravel(), 7 + left, 131, *block)
                assert got == slow_satd(p, q), (width, height)


@pytest.mark.parametrize("narrow", [0, 1])
def test_limits_only_shorten_what_is_too_much(narrow):
    a, b = blocks("narrow" if narrow else "random", np.random.default_rng(5))
    for width, height in SIZES:
        place = a.ravel(), 0, 100, b.ravel(), 3, 100, width, height
        p, q = a[:height, :width], b[:height, 3 : 3 + width]
        for cost, more, exact in ((sad_block, (), slow_sad(p, q)), (satd_block, (narrow,), slow_satd(p, q))):
            assert cost(*place, *more, exact + 1) == exact
            for limit in (0, 1, exact // 3, exact - 1, exact):
                assert limit <= cost(*place, *more, limit) <= exact
