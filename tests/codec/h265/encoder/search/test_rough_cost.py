"""rough_cost against its formula, and against what RDOQ and the syntax walk make of the same blocks."""

import numpy as np
import pytest

from codec.h265.encoder.search import rough_cost as module
from codec.h265.encoder.search.rough_cost import rough_cost
from tests.codec.h265.encoder.search.residual.test_rdoq import LAMBDA, QP, cost, random_block, run_rdoq


def plain(coeffs, log2_size, qp, bit_depth, lam):
    """The same in unbounded integers, one coefficient after the other."""
    shift = 14 + qp // 6 + 15 - bit_depth - log2_size - 8
    scale = [26214, 23302, 20560, 18396, 16384, 14564][qp % 6]
    step = 2.0**shift / (scale * 2.0 ** (15 - bit_depth - log2_size))
    error, features = 0, [0] * 7
    for i, value in enumerate(coeffs.tolist()):
        exact = abs(value) * scale >> shift
        level = (exact + 96) >> 8
        error += (exact - 256 * level) ** 2
        x, y = i % (1 << log2_size), i >> log2_size
        features[1] += level > 0
        features[2] += level > 1
        features[3] += level > 3
        features[4] += (level > 7) + (level > 15) + (level > 31)
        features[5] += (x + y) * (level > 0)
    if features[1] == 0:
        return error * step * step, False
    features[0], features[6] = 1, features[1] ** 0.5
    weights = module._BITS_4X4 if log2_size == 2 else module._BITS
    return error * step * step + lam * sum(w * v for w, v in zip(weights, features, strict=True)), True


@pytest.mark.parametrize("log2_size", [2, 3, 4, 5])
@pytest.mark.parametrize("bit_depth", [8, 9, 10])
def test_it_is_the_formula(log2_size, bit_depth):
    rng = np.random.default_rng(log2_size)
    count = 1 << (2 * log2_size)
    blocks = [np.full(count, value, np.int16) for value in (0, 1, -32768, 32767)]
    blocks += [rng.integers(-32768, 32768, count).astype(np.int16), random_block(rng, log2_size, 300)]
    for qp in (0, 5, 27, 51):
        for coeffs in blocks:
            found, any_level = rough_cost(coeffs, log2_size, qp, bit_depth, 31.0)
            expected, expected_any = plain(coeffs, log2_size, qp, bit_depth, 31.0)
            assert found == pytest.approx(expected, rel=1e-12)
            assert any_level == expected_any


@pytest.mark.parametrize("log2_size", [2, 3, 4])
def test_it_orders_blocks_as_coding_them_does(log2_size):
    """Of two blocks with the same statistics, the one that is cheaper to code has the lower rough cost."""
    rng = np.random.default_rng(7)
    blocks = [random_block(rng, log2_size, rng.uniform(50, 250)) for _ in range(60)]
    rough = [rough_cost(block, log2_size, QP, 8, LAMBDA)[0] for block in blocks]
    true = [cost(block, run_rdoq(block, log2_size)[0], log2_size, True) for block in blocks]
    pairs = [(a, b) for a in range(60) for b in range(a) if abs(true[a] - true[b]) > 0.05 * max(true[a], true[b])]
    right = sum((rough[a] < rough[b]) == (true[a] < true[b]) for a, b in pairs)
    assert len(pairs) > 1000
    assert right > 0.95 * len(pairs)
