"""Raw and y4m pictures: round trips, depths, headers, and what is refused."""

import io
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.base.errors import InputError, LimitExceeded
from codec.base.io import y4m
from codec.base.io.yuv import Format, change_depth, pack, read_exactly, unpack

formats = st.builds(Format, st.integers(1, 9), st.integers(1, 9), st.integers(8, 16), st.integers(0, 1))


def random_planes(picture_format, seed=0):
    rng = np.random.default_rng(seed)
    top = 1 << picture_format.bit_depth
    return [rng.integers(0, top, shape).astype(np.int32) for shape in picture_format.shapes]


@given(formats)
def test_raw_round_trip(picture_format):
    planes = random_planes(picture_format)
    data = pack(planes, picture_format.bit_depth)
    assert len(data) == picture_format.frame_bytes
    for plane, back in zip(planes, unpack(data, picture_format, "x"), strict=True):
        assert (plane == back).all()


def test_layout_of_a_raw_picture():
    planes = [np.array([[1, 2], [3, 4]]), np.array([[5]]), np.array([[0x1FF]])]
    assert pack(planes[:2], 8) == bytes([1, 2, 3, 4, 5])
    assert pack(planes, 9) == bytes([1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 0xFF, 1])


@pytest.mark.parametrize("depth", [9, 10, 15])
def test_a_sample_above_the_depth_is_refused(depth):
    data = pack([np.array([[0, 1 << depth], [0, 0]])], 16)
    with pytest.raises(InputError, match="does not fit"):
        unpack(data, Format(2, 2, depth, 0), "x")
    assert unpack(data, Format(2, 2, 16, 0), "x")[0].max() == 1 << depth


@pytest.mark.parametrize(("low", "high"), [(8, 8), (8, 10), (9, 16), (10, 12)])
def test_depth_changes_as_in_hm(low, high):
    samples = np.arange(1 << low)
    up = change_depth(samples, low, high)
    assert (up == samples << (high - low)).all()
    assert (change_depth(up, high, low) == samples).all()
    every = np.arange(1 << high)
    expected = [min((1 << low) - 1, (v + (1 << (high - low) >> 1)) >> (high - low)) for v in range(1 << high)]
    assert change_depth(every, high, low).tolist() == expected


def test_read_exactly_joins_the_parts_of_a_pipe():
    class Dribble(io.RawIOBase):
        parts = (b"ab", b"c", b"def", b"")

        def __init__(self):
            self.waiting = list(self.parts)

        def read(self, count):
            part = self.waiting.pop(0)
            assert len(part) <= count
            return part

    assert read_exactly(Dribble(), 6) == b"abcdef"
    assert read_exactly(io.BytesIO(b"ab"), 6) == b"ab"


rates = st.fractions(min_value=Fraction(1, 10), max_value=240, max_denominator=1001)
aspects = st.none() | st.fractions(Fraction(1, 8), 8, max_denominator=200).filter(lambda ratio: ratio != 1)


@given(formats, rates, aspects, st.booleans())
def test_y4m_header_round_trip(picture_format, rate, aspect, full_range):
    wanted = replace(picture_format, frame_rate=rate, sample_aspect=aspect, full_range=full_range)
    file = io.BytesIO(y4m.header(wanted) + y4m.FRAME_LINE)
    assert y4m.read_header(file, "x") == wanted
    assert y4m.read_frame_header(file, "x", 0)
    assert not y4m.read_frame_header(file, "x", 1)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"YUV4MPEG2 W6 H4\n", Format(6, 4, 8, 1, None)),
        (b"YUV4MPEG2 W6 H4 F30000:1001 Ip A1:1 C420jpeg XYSCSS=420JPEG\n", Format(6, 4, 8, 1, Fraction(30000, 1001))),
        (b"YUV4MPEG2 H4 W6 F0:0 C420paldv\n", Format(6, 4, 8, 1, None)),
        (b"YUV4MPEG2 W6 H4 F25:1 C420p10 XYSCSS=420P10\n", Format(6, 4, 10, 1, Fraction(25))),
        (b"YUV4MPEG2 W6 H4 F25:1 Cmono\n", Format(6, 4, 8, 0, Fraction(25))),
        (b"YUV4MPEG2 W6 H4 F25:1 Cmono12\n", Format(6, 4, 12, 0, Fraction(25))),
        (b"YUV4MPEG2 W6 H4 A0:0 XCOLORRANGE=LIMITED\n", Format(6, 4)),
        (b"YUV4MPEG2 W6 H4 A3:3 XCOLORRANGE=FULL\n", Format(6, 4, full_range=True)),
        (b"YUV4MPEG2 W6 H4 A16:11 XCOLORRANGE=full XYSCSS=420JPEG\n", Format(6, 4, 8, 1, None, Fraction(16, 11), True)),
        (b"YUV4MPEG2 W6 H4 It\n", Format(6, 4, interlaced="t")),
        (b"YUV4MPEG2 W6 H4 Ib\n", Format(6, 4, interlaced="b")),
        (b"YUV4MPEG2 W6 H4 Im\n", Format(6, 4, interlaced="m")),
        (b"YUV4MPEG2 W6 H4 I? Ip\n", Format(6, 4)),
    ],
)
def test_y4m_headers_of_others(header, expected):
    assert y4m.read_header(io.BytesIO(header), "x") == expected


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (b"", "no YUV4MPEG2"),
        (b"RIFF\n", "no YUV4MPEG2"),
        (b"YUV4MPEG2 W6\n", "no width and height"),
        (b"YUV4MPEG2 W-6 H4\n", "no width and height"),
        (b"YUV4MPEG2 W0 H4\n", "empty"),
        (b"YUV4MPEG2 W6 H4 C444\n", "C444"),
        (b"YUV4MPEG2 W6 H4 C420p\n", "C420p"),
        (b"YUV4MPEG2 W6 H4 C420p99\n", "C420p99"),
        (b"YUV4MPEG2 W6 H4 F30\n", "F30"),
        (b"YUV4MPEG2 W6 H4 F1:-1\n", "F1:-1"),
        (b"YUV4MPEG2 W6 H4 A16\n", "sample aspect ratio A16 is not of the form A30:1"),
        (b"YUV4MPEG2 W6 H4 A65537:2\n", "above 65535"),
        (b"YUV4MPEG2 W6 H4" + b" X" * 4000 + b"\n", "no end"),
        (b"YUV4MPEG2 W6 H4 \xff\xfe", "no end"),
    ],
)
def test_bad_y4m_headers(header, words):
    with pytest.raises(InputError) as caught:
        y4m.read_header(io.BytesIO(header), "x.y4m")
    assert words in str(caught.value)


def test_huge_y4m_is_refused_before_memory_is_taken():
    with pytest.raises(LimitExceeded):
        y4m.read_header(io.BytesIO(b"YUV4MPEG2 W100000 H100000\n"), "x")
    with pytest.raises(LimitExceeded):
        y4m.read_header(io.BytesIO(b"YUV4MPEG2 W16000 H16000\n"), "x")


def test_frame_lines():
    assert y4m.read_frame_header(io.BytesIO(b"FRAME It\n"), "x", 0)
    with pytest.raises(InputError, match="picture 3"):
        y4m.read_frame_header(io.BytesIO(b"FRAMES\n"), "x", 3)
