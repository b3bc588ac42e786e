"""codec.h265.recon.merge, amvp and temporal_motion against clause 8.5.3.2, on random pictures of prediction blocks."""

from typing import NamedTuple

import numpy as np
import pytest

from codec.h265.recon.amvp import vector_candidates
from codec.h265.recon.inter import new_inter_scratch
from codec.h265.recon.merge import merge_candidates
from codec.h265.recon.prediction_block import PART_COUNT, part_rectangle
from codec.h265.recon.temporal_motion import compress_motion, distance_scale_factor, scale_vector
from codec.h265.structs import (
    COL_MOTION,
    CTB,
    MODE_INTER,
    MODE_INTRA,
    MOTION,
    PARAMS,
    PREDICTION_UNIT,
    REFERENCE,
    SLICE,
    SLICE_B,
    SLICE_P,
    UNIT,
    Frame,
    PART_2Nx2N,
    PART_NxN,
    References,
)

WIDTH, HEIGHT, CTB_SIZE = 104, 88, 32
CURRENT_POC = 20


class Block(NamedTuple):
    """One prediction block, in decoding order."""

    x_cb: int
    y_cb: int
    cb_size: int
    part_mode: int
    part_idx: int
    x: int
    y: int
    width: int
    height: int


class Scene:
    """A random picture: blocks in decoding order, their motion, and reference lists."""

    def __init__(self, seed):
        self.rng = rng = np.random.default_rng(seed)
        self.order = np.full((HEIGHT // 4, WIDTH // 4), -1, np.int64)  # position of the block that covers a unit
        self.blocks = []
        self._make_frame()
        self.is_b = bool(rng.integers(0, 2))
        self._make_lists()
        columns = -(-WIDTH // CTB_SIZE)
        for addr in range(len(self.frame.ctbs)):
            self._quadtree(addr % columns * CTB_SIZE, addr // columns * CTB_SIZE, CTB_SIZE)

    def _make_frame(self):
        rng = self.rng
        params, slices = np.zeros(1, PARAMS), np.zeros(1, SLICE)
        p, s = params[0], slices[0]
        columns, rows = -(-WIDTH // CTB_SIZE), -(-HEIGHT // CTB_SIZE)
        p["pic_width"], p["pic_height"], p["log2_ctb_size"], p["log2_min_tb_size"] = WIDTH, HEIGHT, 5, 2
        p["width_in_ctbs"], p["height_in_ctbs"] = columns, rows
        p["log2_parallel_merge_level"] = int(rng.choice([2, 2, 3, 4, 5]))
        s["poc"], s["temporal_mvp"] = CURRENT_POC, rng.integers(0, 2)
        s["max_num_merge_cand"] = rng.integers(1, 6)
        ctbs = np.zeros(columns * rows, CTB)
        ctbs["addr_ts"] = np.arange(len(ctbs))
        ctbs["slice_addr"][int(rng.integers(1, len(ctbs))) :] = 5  # a second slice, with the same lists here
        shape, none = (HEIGHT // 4, WIDTH // 4), np.zeros((0, 0), np.int16)
        self.frame = Frame(
            params, slices, np.zeros(shape, UNIT), ctbs, np.zeros(shape, MOTION), np.zeros((4, 6, 1024), np.int16),
            none, none, none, np.zeros(shape, PREDICTION_UNIT),
        )  # fmt: skip

    def _make_lists(self):
        rng, s = self.rng, self.frame.slices[0]
        s["slice_type"] = SLICE_B if self.is_b else SLICE_P
        counts = rng.integers(1, 4, 2) * [1, int(self.is_b)]
        s["num_ref_idx_l0"], s["num_ref_idx_l1"] = counts
        pocs = rng.permutation([p for p in range(8, 30) if p != CURRENT_POC])[:4]
        long_term = rng.random(4) < 0.3
        lists = np.zeros((1, 2, 16), REFERENCE)
        for x in range(2):
            for i in range(counts[x]):
                slot = int(rng.integers(0, 4))
                lists[0, x, i]["slot"], lists[0, x, i]["poc"] = slot, pocs[slot]
                lists[0, x, i]["is_long_term"] = long_term[slot]
        s["collocated_from_l0"] = not (self.is_b and rng.random() < 0.5)
        s["collocated_ref_idx"] = rng.integers(0, counts[0 if s["collocated_from_l0"] else 1])
        used = [lists[0, x, i]["poc"] for x in range(2) for i in range(counts[x])]
        s["no_backward_pred"] = all(poc <= CURRENT_POC for poc in used)
        col = np.zeros((4, -(-HEIGHT // 16), -(-WIDTH // 16)), COL_MOTION)
        col["mv"] = rng.integers(-300, 300, col["mv"].shape)
        col["ref_poc"] = rng.integers(0, 30, col["ref_poc"].shape)
        col["state"] = rng.integers(0, 3, col["state"].shape)
        planes = np.zeros((4, 0, 0), np.int16)
        self.counts, self.refs = counts, References(lists, col, planes, planes, planes)

    def _quadtree(self, x, y, size):
        if x >= WIDTH or y >= HEIGHT:
            return
        outside = x + size > WIDTH or y + size > HEIGHT
        if outside or (size > 8 and self.rng.random() < 0.6):
            for k in range(4):
                self._quadtree(x + size // 2 * (k & 1), y + size // 2 * (k >> 1), size // 2)
            return
        units = self.frame.units[y // 4 : (y + size) // 4, x // 4 : (x + size) // 4]
        inter = self.rng.random() < 0.85
        modes = [m for m in range(8) if (m != PART_NxN or size > 8) and (m < 4 or size > 8)]
        part_mode = int(self.rng.choice(modes)) if inter else PART_2Nx2N
        units["pred_mode"], units["part_mode"] = MODE_INTER if inter else MODE_INTRA, part_mode
        for part_idx in range(PART_COUNT[part_mode]):
            dx, dy, width, height = map(int, part_rectangle(part_mode, part_idx, size))
            self._add_block(Block(x, y, size, part_mode, part_idx, x + dx, y + dy, width, height), inter)

    def _add_block(self, block, inter):
        rows = slice(block.y // 4, (block.y + block.height) // 4)
        columns = slice(block.x // 4, (block.x + block.width) // 4)
        self.order[rows, columns] = len(self.blocks)
        self.blocks.append(block)
        if not inter:
            return
        motion = self.frame.motion[rows, columns]
        uses = int(self.rng.integers(1, 4)) if self.is_b else 1
        for i in range(2):
            used = uses >> i & 1
            motion["ref_idx"][..., i] = self.rng.integers(0, self.counts[i]) if used else -1
            motion["mv"][..., i, :] = self.rng.choice([-9, 0, 4], 2) if used else 0
        motion["filter_set"] = self.rng.integers(0, 3)

    # what the tested code is asked, answered from the standard's text

    def neighbour(self, block, x, y):
        """(6.4.1, 6.4.2) ((ref_idx, mv), (ref_idx, mv), filter set) of an available neighbour, or None."""
        if not (0 <= x < WIDTH and 0 <= y < HEIGHT):
            return None
        here, there = (self.frame.ctbs[self._ctb(*at)]["slice_addr"] for at in ((block.x, block.y), (x, y)))
        unit = self.frame.units[y // 4, x // 4]
        mine = self.blocks.index(block) if block in self.blocks else self.order[block.y // 4, block.x // 4]
        if here != there or unit["pred_mode"] != MODE_INTER or self.order[y // 4, x // 4] >= mine:
            return None
        motion = self.frame.motion[y // 4, x // 4]
        return motion_of(motion)

    def _ctb(self, x, y):
        return y // CTB_SIZE * -(-WIDTH // CTB_SIZE) + x // CTB_SIZE

    def reference(self, x_list, ref_idx):
        """(poc, is long-term) of a list entry."""
        entry = self.refs.lists[0, x_list, ref_idx]
        return int(entry["poc"]), bool(entry["is_long_term"])

    def scaled(self, mv, span, wanted):
        """(8-179 to 8-184)"""
        td, tb = (max(-128, min(127, d)) for d in (span, wanted))
        tx = int((16384 + abs(td) // 2) / td)
        factor = max(-4096, min(4095, (tb * tx + 32) >> 6))
        products = [factor * c for c in mv]
        return tuple(int(np.sign(p)) * ((abs(p) + 127) >> 8) for p in products)

    def temporal(self, block, x_list, ref_idx):
        """(8.5.3.2.8) mvLXCol or None."""
        s = self.frame.slices[0]
        col_list = 1 if self.is_b and not s["collocated_from_l0"] else 0
        col = self.refs.lists[0, col_list, int(s["collocated_ref_idx"])]
        x, y = block.x + block.width, block.y + block.height
        places = [(block.x + block.width // 2, block.y + block.height // 2)]
        if block.y // CTB_SIZE == y // CTB_SIZE and y < HEIGHT and x < WIDTH:
            places.insert(0, (x, y))
        poc, is_long = self.reference(x_list, ref_idx)
        for x, y in places:
            kept = self.refs.motion[col["slot"], y // 16, x // 16]
            used = [i for i in range(2) if kept["state"][i]]
            if not used:
                continue
            source = used[0]
            if len(used) == 2:
                source = x_list if s["no_backward_pred"] else int(s["collocated_from_l0"])
            if (kept["state"][source] == 2) != is_long:
                continue
            mv = tuple(map(int, kept["mv"][source]))
            span, wanted = int(col["poc"]) - int(kept["ref_poc"][source]), CURRENT_POC - poc
            return mv if is_long or span in (wanted, 0) else self.scaled(mv, span, wanted)
        return None

    def merge_list(self, block):
        """(8.5.3.2.2, docs/BITSTREAM.md) mergeCandList, each candidate ((ref_idx, mv), (ref_idx, mv), filter set)."""
        s, p = self.frame.slices[0], self.frame.params[0]
        level, size = int(p["log2_parallel_merge_level"]), int(s["max_num_merge_cand"])
        x, y, w, h = block.x, block.y, block.width, block.height

        def look(xn, yn, forbidden=()):
            if x >> level == xn >> level and y >> level == yn >> level:
                return None
            if block.part_idx == 1 and block.part_mode in forbidden:
                return None
            return self.neighbour(block, xn, yn)

        a1 = look(x - 1, y + h - 1, (2, 6, 7))
        b1 = look(x + w - 1, y - 1, (1, 4, 5))
        b0, a0, b2 = look(x + w, y - 1), look(x - 1, y + h), look(x - 1, y - 1)
        chosen = [a1] if a1 else []
        chosen += [b1] if b1 and b1 != a1 else []
        chosen += [b0] if b0 and b0 != b1 else []
        chosen += [a0] if a0 and a0 != a1 else []
        chosen += [b2] if b2 and b2 not in (a1, b1) and len(chosen) < 4 else []
        unused = (-1, (0, 0))
        if s["temporal_mvp"]:
            found = [self.temporal(block, i, 0) if i == 0 or self.is_b else None for i in range(2)]
            if any(found):
                chosen.append((*((0, mv) if mv else unused for mv in found), 0))
        original = len(chosen)
        if self.is_b and 1 < original < size:
            pairs = [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1), (0, 3), (3, 0), (1, 3), (3, 1), (2, 3), (3, 2)]
            for first, second in pairs[: original * (original - 1)]:
                l0, l1 = chosen[first][0], chosen[second][1]
                if len(chosen) == size or l0[0] < 0 or l1[0] < 0:
                    continue
                if self.reference(0, l0[0])[0] != self.reference(1, l1[0])[0] or l0[1] != l1[1]:
                    chosen.append((l0, l1, 0))
        references = min(self.counts) if self.is_b else self.counts[0]
        for i in range(size):
            ref = i if i < references else 0
            chosen.append(((ref, (0, 0)), (ref, (0, 0)) if self.is_b else unused, 0))
        return chosen[:size]

    def mvp_list(self, block, x_list, ref_idx):
        """(8.5.3.2.6) mvpListLX: two vectors."""
        x, y, w, h = block.x, block.y, block.width, block.height
        target = self.reference(x_list, ref_idx)
        order = (x_list, 1 - x_list)

        def exact(neighbour):
            return next((neighbour[i][1] for i in order if self._poc(neighbour, i) == target[0]), None)

        def any_span(neighbour):
            for i in order:
                if neighbour[i][0] >= 0 and self.reference(i, neighbour[i][0])[1] == target[1]:
                    mv, poc = neighbour[i][1], self._poc(neighbour, i)
                    return mv if target[1] else self.scaled(mv, CURRENT_POC - poc, CURRENT_POC - target[0])
            return None

        left = [n for n in (self.neighbour(block, x - 1, y + h), self.neighbour(block, x - 1, y + h - 1)) if n]
        above = [self.neighbour(block, *at) for at in ((x + w, y - 1), (x + w - 1, y - 1), (x - 1, y - 1))]
        above = [n for n in above if n]
        tries = [f(n) for f in (exact, any_span) for n in left]
        a = next((mv for mv in tries if mv is not None), None)
        b = next((mv for mv in map(exact, above) if mv is not None), None)
        if not left:
            a = b
            b = next((mv for mv in map(any_span, above) if mv is not None), None)
        result = [a] if a is not None else []
        result += [b] if b is not None and b != a else []
        if len(result) < 2 and self.frame.slices[0]["temporal_mvp"]:
            col = self.temporal(block, x_list, ref_idx)
            result += [col] if col is not None else []
        return (result + [(0, 0), (0, 0)])[:2]

    def _poc(self, neighbour, i):
        return self.reference(i, neighbour[i][0])[0] if neighbour[i][0] >= 0 else None


def motion_of(motion):
    """((ref_idx, mv), (ref_idx, mv), filter set) of a MOTION record."""
    lists = ((int(motion["ref_idx"][i]), tuple(map(int, motion["mv"][i]))) for i in range(2))
    return (*lists, int(motion["filter_set"]))


def set_block(scratch, block):
    record = scratch.block[0]
    record["slice_idx"] = 0
    for name, value in block._asdict().items():
        record[name] = value


@pytest.mark.parametrize("seed", range(40))
def test_merge_candidates(seed):
    scene, scratch = Scene(seed), new_inter_scratch()
    shared = scene.frame.params[0]["log2_parallel_merge_level"] > 2
    for block in scene.blocks:
        if scene.frame.units[block.y // 4, block.x // 4]["pred_mode"] != MODE_INTER:
            continue
        if shared and block.cb_size == 8:
            block = Block(block.x_cb, block.y_cb, 8, block.part_mode, 0, block.x_cb, block.y_cb, 8, 8)
        want = scene.merge_list(block)
        for merge_idx, candidate in enumerate(want):
            set_block(scratch, block)
            scratch.candidates["ref_idx"] = scratch.candidates["filter_set"] = 7
            merge_candidates(scene.frame, scene.refs, scratch.block, merge_idx, scratch.candidates)
            assert motion_of(scratch.candidates[merge_idx]) == candidate, (block, merge_idx)


@pytest.mark.parametrize("seed", range(40))
def test_vector_candidates(seed):
    scene, scratch = Scene(100 + seed), new_inter_scratch()
    for block in scene.blocks:
        set_block(scratch, block)
        for x_list in range(2):
            for ref_idx in range(scene.counts[x_list]):
                got = vector_candidates(scene.frame, scene.refs, scratch.block, x_list, ref_idx)
                want = scene.mvp_list(block, x_list, ref_idx)
                assert got == (*want[0], *want[1]), (block, x_list, ref_idx)


def test_scaling_of_vectors():
    for span in (-200, -128, -7, -1, 1, 3, 16, 127, 300):
        for wanted in (-300, -128, -5, 1, 2, 127, 200):
            td, tb = max(-128, min(127, span)), max(-128, min(127, wanted))
            tx = int((16384 + abs(td) // 2) / td)
            factor = max(-4096, min(4095, (tb * tx + 32) >> 6))
            assert distance_scale_factor(span, wanted) == factor
            for mv in (-32768, -1000, -3, -1, 0, 1, 2, 777, 32767):
                size = (abs(factor * mv) + 127) >> 8
                want = max(-32768, min(32767, size if factor * mv >= 0 else -size))
                assert scale_vector(mv, factor) == want
    assert distance_scale_factor(0, 5) == 256


def test_compressed_motion():
    scene = Scene(3)
    frame, lists = scene.frame, scene.refs.lists
    kept = np.zeros((-(-HEIGHT // 16), -(-WIDTH // 16)), COL_MOTION)
    kept["state"] = 1
    compress_motion(frame, lists, kept, 0, len(kept))
    for y in range(kept.shape[0]):
        for x in range(kept.shape[1]):
            inter = frame.units[4 * y, 4 * x]["pred_mode"] == MODE_INTER
            for i in range(2):
                ref_idx = int(frame.motion[4 * y, 4 * x]["ref_idx"][i])
                if not inter or ref_idx < 0:
                    assert kept[y, x]["state"][i] == 0
                    continue
                poc, is_long = scene.reference(i, ref_idx)
                assert kept[y, x]["state"][i] == (2 if is_long else 1)
                assert kept[y, x]["ref_poc"][i] == poc
                assert tuple(kept[y, x]["mv"][i]) == tuple(frame.motion[4 * y, 4 * x]["mv"][i])
