"""(7.3.8.3) sao: sample adaptive offset parameters of one CTB."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.contexts import SAO_MERGE_FLAG, SAO_TYPE_IDX
from codec.h265.cabac.engine import code_bin, code_bypass, code_bypass_bits, reads
from codec.h265.structs import SAO_BAND, SAO_EDGE, SAO_MERGE_LEFT, SAO_MERGE_UP, SAO_NOT_APPLIED


@kernel(inline=True)
def _code_type_idx(e, value):
    """(9.3.3.2, TR with cMax 2) sao_type_idx_luma / _chroma."""
    if code_bin(e, SAO_TYPE_IDX, np.int64(value != SAO_NOT_APPLIED)) == 0:
        return np.int64(SAO_NOT_APPLIED)
    return np.int64(SAO_EDGE) if code_bypass(e, np.int64(value == SAO_EDGE)) else np.int64(SAO_BAND)


@kernel(inline=True)
def _code_offset_abs(e, longest, value):
    """(9.3.3.2, TR bypass) sao_offset_abs."""
    result = np.int64(0)
    while result < longest:
        if code_bypass(e, np.int64(result < value)) == 0:
            break
        result += 1
    return result


@kernel(inline=True)
def _copy_parameters(ctb, source):
    for c in range(3):
        ctb.sao_type[c] = source.sao_type[c]
        ctb.sao_eo_class[c] = source.sao_eo_class[c]
        ctb.sao_band_position[c] = source.sao_band_position[c]
        for k in range(4):
            ctb.sao_offset[c, k] = source.sao_offset[c, k]


@kernel(inline=True)
def _code_component(e, ctb, c_idx, bit_depth):
    """sao_offset_abs, signs, band position or edge class of one component whose type is set."""
    longest = (1 << (min(bit_depth, 10) - 5)) - 1
    band = ctb.sao_type[c_idx] == SAO_BAND
    for k in range(4):
        size = _code_offset_abs(e, longest, abs(np.int64(ctb.sao_offset[c_idx, k])))
        if reads(e):
            # (7.4.9.3.2) edge offsets of the first two categories are positive, the others negative
            ctb.sao_offset[c_idx, k] = np.int16(-size if (not band and k >= 2) else size)
    if band:
        for k in range(4):
            if ctb.sao_offset[c_idx, k] != 0:
                negative = code_bypass(e, np.int64(ctb.sao_offset[c_idx, k] < 0))
                if reads(e) and negative:
                    ctb.sao_offset[c_idx, k] = np.int16(-np.int64(ctb.sao_offset[c_idx, k]))
        ctb.sao_band_position[c_idx] = np.int8(code_bypass_bits(e, 5, np.int64(ctb.sao_band_position[c_idx])))
    elif c_idx == 2:
        ctb.sao_eo_class[2] = ctb.sao_eo_class[1]
    else:
        ctb.sao_eo_class[c_idx] = np.int8(code_bypass_bits(e, 2, np.int64(ctb.sao_eo_class[c_idx])))


@kernel
def code_sao(e, f, walk):
    """(7.3.8.3) The CTB's record in f.ctbs is written, filled or counted."""
    w = walk[0]
    p = f.params[0]
    s = f.slices[w.slice_idx]
    ctb = f.ctbs[w.ctb_addr]
    if reads(e):
        ctb.sao_merge = np.int8(0)
        for c in range(3):
            ctb.sao_type[c] = np.int8(SAO_NOT_APPLIED)
    if not s.slice_sao_luma and not s.slice_sao_chroma:
        return
    if w.left_available:
        if code_bin(e, SAO_MERGE_FLAG, np.int64(ctb.sao_merge == SAO_MERGE_LEFT)):
            ctb.sao_merge = np.int8(SAO_MERGE_LEFT)
            _copy_parameters(ctb, f.ctbs[w.ctb_addr - 1])
            return
    if w.up_available:
        if code_bin(e, SAO_MERGE_FLAG, np.int64(ctb.sao_merge == SAO_MERGE_UP)):
            ctb.sao_merge = np.int8(SAO_MERGE_UP)
            _copy_parameters(ctb, f.ctbs[w.ctb_addr - p.width_in_ctbs])
            return
    if s.slice_sao_luma:
        ctb.sao_type[0] = np.int8(_code_type_idx(e, np.int64(ctb.sao_type[0])))
        if ctb.sao_type[0] != SAO_NOT_APPLIED:
            _code_component(e, ctb, 0, p.bit_depth_y)
    if s.slice_sao_chroma:
        ctb.sao_type[1] = np.int8(_code_type_idx(e, np.int64(ctb.sao_type[1])))
        ctb.sao_type[2] = ctb.sao_type[1]
        if ctb.sao_type[1] != SAO_NOT_APPLIED:
            for c in range(1, 3):
                _code_component(e, ctb, c, p.bit_depth_c)
