"""What was chosen for each block of a picture: coding, intra, prediction blocks, transform units, loop filters.

Everything is read from the block data that decoder and encoder share (structs.Frame), by looking for the blocks'
origins in the whole picture at once. Coordinates are luma samples of the coded picture. Rows are in raster order of the
blocks' origins; the prediction blocks of a coding unit stand together.
"""

from typing import NamedTuple

import numpy as np

from codec.h265.intra_modes import FIRST_ANGULAR, INTRA_DC, INTRA_PLANAR, INTRA_VER, MPMS
from codec.h265.recon.prediction_block import PART_COUNT, PARTS
from codec.h265.structs import MODE_INTER, MODE_INTRA, PART_NxN

CODING_UNIT = np.dtype(
    [
        ("x", np.int32),
        ("y", np.int32),
        ("size", np.int32),
        ("pred_mode", np.int8),
        ("skip", np.int8),  # cu_skip_flag
        ("part_mode", np.int8),
        ("qp_y", np.int8),
        ("pcm", np.int8),
        ("bypass", np.int8),  # cu_transquant_bypass_flag
        ("chroma_mode", np.int8),  # IntraPredModeC; -1 where nothing is predicted so
    ]
)
# mode_rank: of luma_mode where modes have ranks (CnnMpm); else its place in candModeList, behind that its rank among
# the others, from MPMS on. Both are -1 for pcm
INTRA_BLOCK = np.dtype(
    [("x", np.int32), ("y", np.int32), ("size", np.int32), ("luma_mode", np.int8), ("mode_rank", np.int8)]
)
INTER_BLOCK = np.dtype(
    [
        ("x", np.int32),
        ("y", np.int32),
        ("width", np.int32),
        ("height", np.int32),
        ("skip", np.int8),
        ("merge_flag", np.int8),
        ("merge_idx", np.int8),  # -1 without merge_flag
        ("ref_idx", np.int8, (2,)),  # -1 for "list not used", then ref_poc and mv are 0
        ("ref_poc", np.int32, (2,)),
        ("mv", np.int16, (2, 2)),  # by list: horizontal, vertical, in quarter samples
        ("filter_set", np.int8),  # of interpolation: 0 is H.265's, others are trained
    ]
)
TRANSFORM_UNIT = np.dtype(
    [
        ("x", np.int32),
        ("y", np.int32),
        ("size", np.int32),
        ("cbf", np.int8),  # bit cIdx; 4x4 luma blocks have the chroma bits of their 8x8 parent
        ("transform_skip", np.int8),  # bit cIdx; the chroma bits of four 4x4 luma blocks are in the fourth
    ]
)
SAO_BLOCK = np.dtype(
    [
        ("x", np.int32),
        ("y", np.int32),
        ("width", np.int32),
        ("height", np.int32),
        ("type", np.int8, (3,)),
        ("eo_class", np.int8, (3,)),
        ("band_position", np.int8, (3,)),
        ("merge", np.int8),
        ("offset", np.int16, (3, 4)),
    ]
)
CNN_FILTER_BLOCK = np.dtype(
    [
        ("x", np.int32),
        ("y", np.int32),
        ("width", np.int32),
        ("height", np.int32),
        ("changed", np.int8, (3,)),  # 1 for each component that the CNN loop filter changes here
        ("net", np.int8),  # which of PictureStatistics.filter_nets
    ]
)
INTRA_SR_BLOCK = np.dtype(
    [
        ("x", np.int32),
        ("y", np.int32),
        ("width", np.int32),
        ("height", np.int32),
        ("half", np.int8),  # 1: coded at half size
    ]
)


class PictureStatistics(NamedTuple):
    """The choices of one picture. Coding units tile it, and so do transform units, intra with inter blocks, and sao.

    window   (left, top, width, height) of the conformance window, which is what is output, in the coded picture
    coding_units, intra_blocks, inter_blocks, transform_units, sao   record arrays of the dtypes above; a coding unit
             without transform tree (skipped, pcm, no residual) counts as transform units of the largest size, cbf 0
    cnn_filter, filter_nets   rows that tile the picture, and the ids of the nets; both empty without that tool
    intra_sr   rows that tile the picture; empty without that tool. Blocks at half size stand in all the others with the
             size that they have in the picture
    """

    window: tuple[int, int, int, int]
    coding_units: np.ndarray
    intra_blocks: np.ndarray
    inter_blocks: np.ndarray
    transform_units: np.ndarray
    sao: np.ndarray
    cnn_filter: np.ndarray = np.zeros(0, CNN_FILTER_BLOCK)
    filter_nets: tuple[str, ...] = ()
    intra_sr: np.ndarray = np.zeros(0, INTRA_SR_BLOCK)


def picture_statistics(frame, ref_pocs, window=None):
    """The PictureStatistics of a coded picture, as copies, but for what tools beyond H.265 add.

    frame      structs.Frame, all its CTUs decided or decoded
    ref_pocs   (n, 2, 16) integers by slice_idx, list and ref_idx: `References.lists["poc"]`; None for I slices only
    window     conformance window; None: the whole picture
    """
    height, width = frame.units.shape
    cus = _coding_units(frame)
    return PictureStatistics(
        window or (0, 0, width * 4, height * 4),
        cus,
        _intra_blocks(frame, cus[cus["pred_mode"] == MODE_INTRA]),
        _inter_blocks(frame, cus[cus["pred_mode"] == MODE_INTER], ref_pocs),
        _transform_units(frame.units),
        _sao_blocks(frame),
    )


def _origins(log2_size):
    """Rows and columns of the 4x4 units at which blocks begin that are aligned to their own size."""
    mask = (1 << (log2_size.astype(np.int32) - 2)) - 1
    rows, columns = np.indices(log2_size.shape, np.int32, sparse=True)
    return np.nonzero(((rows | columns) & mask) == 0)


def _placed(dtype, y4, x4):
    rows = np.zeros(len(x4), dtype)
    rows["x"], rows["y"] = x4 * 4, y4 * 4
    return rows


def _coding_units(frame):
    y4, x4 = _origins(frame.units["log2_cb_size"])
    units = frame.units[y4, x4]
    rows = _placed(CODING_UNIT, y4, x4)
    rows["size"] = 1 << units["log2_cb_size"].astype(np.int32)
    for name in ("pred_mode", "part_mode", "qp_y", "bypass"):
        rows[name] = units[name]
    rows["skip"], rows["pcm"] = units["cu_skip_flag"], units["pcm_flag"]
    has_mode = (units["pred_mode"] == MODE_INTRA) & (units["pcm_flag"] == 0)
    has_mode &= bool(frame.params[0]["chroma_format_idc"])
    rows["chroma_mode"] = np.where(has_mode, units["intra_chroma_mode"], -1)
    return rows


def _intra_blocks(frame, cus):
    """IntraPredModeY of each part, and its rank; -1 for pcm."""
    units = frame.units
    split = cus["part_mode"] == PART_NxN
    whole, parts = cus[~split], np.repeat(cus[split], 4)
    corner = np.tile(np.arange(4), len(parts) // 4)
    rows = np.zeros(len(whole) + len(parts), INTRA_BLOCK)
    half = parts["size"] // 2
    rows["x"] = np.concatenate([whole["x"], parts["x"] + half * (corner & 1)])
    rows["y"] = np.concatenate([whole["y"], parts["y"] + half * (corner >> 1)])
    rows["size"] = np.concatenate([whole["size"], half])
    found = units[rows["y"] >> 2, rows["x"] >> 2]
    rows["luma_mode"] = np.where(found["pcm_flag"], -1, found["intra_luma_mode"])
    ranks = found["mode_rank"] if frame.params[0]["mode_ranks"] else _listed_ranks(frame, rows)
    rows["mode_rank"] = np.where(found["pcm_flag"], -1, ranks)
    return rows[np.lexsort((rows["x"], rows["y"]))]


def _listed_ranks(frame, rows):
    """(8.4.2) The modes' places in candModeList, or MPMS and what rem_intra_luma_pred_mode is."""
    x, y, mode = (rows[name].astype(np.int64) for name in ("x", "y", "luma_mode"))
    log2_ctb, width = int(frame.params[0]["log2_ctb_size"]), int(frame.params[0]["width_in_ctbs"])

    def neighbour(u, v):
        there = (u >= 0) & (v >= 0)
        u, v = np.maximum(u, 0), np.maximum(v, 0)
        here, other = (frame.ctbs[(b >> log2_ctb) * width + (a >> log2_ctb)] for a, b in ((x, y), (u, v)))
        for name in ("slice_addr", "tile_id"):
            there &= here[name] == other[name]
        return np.where(there, frame.units["intra_luma_mode"][v >> 2, u >> 2], INTRA_DC).astype(np.int64)

    left = neighbour(x - 1, y)
    up = np.where(y & ((1 << log2_ctb) - 1), neighbour(x, y - 1), INTRA_DC)
    third = np.where((left != INTRA_PLANAR) & (up != INTRA_PLANAR), INTRA_PLANAR, INTRA_VER)
    third = np.where((third == INTRA_VER) & (left != INTRA_DC) & (up != INTRA_DC), INTRA_DC, third)
    listed = np.stack([left, up, third], 1)
    same = left == up
    listed[same & (left < FIRST_ANGULAR)] = INTRA_PLANAR, INTRA_DC, INTRA_VER
    angles = same & (left >= FIRST_ANGULAR)
    listed[angles, 1] = 2 + ((left[angles] + 29) & 31)
    listed[angles, 2] = 2 + ((left[angles] - 1) & 31)
    places = listed == mode[:, None]
    return np.where(places.any(1), places.argmax(1), MPMS + mode - (listed < mode[:, None]).sum(1))


def _inter_blocks(frame, cus, ref_pocs):
    """(table 7-10) The prediction blocks of all inter coding units with their motion."""
    count = PART_COUNT[cus["part_mode"]]
    owner = np.repeat(np.arange(len(cus)), count)
    part_idx = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    cu = cus[owner]
    rows = np.zeros(len(owner), INTER_BLOCK)
    if not len(rows):
        return rows
    x, y, width, height = (PARTS[cu["part_mode"], part_idx] * cu["size"][:, None] >> 2).T
    rows["x"], rows["y"], rows["width"], rows["height"] = cu["x"] + x, cu["y"] + y, width, height
    at = rows["y"] >> 2, rows["x"] >> 2
    rows["skip"], rows["merge_flag"] = cu["skip"], frame.units[at]["merge_flag"]
    rows["merge_idx"] = np.where(rows["merge_flag"], frame.prediction_units[at]["merge_idx"], -1)
    motion = frame.motion[at]
    rows["filter_set"] = motion["filter_set"]
    used = motion["ref_idx"] >= 0
    rows["ref_idx"] = np.where(used, motion["ref_idx"], -1)
    rows["mv"] = np.where(used[:, :, None], motion["mv"], 0)
    p = frame.params[0]
    ctb = (rows["y"] >> p["log2_ctb_size"]) * p["width_in_ctbs"] + (rows["x"] >> p["log2_ctb_size"])
    slice_idx = frame.ctbs["slice_idx"][ctb]
    pocs = ref_pocs[slice_idx[:, None], [[0, 1]], np.where(used, motion["ref_idx"], 0)]
    rows["ref_poc"] = np.where(used, pocs, 0)
    return rows


def _transform_units(units):
    y4, x4 = _origins(units["log2_tb_size"])
    found = units[y4, x4]
    rows = _placed(TRANSFORM_UNIT, y4, x4)
    rows["size"] = 1 << found["log2_tb_size"].astype(np.int32)
    rows["cbf"] = found["cbf"]
    # an encoder may leave flags where nothing is coded, and chroma's with all four of its luma blocks
    fourth = (rows["x"] & rows["y"] & 4) != 0
    has_chroma = (rows["size"] > 4) | fourth
    rows["transform_skip"] = found["transform_skip"] & found["cbf"] & np.where(has_chroma, 7, 1)
    return rows


def ctb_rows(dtype, frame):
    """Rows of `dtype` for the CTBs of a picture, with their places."""
    p = frame.params[0]
    size = 1 << int(p["log2_ctb_size"])
    y, x = np.divmod(np.arange(len(frame.ctbs)), int(p["width_in_ctbs"]))
    rows = np.zeros(len(frame.ctbs), dtype)
    rows["x"], rows["y"] = x * size, y * size
    rows["width"] = np.minimum(size, p["pic_width"] - rows["x"])
    rows["height"] = np.minimum(size, p["pic_height"] - rows["y"])
    return rows


def _sao_blocks(frame):
    rows = ctb_rows(SAO_BLOCK, frame)
    for name in ("type", "eo_class", "band_position", "offset", "merge"):
        rows[name] = frame.ctbs[f"sao_{name}"]
    return rows
