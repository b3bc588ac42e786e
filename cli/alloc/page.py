"""The report of an allocation: one HTML page that needs no other file, no script and no network."""

import datetime
import html

from cli.alloc.plots import curves_figure, model_figure, qps_figure
from cli.alloc.tables import items_table, methods_table, model_words
from cli.measure.costs import made_with
from cli.measure.page import document, section, table_html
from cli.measure.plots import svg_text


def page_of(outcome, title):
    """The text of the page about an Outcome."""
    figures = [(curves_figure, "curves"), (qps_figure, "qps"), (model_figure, "model")]
    drawn = [(svg_text(figure, salt)) for make, salt in figures if (figure := make(outcome))]
    body = "".join(f"<figure>{each}</figure>" for each in drawn)
    method = outcome.method
    parts = [
        _head(outcome, title),
        section(
            "The methods side by side",
            f"Streams are those of <b>{method}</b>. Each method keeps to the budget; points are what it measured, two "
            "encodes an item to begin with.",
            table_html(methods_table(outcome)) + _words(model_words(outcome)),
        ),
        section("Curves, QPs, model", _PLOTS, f'<div class="grid">{body}</div>'),
        section(
            "Items",
            "A QP of 36.75 is QP 37 with the lambda of QP 36.75.",
            table_html(items_table(outcome)),
        ),
        _commands(outcome),
    ]
    return document(title, parts)


_PLOTS = (
    "Grey: what was measured of each item, a line a tool set; coloured: what was taken. QPs grow downwards. The model: "
    "bytes of its first choice, before anything but two encodes an item was known."
)


def _words(text):
    return f'<p class="note">{html.escape(text)}</p>' if text else ""


def _head(outcome, title):
    rows = outcome.rows(outcome.method)
    versions = "".join(f"<li>{html.escape(text)}</li>" for text in dict.fromkeys(map(made_with, rows)))
    total, problem = outcome.total(outcome.method), outcome.problem
    kept = (
        f"{problem.wanted} wanted, {total['bytes']} bytes needed"
        if problem.by_quality
        else f"{total['bytes']} of {problem.wanted} ({100 * total['used']:.2f} %)"
    )
    return (
        f"<header><h1>{html.escape(title)}</h1><p><b>Objective: {html.escape(problem.objective.kind)}.</b> Made best is"
        f" {html.escape(problem.objective.words)}.</p><p>{len(rows)} items, {html.escape(kept)}; page of "
        f"{datetime.date.today().isoformat()}</p><ul>{versions}</ul></header>"
    )


def _commands(outcome):
    rows = outcome.rows(outcome.method)
    listed = "".join(f"<li><code>{html.escape(row['command'])}</code></li>" for row in rows)
    return f"<section><details><summary>Commands</summary><ul>{listed}</ul></details></section>"
