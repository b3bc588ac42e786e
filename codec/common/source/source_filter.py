"""The weighted sum of the temporal filter (JVET-O0549): one picture, moved block by block, is added to another."""

import numpy as np

from codec.base.kernels.jit import flattened, kernel
from codec.common.source.source_samples import BLOCK_AT, interpolated_block

WEIGHT_ONE = 1 << 12
"""The weight of the picture itself; 8 others of up to 10 times that keep sums of 10-bit samples within an int32."""

TRUST_ONE = 1 << 8


@kernel
def add_moved(plane, reference, border, size, vectors, trust, weights, top, changes, sums, memory):
    """Add a picture's weighted differences to `changes`, and its weights to `sums`.

    plane      (h, w) int16 samples of the picture that is filtered
    reference  the other picture's plane, with its border of `border` samples
    size       of a block in this plane, 8 or 4;  vectors: (rows, columns, 2) of the blocks, in 1/16 luma samples
    trust      (rows, columns) int32 in blocks, of TRUST_ONE
    weights    (top + 1,) int32: weight of a sample by its absolute difference, of WEIGHT_ONE
    top        the largest sample
    changes, sums  (h, w) int32
    memory     from new_block_memory
    """
    b, stride = flattened(reference), np.int64(reference.shape[1])
    height, width = np.int64(plane.shape[0]), np.int64(plane.shape[1])
    # a vector in 1/32 samples of the plane
    scale = size // 4
    for row in range(np.int64(vectors.shape[0])):
        for column in range(np.int64(vectors.shape[1])):
            x, y, trusted = column * size, row * size, np.int64(trust[row, column])
            mv_x, mv_y = scale * np.int64(vectors[row, column, 0]), scale * np.int64(vectors[row, column, 1])
            interpolated_block(b, stride, 32 * (x + border) + mv_x, 32 * (y + border) + mv_y, size, top, memory)
            for r in range(min(size, height - y)):
                for c in range(min(size, width - x)):
                    difference = np.int64(memory[BLOCK_AT + r * size + c]) - np.int64(plane[y + r, x + c])
                    weight = (np.int64(weights[abs(difference)]) * trusted) // TRUST_ONE
                    changes[y + r, x + c] += np.int32(weight * difference)
                    sums[y + r, x + c] += np.int32(weight)
