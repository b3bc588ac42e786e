"""(8.5.3.3.4.3) Explicit weights in the motion search, where WORK.weighted says that the picture has some.

Reference planes hold samples as default prediction makes them: weights are applied to those, that is, after rounding.
A search for vectors goes the other way round, so that it need not weigh at every position: what it matches is the
source with the weights undone, and the distortion that it finds is scaled back (MOTION_SEARCH.distortion_scale).
"""

import numpy as np

from codec.base.kernels.jit import flattened, kernel
from codec.common.blocks.lanes import I32, U64
from codec.h265.encoder.search.inter.motion_search import SOURCE_STRIDE
from codec.h265.encoder.search.inter.reference_planes import plane_offset

# what is matched stays within this: its differences from samples fit into 12 bits and a sign
_FAR = 3072


@kernel
def weigh_block(s, reference, x, y):
    """WORK.blend = the weighted prediction of the block by a vector into a REFERENCE, from its plane."""
    g, b = s.work[0], s.inter.block[0]
    planes = s.reference_planes
    flat, stride = flattened(planes), np.int64(planes.shape[3])
    at = plane_offset(planes.shape, np.int64(reference.slot), b.x, b.y, x, y, b.width, b.height)
    weight, shift = I32(reference.weight[0]), I32(reference.log2_denominator[0])
    rounding = I32(((1 << np.int64(shift)) >> 1) + (np.int64(reference.offset[0]) << np.int64(shift)))
    top = I32(g.settings.sample_max)
    for v in range(b.height):
        p, o = U64(at + v * stride), U64(v * SOURCE_STRIDE)
        for u in range(U64(b.width)):
            value = I32(I32(I32(I32(flat[p + u]) * weight) + rounding) >> shift)
            g.motion.blend[o + u] = min(max(value, I32(0)), top)


@kernel
def weigh_both(s, reference_0, x_0, y_0, reference_1, x_1, y_1):
    """WORK.blend = the weighted prediction of the block by two vectors."""
    g, b = s.work[0], s.inter.block[0]
    planes = s.reference_planes
    flat, stride = flattened(planes), np.int64(planes.shape[3])
    first = plane_offset(planes.shape, np.int64(reference_0.slot), b.x, b.y, x_0, y_0, b.width, b.height)
    second = plane_offset(planes.shape, np.int64(reference_1.slot), b.x, b.y, x_1, y_1, b.width, b.height)
    weight_0, weight_1 = I32(reference_0.weight[0]), I32(reference_1.weight[0])
    offsets = np.int64(reference_0.offset[0]) + np.int64(reference_1.offset[0])
    denominator = np.int64(reference_0.log2_denominator[0])
    rounding, shift = I32((offsets + 1) << denominator), I32(denominator + 1)
    top = I32(g.settings.sample_max)
    for v in range(b.height):
        p, q, o = U64(first + v * stride), U64(second + v * stride), U64(v * SOURCE_STRIDE)
        for u in range(U64(b.width)):
            total = I32(I32(I32(flat[p + u]) * weight_0) + I32(I32(flat[q + u]) * weight_1))
            g.motion.blend[o + u] = min(max(I32(I32(total + rounding) >> shift), I32(0)), top)


@kernel
def _set_scale(m, scale):
    """Distortion counts `scale` times; where it is 0, vectors make no difference."""
    m.distortion_shift = 0
    m.distortion_scale = scale
    m.inverse_scale = 1.0 / scale if scale > 0.0 else 1.0


@kernel(inline=True)
def _bounded(value):
    return np.int16(np.int64(np.floor(min(max(value, -float(_FAR)), float(_FAR)) + 0.5)))


@kernel
def aim_unweighted(s, reference):
    """m.source = what a vector into a REFERENCE should find in its plane."""
    g, b, m = s.work[0], s.inter.block[0], s.motion[0]
    scale = float(reference.weight[0]) / float(1 << np.int64(reference.log2_denominator[0]))
    _set_scale(m, scale)
    offset, inverse = float(reference.offset[0]), m.inverse_scale
    for v in range(b.height):
        o = U64(v * SOURCE_STRIDE)
        for u in range(U64(b.width)):
            m.source[o + u] = _bounded((float(g.motion.block_source[o + u]) - offset) * inverse)


@kernel
def aim_unweighted_rest(s, reference, other, x, y):
    """The same where the block is predicted from the REFERENCE `other` as well, by the vector (x, y)."""
    g, b, m = s.work[0], s.inter.block[0], s.motion[0]
    planes = s.reference_planes
    flat, stride = flattened(planes), np.int64(planes.shape[3])
    at = plane_offset(planes.shape, np.int64(other.slot), b.x, b.y, x, y, b.width, b.height)
    one = float(1 << np.int64(reference.log2_denominator[0]))
    _set_scale(m, float(reference.weight[0]) / (2.0 * one))
    # the source is half the sum of both weighted predictions
    offsets, weight = float(reference.offset[0]) + float(other.offset[0]), float(other.weight[0]) / one
    inverse = 0.5 * m.inverse_scale
    for v in range(b.height):
        p, o = U64(at + v * stride), U64(v * SOURCE_STRIDE)
        for u in range(U64(b.width)):
            rest = 2.0 * float(g.motion.block_source[o + u]) - offsets - weight * float(flat[p + u])
            m.source[o + u] = _bounded(rest * inverse)
