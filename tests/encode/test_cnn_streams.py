"""Streams with the CNN loop filter: pydec makes the encoder's pictures of them, standard decoders make nothing.

The encoder computes with torch in whole pictures, the decoder with compiled loops in small tiles; some streams are
decoded in a fresh process. What is filtered is decided at random where nets are of no use, so that all paths are taken.
"""

import hashlib
import io
import os
import subprocess
import sys

import numpy as np
import pytest

from cli.options import ENCODER_OPTIONS
from cli.settings import parse_command_line
from codec.base.errors import CodecError, CorruptStream, Unsupported, WeightsMissing
from codec.h265.config import DecoderConfig, validated
from codec.h265.decoder.decode import decode_stream
from codec.h265.encoder.encode import encode_sequence
from codec.h265.nal import SPS_NUT, annexb, is_slice, read_nal_units
from codec.h265.tools.loop_filter import apply as loop_filter_apply
from codec.h265.tools.loop_filter import decide as loop_filter_decide
from codec.h265.tools.loop_filter.decide import decide_cnn_filter
from codec.h265.tools.loop_filter.tool import ARCHITECTURES, Slice
from tests.codec.h265.encoder.plan.gops import cfg_config
from tests.codec.h265.tools.small_nets import all_nets, publish_nets
from tests.conformance import foreign
from tests.encode.test_streams import MIDDLE_CTU, SMALL_CTU, source_pictures
from tests.fuzz.mutate import join, mutate, nal_units
from tests.fuzz.run import ALLOWED

TILES = dict(Profile="none", NumTileColumnsMinus1=1, TileUniformSpacing=True, LFCrossTileBoundaryFlag=False)
LOSSLESS_UNITS = dict(TransquantBypassEnable=True, QP=2, PCMEnabledFlag=True, PCMFilterDisableFlag=True)

# name: (cfg, number of pictures, architecture, changes)
CASES = {
    "intra": ("intra_main", 2, "lop", {}),
    "intra_luma_net": ("intra_main", 1, "vrcnn", MIDDLE_CTU),
    "before": ("intra_main", 1, "lop", dict(CnnLoopFilterPlace="before")),
    "instead": ("intra_main", 1, "lop", dict(CnnLoopFilterPlace="instead", **SMALL_CTU)),
    "low_delay_p": ("lowdelay_P_main", 4, "lop", {}),
    "low_delay_p_before": ("lowdelay_P_main", 3, "lop", dict(CnnLoopFilterPlace="before")),
    "low_delay_b_two_nets": ("lowdelay_main", 3, "vrcnn", {}),
    "random_access": ("randomaccess_main", 5, "lop", dict(CnnLoopFilterPlace="instead")),
    "ten_bit": ("randomaccess_main10", 3, "lop", dict(InternalBitDepth=10)),
    "monochrome": ("lowdelay_main", 2, "lop", dict(ChromaFormatIDC=400, Profile="auto")),
    "odd_size": ("lowdelay_main", 2, "lop", dict(size=(66, 50), **SMALL_CTU)),
    "tiny": ("intra_main", 1, "lop", dict(size=(8, 8))),
    "slices": ("lowdelay_main", 2, "lop", dict(SliceMode=1, SliceArgument=3, **MIDDLE_CTU)),
    "slices_by_bytes": ("intra_main", 1, "lop", dict(SliceMode=2, SliceArgument=400, **MIDDLE_CTU)),
    "wavefront": ("intra_main", 1, "lop", dict(WaveFrontSynchro=True, **SMALL_CTU)),
    "tiles": ("intra_main", 1, "lop", dict(**TILES, **MIDDLE_CTU)),
    "lossless_units": ("intra_main", 1, "lop", LOSSLESS_UNITS),
    "adaptive_qp": ("lowdelay_P_main", 2, "lop", dict(AdaptiveQP=True, MaxCuDQPDepth=2)),
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    directory = tmp_path_factory.mktemp("nets") / "weights"
    return str(directory), all_nets(directory)


def decide_at_random(rng):
    """Stands for decide_cnn_filter."""

    def decide(frame, original, lambdas, loop_filter, strengths, sub_streams):
        net = int(rng.integers(0, len(loop_filter.nets)))
        # for both sides to agree, decision and application must see the same corrections
        components = len(loop_filter.corrections(frame, net, strengths))
        slices = []
        for index in range(len(frame.slices)):
            on = int(rng.integers(1, 1 << components))
            ctus = on & int(rng.integers(0, 8))
            slices.append(Slice(slice_cnn_filter_flag=1, slice_cnn_filter_net_idx=net))
            for bit, name in enumerate(("y", "cb", "cr")):
                setattr(slices[-1], f"slice_cnn_filter_{name}_flag", on >> bit & 1)
                setattr(slices[-1], f"slice_cnn_filter_{name}_ctu_flag", ctus >> bit & 1)
                setattr(slices[-1], f"slice_cnn_filter_{name}_scale_idx", int(rng.integers(0, 4)))
            here = frame.ctbs["slice_idx"] == index
            flags = rng.integers(0, 8, len(frame.ctbs)).astype(np.int8)
            frame.ctbs["tool_flags"][here] = (on & ~ctus | flags & ctus)[here]
        return slices, 0.0

    return decide


def encode_with(cfg, count, changes, **settings):
    """(stream, reports in display order, config)"""
    changes = dict(changes)
    width, height = changes.pop("size", (128, 64))
    config = cfg_config(cfg, SourceWidth=width, SourceHeight=height, **settings, **changes)
    source = source_pictures(width, height, count, config.InternalBitDepth, config.chroma_format_idc)
    sink = io.BytesIO()
    reports = list(encode_sequence(config, source, sink))
    return sink.getvalue(), sorted(reports, key=lambda report: report.index), config


def encode(cfg, count, architecture, changes, directory, threads=1):
    """(stream, md5 of the reconstruction in display order, reports)"""
    settings = dict(Threads=threads, CnnLoopFilter=architecture, WeightsDir=directory)
    stream, reports, config = encode_with(cfg, count, changes, **settings)
    digest = hashlib.md5()
    for report in reports:
        for plane in report.recon:
            digest.update(plane.astype("u1" if config.InternalBitDepth == 8 else "<u2").tobytes())
    return stream, digest.hexdigest(), reports


def decoded(stream, directory, **settings):
    config = validated(DecoderConfig(WeightsDir=directory, CnnBackend="compiled", **settings))
    return list(decode_stream(config, io.BytesIO(stream)))


def md5_of(stream, directory=""):
    """md5 of the pictures that the decoder makes of a stream, all of which have the right hash."""
    digest = hashlib.md5()
    for picture in decoded(stream, directory):
        assert picture.hash_status == "OK"
        for plane in picture.planes:
            digest.update(plane.astype("u1" if picture.bit_depths[0] == 8 else "<u2").tobytes())
    return digest.hexdigest()


def endings_of_damage(stream, count):
    """The exit codes with which damaged copies of a stream end."""
    endings = set()
    for seed in range(count):
        try:
            list(decoded(mutate(np.random.default_rng(seed), stream)[0], ""))
            endings.add(0)
        except CodecError as error:
            endings.add(error.exit_code)
    return endings


def pydec(stream, tmp_path, *arguments):
    """(exit status, md5 of what it wrote, its errors) of pydec in a fresh process."""
    path = tmp_path / "stream.bin"
    path.write_bytes(stream)
    environment = {**os.environ, "PYTHONPATH": str(foreign.ROOT)}
    command = [sys.executable, "-m", "cli.pydec", "-i", str(path), "-o", "-", *arguments]
    result = subprocess.run(command, env=environment, capture_output=True, timeout=300)
    return result.returncode, hashlib.md5(result.stdout).hexdigest(), result.stderr.decode()


@pytest.mark.parametrize("name", CASES)
def test_decoder_makes_the_encoders_pictures(name, weights, monkeypatch):
    rng = np.random.default_rng(list(CASES).index(name))
    monkeypatch.setattr(loop_filter_decide, "decide_cnn_filter", decide_at_random(rng))
    stream, expected, reports = encode(*CASES[name], weights[0])
    assert name == "tiny" or any(max(report.tools.values()) > 0 for report in reports)
    monkeypatch.setattr(loop_filter_apply.CnnLoopFilter.__init__, "__defaults__", (48,))
    digest, pictures = hashlib.md5(), decoded(stream, weights[0])
    for picture in pictures:
        assert picture.hash_status == "OK"
        for plane in picture.planes:
            digest.update(plane.astype("u1" if picture.bit_depths[0] == 8 else "<u2").tobytes())
    assert digest.hexdigest() == expected
    assert len(pictures) == len(reports)


@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_a_fresh_process_makes_the_same_pictures(weights, tmp_path, monkeypatch, backend):
    monkeypatch.setattr(loop_filter_decide, "decide_cnn_filter", decide_at_random(np.random.default_rng(1)))
    stream, expected, _ = encode(*CASES["random_access"], weights[0])
    status, digest, errors = pydec(stream, tmp_path, f"--WeightsDir={weights[0]}", f"--CnnBackend={backend}")
    assert (status, digest) == (0, expected), errors


def test_the_stream_is_the_same_for_every_number_of_threads(weights):
    made = [encode("lowdelay_P_main", 3, "lop", dict(SMALL_CTU), weights[0], threads)[0] for threads in (1, 2)]
    made += [encode("intra_main", 3, "lop", {}, weights[0], threads)[0] for threads in (1, 2)]
    assert made[0] == made[1] and made[2] == made[3]


def test_the_decision_never_costs(weights, monkeypatch):
    costs = []

    def decide(*arguments):
        slices, cost = decide_cnn_filter(*arguments)
        costs.append(cost)
        return slices, cost

    monkeypatch.setattr(loop_filter_decide, "decide_cnn_filter", decide)
    shares = []
    installed, by_hand = ("rrcnn_s", ""), ("vrcnn", weights[0])
    cases = ("lowdelay_P_main", 37, installed), ("intra_main", 37, installed), ("intra_main", 22, by_hand)
    for cfg, qp, (architecture, directory) in cases:
        _, _, reports = encode(cfg, 2, architecture, dict(QP=qp), directory)
        shares += [report.tools["cnn_filter_share_y"] for report in reports]
    assert len(costs) == 6 and max(costs) <= 0 and min(costs) < 0
    assert max(shares) > 0


def shown_by(decoder, path, output):
    """The pictures that a foreign decoder writes, however it ends."""
    commands = {
        "FFmpeg": foreign.ffmpeg_command(path, "-f", "rawvideo", str(output)),
        "libde265": [foreign.LIBDE265, "-q", "-o", str(output), str(path)],
    }
    subprocess.run(commands[decoder], capture_output=True, check=False, timeout=60)
    return output.read_bytes() if output.exists() else b""


STANDARD_DECODERS = [pytest.param(name, marks=foreign.needs(program)) for name, program in foreign.PROGRAMS.items()]


@pytest.mark.parametrize("decoder", STANDARD_DECODERS)
def test_standard_decoders_show_nothing(decoder, weights, tmp_path):
    path = tmp_path / "stream.bin"
    for architecture, pictures in (("lop", 0), ("off", 4)):
        cfg, count, _, changes = CASES["low_delay_p"]
        path.write_bytes(encode(cfg, count, architecture, changes, weights[0])[0])
        shown = shown_by(decoder, path, tmp_path / f"{architecture}.yuv")
        assert len(shown) == pictures * 128 * 64 * 3 // 2


@pytest.mark.parametrize("decoder", STANDARD_DECODERS)
def test_standard_decoders_pass_over_it_between_other_streams(decoder, weights, tmp_path):
    stream, _, _ = encode(*CASES["low_delay_p"], weights[0])
    plain, expected, _ = encode("lowdelay_P_main", 2, "off", dict(DecodingRefreshType=2), weights[0])
    path = tmp_path / "stream.bin"
    path.write_bytes(plain + stream)
    assert foreign.DECODERS[decoder](path) == expected


def test_pydec_plays_streams_with_and_without_tools_in_a_row(weights):
    stream, _, _ = encode("intra_main", 1, "lop", {}, weights[0])
    plain, _, _ = encode("intra_main", 1, "off", {}, weights[0])
    pictures = decoded(plain + stream + plain + stream, weights[0])
    assert [picture.hash_status for picture in pictures] == ["OK"] * 4


def test_missing_weights_end_before_the_first_picture(weights, tmp_path):
    stream, _, _ = encode("intra_main", 1, "lop", {}, weights[0])
    empty = tmp_path / "empty"
    publish_nets(empty)
    status, digest, errors = pydec(stream, tmp_path, f"--WeightsDir={empty}")
    assert (status, digest) == (7, hashlib.md5().hexdigest())
    assert weights[1]["full"] in errors and "CnnLoopFilter" in errors and len(errors.strip().splitlines()) == 1
    with pytest.raises(WeightsMissing):
        encode("intra_main", 1, "rrcnn", {}, weights[0])


def test_another_id_or_an_unknown_tool_is_told(weights):
    stream, _, _ = encode("intra_main", 1, "lop", {}, weights[0])
    units = list(read_nal_units(io.BytesIO(stream)))
    sps = next(unit for unit in units if unit.nal_unit_type == SPS_NUT)
    payload = sps.payload
    bits = f"{int.from_bytes(payload, 'big'):0{8 * len(payload)}b}"
    at = bits.index(f"{0x50594543:032b}")

    def changed(position):
        flipped = bits[:position] + str(1 - int(bits[position])) + bits[position + 1 :]
        sps.payload = int(flipped, 2).to_bytes(len(payload), "big")
        return b"".join(annexb(unit) for unit in units)

    # behind the signature: version (8), tools (6), reserved (10), place, chroma, count (2), id (64)
    with pytest.raises(WeightsMissing, match="CnnLoopFilter"):
        decoded(changed(at + 60 + 63), weights[0])
    with pytest.raises(Unsupported, match="does not know"):
        decoded(changed(at + 46), weights[0])
    with pytest.raises(Unsupported, match="another version"):
        decoded(changed(at + 32), weights[0])
    # slices of an ordinary stream, whose SPS says that there are tools
    sps.payload = payload
    plain, _, _ = encode("intra_main", 1, "off", {}, weights[0])
    mixed = [sps if unit.nal_unit_type == SPS_NUT else unit for unit in read_nal_units(io.BytesIO(plain))]
    with pytest.raises(CorruptStream, match="layer 0"):
        decoded(join(mixed), weights[0])


def test_damaged_streams_end_as_documented(weights):
    streams = [nal_units(encode(*CASES[name], weights[0])[0]) for name in ("low_delay_p", "slices", "instead")]
    ends = {}
    for seed in range(240):
        rng = np.random.default_rng(seed)
        damaged = damage(rng, streams[seed % 3])
        try:
            pictures = decoded(damaged, weights[0])
            end = 5 if any(picture.hash_status == "ERROR" for picture in pictures) else 0
        except CodecError as error:
            end = error.exit_code
        ends[end] = ends.get(end, 0) + 1
    assert set(ends) <= ALLOWED | {7}
    assert ends.get(4, 0) > 30 and ends.get(0, 0) + ends.get(5, 0) > 20


def damage(rng, units):
    """The stream with something changed, most often in what is ours."""
    if rng.random() < 0.5:
        return mutate(rng, join(units))[0]
    units = [unit.__class__(**vars(unit)) for unit in units]
    victims = [unit for unit in units if is_slice(unit.nal_unit_type) or unit.nal_unit_type == SPS_NUT]
    victim = victims[rng.integers(len(victims))]
    data = bytearray(victim.payload)
    for _ in range(rng.integers(1, 4)):
        # slices: header and first CTUs; parameter sets: anywhere
        data[rng.integers(min(len(data), 24) if is_slice(victim.nal_unit_type) else len(data))] ^= 1 << rng.integers(8)
    victim.payload = bytes(data)
    return join(units)


def test_every_architecture_has_a_cfg():
    for name in ARCHITECTURES:
        settings = parse_command_line(ENCODER_OPTIONS, ["-c", f"encoder_intra_{name}.cfg"])
        assert settings["CnnLoopFilter"] == name and settings["IntraPeriod"] == 1
