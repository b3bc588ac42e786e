"""Every syntax structure: random legal values are written, read back equal, and damage is always a CodecError."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.base.errors import CodecError, CorruptStream, LimitExceeded, Unsupported
from codec.base.serdes import Reader, Writer, read_rbsp, write_rbsp
from codec.h265 import nal
from codec.h265.syntax.aud import Aud, access_unit_delimiter_rbsp
from codec.h265.syntax.pps import Pps, check_pps, pic_parameter_set_rbsp
from codec.h265.syntax.slice_header import SliceHeader, slice_segment_header
from codec.h265.syntax.sps import Sps, seq_parameter_set_rbsp
from codec.h265.syntax.vps import Vps, video_parameter_set_rbsp
from tests.codec.h265.syntax.random_serdes import random_structure, written

PARAMETER_SETS = [
    (video_parameter_set_rbsp, Vps),
    (seq_parameter_set_rbsp, Sps),
    (pic_parameter_set_rbsp, Pps),
    (access_unit_delimiter_rbsp, Aud),
]
SEEDS = st.integers(0, 10**9)


def damaged(data):
    """Every truncation, and every single bit flip of up to 200 bytes."""
    yield from (data[:n] for n in range(len(data)))
    for bit in range(8 * min(len(data), 200)):
        flipped = bytearray(data)
        flipped[bit >> 3] ^= 0x80 >> (bit & 7)
        yield bytes(flipped)


@pytest.mark.parametrize(("function", "factory"), PARAMETER_SETS)
def test_defaults_can_be_written(function, factory):
    obj = factory()
    assert read_rbsp(function, factory(), write_rbsp(function, obj)) == obj


@pytest.mark.parametrize(("function", "factory"), PARAMETER_SETS)
@given(seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_parameter_sets(function, factory, seed):
    obj, _ = random_structure(function, factory, seed)
    data = written(function, obj)
    again = read_rbsp(function, factory(), data)
    assert again == obj
    assert written(function, again) == data


@pytest.mark.parametrize(("function", "factory"), PARAMETER_SETS)
@pytest.mark.parametrize("seed", range(4))
def test_damaged_parameter_sets_raise_codec_errors_only(function, factory, seed):
    data = written(function, random_structure(function, factory, seed)[0])
    start, readable = time.monotonic(), 0
    for bad in damaged(data[:400]):
        try:
            read_rbsp(function, factory(), bad)
            readable += 1
        except CodecError as error:
            assert "\n" not in str(error) and (
                str(error).startswith("(") or isinstance(error, LimitExceeded | Unsupported)
            )
    assert readable < 8 * len(data) and time.monotonic() - start < 20


def random_sequence(seed):
    """A legal pair (sps, pps)."""
    for attempt in range(100):
        sps, _ = random_structure(seq_parameter_set_rbsp, Sps, f"{seed} {attempt}", {"vui_parameters_present_flag": 0})
        pps, _ = random_structure(pic_parameter_set_rbsp, Pps, f"{seed} {attempt}")
        try:
            check_pps(pps, sps)
        except CorruptStream:
            continue
        return sps, pps
    raise AssertionError("no legal pair of SPS and PPS")


def write_header(header, nal_unit_type, sequence, previous=None):
    s = Writer()
    slice_segment_header(s, header, nal_unit_type, lambda pps_id: sequence, previous)
    return s.rbsp()


def read_header(data, nal_unit_type, sequence, previous=None):
    s, header = Reader(data), SliceHeader()
    assert slice_segment_header(s, header, nal_unit_type, lambda pps_id: sequence, previous) == sequence
    return header, s.position


@given(seed=SEEDS, nal_unit_type=st.sampled_from([nal.TRAIL_R, nal.TRAIL_R, nal.RASL_N, nal.IDR_W_RADL, nal.CRA_NUT]))
@settings(max_examples=150, deadline=None)
def test_slice_headers(seed, nal_unit_type):
    sequence = random_sequence(seed)
    arguments = (nal_unit_type, lambda pps_id: sequence, None)
    fixed = {"dependent_slice_segment_flag": 0}
    if sequence[0].pic_size_in_ctbs_y == 1:
        fixed["first_slice_segment_in_pic_flag"] = 1
    header, _ = random_structure(slice_segment_header, SliceHeader, seed, fixed, arguments)
    data = write_header(header, nal_unit_type, sequence)
    again, position = read_header(data + b"slice data", nal_unit_type, sequence)
    assert again == header and position == 8 * len(data)
    assert again.slice_addr == header.slice_segment_address


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_dependent_slice_segments_take_over_the_slice(seed):
    sps, pps = random_sequence(seed)
    pps.dependent_slice_segments_enabled_flag = 1
    if sps.pic_size_in_ctbs_y < 3:
        return
    arguments = (nal.TRAIL_R, lambda pps_id: (sps, pps), None)
    first, _ = random_structure(slice_segment_header, SliceHeader, seed, {"dependent_slice_segment_flag": 0}, arguments)
    dependent = SliceHeader(first_slice_segment_in_pic_flag=0, dependent_slice_segment_flag=1, slice_segment_address=2)
    data = write_header(dependent, nal.TRAIL_R, (sps, pps), first)
    again, _ = read_header(data, nal.TRAIL_R, (sps, pps), first)
    assert again == dependent
    assert again.slice_segment_address == 2 and again.slice_addr == first.slice_segment_address
    assert again.slice_qp_delta == first.slice_qp_delta and again.short_term_rps == first.short_term_rps
    assert again.num_entry_point_offsets == 0 and again.entry_point_offset_minus1 == []
    with pytest.raises(CorruptStream, match="no slice before it"):
        read_header(data, nal.TRAIL_R, (sps, pps), None)


@pytest.mark.parametrize("seed", range(12))
def test_damaged_slice_headers_raise_codec_errors_only(seed):
    sequence = random_sequence(seed)
    arguments = (nal.TRAIL_R, lambda pps_id: sequence, None)
    fixed = {"first_slice_segment_in_pic_flag": 1}
    header, _ = random_structure(slice_segment_header, SliceHeader, seed, fixed, arguments)
    data = write_header(header, nal.TRAIL_R, sequence)
    start = time.monotonic()
    for bad in damaged(data):
        try:
            read_header(bad, nal.TRAIL_R, sequence)
        except CodecError as error:
            assert str(error).startswith("(") and "\n" not in str(error)
    assert time.monotonic() - start < 10
