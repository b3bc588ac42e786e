"""The method `hyperbolic` (UNRA, CLIC 2018): D = C R^-K and QP = a ln(lambda) + b, from two encodes an item.

Between these two, ln R and ln D are straight lines of the QP, so D = C R^-K with K the ratio of their slopes; then
lambda = -dD/dR = K D / R, and QP = a ln(lambda) + b with a = 1 / (the difference of the slopes). Where the mean of the
PSNRs is wanted, D is -PSNR, lambda = 10 / ln 10 K / R, and a = -1 / (the slope of ln R).

Uncertainty: a slope is not the same everywhere, and how much it may differ is taken from how much the items' slopes
do. So d QPs from the nearest measured point ln R is off by sigma d, and its expectation is R exp((sigma d)^2 / 2); that
of D alike. The budget is kept by the sum of expectations.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cli.alloc.hull import Selection, fill
from cli.alloc.objective import Figures, psnr_of_level
from cli.alloc.problem import Way
from cli.alloc.search import unreachable
from cli.alloc.top_up import top_up

_FLATTEST = 1e-3
_DB = 10 / math.log(10)
# ln(lambda) is sought between these
_ENDS = (-80.0, 80.0)
_HALVINGS = 60


class Line(NamedTuple):
    """ln(bytes) and level of an item, `rate` and `level` at `qp`, with their slopes."""

    qp: float
    rate: float
    level: float
    rate_slope: float
    level_slope: float

    @property
    def k(self):
        """K of D = C R^-K."""
        return -self.level_slope / self.rate_slope

    def at(self, qp):
        """Figures at a QP."""
        away = qp - self.qp
        return Figures(math.exp(self.rate + away * self.rate_slope), self.level + away * self.level_slope)


def fit(points):
    """The Line through the first and the last of {QP: Figures}."""
    (qp, first), (far, last) = min(points.items()), max(points.items())
    rate_slope = min(-_FLATTEST, (math.log(last.bytes) - math.log(first.bytes)) / (far - qp))
    level_slope = max(_FLATTEST, (last.level - first.level) / (far - qp))
    return Line(qp, math.log(first.bytes), first.level, rate_slope, level_slope)


def qp_of_lambda(line, objective, samples, log_lambda):
    """a ln(lambda) + b."""
    if objective.kind == "mean":
        return line.qp + (math.log(_DB * line.k) - line.rate - log_lambda) / line.rate_slope
    weight = samples if objective.kind == "pooled" else 1
    at_start = math.log(line.k * weight) + line.level - line.rate
    return line.qp + (log_lambda - at_start) / (line.level_slope - line.rate_slope)


@dataclass(frozen=True)
class Model:
    """What the model said before anything but the two encodes was known, and what was true.

    ways, expected, found  its choice; Figures (bytes, level), as expected and as they were, of each item
    sigma                  of ln R and of the level, a QP away from a measured point
    """

    ways: list
    expected: list
    found: list
    sigma: tuple

    @property
    def bytes(self):
        """(expected, true) of the set."""
        return sum(each.bytes for each in self.expected), sum(each.bytes for each in self.found)

    @property
    def item_errors(self):
        """[(true bytes over the expected, minus 1; true PSNR minus the expected)]"""
        pairs = zip(self.expected, self.found, strict=True)
        return [(b.bytes / a.bytes - 1, psnr_of_level(b.level) - psnr_of_level(a.level)) for a, b in pairs]


class _Set:
    """The lines of all items and tool sets, moved onto what is measured."""

    def __init__(self, problem, known):
        self.problem, self.known = problem, known
        self.lines = [[fit(points) for points in configs] for configs in known.figures]
        slopes = np.array([[(line.rate_slope, line.level_slope) for line in lines] for lines in self.lines])
        self.sigma = tuple(slopes.std(axis=0, ddof=1).mean(axis=0)) if len(slopes) > 1 else (0.0, 0.0)

    def expected(self, item, way):
        """Expectation of Figures: what was measured, or the line through the nearest measured point."""
        points = self.known.figures[item][way.config]
        if way.qp in points:
            return points[way.qp]
        near = min(points, key=lambda qp: (abs(qp - way.qp), qp))
        line = self.lines[item][way.config]._replace(
            qp=near, rate=math.log(points[near].bytes), level=points[near].level
        )
        found, (rate, level) = line.at(way.qp), self.sigma
        away = (way.qp - near) ** 2 / 2
        power = 0 if self.problem.objective.kind == "mean" else level**2 * away
        return Figures(found.bytes * math.exp(rate**2 * away), found.level + power)

    def options(self, log_lambda):
        """The expected Option of each item at a lambda."""
        return [self._best(item, log_lambda) for item in range(self.known.items)]

    def _best(self, item, log_lambda):
        problem = self.problem
        found = []
        for config in self.known.every:
            line = self.lines[item][config]
            qp = qp_of_lambda(line, problem.objective, problem.samples[item], log_lambda)
            way = Way(config, min(problem.highest, max(problem.lowest, round(qp))))
            figures = self.expected(item, way)
            cost = problem.objective.loss(problem.samples[item], figures.level) + math.exp(log_lambda) * figures.bytes
            found.append((cost, problem.option(item, figures, way)))
        return min(found)[1]

    def solve(self):
        """Options at the lambda that uses the limit, None where none does."""
        # the cheapest is at the one end, the best at the other
        fits, fails = _ENDS if self.problem.by_quality else _ENDS[::-1]
        if self._cost(fits) > self.problem.limit:
            return None
        for _ in range(_HALVINGS):
            middle = (fits + fails) / 2
            if self._cost(middle) <= self.problem.limit:
                fits = middle
            else:
                fails = middle
        return self.options(fits)

    def _cost(self, log_lambda):
        return sum(option.cost for option in self.options(log_lambda))


def solve_hyperbolic(problem, known):
    """(Selection, Model). Raises BudgetMissed. Behind the first choice, lines are moved onto what was measured."""
    lines, model = _Set(problem, known), None
    while True:
        options = lines.solve()
        if options is None:
            if not known.measure(
                (item, Way(c, problem.cheapest_qp)) for item in range(known.items) for c in known.every
            ):
                raise unreachable(problem, known)
            continue
        ways = [option.way for option in options]
        expected = [lines.expected(item, way) for item, way in enumerate(ways)]
        new = known.measure(enumerate(ways))
        if model is None:
            found = [known.figures[item][way.config][way.qp] for item, way in enumerate(ways)]
            model = Model(ways, expected, found, lines.sigma)
        if not new:
            break
    selection = Selection([known.option(item, way) for item, way in enumerate(ways)], 0.0)
    items = [known.measured(item) for item in range(known.items)]
    return top_up(problem, known, fill(items, selection, problem.limit)), model
