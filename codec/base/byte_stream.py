"""What the byte streams of H.265 and H.266 share: start codes (annex B) and emulation prevention (7.3.1.1)."""

import re

import numpy as np

from codec.base import limits

START_CODE = b"\0\0\1"
_CHUNK = 1 << 20


class ByteStream:
    """(B.2) Iterate over (bytes, offset in the file) of NAL units, in memory bounded by limits.MAX_NAL_BYTES.

    Bytes before the first start code, trailing zero bytes and empty NAL units are passed over.
    """

    def __init__(self, file):
        """`file`: a binary file object."""
        self._file = file
        self._buffer = bytearray()
        self._offset = 0  # of the buffer's first byte in the file
        self._at_end = False
        self._started = False

    def __iter__(self):
        return self

    def __next__(self):
        if not self._started:
            self._skip_to_first_start_code()
        while True:
            data, offset = self._take_nal()
            if data:
                return data, offset

    def _fill(self):
        chunk = self._file.read(_CHUNK)
        self._at_end = not chunk
        self._buffer += chunk

    def _drop(self, count):
        del self._buffer[:count]
        self._offset += count

    def _skip_to_first_start_code(self):
        while True:
            found = self._buffer.find(START_CODE)
            if found >= 0:
                self._drop(found + 3)
                self._started = True
                return
            if self._at_end:
                raise StopIteration
            self._drop(max(0, len(self._buffer) - 2))
            self._fill()

    def _take_nal(self):
        """The bytes up to the next start code, without trailing zeros, and their offset."""
        if not self._buffer and self._at_end:
            raise StopIteration
        searched = 0
        while True:
            found = self._buffer.find(START_CODE, searched)
            if found >= 0 or self._at_end:
                break
            searched = max(0, len(self._buffer) - 2)
            limits.check(f"the size in bytes of the NAL unit at byte {self._offset}", searched, "MAX_NAL_BYTES")
            self._fill()
        offset = self._offset
        data = bytes(self._buffer if found < 0 else self._buffer[:found]).rstrip(b"\0")
        self._drop(len(self._buffer) if found < 0 else found + 3)
        limits.check(f"the size in bytes of the NAL unit at byte {offset}", len(data), "MAX_NAL_BYTES")
        return data, offset


def unescape(payload):
    """(7.3.1.1) Remove every emulation_prevention_three_byte.

    Returns the RBSP bytes and an int64 array with the ascending positions in `payload` of the bytes that were removed.
    """
    pieces = bytes(payload).split(b"\0\0\3")
    lengths = np.fromiter((len(piece) for piece in pieces), np.int64, len(pieces))
    removed = np.cumsum(lengths[:-1] + 3) - 1
    return b"\0\0".join(pieces), removed


# Left to right without overlap, as 7.4.2 counts zero bytes: after an inserted 3 the count starts again.
_NEEDS_ESCAPE = re.compile(rb"\0\0(?=[\0-\3])")


def escape(rbsp):
    """(7.4.2.1) Insert the emulation prevention bytes that keep start codes out of a payload."""
    escaped = _NEEDS_ESCAPE.sub(b"\0\0\3", rbsp)
    return escaped + b"\3" if escaped.endswith(b"\0") else escaped
