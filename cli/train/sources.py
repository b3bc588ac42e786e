"""Pictures of any kind of training material: what pyenc reads, and video files by way of FFmpeg."""

import itertools
import re
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

from codec.base.errors import InputError
from codec.base.io.colour import rgb_to_yuv420
from codec.base.io.files import know_input
from codec.base.io.reader import open_source, read_pictures
from codec.base.io.yuv import Format, check_size, unpack
from codec.base.picture import SourcePicture

_VIDEOS = (".mkv", ".mp4", ".mov", ".avi", ".webm")
_SIZE = re.compile(r"Video: .*?, (\d{2,5})x(\d{2,5})[ ,]")


def pictures_of(path, first, step, count, scale=1):
    """Up to `count` pictures first, first + step, ... of a file: lists of int16 planes [Y, Cb, Cr] of 8 bits, 4:2:0.

    Stills are SourcePictures, converted by BT.709. scale: what sides are divided by, 1 or more; a sample is the mean of
    the area that it covers.

    Raises InputError when there is none.
    """
    know_input(path)
    suffix = Path(path).suffix.lower()
    pictures = _video(path) if suffix in _VIDEOS else _readable(path)
    with closing(pictures):
        found = list(itertools.islice(pictures, first, first + step * count, step))
    if not found:
        raise InputError(f"{path}: has no picture {first}")
    return found if scale == 1 else [_smaller(picture, scale) for picture in found]


def _smaller(picture, scale):
    """The picture with its sides divided by scale, down to even numbers."""
    import cv2

    height, width = (int(side / scale) // 2 * 2 for side in picture[0].shape)

    def resized(plane, step):
        return cv2.resize(plane, (width // step, height // step), interpolation=cv2.INTER_AREA)

    if isinstance(picture, SourcePicture):
        # in RGB, so that chroma stays where it is beside luma
        rgb = resized(picture.rgb, 1)
        planes = rgb_to_yuv420(rgb, 8 * rgb.dtype.itemsize, 8, "bt709")
        return SourcePicture([plane.astype("int16") for plane in planes], rgb)
    return [resized(plane, step) for plane, step in zip(picture, (1, 2, 2), strict=True)]


def _readable(path):
    with open_source(path) as source:
        yield from read_pictures(source, 0, source.frames, 8, 1)


def _video(path):
    """Decoded by FFmpeg to 8-bit 4:2:0; lossless files stay what they are."""
    program = shutil.which("ffmpeg")
    if not program:
        raise InputError(f"{path}: reading video files needs FFmpeg, which is not installed (yuv and y4m do not)")
    about = subprocess.run([program, "-hide_banner", "-i", path], capture_output=True, text=True, errors="replace")
    size = _SIZE.search(about.stderr)
    if not size:
        raise InputError(f"{path}: FFmpeg finds no video in it")
    found = Format(int(size[1]) // 2 * 2, int(size[2]) // 2 * 2, 8, 1)
    check_size(found.width, found.height, path)
    command = [program, "-v", "error", "-nostdin", "-i", path, "-vf", f"crop={found.width}:{found.height}:0:0"]
    command += ["-vsync", "0", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            while len(data := process.stdout.read(found.frame_bytes)) == found.frame_bytes:
                yield [plane.astype("int16") for plane in unpack(data, found, path)]
        finally:
            process.kill()
