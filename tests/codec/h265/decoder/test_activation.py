"""codec.h265.decoder.activation: arrival, replacement and activation of parameter sets."""

import pytest

from codec.base import limits
from codec.base.errors import CorruptStream, LimitExceeded
from codec.base.serdes import write_rbsp
from codec.h265.decoder.activation import ParameterSets
from codec.h265.syntax.pps import Pps, pic_parameter_set_rbsp
from codec.h265.syntax.sps import Sps, seq_parameter_set_rbsp
from codec.h265.syntax.vps import Vps, video_parameter_set_rbsp


def sps_rbsp(**fields):
    return write_rbsp(seq_parameter_set_rbsp, Sps(**fields))


def pps_rbsp(**fields):
    return write_rbsp(pic_parameter_set_rbsp, Pps(**fields))


@pytest.fixture
def sets():
    store = ParameterSets()
    store.store_vps(write_rbsp(video_parameter_set_rbsp, Vps()))
    store.store_sps(sps_rbsp(pic_width_in_luma_samples=128))
    store.store_pps(pps_rbsp())
    return store


def test_missing_sets_are_named():
    store = ParameterSets()
    with pytest.raises(CorruptStream, match=r"^\(7\.4\.2\.4\.2\).*PPS 3, which has not arrived"):
        store.lookup(3)
    store.store_pps(pps_rbsp(pps_pic_parameter_set_id=3, pps_seq_parameter_set_id=5))
    with pytest.raises(CorruptStream, match=r"PPS 3 refers to SPS 5, which has not arrived"):
        store.lookup(3)
    store.store_sps(sps_rbsp(sps_seq_parameter_set_id=5))
    assert store.lookup(3)[0].sps_seq_parameter_set_id == 5


def test_activation_derives_everything_once(sets):
    active = sets.activate(0, new_sequence=1)
    assert active.params[0]["pic_width"] == 128 and active.scaling.shape == (4, 6, 1024)
    assert active.layout.ctb_addr_rs_to_ts.tolist() == [0, 1]
    assert sets.activate(0, new_sequence=0) is active


def test_the_same_bytes_again_change_nothing(sets):
    active = sets.activate(0, new_sequence=1)
    sets.store_sps(sps_rbsp(pic_width_in_luma_samples=128))
    sets.store_pps(pps_rbsp())
    assert sets.activate(0, new_sequence=0) is active
    sets.check_same_picture(0)


def test_a_changed_sps_waits_for_a_new_sequence(sets):
    sets.activate(0, new_sequence=1)
    sets.store_sps(sps_rbsp(pic_width_in_luma_samples=192))
    with pytest.raises(CorruptStream, match="inside a coded video sequence"):
        sets.activate(0, new_sequence=0)
    with pytest.raises(CorruptStream, match=r"inside a picture"):
        sets.check_same_picture(0)
    assert sets.activate(0, new_sequence=1).params[0]["width_in_ctbs"] == 3


def test_a_changed_pps_takes_effect_with_the_next_picture(sets):
    sets.activate(0, new_sequence=1)
    sets.store_pps(pps_rbsp(pps_cb_qp_offset=4))
    with pytest.raises(CorruptStream, match="inside a picture"):
        sets.check_same_picture(0)
    assert sets.activate(0, new_sequence=0).params[0]["cb_qp_offset"] == 4


def test_a_pps_is_checked_against_the_sps_it_meets(sets):
    sets.store_pps(pps_rbsp(tiles_enabled_flag=1, num_tile_columns_minus1=2))
    with pytest.raises(CorruptStream, match="3x1 tiles do not fit into 2x1"):
        sets.activate(0, new_sequence=1)
    sets.store_sps(sps_rbsp(pic_width_in_luma_samples=192))
    assert sets.activate(0, new_sequence=1).layout.tile_id.tolist() == [0, 1, 2]


def test_two_pps_of_one_picture_are_refused(sets):
    sets.store_pps(pps_rbsp(pps_pic_parameter_set_id=1))
    sets.activate(0, new_sequence=1)
    with pytest.raises(CorruptStream, match="to PPS 1"):
        sets.check_same_picture(1)


def test_a_damaged_set_leaves_the_old_one_in_place(sets):
    active = sets.activate(0, new_sequence=1)
    with pytest.raises(CorruptStream):
        sets.store_sps(sps_rbsp()[:9])
    assert sets.activate(0, new_sequence=0) is active


def test_size_limit(sets, monkeypatch):
    monkeypatch.setattr(limits, "MAX_PARAMETER_SET_BYTES", 100)
    with pytest.raises(LimitExceeded, match="MAX_PARAMETER_SET_BYTES"):
        sets.store_vps(bytes(101))


def test_the_same_content_in_other_bytes_changes_nothing(sets):
    """Such as with something behind rbsp_trailing_bits()."""
    active = sets.activate(0, new_sequence=1)
    sets.store_sps(sps_rbsp(pic_width_in_luma_samples=128) + b"text")
    sets.store_pps(pps_rbsp() + b"text")
    sets.check_same_picture(0)
    assert sets.activate(0, new_sequence=0) is active


def test_a_broken_set_is_told_when_a_slice_refers_to_it(sets):
    broken = sps_rbsp(sps_seq_parameter_set_id=4)[:-4]
    sets.store_sps(broken)
    sets.store_pps(pps_rbsp(pps_pic_parameter_set_id=1, pps_seq_parameter_set_id=4))
    sets.activate(0, new_sequence=1)
    for _ in range(2):
        with pytest.raises(CorruptStream, match="the data end"):
            sets.lookup(1)
    sets.store_sps(sps_rbsp(sps_seq_parameter_set_id=4))
    assert sets.lookup(1)[0].sps_seq_parameter_set_id == 4
