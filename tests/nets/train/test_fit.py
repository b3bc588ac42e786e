"""Training on made-up material: determinism, checkpoints, and the integers that come out of it."""

import csv
import dataclasses
import time

import numpy as np
import pytest

from codec.base.errors import InputError, UsageError
from codec.base.io.matrices import Colour
from codec.common.tools.filter_nets import load_nets
from codec.h265.tools.output_filter.apply import PLACE, CnnOutputFilter
from nets.netfile import load_net
from nets.train.recipe import Phase, Recipe, make_recipe
from nets.weights import find, load
from tests.nets.train.material import write_shards

torch = pytest.importorskip("torch")

from nets.train import checkpoints, data, pace, publish  # noqa: E402
from nets.train.evaluate import float_net, gains, integer_net, mean_gains  # noqa: E402
from nets.train.fit import CURVE, Fit, components, input_grids, learning_rate, load_module  # noqa: E402

SMALL = {"first": 6, "second": (4, 4), "third": (4, 4)}


def recipe_of(**values):
    fit = Phase(steps=20, batch=2, patch=32, report=10, warm_up=4, precision="float32")
    quantised = Phase(steps=4, batch=2, patch=32, report=2, learning_rate=5e-5, precision="float32")
    common = dict(name="tiny.toml", architecture="vrcnn", settings=SMALL, dump=("d.toml",), validation=("b*",))
    return Recipe(**{**common, "fit": fit, "quantised": quantised, **values})


@pytest.fixture
def material(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    write_shards(folder)
    return folder


@pytest.fixture
def first_way(monkeypatch):
    """No timing: two runs may find different ways equally quick, whose sums round differently."""
    monkeypatch.setattr("nets.train.fit.quickest", lambda candidates, step: (candidates[0], 1.0))


def weights_of(fitting):
    return {name: tensor.detach().numpy().copy() for name, tensor in fitting.module.named_parameters()}


def test_the_same_twenty_steps_twice_also_when_interrupted(tmp_path, material, first_way):
    recipe, shown = recipe_of(), []
    whole = Fit(recipe, [material], tmp_path / "1")
    whole.run(lambda step, loss, found=None: shown.append((step, found)))
    assert [step for step, found in shown if found is not None] == [10, 20, 22, 24]
    assert set(shown[-1][1]) == {"y"} and set(shown[-1][1]["y"]) == {27, 37}
    for stop in (10, 15, 20, 22, 23):
        # behind the last checkpoint, steps are done again
        Fit(recipe, [material], tmp_path / "2").run(stop=stop)
    again = Fit(recipe, [material], tmp_path / "2")
    assert again.step == 22 and again.module.quantised
    again.run()
    first, second = weights_of(whole), weights_of(again)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert whole.module.fractions == again.module.fractions
    other = Fit(recipe_of(seed=2), [material], tmp_path / "3")
    other.run(stop=1)
    assert any(not np.array_equal(first[name], value) for name, value in weights_of(other).items())
    with open(tmp_path / "1" / CURVE, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [10, 20, 22, 24] and "y_qp37" in rows[0]


def test_a_run_may_begin_with_the_weights_of_another(tmp_path, material):
    first = Fit(recipe_of(), [material], tmp_path / "first")
    first.run(stop=20)
    begun = Fit(recipe_of(seed=2, start="first"), [material], tmp_path / "second")
    assert begun.step == 0
    learnt, taken = weights_of(first), weights_of(begun)
    assert all(np.array_equal(learnt[name], taken[name]) for name in learnt)
    with pytest.raises(InputError, match=r"nothing/float.pt: not there; run pytrain fit nothing.toml"):
        Fit(recipe_of(start="nothing"), [material], tmp_path / "second")
    with pytest.raises(UsageError, match="another architecture"):
        Fit(recipe_of(settings={**SMALL, "first": 7}, start="first"), [material], tmp_path / "third")


def test_training_takes_the_blocks_away(tmp_path, material):
    recipe = recipe_of(
        fit=Phase(steps=150, batch=4, patch=32, report=150, learning_rate=3e-3, last_rate=1e-4, warm_up=5)
    )
    fitting = Fit(recipe, [material], tmp_path / "run")
    before = fitting.validate()
    fitting.run()
    after = fitting.validate()
    assert after["y"][37] > 0.5 and after["y"][37] > before["y"][37]


def test_the_quickest_way_is_taken_and_kept(tmp_path, material, monkeypatch):
    told, recipe = [], recipe_of()
    automatic = recipe_of(fit=Phase(steps=20, batch=2, patch=32, report=10, warm_up=4))
    Fit(automatic, [material], tmp_path / "1").run(stop=1, tell=told.append)
    assert len(told) == 1 and "GMAC/s" in told[0] and told[0].startswith(("float32, ", "bfloat16, "))
    Fit(recipe, [material], tmp_path / "2").run(stop=10, tell=told.append)
    again = Fit(recipe, [material], tmp_path / "2")
    known = dict(again.ways)
    assert list(known) == ["fit"] and known["fit"].precision == "float32" and known["fit"].threads == 1
    again.run(stop=11, tell=told.append)
    assert again.ways == known and len(told) == 2
    monkeypatch.setattr("nets.train.fit.machine", lambda device: "another")
    assert Fit(recipe, [material], tmp_path / "2").ways == {}


def test_means_of_weights_are_measured_and_published(tmp_path, material, first_way):
    recipe = recipe_of(fit=recipe_of().fit, quantised=recipe_of().quantised)
    averaged = {part: dataclasses.replace(getattr(recipe, part), average=0.9) for part in ("fit", "quantised")}
    Fit(recipe_of(), [material], tmp_path / "plain").run(stop=10)
    fitting = Fit(recipe_of(**averaged), [material], tmp_path / "run")
    fitting.run(stop=10)
    # the steps themselves are the same
    plain = Fit(recipe_of(), [material], tmp_path / "plain")
    assert all(np.array_equal(a, weights_of(plain)[name]) for name, a in weights_of(fitting).items())
    # by hand: the mean of the first step is its weights, then 1/10, 2/11, ... of it stay
    fitting = Fit(recipe_of(**averaged), [material], tmp_path / "again")
    means, name = None, next(iter(weights_of(fitting)))
    for step in range(1, 11):
        fitting.run(stop=step)
        keep, weights = min(0.9, (step - 1) / (step + 8)), weights_of(fitting)[name]
        means = weights if means is None else keep * means + (1 - keep) * weights
    fitting._average.swap()
    assert np.allclose(weights_of(fitting)[name], means, atol=1e-6) and not np.allclose(means, weights, atol=1e-6)
    fitting._average.swap()
    assert np.array_equal(weights_of(fitting)[name], weights)
    # and over an interruption, to the end
    whole = Fit(recipe_of(**averaged), [material], tmp_path / "whole")
    whole.run()
    Fit(recipe_of(**averaged), [material], tmp_path / "run").run()
    first, second = (publish.finished_module(recipe_of(**averaged), tmp_path / n)[0] for n in ("whole", "run"))
    whole._average.swap()
    for name, value in first.named_parameters():
        assert np.array_equal(value.detach(), dict(second.named_parameters())[name].detach())
        assert np.array_equal(value.detach(), weights_of(whole)[name])


def test_a_shipped_training_goes_on_elsewhere(tmp_path, material, first_way, monkeypatch):
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path / "shipped")
    recipe = recipe_of(fit=dataclasses.replace(recipe_of().fit, average=0.5))
    whole = Fit(recipe, [material], tmp_path / "whole")
    whole.run()
    Fit(recipe, [material], tmp_path / "here").run(stop=10)
    assert checkpoints.keep(recipe, tmp_path / "here", tmp_path / "shipped") == (tmp_path / "shipped" / "tiny.pt", 10)
    there = Fit(recipe, [material], tmp_path / "there")
    assert there.step == 10
    there.run()
    assert all(np.array_equal(a, weights_of(whole)[name]) for name, a in weights_of(there).items())
    # another recipe of that name begins anew, and its own checkpoint goes first
    assert Fit(recipe_of(seed=5), [material], tmp_path / "new").step == 0
    assert Fit(recipe, [material], tmp_path / "there").step == 24
    # its mean weights are what another recipe begins with
    begun = Fit(recipe_of(seed=3, start="tiny"), [material], tmp_path / "begun")
    half_way = Fit(recipe, [material], tmp_path / "half")
    half_way._average.swap()
    assert all(np.array_equal(a, weights_of(half_way)[name]) for name, a in weights_of(begun).items())


def test_ways_are_timed():
    candidates, taken = pace.ways("auto", 0), []
    assert len(set(candidates)) == len(candidates) and {way.precision for way in candidates} == {"float32", "bfloat16"}

    def step(way):
        taken.append(way)
        time.sleep(0.001 if way == candidates[2] else 0.02)

    best, seconds = pace.quickest(candidates, step)
    assert best == candidates[2] and 0.001 <= seconds < 0.02 and set(taken) == set(candidates)
    assert {way.layout for way in pace.ways("float32", 2)} == {"contiguous_format", "channels_last"}
    assert {way[::2] for way in pace.ways("float32", 2)} == {("float32", 2)}
    pace.set_threads(pace.Way("float32", "channels_last", 1))


def test_the_integer_net_is_the_quantised_module(tmp_path, material):
    recipe, run = recipe_of(published="tiny_short"), tmp_path / "run"
    Fit(recipe, [material], run).run()
    directory = run / "weights"
    entry = publish.publish_run(recipe, run, material, "made-up material", directory)
    assert entry == find("tiny_short", directory) and load(entry.id, directory).name == "tiny_short"
    assert entry.architecture == "vrcnn" and "20 steps" in entry.training and "37 " in entry.gain
    assert "(float32, channels" in entry.training
    net, (module, *_) = load_net(directory / entry.file), publish.finished_module(recipe, run)
    module.quantised = True
    crops = data.load_crops(material, list(input_grids(module.description)), recipe.placement)
    from nets.torch_backend import prepare

    exact, simulated = integer_net(net, prepare(net)), float_net(module)
    grids = input_grids(module.description)
    for crop in crops[:3]:
        inputs = data.whole_inputs(crop, grids)
        assert np.array_equal(exact(inputs)["y"], simulated(inputs)["y"]) and exact(inputs)["y"].any()
    floats, integers = publish.measure_run(recipe, run, material)
    assert floats.keys() == integers.keys() == {(source, qp) for source in "ab" for qp in (27, 37)}
    found = mean_gains(gains(exact, crops, grids))
    for qp, gain in found["y"].items():
        assert gain == pytest.approx(np.mean([integers[source, qp]["y"][1] for source in "ab"]))


def test_a_net_of_the_output_filter_is_trained_on_rgb(tmp_path, material):
    units = dict(architecture="cnnif_xs_rgb", settings={}, weight=dict(r=0.3, g=0.4, b=0.3))
    recipe, run = recipe_of(**units, published="tiny_rgb"), tmp_path / "run"
    fitting = Fit(recipe, [material], run)
    fitting.run()
    assert set(fitting.validate()) == {"r", "g", "b"}
    entry = publish.publish_run(recipe, run, material, "made-up material", run / "weights")
    assert entry.architecture == "cnnif_xs_rgb" and "G 27 " in entry.gain
    (net,) = load_nets([entry.id], run / "weights", place=PLACE)
    # what training calls input and target is what the codec makes and wants
    with np.load(material / "a_qp37.npz") as shard:
        planes = [shard[f"rec_{c}"][1].astype(np.int16) for c in "yuv"]
        original = shard["org_rgb"][1]
    crop = [crop for crop in data.load_crops(material, ["rec_rgb", "qp"], "filtered") if crop.qp == 37][1]
    inputs = data.whole_inputs(crop, {"rec_rgb": 0, "qp": 0})
    correction = CnnOutputFilter(net, Colour(1)).prepare(planes, (8, 8), 37)
    assert np.array_equal(integer_net(net.net, net.runner)(inputs)["g"] * 16, correction.change[1])
    wanted = original[2] - correction.before[2] / 16
    assert np.array_equal(data.target(crop, "b"), wanted.astype(np.float32))


def test_material_without_rgb_is_told(material):
    path = material / "a_qp37.npz"
    with np.load(path) as shard:
        arrays = {name: shard[name] for name in shard if name != "org_rgb"}
    np.savez_compressed(path, **arrays)
    with pytest.raises(UsageError, match="rgb = true"):
        data.load_crops(material, ["rec_rgb", "qp"], "filtered")
    assert data.load_crops(material, ["rec_y", "qp"], "filtered")


def test_a_run_that_is_not_finished_is_not_exported(tmp_path, material):
    recipe, run = recipe_of(), tmp_path / "run"
    with pytest.raises(InputError, match="run pytrain fit"):
        publish.finished_module(recipe, run)
    Fit(recipe, [material], run).run(stop=10)
    with pytest.raises(UsageError, match="10 of 24 steps"):
        publish.finished_module(recipe, run)
    with pytest.raises(UsageError, match="another recipe"):
        Fit(recipe_of(seed=7), [material], run)
    (run / "state.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="damaged"):
        load_module(recipe, run / "state.pt")


def test_gains_are_those_of_rounded_and_clipped_samples(material):
    crops = data.load_crops(material, ["rec_y", "qp"], "reconstructed", lambda source: source == "a")
    grids = {"rec_y": 0, "qp": 0}
    perfect = {id(crop): data.target(crop, "y") + 0.3 for crop in crops}
    for crop in crops:
        (gain,) = gains(lambda inputs, crop=crop: {"y": perfect[id(crop)]}, [crop], grids)
        assert gain.gain == pytest.approx(10 * np.log10(np.square(data.target(crop, "y")).mean() / 1e-4), rel=1e-5)
        (nothing,) = gains(lambda inputs, crop=crop: {"y": np.full(crop.rec["y"].shape, 0.4)}, [crop], grids, 8)
        assert nothing.gain == 0 and nothing.psnr < 50


@pytest.mark.parametrize("depth", [8, 10])
def test_patches_keep_inputs_and_targets_together(tmp_path, depth):
    write_shards(tmp_path, ("a",), (32,), depth=depth)
    grids = {"rec_y": 0, "rec_u": 1, "rec_v": 1, "pred_y": 0, "edges": 1, "qp": 1}
    crops = data.load_crops(tmp_path, list(grids), "filtered")
    patches = data.Patches(crops, grids, ("y", "u", "v"))
    inputs, targets, qps = patches.draw(np.random.default_rng(3), 6, 32)
    assert qps == [32] * 6 and (inputs["qp"] == 256).all() and inputs["edges"].shape == (6, 1, 16, 16)
    up = depth - 8
    for n in range(6):
        rec = ((inputs["rec_y"][n, 0].astype(int) + 512) >> (2 - up)) / 2**up
        wanted = np.rint((rec + targets["y"][n, 0]) * 2**up).astype(int)
        turned = [np.rot90(crop.org["y"], k) for crop in crops for k in range(4)]
        turned += [plane.T for plane in turned]
        views = (np.lib.stride_tricks.sliding_window_view(plane, (32, 32))[::8, ::8] for plane in turned)
        assert any((view == wanted).all((2, 3)).any() for view in views)
    assert data.split(("b*",))[0]("a") and data.split(("b*",))[1]("bx")


def test_shards_that_are_damaged_or_missing(tmp_path):
    with pytest.raises(InputError, match="no training material"):
        data.load_crops(tmp_path, ["rec_y"], "filtered")
    (tmp_path / "x_qp22.npz").write_bytes(b"PK broken")
    with pytest.raises(InputError, match="damaged shard"):
        data.load_crops(tmp_path, ["rec_y"], "filtered")
    np.savez(tmp_path / "x_qp22.npz", org_y=np.array([{}], object))
    with pytest.raises(InputError, match="damaged shard"):
        data.load_crops(tmp_path, ["rec_y"], "filtered")


def test_learning_rate_rises_and_falls():
    phase = Phase(steps=100, warm_up=10, learning_rate=1e-3, last_rate=1e-5)
    rates = [learning_rate(phase, step) for step in range(101)]
    assert rates[0] == pytest.approx(1e-4) and rates[10] == 1e-3 and rates[100] == pytest.approx(1e-5)
    assert sorted(rates[:11]) == rates[:11] and sorted(rates[10:], reverse=True) == rates[10:]


def test_what_a_net_corrects():
    assert components(Recipe(name="r", architecture="lop", dump=("d",)).describe()) == ("y", "u", "v")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"architecture": "lop"}, "needs dump"),
        ({"architecture": "lopp", "dump": "d"}, "not one of vrcnn"),
        ({"architecture": "lop", "dump": "d", "settings": {"width": 3}}, "settings of lop"),
        ({"architecture": "lop", "dump": "d", "placement": "last"}, "not one of reconstructed"),
        ({"architecture": "lop", "dump": "d", "fit": {"step": 3}}, r"\[fit\]: unknown key step"),
        ({"architecture": "lop", "dump": "d", "fit": {"patch": 100}}, "multiple of 8"),
        ({"architecture": "lop", "dump": "d", "fit": {"precision": "half"}}, "one of auto"),
        ({"architecture": "lop", "dump": "d", "fit": {"steps": True}}, "wrong type"),
        ({"architecture": "lop", "dump": "d", "fit": {"learning_rate": 1e-9}}, "last_rate <= learning_rate"),
        ({"architecture": "lop", "dump": "d", "weight": {"y": 1}}, "weight has y, u and v"),
        ({"architecture": "cnnif_rgb", "dump": "d"}, "weight has r, g and b"),
        ({"architecture": "lop", "dump": "d", "seed": 1.5}, "wrong type"),
        ({"architecture": "lop", "dump": "d", "validation": [3]}, "list of patterns"),
        ({"architecture": "lop", "dump": "d", "weight": {"y": 0, "u": 0, "v": 0}}, "one is above 0"),
        ({"architecture": "vrcnn", "dump": "d", "weight": {"y": 0, "u": 1, "v": 1}}, "of y, which the net corrects"),
        ({"architecture": "lop", "dump": "d", "weight": {"y": -1, "u": 1, "v": 1}}, "no weight is negative"),
        ({"architecture": "lop", "dump": "d", "weight": {"y": float("nan"), "u": 1, "v": 1}}, "no weight is negative"),
        ({"architecture": "lop", "dump": "d", "weight": {"y": float("inf"), "u": 1, "v": 1}}, "no weight is negative"),
        ({"architecture": "lop", "dump": "d", "weight": {"y": True, "u": 1, "v": 1}}, "weight has y, u and v"),
        ({"architecture": "lop", "dump": "d", "fit": {"steps": 0}}, r"\[fit\]: steps, batch and report are at least 1"),
        ({"architecture": "lop", "dump": "d", "quantised": {"steps": 0}}, r"\[quantised\]: steps, batch"),
        ({"architecture": "lop", "dump": "d", "fit": {"learning_rate": float("nan")}}, "last_rate <= learning_rate"),
        ({"architecture": "lop", "dump": "d", "seed": -1}, "seed=-1"),
        ({"architecture": "lop", "dump": "d", "published": "my net"}, "'my net' is no name of a net"),
        ({"architecture": "vrcnn", "dump": "d", "settings": {"first": 0}}, "first=0 is no whole number above 0"),
        ({"architecture": "vrcnn", "dump": "d", "settings": {"second": [4]}}, "settings of vrcnn"),
        ({"architecture": "vrcnn", "dump": "d", "settings": {"first": 10**9}}, "more than 2048 channels"),
        ({"architecture": "vrcnn", "dump": "d", "settings": {"third": [4, -4]}}, "no whole number above 0"),
        ({"architecture": "cnnif", "dump": "d", "settings": {"form": "xyz"}}, "form='xyz' is no"),
    ],
)
def test_recipes_that_make_no_sense(document, words):
    with pytest.raises(UsageError, match=words):
        make_recipe(document, "r.toml")


def _cut(data):
    return data[:3000]


def _overwritten(data):
    eighth = len(data) // 8
    return data[:eighth] + bytes(6 * eighth) + data[7 * eighth :]


@pytest.mark.parametrize("damage", [_cut, _overwritten, lambda data: b"", lambda data: bytes(4096)])
def test_shards_of_damaged_files(tmp_path, damage):
    write_shards(tmp_path, ("a",), (37,))
    path = tmp_path / "a_qp37.npz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match="a_qp37.npz: damaged shard .* remove it and run pytrain dump again"):
        data.load_crops(tmp_path, ["rec_y", "res_y", "edges", "qp"], "filtered")


@pytest.mark.parametrize(
    "changed",
    [
        {"slice_qp": np.int32(37)},
        {"slice_qp": np.full(3, 37, np.int32)},
        {"bit_depth": np.arange(3)},
        {"rec_u": np.zeros((2, 8, 8), np.uint8)},
        {"org_y": np.zeros((1, 64, 64), np.uint8)},
        {"org_v": np.zeros(5, np.uint8)},
        {"strengths": np.zeros(5, np.int8)},
    ],
)
def test_shards_whose_arrays_do_not_belong_together(tmp_path, changed):
    write_shards(tmp_path, ("a",), (37,))
    path = tmp_path / "a_qp37.npz"
    np.savez(path, **{**np.load(path), **changed})
    with pytest.raises(InputError, match="damaged shard"):
        data.load_crops(tmp_path, ["rec_y", "res_y", "edges", "qp"], "filtered")


def test_a_shard_that_is_no_archive(tmp_path):
    with (tmp_path / "a_qp37.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(InputError, match="damaged shard"):
        data.load_crops(tmp_path, ["rec_y"], "filtered")


def test_a_validation_pattern_that_matches_nothing(tmp_path, material):
    with pytest.raises(UsageError, match=r"validation: no source of .* is called none\*; it has a, b"):
        Fit(recipe_of(validation=("a", "none*")), [material], tmp_path / "run")


def test_what_was_lost_is_told_with_what_helps(tmp_path, material):
    recipe, run = recipe_of(), tmp_path / "run"
    Fit(recipe, [material], run).run()
    with pytest.raises(InputError, match="weights/tiny.safetensors: not there; run pytrain export tiny.toml"):
        publish.measure_run(recipe, run, material)
    (run / "float.pt").unlink()
    with pytest.raises(InputError, match="float.pt: not there; remove .*run and run pytrain fit tiny.toml"):
        publish.measure_run(recipe, run, material)
