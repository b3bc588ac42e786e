"""Rules of H.265 and HM that tie several settings together; each function checks one group and raises UsageError.

Unsupported is raised for settings that make sense, and ask for what this version lacks.
"""

from codec.base.errors import UsageError
from codec.h265 import levels
from codec.h265.gop_rules import check_gop


def check_rules(config):
    """Check a config whose single values are already in range (codec.h265.config.validated calls this)."""
    for rule in _RULES:
        rule(config)


def _require(condition, message):
    if not condition:
        raise UsageError(message)


def _size(config):
    """(7.4.3.2.1) Picture size and conformance window."""
    width, height = config.SourceWidth, config.SourceHeight
    _require(width > 0 and height > 0, "SourceWidth and SourceHeight are not known: give -wdt and -hgt")
    if config.ChromaFormatIDC == 420:
        _require(width % 2 == 0 and height % 2 == 0, f"{width}x{height} is not even, which 4:2:0 needs")
    smallest = 1 << config.log2_min_cb_size
    if config.ConformanceWindowMode == 0:
        whole = width % smallest == 0 and height % smallest == 0
        _require(
            whole,
            f"{width}x{height} is no multiple of the smallest coding block ({smallest}): set ConformanceWindowMode=1",
        )


def _blocks(config):
    """(7.4.3.2.1) Sizes of coding and transform blocks."""
    _require(config.MaxCUWidth == config.MaxCUHeight, "MaxCUWidth and MaxCUHeight must be equal")
    ctb, smallest = config.log2_ctb_size, config.log2_min_cb_size
    depth = config.MaxPartitionDepth
    _require(
        smallest >= 3,
        f"MaxPartitionDepth={depth} makes coding blocks of {config.MaxCUWidth >> (depth - 1)}: the smallest is 8",
    )
    low, high = config.QuadtreeTULog2MinSize, config.QuadtreeTULog2MaxSize
    _require(high <= ctb, f"QuadtreeTULog2MaxSize={high} is above the CTU's {ctb} (MaxCUWidth={config.MaxCUWidth})")
    _require(low < smallest, f"QuadtreeTULog2MinSize={low} must be below the smallest coding block's {smallest}")
    _require(low <= high, f"QuadtreeTULog2MinSize={low} is above QuadtreeTULog2MaxSize={high}")
    for name in ("QuadtreeTUMaxDepthIntra", "QuadtreeTUMaxDepthInter"):
        deepest = ctb - low + 1
        _require(
            getattr(config, name) <= deepest,
            f"{name}={getattr(config, name)} is above {deepest}, the steps from CTU to smallest transform",
        )


def _depths(config):
    """(7.4.9.14, HM) Depth of the quantisation groups."""
    _require(
        config.MaxCuDQPDepth < config.MaxPartitionDepth,
        f"MaxCuDQPDepth={config.MaxCuDQPDepth} must be below MaxPartitionDepth={config.MaxPartitionDepth}",
    )


def _profile(config):
    """(A.3.2 - A.3.5) What each profile can hold."""
    profile, depth, mono = config.Profile, config.InternalBitDepth, config.ChromaFormatIDC == 400
    if profile == "none":
        return
    is_mono = profile.startswith("monochrome")
    _require(
        is_mono == mono,
        f"profile {profile} cannot hold 4:{'0:0' if mono else '2:0'} pictures: use Profile=auto",
    )
    deepest = 10 if profile.endswith("10") else 8
    _require(depth <= deepest, f"profile {profile} holds {deepest} bits, InternalBitDepth is {depth}: use Profile=auto")
    _require(
        config.Level != "8.5" or profile == "main-still-picture", "level 8.5 is for profile main-still-picture only"
    )


def _inter(config):
    """(7.4.3.3.1, 7.4.7.1) Tools of inter pictures."""
    _require(
        config.Log2ParallelMergeLevel <= config.log2_ctb_size,
        f"Log2ParallelMergeLevel={config.Log2ParallelMergeLevel} is above the CTU's {config.log2_ctb_size}",
    )
    _require(
        all(modifier > 0 for modifier in config.LambdaModifierI), "LambdaModifierI holds a number that is not above 0"
    )


def _quantisation(config):
    lowest = -6 * (config.InternalBitDepth - 8)
    for what, qp in [("QP", config.QP)] + [(f"PictureQP of picture {i}", q) for i, q in enumerate(config.PictureQP)]:
        _require(lowest <= qp <= 51, f"{what}={qp} is outside {lowest}..51 ({config.InternalBitDepth} bits)")
    if config.ScalingList == 2:
        _require(config.ScalingListFile, "ScalingList=2 needs a ScalingListFile")


def _rate_control(config):
    """(HM) Settings that leave rate control something to do."""
    if not config.RateControl:
        return
    lowest = -6 * (config.InternalBitDepth - 8)
    _require(config.TargetBitrate > 0, "RateControl=1 needs a TargetBitrate above 0, in bits a second")
    _require(not config.PictureQP, "RateControl=1 finds the QPs itself: leave the QPFile out")
    _require(
        not config.CUTransquantBypassFlagForce,
        "RateControl=1 cannot steer lossless coding: leave CUTransquantBypassFlagForce out",
    )
    _require(
        config.InitialQP >= lowest,
        f"InitialQP={config.InitialQP} is outside {lowest}..51 ({config.InternalBitDepth} bits)",
    )
    _require(config.InitialQP or not config.RCForceIntraQP, "RCForceIntraQP=1 needs an InitialQP")
    if config.RCCpbSaturation:
        picture = float(config.TargetBitrate / config.FrameRate)
        _require(
            config.RCCpbSize >= 2 * picture,
            f"RCCpbSaturation=1 needs a RCCpbSize of two pictures' bits or more, {2 * picture:.0f} here",
        )


def _pcm_and_bypass(config):
    """(7.4.3.2.1) PCM block sizes; lossless blocks."""
    if config.PCMEnabledFlag:
        low, high = config.PCMLog2MinSize, config.PCMLog2MaxSize
        lowest, highest = min(config.log2_min_cb_size, 5), min(config.log2_ctb_size, 5)
        _require(lowest <= low <= highest, f"PCMLog2MinSize={low} is outside {lowest}..{highest}")
        _require(low <= high <= highest, f"PCMLog2MaxSize={high} is outside {low}..{highest}")
    _require(
        config.TransquantBypassEnable or not config.CUTransquantBypassFlagForce,
        "CUTransquantBypassFlagForce=1 needs TransquantBypassEnable=1",
    )


def _slices(config):
    if config.SliceMode:
        _require(config.SliceArgument > 0, f"SliceMode={config.SliceMode} needs a SliceArgument above 0")


def _tiles(config):
    """(7.4.3.3.1, A.3.2) Tile grids, and what the profiles forbid."""
    for what, number, given, in_ctbs in (
        ("Column", config.NumTileColumnsMinus1, config.TileColumnWidthArray, config.size_in_ctbs[0]),
        ("Row", config.NumTileRowsMinus1, config.TileRowHeightArray, config.size_in_ctbs[1]),
    ):
        _require(number < in_ctbs, f"NumTile{what}sMinus1={number}, but the picture has {in_ctbs} CTU {what.lower()}s")
        if number and not config.TileUniformSpacing:
            array = "TileColumnWidthArray" if what == "Column" else "TileRowHeightArray"
            _require(len(given) == number, f"{array} has {len(given)} entries, NumTile{what}sMinus1 is {number}")
            _require(
                min(given) > 0 and sum(given) < in_ctbs,
                f"{array} leaves nothing of {in_ctbs} CTU {what.lower()}s for the last tile",
            )
    if not (config.NumTileColumnsMinus1 or config.NumTileRowsMinus1) or config.Profile == "none":
        return
    _require(not config.WaveFrontSynchro, f"profile {config.Profile} forbids tiles and WaveFrontSynchro together")
    narrowest = min(config.tile_columns) * config.MaxCUWidth
    lowest = min(config.tile_rows) * config.MaxCUWidth
    _require(
        narrowest >= 256 and lowest >= 64,
        f"profile {config.Profile} wants tiles of at least 256x64, here {narrowest}x{lowest}: "
        "use fewer tiles or Profile=none",
    )


def _level(config):
    """(A.4) A level that was asked for must admit the format."""
    if config.Level in ("auto", "8.5"):
        return
    width, height = config.coded_size
    tiles = (config.NumTileColumnsMinus1 + 1, config.NumTileRowsMinus1 + 1)
    found = levels.faults(levels.by_name(config.Level), width, height, config.FrameRate, *tiles, config.Tier == "high")
    _require(not found, f"level {config.Level}: {'; '.join(found)}")


_RULES = (
    _size,
    _blocks,
    _depths,
    _profile,
    check_gop,
    _inter,
    _quantisation,
    _rate_control,
    _pcm_and_bypass,
    _slices,
    _tiles,
    _level,
)
