"""codec.h265.recon.coefficient_order against the scans of the syntax."""

from types import SimpleNamespace

import numpy as np
import pytest

from codec.h265.intra_modes import INTRA_SCAN
from codec.h265.recon.coefficient_order import LARGEST, TARGET, order_of, put_in_order, take_in_order
from codec.h265.syntax.scan import PLACE


@pytest.mark.parametrize("log2_size", [2, 3])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_scan_places_of_the_diagonal_become_those_of_the_order(log2_size, order):
    count, memory = 1 << (2 * log2_size), np.zeros(LARGEST, np.int16)
    levels = np.random.default_rng(order).integers(-99, 100, count).astype(np.int16)
    block = levels.copy()
    put_in_order(block, log2_size, order, memory)
    by_scan = PLACE[log2_size - 2, :, :count]
    assert (block[by_scan[order]] == levels[by_scan[0]]).all()
    assert sorted(TARGET[log2_size - 2, order, :count].tolist()) == list(range(count))
    take_in_order(block, log2_size, order, memory)
    assert (block == levels).all()
    assert order or (TARGET[log2_size - 2, 0, :count] == np.arange(count)).all()


def test_blocks_that_have_an_order():
    """Those that H.265 scans by mode, if there are ranks and no scaling lists."""
    for ranks, lists in ((1, 0), (1, 1), (0, 0)):
        p = SimpleNamespace(mode_ranks=ranks, scaling_list_enabled=lists)
        for c_idx in range(3):
            for log2_size in range(2, 6):
                for mode in range(41):
                    small = log2_size == 2 or (log2_size == 3 and c_idx == 0)
                    wanted = int(INTRA_SCAN[mode]) if ranks and not lists and small else 0
                    assert int(order_of.py_func(p, True, c_idx, log2_size, mode)) == wanted
                    assert int(order_of.py_func(p, False, c_idx, log2_size, mode)) == 0
