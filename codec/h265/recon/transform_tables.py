"""(8.6.4.2) Transform matrices as flat constant tables, for the inverse and the encoder's forward transform."""

import numpy as np

# column 0 of the 32-point transMatrix, (8-309): entry k stands for the angle k*pi/64, and every other coefficient
# of every DCT size is one of these numbers with a sign
_FIRST_COLUMN = (
    64, 90, 90, 90, 89, 88, 87, 85, 83, 82, 80, 78, 75, 73, 70, 67,
    64, 61, 57, 54, 50, 46, 43, 38, 36, 31, 25, 22, 18, 13, 9, 4,
)  # fmt: skip

DST_MATRIX = np.array([[29, 55, 74, 84], [74, 74, 0, -74], [84, -29, -74, 55], [55, -84, 74, -29]], np.int16)
"""(8-307) transMatrix of the 4-point DST: row = frequency, column = sample position."""


def _cosine(angle):
    """The integer that stands for cos(angle * pi / 64); the angle is in no size a multiple of 32 except 0."""
    angle %= 128
    if angle > 64:
        angle = 128 - angle
    return _FIRST_COLUMN[angle] if angle < 32 else -_FIRST_COLUMN[64 - angle]


def dct_matrix(log2_size):
    """(8.6.4.2) transMatrix of an n-point DCT: (n, n) int16, row = frequency, column = sample position."""
    size, scale = 1 << log2_size, 32 >> log2_size
    return np.array([[_cosine((2 * x + 1) * k * scale) for x in range(size)] for k in range(size)], np.int16)


DCT_OFFSET = np.array([0, 0, 16, 32, 96, 352], np.int64)
"""Position of the n-point DCT in INVERSE, by log2 size; the DST stands at 0."""

INVERSE = np.concatenate([DST_MATRIX.ravel()] + [dct_matrix(log2).ravel() for log2 in (2, 3, 4, 5)])
"""Flat int16: the DST, then the DCTs of 4, 8, 16, 32 points, each row-major by frequency."""

FORWARD = np.concatenate([np.ascontiguousarray(matrix.T).ravel() for matrix in (DST_MATRIX, dct_matrix(2))])
"""Flat int16, row-major by sample position: the DST, then the DCT of 4 points."""


def _pairs(matrix):
    """Neighbouring rows side by side, flat: by pair of rows, then column, then row in the pair."""
    return matrix.reshape(len(matrix) // 2, 2, -1).swapaxes(1, 2).ravel()


_LARGE = [dct_matrix(log2) for log2 in (3, 4, 5)]

PAIRS_OFFSET = np.array([0, 0, 0, 0, 64, 320], np.int64)
"""Position of the DCT of 8, 16 or 32 points in the tables that follow, by log2 size."""

FORWARD_PAIRS = np.concatenate([_pairs(np.ascontiguousarray(matrix.T)) for matrix in _LARGE])
INVERSE_PAIRS = np.concatenate([_pairs(matrix) for matrix in _LARGE])
"""Flat int16 for common/blocks/products.py: pairs of sample positions, and of frequencies."""

INVERSE_COLUMNS = np.concatenate([np.ascontiguousarray(matrix.T).ravel() for matrix in _LARGE])
"""Flat int16, row-major by sample position."""
