"""Streams whose luma modes are told by rank: pydec makes the encoder's pictures of them, in a fresh process too."""

import hashlib
import io

import numpy as np
import pytest

from codec.base.errors import WeightsMissing
from codec.h265.encoder.encode import encode_sequence
from tests.codec.h265.encoder.plan.gops import cfg_config
from tests.codec.h265.tools.small_nets import mode_net, publish_nets
from tests.encode.test_cnn_streams import LOSSLESS_UNITS, TILES, decoded, encode_with, endings_of_damage, md5_of, pydec
from tests.encode.test_streams import MIDDLE_CTU, SMALL_CTU, source_pictures
from tests.fuzz.run import ALLOWED

# name: (cfg, number of pictures, changes)
CASES = {
    "intra": ("intra_main", 2, {}),
    "low_qp": ("intra_main", 1, dict(QP=5)),
    "high_qp": ("intra_main", 1, dict(QP=47)),
    "ten_bit": ("intra_main10", 1, dict(InternalBitDepth=10)),
    "monochrome": ("intra_main", 1, dict(ChromaFormatIDC=400, Profile="auto")),
    "odd_size": ("intra_main", 2, dict(size=(66, 50), **SMALL_CTU)),
    "tiny": ("intra_main", 2, dict(size=(8, 8))),
    "low_delay_p": ("lowdelay_P_main", 4, dict(QP=22)),
    "low_delay_b": ("lowdelay_main", 3, dict(QP=24)),
    "random_access": ("randomaccess_main", 5, {}),
    "constrained": ("lowdelay_main", 4, dict(ConstrainedIntraPred=True, QP=22)),
    "slices": ("intra_main", 2, dict(SliceMode=1, SliceArgument=3, **MIDDLE_CTU)),
    "slices_by_bytes": ("intra_main", 1, dict(SliceMode=2, SliceArgument=400, **MIDDLE_CTU)),
    "wavefront": ("intra_main", 2, dict(WaveFrontSynchro=True, **SMALL_CTU)),
    "tiles": ("intra_main", 1, dict(**TILES, **MIDDLE_CTU)),
    "pcm_and_lossless_units": ("intra_main", 1, LOSSLESS_UNITS),
    "lossless": ("intra_main", 1, dict(TransquantBypassEnable=True, CUTransquantBypassFlagForce=True)),
    "scaling_lists": ("intra_main", 1, dict(ScalingList=1, QP=22)),
    "no_rdoq": ("intra_main", 1, dict(RDOQ=False, RDOQTS=False)),
    "largest_residual_tree": ("intra_main", 1, dict(QuadtreeTUMaxDepthIntra=4)),
    "adaptive_qp": ("intra_main", 1, dict(AdaptiveQP=True, MaxCuDQPDepth=2)),
    "delta_qp": ("intra_main", 1, dict(MaxDeltaQP=1, MaxCuDQPDepth=1, size=(64, 64))),
    "faster": ("lowdelay_P_main", 3, dict(Preset="faster", QP=22)),
    "slower": ("intra_main", 1, dict(Preset="slower", size=(64, 64))),
    "with_other_tools": ("intra_main", 1, dict(CnnLoopFilter="lop", CnnChroma="lm")),
    "inter_with_other_tools": ("lowdelay_P_main", 3, dict(CnnLoopFilter="lop", CnnInterpolation="fir", QP=24)),
}


def encode(name, threads=1, **more):
    """(stream, md5 of the reconstruction in display order, luma modes of the intra blocks)"""
    cfg, count, changes = CASES[name]
    settings = dict(CnnMpm="light", Threads=threads, BlockStatistics=True) | more
    stream, reports, config = encode_with(cfg, count, changes, **settings)
    digest, modes = hashlib.md5(), []
    for report in reports:
        for plane in report.recon:
            digest.update(plane.astype("u1" if config.InternalBitDepth == 8 else "<u2").tobytes())
        modes.append(report.statistics.intra_blocks["luma_mode"])
    return stream, digest.hexdigest(), np.concatenate(modes)


@pytest.mark.parametrize("name", CASES)
def test_decoder_makes_the_encoders_pictures(name):
    stream, expected, modes = encode(name)
    assert len(np.unique(modes)) > 3 or name in ("tiny", "high_qp")
    assert md5_of(stream) == expected


def test_a_fresh_process_makes_the_same_pictures(tmp_path):
    for name in ("intra", "low_delay_p"):
        stream, expected, _ = encode(name)
        status, digest, errors = pydec(stream, tmp_path)
        assert (status, digest) == (0, expected), errors


@pytest.mark.parametrize("name", ["intra", "low_delay_p", "wavefront"])
def test_the_stream_is_the_same_for_every_number_of_threads(name):
    assert encode(name)[0] == encode(name, 2)[0]


def test_decoded_blocks_have_the_modes_that_the_encoder_chose():
    stream, _, modes = encode("intra")
    pictures = decoded(stream, "", BlockStatistics=True)
    assert np.array_equal(np.concatenate([p.statistics.intra_blocks["luma_mode"] for p in pictures]), modes)


def test_nothing_drifts_over_sixty_pictures():
    """Low delay with intra units in P pictures."""
    size = dict(SourceWidth=128, SourceHeight=64)
    config = cfg_config("lowdelay_P_main", **size, QP=24, CnnMpm="light", BlockStatistics=True)
    five = list(source_pictures(128, 64, 5, 8, 1))
    there_and_back = [*five, *five[-2:0:-1]]
    source = [there_and_back[n % len(there_and_back)] for n in range(60)]
    sink = io.BytesIO()
    reports = list(encode_sequence(config, source, sink))
    assert sum(len(report.statistics.intra_blocks) > 0 for report in reports) > 1
    pictures = decoded(sink.getvalue(), "")
    assert len(pictures) == 60 and all(picture.hash_status == "OK" for picture in pictures)
    for picture, report in zip(pictures, sorted(reports, key=lambda report: report.index), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(picture.planes, report.recon, strict=True))


@pytest.mark.parametrize("seed", [1, 3])
def test_any_net_can_be_named(seed, tmp_path):
    """One that ranks at random too, or finds most modes equal."""
    folder = tmp_path / "weights"
    publish_nets(folder, strange=mode_net(seed))
    stream, expected, _ = encode("intra", WeightsDir=str(folder), CnnMpmNet="strange")
    assert md5_of(stream, str(folder)) == expected
    with pytest.raises(WeightsMissing, match="CnnMpm"):
        md5_of(stream)
    with pytest.raises(WeightsMissing, match="nobody"):
        encode("intra", CnnMpmNet="nobody")


def test_damaged_streams_end_as_documented():
    endings = endings_of_damage(encode("intra")[0], 60)
    # 7: the damage may be in the id of the net
    assert endings <= {*ALLOWED, 7} and len(endings) > 1
