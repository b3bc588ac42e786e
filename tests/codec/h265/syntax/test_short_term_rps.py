"""codec.h265.syntax.short_term_rps against the loops of 7.4.8 and a hand-made example."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.base.errors import CodecError
from codec.base.serdes import Writer
from codec.h265.syntax.short_term_rps import ShortTermRps, explicit_rps, st_ref_pic_set
from tests.codec.h265.syntax.random_serdes import random_structure


def spec_inter_rps(rps, ref):
    """(7-61), (7-62) as written."""
    delta_rps = (1 - 2 * rps.delta_rps_sign) * (rps.abs_delta_rps_minus1 + 1)
    ref_s0, ref_s1 = ref.delta_poc_s0, ref.delta_poc_s1
    used, use_delta = rps.used_by_curr_pic_flag, rps.use_delta_flag
    s0, used_s0, s1, used_s1 = [], [], [], []
    for j in range(len(ref_s1) - 1, -1, -1):
        d_poc = ref_s1[j] + delta_rps
        if d_poc < 0 and use_delta[len(ref_s0) + j]:
            s0.append(d_poc)
            used_s0.append(used[len(ref_s0) + j])
    if delta_rps < 0 and use_delta[len(ref_s0) + len(ref_s1)]:
        s0.append(delta_rps)
        used_s0.append(used[len(ref_s0) + len(ref_s1)])
    for j in range(len(ref_s0)):
        d_poc = ref_s0[j] + delta_rps
        if d_poc < 0 and use_delta[j]:
            s0.append(d_poc)
            used_s0.append(used[j])
    for j in range(len(ref_s0) - 1, -1, -1):
        d_poc = ref_s0[j] + delta_rps
        if d_poc > 0 and use_delta[j]:
            s1.append(d_poc)
            used_s1.append(used[j])
    if delta_rps > 0 and use_delta[len(ref_s0) + len(ref_s1)]:
        s1.append(delta_rps)
        used_s1.append(used[len(ref_s0) + len(ref_s1)])
    for j in range(len(ref_s1)):
        d_poc = ref_s1[j] + delta_rps
        if d_poc > 0 and use_delta[len(ref_s0) + j]:
            s1.append(d_poc)
            used_s1.append(used[len(ref_s0) + j])
    return s0, used_s0, s1, used_s1


DELTAS = st.sets(st.integers(-20, 20).filter(bool), max_size=7)


@given(seed=st.integers(0, 10**9), deltas=DELTAS)
@settings(max_examples=200, deadline=None)
def test_predicted_sets(seed, deltas):
    reference = explicit_rps(deltas)
    sps = SimpleNamespace(num_short_term_ref_pic_sets=2, short_term_ref_pic_sets=[reference])
    fixed = {"inter_ref_pic_set_prediction_flag": 1}
    rps, _ = random_structure(st_ref_pic_set, ShortTermRps, seed, fixed, (1, sps))
    derived = rps.delta_poc_s0, rps.used_by_curr_pic_s0, rps.delta_poc_s1, rps.used_by_curr_pic_s1
    assert derived == spec_inter_rps(rps, reference)


@given(deltas=DELTAS, unused=DELTAS)
def test_explicit_sets(deltas, unused):
    rps = explicit_rps(deltas, unused)
    assert rps.delta_poc_s0 == sorted((d for d in deltas | unused if d < 0), reverse=True)
    assert rps.delta_poc_s1 == sorted(d for d in deltas | unused if d > 0)
    assert rps.num_delta_pocs == len(deltas | unused) and rps.num_used_by_curr == len(deltas - unused)
    assert rps.num_negative_pics == len(rps.delta_poc_s0) and rps.num_positive_pics == len(rps.delta_poc_s1)


def test_too_many_pictures_are_refused():
    sps = SimpleNamespace(num_short_term_ref_pic_sets=2, short_term_ref_pic_sets=[explicit_rps(range(-15, 0))])
    with pytest.raises(CodecError, match=r"^\(7\.4\.8\) num_negative_pics = 16 is outside 0\.\.15"):
        st_ref_pic_set(Writer(), explicit_rps(range(-16, 0)), 0, sps)
    rps = ShortTermRps(inter_ref_pic_set_prediction_flag=1, delta_rps_sign=1)
    rps.used_by_curr_pic_flag = rps.use_delta_flag = [1] * 16
    with pytest.raises(CodecError, match=r"^\(7\.4\.8\) NumDeltaPocs\[1\] = 16"):
        st_ref_pic_set(Writer(), rps, 1, sps)
