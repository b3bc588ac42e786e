"""The method `hull`: points are measured where the optimum is expected, until it lies among measured ones."""

from cli.alloc.hull import choose
from cli.alloc.problem import Way
from cli.alloc.top_up import top_up


def solve_hull(problem, known):
    """(Selection, None). Raises BudgetMissed.

    At the slope of the limit every tool set's best QP of every item, and the QPs beside it, are measured; then the
    selection on the hulls of what was measured is exact for these.
    """
    while True:
        selection = choose(_expected(problem, known), problem.limit)
        wanted = _wanted(problem, known, selection) if selection else _ends(problem, known)
        if not known.measure(wanted):
            break
    if selection is None:
        raise unreachable(problem, known)
    items = [known.measured(item) for item in range(known.items)]
    return top_up(problem, known, choose(items, problem.limit)), None


def _expected(problem, known):
    return [
        [option for config in known.every for option in known.expected_options(item, config)]
        for item in range(known.items)
    ]


def _ends(problem, known):
    return {(item, Way(config, problem.cheapest_qp)) for item in range(known.items) for config in known.every}


def unreachable(problem, known):
    """The BudgetMissed of a set whose cheapest options are too many; these are measured first."""
    known.measure(_ends(problem, known))
    return problem.missed([min(option.cost for option in known.measured(item)) for item in range(known.items)])


def _wanted(problem, known, selection):
    """What the optimum rests on: the chosen ways; every tool set's best QP, or, once that is known, those beside."""
    wanted = {(item, option.way) for item, option in enumerate(selection.options)}
    for item in range(known.items):
        for config in known.every:
            options = known.expected_options(item, config)
            best = min(options, key=lambda option: option.loss + selection.slope * option.cost).way
            if best.qp not in known.figures[item][config]:
                wanted.add((item, best))
                continue
            beside = (best.qp - 1, best.qp + 1)
            wanted |= {(item, Way(config, qp)) for qp in beside if problem.lowest <= qp <= problem.highest}
    return wanted
