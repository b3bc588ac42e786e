"""Bjontegaard deltas: the mean distance of two rate-distortion curves.

Curves are interpolated through their points with rate on a logarithmic axis: piecewise cubic Hermite (PCHIP) as in
JCT-VC's sheet, or Akima as in JVET's. The distance is the mean over the interval that both curves cover.
"""

import math
from typing import NamedTuple

import numpy as np

METHODS = ("pchip", "akima")
# below this share of common range, the delta says little about the whole of the curves
ENOUGH_OVERLAP = 0.5
FEWEST_POINTS = 3
USUAL_POINTS = 4


class Delta(NamedTuple):
    """value: percent or dB, NaN when it does not exist; overlap: share of the range that both curves cover, 0..1;
    faults: what makes the value doubtful or impossible, as text."""

    value: float
    overlap: float
    faults: tuple


def bd_rate(anchor, test, method="pchip"):
    """Difference in rate at equal quality, percent; negative when the test needs fewer bits.

    anchor, test: sequences of (rate, quality), any rate unit that is the same for both.
    """
    delta = _mean_distance(_by_quality(anchor), _by_quality(test), method)
    return delta._replace(value=100 * (10**delta.value - 1)) if math.isfinite(delta.value) else delta


def bd_quality(anchor, test, method="pchip"):
    """Difference in quality at equal rate, in the unit of the quality (dB); positive when the test is better."""
    return _mean_distance(_by_rate(anchor), _by_rate(test), method)


def _by_quality(points):
    return [(quality, _log(rate)) for rate, quality in points]


def _by_rate(points):
    return [(_log(rate), quality) for rate, quality in points]


def _log(rate):
    return math.log10(rate) if rate > 0 else math.nan


def _interpolator(method):
    from scipy import interpolate  # at first use: pysweep begins without it

    return {"pchip": interpolate.PchipInterpolator, "akima": interpolate.Akima1DInterpolator}[method]


def _mean_distance(anchor, test, method):
    """Delta of test over anchor, both [(x, y)]: mean of y(test) - y(anchor) over the common interval of x."""
    make = _interpolator(method)
    fault = _impossible(anchor) or _impossible(test)
    if fault:
        return Delta(math.nan, 0.0, (fault,))
    (xa, ya), (xt, yt) = (np.array(sorted(points)).T for points in (anchor, test))
    low, high = max(xa[0], xt[0]), min(xa[-1], xt[-1])
    if high <= low:
        return Delta(math.nan, 0.0, ("the curves do not overlap",))
    overlap = (high - low) / (max(xa[-1], xt[-1]) - min(xa[0], xt[0]))
    areas = [float(make(x, y).integrate(low, high)) for x, y in ((xa, ya), (xt, yt))]
    faults = _doubts(ya, yt, overlap)
    return Delta((areas[1] - areas[0]) / (high - low), float(overlap), faults)


def _impossible(points):
    if len(points) < FEWEST_POINTS:
        return f"a curve has {len(points)} points, {FEWEST_POINTS} are needed"
    if not np.isfinite(np.array(points)).all():
        return "a point has no finite rate or quality"
    if len({x for x, _ in points}) < len(points):
        return "two points of a curve coincide in rate or quality"
    return None


def _doubts(ya, yt, overlap):
    doubts = []
    if overlap < ENOUGH_OVERLAP:
        doubts.append(f"the curves barely overlap: {100 * overlap:.0f} % of their range is common")
    if any((np.diff(y) <= 0).any() for y in (ya, yt)):
        doubts.append("a curve is not monotone: more bits do not always mean more quality")
    if min(len(ya), len(yt)) < USUAL_POINTS:
        doubts.append(f"a curve has {min(len(ya), len(yt))} points; {USUAL_POINTS} are usual")
    return tuple(doubts)
