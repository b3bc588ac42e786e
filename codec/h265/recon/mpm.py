"""(8.4.2, 8.4.3) Intra mode derivation: most probable modes, and the chroma mode. The seam of the tool CnnMpm."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.intra_modes import (
    CHROMA_MODES,
    DERIVED_CHROMA,
    INTRA_ANGULAR34,
    INTRA_DC,
    INTRA_PLANAR,
    INTRA_VER,
    LM,
    MPMS,
)


@kernel(inline=True)
def most_probable_modes(f, x, y, has_left, has_up, mpm):
    """(8.4.2) candModeList of the prediction block at luma (x, y), into mpm, (MPMS,) int64.

    Units that are not intra, or pcm, carry intra_luma_mode INTRA_DC. The mode above counts only inside the same CTB.
    """
    left = np.int64(INTRA_DC)
    if has_left:
        left = np.int64(f.units[y >> 2, (x >> 2) - 1].intra_luma_mode)
    up = np.int64(INTRA_DC)
    if has_up and (y & ((1 << f.params[0].log2_ctb_size) - 1)) != 0:
        up = np.int64(f.units[(y >> 2) - 1, x >> 2].intra_luma_mode)
    mpm[0] = left
    if left == up:
        if left < 2:
            mpm[0], mpm[1], mpm[2] = INTRA_PLANAR, INTRA_DC, INTRA_VER
        else:
            mpm[1], mpm[2] = 2 + ((left + 29) & 31), 2 + ((left - 1) & 31)
        return
    mpm[1] = up
    if left != INTRA_PLANAR and up != INTRA_PLANAR:
        mpm[2] = INTRA_PLANAR
    elif left != INTRA_DC and up != INTRA_DC:
        mpm[2] = INTRA_DC
    else:
        mpm[2] = INTRA_VER


@kernel(inline=True)
def mpm_index(mpm, mode):
    """The place of a mode in candModeList; MPMS where it is not in it."""
    for k in range(MPMS):
        if mpm[k] == mode:
            return np.int64(k)
    return np.int64(MPMS)


@kernel(inline=True)
def remaining_rank(mpm, mode):
    """(7.4.9.5) rem_intra_luma_pred_mode of a mode that is not in candModeList: its rank among those."""
    rank = np.int64(mode)
    for k in range(MPMS):
        rank -= np.int64(mpm[k] < mode)
    return rank


@kernel(inline=True)
def remaining_mode(mpm, rank):
    """(8.4.2) The inverse of remaining_rank."""
    mode, passed = np.int64(rank), np.int64(-1)
    for _ in range(MPMS):
        # the modes of the list in rising order
        lowest = np.int64(1 << 30)
        for k in range(MPMS):
            if passed < mpm[k] < lowest:
                lowest = mpm[k]
        mode += np.int64(mode >= lowest)
        passed = lowest
    return mode


@kernel(inline=True)
def chroma_mode(intra_chroma_pred_mode, luma_mode):
    """(8.4.3, table 8-3) IntraPredModeC from the coded mode and the luma mode of the (first) prediction block."""
    if intra_chroma_pred_mode == DERIVED_CHROMA:
        return np.int64(luma_mode)
    if intra_chroma_pred_mode > DERIVED_CHROMA:
        return np.int64(LM + intra_chroma_pred_mode - DERIVED_CHROMA - 1)
    mode = CHROMA_MODES[intra_chroma_pred_mode]
    return np.int64(INTRA_ANGULAR34) if mode == luma_mode else mode
