"""The three methods on synthetic curves: the budget, exactness against every selection, the model where it is true."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.alloc.hyperbolic import fit, qp_of_lambda
from cli.alloc.methods import METHODS, solve
from cli.alloc.objective import Objective
from cli.alloc.problem import ENOUGH, BudgetMissed, Way
from tests.cli.alloc.synthetic import Curves, problem

CURVE = st.tuples(
    st.floats(8, 11), st.floats(-0.16, -0.08), st.floats(-5e-4, 1e-3), st.floats(2, 5), st.floats(0.1, 0.22)
)  # fmt: skip
ITEM = st.tuples(st.integers(10_000, 900_000), CURVE)
ITEMS = st.lists(ITEM, min_size=1, max_size=6).map(lambda found: [(samples, [curve]) for samples, curve in found])
START = (28, 40)


def total(curves, ways, what):
    return sum(what(item, curves.figures(item, way)) for item, way in enumerate(ways))


def cost(curves, ways):
    return total(curves, ways, lambda item, figures: figures.bytes)


def loss(curves, ways, objective):
    return total(curves, ways, lambda item, figures: objective.loss(curves.items[item][0], figures.level))


def at(curves, qp):
    return cost(curves, [Way(0, qp)] * len(curves.items))


@settings(max_examples=60, deadline=None)
@given(ITEMS, st.floats(0, 1), st.sampled_from(sorted(METHODS)), st.sampled_from(("pooled", "mean")))
def test_the_budget_is_kept_and_used(items, where, method, kind):
    curves = Curves(items)
    least, most = at(curves, 46), at(curves, 20)
    limit = math.floor(least + where * (most - least))
    result = solve(method, problem(curves, limit, kind), curves, START)
    used = cost(curves, result.ways)
    assert used <= limit
    # a byte is the smallest step of files as small as these may be
    assert used >= min(ENOUGH * limit - len(items), most - 0.001 * most) or limit < 2000


@settings(max_examples=40, deadline=None)
@given(ITEMS, st.floats(0.05, 0.95), st.sampled_from(("pooled", "mean", "ms-ssim")))
def test_a_quality_is_reached_with_the_fewest_bytes(items, where, kind):
    curves = Curves([(samples, [(*curve[:3], curve[3] - 8, curve[4])]) for samples, (curve,) in items])
    objective = Objective(kind, "rgb")
    ends = [loss(curves, [Way(0, qp)] * len(items), objective) for qp in (20, 46)]
    limit = ends[0] + where * (ends[1] - ends[0])
    bytes_by_method = {}
    for method in METHODS:
        result = solve(method, problem(curves, limit, kind, by_quality=True), curves, START)
        # sums of floating-point numbers, in another order
        assert loss(curves, result.ways, objective) <= limit + 1e-12 * abs(limit)
        bytes_by_method[method] = cost(curves, result.ways)
    # what is left to the limit is less than a step of one item
    step = max(curves.figures(n, Way(0, 20)).bytes - curves.figures(n, Way(0, 21)).bytes for n in range(len(items)))
    assert bytes_by_method["hull"] <= min(bytes_by_method.values()) + step


@settings(max_examples=25, deadline=None)
@given(st.lists(ITEM, min_size=1, max_size=3), st.floats(0.02, 0.98), st.sampled_from(("pooled", "mean")))
def test_hull_is_exact_though_it_measures_few_points(items, where, kind):
    """Of all selections of whole QPs none that costs as much as hull's first one loses less."""
    curves = Curves([(samples, [curve]) for samples, curve in items])
    highest, lowest = 40, 30
    least, most = at(curves, highest), at(curves, lowest)
    limit = math.floor(least + where * (most - least))
    wanted = problem(curves, limit, kind, fine=False, lowest=lowest, highest=highest)
    result = solve("hull", wanted, curves, (32, 38))
    mine = loss(curves, result.ways, wanted.objective)
    every = itertools.product([Way(0, qp) for qp in range(lowest, highest + 1)], repeat=len(items))
    found = [(cost(curves, ways), loss(curves, ways, wanted.objective)) for ways in every]
    best = min(b for a, b in found if a <= limit)
    # a whole step of one item is the most that an exact selection on the hull may lack
    steps = [
        wanted.objective.loss(samples, curves.figures(n, Way(0, qp)).level)
        - wanted.objective.loss(samples, curves.figures(n, Way(0, qp - 1)).level)
        for n, (samples, _) in enumerate(curves.items)
        for qp in range(lowest + 1, highest + 1)
    ]
    assert best - 1e-9 * abs(best) <= mine <= best + max(steps)


def test_two_tool_sets_each_item_takes_its_better_one():
    curve = (9.5, -0.12, 0, 3.5, 0.17)
    better = (9.3, *curve[1:])
    curves = Curves([(300_000, [curve, better]), (300_000, [better, curve]), (300_000, [better, curve])])
    limit = 3 * 10_000
    for method, expected in (("hull", [1, 0, 0]), ("hyperbolic", [1, 0, 0]), ("same-qp", [0, 0, 0])):
        result = solve(method, problem(curves, limit), curves, START)
        assert [way.config for way in result.ways] == expected, method
        assert ENOUGH * limit <= cost(curves, result.ways) <= limit


def test_under_mean_the_hull_gains_and_under_pooled_hardly():
    """What was measured on photos: one QP for all is close to the best of the pooled error, and far from the mean's."""
    curves = Curves([(400_000, [(8 + n / 2, -0.115, 0, 2.5 + n / 4, 0.16 - n / 100)]) for n in range(6)])
    limit = at(curves, 38)
    gains = {}
    for kind in ("pooled", "mean"):
        wanted = problem(curves, limit, kind)
        figures = {}
        for method in METHODS:
            ways = solve(method, wanted, curves, START).ways
            losses = [
                wanted.objective.loss(n, curves.figures(i, w).level)
                for i, (n, w) in enumerate(zip(wanted.samples, ways, strict=True))
            ]
            figures[method] = wanted.objective.total(losses, wanted.samples)
        gains[kind] = figures["hull"] - figures["same-qp"]
        assert figures["hull"] >= max(figures.values()) - 0.02
    assert 0 <= 2 * gains["pooled"] < gains["mean"], gains


@pytest.mark.parametrize("kind", ["pooled", "mean", "ms-ssim"])
def test_lambda_of_the_model_is_the_slope(kind):
    """QP = a ln(lambda) + b: where D = C R^-K holds, lambda is -dD/dR at that QP."""
    curves = Curves([(300_000, [(9.5, -0.12, 0, -2 if kind == "ms-ssim" else 3.5, 0.17)])])
    line = fit({qp: curves.figures(0, Way(0, qp)) for qp in (30, 40)})
    objective = Objective(kind, "rgb")
    for qp in (28, 35.5, 44):
        a, b = (line.at(qp + d) for d in (-1e-4, 1e-4))
        slope = (objective.loss(300_000, b.level) - objective.loss(300_000, a.level)) / (a.bytes - b.bytes)
        assert qp_of_lambda(line, objective, 300_000, math.log(slope)) == pytest.approx(qp, abs=1e-3)


def test_a_model_that_is_true_is_told_so():
    true = Curves([(300_000, [(10 + n / 3, -0.12, 0, 3.5, 0.17)]) for n in range(4)])
    bent = Curves([(300_000, [(10 + n / 3, -0.12, 1e-3 * n, 3.5, 0.17 - n / 100)]) for n in range(4)])
    errors = []
    for curves in (true, bent):
        model = solve("hyperbolic", problem(curves, at(curves, 34)), curves, START).model
        expected, found = model.bytes
        errors.append(abs(found / expected - 1))
        assert len(model.expected) == 4
    assert errors[0] < 1e-3 < errors[1]
    assert model.sigma[1] > 1e-3


def test_hyperbolic_begins_with_two_encodes_an_item():
    curves = Curves([(300_000, [(10 + n / 3, -0.12, 0, 3.5, 0.17)]) for n in range(4)])
    solve("hyperbolic", problem(curves, at(curves, 34), fine=False), curves, (25, 30, 35, 40))
    assert {way.qp for _, way in curves.asked[:8]} == {25, 40}
    assert len(curves.asked) <= 8 + 2 * 4


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_budget_that_cannot_be_met(method):
    curves = Curves([(300_000, [(9 + n, -0.12, 0, 3.5, 0.17)]) for n in range(3)])
    least = at(curves, 46)
    with pytest.raises(BudgetMissed, match=f"at QP 46 it takes {least} bytes, .* the largest item is item2 with"):
        solve(method, problem(curves, least - 1), curves, START)
    with pytest.raises(BudgetMissed, match="item2: takes .* bytes at QP 46, the budget of the whole set is 100 bytes"):
        solve(method, problem(curves, 100), curves, START)
    assert cost(curves, solve(method, problem(curves, least), curves, START).ways) == least
    with pytest.raises(BudgetMissed, match="cannot reach 5 bytes: at QP 20 it has"):
        solve(method, problem(curves, 5, by_quality=True), curves, START)
