"""codec.common.blocks.distortion against numpy in int64."""

import numpy as np
import pytest

from codec.common.blocks.distortion import copy_block, difference, satd, sse


def hadamard(size):
    matrix = np.ones((1, 1), np.int64)
    while len(matrix) < size:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


def slow_satd(a, b, n):
    d = (a.astype(np.int64) - b).reshape(n, n)
    size, rounding, shift = (4, 1, 1) if n == 4 else (8, 2, 2)
    h = hadamard(size)
    total = 0
    for y in range(0, n, size):
        for x in range(0, n, size):
            total += (int(np.abs(h @ d[y : y + size, x : x + size] @ h).sum()) + rounding) >> shift
    return total


def pairs(count, bit_depth):
    """Two blocks of `count` samples: noise, the largest difference both ways, a checker."""
    rng = np.random.default_rng(count + bit_depth)
    top = (1 << bit_depth) - 1
    checker = (np.arange(count) % 2 * top).astype(np.int16)
    yield tuple(rng.integers(0, top + 1, (2, count)).astype(np.int16))
    yield np.full(count, top, np.int16), np.zeros(count, np.int16)
    yield np.zeros(count, np.int16), np.full(count, top, np.int16)
    yield checker, checker[::-1].copy()


@pytest.mark.parametrize("bit_depth", [8, 10, 12])
@pytest.mark.parametrize("log2_size", [2, 3, 4, 5, 6])
def test_costs(log2_size, bit_depth):
    n = 1 << log2_size
    for a, b in pairs(n * n, bit_depth):
        shifted_a, shifted_b = np.append(np.int16([1, 2, 3]), a), np.append(np.int16([9]), b)
        d = a.astype(np.int64) - b
        assert sse(shifted_a, 3, shifted_b, 1, log2_size) == int((d * d).sum())
        assert satd(shifted_a, 3, shifted_b, 1, log2_size) == slow_satd(a, b, n)
        out = np.zeros(n * n, np.int16)
        difference(shifted_a, 3, shifted_b, 1, n * n, out)
        assert out.tolist() == d.tolist()


def test_copy_block():
    plane = np.arange(40 * 48, dtype=np.int16).reshape(40, 48)
    out = np.full(70, -1, np.int16)
    copy_block(plane, 40, 32, 8, out)
    assert out[:64].tolist() == plane[32:40, 40:48].ravel().tolist()
    assert set(out[64:].tolist()) == {-1}
