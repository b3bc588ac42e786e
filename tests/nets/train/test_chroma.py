"""Training nets of chroma from luma: what blocks are drawn, what a net is measured by, and that it learns."""

import numpy as np
import pytest

from cli.train.chroma_windows import Windows
from codec.base.errors import InputError, UsageError
from nets.program import prepare
from nets.train.chroma import (
    POOL,
    SIZES,
    Blocks,
    Gain,
    decibels,
    drawn_places,
    free,
    gains,
    integer_net,
    load_pictures,
    made_blocks,
    net_inputs,
)
from nets.train.recipe import Phase, Recipe
from tests.nets.train.material import write_shards

torch = pytest.importorskip("torch")

from nets.quantise import export  # noqa: E402
from nets.train.chroma import ChromaFit, inputs_of  # noqa: E402


@pytest.fixture
def material(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    write_shards(folder)
    return folder


def recipe_of(**values):
    fit = Phase(steps=8, batch=1, patch=64, report=4, warm_up=2, precision="float32")
    quantised = Phase(steps=2, batch=1, patch=64, report=2, learning_rate=5e-5, precision="float32")
    common = dict(
        name="tiny.toml", task="chroma", architecture="chroma_window", dump=("d.toml",), validation=("b*",),
        settings={"f": 4, "layers": 2, "side": 4}, weight={"u": 0.5, "v": 0.5}, placement="reconstructed",
    )  # fmt: skip
    return Recipe(**{**common, "fit": fit, "quantised": quantised, **values})


@pytest.mark.parametrize("depth", [8, 10])
def test_blocks_and_what_is_missing(tmp_path, depth):
    write_shards(tmp_path, sources=("a",), qps=(32,), depth=depth)
    picture = load_pictures(tmp_path)[1]
    places = np.array([[8, 16], [0, 0]], np.int64)
    window, side, base, missing = made_blocks(Windows(), picture, places, 8)
    assert window.shape == (2, 14, 12, 12) and side.shape == (2, 8, 1, 1) and side[0, 0] == 8 * 32
    for k in range(2):
        original = picture.original[k][16:24, 8:16].astype(float)
        assert np.allclose(missing[0, k, 0] * 2 ** (depth - 8), original - base[0, k])
    # without a template all predictions are the middle
    assert (base[1] == 2 ** (depth - 1)).all() and (missing[1, :, 0] == missing[1, :, 1]).all()
    inputs = net_inputs(["luma", "border"], window, side, base)
    assert inputs["luma"].shape == (2, 1, 8, 8) and inputs["border"].shape == (2, 3 * 17, 1, 1)
    # the line around the block: from below left up, the corner, to the right
    assert inputs["border"][0, 17, 0, 0] == window[0, 4, 11, 3] and inputs["border"][0, 25, 0, 0] == window[0, 4, 3, 3]
    assert inputs["border"][0, 33, 0, 0] == window[0, 4, 3, 11]


def test_blocks_are_drawn_where_transform_blocks_have_their_size(material):
    picture = load_pictures(material)[0]
    rng, found = np.random.default_rng(1), []
    places = drawn_places(rng, picture, 8, 400)
    assert (places % 8 == 0).all() and places.max() < 32
    for x, y in places.tolist():
        found.append(int(picture.log2_tb[y // 2, x // 2]) == 4)
    everywhere = float((picture.log2_tb[::4, ::4] == 4).mean())
    assert np.mean(found) > everywhere or everywhere in (0.0, 1.0)


def test_batches_come_again(material):
    pictures = load_pictures(material)
    blocks = Blocks(pictures, Windows(), ["window", "side"])
    first = blocks.batch(1, 3, 1, 64)
    assert blocks.batch(1, 3 + POOL, 1, 64) is first and blocks.batch(1, 4, 1, 64) is not first
    size = first[1]["u"].shape[-1]
    assert size in SIZES and len(first[2]) == 1024 // size**2 == len(first[0]["window"])
    with pytest.raises(InputError, match="no training material is left"):
        Blocks([], Windows(), ["window"])


def test_decibels_by_hand():
    # 4x4: 3.2 is added to all errors
    found = [Gain("a", 32, 4, 28.8, 12.8), Gain("a", 32, 4, 10.0, 30.0)]
    assert decibels(found) == pytest.approx((10 * np.log10(2) / 2, 0.5))
    assert free(28) == pytest.approx(2**8 / 3)


def test_it_learns_the_same_twice_and_becomes_an_integer_net(material, tmp_path, monkeypatch):
    monkeypatch.setattr("nets.train.fit.quickest", lambda candidates, step: (candidates[0], 1.0))
    shown, recipe = [], recipe_of()
    fits = [ChromaFit(recipe, [material], tmp_path / name, maker=Windows()) for name in ("1", "2")]
    assert fits[0].counts == (4, 4)
    fits[0].run(lambda step, loss, found=None: shown.append(loss))
    for stop in (4, 7, 10):
        ChromaFit(recipe, [material], tmp_path / "2", maker=Windows()).run(stop=stop)
    again = ChromaFit(recipe, [material], tmp_path / "2", maker=Windows())
    for (name, first), second in zip(fits[0].module.named_parameters(), again.module.parameters(), strict=True):
        assert torch.equal(first, second), name
    assert np.isfinite(shown).all()
    net = export(again.module)
    pictures = load_pictures(material)[:1]
    found = gains(integer_net(net, prepare(net)), pictures, Windows(), inputs_of(again.module.description))
    assert {gain.size for gain in found} == set(SIZES) and all(gain.net >= 0 and gain.others >= 0 for gain in found)
    again.module.quantised = True
    real = again.module({"window": torch.ones(1, 14, 8, 8) / 512, "side": torch.ones(1, 8, 1, 1) / 512})["uv"]
    whole = prepare(net)({"window": np.ones((1, 14, 8, 8), np.int16), "side": np.ones((1, 8, 1, 1), np.int16)})["uv"]
    assert np.array_equal(real.detach().numpy() * 2**11, whole)


def test_the_loss_falls(material, tmp_path, monkeypatch):
    """Of one batch, which comes again and again."""
    monkeypatch.setattr("nets.train.chroma.POOL", 1)
    shown = []
    recipe = recipe_of(fit=Phase(steps=60, batch=1, patch=64, report=60, warm_up=5, precision="float32"))
    fitting = ChromaFit(recipe, [material], tmp_path / "run", maker=Windows())
    fitting.run(lambda step, loss, found=None: shown.append(loss), stop=60)
    assert np.mean(shown[-12:-1]) < shown[0]


def test_a_hybrid_net_is_for_one_size(material, tmp_path):
    recipe = recipe_of(architecture="chroma_hybrid", settings={"size": 8})
    fitting = ChromaFit(recipe, [material], tmp_path / "run", maker=Windows())
    fitting.run(stop=2)
    assert set(fitting.validate()) == {"n8"}
    with pytest.raises(UsageError, match="size 12 is not 4, 8, 16 or 32"):
        recipe_of(architecture="chroma_hybrid", settings={"size": 12}).describe()


def test_damaged_shards(material):
    path = next(material.glob("*.npz"))
    with np.load(path) as shard:
        arrays = dict(shard)
    np.savez(path, **{**arrays, "raw_u": arrays["raw_u"][:, 1:]})
    with pytest.raises(InputError, match="its planes are of different sizes"):
        load_pictures(material)
    for other in material.glob("*.npz"):
        other.unlink()
    with pytest.raises(InputError, match="no training material"):
        load_pictures(material)
