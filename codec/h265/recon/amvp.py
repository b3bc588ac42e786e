"""(8.5.3.2.6, 8.5.3.2.7) Motion vector prediction: the two candidates of a reference picture."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.recon.prediction_block import prediction_block_available
from codec.h265.recon.temporal_motion import distance_scale_factor, scale_vector, temporal_vector


@kernel
def _vector_to_picture(f, refs, slice_idx, x_nb, y_nb, x_list, ref_idx):
    """(8.5.3.2.7) The neighbour's vector into the wanted picture, of list X before list Y. -> (found, mv x, mv y)"""
    motion = f.motion[y_nb >> 2, x_nb >> 2]
    slot = refs.lists[slice_idx, x_list, ref_idx].slot
    for k in range(2):
        i = x_list if k == 0 else 1 - x_list
        other = np.int64(motion.ref_idx[i])
        if other >= 0 and refs.lists[slice_idx, i, other].slot == slot:
            return True, np.int64(motion.mv[i, 0]), np.int64(motion.mv[i, 1])
    return False, np.int64(0), np.int64(0)


@kernel
def _vector_scaled(f, refs, slice_idx, x_nb, y_nb, x_list, ref_idx):
    """(8.5.3.2.7) The neighbour's vector into any picture of the same marking, scaled. -> (found, mv x, mv y)"""
    motion = f.motion[y_nb >> 2, x_nb >> 2]
    target = refs.lists[slice_idx, x_list, ref_idx]
    for k in range(2):
        i = x_list if k == 0 else 1 - x_list
        other = np.int64(motion.ref_idx[i])
        if other < 0:
            continue
        reference = refs.lists[slice_idx, i, other]
        if reference.is_long_term != target.is_long_term:
            continue
        mv_x, mv_y = np.int64(motion.mv[i, 0]), np.int64(motion.mv[i, 1])
        if target.is_long_term == 0:
            poc = np.int64(f.slices[slice_idx].poc)
            factor = distance_scale_factor(poc - np.int64(reference.poc), poc - np.int64(target.poc))
            mv_x, mv_y = scale_vector(mv_x, factor), scale_vector(mv_y, factor)
        return True, mv_x, mv_y
    return False, np.int64(0), np.int64(0)


@kernel
def _candidate_a(f, refs, block, x_list, ref_idx):
    """(8.5.3.2.7) mvLXA from A0 and A1. -> (isScaledFlagLX, found, mv x, mv y)"""
    b = block[0]
    x, y = b.x - 1, b.y + b.height
    a0 = prediction_block_available(f, block, x, y)
    a1 = prediction_block_available(f, block, x, y - 1)
    found, mv_x, mv_y = False, np.int64(0), np.int64(0)
    if a0:
        found, mv_x, mv_y = _vector_to_picture(f, refs, b.slice_idx, x, y, x_list, ref_idx)
    if a1 and not found:
        found, mv_x, mv_y = _vector_to_picture(f, refs, b.slice_idx, x, y - 1, x_list, ref_idx)
    if a0 and not found:
        found, mv_x, mv_y = _vector_scaled(f, refs, b.slice_idx, x, y, x_list, ref_idx)
    if a1 and not found:
        found, mv_x, mv_y = _vector_scaled(f, refs, b.slice_idx, x, y - 1, x_list, ref_idx)
    return a0 or a1, found, mv_x, mv_y


@kernel
def _candidate_b(f, refs, block, x_list, ref_idx, scaled):
    """(8.5.3.2.7) mvLXB from B0, B1, B2: into the wanted picture, or `scaled`. -> (found, mv x, mv y)"""
    b = block[0]
    found, mv_x, mv_y = False, np.int64(0), np.int64(0)
    for k in range(3):
        x = b.x - 1 if k == 2 else b.x + b.width - k
        y = b.y - 1
        if not found and prediction_block_available(f, block, x, y):
            if scaled:
                found, mv_x, mv_y = _vector_scaled(f, refs, b.slice_idx, x, y, x_list, ref_idx)
            else:
                found, mv_x, mv_y = _vector_to_picture(f, refs, b.slice_idx, x, y, x_list, ref_idx)
    return found, mv_x, mv_y


@kernel
def vector_candidates(f, refs, block, x_list, ref_idx):
    """(8.5.3.2.6) mvpListLX: two predictions of the block's vector into RefPicListX[ref_idx]. -> x0, y0, x1, y1

    block    (1,) PREDICTION_BLOCK
    """
    side_a, found_a, ax, ay = _candidate_a(f, refs, block, x_list, ref_idx)
    found_b, bx, by = _candidate_b(f, refs, block, x_list, ref_idx, False)
    if not side_a:
        # nothing on the left: B takes the place of A, and B's own place may be filled by scaling
        if found_b:
            found_a, ax, ay = True, bx, by
        found_b, bx, by = _candidate_b(f, refs, block, x_list, ref_idx, True)
    if found_a and found_b and ax == bx and ay == by:
        found_b = False
    zero = np.int64(0)
    if found_a and found_b:
        return ax, ay, bx, by
    found_t, tx, ty = False, zero, zero
    if f.slices[block[0].slice_idx].temporal_mvp:
        found_t, tx, ty = temporal_vector(f, refs, block, x_list, ref_idx)
    if not found_t:
        tx, ty = zero, zero
    if found_a:
        return ax, ay, tx, ty
    if found_b:
        return bx, by, tx, ty
    return tx, ty, zero, zero
