"""Streams with chroma from luma: pydec makes the encoder's pictures of them, in a fresh process too."""

import hashlib
import io

import numpy as np
import pytest

from codec.base.errors import CodecError, Unsupported, WeightsMissing
from codec.h265.encoder.encode import encode_sequence
from codec.h265.intra_modes import CHROMA_NET, LM
from tests.codec.h265.encoder.plan.gops import cfg_config
from tests.codec.h265.tools.small_nets import chroma_net, luma_net, publish_nets
from tests.encode.test_cnn_streams import TILES, decoded, encode_with, endings_of_damage, md5_of, pydec
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


# of those, with a net: a hundredth of the units that have it are enough
NET_CASES = [name for name in CASES if name not in ("lm_alone", "behind_lop")]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with a net that changes little, which the encoder likes for its few bits; and with another one."""
    folder = tmp_path_factory.mktemp("nets") / "weights"
    publish_nets(folder, small=chroma_net(shift=9), other=chroma_net(2, shift=9))
    return str(folder)


def encode(name, threads=1, first=LM, **more):
    """(stream, md5 of the reconstruction in display order, share of intra units with a chroma mode from `first` on)"""
    cfg, count, changes = CASES[name]
    settings = dict(CnnChroma="lm", Threads=threads, BlockStatistics=True) | more
    stream, reports, config = encode_with(cfg, count, changes, **settings)
    digest = hashlib.md5()
    for report in reports:
        for plane in report.recon:
            digest.update(plane.astype("u1" if config.InternalBitDepth == 8 else "<u2").tobytes())
    modes = np.concatenate([report.statistics.coding_units["chroma_mode"] for report in reports])
    return stream, digest.hexdigest(), float((modes[modes >= 0] >= first).mean())


def encode_with_net(name, weights, threads=1):
    return encode(name, threads, CHROMA_NET, CnnChroma="net", CnnChromaNet="small", WeightsDir=weights)


@pytest.mark.parametrize("name", NET_CASES)
def test_decoder_makes_the_encoders_pictures_with_a_net(name, weights):
    stream, expected, share = encode_with_net(name, weights)
    # at high QPs CCCM is not near the best, and the net is not tried
    assert share > 0 or name in ("tiny", "lossless", "high_qp")
    assert md5_of(stream, weights) == expected


def test_a_fresh_process_and_any_number_of_threads_with_a_net(weights, tmp_path):
    for name in ("intra", "constrained"):
        stream, expected, _ = encode_with_net(name, weights)
        assert encode_with_net(name, weights, 2)[0] == stream
        status, digest, errors = pydec(stream, tmp_path, f"--WeightsDir={weights}")
        assert (status, digest) == (0, expected), errors


def test_the_net_of_a_stream_must_be_there(weights, tmp_path):
    stream, _, _ = encode_with_net("odd_size", weights)
    publish_nets(tmp_path / "others", other=chroma_net(2, shift=9))
    with pytest.raises(WeightsMissing, match="CnnChroma"):
        list(decoded(stream, str(tmp_path / "others")))
    changed = publish_nets(tmp_path / "changed", small=chroma_net(3, shift=9))
    with pytest.raises(WeightsMissing):
        list(decoded(stream, str(tmp_path / "changed")))
    assert changed["small"] not in stream.hex()


def test_a_net_that_is_no_chroma_predictor_is_refused(tmp_path):
    publish_nets(tmp_path / "nets", small=luma_net())
    with pytest.raises(Unsupported, match="are no chroma predictor: input rec_y"):
        encode_with_net("odd_size", str(tmp_path / "nets"))


def test_damaged_streams_with_a_net_end_as_documented(weights):
    stream, endings = encode_with_net("odd_size", weights)[0], set()
    for seed in range(60):
        try:
            list(decoded(mutate(np.random.default_rng(seed), stream)[0], weights))
            endings.add(0)
        except CodecError as error:
            endings.add(error.exit_code)
    # 7: the id of the net was hit
    assert endings <= {*ALLOWED, 7} and len(endings) > 1


@pytest.mark.parametrize("name", CASES)
def test_decoder_makes_the_encoders_pictures(name):
    stream, expected, share = encode(name)
    assert share > 0 or name == "tiny"
    assert md5_of(stream) == expected


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
    endings = endings_of_damage(encode("intra")[0], 60)
    assert endings <= set(ALLOWED) and len(endings) > 1
