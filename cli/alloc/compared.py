"""A set coded by several tool sets at several budgets: the curve of each, and the distance between two.

A curve is that of the whole set: at each budget the selection on the hulls of the plan's QPs, and towards the next one,
which costs more, a straight line. So it does not matter how well a few items' steps happen to fill a budget.
"""

from typing import NamedTuple

from cli.alloc.hull import Option, choose
from cli.alloc.objective import Objective
from cli.alloc.outcome import set_figures
from cli.measure.bd import bd_rate
from cli.measure.cells import rows_of_cells
from codec.base.errors import InputError
from codec.base.io.text import read_text

_COLUMNS = ("image", "q", "bytes", "psnr_rgb")


class Curve(NamedTuple):
    """name of a tool set; points: {budget in bits a pixel: figures of the set (outcome.set_figures), None where the
    QPs do not reach it}."""

    name: str
    points: dict

    def pairs(self, figure):
        """[(bits a pixel, figure)] of the budgets that are met and have the figure; points that coincide once."""
        found = {each["bpp"]: each[figure] for each in self.points.values() if each and each[figure] is not None}
        return sorted(found.items())


def given_rows(name, clips, qps):
    """[rows of each clip] of a table of points of another codec, CSV with image, q, bytes, psnr_rgb.

    None where it lacks one of the clips.

    qps: of the others. Of the table those nearest to them are taken: a finer choice would be an advantage
    """
    cells = [row for _, row in rows_of_cells(read_text(name, name), name)]
    if not cells or not set(_COLUMNS) <= set(cells[0]):
        raise InputError(f"{name}: must have the columns {', '.join(_COLUMNS)}")
    places = [cells[0].index(column) for column in _COLUMNS]
    found = {}
    try:
        for row in cells[1:]:
            image, qp, size, psnr = (row[place] for place in places)
            found.setdefault(image, []).append({"qp": float(qp), "bits": 8 * int(size), "psnr_rgb": float(psnr)})
    except (ValueError, IndexError):
        raise InputError(f"{name}: a row is no image,q,bytes,psnr_rgb") from None
    if not all(clip.name in found for clip in clips):
        return None
    return [_nearest(found[clip.name], qps) for clip in clips]


def _nearest(rows, qps):
    wanted = [min(rows, key=lambda row: (abs(row["qp"] - qp), -row["qp"]))["qp"] for qp in qps]
    return [row for row in rows if row["qp"] in wanted]


def curve_of(name, rows, plan, problems, kind="pooled"):
    """The Curve of a tool set. rows: of each item; problems: {budget: Problem}, in whose colour errors count."""
    points = {}
    for budget, problem in problems.items():
        objective = Objective(kind, problem.objective.colour)
        items = [
            [_option(objective, samples, row) for row in of_item]
            for samples, of_item in zip(problem.samples, rows, strict=True)
        ]
        selection = choose(items, problem.limit)
        points[budget] = _at_limit(selection, plan, problem) if selection and selection.beyond else None
    return Curve(name, points)


def _at_limit(selection, plan, problem):
    """Figures of the set between a selection and the one a step beyond the limit."""
    number, option = selection.beyond
    below = [each.way for each in selection.options]
    above = [*below[:number], option.way, *below[number + 1 :]]
    part = (problem.limit - selection.cost) / (option.cost - selection.options[number].cost)
    ends = [set_figures(rows, plan, problem) for rows in (below, above)]
    return {key: None if low is None else low + part * (ends[1][key] - low) for key, low in ends[0].items()}


def _option(objective, samples, row):
    figures = objective.figures(row)
    return Option(figures.bytes, objective.loss(samples, figures.level), row)


def distance(anchor, test, figure="pooled"):
    """The Delta (cli.measure.bd) of a Curve over another: BD-rate of the set, percent."""
    return bd_rate(anchor.pairs(figure), test.pairs(figure))
