"""What EncoderConfig accepts, fills in, and refuses with which words."""

from dataclasses import replace
from fractions import Fraction

import pytest

from codec.base.errors import Unsupported, UsageError
from codec.h265 import levels
from codec.h265.config import DecoderConfig, EncoderConfig, validated

CIF = EncoderConfig(SourceWidth=352, SourceHeight=288)
HD = EncoderConfig(SourceWidth=1920, SourceHeight=1080)


def test_defaults_are_valid_and_filled_in():
    config = validated(CIF)
    assert (config.InternalBitDepth, config.Profile) == (8, "main")
    assert (config.log2_ctb_size, config.log2_min_cb_size, config.size_in_ctbs) == (6, 3, (6, 5))


@pytest.mark.parametrize(
    ("changes", "profile"),
    [
        ({"InputBitDepth": 10}, "main10"),
        ({"InternalBitDepth": 9}, "main10"),
        ({"ChromaFormatIDC": 400}, "monochrome"),
        ({"ChromaFormatIDC": 400, "InternalBitDepth": 10}, "monochrome10"),
        ({"Profile": "none"}, "none"),
    ],
)
def test_automatic_profile(changes, profile):
    assert validated(replace(CIF, **changes)).Profile == profile


def test_coded_size_is_padded_to_the_smallest_block():
    config = validated(replace(CIF, SourceWidth=418, SourceHeight=242))
    assert config.coded_size == (424, 248)
    assert config.size_in_ctbs == (7, 4)
    wide = replace(config, MaxPartitionDepth=1)
    assert wide.coded_size == (448, 256)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SourceWidth": 0}, "SourceWidth"),
        ({"SourceWidth": 353}, "not even"),
        ({"SourceWidth": 20000}, "outside 0..16888"),
        ({"SourceWidth": 354, "ConformanceWindowMode": 0}, "ConformanceWindowMode"),
        ({"QP": 52}, "QP=52"),
        ({"QP": -1}, "QP=-1 is outside 0..51"),
        ({"QP": 3.5}, "whole number"),
        ({"SAO": 2}, "SAO=2"),
        ({"PictureQP": (30, 77)}, "picture 1=77"),
        ({"MaxCUHeight": 32}, "must be equal"),
        ({"MaxCUWidth": 48}, "MaxCUWidth=48"),
        ({"MaxCUWidth": 16, "MaxCUHeight": 16, "QuadtreeTULog2MaxSize": 4}, "blocks of 2"),
        ({"MaxCUWidth": 16, "MaxCUHeight": 16, "MaxPartitionDepth": 2}, "above the CTU's 4"),
        ({"QuadtreeTULog2MinSize": 3}, "below the smallest coding block's 3"),
        ({"QuadtreeTULog2MinSize": 5, "QuadtreeTULog2MaxSize": 4, "MaxPartitionDepth": 1}, "is above QuadtreeTU"),
        ({"QuadtreeTULog2MinSize": 5, "MaxPartitionDepth": 1, "QuadtreeTUMaxDepthIntra": 3}, "is above 2"),
        ({"MaxPartitionDepth": 2, "MaxCuDQPDepth": 2}, "MaxCuDQPDepth=2"),
        ({"InternalBitDepth": 10, "Profile": "main"}, "profile main holds 8 bits"),
        ({"ChromaFormatIDC": 400, "Profile": "main"}, "cannot hold 4:0:0"),
        ({"Profile": "monochrome"}, "cannot hold 4:2:0"),
        ({"Profile": "main-still-picture", "InternalBitDepth": 10}, "holds 8 bits"),
        ({"Profile": "high"}, "Profile=high is not one of"),
        ({"InputBitDepth": 12}, "InternalBitDepth"),
        ({"IntraPeriod": 32}, "GOPSize=1 needs the rows Frame1..Frame1, 0 are given"),
        ({"IntraPeriod": 0}, "IntraPeriod=0"),
        ({"DecodingRefreshType": 4}, "DecodingRefreshType=4"),
        ({"TMVPMode": 2}, "TMVPMode=2 is not one of 0, 1"),
        ({"MaxNumMergeCand": 0}, "MaxNumMergeCand=0 is outside 1..5"),
        ({"MaxCUWidth": 32, "MaxCUHeight": 32, "MaxPartitionDepth": 3, "Log2ParallelMergeLevel": 6}, "CTU's 5"),
        ({"LambdaModifierI": (0.0,)}, "LambdaModifierI"),
        ({"MotionSearch": "fast"}, "MotionSearch=fast is not one of auto, tz, full, tss, diamond"),
        ({"ScalingList": 2}, "ScalingListFile"),
        ({"PCMEnabledFlag": True, "PCMLog2MinSize": 4, "PCMLog2MaxSize": 3}, "PCMLog2MaxSize=3"),
        ({"PCMEnabledFlag": True, "MaxPartitionDepth": 2}, "PCMLog2MinSize=3 is outside 5..5"),
        ({"CUTransquantBypassFlagForce": True}, "needs TransquantBypassEnable"),
        ({"SliceMode": 1, "SliceArgument": 0}, "SliceArgument"),
        ({"NumTileRowsMinus1": 5, "TileUniformSpacing": True}, "5 CTU rows"),
        ({"NumTileRowsMinus1": 1}, "TileRowHeightArray has 0 entries"),
        ({"NumTileRowsMinus1": 1, "TileRowHeightArray": (5,)}, "leaves nothing"),
        ({"NumTileColumnsMinus1": 1, "TileUniformSpacing": True}, "at least 256x64"),
        ({"NumTileRowsMinus1": 1, "TileUniformSpacing": True, "WaveFrontSynchro": True}, "together"),
        ({"Level": "1"}, "level 1: 352x288"),
        ({"Level": "4.1", "FrameRate": Fraction(1000), "SourceWidth": 1920}, "luma samples a second"),
        ({"Level": "3", "Tier": "high"}, "no high tier"),
        ({"Level": "8.5"}, "still"),
    ],
)
def test_refused_with_the_reason(changes, words):
    with pytest.raises(UsageError) as caught:
        validated(replace(CIF, **changes))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_fast_search_chooses_the_motion_search():
    assert validated(CIF).MotionSearch == "tz"
    assert validated(replace(CIF, FastSearch=0)).MotionSearch == "full"
    assert validated(replace(CIF, FastSearch=0, MotionSearch="diamond")).MotionSearch == "diamond"


def test_profile_none_drops_the_tile_minimum():
    config = validated(replace(CIF, Profile="none", NumTileColumnsMinus1=2, TileUniformSpacing=True))
    assert config.tile_columns == (2, 2, 2)
    assert config.tile_rows == (5,)


def test_given_tiles_leave_the_rest_to_the_last():
    config = validated(replace(HD, NumTileColumnsMinus1=2, TileColumnWidthArray=(10, 8), NumTileRowsMinus1=0))
    assert config.tile_columns == (10, 8, 12)


def test_uniform_tiles_follow_the_formula():
    config = replace(HD, NumTileRowsMinus1=2, TileUniformSpacing=True)
    expected = tuple((i + 1) * 17 // 3 - i * 17 // 3 for i in range(3))
    assert config.tile_rows == expected
    assert sum(expected) == 17


def test_arrays_of_hms_cfg_without_tiles_are_ignored():
    assert validated(replace(CIF, TileColumnWidthArray=(2, 3), TileRowHeightArray=(2,))).tile_columns == (6,)


def test_picture_qp():
    config = validated(replace(CIF, QP=50, IntraQPOffset=3, PictureQP=(10, 20)))
    assert [config.picture_qp(i) for i in range(3)] == [10, 20, 51]
    ten = validated(replace(CIF, InternalBitDepth=10, QP=-12, IntraQPOffset=-3))
    assert ten.picture_qp(0) == -12


def test_decoder_config_is_checked():
    assert validated(DecoderConfig()).MaxTemporalLayer == -1
    with pytest.raises(UsageError, match="MaxTemporalLayer=7"):
        validated(DecoderConfig(MaxTemporalLayer=7))


@pytest.mark.parametrize(
    ("size", "rate", "name"),
    [
        ((176, 144), 15, "1"),
        ((352, 288), 30, "2"),
        ((1280, 720), 30, "3.1"),
        ((1920, 1080), 30, "4"),
        ((1920, 1080), 60, "4.1"),
        ((3840, 2160), 60, "5.1"),
        ((7680, 4320), 30, "6"),
        ((4096, 64), 1, "4"),
        ((8, 8), Fraction(30000, 1001), "1"),
    ],
)
def test_lowest_level_that_admits(size, rate, name):
    assert levels.choose_level(*size, rate).name == name


def test_level_idc():
    assert levels.by_name("4.1").idc == 123
    assert levels.general_level_idc(validated(CIF)) == 60
    assert levels.general_level_idc(validated(replace(CIF, Level="5.2"))) == 156
    still = validated(replace(CIF, Profile="main-still-picture", Level="8.5"))
    assert levels.general_level_idc(still) == 255
    assert levels.choose_level(16888, 8, 1) is not None
    assert levels.choose_level(16896, 8, 1) is None
    # (A.4.2) 352x288 fills level 2 to more than 3 quarters of its picture size
    assert levels.by_name("2").max_dpb_pictures(352, 288) == 6
    assert levels.by_name("2.1").max_dpb_pictures(352, 288) == 12
    assert levels.by_name("3").max_dpb_pictures(352, 288) == 16
    assert levels.choose_level(352, 288, 30, dpb_pictures=7).name == "2.1"
    high = levels.choose_level(352, 288, 30, high_tier=True)
    assert high.name == "4"
    assert levels.choose_level(352, 288, 30, tile_columns=3, tile_rows=4).name == "4"


def test_a_matrix_that_the_output_filter_cannot_convert_is_told_before_coding():
    told = dict(VuiParametersPresent=True, VideoSignalTypePresent=True, ColourDescriptionPresent=True)
    common = dict(SourceWidth=64, SourceHeight=64, CnnOutputFilter="cnnif_xs")
    for matrix in (8, 13):
        with pytest.raises(Unsupported, match=f"matrix_coeffs = {matrix}"):
            validated(EncoderConfig(**common, **told, MatrixCoefficients=matrix))
        # not sent, or not converted
        not_sent = {**told, "ColourDescriptionPresent": False}
        assert validated(EncoderConfig(**common, **not_sent, MatrixCoefficients=matrix))
        assert validated(EncoderConfig(SourceWidth=64, SourceHeight=64, **told, MatrixCoefficients=matrix))
