"""Opening a bitstream, decoding what is wanted of it, and the sizes of its NAL units."""

import shutil
import tempfile
from contextlib import contextmanager

from codec.errors import CodecError, InputError
from codec.io import files


@contextmanager
def open_bitstream(name):
    """A binary file object to read from; "-" is standard input. Raises InputError."""
    if name == "-":
        yield files.standard_input()
        return
    try:
        file = files.open_input(name)  # closed below; an error of the body must not be taken for one of opening
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from None
    with file:
        yield file


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


def decoded_pictures(name, source, first=0, last=None, options=None):
    """(number in output order, DecodedPicture with its statistics) from picture `first` to picture `last`.

    `options`: further DecoderConfig fields. Raises CodecError, its text beginning with the name.
    """
    from codec.config import DecoderConfig, validated
    from codec.decoder.decode import decode_stream

    config = validated(DecoderConfig(BlockStatistics=True, **(options or {})))
    count = 0
    try:
        for number, picture in enumerate(decode_stream(config, source)):
            count = number + 1
            if number >= first:
                yield number, picture
            if number == last:
                return
    except CodecError as error:
        raise type(error)(f"{name}: {error}") from None
    if count <= first:
        raise InputError(f"{name}: {f'has {count} pictures, no number {first}' if count else 'holds no picture'}")


def access_units(source):
    """(7.4.2.4.4) The sizes of all NAL units of a byte stream, picture by picture.

    -> ([{name of table 7-1: bits} of each decoded picture], the same of the rest), start codes counted as three bytes
    A picture has the parameter sets and SEI messages before its first slice segment, and what follows up to the next
    such. The rest is what belongs to no decoded picture: other layers, and RASL pictures without
    references (8.1.3), which DecodedPicture.decode_index does not count either.
    """
    from codec.bitstream.nal import TOOLS_LAYER, NalReader

    units, rest, pending = [], {}, {}
    current, state = rest, _Start()
    for nal in NalReader(source):
        bits = 8 * (len(nal.payload) + 2 + 3)
        if nal.nuh_layer_id not in (0, TOOLS_LAYER):
            target = rest
        elif state.begins_picture(nal):
            if state.skipped(nal):
                current = rest
            else:
                current = {}
                units.append(current)
            for name, waiting in pending.items():
                current[name] = current.get(name, 0) + waiting
            pending, target = {}, current
        else:
            target = pending if _comes_before(nal) else current
        target[nal.name] = target.get(nal.name, 0) + bits
    for name, waiting in pending.items():
        rest[name] = rest.get(name, 0) + waiting
    return units, rest


def _comes_before(nal):
    """(7.4.2.4.4) Whether a NAL unit without samples belongs to the picture that follows it."""
    from codec.bitstream.nal import AUD_NUT, PPS_NUT, PREFIX_SEI_NUT, SPS_NUT, VPS_NUT

    return nal.nal_unit_type in (VPS_NUT, SPS_NUT, PPS_NUT, AUD_NUT, PREFIX_SEI_NUT)


class _Start:
    """(8.1.3) Which pictures the decoder leaves out."""

    def __init__(self):
        self._at_sequence_start, self._no_rasl_output = True, True

    def begins_picture(self, nal):
        """Whether this is the first slice segment of a picture; takes note of the end of a sequence."""
        from codec.bitstream.nal import EOB_NUT, EOS_NUT, is_slice

        if nal.nal_unit_type in (EOS_NUT, EOB_NUT):
            self._at_sequence_start = True
        return is_slice(nal.nal_unit_type) and nal.payload[:1] >= b"\x80"

    def skipped(self, nal):
        """Whether the picture that begins with this slice segment is not decoded."""
        from codec.bitstream.nal import is_bla, is_idr, is_irap, is_rasl

        kind = nal.nal_unit_type
        if self._at_sequence_start and not is_irap(kind):
            return True
        if is_irap(kind):
            self._no_rasl_output = is_idr(kind) or is_bla(kind) or self._at_sequence_start
        self._at_sequence_start = False
        return is_rasl(kind) and self._no_rasl_output
