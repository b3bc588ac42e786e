"""The selection on convex hulls, against every selection there is."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from cli.alloc.hull import Option, Selection, choose, fill, lower_hull

OPTIONS = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 200)), min_size=1, max_size=6)
ITEMS = st.lists(OPTIONS, min_size=1, max_size=4)
LIMIT = st.integers(1, 260)


def as_options(items):
    return [[Option(cost, loss, number) for number, (cost, loss) in enumerate(options)] for options in items]


def best_loss(items, limit):
    """The least loss of all selections that cost at most `limit`."""
    found = (list(selection) for selection in itertools.product(*items))
    return min(sum(o.loss for o in each) for each in found if sum(o.cost for o in each) <= limit)


@given(ITEMS, LIMIT)
def test_no_selection_that_costs_as_much_loses_less(items, limit):
    items = as_options(items)
    selection = choose(items, limit)
    least = sum(min(o.cost for o in options) for options in items)
    assert (selection is None) == (least > limit)
    if selection:
        assert selection.cost <= limit
        assert selection.loss == best_loss(items, selection.cost)


@given(ITEMS, LIMIT)
def test_the_remainder_is_used_and_the_limit_kept(items, limit):
    items = as_options(items)
    selection = choose(items, limit)
    if selection is None:
        return
    filled = fill(items, selection, limit)
    assert filled.cost <= limit
    assert filled.loss <= selection.loss
    assert best_loss(items, limit) <= filled.loss
    # nothing that is better still fits
    for now, options in zip(filled.options, items, strict=True):
        assert not [o for o in options if o.loss < now.loss and filled.cost - now.cost + o.cost <= limit]


@given(ITEMS, LIMIT)
def test_at_its_slope_no_option_is_better(items, limit):
    """Everett: each item's own option is the best at the slope, which is why the whole is."""
    items = as_options(items)
    selection = choose(items, limit)
    if selection is None:
        return
    for now, options in zip(selection.options, items, strict=True):
        least = min(o.loss + selection.slope * o.cost for o in options)
        assert now.loss + selection.slope * now.cost <= least + 1e-9 * (1 + abs(least))


@given(OPTIONS)
def test_hull(options):
    (options,) = as_options([options])
    hull = lower_hull(options)
    assert hull[0].cost == min(o.cost for o in options) and hull[-1].loss == min(o.loss for o in options)
    slopes = [(a.loss - b.loss) / (b.cost - a.cost) for a, b in itertools.pairwise(hull)]
    assert all(a > b for a, b in itertools.pairwise([*slopes, 0]))
    for option in options:
        for a, b in itertools.pairwise(hull):
            if a.cost <= option.cost <= b.cost:
                line = a.loss + (b.loss - a.loss) * (option.cost - a.cost) / (b.cost - a.cost)
                assert option.loss >= line - 1e-9


def test_a_step_back_is_taken_when_it_costs_less_and_loses_less():
    items = as_options([[(10, 5), (8, 3)]])
    assert fill(items, Selection([items[0][0]], 0.0), 9).options == [items[0][1]]
