"""codec.h265.nal: annex B, headers, emulation prevention."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.base import byte_stream, limits
from codec.base.byte_stream import escape, unescape
from codec.base.errors import LimitExceeded
from codec.h265 import nal
from codec.h265.nal import NalUnit, annexb, parse_nal_unit, read_nal_units

# mostly the bytes that matter
PAYLOAD = st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 255]), max_size=60).map(bytes)


def slow_escape(rbsp):
    """(7.4.2.1) Byte by byte: no 00 00 00, 00 00 01, 00 00 02, and no 00 00 03 that was not inserted."""
    out, zeros = bytearray(), 0
    for byte in rbsp:
        if zeros == 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    if out and out[-1] == 0:
        out.append(3)
    return bytes(out)


def slow_unescape(data):
    """(7.3.1.1) Byte by byte."""
    out, removed, i = bytearray(), [], 0
    while i < len(data):
        if data[i : i + 3] == b"\0\0\3":
            out += b"\0\0"
            removed.append(i + 2)
            i += 3
        else:
            out.append(data[i])
            i += 1
    return bytes(out), removed


@given(PAYLOAD)
def test_escape_is_the_byte_by_byte_rule(rbsp):
    escaped = escape(rbsp)
    assert escaped == slow_escape(rbsp)
    assert not any(code in escaped for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2")) and not escaped.endswith(b"\0")


@given(PAYLOAD)
def test_unescape_is_the_byte_by_byte_rule(data):
    rbsp, removed = unescape(data)
    slow_rbsp, slow_removed = slow_unescape(data)
    assert rbsp == slow_rbsp and removed.tolist() == slow_removed and removed.dtype == np.int64


@given(PAYLOAD)
def test_unescape_undoes_escape(rbsp):
    back, _ = unescape(escape(rbsp))
    # behind a payload that ends in zero bytes stands a 3 that is not followed by anything
    assert back.rstrip(b"\0\3") == rbsp.rstrip(b"\0\3")
    if rbsp and rbsp[-1]:
        assert back == rbsp


def test_long_runs_are_fast():
    zeros = bytes(4 << 20)
    assert unescape(escape(zeros + b"\x80"))[0] == zeros + b"\x80"


NAL = st.builds(
    NalUnit,
    st.integers(0, 63).filter(lambda t: not (nal.is_irap(t) or t in (32, 33, 36, 37))),
    PAYLOAD.map(escape),
    st.integers(0, 62),
    st.integers(0, 6),
)


@given(st.lists(NAL, max_size=6), st.booleans(), st.binary(max_size=3), st.integers(0, 5), st.integers(1, 9))
def test_byte_stream_round_trip(units, four_bytes, garbage, trailing, chunk):
    stream = garbage.replace(b"\1", b"\2")
    offsets = []
    for unit in units:
        data = annexb(unit, first_in_access_unit=four_bytes)
        offsets.append(len(stream) + data.index(b"\0\0\1") + 3)
        stream += data + bytes(trailing)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_stream, "_CHUNK", chunk)
        read = list(read_nal_units(io.BytesIO(stream)))
    assert [(u.nal_unit_type, u.nuh_layer_id, u.temporal_id, u.payload) for u in read] == [
        (u.nal_unit_type, u.nuh_layer_id, u.temporal_id, u.payload) for u in units
    ]
    assert [u.offset for u in read] == offsets


def test_start_codes_of_the_writer():
    assert annexb(NalUnit(nal.TRAIL_R, b"\x80")) == b"\0\0\1\2\1\x80"
    assert annexb(NalUnit(nal.TRAIL_R, b"\x80"), first_in_access_unit=True) == b"\0\0\0\1\2\1\x80"
    assert annexb(NalUnit(nal.SPS_NUT, b"\x80")) == b"\0\0\0\1\x42\1\x80"
    assert annexb(nal.nal_unit(nal.TSA_N, b"\0\0\1", temporal_id=2)) == b"\0\0\1\4\3\0\0\3\1"


@pytest.mark.parametrize("stream", [b"", b"\0", b"\0\0", b"\0\0\1", b"\0\0\1\0\0\1", b"garbage", b"\0\0\0\0\1\0\0\0"])
def test_streams_without_nal_units(stream):
    assert list(read_nal_units(io.BytesIO(stream))) == []


@pytest.mark.parametrize(
    ("data", "clause"),
    [
        (b"\x40", "7.3.1.2"),
        (b"\xc0\1\x80", "7.4.2.2"),
        (b"\x40\0\x80", "7.4.2.2"),
        (b"\x26\2\x80", "7.4.2.2"),
        (b"\x48\3", "7.4.2.2"),
    ],
)
def test_bad_headers_name_the_clause_and_the_next_unit_follows(data, clause):
    bad, behind = read_nal_units(io.BytesIO(b"\0\0\1" + data + b"\0\0\1\2\1\x80"))
    assert bad.fault.startswith(f"({clause})") and "byte 3" in bad.fault
    assert bad.nal_unit_type == data[0] >> 1 & 63
    assert behind.nal_unit_type == nal.TRAIL_R and not behind.fault


def test_temporal_id_of_sequence_sets_is_0_whatever_stands_there():
    assert [parse_nal_unit(bytes([2 * kind, 3, 0x80])).temporal_id for kind in (32, 33, 34)] == [0, 0, 2]
    assert not parse_nal_unit(b"\x42\3\x80").fault


def test_nal_size_limit_holds_in_bounded_memory(monkeypatch):
    monkeypatch.setattr(limits, "MAX_NAL_BYTES", 1000)
    monkeypatch.setattr(byte_stream, "_CHUNK", 256)

    class Endless(io.RawIOBase):
        given = 0

        def read(self, size=-1):
            self.given += size
            return b"\0\0\1\2\1" + b"\x55" * (size - 5) if self.given == size else b"\x55" * size

    file = Endless()
    with pytest.raises(LimitExceeded, match="MAX_NAL_BYTES"):
        next(read_nal_units(file))
    assert file.given <= 2048
    with pytest.raises(LimitExceeded):
        list(read_nal_units(io.BytesIO(b"\0\0\1\2\1" + b"\x55" * 1001 + b"\0\0\1\2\1\x80")))


def test_types_are_those_of_table_7_1():
    assert (nal.RASL_R, nal.RSV_VCL_R15, nal.BLA_W_LP, nal.IDR_W_RADL, nal.CRA_NUT) == (9, 15, 16, 19, 21)
    assert (nal.VPS_NUT, nal.SPS_NUT, nal.PPS_NUT, nal.AUD_NUT, nal.EOS_NUT) == (32, 33, 34, 35, 36)
    assert (nal.PREFIX_SEI_NUT, nal.SUFFIX_SEI_NUT) == (39, 40)
    assert [t for t in range(64) if nal.is_irap(t)] == list(range(16, 24))
    assert [t for t in range(64) if nal.is_idr(t)] == [19, 20]
    assert [t for t in range(64) if nal.is_bla(t)] == [
        16,
        17,
        18,
    ]
    assert [t for t in range(64) if nal.is_rasl(t)] == [8, 9] and [t for t in range(64) if nal.is_radl(t)] == [6, 7]
    assert [t for t in range(64) if nal.is_sublayer_non_reference(t)] == [0, 2, 4, 6, 8, 10, 12, 14]
    assert [t for t in range(32) if not nal.is_reference(t)] == [0, 2, 4, 6, 8, 10, 12, 14]
    assert [t for t in range(64) if nal.is_slice(t)] == list(range(10)) + list(range(16, 22))
    assert parse_nal_unit(b"\x26\1\x80").name == "IDR_W_RADL" and NalUnit(50).name == "50"
