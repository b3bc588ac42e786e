"""What the nets of the CNN loop filter may ask for, made from a picture: docs/NETS.md has the table.

Samples are brought to 10 bits around 0, so that one net serves all bit depths. Every map is an int16 array of
(1, 1, height, width) on the net's grid: 0 has the size of luma, 1 that of chroma.
"""

from typing import NamedTuple

import numpy as np

SAMPLE_FRACTION = 9  # 10-bit samples around 512 are -1..1
_DEPTH = 10
_CENTRE = 1 << (_DEPTH - 1)

# name: (grids, least, most)
INPUTS = {
    "rec_y": ((0,), -512, 511),
    "rec_u": ((1,), -512, 511),
    "rec_v": ((1,), -512, 511),
    "pred_y": ((0,), -512, 511),
    "res_y": ((0,), -512, 511),
    "edges": ((1,), 0, 512),
    "qp": ((0, 1), 0, 8 * 51),
}


class Sides(NamedTuple):
    """What a picture knows beside its samples; None for what no net asks for.

    residual    int16 luma plane, at the coded depth;  prediction: likewise
    strengths   boundary strengths, see filters/deblock_edges.py
    """

    residual: np.ndarray | None = None
    prediction: np.ndarray | None = None
    strengths: np.ndarray | None = None


def net_inputs(entries, frame, sides):
    """{name: map} of a net's input entries (nets.qnet.Input) for a frame as the filter finds it, and its Sides."""
    return {entry.name: _make(entry.name, entry.grid, frame, sides)[None, None] for entry in entries}


def _make(name, grid, frame, sides):
    p = frame.params[0]
    depth = int(p["bit_depth_y"])
    if name == "rec_y":
        return _samples(frame.luma, depth)
    if name in ("rec_u", "rec_v"):
        plane = frame.cb if name == "rec_u" else frame.cr
        if not plane.size:
            # 4:0:0: as if grey
            return np.zeros([side >> 1 for side in frame.luma.shape], np.int16)
        return _samples(plane, int(p["bit_depth_c"]))
    if name == "pred_y":
        return _samples(sides.prediction, depth)
    if name == "res_y":
        return np.clip(sides.residual.astype(np.int32) << (_DEPTH - depth), -_CENTRE, _CENTRE - 1).astype(np.int16)
    if name == "edges":
        return edge_map(sides.strengths)
    return qp_map(frame, grid)


def _samples(plane, depth):
    return ((plane << (_DEPTH - depth)) - _CENTRE).astype(np.int16)


def edge_map(strengths):
    """256 * the strength of the strongest edge beside each 2x2 luma block: (h/2, w/2) int16.

    strengths  (2, h/4, w/4): of vertical edges, where the column is even; of horizontal ones, where the row is
    """
    vertical, horizontal = strengths[0][:, ::2], strengths[1][::2]
    height, width = strengths.shape[1:]
    edges = np.zeros((2 * height, 2 * width), np.int16)
    columns = np.repeat(vertical, 2, axis=0)
    edges[:, 0::4] = columns
    edges[:, 3:-1:4] = columns[:, 1:]
    rows = np.repeat(horizontal, 2, axis=1)
    np.maximum(edges[0::4], rows, out=edges[0::4])
    np.maximum(edges[3:-1:4], rows[1:], out=edges[3:-1:4])
    return edges << 8


def qp_map(frame, grid):
    """8 * SliceQpY, from 0 to 51, of the slice that each sample lies in."""
    height, width = (side >> grid for side in frame.luma.shape)
    qps = np.clip(frame.slices["slice_qp_y"], 0, 51).astype(np.int16) << 3
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
