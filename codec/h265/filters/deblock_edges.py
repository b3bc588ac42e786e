"""(8.7.2.3 - 8.7.2.5) Which edges the deblocking filter works on, and how strongly: the *decide* part of deblocking.

Strengths are stored as ``strengths[direction, y4, x4]``, int8, one value per 4-sample piece of edge on the 8x8 luma
grid, at the 4x4 unit on the right of a vertical edge or below a horizontal one. Units off that grid are never read.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.structs import (
    MODE_INTRA,
    MODE_NONE,
    PART_2NxN,
    PART_2NxnD,
    PART_2NxnU,
    PART_nLx2N,
    PART_nRx2N,
    PART_Nx2N,
    PART_NxN,
)

EDGE_VER, EDGE_HOR = 0, 1
MAX_REF_IDX = 16


def _part_edge_quarters():
    """(8.7.2.4) Where a prediction edge splits the coding block, in quarters of its size; 0: nowhere."""
    quarters = np.zeros((2, 8), np.int64)
    quarters[EDGE_VER, [PART_Nx2N, PART_NxN]] = 2
    quarters[EDGE_VER, PART_nLx2N] = 1
    quarters[EDGE_VER, PART_nRx2N] = 3
    quarters[EDGE_HOR, [PART_2NxN, PART_NxN]] = 2
    quarters[EDGE_HOR, PART_2NxnU] = 1
    quarters[EDGE_HOR, PART_2NxnD] = 3
    return quarters


PART_EDGE_QUARTERS = _part_edge_quarters()


def make_strengths(params):
    """Scratch for the strengths of one picture: (2, height, width in 4x4 units) int8."""
    return np.zeros((2, int(params["height_in_units"]), int(params["width_in_units"])), np.int8)


def intra_ref_poc():
    """The ref_poc argument of a picture without inter prediction."""
    return np.zeros((1, 2, MAX_REF_IDX), np.int32)


@kernel
def _ctb_edge_is_open(frame, ctb_p, ctb_q):
    """(8.7.2.3) filterEdgeFlag between the coding tree blocks of p0 (left or above) and q0.

    The left and the upper neighbour always come earlier in decoding order, so only the slice of q0 has a say.
    """
    p, q = frame.ctbs[ctb_p], frame.ctbs[ctb_q]
    if p.slice_addr < 0:
        return False
    if p.slice_addr != q.slice_addr and frame.slices[q.slice_idx].loop_filter_across_slices == 0:
        return False
    return p.tile_id == q.tile_id or frame.params[0].loop_filter_across_tiles != 0


@kernel
def _far_apart(motion_p, list_p, motion_q, list_q):
    """True when the two vectors differ by a whole luma sample or more in either component."""
    dx = np.int32(motion_p.mv[list_p, 0]) - np.int32(motion_q.mv[list_q, 0])
    dy = np.int32(motion_p.mv[list_p, 1]) - np.int32(motion_q.mv[list_q, 1])
    return abs(dx) >= 4 or abs(dy) >= 4


@kernel
def _motion_differs(p, refs_p, q, refs_q):
    """(8.7.2.5) Strength 1 by motion: other reference pictures, another number of vectors, or vectors apart.

    `p`, `q` are MOTION records, `refs_p`, `refs_q` the (2, 16) picture ids of their slices.
    """
    p_uses_0, p_uses_1 = p.ref_idx[0] >= 0, p.ref_idx[1] >= 0
    q_uses_0, q_uses_1 = q.ref_idx[0] >= 0, q.ref_idx[1] >= 0
    p_is_bi, q_is_bi = p_uses_0 and p_uses_1, q_uses_0 and q_uses_1
    if p_is_bi != q_is_bi:
        return True
    if not p_is_bi:
        list_p = np.int64(0) if p_uses_0 else np.int64(1)
        list_q = np.int64(0) if q_uses_0 else np.int64(1)
        # a damaged stream may leave a block without any reference
        ref_p = refs_p[list_p, max(np.int64(p.ref_idx[list_p]), 0)]
        ref_q = refs_q[list_q, max(np.int64(q.ref_idx[list_q]), 0)]
        return ref_p != ref_q or _far_apart(p, list_p, q, list_q)
    p0, p1 = refs_p[0, np.int64(p.ref_idx[0])], refs_p[1, np.int64(p.ref_idx[1])]
    q0, q1 = refs_q[0, np.int64(q.ref_idx[0])], refs_q[1, np.int64(q.ref_idx[1])]
    straight, crossed = p0 == q0 and p1 == q1, p0 == q1 and p1 == q0
    straight_apart = _far_apart(p, 0, q, 0) or _far_apart(p, 1, q, 1)
    crossed_apart = _far_apart(p, 0, q, 1) or _far_apart(p, 1, q, 0)
    if straight and crossed:
        return straight_apart and crossed_apart
    if straight:
        return straight_apart
    return not crossed or crossed_apart


@kernel
def _strength_inside_picture(frame, ref_poc, direction, y4, x4):
    """(8.7.2.3 - 8.7.2.5) bS (0..2) of the edge piece at unit (y4, x4); 0 where there is no edge to filter."""
    units = frame.units
    y4_p = y4 - direction
    x4_p = x4 - 1 + direction
    p, q = units[y4_p, x4_p], units[y4, x4]
    position = 4 * (y4 if direction == EDGE_HOR else x4)
    cb_size = np.int64(1) << np.int64(q.log2_cb_size)
    offset = position & (cb_size - 1)
    is_transform_edge = position & ((np.int64(1) << np.int64(q.log2_tb_size)) - 1) == 0
    if offset != 0 and not is_transform_edge:
        quarters = PART_EDGE_QUARTERS[direction, np.int64(q.part_mode)]
        if quarters == 0 or 4 * offset != quarters * cb_size:
            return 0
    if p.pred_mode == MODE_NONE or q.pred_mode == MODE_NONE:
        return 0

    log2_ctb_units = np.int64(frame.params[0].log2_ctb_size) - 2
    width_in_ctbs = np.int64(frame.params[0].width_in_ctbs)
    ctb_q = (y4 >> log2_ctb_units) * width_in_ctbs + (x4 >> log2_ctb_units)
    ctb_p = (y4_p >> log2_ctb_units) * width_in_ctbs + (x4_p >> log2_ctb_units)
    if frame.ctbs[ctb_q].slice_addr < 0 or frame.slices[frame.ctbs[ctb_q].slice_idx].deblocking_disabled != 0:
        return 0
    if ctb_p != ctb_q and not _ctb_edge_is_open(frame, ctb_p, ctb_q):
        return 0

    if p.pred_mode == MODE_INTRA or q.pred_mode == MODE_INTRA:
        return 2
    if (offset == 0 or is_transform_edge) and (p.cbf | q.cbf) & 1:
        return 1
    refs_p, refs_q = ref_poc[frame.ctbs[ctb_p].slice_idx], ref_poc[frame.ctbs[ctb_q].slice_idx]
    return 1 if _motion_differs(frame.motion[y4_p, x4_p], refs_p, frame.motion[y4, x4], refs_q) else 0


@kernel
def derive_strengths(frame, ref_poc, strengths, row_begin, row_end):
    """(8.7.2.3 - 8.7.2.5) Fill `strengths` of both directions for the CTB rows row_begin <= row < row_end.

    ref_poc: (n slices, 2, 16) int32, an id of the *picture* behind slice_idx, list and ref_idx; blocks that refer to
    the same picture through different indices or lists must see the same id.
    """
    log2_ctb_units = np.int64(frame.params[0].log2_ctb_size) - 2
    height, width = np.int64(frame.params[0].height_in_units), np.int64(frame.params[0].width_in_units)
    y4_end = min(np.int64(row_end) << log2_ctb_units, height)
    for y4 in range(np.int64(row_begin) << log2_ctb_units, y4_end):
        for x4 in range(0, width, 2):
            bs = _strength_inside_picture(frame, ref_poc, EDGE_VER, y4, x4) if x4 > 0 else 0
            strengths[EDGE_VER, y4, x4] = bs
        if y4 & 1 == 0:
            for x4 in range(width):
                bs = _strength_inside_picture(frame, ref_poc, EDGE_HOR, y4, x4) if y4 > 0 else 0
                strengths[EDGE_HOR, y4, x4] = bs
