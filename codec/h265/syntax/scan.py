"""(6.5.3-6.5.5) Scan orders, and context tables of residual coding that depend on nothing but position."""

import numpy as np


def _diagonal(size):
    """(6.5.3) Up-right diagonal: list of (x, y)."""
    return [(x, d - x) for d in range(2 * size - 1) for x in range(size) if 0 <= d - x < size]


def _horizontal(size):
    """(6.5.4)"""
    return [(x, y) for y in range(size) for x in range(size)]


def _vertical(size):
    """(6.5.5)"""
    return [(x, y) for x in range(size) for y in range(size)]


_ORDERS = (_diagonal, _horizontal, _vertical)


def _sub_block_positions():
    """SUB_BLOCK_X/Y[log2TrafoSize - 2, scanIdx, i]: the i-th 4x4 sub-block of a transform block."""
    xs, ys = np.zeros((4, 3, 64), np.int32), np.zeros((4, 3, 64), np.int32)
    for log2 in range(2, 6):
        for scan_idx, order in enumerate(_ORDERS):
            for i, (x, y) in enumerate(order(1 << (log2 - 2))):
                xs[log2 - 2, scan_idx, i], ys[log2 - 2, scan_idx, i] = x, y
    return xs, ys


def _inverse(xs, ys):
    """index[log2TrafoSize - 2, scanIdx, y, x] of a sub-block."""
    index = np.zeros((4, 3, 8, 8), np.int32)
    for log2 in range(2, 6):
        for scan_idx in range(3):
            for i in range(1 << (2 * (log2 - 2))):
                index[log2 - 2, scan_idx, ys[log2 - 2, scan_idx, i], xs[log2 - 2, scan_idx, i]] = i
    return index


SUB_BLOCK_X, SUB_BLOCK_Y = _sub_block_positions()
SUB_BLOCK_INDEX = _inverse(SUB_BLOCK_X, SUB_BLOCK_Y)
# position inside a 4x4 sub-block: POS[scanIdx, n] = y * 4 + x, and back
POS = np.array([[y * 4 + x for x, y in order(4)] for order in _ORDERS], np.int32)
POS_INDEX = np.argsort(POS, axis=1).astype(np.int32)


def _places():
    """PLACE[log2TrafoSize - 2, scanIdx, i]: row-major position in the block of scan position i (sub-block * 16 + n)."""
    table = np.zeros((4, 3, 1024), np.int16)
    for log2 in range(2, 6):
        corner = ((SUB_BLOCK_Y[log2 - 2] << log2) + SUB_BLOCK_X[log2 - 2]) * 4
        inside = ((POS >> 2) << log2) + (POS & 3)
        table[log2 - 2] = (corner[:, :, None] + inside[:, None, :]).reshape(3, 1024)
    return table


PLACE = _places()


def _sig_coeff_patterns():
    """(9.3.4.2.5) SIG_CTX[pattern, y * 4 + x]: sigCtx inside a sub-block.

    pattern: coded_sub_block_flag of the right (bit 0) and lower (bit 1) sub-block; 4: a whole 4x4 block (ctxIdxMap).
    """
    table = np.zeros((5, 16), np.int32)
    for y in range(4):
        for x in range(4):
            n = y * 4 + x
            table[0, n] = 2 if x + y == 0 else 1 if x + y < 3 else 0
            table[1, n] = 2 if y == 0 else 1 if y == 1 else 0
            table[2, n] = 2 if x == 0 else 1 if x == 1 else 0
            table[3, n] = 2
    table[4] = (0, 1, 4, 5, 2, 3, 4, 5, 6, 6, 8, 8, 7, 7, 8, 8)
    return table


SIG_CTX = _sig_coeff_patterns()

# (7.4.9.11) last_sig_coeff prefix: first position of a prefix group, and the group of a position
LAST_GROUP_START = np.array([0, 1, 2, 3, 4, 6, 8, 12, 16, 24], np.int32)
LAST_GROUP = np.array([max(g for g in range(10) if LAST_GROUP_START[g] <= p) for p in range(32)], np.int32)
