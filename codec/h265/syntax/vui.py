"""Video usability information (E.2.1)."""

from dataclasses import dataclass, field

from codec.base.io.aspect import EXTENDED_SAR
from codec.base.serdes import structure
from codec.h265.syntax.hrd import HrdParameters, hrd_parameters


@dataclass
class Vui:
    """vui_parameters(), with the values that E.3.1 infers for what is not present."""

    aspect_ratio_info_present_flag: int = 0
    aspect_ratio_idc: int = 0
    sar_width: int = 0
    sar_height: int = 0
    overscan_info_present_flag: int = 0
    overscan_appropriate_flag: int = 0
    video_signal_type_present_flag: int = 0
    video_format: int = 5
    video_full_range_flag: int = 0
    colour_description_present_flag: int = 0
    colour_primaries: int = 2
    transfer_characteristics: int = 2
    matrix_coeffs: int = 2
    chroma_loc_info_present_flag: int = 0
    chroma_sample_loc_type_top_field: int = 0
    chroma_sample_loc_type_bottom_field: int = 0
    neutral_chroma_indication_flag: int = 0
    field_seq_flag: int = 0
    frame_field_info_present_flag: int = 0
    default_display_window_flag: int = 0
    def_disp_win_left_offset: int = 0
    def_disp_win_right_offset: int = 0
    def_disp_win_top_offset: int = 0
    def_disp_win_bottom_offset: int = 0
    vui_timing_info_present_flag: int = 0
    vui_num_units_in_tick: int = 0
    vui_time_scale: int = 0
    vui_poc_proportional_to_timing_flag: int = 0
    vui_num_ticks_poc_diff_one_minus1: int = 0
    vui_hrd_parameters_present_flag: int = 0
    hrd: HrdParameters = field(default_factory=HrdParameters)
    bitstream_restriction_flag: int = 0
    tiles_fixed_structure_flag: int = 0
    motion_vectors_over_pic_boundaries_flag: int = 1
    restricted_ref_pic_lists_flag: int = 0
    min_spatial_segmentation_idc: int = 0
    max_bytes_per_pic_denom: int = 2
    max_bits_per_min_cu_denom: int = 1
    log2_max_mv_length_horizontal: int = 15
    log2_max_mv_length_vertical: int = 15


@structure("E.3.1", advisory=True)
def vui_parameters(s, vui, sps_max_sub_layers_minus1):
    """(E.2.1) vui_parameters()"""
    s.flag(vui, "aspect_ratio_info_present_flag")
    if vui.aspect_ratio_info_present_flag:
        s.u(vui, "aspect_ratio_idc", 8)
        if vui.aspect_ratio_idc == EXTENDED_SAR:
            s.u(vui, "sar_width", 16)
            s.u(vui, "sar_height", 16)
    s.flag(vui, "overscan_info_present_flag")
    if vui.overscan_info_present_flag:
        s.flag(vui, "overscan_appropriate_flag")
    s.flag(vui, "video_signal_type_present_flag")
    if vui.video_signal_type_present_flag:
        _video_signal_type(s, vui)
    s.flag(vui, "chroma_loc_info_present_flag")
    if vui.chroma_loc_info_present_flag:
        s.ue(vui, "chroma_sample_loc_type_top_field", hi=5)
        s.ue(vui, "chroma_sample_loc_type_bottom_field", hi=5)
    s.flag(vui, "neutral_chroma_indication_flag")
    s.flag(vui, "field_seq_flag")
    s.flag(vui, "frame_field_info_present_flag")
    s.flag(vui, "default_display_window_flag")
    if vui.default_display_window_flag:
        for side in ("left", "right", "top", "bottom"):
            s.ue(vui, f"def_disp_win_{side}_offset")
    s.flag(vui, "vui_timing_info_present_flag")
    if vui.vui_timing_info_present_flag:
        _timing_information(s, vui, sps_max_sub_layers_minus1)
    s.flag(vui, "bitstream_restriction_flag")
    if vui.bitstream_restriction_flag:
        _bitstream_restriction(s, vui)


def _video_signal_type(s, vui):
    s.u(vui, "video_format", 3)
    s.flag(vui, "video_full_range_flag")
    s.flag(vui, "colour_description_present_flag")
    if vui.colour_description_present_flag:
        s.u(vui, "colour_primaries", 8)
        s.u(vui, "transfer_characteristics", 8)
        s.u(vui, "matrix_coeffs", 8)


def _timing_information(s, vui, sps_max_sub_layers_minus1):
    s.u(vui, "vui_num_units_in_tick", 32)
    s.u(vui, "vui_time_scale", 32)
    s.flag(vui, "vui_poc_proportional_to_timing_flag")
    if vui.vui_poc_proportional_to_timing_flag:
        s.ue(vui, "vui_num_ticks_poc_diff_one_minus1")
    s.flag(vui, "vui_hrd_parameters_present_flag")
    if vui.vui_hrd_parameters_present_flag:
        hrd_parameters(s, s.nested(vui, "hrd", HrdParameters), 1, sps_max_sub_layers_minus1)


def _bitstream_restriction(s, vui):
    s.flag(vui, "tiles_fixed_structure_flag")
    s.flag(vui, "motion_vectors_over_pic_boundaries_flag")
    s.flag(vui, "restricted_ref_pic_lists_flag")
    s.ue(vui, "min_spatial_segmentation_idc", hi=4095)
    s.ue(vui, "max_bytes_per_pic_denom", hi=16)
    s.ue(vui, "max_bits_per_min_cu_denom", hi=16)
    s.ue(vui, "log2_max_mv_length_horizontal", hi=16)
    s.ue(vui, "log2_max_mv_length_vertical", hi=16)
