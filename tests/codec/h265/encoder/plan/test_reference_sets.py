"""Reference picture sets as the encoder codes them: read back whole, and in no more bits than without prediction."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.base.serdes import Reader, Writer, read_rbsp, write_rbsp
from codec.h265.encoder.plan.parameter_sets import make_pps, make_sps, make_vps
from codec.h265.encoder.plan.reference_sets import cheapest_set, code_sets, set_reference_picture_set
from codec.h265.encoder.plan.structure import analyse
from codec.h265.syntax.pps import Pps, check_pps, pic_parameter_set_rbsp
from codec.h265.syntax.short_term_rps import ShortTermRps, explicit_rps, st_ref_pic_set
from codec.h265.syntax.slice_header import SliceHeader
from codec.h265.syntax.sps import Sps, seq_parameter_set_rbsp
from codec.h265.syntax.vps import Vps, video_parameter_set_rbsp
from tests.codec.h265.encoder.plan.gops import cfg_config, row, rows_config

SETS = st.dictionaries(st.integers(-20, 20).filter(bool), st.booleans(), max_size=8)


def as_tuple(pictures):
    return tuple(sorted(pictures.items()))


def meaning(rps):
    """{POC difference: used} of a ShortTermRps."""
    deltas, used = rps.delta_poc_s0 + rps.delta_poc_s1, rps.used_by_curr_pic_s0 + rps.used_by_curr_pic_s1
    return dict(zip(deltas, map(bool, used), strict=True))


def coded(rps, idx, sps):
    """(its bits, its bytes as an RBSP)"""
    s = Writer()
    st_ref_pic_set(s, rps, idx, sps)
    bits = s.position
    s.rbsp_trailing_bits()
    return bits, s.rbsp()


@settings(max_examples=60, deadline=None)
@given(sets=st.lists(SETS, min_size=1, max_size=5), wanted=SETS)
def test_sets_are_read_back(sets, wanted):
    sps = Sps()
    code_sets(sps, [as_tuple(pictures) for pictures in sets])
    read = Sps(num_short_term_ref_pic_sets=len(sets))
    for idx, (pictures, rps) in enumerate(zip(sets, sps.short_term_ref_pic_sets, strict=True)):
        again = ShortTermRps()
        st_ref_pic_set(Reader(coded(rps, idx, sps)[1]), again, idx, read)
        read.short_term_ref_pic_sets.append(again)
        assert meaning(again) == pictures
    chosen = cheapest_set(sps, as_tuple(wanted), len(sets))
    bits, data = coded(chosen, len(sets), sps)
    again = ShortTermRps()
    st_ref_pic_set(Reader(data), again, len(sets), read)
    assert meaning(again) == wanted
    plain = explicit_rps(wanted, [delta for delta, used in wanted.items() if not used])
    assert bits <= coded(plain, len(sets), sps)[0]


def test_prediction_pays_in_low_delay():
    sps = Sps()
    code_sets(sps, analyse(cfg_config("lowdelay_P_main")).rps)
    assert [rps.inter_ref_pic_set_prediction_flag for rps in sps.short_term_ref_pic_sets] == [0, 1, 1, 1]


def test_a_slice_takes_the_index_where_there_is_one():
    sps = Sps()
    code_sets(sps, [((-1, True),), ((-2, True), (-1, True)), ((-2, False), (-1, True))])
    header = SliceHeader()
    set_reference_picture_set(header, sps, ((-2, False), (-1, True)))
    assert (header.short_term_ref_pic_set_sps_flag, header.short_term_ref_pic_set_idx) == (1, 2)
    set_reference_picture_set(header, sps, ((-3, True), (-1, True)))
    assert header.short_term_ref_pic_set_sps_flag == 0
    assert meaning(header.short_term_rps) == {-3: True, -1: True}


@pytest.mark.parametrize("name", ["intra_main", "lowdelay_P_main", "lowdelay_main10", "randomaccess_main"])
def test_parameter_sets_are_read_back(name):
    config = cfg_config(name, TileUniformSpacing=True)
    structure = analyse(config)
    vps, sps, pps = (make(config, structure) for make in (make_vps, make_sps, make_pps))
    assert read_rbsp(video_parameter_set_rbsp, Vps(), write_rbsp(video_parameter_set_rbsp, vps)) == vps
    again = read_rbsp(seq_parameter_set_rbsp, Sps(), write_rbsp(seq_parameter_set_rbsp, sps))
    assert again.sub_layer_ordering == sps.sub_layer_ordering
    assert list(map(meaning, again.short_term_ref_pic_sets)) == [dict(rps) for rps in structure.rps]
    assert read_rbsp(pic_parameter_set_rbsp, Pps(), write_rbsp(pic_parameter_set_rbsp, pps)) == pps
    check_pps(pps, sps)
    layers = len(structure.ordering)
    assert (sps.sps_max_sub_layers_minus1, vps.vps_max_sub_layers_minus1) == (layers - 1, layers - 1)
    assert sps.sps_temporal_mvp_enabled_flag == (name != "intra_main")


def test_parameters_of_low_delay_and_random_access():
    config = cfg_config("lowdelay_P_main", MaxNumMergeCand=2, Log2ParallelMergeLevel=3, TMVPMode=0)
    structure = analyse(config)
    sps, pps = make_sps(config, structure), make_pps(config, structure)
    # 13 back, and half of the range must lie beyond it
    assert sps.log2_max_pic_order_cnt_lsb == 5
    assert sps.sps_temporal_mvp_enabled_flag == 0
    assert pps.num_ref_idx_l0_default_active_minus1 == 3
    assert pps.log2_parallel_merge_level_minus2 == 1
    assert pps.init_qp_minus26 == 14
    config = cfg_config("randomaccess_main")
    sps = make_sps(config, analyse(config))
    assert sps.log2_max_pic_order_cnt_lsb == 7
    assert (sps.sps_max_sub_layers_minus1, sps.sps_temporal_id_nesting_flag) == (4, 1)


def test_offsets_of_rows_are_announced():
    config = rows_config(row("P", 1, [-1], cb_qp_offset=2, tc_offset_div2=1), LoopFilterOffsetInPPS=False)
    pps = make_pps(config, analyse(config))
    assert pps.pps_slice_chroma_qp_offsets_present_flag == 1
    assert pps.deblocking_filter_override_enabled_flag == pps.deblocking_filter_control_present_flag == 1
