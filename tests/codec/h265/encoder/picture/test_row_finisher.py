"""Rows finished one by one, in any order, make the picture that the filters make of the whole."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from codec.h265.encoder.picture.decide_sao import SaoDecision, start_contexts
from codec.h265.encoder.picture.row_finisher import RowFinisher
from codec.h265.filters.pipeline import SAMPLE_ADAPTIVE_OFFSET, apply_filters, make_workspace
from tests.codec.h265.encoder.picture.test_sao_statistics import noisy
from tests.codec.h265.filters.random_frame import random_scene
from tests.codec.h265.filters.test_deblock import assert_same_planes, copied

LAMBDAS = np.array([6.0, 5.0, 4.0])


class Kept:
    """PictureReferences and FrameStore in one, of one slot: what the finisher tells them."""

    slot = 0

    def __init__(self, frame):
        self.store, self.rows = self, []
        self._planes = tuple(np.full_like(plane, -1) for plane in (frame.luma, frame.cb, frame.cr))
        self.final = []

    def planes(self, slot):
        return self._planes

    def keep_rows(self, begin, end):
        self.rows.append((begin, end))
        self.final.append(self._planes[0].copy())


def finished(scene, source, sao, order, pool=None):
    """(frame, Kept) of a scene whose rows are told of in some order."""
    frame = copied(scene.frame)
    motion = []
    picture = SimpleNamespace(
        frame=frame,
        source=source,
        references=Kept(frame),
        picture_ids=scene.ref_poc,
        keep_motion=lambda begin, end: motion.append((begin, end)),
    )
    params = frame.params[0]
    finisher = RowFinisher(SimpleNamespace(params=frame.params), make_workspace(params), sao)
    finisher.begin(picture, LAMBDAS)
    list((pool.map if pool else map)(finisher.row_searched, order))
    assert motion == [(row, row + 1) for row in sorted(order)]
    for before, after in zip((scene.frame.luma, scene.frame.cb), (frame.luma, frame.cb), strict=True):
        np.testing.assert_array_equal(before, after, "rows below are predicted from samples before the filters")
    return picture.frame, picture.references


def filtered(scene, source, sao):
    """The frame, filtered as a whole."""
    frame = copied(scene.frame)

    def decide(frame, workspace):
        sao.begin(frame, LAMBDAS, start_contexts(frame.slices))
        sao.decide(frame, source, 0, int(frame.params[0]["height_in_ctbs"]))
        sao.end(frame)

    decisions = {SAMPLE_ADAPTIVE_OFFSET.name: decide} if sao else {}
    apply_filters(frame, make_workspace(frame.params[0]), scene.ref_poc, decide=decisions)
    return frame


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("with_sao", [True, False])
@pytest.mark.parametrize(
    ("size", "log2_ctb_size", "chroma"), [((104, 88), 4, True), ((136, 200), 6, True), ((72, 20), 5, False)]
)
def test_rows_make_the_picture(seed, with_sao, size, log2_ctb_size, chroma):
    rng = np.random.default_rng(seed)
    scene = random_scene(rng, *size, log2_ctb_size, chroma=chroma, tiles=False)
    frame = scene.frame
    source = [noisy(rng, plane, 8, 12) for plane in (frame.luma, frame.cb, frame.cr)]
    new_sao = (lambda: SaoDecision(frame.params[0])) if with_sao else (lambda: None)
    if not with_sao:
        frame.slices["slice_sao_luma"] = frame.slices["slice_sao_chroma"] = 0
    expected, rows = filtered(scene, source, new_sao()), int(frame.params[0]["height_in_ctbs"])
    orders = [range(rows), rng.permutation(rows)]
    for order in orders:
        made, kept = finished(scene, source, new_sao(), order)
        assert_same_planes(made, expected)
        np.testing.assert_array_equal(made.ctbs, expected.ctbs)
        np.testing.assert_array_equal(made.slices, expected.slices)
        assert [end for _, end in kept.rows] == [*range(rows - 1), rows][: len(kept.rows)]
        # what is said to be final is
        for (_, end), luma in zip(kept.rows, kept.final, strict=True):
            lines = end << log2_ctb_size
            np.testing.assert_array_equal(luma[:lines], expected.luma[:lines])
    with ThreadPoolExecutor(3) as pool:
        assert_same_planes(finished(scene, source, new_sao(), range(rows), pool)[0], expected)
    if with_sao:
        assert expected.ctbs["sao_type"].any()
