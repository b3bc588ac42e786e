"""What the nets of the CNN filters may ask for, gathered from a picture: docs/TOOLS.md has the tables.

How planes become inputs is in nets/filter_inputs.py, which training goes by as well. Every map is an int16 array of
(1, 1, height, width) on the net's grid: 0 has the size of luma, 1 that of chroma.
"""

from typing import NamedTuple

import numpy as np

from nets import filter_inputs

SAMPLE_FRACTION = 9  # 10-bit samples around 512 are -1..1

# name: (channels, grids, least, most)
INPUTS = {
    "rec_y": (1, (0,), -512, 511),
    "rec_u": (1, (1,), -512, 511),
    "rec_v": (1, (1,), -512, 511),
    "pred_y": (1, (0,), -512, 511),
    "res_y": (1, (0,), -512, 511),
    "edges": (1, (1,), 0, 512),
    "qp": (1, (0, 1), 0, 8 * 51),
}
# of the output filter
RGB_INPUTS = {"rec_rgb": (3, (0,), -512, 508), "qp": (1, (0,), 0, 8 * 51)}


class Sides(NamedTuple):
    """What a picture knows beside its samples; None for what no net asks for.

    residual       int16 luma plane;  reconstructed: luma before the in-loop filters
    strengths      boundary strengths, see h265/filters/deblock_edges.py
    """

    residual: np.ndarray | None = None
    reconstructed: np.ndarray | None = None
    strengths: np.ndarray | None = None


def net_inputs(entries, frame, sides):
    """{name: map} of a net's input entries (nets.qnet.Input) for a frame as the filter finds it, and its Sides."""
    return {entry.name: _make(entry.name, entry.grid, frame, sides)[None, None] for entry in entries}


def _make(name, grid, frame, sides):
    p = frame.params[0]
    depth = int(p["bit_depth_y"])
    height, width = frame.luma.shape
    if name == "rec_y":
        return filter_inputs.samples(frame.luma, depth)
    if name in ("rec_u", "rec_v"):
        plane = frame.cb if name == "rec_u" else frame.cr
        if not plane.size:
            # 4:0:0: as if grey
            return np.zeros((height // 2, width // 2), np.int16)
        return filter_inputs.samples(plane, int(p["bit_depth_c"]))
    if name == "pred_y":
        return filter_inputs.prediction(sides.reconstructed, sides.residual, depth)
    if name == "res_y":
        return filter_inputs.residual(sides.residual, depth)
    if name == "edges":
        return filter_inputs.edges(sides.strengths, height // 2, width // 2)
    return qp_map(frame, grid)


def rgb_inputs(entries, rgb, qp):
    """The same for the output filter: rgb as codec.base.io.rgb makes it; qp: of the picture's first slice."""
    made = {"rec_rgb": filter_inputs.rgb(rgb)}
    number = filter_inputs.qp(min(max(qp, 0), 51))
    made["qp"] = np.full((1, *rgb.shape[1:]), number, np.int16)
    return {entry.name: made[entry.name][None] for entry in entries}


def qp_map(frame, grid):
    """The input "qp": that of the slice which each sample lies in."""
    height, width = (side >> grid for side in frame.luma.shape)
    qps = filter_inputs.qp(np.clip(frame.slices["slice_qp_y"], 0, 51))
    if (qps == qps[0]).all():
        return np.full((height, width), qps[0], np.int16)
    return spread_ctbs(frame, qps[frame.ctbs["slice_idx"]], grid)


def spread_ctbs(frame, values, shift):
    """One value a CTB as a plane of luma's size >> shift."""
    p = frame.params[0]
    height, width = (side >> shift for side in frame.luma.shape)
    size = 1 << (int(p["log2_ctb_size"]) - shift)
    grid = values.reshape(int(p["height_in_ctbs"]), int(p["width_in_ctbs"]))
    return np.repeat(np.repeat(grid, size, axis=0), size, axis=1)[:height, :width]
