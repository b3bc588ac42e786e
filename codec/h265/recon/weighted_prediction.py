"""(8.5.3.3.4) Weighted sample prediction: from 14-bit predictions of one or two lists to samples of the picture.

`first` and `second` are int16 blocks less PREDICTION_BIAS, in rows of PREDICTION_STRIDE; `plane` is a flat int16
plane, the block begins at `at`, rows are `stride` apart.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.block_rows import round_mean, round_one
from codec.common.blocks.lanes import I32, U64, load8, put8
from codec.h265.recon.interpolation import PREDICTION_BIAS, PREDICTION_STRIDE

U8 = U64(8)


@kernel(inline=True)
def _clip(value, top):
    return min(max(value, I32(0)), top)


@kernel(inline=True)
def _one(a, weight, rounding, shift, offset, top):
    return _clip(I32(I32(I32(I32(a * weight) + rounding) >> shift) + offset), top)


@kernel
def put_one(first, plane, at, stride, width, height, weight, rounding, shift, offset, top):
    """(8-246, 8-251 ff.) plane = Clip(((first * weight + rounding) >> shift) + offset)."""
    row, target, whole, end = U64(0), U64(at), U64(width & ~7), U64(width)
    for _ in range(height):
        for c in range(U64(0), whole, U8):
            a = load8(first, row + c)
            made = (
                _one(a[0], weight, rounding, shift, offset, top), _one(a[1], weight, rounding, shift, offset, top),
                _one(a[2], weight, rounding, shift, offset, top), _one(a[3], weight, rounding, shift, offset, top),
                _one(a[4], weight, rounding, shift, offset, top), _one(a[5], weight, rounding, shift, offset, top),
                _one(a[6], weight, rounding, shift, offset, top), _one(a[7], weight, rounding, shift, offset, top),
            )  # fmt: skip
            put8(plane, target + c, made)
        for c in range(whole, end):
            plane[target + c] = _one(I32(first[row + c]), weight, rounding, shift, offset, top)
        row += U64(PREDICTION_STRIDE)
        target += U64(stride)


@kernel(inline=True)
def _two(a, b, weight_0, weight_1, rounding, shift, top):
    return _clip(I32(I32(I32(I32(a * weight_0) + I32(b * weight_1)) + rounding) >> shift), top)


@kernel
def put_two(first, second, plane, at, stride, width, height, weight_0, weight_1, rounding, shift, top):
    """(8-247, 8-254) plane = Clip((first * weight_0 + second * weight_1 + rounding) >> shift)."""
    row, target, whole, end = U64(0), U64(at), U64(width & ~7), U64(width)
    for _ in range(height):
        for c in range(U64(0), whole, U8):
            a, b = load8(first, row + c), load8(second, row + c)
            made = (
                _two(a[0], b[0], weight_0, weight_1, rounding, shift, top),
                _two(a[1], b[1], weight_0, weight_1, rounding, shift, top),
                _two(a[2], b[2], weight_0, weight_1, rounding, shift, top),
                _two(a[3], b[3], weight_0, weight_1, rounding, shift, top),
                _two(a[4], b[4], weight_0, weight_1, rounding, shift, top),
                _two(a[5], b[5], weight_0, weight_1, rounding, shift, top),
                _two(a[6], b[6], weight_0, weight_1, rounding, shift, top),
                _two(a[7], b[7], weight_0, weight_1, rounding, shift, top),
            )
            put8(plane, target + c, made)
        for c in range(whole, end):
            a, b = I32(first[row + c]), I32(second[row + c])
            plane[target + c] = _two(a, b, weight_0, weight_1, rounding, shift, top)
        row += U64(PREDICTION_STRIDE)
        target += U64(stride)


@kernel
def weigh_one(first, plane, at, stride, width, height, reference, c_idx, explicit, bit_depth):
    """(8.5.3.3.4.2, 8.5.3.3.4.3) Uni-prediction from `reference` (REFERENCE), by default or with its weights."""
    top = I32((1 << bit_depth) - 1)
    shift = np.int64(14 - bit_depth)
    if not explicit:
        half, middle = I32((1 << shift) >> 1), I32(PREDICTION_BIAS >> shift)
        round_one(first, PREDICTION_STRIDE, plane, at, stride, width, height, half, I32(shift), middle, top)
        return
    weight, offset = I32(reference.weight[c_idx]), I32(reference.offset[c_idx])
    shift += np.int64(reference.log2_denominator[c_idx])
    rounding = I32(((1 << shift) >> 1) + PREDICTION_BIAS * np.int64(weight))
    put_one(first, plane, at, stride, width, height, weight, rounding, I32(shift), offset, top)


@kernel
def weigh_two(first, second, plane, at, stride, width, height, ref_0, ref_1, c_idx, explicit, bit_depth):
    """(8.5.3.3.4.2, 8.5.3.3.4.3) Bi-prediction from two REFERENCE records, by default or with their weights."""
    top = I32((1 << bit_depth) - 1)
    shift = np.int64(15 - bit_depth)
    if not explicit:
        half, middle = I32((1 << shift) >> 1), I32(2 * PREDICTION_BIAS >> shift)
        round_mean(first, second, PREDICTION_STRIDE, plane, at, stride, width, height, half, I32(shift), middle, top)
        return
    weight_0, weight_1 = I32(ref_0.weight[c_idx]), I32(ref_1.weight[c_idx])
    offsets = np.int64(ref_0.offset[c_idx]) + np.int64(ref_1.offset[c_idx])
    shift += np.int64(ref_0.log2_denominator[c_idx])
    rounding = I32(((offsets + 1) << (shift - 1)) + PREDICTION_BIAS * np.int64(weight_0 + weight_1))
    put_two(first, second, plane, at, stride, width, height, weight_0, weight_1, rounding, I32(shift), top)
