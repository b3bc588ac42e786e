"""SAO statistics against a sample-by-sample count."""

import numpy as np
import pytest

from codec.h265.encoder.picture.sao_statistics import FIRST_BAND_ROW, gather_statistics, make_statistics
from tests.codec.h265.filters.random_frame import random_scene
from tests.codec.h265.filters.test_sao import H_POS, V_POS, neighbour_is_shut, sign


def reference_statistics(frame, original):
    """Walk all samples and put each, by (8.7.3.2), into its four edge categories and its band."""
    p, statistics = frame.params[0], np.zeros((len(frame.ctbs), 3, FIRST_BAND_ROW + 32, 2), np.int64)
    for c_idx, (wanted, rec) in enumerate(zip(original, (frame.luma, frame.cb, frame.cr), strict=True)):
        sub, depth = (2, p["bit_depth_c"]) if c_idx else (1, p["bit_depth_y"])
        for y, x in np.ndindex(*rec.shape):
            unit = frame.units[y * sub // 4, x * sub // 4]
            if unit["bypass"] or (p["pcm_loop_filter_disabled"] and unit["pcm_flag"]):
                continue
            log2 = int(p["log2_ctb_size"])
            rows = statistics[(y * sub >> log2) * int(p["width_in_ctbs"]) + (x * sub >> log2), c_idx]
            sample = int(rec[y, x])
            entry = 1, int(wanted[y, x]) - sample
            rows[FIRST_BAND_ROW + (sample >> int(depth) - 5)] += entry
            for eo_class in range(4):
                around = [(x + h, y + v) for h, v in zip(H_POS[eo_class], V_POS[eo_class], strict=True)]
                if any(neighbour_is_shut(frame, x, y, xn, yn, sub) for xn, yn in around):
                    continue
                shape = sum(sign(sample - int(rec[yn, xn])) for xn, yn in around)
                if shape:
                    rows[4 * eo_class + {-2: 0, -1: 1, 1: 2, 2: 3}[shape]] += entry
    return statistics


def noisy(rng, plane, bit_depth, spread):
    return np.clip(plane + rng.integers(-spread, spread + 1, plane.shape), 0, (1 << bit_depth) - 1).astype(np.int16)


@pytest.mark.parametrize("depths", [(8, 8), (10, 10)])
@pytest.mark.parametrize(("log2_ctb_size", "width", "height"), [(4, 40, 56), (5, 72, 40), (6, 88, 72)])
@pytest.mark.parametrize("lossless", [False, True])
def test_equals_a_plain_count(log2_ctb_size, width, height, depths, lossless):
    rng = np.random.default_rng([log2_ctb_size, depths[0], lossless])
    scene = random_scene(rng, width, height, log2_ctb_size, depths=depths, lossless=lossless, chroma=depths[0] == 8)
    frame = scene.frame
    original = [noisy(rng, plane, depths[0], 9) for plane in (frame.luma, frame.cb, frame.cr)]
    statistics = make_statistics(frame.params[0])
    statistics[:, 0] = 77
    for row in range(int(frame.params[0]["height_in_ctbs"])):
        gather_statistics(frame, *original, statistics, row, row + 1)
    np.testing.assert_array_equal(statistics, reference_statistics(frame, original))


def test_extreme_errors_do_not_overflow():
    scene = random_scene(np.random.default_rng(3), 128, 64, 6, depths=(10, 10), lossless=False, tiles=False)
    frame = scene.frame
    frame.luma[:, 0::2], frame.luma[:, 1::2] = 0, 1023
    original = [1023 - frame.luma, frame.cb, frame.cr]
    statistics = make_statistics(frame.params[0])
    gather_statistics(frame, *original, statistics, 0, 1)
    np.testing.assert_array_equal(statistics, reference_statistics(frame, original))
    assert statistics[0, 0, 0, 1] == statistics[0, 0, 0, 0] * 1023 > 1_900_000
