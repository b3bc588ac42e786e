"""codec.base.io.containers: files of other kinds are named, streams of H.265 are not taken for them."""

import subprocess
from pathlib import Path

import pytest

from codec.base.io.containers import HEAD_BYTES, foreign_file
from codec.h265.nal import AUD_NUT, NalUnit, annexb, read_nal_units
from tests.codec.h265 import small_stream
from tests.conformance import foreign

CASES = Path(__file__).resolve().parents[5] / "shared" / "cases"
EXTRACT = "ffmpeg -i x -c:v copy -bsf:v hevc_mp4toannexb out.265"

HEADS = [
    (b"\0\0\0\x18ftypisom\0\0\2\0", "an MP4 file", EXTRACT),
    (b"\0\0\0\x14ftypqt  \0\0\2\0", "a QuickTime file", EXTRACT),
    (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIF image", EXTRACT),
    (b"\0\0\7\xd0moov\0\0\0\x6cmvhd", "an MP4 file", EXTRACT),
    (b"\x1aE\xdf\xa3\xa3\x42\x86\x81\1\x42\x82\x88matroska", "a Matroska file", EXTRACT),
    (b"\x1aE\xdf\xa3\x9f\x42\x86\x81\1\x42\x82\x84webm", "a WebM file", "libx265"),
    (b"RIFF\x24\2\0\0AVI LIST", "an AVI file", EXTRACT),
    (b"FLV\1\5\0\0\0\x09", "an FLV file", EXTRACT),
    (b"\0\0\1\xba\x44\0\4", "an MPEG program stream", EXTRACT),
    (b"\0\0\1\xb3\x16\0\xf0", "an MPEG-1 or MPEG-2 stream", "libx265"),
    (b"DKIF\0\0\x20\0AV01", "an IVF file", "libx265"),
    (b"DKIF\0\0\x20\0HEVC", "an IVF file", EXTRACT),
    (b"\x12\0\x0a\x0b\0\0\0\x24", "an AV1 stream", "libx265"),
    (b"YUV4MPEG2 W64 H64 F25:1\n", "a y4m file", "pyenc -i x"),
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image", "pyenc -i x"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image", "pyenc -i x"),
    (b"\x1f\x8b\x08\0\0\0\0\0", "a compressed file", "unpack"),
    ((b"\x47\x40\0\x10" + bytes(184)) * 6, "an MPEG transport stream", EXTRACT),
    ((bytes(4) + b"\x47\x40\0\x10" + bytes(184)) * 6, "an MPEG transport stream", EXTRACT),
    ((b"\x47\x40\0\x10" + bytes(184))[77:] + (b"\x47\x40\0\x10" + bytes(184)) * 6, "an MPEG transport stream", EXTRACT),
    (b"\0\0\0\1\x67\x64\0\x0a\xac\xd9", "an H.264 stream", "libx265"),
    (b"\0\0\0\1\x09\xf0\0\0\1\x27\x42\xc0\x1e\xd9", "an H.264 stream", "libx265"),
    (b"\0\0\0\1\0\x79\0\x0d\2\0", "an H.266 stream", "libx265"),
]


@pytest.mark.parametrize(("head", "what", "advice"), HEADS)
def test_what_is_no_stream(head, what, advice):
    text = foreign_file(head, "x")
    assert text.startswith(f"is {what}") and "no H.265 byte stream" in text and advice in text


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0",
        b"\0\0\1",
        b"text before\0\0\1\x40\1",
        small_stream.STREAM,
        bytes(50) + small_stream.STREAM,
        annexb(NalUnit(AUD_NUT, b"\x50")) + small_stream.STREAM,
        # units that H.264 would call parameter sets: unspecified types and high layers of H.265
        small_stream.STREAM[:40] + b"\0\0\1\x67\x64\0\x0a\x80" + small_stream.STREAM[40:],
        b"\0\0\1\x67\x64\0\x4a\x80" + small_stream.STREAM,
        # without parameter sets: joined half way
        b"".join(annexb(unit) for unit in list(read_nal_units(small_stream.open_stream()))[5:]),
    ],
)
def test_what_may_be_one(head):
    assert foreign_file(head, "x") == ""


@foreign.needs(foreign.FFMPEG)
@pytest.mark.parametrize(
    ("name", "what"), [("x.mp4", "MP4"), ("x.mkv", "Matroska"), ("x.ts", "MPEG-TS"), ("x.mov", "QuickTime")]
)
def test_files_of_ffmpeg_and_the_command_that_is_given(tmp_path, name, what):
    (tmp_path / "s.265").write_bytes(small_stream.STREAM * 30)
    # through a file that has time stamps
    for words in (["-f", "hevc", "-r", "25", "-i", "s.265"], ["-i", "s.mp4"]):
        words += ["-c:v", "copy", "s.mp4" if "s.265" in words else name]
        subprocess.run(["ffmpeg", "-v", "error", *words], cwd=tmp_path, check=True, stdin=subprocess.DEVNULL)
    text = foreign_file((tmp_path / name).read_bytes()[:HEAD_BYTES], name)
    assert what in text
    given = text[text.index("ffmpeg") :].split()
    subprocess.run([*given, "-v", "error"], cwd=tmp_path, check=True, stdin=subprocess.DEVNULL)
    with open(tmp_path / "out.265", "rb") as file:
        assert list(read_nal_units(file))[-2].payload in small_stream.STREAM


@pytest.mark.skipif(not CASES.is_dir(), reason="no ../shared/cases")
def test_every_stream_of_the_cases_may_be_one():
    streams = [path for path in CASES.glob("*/*") if path.suffix in (".265", ".bin", ".bit")]
    assert len(streams) > 20
    assert [path.name for path in streams if foreign_file(path.read_bytes()[:HEAD_BYTES], "x")] == []
