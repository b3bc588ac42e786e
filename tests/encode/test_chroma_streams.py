"""Streams with chroma from luma: pydec makes the encoder's pictures of them, in a fresh process too."""

import hashlib
import io

import numpy as np
import pytest

from codec.base.errors import CodecError
from codec.h265.encoder.encode import encode_sequence
from tests.codec.h265.encoder.plan.gops import cfg_config
from tests.encode.test_cnn_streams import TILES, decoded, encode_with, pydec
from tests.encode.test_streams import MIDDLE_CTU, SMALL_CTU
from tests.fuzz.mutate import mutate
from tests.fuzz.run import ALLOWED

# name: (cfg, number of pictures, changes)
CASES = {
    "intra": ("intra_main", 2, {}),
    "lm_alone": ("intra_main", 1, dict(ChromaModels="lm")),
    "low_delay_p": ("lowdelay_P_main", 4, {}),
    "random_access": ("randomaccess_main", 5, {}),
    "ten_bit": ("randomaccess_main10", 3, dict(InternalBitDepth=10)),
    "odd_size": ("intra_main", 2, dict(size=(66, 50), **SMALL_CTU)),
    "tiny": ("intra_main", 1, dict(size=(8, 8))),
    "constrained": ("lowdelay_main", 4, dict(ConstrainedIntraPred=True, QP=22)),
    "slices": ("lowdelay_main", 2, dict(SliceMode=1, SliceArgument=3, **MIDDLE_CTU)),
    "wavefront": ("intra_main", 1, dict(WaveFrontSynchro=True, **SMALL_CTU)),
    "tiles": ("intra_main", 1, dict(**TILES, **MIDDLE_CTU)),
    "lossless": ("intra_main", 1, dict(TransquantBypassEnable=True, CUTransquantBypassFlagForce=True)),
    "low_qp": ("intra_main", 1, dict(QP=4, TransformSkipFast=False)),
    "high_qp": ("intra_main", 1, dict(QP=47)),
    "no_rdoq": ("intra_main", 1, dict(RDOQ=False, SignHideFlag=False, Preset="faster")),
    "behind_lop": ("intra_main", 1, dict(CnnLoopFilter="lop", CnnBackend="compiled")),
}


def encode(name, threads=1):
    """(stream, md5 of the reconstruction in display order, share of intra units that are predicted from luma)"""
    cfg, count, changes = CASES[name]
    settings = dict(CnnChroma="lm", Threads=threads, BlockStatistics=True)
    stream, reports, config = encode_with(cfg, count, changes, **settings)
    digest = hashlib.md5()
    for report in reports:
        for plane in report.recon:
            digest.update(plane.astype("u1" if config.InternalBitDepth == 8 else "<u2").tobytes())
    modes = np.concatenate([report.statistics.coding_units["chroma_mode"] for report in reports])
    return stream, digest.hexdigest(), float((modes[modes >= 0] >= 35).mean())


@pytest.mark.parametrize("name", CASES)
def test_decoder_makes_the_encoders_pictures(name):
    stream, expected, share = encode(name)
    assert share > 0 or name == "tiny"
    digest = hashlib.md5()
    for picture in decoded(stream, ""):
        assert picture.hash_status == "OK"
        for plane in picture.planes:
            digest.update(plane.astype("u1" if picture.bit_depths[0] == 8 else "<u2").tobytes())
    assert digest.hexdigest() == expected


def test_a_fresh_process_makes_the_same_pictures(tmp_path):
    for name in ("intra", "constrained"):
        stream, expected, _ = encode(name)
        status, digest, errors = pydec(stream, tmp_path)
        assert (status, digest) == (0, expected), errors


@pytest.mark.parametrize("name", ["intra", "low_delay_p"])
def test_the_stream_is_the_same_for_every_number_of_threads(name):
    assert encode(name)[0] == encode(name, 2)[0]


def test_the_stream_is_smaller():
    """Chroma that follows luma costs less."""
    rng = np.random.default_rng(1)
    luma = rng.integers(0, 256, (32, 32)).repeat(4, 0).repeat(4, 1).astype(np.int16)
    small = luma[::2, ::2]
    source = [luma, (small // 2 + 60).astype(np.int16), (255 - small).astype(np.int16)]
    sizes = [len(code(source, **changes)) for changes in ({}, {"CnnChroma": "lm"})]
    assert sizes[1] < 0.8 * sizes[0]


def code(source, **changes):
    sink = io.BytesIO()
    config = cfg_config("intra_main", SourceWidth=128, SourceHeight=128, QP=27, **changes)
    list(encode_sequence(config, [source], sink))
    return sink.getvalue()


def test_damaged_streams_end_as_documented():
    stream = encode("intra")[0]
    endings = set()
    for seed in range(60):
        try:
            list(decoded(mutate(np.random.default_rng(seed), stream)[0], ""))
            endings.add(0)
        except CodecError as error:
            endings.add(error.exit_code)
    assert endings <= set(ALLOWED) and len(endings) > 1
