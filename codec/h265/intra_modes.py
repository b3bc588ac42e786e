"""(table 8-1) The intra prediction modes as data: how many there are, where they point, and what depends on that.

Every array has an entry for each mode. Whoever walks over modes, ranks them, or looks at their directions, goes by
these.
"""

import numpy as np

MODES = 35
MPMS = 3
"""Most probable modes of a block, candModeList (8.4.2)."""

LM, MMLM, CCCM, CCCM_LEFT, CCCM_ABOVE, CCCM_PLANAR, CHROMA_NET = CROSS_COMPONENT_MODES = range(MODES, MODES + 7)
"""(docs/BITSTREAM.md) Of chroma only, behind those of H.265: chroma from luma, by models, the last one by a net."""

LINEAR_MODELS = CHROMA_NET - LM
"""Models that are fitted to the samples around a block alone."""

INTRA_PLANAR, INTRA_DC, FIRST_ANGULAR = range(3)
INTRA_HOR, INTRA_VER, INTRA_ANGULAR34 = 10, 26, 34
# a horizontal mode and its mirror image, a vertical one, add up to TRANSPOSED
FIRST_VERTICAL, TRANSPOSED = 18, INTRA_HOR + INTRA_VER

REMAINING_BITS = 5
"""(9.3.3.7) Of rem_intra_luma_pred_mode: MODES - MPMS is a power of two."""

SCAN_DIAGONAL, SCAN_HORIZONTAL, SCAN_VERTICAL = range(3)
# (7.4.9.11) how far from the pure direction a mode may be for a small block to be scanned across it
_SCAN_REACH = 4


def _distance(mode):
    """From the nearer one of the horizontal and the vertical mode, 8.4.4.2.3: minDistVerHor."""
    return min(abs(mode - INTRA_VER), abs(mode - INTRA_HOR))


def _scan(mode):
    """(7.4.9.11) scanIdx where the scan depends on the mode."""
    if mode >= FIRST_ANGULAR and abs(mode - INTRA_HOR) <= _SCAN_REACH:
        return SCAN_VERTICAL
    return SCAN_HORIZONTAL if abs(mode - INTRA_VER) <= _SCAN_REACH else SCAN_DIAGONAL


def _smoothed(log2_size, mode):
    """(8.4.4.2.3) filterFlag of luma blocks."""
    threshold = {2: MODES, 3: 7, 4: 1, 5: 0}[log2_size]
    return mode != INTRA_DC and _distance(mode) > threshold


_ANGLES = [32, 26, 21, 17, 13, 9, 5, 2, 0, -2, -5, -9, -13, -17, -21, -26]
INTRA_PRED_ANGLE = np.array([0, 0] + _ANGLES + [-32] + _ANGLES[:0:-1] + [32], np.int64)
"""(table 8-5) intraPredAngle."""

_INVERSE = [-4096, -1638, -910, -630, -482, -390, -315]
INV_ANGLE = np.array([0] * 11 + _INVERSE + [-256] + _INVERSE[::-1] + [0] * 9, np.int64)
"""(table 8-6) invAngle, 0 where it is not defined."""

INTRA_SCAN = np.array([_scan(mode) for mode in range(CROSS_COMPONENT_MODES.stop)], np.int32)
"""(7.4.9.11) scanIdx of small blocks; of chroma from luma it is the diagonal one."""

SMOOTHED = np.array([[_smoothed(log2_size, mode) for mode in range(MODES)] for log2_size in range(2, 6)], np.bool_)
"""(8.4.4.2.3) filterFlag of luma by log2 size - 2."""

CHROMA_MODES = np.array([INTRA_PLANAR, INTRA_VER, INTRA_HOR, INTRA_DC], np.int64)
"""(table 8-3) By intra_chroma_pred_mode, where luma has another one; else it is INTRA_ANGULAR34."""

DERIVED_CHROMA = 4
"""intra_chroma_pred_mode that means luma's mode."""
