"""`make learned` on small nets and a small photo: points, tables, the page; published points."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("constriction")

from cli import fail
from cli.e2e import learned
from cli.e2e.measured import Points, delta_text, mean_curve
from cli.e2e.published import BPG, FACTORIZED, HM, VTM, published_deltas, published_points, published_sources
from cli.measure import commands
from cli.measure.bd import bd_rate
from codec.base.io.stills import png_bytes
from tests.codec.learned.small_codec import install, picture


def run(*arguments):
    return fail.run("learned", lambda words: commands.run(learned.command, "learned", words), list(arguments))


def test_published_curves_are_curves_and_have_sources():
    known, sources = published_points(), published_sources()
    assert {BPG, FACTORIZED, HM, VTM, "Toderici 2017", "Balle 2017", "Lee 2019", "ELIC", "HPCM-Large"} <= set(known)
    for name, points in known.items():
        rates, values = [p.bpp for p in points], [p.psnr_rgb for p in points]
        assert rates == sorted(rates) and 20 < min(values) < max(values) < 52, name
        assert "(" in sources[name]
    assert all(name in sources and low < high for name, _, _, (low, high) in published_deltas())


def test_published_distances_are_those_of_the_papers_reading():
    """(shared reading notes) BD-rates over HM and VTM as they were computed before from the same repositories."""
    curves = {name: [(p.bpp, p.psnr_rgb) for p in points] for name, points in published_points().items()}
    for name, over_hm, over_vtm in (("Balle 2017", 30.6, 65.8), ("Balle 2018", 6.2, 34.0), ("ELIC", -26.7, -7.0)):
        assert bd_rate(curves[HM], curves[name]).value == pytest.approx(over_hm, abs=0.6)
        assert bd_rate(curves[VTM], curves[name]).value == pytest.approx(over_vtm, abs=0.6)


def test_points_are_made_once(tmp_path):
    made = []
    for _ in range(2):
        points = Points(tmp_path / "a" / "points.jsonl")
        for key in ("a", "b"):
            row = points.of(key, lambda k=key: made.append(k) or {"bytes": len(made)})
            assert row["key"] == key
    assert made == ["a", "b"]


def test_a_mean_curve_is_that_of_settings():
    rows = [
        {"codec": c, "photo": p, "setting": s, "bpp": s * b, "psnr_rgb": 20.0 + s}
        for c in "xy"
        for p, b in (("k", 1.0), ("l", 3.0))
        for s in (1, 2)
    ]
    assert mean_curve(rows, "x", "psnr_rgb") == [(2.0, 21.0), (4.0, 22.0)]
    assert mean_curve(rows, "x", "psnr_rgb", ["k"]) == [(1.0, 21.0), (2.0, 22.0)]
    curve = [(1.0, 20.0), (2.0, 22.0), (4.0, 24.0), (8.0, 26.0)]
    assert delta_text(curve, [(2 * b, q) for b, q in curve]) == "+100.0 (100 %)"
    assert delta_text(curve, [(b, q + 50) for b, q in curve]) == "n/a"


def test_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(learned, "_QPS", (30, 36, 42, 48))
    weights = tmp_path / "weights"
    install(weights)
    photo = tmp_path / "kodim99.png"
    photo.write_bytes(png_bytes(picture(192, 208)))
    table = tmp_path / "bpg.csv"
    table.write_text(
        "image,q,bytes,psnr_rgb\n" + "".join(f"kodim99.png,{q},{90000 // q},{60 - q}\n" for q in (24, 30, 36, 42))
    )
    out = tmp_path / "out"
    arguments = [
        str(tmp_path / "*.png"),
        "--bpg",
        str(table),
        "--weights",
        str(weights),
        "--rounds",
        "1",
        "-o",
        str(out),
    ]
    assert run(*arguments) == 0
    page, tables = (out / "index.html").read_text(), (out / "tables.md").read_text()
    for words in (
        "Points",
        "BD-rates on the same photos",
        "Published codecs, Kodak, RGB PSNR",
        "Decoding time",
        "Sizes",
    ):
        assert words in page and f"**{words}" in tables
    assert page.count("<svg") == 4 and "HPCM-Large" in page and "http" not in page.replace("http://www.w3.org", "")
    rows = [json.loads(line) for line in (out / "points.jsonl").read_text().splitlines()]
    assert len(rows) == 6 + 6 + 4
    assert all(np.isfinite(row["psnr_yuv"]) and 0 < row["ms_ssim_rgb"] <= 1 for row in rows)
    before = Path(out / "points.jsonl").read_bytes()
    capsys.readouterr()
    monkeypatch.setattr("cli.e2e.run._time", lambda *words: None)
    assert run(*arguments) == 0
    assert (out / "points.jsonl").read_bytes() == before
    assert "Decoding time" not in capsys.readouterr().out


def test_patterns_of_nothing(tmp_path, capsys):
    assert run(str(tmp_path / "*.png"), "-o", str(tmp_path / "out")) == 3
    assert "no such file" in capsys.readouterr().err
