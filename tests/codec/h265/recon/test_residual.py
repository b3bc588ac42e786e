"""codec.h265.recon.residual against clauses 8.6.2, 8.6.4.2 and 8.6.6."""

import numpy as np
import pytest

from codec.h265.recon.residual import add_blocks, add_residual, bypass_residual, put_block, transform_skip_residual


@pytest.mark.parametrize("bit_depth", [8, 10])
@pytest.mark.parametrize("log2_size", [2, 3])
def test_transform_skip(log2_size, bit_depth):
    count, offset, shift = 1 << (2 * log2_size), 4, 20 - bit_depth
    coeffs = np.random.default_rng(1).integers(-32768, 32768, offset + count).astype(np.int16)
    coeffs[offset : offset + 2] = -32768, 32767
    out = np.zeros(count, np.int16)
    transform_skip_residual(coeffs, offset, log2_size, bit_depth, out)
    assert out.tolist() == [((int(c) << 7) + (1 << (shift - 1))) >> shift for c in coeffs[offset:]]


def test_bypass_copies():
    coeffs = np.arange(-10, 10, dtype=np.int16)
    out = np.zeros(16, np.int16)
    bypass_residual(coeffs, 3, 2, out)
    assert out.tolist() == list(range(-7, 9))


@pytest.mark.parametrize("bit_depth", [8, 10])
@pytest.mark.parametrize("size", [4, 8, 16, 32])
def test_picture_construction_clips(size, bit_depth):
    rng = np.random.default_rng(size)
    top = (1 << bit_depth) - 1
    before = rng.integers(0, top + 1, (48, 40)).astype(np.int16)
    residual = rng.choice([-32768, 32767, -5, 0, 7], size * size).astype(np.int16)
    inside = slice(8, 8 + size), slice(4, 4 + size)
    expected = before.astype(np.int64)
    expected[inside] = np.clip(expected[inside] + residual.reshape(size, size), 0, top)

    added = before.copy()
    add_residual(added, 4, 8, size, residual, bit_depth)
    assert added.tolist() == expected.tolist()

    prediction = before[inside].ravel()
    built = before.copy()
    add_blocks(built, 4, 8, size, prediction, residual, bit_depth)
    assert built.tolist() == expected.tolist()

    put = np.zeros_like(before)
    put_block(put, 4, 8, size, prediction)
    assert put[inside].tolist() == before[inside].tolist()
    assert np.count_nonzero(put) == np.count_nonzero(before[inside])
