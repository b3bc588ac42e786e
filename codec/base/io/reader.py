"""Source pictures from any kind of file, one at a time."""

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from codec.base.errors import InputError, UsageError
from codec.base.io import files, stills, y4m
from codec.base.io.names import Told, told_by_name
from codec.base.io.yuv import Format, change_depth, check_size, read_exactly, unpack
from codec.base.picture import SourcePicture, chroma_shape, pad_plane

_STANDARD_INPUT = "standard input"


@dataclass(frozen=True)
class Source:
    """An opened source; kind: "yuv", "y4m" or "stills".

    frames: whole pictures in it, None when that cannot be known; left_over: bytes after the last of them
    told: what the name of a raw or y4m file says
    """

    name: str
    kind: str
    format: Format
    frames: int | None
    left_over: int = 0
    file: Any = None
    matrix: str = ""
    told: Told = Told("")


def format_from_name(name):
    """(width, height, rate) that a name such as clip_416x240_30.yuv tells; None for each that it does not."""
    told = told_by_name(name)
    return told.width, told.height, told.frame_rate


@contextmanager
def open_source(name, width=None, height=None, bit_depth=None, chroma_format_idc=None, matrix="bt709"):
    """Open `name` ("-": standard input) and yield its Source.

    What is given must agree with what a y4m header states, and is needed for raw files whose name does not tell. A name
    that a y4m header contradicts is an error where nothing is given that settles it.
    """
    stated = (width, height, bit_depth, chroma_format_idc)
    if name != "-" and stills.is_still(name):
        yield _open_stills(name, stated, matrix)
    elif name == "-":
        yield _open_stream(files.standard_input(), _STANDARD_INPUT, stated)
    else:
        with _open_file(name) as file:
            yield _open_stream(file, name, stated)


def _open_file(name):
    try:
        if os.path.isdir(name):
            raise InputError(f"{name}: is a directory")
        return files.open_input(name)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from None


def _open_stills(name, stated, matrix):
    names = stills.list_files(name)
    for each in names:
        files.know_input(each)
    first = stills.read_still(names[0], 8, matrix)
    found = Format(first[0].shape[1], first[0].shape[0], stated[2] or 8, 1)
    _agree(name, found, (*stated[:2], None, stated[3]))
    return Source(name, "stills", found, len(names), 0, names, matrix)


def _open_stream(file, name, stated):
    if file.peek(len(y4m.MAGIC))[: len(y4m.MAGIC)] == y4m.MAGIC:
        found = y4m.read_header(file, name)
        _agree(name, found, stated)
        told = told_by_name(name) if name != _STANDARD_INPUT else Told(name)
        _agree_with_name(told, found, stated)
        return Source(name, "y4m", found, *_count_y4m(file, name, found), file, told=told)
    if name.lower().endswith(".y4m"):
        raise InputError(f"{name}: no YUV4MPEG2 header")
    return _open_raw(file, name, stated)


def _agree(name, found, stated):
    values = (found.width, found.height, found.bit_depth, found.chroma_format_idc)
    for what, told, value in zip(("width", "height", "bit depth", "chroma format"), stated, values, strict=True):
        if told is not None and told != value:
            raise UsageError(f"{name}: the file says {what} {value}, the options say {told}: leave the option out")


def _agree_with_name(told, found, stated):
    """InputError for a y4m file whose header denies what its name says, and of which the person says nothing."""
    width, _, bit_depth, chroma = stated
    size = (found.width, found.height)
    contradicts = [
        ("size", width is None and told.width is not None and size != (told.width, told.height)),
        ("bit depth", bit_depth is None and bool(told.bit_depths) and found.bit_depth not in told.bit_depths),
        ("chroma format", chroma is None and told.chroma_format_idc not in (None, found.chroma_format_idc)),
    ]
    for what, wrong in contradicts:
        if wrong:
            raise InputError(
                f"{told.name}: its header says {found}, its name another {what}: rename it, or tell the {what}"
            )


def _open_raw(file, name, stated):
    width, height, bit_depth, chroma = stated
    if (width is None) != (height is None):
        raise UsageError("give both -wdt and -hgt, or neither")
    told = told_by_name(name) if name != _STANDARD_INPUT else Told(name)
    if width is None:
        width, height = told.width, told.height
    if width is None:
        raise UsageError(f"{name}: the picture size is not known: give -wdt and -hgt")
    check_size(width, height, name)
    if chroma is None:
        told.check_layout()
        chroma = told.chroma_format_idc
    chroma = 1 if chroma is None else chroma
    if chroma and (width % 2 or height % 2):
        raise InputError(f"{name}: {width}x{height} is not even, which raw 4:2:0 needs: make a .y4m of it")
    found = Format(width, height, bit_depth or told.bit_depth or 8, chroma, told.frame_rate)
    return Source(name, "yuv", found, *_count_raw(file, found), file, told=told)


def _regular_size(file):
    """Size of a regular file, None for a pipe or device."""
    try:
        status = os.fstat(file.fileno())
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _count_raw(file, found):
    """(whole pictures, bytes left over) of a raw file."""
    size = _regular_size(file)
    return (None, 0) if size is None else divmod(size, found.frame_bytes)


def _count_y4m(file, name, found):
    """(whole pictures, bytes left over) of a y4m file, by walking its FRAME lines; the file stands where it stood."""
    size = _regular_size(file)
    if size is None:
        return None, 0
    start = whole = file.tell()
    count = 0
    while y4m.read_frame_header(file, name, count) and file.tell() + found.frame_bytes <= size:
        whole = file.seek(found.frame_bytes, os.SEEK_CUR)
        count += 1
    file.seek(start)
    return count, size - whole


def plan(source, skip, wanted):
    """How many pictures will be read: `wanted`, or with 0 all after `skip`; None when the source's end is not known.

    InputError, before any work, for an empty source, one shorter than asked, and one that ends in part of a picture
    unless no more than its whole pictures were asked for.
    """
    if source.frames is None:
        return wanted or None
    name, have = source.name, source.frames
    holds = f"{name} holds {have} whole picture{'' if have == 1 else 's'} of {source.format}"
    if have == 0:
        raise InputError(f"{name}: not even one whole picture of {source.format}")
    if skip >= have:
        raise InputError(f"{holds}; FrameSkip={skip} leaves none")
    if wanted:
        if skip + wanted > have:
            raise InputError(f"{holds}; {skip + wanted} were asked for: use -f {have - skip}")
        return wanted
    if source.left_over:
        raise InputError(
            f"{holds} and {source.left_over} bytes more: check size, bit depth and format, "
            f"or use -f {have - skip} to leave them out"
        )
    return have - skip


def _next_picture(source, number, keep):
    """Planes of picture `number`, [] when it is skipped, None at the end of the source."""
    if source.kind == "stills":
        if number >= len(source.file):
            return None
        size = (source.format.width, source.format.height)
        return stills.read_still(source.file[number], source.format.bit_depth, source.matrix, size) if keep else []
    if source.kind == "y4m" and not y4m.read_frame_header(source.file, source.name, number):
        return None
    if not keep and source.frames is not None and number < source.frames:
        source.file.seek(source.format.frame_bytes, os.SEEK_CUR)
        return []
    data = read_exactly(source.file, source.format.frame_bytes)
    if not data and source.kind == "yuv":
        return None
    if len(data) < source.format.frame_bytes:
        raise InputError(
            f"{source.name}: ends inside picture {number}, after {len(data)} of {source.format.frame_bytes} bytes"
        )
    return unpack(data, source.format, f"{source.name}, picture {number}") if keep else []


def read_pictures(source, skip, wanted, internal_depth, chroma_format_idc):
    """Yield int16 planes at `internal_depth`, `wanted` pictures (None: all) after the first `skip`.

    4:0:0 pictures coded as 4:2:0 get grey chroma; 4:2:0 coded as 4:0:0 lose theirs. Coded as 4:2:0, an odd side is
    extended by repeating its last row or column (Format.coded_size).
    """
    number = 0
    while wanted is None or number < skip + wanted:
        planes = _next_picture(source, number, number >= skip)
        if planes is None:
            break
        number += 1
        if planes:
            yield _to_internal(planes, source.format, internal_depth, chroma_format_idc)
    read = max(0, number - skip)
    if not read or (wanted is not None and read < wanted):
        raise InputError(f"{source.name}: ended after {number} whole pictures; {skip + (wanted or 1)} were asked for")


def _to_internal(source, picture_format, depth, chroma_format_idc):
    """[Y, Cb, Cr] or [Y]; of a still a SourcePicture, which remembers its RGB."""
    planes = [change_depth(plane, picture_format.bit_depth, depth) for plane in source]
    planes = [np.ascontiguousarray(plane, dtype=np.int16) for plane in planes]
    if not chroma_format_idc:
        return planes[:1]
    size = picture_format.coded_size(1)
    if size != (picture_format.width, picture_format.height):
        planes[0] = pad_plane(planes[0], *size)
    if len(planes) == 1:
        shape = chroma_shape(planes[0].shape, 1)
        planes += [np.full(shape, 1 << (depth - 1), np.int16) for _ in range(2)]
    return SourcePicture(planes, source.rgb) if isinstance(source, SourcePicture) else planes
