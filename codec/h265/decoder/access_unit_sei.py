"""(7.4.2.4.4) The SEI messages of the access unit in progress: counted, and the few that decoding makes use of."""

from codec.base.byte_stream import unescape
from codec.base.errors import CorruptStream
from codec.base.serdes import read_rbsp
from codec.h265.decoder.notes import UNREADABLE_SEI
from codec.h265.syntax.sei import (
    DECODED_PICTURE_HASH,
    PIC_TIMING,
    FrameFieldInfo,
    SeiRbsp,
    check_message_count,
    read_decoded_picture_hash,
    read_frame_field_info,
    sei_rbsp,
)


class AccessUnitSei:
    """Call `prefix`, `suffix` and `begin_slice_segment` in the order of the NAL units.

    Messages are advisory: one that cannot be read is counted in the Notes, and passed over with those behind it in its
    NAL unit. Raises LimitExceeded.
    """

    def __init__(self, notes):
        self._notes = notes
        self._count = 0  # messages of the access unit
        self._waiting = 0  # prefix messages since the last slice segment: whose they are, the next one tells
        self._timing = self._next_timing = None  # payload of the pic_timing()

    def prefix(self, nal):
        """A prefix SEI NAL unit."""
        for message in self._messages(nal):
            self._waiting += 1
            if message.payload_type == PIC_TIMING:
                self._next_timing = message.payload
        check_message_count(self._waiting)

    def begin_slice_segment(self, is_first):
        """A slice segment, the first of its picture or not: the prefix messages before it are of its access unit."""
        if is_first:
            self._count, self._timing = 0, self._next_timing
        self._count += self._waiting
        self._waiting, self._next_timing = 0, None
        check_message_count(self._count)

    def suffix(self, nal):
        """A suffix SEI NAL unit. -> its DecodedPictureHash, or None"""
        found = None
        for message in self._messages(nal):
            self._count += 1
            if message.payload_type == DECODED_PICTURE_HASH:
                found = self._read(read_decoded_picture_hash, message.payload, found)
        check_message_count(self._count)
        return found

    def frame_field_info(self, sps):
        """(D.3.3) The FrameFieldInfo of the picture that has begun, whose Sps is given."""
        nothing = FrameFieldInfo()
        if self._timing is None or not sps.vui_parameters_present_flag or not sps.vui.frame_field_info_present_flag:
            return nothing
        return self._read(read_frame_field_info, self._timing, nothing)

    def _messages(self, nal):
        sei = SeiRbsp()
        self._read(lambda rbsp: read_rbsp(sei_rbsp, sei, rbsp), unescape(nal.payload)[0], None)
        return sei.messages

    def _read(self, function, data, otherwise):
        try:
            return function(data)
        except CorruptStream:
            self._notes.add(UNREADABLE_SEI)
            return otherwise
