"""Files as people have them, from pyenc's arguments to what pydec and FFmpeg make of the stream."""

import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from cli import fail, pydec, pyenc
from tests.conformance import foreign


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def encode(*arguments):
    return fail.run("pyenc", pyenc.run, [str(a) for a in arguments])


def decode(*arguments):
    return fail.run("pydec", pydec.run, [str(a) for a in arguments])


def samples(count, dtype=np.uint8, top=200):
    return (np.arange(count) * 7 % top).astype(dtype).tobytes()


def write_y4m(name, words, picture_bytes, count=1, dtype=np.uint8):
    picture = samples(picture_bytes // np.dtype(dtype).itemsize, dtype)
    Path(name).write_bytes(b"YUV4MPEG2 " + words.encode() + b"\n" + count * (b"FRAME\n" + picture))


def header(name):
    return Path(name).read_bytes().split(b"\n", 1)[0].decode()


def same_in_ffmpeg(stream, recon, *output):
    """The last thing that a test asks: without FFmpeg it is skipped here."""
    foreign.require(foreign.FFMPEG)
    found = foreign.md5_of_output(foreign.ffmpeg_command(stream, *output, "-f", "rawvideo", "-"))
    assert found == hashlib.md5(Path(recon).read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("words", "picture_bytes", "dtype", "coded"),
    [
        ("W33 H17 F25:1 C420jpeg", 33 * 17 + 2 * 17 * 9, np.uint8, "W34 H18 F25:1 Ip A0:0 C420mpeg2"),
        ("W16 H17 F25:1 C420paldv", 16 * 17 + 2 * 8 * 9, np.uint8, "W16 H18 F25:1 Ip A0:0 C420mpeg2"),
        ("W17 H16 F25:1 C420mpeg2", 17 * 16 + 2 * 9 * 8, np.uint8, "W18 H16 F25:1 Ip A0:0 C420mpeg2"),
        ("W33 H17 F25:1 C420p10", 2 * (33 * 17 + 2 * 17 * 9), "<u2", "W34 H18 F25:1 Ip A0:0 C420p10"),
        ("W33 H17 F25:1 Cmono", 33 * 17, np.uint8, "W33 H17 F25:1 Ip A0:0 Cmono"),
    ],
)
def test_odd_sides(words, picture_bytes, dtype, coded):
    write_y4m("odd.y4m", words, picture_bytes, 2, dtype)
    assert encode("-i", "odd.y4m", "-o", "s.bin", "-r", "r.y4m", "-q", 30) == 0
    assert decode("-i", "s.bin", "-o", "d.y4m") == 0
    assert header("d.y4m") == "YUV4MPEG2 " + coded
    assert Path("d.y4m").read_bytes() == Path("r.y4m").read_bytes()
    assert decode("-i", "s.bin", "-o", "d.yuv") == 0
    same_in_ffmpeg("s.bin", "d.yuv")


def test_odd_raw_pictures_are_refused(capsys):
    Path("a_33x17.yuv").write_bytes(bytes(33 * 17 + 2 * 17 * 9))
    assert encode("-i", "a_33x17.yuv", "-o", "s.bin") == 3
    assert "33x17 is not even, which raw 4:2:0 needs: make a .y4m of it" in capsys.readouterr().err
    Path("b_33x17.yuv").write_bytes(samples(33 * 17))
    assert encode("-i", "b_33x17.yuv", "-o", "s.bin", "--InputChromaFormat=400") == 0
    assert decode("-i", "s.bin", "-o", "d.y4m") == 0
    assert header("d.y4m").startswith("YUV4MPEG2 W33 H17 ")


def vui_of(name):
    """What the JSON of pyenc says was put into the VUI."""
    config = json.loads(Path(name).read_text())["config"]
    names = "VuiParametersPresent VideoFullRange AspectRatioInfoPresent AspectRatioIdc SarWidth SarHeight"
    return tuple(int(config[key]) for key in names.split())


@pytest.mark.parametrize(
    ("words", "options", "vui", "tail", "lines"),
    [
        ("A1:1", [], (0, 0, 0, 0, 0, 0), "A0:0 C420mpeg2", 0),
        ("A0:0 XCOLORRANGE=LIMITED", [], (0, 0, 0, 0, 0, 0), "A0:0 C420mpeg2", 0),
        ("XCOLORRANGE=FULL", [], (1, 1, 0, 0, 0, 0), "A0:0 C420mpeg2 XCOLORRANGE=FULL", 0),
        ("A16:11", [], (1, 0, 1, 4, 0, 0), "A16:11 C420mpeg2", 0),
        ("A59:54 XCOLORRANGE=FULL", [], (1, 1, 1, 255, 59, 54), "A59:54 C420mpeg2 XCOLORRANGE=FULL", 0),
        ("A16:11", ["--VuiParametersPresent=1"], (1, 0, 1, 4, 0, 0), "A16:11 C420mpeg2", 0),
        ("A16:11", ["--VuiParametersPresent=0"], (0, 0, 0, 0, 0, 0), "A0:0 C420mpeg2", 1),
        ("XCOLORRANGE=FULL", ["--VideoFullRange=0"], (1, 0, 0, 0, 0, 0), "A0:0 C420mpeg2", 1),
        (
            "A1:1",
            ["--VuiParametersPresent=1", "--AspectRatioInfoPresent=1", "--AspectRatioIdc=1"],
            (1, 0, 1, 1, 0, 0),
            "A1:1 C420mpeg2",
            0,
        ),
    ],
)
def test_range_and_sample_aspect_ratio(capsys, words, options, vui, tail, lines):
    write_y4m("a.y4m", f"W16 H16 F25:1 {words}", 384)
    assert encode("-i", "a.y4m", "-o", "s.bin", "-r", "r.y4m", "--json", "j.json", *options) == 0
    assert capsys.readouterr().err.count("pyenc: warning: a.y4m: ") == lines
    assert vui_of("j.json") == vui
    assert decode("-i", "s.bin", "-o", "d.y4m") == 0
    assert header("d.y4m") == f"YUV4MPEG2 W16 H16 F25:1 Ip {tail}"
    assert Path("r.y4m").read_bytes() == Path("d.y4m").read_bytes()


@foreign.needs("ffprobe")
def test_ffmpeg_reads_range_and_sample_aspect_ratio():
    write_y4m("a.y4m", "W16 H16 F25:1 A16:11 XCOLORRANGE=FULL", 384)
    assert encode("-i", "a.y4m", "-o", "s.bin") == 0
    show = "stream=sample_aspect_ratio,color_range"
    command = ["ffprobe", "-v", "error", "-f", "hevc", "-show_entries", show, "-of", "csv=p=0", "s.bin"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert sorted(found.strip().split(",")) == ["16:11", "pc"]


def test_a_plain_header_adds_nothing_to_the_stream():
    write_y4m("a.y4m", "W16 H16 F25:1 Ip A1:1 C420jpeg XYSCSS=420JPEG XCOLORRANGE=LIMITED", 384)
    Path("a_16x16_25.yuv").write_bytes(samples(384))
    assert encode("-i", "a.y4m", "-o", "a.bin") == encode("-i", "a_16x16_25.yuv", "-o", "b.bin") == 0
    assert Path("a.bin").read_bytes() == Path("b.bin").read_bytes()


@pytest.mark.parametrize(("letter", "words"), [("t", "top field first"), ("b", "bottom field"), ("m", "some of its")])
def test_interlaced_input_is_told(capsys, letter, words):
    write_y4m("a.y4m", f"W16 H16 F25:1 I{letter}", 384)
    assert encode("-i", "a.y4m", "-o", "s.bin") == 0
    errors = capsys.readouterr().err
    assert errors.startswith(f"pyenc: warning: a.y4m: is interlaced (I{letter}, {words}")
    assert errors.count("\n") == 1


def test_a_name_of_jvets(capsys):
    name = "Campfire_64x48_60fps_10bit_420_bt709.yuv"
    Path(name).write_bytes(samples(64 * 48 * 3, "<u2", 1000))
    assert encode("-i", name, "-o", "s.bin", "-q", 30) == 0
    out = capsys.readouterr().out
    assert f"Note: taken from {name}: 64x48 10-bit 4:2:0\n" in out
    assert f"Note: taken from {name}: 60 pictures a second\n" in out
    assert out.count("\nPOC ") == 2 and "main10" in out
    assert decode("-i", "s.bin", "-o", "d.yuv") == 0
    error = np.frombuffer(Path("d.yuv").read_bytes(), "<u2").astype(int) - np.frombuffer(Path(name).read_bytes(), "<u2")
    assert np.abs(error).mean() < 20
    # what is taken is told, also where the size is given
    capsys.readouterr()
    assert encode("-i", name, "-o", "s.bin", "-wdt", 64, "-hgt", 48) == 0
    assert "64x48 10-bit 4:2:0" in capsys.readouterr().out
    assert encode("-i", name, "-o", "s.bin", "--InputBitDepth=8") == 0
    assert capsys.readouterr().out.count("\nPOC ") == 4


def test_a_header_of_another_rate_than_the_name(capsys):
    write_y4m("a_16x16_60fps.y4m", "W16 H16 F25:1", 384)
    assert encode("-i", "a_16x16_60fps.y4m", "-o", "s.bin") == 0
    assert "its header says 25 pictures a second, its name 60: see -fr" in capsys.readouterr().err
    assert encode("-i", "a_16x16_60fps.y4m", "-o", "s.bin", "-fr", 60) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("suffix", ["bmp", "webp", "tiff"])
def test_images_are_coded_as_png_is(capsys, suffix):
    cv2 = pytest.importorskip("cv2")
    image = np.random.default_rng(1).integers(0, 256, (15, 16, 3)).astype(np.uint8)
    lossless = {"webp": [cv2.IMWRITE_WEBP_QUALITY, 101]}.get(suffix, [])
    assert cv2.imwrite(f"a.{suffix}", image, lossless) and cv2.imwrite("a.png", image)
    assert encode("-i", f"a.{suffix}", "-o", "a.bin") == encode("-i", "a.png", "-o", "b.bin") == 0
    assert Path("a.bin").read_bytes() == Path("b.bin").read_bytes()
    assert "main-still-picture" in capsys.readouterr().out
    assert decode("-i", "a.bin", "-o", f"d.{suffix}") == 2
    assert "images are written as PNG" in capsys.readouterr().err
