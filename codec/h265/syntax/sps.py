"""Sequence parameter set (7.3.2.2)."""

from dataclasses import dataclass, field

from codec.base import limits
from codec.base.errors import CorruptStream, Unsupported
from codec.base.io.matrices import Colour
from codec.base.serdes import Reader, structure
from codec.h265.syntax.profile_tier_level import ProfileTierLevel, profile_tier_level
from codec.h265.syntax.scaling_list import ScalingListData, scaling_list_data
from codec.h265.syntax.short_term_rps import ShortTermRps, st_ref_pic_set
from codec.h265.syntax.vps import SubLayerOrdering, sub_layer_ordering_info
from codec.h265.syntax.vui import Vui, vui_parameters
from codec.h265.tools.extension import TOOLS_SIGNATURE, ToolExtension, sps_tool_extension

MAX_BIT_DEPTH = 10
_CHROMA_FORMATS = ("4:0:0", "4:2:0", "4:2:2", "4:4:4")
# (table E.5) the others are reserved, and say nothing
_KNOWN_MATRICES = (0, 1, 2, *range(4, 15))
_RANGE_EXTENSION_FLAGS = (
    "transform_skip_rotation_enabled_flag",
    "transform_skip_context_enabled_flag",
    "implicit_rdpcm_enabled_flag",
    "explicit_rdpcm_enabled_flag",
    "extended_precision_processing_flag",
    "intra_smoothing_disabled_flag",
    "high_precision_offsets_enabled_flag",
    "persistent_rice_adaptation_enabled_flag",
    "cabac_bypass_alignment_enabled_flag",
)


@dataclass
class Sps:
    """seq_parameter_set_rbsp(). The defaults describe an intra-only 8 bit 4:2:0 sequence with 64x64 CTUs."""

    sps_video_parameter_set_id: int = 0
    sps_max_sub_layers_minus1: int = 0
    sps_temporal_id_nesting_flag: int = 1
    profile_tier_level: ProfileTierLevel = field(default_factory=ProfileTierLevel)
    sps_seq_parameter_set_id: int = 0
    chroma_format_idc: int = 1
    separate_colour_plane_flag: int = 0
    pic_width_in_luma_samples: int = 64
    pic_height_in_luma_samples: int = 64
    conformance_window_flag: int = 0
    conf_win_left_offset: int = 0
    conf_win_right_offset: int = 0
    conf_win_top_offset: int = 0
    conf_win_bottom_offset: int = 0
    bit_depth_luma_minus8: int = 0
    bit_depth_chroma_minus8: int = 0
    log2_max_pic_order_cnt_lsb_minus4: int = 4
    sps_sub_layer_ordering_info_present_flag: int = 1
    sub_layer_ordering: list = field(default_factory=lambda: [SubLayerOrdering()])
    log2_min_luma_coding_block_size_minus3: int = 0
    log2_diff_max_min_luma_coding_block_size: int = 3
    log2_min_luma_transform_block_size_minus2: int = 0
    log2_diff_max_min_luma_transform_block_size: int = 3
    max_transform_hierarchy_depth_inter: int = 2
    max_transform_hierarchy_depth_intra: int = 2
    scaling_list_enabled_flag: int = 0
    sps_scaling_list_data_present_flag: int = 0
    scaling_list_data: ScalingListData = field(default_factory=ScalingListData)
    amp_enabled_flag: int = 0
    sample_adaptive_offset_enabled_flag: int = 0
    pcm_enabled_flag: int = 0
    pcm_sample_bit_depth_luma_minus1: int = 7
    pcm_sample_bit_depth_chroma_minus1: int = 7
    log2_min_pcm_luma_coding_block_size_minus3: int = 0
    log2_diff_max_min_pcm_luma_coding_block_size: int = 2
    pcm_loop_filter_disabled_flag: int = 0
    num_short_term_ref_pic_sets: int = 0
    short_term_ref_pic_sets: list = field(default_factory=list)
    long_term_ref_pics_present_flag: int = 0
    num_long_term_ref_pics_sps: int = 0
    lt_ref_pic_poc_lsb_sps: list = field(default_factory=list)
    used_by_curr_pic_lt_sps_flag: list = field(default_factory=list)
    sps_temporal_mvp_enabled_flag: int = 0
    strong_intra_smoothing_enabled_flag: int = 0
    vui_parameters_present_flag: int = 0
    vui: Vui = field(default_factory=Vui)
    sps_extension_present_flag: int = 0
    sps_range_extension_flag: int = 0
    sps_multilayer_extension_flag: int = 0
    sps_3d_extension_flag: int = 0
    sps_scc_extension_flag: int = 0
    sps_extension_4bits: int = 0
    transform_skip_rotation_enabled_flag: int = 0
    transform_skip_context_enabled_flag: int = 0
    implicit_rdpcm_enabled_flag: int = 0
    explicit_rdpcm_enabled_flag: int = 0
    extended_precision_processing_flag: int = 0
    intra_smoothing_disabled_flag: int = 0
    high_precision_offsets_enabled_flag: int = 0
    persistent_rice_adaptation_enabled_flag: int = 0
    cabac_bypass_alignment_enabled_flag: int = 0
    inter_view_mv_vert_constraint_flag: int = 0
    sps_curr_pic_ref_enabled_flag: int = 0
    palette_mode_enabled_flag: int = 0
    motion_vector_resolution_control_idc: int = 0
    intra_boundary_filtering_disabled_flag: int = 0
    tools: ToolExtension | None = None  # CNN tools (docs/BITSTREAM.md)
    sps_extension_data: tuple = (0, 0)  # behind the parsed extensions: number of bits, bits

    @property
    def min_cb_log2_size_y(self):
        """MinCbLog2SizeY (7-10)"""
        return self.log2_min_luma_coding_block_size_minus3 + 3

    @property
    def ctb_log2_size_y(self):
        """CtbLog2SizeY (7-11)"""
        return self.min_cb_log2_size_y + self.log2_diff_max_min_luma_coding_block_size

    @property
    def min_tb_log2_size_y(self):
        """MinTbLog2SizeY"""
        return self.log2_min_luma_transform_block_size_minus2 + 2

    @property
    def max_tb_log2_size_y(self):
        """MaxTbLog2SizeY"""
        return self.min_tb_log2_size_y + self.log2_diff_max_min_luma_transform_block_size

    @property
    def log2_min_ipcm_cb_size_y(self):
        """Log2MinIpcmCbSizeY"""
        return self.log2_min_pcm_luma_coding_block_size_minus3 + 3

    @property
    def log2_max_ipcm_cb_size_y(self):
        """Log2MaxIpcmCbSizeY"""
        return self.log2_min_ipcm_cb_size_y + self.log2_diff_max_min_pcm_luma_coding_block_size

    @property
    def pic_width_in_ctbs_y(self):
        """PicWidthInCtbsY (7-15)"""
        return -(-self.pic_width_in_luma_samples >> self.ctb_log2_size_y)

    @property
    def pic_height_in_ctbs_y(self):
        """PicHeightInCtbsY (7-17)"""
        return -(-self.pic_height_in_luma_samples >> self.ctb_log2_size_y)

    @property
    def pic_size_in_ctbs_y(self):
        """PicSizeInCtbsY (7-19)"""
        return self.pic_width_in_ctbs_y * self.pic_height_in_ctbs_y

    @property
    def bit_depth_y(self):
        """BitDepthY (7-4)"""
        return self.bit_depth_luma_minus8 + 8

    @property
    def bit_depth_c(self):
        """BitDepthC (7-6)"""
        return self.bit_depth_chroma_minus8 + 8

    @property
    def qp_bd_offset_y(self):
        """QpBdOffsetY (7-5)"""
        return 6 * self.bit_depth_luma_minus8

    @property
    def chroma_array_type(self):
        """ChromaArrayType (7.4.3.2)"""
        return 0 if self.separate_colour_plane_flag else self.chroma_format_idc

    @property
    def log2_max_pic_order_cnt_lsb(self):
        """The number of bits of slice_pic_order_cnt_lsb."""
        return self.log2_max_pic_order_cnt_lsb_minus4 + 4

    @property
    def chroma_subsampling(self):
        """(SubWidthC, SubHeightC) (table 6-1)"""
        return (2, 2) if self.chroma_format_idc == 1 else (1, 1)

    @property
    def output_window(self):
        """(left, top, width, height) of the conformance window, in luma samples (7.4.3.2)."""
        sub_width, sub_height = self.chroma_subsampling
        left, top = sub_width * self.conf_win_left_offset, sub_height * self.conf_win_top_offset
        width = self.pic_width_in_luma_samples - left - sub_width * self.conf_win_right_offset
        height = self.pic_height_in_luma_samples - top - sub_height * self.conf_win_bottom_offset
        return left, top, width, height

    @property
    def colour(self):
        """(E.3.1) How samples stand for RGB."""
        vui = self.vui
        if not (self.vui_parameters_present_flag and vui.video_signal_type_present_flag):
            return Colour()
        is_told = vui.colour_description_present_flag and vui.matrix_coeffs in _KNOWN_MATRICES
        return Colour(vui.matrix_coeffs if is_told else Vui().matrix_coeffs, bool(vui.video_full_range_flag))


@structure("7.4.3.2")
def seq_parameter_set_rbsp(s, sps):
    """(7.3.2.2) seq_parameter_set_rbsp()"""
    _up_to_id(s, sps)
    _picture_format(s, sps)
    s.ue(sps, "log2_max_pic_order_cnt_lsb_minus4", hi=12)
    s.flag(sps, "sps_sub_layer_ordering_info_present_flag")
    present = sps.sps_sub_layer_ordering_info_present_flag
    sub_layer_ordering_info(s, sps.sub_layer_ordering, present, sps.sps_max_sub_layers_minus1)
    _block_sizes(s, sps)
    s.flag(sps, "scaling_list_enabled_flag")
    if sps.scaling_list_enabled_flag:
        s.flag(sps, "sps_scaling_list_data_present_flag")
        if sps.sps_scaling_list_data_present_flag:
            scaling_list_data(s, sps.scaling_list_data)
    s.flag(sps, "amp_enabled_flag")
    s.flag(sps, "sample_adaptive_offset_enabled_flag")
    s.flag(sps, "pcm_enabled_flag")
    if sps.pcm_enabled_flag:
        _pcm(s, sps)
    _reference_pictures(s, sps)
    s.flag(sps, "sps_temporal_mvp_enabled_flag")
    s.flag(sps, "strong_intra_smoothing_enabled_flag")
    s.flag(sps, "vui_parameters_present_flag")
    if not sps.vui_parameters_present_flag:
        _end(s, sps)
        return
    try:
        vui_parameters(s, s.nested(sps, "vui", Vui), sps.sps_max_sub_layers_minus1)
        _end(s, sps)
    except CorruptStream:
        # a VUI that is cut off or misread: all of it is advisory, and where an extension would begin nobody knows
        if sps.tools:
            raise


def _end(s, sps):
    s.flag(sps, "sps_extension_present_flag")
    if sps.sps_extension_present_flag:
        sps_extension(s, sps)
    s.rbsp_trailing_bits()


@structure("7.4.3.2")
def _up_to_id(s, sps):
    s.u(sps, "sps_video_parameter_set_id", 4)
    s.u(sps, "sps_max_sub_layers_minus1", 3, hi=6)
    s.flag(sps, "sps_temporal_id_nesting_flag")
    profile_tier_level(s, sps.profile_tier_level, sps.sps_max_sub_layers_minus1)
    s.ue(sps, "sps_seq_parameter_set_id", hi=15)


def read_sps_id(rbsp):
    """sps_seq_parameter_set_id of an RBSP, without a look at what follows it."""
    sps = Sps()
    _up_to_id(Reader(rbsp), sps)
    return sps.sps_seq_parameter_set_id


def _picture_format(s, sps):
    s.ue(sps, "chroma_format_idc", hi=3)
    if sps.chroma_format_idc == 3:
        s.flag(sps, "separate_colour_plane_flag")
    if sps.chroma_format_idc > 1:
        raise Unsupported(
            f"({s.clause}) chroma_format_idc = {sps.chroma_format_idc} ({_CHROMA_FORMATS[sps.chroma_format_idc]}) "
            "is not supported; 4:0:0 and 4:2:0 are"
        )
    s.ue(sps, "pic_width_in_luma_samples", lo=1)
    s.ue(sps, "pic_height_in_luma_samples", lo=1)
    width, height = sps.pic_width_in_luma_samples, sps.pic_height_in_luma_samples
    limits.check("the longer side of the picture", max(width, height), "MAX_PICTURE_SIDE")
    limits.check(f"the number of luma samples of a {width}x{height} picture", width * height, "MAX_PICTURE_SAMPLES")
    s.flag(sps, "conformance_window_flag")
    if sps.conformance_window_flag:
        for side in ("left", "right", "top", "bottom"):
            s.ue(sps, f"conf_win_{side}_offset")
        _, _, window_width, window_height = sps.output_window
        s.check(window_width > 0 and window_height > 0, f"the conformance window leaves {window_width}x{window_height}")
    for name in ("luma", "chroma"):
        minus8 = s.ue(sps, f"bit_depth_{name}_minus8", hi=8)
        if minus8 > MAX_BIT_DEPTH - 8:
            depth = f"bit_depth_{name} = {minus8 + 8}"
            raise Unsupported(f"({s.clause}) {depth} is not supported; 8 to {MAX_BIT_DEPTH} are")


def _block_sizes(s, sps):
    s.ue(sps, "log2_min_luma_coding_block_size_minus3", hi=3)
    s.ue(sps, "log2_diff_max_min_luma_coding_block_size", hi=3 - sps.log2_min_luma_coding_block_size_minus3)
    ctb = sps.ctb_log2_size_y
    s.check(ctb >= 4, f"CtbLog2SizeY = {ctb} is outside 4..6")
    s.ue(sps, "log2_min_luma_transform_block_size_minus2", hi=sps.log2_min_luma_coding_block_size_minus3)
    highest = min(ctb, 5) - sps.min_tb_log2_size_y
    s.check(highest >= 0, f"MinTbLog2SizeY = {sps.min_tb_log2_size_y} is above 5")
    s.ue(sps, "log2_diff_max_min_luma_transform_block_size", hi=highest)
    s.ue(sps, "max_transform_hierarchy_depth_inter", hi=ctb - sps.min_tb_log2_size_y)
    s.ue(sps, "max_transform_hierarchy_depth_intra", hi=ctb - sps.min_tb_log2_size_y)
    mask = (1 << sps.min_cb_log2_size_y) - 1
    for name in ("pic_width_in_luma_samples", "pic_height_in_luma_samples"):
        value = getattr(sps, name)
        s.check(value & mask == 0, f"{name} = {value} is not a multiple of MinCbSizeY = {mask + 1}")


def _pcm(s, sps):
    s.u(sps, "pcm_sample_bit_depth_luma_minus1", 4, hi=sps.bit_depth_y - 1)
    s.u(sps, "pcm_sample_bit_depth_chroma_minus1", 4, hi=sps.bit_depth_c - 1)
    largest = min(sps.ctb_log2_size_y, 5)
    smallest = min(sps.min_cb_log2_size_y, 5)
    s.ue(sps, "log2_min_pcm_luma_coding_block_size_minus3", lo=smallest - 3, hi=largest - 3)
    s.ue(sps, "log2_diff_max_min_pcm_luma_coding_block_size", hi=largest - sps.log2_min_ipcm_cb_size_y)
    s.flag(sps, "pcm_loop_filter_disabled_flag")


def _reference_pictures(s, sps):
    s.ue(sps, "num_short_term_ref_pic_sets", hi=64)
    for i in range(sps.num_short_term_ref_pic_sets):
        st_ref_pic_set(s, s.item(sps.short_term_ref_pic_sets, i, ShortTermRps), i, sps)
    s.flag(sps, "long_term_ref_pics_present_flag")
    if sps.long_term_ref_pics_present_flag:
        s.ue(sps, "num_long_term_ref_pics_sps", hi=32)
        for i in range(sps.num_long_term_ref_pics_sps):
            s.u(sps, "lt_ref_pic_poc_lsb_sps", sps.log2_max_pic_order_cnt_lsb, i)
            s.flag(sps, "used_by_curr_pic_lt_sps_flag", i)


def sps_extension(s, sps):
    """(7.3.2.2) Everything behind sps_extension_present_flag: the place of later versions' and of our own tools.

    The coding tools of the range and screen content extensions are Unsupported; bits that belong to the 3D extension or
    to sps_extension_4bits are kept in `sps_extension_data`, unless they begin with our signature.
    """
    s.flag(sps, "sps_range_extension_flag")
    s.flag(sps, "sps_multilayer_extension_flag")
    s.flag(sps, "sps_3d_extension_flag")
    s.flag(sps, "sps_scc_extension_flag")
    s.u(sps, "sps_extension_4bits", 4)
    if sps.sps_range_extension_flag:
        for name in _RANGE_EXTENSION_FLAGS:
            s.flag(sps, name)
            refuse_tool(s, sps, name)
    if sps.sps_multilayer_extension_flag:
        s.flag(sps, "inter_view_mv_vert_constraint_flag")
    if sps.sps_3d_extension_flag:
        # of no effect on the base layer, the only one decoded: kept unparsed, with all that follows
        refuse_tool(s, sps, "sps_scc_extension_flag")
        s.remaining_bits(sps, "sps_extension_data")
        return
    if sps.sps_scc_extension_flag:
        _scc_extension(s, sps)
    if not sps.sps_extension_4bits:
        return
    if s.begins(sps, "tools", 32, TOOLS_SIGNATURE):
        sps_tool_extension(s, s.nested(sps, "tools", ToolExtension), sps)
    else:
        s.remaining_bits(sps, "sps_extension_data")


def _scc_extension(s, sps):
    for name in ("sps_curr_pic_ref_enabled_flag", "palette_mode_enabled_flag"):
        s.flag(sps, name)
        refuse_tool(s, sps, name)
    s.u(sps, "motion_vector_resolution_control_idc", 2)
    refuse_tool(s, sps, "motion_vector_resolution_control_idc")
    s.flag(sps, "intra_boundary_filtering_disabled_flag")
    refuse_tool(s, sps, "intra_boundary_filtering_disabled_flag")


def refuse_tool(s, obj, name):
    """Raise Unsupported when the element that switches a tool of a later version on is not 0."""
    value = getattr(obj, name)
    if value:
        raise Unsupported(f"({s.clause}) {name} = {value}: this tool of H.265 version 2 or later is not supported")
