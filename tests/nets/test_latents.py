"""Weights of learned codecs: what their integers mean, their file, their id."""

import dataclasses

import numpy as np
import pytest

from nets.arch.codec import Y_RANGE, factorized, hyperprior
from nets.container import InvalidNet, read_file, write_file
from nets.latents import (
    SCALE_TABLES,
    Tables,
    check_codec,
    codec_costs,
    codec_id,
    load_codec,
    save_codec,
    table_of_channel,
    table_of_scale,
    to_latents,
    to_symbols,
)


def test_a_symbol_is_the_nearest_step():
    rng = np.random.default_rng(1)
    steps = np.array([16, 37, 160, 5000], np.int16)
    values = rng.integers(-2048, 2048, (4, 9, 9)).astype(np.int16)
    centre = rng.integers(-300, 300, (4, 9, 9))
    symbols = to_symbols(values, centre, steps)
    np.testing.assert_array_equal(symbols, -to_symbols(-values, -centre, steps))
    real = steps[:, None, None] / 16
    assert np.abs(values - (centre + symbols * real)).max() <= real.max() / 2
    back = to_latents(symbols, centre, steps, "y")
    inside = (back > Y_RANGE["lo"]) & (back < Y_RANGE["hi"])
    assert (np.abs(back - values) <= real / 2 + 1)[inside].all()
    assert back.min() >= Y_RANGE["lo"] and back.max() <= Y_RANGE["hi"]


def test_halves_go_away_from_zero():
    assert to_symbols(np.array([[[8, -8, 7, -7]]]), 0, np.array([256], np.int16)).tolist() == [[[1, -1, 0, 0]]]


def test_scales_choose_tables_a_quarter_octave_apart():
    scale = np.arange(-512, 512, dtype=np.int16).reshape(1, 1, -1)
    found = table_of_scale(scale, np.zeros(1, np.int16))[0, 0]
    assert found.min() == 0 and found.max() == SCALE_TABLES - 1
    assert (np.diff(found) >= 0).all() and (np.diff(found) <= 1).all()
    # 2 ** -3.5 is the first table, 2 ** 0 the fourteenth behind it
    assert found[512 - 224] == 0 and found[512] == 14 and found[512 + 7] == 14 and found[512 + 8] == 15
    # a step twice as large is a scale half as large
    np.testing.assert_array_equal(
        table_of_scale(scale, np.array([64], np.int16)), table_of_scale(scale - 64, np.zeros(1))
    )


def test_channels_have_tables_of_their_own():
    numbers = table_of_channel(2, (5, 3, 4))
    assert numbers.shape == (5, 3, 4) and numbers[:, 0, 0].tolist() == [10, 11, 12, 13, 14]


def test_a_setting_that_a_codec_does_not_have():
    with pytest.raises(TypeError, match="hyper"):
        factorized(hyper=8)
    assert set(hyperprior(z=5)) == {"analysis", "synthesis", "hyper_analysis", "hyper_synthesis"}


@pytest.fixture(scope="module")
def codec():
    pytest.importorskip("torch")
    from tests.codec.learned.small_codec import small_codec

    return small_codec("hyperprior")


def test_the_file_gives_the_codec_back(codec, tmp_path):
    path = tmp_path / "a.safetensors"
    save_codec(path, codec)
    found = load_codec(path)
    assert codec_id(found) == codec_id(codec) and found.info == codec.info
    assert codec_costs(found) == codec_costs(codec)
    save_codec(tmp_path / "b.safetensors", found)
    assert (tmp_path / "b.safetensors").read_bytes() == path.read_bytes()


def test_the_id_is_that_of_all_that_counts(codec):
    known = codec_id(codec)
    steps = {name: table.copy() for name, table in codec.steps.items()}
    steps["y"][0, 0] += 1
    moved = codec.tables["y"].frequencies.copy()
    moved[0], moved[1] = moved[0] + 1, moved[1] - 1
    tables = {**codec.tables, "y": Tables(codec.tables["y"].sides, moved)}
    for changed in (dict(steps=steps), dict(tables=tables), dict(log_steps=codec.log_steps + np.int16(1))):
        assert codec_id(dataclasses.replace(codec, **changed)) != known
    assert codec_id(dataclasses.replace(codec, info={"name": "other"})) == known


def test_codecs_that_break_a_rule(codec):
    sides, frequencies = codec.tables["y"].sides, codec.tables["y"].frequencies
    wrong_sum, zero = frequencies.copy(), frequencies.copy()
    wrong_sum[0] += 1
    zero[0], zero[1] = 0, zero[1] + zero[0]
    for wrong in (
        dict(nets={name: net for name, net in codec.nets.items() if name != "hyper_analysis"}),
        dict(nets=codec.nets | {"synthesis": codec.nets["analysis"]}),
        dict(steps=codec.steps | {"y": codec.steps["y"] * np.int16(0)}),
        dict(steps=codec.steps | {"y": codec.steps["y"][:, :-1]}),
        dict(log_steps=None),
        dict(tables=codec.tables | {"y": Tables(sides, wrong_sum)}),
        dict(tables=codec.tables | {"y": Tables(sides, zero)}),
        dict(tables=codec.tables | {"y": Tables(sides[:-1], frequencies)}),
        dict(tables=codec.tables | {"y": Tables(sides, frequencies[:-1])}),
    ):
        with pytest.raises(InvalidNet):
            check_codec(dataclasses.replace(codec, **wrong), "here")


def test_files_that_are_none(codec, tmp_path):
    path, bad = tmp_path / "a.safetensors", tmp_path / "bad.safetensors"
    save_codec(path, codec)
    metadata, tensors = read_file(path)
    some = next(name for name in tensors if name.startswith("synthesis/"))
    for other, arrays in (
        ({**metadata, "kind": "filters"}, tensors),
        ({key: text for key, text in metadata.items() if key != "analysis.graph"}, tensors),
        ({**metadata, "synthesis.graph": "{}"}, tensors),
        ({**metadata, "info": "[1]"}, tensors),
        (metadata, {name: array for name, array in tensors.items() if name != some}),
        (metadata, {name: array for name, array in tensors.items() if name != "y_step"}),
        (metadata, tensors | {"other/x": tensors[some]}),
    ):
        write_file(bad, other, arrays)
        with pytest.raises(InvalidNet):
            load_codec(bad)
