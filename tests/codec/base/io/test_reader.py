"""Sources: formats found out, pictures counted, short and odd files refused before any work."""

import io
import os
import sys
import threading
from fractions import Fraction

import numpy as np
import pytest

from codec.base.errors import InputError, LimitExceeded, UsageError
from codec.base.io import y4m
from codec.base.io.reader import format_from_name, open_source, plan, read_pictures
from codec.base.io.yuv import Format, pack


def picture(picture_format, seed):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 1 << picture_format.bit_depth, shape) for shape in picture_format.shapes]


def raw_bytes(picture_format, count):
    return b"".join(pack(picture(picture_format, i), picture_format.bit_depth) for i in range(count))


def y4m_bytes(picture_format, count):
    frames = (b"FRAME Ip\n" + pack(picture(picture_format, i), picture_format.bit_depth) for i in range(count))
    return y4m.header(picture_format) + b"".join(frames)


def read_all(path, skip=0, wanted=0, depth=None, chroma=None, **stated):
    with open_source(str(path), **stated) as source:
        count = plan(source, skip, wanted)
        depth = depth or source.format.bit_depth
        chroma = source.format.chroma_format_idc if chroma is None else chroma
        return list(read_pictures(source, skip, count, depth, chroma))


SMALL = Format(6, 4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BasketballPass_416x240_50.yuv", (416, 240, Fraction(50))),
        ("/a/b_1x2_3/foo_352x288_29.97.yuv", (352, 288, Fraction(2997, 100))),
        ("foreman_352x288.yuv", (352, 288, None)),
        ("352x288.yuv", (352, 288, None)),
        ("clip_416x240_30fps_10bit.yuv", (416, 240, Fraction(30))),
        ("clip_416x240_30_8bit.yuv", (416, 240, Fraction(30))),
        ("clip_416x240_8bit.yuv", (416, 240, None)),
        ("0x3box.yuv", (None, None, None)),
        ("clip.yuv", (None, None, None)),
    ],
)
def test_format_from_name(name, expected):
    assert format_from_name(name) == expected


@pytest.mark.parametrize("depth", [8, 10, 16])
@pytest.mark.parametrize("chroma", [0, 1])
@pytest.mark.parametrize("kind", ["yuv", "y4m"])
def test_pictures_come_back(tmp_path, depth, chroma, kind):
    picture_format = Format(6, 4, depth, chroma, Fraction(25))
    path = tmp_path / f"a_6x4_25.{kind}"
    path.write_bytes((raw_bytes if kind == "yuv" else y4m_bytes)(picture_format, 3))
    stated = {"bit_depth": depth, "chroma_format_idc": chroma} if kind == "yuv" else {}
    with open_source(str(path), **stated) as source:
        assert source.format == picture_format
        assert source.frames == 3
    internal = min(depth, 10)
    pictures = read_all(path, depth=internal, **stated)
    assert len(pictures) == 3
    for number, planes in enumerate(pictures):
        assert all(plane.dtype == np.int16 and plane.flags.c_contiguous for plane in planes)
        shift = depth - internal
        for plane, original in zip(planes, picture(picture_format, number), strict=True):
            rounded = np.minimum((original + (1 << shift >> 1)) >> shift, (1 << internal) - 1)
            assert (plane == rounded).all()


@pytest.mark.parametrize("kind", ["yuv", "y4m"])
def test_skip_and_count(tmp_path, kind):
    path = tmp_path / f"a_6x4.{kind}"
    path.write_bytes((raw_bytes if kind == "yuv" else y4m_bytes)(SMALL, 5))
    pictures = read_all(path, skip=2, wanted=2)
    assert len(pictures) == 2
    assert (pictures[0][0] == picture(SMALL, 2)[0]).all()
    assert (pictures[1][2] == picture(SMALL, 3)[2]).all()


def test_chroma_is_added_or_left_out(tmp_path):
    grey, colour = tmp_path / "g_6x4.yuv", tmp_path / "c_6x4.yuv"
    grey.write_bytes(raw_bytes(Format(6, 4, 8, 0), 1))
    colour.write_bytes(raw_bytes(SMALL, 1))
    (planes,) = read_all(grey, chroma_format_idc=0, chroma=1, depth=10)
    assert [plane.shape for plane in planes] == [(4, 6), (2, 3), (2, 3)]
    assert (planes[1] == 512).all()
    (planes,) = read_all(colour, chroma=0)
    assert len(planes) == 1


@pytest.mark.parametrize("kind", ["yuv", "y4m"])
@pytest.mark.parametrize(
    ("count", "cut", "skip", "wanted", "words"),
    [
        (0, 0, 0, 0, "not even one"),
        (1, 1, 0, 0, "not even one"),
        (3, 0, 0, 4, "holds 3 whole pictures of 6x4 8-bit 4:2:0; 4 were asked for: use -f 3"),
        (3, 0, 2, 2, "use -f 1"),
        (3, 0, 3, 0, "FrameSkip=3 leaves none"),
        (3, 5, 0, 0, "use -f 2"),
        (3, 5, 0, 3, "2 whole pictures"),
        (3, 5, 1, 0, "use -f 1"),
    ],
)
def test_short_and_odd_files(tmp_path, kind, count, cut, skip, wanted, words):
    path = tmp_path / f"a_6x4.{kind}"
    data = (raw_bytes if kind == "yuv" else y4m_bytes)(SMALL, count)
    path.write_bytes(data[: len(data) - cut])
    with pytest.raises(InputError) as caught:
        read_all(path, skip=skip, wanted=wanted)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kind", ["yuv", "y4m"])
def test_odd_remainder_is_fine_when_only_whole_pictures_are_wanted(tmp_path, kind):
    path = tmp_path / f"a_6x4.{kind}"
    path.write_bytes((raw_bytes if kind == "yuv" else y4m_bytes)(SMALL, 3)[:-5])
    assert len(read_all(path, wanted=2)) == 2


def test_remainder_of_a_y4m_says_how_much_is_left(tmp_path):
    path = tmp_path / "a.y4m"
    path.write_bytes(y4m_bytes(SMALL, 2) + b"FRAME\n123")
    with pytest.raises(InputError, match="2 whole pictures .* and 9 bytes more"):
        read_all(path)


def test_size_must_be_known_and_possible(tmp_path):
    path = tmp_path / "clip.yuv"
    path.write_bytes(bytes(36))
    with pytest.raises(UsageError, match="-wdt and -hgt"):
        read_all(path)
    with pytest.raises(UsageError, match="both"):
        read_all(path, width=6)
    with pytest.raises(InputError, match="not even"):
        read_all(path, width=5, height=4)
    with pytest.raises(InputError, match="empty"):
        read_all(path, width=0, height=4)
    with pytest.raises(LimitExceeded):
        read_all(path, width=16000, height=16000)
    assert len(read_all(path, width=5, height=3, chroma_format_idc=0, wanted=2)) == 2
    assert len(read_all(path, width=6, height=4)) == 1


def test_options_win_over_a_name_but_must_agree_with_a_header(tmp_path):
    raw, headed = tmp_path / "a_600x400.yuv", tmp_path / "a.y4m"
    raw.write_bytes(raw_bytes(SMALL, 1))
    headed.write_bytes(y4m_bytes(SMALL, 1))
    assert len(read_all(raw, width=6, height=4)) == 1
    for stated in ({"width": 8}, {"height": 8}, {"bit_depth": 10}, {"chroma_format_idc": 0}):
        with pytest.raises(UsageError, match="the file says"):
            read_all(headed, **stated)


def test_what_is_not_a_file(tmp_path):
    for name in ("missing_6x4.yuv", "missing.png", "missing.y4m"):
        with pytest.raises(InputError, match="No such file"):
            read_all(tmp_path / name)
    with pytest.raises(InputError, match="directory"):
        read_all(tmp_path)
    fake = tmp_path / "fake.y4m"
    fake.write_bytes(bytes(100))
    with pytest.raises(InputError, match="no YUV4MPEG2"):
        read_all(fake)


class FakeStdin:
    """Standard input as a pipe that another thread fills."""

    def __init__(self, data):
        reader, writer = os.pipe()
        self.buffer = os.fdopen(reader, "rb")
        self.thread = threading.Thread(target=self.fill, args=(writer, data))
        self.thread.start()

    def fill(self, writer, data):
        with os.fdopen(writer, "wb") as file:
            file.write(data)


@pytest.mark.parametrize("kind", ["yuv", "y4m"])
@pytest.mark.parametrize(
    ("cut", "wanted", "expected"),
    [(0, 0, 3), (0, 2, 2), (0, 4, "3 whole pictures; 4"), (5, 0, "ends inside picture 2"), (5, 2, 2)],
)
def test_standard_input(monkeypatch, kind, cut, wanted, expected):
    data = (raw_bytes if kind == "yuv" else y4m_bytes)(SMALL, 3)
    stdin = FakeStdin(data[: len(data) - cut])
    monkeypatch.setattr(sys, "stdin", stdin)
    stated = {"width": 6, "height": 4} if kind == "yuv" else {}
    if isinstance(expected, int):
        assert len(read_all("-", wanted=wanted, **stated)) == expected
    else:
        with pytest.raises(InputError, match=expected):
            read_all("-", wanted=wanted, **stated)
    stdin.buffer.close()
    stdin.thread.join()


def test_empty_standard_input(monkeypatch):
    class Empty:
        buffer = io.BufferedReader(io.BytesIO(b""))

    monkeypatch.setattr(sys, "stdin", Empty)
    with pytest.raises(InputError, match="ended after 0"):
        read_all("-", width=6, height=4)


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("size", [(5, 3), (6, 3), (5, 4), (1, 1)])
def test_odd_sides_of_y4m(tmp_path, size, depth):
    """Chroma planes have a sample for the last row or column; coded as 4:2:0, luma repeats it."""
    odd = Format(*size, depth, 1, Fraction(25))
    path = tmp_path / "a.y4m"
    path.write_bytes(y4m_bytes(odd, 2))
    assert odd.frame_bytes == (size[0] * size[1] + 2 * -(-size[0] // 2) * -(-size[1] // 2)) * (1 + (depth > 8))
    wanted = picture(odd, 1)
    luma, cb, cr = read_all(path, skip=1)[0]
    assert (cb == wanted[1]).all() and (cr == wanted[2]).all()
    assert luma.shape == (2 * cb.shape[0], 2 * cb.shape[1])
    assert (luma == np.pad(wanted[0], ((0, size[1] % 2), (0, size[0] % 2)), mode="edge")).all()
    (luma,) = read_all(path, skip=1, chroma=0)[0]
    assert (luma == wanted[0]).all()


def test_odd_sides_of_grey_pictures(tmp_path):
    grey = Format(5, 3, 8, 0, Fraction(25))
    path = tmp_path / "a.y4m"
    path.write_bytes(y4m_bytes(grey, 1))
    assert [plane.shape for plane in read_all(path)[0]] == [(3, 5)]
    assert [plane.shape for plane in read_all(path, chroma=1)[0]] == [(4, 6), (2, 3), (2, 3)]
