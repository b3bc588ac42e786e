"""Rough cost of an inter block: one vector, by SAD from the vectors around it, and rough_cost of what it leaves."""

import numpy as np

from codec.base.kernels.jit import flattened, kernel
from codec.h265.encoder.search.inter.block_match import mvd_bits
from codec.h265.encoder.search.inter.motion_cost import load_source
from codec.h265.encoder.search.inter.motion_search import SOURCE_STRIDE, add_start, search_roughly
from codec.h265.encoder.search.inter.reference_planes import plane_offset
from codec.h265.encoder.search.residual.forward_transform import forward_transform
from codec.h265.encoder.search.rough_cost import rough_cost
from codec.h265.recon.inter import set_block
from codec.h265.recon.reconstruct import block_qp
from codec.h265.structs import MAX_CTB_SIZE, MODE_INTER, SLICE_B, PART_2Nx2N
from codec.h265.syntax.walk import left_available, up_available


@kernel(inline=True)
def _place(x, y):
    """Row and column of a node in g.rough.vectors."""
    return (y & (MAX_CTB_SIZE - 1)) >> 3, (x & (MAX_CTB_SIZE - 1)) >> 3


@kernel
def _add_neighbour(f, m, u, v):
    """The vector of a 4x4 block that is coded already."""
    if f.units[v, u].pred_mode == MODE_INTER:
        i = 0 if f.motion[v, u].ref_idx[0] >= 0 else 1
        add_start(m, np.int64(f.motion[v, u].mv[i, 0]), np.int64(f.motion[v, u].mv[i, 1]))


@kernel
def _vector_around(f, s, x, y, log2_size):
    """The vector of the node that the node at (x, y) is a quarter of; none of a CTU."""
    if log2_size == f.params[0].log2_ctb_size:
        return np.int64(0), np.int64(0)
    mask = -(2 << log2_size)
    row, column = _place(x & mask, y & mask)
    vector = s.work[0].rough.vectors[log2_size - 2, row, column]
    return vector[0], vector[1]


@kernel
def _keep_vector(s, x, y, log2_size, mv_x, mv_y):
    row, column = _place(x, y)
    vector = s.work[0].rough.vectors[log2_size - 3, row, column]
    vector[0], vector[1] = mv_x, mv_y


@kernel
def pass_vector_on(f, s, x, y, log2_size):
    """Give a node that does not fit into the picture the vector of the node around."""
    mv_x, mv_y = _vector_around(f, s, x, y, log2_size)
    _keep_vector(s, x, y, log2_size, mv_x, mv_y)


@kernel
def _gather_starts(f, s, walk, x, y, log2_size):
    """No motion, the vectors left and above, and that of the node around, which is also what vectors are told by."""
    m = s.motion[0]
    m.start_count = 0
    m.mvp[0], m.mvp[1] = _vector_around(f, s, x, y, log2_size)
    add_start(m, np.int64(0), np.int64(0))
    if log2_size == f.params[0].log2_ctb_size:
        if left_available(f, walk, x):
            _add_neighbour(f, m, (x - 1) >> 2, y >> 2)
        if up_available(f, walk, y):
            _add_neighbour(f, m, x >> 2, (y - 1) >> 2)
        return
    row, column = _place(x, y)
    vectors = s.work[0].rough.vectors[log2_size - 3]
    n, inside = 1 << (log2_size - 3), (1 << np.int64(f.params[0].log2_ctb_size)) - 1
    # what is there of other CTUs depends on the thread that searched them
    if x & inside:
        add_start(m, vectors[row, column - n, 0], vectors[row, column - n, 1])
    if y & inside:
        add_start(m, vectors[row - n, column, 0], vectors[row - n, column, 1])


@kernel
def _residual_cost(f, s, slot, log2_size):
    """rough_cost of the block at hand less its prediction by m.mv."""
    g, m = s.work[0], s.motion[0]
    planes = s.reference_planes
    flat, stride = flattened(planes), np.int64(planes.shape[3])
    size = 1 << log2_size
    at = plane_offset(planes.shape, slot, m.x, m.y, m.mv[0], m.mv[1], size, size)
    bit_depth = np.int64(f.params[0].bit_depth_y)
    qp = block_qp(f, g.unit.slice_idx, g.unit.qp_y, 0)
    part = min(log2_size, 5)
    n = 1 << part
    total = 0.0
    for top in range(0, size, n):
        for left in range(0, size, n):
            for v in range(n):
                i, o = np.uint64(at + (top + v) * stride + left), np.uint64(v * n)
                k = np.uint64((top + v) * SOURCE_STRIDE + left)
                for u in range(np.uint64(n)):
                    g.block.residual[o + u] = np.int32(np.int32(g.motion.block_source[k + u]) - np.int32(flat[i + u]))
            forward_transform(g.block.residual, 0, part, False, bit_depth, g.block.transformed, g.block.stage)
            cost, _ = rough_cost(g.block.transformed, part, qp, bit_depth, g.settings.lambda_mode)
            total += cost
    return total


@kernel
def rough_inter_block(f, refs, s, walk, x, y, log2_size):
    """Rough cost of a block with one vector, which goes to g.rough.vectors, into the first picture of either list.

    Weights of reference pictures do not count.
    """
    g, m = s.work[0], s.motion[0]
    slice_idx = walk[0].slice_idx
    set_block(s.inter, slice_idx, x, y, 1 << log2_size, np.int64(PART_2Nx2N), np.int64(0))
    load_source(s)
    m.distortion_shift, m.distortion_scale, m.inverse_scale = 0, 1.0, 1.0
    _gather_starts(f, s, walk, x, y, log2_size)
    slot = np.int64(refs.lists[slice_idx, 0, 0].slot)
    search_roughly(m, s.reference_planes, slot)
    if f.slices[slice_idx].slice_type == SLICE_B:
        other = np.int64(refs.lists[slice_idx, 1, 0].slot)
        if other != slot:
            mv_x, mv_y, cost = m.mv[0], m.mv[1], m.cost
            search_roughly(m, s.reference_planes, other)
            if m.cost < cost:
                slot = other
            else:
                m.mv[0], m.mv[1] = mv_x, mv_y
    _keep_vector(s, x, y, log2_size, m.mv[0], m.mv[1])
    return _residual_cost(f, s, slot, log2_size) + g.settings.lambda_mode * mvd_bits(
        m.mv[0] - m.mvp[0], m.mv[1] - m.mvp[1]
    )
