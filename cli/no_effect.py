"""Settings that do nothing beside others: refused where the person surely meant something else, told otherwise.

HM's cfg files state what they leave unused, so these rules are about what is typed. Of what a cfg file says only MEANT
is told, and only where the switch that it needs is set nowhere.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

from codec.base.errors import UsageError
from codec.h265.tools.registry import TOOLS


class Rule(NamedTuple):
    """`names` do something only where has_effect(config); when: in which case they do not, in words.

    switches  the options that bring it about
    """

    names: tuple
    has_effect: Callable
    when: str
    switches: tuple = ()


def _rule(names, has_effect, when, switches=""):
    return Rule(tuple(names.split()), has_effect, when, tuple(switches.split()))


def _is_inter(config):
    return config.IntraPeriod != 1


def _has_rows(slice_type):
    return lambda config: _is_inter(config) and any(entry.slice_type == slice_type for entry in config.GOP)


def _vui(*flags):
    return lambda config: config.VuiParametersPresent and all(getattr(config, flag) for flag in flags)


def _has_tiles(config):
    return config.NumTileColumnsMinus1 > 0 or config.NumTileRowsMinus1 > 0


def _of_tool(tool):
    """A tool's settings are for when it is on."""
    others = [spec.name for spec in dataclasses.fields(tool.Options) if spec.name != tool.option]
    return Rule(tuple(others), tool.is_on, f"without {tool.option}", (tool.option,))


_WITH_NETS = [tool for tool in TOOLS if tool.has_nets]
_NETS = ", ".join(tool.option for tool in _WITH_NETS[:-1]) + f" or {_WITH_NETS[-1].option}"
_SIGNAL, _COLOUR, _ASPECT = "VideoSignalTypePresent", "ColourDescriptionPresent", "AspectRatioInfoPresent"

MEANT = (
    _rule("TargetBitrate", lambda c: c.RateControl, "without RateControl=1", "RateControl"),
    *(_of_tool(tool) for tool in TOOLS),
    _rule("ScalingListFile", lambda c: c.ScalingList == 2, "without ScalingList=2", "ScalingList"),
    _rule(
        f"{_ASPECT} {_SIGNAL} ChromaLocInfoPresent", _vui(), "without VuiParametersPresent=1", "VuiParametersPresent"
    ),
    _rule(
        "AspectRatioIdc SarWidth SarHeight",
        _vui(_ASPECT),
        f"without VuiParametersPresent=1 and {_ASPECT}=1",
        f"VuiParametersPresent {_ASPECT}",
    ),
    _rule(
        f"VideoFormat VideoFullRange {_COLOUR}",
        _vui(_SIGNAL),
        f"without VuiParametersPresent=1 and {_SIGNAL}=1",
        f"VuiParametersPresent {_SIGNAL}",
    ),
    _rule(
        "ColourPrimaries TransferCharacteristics MatrixCoefficients",
        _vui(_SIGNAL, _COLOUR),
        f"without VuiParametersPresent=1, {_SIGNAL}=1 and {_COLOUR}=1",
        f"VuiParametersPresent {_SIGNAL} {_COLOUR}",
    ),
    _rule(
        "ChromaSampleLocTypeTopField ChromaSampleLocTypeBottomField",
        _vui("ChromaLocInfoPresent"),
        "without VuiParametersPresent=1 and ChromaLocInfoPresent=1",
        "VuiParametersPresent ChromaLocInfoPresent",
    ),
)

_IDLE = (
    _rule(
        "SarWidth SarHeight", lambda c: not _vui(_ASPECT)(c) or c.AspectRatioIdc == 255, "without AspectRatioIdc=255"
    ),
    _rule(
        "KeepHierarchicalBit LCULevelRateControl RCLCUSeparateModel InitialQP RCForceIntraQP RCCpbSaturation RCCpbSize "
        "RCInitialCpbFullness",
        lambda c: c.RateControl,
        "without RateControl=1",
    ),
    _rule("RCLCUSeparateModel", lambda c: not c.RateControl or c.LCULevelRateControl, "without LCULevelRateControl=1"),
    _rule(
        "RCCpbSize RCInitialCpbFullness", lambda c: not c.RateControl or c.RCCpbSaturation, "without RCCpbSaturation=1"
    ),
    _rule("QP", lambda c: not c.RateControl, "with RateControl=1"),
    _rule("QP IntraQPOffset", lambda c: not c.PictureQP, "with a QPFile"),
    _rule("MaxQPAdaptationRange", lambda c: c.AdaptiveQP, "without AdaptiveQP=1"),
    _rule(
        "MaxCuDQPDepth", lambda c: c.MaxDeltaQP or c.AdaptiveQP or c.controls_ctus, "without MaxDeltaQP or AdaptiveQP"
    ),
    _rule("RDOQTS TransformSkipFast", lambda c: c.TransformSkip, "without TransformSkip=1"),
    _rule(
        "PCMLog2MaxSize PCMLog2MinSize PCMInputBitDepthFlag PCMFilterDisableFlag",
        lambda c: c.PCMEnabledFlag,
        "without PCMEnabledFlag=1",
    ),
    _rule(
        "LoopFilterOffsetInPPS LoopFilterBetaOffset_div2 LoopFilterTcOffset_div2",
        lambda c: not c.LoopFilterDisable,
        "with LoopFilterDisable=1",
    ),
    _rule("CbQpOffset CrQpOffset", lambda c: c.ChromaFormatIDC == 420, "with ChromaFormatIDC=400"),
    _rule("CnnBackend CnnDevice", lambda c: any(tool.loads_nets(c) for tool in _WITH_NETS), f"without {_NETS}"),
    _rule(
        "WeightsDir",
        lambda c: any(tool.loads_nets(c) for tool in TOOLS),
        f"without {_NETS}, CnnInterpolation, CnnMpm or CnnChroma=net",
    ),
    _rule("SliceArgument LFCrossSliceBoundaryFlag", lambda c: c.SliceMode, "without SliceMode"),
    _rule(
        "TileUniformSpacing LFCrossTileBoundaryFlag", _has_tiles, "without NumTileColumnsMinus1 or NumTileRowsMinus1"
    ),
    _rule(
        "TileColumnWidthArray",
        lambda c: c.NumTileColumnsMinus1 and not c.TileUniformSpacing,
        "without NumTileColumnsMinus1 and TileUniformSpacing=0",
    ),
    _rule(
        "TileRowHeightArray",
        lambda c: c.NumTileRowsMinus1 and not c.TileUniformSpacing,
        "without NumTileRowsMinus1 and TileUniformSpacing=0",
    ),
    _rule(
        "QuadtreeTUMaxDepthInter DecodingRefreshType AMP ConstrainedIntraPred MotionSearch FastSearch SearchRange "
        "BipredSearchRange ASR MinSearchWindow HadamardME FEN FDM ECU CFM ESD DisableIntraInInter TMVPMode "
        "MaxNumMergeCand Log2ParallelMergeLevel WeightedPredP WeightedPredB LambdaModifier1 LambdaModifier2 "
        "LambdaModifier3 LambdaModifier4 LambdaModifier5 LambdaModifier6",
        _is_inter,
        "without inter pictures (IntraPeriod=1)",
    ),
    _rule("DecodingRefreshType", lambda c: c.IntraPeriod != -1, "without an IntraPeriod above 1"),
    _rule("MinSearchWindow", lambda c: not _is_inter(c) or c.ASR, "without ASR=1"),
    _rule(
        "BipredSearchRange WeightedPredB",
        lambda c: not _is_inter(c) or _has_rows("B")(c),
        "without B pictures in the GOP",
    ),
    _rule("WeightedPredP", lambda c: not _is_inter(c) or _has_rows("P")(c), "without P pictures in the GOP"),
    _rule(
        "CnnInterpolation",
        lambda c: not _is_inter(c) or c.CnnInterpolationSlices == "all" or _has_rows("P")(c),
        "without P pictures in the GOP, or CnnInterpolationSlices=all",
        "CnnInterpolationSlices",
    ),
)


def no_effect(settings, config):
    """Warnings, one for all settings that need the same. UsageError for one that can only be a mistake."""
    warnings = []
    for rule in MEANT:
        idle = _idle(rule, settings, config)
        typed = [name for name in idle if settings.typed(name)]
        if typed and not any(_typed_off(settings, switch) for switch in rule.switches):
            raise UsageError(f"{_words(typed)} {rule.when}: add that, or leave {typed[0]} out")
        if typed or (idle and not any(settings.given(switch) for switch in rule.switches)):
            warnings.append(f"{_words(typed or idle)} {rule.when}")
    for rule in _IDLE:
        typed = [name for name in _idle(rule, settings, config) if settings.typed(name)]
        if typed:
            warnings.append(f"{_words(typed)} {rule.when}")
    if settings.typed("FastSearch") and settings.given("MotionSearch") and settings["MotionSearch"] != "auto":
        warnings.append(f"FastSearch has no effect with MotionSearch={settings['MotionSearch']}")
    return warnings


def _idle(rule, settings, config):
    """Names of the rule that are given another value than they have anyway, where they have no effect."""
    return [] if rule.has_effect(config) else [name for name in rule.names if settings.changes(name)]


def _typed_off(settings, switch):
    return settings.typed(switch) and settings[switch] in (False, 0, "off")


def _words(names):
    return f"{', '.join(names)} {'have' if len(names) > 1 else 'has'} no effect"
