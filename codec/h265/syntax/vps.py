"""Video parameter set (7.3.2.1)."""

from dataclasses import dataclass, field

from codec.base.serdes import UE_MAX, structure
from codec.h265.syntax.hrd import HrdParameters, hrd_parameters
from codec.h265.syntax.profile_tier_level import ProfileTierLevel, profile_tier_level


@dataclass
class SubLayerOrdering:
    """What the decoded picture buffer needs for one temporal sub-layer."""

    max_dec_pic_buffering_minus1: int = 0
    max_num_reorder_pics: int = 0
    max_latency_increase_plus1: int = 0


@dataclass
class Vps:
    """video_parameter_set_rbsp()"""

    vps_video_parameter_set_id: int = 0
    vps_base_layer_internal_flag: int = 1
    vps_base_layer_available_flag: int = 1
    vps_max_layers_minus1: int = 0
    vps_max_sub_layers_minus1: int = 0
    vps_temporal_id_nesting_flag: int = 1
    vps_reserved_0xffff_16bits: int = 0xFFFF
    profile_tier_level: ProfileTierLevel = field(default_factory=ProfileTierLevel)
    vps_sub_layer_ordering_info_present_flag: int = 1
    sub_layer_ordering: list = field(default_factory=lambda: [SubLayerOrdering()])
    vps_max_layer_id: int = 0
    vps_num_layer_sets_minus1: int = 0
    layer_id_included_flag: list = field(default_factory=list)  # row i - 1 of vps_max_layer_id + 1 flags, as a number
    vps_timing_info_present_flag: int = 0
    vps_num_units_in_tick: int = 0
    vps_time_scale: int = 0
    vps_poc_proportional_to_timing_flag: int = 0
    vps_num_ticks_poc_diff_one_minus1: int = 0
    vps_num_hrd_parameters: int = 0
    hrd_layer_set_idx: list = field(default_factory=list)
    cprms_present_flag: list = field(default_factory=list)
    hrd: list = field(default_factory=list)
    vps_extension_flag: int = 0
    vps_extension_data: tuple = (0, 0)


@structure("7.4.3.1")
def sub_layer_ordering_info(s, layers, present_flag, max_sub_layers_minus1):
    """(7.3.2.1, 7.3.2.2) Sub-layer ordering information of VPS and SPS; what is not sent repeats the highest one."""
    first = 0 if present_flag else max_sub_layers_minus1
    sent = []
    for i in range(first, max_sub_layers_minus1 + 1):
        layer = SubLayerOrdering() if s.reading else layers[i]
        s.ue(layer, "max_dec_pic_buffering_minus1", hi=15)
        s.ue(layer, "max_num_reorder_pics", hi=layer.max_dec_pic_buffering_minus1)
        s.ue(layer, "max_latency_increase_plus1", hi=UE_MAX)
        sent.append(layer)
    if s.reading:
        layers[:] = [sent[0]] * first + sent


@structure("7.4.3.1")
def video_parameter_set_rbsp(s, vps):
    """(7.3.2.1) video_parameter_set_rbsp()"""
    s.u(vps, "vps_video_parameter_set_id", 4)
    s.flag(vps, "vps_base_layer_internal_flag")
    s.flag(vps, "vps_base_layer_available_flag")
    s.u(vps, "vps_max_layers_minus1", 6)
    s.u(vps, "vps_max_sub_layers_minus1", 3, hi=6)
    s.flag(vps, "vps_temporal_id_nesting_flag")
    s.u(vps, "vps_reserved_0xffff_16bits", 16)
    profile_tier_level(s, vps.profile_tier_level, vps.vps_max_sub_layers_minus1)
    s.flag(vps, "vps_sub_layer_ordering_info_present_flag")
    present = vps.vps_sub_layer_ordering_info_present_flag
    sub_layer_ordering_info(s, vps.sub_layer_ordering, present, vps.vps_max_sub_layers_minus1)
    s.u(vps, "vps_max_layer_id", 6)
    s.ue(vps, "vps_num_layer_sets_minus1", hi=1023)
    for i in range(vps.vps_num_layer_sets_minus1):
        s.u(vps, "layer_id_included_flag", vps.vps_max_layer_id + 1, i)
    s.flag(vps, "vps_timing_info_present_flag")
    if vps.vps_timing_info_present_flag:
        _timing_information(s, vps)
    s.flag(vps, "vps_extension_flag")
    if vps.vps_extension_flag:
        s.remaining_bits(vps, "vps_extension_data")
    s.rbsp_trailing_bits()


def _timing_information(s, vps):
    s.u(vps, "vps_num_units_in_tick", 32)
    s.u(vps, "vps_time_scale", 32)
    s.flag(vps, "vps_poc_proportional_to_timing_flag")
    if vps.vps_poc_proportional_to_timing_flag:
        s.ue(vps, "vps_num_ticks_poc_diff_one_minus1")
    s.ue(vps, "vps_num_hrd_parameters", hi=vps.vps_num_layer_sets_minus1 + 1)
    for i in range(vps.vps_num_hrd_parameters):
        s.ue(vps, "hrd_layer_set_idx", i, hi=vps.vps_num_layer_sets_minus1)
        if i > 0:
            s.flag(vps, "cprms_present_flag", i)
        elif s.reading:
            vps.cprms_present_flag.append(1)
        hrd = s.item(vps.hrd, i, HrdParameters)
        if not vps.cprms_present_flag[i]:
            hrd.nal_hrd_parameters_present_flag = vps.hrd[i - 1].nal_hrd_parameters_present_flag
            hrd.vcl_hrd_parameters_present_flag = vps.hrd[i - 1].vcl_hrd_parameters_present_flag
            hrd.sub_pic_hrd_params_present_flag = vps.hrd[i - 1].sub_pic_hrd_params_present_flag
        hrd_parameters(s, hrd, vps.cprms_present_flag[i], vps.vps_max_sub_layers_minus1)
