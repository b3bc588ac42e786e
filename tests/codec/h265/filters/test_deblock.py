"""Deblocking against a slow reading of (8.7.2), block by block and sample by sample."""

import numpy as np
import pytest

from codec.h265.filters.deblock import deblock_horizontal_edges, deblock_vertical_edges
from codec.h265.filters.deblock_edges import make_strengths
from codec.h265.structs import MODE_INTRA
from tests.codec.h265.filters.random_frame import random_scene

BETA = [0] * 16 + [6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36]
BETA += [38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62, 64]
TC = [0] * 18 + [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4]
TC += [5, 5, 6, 6, 7, 8, 9, 10, 11, 13, 14, 16, 18, 20, 22, 24]
QPC = {30: 29, 31: 30, 32: 31, 33: 32, 34: 33, 35: 33, 36: 34, 37: 34, 38: 35, 39: 35, 40: 36, 41: 36, 42: 37, 43: 37}


def clip3(low, high, value):
    return max(low, min(high, value))


def ctb_at(frame, x, y):
    log2 = int(frame.params[0]["log2_ctb_size"])
    return frame.ctbs[(y >> log2) * int(frame.params[0]["width_in_ctbs"]) + (x >> log2)]


def slice_at(frame, x, y):
    return frame.slices[ctb_at(frame, x, y)["slice_idx"]]


def reference_edge_flags(frame, block, vertical):
    """(8.7.2.3, 8.7.2.4) {(x, y): is a transform edge} of the 4-sample edge pieces of a coding block."""
    x0, y0, size = block.x, block.y, block.size
    xn, yn = (x0 - 1, y0) if vertical else (x0, y0 - 1)
    filter_edge = xn >= 0 and yn >= 0
    if filter_edge:
        here, there = ctb_at(frame, x0, y0), ctb_at(frame, xn, yn)
        if here["tile_id"] != there["tile_id"] and not frame.params[0]["loop_filter_across_tiles"]:
            filter_edge = False
        if here["slice_addr"] != there["slice_addr"] and not slice_at(frame, x0, y0)["loop_filter_across_slices"]:
            filter_edge = False
    flags = {}
    quarters = {2: [2], 3: [2], 6: [1], 7: [3]} if vertical else {1: [2], 3: [2], 4: [1], 5: [3]}
    for offset in quarters.get(block.part_mode, []):
        for k in range(0, size, 4):
            at = offset * size // 4
            flags[(x0 + at, y0 + k) if vertical else (x0 + k, y0 + at)] = False
    for tx, ty, ts in block.transforms:
        for k in range(0, ts, 4):
            flags[(tx, ty + k) if vertical else (tx + k, ty)] = True
    on_grid = {(x, y): t for (x, y), t in flags.items() if (x if vertical else y) % 8 == 0}
    border = x0 if vertical else y0
    return {(x, y): t for (x, y), t in on_grid.items() if (x if vertical else y) != border or filter_edge}


def reference_motion_strength(scene, xp, yp, xq, yq):
    """(8.7.2.5) The part of bS that looks at motion; vectors are paired with the pictures they point into."""

    def vectors(x, y):
        motion = scene.frame.motion[y // 4, x // 4]
        refs = scene.ref_poc[ctb_at(scene.frame, x, y)["slice_idx"]]
        used = [i for i in range(2) if motion["ref_idx"][i] >= 0]
        return [(int(refs[i][motion["ref_idx"][i]]), [int(v) for v in motion["mv"][i]]) for i in used]

    def apart(a, b):
        return abs(a[0] - b[0]) >= 4 or abs(a[1] - b[1]) >= 4

    p, q = vectors(xp, yp), vectors(xq, yq)
    if sorted(r for r, _ in p) != sorted(r for r, _ in q):
        return 1
    if len(p) == 1:
        return int(apart(p[0][1], q[0][1]))
    if p[0][0] != p[1][0]:
        return int(any(apart(mv, dict(q)[ref]) for ref, mv in p))
    (_, p0), (_, p1) = p
    (_, q0), (_, q1) = q
    return int((apart(p0, q0) or apart(p1, q1)) and (apart(p0, q1) or apart(p1, q0)))


def reference_strength(scene, x, y, is_transform_edge, vertical):
    xp, yp = (x - 1, y) if vertical else (x, y - 1)
    p, q = scene.frame.units[yp // 4, xp // 4], scene.frame.units[y // 4, x // 4]
    if p["pred_mode"] == MODE_INTRA or q["pred_mode"] == MODE_INTRA:
        return 2
    if is_transform_edge and (p["cbf"] & 1 or q["cbf"] & 1):
        return 1
    return reference_motion_strength(scene, xp, yp, x, y)


def reference_luma(lines, beta, tc, keep_p, keep_q, top):
    """(8.7.2.5.3, .6, .7) Filter four lines; each is p3 p2 p1 p0 q0 q1 q2 q3 and is changed in place."""

    def second(i, a, b, c):
        return abs(lines[i][a] - 2 * lines[i][b] + lines[i][c])

    dp = {i: second(i, 1, 2, 3) for i in (0, 3)}
    dq = {i: second(i, 6, 5, 4) for i in (0, 3)}
    if dp[0] + dq[0] + dp[3] + dq[3] >= beta:
        return
    strong = all(
        2 * (dp[i] + dq[i]) < beta >> 2
        and abs(lines[i][0] - lines[i][3]) + abs(lines[i][4] - lines[i][7]) < beta >> 3
        and abs(lines[i][3] - lines[i][4]) < (5 * tc + 1) >> 1
        for i in (0, 3)
    )
    d_ep = dp[0] + dp[3] < (beta + (beta >> 1)) >> 3
    d_eq = dq[0] + dq[3] < (beta + (beta >> 1)) >> 3
    for line in lines:
        p3, p2, p1, p0, q0, q1, q2, q3 = line
        new = list(line)
        if strong:
            new[3] = clip3(p0 - 2 * tc, p0 + 2 * tc, (p2 + 2 * p1 + 2 * p0 + 2 * q0 + q1 + 4) >> 3)
            new[2] = clip3(p1 - 2 * tc, p1 + 2 * tc, (p2 + p1 + p0 + q0 + 2) >> 2)
            new[1] = clip3(p2 - 2 * tc, p2 + 2 * tc, (2 * p3 + 3 * p2 + p1 + p0 + q0 + 4) >> 3)
            new[4] = clip3(q0 - 2 * tc, q0 + 2 * tc, (p1 + 2 * p0 + 2 * q0 + 2 * q1 + q2 + 4) >> 3)
            new[5] = clip3(q1 - 2 * tc, q1 + 2 * tc, (p0 + q0 + q1 + q2 + 2) >> 2)
            new[6] = clip3(q2 - 2 * tc, q2 + 2 * tc, (p0 + q0 + q1 + 3 * q2 + 2 * q3 + 4) >> 3)
        else:
            delta = (9 * (q0 - p0) - 3 * (q1 - p1) + 8) >> 4
            if abs(delta) < tc * 10:
                delta = clip3(-tc, tc, delta)
                new[3], new[4] = clip3(0, top, p0 + delta), clip3(0, top, q0 - delta)
                if d_ep:
                    change = clip3(-(tc >> 1), tc >> 1, (((p2 + p0 + 1) >> 1) - p1 + delta) >> 1)
                    new[2] = clip3(0, top, p1 + change)
                if d_eq:
                    change = clip3(-(tc >> 1), tc >> 1, (((q2 + q0 + 1) >> 1) - q1 - delta) >> 1)
                    new[5] = clip3(0, top, q1 + change)
        line[:] = (line[:4] if keep_p else new[:4]) + (line[4:] if keep_q else new[4:])


def reference_chroma(line, tc, keep_p, keep_q, top):
    p1, p0, q0, q1 = line
    delta = clip3(-tc, tc, (((q0 - p0) << 2) + p1 - q1 + 4) >> 3)
    if not keep_p:
        line[1] = clip3(0, top, p0 + delta)
    if not keep_q:
        line[2] = clip3(0, top, q0 - delta)


def line_slices(x, y, k, reach, vertical):
    """Index of line k across the edge that starts at (x, y), `reach` samples on both sides."""
    if vertical:
        return np.s_[y + k, x - reach : x + reach]
    return np.s_[y - reach : y + reach, x + k]


def reference_filter_piece(frame, x, y, bs, vertical):
    """(8.7.2.5) One 4-sample piece of edge in luma; in chroma, the four chroma lines of every other piece."""
    p = frame.params[0]
    xp, yp = (x - 1, y) if vertical else (x, y - 1)
    unit_p, unit_q = frame.units[yp // 4, xp // 4], frame.units[y // 4, x // 4]
    keep_p, keep_q = (bool(u["bypass"] or (p["pcm_loop_filter_disabled"] and u["pcm_flag"])) for u in (unit_p, unit_q))
    here = slice_at(frame, x, y)
    qp_l = (int(unit_p["qp_y"]) + int(unit_q["qp_y"]) + 1) >> 1
    beta = BETA[clip3(0, 51, qp_l + int(here["beta_offset"]))] << (int(p["bit_depth_y"]) - 8)
    tc = TC[clip3(0, 53, qp_l + 2 * (bs - 1) + int(here["tc_offset"]))] << (int(p["bit_depth_y"]) - 8)
    at = [line_slices(x, y, k, 4, vertical) for k in range(4)]
    lines = [[int(v) for v in frame.luma[i]] for i in at]
    reference_luma(lines, beta, tc, keep_p, keep_q, (1 << int(p["bit_depth_y"])) - 1)
    for i, line in zip(at, lines, strict=True):
        frame.luma[i] = line

    across, along = (x, y) if vertical else (y, x)
    if p["chroma_format_idc"] == 0 or bs != 2 or (across // 2) % 8 or along % 8:
        return
    for plane, offset in ((frame.cb, p["cb_qp_offset"]), (frame.cr, p["cr_qp_offset"])):
        qpi = qp_l + int(offset)
        qpc = qpi if qpi < 30 else QPC.get(qpi, qpi - 6)
        tc = TC[clip3(0, 53, qpc + 2 + int(here["tc_offset"]))] << (int(p["bit_depth_c"]) - 8)
        for k in range(4):
            i = line_slices(x // 2, y // 2, k, 2, vertical)
            line = [int(v) for v in plane[i]]
            reference_chroma(line, tc, keep_p, keep_q, (1 << int(p["bit_depth_c"])) - 1)
            plane[i] = line


def reference_deblock(scene):
    """(8.7.2) Deblock scene.frame in place; returns how many edge pieces had each strength."""
    counts = [0, 0, 0]
    for vertical in (True, False):
        for block in scene.blocks:
            if slice_at(scene.frame, block.x, block.y)["deblocking_disabled"]:
                continue
            for (x, y), is_transform_edge in reference_edge_flags(scene.frame, block, vertical).items():
                bs = reference_strength(scene, x, y, is_transform_edge, vertical)
                counts[bs] += 1
                if bs:
                    reference_filter_piece(scene.frame, x, y, bs, vertical)
    return counts


def copied(frame):
    return frame._replace(luma=frame.luma.copy(), cb=frame.cb.copy(), cr=frame.cr.copy())


def deblock(frame, ref_poc, bands):
    strengths = make_strengths(frame.params[0])
    strengths[:] = 99
    for begin, end in bands:
        deblock_vertical_edges(frame, ref_poc, strengths, begin, end)
    for begin, end in bands:
        deblock_horizontal_edges(frame, strengths, begin, end)


def assert_same_planes(actual, expected):
    for name in ("luma", "cb", "cr"):
        np.testing.assert_array_equal(getattr(actual, name), getattr(expected, name), err_msg=name)


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("depths", [(8, 8), (10, 10), (8, 10)])
@pytest.mark.parametrize("log2_ctb_size", [4, 5, 6])
def test_equals_the_standard(log2_ctb_size, depths, smooth):
    rng = np.random.default_rng([log2_ctb_size, *depths, smooth])
    for round_ in range(4):
        size = 8 * rng.integers(1, 18, 2)
        options = {"depths": depths, "smooth": smooth, "chroma": round_ != 3, "inter": round_ != 2}
        scene = random_scene(rng, *size.tolist(), log2_ctb_size, **options)
        expected = scene._replace(frame=copied(scene.frame))
        reference_deblock(expected)
        rows = int(scene.frame.params[0]["height_in_ctbs"])
        deblock(scene.frame, scene.ref_poc, [(0, rows)])
        assert_same_planes(scene.frame, expected.frame)


def test_random_pictures_reach_every_strength_and_change_samples():
    scene = random_scene(np.random.default_rng(5), 128, 96, 5)
    scene.frame.slices["deblocking_disabled"] = 0
    before = copied(scene.frame)
    assert min(reference_deblock(scene)) > 20
    assert (before.luma != scene.frame.luma).mean() > 0.05
    assert (before.cb != scene.frame.cb).mean() > 0.02


@pytest.mark.parametrize("inter", [False, True])
def test_any_split_in_rows_gives_the_same_picture(inter):
    scene = random_scene(np.random.default_rng(6), 72, 136, 4, inter=inter)
    whole, split = copied(scene.frame), copied(scene.frame)
    rows = int(scene.frame.params[0]["height_in_ctbs"])
    deblock(whole, scene.ref_poc, [(0, rows)])
    deblock(split, scene.ref_poc, [(r, r + 1) for r in reversed(range(rows))])
    assert_same_planes(split, whole)


def test_nothing_decoded_yet_is_left_alone():
    scene = random_scene(np.random.default_rng(7), 64, 64, 4)
    scene.frame.ctbs["slice_addr"] = -1
    scene.frame.ctbs["slice_idx"] = 0
    before = copied(scene.frame)
    deblock(scene.frame, scene.ref_poc, [(0, 4)])
    assert_same_planes(scene.frame, before)
