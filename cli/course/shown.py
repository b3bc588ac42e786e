"""What code cells show: figures, pictures side by side, tables, and commands with what they print."""

import base64
import html
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cli.course.figures import svg
from cli.measure.page import table_html
from cli.measure.tables import Table

_SMALL = 400  # pixels


def words(caption):
    """A caption in HTML: `code` in backticks."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(caption))


def _plain(caption):
    return caption.replace("`", "")


@dataclass
class Plot:
    """A matplotlib figure and its caption."""

    figure: object = field(repr=False)
    caption: str

    def html(self):
        """The figure element."""
        return (
            f"<figure>{svg(self.figure, _plain(self.caption))}<figcaption>{words(self.caption)}</figcaption></figure>"
        )


@dataclass
class Panels:
    """Pictures or figures side by side, as many in a row as there is room for.

    panels   [(title, matplotlib figure, or uint8 array: rows and columns, of grey or of RGB)]
    least    width in CSS pixels below which a panel goes to the next row
    """

    panels: list = field(repr=False)
    caption: str
    least: int = 250

    def html(self):
        """The figure element."""
        parts = "".join(f"<div>{_panel(made, title)}<span>{words(title)}</span></div>" for title, made in self.panels)
        grid = f'<div class="panels" style="--least: {self.least}px">{parts}</div>'
        return f'<figure class="wide">{grid}<figcaption>{words(self.caption)}</figcaption></figure>'


def _panel(made, title):
    if not isinstance(made, np.ndarray):
        return svg(made, _plain(title))
    return image(png(made), _plain(title))


def png(pixels):
    """PNG bytes of a uint8 array, of grey or of RGB."""
    import cv2

    return cv2.imencode(".png", pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., ::-1]))[1].tobytes()


def image(data, title):
    """An <img> that holds its PNG. Of small pictures every sample is to be seen, large ones shrink smoothly."""
    text, width = base64.b64encode(data).decode(), int.from_bytes(data[16:20], "big")
    kind = ' class="large"' if width > _SMALL else ""
    return f'<img{kind} alt="{html.escape(title, quote=True)}" src="data:image/png;base64,{text}">'


@dataclass
class Rows:
    """A table: headings, rows of text or numbers; the first `names` columns are words."""

    headings: list
    rows: list
    caption: str = ""
    names: int = 1

    def html(self):
        """The figure element."""
        table = table_html(Table(self.headings, [list(map(str, row)) for row in self.rows], self.names))
        return f"<figure>{table}<figcaption>{words(self.caption)}</figcaption></figure>"


@dataclass
class Typed:
    """A command that was typed, and what it printed.

    picture: the PNG file that it wrote, which is then shown;  first, last: how many lines of a long output are shown
    """

    command: str
    output: str
    picture: str = ""
    first: int = 10
    last: int = 12

    def html(self):
        """The figure element, with the middle of a long output left out."""
        printed = self.output.rstrip("\n").splitlines()
        left_out = len(printed) - self.first - self.last
        if left_out > 1:
            printed[self.first : self.first + left_out] = [f"  ... {left_out} lines more ..."]
        # words stay whole at the end of a line
        command = " ".join(f"<i>{html.escape(word)}</i>" for word in self.command.strip().split(" "))
        text = f'<pre tabindex="0"><b>$ {command}</b>\n{html.escape(chr(10).join(printed))}</pre>'
        shown = image(Path(self.picture).read_bytes(), f"what {self.command} wrote") if self.picture else ""
        return f'<figure class="terminal">{text}{shown}</figure>'
