"""Metrics against FFmpeg's psnr and ssim filters, against the PyPI package sewar, and against plain sums."""

import re
import subprocess

import numpy as np
import pytest

from cli.measure.quality import MS_SSIM_SIDE, ms_ssim, rgb_quality, sequence_quality, ssim
from cli.measure.rgb import yuv420_to_rgb
from codec.base.io.colour import rgb_to_yuv420
from codec.base.io.yuv import pack
from tests.conformance import foreign

needs_ffmpeg = foreign.needs(foreign.FFMPEG)
WIDTH, HEIGHT = 200, 184


def smooth(rng, shape, depth):
    """A plane with edges, slopes and grain."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    plane = 0.5 + 0.3 * np.sin(rows / 9 + columns / 13) + 0.15 * ((rows // 16 + columns // 24) % 2)
    return np.clip((plane + rng.normal(0, 0.02, shape)) * ((1 << depth) - 1), 0, (1 << depth) - 1).astype(np.int32)


def pictures(depth, count=3, width=WIDTH, height=HEIGHT):
    """Pairs of originals and pictures that differ by more and more noise and blur."""
    rng = np.random.default_rng(7)
    pairs = []
    for number in range(count):
        shapes = [(height, width), (height // 2, width // 2), (height // 2, width // 2)]
        original = [smooth(rng, shape, depth) for shape in shapes]
        decoded = []
        for plane in original:
            noise = rng.normal(0, (1 + 3 * number) << (depth - 8), plane.shape)
            mixed = (plane + np.roll(plane, 1, axis=1)) / 2 + noise
            decoded.append(np.clip(np.rint(mixed), 0, (1 << depth) - 1).astype(np.int32))
        pairs.append((original, decoded))
    return pairs


def ffmpeg_figures(tmp_path, pairs, depth, name):
    """({plane: [figure a picture]}, last line) of FFmpeg's filter `name`."""
    files = []
    for side in (0, 1):
        files.append(tmp_path / f"{side}.yuv")
        files[-1].write_bytes(b"".join(pack(pair[side], depth) for pair in pairs))
    height, width = pairs[0][0][0].shape
    form = "yuv420p" if depth == 8 else f"yuv420p{depth}le"
    raw = ["-f", "rawvideo", "-pix_fmt", form, "-s", f"{width}x{height}", "-r", "25", "-i"]
    command = ["ffmpeg", "-v", "info", "-nostdin", "-cpuflags", "0", *raw, files[1], *raw, files[0]]
    command += ["-lavfi", f"{name}=stats.txt", "-f", "null", "-"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    rows = (tmp_path / "stats.txt").read_text().splitlines()
    key = {"psnr": "psnr_", "ssim": ""}[name]
    found = {p: [float(re.search(rf"\b{key}{q}:(\S+)", row)[1]) for row in rows] for p, q in planes(name)}
    last = next(line for line in reversed(done.stderr.splitlines()) if "Parsed_" in line)
    return found, last


def planes(name):
    return zip("yuv", "yuv" if name == "psnr" else "YUV", strict=True)


@needs_ffmpeg
@pytest.mark.parametrize("depth", [8, 10])
def test_psnr_equals_ffmpeg(tmp_path, depth):
    """Both averages. FFmpeg prints 2 decimals a picture, 6 at the end; its 10-bit peak is 1023, HM's and ours 1020."""
    pairs = pictures(depth)
    ours = sequence_quality(pairs, depth, ("psnr",))
    theirs, last = ffmpeg_figures(tmp_path, pairs, depth, "psnr")
    peaks = 20 * np.log10((255 << (depth - 8)) / ((1 << depth) - 1))
    for plane in "yuv":
        assert ours[f"psnr_{plane}"] == pytest.approx(np.mean(theirs[plane]) + peaks, abs=0.0051)
        whole = float(re.search(rf"\b{plane}:(\S+)", last)[1])
        assert ours[f"psnr_seq_{plane}"] == pytest.approx(whole + peaks, abs=2e-6)
        assert ours[f"psnr_seq_{plane}"] < ours[f"psnr_{plane}"]


@needs_ffmpeg
@pytest.mark.parametrize(("depth", "size"), [(8, (WIDTH, HEIGHT)), (8, (206, 190)), (10, (WIDTH, HEIGHT))])
def test_block_ssim_equals_ffmpeg(tmp_path, depth, size):
    """FFmpeg prints 6 decimals, adds up in single precision and rounds its constants to whole numbers: hence 5e-6.

    `-cpuflags 0`, because FFmpeg 5.1's SIMD differs from its own plain code by some 0.002 at certain widths (200, 104).
    """
    pairs = pictures(depth, 2, *size)
    theirs, _ = ffmpeg_figures(tmp_path, pairs, depth, "ssim")
    for number, (original, decoded) in enumerate(pairs):
        for index, plane in enumerate("yuv"):
            ours = ssim(original[index], decoded[index], depth, "block")
            assert ours == pytest.approx(theirs[plane][number], abs=5e-6)


def test_gaussian_ssim_and_ms_ssim_equal_sewar():
    """The same window. Between scales sewar's means of 2x2 begin one sample earlier than ours, hence 1e-3."""
    sewar = pytest.importorskip("sewar")
    from sewar import utils

    ((original, decoded),) = pictures(8, 1, 256, 224)
    a, b = original[0].astype(np.uint8), decoded[0].astype(np.uint8)
    window = {"fltr": utils.Filter.GAUSSIAN, "sigma": 1.5, "ws": 11}
    theirs, _ = sewar.ssim(a, b, ws=11, MAX=255, fltr_specs=window)
    assert ssim(a, b, 8) == pytest.approx(float(theirs), abs=1e-6)
    assert ms_ssim(a, b, 8) == pytest.approx(float(np.real(sewar.msssim(a, b, MAX=255))), abs=1e-3)


def test_ms_ssim_equals_pytorch_msssim():
    """The same means of 2x2; it works in single precision."""
    package = pytest.importorskip("pytorch_msssim")
    import torch

    for original, decoded in pictures(8, 3, 352, 288):
        a, b = (torch.from_numpy(side[0].astype(np.float32))[None, None] for side in (original, decoded))
        for ours, theirs in ((ms_ssim, package.ms_ssim), (ssim, package.ssim)):
            expected = float(theirs(a, b, data_range=255))
            assert ours(original[0], decoded[0], 8) == pytest.approx(expected, abs=2e-5)


def plain_ssim(a, b, peak):
    """Wang et al. 2004, equation 13, window by window."""
    offsets = np.arange(-5, 6)
    weights = np.exp(-(offsets[:, None] ** 2 + offsets**2) / 4.5)
    weights /= weights.sum()
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    values = []
    for y in range(5, a.shape[0] - 5):
        for x in range(5, a.shape[1] - 5):
            p, q = (side[y - 5 : y + 6, x - 5 : x + 6].astype(float) for side in (a, b))
            mp, mq = (weights * p).sum(), (weights * q).sum()
            vp, vq = (weights * (p - mp) ** 2).sum(), (weights * (q - mq) ** 2).sum()
            cov = (weights * (p - mp) * (q - mq)).sum()
            values.append((2 * mp * mq + c1) * (2 * cov + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    return np.mean(values)


@pytest.mark.parametrize("depth", [8, 10])
def test_ssim_equals_its_formula(depth):
    ((original, decoded),) = pictures(depth, 1, 32, 28)
    assert ssim(original[0], decoded[0], depth) == pytest.approx(plain_ssim(original[0], decoded[0], (1 << depth) - 1))


def test_equal_and_small_pictures():
    ((original, _),) = pictures(8, 1)
    values = sequence_quality([(original, original)] * 2, 8)
    assert values["frames"] == 2
    assert values["psnr_y"] == values["psnr_seq_v"] == 999.99
    assert values["ssim_u"] == pytest.approx(1)
    assert values["ms_ssim_y"] == pytest.approx(1)
    assert "ms_ssim_u" not in values
    assert ms_ssim(*[np.zeros((MS_SSIM_SIDE - 1, 300), np.int32)] * 2, 8) is None
    assert ssim(*[np.zeros((10, 300), np.int32)] * 2, 8) is None
    assert ms_ssim(original[0], 255 - original[0], 8) == 0


def test_still_in_rgb():
    rows, columns = np.mgrid[:192, :208]
    channels = [np.sin(rows / 40) + 1, np.cos(columns / 50) + 1, np.sin((rows + columns) / 60) + 1]
    rgb = (np.stack(channels, axis=-1) * 110 + 10).astype(np.uint8)
    for matrix in ("bt709", "bt601"):
        for depth in (8, 10):
            back = yuv420_to_rgb(rgb_to_yuv420(rgb, 8, depth, matrix), depth, matrix)
            values = rgb_quality(rgb, back)
            assert values["psnr_rgb"] > 45
            assert values["ssim_rgb"] > 0.98
            assert values["ms_ssim_rgb"] > 0.99
    assert rgb_quality(rgb, rgb) == {"psnr_rgb": 999.99, "ssim_rgb": pytest.approx(1), "ms_ssim_rgb": pytest.approx(1)}


def test_mono_becomes_grey():
    assert (yuv420_to_rgb([np.array([[16, 126, 235]])], 8)[0] == [[0] * 3, [128] * 3, [255] * 3]).all()
