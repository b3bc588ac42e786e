"""Scaling lists from a text file in HM's format (ScalingListFile)."""

import re

from codec.base.errors import UsageError
from codec.base.io.text import lines, read_text
from codec.h265.syntax.scaling_list import ScalingListData, explicit_scaling_list, up_right_diagonal

_SIZES = ("4X4", "8X8", "16X16", "32X32")
_COMPONENTS = ("LUMA", "CHROMAU", "CHROMAV")
_NUMBER = re.compile(r"[0-9]{1,3}")


def _wanted():
    """(name, sizeId, matrixId) of every list of H.265 version 1."""
    for size_id, size in enumerate(_SIZES):
        for matrix_id in (0, 3) if size_id == 3 else range(6):
            kind = "INTRA" if matrix_id < 3 else "INTER"
            yield f"{kind}{size}_{_COMPONENTS[matrix_id % 3]}", size_id, matrix_id


def _numbers_behind(tokens, name, count, file_name):
    """The `count` numbers that follow the word `name`."""
    try:
        start = tokens.index(name) + 1
    except ValueError:
        raise UsageError(f"ScalingListFile {file_name}: the list {name} is missing") from None
    words = tokens[start : start + count]
    if len(words) < count or not all(_NUMBER.fullmatch(word) and 1 <= int(word) <= 255 for word in words):
        raise UsageError(f"ScalingListFile {file_name}: {name} needs {count} numbers of 1..255")
    return [int(word) for word in words]


def read_scaling_file(file_name):
    """(7.3.4) ScalingListData from a file of named matrices, row by row; 16x16 and 32x32 as 8x8 and a DC value.

    Raises UsageError when the file cannot be read or a list is missing.
    """
    text = read_text(file_name, f"ScalingListFile {file_name}", UsageError)
    # what belongs to a number stays with it: "-5" and "16.5" are no 5 and 16
    tokens = [word for line in lines(text) for word in re.findall(r"[\w.+-]+", line.partition("#")[0])]
    data = ScalingListData()
    for name, size_id, matrix_id in _wanted():
        side = 4 if size_id == 0 else 8
        rows = _numbers_behind(tokens, name, side * side, file_name)
        coef = [rows[y * side + x] for x, y in up_right_diagonal(side)]
        dc = _numbers_behind(tokens, f"{name}_DC", 1, file_name)[0] if size_id > 1 else 16
        data.lists[size_id, matrix_id] = explicit_scaling_list(size_id, coef, dc)
    return data
