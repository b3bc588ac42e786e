"""Training of learned codecs on made-up pictures: where it begins, that it goes on, and what comes of it."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch")

import cv2

from codec.base.errors import InputError, UsageError
from nets.latents import load_codec
from nets.train.codec import CodecFit
from nets.train.codec_publish import measure_codec_run, publish_codec_run
from nets.train.codec_recipe import CodecRecipe, make_codec_recipe
from nets.train.recipe import Phase
from nets.weights import find
from tests.codec.learned.small_codec import SETTINGS, picture

GOOD = {"task": "codec", "architecture": "hyperprior", "data": ".", "sources": ["*.png"]}


def recipe_of(folder, architecture="hyperprior", **values):
    fit = Phase(
        steps=12, batch=6, patch=64, report=6, warm_up=2, precision="float32", learning_rate=1e-3, last_rate=1e-4
    )
    quantised = Phase(steps=4, batch=2, patch=64, report=2, learning_rate=5e-5, precision="float32")
    common = dict(architecture=architecture, settings=SETTINGS[architecture], data=".", sources=("*.png",))
    common |= dict(name=str(folder / f"{architecture}.toml"), validation=("p4",), scales=(1,))
    return CodecRecipe(**{**common, "fit": fit, "quantised": quantised, **values})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    # no timing: two runs may find different ways equally quick, whose sums round differently
    monkeypatch.setattr("nets.train.fit.quickest", lambda candidates, step: (candidates[0], 1.0))
    for number in range(5):
        cv2.imwrite(str(tmp_path / f"p{number}.png"), picture(128, 192, number))
    return tmp_path


def fit_of(recipe, run):
    return CodecFit(recipe, recipe.images(), run)


def parameters(fitting):
    return {name: value.detach().numpy().copy() for name, value in fitting.module.named_parameters()}


def test_it_begins_as_a_transform(folder):
    fitting = fit_of(recipe_of(folder), folder / "runs" / "a")
    assert fitting.counts == (4, 1)
    found = fitting.validate()
    assert found["psnr"][6] > 24 and found["bpp"][6] > found["bpp"][1] > 0
    assert found["psnr"][6] >= found["psnr"][1]


@pytest.mark.parametrize("architecture", SETTINGS)
def test_the_same_steps_also_when_interrupted(folder, architecture):
    recipe = recipe_of(folder, architecture)
    whole = fit_of(recipe, folder / "runs" / "whole")
    whole.run()
    assert whole.step == 16 and whole.module.quantised
    for stop in (8, 14):
        run = folder / "runs" / f"stop{stop}"
        fit_of(recipe, run).run(stop=stop)
        rest = fit_of(recipe, run)
        assert rest.step == {8: 6, 14: 14}[stop]
        rest.run()
        for name, value in parameters(rest).items():
            np.testing.assert_array_equal(value, parameters(whole)[name], err_msg=name)


def test_steps_lower_the_loss(folder):
    losses = []
    recipe = recipe_of(folder)
    recipe = dataclasses.replace(recipe, fit=dataclasses.replace(recipe.fit, steps=60, report=60))
    fit_of(recipe, folder / "runs" / "a").run(lambda step, loss, found=None: losses.append(loss), stop=60)
    assert np.mean(losses[-11:-1]) < 0.97 * np.mean(losses[:10])


def test_a_finished_run_becomes_weights(folder):
    recipe, run = recipe_of(folder), folder / "runs" / "hyperprior"
    images = recipe.images()
    with pytest.raises(InputError, match="pytrain fit"):
        publish_codec_run(recipe, run, images, run / "weights")
    fit_of(recipe, run).run()
    entry = publish_codec_run(recipe, run, images, run / "weights")
    assert find("hyperprior", run / "weights") == entry
    assert (entry.architecture, entry.placement) == ("hyperprior", "codec")
    codec = load_codec(run / "weights" / entry.file)
    assert codec.has_hyper and codec.unit == 64
    rows = measure_codec_run(recipe, run, images)
    assert list(rows) == ["p4"] and len(rows["p4"]) == 6
    assert rows["p4"][5][0] > rows["p4"][0][0] and rows["p4"][5][1] > 22


def test_a_codec_without_hyperprior_begins_with_one_that_has_it(folder):
    first = recipe_of(folder)
    begun = fit_of(first, folder / "runs" / "hyperprior")
    begun.run(stop=12)
    wide = recipe_of(folder, "factorized", start="hyperprior")
    other = fit_of(wide, folder / "runs" / "factorized")
    mean = begun._average._means["parts.analysis.weights.conv1"]
    np.testing.assert_array_equal(parameters(other)["parts.analysis.weights.conv1"], mean.numpy())
    # densities fit the latents that these nets make
    assert other.validate()["bpp"][6] < 3


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"rates": [1, 2]}, "6 numbers"),
        ({"rates": [6, 5, 4, 3, 2, 1]}, "rise"),
        ({"architecture": "jpeg"}, "not one of"),
        ({"settings": {"wide": 3}}, "wide"),
        ({"settings": {"fine": 0}}, "above 0"),
        ({"scales": []}, "scales"),
        ({"fit": {"patch": 96}}, "multiple of 64"),
        ({"balance": 2}, "balance"),
        ({"data": ""}, "data"),
        ({"more": 1}, "unknown key"),
        ({"validation": [1]}, "patterns"),
        ({"published": "a b"}, "no name"),
    ],
)
def test_recipes_that_are_none(wrong, words):
    fit = {"fit": {"patch": 128}, "quantised": {"patch": 128}}
    with pytest.raises(UsageError, match=words):
        make_codec_recipe({**GOOD, **fit, **wrong}, "a.toml")


def test_a_good_recipe():
    recipe = make_codec_recipe({**GOOD, "fit": {"patch": 128}, "quantised": {"patch": 64}}, "here/a.toml")
    assert recipe.net_name == "a" and recipe.rates[0] == 0.0018
    with pytest.raises(UsageError, match="no image"):
        recipe.images("/nowhere")


def test_pictures_that_are_too_small(folder):
    recipe = recipe_of(folder)
    large = dataclasses.replace(recipe, fit=dataclasses.replace(recipe.fit, patch=256))
    with pytest.raises(InputError, match="no image holds"):
        fit_of(large, folder / "runs" / "a")
