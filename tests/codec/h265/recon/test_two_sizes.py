"""CTUs of two sizes: what each tells the other."""

import numpy as np
import pytest

from codec.common.blocks.resample import new_lines
from codec.h265.recon.two_sizes import grow_samples, grow_units, shifted_qp, shrink_samples, shrink_units
from codec.h265.structs import CTB, MODE_INTRA, MOTION, PARAMS, SLICE, UNIT, Frame, PART_NxN
from codec.h265.tools.intra_sr.apply import half_params


def frame_of(params):
    p = params[0]
    height, width = int(p["pic_height"]), int(p["pic_width"])
    chroma = height // 2, width // 2
    return Frame(
        params=params,
        slices=np.zeros(1, SLICE),
        units=np.zeros((height // 4, width // 4), UNIT),
        ctbs=np.zeros(int(p["width_in_ctbs"] * p["height_in_ctbs"]), CTB),
        motion=np.zeros((0, 0), MOTION),
        scaling=np.zeros((4, 6, 1024), np.int16),
        luma=np.zeros((height, width), np.int16),
        cb=np.zeros(chroma, np.int16),
        cr=np.zeros(chroma, np.int16),
    )


def both(width, height):
    """(frame, its picture at half size), with CTBs of 64."""
    params = np.zeros(1, PARAMS)
    sizes = dict(pic_width=width, pic_height=height, width_in_units=width // 4, height_in_units=height // 4)
    blocks = dict(log2_ctb_size=6, log2_min_cb_size=3, log2_max_tb_size=5, log2_min_tb_size=2)
    ctbs = dict(width_in_ctbs=-(-width // 64), height_in_ctbs=-(-height // 64))
    for name, value in (sizes | blocks | ctbs | dict(chroma_format_idc=1, bit_depth_y=8, bit_depth_c=8)).items():
        params[0][name] = value
    return frame_of(params), frame_of(half_params(params))


@pytest.mark.parametrize(
    ("qp", "offset", "depth", "expected"), [(30, -6, 8, 24), (3, -6, 8, 0), (3, -6, 10, -3), (49, 6, 8, 51)]
)
def test_qp_stays_in_its_range(qp, offset, depth, expected):
    assert shifted_qp(qp, offset, depth) == expected


def test_units_grow_and_shrink():
    frame, half = both(64, 64)
    half.units["log2_cb_size"], half.units["log2_tb_size"], half.units["qp_y"] = 3, 2, 20
    half.units["part_mode"], half.units["cbf"], half.units["intra_luma_mode"] = PART_NxN, 7, 26
    grow_units(half, frame, 0, -6)
    grown = frame.units[5, 6]
    assert (grown["log2_cb_size"], grown["log2_tb_size"], grown["qp_y"], grown["cbf"]) == (4, 3, 26, 0)
    assert (grown["pred_mode"], grown["part_mode"], grown["intra_luma_mode"]) == (MODE_INTRA, PART_NxN, 26)
    frame.units["log2_cb_size"], frame.units["qp_y"] = 3, 30
    frame.units[1::2, 1::2]["intra_luma_mode"] = 10
    shrink_units(frame, half, 0, -6)
    shrunk = half.units[3, 2]
    assert (shrunk["log2_cb_size"], shrunk["qp_y"], shrunk["intra_luma_mode"]) == (2, 24, 10)


def test_units_that_the_picture_cuts_become_smaller():
    """88 is 5.5 blocks of 16: the last one of the picture at half size, which has 48, is cut."""
    frame, half = both(88, 64)
    half.units["log2_cb_size"], half.units["log2_tb_size"] = 4, 4
    grow_units(half, frame, 1, -6)
    assert frame.units[0, 16:22]["log2_cb_size"].tolist() == [4, 4, 4, 4, 3, 3]
    assert frame.units[0, 16:22]["log2_tb_size"].tolist() == [4, 4, 4, 4, 3, 3]


def test_samples_beyond_half_of_the_picture_go_on():
    frame, half = both(72, 72)
    rng = np.random.default_rng(2)
    for plane in (frame.luma, frame.cb, frame.cr):
        plane[:] = rng.integers(0, 256, plane.shape)
    for plane in (half.luma, half.cb, half.cr):
        plane[:] = -1
    for addr in range(4):
        shrink_samples(frame, half, addr, False, new_lines())
    assert half.luma.shape == (40, 40) and (half.luma >= 0).all() and (half.cb >= 0).all() and (half.cr >= 0).all()
    assert (half.luma[:, 36:] == half.luma[:, 35:36]).all() and (half.luma[36:] == half.luma[35:36]).all()


def test_samples_of_other_slices_are_not_used():
    frame, half = both(128, 128)
    frame.ctbs["slice_addr"] = [0, 0, 0, 0]
    half.luma[:], half.luma[:32, :32] = 100, 200

    def corner():
        frame.luma[:] = 0
        grow_samples(half, frame, 3, False, new_lines())
        return frame.luma[64:68, 64:68].copy()

    together = corner()
    assert (together != 100).any()
    frame.ctbs["slice_addr"][0] = -1
    assert (corner() == 100).all()
    grow_samples(half, frame, 3, True, new_lines())
    assert np.array_equal(frame.luma[64:68, 64:68], together)
