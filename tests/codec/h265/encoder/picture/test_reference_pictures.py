"""Slots of reference pictures, lists, and what P and B slice headers say of them."""

import numpy as np

from codec.h265.encoder.picture.picture_encoder import make_sequence, new_references
from codec.h265.encoder.picture.reference_pictures import list_pocs
from codec.h265.encoder.plan.gop import Planner
from codec.h265.encoder.plan.slice_header import new_slice
from tests.codec.h265.encoder.plan.gops import cfg_config


def slices(name, groups, **changes):
    """(PlannedPicture, SliceHeader, SLICE, REFERENCE, slot) of the first slice of each picture of some groups."""
    config = cfg_config(name, **changes)
    sequence, planner, begin = make_sequence(config), Planner(config), 0
    pictures = new_references(sequence)
    made = []
    for _ in range(groups):
        size = planner.group_size(begin)
        for plan in planner.group(begin, size):
            references = pictures.begin(plan)
            made.append((plan, *new_slice(sequence, plan, references, 0), references.slot))
            pictures.end(references)
        begin += size
    return made


def test_slots_stay_with_their_pictures():
    for name in ("lowdelay_P_main", "randomaccess_main"):
        slot_of = {}
        for plan, _, _, lists, slot in slices(name, 5):
            kept = {slot_of[plan.poc + delta] for delta, _ in plan.rps}
            assert slot not in kept
            slot_of[plan.poc] = slot
            for poc, used in zip(lists["poc"].ravel(), lists["slot"].ravel(), strict=True):
                assert used == -1 or used == slot_of[poc]
        assert max(slot_of.values()) < 7


def test_low_delay_p():
    made = slices("lowdelay_P_main", 3)
    assert [list_pocs(lists) for _, _, _, lists, _ in made][4:6] == [((3, 2, 1, 0), ()), ((4, 3, 2, 0), ())]
    first, settled = made[1][1], made[5][1]
    assert (first.num_ref_idx_active_override_flag, first.num_ref_idx_l0_active_minus1) == (1, 0)
    assert settled.num_ref_idx_active_override_flag == 0
    assert [header.slice_temporal_mvp_enabled_flag for _, header, _, _, _ in made] == [1] * 9


def test_low_delay_b_has_equal_lists():
    for plan, header, record, lists, _ in slices("lowdelay_main", 3, MaxNumMergeCand=3)[1:]:
        l0, l1 = list_pocs(lists)
        assert l0 == l1
        assert (header.mvd_l1_zero_flag, header.collocated_from_l0_flag) == (1, 1)
        assert (record[0]["max_num_merge_cand"], record[0]["no_backward_pred"], record[0]["poc"]) == (3, 1, plan.poc)


def test_random_access_collocated_picture():
    """Not the intra picture; else the one of the higher layer."""
    headers = {plan.poc: (header, record) for plan, header, record, _, _ in slices("randomaccess_main", 2)}
    # POC 8 has the intra picture 0 in front of list 0, POC 16 in front of list 1
    assert headers[8][0].collocated_from_l0_flag == 0
    # POC 6: 4 (layer 2) against 8 (layer 1)
    assert headers[6][0].collocated_from_l0_flag == 1
    # POC 5: 4 (layer 2) against 6 (layer 3)
    assert headers[5][0].collocated_from_l0_flag == 0
    assert (headers[8][0].mvd_l1_zero_flag, headers[8][1][0]["no_backward_pred"]) == (0, 0)
    assert headers[16][0].mvd_l1_zero_flag == 1


def test_intra_slices_have_empty_lists():
    (_, header, _, lists, _), *_ = slices("lowdelay_main", 1)
    assert np.all(lists["slot"] == -1)
    assert list_pocs(lists) == ((), ())
    assert header.short_term_rps.num_delta_pocs == 0
