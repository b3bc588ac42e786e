"""What a method knows of a set: the points that it asked for; and what it expects of QPs in between.

Each method has knowledge of its own, so that what it chooses depends on the plan, and not on what was measured before.
"""

import math

import numpy as np

from cli.alloc.objective import Figures
from cli.alloc.problem import Way

# where a tool set has one point: bytes fall by 11 %, squared error grows by 19 % with a QP
_RATE_SLOPE, _LEVEL_SLOPE = -0.115, 0.17


class Known:
    """bench: measures points (cli.alloc.bench.Bench, or a synthetic one); problem: the Problem."""

    def __init__(self, problem, bench, start):
        self.problem, self._bench = problem, bench
        self.items, self.configs = len(problem.samples), len(problem.fine)
        self.figures = [[{} for _ in range(self.configs)] for _ in range(self.items)]
        self.measure((item, Way(config, qp)) for item in range(self.items) for config in self.every for qp in start)

    @property
    def every(self):
        """Numbers of the tool sets."""
        return range(self.configs)

    def measure(self, wanted):
        """Have (item, Way) pairs measured; those that are known already cost nothing."""
        wanted = sorted({(item, way) for item, way in wanted if way.qp not in self.figures[item][way.config]})
        found = self._bench.measure(wanted) if wanted else ()
        for (item, way), figures in zip(wanted, found, strict=True):
            self.figures[item][way.config][way.qp] = figures
        return len(wanted)

    def measured(self, item, allowed=lambda way: True):
        """The Options of an item that were measured."""
        ways = ((Way(config, qp), found) for config in self.every for qp, found in self.figures[item][config].items())
        return [self.problem.option(item, found, way) for way, found in ways if allowed(way)]

    def option(self, item, way):
        """The measured Option of a Way."""
        return self.problem.option(item, self.figures[item][way.config][way.qp], way)

    def expected(self, item, config, qps):
        """[Figures] at `qps`: measured where they are, else on straight lines of log bytes and level between these."""
        known = self.figures[item][config]
        have = np.array(sorted(known))
        values = np.array([(math.log(known[qp].bytes), known[qp].level) for qp in have])
        lines = [_lines(have, values[:, column], slope, qps) for column, slope in ((0, _RATE_SLOPE), (1, _LEVEL_SLOPE))]
        return [known.get(qp) or Figures(math.exp(rate), level) for qp, rate, level in zip(qps, *lines, strict=True)]

    def expected_options(self, item, config):
        """Options at every whole QP of the problem."""
        qps = list(range(self.problem.lowest, self.problem.highest + 1))
        found = self.expected(item, config, qps)
        return [self.problem.option(item, each, Way(config, qp)) for qp, each in zip(qps, found, strict=True)]


def _lines(have, values, usual, qps):
    """Straight lines through points, which go on outside; steps closer than a QP say nothing about a slope."""
    qps = np.asarray(qps, float)
    inside = np.interp(qps, have, values)
    low = have[have >= have[0] + 1]
    high = have[have <= have[-1] - 1]
    first = (np.interp(low[0], have, values) - values[0]) / (low[0] - have[0]) if len(low) else usual
    last = (values[-1] - np.interp(high[-1], have, values)) / (have[-1] - high[-1]) if len(high) else usual
    return np.where(
        qps < have[0], values[0] + first * (qps - have[0]),
        np.where(qps > have[-1], values[-1] + last * (qps - have[-1]), inside),
    )  # fmt: skip
