"""The temporal filter: motion between source pictures, weights, which pictures take part; its seam in the encoder."""

import dataclasses
import io

import numpy as np
import pytest

from codec.base.errors import UsageError
from codec.base.metrics import mse
from codec.base.picture import FilteredPicture, original_planes
from codec.common.source.source_filter import TRUST_ONE, WEIGHT_ONE, add_moved
from codec.common.source.source_motion import find_motion
from codec.common.source.source_samples import (
    BLOCK_AT,
    BORDER,
    FILTER,
    PHASES,
    TAPS,
    interpolated_block,
    luma_levels,
    new_block_memory,
    with_border,
)
from codec.common.source.temporal_filter import RANGE, filter_strength, filtered_pictures, source_span
from codec.h265.config import EncoderConfig, validated
from codec.h265.encoder.encode import encode_sequence
from tests.codec.h265.encoder.plan.gops import cfg_config

WEIGHTS = FILTER.reshape(PHASES, TAPS)


def config_of(width=96, height=80, **changes):
    values = dict(TemporalFilter=True, TemporalFilterStrengthFrame8=0.95, TemporalFilterStrengthFrame16=1.5, Threads=2)
    return validated(EncoderConfig(SourceWidth=width, SourceHeight=height, **{**values, **changes}))


def scene(width, height, right, down):
    """A smooth picture, moved by parts of samples."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    x, y = x - right, y - down
    waves = 30 * np.sin(x / 5 + y / 11) + 25 * np.cos(y / 4 - x / 17) + 20 * np.sin(x * y / 900)
    return 128 + waves


def noisy_clip(count, width=96, height=80, depth=8, chroma=True, sigma=4.0, speed=(1.3, -0.6)):
    """(pictures with noise, pictures without): planes of a scene that moves."""
    generator = np.random.default_rng(2)
    clean, noisy = [], []
    for index in range(count):
        luma = scene(width, height, speed[0] * index, speed[1] * index)
        planes = [luma] + [luma[::2, ::2] / 2 + 64] * (2 if chroma else 0)
        clean.append([plane * (1 << depth - 8) for plane in planes])
        samples = [plane + generator.normal(0, sigma, plane.shape) for plane in planes]
        noisy.append([np.clip(np.rint(s * (1 << depth - 8)), 0, (1 << depth) - 1).astype(np.int16) for s in samples])
    return noisy, clean


def test_the_filter_of_fractions():
    assert (WEIGHTS.sum(axis=1) == 64).all()
    assert WEIGHTS[0].tolist() == [0, 0, 64, 0, 0, 0]
    assert (WEIGHTS[1:] == WEIGHTS[:0:-1, ::-1]).all()


@pytest.mark.parametrize("size", [8, 4])
def test_interpolation_is_that_of_its_filter(size):
    generator = np.random.default_rng(1)
    plane = with_border(generator.integers(0, 1024, (16, 24)).astype(np.int16), BORDER, 8)
    memory = new_block_memory()
    for _ in range(30):
        x, y = (int(generator.integers(32 * 3, 32 * (limit - size - 4))) for limit in plane.shape[::-1])
        interpolated_block(plane.reshape(-1), plane.shape[1], x, y, size, 1023, memory)
        part = plane[(y >> 5) - 2 : (y >> 5) + size + 3, (x >> 5) - 2 : (x >> 5) + size + 3].astype(int)
        across = np.stack([part[:, c : c + TAPS] @ WEIGHTS[x & 31] for c in range(size)], axis=1)
        down = np.stack([WEIGHTS[y & 31] @ across[r : r + TAPS] for r in range(size)])
        expected = np.clip((down + 2048) >> 12, 0, 1023)
        assert (memory[BLOCK_AT : BLOCK_AT + size * size].reshape(size, size) == expected).all()


@pytest.mark.parametrize(("right", "down"), [(0, 0), (1, -2), (2.5, 0.25), (-7.75, 3.0625), (19, -13.5)])
def test_motion_is_found_to_parts_of_a_sample(right, down):
    first, second = (np.rint(scene(160, 120, *by)).astype(np.int16) for by in ((0, 0), (right, down)))
    vectors, errors = find_motion(luma_levels(first), luma_levels(second), 15, 20, 255)
    inner = vectors[3:-3, 3:-3].reshape(-1, 2) / 16
    assert np.abs(np.median(inner, axis=0) - (right, down)).max() <= 1 / 16
    assert errors[3:-3, 3:-3].mean() / 64 < 1.0


def test_the_weighted_sum():
    """Against floating point, with whole vectors, odd sizes and trust."""
    generator = np.random.default_rng(4)
    plane, other = (generator.integers(0, 256, (21, 30)).astype(np.int16) for _ in range(2))
    vectors = generator.integers(-20, 20, (3, 4, 2)).astype(np.int32) * 16
    trust = generator.integers(0, TRUST_ONE + 1, (3, 4)).astype(np.int32)
    weights = generator.integers(0, WEIGHT_ONE, 256).astype(np.int32)
    changes, sums = np.zeros((2, *plane.shape), np.int32)
    bordered = with_border(other, BORDER, 32)
    add_moved(plane, bordered, BORDER, 8, vectors, trust, weights, 255, changes, sums, new_block_memory())
    for y in range(21):
        for x in range(30):
            mv_x, mv_y = vectors[y // 8, x // 8] // 16
            difference = int(bordered[y + mv_y + BORDER, x + mv_x + BORDER]) - int(plane[y, x])
            weight = int(weights[abs(difference)]) * int(trust[y // 8, x // 8]) // TRUST_ONE
            assert (changes[y, x], sums[y, x]) == (weight * difference, weight)


def test_which_pictures_are_filtered_and_how_strongly():
    config = config_of()
    strengths = {index: filter_strength(config, index) for index in (0, 1, 4, 8, 12, 16, 24, 32)}
    assert strengths == {0: 1.5, 1: 0, 4: 0, 8: 0.95, 12: 0, 16: 1.5, 24: 0.95, 32: 1.5}
    assert filter_strength(dataclasses.replace(config, TemporalFilter=False), 16) == 0
    clip, _ = noisy_clip(18)
    made = list(filtered_pictures(config, clip))
    assert [isinstance(planes, FilteredPicture) for planes in made] == [index % 8 == 0 for index in range(18)]
    assert all(original_planes(planes) is source for planes, source in zip(made, clip, strict=True))


SIZES = [dict(width=70, height=50), dict(width=8, height=8), dict(width=18, height=34)]


@pytest.mark.parametrize("form", [{}, *SIZES, dict(depth=10), dict(chroma=False)])
def test_noise_falls(form):
    clip, clean = noisy_clip(9, **form)
    depth = form.get("depth", 8)
    config = config_of(form.get("width", 96), form.get("height", 80), InputBitDepth=depth, QP=32)
    made = list(filtered_pictures(config, clip))
    for index in (0, 8):
        for source, filtered, true in zip(clip[index], made[index], clean[index], strict=True):
            assert filtered.dtype == np.int16 and filtered.shape == source.shape
            assert filtered.min() >= 0 and filtered.max() < 1 << depth
            before, after = (float(np.mean((plane - true) ** 2)) for plane in (source, filtered))
            # little moves into a picture of one block
            assert after < (0.6 if source.size > 1000 else 1.0) * before


def test_the_filter_is_weaker_at_a_low_qp_and_strength():
    clip, _ = noisy_clip(9)

    def change(**values):
        planes = next(filtered_pictures(config_of(**values), clip))
        return float(np.abs(planes[0] - clip[0][0]).mean())

    assert change(QP=37) > change(QP=22) > change(QP=12) > 0
    strengths = [change(TemporalFilterStrengthFrame16=strength) for strength in (0.4, 0.95, 1.5)]
    assert 0 < strengths[0] < strengths[1] < strengths[2]


def test_other_scenes_do_not_shine_through():
    clip, _ = noisy_clip(9)
    generator = np.random.default_rng(7)
    for planes in clip[:8]:
        planes[:] = [generator.integers(0, 256, plane.shape).astype(np.int16) for plane in planes]
    made = list(filtered_pictures(config_of(TemporalFilterFutureReference=False), clip))
    assert np.abs(made[8][0] - clip[8][0]).mean() < 0.5


def test_only_pictures_before_without_future_references():
    clip, _ = noisy_clip(14)
    changed = clip[:9] + [[255 - plane for plane in planes] for planes in clip[9:]]
    for future, same in ((False, True), (True, False)):
        config = config_of(TemporalFilterFutureReference=future)
        first, second = (list(filtered_pictures(config, pictures))[8][0] for pictures in (clip, changed))
        assert (first == second).all() == same


@pytest.mark.parametrize(("future", "ahead"), [(True, RANGE), (False, 0)])
def test_few_pictures_are_read_ahead(future, ahead):
    clip, taken = noisy_clip(20)[0], []
    source = (taken.append(index) or planes for index, planes in enumerate(clip))
    for index, _ in enumerate(filtered_pictures(config_of(TemporalFilterFutureReference=future), source)):
        assert len(taken) == min(20, index + ahead + 1)


@pytest.mark.parametrize("future", [True, False])
def test_parts_of_a_clip_are_filtered_as_the_whole(future):
    clip, _ = noisy_clip(30)
    config = config_of(TemporalFilterFutureReference=future, FramesToBeEncoded=30)
    whole = list(filtered_pictures(config, clip))
    for begin, count in ((0, 9), (8, 9), (15, 15), (24, 1)):
        first, length = source_span(config, begin, count)
        part = list(filtered_pictures(config, clip[first : first + length], first, begin))
        for mine, other in zip(part[:count], whole[begin : begin + count], strict=True):
            assert all((a == b).all() for a, b in zip(mine, other, strict=True))


def code(clip, **changes):
    config = cfg_config("randomaccess_main", **{**dict(SourceWidth=96, SourceHeight=80, QP=30), **changes})
    sink = io.BytesIO()
    return sink, list(encode_sequence(config, iter(clip), sink))


def test_reports_compare_with_the_original_and_threads_do_not_matter():
    clip, _ = noisy_clip(9)
    on = dict(TemporalFilter=True, TemporalFilterStrengthFrame8=0.95)
    stream, reports = code(clip, Threads=1, **on)
    assert code(clip, Threads=3, **on)[0].getvalue() == stream.getvalue()
    for report in reports:
        assert report.mse[0] == mse(clip[report.index][0], report.recon[0])
    assert sum(report.bits for report in reports) < sum(report.bits for report in code(clip)[1])
    off = dict(on, TemporalFilter=False)
    assert code(clip, **off)[0].getvalue() == code(clip)[0].getvalue()


def test_with_rate_control():
    clip, _ = noisy_clip(9)
    wanted = dict(RateControl=True, TargetBitrate=200_000, FramesToBeEncoded=9)
    _, reports = code(clip, TemporalFilter=True, TemporalFilterStrengthFrame8=0.95, **wanted)
    assert sum(report.bits for report in reports) * 30 / 9 == pytest.approx(200_000, rel=0.08)


def test_strengths_out_of_range():
    with pytest.raises(UsageError, match="TemporalFilterStrengthFrame8=10.5 is outside 0.0..10.0"):
        config_of(TemporalFilterStrengthFrame8=10.5)
