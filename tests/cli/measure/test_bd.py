"""Bjontegaard deltas against the PyPI package bjontegaard, on HM's and VTM's own figures, and their edge cases."""

import itertools
import math
from pathlib import Path

import pytest

pytest.importorskip("scipy")
import numpy as np

from cli.measure.bd import METHODS, bd_quality, bd_rate
from cli.measure.logs import read_points
from cli.measure.points import curves

DATA = Path(__file__).parent / "data"
PLANES = ("psnr_y", "psnr_u", "psnr_v")


def logs(prefix):
    points = [read_points(str(DATA / f"{prefix}_{qp}.log"))[0] for qp in (22, 27, 32, 37)]
    (curve,) = curves(points).values()
    return curve


def real_pairs():
    """Every pair of configurations of each clip in hm_dev.csv, and the pairs of HM's and VTM's logs."""
    by_clip = {}
    for (_, clip), curve in curves(read_points(str(DATA / "hm_dev.csv"))).items():
        by_clip.setdefault(clip, []).append(curve)
    pairs = [pair for found in by_clip.values() for pair in itertools.permutations(found, 2)]
    vtm = logs("vtm_ai2_bikes416")
    return pairs + [(logs("hm_ldp_bikes416"), vtm), (logs("hm_ai_foreman"), vtm)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore:.*overlap")
def test_equals_the_package_bjontegaard(method):
    package = pytest.importorskip("bjontegaard")
    compared = 0
    for (anchor, test), plane in itertools.product(real_pairs(), PLANES):
        ours = [[(point.rate, point.get(plane)) for point in side] for side in (anchor, test)]
        theirs = [np.array(column) for side in ours for column in zip(*side, strict=True)]
        rate = package.bd_rate(*theirs, method=method, require_matching_points=False)
        quality = package.bd_psnr(*theirs, method=method, require_matching_points=False)
        assert bd_rate(*ours, method).value == pytest.approx(rate, abs=0.01)
        if math.isnan(quality):
            assert math.isnan(bd_quality(*ours, method).value)
        else:
            assert bd_quality(*ours, method).value == pytest.approx(quality, rel=1e-4, abs=1e-6)
        compared += 1
    assert compared == 3 * (8 * 6 + 2)


CURVE = [(1000, 30.0), (2000, 33.0), (4000, 36.5), (9000, 40.0)]


@pytest.mark.parametrize("method", METHODS)
def test_known_distances(method):
    cheaper = [(0.9 * rate, quality) for rate, quality in CURVE]
    assert bd_rate(CURVE, cheaper, method).value == pytest.approx(-10)
    better = [(rate, quality + 0.5) for rate, quality in CURVE]
    assert bd_quality(CURVE, better, method).value == pytest.approx(0.5)
    assert bd_rate(CURVE, CURVE, method) == (0, 1, ())
    assert bd_rate(CURVE, list(reversed(cheaper)), method).value == pytest.approx(-10)


def test_curves_that_barely_overlap_are_told():
    low = [(rate / 10, quality - 8) for rate, quality in CURVE]
    delta = bd_rate(CURVE, low)
    assert math.isfinite(delta.value)
    assert delta.overlap == pytest.approx(2 / 18)
    assert delta.faults == ("the curves barely overlap: 11 % of their range is common",)


@pytest.mark.parametrize(
    ("test", "fault"),
    [
        ([(r, q + 20) for r, q in CURVE], "the curves do not overlap"),
        (CURVE[:2], "a curve has 2 points, 3 are needed"),
        ([*CURVE[:3], (9000, math.inf)], "a point has no finite rate or quality"),
        ([*CURVE[:3], (0, 42)], "a point has no finite rate or quality"),
        ([*CURVE[:3], (5000, 36.5)], "two points of a curve coincide in rate or quality"),
    ],
)
def test_what_has_no_delta(test, fault):
    delta = bd_rate(CURVE, test)
    assert math.isnan(delta.value)
    assert delta.faults == (fault,)


def test_doubtful_curves_have_a_value_and_a_word():
    wavy = [(1000, 30.0), (2000, 33.0), (4000, 32.5), (9000, 40.0)]
    assert "not monotone" in bd_rate(CURVE, wavy).faults[0]
    assert bd_rate(CURVE, CURVE[:3]).faults[-1] == "a curve has 3 points; 4 are usual"
