"""What a motion costs: SATD of the prediction block at hand with its prediction, and the bits of what is coded.

The block is Search.inter.block, its samples are in WORK.block_source (load_source). References are read from
Search.reference_planes: a prediction of two lists is the mean of two rounded ones here. Functions that take a REFERENCE
heed its weights where the picture has some. Predictions by trained filters are made by recon/inter.py.
"""

import numpy as np

from codec.base.kernels.jit import flattened, kernel
from codec.h265.cabac.contexts import INTER_PRED_IDC, MERGE_IDX
from codec.h265.cabac.tables import ONE_BIT
from codec.h265.encoder.search.inter.block_match import NO_LIMIT, mvd_bits, sad_block, satd_block
from codec.h265.encoder.search.inter.motion_search import SOURCE_STRIDE, may_refer
from codec.h265.encoder.search.inter.reference_planes import plane_offset
from codec.h265.encoder.search.inter.weighted_match import weigh_block, weigh_both
from codec.h265.encoder.search.residual.level_rates import bin_bits
from codec.h265.recon.inter import predict_samples
from codec.h265.structs import SLICE_B


@kernel
def load_source(s):
    """The source samples of the block at hand into WORK.block_source and the motion search."""
    g, b, m = s.work[0], s.inter.block[0], s.motion[0]
    m.x, m.y, m.width, m.height = b.x, b.y, b.width, b.height
    for v in range(b.height):
        at = np.uint64(v * SOURCE_STRIDE)
        for u in range(np.uint64(b.width)):
            sample = s.luma[b.y + v, np.uint64(b.x) + u]
            g.motion.block_source[at + u] = sample
            m.source[at + u] = sample


@kernel
def _reference_bits(count, ref_idx):
    """(9.3.3.2, TR) Bins of ref_idx in a list of `count` pictures."""
    return min(ref_idx + 1, count - 1)


@kernel
def direction_bits(f, s, uses):
    """Rate of inter_pred_idc in bits: `uses` has a bit a list; nothing in P slices."""
    b = s.inter.block[0]
    if f.slices[b.slice_idx].slice_type != SLICE_B:
        return 0.0
    contexts = s.estimator.state[0].contexts
    bits = np.int64(0)
    if b.width + b.height != 12:
        depth = np.int64(f.params[0].log2_ctb_size)
        size = b.cb_size
        while size > 1:
            depth -= 1
            size >>= 1
        bits += bin_bits(contexts, INTER_PRED_IDC + depth, np.int64(uses == 3))
    if uses != 3:
        bits += bin_bits(contexts, INTER_PRED_IDC + 4, np.int64(uses == 2))
    return bits / ONE_BIT


@kernel
def better_predictor(s, i, ref_idx):
    """(7.4.9.6) mvp_lX_flag that makes the vector's difference cheaper. -> (flag, bits of difference and flag)"""
    g = s.work[0]
    x, y = g.motion.vectors[i, ref_idx, 0], g.motion.vectors[i, ref_idx, 1]
    candidates = g.motion.predictors[i, ref_idx]
    first = mvd_bits(x - candidates[0, 0], y - candidates[0, 1])
    second = mvd_bits(x - candidates[1, 0], y - candidates[1, 1])
    return (np.int64(1), second + 1) if second < first else (np.int64(0), first + 1)


@kernel
def vector_bits(f, s, i, ref_idx):
    """Bits of a vector in g.motion.vectors with its reference index."""
    slice_ = f.slices[s.inter.block[0].slice_idx]
    count = np.int64(slice_.num_ref_idx_l1 if i else slice_.num_ref_idx_l0)
    _, bits = better_predictor(s, i, ref_idx)
    return bits + _reference_bits(count, ref_idx)


@kernel
def sad_to(s, reference, mv_x, mv_y):
    """SAD of the block's source with a prediction by one vector into a REFERENCE."""
    g, b = s.work[0], s.inter.block[0]
    if g.settings.weighted:
        weigh_block(s, reference, mv_x, mv_y)
        return sad_block(
            g.motion.block_source, 0, SOURCE_STRIDE, g.motion.blend, 0, SOURCE_STRIDE, b.width, b.height, NO_LIMIT
        )
    planes, slot = s.reference_planes, np.int64(reference.slot)
    at = plane_offset(planes.shape, slot, b.x, b.y, mv_x, mv_y, b.width, b.height)
    flat = flattened(planes)
    stride = np.int64(planes.shape[3])
    return sad_block(g.motion.block_source, 0, SOURCE_STRIDE, flat, at, stride, b.width, b.height, NO_LIMIT)


@kernel
def _satd_to_mean(s):
    """SATD of the block's source with WORK.blend."""
    g, b = s.work[0], s.inter.block[0]
    narrow = s.motion[0].narrow
    return satd_block(
        g.motion.block_source, 0, SOURCE_STRIDE, g.motion.blend, 0, SOURCE_STRIDE, b.width, b.height, narrow, NO_LIMIT
    )


@kernel
def satd_to(s, reference, mv_x, mv_y):
    """SATD of the block's source with a prediction by one vector into a REFERENCE."""
    g, b = s.work[0], s.inter.block[0]
    if g.settings.weighted:
        weigh_block(s, reference, mv_x, mv_y)
        return _satd_to_mean(s)
    planes, slot = s.reference_planes, np.int64(reference.slot)
    at = plane_offset(planes.shape, slot, b.x, b.y, mv_x, mv_y, b.width, b.height)
    flat = flattened(planes)
    stride = np.int64(planes.shape[3])
    narrow = s.motion[0].narrow
    return satd_block(g.motion.block_source, 0, SOURCE_STRIDE, flat, at, stride, b.width, b.height, narrow, NO_LIMIT)


@kernel
def satd_to_both(s, reference_0, x_0, y_0, reference_1, x_1, y_1):
    """SATD of the block's source with the mean of two predictions."""
    g, b = s.work[0], s.inter.block[0]
    if g.settings.weighted:
        weigh_both(s, reference_0, x_0, y_0, reference_1, x_1, y_1)
        return _satd_to_mean(s)
    planes = s.reference_planes
    flat = flattened(planes)
    stride = np.int64(planes.shape[3])
    first = plane_offset(planes.shape, np.int64(reference_0.slot), b.x, b.y, x_0, y_0, b.width, b.height)
    second = plane_offset(planes.shape, np.int64(reference_1.slot), b.x, b.y, x_1, y_1, b.width, b.height)
    for v in range(b.height):
        p, q, o = np.uint64(first + v * stride), np.uint64(second + v * stride), np.uint64(v * SOURCE_STRIDE)
        for u in range(np.uint64(b.width)):
            total = np.int32(np.int32(flat[p + u]) + np.int32(flat[q + u]))
            g.motion.blend[o + u] = np.int32(np.int32(total + np.int32(1)) >> np.int32(1))
    return _satd_to_mean(s)


@kernel
def motion_satd(f, refs, s, motion):
    """SATD of the block's source with the prediction by a MOTION record.

    That of two lists is rounded before the mean, unless trained filters make it.
    """
    if motion.filter_set > 0:
        predict_samples(
            f, refs, s.inter.block[0], motion, refs.luma, np.int64(0), s.work[0].motion.blend, np.int64(0),
            np.int64(SOURCE_STRIDE), s.inter,
        )  # fmt: skip
        return _satd_to_mean(s)
    lists = refs.lists[s.inter.block[0].slice_idx]
    ref_0, ref_1 = np.int64(motion.ref_idx[0]), np.int64(motion.ref_idx[1])
    x_0, y_0 = np.int64(motion.mv[0, 0]), np.int64(motion.mv[0, 1])
    x_1, y_1 = np.int64(motion.mv[1, 0]), np.int64(motion.mv[1, 1])
    if ref_1 < 0:
        return satd_to(s, lists[0, ref_0], x_0, y_0)
    if ref_0 < 0:
        return satd_to(s, lists[1, ref_1], x_1, y_1)
    return satd_to_both(s, lists[0, ref_0], x_0, y_0, lists[1, ref_1], x_1, y_1)


@kernel
def motion_may_refer(s, motion):
    """Whether the block at hand may be predicted by a MOTION record: what it refers to is there."""
    b = s.inter.block[0]
    may = True
    for i in range(2):
        if motion.ref_idx[i] >= 0:
            may = may and may_refer(s.motion[0], b.y, b.height, np.int64(motion.mv[i, 1]))
    return may


@kernel
def merge_index_bits(f, s, slice_idx, merge_idx):
    """(9.3.3.2, TR) Rate of merge_idx in bits."""
    count = np.int64(f.slices[slice_idx].max_num_merge_cand)
    if count < 2:
        return 0.0
    contexts = s.estimator.state[0].contexts
    return bin_bits(contexts, MERGE_IDX, np.int64(merge_idx > 0)) / ONE_BIT + min(merge_idx, count - 2)


@kernel
def found_satd(m):
    """SATD of the vector that a search ended with."""
    return m.cost - m.sqrt_lambda * mvd_bits(m.mv[0] - m.mvp[0], m.mv[1] - m.mvp[1])
