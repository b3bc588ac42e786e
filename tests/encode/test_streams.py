"""Every setting of the encoder: its reconstruction is what pydec, FFmpeg and libde265 make of the stream.

The encoder runs in this process, pydec in a fresh one. Pictures are cut from the clip that ships with the project.
"""

import functools
import hashlib
import io
from pathlib import Path

import numpy as np
import pytest

from codec.h265.config import EncoderConfig, validated
from codec.h265.encoder.encode import encode_sequence
from tests.conformance import foreign

CLIP = Path(__file__).resolve().parents[2] / "media" / "CiscoVT2people_320x192_12.yuv"
CLIP_WIDTH, CLIP_HEIGHT = 320, 192

SMALL_CTU = dict(MaxCUWidth=16, MaxCUHeight=16, MaxPartitionDepth=2, QuadtreeTULog2MaxSize=4)
MIDDLE_CTU = dict(MaxCUWidth=32, MaxCUHeight=32, MaxPartitionDepth=3)
TILES = dict(Profile="none", NumTileColumnsMinus1=1, NumTileRowsMinus1=1, TileUniformSpacing=True)

# libde265 1.0.11 filters across slice borders where slice_loop_filter_across_slices_enabled_flag forbids it; FFmpeg,
# HM and pydec agree (reference streams: g2b_multi_slice_sao_deblock_256x256)
# dec265 writes 4:0:0 as 4:2:0
WRONG_IN_LIBDE265 = {"slices_without_filter_across", "monochrome"}

CASES = {
    "default": {},
    "qp0": dict(QP=0),
    "qp12": dict(QP=12),
    "qp45": dict(QP=45),
    "qp51": dict(QP=51),
    "ctu16": SMALL_CTU,
    "ctu32": MIDDLE_CTU,
    "min_cb_32": dict(MaxPartitionDepth=2),
    "min_tb_8": dict(QuadtreeTULog2MinSize=3, MaxPartitionDepth=3, TransformSkip=False),
    "max_tb_16": dict(QuadtreeTULog2MaxSize=4),
    "rqt_depth_1": dict(QuadtreeTUMaxDepthIntra=1),
    "ten_bit": dict(InternalBitDepth=10),
    "ten_bit_negative_qp": dict(InternalBitDepth=10, QP=-8),
    "ten_bit_scaling_lists": dict(InternalBitDepth=10, ScalingList=1, QP=22),
    "monochrome": dict(ChromaFormatIDC=400),
    "plain_quantisation": dict(RDOQ=False, RDOQTS=False, SignHideFlag=False),
    "no_sign_hiding": dict(SignHideFlag=False),
    "hidden_signs_without_rdoq": dict(RDOQ=False, RDOQTS=False, QP=20),
    "hidden_signs_without_rdoqts": dict(RDOQTS=False, QP=12, TransformSkipFast=False),
    "hidden_signs_without_rdoq_ten_bit": dict(RDOQ=False, ScalingList=1, InternalBitDepth=10, QP=-4),
    "hidden_signs_beside_lossless": dict(RDOQ=False, TransquantBypassEnable=True, QP=2),
    "no_sao": dict(SAO=False),
    "no_deblocking": dict(LoopFilterDisable=True),
    "no_filters": dict(LoopFilterDisable=True, SAO=False),
    "deblocking_offsets": dict(LoopFilterBetaOffset_div2=3, LoopFilterTcOffset_div2=-2),
    "deblocking_offsets_in_slices": dict(
        LoopFilterBetaOffset_div2=3, LoopFilterTcOffset_div2=-2, LoopFilterOffsetInPPS=False
    ),
    "chroma_qp_offsets": dict(CbQpOffset=5, CrQpOffset=-4),
    "slices_by_ctus": dict(SliceMode=1, SliceArgument=4, **MIDDLE_CTU),
    "slices_by_bytes": dict(SliceMode=2, SliceArgument=400, **MIDDLE_CTU),
    "slices_without_filter_across": dict(SliceMode=1, SliceArgument=2, LFCrossSliceBoundaryFlag=False),
    "wavefront": dict(WaveFrontSynchro=True, **SMALL_CTU),
    "wavefront_slices": dict(WaveFrontSynchro=True, SliceMode=1, SliceArgument=7, **SMALL_CTU),
    "wavefront_one_column": dict(WaveFrontSynchro=True, size=(48, 96)),
    "tiles": TILES,
    "tiles_uneven": dict(
        Profile="none", NumTileColumnsMinus1=2, TileColumnWidthArray=(3, 2), LFCrossTileBoundaryFlag=False, **SMALL_CTU
    ),
    "tiles_slices": dict(SliceMode=1, SliceArgument=5, **TILES, **SMALL_CTU),
    "scaling_lists": dict(ScalingList=1),
    "pcm": dict(PCMEnabledFlag=True, QP=1),
    "pcm_in_no_block": dict(PCMEnabledFlag=True, PCMLog2MinSize=5, MaxPartitionDepth=1, QP=4),
    "pcm_without_filter": dict(PCMEnabledFlag=True, PCMFilterDisableFlag=True, QP=3, PCMLog2MaxSize=3),
    "pcm_ten_bit": dict(PCMEnabledFlag=True, InternalBitDepth=10, QP=-6),
    "lossless": dict(TransquantBypassEnable=True, CUTransquantBypassFlagForce=True),
    "lossless_units": dict(TransquantBypassEnable=True, QP=2),
    "adaptive_qp": dict(AdaptiveQP=True, MaxCuDQPDepth=2),
    "adaptive_qp_ten_bit": dict(AdaptiveQP=True, MaxCuDQPDepth=2, InternalBitDepth=10, QP=3),
    "delta_qp": dict(MaxDeltaQP=2, MaxCuDQPDepth=1),
    "adaptive_and_delta_qp": dict(AdaptiveQP=True, MaxDeltaQP=1, MaxCuDQPDepth=3, QP=20),
    "qp_per_picture": dict(PictureQP=(20, 40)),
    "no_strong_smoothing": dict(StrongIntraSmoothing=False, QP=40),
    "constrained_intra": dict(ConstrainedIntraPred=True),
    "no_transform_skip": dict(TransformSkip=False),
    "full_transform_skip": dict(TransformSkipFast=False),
    "idr": dict(DecodingRefreshType=2),
    "plain_intra_pictures": dict(DecodingRefreshType=0, ReWriteParamSetsFlag=False, SEIDecodedPictureHash=3),
    "delimiters_crc": dict(AccessUnitDelimiter=True, SEIDecodedPictureHash=2),
    "no_hash": dict(SEIDecodedPictureHash=0),
    "vui": dict(
        VuiParametersPresent=True,
        AspectRatioInfoPresent=True,
        AspectRatioIdc=255,
        SarWidth=4,
        SarHeight=3,
        VideoSignalTypePresent=True,
        ColourDescriptionPresent=True,
        ChromaLocInfoPresent=True,
    ),
    "size_2x2": dict(size=(2, 2)),
    "size_8x8": dict(size=(8, 8)),
    "size_16x8": dict(size=(16, 8)),
    "size_64x64": dict(size=(64, 64)),
    "size_66x50": dict(size=(66, 50)),
    "size_10x130": dict(size=(10, 130)),
    "size_318x190": dict(size=(318, 190)),
}


def source_pictures(width, height, count, bit_depth, chroma):
    """`count` pictures cut from the middle of the clip, as the encoder takes them."""
    frame = CLIP_WIDTH * CLIP_HEIGHT * 3 // 2
    data = np.fromfile(CLIP, np.uint8, frame * count).reshape(count, frame).astype(np.int16) << (bit_depth - 8)
    luma = CLIP_WIDTH * CLIP_HEIGHT
    x, y = (CLIP_WIDTH - width) // 4 * 2, (CLIP_HEIGHT - height) // 4 * 2
    for picture in data:
        planes = [picture[:luma].reshape(CLIP_HEIGHT, CLIP_WIDTH)[y : y + height, x : x + width]]
        for at in (luma, luma * 5 // 4) if chroma else ():
            plane = picture[at : at + luma // 4].reshape(CLIP_HEIGHT // 2, CLIP_WIDTH // 2)
            planes.append(plane[y // 2 : (y + height) // 2, x // 2 : (x + width) // 2])
        yield planes


def encode(settings, threads=1, count=2):
    """(stream bytes, md5 of the reconstruction, reports) of an encoding in this process."""
    settings = dict(settings)
    width, height = settings.pop("size", (144, 96))
    config = validated(
        EncoderConfig(**{"SourceWidth": width, "SourceHeight": height, "QP": 30, "Threads": threads, **settings})
    )
    sink, digest, reports = io.BytesIO(), hashlib.md5(), []
    source = source_pictures(width, height, count, config.InternalBitDepth, config.chroma_format_idc)
    for report in encode_sequence(config, source, sink):
        for plane in report.recon:
            digest.update(plane.astype("u1" if config.InternalBitDepth == 8 else "<u2").tobytes())
        reports.append(report)
    return sink.getvalue(), digest.hexdigest(), reports


@functools.lru_cache(maxsize=1)
def encoded(name):
    """encode() of a case, kept until the next one: all decoders get the same stream."""
    return encode(CASES[name])


@pytest.mark.parametrize(("name", "decoder"), foreign.in_all_decoders(CASES, WRONG_IN_LIBDE265))
def test_all_decoders_reproduce_the_reconstruction(name, decoder, tmp_path):
    data, expected, reports = encoded(name)
    stream = tmp_path / "stream.bin"
    stream.write_bytes(data)
    assert len(reports) == 2
    assert foreign.DECODERS[decoder](stream) == expected


def test_lossless_is_lossless():
    _, _, reports = encode(CASES["lossless"])
    assert all(report.mse == (0.0, 0.0, 0.0) for report in reports)


def test_the_stream_does_not_depend_on_threads():
    one, two = encode({}, threads=1, count=4), encode({}, threads=2, count=4)
    assert one[0] == two[0]


def test_slices_by_bytes_stay_within_their_bytes():
    data, _, _ = encode(CASES["slices_by_bytes"])
    slices = [unit for unit in data.split(b"\0\0\1") if unit and unit[0] >> 1 <= 21]
    assert len(slices) > 4
    assert max(len(unit) for unit in slices) <= 400


def test_more_bits_give_a_better_picture():
    points = [encode(dict(QP=qp))[2] for qp in (22, 27, 32, 37)]
    bits = [sum(report.bits for report in reports) for reports in points]
    quality = [sum(report.psnr[0] for report in reports) for reports in points]
    assert bits == sorted(bits, reverse=True)
    assert quality == sorted(quality, reverse=True)


def test_sao_and_rdoq_pay():
    """Each tool lowers J = SSE + lambda * bits of the whole picture against the same encoder without it."""

    def cost(**settings):
        _, _, reports = encode(dict(QP=34, **settings))
        samples = 144 * 96
        squared = sum((r.mse[0] + r.mse[1] / 4 + r.mse[2] / 4) * samples for r in reports)
        return squared + 0.57 * 2 ** ((34 - 12) / 3) * sum(r.bits for r in reports)

    best = cost()
    assert best < cost(RDOQ=False, RDOQTS=False)
    assert best < cost(SAO=False)
    assert best < cost(SignHideFlag=False)
