"""pytrain from arguments to files and exit codes; everything from a clip to an evaluated net."""

from pathlib import Path

import numpy as np
import pytest

from cli import fail, pytrain
from cli.train.plan import read_plan
from nets.weights import manifest

ROOT = Path(__file__).resolve().parents[2]
# plans of pysweep and pyalloc have configurations
RECIPES = [path for path in sorted((ROOT / "recipes").glob("*.toml")) if "[[config]]" not in path.read_text()]

_PLAN = 'data = "."\nsources = ["*.yuv"]\nqps = [37]\n'
_RECIPE = """
architecture = "vrcnn"
settings = { first = 4, second = [4, 4], third = [4, 4] }
dump = "plan.toml"
published = "tiny"
[fit]
steps = 6
batch = 2
patch = 32
report = 3
warm_up = 1
[quantised]
steps = 2
batch = 2
patch = 32
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    Path("noise_64x64_25.yuv").write_bytes(rng.integers(90, 160, 64 * 64 * 3 // 2).astype(np.uint8).tobytes())
    Path("plan.toml").write_text(_PLAN)
    Path("recipe.toml").write_text(_RECIPE)


def train(*arguments):
    return fail.run("pytrain", pytrain.run, list(arguments))


def test_all_of_it_and_then_nothing_is_done_again(capsys):
    pytest.importorskip("torch")
    assert train("run", "recipe.toml", "--jobs", "1") == 0
    out = capsys.readouterr().out
    assert "1 shards, 1 of them made" in out and "step 6," in out and "step 8," in out
    assert "noise_64x64_25 37" in out and "mean" in out
    (entry,) = manifest("pytrain.work/runs/recipe/weights")
    assert entry.name == "tiny" and entry.architecture == "vrcnn"
    assert train("run", "recipe.toml") == 0
    out = capsys.readouterr().out
    assert "1 shards, 0 of them made" in out and "going on from step 8 of 8" in out
    assert train("export", "recipe.toml", "--into", "weights") == 0
    assert train("eval", "recipe.toml", "--on", "plan.toml") == 0
    capsys.readouterr()
    assert train("keep", "recipe.toml", "--into", "kept") == 0
    assert "step 8 of 8" in capsys.readouterr().out and Path("kept/recipe.pt").stat().st_size > 0
    assert (Path("weights") / entry.file).read_bytes() == (
        Path("pytrain.work/runs/recipe/weights") / entry.file
    ).read_bytes()


_CHROMA_RECIPE = """
task = "chroma"
architecture = "chroma_window"
settings = { f = 4, layers = 2, side = 4 }
placement = "reconstructed"
dump = "plan.toml"
published = "tiny"
weight = { u = 0.5, v = 0.5 }
[fit]
steps = 4
batch = 1
patch = 32
report = 2
warm_up = 1
[quantised]
steps = 2
batch = 1
patch = 32
"""


def test_all_of_it_for_chroma(capsys):
    pytest.importorskip("torch")
    Path("recipe.toml").write_text(_CHROMA_RECIPE)
    assert train("run", "recipe.toml", "--jobs", "1") == 0
    out = capsys.readouterr().out
    assert "step 4," in out and "step 6," in out and "N4 used" in out and "noise_64x64_25 37" in out
    (entry,) = manifest("pytrain.work/runs/recipe/weights")
    assert entry.architecture == "chroma_window" and "N8 37" in entry.gain


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('task = "chroma"', 'task = "filter"', "task 'filter' is not what chroma_window is for"),
        ("u = 0.5", "y = 0.5", "weight has u and v"),
        ("f = 4", "f = 0", "no whole number above 0"),
    ],
)
def test_recipes_of_chroma_that_cannot_be(old, new, words, capsys):
    Path("recipe.toml").write_text(_CHROMA_RECIPE.replace(old, new))
    assert train("fit", "recipe.toml") == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["dump"], 2, "Missing argument"),
        (["keep", "recipe.toml"], 3, "run pytrain fit recipe.toml"),
        (["dump", "none.toml"], 3, "none.toml"),
        (["dump", "plan.toml", "--data", "nowhere"], 3, "no folder nowhere"),
        (["dump", "recipe.toml"], 2, "unknown key architecture"),
        (["fit", "plan.toml"], 2, "unknown key data"),
        (["fit", "recipe.toml"], 3, "no training material"),
        (["fit", "recipe.toml", "--device", "cuda:7"], 2, "no such device"),
        (["export", "recipe.toml"], 3, "run pytrain fit"),
        (["eval", "recipe.toml"], 3, "not there"),
        (["teach"], 2, "No such command"),
    ],
)
def test_errors_are_one_line(arguments, code, words, capsys):
    pytest.importorskip("torch")
    assert train(*arguments) == code
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_interpolation_filters_from_a_clip_to_a_bank(capsys):
    rng = np.random.default_rng(2)
    texture = np.cumsum(rng.integers(-12, 13, (80, 96)), 1) + 120
    with open("moving_64x64_25.yuv", "wb") as file:
        for n in range(4):
            luma = np.clip((texture[n : n + 64, n : n + 64] + texture[n : n + 64, n + 1 : n + 65]) / 2, 0, 255)
            file.write(luma.astype(np.uint8).tobytes() + bytes([128]) * (64 * 64 // 2))
    Path("motion.toml").write_text(
        'data = "."\nsources = ["moving*.yuv"]\ncfg = "encoder_lowdelay_P_main.cfg"\nqps = [16, 26]\n'
        "pictures = 4\nmotion = true\n"
    )
    Path("fir.toml").write_text('task = "interpolate"\ndump = "motion.toml"\nsets = 2\nbands = 2\nrounds = 2\n')
    assert train("run", "fir.toml", "--jobs", "1") == 0
    out = capsys.readouterr().out
    assert "band 0, round 4:" in out and "2 bands in" in out and "moving_64x64_25" in out
    (entry,) = manifest("pytrain.work/runs/fir/weights")
    assert (entry.name, entry.architecture, entry.parameters) == ("fir", "fir", 2 * 2 * 16 * 64)
    assert train("run", "fir.toml") == 0
    assert "band 0, round" not in capsys.readouterr().out
    assert train("keep", "fir.toml") == 2
    Path("fir.toml").write_text('task = "interpolate"\ndump = "motion.toml"\nsets = 1\n')
    assert train("fit", "fir.toml") == 2
    assert "another recipe" in capsys.readouterr().err


def test_a_net_of_interpolation_from_a_clip_to_weights(capsys):
    pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    texture = np.cumsum(rng.integers(-12, 13, (80, 96)), 1) + 120
    with open("moving_64x64_25.yuv", "wb") as file:
        for n in range(4):
            file.write(np.clip(texture[n : n + 64, 2 * n : 2 * n + 64], 0, 255).astype(np.uint8).tobytes())
            file.write(bytes([128]) * (64 * 64 // 2))
    Path("motion.toml").write_text(
        'data = "."\nsources = ["moving*.yuv"]\ncfg = "encoder_lowdelay_P_main.cfg"\nqps = [22]\n'
        "pictures = 4\nmotion = true\n"
    )
    text = _RECIPE.replace('"vrcnn"', '"gvcnn"').replace(
        "first = 4, second = [4, 4], third = [4, 4]", "first = 4, inner = 4, layers = 1"
    )
    Path("net.toml").write_text('task = "interpolate"\n' + text.replace("plan.toml", "motion.toml"))
    assert train("run", "net.toml", "--jobs", "1") == 0
    out = capsys.readouterr().out
    assert "step 8," in out and "moving_64x64_25 27" in out
    (entry,) = manifest("pytrain.work/runs/net/weights")
    assert entry.architecture == "gvcnn" and "PSNR of predictions" in entry.gain


def test_a_net_of_ranked_modes_from_a_clip_to_weights(capsys):
    pytest.importorskip("torch")
    Path("modes.toml").write_text(_PLAN + "modes = true\n")
    settings = "settings = { first = 4, second = [4, 4], third = [4, 4] }"
    text = _RECIPE.replace('"vrcnn"', '"mode_light"').replace(settings, "settings = { hidden = 4 }")
    Path("net.toml").write_text('task = "modes"\n' + text.replace("plan.toml", "modes.toml"))
    assert train("run", "net.toml", "--jobs", "1") == 0
    out = capsys.readouterr().out
    assert "step 8," in out and "noise_64x64_25 37" in out and "BITS list" in out
    (entry,) = manifest("pytrain.work/runs/net/weights")
    assert entry.architecture == "mode_light" and "bits saved a block" in entry.gain
    # shards of pictures have no modes
    Path("net.toml").write_text('task = "modes"\n' + text)
    assert train("dump", "plan.toml", "--jobs", "1") == 0
    assert train("fit", "net.toml") in (2, 3)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sets = 9", "1 to 4 sets"),
        ("share = 0", "0 < share"),
        ('architecture = "lop"', "is not what lop is for"),
        ("steps = 3", "unknown key steps"),
        ("sets = 1.5", "wrong type"),
        ('validation = ["nobody*"]', "no source of"),
    ],
)
def test_bad_recipes_of_filters_are_told(line, words, capsys):
    Path("fir.toml").write_text(f'task = "interpolate"\ndump = "plan.toml"\n{line}\n')
    assert train("fit", "fir.toml") in (2, 3)
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_in_the_checkout_can_be_read(path):
    if path.stem.startswith("dump_"):
        assert read_plan(str(path)).sources
        return
    recipe = pytrain._recipe(str(path))
    if recipe.task == "codec":
        assert recipe.sources and "dev" not in recipe.data
        return
    assert read_plan(str(path.parent / recipe.measured)).sources
    for plan_name in recipe.dump:
        plan = read_plan(str(path.parent / plan_name))
        assert plan.sources and "dev" not in plan.data


@pytest.mark.parametrize(
    ("device", "words"),
    [("cuda:99", "finds no such device"), ("gpu", "knows no such device"), ("meta", "no such device")],
)
def test_devices(device, words, capsys):
    pytest.importorskip("torch")
    assert train("fit", "recipe.toml", "--device", device) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_recipes_and_plans_of_other_editors(encoding):
    Path("plan.toml").write_bytes((_PLAN + "# Fußnote\n").replace("\n", "\r\n").encode(encoding))
    Path("recipe.toml").write_bytes(_RECIPE.replace("\n", "\r\n").encode(encoding))
    assert read_plan("plan.toml").qps == (37,)
    assert pytrain._recipe("recipe.toml").fit.steps == 6


@pytest.mark.parametrize("option", ["-q", "--QP=30", "-f", "--FrameSkip=3", "--json=x", "-o"])
def test_options_that_a_plan_sets_itself(option, capsys):
    Path("plan.toml").write_text(_PLAN + f'options = ["{option}"]\n')
    assert train("dump", "plan.toml") == 2
    assert f"options: {option} is set by the plan's own keys" in capsys.readouterr().err
