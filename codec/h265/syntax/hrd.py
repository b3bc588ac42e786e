"""Hypothetical reference decoder parameters (E.2.2, E.2.3)."""

from dataclasses import dataclass, field

from codec.base.serdes import structure


@dataclass
class SubLayerHrd:
    """sub_layer_hrd_parameters(): one list element per coded picture buffer."""

    bit_rate_value_minus1: list = field(default_factory=list)
    cpb_size_value_minus1: list = field(default_factory=list)
    cpb_size_du_value_minus1: list = field(default_factory=list)
    bit_rate_du_value_minus1: list = field(default_factory=list)
    cbr_flag: list = field(default_factory=list)


@dataclass
class HrdSubLayer:
    """What hrd_parameters() says of one temporal sub-layer."""

    fixed_pic_rate_general_flag: int = 0
    fixed_pic_rate_within_cvs_flag: int = 0
    elemental_duration_in_tc_minus1: int = 0
    low_delay_hrd_flag: int = 0
    cpb_cnt_minus1: int = 0
    nal: SubLayerHrd = field(default_factory=SubLayerHrd)
    vcl: SubLayerHrd = field(default_factory=SubLayerHrd)


@dataclass
class HrdParameters:
    """hrd_parameters()"""

    nal_hrd_parameters_present_flag: int = 0
    vcl_hrd_parameters_present_flag: int = 0
    sub_pic_hrd_params_present_flag: int = 0
    tick_divisor_minus2: int = 0
    du_cpb_removal_delay_increment_length_minus1: int = 0
    sub_pic_cpb_params_in_pic_timing_sei_flag: int = 0
    dpb_output_delay_du_length_minus1: int = 0
    bit_rate_scale: int = 0
    cpb_size_scale: int = 0
    cpb_size_du_scale: int = 0
    initial_cpb_removal_delay_length_minus1: int = 23
    au_cpb_removal_delay_length_minus1: int = 23
    dpb_output_delay_length_minus1: int = 23
    sub_layers: list = field(default_factory=list)


@structure("E.3.2")
def hrd_parameters(s, hrd, common_inf_present_flag, max_sub_layers_minus1):
    """(E.2.2) hrd_parameters(commonInfPresentFlag, maxNumSubLayersMinus1)"""
    if common_inf_present_flag:
        _common_information(s, hrd)
    for i in range(max_sub_layers_minus1 + 1):
        _sub_layer(s, hrd, s.item(hrd.sub_layers, i, HrdSubLayer))


def _common_information(s, hrd):
    s.flag(hrd, "nal_hrd_parameters_present_flag")
    s.flag(hrd, "vcl_hrd_parameters_present_flag")
    if not (hrd.nal_hrd_parameters_present_flag or hrd.vcl_hrd_parameters_present_flag):
        return
    s.flag(hrd, "sub_pic_hrd_params_present_flag")
    if hrd.sub_pic_hrd_params_present_flag:
        s.u(hrd, "tick_divisor_minus2", 8)
        s.u(hrd, "du_cpb_removal_delay_increment_length_minus1", 5)
        s.flag(hrd, "sub_pic_cpb_params_in_pic_timing_sei_flag")
        s.u(hrd, "dpb_output_delay_du_length_minus1", 5)
    s.u(hrd, "bit_rate_scale", 4)
    s.u(hrd, "cpb_size_scale", 4)
    if hrd.sub_pic_hrd_params_present_flag:
        s.u(hrd, "cpb_size_du_scale", 4)
    s.u(hrd, "initial_cpb_removal_delay_length_minus1", 5)
    s.u(hrd, "au_cpb_removal_delay_length_minus1", 5)
    s.u(hrd, "dpb_output_delay_length_minus1", 5)


def _sub_layer(s, hrd, layer):
    s.flag(layer, "fixed_pic_rate_general_flag")
    if layer.fixed_pic_rate_general_flag:
        s.infer(layer, "fixed_pic_rate_within_cvs_flag", 1)
    else:
        s.flag(layer, "fixed_pic_rate_within_cvs_flag")
    if layer.fixed_pic_rate_within_cvs_flag:
        s.ue(layer, "elemental_duration_in_tc_minus1", hi=2047)
        s.infer(layer, "low_delay_hrd_flag", 0)
    else:
        s.flag(layer, "low_delay_hrd_flag")
    if not layer.low_delay_hrd_flag:
        s.ue(layer, "cpb_cnt_minus1", hi=31)
    for name in ("nal", "vcl"):
        if getattr(hrd, f"{name}_hrd_parameters_present_flag"):
            _sub_layer_hrd_parameters(s, getattr(layer, name), layer.cpb_cnt_minus1 + 1, hrd)


@structure("E.3.3")
def _sub_layer_hrd_parameters(s, sub_layer, cpb_count, hrd):
    """(E.2.3) sub_layer_hrd_parameters(subLayerId)"""
    for i in range(cpb_count):
        s.ue(sub_layer, "bit_rate_value_minus1", i)
        s.ue(sub_layer, "cpb_size_value_minus1", i)
        if hrd.sub_pic_hrd_params_present_flag:
            s.ue(sub_layer, "cpb_size_du_value_minus1", i)
            s.ue(sub_layer, "bit_rate_du_value_minus1", i)
        s.flag(sub_layer, "cbr_flag", i)
