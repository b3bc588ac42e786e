"""(6.5.3) Z-scan order inside a coding tree block, and where a block's coefficients lie in the CTU's buffer."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.structs import MAX_CTB_SIZE

UNITS = MAX_CTB_SIZE // 4


def _zscan():
    """Interleave the bits of y and x: (16, 16) int32."""
    position = np.arange(UNITS)
    spread = sum(((position >> bit) & 1) << (2 * bit) for bit in range(4))
    return (2 * spread[:, None] + spread[None, :]).astype(np.int32)


ZSCAN = _zscan()
"""Z-order index of a 4x4 luma unit inside a 64x64 CTB, by [y4][x4]. It holds for smaller CTBs as well."""

_RASTER = np.argsort(ZSCAN.ravel())
X4 = (_RASTER % UNITS).astype(np.int32)
"""Column of the 4x4 unit with z-order index i."""
Y4 = (_RASTER // UNITS).astype(np.int32)
"""Row of the 4x4 unit with z-order index i."""

CB_OFFSET = MAX_CTB_SIZE * MAX_CTB_SIZE
CR_OFFSET = CB_OFFSET + CB_OFFSET // 4


@kernel
def coeff_offset(c_idx, x_in_ctb, y_in_ctb):
    """First coefficient of a block in the CTU's buffer of structs.CTU_COEFFS int16 (4:2:0).

    c_idx               0 luma, 1 Cb, 2 Cr
    x_in_ctb, y_in_ctb  position of the transform block relative to its CTB, in *luma* samples, 0..63; for chroma
                        it is taken at the 8x8 luma block around it (a 4x4 chroma block serves four 4x4 luma blocks)
    """
    if c_idx == 0:
        return np.int64(ZSCAN[y_in_ctb >> 2, x_in_ctb >> 2]) * 16
    chroma = np.int64(ZSCAN[(y_in_ctb >> 3) << 1, (x_in_ctb >> 3) << 1]) * 4
    return chroma + (CB_OFFSET if c_idx == 1 else CR_OFFSET)
