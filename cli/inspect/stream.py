"""Opening a bitstream, decoding what is wanted of it, and the sizes of its NAL units."""

import os
import shlex
import shutil
import tempfile
from contextlib import contextmanager, suppress

from codec.base.errors import CodecError, InputError
from codec.base.io import files


class _Stream:
    """A binary file object that cannot be rewound, with the head that was read of it put back."""

    def __init__(self, head, rest):
        self._head, self._rest = head, rest

    def read(self, size):
        """At most `size` bytes."""
        if not self._head:
            return self._rest.read(size)
        given, self._head = self._head[:size], self._head[size:]
        return given

    def peek(self, size):
        """What comes next, at least `size` bytes where there are as many in the head; it stays."""
        return self._head[:size]

    def seekable(self):
        """No."""
        return False


@contextmanager
def open_bitstream(name):
    """A binary file object to read from; "-" is standard input. Raises InputError, also for files of other kinds."""
    if name == "-":
        yield _checked(name, files.standard_input())
        return
    try:
        file = files.open_input(name)  # closed below; an error of the body must not be taken for one of opening
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from None
    with file:
        yield _checked(name, file)


def _checked(name, file):
    """The file at its beginning, once its first bytes are looked at; raises InputError where they are no stream's."""
    from codec.base.io.containers import HEAD_BYTES, foreign_file

    try:
        head = file.read(HEAD_BYTES)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from None
    if what := foreign_file(head, shlex.quote(name)):
        raise InputError(f"{name}: {what}")
    if not file.seekable():
        return _Stream(head, file)
    file.seek(-len(head), os.SEEK_CUR)
    return file


@contextmanager
def open_twice(name):
    """As open_bitstream, a file that can be read again from the start: standard input is copied to a temporary one."""
    with open_bitstream(name) as file:
        if file.seekable():
            yield file
            return
        with tempfile.TemporaryFile() as copy:
            try:
                shutil.copyfileobj(file, copy)
                copy.seek(0)
            except OSError as error:
                raise InputError(f"{name}: cannot be copied to {tempfile.gettempdir()}: {error.strerror}") from None
            yield copy


class Decoding:
    """The pictures of a stream, in output order, to be iterated over once.

    notes  what was passed over (codec.h265.decoder.notes.Notes), once the stream is at its end
    """

    def __init__(self, config, source):
        self.notes = None
        self._config, self._source = config, source

    def __iter__(self):
        from codec.h265.decoder.decode import decode_stream

        self.notes = yield from decode_stream(self._config, self._source)


def no_picture(notes):
    """The words for a stream at whose end nothing was decoded; `notes` of a Decoding."""
    from codec.h265.decoder.notes import BEFORE_FIRST_IRAP

    count = notes.count(BEFORE_FIRST_IRAP) if notes else 0
    if not count:
        return f"holds no picture; {notes}" if notes else "holds no picture: is it an H.265 byte stream?"
    pictures = f"{count} pictures" if count > 1 else "picture"
    return f"holds no random access point (IDR, BLA or CRA picture): none of its {pictures} can be decoded"


def decoded_pictures(name, source, first=0, last=None, options=None, notes=None):
    """(number in output order, DecodedPicture with its statistics) from picture `first` to picture `last`.

    `options`: further DecoderConfig fields; `notes`: a list, to which a text is added where the stream is read to its
    end and something was passed over. Raises CodecError, its text beginning with the name.
    """
    from codec.h265.config import DecoderConfig, validated

    decoding = Decoding(validated(DecoderConfig(BlockStatistics=True, **(options or {}))), source)
    count = 0
    try:
        for number, picture in enumerate(decoding):
            count = number + 1
            if number >= first:
                yield number, picture
            if number == last:
                return
    except CodecError as error:
        raise type(error)(f"{name}: {error}") from None
    if not count:
        raise InputError(f"{name}: {no_picture(decoding.notes)}")
    if count <= first:
        raise InputError(f"{name}: has {count} pictures, no number {first}")
    if notes is not None and decoding.notes:
        notes.append(str(decoding.notes))


def access_units(source):
    """(7.4.2.4.4) The sizes of all NAL units of a byte stream, picture by picture.

    -> ([{name of table 7-1: bits} of each decoded picture], the same of the rest), start codes counted as three bytes
    A picture has the parameter sets and SEI messages before its first slice segment, and what follows up to the next
    such. The rest is what belongs to no decoded picture: other layers, and RASL pictures without
    references (8.1.3), which DecodedPicture.decode_index does not count either.
    """
    from codec.h265.decoder.activation import ParameterSets
    from codec.h265.decoder.notes import Notes
    from codec.h265.decoder.poc import RandomAccess, SkippedPictures
    from codec.h265.nal import EOB_NUT, EOS_NUT, is_first_slice_segment, is_slice, read_nal_units

    units, rest, pending = [], {}, {}
    current, sets, access = rest, ParameterSets(), RandomAccess()
    skipped = SkippedPictures(access, sets, Notes())
    for nal in read_nal_units(source):
        bits = 8 * (len(nal.payload) + 2 + 3)
        if nal.fault or not sets.knows_layer(nal):
            target = rest
        elif is_slice(nal.nal_unit_type):
            if skipped.include(nal):
                current = rest
            elif is_first_slice_segment(nal):
                access.begin_picture(nal.nal_unit_type)
                current = {}
                units.append(current)
            for name, waiting in pending.items():
                current[name] = current.get(name, 0) + waiting
            pending, target = {}, current
        else:
            target = pending if _comes_before(nal) else current
            _store(sets, nal)
            if nal.nal_unit_type in (EOS_NUT, EOB_NUT):
                access.end_of_sequence()
        target[nal.name] = target.get(nal.name, 0) + bits
    for name, waiting in pending.items():
        rest[name] = rest.get(name, 0) + waiting
    return units, rest


def _store(sets, nal):
    """Keep a parameter set: which have arrived decides which pictures are decoded. What is wrong, decoding tells."""
    from codec.base.byte_stream import unescape
    from codec.h265.nal import PPS_NUT, SPS_NUT

    store = {SPS_NUT: sets.store_sps, PPS_NUT: sets.store_pps}.get(nal.nal_unit_type)
    if store:
        with suppress(CodecError):
            store(unescape(nal.payload)[0])


def _comes_before(nal):
    """(7.4.2.4.4) Whether a NAL unit without samples belongs to the slice segment that follows it."""
    from codec.h265.nal import AUD_NUT, PPS_NUT, PREFIX_SEI_NUT, SPS_NUT, VPS_NUT

    return nal.nal_unit_type in (VPS_NUT, SPS_NUT, PPS_NUT, AUD_NUT, PREFIX_SEI_NUT)
