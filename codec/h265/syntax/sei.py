"""Supplemental enhancement information (7.3.5, annex D)."""

from dataclasses import dataclass, field

from codec.base import limits
from codec.base.serdes import Reader, Writer, structure, write_rbsp
from codec.h265.nal import nal_unit

PIC_TIMING = 1
RECOVERY_POINT = 6
DECODED_PICTURE_HASH = 132

HASH_MD5, HASH_CRC, HASH_CHECKSUM = range(3)
_DIGEST_BYTES = {HASH_MD5: 16, HASH_CRC: 2, HASH_CHECKSUM: 4}


@dataclass
class SeiMessage:
    """sei_message(): its type and its bytes."""

    payload_type: int
    payload: bytes


@dataclass
class SeiRbsp:
    """sei_rbsp()"""

    messages: list = field(default_factory=list)


@dataclass
class DecodedPictureHash:
    """decoded_picture_hash(): one digest a colour component, most significant byte first."""

    hash_type: int = HASH_MD5
    digests: list = field(default_factory=list)


@structure("7.4.6")
def sei_rbsp(s, sei):
    """(7.3.2.4) sei_rbsp(): messages of every type as plain bytes."""
    if s.reading:
        more = True
        while more:
            check_message_count(len(sei.messages) + 1)
            sei.messages.append(_read_message(s))
            more = s.bits.more_rbsp_data()
    else:
        for message in sei.messages:
            _write_message(s, message)
    if not (s.reading and s.bits.position == s.bits.size):  # messages are whole without them
        s.rbsp_trailing_bits()


def check_message_count(count):
    """Raise LimitExceeded when an access unit, or one NAL unit of it, has too many messages."""
    limits.check("the number of SEI messages in an access unit", count, "MAX_SEI_PER_AU")


class _Holder:
    """Where a value that no structure keeps is read to."""


def _read_number(s, name):
    holder, total = _Holder(), 0
    while s.u(holder, name, 8) == 255:
        total += 255
    return total + getattr(holder, name)


def _read_message(s):
    """(7.3.5) sei_message()"""
    payload_type = _read_number(s, "payload_type_byte")
    size = _read_number(s, "payload_size_byte")
    holder = _Holder()
    return SeiMessage(payload_type, s.bytes(holder, "sei_payload", size))


def _write_message(s, message):
    """(7.3.5) sei_message()"""
    for number in (message.payload_type, len(message.payload)):
        s.bits.bytes(b"\xff" * (number // 255) + bytes([number % 255]))
    s.bits.bytes(message.payload)


def read_decoded_picture_hash(payload):
    """(D.2.19) The hash of a payload of type DECODED_PICTURE_HASH; raises CorruptStream on a bad type or length."""
    s, result = Reader(payload), DecodedPictureHash()
    s.clause = "D.3.19"
    s.u(result, "hash_type", 8, hi=2)
    size = _DIGEST_BYTES[result.hash_type]
    count = (len(payload) - 1) // size
    s.check(len(payload) == 1 + count * size and count in (1, 3), f"a picture hash has {len(payload)} bytes")
    result.digests = [payload[1 + i * size : 1 + (i + 1) * size] for i in range(count)]
    return result


@dataclass
class FrameFieldInfo:
    """What pic_timing() says of fields where frame_field_info_present_flag is 1; the defaults: nothing is said."""

    pic_struct: int = 0
    source_scan_type: int = 2
    duplicate_flag: int = 0


def read_frame_field_info(payload):
    """(D.2.3) The beginning of a payload of type PIC_TIMING, with frame_field_info_present_flag equal to 1."""
    s, result = Reader(payload), FrameFieldInfo()
    s.clause = "D.3.3"
    s.u(result, "pic_struct", 4)
    s.u(result, "source_scan_type", 2)
    s.flag(result, "duplicate_flag")
    return result


def decoded_picture_hash_message(picture_hash):
    """(D.2.19) The SEI message of a DecodedPictureHash."""
    s = Writer()
    s.clause = "D.3.19"
    s.u(picture_hash, "hash_type", 8, hi=2)
    for digest in picture_hash.digests:
        s.check(len(digest) == _DIGEST_BYTES[picture_hash.hash_type], f"a digest has {len(digest)} bytes")
        s.bits.bytes(digest)
    return SeiMessage(DECODED_PICTURE_HASH, s.rbsp())


@dataclass
class RecoveryPoint:
    """recovery_point(): from this picture on decoding may begin; the defaults say that it is exact at once."""

    recovery_poc_cnt: int = 0
    exact_match_flag: int = 1
    broken_link_flag: int = 0


def recovery_point_message(point):
    """(D.2.8) The SEI message of a RecoveryPoint."""
    s = Writer()
    s.clause = "D.3.8"
    s.se(point, "recovery_poc_cnt", lo=-(1 << 15), hi=(1 << 15) - 1)
    s.flag(point, "exact_match_flag")
    s.flag(point, "broken_link_flag")
    if s.position % 8:
        # (7.3.5) payload_bit_equal_to_one and zero bits up to the next byte
        s.rbsp_trailing_bits()
    return SeiMessage(RECOVERY_POINT, s.rbsp())


def sei_nal(nal_unit_type, message, temporal_id=0):
    """(7.3.2.4) A prefix or suffix SEI NAL unit that holds one message."""
    return nal_unit(nal_unit_type, write_rbsp(sei_rbsp, SeiRbsp([message])), temporal_id)
