"""fetch_reference and available_z against clauses 6.4.1, 6.5.2 and 8.4.4.2.2 written out sample by sample."""

import numpy as np
import pytest

from codec.h265.recon.availability import available_z
from codec.h265.recon.intra_reference import REFERENCE_SAMPLES, fetch_reference
from codec.h265.structs import CTB, MODE_INTER, MODE_INTRA, MOTION, PARAMS, SLICE, UNIT, Frame


def make_frame(rng, width, height, log2_ctb, log2_min_tb=2, tile_columns=1, constrained=0, bit_depth=8):
    """A frame of noise in which slices start at random and every CTB is marked as decoded."""
    ctb = 1 << log2_ctb
    columns, rows = -(-width // ctb), -(-height // ctb)
    params = np.zeros(1, PARAMS)
    for name, value in (
        ("pic_width", width),
        ("pic_height", height),
        ("chroma_format_idc", 1),
        ("bit_depth_y", bit_depth),
        ("bit_depth_c", bit_depth),
        ("log2_ctb_size", log2_ctb),
        ("log2_min_tb_size", log2_min_tb),
        ("width_in_ctbs", columns),
        ("height_in_ctbs", rows),
        ("constrained_intra_pred", constrained),
    ):
        params[name] = value
    ctbs = np.zeros(columns * rows, CTB)
    address = np.arange(columns * rows)
    ctbs["tile_id"] = (address % columns) * tile_columns // columns
    scan = sorted(address, key=lambda a: (ctbs["tile_id"][a], a))
    ctbs["addr_ts"][scan] = address
    slice_addr = scan[0]
    for rs in scan:
        if rng.random() < 0.2:
            slice_addr = rs
        ctbs["slice_addr"][rs] = slice_addr
    units = np.zeros((-(-height // 4), -(-width // 4)), UNIT)
    modes = rng.choice([MODE_INTER, MODE_INTRA], (height // 8 + 1, width // 8 + 1)).repeat(2, 0).repeat(2, 1)
    units["pred_mode"] = modes[: units.shape[0], : units.shape[1]]
    top = 1 << bit_depth
    planes = [
        rng.integers(0, top, (h, w)).astype(np.int16)
        for h, w in ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    ]
    scaling, motion = np.zeros((4, 6, 1024), np.int16), np.zeros((0, 0), MOTION)
    return Frame(params, np.zeros(1, SLICE), units, ctbs, motion, scaling, *planes)


def slow_order(frame, x, y):
    """(6.5.2) MinTbAddrZs of the minimum transform block that covers the luma sample (x, y)."""
    params = frame.params[0]
    log2_ctb, log2_tb = int(params["log2_ctb_size"]), int(params["log2_min_tb_size"])
    ctb = (y >> log2_ctb) * int(params["width_in_ctbs"]) + (x >> log2_ctb)
    order = int(frame.ctbs["addr_ts"][ctb]) << (2 * (log2_ctb - log2_tb))
    for i in range(log2_ctb - log2_tb):
        order += (((x >> log2_tb) >> i) & 1) << (2 * i)
        order += (((y >> log2_tb) >> i) & 1) << (2 * i + 1)
    return order, ctb


def slow_available(frame, x_curr, y_curr, x_nb, y_nb):
    """(6.4.1)"""
    params = frame.params[0]
    if x_nb < 0 or y_nb < 0 or x_nb >= params["pic_width"] or y_nb >= params["pic_height"]:
        return False
    order_curr, ctb_curr = slow_order(frame, x_curr, y_curr)
    order_nb, ctb_nb = slow_order(frame, x_nb, y_nb)
    same = all(frame.ctbs[name][ctb_curr] == frame.ctbs[name][ctb_nb] for name in ("slice_addr", "tile_id"))
    return bool(order_nb <= order_curr and same)


def slow_reference(frame, plane, c_idx, x, y, n):
    """(8.4.4.2.2) with the availability of every sample derived on its own."""
    params = frame.params[0]
    shift = 1 if c_idx else 0
    places = [(x - 1, y + j) for j in range(2 * n - 1, -2, -1)] + [(x + i, y - 1) for i in range(2 * n)]
    line = []
    for xs, ys in places:
        x_luma, y_luma = xs << shift, ys << shift
        usable = slow_available(frame, x << shift, y << shift, x_luma, y_luma)
        if usable and params["constrained_intra_pred"]:
            usable = frame.units["pred_mode"][y_luma >> 2, x_luma >> 2] == MODE_INTRA
        line.append(int(plane[ys, xs]) if usable else None)
    known = [value for value in line if value is not None]
    previous = known[0] if known else 1 << (int(params["bit_depth_c" if c_idx else "bit_depth_y"]) - 1)
    for i, value in enumerate(line):
        previous = line[i] = previous if value is None else value
    return line


LAYOUTS = [
    {"width": 72, "height": 56, "log2_ctb": 4},
    {"width": 136, "height": 104, "log2_ctb": 5, "tile_columns": 2},
    {"width": 200, "height": 136, "log2_ctb": 6, "bit_depth": 10},
    {"width": 104, "height": 72, "log2_ctb": 5, "constrained": 1},
    {"width": 88, "height": 80, "log2_ctb": 4, "constrained": 1, "tile_columns": 3, "bit_depth": 10},
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: "-".join(map(str, layout.values())))
def test_every_block_of_a_picture(layout):
    frame = make_frame(np.random.default_rng(7), **layout)
    ref = np.zeros(REFERENCE_SAMPLES, np.int16)
    for c_idx, plane in enumerate((frame.luma, frame.cb)):
        largest = layout["log2_ctb"] - (1 if c_idx else 0)
        for log2_size in range(2, min(largest, 5) + 1):
            n = 1 << log2_size
            for y in range(0, plane.shape[0] - n + 1, n):
                for x in range(0, plane.shape[1] - n + 1, n):
                    ref[:] = -1
                    fetch_reference(frame, plane, c_idx, x, y, log2_size, ref)
                    expected = slow_reference(frame, plane, c_idx, x, y, n)
                    assert ref[: 4 * n + 1].tolist() == expected, f"c_idx {c_idx}, {n}x{n} at ({x}, {y})"


@pytest.mark.parametrize("log2_min_tb", [2, 3])
def test_available_z_of_random_pairs(log2_min_tb):
    rng = np.random.default_rng(3)
    frame = make_frame(rng, 136, 104, 5, log2_min_tb=log2_min_tb, tile_columns=2)
    answers = set()
    for _ in range(4000):
        x, y = int(rng.integers(0, 34)) * 4, int(rng.integers(0, 26)) * 4
        x_nb, y_nb = x + int(rng.integers(-40, 41)), y + int(rng.integers(-40, 41))
        expected = slow_available(frame, x, y, x_nb, y_nb)
        answers.add(expected)
        assert available_z(frame, x, y, x_nb, y_nb) == expected, f"({x}, {y}) -> ({x_nb}, {y_nb})"
    assert answers == {False, True}


def test_a_ctb_that_is_not_decoded_yet_is_not_available():
    frame = make_frame(np.random.default_rng(1), 64, 64, 5)
    frame.ctbs["slice_addr"] = 0
    assert available_z(frame, 32, 0, 31, 0)
    frame.ctbs["slice_addr"][0] = -1
    assert not available_z(frame, 32, 0, 31, 0)


def test_no_neighbour_gives_the_middle_of_the_range():
    frame = make_frame(np.random.default_rng(1), 64, 64, 5, bit_depth=10)
    ref = np.zeros(REFERENCE_SAMPLES, np.int16)
    fetch_reference(frame, frame.luma, 0, 0, 0, 5, ref)
    assert set(ref.tolist()) == {512}
