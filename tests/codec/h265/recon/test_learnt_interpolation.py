"""codec.h265.recon.learnt_interpolation against docs/BITSTREAM.md, sample by sample."""

import numpy as np
import pytest

from codec.h265.recon.inter import new_inter_scratch, predict_samples, set_block
from codec.h265.recon.interpolation import PREDICTION_BIAS, PREDICTION_STRIDE
from codec.h265.recon.learnt_interpolation import BEFORE, FRACTION, PHASES, WEIGHTS, interpolate_learnt
from codec.h265.structs import (
    COL_MOTION,
    MOTION,
    PARAMS,
    REFERENCE,
    SLICE,
    SLICE_P,
    UNIT,
    Frame,
    PART_2Nx2N,
    References,
)
from nets import filter_bank

HEIGHT, WIDTH, SETS = 40, 56, 2


def test_kernels_and_files_mean_the_same_filters():
    """recon may not import nets, so the numbers stand in both."""
    assert (FRACTION, PHASES, WEIGHTS) == (filter_bank.FRACTION, filter_bank.PHASES, filter_bank.SIDE**2)


def random_bank(rng):
    """(sets, 16, 8, 8): weights that add up to what they must."""
    bank = rng.integers(-90, 91, (SETS, 16, 8, 8))
    bank[..., 3, 3] += (1 << FRACTION) - bank.sum((2, 3))
    return bank.astype(np.int16)


def slow(plane, weights, x, y, width, height, depth):
    """Predictions of 14 bits, less the bias, with coordinates clamped; weights (8, 8)."""
    columns = np.clip(np.arange(width + 7) + x - BEFORE, 0, plane.shape[1] - 1)
    rows = np.clip(np.arange(height + 7) + y - BEFORE, 0, plane.shape[0] - 1)
    area = plane[np.ix_(rows, columns)].astype(np.int64)
    views = np.lib.stride_tricks.sliding_window_view(area, (8, 8))
    shift = FRACTION - 14 + depth
    total = (views * weights).sum((2, 3)) + ((1 << shift) >> 1)
    return np.clip((total >> shift) - PREDICTION_BIAS, -32768, 32767)


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("kind", ["random", "extreme"])
def test_filters_of_all_phases(kind, depth):
    rng, top = np.random.default_rng(3), (1 << depth) - 1
    bank = random_bank(rng)
    if kind == "extreme":
        # as far out of range as a filter may go: its weights' signs decide which samples are black
        bank = np.full((SETS, 16, 8, 8), -110, np.int64)
        bank[..., ::2] = 110
        bank[..., 3, 3] += (1 << FRACTION) - bank.sum((2, 3))
        bank = bank.astype(np.int16)
    plane = rng.integers(0, top + 1, (HEIGHT, WIDTH)).astype(np.int16)
    if kind == "extreme":
        plane[:] = top * (np.arange(WIDTH) % 2)
    flat, out = plane.reshape(-1), np.zeros(64 * PREDICTION_STRIDE, np.int16)
    for width, height in ((4, 8), (8, 4), (12, 16), (16, 16), (24, 8), (32, 24)):
        for filter_set in range(SETS):
            for phase in range(16):
                at = 5 * WIDTH + 7
                interpolate_learnt(bank.reshape(-1), filter_set, flat, at, WIDTH, phase, width, height, depth, out)
                want = slow(plane, bank[filter_set, phase], 7, 5, width, height, depth)
                found = out.reshape(64, PREDICTION_STRIDE)[:height, :width]
                assert np.array_equal(found, want)


@pytest.mark.parametrize("depth", [8, 10])
def test_blocks_anywhere_take_the_set_of_their_slices_band(depth):
    rng = np.random.default_rng(5)
    bank = np.stack([random_bank(rng), random_bank(rng)])  # two bands
    plane = rng.integers(0, 1 << depth, (2, HEIGHT, WIDTH)).astype(np.int16)
    params, slices, lists = np.zeros(1, PARAMS), np.zeros(1, SLICE), np.zeros((1, 2, 16), REFERENCE)
    params["bit_depth_y"] = depth
    slices["slice_type"], slices["filter_sets"], slices["first_filter_set"] = SLICE_P, SETS, SETS
    lists["slot"] = -1
    lists[0, 0, 0]["slot"] = 1
    none = np.zeros((0, 0), np.int16)
    shape = (HEIGHT // 4, WIDTH // 4)
    frame = Frame(params, slices, np.zeros(shape, UNIT), none, np.zeros(shape, MOTION), none, none, none, none)
    refs = References(lists, np.zeros((2, 3, 4), COL_MOTION), plane, none[None], none[None], bank.reshape(-1))
    scratch, motion, target = new_inter_scratch(), np.zeros(1, MOTION), np.zeros(64 * 64, np.int16)
    for mv_x, mv_y in ((0, 0), (3, -2), (-140, 5), (90, 77), (-61, -33), (222, -190)):
        for filter_set in range(1, SETS + 1):
            set_block(scratch, 0, 16, 8, 16, PART_2Nx2N, 0)
            motion["ref_idx"], motion["filter_set"] = [0, -1], filter_set
            motion["mv"][0, 0] = mv_x, mv_y
            predict_samples(frame, refs, scratch.block[0], motion[0], refs.luma, 0, target, 0, 64, scratch)
            weights = bank[1, filter_set - 1, 4 * (mv_y & 3) + (mv_x & 3)]
            made = slow(plane[1], weights, 16 + (mv_x >> 2), 8 + (mv_y >> 2), 16, 16, depth) + PREDICTION_BIAS
            want = np.clip((made + (1 << (13 - depth))) >> (14 - depth), 0, (1 << depth) - 1)
            assert np.array_equal(target.reshape(64, 64)[:16, :16], want)
