"""From an EncoderConfig to VPS, SPS and PPS (7.4.3)."""

from codec.h265.config import SCALING_FILE, SCALING_OFF
from codec.h265.encoder.plan.reference_sets import code_sets
from codec.h265.encoder.plan.scaling_file import read_scaling_file
from codec.h265.levels import general_level_idc
from codec.h265.syntax.pps import Pps
from codec.h265.syntax.profile_tier_level import Profile, ProfileTierLevel, profile_of
from codec.h265.syntax.sps import Sps
from codec.h265.syntax.vps import SubLayerOrdering, Vps
from codec.h265.syntax.vui import Vui
from codec.h265.tools.extension import ToolExtension

_PROFILE_IDC = {"main": 1, "main10": 2, "main-still-picture": 3}
_FORMAT_RANGE_EXTENSIONS = 4
_RESERVED_PROFILE = 31  # of streams with CNN tools: no profile of H.265
# (A.3.5) general_max_12bit, 10bit, 8bit, 422chroma, 420chroma, monochrome, intra, one_picture_only, lower_bit_rate
_MONOCHROME_FLAGS = {"monochrome": "111111001", "monochrome10": "110111001"}


def _profile_tier_level(config, structure):
    """(7.3.3) For the whole sequence; its temporal layers say nothing of their own."""
    ptl = _general_profile(config, general_level_idc(config, structure.dpb_pictures))
    ptl.sub_layers = [Profile() for _ in structure.ordering[1:]]
    return ptl


def _general_profile(config, level):
    tier = int(config.Tier == "high")
    if config.uses_cnn_tools:
        profile = Profile(profile_idc=_RESERVED_PROFILE, profile_compatibility_flags=1, level_idc=level, tier_flag=tier)
        return ProfileTierLevel(profile)
    if config.Profile in _PROFILE_IDC:
        return profile_of(_PROFILE_IDC[config.Profile], level, tier)
    if config.Profile in _MONOCHROME_FLAGS:
        flags = int(_MONOCHROME_FLAGS[config.Profile].ljust(44, "0"), 2)
        compatibility = 1 << (31 - _FORMAT_RANGE_EXTENSIONS)
        return ProfileTierLevel(
            Profile(
                profile_idc=_FORMAT_RANGE_EXTENSIONS,
                profile_compatibility_flags=compatibility,
                reserved_zero_44bits=flags,
                level_idc=level,
                tier_flag=tier,
            )
        )
    return ProfileTierLevel(Profile(profile_idc=0, profile_compatibility_flags=0, level_idc=level, tier_flag=tier))


def _sub_layer_ordering(structure):
    return [
        SubLayerOrdering(max_dec_pic_buffering_minus1=pictures - 1, max_num_reorder_pics=reordered)
        for pictures, reordered in structure.ordering
    ]


def make_vps(config, structure):
    """(7.3.2.1) The video parameter set."""
    return Vps(
        vps_max_sub_layers_minus1=len(structure.ordering) - 1,
        vps_temporal_id_nesting_flag=int(structure.nested),
        profile_tier_level=_profile_tier_level(config, structure),
        sub_layer_ordering=_sub_layer_ordering(structure),
    )


def _log2_max_pic_order_cnt_lsb(config, structure):
    """(8.3.1) Enough bits to tell the POCs of the buffer and of the preceding picture apart."""
    return 8 if config.IntraPeriod == 1 else max(4, structure.farthest.bit_length() + 1)


def make_sps(config, structure, tools=()):
    """(7.3.2.2) The sequence parameter set; tools: (Tool, its Sequence) of those beyond H.265 that are on."""
    width, height = config.coded_size
    sps = Sps(
        sps_max_sub_layers_minus1=len(structure.ordering) - 1,
        sps_temporal_id_nesting_flag=int(structure.nested),
        profile_tier_level=_profile_tier_level(config, structure),
        chroma_format_idc=config.chroma_format_idc,
        pic_width_in_luma_samples=width,
        pic_height_in_luma_samples=height,
        bit_depth_luma_minus8=config.InternalBitDepth - 8,
        bit_depth_chroma_minus8=config.InternalBitDepth - 8,
        log2_max_pic_order_cnt_lsb_minus4=_log2_max_pic_order_cnt_lsb(config, structure) - 4,
        sub_layer_ordering=_sub_layer_ordering(structure),
        log2_min_luma_coding_block_size_minus3=config.log2_min_cb_size - 3,
        log2_diff_max_min_luma_coding_block_size=config.log2_ctb_size - config.log2_min_cb_size,
        log2_min_luma_transform_block_size_minus2=config.QuadtreeTULog2MinSize - 2,
        log2_diff_max_min_luma_transform_block_size=config.QuadtreeTULog2MaxSize - config.QuadtreeTULog2MinSize,
        max_transform_hierarchy_depth_inter=config.QuadtreeTUMaxDepthInter - 1,
        max_transform_hierarchy_depth_intra=config.QuadtreeTUMaxDepthIntra - 1,
        scaling_list_enabled_flag=int(config.ScalingList != SCALING_OFF),
        amp_enabled_flag=int(config.AMP),
        sample_adaptive_offset_enabled_flag=int(config.SAO),
        sps_temporal_mvp_enabled_flag=int(config.IntraPeriod != 1 and config.TMVPMode),
        strong_intra_smoothing_enabled_flag=int(config.StrongIntraSmoothing),
    )
    code_sets(sps, structure.rps)
    _set_window(sps, config)
    if config.ScalingList == SCALING_FILE:
        sps.sps_scaling_list_data_present_flag = 1
        sps.scaling_list_data = read_scaling_file(config.ScalingListFile)
    if config.PCMEnabledFlag:
        _set_pcm(sps, config)
    if config.VuiParametersPresent:
        sps.vui_parameters_present_flag, sps.vui = 1, _make_vui(config)
    if tools:
        sps.sps_extension_present_flag = sps.sps_extension_4bits = 1
        sps.tools = ToolExtension()
    for tool, record in tools:
        sps.tools.switch_on(tool, record)
    return sps


def _set_window(sps, config):
    """(7.4.3.2) The conformance window hides what pads the source to whole minimum coding blocks."""
    sub_width, sub_height = sps.chroma_subsampling
    sps.conf_win_right_offset = (sps.pic_width_in_luma_samples - config.SourceWidth) // sub_width
    sps.conf_win_bottom_offset = (sps.pic_height_in_luma_samples - config.SourceHeight) // sub_height
    sps.conformance_window_flag = int(bool(sps.conf_win_right_offset or sps.conf_win_bottom_offset))


def _set_pcm(sps, config):
    depth = config.InputBitDepth if config.PCMInputBitDepthFlag else config.InternalBitDepth
    depth = min(depth, config.InternalBitDepth)
    sps.pcm_enabled_flag = 1
    sps.pcm_sample_bit_depth_luma_minus1 = sps.pcm_sample_bit_depth_chroma_minus1 = depth - 1
    largest = min(config.PCMLog2MaxSize, config.log2_ctb_size, 5)
    smallest = max(config.PCMLog2MinSize, min(config.log2_min_cb_size, 5))
    sps.log2_min_pcm_luma_coding_block_size_minus3 = smallest - 3
    sps.log2_diff_max_min_pcm_luma_coding_block_size = max(largest, smallest) - smallest
    sps.pcm_loop_filter_disabled_flag = int(config.PCMFilterDisableFlag)


def _make_vui(config):
    return Vui(
        aspect_ratio_info_present_flag=int(config.AspectRatioInfoPresent),
        aspect_ratio_idc=config.AspectRatioIdc,
        sar_width=config.SarWidth,
        sar_height=config.SarHeight,
        video_signal_type_present_flag=int(config.VideoSignalTypePresent),
        video_format=config.VideoFormat,
        video_full_range_flag=int(config.VideoFullRange),
        colour_description_present_flag=int(config.ColourDescriptionPresent),
        colour_primaries=config.ColourPrimaries,
        transfer_characteristics=config.TransferCharacteristics,
        matrix_coeffs=config.MatrixCoefficients,
        chroma_loc_info_present_flag=int(config.ChromaLocInfoPresent),
        chroma_sample_loc_type_top_field=config.ChromaSampleLocTypeTopField,
        chroma_sample_loc_type_bottom_field=config.ChromaSampleLocTypeBottomField,
        vui_timing_info_present_flag=1,
        vui_num_units_in_tick=config.FrameRate.denominator,
        vui_time_scale=config.FrameRate.numerator,
    )


def make_pps(config, structure):
    """(7.3.2.3) The picture parameter set."""
    tiles = config.NumTileColumnsMinus1 > 0 or config.NumTileRowsMinus1 > 0
    offsets = config.LoopFilterBetaOffset_div2, config.LoopFilterTcOffset_div2
    of_rows = [] if config.IntraPeriod == 1 else config.GOP
    in_slices = not config.LoopFilterOffsetInPPS and (
        any(offsets) or any(entry.beta_offset_div2 or entry.tc_offset_div2 for entry in of_rows)
    )
    beta, tc = (0, 0) if in_slices else offsets
    return Pps(
        sign_data_hiding_enabled_flag=int(config.SignHideFlag),
        num_ref_idx_l0_default_active_minus1=structure.num_active[0] - 1,
        num_ref_idx_l1_default_active_minus1=structure.num_active[1] - 1,
        init_qp_minus26=max(structure.init_qp, -(26 + 6 * (config.InternalBitDepth - 8))) - 26,
        constrained_intra_pred_flag=int(config.ConstrainedIntraPred),
        transform_skip_enabled_flag=int(config.TransformSkip),
        cu_qp_delta_enabled_flag=int(config.MaxDeltaQP > 0 or config.AdaptiveQP or config.controls_ctus),
        diff_cu_qp_delta_depth=config.MaxCuDQPDepth,
        pps_cb_qp_offset=config.CbQpOffset,
        pps_cr_qp_offset=config.CrQpOffset,
        weighted_pred_flag=int(config.IntraPeriod != 1 and config.WeightedPredP),
        weighted_bipred_flag=int(config.IntraPeriod != 1 and config.WeightedPredB),
        pps_slice_chroma_qp_offsets_present_flag=int(
            any(entry.cb_qp_offset or entry.cr_qp_offset for entry in of_rows)
        ),
        transquant_bypass_enabled_flag=int(config.TransquantBypassEnable or config.CUTransquantBypassFlagForce),
        tiles_enabled_flag=int(tiles),
        entropy_coding_sync_enabled_flag=int(config.WaveFrontSynchro),
        num_tile_columns_minus1=config.NumTileColumnsMinus1,
        num_tile_rows_minus1=config.NumTileRowsMinus1,
        uniform_spacing_flag=int(config.TileUniformSpacing),
        column_width_minus1=[width - 1 for width in config.tile_columns[:-1]],
        row_height_minus1=[height - 1 for height in config.tile_rows[:-1]],
        loop_filter_across_tiles_enabled_flag=int(config.LFCrossTileBoundaryFlag),
        pps_loop_filter_across_slices_enabled_flag=int(config.LFCrossSliceBoundaryFlag),
        deblocking_filter_control_present_flag=int(config.LoopFilterDisable or any(offsets) or in_slices),
        deblocking_filter_override_enabled_flag=int(in_slices),
        pps_deblocking_filter_disabled_flag=int(config.LoopFilterDisable),
        pps_beta_offset_div2=beta,
        pps_tc_offset_div2=tc,
        log2_parallel_merge_level_minus2=0 if config.IntraPeriod == 1 else config.Log2ParallelMergeLevel - 2,
    )
