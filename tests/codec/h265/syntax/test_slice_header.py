"""codec.h265.syntax.slice_header: rules, entry points and weighted prediction."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.base import byte_stream
from codec.base.errors import CodecError
from codec.base.serdes import Writer
from codec.h265 import nal
from codec.h265.structs import SLICE_B, SLICE_P
from codec.h265.syntax.pps import Pps
from codec.h265.syntax.pred_weight import PredWeightList, PredWeightTable, weights_and_offsets
from codec.h265.syntax.short_term_rps import explicit_rps
from codec.h265.syntax.slice_header import SliceHeader, set_entry_points, slice_segment_header
from codec.h265.syntax.sps import Sps
from codec.h265.syntax.vps import SubLayerOrdering


def sequence(**pps_fields):
    sps = Sps(pic_width_in_luma_samples=256, pic_height_in_luma_samples=128)
    sps.sub_layer_ordering = [SubLayerOrdering(5, 2, 0)]
    sps.sps_temporal_mvp_enabled_flag = sps.sample_adaptive_offset_enabled_flag = 1
    return sps, Pps(**pps_fields)


def p_slice(**fields):
    return SliceHeader(slice_type=SLICE_P, short_term_rps=explicit_rps([-1, -2, 1]), **fields)


FAULTS = [
    ({}, {"slice_qp_delta": 26}, "slice_qp_delta = 26 is outside -26..25"),
    ({}, {"slice_qp_delta": -27}, "slice_qp_delta = -27"),
    ({}, {"slice_type": 3}, "slice_type = 3 is outside 0..2"),
    ({}, {"first_slice_segment_in_pic_flag": 0}, "slice_segment_address = 0 is outside 1..7"),
    ({}, {"five_minus_max_num_merge_cand": 5}, "five_minus_max_num_merge_cand = 5 is outside 0..4"),
    ({}, {"short_term_rps": explicit_rps([])}, "NumPicTotalCurr is 0"),
    ({}, {"short_term_rps": explicit_rps([], unused=[-1])}, "NumPicTotalCurr is 0"),
    ({}, {"short_term_ref_pic_set_sps_flag": 1}, "the SPS has no set"),
    (
        {},
        {"num_ref_idx_active_override_flag": 1, "num_ref_idx_l0_active_minus1": 15},
        "num_ref_idx_l0_active_minus1 = 15 is outside 0..14",
    ),
    (
        {"num_ref_idx_l0_default_active_minus1": 1},
        {"slice_temporal_mvp_enabled_flag": 1, "collocated_ref_idx": 2},
        "collocated_ref_idx = 2 is outside 0..1",
    ),
    (
        {"lists_modification_present_flag": 1},
        {"ref_pic_list_modification_flag_l0": 1, "list_entry_l0": [3]},
        "list_entry_l0[0] = 3 is outside 0..2",
    ),
    (
        {"pps_slice_chroma_qp_offsets_present_flag": 1, "pps_cb_qp_offset": 5},
        {"slice_cb_qp_offset": 8},
        "slice_cb_qp_offset = 8 is outside -12..7",
    ),
    (
        {"deblocking_filter_override_enabled_flag": 1},
        {"deblocking_filter_override_flag": 1, "slice_tc_offset_div2": 7},
        "slice_tc_offset_div2 = 7 is outside -6..6",
    ),
    (
        {"entropy_coding_sync_enabled_flag": 1},
        {"num_entry_point_offsets": 2},
        "num_entry_point_offsets = 2 is outside 0..1",
    ),
    (
        {"tiles_enabled_flag": 1, "num_tile_columns_minus1": 1},
        {"num_entry_point_offsets": 1, "offset_len_minus1": 32},
        "offset_len_minus1 = 32",
    ),
    (
        {"tiles_enabled_flag": 1, "num_tile_columns_minus1": 1},
        {"num_entry_point_offsets": 1, "offset_len_minus1": 31, "entry_point_offset_minus1": [1 << 30]},
        "points past every NAL unit",
    ),
    (
        {"slice_segment_header_extension_present_flag": 1},
        {"slice_segment_header_extension_length": 257},
        "slice_segment_header_extension_length = 257",
    ),
]


@pytest.mark.parametrize(("pps_fields", "header_fields", "message"), FAULTS)
def test_rules(pps_fields, header_fields, message):
    sets = sequence(**pps_fields)
    header = p_slice()
    for name, value in header_fields.items():
        setattr(header, name, value)
    with pytest.raises(CodecError, match=r"^\(7\.4\.7\.") as caught:
        slice_segment_header(Writer(), header, nal.TRAIL_R, lambda pps_id: sets)
    assert message in str(caught.value) and "(bit " in str(caught.value)


def test_p_slices_are_refused_in_irap_pictures():
    with pytest.raises(CodecError, match="IRAP picture"):
        slice_segment_header(Writer(), p_slice(), nal.CRA_NUT, lambda pps_id: sequence())


def test_more_than_24_weights_are_refused():
    part = PredWeightList([1] * 9, [1] * 9, [0] * 9, [0] * 9, [0] * 18, [0] * 18)
    header = p_slice(num_ref_idx_active_override_flag=1, num_ref_idx_l0_active_minus1=8)
    header.pred_weight_table = PredWeightTable(lists=[part, PredWeightList()])
    with pytest.raises(CodecError, match=r"27 weights .* more than 24"):
        slice_segment_header(Writer(), header, nal.TRAIL_R, lambda pps_id: sequence(weighted_pred_flag=1))


def test_writing_fills_in_what_is_inferred():
    sets = sequence(
        num_ref_idx_l0_default_active_minus1=3, pps_beta_offset_div2=2, pps_loop_filter_across_slices_enabled_flag=0
    )
    header = p_slice(slice_loop_filter_across_slices_enabled_flag=1)
    slice_segment_header(Writer(), header, nal.TRAIL_R, lambda pps_id: sets)
    assert header.num_ref_idx_active(0) == 4 and header.num_ref_idx_active(1) == 0
    assert header.slice_beta_offset_div2 == 2 and header.slice_loop_filter_across_slices_enabled_flag == 0


@given(st.lists(st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 9]), min_size=1, max_size=12), min_size=1, max_size=8),
       st.lists(st.sampled_from([0, 0, 0, 7]), max_size=12))  # fmt: skip
def test_entry_points_find_the_substreams(pieces, header_bytes):
    """Substreams and headers end in a byte with a stop bit, so that each is escaped by itself."""
    substreams = [bytes([*piece, 0x80]) for piece in pieces]
    head = bytes([*header_bytes, 0x80])
    header = SliceHeader()
    set_entry_points(header, [len(byte_stream.escape(substream)) for substream in substreams])
    assert header.num_entry_point_offsets == len(substreams) - 1
    assert all(value < 1 << (header.offset_len_minus1 + 1) for value in header.entry_point_offset_minus1)
    data = byte_stream.escape(head + b"".join(substreams))[len(byte_stream.escape(head)) :]
    ends = np.cumsum([value + 1 for value in header.entry_point_offset_minus1]).tolist()
    pieces_found = [data[start:stop] for start, stop in zip([0, *ends], [*ends, len(data)], strict=True)]
    assert [byte_stream.unescape(piece)[0] for piece in pieces_found] == substreams


def test_weights_and_offsets():
    """(7-56) and (8-2xx) on a hand-made example, 8 bit luma and 10 bit chroma."""
    part = PredWeightList([1, 0], [0, 1], [-3, 0], [-128, 0], [0, 0, 5, -128], [0, 0, 511, -512])
    table = PredWeightTable(5, 1, [PredWeightList([0], [0], [0], [0], [0, 0], [0, 0]), part])
    weights, denominators = weights_and_offsets(table, SimpleNamespace(bit_depth_y=8, bit_depth_c=10))
    assert denominators.tolist() == [5, 6, 6]
    assert weights[0, 0].tolist() == weights[1, 15].tolist() == [[32, 0], [64, 0], [64, 0]]
    assert weights[1, 0].tolist() == [[29, -128], [64, 0], [64, 0]]
    # 128 + 511 - (128 * 69 >> 6) = 501 -> 127; 128 - 512 - (128 * -64 >> 6) = -256 -> -128; both << 2
    assert weights[1, 1].tolist() == [[32, 0], [69, 508], [-64, -512]]


def test_list_lengths_follow_the_slice_type():
    header = SliceHeader(slice_type=SLICE_B, num_ref_idx_l0_active_minus1=1, num_ref_idx_l1_active_minus1=2)
    assert [header.num_ref_idx_active(x) for x in range(2)] == [2, 3]
