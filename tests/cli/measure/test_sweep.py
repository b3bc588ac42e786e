"""pysweep: plans, points, resuming after a kill, failures, and a Dask cluster that loses a worker."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cli import fail, pysweep
from cli.measure.plan import read_plan
from cli.measure.point_run import run_point
from codec.base.errors import UsageError
from codec.base.io.yuv import pack
from tests.conformance import foreign as programs

ROOT = Path(__file__).resolve().parents[3]
FAKE = Path(__file__).with_name("fake_codec.py")
SIZE = (32, 48)


def sweep(*arguments):
    return fail.run("pysweep", pysweep.run, [str(a) for a in arguments])


def write_clip(path, frames=2, seed=1):
    rng = np.random.default_rng(seed)
    slope = np.add.outer(np.arange(SIZE[0]), np.arange(SIZE[1])) * 2 + 20
    planes = [slope, slope[::2, ::2] // 2 + 60, slope[::2, ::2] // 3 + 80]
    path.write_bytes(b"".join(pack([p + rng.integers(0, 8, p.shape) for p in planes], 8) for _ in range(frames)))
    return path


def fake(name, seconds=0, anchor=False):
    command = f"{sys.executable} {FAKE} {{input}} {{qp}} {{output}} {seconds}"
    decode = f"{sys.executable} {FAKE} -d {{stream}} {{decoded}}"
    return f'[[config]]\nname = "{name}"\nanchor = {str(anchor).lower()}\ncommand = "{command}"\ndecode = "{decode}"\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_JOURNAL", str(tmp_path / "journal"))
    for number, name in enumerate(("one", "two")):
        write_clip(tmp_path / f"{name}_48x32_25.yuv", 2, number)
    return tmp_path


def write_plan(folder, *configs, head='clips = ["*.yuv"]\nqps = [16, 24, 32, 40]\njobs = 2\n'):
    path = folder / "plan.toml"
    path.write_text(head + "".join(configs))
    return path


def table(folder):
    return list(csv.DictReader((folder / "plan.sweep" / "results.csv").open()))


def coded(folder):
    """A line for each encoding of the fake."""
    journal = folder / "journal"
    return sorted(journal.read_text().splitlines()) if journal.exists() else []


def test_a_plan_runs_and_is_not_run_again(folder, capsys):
    plan = write_plan(folder, fake("fake", anchor=True))
    assert sweep(plan) == 0
    out = capsys.readouterr().out
    assert "[8/8]" in out
    rows = table(folder)
    assert [(row["clip"], row["qp"]) for row in rows] == [
        (f"{name}_48x32_25.yuv", qp) for name in ("one", "two") for qp in ("16", "24", "32", "40")
    ]
    first = rows[0]
    stream = next((folder / "plan.sweep" / "points").glob(f"{first['key']}/stream.bin"))
    assert int(first["bits"]) == 8 * stream.stat().st_size
    assert float(first["psnr_y"]) > float(rows[3]["psnr_y"]) > 10
    assert first["anchor"] == "1"
    assert first["command"].endswith("one_48x32_25.yuv 16 stream.bin 0")
    assert float(first["user_s"]) >= 0
    assert float(first["peak_mib"]) > 1
    assert first["host"]
    assert first["version"].startswith("Python 3")
    assert len(coded(folder)) == 8

    assert sweep(plan) == 0
    assert "8 points, 8 of them measured already" in capsys.readouterr().out
    assert len(coded(folder)) == 8

    # other content, other options: only what changed is coded again
    write_clip(folder / "two_48x32_25.yuv", 2, 9)
    assert sweep(plan, "--dry-run") == 0
    assert capsys.readouterr().out.count("missing: two_48x32_25.yuv") == 4
    assert sweep(plan, "--qps", "16,17", "--frames", 1) == 0
    assert len(coded(folder)) == 12
    assert [row["frames"] for row in table(folder)] == ["1"] * 4


def test_clips_named_on_the_command_line_are_found_from_here(folder, monkeypatch, capsys):
    # commands run in a folder of their own
    monkeypatch.chdir(folder)
    assert sweep(write_plan(folder, fake("fake", anchor=True)), "--clips", "one*.yuv", "--qps", "24") == 0
    assert [row["clip"] for row in table(folder)] == ["one_48x32_25.yuv"], capsys.readouterr()


def test_figures_are_those_of_the_pictures(folder):
    plan = read_plan(str(write_plan(folder, fake("fake"))))
    task = plan.tasks()[2]
    result = run_point(task)
    original = np.frombuffer((folder / "one_48x32_25.yuv").read_bytes(), np.uint8).astype(float).reshape(2, -1)
    decoded = np.minimum(255, original // 16 * 16 + 8)
    error = ((original - decoded)[:, : 32 * 48] ** 2).mean(axis=1)
    assert result["row"]["psnr_y"] == pytest.approx(np.mean(10 * np.log10(255**2 / error)), abs=1e-6)
    assert result["row"]["psnr_seq_y"] == pytest.approx(10 * np.log10(255**2 / error.mean()), abs=1e-6)
    assert 0 < result["row"]["ssim_y"] < 1
    assert "ms_ssim_y" not in result["row"]
    assert result["log"].startswith("fake coded")


def test_a_still_is_also_measured_in_rgb(folder):
    import cv2

    rows, columns = np.mgrid[:31, :48]
    bgr = np.stack([rows * 7, columns * 5, rows + columns], axis=-1).astype(np.uint8)
    cv2.imwrite(str(folder / "photo.png"), bgr)
    plan = write_plan(folder, fake("fake"), head='clips = ["photo.png"]\nqps = [0, 40]\njobs = 1\n')
    assert sweep(plan) == 0
    fine, coarse = table(folder)
    # an odd side is extended; at QP 0 the fake loses nothing, so that what is left is the way through 4:2:0
    assert fine["psnr_y"] == "999.99"
    assert 30 < float(fine["psnr_rgb"]) < 70
    assert float(coarse["psnr_rgb"]) < float(fine["psnr_rgb"])
    assert 0 < float(coarse["ssim_rgb"]) < float(fine["ssim_rgb"]) < 1


def test_killed_half_way_and_resumed(folder):
    plan = write_plan(folder, fake("fake", 0.3))
    process = subprocess.Popen([sys.executable, "-m", "cli.pysweep", str(plan)], cwd=ROOT, stdout=subprocess.PIPE)
    points = folder / "plan.sweep" / "points"
    wait_for(lambda: len(list(points.glob("*/point.json"))) >= 3)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = {path.parent.name for path in points.glob("*/point.json")}
    assert 3 <= len(kept) < 8
    time.sleep(1)
    before = len(coded(folder))
    assert sweep(plan) == 0
    assert len(table(folder)) == 8
    assert len(coded(folder)) - before == 8 - len({path.parent.name for path in points.glob("*/point.json")} & kept)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_failing_point_stops_no_other(folder, capsys):
    plan = write_plan(folder, fake("fake"))
    assert sweep(plan, "--qps", "16,60,24") == 1
    captured = capsys.readouterr()
    assert "2 of 6 points failed; the first: " in captured.err
    assert "fake QP 60: python" in captured.err.replace(Path(sys.executable).name, "python")
    assert "fake: no QP 60" in captured.err
    assert len(table(folder)) == 4


@programs.needs(programs.X265, programs.FFMPEG)
def test_x265_and_pyenc_in_one_plan(folder):
    x265 = (
        '[[config]]\nname = "x265"\nanchor = true\ncommand = "x265 --input {input} --input-res {width}x{height} '
        '--fps {rate} --qp {qp} --ipratio 1 --keyint 1 --no-info --preset ultrafast -o {output}"\n'
    )
    pyenc = '[[config]]\nname = "pyenc"\noptions = ["--SAO=0"]\n'
    plan = write_plan(folder, x265, pyenc, head='clips = ["one*.yuv"]\nqps = [30]\nframes = 1\njobs = 1\n')
    assert sweep(plan) == 0
    foreign, ours = table(folder)
    assert "x265" in foreign["version"]
    assert ours["version"].startswith("pyenc")
    assert ours["command"] == (
        "pyenc -c encoder_intra_main.cfg --SAO=0 --SEIDecodedPictureHash=0 -i one_48x32_25.yuv -f 1 -q 30 -o stream.bin"
    )
    assert abs(float(foreign["psnr_y"]) - float(ours["psnr_y"])) < 3
    log = (folder / "plan.sweep" / "points" / ours["key"] / "encode.log").read_text()
    assert f"[Y {float(ours['psnr_y']):.4f} dB" in log
    # what was chosen is told of both; the checkout of ours may be none
    for row in (foreign, ours):
        assert float(row["hit_intra"]) == 1 and row["weights"] == row["kmac_per_pixel"] == ""
        sizes = sum(float(row[f"hit_cu{size}"]) for size in (64, 32, 16, 8))
        assert sizes == pytest.approx(1, abs=1e-5)
    assert float(ours["hit_sao_y"]) == 0 and foreign["commit"] == ""


def test_a_worker_with_other_code_refuses(folder, monkeypatch):
    plan = read_plan(str(write_plan(folder, '[[config]]\nname = "pyenc"\n')))
    monkeypatch.setattr("cli.measure.point_run.code_hash", lambda weights_dir: "other")
    assert "has another version of pyenc" in run_point(plan.tasks()[0])["error"]


def test_who_is_compared_with_whom(folder):
    def pairs(*configs):
        return [(anchor.name, test.name) for anchor, test in read_plan(str(write_plan(folder, *configs))).pairs()]

    assert pairs(fake("a"), fake("b"), fake("c")) == [("a", "b"), ("a", "c")]
    assert pairs(fake("a"), fake("b", anchor=True)) == [("b", "a")]
    low, high = (f'conditions = "{name}"\n' for name in ("low", "high"))
    sides = fake("x", anchor=True) + low, fake("y", anchor=True) + high
    assert pairs(*sides, fake("a") + high, fake("b") + low, fake("c")) == [("x", "b"), ("y", "a")]
    further = fake("b") + high + 'against = ["a", "x"]\n'
    assert pairs(*sides, fake("a") + low, further) == [("x", "a"), ("x", "b"), ("a", "b")]


def test_frames_of_a_configuration(folder):
    plan = str(write_plan(folder, fake("a"), fake("b") + "frames = 1\n", fake("c") + "frames = 9\n"))
    assert [task["clip"].frames for task in read_plan(plan).tasks()[::8]] == [2, 1, 2]
    assert {task["clip"].frames for task in read_plan(plan, frames=1).tasks()} == {1}


def test_weights_count_where_cnn_tools_are_used(folder):
    (folder / "nets").mkdir()
    manifest = folder / "nets" / "MANIFEST.json"
    manifest.write_text("{}")
    cnn = '[[config]]\nname = "cnn"\noptions = ["--CnnLoopFilter=lop", "--WeightsDir=nets"]\n'
    plan = str(write_plan(folder, '[[config]]\nname = "plain"\n', cnn))
    before = read_plan(plan)
    assert [config.weights_dir for config in before.configs] == [None, str(folder / "nets")]
    manifest.write_text("{ }")
    kept = [old["key"] == new["key"] for old, new in zip(before.tasks(), read_plan(plan).tasks(), strict=True)]
    assert kept == [True] * 8 + [False] * 8


@pytest.mark.parametrize(
    ("head", "config", "message"),
    [
        ("clips = [", "", "plan.toml: "),
        ('clip = ["*.yuv"]\n', "", "unknown key clip"),
        ("frames = true\n", "", "frames has the wrong type"),
        ('clips = ["*.yuv"]\n', "", "has no [[config]]"),
        ('clips = ["none*.yuv"]\n', '[[config]]\nname = "a"\n', "no clip is called"),
        ('clips = ["e*_64x64.yuv"]\n', '[[config]]\nname = "a"\n', "has no whole picture of 64x64"),
        ('clips = ["*.yuv"]\nqps = [22, 22]\n', '[[config]]\nname = "a"\n', "qps must be different numbers"),
        ('clips = ["*.yuv"]\nmetrics = ["vmaf"]\n', '[[config]]\nname = "a"\n', "metric vmaf is not one of"),
        ('clips = ["*.yuv"]\n', '[[config]]\nname = "a"\ncommand = "ls {input} {qp}"\n', "command lacks {output}"),
        ('clips = ["*.yuv"]\n', '[[config]]\nname = "a"\ncommand = "ls {in} {qp} {output}"\n', "the fields are"),
        ('clips = ["*.yuv"]\n', '[[config]]\nname = "a"\ncommand = "no-such {input} {qp} {output}"\n', "not installed"),
        ('clips = ["*.yuv"]\n', '[[config]]\nname = "a"\noptions = ["--QP=3"]\n', "--QP=3 is set by pysweep"),
        ('clips = ["*.yuv"]\n', '[[config]]\nname = "a"\nagainst = ["b"]\n', "against 'b', which is no other"),
        ('clips = ["*.yuv"]\n', '[[config]]\nname = "a"\nframes = -1\n', "frames must not be negative"),
        ('clips = ["*.yuv"]\n', '[[config]]\nname = "a"\n' * 2, "two configurations have the same name"),
    ],
)
def test_bad_plans(folder, head, config, message, capsys):
    (folder / "empty_64x64.yuv").touch()
    assert sweep(write_plan(folder, config, head=head)) in (2, 3)
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_identity_follows_content(folder):
    (folder / "small.cfg").write_text("SAO : 0\n")
    plan = write_plan(folder, '[[config]]\nname = "a"\ncfg = ["encoder_intra_main.cfg", "small.cfg"]\n')
    keys = [task["key"] for task in read_plan(str(plan)).tasks()]
    assert len(set(keys)) == 8
    assert [task["key"] for task in read_plan(str(plan)).tasks()] == keys
    (folder / "small.cfg").write_text("SAO : 1\n")
    assert not set(keys) & {task["key"] for task in read_plan(str(plan)).tasks()}


def test_measure_two_files(folder, capsys):
    decoded = folder / "decoded.yuv"
    decoded.write_bytes((folder / "one_48x32_25.yuv").read_bytes()[: 48 * 32 * 3 // 2])
    assert sweep("measure", folder / "one_48x32_25.yuv", decoded) == 0
    out = capsys.readouterr().out
    assert "frames         1\n" in out
    assert "psnr_y         999.990000" in out
    assert sweep("measure", folder / "one_48x32_25.yuv", decoded, "-f", 2) == 3
    assert sweep("measure", folder / "none_48x32.yuv", decoded) == 3
    assert sweep("measure", decoded) == 2
    with pytest.raises(UsageError, match="vmaf"):
        pysweep.run(["measure", str(decoded), str(decoded), "--metrics", "vmaf"])
