"""codec.h265.syntax.sei: messages and picture hashes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.base import limits
from codec.base.errors import CodecError, CorruptStream, LimitExceeded
from codec.base.serdes import read_rbsp, write_rbsp
from codec.h265.nal import PREFIX_SEI_NUT
from codec.h265.syntax.sei import (
    DECODED_PICTURE_HASH,
    HASH_CHECKSUM,
    HASH_CRC,
    HASH_MD5,
    RECOVERY_POINT,
    DecodedPictureHash,
    RecoveryPoint,
    SeiMessage,
    SeiRbsp,
    decoded_picture_hash_message,
    read_decoded_picture_hash,
    recovery_point_message,
    sei_nal,
    sei_rbsp,
)

MESSAGE = st.builds(SeiMessage, st.sampled_from([0, 1, 132, 254, 255, 256, 510, 600]), st.binary(max_size=600))


@given(st.lists(MESSAGE, min_size=1, max_size=5))
def test_messages_of_every_type_and_size(messages):
    assert read_rbsp(sei_rbsp, SeiRbsp(), write_rbsp(sei_rbsp, SeiRbsp(messages))).messages == messages


@pytest.mark.parametrize(("hash_type", "size"), [(HASH_MD5, 16), (HASH_CRC, 2), (HASH_CHECKSUM, 4)])
@pytest.mark.parametrize("components", [1, 3])
def test_picture_hash(hash_type, size, components):
    picture_hash = DecodedPictureHash(hash_type, [bytes([c]) * size for c in range(components)])
    message = decoded_picture_hash_message(picture_hash)
    assert message.payload_type == DECODED_PICTURE_HASH and len(message.payload) == 1 + components * size
    assert message.payload[:2] == bytes([hash_type, 0])
    assert read_decoded_picture_hash(message.payload) == picture_hash


@pytest.mark.parametrize("payload", [b"", b"\0", b"\3" + bytes(48), b"\0" + bytes(47), b"\0" + bytes(32), b"\2abcde"])
def test_bad_picture_hash(payload):
    with pytest.raises(CorruptStream, match=r"^\(D\.3\.19\)"):
        read_decoded_picture_hash(payload)


def test_digest_of_wrong_length_is_not_written():
    with pytest.raises(CodecError, match="a digest has 15 bytes"):
        decoded_picture_hash_message(DecodedPictureHash(HASH_MD5, [bytes(15)]))


@pytest.mark.parametrize("rbsp", [b"", b"\x84", b"\x84\x31\0\0\x80", b"\xff" * 100, b"\x05\xff\xff\xff\x80"])
def test_sizes_past_the_end_are_corrupt(rbsp):
    with pytest.raises(CorruptStream, match=r"^\(7\.4\.6\).*the data end"):
        read_rbsp(sei_rbsp, SeiRbsp(), rbsp)


def test_number_of_messages_is_limited(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SEI_PER_AU", 3)
    read_rbsp(sei_rbsp, SeiRbsp(), write_rbsp(sei_rbsp, SeiRbsp([SeiMessage(1, b"")] * 3)))
    with pytest.raises(LimitExceeded, match="MAX_SEI_PER_AU"):
        read_rbsp(sei_rbsp, SeiRbsp(), write_rbsp(sei_rbsp, SeiRbsp([SeiMessage(1, b"")] * 4)))


@pytest.mark.parametrize(
    ("point", "payload"),
    [
        # ue/se code, exact_match_flag, broken_link_flag, then a one and zeros up to the next byte
        (RecoveryPoint(), 0b1_1_0_10000),
        (RecoveryPoint(recovery_poc_cnt=1, exact_match_flag=0), 0b010_0_0_100),
        (RecoveryPoint(recovery_poc_cnt=-2, broken_link_flag=1), 0b00101_1_1_1),
    ],
)
def test_recovery_point(point, payload):
    """(D.2.8)"""
    assert recovery_point_message(point) == SeiMessage(RECOVERY_POINT, bytes([payload]))


def test_a_message_alone_in_its_nal_unit():
    nal = sei_nal(PREFIX_SEI_NUT, SeiMessage(RECOVERY_POINT, b"\xd0"), 3)
    assert (nal.nal_unit_type, nal.temporal_id) == (PREFIX_SEI_NUT, 3)
    assert nal.payload == bytes([6, 1, 0xD0, 0x80])
