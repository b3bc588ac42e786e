"""What the GOP asks of parameter sets and buffer: HM's structures, faulty ones, and the decoder's buffer as witness."""

import dataclasses

import pytest

from codec.base.errors import UsageError
from codec.h265.dpb import Dpb, RefPicSet
from codec.h265.encoder.plan.gop import coding_order
from codec.h265.encoder.plan.structure import analyse
from codec.h265.nal import is_idr
from codec.h265.syntax.vps import SubLayerOrdering
from tests.codec.h265.encoder.plan.gops import above_config, cfg_config, row, rows_config


@pytest.mark.parametrize("name", ["lowdelay_P_main", "lowdelay_main"])
def test_low_delay(name):
    structure = analyse(cfg_config(name))
    assert structure.ordering == ((5, 0),)
    assert structure.nested
    assert structure.farthest == 13
    assert structure.num_active == (4, 4 if name == "lowdelay_main" else 1)
    assert structure.init_qp == 40
    assert len(structure.rps) == 4
    assert ((-13, True), (-9, True), (-5, True), (-1, True)) in structure.rps


def test_random_access():
    structure = analyse(cfg_config("randomaccess_main"))
    # layer 0 has POC 0, 16, 32: two references and the picture itself, none reordered
    assert structure.ordering[0] == (3, 0)
    assert [reordered for _, reordered in structure.ordering] == [0, 1, 2, 3, 4]
    assert structure.nested
    assert structure.num_active == (2, 2)
    assert structure.init_qp == 41


def test_all_intra_needs_nothing():
    structure = analyse(cfg_config("intra_main", QP=27))
    assert (structure.ordering, structure.nested, structure.rps) == (((1, 0),), True, ((),))
    assert structure.init_qp == 27


class Held:
    """A picture for the decoder's buffer."""

    def __init__(self, plan):
        self.plan, self.poc = plan, plan.poc


class ContinuedSequence:
    """A picture that begins no sequence."""

    no_rasl_output_flag = 0


@pytest.mark.parametrize("refresh", range(4))
@pytest.mark.parametrize("period", [-1, 16, 48])
@pytest.mark.parametrize("name", ["lowdelay_P_main", "randomaccess_main", "above_8", "above_16"])
def test_every_layer_fits_its_buffer(name, period, refresh):
    """(C.5.2) The decoder's buffer never holds more than was promised, and outputs in display order."""
    changes = dict(IntraPeriod=period, DecodingRefreshType=refresh)
    above = name.startswith("above")
    config = above_config(int(name[6:]), **changes) if above else cfg_config(name, **changes)
    structure = analyse(config)
    for layer, (pictures, reordered) in enumerate(structure.ordering):
        for count in (7, 50, 100):
            dpb, output, most = Dpb(), [], 0
            ordering = SubLayerOrdering(15, reordered)
            for plan, _ in coding_order(config, range(count), structure.nested):
                if plan.temporal_id > layer:
                    continue
                if is_idr(plan.nal_unit_type):
                    output += dpb.flush()
                kept = {plan.poc + delta for delta, _ in plan.rps}
                entries = [[held.poc, held] for held in dpb.pictures if held.poc in kept]
                dpb._mark(RefPicSet(st_foll=entries))
                output += dpb.prepare(ContinuedSequence, ordering)
                most = max(most, len(dpb.pictures) + 1)
                output += dpb.insert(Held(plan), 1, ordering)
            output += dpb.flush()
            indices = [held.plan.index for held in output]
            assert indices == sorted(indices)
            assert most <= pictures


def test_a_structure_without_nesting():
    """Two pictures of layer 1 follow one another, the second refers to the first."""
    rows = [row("B", 4, [-4]), row("B", 1, [-1, 3], 1), row("B", 2, [-2, -1, 2], 1), row("B", 3, [-3, 1], 1)]
    assert not analyse(rows_config(*rows)).nested
    rows[2] = row("B", 2, [-2, 2], 1)
    assert analyse(rows_config(*rows)).nested


def test_sets_that_every_slice_would_index():
    """With a short period few pictures ever see the rows' whole sets."""
    structure = analyse(cfg_config("lowdelay_P_main", IntraPeriod=4, DecodingRefreshType=2))
    assert ((-13, True), (-9, True), (-5, True), (-1, True)) not in structure.rps
    assert set(structure.rps) <= {
        ((-1, True),),
        ((-2, True), (-1, True)),
        ((-3, True), (-2, True), (-1, True)),
    }


@pytest.mark.parametrize(
    ("rows", "changes", "message"),
    [
        ([row("P", 1, [-1])], dict(size=2), "GOPSize=2 needs the rows Frame1..Frame2, 1 are given"),
        ([row("P", 1, [-1]), row("P", 1, [-2])], {}, "Frame1 and Frame2 have the same POC 1"),
        ([row("P", 2, [-1])], {}, "Frame1: POC 2 is outside 1..1"),
        ([row("P", 1, [])], {}, "Frame1: a P picture needs reference pictures"),
        ([row("P", 1, [-1, -1])], {}, "Frame1: a reference picture is named twice"),
        ([row("P", 1, [0])], {}, "Frame1: a picture cannot refer to itself"),
        ([row("P", 1, [-1], num_ref_pics_active=0)], {}, "Frame1: 0 active references"),
        ([row("P", 1, [-1], num_ref_pics_active=16)], {}, "Frame1: 16 active references"),
        ([row("P", 1, range(-16, 0))], {}, "Frame1: 16 reference pictures are above 15"),
        ([row("P", 1, [-1], temporal_id=7)], {}, "Frame1: temporal id 7"),
        ([row("P", 1, [-1], temporal_id=1)], {}, "Frame1: the picture that ends the GOP (POC 1)"),
        ([row("P", 1, [-1], cb_qp_offset=8)], dict(CbQpOffset=6), "Frame1: Cb QP offset 8 makes 14"),
        ([row("P", 1, [-1], tc_offset_div2=7)], {}, "Frame1: tc offset 7"),
        ([row("P", 1, [-1], qp_factor=0.0)], {}, "Frame1: QP factor"),
        ([row("P", 1, [-1])] * 1, dict(IntraPeriod=0), "IntraPeriod=0"),
        ([row("P", 1, [-1]), row("P", 2, [-1])], dict(IntraPeriod=3), "IntraPeriod=3 is no multiple of GOPSize=2"),
        ([row("P", 1, [-1, -3])], {}, "Frame1: reference -3 (POC -2 of the GOP) is not in the buffer"),
        ([row("P", 1, [1]), row("P", 2, [-2])], {}, "Frame1: reference 1 (POC 2 of the GOP) is not in the buffer"),
    ],
)
def test_refused_with_the_reason(rows, changes, message):
    with pytest.raises(UsageError) as caught:
        analyse(rows_config(*rows, **changes))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_references_of_higher_layers_forbid_to_switch_layers_everywhere():
    """(7.4.2.2) They are kept across pictures of lower layers."""
    rows = [row("P", 1, [-1], 1), row("P", 2, [-2, -1])]
    assert not analyse(rows_config(*rows)).nested
    assert analyse(rows_config(row("P", 1, [-1], 1), row("P", 2, [-2]))).nested
    assert not any(analyse(above_config(size)).nested for size in (8, 16))


def test_a_level_with_too_small_a_buffer():
    rows = [row("P", 1, range(-8, 0))]
    config = rows_config(*rows, SourceWidth=352, SourceHeight=288, Level="2")
    with pytest.raises(UsageError, match="level 2: the GOP needs a buffer of 9 pictures, above 6 at 352x288"):
        analyse(config)
    assert analyse(dataclasses.replace(config, Level="3")).dpb_pictures == 9
    assert analyse(rows_config(row("P", 1, range(-15, 0)))).dpb_pictures == 16
