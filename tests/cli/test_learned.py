"""pyenc and pydec with learned codecs, in fresh processes: files, lines, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("constriction")

from cli import fail, pydec, pyenc
from codec.base.io.stills import png_bytes, read_rgb
from tests.codec.learned.small_codec import install, picture

ROOT = Path(__file__).resolve().parents[2]
HYPER, FACTORIZED = "--Codec=learned-hyperprior", "--Codec=learned-factorized"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    install(folder)
    return f"--WeightsDir={folder}"


@pytest.fixture
def photo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("photo.png").write_bytes(png_bytes(picture(70, 90)))
    return "photo.png"


def encode(*arguments):
    return fail.run("pyenc", pyenc.run, list(arguments))


def decode(*arguments):
    return fail.run("pydec", pydec.run, list(arguments))


def fresh(program, *arguments, **options):
    command = [sys.executable, "-c", f"from cli.{program} import main; main()", *arguments]
    return subprocess.run(
        command, capture_output=True, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, **options
    )


@pytest.mark.parametrize("codec", [HYPER, FACTORIZED])
def test_two_processes_agree(photo, weights, codec):
    coded = fresh("pyenc", codec, "-i", photo, "-b", "a.bin", "-r", "rec.png", "-q", "5", weights, "--json", "a.json")
    assert coded.returncode == 0, coded.stderr
    back = fresh("pydec", "-b", "a.bin", "-o", "dec.png", weights)
    assert back.returncode == 0 and b"(OK)" in back.stdout, back.stderr
    rgb = read_rgb("rec.png")
    np.testing.assert_array_equal(read_rgb("dec.png"), rgb)
    told = json.loads(Path("a.json").read_text())
    assert told["bytes"] == Path("a.bin").stat().st_size and told["quality"] == 5
    error = np.square(rgb.astype(float) - read_rgb(photo)).mean()
    assert told["mse_rgb"] == pytest.approx(error)


def test_a_stream_from_a_pipe_as_ppm(photo, weights):
    assert encode(HYPER, "-i", photo, "-o", "a.bin", weights) == 0
    data = Path("a.bin").read_bytes()
    back = fresh("pydec", "-b", "-", "-o", "dec.ppm", weights, "--json", "d.json", input=data)
    assert back.returncode == 0, back.stderr
    assert Path("dec.ppm").read_bytes().startswith(b"P6\n90 70\n255\n")
    assert len(Path("dec.ppm").read_bytes()) == 13 + 3 * 90 * 70
    assert json.loads(Path("d.json").read_text())["hash_status"] == "OK"


def test_torch_is_not_imported(photo, weights):
    code = "import sys\nfrom cli.pyenc import run\nrun(sys.argv[1:])\nsys.exit(int('torch' in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code, HYPER, "-i", photo, "-o", "a.bin", weights],
        capture_output=True, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("more", [["--threads=1"], ["--threads=3"], ["--CnnBackend=torch"], ["--CnnBackend=compiled"]])
def test_threads_and_backends_change_nothing(photo, weights, more):
    assert encode(FACTORIZED, "-i", photo, "-o", "a.bin", weights) == 0
    assert encode(FACTORIZED, "-i", photo, "-o", "b.bin", weights, *more) == 0
    assert Path("a.bin").read_bytes() == Path("b.bin").read_bytes()
    assert decode("-b", "a.bin", "-o", "d.png", weights, *more) == 0


def test_one_picture_of_a_raw_file(weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    Path("clip_64x48_30.yuv").write_bytes(rng.integers(60, 190, 3 * 64 * 48 * 3 // 2, dtype=np.uint8).tobytes())
    assert encode(HYPER, "-i", "clip_64x48_30.yuv", "-o", "a.bin", weights) == 2
    assert encode(HYPER, "-i", "clip_64x48_30.yuv", "-o", "a.bin", "-f", "1", weights) == 0
    assert encode(HYPER, "-i", "clip_64x48_30.yuv", "-o", "b.bin", "-f", "1", "-fs", "2", weights) == 0
    assert Path("a.bin").read_bytes() != Path("b.bin").read_bytes()
    assert decode("-b", "a.bin", "-o", "a.png", weights) == 0
    assert read_rgb("a.png").shape == (48, 64, 3)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["-q", "7"], "1..6"),
        (["-q", "0"], "1..6"),
        (["--SAO=0"], "SAO"),
        (["-c", "encoder_intra_main.cfg"], "means nothing"),
        (["-r", "rec.yuv"], ".png or .ppm"),
        (["--CnnBackend=compiled", "--CnnDevice=cuda"], "CnnDevice"),
    ],
)
def test_what_means_nothing_is_refused(photo, weights, capsys, arguments, words):
    assert encode(HYPER, "-i", photo, "-b", "a.bin", weights, *arguments) == 2
    assert words in capsys.readouterr().err and not Path("a.bin").exists()


def test_an_unknown_codec(photo, capsys):
    assert encode("--Codec=jpeg", "-i", photo, "-o", "a.bin") == 2
    assert "learned-factorized" in capsys.readouterr().err


def test_how_damaged_streams_end(photo, weights, capsys, tmp_path):
    assert encode(HYPER, "-i", photo, "-o", "a.bin", weights) == 0
    data = Path("a.bin").read_bytes()

    def end(changed, *more):
        Path("bad.bin").write_bytes(changed)
        code = decode("-b", "bad.bin", "-o", "bad.png", *(more or [weights]))
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == (code != 0) and all(line.startswith("pydec: error: bad.bin: ") for line in lines)
        return code

    assert end(data) == 0
    assert end(data[:-3]) == 4 and end(data + b"x") == 4 and end(data[:9]) == 4
    assert end(data[:3] + b"\x09" + data[4:]) == 6
    assert end(data[:4] + bytes(8) + data[12:]) == 7
    assert end(data[:13] + b"\xff\xff" + data[15:]) == 8
    Path("bad.png").unlink()
    assert end(data[:21] + bytes(4) + data[25:]) == 5
    assert read_rgb("bad.png").shape == (70, 90, 3)
    empty = tmp_path / "none"
    empty.mkdir()
    assert end(data, f"--WeightsDir={empty}") == 7


def test_pydec_knows_what_it_cannot_write(photo, weights, capsys):
    assert encode(HYPER, "-i", photo, "-o", "a.bin", weights) == 0
    assert decode("-b", "a.bin", "-o", "a.yuv", weights) == 2
    assert decode("-b", "a.bin", "-o", "a.png", "-d", "10", weights) == 2
    assert decode("-b", "a.bin", "-o", "a.png", "--TraceFile=t.csv", weights) == 2
    assert "TraceFile" in capsys.readouterr().err


def test_without_constriction_it_says_so(photo, weights, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "constriction", None)
    assert encode(HYPER, "-i", photo, "-o", "a.bin", weights) == 6
    assert "pip install" in capsys.readouterr().err
