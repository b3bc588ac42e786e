"""Structured records that kernels share."""

import numpy as np


def record(fields):
    """A structured dtype whose elements have attributes, in compiled code and (NUMBA_DISABLE_JIT) in plain Python.

    There numpy's own attributes come first, so ValueError where a field has the name of one (mean, size).
    """
    taken = [name for name, *_ in fields if hasattr(np.record, name)]
    if taken:
        raise ValueError(f"fields that plain Python could not reach: {', '.join(taken)}")
    return np.dtype((np.record, fields))
