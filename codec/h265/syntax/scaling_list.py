"""Scaling lists (7.3.4) and the scaling factors they stand for (7.4.5)."""

from dataclasses import dataclass, field

import numpy as np

from codec.base.serdes import structure

SIZE_IDS = range(4)
_MATRIX_IDS = (range(6), range(6), range(6), (0, 3))

# tables 7-5 and 7-6, in coding (up-right diagonal) order
_DEFAULT_4x4 = (16,) * 16
_DEFAULT_INTRA = (
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 17, 16, 17, 16, 17, 18, 17, 18, 18, 17, 18, 21, 19, 20, 21, 20, 19, 21, 24,
    22, 22, 24, 24, 22, 22, 24, 25, 25, 27, 30, 27, 25, 25, 29, 31, 35, 35, 31, 29, 36, 41, 44, 41, 36, 47, 54, 54, 47,
    65, 70, 65, 88, 88, 115,
)  # fmt: skip
_DEFAULT_INTER = (
    16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 17, 17, 17, 17, 17, 18, 18, 18, 18, 18, 18, 20, 20, 20, 20, 20, 20, 20, 24,
    24, 24, 24, 24, 24, 24, 24, 25, 25, 25, 25, 25, 25, 25, 28, 28, 28, 28, 28, 28, 33, 33, 33, 33, 33, 41, 41, 41, 41,
    54, 54, 54, 71, 71, 91,
)  # fmt: skip


@dataclass
class ScalingList:
    """One list. As coded: prediction from another list, or dc and coefficient differences. `coef`, `dc`: the result."""

    scaling_list_pred_mode_flag: int = 0
    scaling_list_pred_matrix_id_delta: int = 0
    scaling_list_dc_coef_minus8: int = 8
    scaling_list_delta_coef: list = field(default_factory=list)
    coef: tuple = ()
    dc: int = 16


@dataclass
class ScalingListData:
    """scaling_list_data(): `lists` maps (sizeId, matrixId) to a ScalingList; sizeId 3 has matrixId 0 and 3 only."""

    lists: dict = field(default_factory=lambda: {key: ScalingList() for key in _keys()})


def _keys():
    return [(size_id, matrix_id) for size_id in SIZE_IDS for matrix_id in _MATRIX_IDS[size_id]]


def default_coefficients(size_id, matrix_id):
    """(7.4.5) Tables 7-5 and 7-6: the default list, in coding order."""
    if size_id == 0:
        return _DEFAULT_4x4
    return _DEFAULT_INTRA if matrix_id < 3 else _DEFAULT_INTER


def explicit_scaling_list(size_id, coef, dc=16):
    """A ScalingList that codes `coef` (16 or 64 values of 1..255 in coding order) and, from 16x16 on, `dc`."""
    previous = dc if size_id > 1 else 8
    deltas = []
    for value in coef:
        deltas.append((value - previous + 128) % 256 - 128)
        previous = value
    return ScalingList(1, 0, dc - 8, deltas, tuple(coef), dc if size_id > 1 else 16)


@structure("7.4.5")
def scaling_list_data(s, data):
    """(7.3.4) scaling_list_data()"""
    for size_id, matrix_id in _keys():
        entry = ScalingList() if s.reading else data.lists[size_id, matrix_id]
        data.lists[size_id, matrix_id] = entry
        s.flag(entry, "scaling_list_pred_mode_flag")
        if entry.scaling_list_pred_mode_flag:
            _coefficients(s, entry, size_id)
        else:
            _prediction(s, entry, data, size_id, matrix_id)


def _prediction(s, entry, data, size_id, matrix_id):
    step = 3 if size_id == 3 else 1
    delta = s.ue(entry, "scaling_list_pred_matrix_id_delta", hi=matrix_id // step)
    if delta == 0:
        entry.coef, entry.dc = default_coefficients(size_id, matrix_id), 16
    else:
        reference = data.lists[size_id, matrix_id - delta * step]
        entry.coef, entry.dc = reference.coef, reference.dc


def _coefficients(s, entry, size_id):
    next_coef = 8
    if size_id > 1:
        s.se(entry, "scaling_list_dc_coef_minus8", lo=-7, hi=247)
        next_coef = entry.scaling_list_dc_coef_minus8 + 8
    entry.dc = next_coef if size_id > 1 else 16
    coef = []
    for i in range(min(64, 1 << (4 + (size_id << 1)))):
        next_coef = (next_coef + s.se(entry, "scaling_list_delta_coef", i, lo=-128, hi=127)) % 256
        s.check(next_coef > 0, f"ScalingList[{size_id}] has an entry of 0 at position {i}")
        coef.append(next_coef)
    entry.coef = tuple(coef)


def default_scaling_lists():
    """(7.4.3.2) The lists in force when scaling lists are on and none was sent."""
    data = ScalingListData()
    for (size_id, matrix_id), entry in data.lists.items():
        entry.coef = default_coefficients(size_id, matrix_id)
    return data


def up_right_diagonal(size):
    """(6.5.3) The (x, y) positions of a size x size block in up-right diagonal order."""
    return [(d - y, y) for d in range(2 * size - 1) for y in range(min(d, size - 1), max(-1, d - size), -1)]


def scaling_factor_array(data):
    """(7.4.5) ScalingFactor as (4, 6, 1024) int16: by sizeId, matrixId, row-major position.

    `data` is a ScalingListData, or None for flat 16. sizeId 3 has lists for matrixId 0 and 3 only; the others, which
    4:2:0 never uses, repeat them.
    """
    factors = np.full((4, 6, 1024), 16, np.int16)
    if data is None:
        return factors
    for (size_id, matrix_id), entry in data.lists.items():
        small = np.zeros((4, 4) if size_id == 0 else (8, 8), np.int16)
        for (x, y), value in zip(up_right_diagonal(len(small)), entry.coef, strict=True):
            small[y, x] = value
        ratio = (4 << size_id) // len(small)
        matrix = small.repeat(ratio, 0).repeat(ratio, 1)
        if size_id > 1:
            matrix[0, 0] = entry.dc
        factors[size_id, matrix_id, : matrix.size] = matrix.ravel()
    factors[3, 1:3] = factors[3, 0]
    factors[3, 4:6] = factors[3, 3]
    return factors
