"""Tool sets compared over a set at several budgets, with a table of another codec's points."""

import csv

import numpy as np
import pytest

from cli import fail
from cli.alloc import clic
from cli.alloc.budget import Budget, problem_of
from cli.alloc.compared import Curve, between, curve_of, distance, given_rows
from cli.alloc.objective import objective_of
from cli.measure import commands
from cli.measure.plan import read_plan
from codec.base.errors import InputError
from tests.cli.measure.test_sweep import fake, sweep

HEAD = 'clips = ["*.png"]\nqps = [8, 16, 24, 32]\njobs = 2\nmetrics = ["psnr"]\nout = "out"\n'


@pytest.fixture
def measured(tmp_path):
    """A plan with two photos and two tool sets, of which only the first is measured."""
    import cv2

    for number in range(2):
        rng = np.random.default_rng(number)
        y, x = np.mgrid[:48, :64]
        waves = [120 + 50 * np.sin(x / 9 + y / (7 + c)) + rng.normal(0, 4 + 9 * number, x.shape) for c in range(3)]
        cv2.imwrite(str(tmp_path / f"photo{number}.png"), np.clip(np.stack(waves, -1), 0, 255).astype(np.uint8))
    plan = tmp_path / "plan.toml"
    plan.write_text(HEAD + fake("fake"))
    assert sweep(plan) == 0
    plan.write_text(HEAD + fake("fake") + fake("other", 1))
    return plan


def rows_of(plan):
    with (plan.parent / "out" / "results.csv").open() as file:
        return list(csv.DictReader(file))


def write_table(plan, rows, shrink=1.0):
    path = plan.parent / "points.csv"
    lines = [f"{r['clip']},x,{r['qp']},{round(int(r['bits']) / 8 * shrink)},{r['psnr_rgb']}\n" for r in rows]
    path.write_text("image,encoder,q,bytes,psnr_rgb\n" + "".join(lines))
    return path


def test_a_codec_with_less_bytes_is_so_much_better(measured, capsys, monkeypatch):
    sizes = [sum(int(row["bits"]) for row in rows_of(measured) if row["qp"] == qp) for qp in ("8", "32")]
    budgets = np.linspace(1.15 * sizes[1], 0.85 * sizes[0], 16) / (2 * 48 * 64)
    monkeypatch.setattr(clic, "BUDGETS", tuple(budgets))
    monkeypatch.setattr(clic, "LIMIT", budgets[1])
    table, page = write_table(measured, rows_of(measured), 0.9), measured.parent / "page.html"
    words = [str(measured), "--table", str(table), "-o", str(page)]
    assert fail.run("clic", lambda given: commands.run(clic.command, "clic", given), words) == 0
    out = capsys.readouterr().out
    assert "other is left out: it is not measured for all photos" in out
    line = next(line for line in out.split("BD-rate")[1].splitlines() if line.startswith("| fake"))
    assert float(line.split("|")[2]) == pytest.approx(100 / 0.9 - 100, abs=1.0)
    text = page.read_text()
    assert "<b>Objective: pooled</b>" in text and "<svg" in text
    assert "-27.9 to -30.8 % against BPG" in text
    assert page.with_suffix(".md").read_text().count("| fake") == 3


def test_a_curve_meets_each_budget_on_the_sets_hull(measured):
    plan = read_plan(str(measured))
    objective = objective_of("pooled", "rgb", plan)
    rows = [[], []]
    for row in rows_of(measured):
        rows[int(row["clip"][5])].append(
            {"qp": int(row["qp"]), "bits": int(row["bits"]), "psnr_rgb": float(row["psnr_rgb"])}
        )
    sizes = [sum(row["bits"] for row in level) / (2 * 48 * 64) for level in zip(*rows, strict=True)]
    budgets = [sizes[-1] * 0.9, (sizes[1] + sizes[2]) / 2, sizes[0] * 1.1]
    problems = {bpp: problem_of(plan, objective, Budget("bpp", bpp), 8, 32) for bpp in budgets}
    curve = curve_of("x", rows, plan, problems)
    below, met, above = curve.points.values()
    # too little for the coarsest, more than the finest takes
    assert below is None and above is None
    assert met["bytes"] == pytest.approx(problems[budgets[1]].limit, rel=1e-3)
    errors = [np.mean([255**2 * 10 ** (-row["psnr_rgb"] / 10) for row in level]) for level in zip(*rows, strict=True)]
    # no worse than sharing the budget between the two QPs
    assert 255**2 * 10 ** (-met["pooled"] / 10) <= (errors[1] + errors[2]) / 2 * 1.001
    assert met["ms_ssim"] is None and curve.pairs("ms_ssim") == []


def test_tables_of_points(measured):
    plan = read_plan(str(measured))
    table = write_table(measured, rows_of(measured))
    found = given_rows(str(table), plan.clips)
    assert [[row["qp"] for row in rows] for rows in found] == [[8, 16, 24, 32]] * 2
    assert [row["bits"] for rows in found for row in rows] == [int(row["bits"]) for row in rows_of(measured)]
    assert given_rows(str(write_table(measured, rows_of(measured)[:4])), plan.clips) is None
    table.write_text("image,q,bytes\n")
    with pytest.raises(InputError, match="must have the columns image, q, bytes, psnr_rgb"):
        given_rows(str(table), plan.clips)
    table.write_text("image,q,bytes,psnr_rgb\na,b,c,d\n")
    with pytest.raises(InputError, match="a row is no"):
        given_rows(str(table), plan.clips)


def test_between_measured_qps():
    """Bytes that halve every six QPs, and errors that double every three, do so between the points as well."""
    rows = [
        {
            "qp": qp,
            "bits": 9000 * 2 ** (-qp / 6),
            "psnr_rgb": 50 - 10 * np.log10(2) * qp / 3,
            "ms_ssim_rgb": 1 - qp / 99,
        }
        for qp in (22, 28, 37)
    ]
    found = {row["qp"]: row for row in between(rows)}
    assert len(found) == 15 * 4 + 1
    assert found[32.25]["bits"] == pytest.approx(9000 * 2 ** (-32.25 / 6))
    assert found[32.25]["psnr_rgb"] == pytest.approx(50 - 10 * np.log10(2) * 32.25 / 3)
    assert found[28]["ms_ssim_rgb"] == pytest.approx(1 - 28 / 99)
    assert "ms_ssim_rgb" not in between([{k: v for k, v in row.items() if k != "ms_ssim_rgb"} for row in rows])[0]


def test_distance_is_in_rate():
    points = {b: {"bpp": b, "pooled": 30 + 10 * np.log10(b)} for b in (0.1, 0.2, 0.4, 0.8)}
    halved = {b: {"bpp": b, "pooled": 30 + 10 * np.log10(2 * b)} for b in (0.1, 0.2, 0.4, 0.8)}
    assert distance(Curve("a", points), Curve("b", halved)).value == pytest.approx(-50)
