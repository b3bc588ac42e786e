"""The three methods, by name: what each chooses for a problem, with what it has measured on the way."""

from typing import NamedTuple

from cli.alloc.hyperbolic import solve_hyperbolic
from cli.alloc.known import Known
from cli.alloc.same_qp import solve_same_qp
from cli.alloc.search import solve_hull

METHODS = {"hull": solve_hull, "hyperbolic": solve_hyperbolic, "same-qp": solve_same_qp}


class Result(NamedTuple):
    """ways: one an item; model: cli.alloc.hyperbolic.Model, None of other methods; known: Known, what was measured."""

    ways: list
    model: object
    known: object


def solve(method, problem, bench, start):
    """The Result of a method. Raises BudgetMissed.

    start  QPs at which every item is coded first; what is no hull has two of them, the first and the last
    """
    known = Known(problem, bench, start if method == "hull" else (min(start), max(start)))
    selection, model = METHODS[method](problem, known)
    return Result([option.way for option in selection.options], model, known)
