"""Which of its options each item of a set takes, so that all together cost at most a limit and lose the least.

An option costs something and loses something; what these are is the caller's business. On the lower convex hulls of the
items' options a selection that takes every step above one slope, and none below, is the best of all that cost no more
(Everett 1963). Between two such selections lies less than one step, which `fill` uses for what still fits.
"""

import heapq
from typing import NamedTuple


class Option(NamedTuple):
    """One way to code an item: its cost, its loss, and what the way is."""

    cost: float
    loss: float
    way: object


class Selection(NamedTuple):
    """options: one an item; slope: loss that a unit of cost saves at the limit, 0 where all lose their least; beyond:
    (item, Option) of the first step that does not fit any more, None where there is none."""

    options: list
    slope: float
    beyond: tuple | None = None

    @property
    def cost(self):
        return sum(option.cost for option in self.options)

    @property
    def loss(self):
        return sum(option.loss for option in self.options)


def lower_hull(options):
    """The options on the lower convex hull, from the cheapest to the one that loses least; slopes become flatter."""
    hull = []
    for option in sorted(options, key=lambda each: (each.cost, each.loss)):
        if hull and option.loss >= hull[-1].loss:
            continue
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) <= _slope(hull[-1], option):
            hull.pop()
        hull.append(option)
    return hull


def _slope(a, b):
    """Loss saved for a unit of cost from a to b, which costs more."""
    return (a.loss - b.loss) / (b.cost - a.cost)


def choose(items, limit):
    """The Selection on the hulls, None where even the cheapest options cost more than `limit`.

    items  lists of Options. Steps are taken by their slopes, steepest first, up to the first that does not fit: no
           selection of any options that costs at most as much as this one loses less
    """
    hulls = [lower_hull(options) for options in items]
    chosen, slope, beyond = [hull[0] for hull in hulls], 0.0, None
    cost = sum(option.cost for option in chosen)
    if cost > limit:
        return None
    steps = [(-_slope(hull[0], hull[1]), number, 1) for number, hull in enumerate(hulls) if len(hull) > 1]
    heapq.heapify(steps)
    while steps:
        negative, number, vertex = heapq.heappop(steps)
        hull = hulls[number]
        if cost + hull[vertex].cost - chosen[number].cost > limit:
            slope, beyond = -negative, (number, hull[vertex])
            break
        cost += hull[vertex].cost - chosen[number].cost
        chosen[number] = hull[vertex]
        if vertex + 1 < len(hull):
            heapq.heappush(steps, (-_slope(hull[vertex], hull[vertex + 1]), number, vertex + 1))
    return Selection(chosen, slope, beyond)


def fill(items, selection, limit, flattest=0.0):
    """The Selection with the remainder used: the steepest step that fits is taken, again and again, until none does.

    items     lists of Options, on the hulls or not; a step goes from an item's option to one that loses less
    flattest  steps that save less loss for a unit of cost are left out
    """
    chosen = list(selection.options)
    left = limit - selection.cost
    while True:
        best = None
        for number, options in enumerate(items):
            now = chosen[number]
            for option in options:
                more = option.cost - now.cost
                if option.loss < now.loss and more <= left:
                    value = (now.loss - option.loss) / more if more > 0 else float("inf")
                    if value >= flattest and (best is None or value > best[0]):
                        best = value, number, option
        if best is None:
            return Selection(chosen, selection.slope)
        _, number, option = best
        left -= option.cost - chosen[number].cost
        chosen[number] = option
