"""NAL units: the byte stream format (annex B), the header (7.3.1.2) and emulation prevention (7.3.1.1)."""

import re
from dataclasses import dataclass

import numpy as np

from codec import limits

# nal_unit_type (table 7-1)
TRAIL_N, TRAIL_R, TSA_N, TSA_R, STSA_N, STSA_R, RADL_N, RADL_R, RASL_N, RASL_R = range(10)
RSV_VCL_N10, RSV_VCL_R11, RSV_VCL_N12, RSV_VCL_R13, RSV_VCL_N14, RSV_VCL_R15 = range(10, 16)
BLA_W_LP, BLA_W_RADL, BLA_N_LP, IDR_W_RADL, IDR_N_LP, CRA_NUT, RSV_IRAP_VCL22, RSV_IRAP_VCL23 = range(16, 24)
VPS_NUT, SPS_NUT, PPS_NUT, AUD_NUT, EOS_NUT, EOB_NUT, FD_NUT, PREFIX_SEI_NUT, SUFFIX_SEI_NUT = range(32, 41)

NAL_NAMES = {
    value: name
    for name, value in list(globals().items())
    if name.isupper() and isinstance(value, int) and not name.startswith("_")
}

# (docs/BITSTREAM.md) nuh_layer_id of slices with CNN tools: decoders of H.265 pass over them
TOOLS_LAYER = 62

_START_CODE = b"\0\0\1"
_CHUNK = 1 << 20


def is_vcl(nal_unit_type):
    """(7.4.2.2) A coded slice segment, of a type in use or reserved."""
    return nal_unit_type < VPS_NUT


def is_slice(nal_unit_type):
    """(7.4.2.2) A coded slice segment of a type that version 1 specifies."""
    return nal_unit_type <= RASL_R or BLA_W_LP <= nal_unit_type <= CRA_NUT


def is_irap(nal_unit_type):
    """(3.69) Intra random access point: BLA, IDR, CRA and the two reserved types."""
    return BLA_W_LP <= nal_unit_type <= RSV_IRAP_VCL23


def is_idr(nal_unit_type):
    """(3.65) Instantaneous decoding refresh."""
    return nal_unit_type in (IDR_W_RADL, IDR_N_LP)


def is_bla(nal_unit_type):
    """(3.15) Broken link access."""
    return BLA_W_LP <= nal_unit_type <= BLA_N_LP


def is_rasl(nal_unit_type):
    """(3.110) Random access skipped leading picture."""
    return nal_unit_type in (RASL_N, RASL_R)


def is_radl(nal_unit_type):
    """(3.108) Random access decodable leading picture."""
    return nal_unit_type in (RADL_N, RADL_R)


def is_sublayer_non_reference(nal_unit_type):
    """(7.4.2.2) Not used for reference by pictures of the same temporal sub-layer: the even types up to RSV_VCL_N14."""
    return nal_unit_type <= RSV_VCL_N14 and nal_unit_type % 2 == 0


def is_reference(nal_unit_type):
    """(7.4.2.2) A VCL type that pictures of the same sub-layer may refer to."""
    return is_vcl(nal_unit_type) and not is_sublayer_non_reference(nal_unit_type)


@dataclass
class NalUnit:
    """One NAL unit. `payload` follows the two header bytes and still holds its emulation prevention bytes.

    `offset` is the position of the header's first byte in the file. `fault` says, clause first, what is wrong with the
    header, or nothing: whether it matters depends on what the unit is for.
    """

    nal_unit_type: int
    payload: bytes = b""
    nuh_layer_id: int = 0
    temporal_id: int = 0
    offset: int = 0
    fault: str = ""

    @property
    def name(self):
        """The name of table 7-1, or the number."""
        return NAL_NAMES.get(self.nal_unit_type, str(self.nal_unit_type))


def parse_nal_unit(data, offset=0):
    """(7.3.1.2) Split the bytes between two start codes, at least one, into header and payload."""
    header = int.from_bytes(data[:2].ljust(2, b"\0"), "big")
    nal = NalUnit(header >> 9 & 63, bytes(data[2:]), header >> 3 & 63, max(0, (header & 7) - 1), offset)
    if len(data) < 2:
        nal.fault = f"(7.3.1.2) the NAL unit at byte {offset} has {len(data)} byte, too few for its header"
    elif header >> 15:
        nal.fault = f"(7.4.2.2) forbidden_zero_bit of the NAL unit at byte {offset} is 1"
    elif header & 7 == 0:
        nal.fault = f"(7.4.2.2) nuh_temporal_id_plus1 of the NAL unit at byte {offset} is 0"
    elif nal.temporal_id and (is_irap(nal.nal_unit_type) or nal.nal_unit_type in (EOS_NUT, EOB_NUT)):
        nal.fault = f"(7.4.2.2) TemporalId of the {nal.name} NAL unit at byte {offset} is {nal.temporal_id}, not 0"
    elif nal.nal_unit_type in (VPS_NUT, SPS_NUT):
        nal.temporal_id = 0  # as it shall be: the sets are of use whatever stands there
    return nal


def is_first_slice_segment(nal):
    """(7.4.7.1) first_slice_segment_in_pic_flag of a slice: its first bit."""
    return nal.payload[:1] >= b"\x80"


class NalReader:
    """(B.2) Iterate over the NAL units of a binary file object, in memory bounded by limits.MAX_NAL_BYTES.

    Bytes before the first start code, trailing zero bytes and empty NAL units are passed over.
    """

    def __init__(self, file):
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
                return parse_nal_unit(data, offset)

    def _fill(self):
        chunk = self._file.read(_CHUNK)
        self._at_end = not chunk
        self._buffer += chunk

    def _drop(self, count):
        del self._buffer[:count]
        self._offset += count

    def _skip_to_first_start_code(self):
        while True:
            found = self._buffer.find(_START_CODE)
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
            found = self._buffer.find(_START_CODE, searched)
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


def nal_unit(nal_unit_type, rbsp, temporal_id=0):
    """(7.3.1.1) A NAL unit around an RBSP that has not been escaped yet."""
    return NalUnit(nal_unit_type, escape(rbsp), temporal_id=temporal_id)


def annexb(nal, first_in_access_unit=False):
    """(B.2.1) The NAL unit as bytes behind a start code: four bytes long where B.2.2 asks for zero_byte."""
    zero_byte = first_in_access_unit or nal.nal_unit_type in (VPS_NUT, SPS_NUT, PPS_NUT)
    header = nal.nal_unit_type << 9 | nal.nuh_layer_id << 3 | (nal.temporal_id + 1)
    return (b"\0" if zero_byte else b"") + _START_CODE + header.to_bytes(2, "big") + nal.payload
