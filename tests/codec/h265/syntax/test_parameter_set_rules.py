"""Rules of VPS, SPS and PPS: what is refused, with which error, and that the message names clause and element."""

import pytest

from codec.base.bits import BitWriter
from codec.base.errors import CodecError, CorruptStream, LimitExceeded, Unsupported
from codec.base.serdes import Reader, Writer, read_rbsp, write_rbsp
from codec.h265.syntax.hrd import HrdParameters, HrdSubLayer
from codec.h265.syntax.pps import Pps, check_pps, pic_parameter_set_rbsp
from codec.h265.syntax.profile_tier_level import PROFILE_MAIN_STILL_PICTURE, profile_of
from codec.h265.syntax.short_term_rps import explicit_rps
from codec.h265.syntax.sps import Sps, seq_parameter_set_rbsp
from codec.h265.syntax.vps import SubLayerOrdering, Vps, video_parameter_set_rbsp
from codec.h265.syntax.vui import Vui


class Unchecked(Writer):
    """Writes what the rules forbid, to have something to refuse."""

    def check(self, condition, message):
        pass

    def _check_range(self, *args):
        pass


def refused(monkeypatch, obj, function):
    """The error that reading `obj` raises, written without checks."""
    s = Unchecked()
    with monkeypatch.context() as patch:
        patch.setattr("codec.base.limits.MAX_PICTURE_SIDE", 1 << 40)
        patch.setattr("codec.base.limits.MAX_PICTURE_SAMPLES", 1 << 80)
        function(s, obj)
    with pytest.raises(CodecError) as caught:
        read_rbsp(function, type(obj)(), s.rbsp())
    return caught.value


SPS_FAULTS = [
    ({"sps_seq_parameter_set_id": 16}, "sps_seq_parameter_set_id = 16 is outside 0..15"),
    ({"sps_max_sub_layers_minus1": 7}, "sps_max_sub_layers_minus1 = 7 is outside 0..6"),
    ({"pic_width_in_luma_samples": 0}, "pic_width_in_luma_samples = 0 is outside 1.."),
    ({"pic_width_in_luma_samples": 60}, "pic_width_in_luma_samples = 60 is not a multiple of MinCbSizeY = 8"),
    ({"pic_height_in_luma_samples": 65}, "pic_height_in_luma_samples = 65 is not a multiple"),
    ({"conformance_window_flag": 1, "conf_win_left_offset": 16, "conf_win_right_offset": 16}, "leaves 0x64"),
    ({"conformance_window_flag": 1, "conf_win_bottom_offset": 2**32 - 2}, "conformance window leaves"),
    ({"log2_max_pic_order_cnt_lsb_minus4": 13}, "log2_max_pic_order_cnt_lsb_minus4 = 13"),
    ({"sub_layer_ordering": [SubLayerOrdering(16)]}, "max_dec_pic_buffering_minus1 = 16 is outside 0..15"),
    ({"sub_layer_ordering": [SubLayerOrdering(2, 3)]}, "max_num_reorder_pics = 3 is outside 0..2"),
    ({"log2_min_luma_coding_block_size_minus3": 4}, "log2_min_luma_coding_block_size_minus3 = 4"),
    ({"log2_diff_max_min_luma_coding_block_size": 4}, "log2_diff_max_min_luma_coding_block_size = 4"),
    ({"log2_diff_max_min_luma_coding_block_size": 0}, "CtbLog2SizeY = 3 is outside 4..6"),
    ({"log2_min_luma_transform_block_size_minus2": 1}, "log2_min_luma_transform_block_size_minus2 = 1"),
    ({"log2_diff_max_min_luma_transform_block_size": 4}, "log2_diff_max_min_luma_transform_block_size = 4"),
    ({"max_transform_hierarchy_depth_inter": 5}, "max_transform_hierarchy_depth_inter = 5 is outside 0..4"),
    ({"pcm_enabled_flag": 1, "pcm_sample_bit_depth_luma_minus1": 8}, "pcm_sample_bit_depth_luma_minus1 = 8"),
    ({"pcm_enabled_flag": 1, "log2_min_pcm_luma_coding_block_size_minus3": 3}, "outside 0..2"),
    ({"pcm_enabled_flag": 1, "log2_diff_max_min_pcm_luma_coding_block_size": 3}, "outside 0..2"),
    ({"num_short_term_ref_pic_sets": 65, "short_term_ref_pic_sets": []}, "num_short_term_ref_pic_sets = 65"),
    ({"long_term_ref_pics_present_flag": 1, "num_long_term_ref_pics_sps": 33}, "num_long_term_ref_pics_sps = 33"),
]


@pytest.mark.parametrize(("fields", "message"), SPS_FAULTS)
def test_sps_out_of_range_is_corrupt(monkeypatch, fields, message):
    sps = Sps()
    for name, value in fields.items():
        setattr(sps, name, value)
    # enough empty structures behind a count that is too high
    sps.profile_tier_level.sub_layers = [type(sps.profile_tier_level.general)() for _ in range(7)]
    sps.sub_layer_ordering = sps.sub_layer_ordering * 8 if sps.sps_max_sub_layers_minus1 else sps.sub_layer_ordering
    sps.short_term_ref_pic_sets = [explicit_rps([]) for _ in range(sps.num_short_term_ref_pic_sets)]
    sps.lt_ref_pic_poc_lsb_sps = sps.used_by_curr_pic_lt_sps_flag = [0] * 40
    error = refused(monkeypatch, sps, seq_parameter_set_rbsp)
    assert isinstance(error, CorruptStream) and message in str(error)
    assert str(error).startswith("(7.4.3.") and "(bit " in str(error)


@pytest.mark.parametrize(
    ("chroma_format_idc", "depth", "message"),
    [
        (2, 8, "chroma_format_idc = 2 (4:2:2)"),
        (3, 8, "chroma_format_idc = 3 (4:4:4)"),
        (1, 11, "bit_depth_luma = 11"),
        (1, 16, "bit_depth_luma = 16"),
    ],
)
def test_formats_beyond_version_1_are_unsupported(chroma_format_idc, depth, message):
    bits = BitWriter()
    bits.u(8, 1)
    bits.u(88, 0)
    bits.u(8, 93)
    for value in (0, chroma_format_idc):
        bits.ue(value)
    if chroma_format_idc == 3:
        bits.u(1, 0)
    for value in (64, 64):
        bits.ue(value)
    bits.u(1, 0)
    bits.ue(depth - 8)
    bits.rbsp_trailing_bits()
    with pytest.raises(Unsupported, match=r"^\(7\.4\.3\.2\)") as caught:
        read_rbsp(seq_parameter_set_rbsp, Sps(), bits.to_bytes())
    assert message in str(caught.value)


@pytest.mark.parametrize(("width", "height"), [(16896, 8), (8, 2**32 - 2), (8256, 8192), (2**32 - 2, 2**32 - 2)])
def test_picture_size_limit_comes_before_anything_else(monkeypatch, width, height):
    sps = Sps(pic_width_in_luma_samples=width, pic_height_in_luma_samples=height)
    assert isinstance(refused(monkeypatch, sps, seq_parameter_set_rbsp), LimitExceeded)


@pytest.mark.parametrize(
    "fields",
    [
        {"sps_range_extension_flag": 1, "implicit_rdpcm_enabled_flag": 1},
        {"sps_range_extension_flag": 1, "cabac_bypass_alignment_enabled_flag": 1},
        {"sps_scc_extension_flag": 1, "palette_mode_enabled_flag": 1},
        {"sps_scc_extension_flag": 1, "motion_vector_resolution_control_idc": 2},
        {"sps_scc_extension_flag": 1, "sps_3d_extension_flag": 1},
    ],
)
def test_tools_of_later_versions_are_unsupported(fields):
    with pytest.raises(Unsupported, match="not supported"):
        write_rbsp(seq_parameter_set_rbsp, Sps(sps_extension_present_flag=1, **fields))


def test_extensions_without_content_are_accepted():
    sps = Sps(sps_extension_present_flag=1, sps_range_extension_flag=1, sps_multilayer_extension_flag=1)
    sps.sps_scc_extension_flag, sps.sps_extension_4bits, sps.sps_extension_data = 1, 5, (13, 0x1234 >> 1)
    assert read_rbsp(seq_parameter_set_rbsp, Sps(), write_rbsp(seq_parameter_set_rbsp, sps)) == sps
    pps = Pps(pps_extension_present_flag=1, pps_range_extension_flag=1, pps_scc_extension_flag=1)
    pps.transform_skip_enabled_flag, pps.pps_extension_4bits, pps.pps_extension_data = 1, 8, (3, 0)
    assert read_rbsp(pic_parameter_set_rbsp, Pps(), write_rbsp(pic_parameter_set_rbsp, pps)) == pps
    pps.cross_component_prediction_enabled_flag = 1
    with pytest.raises(Unsupported):
        write_rbsp(pic_parameter_set_rbsp, pps)


PPS_FAULTS = [
    ({"pps_pic_parameter_set_id": 64}, "pps_pic_parameter_set_id = 64 is outside 0..63"),
    ({"pps_seq_parameter_set_id": 16}, "pps_seq_parameter_set_id = 16"),
    ({"num_ref_idx_l0_default_active_minus1": 15}, "num_ref_idx_l0_default_active_minus1 = 15"),
    ({"init_qp_minus26": 26}, "init_qp_minus26 = 26"),
    ({"init_qp_minus26": -39}, "init_qp_minus26 = -39"),
    ({"pps_cb_qp_offset": 13}, "pps_cb_qp_offset = 13 is outside -12..12"),
    ({"pps_cr_qp_offset": -13}, "pps_cr_qp_offset = -13"),
    ({"cu_qp_delta_enabled_flag": 1, "diff_cu_qp_delta_depth": 4}, "diff_cu_qp_delta_depth = 4"),
    ({"tiles_enabled_flag": 1}, "tiles_enabled_flag is 1 for a single tile"),
    ({"tiles_enabled_flag": 1, "num_tile_columns_minus1": 10**6}, "num_tile_columns_minus1 = 1000000"),
    ({"deblocking_filter_control_present_flag": 1, "pps_beta_offset_div2": 7}, "pps_beta_offset_div2 = 7"),
    ({"log2_parallel_merge_level_minus2": 5}, "log2_parallel_merge_level_minus2 = 5"),
]


@pytest.mark.parametrize(("fields", "message"), PPS_FAULTS)
def test_pps_out_of_range_is_corrupt(monkeypatch, fields, message):
    error = refused(monkeypatch, Pps(**fields), pic_parameter_set_rbsp)
    assert isinstance(error, CorruptStream) and str(error).startswith("(7.4.3.3)") and message in str(error)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"init_qp_minus26": -27}, "init_qp_minus26"),
        ({"diff_cu_qp_delta_depth": 3}, "diff_cu_qp_delta_depth = 3 is outside 0..2"),
        ({"log2_parallel_merge_level_minus2": 4}, "Log2ParMrgLevel = 6"),
        ({"num_tile_columns_minus1": 4}, "5x1 tiles"),
        ({"num_tile_rows_minus1": 3}, "1x4 tiles"),
        ({"num_tile_columns_minus1": 1, "uniform_spacing_flag": 0, "column_width_minus1": [3]}, "leave nothing"),
        ({"num_tile_rows_minus1": 1, "uniform_spacing_flag": 0, "row_height_minus1": [9]}, "leave nothing"),
    ],
)
def test_pps_that_does_not_fit_its_sps(fields, message):
    sps = Sps(log2_diff_max_min_luma_coding_block_size=2, pic_width_in_luma_samples=128, pic_height_in_luma_samples=96)
    check_pps(Pps(num_tile_columns_minus1=3, num_tile_rows_minus1=2, log2_parallel_merge_level_minus2=3), sps)
    check_pps(Pps(num_tile_columns_minus1=1, uniform_spacing_flag=0, column_width_minus1=[2]), sps)
    with pytest.raises(CorruptStream, match=r"^\(7\.4\.3\.3\)") as caught:
        check_pps(Pps(**fields), sps)
    assert message in str(caught.value)


def test_vps_counts_are_bounded(monkeypatch):
    vps = Vps(vps_timing_info_present_flag=1, vps_num_hrd_parameters=3)
    vps.hrd_layer_set_idx, vps.cprms_present_flag = [0] * 3, [1] * 3
    vps.hrd = [HrdParameters(sub_layers=[HrdSubLayer()]) for _ in range(3)]
    error = refused(monkeypatch, vps, video_parameter_set_rbsp)
    assert "vps_num_hrd_parameters = 3 is outside 0..1" in str(error)
    vps.vps_num_hrd_parameters, layer = 1, vps.hrd[0].sub_layers[0]
    vps.hrd[0].nal_hrd_parameters_present_flag, layer.cpb_cnt_minus1 = 1, 32
    for name in ("bit_rate_value_minus1", "cpb_size_value_minus1", "cbr_flag"):
        setattr(layer.nal, name, [0] * 33)
    assert "cpb_cnt_minus1 = 32 is outside 0..31" in str(refused(monkeypatch, vps, video_parameter_set_rbsp))


def test_sub_layer_ordering_is_repeated_when_sent_once():
    sps = Sps(sps_max_sub_layers_minus1=2, sps_sub_layer_ordering_info_present_flag=0)
    sps.profile_tier_level.sub_layers = [type(sps.profile_tier_level.general)() for _ in range(2)]
    sps.sub_layer_ordering = [SubLayerOrdering(4, 2, 1)] * 3
    again = read_rbsp(seq_parameter_set_rbsp, Sps(), write_rbsp(seq_parameter_set_rbsp, sps))
    assert again.sub_layer_ordering == [SubLayerOrdering(4, 2, 1)] * 3


def test_still_picture_profile_is_compatible_with_main():
    ptl = profile_of(PROFILE_MAIN_STILL_PICTURE, 120)
    assert ptl.general.profile_compatibility_flags == 0b111 << 28 and ptl.general.level_idc == 120


def test_conformance_window_is_in_chroma_units():
    sps = Sps(pic_width_in_luma_samples=72, conf_win_left_offset=1, conf_win_right_offset=2, conf_win_bottom_offset=3)
    assert sps.output_window == (2, 0, 66, 58)
    sps.chroma_format_idc = 0
    assert sps.output_window == (1, 0, 69, 61)


def test_wrong_use_of_the_serdes_is_noticed():
    sps = Sps(vui_parameters_present_flag=1, vui=Vui(aspect_ratio_info_present_flag=1, aspect_ratio_idc=256))
    with pytest.raises(CodecError, match=r"^\(E\.3\.1\) aspect_ratio_idc = 256 is outside 0\.\.255") as caught:
        write_rbsp(seq_parameter_set_rbsp, sps)
    assert not isinstance(caught.value, CorruptStream)
    with pytest.raises(ValueError, match="is read when it has"):
        Reader(b"\xff").flag(Sps(lt_ref_pic_poc_lsb_sps=[1]), "lt_ref_pic_poc_lsb_sps", 0)
