"""(8.4.2, 8.4.3) Intra mode derivation: most probable modes, and the chroma mode. The seam of the tool CnnMpm."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.structs import INTRA_ANGULAR34, INTRA_DC, INTRA_HOR, INTRA_PLANAR, INTRA_VER


@kernel(inline=True)
def most_probable_modes(f, x, y, has_left, has_up):
    """(8.4.2) candModeList of the prediction block at luma (x, y). -> three modes

    Units that are not intra, or pcm, carry intra_luma_mode INTRA_DC. The mode above counts only inside the same CTB.
    """
    left = np.int64(INTRA_DC)
    if has_left:
        left = np.int64(f.units[y >> 2, (x >> 2) - 1].intra_luma_mode)
    up = np.int64(INTRA_DC)
    if has_up and (y & ((1 << f.params[0].log2_ctb_size) - 1)) != 0:
        up = np.int64(f.units[(y >> 2) - 1, x >> 2].intra_luma_mode)
    if left == up:
        if left < 2:
            return np.int64(INTRA_PLANAR), np.int64(INTRA_DC), np.int64(INTRA_VER)
        return left, 2 + ((left + 29) & 31), 2 + ((left - 1) & 31)
    if left != INTRA_PLANAR and up != INTRA_PLANAR:
        third = np.int64(INTRA_PLANAR)
    elif left != INTRA_DC and up != INTRA_DC:
        third = np.int64(INTRA_DC)
    else:
        third = np.int64(INTRA_VER)
    return left, up, third


@kernel(inline=True)
def chroma_mode(intra_chroma_pred_mode, luma_mode):
    """(8.4.3, table 8-3) IntraPredModeC from the coded mode 0..4 and the luma mode of the (first) prediction block."""
    if intra_chroma_pred_mode == 4:
        return np.int64(luma_mode)
    mode = np.int64(INTRA_DC)
    if intra_chroma_pred_mode == 0:
        mode = np.int64(INTRA_PLANAR)
    elif intra_chroma_pred_mode == 1:
        mode = np.int64(INTRA_VER)
    elif intra_chroma_pred_mode == 2:
        mode = np.int64(INTRA_HOR)
    return np.int64(INTRA_ANGULAR34) if mode == luma_mode else mode
