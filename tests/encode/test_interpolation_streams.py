"""Streams with trained interpolation filters: pydec makes the encoder's pictures of them, in a fresh process too."""

import hashlib
import io
import json

import numpy as np
import pytest

from codec.base.errors import UsageError, WeightsMissing
from codec.h265.encoder.encode import encode_sequence
from nets.weights import MANIFEST, publish
from tests.codec.h265.encoder.plan.gops import cfg_config
from tests.encode.test_cnn_streams import TILES, decoded, encode_with, endings_of_damage, md5_of, pydec
from tests.encode.test_streams import MIDDLE_CTU, SMALL_CTU, source_pictures
from tests.fuzz.run import ALLOWED
from tests.nets.test_filter_bank import random_bank

# name: (cfg, number of pictures, changes)
CASES = {
    "low_delay_p": ("lowdelay_P_main", 5, {}),
    "low_delay_b": ("lowdelay_main", 4, {}),
    "random_access": ("randomaccess_main", 5, {}),
    "ten_bit": ("randomaccess_main10", 5, dict(InternalBitDepth=10)),
    "monochrome": ("lowdelay_main", 3, dict(ChromaFormatIDC=400, Profile="auto")),
    "odd_size": ("lowdelay_P_main", 4, dict(size=(66, 50), **SMALL_CTU)),
    "tiny": ("lowdelay_P_main", 3, dict(size=(8, 8))),
    "weighted": ("lowdelay_P_main", 4, dict(WeightedPredP=True)),
    "weighted_b": ("lowdelay_main", 4, dict(WeightedPredB=True)),
    "slices": ("lowdelay_main", 3, dict(SliceMode=1, SliceArgument=3, **MIDDLE_CTU)),
    "slices_by_bytes": ("lowdelay_P_main", 3, dict(SliceMode=2, SliceArgument=400, **MIDDLE_CTU)),
    "wavefront": ("lowdelay_P_main", 4, dict(WaveFrontSynchro=True, **SMALL_CTU)),
    "tiles": ("lowdelay_P_main", 3, dict(**TILES, **MIDDLE_CTU)),
    "merged_in_parallel": ("lowdelay_main", 4, dict(Log2ParallelMergeLevel=4)),
    "constrained": ("lowdelay_main", 4, dict(ConstrainedIntraPred=True, QP=22)),
    "full_search": ("lowdelay_P_main", 2, dict(MotionSearch="full", SearchRange=8)),
    "three_steps": ("lowdelay_P_main", 3, dict(MotionSearch="tss")),
    "diamond": ("lowdelay_P_main", 3, dict(MotionSearch="diamond")),
    "faster": ("lowdelay_P_main", 4, dict(Preset="faster")),
    "slower": ("lowdelay_P_main", 2, dict(Preset="slower")),
    "early": ("lowdelay_P_main", 3, dict(ESD=True, CFM=True, ECU=True)),
    "lossless": ("lowdelay_P_main", 2, dict(TransquantBypassEnable=True, CUTransquantBypassFlagForce=True)),
    "low_qp": ("lowdelay_P_main", 3, dict(QP=5)),
    "high_qp": ("lowdelay_P_main", 3, dict(QP=47)),
    "adaptive_qp": ("lowdelay_P_main", 3, dict(AdaptiveQP=True, MaxCuDQPDepth=2)),
    "behind_lop": ("lowdelay_P_main", 3, dict(CnnLoopFilter="lop", CnnChroma="lm")),
}


def encode(name, threads=1, **more):
    """(stream, md5 of the reconstruction in display order, share of the inter area that trained filters make)"""
    cfg, count, changes = CASES[name]
    settings = dict(CnnInterpolation="fir", CnnInterpolationSlices="all", Threads=threads, BlockStatistics=True, **more)
    stream, reports, config = encode_with(cfg, count, changes, **settings)
    digest, sets = hashlib.md5(), []
    for report in reports:
        for plane in report.recon:
            digest.update(plane.astype("u1" if config.InternalBitDepth == 8 else "<u2").tobytes())
        sets.append(report.statistics.inter_blocks["filter_set"])
    return stream, digest.hexdigest(), np.concatenate(sets)


@pytest.mark.parametrize("name", CASES)
def test_decoder_makes_the_encoders_pictures(name):
    stream, expected, sets = encode(name)
    assert sets.any() or name in ("tiny", "high_qp", "lossless")
    assert md5_of(stream) == expected


def test_a_fresh_process_makes_the_same_pictures(tmp_path):
    for name in ("low_delay_p", "random_access"):
        stream, expected, _ = encode(name)
        status, digest, errors = pydec(stream, tmp_path)
        assert (status, digest) == (0, expected), errors


@pytest.mark.parametrize("name", ["low_delay_p", "random_access", "wavefront"])
def test_the_stream_is_the_same_for_every_number_of_threads(name):
    assert encode(name)[0] == encode(name, 2)[0]


def test_nothing_drifts_over_sixty_pictures():
    """Pictures refer to pictures that trained filters made, again and again."""
    config = cfg_config(
        "lowdelay_P_main", SourceWidth=128, SourceHeight=64, QP=32, CnnInterpolation="fir", CnnLoopFilter="lop"
    )
    five = list(source_pictures(128, 64, 5, 8, 1))
    there_and_back = [*five, *five[-2:0:-1]]
    source = [there_and_back[n % len(there_and_back)] for n in range(60)]
    sink = io.BytesIO()
    reports = list(encode_sequence(config, source, sink))
    pictures = decoded(sink.getvalue(), "")
    assert len(pictures) == 60 and all(picture.hash_status == "OK" for picture in pictures)
    for picture, report in zip(pictures, sorted(reports, key=lambda report: report.index), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(picture.planes, report.recon, strict=True))


@pytest.fixture(scope="module")
def strange(tmp_path_factory):
    """A folder of weights with filters that nobody trained, in one band of four sets."""
    folder = tmp_path_factory.mktemp("filters")
    (folder / MANIFEST).write_text(json.dumps({"format": 1, "nets": []}))
    publish(random_bank(bands=1, sets=4), "strange", "at random", "none", folder)
    return str(folder)


def test_any_bank_can_be_named(strange):
    stream, expected, _ = encode("low_delay_b", WeightsDir=strange, CnnInterpolationBank="strange")
    assert md5_of(stream, strange) == expected
    with pytest.raises(WeightsMissing, match="CnnInterpolation"):
        md5_of(stream)
    with pytest.raises(WeightsMissing, match="nobody"):
        encode("low_delay_b", CnnInterpolationBank="nobody")


def test_b_slices_are_left_alone_unless_asked_for():
    cfg, count, changes = CASES["low_delay_b"]
    stream, reports, _ = encode_with(cfg, count, changes, CnnInterpolation="fir", BlockStatistics=True)
    assert not any(report.statistics.inter_blocks["filter_set"].any() for report in reports)
    assert len(decoded(stream, "")) == count


def test_a_net_is_no_bank():
    with pytest.raises(WeightsMissing, match="not a bank"):
        encode("low_delay_p", CnnInterpolationBank="lop_intra")


def test_all_intra_is_refused():
    with pytest.raises(UsageError, match="refer to others"):
        cfg_config("intra_main", CnnInterpolation="fir")


def test_damaged_streams_end_as_documented():
    endings = endings_of_damage(encode("low_delay_p")[0], 60)
    # 7: the damage may be in the id of the filters
    assert endings <= {*ALLOWED, 7} and len(endings) > 1
