"""(8.5.3.2.7 - 8.5.3.2.9) Motion vectors of the collocated picture, and vector scaling."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.structs import COL_LONG_TERM, COL_SHORT_TERM, COL_UNUSED, MODE_INTER, SLICE_P


@kernel(inline=True)
def _clip3(low, high, value):
    return min(max(value, low), high)


@kernel
def distance_scale_factor(poc_diff_candidate, poc_diff_current):
    """(8-179 to 8-183) distScaleFactor for a vector that spans td, wanted for a span of tb pictures; 256 is 1."""
    td = _clip3(-128, 127, poc_diff_candidate)
    tb = _clip3(-128, 127, poc_diff_current)
    if td == 0:
        # only a damaged stream has a picture that refers to its own time
        return np.int64(256)
    tx = (16384 + (abs(td) >> 1)) // abs(td)
    tx = -tx if td < 0 else tx
    return np.int64(_clip3(-4096, 4095, (tb * tx + 32) >> 6))


@kernel
def scale_vector(component, factor):
    """(8-184) One component of a motion vector times distScaleFactor, rounded, in 16 bit."""
    product = factor * component
    size = (abs(product) + 127) >> 8
    return np.int64(_clip3(-32768, 32767, -size if product < 0 else size))


@kernel
def compress_motion(f, lists, stored, row_begin, row_end):
    """(8.5.3.2.8) Keep the motion of the first 4x4 block of each 16x16 block of a decoded picture.

    lists    (n, 2, 16) REFERENCE of the picture's slices
    stored   (ceil(h/16), ceil(w/16)) COL_MOTION, of which rows row_begin <= y < row_end are filled
    """
    log2_ctb = np.int64(f.params[0].log2_ctb_size)
    width_in_ctbs = np.int64(f.params[0].width_in_ctbs)
    for y in range(np.int64(row_begin), min(np.int64(row_end), np.int64(stored.shape[0]))):
        for x in range(stored.shape[1]):
            kept = stored[y, x]
            kept.state[0] = np.int8(COL_UNUSED)
            kept.state[1] = np.int8(COL_UNUSED)
            if f.units[4 * y, 4 * x].pred_mode != MODE_INTER:
                continue
            motion = f.motion[4 * y, 4 * x]
            slice_idx = f.ctbs[((16 * y) >> log2_ctb) * width_in_ctbs + ((16 * x) >> log2_ctb)].slice_idx
            for i in range(2):
                if motion.ref_idx[i] >= 0:
                    reference = lists[slice_idx, i, np.int64(motion.ref_idx[i])]
                    kept.mv[i, 0] = motion.mv[i, 0]
                    kept.mv[i, 1] = motion.mv[i, 1]
                    kept.ref_poc[i] = reference.poc
                    kept.state[i] = np.int8(COL_LONG_TERM if reference.is_long_term else COL_SHORT_TERM)


@kernel
def _collocated_vector(f, refs, slice_idx, x_list, ref_idx, x_col, y_col):
    """(8.5.3.2.9) The vector of the collocated block at (x_col, y_col), scaled. -> (found, mv x, mv y)"""
    s = f.slices[slice_idx]
    col_list = np.int64(1) if s.slice_type != SLICE_P and s.collocated_from_l0 == 0 else np.int64(0)
    col_picture = refs.lists[slice_idx, col_list, np.int64(s.collocated_ref_idx)]
    col = refs.motion[np.int64(col_picture.slot), y_col >> 4, x_col >> 4]
    zero = np.int64(0)
    if col.state[0] == COL_UNUSED and col.state[1] == COL_UNUSED:
        return False, zero, zero
    if col.state[0] == COL_UNUSED:
        source = np.int64(1)
    elif col.state[1] == COL_UNUSED:
        source = np.int64(0)
    elif s.no_backward_pred:
        source = np.int64(x_list)
    else:
        source = np.int64(s.collocated_from_l0)
    target = refs.lists[slice_idx, x_list, ref_idx]
    if (target.is_long_term != 0) != (col.state[source] == COL_LONG_TERM):
        return False, zero, zero
    mv_x, mv_y = np.int64(col.mv[source, 0]), np.int64(col.mv[source, 1])
    col_diff = np.int64(col_picture.poc) - np.int64(col.ref_poc[source])
    current_diff = np.int64(s.poc) - np.int64(target.poc)
    if target.is_long_term == 0 and col_diff != current_diff:
        factor = distance_scale_factor(col_diff, current_diff)
        mv_x, mv_y = scale_vector(mv_x, factor), scale_vector(mv_y, factor)
    return True, mv_x, mv_y


@kernel
def temporal_vector(f, refs, block, x_list, ref_idx):
    """(8.5.3.2.8) Temporal luma motion vector prediction of the block for RefPicListX[ref_idx].

    First the block below right of it, then the one at its centre. -> (found, mv x, mv y)
    """
    b = block[0]
    p = f.params[0]
    x, y = b.x + b.width, b.y + b.height
    inside = x < p.pic_width and y < p.pic_height
    if inside and y >> p.log2_ctb_size == b.y >> p.log2_ctb_size:
        found, mv_x, mv_y = _collocated_vector(f, refs, b.slice_idx, x_list, ref_idx, x, y)
        if found:
            return found, mv_x, mv_y
    x, y = b.x + (b.width >> 1), b.y + (b.height >> 1)
    return _collocated_vector(f, refs, b.slice_idx, x_list, ref_idx, x, y)
