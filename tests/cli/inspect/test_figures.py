"""Shares and means of known blocks, of several pictures together, and of nothing."""

from collections import Counter

import pytest

from cli.inspect.figures import block_sums, figures, table_text
from tests.cli.inspect import blocks


def test_figures_of_a_known_picture():
    f = figures(block_sums(blocks.statistics()))
    assert f["modes"] == {"skip": 0.25, "merge": 0.125, "inter": 0.125, "intra": 0.5}
    assert f["cu_size"] == {"64": 0, "32": 1, "16": 0, "8": 0}
    assert f["inter_parts"]["2Nx2N"] == f["inter_parts"]["2NxN"] == 0.5 and sum(f["inter_parts"].values()) == 1
    assert f["intra_nxn"] == 0.5 and f["bi"] == 0.25
    # one of five blocks has no mode
    assert f["first_mode"] == 0.25 and f["probable_mode"] == 0.5
    assert f["half_size"] == 0.25
    assert f["mean_qp"] == (20 + 30 + 20 - 10) / 4
    # 8 samples over 1024 + 512, 1.25 and 0 over 512 each
    assert f["mean_mv"] == pytest.approx((8 * 1536 + 1.25 * 512) / (1536 + 1024))
    assert f["coded"] == (1024 + 256) / 4096 and f["coded_tu_size"]["16"] == 0.2
    assert f["transform_skip"] is None and f["sao_luma"] == 0.5 and f["sao_chroma"] == 0.25


def test_transform_skip_is_a_share_of_coded_4x4_blocks():
    s = blocks.statistics()
    tus = s.transform_units
    tus["size"][1:5], tus["cbf"][1:5], tus["transform_skip"][1:5] = 4, 1, (1, 0, 6, 0)
    assert figures(block_sums(s))["transform_skip"] == 0.25


def test_pictures_together_are_weighted_by_area_and_negative_qp_counts():
    one, two = block_sums(blocks.statistics()), block_sums(blocks.statistics())
    two["qp"] = -60 * 4096
    total = Counter()
    total.update(one)
    total.update(two)
    f = figures(total)
    assert f["mean_qp"] == pytest.approx((15 - 60) / 2)
    assert f["modes"] == figures(one)["modes"]


def test_the_table_has_a_line_a_picture_and_all_bits():
    f = figures(block_sums(blocks.statistics()))
    pictures = [{"number": n, "poc": 2 * n, "slice_type": "B", "bits": 100 * n, **f} for n in (1, 2)]
    bits = {"TRAIL_R": 200, "SPS_NUT": 100}
    total = {"bits": 300, **f}
    text = table_text({"pictures": pictures, "total": total, "bits_by_nal": bits, "bits_not_decoded": 100})
    lines = text.splitlines()
    assert lines[1].split()[:5] == ["1", "2", "B", "100", "25.0"]
    assert lines[3].split()[:2] == ["total", "300"]
    # columns stand below their headings
    heading = lines[0]
    assert all(line[: heading.index("bits") + 4].rstrip().endswith(("00",)) for line in lines[1:4])
    assert "TRAIL_R                  200   50.00%" in text and "not decoded              100   25.00%" in text


def test_an_empty_picture_has_no_figures():
    f = figures({})
    assert f["mean_qp"] is None and f["modes"]["skip"] is None
    document = {"pictures": [], "total": {"bits": 0, **f}, "bits_by_nal": {"SPS_NUT": 8}, "bits_not_decoded": 0}
    assert " -" in table_text(document)


def test_shares_of_the_cnn_filter():
    f = figures(block_sums(blocks.statistics()))
    assert f["cnn_filter_share"] == {"y": 0.75, "u": 0.25, "v": 0}
    assert f["cnn_filter_nets"] == dict(zip(blocks.FILTER_NETS, (0.25, 0.5), strict=True))
    text = table_text({"pictures": [], "total": {"bits": 0, **f}, "bits_by_nal": {"SPS_NUT": 8}, "bits_not_decoded": 0})
    assert "CNN loop filter: y 75.0%  u 25.0%  v 0.0% of the blocks   nets: 0123456789abcdef 25.0%" in text
    plain = figures(
        block_sums(blocks.statistics()._replace(cnn_filter=blocks.statistics().cnn_filter[:0], filter_nets=()))
    )
    assert plain["cnn_filter_share"]["y"] is None and plain["cnn_filter_nets"] == {}
