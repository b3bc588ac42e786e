"""Plain definitions of the costs of motion vectors, for the tests beside it."""

import numpy as np


def prediction_block_sizes():
    """(width, height) of every prediction block of coding blocks 8..64 (table 7-10)."""
    sizes = set()
    for n in (8, 16, 32, 64):
        sizes |= {(n, n), (n, n // 2), (n // 2, n)}
        if n > 8:
            sizes |= {(n, n // 4), (n, 3 * n // 4), (n // 4, n), (3 * n // 4, n)}
    return sorted(sizes)


def exp_golomb_bins(value, k):
    """(9.3.3.3) Number of bins of the k-th order Exp-Golomb binarization."""
    bins = 0
    while value >= (1 << k):
        bins += 1
        value -= 1 << k
        k += 1
    return bins + 1 + k


def component_bits(difference):
    """(7.3.8.9) Bins that one component of mvd_coding takes; differences wrap to 16 bit."""
    magnitude = abs((difference + 32768) % 65536 - 32768)
    bits = 1  # abs_mvd_greater0_flag
    if magnitude > 0:
        bits += 2  # abs_mvd_greater1_flag, mvd_sign_flag
    if magnitude > 1:
        bits += exp_golomb_bins(magnitude - 2, 1)
    return bits


def vector_bits(mv, mvp):
    return component_bits(mv[0] - mvp[0]) + component_bits(mv[1] - mvp[1])


def slow_sad(a, b):
    return int(np.abs(a.astype(np.int64) - b).sum())


def hadamard(size):
    matrix = np.ones((1, 1), np.int64)
    while len(matrix) < size:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


def slow_satd(a, b):
    """Hadamard cost of two blocks: 8x8, or 4x4 where a side is not a multiple of 8."""
    d = a.astype(np.int64) - b
    size, rounding, shift = (4, 1, 1) if d.shape[0] % 8 or d.shape[1] % 8 else (8, 2, 2)
    h, total = hadamard(size), 0
    for y in range(0, d.shape[0], size):
        for x in range(0, d.shape[1], size):
            total += (int(np.abs(h @ d[y : y + size, x : x + size] @ h).sum()) + rounding) >> shift
    return total
