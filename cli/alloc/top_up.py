"""The remainder of a budget: single items are raised by parts of a QP until it is used."""

from cli.alloc.hull import fill
from cli.alloc.problem import ENOUGH, Way

# parts of a QP
_PARTS = 64
_MOST_ROUNDS = 8
# a round measures as many items as this, of which mostly one is used
_ITEMS = 2
# how far one item is raised for the remainder, in QPs
_FARTHEST = 2
# what expectation is off by
_CAREFUL = 0.98
# of the slope at the budget
_STEEP = 0.7


def top_up(problem, known, selection, allowed=lambda item, way: True):
    """The Selection with at least ENOUGH of the budget used, where the tool sets have QPs fine enough.

    allowed(item, way)  whether a method may use a way

    First by parts of a QP of items whose step is about as steep as the selection's slope: whole steps that happen to
    fit may be much flatter, and come last.
    """
    if problem.by_quality:
        return fill(_options(known, allowed), selection, problem.limit)
    for flattest in (_STEEP * selection.slope, 0.0):
        for _ in range(_MOST_ROUNDS):
            if selection.cost >= ENOUGH * problem.limit:
                break
            if not known.measure(_steps(problem, known, selection, allowed)):
                break
            selection = fill(_options(known, allowed), selection, problem.limit, flattest)
        selection = fill(_options(known, allowed), selection, problem.limit, flattest)
    return selection


def _options(known, allowed):
    return [known.measured(item, lambda way, item=item: allowed(item, way)) for item in range(known.items)]


def _steps(problem, known, selection, allowed):
    """(item, Way) of the steps that promise most."""
    left = problem.limit - selection.cost
    steps = [_step(problem, known, item, option, left, allowed) for item, option in enumerate(selection.options)]
    return [(item, way) for _, item, way in sorted((step for step in steps if step), reverse=True)[:_ITEMS]]


def _step(problem, known, item, option, left, allowed):
    """(loss saved, item, Way): the finest QP that `left` is expected to pay for, and that is not measured; or None."""
    config, qp = option.way
    if not problem.fine[config]:
        return None
    lowest = max(problem.lowest, qp - _FARTHEST)
    qps = [lowest + part / _PARTS for part in range(int((qp - lowest) * _PARTS))]
    for finer, figures in zip(qps, known.expected(item, config, qps), strict=True):
        way = Way(config, finer)
        if figures.bytes - option.cost <= _CAREFUL * left and allowed(item, way):
            if finer in known.figures[item][config]:
                return None
            return option.loss - problem.option(item, figures, way).loss, item, way
    return None
