"""Items that are formulas: what the methods are tried on without an encoder."""

import math

from cli.alloc.objective import Figures, Objective
from cli.alloc.problem import Problem


class Curves:
    """A bench. items: of each item (samples, [(ln bytes at QP 32, its slope, bend, level, slope) of each tool set])."""

    def __init__(self, items):
        self.items, self.asked = items, []

    def figures(self, item, way):
        rate, slope, bend, level, rise = self.items[item][1][way.config]
        away = way.qp - 32
        return Figures(max(1, round(math.exp(rate + slope * away + bend * away**2))), level + rise * away)

    def measure(self, wanted):
        self.asked += wanted
        return [self.figures(item, way) for item, way in wanted]


def problem(curves, limit, kind="pooled", by_quality=False, fine=True, lowest=20, highest=46):
    tools = len(curves.items[0][1])
    names = tuple(f"item{n}" for n in range(len(curves.items)))
    return Problem(
        Objective(kind, "rgb"), tuple(samples for samples, _ in curves.items), names, limit, f"{limit} bytes",
        by_quality, lowest, highest, (fine,) * tools,
    )  # fmt: skip
