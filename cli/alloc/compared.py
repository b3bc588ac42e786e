"""A set coded by several tool sets at several budgets: the curve of each, and the distance between two.

Between the QPs that were measured, an item's ln bytes and ln errors go along PCHIP curves of the QP, as Bjontegaard
deltas have it. A curve is that of the whole set: at each budget the selection on the hulls, and towards the next one,
which costs more, a straight line. So neither the number of QPs nor how well steps happen to fill a budget matters.
"""

from typing import NamedTuple

import numpy as np

from cli.alloc.hull import Option, choose
from cli.alloc.objective import Objective
from cli.alloc.outcome import set_figures
from cli.measure.bd import bd_rate
from cli.measure.cells import rows_of_cells
from codec.base.errors import InputError
from codec.base.io.text import read_text

# of a QP: how finely curves are followed
_STEP = 0.25
_PEAK = 255**2
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


def given_rows(name, clips):
    """[rows of each clip] of a table of points of another codec, CSV with image, q, bytes, psnr_rgb.

    None where it lacks one of the clips.
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
    return [found[clip.name] for clip in clips] if all(clip.name in found for clip in clips) else None


def between(rows):
    """Rows of an item at every part of a QP from its lowest to its highest: bits, PSNR and MS-SSIM in RGB."""
    from scipy.interpolate import PchipInterpolator

    rows = sorted(rows, key=lambda row: row["qp"])
    have = [row["qp"] for row in rows]
    qps = np.arange(have[0], have[-1] + _STEP / 2, _STEP)

    def along(values):
        return np.exp(PchipInterpolator(have, np.log(values))(qps))

    bits = along([row["bits"] for row in rows])
    errors = along([_PEAK * 10 ** (-row["psnr_rgb"] / 10) for row in rows])
    found = {"qp": qps, "bits": bits, "psnr_rgb": 10 * np.log10(_PEAK / errors)}
    if all("ms_ssim_rgb" in row for row in rows):
        found["ms_ssim_rgb"] = 1 - along([max(1e-9, 1 - row["ms_ssim_rgb"]) for row in rows])
    return [dict(zip(found, map(float, values), strict=True)) for values in zip(*found.values(), strict=True)]


def curve_of(name, rows, plan, problems, kind="pooled"):
    """The Curve of a tool set. rows: of each item; problems: {budget: Problem}, in whose colour errors count."""
    points = {}
    for budget, problem in problems.items():
        objective = Objective(kind, problem.objective.colour)
        items = [
            [_option(objective, samples, row) for row in between(of_item)]
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
