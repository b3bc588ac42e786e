"""(8.5.3.3.3) Fractional sample interpolation: separable filters from a plane to 14-bit prediction samples.

Predictions are int16 blocks in rows of PREDICTION_STRIDE samples. They are stored less PREDICTION_BIAS, the middle of
the 14-bit range: both passes together can overshoot 16 bit otherwise (88 * 88 / 64 of the sample range). All work is
done in groups of eight columns, so up to seven samples right of the block are read and written too: the caller leaves
room for them on both sides.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.block_rows import narrow_filter4, narrow_filter8, wide_filter4, wide_filter8
from codec.common.blocks.lanes import I32, MAX16, MIN16, U64, load8, put8
from codec.h265.structs import MAX_CTB_SIZE

PREDICTION_STRIDE = MAX_CTB_SIZE
PREDICTION_BIAS = 1 << 13
PREDICTION_SAMPLES = MAX_CTB_SIZE * MAX_CTB_SIZE
# the longest filter reaches three rows up and four down
ROWS_SAMPLES = (MAX_CTB_SIZE + 7) * PREDICTION_STRIDE

LUMA_TAPS, CHROMA_TAPS = 8, 4
LUMA_FILTER = np.array(
    [
        [0, 0, 0, 64, 0, 0, 0, 0], [-1, 4, -10, 58, 17, -5, 1, 0],
        [-1, 4, -11, 40, 40, -11, 4, -1], [0, 1, -5, 17, 58, -10, 4, -1],
    ],
    np.int16,
).ravel()  # fmt: skip
"""(table 8-11) fL by quarter-sample position: 4 * 8, flat."""

CHROMA_FILTER = np.array(
    [
        [0, 64, 0, 0], [-2, 58, 10, -2], [-4, 54, 16, -2], [-6, 46, 28, -4],
        [-4, 36, 36, -4], [-4, 28, 46, -6], [-2, 16, 54, -4], [-2, 10, 58, -2],
    ],
    np.int16,
).ravel()  # fmt: skip
"""(table 8-12) fC by eighth-sample position: 8 * 4, flat."""


@kernel
def _filter_luma(source, at, step, stride, fraction, width, height, bias, shift, out):
    """(8-228 ff.) Eight taps along `step` (1 or the stride), the fourth at the sample itself, less `bias`.

    shift  0 for 8-bit samples only: their sums, less a bias, fit 16 bit
    """
    first, w, down, less = at - 3 * step, LUMA_TAPS * fraction, PREDICTION_STRIDE, I32(-(bias << shift))
    if shift == 0:
        narrow_filter8(LUMA_FILTER, w, source, first, step, stride, out, down, width, height, less)
    else:
        wide_filter8(LUMA_FILTER, w, source, first, step, stride, out, down, width, height, less, shift, MIN16, MAX16)


@kernel
def _filter_chroma(source, at, step, stride, fraction, width, height, bias, shift, out):
    """(8-242 ff.) Four taps along `step`, the second at the sample itself, less `bias`; `shift` as in _filter_luma."""
    first, w, down, less = at - step, CHROMA_TAPS * fraction, PREDICTION_STRIDE, I32(-(bias << shift))
    if shift == 0:
        narrow_filter4(CHROMA_FILTER, w, source, first, step, stride, out, down, width, height, less)
    else:
        wide_filter4(CHROMA_FILTER, w, source, first, step, stride, out, down, width, height, less, shift, MIN16, MAX16)


@kernel
def _widen(source, at, stride, width, height, factor, out):
    """(8-224) Samples at full positions, brought to 14 bit."""
    bias = I32(PREDICTION_BIAS)
    first, target = U64(at), U64(0)
    for _ in range(height):
        for c in range(U64(0), U64(width), U64(8)):
            s = load8(source, first + c)
            scaled = (
                I32(s[0] * factor - bias), I32(s[1] * factor - bias),
                I32(s[2] * factor - bias), I32(s[3] * factor - bias),
                I32(s[4] * factor - bias), I32(s[5] * factor - bias),
                I32(s[6] * factor - bias), I32(s[7] * factor - bias),
            )  # fmt: skip
            put8(out, target + c, scaled)
        first += U64(stride)
        target += U64(PREDICTION_STRIDE)


@kernel
def interpolate_luma(source, at, stride, x_fraction, y_fraction, width, height, bit_depth, rows, out):
    """(8.5.3.3.3.1) Luma prediction samples of a block at quarter-sample position (x_fraction, y_fraction).

    source   flat int16 samples in rows of `stride`; `at` is the block's top left full sample; where a fraction is
             not 0, three samples before the block and four behind it exist in that direction
    width    up to 64; rounded up to a multiple of 8
    rows     (>= ROWS_SAMPLES,) int16 scratch
    out      (>= 64 * height,) int16: predSamplesLX - PREDICTION_BIAS
    """
    shift1, bias = I32(bit_depth - 8), np.int64(PREDICTION_BIAS)
    if x_fraction == 0 and y_fraction == 0:
        _widen(source, at, stride, width, height, I32(1 << (14 - bit_depth)), out)
    elif y_fraction == 0:
        _filter_luma(source, at, np.int64(1), stride, x_fraction, width, height, bias, shift1, out)
    elif x_fraction == 0:
        _filter_luma(source, at, stride, stride, y_fraction, width, height, bias, shift1, out)
    else:
        down, none = np.int64(PREDICTION_STRIDE), np.int64(0)
        _filter_luma(source, at - 3 * stride, np.int64(1), stride, x_fraction, width, height + 7, none, shift1, rows)
        _filter_luma(rows, 3 * down, down, down, y_fraction, width, height, bias, I32(6), out)


@kernel
def interpolate_chroma(source, at, stride, x_fraction, y_fraction, width, height, bit_depth, rows, out):
    """(8.5.3.3.3.2) As interpolate_luma for chroma, at eighth-sample positions: one sample before, two behind."""
    shift1, bias = I32(bit_depth - 8), np.int64(PREDICTION_BIAS)
    if x_fraction == 0 and y_fraction == 0:
        _widen(source, at, stride, width, height, I32(1 << (14 - bit_depth)), out)
    elif y_fraction == 0:
        _filter_chroma(source, at, np.int64(1), stride, x_fraction, width, height, bias, shift1, out)
    elif x_fraction == 0:
        _filter_chroma(source, at, stride, stride, y_fraction, width, height, bias, shift1, out)
    else:
        down, none = np.int64(PREDICTION_STRIDE), np.int64(0)
        _filter_chroma(source, at - stride, np.int64(1), stride, x_fraction, width, height + 3, none, shift1, rows)
        _filter_chroma(rows, down, down, down, y_fraction, width, height, bias, I32(6), out)
