"""Pages of the course: a chapter that was run, as HTML that needs no other file, no script and no network."""

import functools
import html
import re
from pathlib import Path
from typing import NamedTuple

_STYLE = Path(__file__).with_name("course.css")
TITLE = "Video coding, run by the code"


class Entry(NamedTuple):
    """What the table of contents says of a chapter; summary is HTML, the first paragraph behind the heading."""

    number: int
    name: str
    title: str
    summary: str

    @property
    def address(self):
        """The page's file."""
        return f"{self.name}.html"


@functools.cache
def _markdown():
    """The Markdown renderer: tables, and formulas between dollars as MathML."""
    from latex2mathml.converter import convert
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    def formula(text, about):
        return convert(text, display="block" if about["display_mode"] else "inline").replace(
            ' xmlns="http://www.w3.org/1998/Math/MathML"', ""
        )

    return MarkdownIt("commonmark").enable("table").use(dollarmath_plugin, renderer=formula)


def text_html(text):
    """HTML of Markdown."""
    made = _markdown().render(text)
    made = made.replace("<table>", '<div class="scroll"><table>').replace("</table>", "</table></div>")
    return re.sub(r"\s*<(div|span) class=\"math (?:block|inline)\">\s*(.*?)\s*</\1>", _boxed, made, flags=re.S)


def _boxed(found):
    return f'\n<div class="formula">{found[2]}</div>' if found[1] == "div" else f" {found[2]}"


@functools.cache
def _highlighter():
    from pygments.formatters import HtmlFormatter

    return HtmlFormatter(nowrap=True, classprefix="k-")


def code_html(source):
    """The code of a cell, folded."""
    from pygments import highlight
    from pygments.lexers import PythonLexer

    coloured = highlight(source, PythonLexer(), _highlighter())
    return f'<details class="code"><summary>code</summary><pre tabindex="0">{coloured}</pre></details>'


def entries(chapters):
    """An Entry for each chapter that was run, in their order."""
    return [Entry(number, ran.name, ran.title, _summary(ran)) for number, ran in enumerate(chapters, 1)]


def _summary(ran):
    first = next(text for cell, text in ran.cells if cell.kind == "markdown")
    paragraphs = [part for part in first.split("\n\n")[1:] if part]
    return text_html(paragraphs[0]) if paragraphs else ""


def chapter_html(ran, contents):
    """The page of a chapter; contents: the Entries of all."""
    at = next(number for number, entry in enumerate(contents) if entry.name == ran.name)
    parts, unseen = [], []
    for cell, made in ran.cells:
        if cell.kind == "markdown":
            parts.append(text_html(made))
            continue
        # code that shows nothing stands with the next that does
        unseen.append(cell.text.strip("\n"))
        if made is not None:
            parts.append(made.html() + code_html("\n\n".join(unseen)))
            unseen = []
    if unseen:
        parts.append(code_html("\n\n".join(unseen)))
    steps = [(contents[at - 1], "prev", "before") if at else None]
    steps.append((contents[at + 1], "next", "next") if at + 1 < len(contents) else None)
    links = "".join(
        f'<a rel="{rel}" href="{entry.address}"><small>{word}</small>{html.escape(entry.title)}</a>'
        if step
        else "<i></i>"
        for step in steps
        for entry, rel, word in [step or (None, "", "")]
    )
    body = f'<article><p class="number">Chapter {at + 1}</p>{"".join(parts)}</article><nav class="steps">{links}</nav>'
    return _document(f"{ran.title} - {TITLE}", contents, ran.name, body)


def index_html(contents, words):
    """The first page: what the course is (HTML), and its chapters."""
    cards = "".join(
        f'<li><a href="{entry.address}"><b>{entry.number}</b><h2>{html.escape(entry.title)}</h2></a>'
        f"{entry.summary}</li>"
        for entry in contents
    )
    body = f'<article class="front"><h1>{TITLE}</h1>{words}<ol class="cards">{cards}</ol></article>'
    return _document(TITLE, contents, "", body)


def _document(title, contents, here, body):
    lines = "".join(
        f'<li><a href="{entry.address}"{" aria-current=page" if entry.name == here else ""}>'
        f"<b>{entry.number}</b>{html.escape(entry.title)}</a></li>"
        for entry in contents
    )
    home = f'<a class="home" href="index.html">{TITLE}</a>'
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{html.escape(title)}</title>\n<style>\n{_STYLE.read_text(encoding='utf-8')}</style></head>\n<body>"
        f'<nav class="side">{home}<ol>{lines}</ol></nav>'
        f'<details class="top"><summary>{TITLE}</summary><a href="index.html">Contents</a><ol>{lines}</ol></details>'
        f"<main>{body}</main></body></html>\n"
    )
