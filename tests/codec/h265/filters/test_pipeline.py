"""The filter pipeline: order of stages, the decide hook, threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from codec.h265.filters.deblock_edges import intra_ref_poc
from codec.h265.filters.pipeline import STAGES, Stage, apply_filters, for_ctb_rows, make_workspace
from tests.codec.h265.filters.random_frame import random_scene
from tests.codec.h265.filters.test_deblock import assert_same_planes, copied, reference_deblock
from tests.codec.h265.filters.test_sao import reference_sao


def filtered(scene, **options):
    frame = copied(scene.frame)
    apply_filters(frame, make_workspace(frame.params[0]), scene.ref_poc, **options)
    return frame


@pytest.mark.parametrize("chroma", [True, False])
def test_deblocks_then_applies_sao(chroma):
    scene = random_scene(np.random.default_rng(1), 72, 56, 4, chroma=chroma)
    scene.frame.slices["slice_sao_luma"] = 1
    expected = scene._replace(frame=copied(scene.frame))
    reference_deblock(expected)
    luma, cb, cr = reference_sao(expected.frame)
    assert (luma != scene.frame.luma).any()
    assert_same_planes(filtered(scene), expected.frame._replace(luma=luma, cb=cb, cr=cr))


def test_threads_change_nothing():
    with ThreadPoolExecutor(3) as pool:
        for seed in range(5):
            scene = random_scene(np.random.default_rng(seed), 136, 104, 4, depths=(10, 10))
            assert_same_planes(filtered(scene, pool=pool), filtered(scene))


def test_decide_sees_the_input_of_its_stage():
    scene = random_scene(np.random.default_rng(3), 64, 64, 5)
    expected = scene._replace(frame=copied(scene.frame))
    reference_deblock(expected)
    seen = []

    def switch_sao_off(frame, workspace):
        seen.append(copied(frame))
        frame.slices["slice_sao_luma"] = frame.slices["slice_sao_chroma"] = 0

    result = filtered(scene, decide={"sample_adaptive_offset": switch_sao_off})
    assert len(seen) == 1
    assert_same_planes(seen[0], expected.frame)
    assert_same_planes(result, expected.frame)


def test_everything_off_changes_nothing():
    scene = random_scene(np.random.default_rng(4), 64, 64, 4, inter=False)
    scene.frame.slices["deblocking_disabled"] = 1
    scene.frame.params["sao_enabled"] = 0
    assert_same_planes(filtered(scene._replace(ref_poc=intra_ref_poc())), scene.frame)


def test_a_further_stage_takes_its_place_in_the_order():
    scene = random_scene(np.random.default_rng(5), 32, 32, 4)
    calls = []

    def invert(frame, workspace, ref_poc, pool):
        calls.append(frame.luma.copy())
        frame.luma[:] = 255 - frame.luma

    result = filtered(scene, stages=(STAGES[0], Stage("invert", invert)))
    np.testing.assert_array_equal(calls[0], filtered(scene, stages=STAGES[:1]).luma)
    np.testing.assert_array_equal(result.luma, 255 - calls[0])
    assert [stage.name for stage in STAGES] == ["deblocking", "sample_adaptive_offset"]


def test_errors_in_a_thread_reach_the_caller():
    def fail(row_begin, row_end):
        raise ValueError(f"row {row_begin}")

    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="row 0"):
        for_ctb_rows(pool, 3, fail)
