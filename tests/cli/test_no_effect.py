"""Settings that do nothing beside others: errors, warnings, and silence where HM's cfg files leave them unused."""

from dataclasses import replace

import pytest

from cli import no_effect as rules
from cli.no_effect import no_effect
from cli.options import ENCODER_OPTIONS
from cli.settings import parse_command_line
from codec.base.errors import UsageError
from codec.h265.config import EncoderConfig, validated
from tests.cli.test_settings import HM_CFGS, OUR_CFGS

NAMES = {option.name for option in ENCODER_OPTIONS}


def told(*words, **more):
    settings = parse_command_line(ENCODER_OPTIONS, words)
    values = {"SourceWidth": 1024, "SourceHeight": 512, **settings.config_values(), "GOP": settings.gop_rows()}
    values["ChromaFormatIDC"] = settings["ChromaFormatIDC"] or 420
    return no_effect(settings, validated(replace(EncoderConfig(**values), **more)))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--TargetBitrate=400000", "TargetBitrate has no effect without RateControl=1: add that, or leave Target"),
        ("--CnnLoopFilterNets=lop", "CnnLoopFilterNets has no effect without CnnLoopFilter"),
        ("--CnnLoopFilterPlace=before", "CnnLoopFilterPlace has no effect without CnnLoopFilter"),
        ("--CnnOutputFilterNets=x", "CnnOutputFilterNets has no effect without CnnOutputFilter"),
        ("--CnnLoopFilter=lop --CnnOutputFilterNets=x", "CnnOutputFilterNets has no effect"),
        ("--ScalingListFile=x", "ScalingListFile has no effect without ScalingList=2"),
        ("--ScalingList=1 --ScalingListFile=x", "ScalingListFile has no effect without ScalingList=2"),
        ("--AspectRatioInfoPresent=1", "without VuiParametersPresent=1"),
        ("--VideoFullRange=1", "without VuiParametersPresent=1 and VideoSignalTypePresent=1"),
        ("--VuiParametersPresent=1 --VideoFullRange=1", "and VideoSignalTypePresent=1"),
        ("--VuiParametersPresent=1 --VideoSignalTypePresent=1 --ColourPrimaries=9", "ColourDescriptionPresent=1"),
        ("--VuiParametersPresent=1 --SarWidth=4 --SarHeight=3", "SarWidth, SarHeight have no effect without Vui"),
        ("--VuiParametersPresent=1 --ChromaSampleLocTypeTopField=2", "ChromaLocInfoPresent=1"),
    ],
)
def test_what_can_only_be_a_mistake(words, message):
    with pytest.raises(UsageError) as caught:
        told(*words.split())
    assert message in str(caught.value)


_WITH_NETS = "CnnIntraSr, CnnLoopFilter or CnnOutputFilter"
_WITH_WEIGHTS = f"{_WITH_NETS}, CnnInterpolation, CnnMpm or CnnChroma=net"
_LOW_DELAY_P = "-c encoder_lowdelay_P_main.cfg"
_RANDOM_ACCESS = "-c encoder_randomaccess_main.cfg"


@pytest.mark.parametrize(
    ("words", "warnings"),
    [
        ("--RateControl=0 --TargetBitrate=400000", ["TargetBitrate has no effect without RateControl=1"]),
        ("--CnnLoopFilter=off --CnnLoopFilterNets=x", ["CnnLoopFilterNets has no effect without CnnLoopFilter"]),
        (
            "--KeepHierarchicalBit=1 --RCCpbSize=3",
            ["KeepHierarchicalBit, RCCpbSize have no effect without RateControl=1"],
        ),
        ("--RateControl=1 --TargetBitrate=99 -q 30", ["QP has no effect with RateControl=1"]),
        ("--RateControl=1 --TargetBitrate=99 --RCCpbSize=3", ["RCCpbSize has no effect without RCCpbSaturation=1"]),
        (
            "--RateControl=1 --TargetBitrate=99 --LCULevelRateControl=0 --RCLCUSeparateModel=0",
            ["RCLCUSeparateModel has no effect without LCULevelRateControl=1"],
        ),
        ("--MaxQPAdaptationRange=3", ["MaxQPAdaptationRange has no effect without AdaptiveQP=1"]),
        ("--MaxCuDQPDepth=1", ["MaxCuDQPDepth has no effect without MaxDeltaQP or AdaptiveQP"]),
        ("--TransformSkip=0 --RDOQTS=0", ["RDOQTS has no effect without TransformSkip=1"]),
        ("--PCMLog2MinSize=4", ["PCMLog2MinSize has no effect without PCMEnabledFlag=1"]),
        (
            "--LoopFilterDisable=1 --LoopFilterTcOffset_div2=2",
            ["LoopFilterTcOffset_div2 has no effect with LoopFilterDisable=1"],
        ),
        (
            "--CnnLoopFilter=lop --CnnLoopFilterPlace=instead --LoopFilterBetaOffset_div2=1",
            ["LoopFilterBetaOffset_div2 has no effect with LoopFilterDisable=1"],
        ),
        ("-cf 400 --CbQpOffset=2", ["CbQpOffset has no effect with ChromaFormatIDC=400"]),
        ("--CnnDevice=cuda", [f"CnnDevice has no effect without {_WITH_NETS}"]),
        ("--CnnBackend=torch", [f"CnnBackend has no effect without {_WITH_NETS}"]),
        *(
            (
                f"{words}--WeightsDir=w",
                [f"WeightsDir has no effect without {_WITH_WEIGHTS}"],
            )
            for words in ("", "--CnnChroma=lm ")
        ),
        ("--CnnChroma=net --CnnDevice=cuda", [f"CnnDevice has no effect without {_WITH_NETS}"]),
        ("--CnnChroma=net --WeightsDir=w", []),
        ("--CnnIntraSr=dlsr --WeightsDir=w --CnnBackend=torch", []),
        ("--CnnIntraSr=dctif --CnnDevice=cuda", [f"CnnDevice has no effect without {_WITH_NETS}"]),
        ("--CnnMpm=light --WeightsDir=w", []),
        (f"{_LOW_DELAY_P} --CnnInterpolation=fir --WeightsDir=w", []),
        ("--SliceArgument=3", ["SliceArgument has no effect without SliceMode"]),
        (
            "--TileUniformSpacing=1",
            ["TileUniformSpacing has no effect without NumTileColumnsMinus1 or NumTileRowsMinus1"],
        ),
        (
            "--NumTileColumnsMinus1=1 --TileUniformSpacing=1 --TileColumnWidthArray=4",
            ["TileColumnWidthArray has no effect without NumTileColumnsMinus1 and TileUniformSpacing=0"],
        ),
        ("--SearchRange=64 --FEN=0", ["SearchRange, FEN have no effect without inter pictures (IntraPeriod=1)"]),
        (f"{_LOW_DELAY_P} --MinSearchWindow=4", ["MinSearchWindow has no effect without ASR=1"]),
        (f"{_LOW_DELAY_P} --WeightedPredB=1", ["WeightedPredB has no effect without B pictures in the GOP"]),
        (f"{_RANDOM_ACCESS} --WeightedPredP=1", ["WeightedPredP has no effect without P pictures in the GOP"]),
        (
            f"{_LOW_DELAY_P} --DecodingRefreshType=2",
            ["DecodingRefreshType has no effect without an IntraPeriod above 1"],
        ),
        (f"{_LOW_DELAY_P} --MotionSearch=tss --FastSearch=2", ["FastSearch has no effect with MotionSearch=tss"]),
        (
            f"{_RANDOM_ACCESS} --CnnInterpolation=fir",
            ["CnnInterpolation has no effect without P pictures in the GOP, or CnnInterpolationSlices=all"],
        ),
        (f"{_RANDOM_ACCESS} --CnnInterpolation=fir --CnnInterpolationSlices=all", []),
        # what has an effect, or the value that it has anyway
        ("--RateControl=1 --TargetBitrate=99 --InitialQP=30", []),
        ("--AdaptiveQP=1 --MaxQPAdaptationRange=3 --MaxCuDQPDepth=1", []),
        ("--CnnLoopFilter=lop --CnnDevice=cuda --CnnLoopFilterPlace=before", []),
        ("--VuiParametersPresent=1 --VideoSignalTypePresent=1 --VideoFullRange=1", []),
        (f"{_RANDOM_ACCESS} --DecodingRefreshType=2 --SearchRange=64 --WeightedPredB=1 --ASR --MinSearchWindow=4", []),
        ("--SearchRange=96 --TargetBitrate=0 --CnnDevice=cpu", []),
    ],
)
def test_what_is_told(words, warnings):
    assert told(*words.split()) == warnings


def test_a_qp_file_and_a_qp():
    assert told("-q", "30", "--IntraQPOffset=1", PictureQP=(30, 31)) == [
        "QP, IntraQPOffset have no effect with a QPFile"
    ]


def test_cfgs_are_told_only_what_is_meant_and_switched_nowhere(tmp_path):
    cfg = tmp_path / "a.cfg"
    cfg.write_text("TargetBitrate : 400000\nSearchRange : 64\nSliceArgument : 3\n")
    assert told("-c", str(cfg)) == ["TargetBitrate has no effect without RateControl=1"]
    cfg.write_text("TargetBitrate : 400000\nRateControl : 0\n")
    assert told("-c", str(cfg)) == []
    with pytest.raises(UsageError, match="TargetBitrate"):
        told("-c", str(cfg), "--TargetBitrate=300000")


@pytest.mark.parametrize("cfg", OUR_CFGS + sorted(HM_CFGS.glob("encoder_*.cfg")), ids=lambda path: path.stem)
def test_cfgs_of_ours_and_hm_are_quiet(cfg):
    assert told("-c", str(cfg)) == []


def test_rules_name_options():
    for rule in (*rules.MEANT, *rules._IDLE):
        assert set(rule.names) | set(rule.switches) <= NAMES
