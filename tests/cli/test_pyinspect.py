"""pyinspect from arguments to files and exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from cli import fail, pyinspect
from cli.inspect.layers import LAYERS
from tests.cli.inspect.test_yuview import read_again
from tests.codec.h265 import small_stream

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("s.bin").write_bytes(small_stream.STREAM)


def inspect(*arguments):
    return fail.run("pyinspect", pyinspect.run, [str(a) for a in arguments])


def files():
    return sorted(str(path) for path in Path().rglob("*") if path.is_file() and path.name != "s.bin")


def test_overlays_in_a_folder(capsys):
    assert inspect("overlay", "-i", "s.bin", "-o", "out/deep", "--scale", 4) == 0
    assert files() == [f"out/deep/000{n}.png" for n in range(4)]
    shape = cv2.imread("out/deep/0003.png").shape
    assert shape[1] == 256 and shape[0] > 256
    assert capsys.readouterr().out == "wrote 4 PNG files\n"


def test_some_pictures_by_a_pattern_and_the_csv_of_the_same():
    assert inspect("overlay", "-i", "s.bin", "-o", "p_%02d.png", "--frames", "1-2", "--csv", "s.csv") == 0
    assert files() == ["p_01.png", "p_02.png", "s.csv"]
    _, _, groups = read_again(Path("s.csv").read_text())
    assert {index for index, _ in groups} == {1, 2}


def test_one_picture_of_one_name_and_a_csv_alone(capsys):
    assert inspect("overlay", "-i", "s.bin", "-o", "one.png", "--frames", "3", "--layers", "qp, tu") == 0
    assert inspect("overlay", "-i", "s.bin", "--csv", "-") == 0
    assert files() == ["one.png"]
    assert capsys.readouterr().out.count("%;syntax-version;v1.22\n") == 1


def test_layers_make_a_difference():
    # this picture has no tools of ours and no intra blocks: tests/cli/inspect/test_overlay.py draws those
    for layer in set(LAYERS) - {"chroma", "interpolation", "sizes", "ranks"}:
        assert inspect("overlay", "-i", "s.bin", "-o", f"{layer}.png", "--frames", "3", "--layers", layer) == 0
    images = {Path(name).read_bytes() for name in files()}
    assert len(LAYERS) == len(pyinspect._LAYERS) and set(pyinspect._LAYERS) == set(LAYERS)
    assert len(images) == len(LAYERS) - 4


def test_stats_as_table_and_as_json(capsys):
    assert inspect("stats", "-i", "s.bin") == 0
    table = capsys.readouterr().out
    assert table.splitlines()[1].split()[:3] == ["0", "0", "I"] and "IDR_N_LP" in table
    assert inspect("stats", "-i", "s.bin", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [picture["slice_type"] for picture in document["pictures"]] == list("IBBP")
    assert sum(document["total"]["modes"].values()) == pytest.approx(1)
    assert document["total"]["modes"]["intra"] == 0.25
    assert document["total"]["bits"] == sum(document["bits_by_nal"].values())
    assert document["total"]["bits"] == sum(picture["bits"] for picture in document["pictures"])


def test_stats_from_a_pipe_into_a_file():
    command = [sys.executable, "-m", "cli.pyinspect", "stats", "-i", "-", "--json", "-o", "f.json", "--frames", "2-"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(["cat", "s.bin"], stdout=subprocess.PIPE) as cat:
        done = subprocess.run(command, stdin=cat.stdout, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [picture["number"] for picture in json.loads(Path("f.json").read_text())["pictures"]] == [2, 3]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("overlay -o x", 2, "Missing option '-i'"),
        ("overlay -i s.bin", 2, "nothing to write: give -o, --csv, or both"),
        ("overlay -i s.bin -o x --layers cu,mv", 2, "--layers: 'mv' is not one of cu, pu, tu"),
        ("overlay -i s.bin -o x --frames 3-1", 2, "--frames 3-1: the last picture comes before the first"),
        ("overlay -i s.bin -o x --frames a", 2, "--frames a: give a number"),
        ("overlay -i s.bin -o x --scale 0", 2, "--scale"),
        ("overlay -i s.bin -o x.png", 2, "-o x.png holds one picture"),
        ("overlay -i s.bin -o %d_%d.png", 2, "a pattern has one number"),
        ("overlay -i s.bin -o s.bin/x", 2, "-o s.bin/x: Not a directory"),
        ("overlay -i s.bin --csv s.bin", 2, "is the input and the output as well"),
        ("overlay -i s.bin --csv no/s.csv", 3, "cannot write no/s.csv: No such file or directory"),
        ("overlay -i none.bin -o x.png --frames 0", 3, "none.bin: No such file or directory"),
        ("overlay -i s.bin -o x.png --frames 9", 3, "s.bin: has 4 pictures, no number 9"),
        ("stats -i none.bin", 3, "none.bin: No such file or directory"),
        ("stats -i s.bin -o s.bin", 2, "is the input and the output as well"),
        ("stat -i s.bin", 2, "No such command"),
    ],
)
def test_errors_are_one_line_with_their_code(words, code, message, capsys):
    assert inspect(*words.split()) == code
    errors = capsys.readouterr().err
    assert errors.startswith("pyinspect: error: ") and errors.count("\n") == 1 and message in errors
    assert files() == [] and Path("s.bin").read_bytes() == small_stream.STREAM


def test_a_damaged_stream_ends_with_its_code_and_keeps_what_was_whole(capsys):
    Path("bad.bin").write_bytes(small_stream.STREAM[:-90] + b"\0\0\1\2\1" + b"\x81" * 9)
    assert inspect("overlay", "-i", "bad.bin", "--csv", "bad.csv") == 4
    assert capsys.readouterr().err.startswith("pyinspect: error: bad.bin: (")
    _, _, groups = read_again(Path("bad.csv").read_text())
    assert 0 in {index for index, _ in groups}


@pytest.mark.parametrize("arguments", [[], ["--help"], ["overlay", "--help"], ["stats", "-h"]])
def test_help_is_quick_to_come(arguments):
    code = (
        "import sys\nfrom cli import pyinspect\n"
        f"code = pyinspect.run({arguments!r})\n"
        "sys.exit(str([m for m in ('numba', 'cv2', 'numpy') if m in sys.modules] or code or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "Usage: pyinspect" in done.stdout and done.stderr.strip() == ""
