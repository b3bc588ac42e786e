"""QP of every quantisation group before the search: the slice QP, or adapted to local activity (AdaptiveQP)."""

import math

import numpy as np


def qp_map_shape(config):
    """(depths, rows, columns) of Search.qp_map: one layer per depth that a quantisation group can have."""
    depths = config.MaxCuDQPDepth + 1
    columns, rows = config.size_in_ctbs
    return depths, rows << (depths - 1), columns << (depths - 1)


def fill_qp_map(qp_map, config, luma, slice_qp):
    """QpY of each quadtree node that may be a quantisation group.

    qp_map  int8 of qp_map_shape, written; node (y, x) of layer d covers CTB >> d luma samples each way
    luma    the source's luma plane, coded size
    """
    qp_map[:] = slice_qp
    if not config.AdaptiveQP:
        return
    lowest = -6 * (config.InternalBitDepth - 8)
    for depth in range(len(qp_map)):
        size = config.MaxCUWidth >> depth
        activity = _activity(luma, size)
        offset = _offsets(activity, config.MaxQPAdaptationRange)
        rows, columns = offset.shape
        qp_map[depth, :rows, :columns] = np.clip(slice_qp + offset, lowest, 51)


def shift_ctu_qp(qp_map, column, row, difference, lowest):
    """Move the QpY of all nodes of a CTU by `difference`."""
    for depth, layer in enumerate(qp_map):
        nodes = layer[row << depth : (row + 1) << depth, column << depth : (column + 1) << depth]
        nodes[:] = np.clip(nodes + np.int64(difference), lowest, 51)


def _activity(luma, size):
    """1 + the smallest variance among the four quadrants of each size x size block; blocks are cut at the border."""
    half = size // 2
    height, width = luma.shape
    rows, columns = -(-height // size), -(-width // size)
    variances = np.full((2 * rows, 2 * columns), np.inf)
    for y in range(2 * rows):
        for x in range(2 * columns):
            block = luma[y * half : (y + 1) * half, x * half : (x + 1) * half]
            if block.size:
                variances[y, x] = block.var(dtype=np.float64)
    quadrants = variances.reshape(rows, 2, columns, 2)
    return 1 + quadrants.min(axis=(1, 3))


def _offsets(activity, adaptation_range):
    """QP offset of each block: 6 log2 of its activity against the picture's mean, within +-adaptation_range."""
    scale = 2 ** (adaptation_range / 6)
    mean = activity.mean()
    normalised = (scale * activity + mean) / (activity + scale * mean)
    return np.floor(np.log(normalised) / math.log(2) * 6 + 0.49999).astype(np.int64)
