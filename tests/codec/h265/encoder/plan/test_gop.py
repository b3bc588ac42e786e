"""Coding order, types, QPs, multipliers and reference pictures, against tables written by hand and HM's logs."""

import dataclasses
import random

import pytest

from codec.base.errors import UsageError
from codec.h265.encoder.plan.gop import Planner, coding_order, higher_layer_references, picture_lambda
from codec.h265.encoder.plan.structure import analyse
from codec.h265.nal import (
    CRA_NUT,
    IDR_W_RADL,
    RADL_N,
    RADL_R,
    RASL_N,
    RASL_R,
    TRAIL_N,
    TRAIL_R,
    TSA_N,
    TSA_R,
    is_irap,
    is_rasl,
)
from tests.codec.h265.encoder.plan.gops import above_config, above_rows, cfg_config, row, rows_config

RA_ORDER = [16, 8, 4, 2, 1, 3, 6, 5, 7, 12, 10, 9, 11, 14, 13, 15]
RA_LAYERS = [0, 1, 2, 3, 4, 4, 3, 4, 4, 2, 3, 4, 4, 3, 4, 4]


def plan(config, count):
    """All PlannedPictures of a sequence of `count` pictures."""
    pictures = [picture for picture, source in coding_order(config, range(count)) if picture.index == source]
    assert sorted(picture.index for picture in pictures) == list(range(count))
    return pictures


def nearest_first(picture):
    before = [poc for poc in picture.reference_pocs if poc < picture.poc][::-1]
    return before + [poc for poc in picture.reference_pocs if poc > picture.poc]


def test_all_intra():
    pictures = plan(cfg_config("intra_main"), 3)
    assert [(p.index, p.poc, p.slice_type, p.qp, p.rps) for p in pictures] == [(i, i, "I", 32, ()) for i in range(3)]
    assert [p.nal_unit_type for p in pictures] == [IDR_W_RADL, CRA_NUT, CRA_NUT]


def test_low_delay_p_as_hm_logs_it():
    """reference/logs/hm_ldp_bikes416_32.log"""
    pictures = plan(cfg_config("lowdelay_P_main"), 17)
    assert [p.poc for p in pictures] == list(range(17))
    assert [p.slice_type for p in pictures] == ["I"] + ["P"] * 16
    assert [p.qp for p in pictures] == [31] + [40, 39, 40, 33] * 4
    lists = [nearest_first(p) for p in pictures]
    assert lists[:7] == [[], [0], [1, 0], [2, 1, 0], [3, 2, 1, 0], [4, 3, 2, 0], [5, 4, 3, 0]]
    assert lists[7:11] == [[6, 5, 4, 0], [7, 6, 4, 0], [8, 7, 4, 0], [9, 8, 4, 0]]
    assert lists[13:] == [[12, 8, 4, 0], [13, 12, 8, 4], [14, 12, 8, 4], [15, 12, 8, 4]]
    assert {p.nal_unit_type for p in pictures[1:]} == {TRAIL_R}
    assert all(p.is_reference for p in pictures)


@pytest.mark.parametrize(("qp", "qps"), [(22, [21, 27, 26, 27, 23]), (27, [26, 34, 33, 34, 28])])
def test_low_delay_qps_as_hm_logs_them(qp, qps):
    assert [p.qp for p in plan(cfg_config("lowdelay_P_main", QP=qp), 5)] == qps


def test_random_access():
    pictures = plan(cfg_config("randomaccess_main"), 17)
    assert [p.poc for p in pictures] == [0, *RA_ORDER]
    assert [p.temporal_id for p in pictures] == [0, *RA_LAYERS]
    assert [p.qp for p in pictures] == [29] + [[33, 35, 38, 40, 41][layer] for layer in RA_LAYERS]
    assert [p.is_reference for p in pictures] == [True] + [layer < 4 for layer in RA_LAYERS]
    by_poc = {p.poc: p for p in pictures}
    assert by_poc[16].reference_pocs == [0]
    assert by_poc[8].reference_pocs == [0, 16]
    assert by_poc[1].reference_pocs == [0, 2, 4, 8, 16]
    assert by_poc[15].reference_pocs == [0, 12, 14, 16]
    assert {p.nal_unit_type for p in pictures if p.temporal_id in (1, 2, 3)} == {TSA_R}
    assert {p.nal_unit_type for p in pictures if p.temporal_id == 4} == {TSA_N}
    unnested = Planner(cfg_config("randomaccess_main"), nested=False)
    assert [p.nal_unit_type for p in [*unnested.group(0, 1), *unnested.group(1, 16)]][-1] == TRAIL_N


def test_random_access_of_nine_pictures():
    """HM leaves out the row beyond the end."""
    pictures = plan(cfg_config("randomaccess_main"), 9)
    assert [p.poc for p in pictures] == [0, *(poc for poc in RA_ORDER if poc <= 8)]
    assert pictures[1].reference_pocs == [0]


def test_random_access_with_cra():
    pictures = plan(cfg_config("randomaccess_main"), 40)
    order = [0, *RA_ORDER, *(16 + poc for poc in RA_ORDER), *(32 + poc for poc in RA_ORDER if poc < 8)]
    assert [p.index for p in pictures] == [p.poc for p in pictures] == order
    cra = pictures[17]
    assert (cra.poc, cra.slice_type, cra.nal_unit_type, cra.qp) == (32, "I", CRA_NUT, 29)
    # an IRAP picture uses nothing; its leading pictures need the first GOP's end
    assert cra.rps == ((-32, False), (-16, False))
    leading, trailing = pictures[18:33], pictures[33:]
    assert {p.nal_unit_type for p in leading} == {RASL_N, RASL_R}
    assert leading[0].reference_pocs == [0, 16, 32]
    assert all(poc >= 32 for p in trailing for poc in p.reference_pocs)
    assert [p.reference_pocs for p in trailing[:3]] == [[32], [32, 36], [32, 34, 36]]


def test_random_access_with_idr():
    pictures = plan(cfg_config("randomaccess_main", DecodingRefreshType=2, IntraPeriod=16), 34)
    idr = pictures[1]
    assert (idr.index, idr.poc, idr.nal_unit_type, idr.rps) == (16, 0, IDR_W_RADL, ())
    leading = pictures[2:17]
    assert [p.poc for p in leading] == [poc - 16 for poc in RA_ORDER[1:]]
    assert {p.nal_unit_type for p in leading} == {RADL_N, RADL_R}
    assert leading[0].reference_pocs == [0]
    # the last picture stands alone in its GOP: nothing but the second IDR picture is left to refer to
    assert (pictures[-1].poc, pictures[-1].nal_unit_type, pictures[-1].reference_pocs) == (1, TSA_N, [0])


def test_low_delay_with_idr_and_cra():
    for refresh, nal_unit_type, poc in ((2, IDR_W_RADL, 0), (1, CRA_NUT, 8)):
        pictures = plan(cfg_config("lowdelay_P_main", IntraPeriod=8, DecodingRefreshType=refresh), 12)
        start = pictures[8]
        assert (start.poc, start.slice_type, start.nal_unit_type, start.rps) == (poc, "I", nal_unit_type, ())
        assert [p.reference_pocs for p in pictures[9:]] == [[poc], [poc, poc + 1], [poc, poc + 1, poc + 2]]
        assert [p.recovery for p in pictures] == [False] * 12


def test_plain_intra_pictures():
    """Type 0: prediction goes on across; type 3: a decoder may begin there."""
    plain = plan(cfg_config("lowdelay_P_main", IntraPeriod=8, DecodingRefreshType=0), 12)
    assert (plain[8].slice_type, plain[8].nal_unit_type, plain[8].recovery) == ("I", TRAIL_R, False)
    assert min(plain[9].reference_pocs) < 8
    point = plan(cfg_config("lowdelay_P_main", IntraPeriod=8, DecodingRefreshType=3), 12)
    assert (point[8].slice_type, point[8].nal_unit_type, point[8].recovery) == ("I", TRAIL_R, True)
    assert point[9].reference_pocs == [8]
    assert not point[0].recovery


CONFIGS = {
    **{name: cfg_config(name) for name in ("lowdelay_P_main", "lowdelay_main", "randomaccess_main")},
    **{f"above_{size}": above_config(size) for size in (8, 16)},
}


def random_rows(rng):
    """Rows of a GOP in any order, each with pictures that may be in the buffer, of any layers."""
    size = rng.choice((2, 4, 8))
    order = rng.sample(range(1, size + 1), size)
    kept, rows = [-size, 0], []
    for poc in order:
        pocs = rng.sample(kept, rng.randint(1, min(len(kept), 5)))
        layer = 0 if poc == size else rng.randint(0, 2)
        deltas = [other - poc for other in pocs]
        rows.append(row("B", poc, deltas, layer, num_ref_pics_active=rng.randint(1, 6)))
        kept = [*pocs, poc]
    return rows


def random_configs(count):
    """Configs of random rows, those that can be coded."""
    rng, made = random.Random(5), []
    while len(made) < count:
        rows = random_rows(rng)
        config = rows_config(*rows, IntraPeriod=len(rows) * rng.choice((2, 3)), DecodingRefreshType=rng.randrange(4))
        try:
            structure = analyse(config)
        except UsageError as error:
            assert "is not in the buffer" in str(error) or "needs a buffer" in str(error)
            continue
        made.append((config, structure.nested))
    return made


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("refresh", range(4))
@pytest.mark.parametrize("period", [16, 32, -1])
def test_rules_of_the_standard_at_every_length(name, refresh, period):
    config = dataclasses.replace(CONFIGS[name], IntraPeriod=period, DecodingRefreshType=refresh)
    for count in (1, 2, 5, 16, 17, 18, 31, 47, 70):
        check_rules(config, count, analyse(config).nested)


def test_rules_of_the_standard_with_random_rows():
    configs = random_configs(60)
    assert any(any(higher_layer_references(config, entry) for entry in config.GOP) for config, _ in configs)
    for config, nested in configs:
        for count in (5, 16, 41):
            check_rules(config, count, nested)


def check_rules(config, count, nested):
    """(8.3.2, 7.4.2.2) Sets name pictures that the buffer holds; nobody refers across a random access point, nor up."""
    kept, start, by_poc = set(), None, {}
    for p in [p for p, source in coding_order(config, range(count), nested) if p.index == source]:
        if p.nal_unit_type == IDR_W_RADL:
            kept = set()
        pocs = {p.poc + delta for delta, _ in p.rps}
        assert pocs <= kept
        assert [delta for delta, _ in p.rps] == sorted(dict(p.rps))
        referred = [by_poc[poc] for poc in p.reference_pocs]
        assert all(other.temporal_id <= p.temporal_id and other.is_reference for other in referred)
        if p.nal_unit_type in (TSA_N, TSA_R):
            assert all(by_poc[poc].temporal_id < p.temporal_id for poc in pocs)
        if is_irap(p.nal_unit_type):
            assert (p.slice_type, p.temporal_id, p.reference_pocs) == ("I", 0, [])
            start = p
        elif p.poc > start.poc:
            assert min(pocs, default=start.poc) >= start.poc
            assert not is_rasl(p.nal_unit_type)
        assert (p.slice_type == "I") == (p.num_active == 0)
        assert p.num_active <= len(p.reference_pocs)
        kept, by_poc[p.poc] = pocs | {p.poc}, p


@pytest.mark.parametrize("size", [8, 16])
def test_references_of_higher_layers_are_kept_for_later_pictures(size):
    pictures = {picture.poc: picture for picture in plan(above_config(size, IntraPeriod=-1), 4 * size + 1)}
    begin = 3 * size
    first, second = pictures[begin + size], pictures[begin + size // 2]
    named = above_rows(size)[0].reference_pictures
    assert first.rps == tuple((delta, delta % size == 0) for delta in sorted(named))
    assert {used for _, used in first.rps} == {False, True}
    assert second.reference_pocs == [begin, begin + size]
    assert begin - size // 4 in pictures[begin + size // 4].reference_pocs


def test_a_row_that_names_higher_layers_only_refers_to_the_nearest_of_layer_0():
    rows = [row("P", 2, [-3]), row("P", 1, [-1, 1], 1)]
    pictures = plan(rows_config(*rows), 9)
    assert [(p.poc, p.reference_pocs) for p in pictures[3:7]] == [(4, [2]), (3, [2, 4]), (6, [4]), (5, [4, 6])]
    assert pictures[3].rps == ((-3, False), (-2, True))
    assert pictures[3].num_active == 1


def test_only_one_gop_is_read_ahead():
    taken = []

    def source():
        for index in range(40):
            taken.append(index)
            yield index

    for coded, (_, _) in enumerate(coding_order(cfg_config("randomaccess_main"), source())):
        assert len(taken) <= (coded + 15) // 16 * 16 + 1


def test_qp_file_overrides_by_display_index():
    pictures = plan(cfg_config("randomaccess_main", PictureQP=tuple(range(10, 27))), 18)
    assert all(p.qp == 10 + p.index for p in pictures[:17])


def test_offsets_of_a_row():
    values = dict(cb_qp_offset=1, cr_qp_offset=-2, tc_offset_div2=3, beta_offset_div2=-4)
    first, second = plan(rows_config(row("P", 1, [-1], **values)), 2)
    assert (first.cb_qp_offset, first.tc_offset_div2) == (0, 0)
    assert (second.cb_qp_offset, second.cr_qp_offset) == (1, -2)
    assert (second.tc_offset_div2, second.beta_offset_div2) == (3, -4)


def test_qp_is_clipped():
    assert [p.qp for p in plan(rows_config(row("P", 1, [-1], qp_offset=9), QP=50), 2)] == [50, 51]


class TestLambda:
    """reference/HM.md"""

    def test_from_the_qp(self):
        config = cfg_config("lowdelay_P_main")
        assert picture_lambda(config, 12) == pytest.approx(0.57)
        assert picture_lambda(config, 15) == pytest.approx(1.14)
        assert picture_lambda(config, 15, config.GOP[0]) == pytest.approx(1.14)

    def test_from_the_rows(self):
        low, key = row("P", 1, [-1], qp_factor=0.4), row("P", 2, [-1], qp_factor=0.5)
        config = rows_config(low, key)
        # the GOP has one picture besides the key picture: 1 - 0.05
        assert picture_lambda(config, 12) == pytest.approx(0.57 * 0.95)
        assert picture_lambda(config, 30, key) == pytest.approx(0.5 * 64)
        assert picture_lambda(config, 30, low) == pytest.approx(0.4 * 64 * 3)
        assert picture_lambda(config, 12, low) == pytest.approx(0.4 * 2)
        assert picture_lambda(config, 51, low) == pytest.approx(0.4 * 2**13 * 4)

    def test_modifiers(self):
        layer = row("P", 1, [-1], temporal_id=1, qp_factor=0.5)
        settings = dict(LambdaFromQpEnable=True, LambdaModifier0=2.0, LambdaModifier1=3.0, HadamardME=False)
        config = rows_config(layer, row("P", 2, [-2]), **settings)
        assert picture_lambda(config, 12) == pytest.approx(0.57 * 2)
        assert picture_lambda(config, 12, layer) == pytest.approx(0.57 * 3 * 0.95)
        config = rows_config(row("P", 1, [-1]), LambdaModifierI=(5.0,), IQPFactor=0.3, LambdaModifier0=2.0)
        assert picture_lambda(config, 12) == pytest.approx(1.5)
