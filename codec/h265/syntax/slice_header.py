"""Slice segment header (7.3.6.1)."""

from dataclasses import dataclass, field

from codec.base import limits
from codec.base.serdes import Reader, structure
from codec.h265.nal import is_idr, is_irap
from codec.h265.structs import SLICE_B, SLICE_I, SLICE_P
from codec.h265.syntax.pred_weight import PredWeightTable, pred_weight_table
from codec.h265.syntax.short_term_rps import MAX_REFERENCE_PICTURES, ShortTermRps, st_ref_pic_set
from codec.h265.tools.extension import slice_tools
from codec.h265.tools.registry import Records

# what a dependent slice segment codes itself
_NOT_INHERITED = (
    "first_slice_segment_in_pic_flag",
    "no_output_of_prior_pics_flag",
    "slice_pic_parameter_set_id",
    "dependent_slice_segment_flag",
    "slice_segment_address",
    "num_entry_point_offsets",
    "offset_len_minus1",
    "entry_point_offset_minus1",
    "slice_segment_header_extension_length",
    "slice_segment_header_extension_data",
)


@dataclass
class SliceHeader:
    """slice_segment_header(). A dependent slice segment holds the values of the slice it belongs to."""

    first_slice_segment_in_pic_flag: int = 1
    no_output_of_prior_pics_flag: int = 0
    slice_pic_parameter_set_id: int = 0
    dependent_slice_segment_flag: int = 0
    slice_segment_address: int = 0
    slice_addr: int = 0  # SliceAddrRs: of the first slice segment of the slice, in tile scan terms (7.4.7.1)
    slice_reserved_flags: int = 0
    slice_type: int = SLICE_I
    pic_output_flag: int = 1
    slice_pic_order_cnt_lsb: int = 0
    short_term_ref_pic_set_sps_flag: int = 0
    short_term_ref_pic_set_idx: int = 0
    short_term_rps: ShortTermRps = field(default_factory=ShortTermRps)  # the set in force, of the slice or the SPS
    num_long_term_sps: int = 0
    num_long_term_pics: int = 0
    lt_idx_sps: list = field(default_factory=list)
    poc_lsb_lt: list = field(default_factory=list)  # PocLsbLt: also of entries that come from the SPS
    used_by_curr_pic_lt_flag: list = field(default_factory=list)  # UsedByCurrPicLt, likewise
    delta_poc_msb_present_flag: list = field(default_factory=list)
    delta_poc_msb_cycle_lt: list = field(default_factory=list)  # as coded; 0 where absent
    slice_temporal_mvp_enabled_flag: int = 0
    slice_sao_luma_flag: int = 0
    slice_sao_chroma_flag: int = 0
    num_ref_idx_active_override_flag: int = 0
    num_ref_idx_l0_active_minus1: int = 0
    num_ref_idx_l1_active_minus1: int = 0
    ref_pic_list_modification_flag_l0: int = 0
    list_entry_l0: list = field(default_factory=list)
    ref_pic_list_modification_flag_l1: int = 0
    list_entry_l1: list = field(default_factory=list)
    mvd_l1_zero_flag: int = 0
    cabac_init_flag: int = 0
    collocated_from_l0_flag: int = 1
    collocated_ref_idx: int = 0
    pred_weight_table: PredWeightTable = field(default_factory=PredWeightTable)
    five_minus_max_num_merge_cand: int = 0
    slice_qp_delta: int = 0
    slice_cb_qp_offset: int = 0
    slice_cr_qp_offset: int = 0
    deblocking_filter_override_flag: int = 0
    slice_deblocking_filter_disabled_flag: int = 0
    slice_beta_offset_div2: int = 0
    slice_tc_offset_div2: int = 0
    slice_loop_filter_across_slices_enabled_flag: int = 0
    tools: Records | None = None  # of the tools beyond H.265 (docs/BITSTREAM.md), where the SPS has some on
    num_entry_point_offsets: int = 0
    offset_len_minus1: int = 0
    entry_point_offset_minus1: list = field(default_factory=list)
    slice_segment_header_extension_length: int = 0
    slice_segment_header_extension_data: bytes = b""

    @property
    def num_pic_total_curr(self):
        """NumPicTotalCurr (7-55)"""
        return self.short_term_rps.num_used_by_curr + sum(self.used_by_curr_pic_lt_flag)

    @property
    def max_num_merge_cand(self):
        """MaxNumMergeCand (7-53)"""
        return 5 - self.five_minus_max_num_merge_cand

    def num_ref_idx_active(self, x):
        """The length of RefPicListX; 0 for a list that the slice type has not."""
        if self.slice_type == SLICE_I or (x == 1 and self.slice_type == SLICE_P):
            return 0
        return (self.num_ref_idx_l1_active_minus1 if x else self.num_ref_idx_l0_active_minus1) + 1

    def inherit(self, slice_header):
        """Take over everything that a dependent slice segment shares with the slice it continues (7.4.7.1)."""
        for name, value in vars(slice_header).items():
            if name not in _NOT_INHERITED:
                setattr(self, name, value)


def ceil_log2(value):
    """Ceil(Log2(value)) for value >= 1."""
    return (value - 1).bit_length()


@structure("7.4.7.1")
def slice_segment_header(s, h, nal_unit_type, lookup, previous=None):
    """(7.3.6.1) slice_segment_header() with its byte_alignment(); returns (sps, pps).

    lookup(pps_id) gives (sps, pps) or raises CorruptStream. `previous` is the header of the preceding slice segment of
    the same picture, from which a dependent one takes over.
    """
    _up_to_pps_id(s, h, nal_unit_type)
    sps, pps = lookup(h.slice_pic_parameter_set_id)
    if not h.first_slice_segment_in_pic_flag:
        if pps.dependent_slice_segments_enabled_flag:
            s.flag(h, "dependent_slice_segment_flag")
        count = sps.pic_size_in_ctbs_y
        s.u(h, "slice_segment_address", ceil_log2(count), lo=1, hi=count - 1)
    if h.dependent_slice_segment_flag:
        s.check(previous is not None, "a dependent slice segment has no slice before it")
        h.inherit(previous)
    else:
        s.infer(h, "slice_addr", h.slice_segment_address)
        _slice_header(s, h, nal_unit_type, sps, pps)
    if pps.tiles_enabled_flag or pps.entropy_coding_sync_enabled_flag:
        _entry_points(s, h, sps, pps)
    if pps.slice_segment_header_extension_present_flag:
        slice_header_extension(s, h)
    s.byte_alignment()
    return sps, pps


@structure("7.4.7.1")
def _up_to_pps_id(s, h, nal_unit_type):
    s.flag(h, "first_slice_segment_in_pic_flag")
    if is_irap(nal_unit_type):
        s.flag(h, "no_output_of_prior_pics_flag")
    s.ue(h, "slice_pic_parameter_set_id", hi=63)


def read_slice_pps_id(nal_unit_type, payload):
    """slice_pic_parameter_set_id of a first slice segment, which stands before any emulation prevention byte."""
    h = SliceHeader()
    _up_to_pps_id(Reader(payload[:4]), h, nal_unit_type)
    return h.slice_pic_parameter_set_id


def _slice_header(s, h, nal_unit_type, sps, pps):
    """The part that dependent slice segments do not have."""
    s.u(h, "slice_reserved_flags", pps.num_extra_slice_header_bits)
    s.ue(h, "slice_type", hi=2)
    if is_irap(nal_unit_type):
        s.check(h.slice_type == SLICE_I, f"slice_type = {h.slice_type} in an IRAP picture, which has I slices only")
    if pps.output_flag_present_flag:
        s.flag(h, "pic_output_flag")
    if not is_idr(nal_unit_type):
        _picture_order_and_references(s, h, sps)
    if sps.sample_adaptive_offset_enabled_flag:
        s.flag(h, "slice_sao_luma_flag")
        if sps.chroma_array_type:
            s.flag(h, "slice_sao_chroma_flag")
    if h.slice_type != SLICE_I:
        _inter_parameters(s, h, sps, pps)
    slice_qp = 26 + pps.init_qp_minus26
    s.se(h, "slice_qp_delta", lo=-sps.qp_bd_offset_y - slice_qp, hi=51 - slice_qp)
    if pps.pps_slice_chroma_qp_offsets_present_flag:
        s.se(h, "slice_cb_qp_offset", lo=max(-12, -12 - pps.pps_cb_qp_offset), hi=min(12, 12 - pps.pps_cb_qp_offset))
        s.se(h, "slice_cr_qp_offset", lo=max(-12, -12 - pps.pps_cr_qp_offset), hi=min(12, 12 - pps.pps_cr_qp_offset))
    _loop_filters(s, h, pps)
    if sps.tools:
        slice_tools(s, h, sps)


def _picture_order_and_references(s, h, sps):
    s.u(h, "slice_pic_order_cnt_lsb", sps.log2_max_pic_order_cnt_lsb)
    s.flag(h, "short_term_ref_pic_set_sps_flag")
    count = sps.num_short_term_ref_pic_sets
    if not h.short_term_ref_pic_set_sps_flag:
        st_ref_pic_set(s, s.nested(h, "short_term_rps", ShortTermRps), count, sps)
    else:
        s.check(count > 0, "short_term_ref_pic_set_sps_flag is 1, and the SPS has no set")
        s.u(h, "short_term_ref_pic_set_idx", ceil_log2(count), hi=count - 1)
        s.infer(h, "short_term_rps", sps.short_term_ref_pic_sets[h.short_term_ref_pic_set_idx])
    if sps.long_term_ref_pics_present_flag:
        _long_term_pictures(s, h, sps)
    if sps.sps_temporal_mvp_enabled_flag:
        s.flag(h, "slice_temporal_mvp_enabled_flag")


def _long_term_pictures(s, h, sps):
    room = MAX_REFERENCE_PICTURES - h.short_term_rps.num_delta_pocs
    if sps.num_long_term_ref_pics_sps:
        s.ue(h, "num_long_term_sps", hi=min(sps.num_long_term_ref_pics_sps, room))
    s.ue(h, "num_long_term_pics", hi=room - h.num_long_term_sps)
    for i in range(h.num_long_term_sps + h.num_long_term_pics):
        if i < h.num_long_term_sps:
            _long_term_picture_of_sps(s, h, i, sps)
        else:
            s.u(h, "poc_lsb_lt", sps.log2_max_pic_order_cnt_lsb, i)
            s.flag(h, "used_by_curr_pic_lt_flag", i)
        if s.flag(h, "delta_poc_msb_present_flag", i):
            s.ue(h, "delta_poc_msb_cycle_lt", i, hi=1 << (32 - sps.log2_max_pic_order_cnt_lsb))
        elif s.reading:
            h.delta_poc_msb_cycle_lt.append(0)


def _long_term_picture_of_sps(s, h, i, sps):
    count = sps.num_long_term_ref_pics_sps
    s.u(h, "lt_idx_sps", ceil_log2(count), i, hi=count - 1)
    if s.reading:
        h.poc_lsb_lt.append(sps.lt_ref_pic_poc_lsb_sps[h.lt_idx_sps[i]])
        h.used_by_curr_pic_lt_flag.append(sps.used_by_curr_pic_lt_sps_flag[h.lt_idx_sps[i]])


def _inter_parameters(s, h, sps, pps):
    is_b = h.slice_type == SLICE_B
    s.check(h.num_pic_total_curr > 0, "NumPicTotalCurr is 0 in a P or B slice: it has no picture to refer to")
    s.flag(h, "num_ref_idx_active_override_flag")
    if h.num_ref_idx_active_override_flag:
        s.ue(h, "num_ref_idx_l0_active_minus1", hi=14)
        if is_b:
            s.ue(h, "num_ref_idx_l1_active_minus1", hi=14)
    else:
        s.infer(h, "num_ref_idx_l0_active_minus1", pps.num_ref_idx_l0_default_active_minus1)
        s.infer(h, "num_ref_idx_l1_active_minus1", pps.num_ref_idx_l1_default_active_minus1)
    if pps.lists_modification_present_flag and h.num_pic_total_curr > 1:
        _ref_pic_lists_modification(s, h)
    if is_b:
        s.flag(h, "mvd_l1_zero_flag")
    if pps.cabac_init_present_flag:
        s.flag(h, "cabac_init_flag")
    if h.slice_temporal_mvp_enabled_flag:
        _collocated_picture(s, h)
    if pps.weighted_bipred_flag if is_b else pps.weighted_pred_flag:
        pred_weight_table(s, s.nested(h, "pred_weight_table", PredWeightTable), h, sps.chroma_array_type)
    s.ue(h, "five_minus_max_num_merge_cand", hi=4)


@structure("7.4.7.2")
def _ref_pic_lists_modification(s, h):
    """(7.3.6.2) ref_pic_lists_modification()"""
    last = h.num_pic_total_curr - 1
    for x in range(2 if h.slice_type == SLICE_B else 1):
        if s.flag(h, f"ref_pic_list_modification_flag_l{x}"):
            for i in range(h.num_ref_idx_active(x)):
                s.u(h, f"list_entry_l{x}", ceil_log2(last + 1), i, hi=last)


def _collocated_picture(s, h):
    if h.slice_type == SLICE_B:
        s.flag(h, "collocated_from_l0_flag")
    else:
        s.infer(h, "collocated_from_l0_flag", 1)
    count = h.num_ref_idx_active(0 if h.collocated_from_l0_flag else 1)
    if count > 1:
        s.ue(h, "collocated_ref_idx", hi=count - 1)
    else:
        s.infer(h, "collocated_ref_idx", 0)


def _loop_filters(s, h, pps):
    if pps.deblocking_filter_override_enabled_flag:
        s.flag(h, "deblocking_filter_override_flag")
    else:
        s.infer(h, "deblocking_filter_override_flag", 0)
    if h.deblocking_filter_override_flag:
        s.flag(h, "slice_deblocking_filter_disabled_flag")
    else:
        s.infer(h, "slice_deblocking_filter_disabled_flag", pps.pps_deblocking_filter_disabled_flag)
    if h.deblocking_filter_override_flag and not h.slice_deblocking_filter_disabled_flag:
        s.se(h, "slice_beta_offset_div2", lo=-6, hi=6)
        s.se(h, "slice_tc_offset_div2", lo=-6, hi=6)
    else:
        s.infer(h, "slice_beta_offset_div2", pps.pps_beta_offset_div2)
        s.infer(h, "slice_tc_offset_div2", pps.pps_tc_offset_div2)
    across = pps.pps_loop_filter_across_slices_enabled_flag
    filtered = h.slice_sao_luma_flag or h.slice_sao_chroma_flag or not h.slice_deblocking_filter_disabled_flag
    if across and filtered:
        s.flag(h, "slice_loop_filter_across_slices_enabled_flag")
    else:
        s.infer(h, "slice_loop_filter_across_slices_enabled_flag", across)


def _entry_points(s, h, sps, pps):
    columns, rows = pps.num_tile_columns_minus1 + 1, pps.num_tile_rows_minus1 + 1
    most = columns * (sps.pic_height_in_ctbs_y if pps.entropy_coding_sync_enabled_flag else rows) - 1
    s.ue(h, "num_entry_point_offsets", hi=most)
    if h.num_entry_point_offsets:
        s.ue(h, "offset_len_minus1", hi=31)
    for i in range(h.num_entry_point_offsets):
        value = s.u(h, "entry_point_offset_minus1", h.offset_len_minus1 + 1, i)
        s.check(value < limits.MAX_NAL_BYTES, f"entry_point_offset_minus1[{i}] = {value} points past every NAL unit")


def slice_header_extension(s, h):
    """(7.3.6.1) slice_segment_header_extension"""
    s.ue(h, "slice_segment_header_extension_length", hi=256)
    s.bytes(h, "slice_segment_header_extension_data", h.slice_segment_header_extension_length)


def set_entry_points(header, substream_sizes):
    """Fill the entry point elements from the sizes in bytes of the substreams, emulation prevention included."""
    minus1 = [size - 1 for size in substream_sizes[:-1]]
    header.num_entry_point_offsets = len(minus1)
    header.entry_point_offset_minus1 = minus1
    header.offset_len_minus1 = max([1, *(value.bit_length() for value in minus1)]) - 1
