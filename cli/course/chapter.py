"""Chapters: Python scripts in the percent format (jupytext's py:percent), run from top to bottom.

`# %% [markdown]` begins text in Markdown, every line behind a `# `; `# %%` begins code. In text,
`{{expression:format}}` is the value that the code above has computed. What the last expression of a code cell gives
is shown (shown.py).
"""

import ast
import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from cli.course.figures import STYLE

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ROOT / "docs" / "course"
_MARK = re.compile(r"^# %%(.*)$", re.M)
_VALUE = re.compile(r"\{\{(.+?)\}\}", re.S)


class Cell(NamedTuple):
    """kind: "markdown" or "code"; text without comment marks; line: how many lines stand above it in the file."""

    kind: str
    text: str
    line: int


class Ran(NamedTuple):
    """A chapter that was run: its name, [(Cell, text with its values, or what the code shows or None)], its names."""

    name: str
    cells: list
    names: dict

    @property
    def title(self):
        """The heading of its first text."""
        return next(text for cell, text in self.cells if cell.kind == "markdown").splitlines()[0].lstrip("# ")


def sources(folder=CHAPTERS):
    """Paths of all chapters in their order: that of their names."""
    return sorted(folder.glob("[0-9]*.py"))


def cells(source):
    """The Cells of a chapter's source; what stands above the first mark is for those who read the file."""
    marks = list(_MARK.finditer(source))
    found = []
    for number, mark in enumerate(marks):
        end = marks[number + 1].start() if number + 1 < len(marks) else len(source)
        text, line = source[mark.end() : end], source.count("\n", 0, mark.end())
        if "[markdown]" in mark[1]:
            text = "\n".join(re.sub("^# ?", "", each) for each in text.strip().splitlines())
            found.append(Cell("markdown", text, line))
        elif text.strip():
            found.append(Cell("code", text, line))
    return found


def run(path, folder):
    """Run a chapter with `folder`, which is made, as its working directory. -> Ran; what it raises is raised."""
    import matplotlib

    names, done = {"__name__": path.stem, "__file__": str(path)}, []
    with matplotlib.rc_context(STYLE), _inside(folder):
        for cell in cells(path.read_text(encoding="utf-8")):
            made = _run_code(cell, path, names) if cell.kind == "code" else _with_values(cell.text, names)
            done.append((cell, made))
    return Ran(path.stem, done, names)


@contextmanager
def _inside(folder):
    """The working directory, with the clips of `media` in it."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "media").exists():
        (folder / "media").symlink_to(ROOT / "media")
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _run_code(cell, path, names):
    """Run a code cell. -> the value of its last statement, where that is an expression"""
    body = ast.parse("\n" * cell.line + cell.text, str(path))
    last = ast.Expression(body.body.pop().value) if isinstance(body.body[-1], ast.Expr) else None
    exec(compile(body, str(path), "exec"), names)
    return eval(compile(last, str(path), "eval"), names) if last else None


def _with_values(text, names):
    """Text with the values of what stands in double braces."""
    return _VALUE.sub(lambda found: eval("f" + repr("{" + " ".join(found[1].split()) + "}"), names), text)
