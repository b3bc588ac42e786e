"""Reference pictures in the decoder: slots, lists with weights, and what happens where pictures are missing."""

from types import SimpleNamespace

import numpy as np
import pytest

from codec.base.errors import EXIT_CORRUPT, CorruptStream
from codec.h265.config import DecoderConfig
from codec.h265.decoder.decode import decode_stream
from codec.h265.frame_store import FrameStore
from codec.h265.nal import read_nal_units
from codec.h265.structs import COL_SHORT_TERM, PARAMS, SLICE_B, SLICE_I, SLICE_P
from codec.h265.syntax.pps import Pps
from codec.h265.syntax.references import make_references, no_backward_pred
from codec.h265.syntax.slice_header import SliceHeader
from codec.h265.syntax.sps import Sps
from tests.conformance import foreign, x265_inter_matrix
from tests.fuzz.mutate import join


def make_store(slots, chroma_format_idc=1):
    params = np.zeros(1, PARAMS)
    values = {"pic_width": 40, "pic_height": 24, "width_in_units": 10, "height_in_units": 6}
    values |= {"bit_depth_y": 8, "bit_depth_c": 10, "chroma_format_idc": chroma_format_idc}
    for name, value in values.items():
        params[0][name] = value
    return FrameStore(params[0], slots)


def test_slots_are_used_again():
    store = make_store(2)
    assert store.acquire(set()) == 0
    assert store.acquire({0}) == 1
    assert store.acquire({1}) == 0


def test_more_slots_keep_what_is_there():
    store = make_store(1)
    assert store.acquire(set()) == 0
    for value, plane in enumerate(store.planes(0)):
        plane[:] = value + 7
    store.col_motion(0)["state"] = COL_SHORT_TERM
    slot = store.acquire({0})
    assert slot == 1
    assert [int(plane.min()) for plane in store.planes(0)] == [7, 8, 9]
    assert (store.col_motion(0)["state"] == COL_SHORT_TERM).all()
    assert not store.col_motion(1)["state"].any()
    references = store.references(None)
    assert references.luma.shape == (3, 24, 40) and references.cr.shape == (3, 12, 20)
    assert references.motion.shape == (3, 2, 3)


def test_a_slot_begins_without_motion():
    store = make_store(1)
    store.col_motion(0)["state"] = COL_SHORT_TERM
    store.acquire(set())
    assert not store.col_motion(0)["state"].any()


@pytest.mark.parametrize("chroma_format_idc", [0, 1])
def test_grey(chroma_format_idc):
    store = make_store(1, chroma_format_idc)
    store.fill_grey(store.acquire(set()))
    luma, cb, cr = store.planes(0)
    assert (luma == 128).all() and (cb == 512).all() and (cr == 512).all()
    assert cb.size == (240 if chroma_format_idc else 0)


def entry(slot, poc, is_long_term=False):
    return poc, SimpleNamespace(slot=slot, poc=poc), is_long_term


def test_lists_become_records():
    header, pps = SliceHeader(slice_type=SLICE_B, num_ref_idx_l0_active_minus1=1), Pps()
    lists = [[entry(3, 8), entry(1, 4, True)], [entry(5, -2)]]
    record = make_references(Sps(), pps, header, lists)
    assert record.shape == (1, 2, 16)
    assert record["slot"][0, 0].tolist() == [3, 1] + [-1] * 14
    assert record["slot"][0, 1].tolist() == [5] + [-1] * 15
    assert record["poc"][0, 0, :2].tolist() == [8, 4] and record["poc"][0, 1, 0] == -2
    assert record["is_long_term"][0, 0, :2].tolist() == [0, 1]
    assert (make_references(Sps(), pps, SliceHeader(slice_type=SLICE_I), None)["slot"] == -1).all()


def test_weights_of_a_p_slice():
    header, pps = SliceHeader(slice_type=SLICE_P), Pps(weighted_pred_flag=1)
    table = header.pred_weight_table
    table.luma_log2_weight_denom, table.delta_chroma_log2_weight_denom = 5, 1
    part = table.lists[0]
    part.luma_weight_flag, part.chroma_weight_flag = [1], [1]
    part.delta_luma_weight, part.luma_offset = [-3], [7]
    part.delta_chroma_weight, part.delta_chroma_offset = [2, -4], [10, -20]
    record = make_references(Sps(), pps, header, [[entry(0, 0)], []])[0, 0, 0]
    assert record["log2_denominator"].tolist() == [5, 6, 6]
    assert record["weight"].tolist() == [29, 66, 60]
    # (7-56) 128 + delta - ((128 * weight) >> 6)
    assert record["offset"].tolist() == [7, 128 + 10 - 132, 128 - 20 - 120]


def test_no_backward_pred():
    assert no_backward_pred([[entry(0, 4), entry(1, 5)], [entry(2, -1)]], 5)
    assert not no_backward_pred([[entry(0, 4)], [entry(2, 6)]], 5)
    assert no_backward_pred([[], []], 0)


@pytest.fixture(scope="module")
def low_delay(tmp_path_factory):
    """The NAL units of a low-delay stream of 14 pictures."""
    stream = x265_inter_matrix.make_stream("low delay, ref 1", tmp_path_factory.mktemp("missing"))
    with open(stream, "rb") as file:
        return list(read_nal_units(file))


@foreign.needs(foreign.X265)
def test_a_missing_reference_is_replaced(low_delay, tmp_path):
    slices = [i for i, nal in enumerate(low_delay) if nal.nal_unit_type < 32]
    # the picture and the hash behind it
    without = low_delay[: slices[3]] + low_delay[slices[4] :]
    stream = tmp_path / "missing.bit"
    stream.write_bytes(join(without))
    pictures = []
    message = r"8\.3\.3.*1 reference picture.*POC 4"
    with open(stream, "rb") as file, pytest.raises(CorruptStream, match=message) as error:
        for picture in decode_stream(DecoderConfig(), file):
            pictures.append(picture)
    assert error.value.exit_code == EXIT_CORRUPT
    assert [picture.poc for picture in pictures] == [0, 1, 2, *range(4, 14)]
    assert [picture.hash_status for picture in pictures[:3]] == ["OK"] * 3
    assert pictures[3].hash_status == "ERROR"


@foreign.needs(foreign.X265)
def test_output_pictures_stay_as_they_are(low_delay, tmp_path):
    stream = tmp_path / "whole.bit"
    stream.write_bytes(join(low_delay))
    with open(stream, "rb") as file:
        first = [(picture, picture.planes[0].copy()) for picture in decode_stream(DecoderConfig(), file)]
    assert len(first) == 14
    for picture, luma in first:
        assert np.array_equal(picture.planes[0], luma)
