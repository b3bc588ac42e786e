"""The maps that nets are given, against their definitions in docs/NETS.md."""

import numpy as np

from codec.common.tools.filter_inputs import INPUTS, RGB_INPUTS, Sides, net_inputs, qp_map
from codec.h265.structs import CTB, MOTION, PARAMS, SLICE, UNIT, Frame
from nets.arch.filters import LOOP_FILTERS, OUTPUT_FILTERS
from nets.qnet import Input


def make_frame(width=48, height=32, depth=8, chroma=1, log2_ctb=4):
    rng = np.random.default_rng(1)
    params = np.zeros(1, PARAMS)
    values = dict(pic_width=width, pic_height=height, bit_depth_y=depth, bit_depth_c=depth, log2_ctb_size=log2_ctb)
    values |= dict(chroma_format_idc=chroma, width_in_ctbs=-(-width >> log2_ctb), height_in_ctbs=-(-height >> log2_ctb))
    for name, value in values.items():
        params[0][name] = value
    ctbs = np.zeros(int(params[0]["width_in_ctbs"] * params[0]["height_in_ctbs"]), CTB)
    size = (height // 2, width // 2) if chroma else (0, 0)
    planes = [rng.integers(0, 1 << depth, shape).astype(np.int16) for shape in ((height, width), size, size)]
    units = np.zeros((height // 4, width // 4), UNIT)
    return Frame(params, np.zeros(1, SLICE), units, ctbs, np.zeros((0, 0), MOTION), np.zeros((4, 6, 1024)), *planes)


def test_samples_are_ten_bits_around_zero():
    for depth in (8, 9, 10):
        frame = make_frame(depth=depth)
        entries = [Input(name, 1, int(name != "rec_y"), -512, 511, 9) for name in ("rec_y", "rec_u", "rec_v")]
        maps = net_inputs(entries, frame, Sides())
        for name, plane in zip(("rec_y", "rec_u", "rec_v"), (frame.luma, frame.cb, frame.cr), strict=True):
            assert maps[name].shape == (1, 1, *plane.shape)
            assert np.array_equal(maps[name][0, 0], plane.astype(int) * 2 ** (10 - depth) - 512)


def test_chroma_of_monochrome_pictures_is_grey():
    maps = net_inputs([Input("rec_u", 1, 1, -512, 511, 9)], make_frame(chroma=0), Sides())
    assert maps["rec_u"].shape == (1, 1, 16, 24) and not maps["rec_u"].any()


def test_residual_is_clipped_and_prediction_is_what_it_leaves():
    frame = make_frame()
    residual = np.random.default_rng(2).integers(-300, 300, frame.luma.shape).astype(np.int16)
    entries = [Input(name, 1, 0, -512, 511, 9) for name in ("pred_y", "res_y")]
    maps = net_inputs(entries, frame, Sides(residual, frame.luma))
    assert np.array_equal(maps["res_y"][0, 0], np.clip(residual.astype(int) * 4, -512, 511))
    prediction = np.clip(frame.luma.astype(int) - residual, 0, 255)
    assert np.array_equal(maps["pred_y"][0, 0], prediction * 4 - 512)


def test_edges_are_the_strongest_beside_each_block_of_two_by_two():
    rng, frame = np.random.default_rng(3), make_frame()
    strengths = np.zeros((2, 8, 12), np.int8)
    strengths[0, :, ::2], strengths[1, ::2] = rng.integers(0, 3, (8, 6)), rng.integers(0, 3, (4, 12))
    made = net_inputs([Input("edges", 1, 1, 0, 512, 9)], frame, Sides(strengths=strengths))["edges"][0, 0]
    assert made.shape == (16, 24)
    for y in range(16):
        for x in range(24):
            # luma columns and rows of the edges that touch the block
            beside = [strengths[0, y // 2, e // 4] for e in (2 * x, 2 * x + 2) if e % 8 == 0 and e < 48]
            beside += [strengths[1, e // 4, x // 2] for e in (2 * y, 2 * y + 2) if e % 8 == 0 and e < 32]
            assert made[y, x] == 256 * int(max(beside, default=0))


def test_qp_of_each_slice():
    frame = make_frame()
    slices = np.zeros(2, SLICE)
    slices["slice_qp_y"] = 30, -5
    frame.ctbs["slice_idx"][2:] = 1
    frame = frame._replace(slices=slices)
    for grid in (0, 1):
        plane = qp_map(frame, grid)
        assert plane.shape == (32 >> grid, 48 >> grid)
        for y in range(plane.shape[0]):
            for x in range(plane.shape[1]):
                ctb = (y << grid >> 4) * 3 + (x << grid >> 4)
                assert plane[y, x] == (240 if ctb < 2 else 0)
    slices["slice_qp_y"] = 51
    assert (qp_map(frame, 1) == 408).all()


def test_all_architectures_ask_for_what_can_be_given():
    for table, architectures in ((INPUTS, LOOP_FILTERS), (RGB_INPUTS, OUTPUT_FILTERS)):
        for name, make in architectures.items():
            for entry in make().inputs:
                channels, grids, least, most = table[entry.name]
                assert entry.grid in grids and entry.lo <= least and entry.hi >= most, name
                assert entry.channels == channels
