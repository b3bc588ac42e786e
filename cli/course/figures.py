"""How figures of the course look, and how they get into a page, whose theme gives them their colours, light or dark."""

import io
import itertools

INK, QUIET, LINE, PAPER = "#202831", "#65707d", "#d6dce3", "#fdfdfc"
BLUE, ORANGE, GREEN, RED, VIOLET, GOLD = SERIES = "#1f6fb5", "#d9622b", "#2a9162", "#c23b4e", "#8257b8", "#b28a12"
# what stands for them in the page's style sheet
_THEME = {INK: "ink", QUIET: "quiet", LINE: "line", PAPER: "paper"} | {c: f"c{n}" for n, c in enumerate(SERIES)}
_number = itertools.count()


def _style():
    from cycler import cycler

    return {
        "figure.figsize": (4.5, 3.0),
        "figure.constrained_layout.use": True,
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titlecolor": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": QUIET,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.prop_cycle": cycler(color=SERIES),
        "grid.color": LINE,
        "grid.linewidth": 0.7,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "text.color": INK,
        "lines.linewidth": 1.7,
        "lines.markersize": 5,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
        "image.interpolation": "none",
        "svg.fonttype": "none",
    }


STYLE = _style()


def new_figure(width=4.5, height=3.0, rows=1, columns=1, **more):
    """(figure, axes) without a screen, in inches; 4.5 fill a phone's width with letters that can be read."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    return figure, figure.subplots(rows, columns, **more)


def bare(axes):
    """An axes that is a picture or a drawing: no frame, no ticks, no grid."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def svg(figure, words):
    """The figure as an <svg> element in the page's colours; `words` is what is read out of it."""
    import html

    import matplotlib

    file = io.StringIO()
    salt = f"course{next(_number)}"
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": salt}):
        figure.savefig(
            file, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    text = file.getvalue()
    text = text[text.index("<svg") :].replace('xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    text = text.replace('xmlns="http://www.w3.org/2000/svg"', "").replace("xlink:href", "href")
    for colour, name in _THEME.items():
        text = text.replace(colour, f"var(--{name})")
    # <metadata> and the doctype name addresses, which a page without a network does not need
    if "<metadata>" in text:
        text = text[: text.index("<metadata>")] + text[text.index("</metadata>") + len("</metadata>") :]
    width = figure.get_figwidth() * 72
    head = f'<svg role="img" aria-label="{html.escape(words, quote=True)}" style="max-width: {1.5 * width:.0f}px"'
    return text.replace("<svg", head, 1)


def numbers(values, colours="signed", least=None, most=None, size=7.5):
    """A figure of a small matrix of whole numbers, its cells tinted: "signed" about 0, or "grey" as samples are."""
    import numpy as np

    values = np.asarray(values)
    rows, columns = values.shape
    figure, axes = new_figure(0.36 * columns, 0.36 * rows)
    bare(axes)
    if colours == "grey":
        axes.imshow(values, cmap="gray", vmin=0 if least is None else least, vmax=255 if most is None else most)
        middle = ((0 if least is None else least) + (255 if most is None else most)) / 2
        ink = np.where(values > middle, "#111111", "#f4f4f4")
    else:
        reach = max(1, np.abs(values).max() if most is None else most)
        shade = np.sign(values) * np.sqrt(np.abs(values) / reach)
        axes.imshow(shade, cmap="RdBu_r", vmin=-1.6, vmax=1.6)
        ink = np.where(values == 0, "#8a8f96", "#111111")
    for (row, column), value in np.ndenumerate(values):
        axes.text(column, row, f"{value}", ha="center", va="center", fontsize=size, color=str(ink[row, column]))
    return figure
