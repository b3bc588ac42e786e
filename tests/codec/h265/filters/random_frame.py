"""Random but legal pictures for the tests of the in-loop filters: quadtrees, modes, slices, tiles, motion, samples."""

from typing import NamedTuple

import numpy as np

from codec.h265.structs import (
    CTB,
    MODE_INTER,
    MODE_INTRA,
    MOTION,
    PARAMS,
    SLICE,
    UNIT,
    Frame,
    PART_2Nx2N,
    PART_NxN,
)


class CodingBlock(NamedTuple):
    """A leaf of the coding quadtree; `transforms` are (x, y, size) of its transform blocks."""

    x: int
    y: int
    size: int
    pred_mode: int
    part_mode: int
    transforms: list


class Scene(NamedTuple):
    """A random frame, the quadtree that its units were painted from, and the picture ids of its references."""

    frame: Frame
    blocks: list
    ref_poc: np.ndarray


def _cuts(rng, count, probability):
    """Start positions of random runs that cover range(count)."""
    return [0] + [i for i in range(1, count) if rng.random() < probability]


def _paint_ctbs(rng, params, ctbs, with_tiles, with_slices):
    """Tiles, tile scan and slice segments; returns the number of segments and which of them are dependent."""
    columns, rows = int(params["width_in_ctbs"]), int(params["height_in_ctbs"])
    column_starts = _cuts(rng, columns, 0.4 if with_tiles else 0)
    row_starts = _cuts(rng, rows, 0.4 if with_tiles else 0)
    scan = []
    for tile_id, (top, left) in enumerate((t, c) for t in row_starts for c in column_starts):
        bottom = min([r for r in row_starts if r > top] + [rows])
        right = min([c for c in column_starts if c > left] + [columns])
        for y in range(top, bottom):
            for x in range(left, right):
                ctbs[y * columns + x]["tile_id"] = tile_id
                scan.append(y * columns + x)
    cut_inside_tiles = rng.random() < 0.6
    segment, slice_addr, dependent = -1, 0, []
    for ts, addr in enumerate(scan):
        starts_tile = ts > 0 and ctbs[scan[ts - 1]]["tile_id"] != ctbs[addr]["tile_id"]
        may_cut = with_slices and (starts_tile or cut_inside_tiles)
        must_cut = with_slices and starts_tile and cut_inside_tiles
        if ts == 0 or must_cut or (may_cut and rng.random() < 0.4):
            segment += 1
            is_dependent = ts > 0 and not must_cut and rng.random() < 0.3
            dependent.append(is_dependent)
            slice_addr = slice_addr if is_dependent else addr
        ctbs[addr]["addr_ts"] = ts
        ctbs[addr]["slice_idx"] = segment
        ctbs[addr]["slice_addr"] = slice_addr
    return dependent


def _random_slices(rng, params, dependent):
    slices = np.zeros(len(dependent), SLICE)
    for i, is_dependent in enumerate(dependent):
        if is_dependent:
            slices[i] = slices[i - 1]
            continue
        slices[i]["slice_sao_luma"] = rng.random() < 0.8
        slices[i]["slice_sao_chroma"] = rng.random() < 0.8
        slices[i]["deblocking_disabled"] = rng.random() < 0.2
        slices[i]["loop_filter_across_slices"] = rng.random() < 0.5
        slices[i]["beta_offset"] = 2 * rng.integers(-6, 7)
        slices[i]["tc_offset"] = 2 * rng.integers(-6, 7)
    return slices


def _transform_leaves(rng, x, y, size, must_split):
    if size > 32 or must_split or (size > 4 and rng.random() < 0.3):
        half = size // 2
        return [
            leaf for dy in (0, half) for dx in (0, half) for leaf in _transform_leaves(rng, x + dx, y + dy, half, False)
        ]
    return [(x, y, size)]


def _part_rectangles(x, y, size, part_mode):
    """(table 7-10) Prediction blocks of a coding block as (x, y, width, height)."""
    half, quarter = size // 2, size // 4
    splits = {
        0: [(0, 0, size, size)],
        1: [(0, 0, size, half), (0, half, size, half)],
        2: [(0, 0, half, size), (half, 0, half, size)],
        3: [(0, 0, half, half), (half, 0, half, half), (0, half, half, half), (half, half, half, half)],
        4: [(0, 0, size, quarter), (0, quarter, size, size - quarter)],
        5: [(0, 0, size, size - quarter), (0, size - quarter, size, quarter)],
        6: [(0, 0, quarter, size), (quarter, 0, size - quarter, size)],
        7: [(0, 0, size - quarter, size), (size - quarter, 0, quarter, size)],
    }
    return [(x + dx, y + dy, w, h) for dx, dy, w, h in splits[part_mode]]


def _random_motion(rng):
    """Few distinct values, so that every comparison of (8.7.2.5) comes out both ways."""
    motion = np.zeros((), MOTION)
    lists = rng.integers(1, 4)
    for i in range(2):
        used = lists >> i & 1
        motion["ref_idx"][i] = rng.integers(0, 2) if used else -1
        motion["mv"][i] = rng.choice([-4, 0, 0, 3, 4], 2) if used else rng.integers(-99, 99, 2)
    return motion


def _paint_block(rng, frame, x, y, size, inter):
    params, units = frame.params[0], frame.units
    pred_mode = MODE_INTER if inter and rng.random() < 0.8 else MODE_INTRA
    part_mode = PART_2Nx2N
    if pred_mode == MODE_INTER and rng.random() < 0.6:
        part_mode = int(rng.choice([1, 2] if size == 8 else [1, 2, 4, 5, 6, 7]))
    elif size == 8 and pred_mode == MODE_INTRA and rng.random() < 0.4:
        part_mode = PART_NxN
    transforms = _transform_leaves(rng, x, y, size, part_mode == PART_NxN)
    block = np.s_[y // 4 : (y + size) // 4, x // 4 : (x + size) // 4]
    units["log2_cb_size"][block] = size.bit_length() - 1
    units["pred_mode"][block] = pred_mode
    units["part_mode"][block] = part_mode
    units["qp_y"][block] = rng.integers(-6 * (params["bit_depth_y"] - 8), 52)
    units["bypass"][block] = params["transquant_bypass_enabled"] and rng.random() < 0.15
    units["pcm_flag"][block] = pred_mode == MODE_INTRA and rng.random() < 0.15
    for tx, ty, ts in transforms:
        leaf = np.s_[ty // 4 : (ty + ts) // 4, tx // 4 : (tx + ts) // 4]
        units["log2_tb_size"][leaf] = ts.bit_length() - 1
        units["cbf"][leaf] = rng.integers(0, 8) & (7 if rng.random() < 0.3 else 6)
    if pred_mode == MODE_INTER:
        for px, py, w, h in _part_rectangles(x, y, size, part_mode):
            frame.motion[py // 4 : (py + h) // 4, px // 4 : (px + w) // 4] = _random_motion(rng)
    return CodingBlock(x, y, size, pred_mode, part_mode, transforms)


def _paint_tree(rng, frame, x, y, size, inter):
    params = frame.params[0]
    if x >= params["pic_width"] or y >= params["pic_height"]:
        return []
    crosses = x + size > params["pic_width"] or y + size > params["pic_height"]
    if crosses or (size > 8 and rng.random() < 0.6):
        half = size // 2
        return [
            block
            for dy in (0, half)
            for dx in (0, half)
            for block in _paint_tree(rng, frame, x + dx, y + dy, half, inter)
        ]
    return [_paint_block(rng, frame, x, y, size, inter)]


def _random_plane(rng, height, width, bit_depth, smooth):
    """Samples of one plane: gentle slopes with small blocks' steps (filters act), or full-range noise."""
    top = (1 << bit_depth) - 1
    if not smooth:
        return rng.choice([0, 1, top // 2, top - 1, top], (height, width)).astype(np.int16)
    scale = 1 << (bit_depth - 8)
    steps = np.kron(rng.integers(-6, 7, (-(-height // 4), -(-width // 4))), np.ones((4, 4), np.int64))
    y, x = np.mgrid[:height, :width]
    plane = 20 + x + y // 2 + steps[:height, :width] + rng.integers(0, 2, (height, width))
    return np.clip(plane * scale + rng.integers(0, scale, plane.shape), 0, top).astype(np.int16)


def random_sao(rng, frame):
    """Fill the SAO fields of every CTB with random parameters."""
    params = frame.params[0]
    for ctb in frame.ctbs:
        for c_idx, depth in enumerate((params["bit_depth_y"], params["bit_depth_c"], params["bit_depth_c"])):
            largest = (1 << (min(int(depth), 10) - 5)) - 1
            ctb["sao_type"][c_idx] = rng.integers(0, 3)
            ctb["sao_eo_class"][c_idx] = rng.integers(0, 4)
            ctb["sao_band_position"][c_idx] = rng.integers(0, 32)
            offsets = rng.integers(-largest, largest + 1, 4)
            if ctb["sao_type"][c_idx] == 2:
                offsets = np.abs(offsets) * [1, 1, -1, -1]
            ctb["sao_offset"][c_idx] = offsets


def random_scene(
    rng,
    width,
    height,
    log2_ctb_size,
    *,
    depths=(8, 8),
    chroma=True,
    inter=True,
    tiles=True,
    slices=True,
    lossless=True,
    smooth=True,
):
    """A random :class:`Scene`; width and height are multiples of 8."""
    params = np.zeros(1, PARAMS)
    p = params[0]
    ctb_size = 1 << log2_ctb_size
    p["pic_width"], p["pic_height"], p["log2_ctb_size"] = width, height, log2_ctb_size
    p["width_in_units"], p["height_in_units"] = width // 4, height // 4
    p["width_in_ctbs"], p["height_in_ctbs"] = -(-width // ctb_size), -(-height // ctb_size)
    p["bit_depth_y"], p["bit_depth_c"] = depths
    p["chroma_format_idc"] = 1 if chroma else 0
    p["sao_enabled"] = 1
    p["cb_qp_offset"], p["cr_qp_offset"] = rng.integers(-12, 13, 2)
    p["pcm_enabled"] = 1 if lossless else 0
    p["pcm_loop_filter_disabled"] = lossless and rng.random() < 0.5
    p["transquant_bypass_enabled"] = lossless and rng.random() < 0.5
    p["loop_filter_across_tiles"] = rng.random() < 0.5
    ctbs = np.zeros(int(p["width_in_ctbs"] * p["height_in_ctbs"]), CTB)
    dependent = _paint_ctbs(rng, p, ctbs, tiles, slices)
    chroma_shape = (height // 2, width // 2) if chroma else (0, 0)
    frame = Frame(
        params=params,
        slices=_random_slices(rng, p, dependent),
        units=np.zeros((height // 4, width // 4), UNIT),
        ctbs=ctbs,
        motion=np.zeros((height // 4, width // 4) if inter else (0, 0), MOTION),
        scaling=np.full((4, 6, 1024), 16, np.int16),
        luma=_random_plane(rng, height, width, depths[0], smooth),
        cb=_random_plane(rng, *chroma_shape, depths[1], smooth),
        cr=_random_plane(rng, *chroma_shape, depths[1], smooth),
    )
    blocks = []
    for y in range(0, height, ctb_size):
        for x in range(0, width, ctb_size):
            blocks += _paint_tree(rng, frame, x, y, ctb_size, inter)
    random_sao(rng, frame)
    ref_poc = rng.integers(0, 3, (len(dependent), 2, 16)).astype(np.int32)
    return Scene(frame, blocks, ref_poc)
