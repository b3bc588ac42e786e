"""codec.h265.encoder.search.inter.motion_search against a plain full search, and what every method promises."""

import numpy as np
import pytest

from codec.h265.encoder.search.inter.motion_search import (
    MAX_STARTS,
    SEARCH_DIAMOND,
    SEARCH_FULL,
    SEARCH_TSS,
    SEARCH_TZ,
    new_motion_search,
    refine_vector,
    search_vector,
)
from codec.h265.encoder.search.inter.reference_planes import BORDER, fill_planes, new_plane_memory, new_planes
from codec.h265.structs import PARAMS
from tests.codec.h265.encoder.search.inter.motion_reference import (
    prediction_block_sizes,
    slow_sad,
    slow_satd,
    vector_bits,
)

HEIGHT, WIDTH = 80, 96
METHODS = {"full": SEARCH_FULL, "tz": SEARCH_TZ, "tss": SEARCH_TSS, "diamond": SEARCH_DIAMOND}


def planes_of(luma, depth):
    """Planes of two slots, the second of which shows the picture."""
    params = np.zeros(1, PARAMS)
    params["pic_height"], params["pic_width"] = luma.shape
    planes = new_planes(params[0], 2)
    fill_planes(luma.astype(np.int16), planes[1], depth, 0, planes.shape[2], new_plane_memory(planes))
    return planes


NOISE = planes_of(np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH)), 8)
EXTREME = planes_of(np.random.default_rng(2).integers(0, 2, (HEIGHT, WIDTH)) * 1023, 10)


def smooth(waves):
    """A (HEIGHT, WIDTH) picture of at most so many waves in either direction: noise without its high frequencies."""
    spectrum = np.fft.fft2(np.random.default_rng(3).normal(size=(HEIGHT, WIDTH)))
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(WIDTH) * WIDTH, np.fft.fftfreq(HEIGHT) * HEIGHT))
    picture = np.fft.ifft2(np.where(frequencies <= waves, spectrum, 0)).real
    return np.round((picture - picture.min()) / (picture.max() - picture.min()) * 1023)


SMOOTH = planes_of(smooth(6), 10)


def block_at(planes, m, mv):
    """Prediction of the block by a vector in quarter samples that stays inside the planes."""
    row, column = m.y + (mv[1] >> 2) + BORDER, m.x + (mv[0] >> 2) + BORDER
    assert row >= 0 and column >= 0
    return planes[1, 4 * (mv[1] & 3) + (mv[0] & 3), row : row + m.height, column : column + m.width]


def source_of(m):
    return m.source.reshape(64, 64)[: m.height, : m.width]


def rate(m, mv):
    return m.sqrt_lambda * (m.extra_bits + vector_bits(mv, m.mvp.tolist()))


def satd_cost(planes, m, mv):
    satd = slow_satd(source_of(m), block_at(planes, m, mv)) >> m.distortion_shift
    return m.distortion_scale * satd + rate(m, mv)


def sad_cost(planes, m, mv):
    step = 2 if m.fast and m.height > 8 else 1
    sad = step * slow_sad(source_of(m)[::step], block_at(planes, m, mv)[::step]) >> m.distortion_shift
    return m.distortion_scale * sad + rate(m, mv)


def limits(m):
    """Left, top, right, bottom in full samples."""
    return -72 - m.x, -72 - m.y, WIDTH + 8 - m.x, HEIGHT + 8 - m.y


def inside(m, mv, unit=4):
    left, top, right, bottom = limits(m)
    return unit * left <= mv[0] <= unit * right and unit * top <= mv[1] <= unit * bottom


def clipped(m, mv):
    left, top, right, bottom = limits(m)
    return min(max(int(mv[0]), 4 * left), 4 * right), min(max(int(mv[1]), 4 * top), 4 * bottom)


def slow_start(planes, m):
    """The best start and its cost."""
    starts = [clipped(m, m.mvp)] + [clipped(m, m.starts[k]) for k in range(m.start_count)]
    costs = [sad_cost(planes, m, mv) for mv in starts]
    return starts[int(np.argmin(costs))]


def slow_search(planes, m, start, radius):
    """Every full position around the start, then half and quarter samples, then the start once more."""
    x, y = (start[0] + 2) >> 2, (start[1] + 2) >> 2
    window = [(x + dx, y + dy) for dy in range(-radius, radius + 1) for dx in range(-radius, radius + 1)]
    centre_first = [(x, y)] + [v for v in window if inside(m, v, 1)]
    costs = [sad_cost(planes, m, (4 * v[0], 4 * v[1])) for v in centre_first]
    best = tuple(4 * v for v in centre_first[int(np.argmin(costs))])

    def best_of(first, others):
        kept = [first] + [mv for mv in others if inside(m, mv)]
        return kept[int(np.argmin([satd_cost(planes, m, mv) for mv in kept]))]

    def around(mv, step):
        return [(mv[0] + dx, mv[1] + dy) for dy in (-step, 0, step) for dx in (-step, 0, step)]

    best = best_of(best, around(best, 2))
    best = best_of(best, around(best, 1))
    if best_of(best, [start]) != best:
        best = best_of(start, around(start, 1))
    return best


def prepared(rng, width, height, **settings):
    """A search for a block of noise at a random place."""
    m = new_motion_search()[0]
    m.method, m.search_range, m.sqrt_lambda, m.extra_bits = SEARCH_FULL, 3, 4.5, 2.0
    m.width, m.height = width, height
    m.x, m.y = 4 * rng.integers(0, (WIDTH - width) // 4 + 1), 4 * rng.integers(0, (HEIGHT - height) // 4 + 1)
    m.source[:] = rng.integers(0, 256, 64 * 64)
    m.mvp[:] = rng.integers(-90, 90, 2)
    m.start_count = 3
    m.starts[:3] = rng.integers(-60, 60, (3, 2))
    for name, value in settings.items():
        setattr(m, name, value)
    return m


@pytest.mark.parametrize("fast", [0, 1])
def test_full_search_is_exhaustive(fast):
    rng = np.random.default_rng(11)
    for i, (width, height) in enumerate(prediction_block_sizes()):
        scale = (1.0, 0.3, 2.1)[i % 3]
        m = prepared(rng, width, height, fast=fast, distortion_shift=i % 2)
        m.distortion_scale, m.inverse_scale = scale, 1 / scale
        if i % 3 == 0:
            m.mvp[:] = rng.integers(-600, 600, 2)
            m.start_count = 0
        want = slow_search(NOISE, m, slow_start(NOISE, m), 3)
        search_vector(m, NOISE, 1)
        assert tuple(m.mv) == want, (width, height)
        assert m.cost == pytest.approx(satd_cost(NOISE, m, want), abs=1e-6)


def test_refinement_is_exhaustive():
    rng = np.random.default_rng(12)
    for radius, size in ((1, (8, 8)), (4, (16, 12)), (2, (32, 32)), (4, (12, 16))):
        m = prepared(rng, *size, distortion_shift=1)
        m.source[:] = rng.integers(-1023, 2047, 64 * 64)
        start = tuple(int(v) for v in rng.integers(-50, 50, 2))
        m.mv[:] = start
        want = slow_search(EXTREME, m, clipped(m, start), radius)
        refine_vector(m, EXTREME, 1, radius)
        assert tuple(m.mv) == want
        assert m.cost == pytest.approx(satd_cost(EXTREME, m, want), abs=1e-6)
        assert m.cost <= satd_cost(EXTREME, m, clipped(m, start))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("planes", [NOISE, EXTREME], ids=["noise", "extreme"])
def test_cost_is_true_and_not_worse_than_the_start(planes, method):
    rng = np.random.default_rng(13)
    for i, (width, height) in enumerate(2 * prediction_block_sizes()):
        m = prepared(rng, width, height, method=METHODS[method], fast=i % 2)
        m.search_range = rng.choice([1, 2, 7, 16])
        m.source[:] = rng.choice([-1023, 0, 1023, 2046], 64 * 64)
        m.distortion_shift = i % 3 == 0
        if i % 4 == 0:
            m.mvp[:] = rng.choice([-32768, 32767, 500, -700], 2)
        start = slow_start(planes, m)
        search_vector(m, planes, 1)
        mv = m.mv.tolist()
        assert inside(m, mv)
        assert m.cost == pytest.approx(satd_cost(planes, m, mv), abs=1e-6)
        assert m.cost <= satd_cost(planes, m, start) + 1e-6


@pytest.mark.parametrize("quarters", [0, 1])
@pytest.mark.parametrize(
    ("method", "reach", "search_range"), [("full", 7, 8), ("tz", 40, 64), ("tss", 2, 15), ("diamond", 5, 64)]
)
def test_planted_displacement_is_found(method, reach, search_range, quarters):
    rng = np.random.default_rng(14)
    for _ in range(40):
        m = prepared(rng, 32, 32, method=METHODS[method], search_range=search_range, sqrt_lambda=0.25, start_count=1)
        m.mvp[:] = m.starts[0] = 0
        # inside the picture: its border looks the same from everywhere
        x = np.clip(rng.integers(-reach, reach + 1), -m.x, WIDTH - 33 - m.x)
        y = np.clip(rng.integers(-reach, reach + 1), -m.y, HEIGHT - 33 - m.y)
        planted = [int(4 * v + quarters * rng.integers(0, 4)) for v in (x, y)]
        source_of(m)[:] = block_at(SMOOTH, m, planted)
        search_vector(m, SMOOTH, 1)
        assert m.mv.tolist() == planted
        assert m.cost == pytest.approx(rate(m, planted))


def test_three_step_search_goes_far():
    rng = np.random.default_rng(17)
    for k in range(40):
        m = prepared(rng, 32, 32, method=SEARCH_TSS, search_range=15, sqrt_lambda=0.25, start_count=1, x=32, y=24)
        m.mvp[:] = m.starts[0] = 0
        # where one of the eight first positions is nearest
        planted = [4 * (v + int(rng.integers(-1, 2))) for v in ((-8, 8), (8, -8), (0, 8), (-8, 0))[k % 4]]
        source_of(m)[:] = block_at(SMOOTH, m, planted)
        search_vector(m, SMOOTH, 1)
        assert m.mv.tolist() == planted


@pytest.mark.parametrize("method", METHODS)
def test_a_start_far_away_is_used(method):
    rng = np.random.default_rng(15)
    m = prepared(rng, 16, 16, method=METHODS[method], search_range=4, start_count=MAX_STARTS, x=32, y=32)
    m.mvp[:] = m.starts[:] = 0
    for place in (0, MAX_STARTS - 1):
        m.starts[:] = 0
        m.starts[place] = planted = (-111, 93)
        source_of(m)[:] = block_at(NOISE, m, planted)
        search_vector(m, NOISE, 1)
        assert tuple(m.mv) == planted
        assert m.cost == pytest.approx(rate(m, planted))


def test_other_slots_are_other_pictures():
    m = prepared(np.random.default_rng(16), 8, 8)
    search_vector(m, NOISE, 0)
    # nothing but zeros there: the cheapest vector is the best one
    assert m.cost == pytest.approx(slow_satd(source_of(m), np.zeros((8, 8))) + rate(m, m.mv.tolist()))
    assert m.cost < satd_cost(NOISE, m, m.mv.tolist())
