"""Where sequences are cut, and that their parts are together the serial stream."""

import io
from dataclasses import replace

import numpy as np
import pytest

from codec.common.source.temporal_filter import source_span
from codec.h265.encoder.encode import encode_segment, encode_sequence
from codec.h265.encoder.plan.gop import coding_order
from codec.h265.encoder.plan.segments import segments
from codec.h265.encoder.plan.structure import analyse
from codec.h265.nal import CRA_NUT, IDR_W_RADL
from tests.codec.h265.encoder.plan.gops import cfg_config, row
from tests.encode.test_streams import source_pictures

RA, LD = "randomaccess_main", "lowdelay_main"
CLOSE = dict(SourceWidth=64, SourceHeight=64)

# name: (cfg, number of pictures, changes, pictures of each segment)
CASES = {
    "random_access": (RA, 83, {}, [33, 32, 18]),
    "random_access_of_one_group": (RA, 52, dict(IntraPeriod=16), [17, 16, 19]),
    "random_access_idr": (RA, 70, dict(DecodingRefreshType=2), [17, 32, 21]),
    "random_access_recovery_point": (RA, 70, dict(DecodingRefreshType=3), [33, 32, 5]),
    "random_access_plain_intra": (RA, 70, dict(DecodingRefreshType=0), [70]),
    "random_access_ends_at_the_cra": (RA, 33, {}, [33]),
    "low_delay": (LD, 12, {}, [12]),
    "low_delay_cra": (LD, 11, dict(IntraPeriod=4, DecodingRefreshType=1), [4, 4, 3]),
    "low_delay_idr": (LD, 11, dict(IntraPeriod=8, DecodingRefreshType=2), [8, 3]),
    "low_delay_plain_intra": (LD, 12, dict(IntraPeriod=4, DecodingRefreshType=0), [12]),
    "all_intra": ("intra_main", 10, {}, [4, 4, 2]),
    "all_intra_idr": ("intra_main", 8, dict(DecodingRefreshType=2), [4, 4]),
    "intra_rows": ("lowdelay_P_main", 9, dict(GOPSize=1, GOP=(row("I", 1, []),)), [4, 4, 1]),
    "one_picture": (RA, 1, {}, [1]),
}


def case(name):
    cfg, count, changes, lengths = CASES[name]
    return cfg_config(cfg, **{**CLOSE, **changes}), count, lengths


def cut(config, count):
    return list(segments(config, count, analyse(config).nested))


@pytest.mark.parametrize("name", CASES)
def test_cuts(name):
    config, count, lengths = case(name)
    found = cut(config, count)
    assert [len(segment.pictures) for segment in found] == lengths
    whole = [plan for plan, _ in coding_order(config, range(count), analyse(config).nested)]
    assert [plan for segment in found for plan in segment.pictures] == whole
    assert not found[0].again
    for segment in found:
        held = set()
        for plan in segment.planned:
            held = set() if plan.nal_unit_type == IDR_W_RADL else held
            assert {plan.poc + delta for delta, _ in plan.rps} <= held
            held.add(plan.poc)
        assert all(plan.slice_type == "I" for plan in segment.again)
        begin, length = segment.span
        assert {plan.index for plan in segment.planned} <= set(range(begin, begin + length))
        assert length <= len(segment.planned) + config.GOPSize


def test_what_is_coded_again():
    config, count, _ = case("random_access")
    _, second, third = cut(config, count)
    assert [(plan.index, plan.nal_unit_type, plan.rps) for plan in second.again] == [(32, CRA_NUT, ())]
    assert second.span == (32, 33)
    assert third.span == (64, 19)
    config, count, _ = case("random_access_idr")
    assert not any(segment.again for segment in cut(config, count))


def test_pictures_come_in_coding_order():
    config, count, _ = case("random_access")
    segment = cut(config, count)[1]
    begin, length = segment.span
    given = []

    def sources():
        for index in range(begin, begin + length):
            given.append(index)
            yield index

    for plan, planes in segment.coding_order(sources()):
        assert planes == plan.index
        # no more than a group is read ahead
        assert max(given) <= (plan.index - 1) // 16 * 16 + 16


def clip(config, count):
    """The project's clip, forwards and backwards."""
    width, height = config.SourceWidth, config.SourceHeight
    pictures = list(source_pictures(width, height, 5, config.InternalBitDepth, config.chroma_format_idc))
    pictures += pictures[-2:0:-1]
    return [pictures[index % len(pictures)] for index in range(count)]


def told(report):
    """What is reported, without the time it took."""
    planes = [plane.tobytes() for plane in report.recon]
    statistics = [np.asarray(table).tobytes() for table in report.statistics or ()]
    return replace(report, seconds=0, recon=[], statistics=None), planes, statistics


STREAMS = {
    "random_access": {},
    "random_access_of_one_group": dict(TemporalFilter=True, FramesToBeEncoded=52),
    "random_access_idr": {},
    "random_access_recovery_point": {},
    "low_delay_cra": dict(WeightedPredB=True, BlockStatistics=True),
    "low_delay_idr": dict(AccessUnitDelimiter=True, ReWriteParamSetsFlag=False),
    "all_intra": dict(MaxDeltaQP=1, MaxCuDQPDepth=1, PictureQP=tuple(range(30, 40))),
}


@pytest.mark.parametrize("name", STREAMS)
def test_the_parts_are_the_stream(name):
    config, count, _ = case(name)
    config = replace(config, QP=37, **STREAMS[name])
    pictures, sink = clip(config, count), io.BytesIO()
    expected = [told(report) for report in encode_sequence(config, iter(pictures), sink)]
    streams, reports = [], []
    for segment in reversed(cut(config, count)):
        begin, length = source_span(config, *segment.span)
        part = io.BytesIO()
        reports = [told(r) for r in encode_segment(config, segment, pictures[begin : begin + length], part)] + reports
        streams.insert(0, part.getvalue())
    assert len(streams) > 1
    assert b"".join(streams) == sink.getvalue()
    assert reports == expected
