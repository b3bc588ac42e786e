"""Stills, one or a numbered sequence, read and (PNG) written through OpenCV (imported at first use)."""

import os
import re
from pathlib import Path

import numpy as np

from codec.base import limits
from codec.base.errors import InputError
from codec.base.io.colour import rgb_to_yuv420
from codec.base.io.yuv import check_size
from codec.base.picture import SourcePicture

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
WRITTEN = ".png"
_NUMBER = re.compile(r"%(0?\d{0,2})d")


def is_still(name):
    """True for the name of an image, or of a numbered sequence of images."""
    return name.lower().endswith(_SUFFIXES)


def list_files(name):
    """The files that `name` stands for, in order; a pattern such as x%03d.png starts at its lowest number."""
    path = Path(name)
    number = _NUMBER.search(path.name)
    if not number:
        return [path]
    found = _numbers(path, number)
    if not found:
        raise InputError(f"{name}: no file of that pattern exists")
    gap = next((n for n in range(found[0], found[-1]) if n not in set(found)), None)
    if gap is not None:
        raise InputError(f"{name}: picture {gap} is missing between {found[0]} and {found[-1]}")
    return [path.with_name(_numbered(path.name, number, n)) for n in found]


def _numbered(pattern, number, value):
    width = number[1]
    text = f"{value:{width}d}" if width else str(value)
    return pattern[: number.start()] + text + pattern[number.end() :]


def numbered_name(name, number):
    """The name of a file of a sequence: `name` itself where it is no pattern."""
    path = Path(name)
    found = _NUMBER.search(path.name)
    return str(path.with_name(_numbered(path.name, found, number))) if found else name


def _numbers(path, number):
    """The numbers, sorted, for which the pattern names a file that exists."""
    before, after = re.escape(path.name[: number.start()]), re.escape(path.name[number.end() :])
    names = re.compile(f"{before} *(\\d{{1,9}}){after}")
    try:
        entries = os.listdir(path.parent)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    matches = (names.fullmatch(entry) for entry in entries)
    return sorted(int(m[1]) for m in matches if m and _numbered(path.name, number, int(m[1])) == m[0])


def _load(path):
    """RGB array of one file, of several pages the first, uint8 or uint16; transparency is dropped, EXIF orientation
    applied."""
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(limits.MAX_PICTURE_SAMPLES))
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    import cv2

    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH) if data.size else None
    except cv2.error as error:
        if "pixels" in str(error):
            limits.check(f"{path}: luma samples of a picture", limits.MAX_PICTURE_SAMPLES + 1, "MAX_PICTURE_SAMPLES")
        image = None
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path}: not a PNG or JPEG, BMP, WebP or TIFF that can be read")
    return image[:, :, ::-1]


def read_rgb(path):
    """RGB of one image: (rows, columns, 3), uint8 or uint16. Raises InputError, LimitExceeded."""
    rgb = _load(path)
    check_size(rgb.shape[1], rgb.shape[0], str(path))
    return rgb


def read_still(path, bit_depth, matrix, expected=None):
    """SourcePicture of one still: int32 planes, 4:2:0; an odd side is extended by repeating its last row or column.

    expected: (width, height) after extension that every picture of a sequence must have.
    """
    rgb = read_rgb(path)
    rgb = np.pad(rgb, ((0, rgb.shape[0] % 2), (0, rgb.shape[1] % 2), (0, 0)), mode="edge")
    size = (rgb.shape[1], rgb.shape[0])
    if expected and size != expected:
        raise InputError(f"{path}: is {size[0]}x{size[1]}, the sequence began with {expected[0]}x{expected[1]}")
    return SourcePicture(rgb_to_yuv420(rgb, 8 * rgb.dtype.itemsize, bit_depth, matrix), rgb)


def png_bytes(rgb):
    """A PNG file of a uint8 array (rows, columns, 3)."""
    import cv2

    return cv2.imencode(WRITTEN, rgb[:, :, ::-1])[1].tobytes()
