"""The encoder's decisions around the search: shared reconstruction, QP maps, multipliers, scaling list files."""

import numpy as np
import pytest

from codec.base.errors import UsageError
from codec.h265.config import EncoderConfig, validated
from codec.h265.encoder.picture.coding_picture import CodingPicture
from codec.h265.encoder.picture.picture_encoder import PictureEncoder, make_sequence, new_crew, new_references
from codec.h265.encoder.plan.gop import Planner
from codec.h265.encoder.plan.scaling_file import read_scaling_file
from codec.h265.encoder.rate.adaptive_qp import fill_qp_map, qp_map_shape
from codec.h265.encoder.rate.lagrange import chroma_weight
from codec.h265.encoder.search import ctu_search
from codec.h265.syntax.scaling_list import default_scaling_lists
from tests.codec.h265.tools.small_nets import luma_net, publish_nets
from tests.encode.test_streams import CASES, source_pictures


def make_config(**settings):
    return validated(EncoderConfig(**{"SourceWidth": 144, "SourceHeight": 96, "QP": 30, **settings}))


def encode_first(config):
    """(CodedPicture) of the first picture of a test sequence."""
    sequence, plan = make_sequence(config), first_picture(config)
    references = new_references(sequence)
    encoder = PictureEncoder(sequence, new_crew(sequence, references, 1))
    return encoder.encode(next(source_pictures(144, 96, 1, config.InternalBitDepth, 1)), plan, references.begin(plan))


def first_picture(config):
    return next(Planner(config).group(0, 1))


@pytest.mark.parametrize("name", ["default", "ctu16", "ten_bit", "adaptive_and_delta_qp", "lossless_units", "pcm"])
def test_the_search_leaves_what_reconstruction_makes(name, monkeypatch):
    """reconstruct_ctu, from units and coefficients alone, arrives at the samples that the search compared."""
    check_reconstruction(make_config(**CASES[name]), monkeypatch)


def test_the_search_goes_by_the_chroma_qp_of_each_slice(monkeypatch):
    begin = CodingPicture.begin_slice

    def with_offsets(picture, addr):
        begin(picture, addr)
        picture.frame.slices[-1]["slice_cb_qp_offset"] = (-9, 9)[len(picture.headers) % 2]
        picture.frame.slices[-1]["slice_cr_qp_offset"] = (9, -9)[len(picture.headers) % 2]

    monkeypatch.setattr(CodingPicture, "begin_slice", with_offsets)
    check_reconstruction(make_config(SliceMode=1, SliceArgument=2), monkeypatch)


def check_reconstruction(config, monkeypatch):
    compared = []

    def check(frame, addr, coeffs, scratch):
        before = [plane.copy() for plane in (frame.luma, frame.cb, frame.cr)]
        for plane, size in zip((frame.luma, frame.cb, frame.cr), (64, 32, 32), strict=True):
            size = size * config.MaxCUWidth // 64
            columns = -(-config.coded_size[0] // config.MaxCUWidth)
            y, x = addr // columns * size, addr % columns * size
            plane[y : y + size, x : x + size] = -1
        reconstruct(frame, addr, coeffs, scratch)
        after = (frame.luma, frame.cb, frame.cr)
        compared.append(all(np.array_equal(a, b) for a, b in zip(before, after, strict=True)))

    reconstruct = ctu_search._reconstruct
    monkeypatch.setattr(ctu_search, "_reconstruct", check)
    encode_first(config)
    assert len(compared) > 1
    assert all(compared)


def test_chroma_weight():
    # table 8-10: QPc of 37 is 34
    assert chroma_weight(37, 0) == pytest.approx(2.0)
    assert chroma_weight(22, 0) == 1.0
    assert chroma_weight(22, 3) == pytest.approx(0.5)


def test_qp_map_without_adaptation_is_the_slice_qp():
    config = make_config(MaxDeltaQP=1, MaxCuDQPDepth=2)
    qp_map = np.zeros(qp_map_shape(config), np.int8)
    assert qp_map.shape == (3, 8, 12)
    fill_qp_map(qp_map, config, np.zeros((96, 144), np.int16), 33)
    assert (qp_map == 33).all()


def test_adaptive_qp_spares_flat_blocks():
    config = make_config(AdaptiveQP=True, MaxCuDQPDepth=1)
    luma = np.full((96, 144), 128, np.int16)
    luma[:, 72:] += np.random.default_rng(1).integers(-60, 60, (96, 72)).astype(np.int16)
    qp_map = np.zeros(qp_map_shape(config), np.int8)
    fill_qp_map(qp_map, config, luma, 30)
    assert qp_map[1, 0, 0] < 30 < qp_map[1, 0, 3]
    assert np.abs(qp_map[1, :3, :5].astype(int) - 30).max() <= config.MaxQPAdaptationRange


def write_scaling_file(path, leave_out=None):
    names = [
        (f"{kind}{size}_{component}", 16 if size == "4X4" else 64)
        for size in ("4X4", "8X8", "16X16", "32X32")
        for kind in ("INTRA", "INTER")
        for component in (("LUMA",) if size == "32X32" else ("LUMA", "CHROMAU", "CHROMAV"))
    ]
    lines = ["# a comment"]
    for name, count in names:
        if name == leave_out:
            continue
        lines.append(f"{name} =\n" + ", ".join(str(16 + i % 50) for i in range(count)))
        if count == 64 and "8X8_" not in name:
            lines.append(f"{name}_DC =\n17")
    path.write_text("\n".join(lines))
    return path


def test_scaling_file(tmp_path):
    data = read_scaling_file(write_scaling_file(tmp_path / "lists.txt"))
    assert data.lists.keys() == default_scaling_lists().lists.keys()
    # up-right diagonal order: the second entry is row 1, column 0
    assert data.lists[0, 0].coef[:3] == (16, 20, 17)
    assert data.lists[2, 1].dc == 17
    config = make_config(ScalingList=2, ScalingListFile=str(tmp_path / "lists.txt"))
    assert encode_first(config).report.psnr[0] > 25


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("16, 17,", "16, -17,", "needs 16 numbers"),
        ("16, 17,", "16, 17.5,", "needs 16 numbers"),
        ("16, 17,", "16, \u00b2,", "needs 16 numbers"),
        ("# a comment", "# of\u2028another\fkind\vof\x85file", None),
    ],
)
def test_numbers_of_a_scaling_file(tmp_path, old, new, words):
    path = write_scaling_file(tmp_path / "lists.txt")
    right = read_scaling_file(path).lists
    text = path.read_text()
    path.write_text(text.replace(old, new, 1), encoding="utf-16")
    if words is None:
        assert read_scaling_file(path).lists == right
    else:
        with pytest.raises(UsageError, match=words):
            read_scaling_file(path)


def test_a_long_scaling_file_is_read_whole(tmp_path):
    path = write_scaling_file(tmp_path / "lists.txt")
    right = read_scaling_file(path).lists
    path.write_text("# long\n" * 300_000 + path.read_text())
    assert read_scaling_file(path).lists == right


def test_scaling_file_with_a_list_missing(tmp_path):
    path = write_scaling_file(tmp_path / "lists.txt", leave_out="INTER8X8_CHROMAU")
    with pytest.raises(UsageError, match="INTER8X8_CHROMAU is missing"):
        read_scaling_file(path)
    with pytest.raises(UsageError, match="No such file"):
        read_scaling_file(tmp_path / "absent.txt")


@pytest.mark.parametrize(
    ("settings", "chosen"),
    [
        (dict(CnnLoopFilterPlace="after"), "filtered"),
        (dict(CnnLoopFilterPlace="after", LoopFilterDisable=True), "filtered"),
        (dict(CnnLoopFilterPlace="before"), "deblocked"),
        (dict(CnnLoopFilterPlace="before", LoopFilterDisable=True), "reconstructed"),
        (dict(CnnLoopFilterPlace="instead"), "reconstructed"),
    ],
)
def test_the_cnn_loop_filter_has_nets_that_were_trained_on_what_it_finds(settings, chosen, tmp_path):
    nets = {name: luma_net(shift=shift) for shift, name in enumerate(("filtered", "deblocked", "reconstructed"), 2)}
    for name, net in nets.items():
        net.info["placement"] = name
    ids = publish_nets(tmp_path, **nets)
    sequence = make_sequence(make_config(CnnLoopFilter="vrcnn", WeightsDir=str(tmp_path), **settings))
    assert sequence.sps.tools.sequence.cnn_loop_filter.nets == (ids[chosen],)
