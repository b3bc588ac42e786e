"""Pictures of any kind of training material: what pyenc reads, other stills, and video files by way of FFmpeg."""

import itertools
import re
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

from codec.errors import InputError
from codec.io.files import know_input
from codec.io.reader import open_source, read_pictures
from codec.io.stills import read_still
from codec.io.yuv import Format, check_size, unpack
from codec.picture import SourcePicture

_STILLS = (".webp", ".bmp", ".tif", ".tiff")
_VIDEOS = (".mkv", ".mp4", ".mov", ".avi", ".webm")
_SIZE = re.compile(r"Video: .*?, (\d{2,5})x(\d{2,5})[ ,]")


def pictures_of(path, first, step, count):
    """Up to `count` pictures first, first + step, ... of a file: lists of int16 planes [Y, Cb, Cr] of 8 bits, 4:2:0.

    Stills are SourcePictures, converted by BT.709.

    Raises InputError when there is none.
    """
    know_input(path)
    suffix = Path(path).suffix.lower()
    if suffix in _STILLS:
        pictures = _still(path)
    elif suffix in _VIDEOS:
        pictures = _video(path)
    else:
        pictures = _readable(path)
    with closing(pictures):
        found = list(itertools.islice(pictures, first, first + step * count, step))
    if not found:
        raise InputError(f"{path}: has no picture {first}")
    return found


def _still(path):
    picture = read_still(path, 8, "bt709")
    yield SourcePicture([plane.astype("int16") for plane in picture], picture.rgb)


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
