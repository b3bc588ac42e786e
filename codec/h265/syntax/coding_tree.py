"""(7.3.8.2, 7.3.8.4) coding_tree_unit and coding_quadtree: the one walk that reads, writes and counts."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.contexts import SPLIT_CU_FLAG
from codec.h265.cabac.engine import code_bin, code_terminate, reader_byte_position, report_error
from codec.h265.structs import CTU_COEFFS
from codec.h265.syntax.coding_unit import coding_unit
from codec.h265.syntax.ctu_flags import code_tool_flags
from codec.h265.syntax.sao import code_sao
from codec.h265.syntax.walk import (
    ERROR_END_OF_DATA,
    ERROR_END_OF_SUBSET,
    begin_ctu,
    begin_quantization_group,
    left_available,
    up_available,
)


@kernel(inline=True)
def split_cu_context(f, walk, x0, y0, log2_cb_size):
    """(9.3.4.2.2) ctxInc of split_cu_flag: how many of left and above are split deeper than this."""
    context = np.int64(0)
    if left_available(f, walk, x0):
        context += np.int64(f.units[y0 >> 2, (x0 >> 2) - 1].log2_cb_size < log2_cb_size)
    if up_available(f, walk, y0):
        context += np.int64(f.units[(y0 >> 2) - 1, x0 >> 2].log2_cb_size < log2_cb_size)
    return context


@kernel
def coding_quadtree(e, f, walk, coeffs, x0, y0, log2_cb_size):
    """(7.3.8.4) The quadtree below (x0, y0)."""
    p = f.params[0]
    size = 1 << log2_cb_size
    if x0 + size <= p.pic_width and y0 + size <= p.pic_height and log2_cb_size > p.log2_min_cb_size:
        context = SPLIT_CU_FLAG + split_cu_context(f, walk, x0, y0, log2_cb_size)
        split = code_bin(e, context, np.int64(f.units[y0 >> 2, x0 >> 2].log2_cb_size < log2_cb_size))
    else:
        split = np.int64(log2_cb_size > p.log2_min_cb_size)
    if p.cu_qp_delta_enabled and log2_cb_size >= p.log2_ctb_size - p.diff_cu_qp_delta_depth:
        begin_quantization_group(f, walk, x0, y0)
    if not split:
        coding_unit(e, f, walk, coeffs, x0, y0, log2_cb_size)
        return np.int64(0)
    half = size >> 1
    for k in range(4):
        x = x0 + half * (k & 1)
        y = y0 + half * (k >> 1)
        if x < p.pic_width and y < p.pic_height:
            coding_quadtree(e, f, walk, coeffs, x, y, log2_cb_size - 1)
    return np.int64(0)


@kernel
def coding_tree_unit(e, f, walk, coeffs):
    """(7.3.8.1, 7.3.8.2) CTU walk.ctb_addr with its end flags. walk.end_of_slice_segment is taken or returned.

    Contexts must be set; f.ctbs[ctb_addr] must name slice and tile. `coeffs`: the CTU's int16 buffer (CTU_COEFFS).
    """
    begin_ctu(f, walk)
    w = walk[0]
    code_sao(e, f, walk)
    code_tool_flags(e, f, walk)
    coding_quadtree(e, f, walk, coeffs, w.x_ctb, w.y_ctb, np.int64(f.params[0].log2_ctb_size))
    w.end_of_slice_segment = code_terminate(e, w.end_of_slice_segment)
    if w.end_of_subset and not w.end_of_slice_segment:
        if code_terminate(e, 1) == 0:
            report_error(e, ERROR_END_OF_SUBSET)


@kernel
def read_ctus(e, f, walk, coeffs):
    """(7.3.8.1) The CTUs from walk.ctb_addr on to the right, one per CTU_COEFFS of `coeffs`. -> how many were read

    They lie in one sub-stream, whose engine and contexts are set. f.ctbs is told their slice, walk.slice_idx.
    walk.end_of_subset is that of the last one. Reading stops behind the end of the slice segment, and at an error,
    which is left in the engine; walk.ctb_addr is then the CTU it was found in.
    """
    w = walk[0]
    first = w.ctb_addr
    count = coeffs.size // CTU_COEFFS
    ends = w.end_of_subset
    for k in range(count):
        w.ctb_addr = first + k
        f.ctbs[w.ctb_addr].slice_addr = f.slices[w.slice_idx].slice_addr
        f.ctbs[w.ctb_addr].slice_idx = np.int32(w.slice_idx)
        w.end_of_subset = ends if k == count - 1 else np.int64(0)
        w.qp_y = w.last_qp_y
        coding_tree_unit(e, f, walk, coeffs[k * CTU_COEFFS : (k + 1) * CTU_COEFFS])
        if reader_byte_position(e) > e.state[0].end:
            report_error(e, ERROR_END_OF_DATA)
        if w.end_of_slice_segment != 0 or e.state[0].error != 0:
            return k + 1
    return count
