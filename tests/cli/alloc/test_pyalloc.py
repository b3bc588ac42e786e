"""pyalloc from the plan to the streams: budgets, resuming after a kill, what cannot be met, a Dask cluster, pyenc."""

import csv
import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from cli import fail, pyalloc
from cli.measure import commands
from tests.cli.measure.clusters import two_workers
from tests.cli.measure.test_sweep import FAKE, ROOT, coded, fake, wait_for

HEAD = 'clips = ["*.yuv"]\njobs = 2\nmetrics = ["psnr"]\n[alloc]\nstart = [16, 40]\nlowest = 8\nhighest = 46\n'
SIZE = (48, 64)
PIXELS = SIZE[0] * SIZE[1]


def alloc(*arguments):
    words = [str(argument) for argument in arguments]
    return fail.run("pyalloc", lambda given: commands.run(pyalloc.command, "pyalloc", given), words)


def write_plan(folder, *configs, head=HEAD):
    path = folder / "plan.toml"
    path.write_text(head + "".join(configs))
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three clips of one picture, the later ones with more noise."""
    monkeypatch.setenv("FAKE_JOURNAL", str(tmp_path / "journal"))
    for number, name in enumerate(("calm", "lively", "wild")):
        rng = np.random.default_rng(number)
        y, x = np.mgrid[: SIZE[0], : SIZE[1]]
        luma = 120 + 60 * np.sin(x / 9 + y / 7) + rng.normal(0, 2 + 9 * number, SIZE)
        chroma = [100 + 20 * np.sin(y[::2, ::2] / 8) + rng.normal(0, 2, (SIZE[0] // 2, SIZE[1] // 2)) for _ in "uv"]
        planes = [np.clip(plane, 0, 255).astype(np.uint8).tobytes() for plane in (luma, *chroma)]
        (tmp_path / f"{name}_64x48_25.yuv").write_bytes(b"".join(planes))
    return tmp_path


def result(folder, name):
    return json.loads((folder / "plan.alloc" / name / "result.json").read_text())


def test_a_budget_is_kept_and_the_streams_are_those_of_the_table(folder, capsys):
    plan = write_plan(folder, fake("fake"))
    assert alloc(plan, "--bpp", 2.5) == 0, capsys.readouterr()
    out = capsys.readouterr().out
    assert "objective pooled: the PSNR of one mean squared error over all samples of the set" in out
    found = result(folder, "pooled-yuv-hull-2.5bpp")
    limit = int(2.5 * 3 * PIXELS / 8)
    assert found["budget"]["wanted"] == f"{limit} bytes"
    place = folder / "plan.alloc" / "pooled-yuv-hull-2.5bpp"
    for name, method in found["methods"].items():
        assert 0.9 * limit < method["bytes"] <= limit, name
        assert method["used"] == method["bytes"] / limit
    items = found["methods"]["hull"]["items"]
    streams = sorted((place / "streams").iterdir())
    assert [path.name for path in streams] == [f"{n}_64x48_25.bin" for n in ("calm", "lively", "wild")]
    assert [path.stat().st_size for path in streams] == [item["bytes"] for item in items]
    # the fake's streams say what they are of
    assert sum(path.stat().st_size for path in streams) == found["methods"]["hull"]["bytes"]
    errors = []
    for path, item in zip(streams, items, strict=True):
        subprocess.run([sys.executable, FAKE, "-d", path, folder / "decoded.raw"], check=True)
        samples = [
            np.fromfile(name, np.uint8).astype(float) for name in (folder / item["item"], folder / "decoded.raw")
        ]
        errors.append(((samples[0] - samples[1]) ** 2).mean())
        assert item["psnr"] == pytest.approx(10 * np.log10(255**2 / errors[-1]), abs=1e-4)
    assert found["methods"]["hull"]["pooled"] == pytest.approx(10 * np.log10(255**2 / np.mean(errors)), abs=1e-4)
    assert found["methods"]["hull"]["mean"] == pytest.approx(
        np.mean(10 * np.log10(255**2 / np.array(errors))), abs=1e-4
    )
    # hull, which is exact where its hull is, is no worse than the others but for what the remainder pays
    pooled = {name: method["pooled"] for name, method in found["methods"].items()}
    assert pooled["hull"] >= max(pooled.values()) - 0.3
    model = found["model"]
    assert model["bytes_error"] == pytest.approx(model["bytes"] / model["expected_bytes"] - 1)
    table = list(csv.DictReader((place / "table.csv").open()))
    assert [(row["item"], int(row["bytes"])) for row in table] == [(item["item"], item["bytes"]) for item in items]
    assert "hyperbolic" in (place / "table.md").read_text()
    assert "<svg" in (place / "curves.svg").read_text()

    before = coded(folder)
    assert len(set(before)) == len(before)
    assert alloc(plan, "--bpp", 2.5) == 0
    assert "\n0 points measured" in capsys.readouterr().out
    assert coded(folder) == before
    assert result(folder, "pooled-yuv-hull-2.5bpp") == found


def test_the_page_says_which_objective_it_is(folder):
    plan = write_plan(folder, fake("fake"))
    assert alloc(plan, "--bytes", 3000, "--objective", "mean", "--only") == 0
    page = (folder / "plan.alloc" / "mean-yuv-hull-3000bytes" / "report.html").read_text()
    assert "<b>Objective: mean.</b> Made best is the mean of the items&#x27; PSNRs" in page
    assert page.count("<svg") == 2
    assert "http" not in page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )
    assert list(result(folder, "mean-yuv-hull-3000bytes")["methods"]) == ["hull"]


def test_a_quality_is_reached(folder):
    assert alloc(write_plan(folder, fake("fake")), "--psnr", 34, "--method", "same-qp") == 0
    found = result(folder, "pooled-yuv-same-qp-34dB")
    assert all(34 <= method["pooled"] < 35 for method in found["methods"].values())
    sizes = {name: method["bytes"] for name, method in found["methods"].items()}
    assert sizes["hull"] <= 1.05 * min(sizes.values())


def test_killed_half_way_and_resumed(folder, tmp_path_factory):
    slow = fake("fake", 0.3)
    plan = write_plan(folder, slow)
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.pyalloc", str(plan), "--bpp", "2", "--only"], cwd=ROOT, stdout=subprocess.PIPE
    )
    points = folder / "plan.alloc" / "points"
    wait_for(lambda: len(list(points.glob("*/point.json"))) >= 4)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = len(list(points.glob("*/point.json")))
    assert alloc(plan, "--bpp", 2, "--only") == 0
    found = result(folder, "pooled-yuv-hull-2bpp")
    total = len(list(points.glob("*/point.json")))
    assert 4 <= kept < total
    # what had been kept was not coded again; what was in hand when it was killed may have been
    assert total <= len(coded(folder)) <= total + 2
    # as if nothing had happened
    assert alloc(plan, "--bpp", 2, "--only", "-o", folder / "again") == 0
    assert json.loads((folder / "again" / "result.json").read_text()) == found
    assert total == len(list(points.glob("*/point.json")))


def test_an_item_that_cannot_reach_the_budget(folder, capsys):
    plan = write_plan(folder, fake("fake"))
    assert alloc(plan, "--bytes", 120) == 9
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "pyalloc: error: wild_64x48_25.yuv: takes " in err
    assert "bytes at QP 46, the budget of the whole set is 120 bytes" in err
    assert alloc(plan, "--psnr", 70) == 9
    assert "the set cannot reach 70 dB: at QP 8 it has" in capsys.readouterr().err


def test_a_stream_that_is_not_what_was_measured(folder, capsys):
    plan = write_plan(folder, fake("fake"))
    assert alloc(plan, "--bpp", 2, "--only") == 0
    key = result(folder, "pooled-yuv-hull-2bpp")["methods"]["hull"]["items"][0]["key"]
    other = result(folder, "pooled-yuv-hull-2bpp")["methods"]["hull"]["items"][1]["key"]
    points = folder / "plan.alloc" / "points"
    (points / key / "stream.bin").write_bytes((points / other / "stream.bin").read_bytes())
    capsys.readouterr()
    assert alloc(plan, "--bpp", 2, "--only") == 1
    assert f"is not the one that was measured; remove {key}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "head", "message"),
    [
        ([], HEAD, "one of --bpp, --bytes and --psnr"),
        (["--bpp", "1", "--bytes", "9"], HEAD, "one of --bpp, --bytes and --psnr"),
        (["--bpp", "-1"], HEAD, "the budget must be above 0"),
        (["--bpp", "x"], HEAD, "'x' is not a valid float"),
        (["--bpp", "1", "--tools", "b"], HEAD, "--tools b: the plan has fake"),
        (["--bpp", "1", "--colour", "rgb"], HEAD, "in RGB every item must be one image; use --colour yuv"),
        (["--bpp", "1", "--objective", "ms-ssim"], HEAD, "needs ms-ssim among the plan's metrics"),
        (["--bpp", "1", "--objective", "ms-ssim"], 'clips = ["*.yuv"]\n', "MS-SSIM needs 176 samples a side"),
        (["--bpp", "1"], 'clips = ["*.yuv"]\n[alloc]\nqp = 3\n', "alloc: unknown key qp"),
        (["--bpp", "1"], 'clips = ["*.yuv"]\n[alloc]\nstart = [30]\n', "start must be two or more different whole QPs"),
        (["--bpp", "1"], 'clips = ["*.yuv"]\n[alloc]\nstart = [30, 60]\n', "start must lie between lowest and highest"),
        (["--bpp", "1"], 'clips = ["*.yuv"]\n[alloc]\nmethod = "best"\n', "method is one of hull, hyperbolic, same-qp"),
        (["--bpp", "1", "--scheduler", "x"], HEAD, "no scheduler answers at x"),
    ],
)  # fmt: skip
def test_what_is_refused(folder, words, head, message, capsys):
    assert alloc(write_plan(folder, fake("fake"), head=head), *words) in (2, 3)
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_point_that_fails(folder, capsys):
    head = HEAD.replace("highest = 46", "highest = 51").replace("40]", "51]")
    plan = write_plan(folder, fake("fake").replace("{qp}", "9{qp}"), head=head)
    assert alloc(plan, "--bpp", 1) == 1
    assert "6 of 6 points failed; the first: " in capsys.readouterr().err


@pytest.mark.timeout(300)
def test_two_dask_workers(folder):
    pytest.importorskip("distributed")
    plan = write_plan(folder, fake("fake", 0.1))
    with two_workers(folder, wait_for) as (address, _):
        words = ["cli.pyalloc", str(plan), "--bpp", "2", "--only", "--scheduler", address]
        subprocess.run([sys.executable, "-m", *words], cwd=ROOT, check=True, timeout=200, stdout=subprocess.PIPE)
    limit = int(2 * 3 * PIXELS / 8)
    found = result(folder, "pooled-yuv-hull-2bpp")["methods"]["hull"]
    assert 0.9 * limit < found["bytes"] <= limit
    assert alloc(plan, "--bpp", 2, "--only", "-o", folder / "here") == 0
    assert json.loads((folder / "here" / "result.json").read_text())["methods"]["hull"] == found


@pytest.mark.timeout(500)
def test_two_photos_by_pyenc(tmp_path):
    """Killed and resumed; the budget is used by QPs in between; pydec decodes what was chosen."""
    import cv2

    for number in range(2):
        rng = np.random.default_rng(number)
        y, x = np.mgrid[:48, :64]
        waves = [120 + 60 * np.sin(x / (5 + 4 * c) + y / 9) + rng.normal(0, 6 + 8 * number, x.shape) for c in range(3)]
        cv2.imwrite(str(tmp_path / f"photo{number}.png"), np.clip(np.stack(waves, -1), 0, 255).astype(np.uint8))
    plan = tmp_path / "plan.toml"
    plan.write_text(
        'clips = ["*.png"]\njobs = 2\nmetrics = ["psnr"]\n[alloc]\nstart = [27, 31]\nlowest = 25\nhighest = 33\n'
        '[[config]]\nname = "pyenc"\noptions = ["--threads=1", "--MaxCUWidth=16", "--MaxCUHeight=16", '
        '"--MaxPartitionDepth=2", "--QuadtreeTULog2MaxSize=4"]\n'
    )
    words = [sys.executable, "-m", "cli.pyalloc", str(plan), "--bytes", "1000", "--only"]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE)
    points = tmp_path / "plan.alloc" / "points"
    wait_for(lambda: list(points.glob("*/point.json")), 400)
    process.kill()
    process.communicate()
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    found = result(tmp_path, "pooled-rgb-hull-1000bytes")["methods"]["hull"]
    # files so small that a step of the lambda moves them by a percent
    assert 0.96 * 1000 < found["bytes"] <= 1000
    # whole QPs alone do not use the budget so well: some item has the lambda of a QP in between
    fine = [item["qp"] for item in found["items"] if item["qp"] != int(item["qp"])]
    assert fine or found["used"] >= 0.998
    errors = []
    for number, item in enumerate(found["items"]):
        stream = tmp_path / "plan.alloc" / "pooled-rgb-hull-1000bytes" / "streams" / f"photo{number}.bin"
        assert stream.stat().st_size == item["bytes"]
        decoded = tmp_path / f"decoded{number}.png"
        subprocess.run([sys.executable, "-m", "cli.pydec", "-i", stream, "-o", decoded], cwd=ROOT, check=True)
        images = [cv2.imread(str(path)).astype(float) for path in (tmp_path / f"photo{number}.png", decoded)]
        errors.append(((images[0] - images[1]) ** 2).mean())
    assert found["pooled"] == pytest.approx(10 * np.log10(255**2 / np.mean(errors)), abs=1e-4)
