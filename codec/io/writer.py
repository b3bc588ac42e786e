"""Output files that are whole or absent, and pictures written to them: raw, y4m, PNG."""

import os
import stat
import sys
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from codec.errors import InputError, Unsupported, UsageError
from codec.io import stills, y4m
from codec.io.yuv import Format, change_depth, pack


@contextmanager
def whole_file(name, keep_on=()):
    """Yield a binary file for `name` that appears under its name only when complete.

    It is written beside its target and renamed at the end. An exception removes it, except one of `keep_on` after which
    the part written so far is kept (the caller sees to it that this part is whole in itself, and not empty). "-" is
    standard output; pipes and devices are written directly.
    """
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(os.path.realpath(name))
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        with _open(target, name, "wb") as file:
            yield file
        return
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    keep = False
    file = _open(temporary, name, "xb")
    try:
        try:
            yield file
            keep = True
        except keep_on:
            keep = file.tell() > 0
            raise
        finally:
            file.close()
            if keep:
                os.replace(temporary, target)
    finally:
        if not keep:
            temporary.unlink(missing_ok=True)


def _open(path, name, mode):
    try:
        return open(path, mode)
    except OSError as error:
        raise InputError(f"cannot write {name}: {error.strerror}") from None


class PictureWriter:
    """Writes pictures to a binary file as raw yuv or y4m, at `bit_depth` (0: that of the first picture).

    frame_rate goes into a y4m header; the pictures of one y4m file must all have one size.
    """

    def __init__(self, file, is_y4m, bit_depth=0, frame_rate: Fraction | None = None):
        self._file, self._is_y4m, self._depths, self._rate = file, is_y4m, (bit_depth, bit_depth), frame_rate
        self._shapes = None
        self.count = 0

    def write(self, planes, bit_depths, frame_rate=None, interlacing="p"):
        """Append one picture; bit_depths: (luma, chroma) of its samples.

        frame_rate, interlacing  what the stream tells, for the header that stands before the first picture
        """
        if self._shapes is None:
            self._begin(planes, bit_depths, frame_rate, interlacing)
        elif self._is_y4m and self._shapes != [plane.shape for plane in planes]:
            raise Unsupported(f"picture {self.count} has another size, which one y4m file cannot hold: write a .yuv")
        converted = []
        for index, plane in enumerate(planes):
            chroma = 1 if index else 0
            converted.append(change_depth(plane, bit_depths[chroma], self._depths[chroma]))
        data = pack(converted, max(self._depths))
        self._file.write(y4m.FRAME_LINE + data if self._is_y4m else data)
        self.count += 1

    def _begin(self, planes, bit_depths, frame_rate, interlacing):
        if not self._depths[0]:
            self._depths = bit_depths if len(planes) > 1 else (bit_depths[0],) * 2
        self._shapes = [plane.shape for plane in planes]
        if self._is_y4m:
            self._depths = (max(self._depths),) * 2
            height, width = planes[0].shape
            rate = self._rate or frame_rate
            picture_format = Format(width, height, self._depths[0], int(len(planes) > 1), rate)
            self._file.write(y4m.header(picture_format, interlacing))


class StillWriter:
    """Writes pictures as PNG files: one, or numbered from 0 by a pattern such as x%03d.png."""

    def __init__(self, name):
        if not name.lower().endswith(stills.WRITTEN):
            raise UsageError(f"{name}: images are written as PNG: name a {stills.WRITTEN} file")
        self._name = name
        self.count = 0

    def write(self, rgb):
        """The next picture: uint8 (rows, columns, 3)."""
        name = stills.numbered_name(self._name, self.count)
        if self.count and name == self._name:
            raise UsageError(f"{name} holds one picture, and there are more: name a sequence such as x%03d.png")
        with whole_file(name) as file:
            file.write(stills.png_bytes(rgb))
        self.count += 1
