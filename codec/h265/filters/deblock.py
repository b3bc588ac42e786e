"""(8.7.2) Deblocking: the walk over edges, and the luma and chroma kernels.

Strengths come from codec/h265/filters/deblock_edges.py. All vertical edges of the picture are filtered before the first
horizontal one; within one direction edges are so far apart that any split in CTB rows gives the same samples.
Samples are addressed in the flattened plane: `step` leads across the edge (1 or the width), `along` follows it.
"""

import numpy as np

from codec.base.kernels.jit import flattened, kernel
from codec.h265.filters.deblock_edges import EDGE_HOR, EDGE_VER, derive_strengths

# (table 8-12) beta' and tc' as functions of Q
BETA_TABLE = np.array([0] * 16 + list(range(6, 18)) + list(range(18, 65, 2)), np.int32)
TC_TABLE = np.array(
    [0] * 18 + [1] * 9 + [2] * 4 + [3] * 4 + [4] * 3 + [5, 5, 6, 6, 7, 8, 9, 10, 11, 13, 14, 16, 18, 20, 22, 24],
    np.int32,
)
# (table 8-10) QpC for 4:2:0 where 30 <= qPi <= 43; qPi below, qPi - 6 above
QPC_TABLE = np.array([29, 30, 31, 32, 33, 33, 34, 34, 35, 35, 36, 36, 37, 37], np.int32)


@kernel(inline=True)
def _clip3(low, high, value):
    return min(max(value, low), high)


@kernel
def _luma_decision(plane, at, step, along, beta, tc):
    """(8.7.2.5.3, 8.7.2.5.6) dE (0: off, 1: weak, 2: strong) + 4 * dEp + 8 * dEq of a 4-line piece of edge."""
    far = at + 3 * along
    p00, p10, p20 = np.int32(plane[at - step]), np.int32(plane[at - 2 * step]), np.int32(plane[at - 3 * step])
    q00, q10, q20 = np.int32(plane[at]), np.int32(plane[at + step]), np.int32(plane[at + 2 * step])
    p03, p13, p23 = np.int32(plane[far - step]), np.int32(plane[far - 2 * step]), np.int32(plane[far - 3 * step])
    q03, q13, q23 = np.int32(plane[far]), np.int32(plane[far + step]), np.int32(plane[far + 2 * step])
    dp0, dp3 = abs(p20 - 2 * p10 + p00), abs(p23 - 2 * p13 + p03)
    dq0, dq3 = abs(q20 - 2 * q10 + q00), abs(q23 - 2 * q13 + q03)
    if dp0 + dq0 + dp3 + dq3 >= beta:
        return 0
    p30, q30 = np.int32(plane[at - 4 * step]), np.int32(plane[at + 3 * step])
    p33, q33 = np.int32(plane[far - 4 * step]), np.int32(plane[far + 3 * step])
    jump = (5 * tc + 1) >> 1
    is_strong = (
        2 * (dp0 + dq0) < beta >> 2
        and 2 * (dp3 + dq3) < beta >> 2
        and abs(p30 - p00) + abs(q00 - q30) < beta >> 3
        and abs(p33 - p03) + abs(q03 - q33) < beta >> 3
        and abs(p00 - q00) < jump
        and abs(p03 - q03) < jump
    )
    side = (beta + (beta >> 1)) >> 3
    decision = 2 if is_strong else 1
    if dp0 + dp3 < side:
        decision += 4
    if dq0 + dq3 < side:
        decision += 8
    return decision


@kernel
def _filter_luma(plane, at, step, along, decision, tc, write_p, write_q, max_value):
    """(8.7.2.5.7) Filter four lines of a luma edge; `write_p`, `write_q`: nDp, nDq are not forced to 0."""
    is_strong = decision & 3 == 2
    for k in range(4):
        i = at + k * along
        p0, p1, p2 = np.int32(plane[i - step]), np.int32(plane[i - 2 * step]), np.int32(plane[i - 3 * step])
        q0, q1, q2 = np.int32(plane[i]), np.int32(plane[i + step]), np.int32(plane[i + 2 * step])
        if is_strong:
            if write_p:
                p3 = np.int32(plane[i - 4 * step])
                plane[i - step] = _clip3(p0 - 2 * tc, p0 + 2 * tc, (p2 + 2 * p1 + 2 * p0 + 2 * q0 + q1 + 4) >> 3)
                plane[i - 2 * step] = _clip3(p1 - 2 * tc, p1 + 2 * tc, (p2 + p1 + p0 + q0 + 2) >> 2)
                plane[i - 3 * step] = _clip3(p2 - 2 * tc, p2 + 2 * tc, (2 * p3 + 3 * p2 + p1 + p0 + q0 + 4) >> 3)
            if write_q:
                q3 = np.int32(plane[i + 3 * step])
                plane[i] = _clip3(q0 - 2 * tc, q0 + 2 * tc, (p1 + 2 * p0 + 2 * q0 + 2 * q1 + q2 + 4) >> 3)
                plane[i + step] = _clip3(q1 - 2 * tc, q1 + 2 * tc, (p0 + q0 + q1 + q2 + 2) >> 2)
                plane[i + 2 * step] = _clip3(q2 - 2 * tc, q2 + 2 * tc, (p0 + q0 + q1 + 3 * q2 + 2 * q3 + 4) >> 3)
            continue
        delta = (9 * (q0 - p0) - 3 * (q1 - p1) + 8) >> 4
        if abs(delta) >= tc * 10:
            continue
        delta = _clip3(-tc, tc, delta)
        if write_p:
            plane[i - step] = _clip3(0, max_value, p0 + delta)
            if decision & 4:
                delta_p = _clip3(-(tc >> 1), tc >> 1, (((p2 + p0 + 1) >> 1) - p1 + delta) >> 1)
                plane[i - 2 * step] = _clip3(0, max_value, p1 + delta_p)
        if write_q:
            plane[i] = _clip3(0, max_value, q0 - delta)
            if decision & 8:
                delta_q = _clip3(-(tc >> 1), tc >> 1, (((q2 + q0 + 1) >> 1) - q1 - delta) >> 1)
                plane[i + step] = _clip3(0, max_value, q1 + delta_q)


@kernel
def _filter_chroma(plane, at, step, along, tc, write_p, write_q, max_value):
    """(8.7.2.5.8) Filter the two chroma lines (4:2:0) that belong to a 4-line piece of luma edge."""
    for k in range(2):
        i = at + k * along
        p0, p1 = np.int32(plane[i - step]), np.int32(plane[i - 2 * step])
        q0, q1 = np.int32(plane[i]), np.int32(plane[i + step])
        delta = _clip3(-tc, tc, (((q0 - p0) << 2) + p1 - q1 + 4) >> 3)
        if write_p:
            plane[i - step] = _clip3(0, max_value, p0 + delta)
        if write_q:
            plane[i] = _clip3(0, max_value, q0 - delta)


@kernel
def _chroma_tc(qp_l, qp_offset, tc_offset, bit_depth):
    """(8.7.2.5.5) tC of a chroma edge (bS 2) from (QpQ + QpP + 1) >> 1, cQpPicOffset and slice_tc_offset."""
    qpi = qp_l + qp_offset
    qpc = qpi
    if qpi > 43:
        qpc = qpi - 6
    elif qpi >= 30:
        qpc = np.int64(QPC_TABLE[qpi - 30])
    return np.int64(TC_TABLE[_clip3(0, 53, qpc + 2 + tc_offset)]) << (bit_depth - 8)


@kernel
def _unit_may_change(params, unit):
    """(8.7.2.5.7) False where nDp or nDq is forced to 0: lossless coding units, PCM kept out of the loop filters."""
    return not (unit.bypass != 0 or (params.pcm_loop_filter_disabled != 0 and unit.pcm_flag != 0))


@kernel
def _deblock_piece(frame, luma, cb, cr, direction, y4, x4, bs):
    """(8.7.2.5) Filter the piece of edge at unit (y4, x4), four luma lines with strength bs, in all components."""
    params = frame.params[0]
    unit_p, unit_q = frame.units[y4 - direction, x4 - 1 + direction], frame.units[y4, x4]
    write_p, write_q = _unit_may_change(params, unit_p), _unit_may_change(params, unit_q)
    log2_ctb_units = np.int64(params.log2_ctb_size) - 2
    ctb = (y4 >> log2_ctb_units) * np.int64(params.width_in_ctbs) + (x4 >> log2_ctb_units)
    slice_q = frame.slices[frame.ctbs[ctb].slice_idx]
    tc_offset, beta_offset = np.int64(slice_q.tc_offset), np.int64(slice_q.beta_offset)
    qp_l = (np.int64(unit_p.qp_y) + np.int64(unit_q.qp_y) + 1) >> 1

    width, depth = np.int64(params.pic_width), np.int64(params.bit_depth_y)
    step, along = (width, np.int64(1)) if direction == EDGE_HOR else (np.int64(1), width)
    at = 4 * (y4 * width + x4)
    beta = np.int32(np.int64(BETA_TABLE[_clip3(0, 51, qp_l + beta_offset)]) << (depth - 8))
    tc = np.int32(np.int64(TC_TABLE[_clip3(0, 53, qp_l + 2 * (bs - 1) + tc_offset)]) << (depth - 8))
    decision = _luma_decision(luma, at, step, along, beta, tc)
    if decision:
        max_value = np.int32((1 << depth) - 1)
        _filter_luma(luma, at, step, along, decision, tc, write_p, write_q, max_value)

    position = y4 if direction == EDGE_HOR else x4
    if bs < 2 or params.chroma_format_idc == 0 or position & 3:
        return
    width, depth = width >> 1, np.int64(params.bit_depth_c)
    step, along = (width, np.int64(1)) if direction == EDGE_HOR else (np.int64(1), width)
    at = 2 * (y4 * width + x4)
    max_value = np.int32((1 << depth) - 1)
    tc_cb = np.int32(_chroma_tc(qp_l, np.int64(params.cb_qp_offset), tc_offset, depth))
    tc_cr = np.int32(_chroma_tc(qp_l, np.int64(params.cr_qp_offset), tc_offset, depth))
    _filter_chroma(cb, at, step, along, tc_cb, write_p, write_q, max_value)
    _filter_chroma(cr, at, step, along, tc_cr, write_p, write_q, max_value)


@kernel
def deblock_edges(frame, strengths, direction, row_begin, row_end):
    """(8.7.2) Filter the edges of one direction whose q samples lie in the CTB rows row_begin <= row < row_end.

    direction: EDGE_VER for the whole picture first, then EDGE_HOR. `strengths`: from `derive_strengths`; a band of
    rows needs its own strengths only. slices' beta_offset and tc_offset are twice the syntax elements *_div2.
    """
    luma = flattened(frame.luma)
    cb, cr = flattened(frame.cb), flattened(frame.cr)
    log2_ctb_units = np.int64(frame.params[0].log2_ctb_size) - 2
    width = np.int64(frame.params[0].width_in_units)
    y4_end = min(np.int64(row_end) << log2_ctb_units, np.int64(frame.params[0].height_in_units))
    x_stride = 2 if direction == EDGE_VER else 1
    y_stride = 3 - x_stride
    for y4 in range(np.int64(row_begin) << log2_ctb_units, y4_end, y_stride):
        for x4 in range(0, width, x_stride):
            bs = np.int64(strengths[direction, y4, x4])
            if bs:
                _deblock_piece(frame, luma, cb, cr, direction, y4, x4, bs)


def deblock_vertical_edges(frame, ref_poc, strengths, row_begin, row_end):
    """(8.7.2) Derive the strengths of a band of CTB rows and filter its vertical edges."""
    derive_strengths(frame, ref_poc, strengths, row_begin, row_end)
    deblock_edges(frame, strengths, EDGE_VER, row_begin, row_end)


def deblock_horizontal_edges(frame, strengths, row_begin, row_end):
    """(8.7.2) Filter the horizontal edges of a band of CTB rows, once the vertical edges of the *picture* are done."""
    deblock_edges(frame, strengths, EDGE_HOR, row_begin, row_end)
