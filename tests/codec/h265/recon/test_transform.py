"""codec.h265.recon.transform and its tables against clause 8.6.4.2 as matrix products in int64."""

import numpy as np
import pytest

from codec.h265.recon.transform import TMP_SAMPLES, inverse_transform
from codec.h265.recon.transform_tables import DST_MATRIX, dct_matrix

KINDS = [(2, True), (2, False), (3, False), (4, False), (5, False)]


def slow_inverse(coeffs, log2_size, is_dst, bit_depth):
    matrix = (DST_MATRIX if is_dst else dct_matrix(log2_size)).astype(np.int64)
    shift = 20 - bit_depth
    columns = np.clip((matrix.T @ coeffs.astype(np.int64) + 64) >> 7, -32768, 32767)
    return np.clip((columns @ matrix + (1 << (shift - 1))) >> shift, -32768, 32767)


def blocks(n):
    """Dense and sparse coefficients: noise in a corner of every size, extremes, a checker, every lone corner."""
    rng = np.random.default_rng(n)
    y, x = np.mgrid[0:n, 0:n]
    for corner in range(1, n + 1):
        for top in (60, 32767):
            yield np.where((x < corner) & (y < corner), rng.integers(-top, top + 1, (n, n)), 0)
    yield np.full((n, n), 32767)
    yield np.full((n, n), -32768)
    yield np.where((x + y) % 2, 32767, -32768)
    yield np.zeros((n, n), np.int64)
    for place in ((0, 0), (0, n - 1), (n - 1, 0), (n - 1, n - 1), (0, 1), (1, 0)):
        for value in (-32768, 5):
            yield np.where((y == place[0]) & (x == place[1]), value, 0)


@pytest.mark.parametrize("bit_depth", [8, 10])
@pytest.mark.parametrize(("log2_size", "is_dst"), KINDS)
def test_residual(log2_size, is_dst, bit_depth):
    n, offset = 1 << log2_size, 5
    out, tmp = np.zeros(n * n, np.int16), np.zeros(TMP_SAMPLES, np.int16)
    for block in blocks(n):
        coeffs = np.full(offset + n * n + 3, 99, np.int16)
        coeffs[offset : offset + n * n] = block.ravel()
        tmp[:] = -1
        inverse_transform(coeffs, offset, log2_size, is_dst, bit_depth, out, tmp)
        assert out.reshape(n, n).tolist() == slow_inverse(block, log2_size, is_dst, bit_depth).tolist()


def test_rows_printed_in_the_standard():
    assert dct_matrix(2).tolist() == [[64, 64, 64, 64], [83, 36, -36, -83], [64, -64, -64, 64], [36, -83, 83, -36]]
    assert dct_matrix(3)[1].tolist() == [89, 75, 50, 18, -18, -50, -75, -89]
    assert dct_matrix(3)[3].tolist() == [75, -18, -89, -50, 50, 89, 18, -75]
    assert dct_matrix(4)[1, :8].tolist() == [90, 87, 80, 70, 57, 43, 25, 9]
    assert dct_matrix(4)[15, :8].tolist() == [9, -25, 43, -57, 70, -80, 87, -90]
    assert dct_matrix(5)[1, :16].tolist() == [90, 90, 88, 85, 82, 78, 73, 67, 61, 54, 46, 38, 31, 22, 13, 4]
    assert dct_matrix(5)[31, :16].tolist() == [4, -13, 22, -31, 38, -46, 54, -61, 67, -73, 78, -82, 85, -88, 90, -90]


@pytest.mark.parametrize("log2_size", [2, 3, 4, 5])
def test_small_matrices_are_sub_sampled_large_ones(log2_size):
    n = 1 << log2_size
    assert dct_matrix(log2_size).tolist() == dct_matrix(5)[:: 32 // n, :n].tolist()


@pytest.mark.parametrize("matrix", [DST_MATRIX] + [dct_matrix(log2) for log2 in (2, 3, 4, 5)], ids=len)
def test_matrices_are_nearly_orthogonal(matrix):
    n = len(matrix)
    product = matrix.astype(np.int64) @ matrix.T
    assert np.abs(product - 4096 * n * np.eye(n)).max() < 0.003 * 4096 * n
