"""State of one walk over the coding tree (7.3.8): where it is, what it may see, and the quantisation group it is in."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.base.records import record
from codec.h265.intra_modes import MPMS

# first impossible value that a Reader met
ERROR_NONE = 0
ERROR_LEVEL_PREFIX = 1
ERROR_QP_DELTA = 2
ERROR_END_OF_SUBSET = 3
ERROR_MVD = 4
ERROR_END_OF_DATA = 5
ERROR_TEXT = {
    ERROR_LEVEL_PREFIX: "(7.4.9.11) coeff_abs_level_remaining is longer than any level needs",
    ERROR_QP_DELTA: "(7.4.9.10) CuQpDeltaVal is out of range",
    ERROR_END_OF_SUBSET: "(7.4.9.1) end_of_subset_one_bit is not 1",
    ERROR_MVD: "(7.4.9.9) abs_mvd_minus2 is out of range",
    ERROR_END_OF_DATA: "(9.3.4.3) the slice segment ends inside a CTU",
}

WALK = record(
    [
        ("slice_idx", np.int64),
        ("ctb_addr", np.int64),  # CtbAddrInRs
        ("x_ctb", np.int64),
        ("y_ctb", np.int64),
        ("left_available", np.int64),  # (6.4.1) of the CTB to the left and above, seen from this one
        ("up_available", np.int64),
        ("is_cu_qp_delta_coded", np.int64),
        ("cu_qp_delta_val", np.int64),
        ("qp_y_pred", np.int64),
        ("qp_y", np.int64),
        ("last_qp_y", np.int64),  # QpY of the previous coding unit in decoding order (qPY_PREV)
        ("end_of_slice_segment", np.int64),  # said by the caller for writing, returned after reading
        ("end_of_subset", np.int64),  # this CTU is the last of its tile or wavefront row (said by the caller)
        ("mpm", np.int64, (MPMS,)),  # scratch: candModeList of the block at hand
    ]
)


def new_walk():
    """A walk state; set slice_idx and last_qp_y before the first CTU of a slice."""
    return np.zeros(1, WALK)


@kernel
def begin_ctu(f, walk):
    """Set position and neighbourhood of CTB walk.ctb_addr, whose record in f.ctbs already names its slice and tile."""
    w = walk[0]
    p = f.params[0]
    width = np.int64(p.width_in_ctbs)
    x = w.ctb_addr % width
    y = w.ctb_addr // width
    w.x_ctb = x << p.log2_ctb_size
    w.y_ctb = y << p.log2_ctb_size
    here = f.ctbs[w.ctb_addr]
    w.left_available = 0
    w.up_available = 0
    if x > 0:
        left = f.ctbs[w.ctb_addr - 1]
        w.left_available = np.int64(left.slice_addr == here.slice_addr and left.tile_id == here.tile_id)
    if y > 0:
        up = f.ctbs[w.ctb_addr - width]
        w.up_available = np.int64(up.slice_addr == here.slice_addr and up.tile_id == here.tile_id)


@kernel(inline=True)
def left_available(f, walk, x):
    """(6.4.1) Is the block left of luma column x, in this CTB's rows, available? Inside the CTB it always is."""
    return (x & ((1 << f.params[0].log2_ctb_size) - 1)) != 0 or walk[0].left_available != 0


@kernel(inline=True)
def up_available(f, walk, y):
    """(6.4.1) Is the block above luma row y available?"""
    return (y & ((1 << f.params[0].log2_ctb_size) - 1)) != 0 or walk[0].up_available != 0


@kernel
def begin_quantization_group(f, walk, x_qg, y_qg):
    """(8.6.1) Predict QpY at the start of a quantization group: qPY_PRED from left, above and the previous unit."""
    w = walk[0]
    mask = (1 << f.params[0].log2_ctb_size) - 1
    # qPY_A and qPY_B count only inside the same CTB
    qp_a = w.last_qp_y
    if x_qg & mask:
        qp_a = np.int64(f.units[y_qg >> 2, (x_qg >> 2) - 1].qp_y)
    qp_b = w.last_qp_y
    if y_qg & mask:
        qp_b = np.int64(f.units[(y_qg >> 2) - 1, x_qg >> 2].qp_y)
    w.qp_y_pred = (qp_a + qp_b + 1) >> 1
    w.qp_y = w.qp_y_pred
    w.is_cu_qp_delta_coded = 0
    w.cu_qp_delta_val = 0
