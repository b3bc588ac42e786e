"""Training material is what the codec makes: shards compared with an encoding, its decoding and the source."""

import dataclasses
import io
import json

import numpy as np
import pytest

from cli.train.dump import INDEX, make_config, make_shard, missing_tasks, run_dump, shard_path
from cli.train.plan import DumpPlan, read_plan
from cli.train.record import records
from cli.train.sources import pictures_of
from codec.base.errors import InputError, UsageError
from codec.h265.config import DecoderConfig
from codec.h265.decoder.decode import decode_stream
from codec.h265.encoder.encode import encode_sequence


def write_clip(folder, name="a_72x66_25.yuv", pictures=3, width=72, height=66):
    """A raw clip of moving texture."""
    rng = np.random.default_rng(5)
    texture = np.cumsum(rng.integers(-20, 21, (height + 8, width + 8)), 1) + 120
    with open(folder / name, "wb") as file:
        for n in range(pictures):
            luma = np.clip(texture[n : n + height, n : n + width], 0, 255).astype(np.uint8)
            file.write(luma.tobytes() + luma[::2, ::2].tobytes() + (255 - luma[::2, ::2]).tobytes())


def plan_of(folder, **values):
    return DumpPlan(**{**dict(name="p.toml", data=str(folder), sources=("*.yuv",), qps=(32,)), **values})


@pytest.mark.parametrize(
    ("cfg", "pictures", "options"),
    [("encoder_intra_main.cfg", 1, ()), ("encoder_lowdelay_P_main10.cfg", 2, ("--InternalBitDepth=10",))],
)
def test_shards_hold_what_a_decoder_outputs(tmp_path, cfg, pictures, options):
    write_clip(tmp_path)
    plan = plan_of(tmp_path, cfg=cfg, pictures=pictures, options=options)
    (task,) = plan.tasks()
    make_shard(plan, tmp_path, task)
    shard = np.load(shard_path(tmp_path, task.source, task.qp), allow_pickle=False)
    up = int(shard["bit_depth"]) - 8
    config = make_config(plan, (72, 66), task.qp, pictures)
    original = [[plane << up for plane in picture] for picture in pictures_of(task.path, 0, 1, pictures)]
    stream = io.BytesIO()
    list(encode_sequence(config, original, stream))
    stream.seek(0)
    decoded = list(decode_stream(DecoderConfig(), stream))
    assert len(shard["poc"]) == len(decoded) == pictures
    for row, poc in enumerate(shard["poc"]):
        picture = next(picture for picture in decoded if picture.poc == poc)
        for index, name in enumerate("yuv"):
            height, width = (64, 72) if name == "y" else (32, 36)  # whole 8x8 blocks only
            assert np.array_equal(shard[f"rec_{name}"][row], picture.planes[index][:height, :width])
            assert np.array_equal(shard[f"org_{name}"][row], original[poc][index][:height, :width])


def test_stages_and_maps_fit_together(tmp_path):
    write_clip(tmp_path, "a_128x64_25.yuv", width=128, height=64)
    plan = plan_of(tmp_path, pictures=2)
    (task,) = plan.tasks()
    pictures = pictures_of(task.path, 0, 1, 2)
    for record in records(make_config(plan, (128, 64), task.qp, 2), pictures):
        raw, deblocked, filtered = record.reconstructed[0], record.deblocked[0], record.filtered[0]
        assert not np.array_equal(raw, deblocked) and not np.array_equal(deblocked, filtered)
        assert np.array_equal(filtered, record.report.recon[0])
        # deblocking changes samples beside edges only: three on each side, on the 8x8 grid
        columns, rows = np.arange(128) % 8, np.arange(64) % 8
        inside = np.logical_and.outer((rows == 3) | (rows == 4), (columns == 3) | (columns == 4))
        assert np.array_equal(raw[inside], deblocked[inside])
        strong = np.repeat(np.repeat(record.strengths.max(0), 4, 0), 4, 1)
        assert record.strengths.max() == 2 and strong.shape == raw.shape
        assert set(np.unique(record.log2_tb)) <= {2, 3, 4, 5} and (record.log2_tb <= record.log2_cb).all()
        assert (record.qp_y == task.qp).all()
        # a residual brings the prediction nearer to the original
        prediction = raw - record.residual
        error = lambda plane: np.square(plane.astype(float) - record.original[0]).sum()  # noqa: E731, B023
        assert error(raw) < error(prediction)


def test_crops_windows_and_random_choices_are_the_plans(tmp_path):
    write_clip(tmp_path, "a_136x96_25.yuv", width=136, height=96)
    plan = plan_of(tmp_path, window=(120, 80), crops=3, crop=(64, 64), qps=(22, 27, 32, 37), qps_each=1)
    assert len(plan.tasks()) == 1 and plan.tasks() == plan.tasks()
    (task,) = plan.tasks()
    for folder in (tmp_path / "1", tmp_path / "2"):
        folder.mkdir()
        make_shard(plan, folder, task)
    first, second = (np.load(shard_path(tmp_path / n, task.source, task.qp)) for n in "12")
    assert first["org_y"].shape == (3, 64, 64) and first["strengths"].shape == (3, 2, 16, 16)
    assert set(first) == set(second) and all(np.array_equal(first[name], second[name]) for name in first)
    source = pictures_of(task.path, 0, 1, 1)[0][0]
    crop = first["org_y"][0]
    views = np.lib.stride_tricks.sliding_window_view(source, (64, 64))
    assert (views == crop).all((2, 3)).any()


def test_rgb_of_stills_is_that_of_the_file(tmp_path):
    cv2 = pytest.importorskip("cv2")
    image = np.random.default_rng(1).integers(0, 256, (80, 112, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image[:, :, ::-1])
    cv2.imwrite(str(tmp_path / "b.bmp"), image[:, :, ::-1])
    write_clip(tmp_path)
    plan = plan_of(tmp_path, sources=("*.png", "*.bmp", "*.yuv"), window=(88, 64), crops=2, crop=(64, 64), rgb=True)
    assert plan.identity() != plan_of(tmp_path, window=(88, 64), crops=2, crop=(64, 64)).identity()
    for task in plan.tasks():
        make_shard(plan, tmp_path, task)
        shard = np.load(shard_path(tmp_path, task.source, task.qp))
        assert shard["org_rgb"].shape == (2, 3, 64, 64) and shard["org_rgb"].dtype == np.uint8
        for crop, luma in zip(shard["org_rgb"], shard["org_y"], strict=True):
            if task.source in "ab":
                views = np.lib.stride_tricks.sliding_window_view(image, (64, 64), axis=(0, 1))
                assert (views == crop).all((2, 3, 4)).any()
            # it lies where the planes lie
            red, green, blue = crop.astype(float)
            made = 16 + (0.2126 * red + 0.7152 * green + 0.0722 * blue) * 219 / 255
            assert task.source.startswith("a_") or np.abs(made - luma).max() < 1


def test_scales_are_sources_of_their_own(tmp_path):
    cv2 = pytest.importorskip("cv2")
    image = np.random.default_rng(1).integers(0, 256, (160, 200, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    write_clip(tmp_path, "b_160x128_25.yuv", pictures=1, width=160, height=128)
    plan = plan_of(tmp_path, sources=("*.png", "*.yuv"), scales=(1, 1.5, 2))
    tasks = plan.tasks()
    assert [task.source for task in tasks[:3]] == ["a", "a_by1.5", "a_by2"] and len(tasks) == 6
    for task, size in zip(tasks, [(160, 200), (104, 128), (80, 96), (128, 160), (80, 104), (64, 80)], strict=True):
        make_shard(plan, tmp_path, task)
        assert np.load(shard_path(tmp_path, task.source, task.qp))["org_y"].shape == (1, *size)
    # at half size a sample is the mean of four
    whole, half = (pictures_of(tasks[3].path, 0, 1, 1, scale)[0] for scale in (1, 2))
    for before, after in zip(whole, half, strict=True):
        means = before.reshape(before.shape[0] // 2, 2, -1, 2).mean((1, 3))
        assert np.abs(means - after).max() <= 0.5
    whole, half = (pictures_of(tasks[0].path, 0, 1, 1, scale)[0] for scale in (1, 2))
    # luma is rounded on both sides, and RGB once in between: a half, a half, and 219/255 of a half
    assert np.abs(whole[0].reshape(80, 2, 100, 2).mean((1, 3)) - half[0]).max() <= 1 + 219 / 510
    assert [plane.shape for plane in half] == [(80, 100), (40, 50), (40, 50)]


def test_blocks_with_their_modes_are_those_of_the_stream(tmp_path):
    write_clip(tmp_path)
    plan = plan_of(tmp_path, modes=True, pictures=2)
    (task,) = plan.tasks()
    make_shard(plan, tmp_path, task)
    shard = np.load(shard_path(tmp_path, task.source, task.qp), allow_pickle=False)
    config = make_config(plan, (72, 66), task.qp, 2)
    config = dataclasses.replace(config, BlockStatistics=True)
    reports = list(encode_sequence(config, pictures_of(task.path, 0, 1, 2), io.BytesIO()))
    chosen = np.concatenate([report.statistics.intra_blocks for report in reports])
    assert len(chosen) == len(shard["mode_chosen"])
    # raster order of origins here and there
    assert np.array_equal(shard["mode_chosen"], chosen["luma_mode"])
    assert np.array_equal(1 << shard["mode_log2_size"].astype(int), chosen["size"])
    place = (shard["mode_listed"] == shard["mode_chosen"][:, None]).argmax(1)
    listed = (shard["mode_listed"] == shard["mode_chosen"][:, None]).any(1)
    assert np.array_equal(listed, chosen["mode_rank"] < 3) and np.array_equal(
        place[listed], chosen["mode_rank"][listed]
    )
    # what the search chose is mostly among what costs least
    costs = shard["mode_costs"]
    assert (costs.min(1) == 0).all() and np.median(costs[np.arange(len(costs)), shard["mode_chosen"]]) < 16 * 4
    assert shard["mode_inputs"].shape == (len(costs), 409) and "org_y" not in shard


def test_dumps_go_on_where_they_stopped(tmp_path):
    write_clip(tmp_path)
    write_clip(tmp_path, "b_64x64_25.yuv", width=64, height=64)
    (tmp_path / "c_64x64_25.yuv").write_bytes(b"short")
    out, seen = tmp_path / "out", []
    good = plan_of(tmp_path, sources=("[ab]*.yuv",), qps=(40,))
    assert run_dump(good, out, 1, lambda task, error: seen.append(task.source)) == []
    assert seen == ["a_72x66_25", "b_64x64_25"] and missing_tasks(good, out) == []
    made = shard_path(out, "a_72x66_25", 40).stat().st_mtime_ns
    shard_path(out, "b_64x64_25", 40).unlink()
    errors = run_dump(plan_of(tmp_path, qps=(40,)), out, 1, lambda task, error: seen.append(task.source))
    assert seen[2:] == ["b_64x64_25", "c_64x64_25"] and len(errors) == 1 and "c_64x64" in str(errors[0])
    assert shard_path(out, "a_72x66_25", 40).stat().st_mtime_ns == made
    with pytest.raises(UsageError, match="another way"):
        missing_tasks(plan_of(tmp_path, seed=2), out)
    (out / INDEX).write_text(json.dumps([]))
    with pytest.raises(InputError, match="damaged"):
        missing_tasks(good, out)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sources = []\ndata = '.'", "needs sources"),
        ("sources = ['a']\ndata = '.'\nqp = 3", "unknown key qp"),
        ("sources = ['a']\ndata = '.'\nqps = 3", "wrong type"),
        ("sources = ['a']\ndata = '.'\nrgb = 1", "wrong type"),
        ("sources = ['a']\ndata = '.'\nfirst = true", "wrong type"),
        ("sources = ['a']\ndata = '.'\nqps = [true]", "whole numbers"),
        ("sources = ['a']\ndata = '.'\nscales = [0.5]", "from 1 on"),
        ("sources = ['a']\ndata = '.'\ncrops = 2", "needs crop"),
        ("sources = ['a']\ndata = '.'\nwindow = [60, 64]", "multiples of 8"),
        ("sources = ['a']\ndata = '.'\nskip = 1", "leaves nothing"),
        ("sources = ['a']\ndata = '.'\npictures = 3\nskip = 1\nmotion = true", "from picture to picture"),
        ("sources = ['a']\ndata = '.'\nmodes = true\ncrops = 1\ncrop = [64, 64]", "blocks, no pictures"),
        ("sources = [", "plan.toml"),
    ],
)
def test_plans_that_make_no_sense(tmp_path, text, words):
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(UsageError, match=words):
        read_plan(str(tmp_path / "plan.toml"))


def test_material_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        plan_of(tmp_path / "no").tasks()
    with pytest.raises(InputError, match="is called"):
        plan_of(tmp_path).tasks()
    (tmp_path / "x.mkv").write_bytes(b"nothing")
    with pytest.raises(InputError, match="FFmpeg"):
        pictures_of(str(tmp_path / "x.mkv"), 0, 1, 1)
