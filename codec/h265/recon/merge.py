"""(8.5.3.2.2 - 8.5.3.2.5) Merge mode: the list of motion candidates."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.recon.prediction_block import prediction_block_available
from codec.h265.recon.temporal_motion import temporal_vector
from codec.h265.structs import (
    SLICE_B,
    PART_2NxN,
    PART_2NxnD,
    PART_2NxnU,
    PART_nLx2N,
    PART_nRx2N,
    PART_Nx2N,
)

MAX_MERGE_CANDIDATES = 5

# (table 8-6) l0CandIdx and l1CandIdx by combIdx
_COMBINED_L0 = np.array([0, 1, 0, 2, 1, 2, 0, 3, 1, 3, 2, 3], np.int64)
_COMBINED_L1 = np.array([1, 0, 2, 0, 2, 1, 3, 0, 3, 1, 3, 2], np.int64)


@kernel
def _usable(f, block, x_nb, y_nb):
    """Available, and outside the merge estimation region that the block lies in (parallel merge)."""
    b = block[0]
    level = f.params[0].log2_parallel_merge_level
    if b.x >> level == x_nb >> level and b.y >> level == y_nb >> level:
        return False
    return prediction_block_available(f, block, x_nb, y_nb)


@kernel
def _same_motion(f, xa, ya, xb, yb):
    """Whether the blocks that cover two luma positions have the same vectors, reference indices and filters."""
    a, b = f.motion[ya >> 2, xa >> 2], f.motion[yb >> 2, xb >> 2]
    same = a.filter_set == b.filter_set
    for i in range(2):
        same = same and a.ref_idx[i] == b.ref_idx[i] and a.mv[i, 0] == b.mv[i, 0] and a.mv[i, 1] == b.mv[i, 1]
    return same


@kernel
def _spatial_candidates(f, block, candidates):
    """(8.5.3.2.3) Candidates of the five neighbours A1, B1, B0, A0, B2. -> how many"""
    b = block[0]
    left, bottom, above, right = b.x - 1, b.y + b.height - 1, b.y - 1, b.x + b.width - 1
    mode = b.part_mode
    # the second of two partitions may not become one with the first: that would be another part_mode
    no_a1 = b.part_idx == 1 and mode in (PART_Nx2N, PART_nLx2N, PART_nRx2N)
    no_b1 = b.part_idx == 1 and mode in (PART_2NxN, PART_2NxnU, PART_2NxnD)
    count = np.int64(0)
    a1 = not no_a1 and _usable(f, block, left, bottom)
    if a1:
        candidates[count] = f.motion[bottom >> 2, left >> 2]
        count += 1
    b1 = not no_b1 and _usable(f, block, right, above)
    if b1 and not (a1 and _same_motion(f, left, bottom, right, above)):
        candidates[count] = f.motion[above >> 2, right >> 2]
        count += 1
    b0 = _usable(f, block, right + 1, above)
    if b0 and not (b1 and _same_motion(f, right, above, right + 1, above)):
        candidates[count] = f.motion[above >> 2, (right + 1) >> 2]
        count += 1
    a0 = _usable(f, block, left, bottom + 1)
    if a0 and not (a1 and _same_motion(f, left, bottom, left, bottom + 1)):
        candidates[count] = f.motion[(bottom + 1) >> 2, left >> 2]
        count += 1
    if count < 4 and _usable(f, block, left, above):
        same_a1 = a1 and _same_motion(f, left, bottom, left, above)
        if not same_a1 and not (b1 and _same_motion(f, right, above, left, above)):
            candidates[count] = f.motion[above >> 2, left >> 2]
            count += 1
    return count


@kernel
def _clear(motion):
    for i in range(2):
        motion.ref_idx[i] = np.int8(-1)
        motion.mv[i, 0] = np.int16(0)
        motion.mv[i, 1] = np.int16(0)
    motion.filter_set = np.int8(0)


@kernel
def _temporal_candidate(f, refs, block, candidates, count):
    """(8.5.3.2.2) The temporal candidate with reference index 0 in each list. -> how many candidates there are then"""
    s = f.slices[block[0].slice_idx]
    candidate = candidates[count]
    _clear(candidate)
    any_found = False
    for i in range(2 if s.slice_type == SLICE_B else 1):
        found, mv_x, mv_y = temporal_vector(f, refs, block, np.int64(i), np.int64(0))
        if found:
            candidate.ref_idx[i] = np.int8(0)
            candidate.mv[i, 0] = np.int16(mv_x)
            candidate.mv[i, 1] = np.int16(mv_y)
            any_found = True
    return count + 1 if any_found else count


@kernel
def _combined_candidates(refs, slice_idx, wanted, candidates, count):
    """(8.5.3.2.4) Bi-predictive candidates made of list 0 of one and list 1 of another. -> how many there are then"""
    original = count
    for combination in range(original * (original - 1)):
        first, second = candidates[_COMBINED_L0[combination]], candidates[_COMBINED_L1[combination]]
        ref_0, ref_1 = np.int64(first.ref_idx[0]), np.int64(second.ref_idx[1])
        if ref_0 < 0 or ref_1 < 0:
            continue
        same_picture = refs.lists[slice_idx, 0, ref_0].slot == refs.lists[slice_idx, 1, ref_1].slot
        if same_picture and first.mv[0, 0] == second.mv[1, 0] and first.mv[0, 1] == second.mv[1, 1]:
            continue
        made = candidates[count]
        made.ref_idx[0] = first.ref_idx[0]
        made.ref_idx[1] = second.ref_idx[1]
        for i in range(2):
            made.mv[0, i] = first.mv[0, i]
            made.mv[1, i] = second.mv[1, i]
        made.filter_set = np.int8(0)
        count += 1
        if count > wanted:
            break
    return count


@kernel
def _zero_candidates(s, wanted, candidates, count):
    """(8.5.3.2.5) Zero vectors to one reference picture after another, as many as are still needed."""
    is_b = s.slice_type == SLICE_B
    references = min(s.num_ref_idx_l0, s.num_ref_idx_l1) if is_b else s.num_ref_idx_l0
    zero_idx = np.int64(0)
    while count <= wanted:
        ref_idx = zero_idx if zero_idx < references else np.int64(0)
        candidate = candidates[count]
        _clear(candidate)
        candidate.ref_idx[0] = np.int8(ref_idx)
        if is_b:
            candidate.ref_idx[1] = np.int8(ref_idx)
        count += 1
        zero_idx += 1


@kernel
def merge_candidates(f, refs, block, wanted, candidates):
    """(8.5.3.2.2) mergeCandList up to index `wanted` (0..MaxNumMergeCand - 1); what lies behind it is undefined.

    block       (1,) PREDICTION_BLOCK; for an 8x8 coding block with Log2ParMrgLevel > 2, the whole coding block
    candidates  (MAX_MERGE_CANDIDATES + 1,) MOTION
    """
    slice_idx = block[0].slice_idx
    s = f.slices[slice_idx]
    count = _spatial_candidates(f, block, candidates)
    if count > wanted:
        return
    if s.temporal_mvp:
        count = _temporal_candidate(f, refs, block, candidates, count)
    if s.slice_type == SLICE_B and 1 < count <= wanted:
        count = _combined_candidates(refs, slice_idx, wanted, candidates, count)
    _zero_candidates(s, wanted, candidates, count)
