"""The course: every chapter of docs/course is run, and what it computes is what it says."""

import functools
import re
from fractions import Fraction

import numpy as np
import pytest

from cli.course import chapter
from cli.course.lab import Coded
from cli.course.page import chapter_html, entries, index_html
from cli.course.shown import Typed

pytest.importorskip("latex2mathml")
PATHS = {path.stem: path for path in chapter.sources()}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A function: name -> the chapter, run once."""

    @functools.cache
    def run(name):
        return chapter.run(PATHS[name], tmp_path_factory.mktemp(name))

    return run


def names_of(number, ran):
    """What the code of a chapter has computed."""
    return ran(next(name for name in PATHS if name.startswith(f"{number:02}_"))).names


def streams(value):
    """All Coded in a value, its lists and dictionaries."""
    if isinstance(value, Coded):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from streams(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from streams(part)


@pytest.mark.parametrize("name", PATHS)
def test_a_chapter_runs_and_ends_with_commands(name, ran):
    shown = [made for cell, made in ran(name).cells if cell.kind == "code" and made is not None]
    assert len(shown) > 4
    assert all(isinstance(made, Typed) and made.output for made in shown[-2:])
    assert re.search(r"py(inspect|enc|bd|dec)", shown[-1].command)
    for made in shown:
        assert made.html()


@pytest.mark.parametrize("name", PATHS)
def test_streams_of_a_chapter_are_decoded_to_what_was_encoded(name, ran):
    found = {id(made): made for value in ran(name).names.values() for made in streams(value)}
    for made in found.values():
        assert len(made.pictures) == len(made.reports)
        for picture, report in zip(made.pictures, made.reports, strict=True):
            assert all(np.array_equal(*planes) for planes in zip(picture.planes, report.recon, strict=True))


@pytest.mark.parametrize("name", PATHS)
def test_no_figure_is_typed_in_the_text(name):
    """Numbers with a unit, or with decimals, come from the code."""
    for cell in chapter.cells(PATHS[name].read_text()):
        if cell.kind == "markdown":
            text = re.sub(r"\{\{.+?\}\}|\$\$.+?\$\$|\$.+?\$|`[^`]*`|(H\.|BT\.)\d+", "", cell.text, flags=re.S)
            assert not re.search(r"\d+\.\d|\d\s*(%|dB\b|bits?\b|bytes\b|kbit|kMAC)", text), text


def test_entropy(ran):
    n = names_of(1, ran)
    bits = [n["table"][name][1] for name in n["errors"]]
    variances = [n["table"][name][0] for name in n["errors"]]
    assert (
        bits[0] > bits[1] > bits[4] and bits[3] > bits[4] and variances[0] > variances[1] > variances[2] > variances[4]
    )
    assert all(entropy < gaussian for _, entropy, gaussian in n["table"].values())
    assert n["left_known"] < bits[0] and n["context_bits"] < n["plain_bits"]
    assert n["h_given"] == pytest.approx(n["h_letter"] - n["mutual"]) and 0 < n["mutual"] < n["h_letter"]
    for name, divergence in n["divergence"].items():
        assert divergence >= 0 and n["paid"][name] == pytest.approx(n["own"] + divergence)


def test_arithmetic_coding(ran):
    n = names_of(2, ran)
    ends = [(0, 1000), (0, 700), (490, 560), (546, 560)]
    assert n["intervals"] == [(Fraction(low, 1000), Fraction(high, 1000)) for low, high in ends]
    assert n["tag"] == Fraction(553, 1000) and n["tag_digits"] == "100011011" and n["probability"] == Fraction(14, 1000)
    assert (n["shortest"], n["prefix"], n["always"]) == ("100011", 7, 8)
    assert n["decode"](n["tag"], 3) == n["MESSAGE"] and all(row[-1] == "yes" for row in n["rows"])
    assert len(n["bins"]) > 1000 and n["read_right"]
    assert n["fixed"] < n["estimated"] < len(n["bins"]) and abs(8 * n["written"] - n["estimated"]) < 40


def test_colour(ran):
    n = names_of(3, ran)
    seed = [[65.738, 129.057, 25.064], [-37.945, -74.494, 112.439], [112.439, -94.154, -18.285]]
    assert n["ycc"] == pytest.approx(np.array(seed), abs=6e-4)
    assert n["yiq"] == pytest.approx(
        np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.311]]), abs=2e-3
    )
    assert n["back"] == pytest.approx(np.array([[1, 0.956, 0.621], [1, -0.272, -0.649], [1, -1.106, 1.703]]), abs=4e-3)
    assert n["quality"]["4:4:4"] > n["quality"]["4:2:2"] > n["quality"]["4:2:0"] and n["samples"]["4:2:0"] == 1.5
    assert n["facts"]["Y', Cb, Cr"][1] < n["facts"]["R, G, B"][1]


def test_block_transforms(ran):
    n = names_of(4, ran)
    assert n["example_scan"] == [24, -31, 0, -4, -2, 0, 6, -12, 0, 0, 0, -1, -1, 0, 0, 0, 2, -2, 0, 0, 0, 0, 0, -1]
    assert n["example_pairs"] == [
        (0, 24), (0, -31), (1, -4), (0, -2), (1, 6), (0, -12), (3, -1), (0, -1), (3, 2), (0, -2), (5, -1),
    ]  # fmt: skip
    assert sorted(n["zigzag"]()) == list(np.ndindex(8, 8)) and sorted(n["place"]) == list(range(64))
    assert n["share_dct"][4] > n["share_samples"][4]
    fine, coarse = (np.abs(n["through"](n["residual"], qp)[3] - n["residual"]).max() for qp in (4, 42))
    assert fine <= 2 < coarse


def test_intra_prediction(ran):
    n = names_of(5, ran)
    line, predicted = n["reference_line"](n["x"], n["y"]).astype(int), n["predicted"]
    size = n["N"]
    assert predicted.shape == (35, size, size) and n["costs"][n["best"]] == n["costs"].min()
    # planar (8-44) and the diagonal to the lower left, in Python
    left, above = line[: 2 * size][::-1], line[2 * size + 1 :]
    smooth = line.copy()
    smooth[1:-1] = (line[:-2] + 2 * line[1:-1] + line[2:] + 2) >> 2
    left, above = smooth[: 2 * size][::-1], smooth[2 * size + 1 :]
    y, x = np.mgrid[0:size, 0:size]
    planar = (
        (size - 1 - x) * left[y] + (x + 1) * above[size] + (size - 1 - y) * above[x] + (y + 1) * left[size] + size
    ) >> 5
    assert np.array_equal(predicted[0], planar) and np.array_equal(predicted[34], above[x + y + 1])
    assert len(n["angles_266"]) == 65 and sorted({*n["STEPS_266"]} & {*map(int, n["angles_265"])}) == [0, 2, 26, 32]
    costs = list(n["mean_cost"].values())
    assert costs == sorted(costs, reverse=True) and n["left"]["all 35"] < n["left"]["DC alone"]


def test_motion(ran):
    n = names_of(6, ran)
    assert n["errors"].shape == (33, 33)
    for name, (positions, end) in n["paths"].items():
        assert 9 < len(positions) < n["errors"].size / 5 and end in positions
        # the same search, compiled
        m = n["ready"](n["x"], n["y"], n["METHODS"][name][0])[0]
        n["search_vector"](m, n["planes"], 0)
        assert (
            m["best_cost"]
            == n["sad_at"](end)
            == min(n["sad_at"](p) for p in positions if max(map(abs, p)) <= n["RANGE"])
        )
    assert min(n["search_sad"], key=n["search_sad"].get) == "full search"
    assert n["search_sad"]["full search"] == sum(surface.min() for surface in n["surfaces"].values())
    left = [values.var() for values in n["precision"].values()]
    assert left == sorted(left, reverse=True) and n["at_full"] > n["at_half"] > n["at_quarter"]


def test_partitions(ran):
    n = names_of(7, ran)
    counts = [len(made.pictures[0].statistics.coding_units) for made in n["intra"].values()]
    assert counts == sorted(counts, reverse=True)
    for made in n["intra"].values():
        assert (made.pictures[0].statistics.coding_units["size"].astype(int) ** 2).sum() == 320 * 192
    for deep, flat in ((4, 3), (3, 2), (2, 1)):
        assert all(
            d[0] < f[0] and d[1] > f[1] for d, f in zip(n["depth_rate"][deep], n["depth_rate"][flat], strict=True)
        )


def test_rate_distortion(ran):
    n = names_of(8, ran)
    ratio = n["slopes"] / np.interp(n["middles"], n["QPS"], list(n["used"].values()))
    assert (ratio > 0.5).all() and (ratio < 2).all()
    assert min(n["costs"], key=n["costs"].get) == "everything"
    assert n["gain"] < -1 and n["turned"][1.0] == pytest.approx(0) and min(n["turned"][0.25], n["turned"][4.0]) > 2


def test_loop_filters(ran):
    n = names_of(9, ran)
    assert n["errors"]["H.264"] < n["errors"]["before"] and n["errors"]["H.265"] < n["errors"]["before"]
    quality = list(n["quality"].values())
    assert quality == sorted(quality) and n["rates"]["both"] < n["rates"]["deblocking"] < 0
    changed = np.nonzero((n["results"]["H.265"] != n["before"]).any(0))[0]
    assert n["edge"] - 3 <= changed.min() and changed.max() <= n["edge"] + 2
    block = np.arange(64).reshape(8, 8) ** 2
    assert np.array_equal(n["h261"](block)[0, [0, 7]], block[0, [0, 7]])  # corners stay


def test_loop_filter_nets(ran):
    n = names_of(10, ran)
    assert n["lop"].psnr() > n["plain"].psnr() + 0.3 and all(gain[0] < -2 for gain in n["gains"].values())
    assert n["by_band"]["large residual"] > n["by_band"]["middle residual"] > n["by_band"]["no residual"]


def test_output_filter(ran):
    n = names_of(11, ran)
    assert n["db"]["after"] > n["db"]["before"] and n["gain"] < 0
    assert np.array_equal(n["filtered"].pictures[0].rgb, n["filtered"].reports[0].rgb)


def test_chroma_from_luma(ran):
    n = names_of(12, ran)
    assert n["explained"] > 50
    assert all(gain[1] < -2 and gain[2] < -2 for gain in n["gains"].values())
    assert n["shares"]["LM alone"]["MMLM"] == 0 < n["shares"]["six models"]["MMLM"]


def test_trained_interpolation(ran):
    n = names_of(13, ran)
    assert n["trained"].sum((1, 2)) == pytest.approx(1) and n["fixed"].sum() == pytest.approx(1)
    assert n["share"][0] == 0 and max(n["share"]) > 0.1


def test_measuring(ran):
    n = names_of(20, ran)
    assert n["by_hand"] == pytest.approx(n["delta"].value, abs=1e-3) and n["delta"].value < -5 < 0 < n["decibel"].value
    assert n["decoded"] == pytest.approx(n["by_picture"], abs=1e-3)
    assert abs(n["nothing"]) < 1.5 and n["of_mean"] < np.mean(n["by_picture"])


def test_the_site_needs_nothing_else(ran):
    chapters = [ran(name) for name in PATHS]
    contents = entries(chapters)
    pages = [chapter_html(each, contents) for each in chapters] + [index_html(contents, "<p>words</p>")]
    own = {entry.address for entry in contents} | {"index.html"}
    for page in pages:
        assert not re.search(r"https?:|<script|<link|@import|url\((?!#)", page)
        for address in re.findall(r"""(?:href|src)="([^"]*)""", page):
            assert address.startswith(("#", "data:image/png;base64,")) or address in own
        assert 'alt=""' not in page and "Traceback" not in page
        # every id that is used inside a figure is in the page, once
        used, made = set(re.findall(r"""(?:href="#|url\(#)([^")]+)""", page)), re.findall(r""" id="([^"]+)""", page)
        assert used <= set(made)
    assert all(f'href="{entry.address}"' in pages[-1] for entry in contents)


def test_half_size_is_for_low_rates(ran):
    n = names_of(14, ran)
    assert n["shares"] == sorted(n["shares"]) and n["shares"][-1] > 20
    assert n["kept"] > n["plain"].psnr()
    assert n["mixed"].bits < 1.1 * n["plain"].bits


def test_ranks_are_more_likely_to_be_low_than_places_of_a_list(ran):
    n = names_of(15, ran)
    assert n["entropy"](n["ranked"]) < n["entropy"](n["listed"])
    assert (n["ranked"] == 0).mean() > (n["listed"] == 0).mean()
