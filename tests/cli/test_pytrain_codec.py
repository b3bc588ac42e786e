"""`pytrain` with a recipe of a learned codec: from images to weights with which pyenc codes."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("constriction")

from cli import fail, pydec, pyenc, pytrain
from codec.base.io.stills import png_bytes
from nets.weights import manifest
from tests.codec.learned.small_codec import picture

RECIPE = """
task = "codec"
architecture = "hyperprior"
settings = { fine = 12, coarse = 12, latent = 16, blocks = 1, hyper = 8, z = 6 }
data = "photos"
sources = ["*.png"]
scales = [1]
validation = ["p3"]
[fit]
steps = 4
batch = 2
patch = 64
report = 4
precision = "float32"
[quantised]
steps = 2
batch = 2
patch = 64
report = 2
"""


def train(*arguments):
    return fail.run("pytrain", pytrain.run, list(arguments))


def test_from_images_to_a_stream(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for number in range(4):
        Path(f"photos/p{number}.png").write_bytes(png_bytes(picture(256, 256, number)))
    Path("tiny.toml").write_text(RECIPE)
    assert train("run", "tiny.toml") == 0
    shown = capsys.readouterr().out
    assert "3 crops to train on, 1 to validate" in shown and "bits/pixel, PSNR of RGB" in shown and "\np3 " in shown
    (entry,) = manifest("pytrain.work/runs/tiny/weights")
    assert (entry.architecture, entry.placement) == ("hyperprior", "codec") and "4 steps" in entry.training
    folder = "--WeightsDir=pytrain.work/runs/tiny/weights"
    assert (
        fail.run("pyenc", pyenc.run, ["--Codec=learned-hyperprior", "-i", "photos/p3.png", "-o", "a.bin", folder]) == 0
    )
    assert fail.run("pydec", pydec.run, ["-b", "a.bin", "-o", "a.png", folder]) == 0
    assert train("eval", "tiny.toml") == 0 and train("keep", "tiny.toml", "--into", "kept") == 0
    assert Path("kept/tiny.pt").exists()


def test_data_elsewhere_and_data_that_means_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(RECIPE)
    assert train("fit", "tiny.toml", "--data", str(tmp_path)) == 2
    assert "no image of *.png" in capsys.readouterr().err
    Path("other.toml").write_text('architecture = "lop"\ndump = "plan.toml"\n')
    assert train("fit", "other.toml", "--data", str(tmp_path)) == 2
    assert "pytrain dump" in capsys.readouterr().err
