"""Plots of an outcome (matplotlib, imported at first use, without a screen)."""

import math

import numpy as np

from cli.alloc.objective import psnr_of_level
from cli.measure.plots import line_style

# as in cli.measure.plots: Okabe and Ito
_COLOURS = {"hull": "#0072b2", "hyperbolic": "#d55e00", "same-qp": "#009e73"}
_MARKERS = {"hull": "s", "hyperbolic": "D", "same-qp": "o"}
_MANY = 40


def _quality(objective, level):
    return 1 - math.exp(level) if objective.kind == "ms-ssim" else psnr_of_level(level)


def _axes(size, x, y):
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x, fontsize=8)
    axes.set_ylabel(y, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    return figure, axes


def curves_figure(outcome):
    """Of every item the points that the method measured, and the one that it took."""
    objective = outcome.problem.objective
    title = "MS-SSIM" if objective.kind == "ms-ssim" else f"{objective.colour.upper()}-PSNR (dB)"
    figure, axes = _axes((4.8, 3.7), "bits a pixel", title)
    result = outcome.results[outcome.method]
    for item, (clip, way) in enumerate(zip(outcome.plan.clips, result.ways, strict=True)):
        pixels = clip.width * clip.height * clip.frames
        for points in result.known.figures[item]:
            line = sorted((8 * each.bytes / pixels, _quality(objective, each.level)) for each in points.values())
            axes.plot(*zip(*line, strict=True), color="#99a3ad", linewidth=0.8, marker=".", markersize=3)
        taken = result.known.figures[item][way.config][way.qp]
        place = 8 * taken.bytes / pixels, _quality(objective, taken.level)
        axes.plot(*place, color=_COLOURS[outcome.method], marker="o", markersize=6, linestyle="none")
        if len(outcome.plan.clips) <= _MANY:
            axes.annotate(clip.name, place, fontsize=7, xytext=(5, -3), textcoords="offset points")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(lambda value, _: "")
    return figure


def qps_figure(outcome):
    """The QP of every item by method."""
    figure, axes = _axes((4.8, 3.4), "", "QP")
    places = np.arange(len(outcome.plan.clips))
    for name, result in outcome.results.items():
        qps = [way.qp for way in result.ways]
        axes.plot(places, qps, color=_COLOURS[name], marker=_MARKERS[name], linestyle="none", label=name, alpha=0.8)
    if len(places) <= _MANY:
        axes.set_xticks(places, [clip.name for clip in outcome.plan.clips], rotation=40, ha="right")
    axes.invert_yaxis()
    axes.legend(fontsize=8)
    return figure


def model_figure(outcome):
    """What the hyperbolic model expected of each item, against the truth; None where it was not asked."""
    result = outcome.results.get("hyperbolic")
    if not result:
        return None
    figure, axes = _axes((4.8, 3.4), "bytes expected", "bytes true over those expected (%)")
    model = result.model
    errors = [100 * error for error, _ in model.item_errors]
    axes.plot(
        [each.bytes for each in model.expected], errors, color=_COLOURS["hyperbolic"], marker="D", linestyle="none"
    )
    axes.axhline(0, color="#888888", linewidth=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(lambda value, _: "")
    return figure


def budgets_figure(curves):
    """Pooled PSNR of a set by bits a pixel, a line a Curve (cli.alloc.compared)."""
    figure, axes = _axes((4.8, 3.7), "bits a pixel", "pooled RGB-PSNR (dB)")
    for number, curve in enumerate(curves):
        if pairs := curve.pairs("pooled"):
            style = line_style(number)
            axes.plot(*zip(*pairs, strict=True), label=curve.name, linewidth=1.3, markersize=4, **style)
    axes.legend(fontsize=8, loc="lower right")
    return figure
