"""Sample adaptive offset against a slow reading of (8.7.3), sample by sample."""

import numpy as np
import pytest

from codec.h265.filters.sao import sao_rows
from tests.codec.h265.filters.random_frame import random_scene

H_POS = {0: (-1, 1), 1: (0, 0), 2: (-1, 1), 3: (1, -1)}
V_POS = {0: (0, 0), 1: (-1, 1), 2: (-1, 1), 3: (-1, 1)}


def sign(value):
    return (value > 0) - (value < 0)


def ctb_of(frame, x, y, sub):
    log2 = int(frame.params[0]["log2_ctb_size"])
    return frame.ctbs[(y * sub >> log2) * int(frame.params[0]["width_in_ctbs"]) + (x * sub >> log2)]


def neighbour_is_shut(frame, x, y, xn, yn, sub):
    """(8.7.3.2) The conditions under which a neighbouring sample makes edgeIdx 0."""
    p = frame.params[0]
    if not (0 <= xn * sub < p["pic_width"] and 0 <= yn * sub < p["pic_height"]):
        return True
    here, there = ctb_of(frame, x, y, sub), ctb_of(frame, xn, yn, sub)
    if here["slice_addr"] != there["slice_addr"]:
        if there["addr_ts"] < here["addr_ts"] and not frame.slices[here["slice_idx"]]["loop_filter_across_slices"]:
            return True
        if here["addr_ts"] < there["addr_ts"] and not frame.slices[there["slice_idx"]]["loop_filter_across_slices"]:
            return True
    return not p["loop_filter_across_tiles"] and here["tile_id"] != there["tile_id"]


def reference_sample(frame, rec, x, y, c_idx):
    """(8.7.3.2) saoPicture at one position of one component."""
    p, sub = frame.params[0], 2 if c_idx else 1
    ctb, sample = ctb_of(frame, x, y, sub), int(rec[y, x])
    here = frame.slices[ctb["slice_idx"]]
    unit = frame.units[y * sub // 4, x * sub // 4]
    if not here["slice_sao_chroma" if c_idx else "slice_sao_luma"] or ctb["sao_type"][c_idx] == 0:
        return sample
    if unit["bypass"] or (p["pcm_loop_filter_disabled"] and unit["pcm_flag"]):
        return sample
    depth = int(p["bit_depth_c" if c_idx else "bit_depth_y"])
    offset_val = [0, *(int(v) for v in ctb["sao_offset"][c_idx])]
    if ctb["sao_type"][c_idx] == 2:
        eo_class = int(ctb["sao_eo_class"][c_idx])
        around = [(x + h, y + v) for h, v in zip(H_POS[eo_class], V_POS[eo_class], strict=True)]
        if any(neighbour_is_shut(frame, x, y, xn, yn, sub) for xn, yn in around):
            edge_idx = 0
        else:
            edge_idx = 2 + sum(sign(sample - int(rec[yn, xn])) for xn, yn in around)
            edge_idx = {0: 1, 1: 2, 2: 0}.get(edge_idx, edge_idx)
        offset = offset_val[edge_idx]
    else:
        band_table = [0] * 32
        for k in range(4):
            band_table[(k + int(ctb["sao_band_position"][c_idx])) & 31] = k + 1
        offset = offset_val[band_table[sample >> (depth - 5)]]
    return min(max(sample + offset, 0), (1 << depth) - 1)


def reference_sao(frame):
    planes = []
    for c_idx, rec in enumerate((frame.luma, frame.cb, frame.cr)):
        out = rec.copy()
        for y, x in np.ndindex(*rec.shape):
            out[y, x] = reference_sample(frame, rec, x, y, c_idx)
        planes.append(out)
    return planes


def sao(frame, bands):
    source = [plane.copy() for plane in (frame.luma, frame.cb, frame.cr)]
    for begin, end in bands:
        sao_rows(frame, *source, begin, end)
    return frame.luma, frame.cb, frame.cr


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("depths", [(8, 8), (10, 10), (10, 8)])
@pytest.mark.parametrize("log2_ctb_size", [4, 5, 6])
def test_equals_the_standard(log2_ctb_size, depths, smooth):
    rng = np.random.default_rng([log2_ctb_size, *depths, smooth])
    for round_ in range(4):
        width, height = (8 * rng.integers(1, 12 if log2_ctb_size < 6 else 20, 2)).tolist()
        scene = random_scene(
            rng, width, height, log2_ctb_size, depths=depths, smooth=smooth, chroma=round_ != 3, lossless=round_ != 2
        )
        expected = reference_sao(scene.frame)
        changed = sao(scene.frame, [(0, int(scene.frame.params[0]["height_in_ctbs"]))])
        for actual, plane in zip(changed, expected, strict=True):
            np.testing.assert_array_equal(actual, plane)


def test_every_border_of_slices_and_tiles_is_met():
    """Small blocks, closed and open borders in all combinations, edge offsets everywhere."""
    rng = np.random.default_rng(1)
    for _ in range(12):
        scene = random_scene(rng, 64, 48, 4, lossless=False, chroma=False, smooth=False)
        scene.frame.slices["slice_sao_luma"] = 1
        scene.frame.ctbs["sao_type"] = 2
        expected = reference_sao(scene.frame)
        assert (expected[0] != scene.frame.luma).any()
        np.testing.assert_array_equal(sao(scene.frame, [(0, 3)])[0], expected[0])


def test_any_split_in_rows_gives_the_same_picture():
    scene = random_scene(np.random.default_rng(2), 72, 88, 4)
    expected = reference_sao(scene.frame)
    for actual, plane in zip(sao(scene.frame, [(r, r + 1) for r in reversed(range(6))]), expected, strict=True):
        np.testing.assert_array_equal(actual, plane)


def test_nothing_decoded_yet_is_left_alone():
    scene = random_scene(np.random.default_rng(3), 64, 64, 4)
    scene.frame.ctbs["slice_addr"] = -1
    scene.frame.ctbs["slice_idx"] = 0
    before = scene.frame.luma.copy()
    np.testing.assert_array_equal(sao(scene.frame, [(0, 4)])[0], before)
