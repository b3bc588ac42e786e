"""Colour conversion against its formula, and stills and sequences through OpenCV."""

from pathlib import Path

import numpy as np
import pytest

from codec.base.errors import InputError, LimitExceeded, UsageError
from codec.base.io import stills
from codec.base.io.colour import rgb_to_yuv420
from codec.base.io.reader import open_source, plan, read_pictures

cv2 = pytest.importorskip("cv2")

COEFFICIENTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}


def slow_rgb_to_yuv420(rgb, source_depth, bit_depth, matrix):
    kr, kb = COEFFICIENTS[matrix]
    rows, columns = rgb.shape[:2]
    luma, cb, cr = (np.zeros((rows, columns)) for _ in range(3))
    for y in range(rows):
        for x in range(columns):
            r, g, b = (float(v) / ((1 << source_depth) - 1) for v in rgb[y, x])
            luma[y, x] = kr * r + (1 - kr - kb) * g + kb * b
            cb[y, x] = (b - luma[y, x]) / (2 - 2 * kb)
            cr[y, x] = (r - luma[y, x]) / (2 - 2 * kr)
    scale = 1 << (bit_depth - 8)
    out = [np.floor((16 + 219 * luma) * scale + 0.5)]
    for plane in (cb, cr):
        half = np.zeros((rows // 2, columns // 2))
        for y in range(rows // 2):
            for x in range(columns // 2):
                left, right = max(2 * x - 1, 0), min(2 * x + 1, columns - 1)
                lines = [plane[2 * y + i] for i in (0, 1)]
                half[y, x] = sum(row[left] + 2 * row[2 * x] + row[right] for row in lines) / 8
        out.append(np.floor((128 + 224 * half) * scale + 0.5))
    return out


@pytest.mark.parametrize("matrix", ["bt601", "bt709"])
@pytest.mark.parametrize(("source_depth", "bit_depth"), [(8, 8), (8, 10), (16, 8)])
def test_conversion_follows_the_formula(matrix, source_depth, bit_depth):
    rng = np.random.default_rng(3)
    rgb = rng.integers(0, 1 << source_depth, (6, 8, 3))
    planes = rgb_to_yuv420(rgb, source_depth, bit_depth, matrix)
    for plane, expected in zip(planes, slow_rgb_to_yuv420(rgb, source_depth, bit_depth, matrix), strict=True):
        assert np.abs(plane - expected).max() <= 0


@pytest.mark.parametrize(
    ("colour", "matrix", "expected"),
    [
        ((255, 255, 255), "bt709", (235, 128, 128)),
        ((0, 0, 0), "bt709", (16, 128, 128)),
        ((255, 0, 0), "bt601", (81, 90, 240)),
        ((0, 0, 255), "bt601", (41, 240, 110)),
        ((255, 0, 0), "bt709", (63, 102, 240)),
        ((0, 255, 0), "bt709", (173, 42, 26)),
    ],
)
def test_known_colours(colour, matrix, expected):
    planes = rgb_to_yuv420(np.full((2, 2, 3), colour), 8, 8, matrix)
    assert tuple(int(plane[0, 0]) for plane in planes) == expected


def write_image(path, rows=6, columns=8, seed=0, dtype=np.uint8):
    rgb = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, (rows, columns, 3)).astype(dtype)
    assert cv2.imwrite(str(path), rgb[:, :, ::-1])
    return rgb


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_is_read_as_rgb(tmp_path, dtype):
    rgb = write_image(tmp_path / "a.png", dtype=dtype)
    planes = stills.read_still(tmp_path / "a.png", 10, "bt709")
    expected = rgb_to_yuv420(rgb, 8 * rgb.dtype.itemsize, 10, "bt709")
    assert all((a == b).all() for a, b in zip(planes, expected, strict=True))


def test_grey_transparent_and_jpeg(tmp_path):
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    cv2.imwrite(str(tmp_path / "alpha.png"), np.dstack([grey] * 4))
    cv2.imwrite(str(tmp_path / "photo.jpg"), np.full((6, 8, 3), 200, np.uint8))
    for name in ("grey.png", "alpha.png"):
        luma, cb, cr = stills.read_still(tmp_path / name, 8, "bt709")
        assert (luma == np.floor(16 + 219 * grey.astype(int) / 255 + 0.5)).all()
        assert (cb == 128).all()
        assert (cr == 128).all()
    assert abs(int(stills.read_still(tmp_path / "photo.jpg", 8, "bt709")[0][0, 0]) - 188) <= 1


def test_odd_sides_are_extended(tmp_path):
    rgb = write_image(tmp_path / "a.png", 5, 7)
    planes = stills.read_still(tmp_path / "a.png", 8, "bt601")
    extended = np.pad(rgb, ((0, 1), (0, 1), (0, 0)), mode="edge")
    assert planes[0].shape == (6, 8)
    assert (planes[1] == rgb_to_yuv420(extended, 8, 8, "bt601")[1]).all()


def test_sequence_in_numerical_order(tmp_path):
    pictures = {n: write_image(tmp_path / f"s{n:03d}.png", seed=n) for n in (98, 99, 100, 101)}
    write_image(tmp_path / "s5.png")
    write_image(tmp_path / "s0099.png")
    with open_source(str(tmp_path / "s%03d.png")) as source:
        assert source.frames == 4
        read = list(read_pictures(source, 1, plan(source, 1, 2), 8, 1))
    expected = [rgb_to_yuv420(pictures[n], 8, 8, "bt709")[0] for n in (99, 100)]
    assert len(read) == 2
    assert all((a[0] == b).all() for a, b in zip(read, expected, strict=True))


def test_sequence_with_a_gap_or_another_size(tmp_path):
    for number in (1, 2, 4):
        write_image(tmp_path / f"s{number}.png")
    with pytest.raises(InputError, match="picture 3 is missing"):
        stills.list_files(str(tmp_path / "s%d.png"))
    write_image(tmp_path / "s3.png", 6, 10)
    with open_source(str(tmp_path / "s%d.png")) as source:
        pictures = read_pictures(source, 0, plan(source, 0, 0), 8, 1)
        with pytest.raises(InputError, match=r"s3\.png: is 10x6, the sequence began with 8x6"):
            list(pictures)


def test_bad_stills(tmp_path, monkeypatch):
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "noise.jpg").write_bytes(bytes(range(256)))
    for name in ("empty.png", "noise.jpg"):
        with pytest.raises(InputError, match="not a PNG or JPEG"):
            stills.read_still(tmp_path / name, 8, "bt709")
    with pytest.raises(InputError, match="no file of that pattern"):
        stills.list_files(str(tmp_path / "x%02d.png"))
    with pytest.raises(InputError, match="No such file"):
        stills.list_files(str(tmp_path / "nowhere" / "x%02d.png"))
    write_image(tmp_path / "a.png")
    monkeypatch.setattr("codec.base.limits.MAX_PICTURE_SAMPLES", 40)
    with pytest.raises(LimitExceeded):
        stills.read_still(tmp_path / "a.png", 8, "bt709")


def test_options_must_agree_with_a_still(tmp_path):
    write_image(tmp_path / "a.png")
    with pytest.raises(UsageError, match="the file says width 8"), open_source(str(tmp_path / "a.png"), 6, 6):
        pass


@pytest.mark.parametrize("suffix", [".bmp", ".webp", ".tif", ".TIFF"])
def test_other_images_are_read_as_png_is(tmp_path, suffix):
    rgb = np.random.default_rng(5).integers(0, 256, (5, 8, 3)).astype(np.uint8)
    lossless = [cv2.IMWRITE_WEBP_QUALITY, 101] if suffix == ".webp" else []
    for name in ("a.png", f"a{suffix}", f"s1{suffix}", f"s2{suffix}"):
        data = cv2.imencode(Path(name).suffix.lower(), rgb[:, :, ::-1], lossless if name != "a.png" else [])[1]
        (tmp_path / name).write_bytes(data.tobytes())
    pictures = {}
    for name in ("a.png", f"a{suffix}", f"s%d{suffix}"):
        with open_source(str(tmp_path / name)) as source:
            assert source.kind == "stills"
            pictures[name] = list(read_pictures(source, 0, plan(source, 0, 0), 8, 1))
    assert len(pictures[f"s%d{suffix}"]) == 2
    for picture in [*pictures[f"a{suffix}"], *pictures[f"s%d{suffix}"]]:
        assert all((a == b).all() for a, b in zip(picture, pictures["a.png"][0], strict=True))
        assert (picture.rgb[:5] == rgb).all()


def test_no_option_makes_a_still_grey(tmp_path):
    write_image(tmp_path / "a.png")
    with pytest.raises(UsageError, match="chroma format"), open_source(str(tmp_path / "a.png"), chroma_format_idc=0):
        pass
