"""One coding unit as it is in place: begun, measured, and begun again."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.tables import ONE_BIT
from codec.h265.encoder.search.residual.search_block import copy_contexts
from codec.h265.encoder.search.search_state import CTX_CU_START
from codec.h265.intra_modes import DERIVED_CHROMA, INTRA_DC
from codec.h265.syntax.coding_unit import coding_unit


@kernel
def _plane_sse(a, b, x, y, size):
    """Sum of squared differences of two planes over a square."""
    total = np.int64(0)
    for v in range(y, y + size):
        row = np.int32(0)
        for u in range(np.uint64(x), np.uint64(x + size)):
            d = np.int32(np.int32(a[v, u]) - np.int32(b[v, u]))
            row = np.int32(row + np.int32(d * d))
        total += row
    return total


@kernel
def distortion(f, s, x, y, size):
    """Weighted squared error of what the planes hold of a coding unit."""
    g = s.work[0]
    total = float(_plane_sse(f.luma, s.luma, x, y, size))
    if f.params[0].chroma_format_idc != 0:
        half = size >> 1
        total += g.settings.weight_cb * _plane_sse(f.cb, s.cb, x >> 1, y >> 1, half)
        total += g.settings.weight_cr * _plane_sse(f.cr, s.cr, x >> 1, y >> 1, half)
    return total


@kernel
def prepare_unit(f, s, x, y, log2_cb_size, pred_mode, part_mode):
    """Begin a coding unit of the given mode, nothing coded yet."""
    log2_tb_size = min(log2_cb_size, np.int64(f.params[0].log2_max_tb_size))
    n = 1 << (log2_cb_size - 2)
    for v in range(y >> 2, (y >> 2) + n):
        for u in range(x >> 2, (x >> 2) + n):
            unit = f.units[v, u]
            unit.log2_cb_size = np.int8(log2_cb_size)
            unit.pred_mode = np.int8(pred_mode)
            unit.part_mode = np.int8(part_mode)
            unit.cu_skip_flag = np.int8(0)
            unit.merge_flag = np.int8(0)
            unit.bypass = np.int8(s.work[0].unit.bypass)
            unit.pcm_flag = np.int8(0)
            unit.qp_y = np.int8(s.work[0].unit.qp_y)
            unit.log2_tb_size = np.int8(log2_tb_size)
            unit.cbf = np.int8(0)
            unit.transform_skip = np.int8(0)
            unit.chroma_pred_idc = np.int8(DERIVED_CHROMA)
            unit.intra_luma_mode = np.int8(INTRA_DC)
            unit.intra_chroma_mode = np.int8(INTRA_DC)
            unit.filter_set = np.int8(0)
            unit.mode_rank = np.int8(0)


@kernel
def restart_unit(f, s, walk, log2_cb_size):
    """Bring contexts and walk back to the front of the coding unit that is being searched."""
    g = s.work[0]
    depth = np.int64(f.params[0].log2_ctb_size) - log2_cb_size
    copy_contexts(g.saved.contexts[CTX_CU_START + depth], s.estimator.state[0].contexts)
    walk[0] = g.saved.node_walks[depth]


@kernel
def count_unit(f, s, walk, coeffs, x, y, log2_cb_size):
    """J of the coding unit that is in place, by the syntax walk.

    The walk must stand in front of the unit; it and the contexts end behind it.
    """
    g = s.work[0]
    e = s.estimator
    depth = np.int64(f.params[0].log2_ctb_size) - log2_cb_size
    copy_contexts(g.saved.contexts[CTX_CU_START + depth], e.state[0].contexts)
    e.state[0].bits = 0
    coding_unit(e, f, walk, coeffs, x, y, log2_cb_size)
    return distortion(f, s, x, y, 1 << log2_cb_size) + g.settings.lambda_mode * e.state[0].bits / ONE_BIT
