"""Picture parameter set (7.3.2.3)."""

from dataclasses import dataclass, field

from codec.base import limits
from codec.base.errors import CorruptStream
from codec.base.serdes import Reader, structure
from codec.h265.syntax.scaling_list import ScalingListData, scaling_list_data
from codec.h265.syntax.sps import MAX_BIT_DEPTH, refuse_tool

_MAX_TILES_PER_SIDE = limits.MAX_PICTURE_SIDE >> 4
_LOWEST_INIT_QP_MINUS26 = -(26 + 6 * (MAX_BIT_DEPTH - 8))


@dataclass
class Pps:
    """pic_parameter_set_rbsp()"""

    pps_pic_parameter_set_id: int = 0
    pps_seq_parameter_set_id: int = 0
    dependent_slice_segments_enabled_flag: int = 0
    output_flag_present_flag: int = 0
    num_extra_slice_header_bits: int = 0
    sign_data_hiding_enabled_flag: int = 0
    cabac_init_present_flag: int = 0
    num_ref_idx_l0_default_active_minus1: int = 0
    num_ref_idx_l1_default_active_minus1: int = 0
    init_qp_minus26: int = 0
    constrained_intra_pred_flag: int = 0
    transform_skip_enabled_flag: int = 0
    cu_qp_delta_enabled_flag: int = 0
    diff_cu_qp_delta_depth: int = 0
    pps_cb_qp_offset: int = 0
    pps_cr_qp_offset: int = 0
    pps_slice_chroma_qp_offsets_present_flag: int = 0
    weighted_pred_flag: int = 0
    weighted_bipred_flag: int = 0
    transquant_bypass_enabled_flag: int = 0
    tiles_enabled_flag: int = 0
    entropy_coding_sync_enabled_flag: int = 0
    num_tile_columns_minus1: int = 0
    num_tile_rows_minus1: int = 0
    uniform_spacing_flag: int = 1
    column_width_minus1: list = field(default_factory=list)
    row_height_minus1: list = field(default_factory=list)
    loop_filter_across_tiles_enabled_flag: int = 1
    pps_loop_filter_across_slices_enabled_flag: int = 0
    deblocking_filter_control_present_flag: int = 0
    deblocking_filter_override_enabled_flag: int = 0
    pps_deblocking_filter_disabled_flag: int = 0
    pps_beta_offset_div2: int = 0
    pps_tc_offset_div2: int = 0
    pps_scaling_list_data_present_flag: int = 0
    scaling_list_data: ScalingListData = field(default_factory=ScalingListData)
    lists_modification_present_flag: int = 0
    log2_parallel_merge_level_minus2: int = 0
    slice_segment_header_extension_present_flag: int = 0
    pps_extension_present_flag: int = 0
    pps_range_extension_flag: int = 0
    pps_multilayer_extension_flag: int = 0
    pps_3d_extension_flag: int = 0
    pps_scc_extension_flag: int = 0
    pps_extension_4bits: int = 0
    log2_max_transform_skip_block_size_minus2: int = 0
    cross_component_prediction_enabled_flag: int = 0
    chroma_qp_offset_list_enabled_flag: int = 0
    log2_sao_offset_scale_luma: int = 0
    log2_sao_offset_scale_chroma: int = 0
    pps_curr_pic_ref_enabled_flag: int = 0
    residual_adaptive_colour_transform_enabled_flag: int = 0
    pps_palette_predictor_initializers_present_flag: int = 0
    pps_extension_data: tuple = (0, 0)  # behind the parsed extensions: number of bits, bits


@structure("7.4.3.3")
def pic_parameter_set_rbsp(s, pps):
    """(7.3.2.3) pic_parameter_set_rbsp(). What depends on the SPS is checked at activation, by check_pps."""
    s.ue(pps, "pps_pic_parameter_set_id", hi=63)
    s.ue(pps, "pps_seq_parameter_set_id", hi=15)
    s.flag(pps, "dependent_slice_segments_enabled_flag")
    s.flag(pps, "output_flag_present_flag")
    s.u(pps, "num_extra_slice_header_bits", 3)
    s.flag(pps, "sign_data_hiding_enabled_flag")
    s.flag(pps, "cabac_init_present_flag")
    s.ue(pps, "num_ref_idx_l0_default_active_minus1", hi=14)
    s.ue(pps, "num_ref_idx_l1_default_active_minus1", hi=14)
    s.se(pps, "init_qp_minus26", lo=_LOWEST_INIT_QP_MINUS26, hi=25)
    s.flag(pps, "constrained_intra_pred_flag")
    s.flag(pps, "transform_skip_enabled_flag")
    s.flag(pps, "cu_qp_delta_enabled_flag")
    if pps.cu_qp_delta_enabled_flag:
        s.ue(pps, "diff_cu_qp_delta_depth", hi=3)
    s.se(pps, "pps_cb_qp_offset", lo=-12, hi=12)
    s.se(pps, "pps_cr_qp_offset", lo=-12, hi=12)
    s.flag(pps, "pps_slice_chroma_qp_offsets_present_flag")
    s.flag(pps, "weighted_pred_flag")
    s.flag(pps, "weighted_bipred_flag")
    s.flag(pps, "transquant_bypass_enabled_flag")
    s.flag(pps, "tiles_enabled_flag")
    s.flag(pps, "entropy_coding_sync_enabled_flag")
    if pps.tiles_enabled_flag:
        _tiles(s, pps)
    s.flag(pps, "pps_loop_filter_across_slices_enabled_flag")
    _deblocking_control(s, pps)
    s.flag(pps, "pps_scaling_list_data_present_flag")
    if pps.pps_scaling_list_data_present_flag:
        scaling_list_data(s, pps.scaling_list_data)
    s.flag(pps, "lists_modification_present_flag")
    s.ue(pps, "log2_parallel_merge_level_minus2", hi=4)
    s.flag(pps, "slice_segment_header_extension_present_flag")
    s.flag(pps, "pps_extension_present_flag")
    if pps.pps_extension_present_flag:
        pps_extension(s, pps)
    s.rbsp_trailing_bits()


def read_pps_id(rbsp):
    """pps_pic_parameter_set_id of an RBSP, without a look at what follows it."""
    s, pps = Reader(rbsp), Pps()
    s.clause = "7.4.3.3"
    return s.ue(pps, "pps_pic_parameter_set_id", hi=63)


def _tiles(s, pps):
    s.ue(pps, "num_tile_columns_minus1", hi=_MAX_TILES_PER_SIDE - 1)
    s.ue(pps, "num_tile_rows_minus1", hi=_MAX_TILES_PER_SIDE - 1)
    s.check(pps.num_tile_columns_minus1 or pps.num_tile_rows_minus1, "tiles_enabled_flag is 1 for a single tile")
    s.flag(pps, "uniform_spacing_flag")
    if not pps.uniform_spacing_flag:
        for i in range(pps.num_tile_columns_minus1):
            s.ue(pps, "column_width_minus1", i, hi=_MAX_TILES_PER_SIDE - 1)
        for i in range(pps.num_tile_rows_minus1):
            s.ue(pps, "row_height_minus1", i, hi=_MAX_TILES_PER_SIDE - 1)
    s.flag(pps, "loop_filter_across_tiles_enabled_flag")


def _deblocking_control(s, pps):
    s.flag(pps, "deblocking_filter_control_present_flag")
    if pps.deblocking_filter_control_present_flag:
        s.flag(pps, "deblocking_filter_override_enabled_flag")
        s.flag(pps, "pps_deblocking_filter_disabled_flag")
        if not pps.pps_deblocking_filter_disabled_flag:
            s.se(pps, "pps_beta_offset_div2", lo=-6, hi=6)
            s.se(pps, "pps_tc_offset_div2", lo=-6, hi=6)


def pps_extension(s, pps):
    """(7.3.2.3) Everything behind pps_extension_present_flag; tools of later versions are Unsupported."""
    s.flag(pps, "pps_range_extension_flag")
    s.flag(pps, "pps_multilayer_extension_flag")
    s.flag(pps, "pps_3d_extension_flag")
    s.flag(pps, "pps_scc_extension_flag")
    s.u(pps, "pps_extension_4bits", 4)
    if pps.pps_range_extension_flag:
        _range_extension(s, pps)
    if pps.pps_multilayer_extension_flag or pps.pps_3d_extension_flag:
        # of no effect on the base layer, the only one decoded: kept unparsed, with all that follows
        refuse_tool(s, pps, "pps_scc_extension_flag")
        s.remaining_bits(pps, "pps_extension_data")
        return
    if pps.pps_scc_extension_flag:
        for name in (
            "pps_curr_pic_ref_enabled_flag",
            "residual_adaptive_colour_transform_enabled_flag",
            "pps_palette_predictor_initializers_present_flag",
        ):
            s.flag(pps, name)
            refuse_tool(s, pps, name)
    if pps.pps_extension_4bits:
        s.remaining_bits(pps, "pps_extension_data")


def _range_extension(s, pps):
    if pps.transform_skip_enabled_flag:
        s.ue(pps, "log2_max_transform_skip_block_size_minus2", hi=3)
        refuse_tool(s, pps, "log2_max_transform_skip_block_size_minus2")
    for name in ("cross_component_prediction_enabled_flag", "chroma_qp_offset_list_enabled_flag"):
        s.flag(pps, name)
        refuse_tool(s, pps, name)
    for name in ("log2_sao_offset_scale_luma", "log2_sao_offset_scale_chroma"):
        s.ue(pps, name, hi=max(0, MAX_BIT_DEPTH - 10))


def check_pps(pps, sps):
    """(7.4.3.3) The ranges that depend on the SPS a PPS refers to; raises CorruptStream."""
    columns, rows = pps.num_tile_columns_minus1 + 1, pps.num_tile_rows_minus1 + 1
    width, height = sps.pic_width_in_ctbs_y, sps.pic_height_in_ctbs_y
    log2_parallel_merge_level = pps.log2_parallel_merge_level_minus2 + 2
    highest_depth = sps.log2_diff_max_min_luma_coding_block_size
    rules = [
        (pps.init_qp_minus26 >= -(26 + sps.qp_bd_offset_y), f"init_qp_minus26 = {pps.init_qp_minus26} is too low"),
        (
            pps.diff_cu_qp_delta_depth <= highest_depth,
            f"diff_cu_qp_delta_depth = {pps.diff_cu_qp_delta_depth} is outside 0..{highest_depth}",
        ),
        (
            log2_parallel_merge_level <= sps.ctb_log2_size_y,
            f"Log2ParMrgLevel = {log2_parallel_merge_level} is above CtbLog2SizeY = {sps.ctb_log2_size_y}",
        ),
        (columns <= width and rows <= height, f"{columns}x{rows} tiles do not fit into {width}x{height} CTBs"),
    ]
    if not pps.uniform_spacing_flag:
        used_width = sum(pps.column_width_minus1) + columns - 1
        used_height = sum(pps.row_height_minus1) + rows - 1
        fits = used_width < width and used_height < height
        rules.append((fits, f"tiles of {used_width}x{used_height} CTBs leave nothing of {width}x{height} for the last"))
    for holds, message in rules:
        if not holds:
            raise CorruptStream(f"(7.4.3.3) {message} (PPS {pps.pps_pic_parameter_set_id})")
