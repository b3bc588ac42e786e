"""pydec and pyinspect from arguments to files, lines and exit codes, with the codec itself."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cli import fail, pydec, pyinspect
from codec.h265.nal import annexb, read_nal_units
from tests.codec.h265 import small_stream

ROOT = Path(__file__).resolve().parents[2]
FIELDS = ROOT / "tests" / "codec" / "h265" / "decoder" / "streams" / "fields.bin"
SMALL = list(read_nal_units(small_stream.open_stream()))
SIZE = 64 * 64 * 3 // 2


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def decode(*arguments):
    return fail.run("pydec", pydec.run, [str(argument) for argument in arguments])


def inspect(*arguments):
    return fail.run("pyinspect", pyinspect.run, [str(argument) for argument in arguments])


def write(name, *units):
    Path(name).write_bytes(b"".join(unit if isinstance(unit, bytes) else annexb(unit) for unit in units))


def test_what_was_skipped_is_said_once_at_the_end(capsys):
    write("s.bin", *SMALL[5:], *SMALL)
    assert decode("-i", "s.bin", "-o", "r.yuv") == 0
    note = "note: skipped 3 pictures before the first random access point\n"
    assert capsys.readouterr().err == f"pydec: {note}"
    assert Path("r.yuv").stat().st_size == 4 * SIZE
    assert inspect("stats", "-i", "s.bin") == 0
    assert capsys.readouterr().err == f"pyinspect: {note}"
    assert inspect("overlay", "-i", "s.bin", "-o", "x.png", "--frames", "3") == 0
    write("s.bin", *SMALL)
    assert decode("-i", "s.bin", "-o", "r.yuv") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("units", "code", "message"),
    [
        (SMALL[:3] + SMALL[5:], 3, "holds no random access point (IDR, BLA or CRA picture): none of its 3 pictures"),
        (SMALL[:3], 3, "s.bin: holds no picture"),
        ([], 3, "s.bin: holds no picture"),
        ([b"\0\0\1\xc0\1\x11"], 3, "s.bin: holds no picture; ignored 1 NAL unit with a broken header"),
        (SMALL[3:], 4, "(7.4.2.4.2) a slice refers to PPS 0, which has not arrived"),
        ([b"\0\0\0\x18ftypisom"], 3, "s.bin: is an MP4 file"),
    ],
)
def test_nothing_to_decode(capsys, units, code, message):
    write("s.bin", *units)
    for program, run in (("pydec", decode), ("pyinspect stats", inspect)):
        words = ["stats", "-i", "s.bin"] if run is inspect else ["-i", "s.bin", "-o", "r.yuv"]
        assert run(*words) == code
        error = capsys.readouterr().err
        assert error.startswith(f"{program.split()[0]}: error: ") and message in error and error.count("\n") == 1
    assert sorted(path.name for path in Path().iterdir()) == ["s.bin"]


def test_the_last_whole_picture_before_a_fault_is_kept(capsys):
    write("s.bin", *SMALL[:5], b"\0\0\1\x82\1\x80")
    assert decode("-i", "s.bin", "-o", "r.yuv") == 4
    assert "; 1 whole picture before it kept in r.yuv\n" in capsys.readouterr().err
    assert Path("r.yuv").stat().st_size == SIZE


def test_standard_input_is_looked_at_too():
    def run(data):
        command = [sys.executable, "-m", "cli.pydec", "-i", "-", "-o", "-"]
        return subprocess.run(command, cwd=ROOT, input=data, capture_output=True)

    result = run(small_stream.STREAM)
    assert result.returncode == 0 and len(result.stdout) == 4 * SIZE
    result = run(b"\x1aE\xdf\xa3\xa3\x42\x86\x81\1\x42\x82\x88matroska" + bytes(1 << 17))
    assert result.returncode == 3 and b"-: is a Matroska file" in result.stderr and not result.stdout


def frames(name):
    data = io.BytesIO(Path(name).read_bytes())
    header = data.readline().decode().split()
    height = int(header[2][1:])
    pictures = []
    while data.readline() == b"FRAME\n":
        pictures.append(np.frombuffer(data.read(136 * height * 3 // 2), np.uint8))
    return header, pictures


def test_fields_are_woven_or_said_to_be_fields(capsys):
    """HM makes eight frames of 136x104 of the stream."""
    assert decode("-i", FIELDS, "-o", "f.y4m") == 0
    captured = capsys.readouterr()
    assert captured.out.count("POC ") == 16
    assert captured.err == (
        "pydec: note: the pictures are fields, each written as a picture; --WeaveFields=1 weaves two into a frame\n"
    )
    header, fields = frames("f.y4m")
    assert header[1:5] == ["W136", "H52", "F25:1", "Ip"] and len(fields) == 16
    assert decode("-i", FIELDS, "-o", "w.y4m", "--WeaveFields") == 0
    captured = capsys.readouterr()
    assert captured.out.count("POC ") == 16 and captured.err == ""
    header, woven = frames("w.y4m")
    assert header[1:5] == ["W136", "H104", "F25:2", "It"] and len(woven) == 8
    for number, frame in enumerate(woven):
        luma = frame[: 136 * 104].reshape(104, 136)
        top, bottom = fields[2 * number : 2 * number + 2]
        assert (luma[0::2].ravel() == top[: 136 * 52]).all() and (luma[1::2].ravel() == bottom[: 136 * 52]).all()
    # without an output there is nothing to say
    assert decode("-i", FIELDS) == 0 and capsys.readouterr().err == ""


def test_a_field_alone_is_left_out(capsys):
    units = list(read_nal_units(io.BytesIO(FIELDS.read_bytes())))
    slices = [i for i, unit in enumerate(units) if unit.nal_unit_type < 32]
    write("s.bin", *units[: slices[-1]])
    assert decode("-i", "s.bin", "-o", "w.yuv", "--WeaveFields=1") == 0
    assert capsys.readouterr().err == "pydec: note: left out 1 field without the other field of the frame\n"
    assert Path("w.yuv").stat().st_size == 7 * 136 * 104 * 3 // 2
