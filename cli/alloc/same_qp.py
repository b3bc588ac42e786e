"""The method `same-qp`: one QP for all items, and the next better one for as many as the remainder pays for."""

from cli.alloc.hull import Selection, fill
from cli.alloc.problem import Way
from cli.alloc.search import unreachable
from cli.alloc.top_up import top_up


def solve_same_qp(problem, known):
    """(Selection, None), with the tool set that is best alone. Raises BudgetMissed."""
    found = [_with_one_tool_set(problem, known, config) for config in known.every]
    found = [selection for selection in found if selection]
    if not found:
        raise unreachable(problem, known)
    return min(found, key=lambda selection: selection.loss), None


def _with_one_tool_set(problem, known, config):
    """The Selection with one tool set, None where it cannot."""
    better = 1 if problem.by_quality else -1
    qps = range(problem.lowest, problem.highest + 1)
    # from the cheapest QP to the best
    qps = qps if problem.by_quality else qps[::-1]
    while True:
        costs = [
            sum(known.expected_options(item, config)[qp - problem.lowest].cost for item in range(known.items))
            for qp in qps
        ]
        fitting = 0
        while fitting < len(qps) and costs[fitting] <= problem.limit:
            fitting += 1
        ends = [qps[n] for n in (fitting - 1, fitting) if 0 <= n < len(qps)]
        if not known.measure((item, Way(config, qp)) for item in range(known.items) for qp in ends):
            break
    if not fitting:
        return None
    qp = qps[fitting - 1]

    def allowed(item, way):
        return way.config == config and min(qp, qp + better) <= way.qp <= max(qp, qp + better)

    selection = Selection([known.option(item, Way(config, qp)) for item in range(known.items)], 0.0)
    items = [known.measured(item, lambda way, item=item: allowed(item, way)) for item in range(known.items)]
    return top_up(problem, known, fill(items, selection, problem.limit), allowed)
