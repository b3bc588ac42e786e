"""Pictures side by side: the stream is that of one thread, failures come through, nothing is left behind."""

import io
import threading
import time

import numpy as np
import pytest

from codec.h265.encoder.encode import encode_sequence
from codec.h265.encoder.picture.picture_encoder import make_sequence, new_references
from codec.h265.encoder.plan.gop import coding_order
from codec.h265.encoder.search import ctu_search
from codec.h265.encoder.search.ctu_search import CtuSearch
from tests.codec.h265.encoder.plan.gops import cfg_config
from tests.encode.test_streams import source_pictures

WIDTH, HEIGHT = 96, 64


def config_of(name, threads, **changes):
    small = dict(SourceWidth=WIDTH, SourceHeight=HEIGHT, QP=34, Preset="faster")
    blocks = dict(MaxCUWidth=16, MaxCUHeight=16, MaxPartitionDepth=2, QuadtreeTULog2MaxSize=4)
    return cfg_config(name, **{**small, **blocks, **changes}, Threads=threads)


def moving_pictures(count, height=HEIGHT):
    """Pictures cut from one larger picture, each a little farther along."""
    luma, *chroma = next(source_pictures(WIDTH + 2 * count, height, 1, 8, 1))
    for i in range(count):
        yield [luma[:, 2 * i : 2 * i + WIDTH]] + [plane[:, i : i + WIDTH // 2] for plane in chroma]


def encode(name, threads, count=11, **changes):
    """(reports, stream)"""
    sink = io.BytesIO()
    config = config_of(name, threads, **changes)
    reports = list(encode_sequence(config, moving_pictures(count, config.SourceHeight), sink))
    return reports, sink.getvalue()


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("randomaccess_main", {}),
        ("randomaccess_main", dict(IntraPeriod=16, DecodingRefreshType=2, count=35)),
        ("randomaccess_main", dict(WeightedPredB=True, MaxDeltaQP=1)),
        ("lowdelay_P_main", {}),
        ("lowdelay_P_main", dict(SourceHeight=192)),
        ("lowdelay_main", dict(SourceHeight=192, SliceMode=1, SliceArgument=7)),
        ("intra_main", {}),
    ],
)
def test_any_number_of_threads(name, changes):
    reports, stream = encode(name, 1, **changes)
    for threads in (2, 5):
        others, other = encode(name, threads, **changes)
        assert other == stream
        assert [report.hash for report in others] == [report.hash for report in reports]


@pytest.mark.parametrize("name", ["lowdelay_P_main", "randomaccess_main", "intra_main"])
@pytest.mark.parametrize("preset", ["faster", "default"])
def test_what_a_thread_searched_before_does_not_count(name, preset, monkeypatch):
    """All numbers that the search keeps are garbage before each row."""
    tall = dict(count=4, SourceHeight=128, Preset=preset)
    _, stream = encode(name, 1, **tall)
    begin, rng = CtuSearch.begin_picture, np.random.default_rng(1)

    def begin_with_garbage(tools, *arguments):
        for group in tools.search.work.dtype.names:
            work = tools.search.work[group]
            for field in work.dtype.names:
                if work.dtype[field].base.names is None:
                    work[field] = rng.integers(0, 3, work[field].shape)
        begin(tools, *arguments)

    monkeypatch.setattr(CtuSearch, "begin_picture", begin_with_garbage)
    assert encode(name, 1, **tall)[1] == stream


@pytest.mark.parametrize("name", ["randomaccess_main", "intra_main", "lowdelay_P_main"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_failing_search_ends_the_encoding(name, threads, monkeypatch):
    search, left = ctu_search._search, [60]

    def fail_late(*arguments):
        left[0] -= 1
        if left[0] == 0:
            raise ZeroDivisionError("on purpose")
        return search(*arguments)

    monkeypatch.setattr(ctu_search, "_search", fail_late)
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        encode(name, threads)
    wait_for_threads(before)


def test_leaving_early_stops_the_search(monkeypatch):
    search, calls = ctu_search._search, []

    def count(*arguments):
        calls.append(None)
        return search(*arguments)

    monkeypatch.setattr(ctu_search, "_search", count)
    before = threading.active_count()
    coded = encode_sequence(config_of("intra_main", 2), moving_pictures(40), io.BytesIO())
    next(coded)
    coded.close()
    wait_for_threads(before)
    # three pictures of 24 CTUs are in flight at a time, one more may have begun
    assert len(calls) <= 4 * 24


def wait_for_threads(count):
    """Threads end by themselves when their executor has no more use for them."""
    deadline = time.monotonic() + 20
    while threading.active_count() > count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= count


def test_slots_of_pictures_in_flight_are_not_given_away():
    """However late pictures end, none is begun in a slot that one of them reads or writes."""
    in_flight = 4
    sequence = make_sequence(config_of("randomaccess_main", 1))
    pictures, begun = new_references(sequence, in_flight), []
    first_planes = pictures.store.planes(0)[0].base
    for plan, _ in coding_order(sequence.config, range(33), sequence.structure.nested):
        if len(begun) == in_flight:
            pictures.end(begun.pop(0))
        references = pictures.begin(plan)
        for other in begun:
            assert references.slot not in {picture.slot for picture in (*other.kept, other.current)}
        begun.append(references)
    # the memory was large enough from the beginning
    assert pictures.store.planes(0)[0].base is first_planes
