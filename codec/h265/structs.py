"""Block-level data: the structured arrays that syntax, reconstruction, filters and search share.

Every kernel of the codec takes a :class:`Frame`. Fields are signed and small on purpose: unsigned 8-bit arithmetic
wraps to 64-bit unsigned in compiled code. Names are H.265's. Coordinates are luma samples of the coded picture unless
a name says otherwise; `units` has one record per 4x4 luma block, `ctbs` one per coding tree block in raster order.
"""

from typing import NamedTuple

import numpy as np

from codec.base.records import record
from codec.h265.tools.registry import TOOL_PARAMS, TOOL_SLICE_PARAMS

# pred_mode of a unit (7.4.9.5: CuPredMode). 0 means "nothing coded here yet".
MODE_NONE, MODE_INTER, MODE_INTRA = 0, 1, 2

# part_mode (table 7-10)
PART_2Nx2N, PART_2NxN, PART_Nx2N, PART_NxN, PART_2NxnU, PART_2NxnD, PART_nLx2N, PART_nRx2N = range(8)

# slice_type (table 7-7)
SLICE_B, SLICE_P, SLICE_I = range(3)

SAO_NOT_APPLIED, SAO_BAND, SAO_EDGE = range(3)
SAO_MERGE_LEFT, SAO_MERGE_UP = 1, 2

MAX_LOG2_CTB_SIZE = 6
MAX_CTB_SIZE = 1 << MAX_LOG2_CTB_SIZE
# int16 coefficients of one CTU: luma, then Cb, then Cr; inside a component a block of n*n samples lies contiguous, row
# by row, at n*n-aligned z-order position (see recon/order.py)
CTU_COEFFS = MAX_CTB_SIZE * MAX_CTB_SIZE * 3 // 2

UNIT = record(
    [
        ("log2_cb_size", np.int8),
        ("pred_mode", np.int8),
        ("part_mode", np.int8),
        ("cu_skip_flag", np.int8),
        ("log2_tb_size", np.int8),
        ("cbf", np.int8),  # bit cIdx: cbf_luma, cbf_cb, cbf_cr of the transform unit that covers this block
        ("transform_skip", np.int8),  # bit cIdx: transform_skip_flag
        ("bypass", np.int8),  # cu_transquant_bypass_flag
        ("pcm_flag", np.int8),
        ("qp_y", np.int8),  # QpY (8.6.1), may be negative above 8 bit
        ("intra_luma_mode", np.int8),  # IntraPredModeY
        ("intra_chroma_mode", np.int8),  # IntraPredModeC (4:2:0: of the whole coding unit)
        ("chroma_pred_idc", np.int8),  # intra_chroma_pred_mode as coded, 0..4; above that chroma from luma
        ("merge_flag", np.int8),
        ("filter_set", np.int8),  # cnn_interpolation_idx as coded for the prediction block; 0 where it is not
        ("mode_rank", np.int8),  # rank of intra_luma_mode as coded with CnnMpm; 0 where it is not
    ]
)

# motion of a 4x4 block (8.5.3): quarter-sample vectors, reference indices, -1 for "list not used"; and the set of
# interpolation filters that makes its luma, 0: H.265's
MOTION = record([("mv", np.int16, (2, 2)), ("ref_idx", np.int8, (2,)), ("filter_set", np.int8), ("pad", np.int8)])

# what a prediction unit codes (7.3.8.6), in the record of its first 4x4 block only; its merge_flag is in UNIT
PREDICTION_UNIT = record(
    [
        ("merge_idx", np.int8),
        ("pad", np.int8),
        ("ref_idx", np.int8, (2,)),  # -1 for "list not used": inter_pred_idc
        ("mvp_flag", np.int8, (2,)),
        ("mvd", np.int16, (2, 2)),  # MvdL0, MvdL1: horizontal, vertical
    ]
)

# one picture of a reference picture list as a slice sees it (8.3.4), with its weights (7.4.7.3)
REFERENCE = record(
    [
        ("slot", np.int32),  # its place in References, and so the id of the picture; -1: no such entry
        ("poc", np.int32),
        ("is_long_term", np.int32),
        ("weight", np.int32, (3,)),  # by cIdx: w0 or w1 of (8.5.3.3.4.3)
        ("offset", np.int32, (3,)),  # o0 or o1, scaled to the bit depth
        ("log2_denominator", np.int32, (3,)),  # luma_log2_weight_denom or ChromaLog2WeightDenom, of the whole slice
    ]
)

# motion that a reference picture keeps of each 16x16 luma block for temporal prediction (8.5.3.2.8)
COL_UNUSED, COL_SHORT_TERM, COL_LONG_TERM = range(3)
COL_MOTION = record(
    [
        ("mv", np.int16, (2, 2)),
        ("ref_poc", np.int32, (2,)),
        ("state", np.int8, (2,)),  # by list: COL_UNUSED, or how its reference was marked when it was decoded
        ("pad", np.int8, (2,)),
    ]
)

CTB = record(
    [
        ("slice_addr", np.int32),  # SliceAddrRs of the slice that holds this CTB; -1: not decoded yet
        ("slice_idx", np.int32),  # index of its slice *segment's* record in Frame.slices
        ("tile_id", np.int32),
        ("addr_ts", np.int32),  # CtbAddrRsToTs
        ("sao_type", np.int8, (3,)),
        ("sao_eo_class", np.int8, (3,)),
        ("sao_band_position", np.int8, (3,)),
        ("sao_merge", np.int8),  # 0: coded here, SAO_MERGE_LEFT, SAO_MERGE_UP
        ("tool_flags", np.int16),  # of tools beyond H.265, by the bits that tools.registry gives them
        ("sao_offset", np.int16, (3, 4)),  # SaoOffsetVal[1..4], already scaled by log2OffsetScale
    ]
)

_PARAM_FIELDS = (
    # sequence
    "pic_width pic_height chroma_format_idc bit_depth_y bit_depth_c log2_ctb_size log2_min_cb_size log2_min_tb_size "
    "log2_max_tb_size max_th_depth_inter max_th_depth_intra scaling_list_enabled amp_enabled sao_enabled pcm_enabled "
    "pcm_bit_depth_y pcm_bit_depth_c log2_min_pcm_size log2_max_pcm_size pcm_loop_filter_disabled "
    "strong_intra_smoothing sps_temporal_mvp "
    "width_in_ctbs height_in_ctbs width_in_units height_in_units "
    # picture
    "sign_data_hiding constrained_intra_pred transform_skip_enabled cu_qp_delta_enabled diff_cu_qp_delta_depth "
    "cb_qp_offset cr_qp_offset transquant_bypass_enabled tiles_enabled entropy_coding_sync "
    "loop_filter_across_tiles log2_parallel_merge_level weighted_pred weighted_bipred"
)
PARAMS = record([(name, np.int32) for name in (*_PARAM_FIELDS.split(), *TOOL_PARAMS)])

_SLICE_FIELDS = (
    "slice_type slice_addr slice_qp_y slice_cb_qp_offset slice_cr_qp_offset slice_sao_luma slice_sao_chroma "
    "deblocking_disabled beta_offset tc_offset loop_filter_across_slices cabac_init_flag "
    "num_ref_idx_l0 num_ref_idx_l1 mvd_l1_zero temporal_mvp max_num_merge_cand collocated_from_l0 collocated_ref_idx "
    "poc no_backward_pred "
    # CTB.tool_flags: which may be set in this slice, and which of these have a flag in each CTU
    "tool_flags_on tool_flags_coded"
)
SLICE = record([(name, np.int32) for name in (*_SLICE_FIELDS.split(), *TOOL_SLICE_PARAMS)])


class Frame(NamedTuple):
    """One picture being coded: what the kernels read and write.

    params   (1,) PARAMS
    slices   (n,) SLICE, one per slice segment (dependent ones repeat their slice's values)
    units    (ceil(h/4), ceil(w/4)) UNIT
    ctbs     (n,) CTB in raster order
    motion   (ceil(h/4), ceil(w/4)) MOTION, undefined for intra units; (0, 0) while the picture has I slices only
    scaling  (4, 6, 1024) int16 ScalingFactor by sizeId, matrixId, row-major position (7.4.5); flat 16 where unused
    luma, cb, cr   int16 planes of the coded size; (0, 0) chroma planes in 4:0:0
    prediction_units   as units, PREDICTION_UNIT; (0, 0) while the picture has I slices only
    """

    params: np.ndarray
    slices: np.ndarray
    units: np.ndarray
    ctbs: np.ndarray
    motion: np.ndarray
    scaling: np.ndarray
    luma: np.ndarray
    cb: np.ndarray
    cr: np.ndarray
    prediction_units: np.ndarray = np.zeros((0, 0), PREDICTION_UNIT)


class References(NamedTuple):
    """What a picture may refer to: the planes of all pictures of a sequence in slots, and the lists of its slices.

    lists    (n, 2, 16) REFERENCE by slice_idx, list and ref_idx
    motion   (slots, ceil(h/16), ceil(w/16)) COL_MOTION
    luma, cb, cr   (slots, h, w) int16 planes; (slots, 0, 0) chroma planes in 4:0:0
    filters  int16, sets of interpolation filters one behind the other (recon/learnt_interpolation.py); or nothing
    """

    lists: np.ndarray
    motion: np.ndarray
    luma: np.ndarray
    cb: np.ndarray
    cr: np.ndarray
    filters: np.ndarray = np.zeros(0, np.int16)
