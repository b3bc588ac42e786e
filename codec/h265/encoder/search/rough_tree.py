"""How a CTU is likely to be divided, before any of it is coded: by rough costs.

Intra blocks are predicted from the source, inter blocks with one vector. A node's ratio is the rough cost of its best
division over that of the node as a whole; where it is far from 1 only one of the two is coded. What that costs and
gains is in docs/LABBOOK.md.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.encoder.search.inter.rough_motion import pass_vector_on, rough_inter_block
from codec.h265.encoder.search.intra.rough_modes import rough_block
from codec.h265.structs import SLICE_I

# of a node that does not fit into the picture, and of one that cannot be divided
_DIVIDED, _WHOLE = 0.0, np.inf
# rough rate of split_cu_flag and of what else a coding unit has to say
_SPLIT_BITS = 1.0
_LOG2_MAX_INTRA = 5


@kernel(inline=True)
def _place(f, x, y):
    """Row and column of a node in g.rough.ratio."""
    mask = (1 << f.params[0].log2_ctb_size) - 1
    return (y & mask) >> 3, (x & mask) >> 3


@kernel(inline=True)
def worth_trying(f, s, x, y, log2_size):
    """(whether a node is worth coding as a whole, whether in four) by g.rough.ratio; both, unless g.rough.planned."""
    g = s.work[0]
    if not g.rough.planned:
        return True, True
    row, column = _place(f, x, y)
    ratio = g.rough.ratio[log2_size - 3, row, column]
    return ratio >= g.settings.whole_from[log2_size - 3], ratio <= g.settings.divided_to[log2_size - 3]


@kernel
def _whole_cost(f, refs, s, walk, x, y, log2_size, intra):
    """Rough cost of a node that is not divided; infinite if it does not fit, or is too large for intra prediction."""
    size = 1 << log2_size
    fits = x + size <= f.params[0].pic_width and y + size <= f.params[0].pic_height
    if intra:
        return rough_block(f, s, x, y, log2_size) if fits and log2_size <= _LOG2_MAX_INTRA else np.inf
    if fits:
        return rough_inter_block(f, refs, s, walk, x, y, log2_size)
    pass_vector_on(f, s, x, y, log2_size)
    return np.inf


@kernel
def _estimate(f, refs, s, walk, x, y, log2_size, lowest, intra):
    """Fill g.rough.ratio of the node at (x, y) and below. -> (J as a whole, least J)"""
    g = s.work[0]
    p = f.params[0]
    size = 1 << log2_size
    whole = _whole_cost(f, refs, s, walk, x, y, log2_size, intra)
    if log2_size == lowest:
        return whole, whole
    if intra and whole < g.settings.lambda_mode * g.settings.rough_least:
        return whole, whole
    divided = _SPLIT_BITS * g.settings.lambda_mode
    parts = 0.0
    half = size >> 1
    for k in range(4):
        u, v = x + half * (k & 1), y + half * (k >> 1)
        if u < p.pic_width and v < p.pic_height:
            part, best = _estimate(f, refs, s, walk, u, v, log2_size - 1, lowest, intra)
            parts += part
            divided += best
    fits = x + size <= p.pic_width and y + size <= p.pic_height
    if intra and fits and log2_size > _LOG2_MAX_INTRA:
        # four transform blocks of one mode: no less than with a mode each
        whole = parts
    margin = g.settings.rough_bits[log2_size - 3] * g.settings.lambda_mode
    row, column = _place(f, x, y)
    g.rough.ratio[log2_size - 3, row, column] = (divided + margin) / (whole + margin) if fits else _DIVIDED
    return whole, min(whole, divided)


@kernel
def _put_source(f, s, x, y, size):
    """The luma samples of a CTU are those of the source."""
    for v in range(y, min(y + size, np.int64(f.params[0].pic_height))):
        for u in range(x, min(x + size, np.int64(f.params[0].pic_width))):
            f.luma[v, u] = s.luma[v, u]


@kernel
def rough_tree(f, refs, s, walk, x, y):
    """Fill g.rough of the CTU at (x, y), for the QP in g.unit.qp_y: in I slices by intra prediction, which leaves the
    source's luma samples behind, in the others by inter prediction.
    """
    p = f.params[0]
    s.work[0].rough.ratio[:] = _WHOLE
    log2_size, lowest = np.int64(p.log2_ctb_size), np.int64(p.log2_min_cb_size)
    intra = np.int64(f.slices[walk[0].slice_idx].slice_type == SLICE_I)
    if intra:
        _put_source(f, s, x, y, 1 << log2_size)
        # the parts of an NxN unit are blocks too
        lowest -= np.int64(p.log2_min_cb_size > p.log2_min_tb_size)
    _estimate(f, refs, s, walk, x, y, log2_size, lowest, intra)
