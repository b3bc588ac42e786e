"""codec.h265.encoder.search.inter.reference_planes against the inter prediction of the codec, sample by sample."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from codec.h265.encoder.search.inter.reference_planes import (
    BORDER,
    fill_planes,
    new_plane_memory,
    new_planes,
    plane_offset,
)
from codec.h265.recon.inter import fetch_prediction, new_inter_scratch
from codec.h265.recon.weighted_prediction import weigh_one
from codec.h265.structs import PARAMS, REFERENCE

HEIGHT, WIDTH = 40, 56


def params(height, width):
    record = np.zeros(1, PARAMS)
    record["pic_height"], record["pic_width"] = height, width
    return record[0]


def picture(kind, depth, height=HEIGHT, width=WIDTH):
    """(height, width) int16 luma."""
    rng, top = np.random.default_rng(3), (1 << depth) - 1
    if kind == "random":
        return rng.integers(0, top + 1, (height, width)).astype(np.int16)
    if kind == "extreme":
        return (rng.integers(0, 2, (height, width)) * top).astype(np.int16)
    # the signs of the half-sample filter in both directions: as far out of range as the filters reach
    sign = np.array([0, 1, 0, 1, 1, 0, 1, 0])
    row, column = np.resize(sign, width), np.resize(sign, height)[:, None]
    return (np.where(column == 1, row, 1 - row) * top).astype(np.int16)


def filled(luma, depth):
    """Planes of two slots, the second of which shows the picture."""
    planes = new_planes(params(*luma.shape), 2)
    planes[:] = -7
    fill_planes(luma, planes[1], depth, 0, planes.shape[2], new_plane_memory(planes))
    return planes


def predicted(luma, x, y, mv, size, depth, scratch):
    """(8.5.3.3) Uni-prediction of a block, as the decoder makes it."""
    width, height = size
    fetch_prediction(luma[None], 0, 0, x, y, width, height, mv[0], mv[1], depth, scratch, scratch.first)
    out = np.zeros(64 * 64, np.int16)
    weigh_one(scratch.first, out, 0, 64, width, height, np.zeros(1, REFERENCE)[0], 0, False, depth)
    return out.reshape(64, 64)[:height, :width]


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("kind", ["random", "extreme", "overshoot"])
def test_every_sample_of_every_plane(kind, depth):
    luma, scratch = picture(kind, depth), new_inter_scratch()
    planes = filled(luma, depth)
    assert planes.shape == (2, 16, HEIGHT + 2 * BORDER, WIDTH + 2 * BORDER)
    assert (planes[0] == -7).all()
    for position in range(16):
        plane = planes[1, position]
        for row in range(0, plane.shape[0], 64):
            for column in range(0, plane.shape[1], 64):
                block = plane[row : row + 64, column : column + 64]
                mv = 4 * (column - BORDER) + position % 4, 4 * (row - BORDER) + position // 4
                want = predicted(luma, 0, 0, mv, block.shape[::-1], depth, scratch)
                assert np.array_equal(block, want), (position, row, column)


@pytest.mark.parametrize("size", [(8, 8), (16, 8), (8, 64)])
def test_small_pictures(size):
    luma, scratch = picture("random", 8, *size), new_inter_scratch()
    planes = filled(luma, 8)
    for position in range(16):
        for row in range(BORDER - 12, BORDER + size[0] - 4, 8):
            mv = -48 + position % 4, 4 * (row - BORDER) + position // 4
            want = predicted(luma, 0, 0, mv, (48, 8), 8, scratch)
            assert np.array_equal(planes[1, position, row : row + 8, BORDER - 12 : BORDER + 36], want)


def test_bands_of_two_threads():
    luma = picture("random", 8)
    whole, split = filled(luma, 8)[1], new_planes(params(HEIGHT, WIDTH), 1)
    split[:] = -7
    for begin, end in ((0, 1), (79, 85), (BORDER + HEIGHT - 3, BORDER + HEIGHT + 9)):
        fill_planes(luma, split[0], 8, begin, end, new_plane_memory(split))
        assert np.array_equal(split[0, :, begin:end], whole[:, begin:end])
        assert (split[0, :, end] == -7).all()
    half = split.shape[2] // 2 + 3
    bands = [(0, half), (half, split.shape[2])]
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(fill_planes, luma, split[0], 8, *band, new_plane_memory(split)) for band in bands]
    assert [job.result() for job in jobs] == [None, None]
    assert np.array_equal(split[0], whole)


def test_offset_of_any_vector():
    luma, scratch, rng = picture("random", 8), new_inter_scratch(), np.random.default_rng(5)
    planes = filled(luma, 8)
    stride = planes.shape[3]
    sizes = [(4, 8), (8, 4), (64, 64), (16, 12), (24, 32)]
    vectors = [(-32768, 32767), (32767, -32768), (-32768, -32768), (32767, 32767)]
    vectors += [tuple(rng.integers(-800, 800, 2).tolist()) for _ in range(300)]
    for i, mv in enumerate(vectors):
        width, height = sizes[i % len(sizes)]
        x, y = (int(v) for v in rng.integers(0, 40, 2))
        at = plane_offset(planes.shape, 1, x, y, *mv, width, height)
        rows = at + np.arange(height)[:, None] * stride + np.arange(width)
        assert planes[1].size <= rows.min() and rows.max() < planes.size
        want = predicted(luma, x, y, mv, (width, height), 8, scratch)
        assert np.array_equal(planes.ravel()[rows], want), (mv, x, y, width, height)
