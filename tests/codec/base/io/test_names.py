"""What names tell of raw pictures, and what they may contradict."""

from fractions import Fraction

import pytest

from codec.base.errors import InputError, UsageError
from codec.base.io import y4m
from codec.base.io.names import told_by_name
from codec.base.io.reader import open_source
from codec.base.io.yuv import Format


@pytest.mark.parametrize(
    ("name", "depths", "chroma"),
    [
        ("Campfire_3840x2160_60fps_10bit_420_bt709.yuv", (10,), 1),
        ("a_64x48_25_p10.yuv", (10,), None),
        ("a_64x48_10b.yuv", (10,), None),
        ("10-bit_64x48.yuv", (10,), None),
        ("a_64x48_12bits.yuv", (12,), None),
        ("a_64x48_yuv420p10le.yuv", (10,), 1),
        ("a_64x48_yuv420p.yuv", (), 1),
        ("a_64x48_420.yuv", (), 1),
        ("a_64x48_30_420_8.yuv", (), 1),
        ("a_64x48_25_8bit_400.yuv", (8,), 0),
        ("a_64x48_gray10le.yuv", (10,), 0),
        ("a_400_64x48_25.yuv", (), None),
        ("p60_64x48_24b_1bit.yuv", (), None),
        ("a_64x48_10bit_8bit.yuv", (8, 10), None),
        ("clip420_64x48_10bits10.yuv", (), None),
    ],
)
def test_depth_and_chroma(name, depths, chroma):
    told = told_by_name("/a_16bit_422/" + name)
    assert (told.bit_depths, told.chroma_format_idc, told.other_layout) == (depths, chroma, "")
    assert (told.width, told.height) in ((64, 48), (3840, 2160))


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("a_64x48_60fps_10bit.yuv", 60),
        ("a_64x48_10bit_60fps.yuv", 60),
        ("a_50Hz_64x48.yuv", 50),
        ("a_64x48_59.94fps.yuv", Fraction(5994, 100)),
        ("a_64x48_420_30fps.yuv", 30),
        ("a_64x48_420.yuv", None),
        ("a_64x48_24.yuv", 24),
        ("a_24_64x48.yuv", None),
    ],
)
def test_rate(name, rate):
    assert told_by_name(name).frame_rate == rate


@pytest.mark.parametrize(
    "word", ["422", "444", "yuv422p10le", "yuv444p", "i422", "yuv411p", "nv12", "P010", "uyvy422", "yv12", "420p10be"]
)
def test_other_layouts_are_refused(tmp_path, word):
    path = tmp_path / f"a_{word}_4x2_25.yuv"
    path.write_bytes(bytes(48))
    with pytest.raises(InputError, match=f'"{word}" in its name .* --InputChromaFormat=420'), open_source(str(path)):
        pass
    with open_source(str(path), bit_depth=8, chroma_format_idc=1) as source:
        assert source.frames == 4


def test_what_is_given_wins(tmp_path):
    path = tmp_path / "a_4x2_10bit_400.yuv"
    path.write_bytes(bytes(48))
    with open_source(str(path)) as source:
        assert source.format == Format(4, 2, 10, 0)
        assert source.frames == 3
    with open_source(str(path), bit_depth=8, chroma_format_idc=1) as source:
        assert source.format == Format(4, 2, 8, 1)
    two = tmp_path / "a_4x2_10bit_8bit.yuv"
    two.write_bytes(bytes(48))
    with pytest.raises(UsageError, match="8 and 10 bits: give --InputBitDepth"), open_source(str(two)):
        pass
    with open_source(str(two), bit_depth=10) as source:
        assert source.frames == 2


@pytest.mark.parametrize(
    ("name", "what", "given"),
    [
        ("a_4x2_10bit.y4m", "bit depth", {"bit_depth": 8}),
        ("a_400_4x2_400.y4m", "chroma format", {"chroma_format_idc": 1}),
        ("a_8x2_25.y4m", "size", {"width": 4, "height": 2}),
    ],
)
def test_a_header_that_its_name_contradicts(tmp_path, name, what, given):
    path = tmp_path / name
    path.write_bytes(y4m.header(Format(4, 2)) + b"FRAME\n" + bytes(12))
    words = f"header says 4x2 8-bit 4:2:0, its name another {what}"
    with pytest.raises(InputError, match=words), open_source(str(path)):
        pass
    with open_source(str(path), **given) as source:
        assert source.format == Format(4, 2, 8, 1, Fraction(25))
