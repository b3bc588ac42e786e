"""cli.course: a chapter's source to cells, cells to a page."""

import re

import pytest

from cli.course import chapter
from cli.course.build import build
from cli.course.figures import BLUE, new_figure, svg
from cli.course.lab import typed
from cli.course.page import text_html
from cli.course.shown import Plot, Typed

pytest.importorskip("latex2mathml")
SOURCE = '''"""For those who read the file."""

# %% [markdown]
# # Squares
#
# Of numbers.

# %%
from cli.course.figures import new_figure
from cli.course.shown import Plot, Rows

squares = [n * n for n in range(5)]

# %% [markdown]
# The last is {{squares[-1]}}, a third of it
# {{squares[-1] /
# 3:.2f}}, and $x^2$ is their formula.

# %%
figure, axes = new_figure()
axes.plot(squares)
Plot(figure, "Up to `16`.")

# %%
Rows(["n", "square"], list(enumerate(squares)), "All of them.")
'''


@pytest.fixture
def squares(tmp_path):
    path = tmp_path / "03_squares.py"
    path.write_text(SOURCE)
    return path


def test_cells_of_a_source():
    cells = chapter.cells(SOURCE)
    assert [cell.kind for cell in cells] == ["markdown", "code", "markdown", "code", "code"]
    assert cells[0].text == "# Squares\n\nOf numbers."
    assert SOURCE.splitlines()[cells[1].line + 1] == "from cli.course.figures import new_figure"


def test_values_and_what_is_shown(squares, tmp_path):
    ran = chapter.run(squares, tmp_path / "work")
    assert ran.title == "Squares" and ran.names["squares"] == [0, 1, 4, 9, 16]
    texts = [made for cell, made in ran.cells if cell.kind == "markdown"]
    assert "last is 16," in texts[1] and "5.33" in texts[1]
    shown = [made for cell, made in ran.cells if cell.kind == "code"]
    assert shown[0] is None and isinstance(shown[1], Plot)
    assert (tmp_path / "work" / "media").is_dir()


def test_an_error_tells_the_line_of_the_file(squares, tmp_path):
    squares.write_text(SOURCE.replace("range(5)", "range(5) / 0"))
    with pytest.raises(TypeError) as caught:
        chapter.run(squares, tmp_path / "work")
    line = next(n for n, text in enumerate(SOURCE.splitlines(), 1) if text.startswith("squares"))
    assert caught.traceback[-1].lineno + 1 == line and str(caught.traceback[-1].path) == str(squares)


def test_a_new_chapter_is_one_file(squares, tmp_path):
    site = tmp_path / "site"
    build(site, [squares])
    page, index = (site / "03_squares.html").read_text(), (site / "index.html").read_text()
    assert '<a href="03_squares.html">' in index and "<p>Of numbers.</p>" in index
    assert "Chapter 1" in page and "<svg" in page and "<math" in page and "<td" in page and "<code>16</code>" in page
    # code that shows nothing stands with the next that does
    assert page.count('<details class="code">') == 2 and "range" in page


def test_figures_have_the_colours_of_the_theme():
    figure, axes = new_figure()
    axes.plot([1, 2], color=BLUE)
    axes.set_title("words")
    text = svg(figure, 'a "line"')
    assert "var(--c0)" in text and BLUE not in text and 'aria-label="a &quot;line&quot;"' in text
    assert not re.search(r"https?:", text)


def test_formulas_in_text():
    made = text_html("A $a_1$ and\n\n$$ \\begin{array}{rl} a &= b \\\\ c &= d \\end{array} $$\n\n| x |\n|---|\n| 1 |\n")
    assert made.count("<math") == 2 and "<mtable" in made and 'class="formula"' in made and 'class="scroll"' in made
    assert "&=" not in made


def test_commands_that_are_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = typed("pydec --version; echo second")
    assert isinstance(made, Typed) and made.output.endswith("second\n") and "pydec" in made.output
    assert "$ <i>pydec</i> <i>--version;</i>" in made.html()
    with pytest.raises(RuntimeError, match="no_such"):
        typed("pydec -i no_such.bin -o x.yuv")


def test_long_outputs_lose_their_middle():
    made = Typed("seq", "\n".join(map(str, range(100))), first=2, last=3).html()
    assert "95 lines more" in made and "\n99</pre>" in made and "\n50\n" not in made
