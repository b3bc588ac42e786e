"""codec.h265.decoder.poc: picture order count, random access, and which pictures are skipped or output."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.h265 import nal
from codec.h265.decoder.poc import PictureOrder

SPS = SimpleNamespace(log2_max_pic_order_cnt_lsb=4)


def start(order, nal_unit_type, lsb=0, temporal_id=0, output=1, no_output=0):
    header = SimpleNamespace(
        slice_pic_order_cnt_lsb=lsb, pic_output_flag=output, no_output_of_prior_pics_flag=no_output
    )
    return order.start_picture(nal_unit_type, temporal_id, header, SPS)


@given(st.lists(st.integers(-7, 8), max_size=60))
def test_poc_is_recovered_from_its_low_bits(steps):
    """(8.3.1) Any step from prevTid0Pic between -MaxLsb/2 + 1 and MaxLsb/2 survives."""
    order, poc = PictureOrder(), 0
    assert start(order, nal.IDR_W_RADL).poc == 0
    for step in steps:
        poc += step
        assert start(order, nal.TRAIL_R, poc & 15).poc == poc


@pytest.mark.parametrize(
    ("nal_unit_type", "temporal_id"),
    [(nal.TRAIL_R, 1), (nal.TRAIL_N, 0), (nal.RADL_R, 0), (nal.RASL_R, 0), (nal.RSV_VCL_N10, 0)],
)
def test_pictures_that_are_not_prev_tid0_pic(nal_unit_type, temporal_id):
    order = PictureOrder()
    start(order, nal.IDR_W_RADL)
    start(order, nal.TRAIL_R, 4)
    assert start(order, nal_unit_type, 11, temporal_id).poc == 11
    # measured from 4, not from 11: 3 is 3, not 19
    assert start(order, nal.TRAIL_R, 3).poc == 3


def test_irap_pictures_restart_only_where_a_sequence_begins():
    order = PictureOrder()
    first = start(order, nal.CRA_NUT, 9)
    assert (first.poc, first.no_rasl_output_flag, first.skip) == (9, 1, False)
    start(order, nal.TRAIL_R, 15)
    inner = start(order, nal.CRA_NUT, 5)
    assert (inner.poc, inner.no_rasl_output_flag) == (21, 0)
    assert start(order, nal.BLA_W_LP, 3)[:2] == (3, 1)
    assert start(order, nal.IDR_N_LP)[:2] == (0, 1)
    order.end_of_sequence()
    assert order.begins_sequence(nal.CRA_NUT) == 1 and order.begins_sequence(nal.TRAIL_R) == 0
    assert start(order, nal.CRA_NUT, 6)[:2] == (6, 1)


def test_rasl_pictures_are_skipped_behind_a_random_access_point_only():
    order = PictureOrder()
    start(order, nal.CRA_NUT, 8)
    assert start(order, nal.RASL_N, 6).skip and not start(order, nal.RADL_N, 7).skip
    start(order, nal.TRAIL_R, 9)
    start(order, nal.CRA_NUT, 14)
    kept = start(order, nal.RASL_N, 12)
    assert not kept.skip and kept.pic_output_flag == 1
    start(order, nal.BLA_W_LP, 4)
    skipped = start(order, nal.RASL_R, 2)
    assert skipped.skip and skipped.pic_output_flag == 0


def test_pictures_before_the_first_random_access_point_are_skipped():
    order = PictureOrder()
    assert start(order, nal.TRAIL_R, 3).skip and start(order, nal.RASL_N, 3).skip
    assert not start(order, nal.IDR_W_RADL).skip
    order.end_of_sequence()
    assert start(order, nal.TRAIL_R, 3).skip


def test_pic_output_flag_is_passed_on():
    order = PictureOrder()
    assert start(order, nal.IDR_W_RADL, output=0).pic_output_flag == 0
    assert start(order, nal.TRAIL_R, 1).pic_output_flag == 1


def test_no_output_of_prior_pics():
    """(C.5.2.2) Not for the first picture; as coded for IDR and BLA; always for a CRA that begins a sequence."""
    order = PictureOrder()
    assert start(order, nal.IDR_W_RADL, no_output=1).no_output_of_prior_pics_flag == 0
    assert start(order, nal.IDR_W_RADL, no_output=1).no_output_of_prior_pics_flag == 1
    assert start(order, nal.BLA_N_LP, no_output=0).no_output_of_prior_pics_flag == 0
    assert start(order, nal.CRA_NUT, 4, no_output=1).no_output_of_prior_pics_flag == 0
    order.end_of_sequence()
    assert start(order, nal.CRA_NUT, 4, no_output=0).no_output_of_prior_pics_flag == 1
