"""Material for training nets of chroma from luma: what they take, and what all other modes would miss.

The windows are made by the kernels that make them in the codec.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.distortion import copy_block
from codec.h265.intra_modes import CCCM, CHROMA_MODES, LINEAR_MODELS, LM
from codec.h265.recon.chroma_net import SIDE_CHANNELS, WINDOW_CHANNELS, fill_window
from codec.h265.recon.cross_component import LINES, prepare_luma
from codec.h265.recon.intra_reference import fetch_reference
from codec.h265.recon.reconstruct import predict_chroma, prepare_from_luma, uses_reference

OTHER_MODES = len(CHROMA_MODES)
_U64 = np.uint64


@kernel
def windows(f, places, log2_size, bit_depth, scratch, out, side, base):
    """What the net takes of many blocks of one size.

    places  (n, 2) int64 x and y of chroma blocks;  scratch: (1,) RECON_SCRATCH
    out     n windows of rows, columns and WINDOW_CHANNELS, side: n vectors of SIDE_CHANNELS, both flat int16
    base    (n, 2, size * size) int16: the predictions that are corrected
    """
    width, count = (np.int64(1) << log2_size) + LINES, np.int64(1) << (2 * log2_size)
    for i in range(len(places)):
        x, y = places[i, 0], places[i, 1]
        prepare_luma(f, x, y, log2_size, np.int64(CCCM), scratch[0].cross)
        start, line = i * width * width * WINDOW_CHANNELS, width * WINDOW_CHANNELS
        fill_window(
            f, x, y, log2_size, bit_depth, scratch[0], out, start, line, np.int64(WINDOW_CHANNELS), side,
            i * SIDE_CHANNELS,
        )  # fmt: skip
        for k in range(2):
            for j in range(_U64(count)):
                base[i, k, j] = scratch[0].net.predictions[k, j]


@kernel
def mode_errors(f, places, log2_size, bit_depth, cb, cr, scratch, errors):
    """Squared errors of the other modes: errors (n, 2, OTHER_MODES + LINEAR_MODELS) int64.

    cb, cr   planes of the original.  Modes: planar, vertical, horizontal, DC, then the linear models
    """
    n = np.int64(1) << log2_size
    for i in range(len(places)):
        x, y = places[i, 0], places[i, 1]
        prepare_luma(f, x, y, log2_size, np.int64(CCCM), scratch[0].cross)
        for index in range(OTHER_MODES + LINEAR_MODELS):
            mode = np.int64(LM + index - OTHER_MODES)
            if index < OTHER_MODES:
                mode = np.int64(CHROMA_MODES[index])
            else:
                prepare_from_luma(f, x, y, log2_size, mode, bit_depth, scratch[0])
            for k in range(2):
                plane = f.cb if k == 0 else f.cr
                if uses_reference(mode):
                    fetch_reference(f, plane, np.int64(k + 1), x, y, log2_size, scratch[0].reference)
                predict_chroma(plane, np.int64(k + 1), x, y, log2_size, mode, bit_depth, scratch[0])
                copy_block(cb if k == 0 else cr, x, y, n, scratch[0].scaled)
                total = np.int64(0)
                for j in range(_U64(n * n)):
                    missed = np.int64(scratch[0].scaled[j]) - np.int64(scratch[0].prediction[j])
                    total += missed * missed
                errors[i, k, index] = total
