"""Hit ratios: from the figures of a stream to a row, and from rows to tables."""

import pytest

from cli.inspect.figures import block_sums, figures
from cli.measure.choices import RATIOS, cnn_table, hit_ratios, is_h265, ratio_table
from tests.cli.inspect import blocks
from tests.codec.h265 import small_stream


def test_a_stream_is_told_by_its_beginning(tmp_path):
    path = tmp_path / "s"
    for data, expected in (
        (small_stream.STREAM, True),
        (b"\0\0\1\x46\1\x50", True),
        (b"\0\0\0\1\x67\x64", False),
        (b"DKIF\0\0", False),
        (b"", False),
    ):
        path.write_bytes(data)
        assert is_h265(path) == expected


def test_ratios_of_a_known_picture():
    row = hit_ratios(figures(block_sums(blocks.statistics())))
    assert set(row) == set(RATIOS) - {"hit_transform_skip"}, "there are no 4x4 blocks"
    assert (row["hit_skip"], row["hit_merge"], row["hit_inter"], row["hit_intra"]) == (0.25, 0.125, 0.125, 0.5)
    assert row["hit_rectangular"] == 0.5 and row["hit_amp"] == 0 and row["hit_cu32"] == 1
    assert (row["hit_sao_y"], row["hit_sao_c"], row["cnn_filter_share_y"]) == (0.5, 0.25, 0.75)
    assert row["hit_interpolation"] == row["hit_half_size"] == 0.25
    assert (row["hit_first_mode"], row["hit_probable_mode"]) == (0.25, 0.5)
    assert hit_ratios({}) == {}


def rows():
    values = {("a", 22): (0.2, 0.9), ("a", 37): (0.6, 0.5), ("b", 22): (0.4, 0.7), ("b", 37): (0.8, 0.1)}
    plain = [{"config": "plain", "clip": c, "qp": qp, "hit_skip": v} for (c, qp), (v, _) in values.items()]
    cnn = [
        {"config": "cnn", "clip": c, "qp": qp, "hit_skip": v, "cnn_filter_share_y": share}
        for (c, qp), (v, share) in values.items()
    ]
    return [{"config": "x", "clip": "a", "qp": 22}, *plain, *cnn]


def test_means_by_configuration_and_qp():
    table = ratio_table(rows())
    assert table.headings == ["configuration", "QP", "skip", "CNN Y"]
    assert table.rows == [
        ["plain", "22", "30.0", "-"],
        ["plain", "37", "70.0", "-"],
        ["cnn", "22", "30.0", "80.0"],
        ["cnn", "37", "70.0", "30.0"],
    ]
    assert table.rule_before == (2,)
    assert ratio_table(rows()[:1]) is None


def test_the_cnn_filter_by_clip():
    table = cnn_table(rows())
    assert table.headings[-3:] == ["QP 22", "QP 37", "mean"]
    assert [row[2:] for row in table.rows] == [
        ["a", "90.0", "50.0", "70.0"],
        ["b", "70.0", "10.0", "40.0"],
        ["mean", "80.0", "30.0", "55.0"],
    ]
    assert cnn_table(rows()[:5]) is None


@pytest.mark.parametrize("qp", [22, 27.5])
def test_qps_may_be_fractions(qp):
    assert ratio_table([{"config": "a", "clip": "c", "qp": qp, "hit_skip": 1}]).rows == [["a", f"{qp:g}", "100.0"]]
