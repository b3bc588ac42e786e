"""(8.6) Quantisation parameters of chroma and scaling of transform coefficients."""

import numpy as np

from codec.base.kernels.jit import kernel

LEVEL_SCALE = np.array([40, 45, 51, 57, 64, 72], np.int32)
"""(8.6.4.1) levelScale[qP % 6]."""

# table 8-10 for qPi 30..43
_CHROMA_QP = np.array([29, 30, 31, 32, 33, 33, 34, 34, 35, 35, 36, 36, 37, 37], np.int64)

I32 = np.int32
_U = np.uint64
_MIN16, _MAX16 = np.int32(-32768), np.int32(32767)
# beyond this a product is clipped to 16 bit after any shift to the left, so it may be clipped before
_SAFE = np.int32(1 << 20)


@kernel
def chroma_qp(qp_y, offset, bit_depth_c):
    """(8.6.1, table 8-10) Qp'C of 4:2:0 chroma.

    qp_y         QpY, may be negative above 8 bit
    offset       pps_cb_qp_offset + slice_cb_qp_offset (or the cr pair)
    bit_depth_c  BitDepthC
    """
    qp_bd_offset = 6 * (bit_depth_c - 8)
    qp_i = min(max(qp_y + offset, -qp_bd_offset), 57)
    if qp_i < 30:
        return qp_i + qp_bd_offset
    if qp_i > 43:
        return qp_i - 6 + qp_bd_offset
    return _CHROMA_QP[qp_i - 30] + qp_bd_offset


@kernel
def scaling_matrix_id(log2_size, c_idx, is_inter):
    """(table 7-4) matrixId of a block in Frame.scaling; 32x32 has matrices for luma only, 0 intra and 3 inter."""
    return (0 if log2_size == 5 else c_idx) + (3 if is_inter else 0)


@kernel(inline=True)
def _scale_flat(levels, start, count, scale, shift, out):
    """Every level times `scale`, shifted right by `shift` with rounding (left when it is negative)."""
    if shift > 0:
        right, rounding = I32(shift), I32(1 << (shift - 1))
        for i in range(_U(count)):
            value = I32(I32(I32(levels[start + i]) * scale) + rounding) >> right
            out[i] = min(max(I32(value), _MIN16), _MAX16)
    else:
        factor = I32(scale << I32(-shift))
        for i in range(_U(count)):
            out[i] = min(max(I32(I32(levels[start + i]) * factor), _MIN16), _MAX16)


@kernel(inline=True)
def _scale_matrix(levels, start, count, matrix, scale, shift, out):
    """As _scale_flat, with each level's own factor from `matrix` (flat, 1..255)."""
    if shift > 0:
        right, rounding = I32(shift), I32(1 << (shift - 1))
        for i in range(_U(count)):
            product = I32(I32(levels[start + i]) * I32(I32(matrix[i]) * scale))
            value = I32(I32(product + rounding) >> right)
            out[i] = min(max(value, _MIN16), _MAX16)
    else:
        left = I32(-shift)
        for i in range(_U(count)):
            product = I32(I32(levels[start + i]) * I32(I32(matrix[i]) * scale))
            value = I32(min(max(product, I32(-_SAFE)), _SAFE) << left)
            out[i] = min(max(value, _MIN16), _MAX16)


@kernel
def dequantise(levels, offset, log2_size, qp, scaling, matrix_id, use_scaling_list, bit_depth, out):
    """(8.6.4.1) Scaled coefficients of one block: out[0 : n*n] int16 from levels[offset : offset + n*n].

    levels            int16 TransCoeffLevel
    log2_size         2..5
    qp                qP: Qp'Y, Qp'Cb or Qp'Cr, 0..51 + 6 * (bit_depth - 8)
    scaling           (4, 6, 1024) int16 ScalingFactor by sizeId, matrixId, row-major position
    matrix_id         see scaling_matrix_id
    use_scaling_list  false: m is 16 (scaling_list_enabled_flag 0, or transform skip above 4x4)
    bit_depth         of the component

    32 bit are enough: 2^15 * 255 * 72 < 2^31, and a common power of two of factor and divisor is taken out first.
    """
    count = 1 << (2 * log2_size)
    scale = LEVEL_SCALE[qp % 6]
    shift = bit_depth + log2_size - 5 - qp // 6
    if use_scaling_list:
        _scale_matrix(levels, _U(offset), count, scaling[log2_size - 2, matrix_id], scale, shift, out)
    else:
        _scale_flat(levels, _U(offset), count, scale, shift - 4, out)
