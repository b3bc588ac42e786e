"""What the encoder says in a slice segment header (7.4.7.1), and the records that kernels read of it."""

from codec.h265.dpb import reference_lists
from codec.h265.encoder.picture.decide_tools import slice_records
from codec.h265.encoder.picture.weight_estimation import NO_WEIGHTS, weight_table
from codec.h265.encoder.plan.reference_sets import set_reference_picture_set
from codec.h265.structs import SLICE_B, SLICE_I, SLICE_P
from codec.h265.syntax.params import make_slice
from codec.h265.syntax.references import make_references, no_backward_pred
from codec.h265.syntax.slice_header import SliceHeader

_SLICE_TYPES = {"B": SLICE_B, "P": SLICE_P, "I": SLICE_I}


def new_slice(sequence, plan, references, addr, weights=NO_WEIGHTS):
    """A slice of a PlannedPicture from raster address `addr` on. -> (SliceHeader, (1,) SLICE, (1, 2, 16) REFERENCE)

    references  PictureReferences
    weights     PictureWeights of the picture
    """
    config, sps, pps = sequence.config, sequence.sps, sequence.pps
    header = SliceHeader(
        first_slice_segment_in_pic_flag=int(addr == 0),
        slice_segment_address=addr,
        slice_addr=addr,
        slice_type=_SLICE_TYPES[plan.slice_type],
        slice_pic_order_cnt_lsb=plan.poc & ((1 << sps.log2_max_pic_order_cnt_lsb) - 1),
        slice_temporal_mvp_enabled_flag=sps.sps_temporal_mvp_enabled_flag,
        slice_sao_luma_flag=int(config.SAO),
        slice_sao_chroma_flag=int(config.SAO and config.chroma_format_idc > 0),
        slice_qp_delta=plan.qp - 26 - pps.init_qp_minus26,
        slice_cb_qp_offset=plan.cb_qp_offset,
        slice_cr_qp_offset=plan.cr_qp_offset,
        deblocking_filter_override_flag=pps.deblocking_filter_override_enabled_flag,
        slice_deblocking_filter_disabled_flag=int(config.LoopFilterDisable),
        slice_beta_offset_div2=config.LoopFilterBetaOffset_div2 + plan.beta_offset_div2,
        slice_tc_offset_div2=config.LoopFilterTcOffset_div2 + plan.tc_offset_div2,
        slice_loop_filter_across_slices_enabled_flag=int(config.LFCrossSliceBoundaryFlag),
        tools=slice_records(config, sps, plan),
    )
    set_reference_picture_set(header, sps, plan.rps)
    lists = ((), ())
    if header.slice_type != SLICE_I:
        lists = _set_lists(header, config, pps, plan, references.rps)
        # written where the PPS says that weights are explicit
        header.pred_weight_table = weight_table(weights, [[poc for poc, _, _ in entries] for entries in lists])
    record = make_slice(sps, pps, header, plan.poc, no_backward_pred(lists, plan.poc))
    return header, record, make_references(sps, pps, header, lists)


def _set_lists(header, config, pps, plan, rps):
    """The elements of P and B slices. -> reference lists"""
    is_b = header.slice_type == SLICE_B
    active = plan.num_active - 1
    header.num_ref_idx_l0_active_minus1 = active
    header.num_ref_idx_l1_active_minus1 = active if is_b else pps.num_ref_idx_l1_default_active_minus1
    defaults = pps.num_ref_idx_l0_default_active_minus1, pps.num_ref_idx_l1_default_active_minus1
    header.num_ref_idx_active_override_flag = int(
        (header.num_ref_idx_l0_active_minus1, header.num_ref_idx_l1_active_minus1) != defaults
    )
    header.five_minus_max_num_merge_cand = 5 - config.MaxNumMergeCand
    # which table the contexts begin with (9.3.2.2); PPS cabac_init_present_flag is 0
    header.cabac_init_flag = 0
    lists = reference_lists(rps, header)
    if is_b:
        pocs = [[poc for poc, _, _ in entries] for entries in lists]
        header.mvd_l1_zero_flag = int(pocs[0] == pocs[1])
        header.collocated_from_l0_flag = int(_collocated_from_l0(lists))
    return lists


def _collocated_from_l0(lists):
    """The first picture of either list gives temporal vectors: one that has motion, and more of it at the higher QP."""
    first, second = lists[0][0][1], lists[1][0][1]
    if first.is_intra != second.is_intra:
        return second.is_intra
    return first.qp >= second.qp
