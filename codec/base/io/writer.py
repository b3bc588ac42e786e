"""Output files that are whole or absent, and pictures written to them: raw, y4m, PNG."""

import errno
import io
import os
import re
import stat
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

from codec.base.errors import InputError, Unsupported, UsageError
from codec.base.io import files, stills, y4m
from codec.base.io.yuv import Format, change_depth, pack


def announce_outputs(*names):
    """Say what this run will write, before any work is done; "" for what is not wanted.

    UsageError for an output that is an input, now or when that is opened, or another output; InputError for one that
    cannot be written. Pictures of a numbered sequence that exist are outputs, too.
    """
    names = [name for name in names if name]
    for name in names:
        _check_place(name)
        files.know_output(name)
        for member in _members(name):
            files.know_output(member)
    for name in names:
        for other in names:
            if other != name and _is_member(name, other):
                raise UsageError(f"two outputs have the same name: {other} is one of {name}")


def _is_sequence(name):
    return stills.is_still(name) and stills.numbered_name(name, 0) != name


def _candidates(name, entry):
    """The names of the pictures of a sequence that have one of the numbers of a file name."""
    return [stills.numbered_name(name, int(digits)) for digits in re.findall(r"\d{1,9}", entry)]


def _is_member(name, other):
    """Whether the file `other` is a picture of the sequence `name`."""
    return _is_sequence(name) and any(files.same_place(each, other) for each in _candidates(name, Path(other).name))


def _members(name):
    """The pictures of a sequence that exist."""
    if not _is_sequence(name):
        return []
    entries = os.listdir(Path(name).parent)
    return [each for entry in entries for each in _candidates(name, entry) if Path(each).name == entry]


def _check_place(name):
    """InputError for a name under which nothing can be written."""
    if name == "-":
        files.standard_output()
        return
    with _told(name):
        if not _is_special(name):
            # not everything that forbids a file is told in other ways: quotas, read-only disks, the length of a name
            temporary = _temporary(name)
            _create(temporary, name).close()
            temporary.unlink()
        elif os.path.isdir(name) or not os.path.basename(name):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        elif not os.access(name, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _is_special(name):
    """True for what is not replaced by a whole file: pipes, devices, and folders, which cannot be written."""
    with suppress(FileNotFoundError):
        return not stat.S_ISREG(os.stat(name).st_mode)
    return not os.path.basename(name)


def _temporary(name):
    target = Path(os.path.realpath(name))
    return target.with_name(f".{target.name}.{os.getpid()}.part")


@contextmanager
def _told(name):
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write {name}: {error.strerror}") from None


class _NamedFile(io.FileIO):
    """Its errors carry the name by which people know it: a full disk may show in any write, or at the end."""

    def __init__(self, path, mode, name):
        super().__init__(path, mode)
        self._told_name = name

    def write(self, data):
        """As FileIO's."""
        with self._named():
            return super().write(data)

    def close(self):
        """As FileIO's."""
        with self._named():
            super().close()

    @contextmanager
    def _named(self):
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._told_name) from None


def open_output(path, mode="w", name=None):
    """A binary file to write, of which every OSError tells `name`, the path itself if None; mode: "w" or "x"."""
    return io.BufferedWriter(_NamedFile(path, mode, str(path) if name is None else name))


def _create(temporary, name):
    try:
        return open_output(temporary, "x", name)
    except FileExistsError:
        # left by a process that was killed and had our number
        temporary.unlink()
        return open_output(temporary, "x", name)


@contextmanager
def whole_file(name, keep_on=(), own=False):
    """Yield a binary file for `name` that appears under its name only when complete.

    keep_on  exceptions after which the part written so far is kept (the caller sees to it that this part is whole in
             itself, and not empty); any other removes it
    own      the file is the program's: it may have been read before, as a checkpoint is

    It is written beside its target and renamed at the end. "-" is standard output; pipes and devices are written
    directly. UsageError for an input of this run.
    """
    if name == "-":
        file = files.standard_output()
        yield file
        file.flush()
        return
    if not own:
        files.check_output(name)
    with _told(name):
        direct = open_output(name, name=name) if _is_special(name) else None
    if direct:
        with direct:
            yield direct
        return
    temporary, file = _temporary(name), None
    try:
        with _told(name):
            file = _create(temporary, name)
        try:
            yield file
        except keep_on:
            if file.tell():
                _finish(file, temporary, name)
            raise
        _finish(file, temporary, name)
    finally:
        with suppress(OSError):
            if file:
                file.close()
        with suppress(OSError):
            temporary.unlink()


def _finish(file, temporary, name):
    file.close()
    with _told(name):
        os.replace(temporary, os.path.realpath(name))


def write_text(name, text, own=False):
    """A whole_file of UTF-8; bytes of file names that are none (surrogates) are written as escapes."""
    with whole_file(name, own=own) as file:
        file.write(encoded(text))


def encoded(text):
    """UTF-8 of a text in which file names may stand: what cannot be encoded is escaped."""
    return text.encode("utf-8", "backslashreplace")


class PictureWriter:
    """Writes pictures to a binary file as raw yuv or y4m, at `bit_depth` (0: that of the first picture).

    frame_rate and sample_aspect go into a y4m header, before what the first picture tells; the pictures of one y4m file
    must all have one size.
    """

    def __init__(self, file, is_y4m, bit_depth=0, frame_rate: Fraction | None = None, sample_aspect=None):
        self._file, self._is_y4m, self._depths = file, is_y4m, (bit_depth, bit_depth)
        self._rate, self._aspect = frame_rate, sample_aspect
        self._shapes = None
        self.count = 0

    def write(self, planes, bit_depths, frame_rate=None, sample_aspect=None, full_range=False, interlaced=""):
        """Append one picture; bit_depths (luma, chroma) of its samples; the others as in Format, of the stream."""
        if self._shapes is None:
            told = self._rate or frame_rate, self._aspect or sample_aspect, full_range, interlaced
            self._begin(planes, bit_depths, *told)
        elif self._is_y4m and self._shapes != [plane.shape for plane in planes]:
            raise Unsupported(f"picture {self.count} has another size, which one y4m file cannot hold: write a .yuv")
        converted = []
        for index, plane in enumerate(planes):
            chroma = 1 if index else 0
            converted.append(change_depth(plane, bit_depths[chroma], self._depths[chroma]))
        data = pack(converted, max(self._depths))
        self._file.write(y4m.FRAME_LINE + data if self._is_y4m else data)
        self.count += 1

    def _begin(self, planes, bit_depths, *told):
        if not self._depths[0]:
            self._depths = bit_depths if len(planes) > 1 else (bit_depths[0],) * 2
        self._shapes = [plane.shape for plane in planes]
        if self._is_y4m:
            self._depths = (max(self._depths),) * 2
            height, width = planes[0].shape
            found = Format(width, height, self._depths[0], int(len(planes) > 1), *told)
            self._file.write(y4m.header(found))


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
