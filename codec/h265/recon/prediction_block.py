"""(8.5.3) Prediction blocks: how a coding block is cut into them, and which neighbours they may look at."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.base.records import record
from codec.h265.recon.availability import available_z
from codec.h265.structs import MODE_INTER, PART_NxN

# the prediction block whose motion is being derived; luma samples of the picture
PREDICTION_BLOCK = record(
    [
        ("slice_idx", np.int64),
        ("x_cb", np.int64),
        ("y_cb", np.int64),
        ("cb_size", np.int64),
        ("part_mode", np.int64),
        ("part_idx", np.int64),
        ("x", np.int64),
        ("y", np.int64),
        ("width", np.int64),
        ("height", np.int64),
    ]
)

# (table 7-10) partitions by part_mode: x, y, width, height in quarters of the coding block
_QUARTERS = [
    [(0, 0, 4, 4)],
    [(0, 0, 4, 2), (0, 2, 4, 2)],
    [(0, 0, 2, 4), (2, 0, 2, 4)],
    [(0, 0, 2, 2), (2, 0, 2, 2), (0, 2, 2, 2), (2, 2, 2, 2)],
    [(0, 0, 4, 1), (0, 1, 4, 3)],
    [(0, 0, 4, 3), (0, 3, 4, 1)],
    [(0, 0, 1, 4), (1, 0, 3, 4)],
    [(0, 0, 3, 4), (3, 0, 1, 4)],
]
PART_COUNT = np.array([len(parts) for parts in _QUARTERS], np.int64)
PARTS = np.array([parts + [(0, 0, 0, 0)] * (4 - len(parts)) for parts in _QUARTERS], np.int64)


@kernel(inline=True)
def part_rectangle(part_mode, part_idx, cb_size):
    """(7.3.8.5, table 7-10) Prediction block `part_idx` relative to its coding block: x, y, width, height."""
    return (
        (PARTS[part_mode, part_idx, 0] * cb_size) >> 2,
        (PARTS[part_mode, part_idx, 1] * cb_size) >> 2,
        (PARTS[part_mode, part_idx, 2] * cb_size) >> 2,
        (PARTS[part_mode, part_idx, 3] * cb_size) >> 2,
    )


@kernel
def prediction_block_available(f, block, x_nb, y_nb):
    """(6.4.2) Whether the inter prediction block that covers luma (x_nb, y_nb) may be used by the one in `block`."""
    b = block[0]
    if b.x_cb <= x_nb < b.x_cb + b.cb_size and b.y_cb <= y_nb < b.y_cb + b.cb_size:
        # of four partitions the second comes before the third
        if b.part_mode == PART_NxN and b.part_idx == 1 and y_nb >= b.y_cb + b.height and x_nb < b.x_cb + b.width:
            return False
    elif not available_z(f, b.x, b.y, x_nb, y_nb):
        return False
    return f.units[y_nb >> 2, x_nb >> 2].pred_mode == MODE_INTER
