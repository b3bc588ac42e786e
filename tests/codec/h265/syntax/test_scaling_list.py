"""codec.h265.syntax.scaling_list against the formulas of 7.3.4 and 7.4.5."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.base.bits import BitReader
from codec.base.errors import CodecError
from codec.h265.syntax.params import scaling_factors
from codec.h265.syntax.pps import Pps
from codec.h265.syntax.scaling_list import (
    ScalingListData,
    default_coefficients,
    default_scaling_lists,
    explicit_scaling_list,
    scaling_factor_array,
    scaling_list_data,
    up_right_diagonal,
)
from codec.h265.syntax.sps import Sps
from tests.codec.h265.syntax.random_serdes import random_structure, written


def slow_diagonal(size):
    """(6.5.3) The process as written, with its stop conditions."""
    order, x, y = [], 0, 0
    while len(order) < size * size:
        while y >= 0:
            if x < size and y < size:
                order.append((x, y))
            y -= 1
            x += 1
        y, x = x, 0
    return order


def slow_scaling_lists(data):
    """(7.3.4) Read the RBSP as written: ScalingList and scaling_list_dc_coef by (sizeId, matrixId)."""
    bits, lists, dc = BitReader(data), {}, {}
    for size_id in range(4):
        for matrix_id in range(0, 6, 3 if size_id == 3 else 1):
            dc[size_id, matrix_id] = 16
            if not bits.u(1):
                delta = bits.ue() * (3 if size_id == 3 else 1)
                if delta == 0:
                    lists[size_id, matrix_id] = default_coefficients(size_id, matrix_id)
                else:
                    lists[size_id, matrix_id] = lists[size_id, matrix_id - delta]
                    dc[size_id, matrix_id] = dc[size_id, matrix_id - delta]
                continue
            next_coef = 8
            if size_id > 1:
                next_coef = dc[size_id, matrix_id] = bits.se() + 8
            coefficients = []
            for _ in range(min(64, 1 << (4 + (size_id << 1)))):
                next_coef = (next_coef + bits.se() + 256) % 256
                coefficients.append(next_coef)
            lists[size_id, matrix_id] = coefficients
    return lists, dc


def slow_factor(lists, dc, size_id, matrix_id, x, y):
    """(7-xx) ScalingFactor[sizeId][matrixId][x][y]"""
    if size_id > 1 and x == y == 0:
        return dc[size_id, matrix_id]
    size = 4 if size_id == 0 else 8
    ratio = (4 << size_id) // size
    return lists[size_id, matrix_id][slow_diagonal(size).index((x // ratio, y // ratio))]


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_diagonal(size):
    assert up_right_diagonal(size) == slow_diagonal(size)


@given(seed=st.integers(0, 10**9))
@settings(max_examples=25, deadline=None)
def test_factors_of_random_lists(seed):
    data, _ = random_structure(lambda s, d: (scaling_list_data(s, d), s.rbsp_trailing_bits()), ScalingListData, seed)
    rbsp = written(lambda s, d: (scaling_list_data(s, d), s.rbsp_trailing_bits()), data)
    lists, dc = slow_scaling_lists(rbsp)
    factors = scaling_factor_array(data)
    assert factors.dtype == np.int16 and factors.shape == (4, 6, 1024)
    for size_id, matrix_id in lists:
        n = 4 << size_id
        for x, y in [(0, 0), (n - 1, 0), (0, n - 1), (n - 1, n - 1), (1, 0), (0, 1), (n // 2, 1), (3, n // 2)]:
            assert factors[size_id, matrix_id, y * n + x] == slow_factor(lists, dc, size_id, matrix_id, x, y)


@pytest.mark.parametrize("size_id", range(4))
def test_explicit_lists_survive(size_id):
    coef = [1 + (37 * i) % 255 for i in range(16 if size_id == 0 else 64)]
    data = ScalingListData()
    data.lists[size_id, 3] = explicit_scaling_list(size_id, coef, 200)
    rbsp = written(lambda s, d: (scaling_list_data(s, d), s.rbsp_trailing_bits()), data)
    lists, dc = slow_scaling_lists(rbsp)
    assert list(lists[size_id, 3]) == coef and dc[size_id, 3] == (200 if size_id > 1 else 16)
    assert data.lists[size_id, 3].coef == tuple(coef)
    if size_id != 3:
        assert lists[size_id, 4] == default_coefficients(size_id, 4)


def test_defaults_are_tables_7_5_and_7_6():
    factors = scaling_factor_array(default_scaling_lists())
    assert (factors[0, :, :16] == 16).all()
    intra, inter = factors[1, 0, :64].reshape(8, 8), factors[1, 3, :64].reshape(8, 8)
    assert intra[7].tolist() == [24, 25, 29, 36, 47, 65, 88, 115] and (intra == intra.T).all()
    assert inter[7].tolist() == [24, 25, 28, 33, 41, 54, 71, 91] and (inter == inter.T).all()
    assert intra[0].tolist() == [16, 16, 16, 16, 17, 18, 21, 24]
    assert inter[0].tolist() == [16, 16, 16, 16, 17, 18, 20, 24]
    assert (factors[3, 1] == factors[3, 0]).all() and (factors[3, 4] == factors[3, 3]).all()
    assert factors[3, 0, -1] == 115 and factors[3, 5, -1] == 91


def test_a_zero_entry_is_corrupt():
    data = ScalingListData()
    data.lists[0, 0] = explicit_scaling_list(0, [1] * 15 + [256])
    with pytest.raises(CodecError, match=r"7\.4\.5.*entry of 0"):
        written(scaling_list_data, data)


def test_prediction_before_the_first_list_is_corrupt():
    data = ScalingListData()
    data.lists[0, 1].scaling_list_pred_matrix_id_delta = 2
    with pytest.raises(CodecError, match=r"scaling_list_pred_matrix_id_delta = 2 is outside 0\.\.1"):
        written(scaling_list_data, data)


def test_which_lists_are_in_force():
    sps, pps = Sps(), Pps()
    assert (scaling_factors(sps, pps) == 16).all()
    sps.scaling_list_enabled_flag = 1
    assert scaling_factors(sps, pps)[1, 0, 63] == 115
    sps.sps_scaling_list_data_present_flag = 1
    sps.scaling_list_data = ScalingListData()
    sps.scaling_list_data.lists = {
        key: explicit_scaling_list(key[0], [7] * (64 if key[0] else 16), 9) for key in sps.scaling_list_data.lists
    }
    assert scaling_factors(sps, pps)[2, 0, :2].tolist() == [9, 7]
    pps.pps_scaling_list_data_present_flag = 1
    pps.scaling_list_data = default_scaling_lists()
    assert scaling_factors(sps, pps)[1, 0, 63] == 115
