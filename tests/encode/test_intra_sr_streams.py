"""Streams with CTUs at half size: pydec makes the encoder's pictures of them, in a fresh process too."""

import hashlib
import io

import numpy as np
import pytest

from codec.base.errors import UsageError, WeightsMissing
from codec.h265.encoder.encode import encode_sequence
from codec.h265.encoder.search import sized_search
from codec.h265.tools.intra_sr.decide import Decision
from tests.codec.h265.encoder.plan.gops import cfg_config
from tests.codec.h265.tools.small_nets import luma_net, publish_nets
from tests.encode.test_cnn_streams import TILES, decoded, encode_with, endings_of_damage, md5_of, pydec
from tests.encode.test_streams import MIDDLE_CTU, source_pictures
from tests.fuzz.run import ALLOWED

# name: (cfg, number of pictures, changes)
CASES = {
    "intra": ("intra_main", 2, {}),
    "ten_bit": ("intra_main10", 1, dict(InternalBitDepth=10)),
    "monochrome": ("intra_main", 1, dict(ChromaFormatIDC=400, Profile="auto")),
    "odd_size": ("intra_main", 1, dict(size=(202, 90))),
    "eight_beyond": ("intra_main", 1, dict(size=(72, 136))),
    "tiny": ("intra_main", 1, dict(size=(8, 8))),
    "middle_ctu": ("intra_main", 1, dict(size=(104, 72), **MIDDLE_CTU)),
    "large_units": ("intra_main", 1, dict(size=(160, 96), MaxPartitionDepth=2)),
    "slices": ("intra_main", 1, dict(size=(320, 192), SliceMode=1, SliceArgument=4)),
    "slices_by_bytes": ("intra_main", 1, dict(size=(320, 192), SliceMode=2, SliceArgument=300)),
    "wavefront": ("intra_main", 1, dict(size=(320, 192), WaveFrontSynchro=True)),
    "tiles": ("intra_main", 1, dict(size=(320, 192), **TILES)),
    "adaptive_qp": ("intra_main", 1, dict(size=(192, 128), AdaptiveQP=True, MaxCuDQPDepth=2)),
    "delta_qp": ("intra_main", 1, dict(MaxDeltaQP=2)),
    "rate_control": ("lowdelay_P_main", 3, dict(RateControl=True, TargetBitrate=9000, LCULevelRateControl=True)),
    "pcm": ("intra_main", 1, dict(QP=4, PCMEnabledFlag=True, PCMFilterDisableFlag=True)),
    "chroma_offsets": ("intra_main", 1, dict(CbQpOffset=5, CrQpOffset=-7)),
    "scaling_lists": ("intra_main", 1, dict(ScalingList=1)),
    "constrained": ("lowdelay_P_main", 3, dict(ConstrainedIntraPred=True)),
    "no_deblocking": ("intra_main", 1, dict(LoopFilterDisable=True)),
    "low_delay_p": ("lowdelay_P_main", 3, {}),
    "random_access": ("randomaccess_main", 3, {}),
    "faster": ("intra_main", 1, dict(Preset="faster")),
    "slower": ("intra_main", 1, dict(Preset="slower", size=(64, 64))),
    "other_offset": ("intra_main", 1, dict(IntraSrQPOffset=-11)),
    "high_qp": ("intra_main", 1, dict(QP=51)),
    "ranked_modes": ("intra_main", 2, dict(size=(200, 136), CnnMpm="light")),
    "all_tools": (
        "lowdelay_P_main",
        3,
        dict(CnnLoopFilter="lop", CnnChroma="lm", CnnInterpolation="fir", CnnMpm="light"),
    ),
}


@pytest.fixture(autouse=True)
def favoured(monkeypatch):
    """CTUs at half size are cheap enough to be taken, and dear enough not to be taken everywhere."""
    monkeypatch.setattr(sized_search, "_EXPECTED_ERROR", 0.5)


def encode(name, threads=1, **more):
    """(stream, md5 of the reconstruction in display order, [share of CTUs at half size])"""
    cfg, count, changes = CASES[name]
    settings = dict(QP=38, CnnIntraSr="dctif", Threads=threads) | changes | more
    stream, reports, config = encode_with(cfg, count, settings)
    digest = hashlib.md5()
    for report in reports:
        for plane in report.recon:
            digest.update(plane.astype("u1" if config.InternalBitDepth == 8 else "<u2").tobytes())
    return stream, digest.hexdigest(), [report.tools["cnn_intra_sr_share"] for report in reports]


@pytest.mark.parametrize("name", CASES)
def test_decoder_makes_the_encoders_pictures(name):
    stream, expected, shares = encode(name)
    assert any(shares) or name in ("tiny", "pcm")
    assert md5_of(stream) == expected


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with a net that sharpens."""
    directory = tmp_path_factory.mktemp("nets") / "weights"
    publish_nets(directory, sharper=luma_net(shift=2))
    return str(directory)


def take_net(self, frame, picture):
    """For Decision._choose_scales: slices take the net whether it helps or not, at half of its strength."""
    for header in picture.headers:
        header.tools.cnn_intra_sr.slice_cnn_intra_sr_net_flag = 1
        header.tools.cnn_intra_sr.slice_cnn_intra_sr_scale_idx = 2


@pytest.mark.parametrize("name", ["intra", "ten_bit", "monochrome", "odd_size", "slices", "tiles", "low_delay_p"])
def test_a_net_corrects_what_was_scaled_up(name, weights, monkeypatch):
    monkeypatch.setattr(Decision, "_choose_scales", take_net)
    more = dict(CnnIntraSr="dlsr", CnnIntraSrNet="sharper", WeightsDir=weights)
    stream, expected, _ = encode(name, **more)
    assert md5_of(stream, weights) == expected
    assert stream == encode(name, 2, **more)[0] and stream != encode(name)[0]
    with pytest.raises(WeightsMissing, match="CnnIntraSr|stream"):
        md5_of(stream)


def test_a_net_changes_only_ctus_at_half_size(weights, monkeypatch):
    settings = dict(QP=38, size=(320, 192), LoopFilterDisable=True, SAO=False, BlockStatistics=True)
    settings |= dict(CnnIntraSr="dlsr", CnnIntraSrNet="sharper", WeightsDir=weights)
    monkeypatch.setattr(Decision, "_choose_scales", lambda *_: None)
    _, (without,), _ = encode_with("intra_main", 1, settings)
    monkeypatch.setattr(Decision, "_choose_scales", take_net)
    _, (report,), _ = encode_with("intra_main", 1, settings)
    rows = report.statistics.intra_sr
    assert np.array_equal(rows, without.statistics.intra_sr) and 0 < rows["half"].mean() < 1
    for row in rows:
        here = slice(row["y"], row["y"] + row["height"]), slice(row["x"], row["x"] + row["width"])
        assert np.array_equal(report.recon[0][here], without.recon[0][here]) == (not row["half"])


def test_a_net_that_does_not_help_is_left_alone(weights):
    stream, _, _ = encode("slices", CnnIntraSr="dlsr", CnnIntraSrNet="sharper", WeightsDir=weights)
    taken = []
    decide = Decision._choose_scales

    def watch(self, frame, picture):
        decide(self, frame, picture)
        taken.extend(header.tools.cnn_intra_sr.slice_cnn_intra_sr_net_flag for header in picture.headers)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Decision, "_choose_scales", watch)
        assert encode("slices", CnnIntraSr="dlsr", CnnIntraSrNet="sharper", WeightsDir=weights)[0] == stream
    assert taken and not any(taken)


def test_both_sizes_stand_side_by_side():
    assert 0 < encode("slices")[2][0] < 1


def test_pictures_that_refer_to_others_have_none():
    assert all(share == 0 for share in encode("low_delay_p")[2][1:])


def test_a_fresh_process_makes_the_same_pictures(tmp_path):
    for name in ("intra", "tiles"):
        stream, expected, _ = encode(name)
        status, digest, errors = pydec(stream, tmp_path)
        assert (status, digest) == (0, expected), errors


@pytest.mark.parametrize("name", ["slices", "wavefront", "random_access", "ranked_modes"])
def test_the_stream_is_the_same_for_every_number_of_threads(name):
    assert encode(name)[0] == encode(name, 2)[0]


def test_statistics_of_both_sides_agree():
    """Also of units at half size, which stand in the picture twice as large."""
    config = cfg_config(
        "intra_main", SourceWidth=200, SourceHeight=136, QP=38, CnnIntraSr="dctif", BlockStatistics=True
    )
    sink = io.BytesIO()
    (report,) = encode_sequence(config, source_pictures(200, 136, 1, 8, 1), sink)
    (picture,) = decoded(sink.getvalue(), "", BlockStatistics=True)
    assert report.statistics.intra_sr["half"].any()
    for ours, theirs in zip(report.statistics, picture.statistics, strict=True):
        assert np.array_equal(ours, theirs)
    units = report.statistics.coding_units
    assert (units["size"].astype(int) ** 2).sum() == 200 * 136


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(MaxCUWidth=16, MaxPartitionDepth=2), "MaxCUWidth"),
        (dict(TransquantBypassEnable=True), "lossless"),
        (dict(CnnIntraSrNet="any"), "dlsr"),
    ],
)
def test_what_cannot_be_coded_so_is_refused(changes, message):
    with pytest.raises(UsageError, match=message):
        cfg_config("intra_main", CnnIntraSr="dctif", **changes)


def test_damaged_streams_end_as_documented():
    endings = endings_of_damage(encode("wavefront")[0], 60)
    assert endings <= set(ALLOWED) and len(endings) > 1
