"""(8.6.2, 8.6.6) Residuals that skip the transform, and picture construction."""

import numpy as np

from codec.base.kernels.jit import kernel

_U = np.uint64


@kernel
def transform_skip_residual(coeffs, offset, log2_size, bit_depth, out):
    """(8.6.4.2) Residual of a block with transform_skip_flag: out[0 : n*n] int16 from coeffs[offset : offset + n*n]."""
    shift = np.int32(20 - bit_depth)
    rounding = np.int32(1 << (19 - bit_depth))
    start = _U(offset)
    for i in range(_U(1 << (2 * log2_size))):
        value = np.int32(np.int32(coeffs[start + i]) << np.int32(7))
        out[i] = np.int32(np.int32(value + rounding) >> shift)


@kernel
def bypass_residual(coeffs, offset, log2_size, out):
    """(8.6.2) Residual of a block with cu_transquant_bypass_flag: the coefficients themselves."""
    start = _U(offset)
    for i in range(_U(1 << (2 * log2_size))):
        out[i] = coeffs[start + i]


@kernel
def add_residual(plane, x, y, size, residual, bit_depth):
    """(8.6.6) plane[y : y+size, x : x+size] += residual[0 : size*size], clipped to the bit depth."""
    top = np.int32((1 << bit_depth) - 1)
    for j in range(size):
        row = plane[y + j]
        start = _U(j * size)
        left = _U(x)
        for i in range(_U(size)):
            value = np.int32(np.int32(row[left + i]) + np.int32(residual[start + i]))
            row[left + i] = min(max(value, np.int32(0)), top)


@kernel
def put_block(plane, x, y, size, samples):
    """plane[y : y+size, x : x+size] = samples[0 : size*size] (int16)."""
    for j in range(size):
        row = plane[y + j]
        start = _U(j * size)
        left = _U(x)
        for i in range(_U(size)):
            row[left + i] = samples[start + i]


@kernel
def add_blocks(plane, x, y, size, prediction, residual, bit_depth):
    """(8.6.6) plane[y : y+size, x : x+size] = prediction + residual, both (size*size,) int16, clipped."""
    top = np.int32((1 << bit_depth) - 1)
    for j in range(size):
        row = plane[y + j]
        start = _U(j * size)
        left = _U(x)
        for i in range(_U(size)):
            value = np.int32(np.int32(prediction[start + i]) + np.int32(residual[start + i]))
            row[left + i] = min(max(value, np.int32(0)), top)
