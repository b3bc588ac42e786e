"""codec.h265.encoder.search.residual.forward_transform against matrix products in int64."""

import numpy as np
import pytest

from codec.h265.encoder.search.residual.forward_transform import TMP_SAMPLES, forward_transform, forward_transform_skip
from codec.h265.recon.transform import TMP_SAMPLES as INVERSE_TMP_SAMPLES
from codec.h265.recon.transform import inverse_transform
from codec.h265.recon.transform_tables import DST_MATRIX, dct_matrix


def slow_forward(residual, log2_size, is_dst, bit_depth):
    matrix = (DST_MATRIX if is_dst else dct_matrix(log2_size)).astype(np.int64)
    shift1, shift2 = log2_size + bit_depth - 9, log2_size + 6
    rows = (residual.astype(np.int64) @ matrix.T + (1 << (shift1 - 1))) >> shift1
    return (matrix @ rows + (1 << (shift2 - 1))) >> shift2


def residuals(n, bit_depth):
    rng = np.random.default_rng(n)
    top = (1 << bit_depth) - 1
    y, x = np.mgrid[0:n, 0:n]
    yield rng.integers(-top, top + 1, (n, n))
    yield rng.integers(-3, 4, (n, n))
    yield np.full((n, n), top)
    yield np.full((n, n), -top)
    yield np.where((x + y) % 2, top, -top)
    yield np.where(x < n // 2, top, -top)


@pytest.mark.parametrize("bit_depth", [8, 10])
@pytest.mark.parametrize(("log2_size", "is_dst"), [(2, True), (2, False), (3, False), (4, False), (5, False)])
def test_coefficients(log2_size, is_dst, bit_depth):
    n, offset = 1 << log2_size, 3
    out, tmp = np.zeros(n * n, np.int16), np.zeros(TMP_SAMPLES, np.int16)
    for block in residuals(n, bit_depth):
        source = np.full(offset + n * n, 77, np.int16)
        source[offset:] = block.ravel()
        forward_transform(source, offset, log2_size, is_dst, bit_depth, out, tmp)
        expected = slow_forward(block, log2_size, is_dst, bit_depth)
        assert np.abs(expected).max() <= 32768
        assert out.reshape(n, n).tolist() == np.minimum(expected, 32767).tolist()


@pytest.mark.parametrize(("log2_size", "is_dst"), [(2, True), (2, False), (3, False), (4, False), (5, False)])
def test_forward_then_inverse_is_nearly_the_residual(log2_size, is_dst):
    n = 1 << log2_size
    residual = np.random.default_rng(5).integers(-200, 201, n * n).astype(np.int16)
    coeffs, back = np.zeros(n * n, np.int16), np.zeros(n * n, np.int16)
    forward_transform(residual, 0, log2_size, is_dst, 8, coeffs, np.zeros(TMP_SAMPLES, np.int16))
    inverse_transform(coeffs, 0, log2_size, is_dst, 8, back, np.zeros(INVERSE_TMP_SAMPLES, np.int16))
    assert np.abs(back - residual).max() <= 3


@pytest.mark.parametrize(("bit_depth", "factor"), [(8, 32), (10, 8)])
def test_transform_skip(bit_depth, factor):
    top = (1 << bit_depth) - 1
    residual = np.linspace(-top, top, 18).astype(np.int16)
    out = np.zeros(16, np.int16)
    forward_transform_skip(residual, 2, 2, bit_depth, out)
    assert out.tolist() == [int(value) * factor for value in residual[2:]]
