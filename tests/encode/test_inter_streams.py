"""P and B pictures in every coding structure: the encoder's reconstruction is what all decoders make of the stream.

The encoder runs in this process, pydec in a fresh one. Pictures are cut from the clip of the project and shown
forwards and backwards.
"""

import functools
import hashlib
import io

import numpy as np
import pytest

from codec.h265.config import HASH_NONE
from codec.h265.encoder.encode import encode_sequence
from codec.h265.nal import AUD_NUT, CRA_NUT, PREFIX_SEI_NUT, SPS_NUT, read_nal_units
from codec.h265.structs import MODE_INTER, PART_2Nx2N
from tests.codec.h265.encoder.plan.gops import above_rows, cfg_config, row
from tests.conformance import foreign
from tests.encode.test_streams import MIDDLE_CTU, SMALL_CTU, WRONG_IN_LIBDE265, source_pictures

CLIP_PICTURES = 5

TEMPORAL_FILTER = dict(TemporalFilter=True, TemporalFilterStrengthFrame4=0.4)

# name: (cfg, number of pictures, changes)
CASES = {
    "low_delay_p": ("lowdelay_P_main", 10, {}),
    "low_delay_b": ("lowdelay_main", 7, {}),
    "random_access": ("randomaccess_main", 17, {}),
    "random_access_cra": ("randomaccess_main", 39, dict(size=(64, 64))),
    "random_access_idr": ("randomaccess_main", 35, dict(IntraPeriod=16, DecodingRefreshType=2, size=(64, 64))),
    "random_access_plain_intra": ("randomaccess_main", 20, dict(IntraPeriod=16, DecodingRefreshType=0, size=(64, 64))),
    "random_access_recovery": ("randomaccess_main", 20, dict(IntraPeriod=16, DecodingRefreshType=3, size=(64, 64))),
    "low_delay_idr": ("lowdelay_P_main", 9, dict(IntraPeriod=4, DecodingRefreshType=2)),
    "low_delay_cra": ("lowdelay_main", 9, dict(IntraPeriod=4, DecodingRefreshType=1)),
    "one_picture": ("randomaccess_main", 1, {}),
    "ten_bit": ("lowdelay_main10", 4, dict(InternalBitDepth=10)),
    "monochrome": ("lowdelay_main", 4, dict(ChromaFormatIDC=400, Profile="auto")),
    "slices": ("lowdelay_main", 5, dict(SliceMode=1, SliceArgument=3, **MIDDLE_CTU)),
    "slices_by_bytes": ("lowdelay_P_main", 5, dict(SliceMode=2, SliceArgument=200, **MIDDLE_CTU)),
    "wavefront": ("lowdelay_main", 4, dict(WaveFrontSynchro=True, **MIDDLE_CTU)),
    "no_temporal_vectors": ("randomaccess_main", 5, dict(TMVPMode=0, SAO=False)),
    "few_merge_candidates": ("lowdelay_main", 4, dict(MaxNumMergeCand=1, Log2ParallelMergeLevel=4)),
    "delimiters_no_hash": ("lowdelay_P_main", 4, dict(AccessUnitDelimiter=True, SEIDecodedPictureHash=HASH_NONE)),
    "delta_qp": ("lowdelay_P_main", 4, dict(MaxDeltaQP=1, MaxCuDQPDepth=1)),
    "adaptive_qp": ("lowdelay_main", 3, dict(AdaptiveQP=True, MaxCuDQPDepth=2)),
    "full_search": ("lowdelay_P_main", 3, dict(MotionSearch="full", SearchRange=8)),
    "three_step_search": ("randomaccess_main", 3, dict(MotionSearch="tss")),
    "diamond_search": ("lowdelay_P_main", 3, dict(MotionSearch="diamond")),
    "high_quality": ("lowdelay_main", 3, dict(QP=4)),
    "low_quality": ("randomaccess_main", 5, dict(QP=50)),
    "small_ctu": ("lowdelay_main", 3, SMALL_CTU),
    "middle_ctu": ("randomaccess_main", 5, MIDDLE_CTU),
    "large_units_only": ("lowdelay_P_main", 3, dict(MaxPartitionDepth=2)),
    "no_asymmetric_partitions": ("lowdelay_main", 3, dict(AMP=False)),
    "shallow_residual_tree": ("lowdelay_P_main", 3, dict(QuadtreeTUMaxDepthInter=1)),
    "deep_residual_tree": ("lowdelay_P_main", 3, dict(QuadtreeTUMaxDepthInter=4, QuadtreeTUMaxDepthIntra=1)),
    "fast_decisions": ("lowdelay_main", 5, dict(ESD=True, CFM=True, ECU=True, FDM=False)),
    "no_intra_units": ("lowdelay_P_main", 3, dict(DisableIntraInInter=True)),
    "constrained_intra": ("lowdelay_P_main", 4, dict(ConstrainedIntraPred=True, QP=20)),
    "lossless": ("lowdelay_main", 3, dict(TransquantBypassEnable=True, CUTransquantBypassFlagForce=True)),
    "lossless_units": ("lowdelay_P_main", 3, dict(TransquantBypassEnable=True, QP=2)),
    "pcm": ("lowdelay_P_main", 3, dict(PCMEnabledFlag=True, PCMFilterDisableFlag=True, QP=1)),
    "scaling_lists": ("lowdelay_main", 3, dict(ScalingList=1, QP=20)),
    "plain_quantisation": ("lowdelay_P_main", 3, dict(RDOQ=False, RDOQTS=False, SignHideFlag=False)),
    "hidden_signs_without_rdoq": ("lowdelay_main", 3, dict(RDOQ=False, QP=20)),
    "full_transform_skip": ("lowdelay_P_main", 3, dict(TransformSkipFast=False, QP=12)),
    "chroma_qp_offsets": ("lowdelay_P_main", 3, dict(CbQpOffset=5, CrQpOffset=-4)),
    "tiles": ("lowdelay_main", 3, dict(Profile="none", NumTileColumnsMinus1=1, TileUniformSpacing=True)),
    "odd_size": ("lowdelay_main", 3, dict(size=(66, 50))),
    "tiny": ("lowdelay_P_main", 3, dict(size=(8, 8))),
    "narrow": ("randomaccess_main", 5, dict(size=(10, 130))),
    "ten_bit_random_access": ("randomaccess_main10", 5, dict(InternalBitDepth=10, QP=-6)),
    "row_offsets": (
        "lowdelay_P_main",
        4,
        dict(
            GOPSize=2,
            LoopFilterOffsetInPPS=False,
            GOP=(
                row("P", 1, [-1], cb_qp_offset=3, cr_qp_offset=-2, tc_offset_div2=4, beta_offset_div2=-3),
                row("B", 2, [-1, -2]),
            ),
        ),
    ),
    "references_of_higher_layers": (
        "randomaccess_main",
        43,
        dict(GOPSize=8, IntraPeriod=24, GOP=above_rows(8), size=(64, 64)),
    ),
    "references_of_higher_layers_16": ("randomaccess_main", 35, dict(GOP=above_rows(16), size=(64, 64))),
    "higher_layers_and_plain_intra": (
        "randomaccess_main",
        20,
        dict(GOPSize=8, IntraPeriod=8, DecodingRefreshType=0, GOP=above_rows(8), size=(64, 64)),
    ),
    "temporal_filter": ("randomaccess_main", 18, dict(size=(66, 50), **TEMPORAL_FILTER)),
    "temporal_filter_ten_bit": ("lowdelay_main10", 6, dict(InternalBitDepth=10, **TEMPORAL_FILTER)),
    "intra_rows_only": ("lowdelay_P_main", 20, dict(GOPSize=1, GOP=(row("I", 1, []),), size=(64, 64))),
    "intra_row_in_the_gop": ("lowdelay_P_main", 6, dict(GOPSize=2, GOP=(row("P", 1, [-1]), row("I", 2, [])))),
}


def encode(name):
    """(stream bytes, md5 of the reconstruction in display order, reports in coding order)"""
    cfg, count, changes = CASES[name]
    changes = dict(changes)
    width, height = changes.pop("size", (128, 64))
    config = cfg_config(cfg, SourceWidth=width, SourceHeight=height, **changes)
    clip = list(source_pictures(width, height, CLIP_PICTURES, config.InternalBitDepth, config.chroma_format_idc))
    back_and_forth = clip + clip[-2:0:-1]
    source = (back_and_forth[index % len(back_and_forth)] for index in range(count))
    sink, digest = io.BytesIO(), hashlib.md5()
    reports = list(encode_sequence(config, source, sink))
    assert sorted(report.index for report in reports) == list(range(count))
    for report in sorted(reports, key=lambda report: report.index):
        for plane in report.recon:
            digest.update(plane.astype("u1" if config.InternalBitDepth == 8 else "<u2").tobytes())
    return sink.getvalue(), digest.hexdigest(), reports


encoded = functools.lru_cache(maxsize=1)(encode)


@pytest.mark.parametrize(("name", "decoder"), foreign.in_all_decoders(CASES, WRONG_IN_LIBDE265))
def test_all_decoders_reproduce_the_reconstruction(name, decoder, tmp_path):
    data, expected, _ = encoded(name)
    stream = tmp_path / "stream.bin"
    stream.write_bytes(data)
    assert foreign.DECODERS[decoder](stream) == expected


def two_ways(count, size=128):
    """Pictures whose upper and left parts move apart from the rest, with noise that nothing predicts."""
    rng = np.random.default_rng(1)
    texture = np.clip(np.cumsum(rng.normal(0, 12, (size + 32, size + 32)), 1) + 128, 20, 235)
    y, x = np.indices((size, size))
    for n in range(count):
        here = np.where((y % 32 < 12) | (x % 64 < 28), texture[:size, 2 * n : 2 * n + size],
                        texture[3 * n : 3 * n + size, 8 : 8 + size])  # fmt: skip
        luma = np.clip(here + rng.normal(0, 6, here.shape), 0, 255).astype(np.int16)
        yield [luma, luma[::2, ::2], 255 - luma[::2, ::2]]


@pytest.mark.parametrize("cfg", ["lowdelay_P_main", "lowdelay_main", "randomaccess_main"])
@pytest.mark.parametrize("changes", [{}, dict(QuadtreeTULog2MaxSize=4), dict(MaxPartitionDepth=2), dict(RDOQ=False)])
def test_partitions_split_a_residual_tree_of_depth_1(cfg, changes, tmp_path):
    """(7.3.8.8) interSplitFlag: split_transform_flag is not sent, and inferred to be 1."""
    config = cfg_config(cfg, SourceWidth=128, SourceHeight=128, QuadtreeTUMaxDepthInter=1, QP=24,
                        BlockStatistics=True, **changes)  # fmt: skip
    sink, digest, split = io.BytesIO(), hashlib.md5(), 0
    for report in sorted(encode_sequence(config, two_ways(3), sink), key=lambda report: report.index):
        for plane in report.recon:
            digest.update(plane.astype("u1").tobytes())
        parts = [cu for cu in report.statistics.coding_units if cu["pred_mode"] == MODE_INTER]
        parts = [cu for cu in parts if cu["part_mode"] != PART_2Nx2N]
        units = {(tu["x"], tu["y"]): tu["size"] for tu in report.statistics.transform_units}
        split += sum(units[cu["x"], cu["y"]] < min(cu["size"], 1 << config.QuadtreeTULog2MaxSize) for cu in parts)
    assert split > 3
    stream = tmp_path / "stream.bin"
    stream.write_bytes(sink.getvalue())
    assert foreign.pydec_md5(stream) == digest.hexdigest()
    for decoder, program in foreign.PROGRAMS.items():
        foreign.require(program)
        assert foreign.DECODERS[decoder](stream) == digest.hexdigest()


def test_reports_are_in_coding_order():
    _, _, reports = encode("random_access")
    assert [report.poc for report in reports][:6] == [0, 16, 8, 4, 2, 1]
    assert [report.slice_type for report in reports] == ["I"] + ["B"] * 16
    assert reports[3].refs == ((0, 8), (8, 16))
    assert [report.temporal_id for report in reports][:6] == [0, 0, 1, 2, 3, 4]
    assert [report.is_reference for report in reports][:6] == [True] * 5 + [False]


def test_a_decoder_can_begin_at_the_cra(tmp_path):
    """Its leading pictures are skipped, all others are whole."""
    data, _, reports = encode("random_access_cra")
    nals = list(read_nal_units(io.BytesIO(data)))
    types = [nal.nal_unit_type for nal in nals]
    cra = types.index(CRA_NUT)
    begin = max(i for i in range(cra) if types[i] == SPS_NUT) - 1
    assert types.count(SPS_NUT) == 2
    (tmp_path / "tail.bin").write_bytes(b"\0\0\1" + data[nals[begin].offset :])
    digest = hashlib.md5()
    for report in sorted(reports, key=lambda report: report.index)[32:]:
        for plane in report.recon:
            digest.update(plane.astype("u1").tobytes())
    assert foreign.pydec_md5(tmp_path / "tail.bin") == digest.hexdigest()


def test_layers_above_can_be_left_out(tmp_path):
    """What remains without the highest layer decodes to the same pictures."""
    data, _, reports = encode("random_access")
    kept = b"".join(
        b"\0\0\0\1" + (nal.nal_unit_type << 9 | nal.temporal_id + 1).to_bytes(2, "big") + nal.payload
        for nal in read_nal_units(io.BytesIO(data))
        if nal.temporal_id < 4
    )
    (tmp_path / "lower.bin").write_bytes(kept)
    digest = hashlib.md5()
    for report in sorted(reports, key=lambda report: report.index):
        for plane in report.recon if report.temporal_id < 4 else ():
            digest.update(plane.astype("u1").tobytes())
    assert foreign.pydec_md5(tmp_path / "lower.bin") == digest.hexdigest()


def test_delimiters_and_recovery_points():
    data, _, _ = encode("delimiters_no_hash")
    delimiters = [nal.payload for nal in read_nal_units(io.BytesIO(data)) if nal.nal_unit_type == AUD_NUT]
    # pic_type 0 and 1 in three bits, then the trailing bit
    assert [payload[0] >> 5 for payload in delimiters] == [0, 1, 1, 1]
    data, _, _ = encode("random_access_recovery")
    messages = [nal.payload for nal in read_nal_units(io.BytesIO(data)) if nal.nal_unit_type == PREFIX_SEI_NUT]
    # recovery_point: type 6, one byte: se(0), exact_match_flag 1, broken_link_flag 0, then 1 and zeros up to the byte
    assert messages == [bytes([6, 1, 0b11010000, 0x80])]
