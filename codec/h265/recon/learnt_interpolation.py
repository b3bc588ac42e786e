"""(docs/BITSTREAM.md) Luma samples by filters of a trained bank, in place of (8.5.3.3.3.1).

A bank is int16, flat: by set, by phase 4 * y_fraction + x_fraction, 8x8 weights row by row, whose fourth row and column
are those of the sample at the left above the position. Phase 0, where the position is a sample, has one as well.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.block_rows import wide_filter8x8
from codec.common.blocks.lanes import I32, MAX16, MIN16
from codec.h265.recon.interpolation import PREDICTION_BIAS, PREDICTION_STRIDE

PHASES = 16
BEFORE, BEHIND = 3, 4
FRACTION = 10
"""Weights of a filter add up to 2 ** FRACTION."""
WEIGHTS = 64


@kernel
def interpolate_learnt(filters, filter_set, source, at, stride, phase, width, height, bit_depth, out):
    """Prediction of a luma block by a set of the bank into `out`, as recon.interpolation.interpolate_luma has it.

    source  BEFORE samples before and BEHIND behind the block are read in both directions
    at      of the sample at the left above the position, or at it
    """
    w = (filter_set * PHASES + phase) * WEIGHTS
    # to 14 bits; sums have less than 27
    shift = np.int64(FRACTION - 14 + bit_depth)
    rounding = I32(((1 << shift) >> 1) - (PREDICTION_BIAS << shift))
    first = at - BEFORE * stride - BEFORE
    wide_filter8x8(
        filters, w, source, first, stride, out, PREDICTION_STRIDE, width, height, rounding, I32(shift), MIN16, MAX16
    )
