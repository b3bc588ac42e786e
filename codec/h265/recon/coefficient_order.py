"""(docs/BITSTREAM.md, CnnMpm) Coefficients of small intra blocks, put where the scan of the block's mode has them.

H.265 scans small blocks by their intra mode. A mode that is told by its rank is not known when coefficients are parsed:
they are coded as if the scan were the diagonal one, and what is at place k of that belongs at place k of the mode's.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.intra_modes import INTRA_SCAN, SCAN_DIAGONAL

LARGEST = 64
_I64, _U64 = np.int64, np.uint64


def _diagonal(size):
    """(6.5.3) [(x, y)]"""
    return [(x, d - x) for d in range(2 * size - 1) for x in range(size) if 0 <= d - x < size]


def _rows(size):
    """(6.5.4) [(x, y)]"""
    return [(x, y) for y in range(size) for x in range(size)]


def _columns(size):
    """(6.5.5) [(x, y)]"""
    return [(x, y) for x in range(size) for y in range(size)]


def _places(scan, log2_size):
    """Row-major places in scan order: sub-blocks of 4x4, then places in each."""
    blocks, inside = scan(1 << (log2_size - 2)), scan(4)
    return [((4 * v + y) << log2_size) + 4 * u + x for u, v in blocks for x, y in inside]


def _orders():
    """TARGET[log2 size - 2, scanIdx, place as coded]: row-major place of a coefficient."""
    table = np.zeros((2, 3, LARGEST), np.int64)
    for log2_size in (2, 3):
        for scan_idx, scan in enumerate((_diagonal, _rows, _columns)):
            table[log2_size - 2, scan_idx, _places(_diagonal, log2_size)] = _places(scan, log2_size)
    return table


TARGET = _orders()


@kernel(inline=True)
def order_of(p, intra, c_idx, log2_size, mode):
    """The scanIdx by which the coefficients of a block are ordered. With scaling lists they stay where they are."""
    small = log2_size == 2 or (log2_size == 3 and c_idx == 0)
    if small and intra and p.mode_ranks and not p.scaling_list_enabled:
        return _I64(INTRA_SCAN[mode])
    return _I64(SCAN_DIAGONAL)


@kernel
def put_in_order(block, log2_size, order, memory):
    """From the places as coded to those of the block. memory: LARGEST int16"""
    for i in range(_U64(_I64(1) << (2 * log2_size))):
        memory[i] = block[i]
    for i in range(_U64(_I64(1) << (2 * log2_size))):
        block[_U64(TARGET[log2_size - 2, order, i])] = memory[i]


@kernel
def take_in_order(block, log2_size, order, memory):
    """The way back."""
    for i in range(_U64(_I64(1) << (2 * log2_size))):
        memory[i] = block[i]
    for i in range(_U64(_I64(1) << (2 * log2_size))):
        block[i] = memory[_U64(TARGET[log2_size - 2, order, i])]
