"""codec.h265.dpb: reference picture sets, reference lists and output order."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.base.errors import CorruptStream
from codec.h265.dpb import Dpb, RefPicSet, long_term_pocs, reference_lists
from codec.h265.structs import SLICE_B, SLICE_I, SLICE_P
from codec.h265.syntax.short_term_rps import explicit_rps
from codec.h265.syntax.slice_header import SliceHeader
from codec.h265.syntax.vps import SubLayerOrdering


def picture(poc):
    return SimpleNamespace(poc=poc, is_reference=None, needed_for_output=False, pic_latency_count=0)


def start(begins=0, discard=0):
    return SimpleNamespace(no_rasl_output_flag=begins, no_output_of_prior_pics_flag=discard)


def code(dpb, poc, deltas, ordering, unused=(), output=1, begins=0, discard=0):
    """One picture through the buffer; returns (RefPicSet, POCs output)."""
    header = SliceHeader(short_term_rps=explicit_rps(deltas, unused))
    rps = dpb.apply_rps(header, poc, 8, begins, begins)
    out = dpb.prepare(start(begins, discard), ordering)
    out += dpb.insert(picture(poc), output, ordering)
    return rps, [p.poc for p in out]


def test_hierarchical_gop_comes_out_in_order():
    """HM's random access GOP of 8: POC and reference picture set of each picture, in coding order."""
    gop = [
        (8, [-8]),
        (4, [-4, 4]),
        (2, [-2, 2, 6]),
        (1, [-1, 1, 3, 7]),
        (3, [-1, -3, 1, 5]),
        (6, [-2, -4, -6, 2]),
        (5, [-1, -5, 1, 3]),
        (7, [-1, -3, -7, 1]),
    ]
    dpb, ordering, output = Dpb(), SubLayerOrdering(5, 3, 0), []
    output += code(dpb, 0, [], ordering, begins=1)[1]
    for base in (0, 8, 16):
        for poc, deltas in gop:
            deltas = [d for d in deltas if base + poc + d >= 0]
            rps, out = code(dpb, base + poc, deltas, ordering)
            assert rps.missing() == []
            output += out
            assert len(dpb.pictures) <= ordering.max_dec_pic_buffering_minus1 + 1
    output += [p.poc for p in dpb.flush()]
    assert output == list(range(25)) and dpb.pictures == []


def test_reorder_limit_decides_when_a_picture_comes_out():
    dpb, ordering = Dpb(), SubLayerOrdering(5, 2, 0)
    output = [code(dpb, poc, [-poc] if poc else [], ordering, begins=poc == 0)[1] for poc in (0, 8, 4, 2, 6)]
    assert output == [[], [], [0], [2], [4]]
    # a smaller limit makes room before the picture that brings it is there (C.5.2.2)
    assert code(dpb, 7, [-1], SubLayerOrdering(5, 0, 0))[1] == [6, 8, 7]


def test_latency_limit():
    ordering = SubLayerOrdering(5, 2, 1)  # SpsMaxLatencyPictures = 2
    dpb = Dpb()
    assert code(dpb, 8, [], ordering, begins=1)[1] == []
    assert code(dpb, 1, [7], ordering)[1] == []
    assert code(dpb, 2, [6], ordering)[1] == [1, 2, 8]


def test_a_full_buffer_bumps():
    ordering = SubLayerOrdering(1, 1, 0)
    dpb = Dpb()
    code(dpb, 0, [], ordering, begins=1)
    assert code(dpb, 1, [-1], ordering)[1] == [0]
    assert code(dpb, 2, [-1, -2], ordering)[1] == [1]


def test_pictures_not_for_output_never_come_out():
    dpb, ordering = Dpb(), SubLayerOrdering(4, 0, 0)
    assert code(dpb, 0, [], ordering, begins=1, output=0)[1] == []
    assert code(dpb, 1, [-1], ordering)[1] == [1]
    assert dpb.flush() == []


@pytest.mark.parametrize(("discard", "expected"), [(0, [0, 4, 0]), (1, [0])])
def test_a_new_sequence_flushes_or_discards(discard, expected):
    dpb, ordering = Dpb(), SubLayerOrdering(4, 3, 0)
    output = code(dpb, 0, [], ordering, begins=1)[1]
    output += code(dpb, 4, [-4], ordering)[1]
    output += code(dpb, 0, [], ordering, begins=1, discard=discard)[1]
    output += [p.poc for p in dpb.flush()]
    assert output == expected


def test_marking_drops_what_the_set_does_not_name():
    dpb, ordering = Dpb(), SubLayerOrdering(8, 8, 0)
    for poc in range(5):
        code(dpb, poc, [-d for d in range(1, poc + 1)], ordering, begins=poc == 0)
    rps, _ = code(dpb, 5, [-1, -5], ordering, unused=[-3])
    assert [poc for poc, _ in rps.st_curr_before] == [4, 0] and [poc for poc, _ in rps.st_foll] == [2]
    assert {p.poc: p.is_reference for p in dpb.pictures} == {
        0: "short", 1: None, 2: "short", 3: None, 4: "short", 5: "short",
    }  # fmt: skip
    assert code(dpb, 6, [-3], ordering)[0].missing() == [3]


def test_missing_references():
    dpb, ordering = Dpb(), SubLayerOrdering(4, 0, 0)
    code(dpb, 0, [], ordering, begins=1)
    rps, _ = code(dpb, 4, [-4, -2], ordering, unused=[-1])
    assert rps.st_curr_before == [[2, None], [0, rps.st_curr_before[1][1]]] and rps.st_foll == [[3, None]]
    assert rps.missing() == [2]


def long_term_header(entries, num_long_term_sps=0):
    header = SliceHeader(num_long_term_sps=num_long_term_sps)
    (
        header.poc_lsb_lt,
        header.delta_poc_msb_present_flag,
        header.delta_poc_msb_cycle_lt,
        header.used_by_curr_pic_lt_flag,
    ) = [list(column) for column in zip(*entries, strict=True)]
    return header


def test_long_term_cycles_add_up_within_each_part():
    """(7-52) DeltaPocMsbCycleLt accumulates, and starts again at num_long_term_sps."""
    header = long_term_header([(3, 1, 1, 1), (5, 1, 2, 0), (7, 1, 1, 1), (9, 0, 0, 1)], num_long_term_sps=2)
    assert long_term_pocs(header, 16 * 5 + 2, 4) == [(67, 1, 1), (37, 1, 0), (71, 1, 1), (9, 0, 1)]


def test_long_term_pictures_by_lsb_and_by_full_poc():
    dpb, ordering = Dpb(), SubLayerOrdering(8, 0, 0)
    for poc in (0, 5, 21):
        code(dpb, poc, [-d for d in (5, 16, 21) if d <= poc], ordering, begins=poc == 0)
    header = long_term_header([(5, 1, 1, 1), (0, 0, 0, 1), (9, 0, 0, 0)])
    header.short_term_rps = explicit_rps([-1])
    rps = dpb.apply_rps(header, 22, 4, 0, False)
    assert [(poc, p.poc) for poc, p in rps.lt_curr] == [(5, 5), (0, 0)] and rps.lt_foll == [[9, None]]
    assert [p.poc for _, p in rps.st_curr_before] == [21] and rps.missing() == []
    assert {p.poc: p.is_reference for p in dpb.pictures} == {0: "long", 5: "long", 21: "short"}
    # a long-term picture never becomes a short-term one again
    assert code(dpb, 23, [-18], ordering)[0].missing() == [5]


def lists(header, before=(), after=(), long_term=()):
    rps = RefPicSet([[p, p] for p in before], [[p, p] for p in after], [], [[p, p] for p in long_term])
    return [[poc for poc, _, _ in entries] for entries in reference_lists(rps, header)]


def test_reference_lists_start_from_the_three_parts_and_repeat():
    header = SliceHeader(slice_type=SLICE_B, num_ref_idx_l0_active_minus1=4, num_ref_idx_l1_active_minus1=2)
    assert lists(header, [7, 6], [9], [1]) == [[7, 6, 9, 1, 7], [9, 7, 6]]
    header.slice_type = SLICE_P
    assert lists(header, [7, 6], [9], [1]) == [[7, 6, 9, 1, 7], []]
    header.slice_type = SLICE_I
    assert lists(header) == [[], []]


def test_modified_reference_lists():
    header = SliceHeader(slice_type=SLICE_B, num_ref_idx_l0_active_minus1=2, num_ref_idx_l1_active_minus1=1)
    header.ref_pic_list_modification_flag_l1, header.list_entry_l1 = 1, [2, 2]
    assert lists(header, [7, 6], [9]) == [[7, 6, 9], [6, 6]]
    rps = RefPicSet([[7, "seven"]], [], [], [[1, "one"]])
    assert reference_lists(rps, header)[0] == [(7, "seven", False), (1, "one", True), (7, "seven", False)]


def test_nothing_to_refer_to():
    with pytest.raises(CorruptStream, match=r"^\(8\.3\.4\)"):
        lists(SliceHeader(slice_type=SLICE_P))


@given(st.lists(st.tuples(st.integers(-40, 40), st.booleans(), st.booleans()), max_size=40), st.integers(0, 4))
def test_any_sequence_terminates_and_loses_nothing(steps, reorder):
    """Every picture for output comes out once, whatever the stream says."""
    dpb, ordering, output = Dpb(), SubLayerOrdering(reorder + 1, reorder, 1), []
    for poc, begins, wanted in steps:
        output += code(dpb, poc, [-1, 1, 2], ordering, begins=int(begins), output=int(wanted))[1]
    output += [p.poc for p in dpb.flush()]
    assert sorted(output) == sorted(poc for poc, _, wanted in steps if wanted)
