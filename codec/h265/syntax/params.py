"""From parameter sets and slice headers to the arrays that the kernels read."""

from typing import NamedTuple

import numpy as np

from codec.h265.structs import PARAMS, SLICE
from codec.h265.syntax.scaling_list import default_scaling_lists, scaling_factor_array
from codec.h265.tools.extension import ctu_flag_masks, tool_params, tool_slice_values


def make_params(sps, pps):
    """The (1,) PARAMS array of a picture."""
    values = {
        "pic_width": sps.pic_width_in_luma_samples,
        "pic_height": sps.pic_height_in_luma_samples,
        "chroma_format_idc": sps.chroma_format_idc,
        "bit_depth_y": sps.bit_depth_y,
        "bit_depth_c": sps.bit_depth_c,
        "log2_ctb_size": sps.ctb_log2_size_y,
        "log2_min_cb_size": sps.min_cb_log2_size_y,
        "log2_min_tb_size": sps.min_tb_log2_size_y,
        "log2_max_tb_size": sps.max_tb_log2_size_y,
        "max_th_depth_inter": sps.max_transform_hierarchy_depth_inter,
        "max_th_depth_intra": sps.max_transform_hierarchy_depth_intra,
        "scaling_list_enabled": sps.scaling_list_enabled_flag,
        "amp_enabled": sps.amp_enabled_flag,
        "sao_enabled": sps.sample_adaptive_offset_enabled_flag,
        "pcm_enabled": sps.pcm_enabled_flag,
        "pcm_bit_depth_y": sps.pcm_sample_bit_depth_luma_minus1 + 1,
        "pcm_bit_depth_c": sps.pcm_sample_bit_depth_chroma_minus1 + 1,
        "log2_min_pcm_size": sps.log2_min_ipcm_cb_size_y,
        "log2_max_pcm_size": sps.log2_max_ipcm_cb_size_y,
        "pcm_loop_filter_disabled": sps.pcm_loop_filter_disabled_flag,
        "strong_intra_smoothing": sps.strong_intra_smoothing_enabled_flag,
        "sps_temporal_mvp": sps.sps_temporal_mvp_enabled_flag,
        "width_in_ctbs": sps.pic_width_in_ctbs_y,
        "height_in_ctbs": sps.pic_height_in_ctbs_y,
        "width_in_units": (sps.pic_width_in_luma_samples + 3) >> 2,
        "height_in_units": (sps.pic_height_in_luma_samples + 3) >> 2,
        "sign_data_hiding": pps.sign_data_hiding_enabled_flag,
        "constrained_intra_pred": pps.constrained_intra_pred_flag,
        "transform_skip_enabled": pps.transform_skip_enabled_flag,
        "cu_qp_delta_enabled": pps.cu_qp_delta_enabled_flag,
        "diff_cu_qp_delta_depth": pps.diff_cu_qp_delta_depth,
        "cb_qp_offset": pps.pps_cb_qp_offset,
        "cr_qp_offset": pps.pps_cr_qp_offset,
        "transquant_bypass_enabled": pps.transquant_bypass_enabled_flag,
        "tiles_enabled": pps.tiles_enabled_flag,
        "entropy_coding_sync": pps.entropy_coding_sync_enabled_flag,
        "loop_filter_across_tiles": pps.loop_filter_across_tiles_enabled_flag,
        "log2_parallel_merge_level": pps.log2_parallel_merge_level_minus2 + 2,
        "weighted_pred": pps.weighted_pred_flag,
        "weighted_bipred": pps.weighted_bipred_flag,
        **tool_params(sps),
    }
    return _record(PARAMS, values)


def make_slice(sps, pps, header, poc=0, no_backward_pred=0):
    """The (1,) SLICE array of a slice segment.

    `poc` is PicOrderCntVal; `no_backward_pred` is NoBackwardPredFlag, which needs the reference lists (8.5.3.2.8).
    """
    on, coded = ctu_flag_masks(header)
    values = {
        "slice_type": header.slice_type,
        "slice_addr": header.slice_addr,
        "slice_qp_y": 26 + pps.init_qp_minus26 + header.slice_qp_delta,
        "slice_cb_qp_offset": header.slice_cb_qp_offset,
        "slice_cr_qp_offset": header.slice_cr_qp_offset,
        "slice_sao_luma": header.slice_sao_luma_flag,
        "slice_sao_chroma": header.slice_sao_chroma_flag,
        "loop_filter_across_slices": _loop_filter_across_slices(pps, header),
        "cabac_init_flag": header.cabac_init_flag,
        "num_ref_idx_l0": header.num_ref_idx_active(0),
        "num_ref_idx_l1": header.num_ref_idx_active(1),
        "mvd_l1_zero": header.mvd_l1_zero_flag,
        "temporal_mvp": header.slice_temporal_mvp_enabled_flag,
        "max_num_merge_cand": header.max_num_merge_cand,
        "collocated_from_l0": header.collocated_from_l0_flag,
        "collocated_ref_idx": header.collocated_ref_idx,
        "poc": poc,
        "no_backward_pred": no_backward_pred,
        "tool_flags_on": on,
        "tool_flags_coded": coded,
        **tool_slice_values(sps, header),
        **_deblocking(pps, header),
    }
    return _record(SLICE, values)


def _deblocking(pps, header):
    """(7.4.7.1) A header that has not been written or read yet may still lack what it inherits from the PPS."""
    override = header.deblocking_filter_override_flag
    disabled = header.slice_deblocking_filter_disabled_flag if override else pps.pps_deblocking_filter_disabled_flag
    beta = header.slice_beta_offset_div2 if override and not disabled else pps.pps_beta_offset_div2
    tc = header.slice_tc_offset_div2 if override and not disabled else pps.pps_tc_offset_div2
    return {"deblocking_disabled": disabled, "beta_offset": 2 * beta, "tc_offset": 2 * tc}


def _loop_filter_across_slices(pps, header):
    """The header's flag where it is coded, else the PPS's."""
    disabled = _deblocking(pps, header)["deblocking_disabled"]
    coded = pps.pps_loop_filter_across_slices_enabled_flag and (
        header.slice_sao_luma_flag or header.slice_sao_chroma_flag or not disabled
    )
    if coded:
        return header.slice_loop_filter_across_slices_enabled_flag
    return pps.pps_loop_filter_across_slices_enabled_flag


def _record(dtype, values):
    missing = set(dtype.names) - set(values)
    if missing:
        raise ValueError(f"no value for {sorted(missing)}")
    return np.array([tuple(values[name] for name in dtype.names)], dtype)


def scaling_factors(sps, pps):
    """(7.4.5) ScalingFactor in force, (4, 6, 1024) int16 row-major: of PPS, SPS, or the default; or flat."""
    if not sps.scaling_list_enabled_flag:
        return scaling_factor_array(None)
    if pps.pps_scaling_list_data_present_flag:
        return scaling_factor_array(pps.scaling_list_data)
    if sps.sps_scaling_list_data_present_flag:
        return scaling_factor_array(sps.scaling_list_data)
    return scaling_factor_array(default_scaling_lists())


class CtbLayout(NamedTuple):
    """(6.5.1) Tile and scan structure of a picture, int32 arrays.

    ctb_addr_rs_to_ts, ctb_addr_ts_to_rs   CtbAddrRsToTs, CtbAddrTsToRs
    tile_id   of a CTB by its *raster* address
    column_boundaries, row_boundaries   colBd, rowBd in CTBs, with the picture's size as last element
    """

    ctb_addr_rs_to_ts: np.ndarray
    ctb_addr_ts_to_rs: np.ndarray
    tile_id: np.ndarray
    column_boundaries: np.ndarray
    row_boundaries: np.ndarray


def _boundaries(size, count, uniform, sizes_minus1):
    """(6-3), (6-4) Boundaries of `count` tile columns or rows over `size` CTBs."""
    if uniform:
        return np.arange(count + 1, dtype=np.int64) * size // count
    inner = np.cumsum(np.array([0, *sizes_minus1], np.int64)) + np.arange(count)
    return np.append(inner, size)


def ctb_layout(sps, pps):
    """(6.5.1) The CtbLayout of a picture. The PPS must fit the SPS (see check_pps)."""
    width, height = sps.pic_width_in_ctbs_y, sps.pic_height_in_ctbs_y
    columns, rows = pps.num_tile_columns_minus1 + 1, pps.num_tile_rows_minus1 + 1
    column_boundaries = _boundaries(width, columns, pps.uniform_spacing_flag, pps.column_width_minus1)
    row_boundaries = _boundaries(height, rows, pps.uniform_spacing_flag, pps.row_height_minus1)
    column_of = np.searchsorted(column_boundaries, np.arange(width), side="right") - 1
    row_of = np.searchsorted(row_boundaries, np.arange(height), side="right") - 1
    tile_id = (row_of[:, None] * columns + column_of[None, :]).ravel()
    # a stable sort by tile keeps raster order inside each tile: tile scan
    ts_to_rs = np.argsort(tile_id, kind="stable")
    rs_to_ts = np.empty_like(ts_to_rs)
    rs_to_ts[ts_to_rs] = np.arange(len(ts_to_rs))
    return CtbLayout(*(a.astype(np.int32) for a in (rs_to_ts, ts_to_rs, tile_id, column_boundaries, row_boundaries)))
