"""pysweep report: what is in the page, and that it needs nothing but itself."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("matplotlib")

from tests.cli.measure.test_sweep import fake, folder, sweep, write_clip, write_plan  # noqa: F401 (folder is a fixture)

_VOID = {"meta", "img", "br", "wbr", "link", "input", "hr"}


class Nesting(HTMLParser):
    """Collects tags, text, and faults of nesting."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.faults, self.references = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.references += [value for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)
        self.references += [value for name, value in attrs if name in ("src", "href", "xlink:href")]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    place = tmp_path_factory.mktemp("page")
    for number, name in enumerate(("one", "two")):
        write_clip(place / f"{name}_48x32_25.yuv", 2, number)
    coarse = fake("a<b", anchor=True)
    plan = write_plan(place, coarse, fake("test", 0.0) + "kmac_per_pixel = 12.5\n")
    assert sweep(plan) == 0
    assert sweep("report", plan) == 0
    return (place / "plan.sweep" / "report.html").read_text()


def test_the_page_holds_everything_itself(page):
    parser = Nesting()
    parser.feed(page)
    assert not parser.faults
    assert not parser.open
    assert "script" not in parser.seen
    assert parser.references
    assert all(value.startswith(("#", "data:image/png;base64,")) for value in parser.references)
    # two scatter plots, a curve for each clip; crops of the first clip: the original and two configurations
    assert parser.seen.count("svg") == 4
    assert parser.seen.count("img") == 3
    ids = re.findall(r'\bid="([^"]+)"', page)
    drawn = [
        name
        for name in ids
        if not re.match(r"(figure|axes|matplotlib|patch|line2d|text|xtick|ytick|legend|Path)", name)
    ]
    assert len(set(drawn)) == len(drawn)


def test_figures_and_names(page):
    assert "<h3>test against a&lt;b</h3>" in page
    assert "a<b" not in page
    assert "16 points, on " in page
    for text in (
        "BD-rate Y %",
        "Y-PSNR (dB)",
        "kMAC a pixel",
        "encoder time over",
        "QP 40, first picture",
        "stream.bin",
    ):
        assert text in page
    # both configurations are the same codec
    costs = page[page.index("kMAC/pixel") :]
    assert '<td class="n">12.50</td>' in costs
    mean = re.search(r'<tr class="rule mean">(.*?)</tr>', page)[1]
    assert re.findall(r'class="n">([^<]+)', mean)[:4] == ["0.00"] * 4


def test_crops_are_pictures(page):
    cv2 = pytest.importorskip("cv2")
    for text in re.findall(r"base64,([^\"]+)", page):
        image = cv2.imdecode(np.frombuffer(base64.b64decode(text), np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (32, 48, 3)
        assert image.std() > 5


def test_nothing_measured_yet(folder, capsys):  # noqa: F811
    assert sweep("report", write_plan(folder, fake("fake"))) == 3
    assert "nothing of this plan is measured yet" in capsys.readouterr().err


def test_results_document(folder, capsys):  # noqa: F811
    from cli import fail
    from cli.measure import commands, results

    plan = write_plan(folder, fake("anchor", anchor=True), fake("test", 0.0))

    def write(*more):
        arguments = [str(plan), "-o", str(folder / "R.md"), *more]
        return fail.run("results", lambda a: commands.run(results.command, "results", a), arguments)

    assert write() == 3
    text = plan.read_text()
    plan.write_text(text + 'conditions = "ai"\nagainst = ["anchor"]\n')
    assert sweep(plan) == 0
    table = folder / "others.csv"
    rows = [f"one_48x32_25.yuv,ai,{qp},2,{bits},{psnr},{psnr},{psnr}" for qp, bits, psnr in
            ((16, 60000, 42), (24, 30000, 37), (32, 15000, 32), (40, 9000, 28))]  # fmt: skip
    table.write_text("clip,config,qp,frames,bits,psnr_y,psnr_u,psnr_v\n" + "\n".join(rows) + "\n")
    assert write("--table", str(table)) == 0
    text = (folder / "R.md").read_text()
    assert "2 clips, 2 pictures of each, QP 16, 24, 32, 40." in text
    assert "## BD-rates against HM 16.21" in text and "| test Y | test U | test V |" in text
    assert "## BD-rates between the encoders of the plan" in text and "## What it costs" in text
    assert "not measured yet" not in text
    foreign, own = text.split("## test against anchor")
    foreign = foreign[foreign.index("## test against HM 16.21") :]
    assert "## test against HM 16.21" in foreign
    assert "time %" not in foreign
    assert "only in test: two_48x32_25.yuv" in foreign
    assert "time %" in own
    assert own.count("| anchor | ") == own.count("| test   | ") == 8

    # points that are not there are told of
    (folder / "three_48x32_25.yuv").write_bytes((folder / "one_48x32_25.yuv").read_bytes()[::-1])
    assert write() == 0
    assert "**8 of 24 points are not measured yet.**" in (folder / "R.md").read_text()
    # the table is of other conditions
    table.write_text(table.read_text().replace(",ai,", ",ra,"))
    capsys.readouterr()
    assert write("--table", str(table)) == 3
    assert "no configuration of the plan has its conditions (ra)" in capsys.readouterr().err
