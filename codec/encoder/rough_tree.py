"""How an intra CTU is likely to be divided, before any of it is coded: rough costs, predicted from the source.

A node's ratio is the rough cost of its best division over that of the node as a whole; where it is far from 1 only one
of the two is coded. What that costs and gains is in docs/PERFORMANCE.md.
"""

import numpy as np

from codec.encoder.rough_modes import rough_block
from codec.kernels.jit import kernel

# of a node that does not fit into the picture, and of one that cannot be divided
_DIVIDED, _WHOLE = 0.0, np.inf
# rough rate of split_cu_flag and of what else a coding unit has to say
_SPLIT_BITS = 1.0


@kernel(inline=True)
def _place(f, x, y):
    """Row and column of a node in g.rough_ratio."""
    mask = (1 << f.params[0].log2_ctb_size) - 1
    return (y & mask) >> 3, (x & mask) >> 3


@kernel(inline=True)
def worth_trying(f, s, x, y, log2_size):
    """(whether a node is worth coding as a whole, whether in four) by g.rough_ratio; both, unless g.planned."""
    g = s.work[0]
    if not g.planned:
        return True, True
    row, column = _place(f, x, y)
    ratio = g.rough_ratio[log2_size - 3, row, column]
    return ratio >= g.whole_from[log2_size - 3], ratio <= g.divided_to[log2_size - 3]


@kernel
def _estimate(f, s, x, y, log2_size, lowest):
    """Fill g.rough_ratio of the node at (x, y) and below. -> (J as a whole, least J)"""
    g = s.work[0]
    p = f.params[0]
    size = 1 << log2_size
    fits = x + size <= p.pic_width and y + size <= p.pic_height
    whole = np.inf
    if fits and log2_size <= 5:
        whole = rough_block(f, s, x, y, log2_size)
    if log2_size == lowest:
        return whole, whole
    divided = _SPLIT_BITS * g.lambda_mode
    parts = 0.0
    half = size >> 1
    for k in range(4):
        u, v = x + half * (k & 1), y + half * (k >> 1)
        if u < p.pic_width and v < p.pic_height:
            part, best = _estimate(f, s, u, v, log2_size - 1, lowest)
            parts += part
            divided += best
    if fits and log2_size > 5:
        # four transform blocks of one mode: no less than with a mode each
        whole = parts
    margin = g.rough_bits[log2_size - 3] * g.lambda_mode
    row, column = _place(f, x, y)
    g.rough_ratio[log2_size - 3, row, column] = (divided + margin) / (whole + margin) if fits else _DIVIDED
    return whole, min(whole, divided)


@kernel
def rough_tree(f, s, x, y):
    """Fill g.rough_ratio of the CTU at (x, y), for the QP in g.qp_y. Its luma samples are the source's afterwards."""
    p = f.params[0]
    g = s.work[0]
    g.rough_ratio[:] = _WHOLE
    size = 1 << p.log2_ctb_size
    for v in range(y, min(y + size, np.int64(p.pic_height))):
        for u in range(x, min(x + size, np.int64(p.pic_width))):
            f.luma[v, u] = s.luma[v, u]
    # the parts of an NxN unit are blocks too
    lowest = np.int64(p.log2_min_cb_size) - np.int64(p.log2_min_cb_size > p.log2_min_tb_size)
    _estimate(f, s, x, y, np.int64(p.log2_ctb_size), lowest)
