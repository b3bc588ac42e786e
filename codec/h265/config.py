"""What an encoder or decoder is asked to do: plain values, checked once.

Field names are HM's. Each field carries the range of its values, so that the command line's option table, its help
text and :func:`validated` cannot disagree. Nothing here knows files or options: the cli turns what a person typed into
one of these, and a program can build one directly.
"""

import dataclasses
import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

from codec.base.errors import UsageError
from codec.base.io.aspect import sample_aspect
from codec.base.setting import choice, number
from codec.h265 import levels
from codec.h265.config_rules import check_rules
from codec.h265.tools.registry import TOOLS

PROFILES = ("auto", "none", "main", "main10", "main-still-picture", "monochrome", "monochrome10")
LEVELS = ("auto", *(level.name for level in levels.LEVELS), "8.5")
HASH_NONE, HASH_MD5, HASH_CRC, HASH_CHECKSUM = range(4)
SCALING_OFF, SCALING_DEFAULT, SCALING_FILE = range(3)
MOTION_SEARCHES = ("auto", "tz", "full", "tss", "diamond")
SLICES_OFF, SLICES_BY_CTUS, SLICES_BY_BYTES = range(3)
BITS_EQUAL, BITS_FIXED, BITS_ADAPTIVE = range(3)
CNN_BACKENDS = ("auto", "torch", "compiled")
CNN_DEVICES = ("cpu", "cuda")


# N of the keys TemporalFilterStrengthFrameN
FILTER_PERIODS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class GopEntry:
    """One `FrameN:` row of a GOP: how a picture of the group is typed, offset and predicted (reference/HM.md)."""

    slice_type: str
    poc: int
    qp_offset: int
    qp_offset_model_off: float
    qp_offset_model_scale: float
    cb_qp_offset: int
    cr_qp_offset: int
    qp_factor: float
    tc_offset_div2: int
    beta_offset_div2: int
    temporal_id: int
    num_ref_pics_active: int
    reference_pictures: tuple[int, ...]
    inter_rps_prediction: int = 0
    delta_rps: int = 0
    reference_idcs: tuple[int, ...] = ()


@dataclass(frozen=True)
class EncoderConfig(*(tool.Options for tool in TOOLS)):
    """Settings of one encoding; pass it through :func:`validated` before use. Defaults: HM's encoder_intra_main.cfg."""

    # source: the pictures handed to the encoder have this size, and samples of InternalBitDepth bits
    SourceWidth: int = number(0, 0, 16888)
    SourceHeight: int = number(0, 0, 16888)
    FrameRate: Fraction = number(Fraction(30), Fraction(1, 1000), Fraction(1000))
    InputBitDepth: int = number(8, 8, 16)
    InternalBitDepth: int = choice(0, 0, 8, 9, 10)  # 0: InputBitDepth
    ChromaFormatIDC: int = choice(420, 400, 420)
    ConformanceWindowMode: int = choice(1, 0, 1)  # 1: pad to whole minimum coding blocks and crop on output

    # stream
    Profile: str = choice("auto", *PROFILES)
    Level: str = choice("auto", *LEVELS)
    Tier: str = choice("main", "main", "high")
    SEIDecodedPictureHash: int = choice(HASH_MD5, 0, 1, 2, 3)
    AccessUnitDelimiter: bool = False
    ReWriteParamSetsFlag: bool = True
    VuiParametersPresent: bool = False
    AspectRatioInfoPresent: bool = False
    AspectRatioIdc: int = number(0, 0, 255)
    SarWidth: int = number(0, 0, 65535)
    SarHeight: int = number(0, 0, 65535)
    VideoSignalTypePresent: bool = False
    VideoFormat: int = number(5, 0, 7)
    VideoFullRange: bool = False
    ColourDescriptionPresent: bool = False
    ColourPrimaries: int = number(2, 0, 255)
    TransferCharacteristics: int = number(2, 0, 255)
    MatrixCoefficients: int = number(2, 0, 255)
    ChromaLocInfoPresent: bool = False
    ChromaSampleLocTypeTopField: int = number(0, 0, 5)
    ChromaSampleLocTypeBottomField: int = number(0, 0, 5)

    # blocks
    MaxCUWidth: int = choice(64, 16, 32, 64)
    MaxCUHeight: int = choice(64, 16, 32, 64)
    MaxPartitionDepth: int = number(4, 1, 4)
    QuadtreeTULog2MaxSize: int = number(5, 2, 5)
    QuadtreeTULog2MinSize: int = number(2, 2, 5)
    QuadtreeTUMaxDepthIntra: int = number(3, 1, 5)
    QuadtreeTUMaxDepthInter: int = number(3, 1, 5)

    # coding structure
    IntraPeriod: int = number(1, -1, 1 << 16)
    DecodingRefreshType: int = choice(1, 0, 1, 2, 3)
    GOPSize: int = number(1, 1, 64)
    GOP: tuple[GopEntry, ...] = ()

    # temporal filter of the source
    TemporalFilter: bool = False
    TemporalFilterFutureReference: bool = True
    TemporalFilterStrengthFrame1: float = number(0.0, 0.0, 10.0)  # of all pictures
    TemporalFilterStrengthFrame2: float = number(0.0, 0.0, 10.0)  # of pictures 0, 2, 4, ...
    TemporalFilterStrengthFrame4: float = number(0.0, 0.0, 10.0)
    TemporalFilterStrengthFrame8: float = number(0.0, 0.0, 10.0)
    TemporalFilterStrengthFrame16: float = number(0.0, 0.0, 10.0)
    TemporalFilterStrengthFrame32: float = number(0.0, 0.0, 10.0)
    TemporalFilterStrengthFrame64: float = number(0.0, 0.0, 10.0)

    # quantisation
    QP: int = number(32, -12, 51)
    IntraQPOffset: int = number(0, -51, 51)
    CbQpOffset: int = number(0, -12, 12)
    CrQpOffset: int = number(0, -12, 12)
    MaxDeltaQP: int = number(0, 0, 7)
    MaxCuDQPDepth: int = number(0, 0, 3)
    AdaptiveQP: bool = False
    MaxQPAdaptationRange: int = number(6, 1, 24)
    PictureQP: tuple[int, ...] = ()  # QP of picture 0, 1, ...; pictures beyond it use QP
    RDOQ: bool = True
    RDOQTS: bool = True
    SignHideFlag: bool = True
    ScalingList: int = choice(SCALING_OFF, 0, 1, 2)
    ScalingListFile: str = ""
    LambdaFromQpEnable: bool = False
    IQPFactor: float = number(-1.0, -1.0, 100.0)  # below 0: HM's rule
    LambdaModifierI: tuple[float, ...] = ()
    LambdaModifier0: float = number(1.0, 0.001, 1000.0)
    LambdaModifier1: float = number(1.0, 0.001, 1000.0)
    LambdaModifier2: float = number(1.0, 0.001, 1000.0)
    LambdaModifier3: float = number(1.0, 0.001, 1000.0)
    LambdaModifier4: float = number(1.0, 0.001, 1000.0)
    LambdaModifier5: float = number(1.0, 0.001, 1000.0)
    LambdaModifier6: float = number(1.0, 0.001, 1000.0)

    # rate control: bits a second in place of QP
    RateControl: bool = False
    TargetBitrate: int = number(0, 0, 1 << 40)
    FramesToBeEncoded: int = number(0, 0, 1 << 31)  # how many pictures will come; 0: not known
    KeepHierarchicalBit: int = choice(BITS_ADAPTIVE, 0, 1, 2)
    LCULevelRateControl: bool = True
    RCLCUSeparateModel: bool = True
    InitialQP: int = number(0, -12, 51)  # 0: found by the model
    RCForceIntraQP: bool = False
    RCCpbSaturation: bool = False
    RCCpbSize: int = number(0, 0, 1 << 40)
    RCInitialCpbFullness: float = number(0.9, 0.0, 1.0)

    # inter prediction
    MotionSearch: str = choice("auto", *MOTION_SEARCHES)
    FastSearch: int = choice(1, 0, 1, 2, 3)
    SearchRange: int = number(96, 0, 1 << 15)
    BipredSearchRange: int = number(4, 0, 256)
    MinSearchWindow: int = number(8, 0, 1 << 15)
    ASR: bool = False
    HadamardME: bool = True
    FEN: int = choice(1, 0, 1, 2, 3)
    FDM: bool = True
    ECU: bool = False
    CFM: bool = False
    ESD: bool = False
    DisableIntraInInter: bool = False
    TMVPMode: int = choice(1, 0, 1)
    MaxNumMergeCand: int = number(5, 1, 5)
    Log2ParallelMergeLevel: int = number(2, 2, 6)
    WeightedPredP: bool = False
    WeightedPredB: bool = False

    # tools
    Preset: str = choice("default", "faster", "default", "slower")
    TransformSkip: bool = True
    TransformSkipFast: bool = True
    StrongIntraSmoothing: bool = True
    ConstrainedIntraPred: bool = False
    AMP: bool = True
    PCMEnabledFlag: bool = False
    PCMLog2MaxSize: int = number(5, 3, 5)
    PCMLog2MinSize: int = number(3, 3, 5)
    PCMInputBitDepthFlag: bool = True
    PCMFilterDisableFlag: bool = False
    TransquantBypassEnable: bool = False
    CUTransquantBypassFlagForce: bool = False

    # loop filters
    LoopFilterDisable: bool = False
    LoopFilterOffsetInPPS: bool = True
    LoopFilterBetaOffset_div2: int = number(0, -6, 6)
    LoopFilterTcOffset_div2: int = number(0, -6, 6)
    SAO: bool = True

    # CNN tools (docs/TOOLS.md): what all share; their own settings are inherited
    WeightsDir: str = ""  # "": the nets that come with pyenc
    CnnBackend: str = choice("auto", *CNN_BACKENDS)  # auto: compiled on the processor; the stream is the same
    CnnDevice: str = choice("cpu", *CNN_DEVICES)

    # slices, tiles, wavefront
    SliceMode: int = choice(SLICES_OFF, 0, 1, 2)
    SliceArgument: int = number(1500, 0, 1 << 30)
    LFCrossSliceBoundaryFlag: bool = True
    TileUniformSpacing: bool = False
    NumTileColumnsMinus1: int = number(0, 0, 19)
    TileColumnWidthArray: tuple[int, ...] = ()
    NumTileRowsMinus1: int = number(0, 0, 21)
    TileRowHeightArray: tuple[int, ...] = ()
    LFCrossTileBoundaryFlag: bool = True
    WaveFrontSynchro: bool = False

    Threads: int = number(0, 0, 256)  # 0: as many as the machine has; the stream is the same for every number
    BlockStatistics: bool = False  # every picture tells what was chosen for its blocks

    @property
    def uses_cnn_tools(self):
        """Whether the stream needs more than H.265."""
        return any(tool.is_on(self) for tool in TOOLS)

    @property
    def sample_aspect(self):
        """(E.3.1) Width of a sample over its height, as the VUI tells it; None where it does not."""
        if not (self.VuiParametersPresent and self.AspectRatioInfoPresent):
            return None
        return sample_aspect(self.AspectRatioIdc, self.SarWidth, self.SarHeight)

    @property
    def controls_ctus(self):
        """Whether rate control sets the QP of CTUs."""
        return self.RateControl and self.LCULevelRateControl

    @property
    def temporal_filter_strengths(self):
        """((N, strength of pictures 0, N, 2 N, ...), ...) of those that are above 0, N ascending."""
        strengths = ((n, getattr(self, f"TemporalFilterStrengthFrame{n}")) for n in FILTER_PERIODS)
        return tuple((n, strength) for n, strength in strengths if strength > 0)

    @property
    def log2_ctb_size(self):
        """(7-10) CtbLog2SizeY."""
        return self.MaxCUWidth.bit_length() - 1

    @property
    def log2_min_cb_size(self):
        """(7-10) MinCbLog2SizeY."""
        return self.log2_ctb_size - self.MaxPartitionDepth + 1

    @property
    def chroma_format_idc(self):
        """(6.2, table 6-1) 0 for 4:0:0, 1 for 4:2:0."""
        return 0 if self.ChromaFormatIDC == 400 else 1

    @property
    def coded_size(self):
        """(7.4.3.2.1) (width, height) in luma samples, padded to whole minimum coding blocks."""
        mask = (1 << self.log2_min_cb_size) - 1
        return (self.SourceWidth + mask) & ~mask, (self.SourceHeight + mask) & ~mask

    @property
    def size_in_ctbs(self):
        """(7-15, 7-17) (PicWidthInCtbsY, PicHeightInCtbsY)."""
        round_up = self.MaxCUWidth - 1
        return tuple((size + round_up) >> self.log2_ctb_size for size in self.coded_size)

    @property
    def tile_columns(self):
        """(6-3) colWidth: widths of the tile columns in CTBs."""
        return _tile_sizes(
            self.size_in_ctbs[0], self.NumTileColumnsMinus1 + 1, self.TileUniformSpacing, self.TileColumnWidthArray
        )

    @property
    def tile_rows(self):
        """(6-4) rowHeight: heights of the tile rows in CTBs."""
        return _tile_sizes(
            self.size_in_ctbs[1], self.NumTileRowsMinus1 + 1, self.TileUniformSpacing, self.TileRowHeightArray
        )

    def picture_qp(self, index, entry=None):
        """SliceQpY of picture number `index` (display order): its entry of PictureQP, else by HM's rule.

        entry  the GOP row of a P or B picture; an I picture has none, and takes QP + IntraQPOffset
        """
        if index < len(self.PictureQP):
            return self.PictureQP[index]
        if entry is None:
            qp = self.QP + self.IntraQPOffset
        else:
            qp = self.QP + entry.qp_offset
            qp += math.floor(max(0.0, min(3.0, qp * entry.qp_offset_model_scale + entry.qp_offset_model_off + 0.5)))
        lowest = -6 * (self.InternalBitDepth - 8)
        return max(lowest, min(51, qp))


@dataclass(frozen=True)
class DecoderConfig:
    """Settings of one decoding."""

    SEIDecodedPictureHash: bool = True  # compare every picture with its hash SEI
    WeightsDir: str = ""  # "": the nets that come with pyenc
    CnnBackend: str = choice("auto", *CNN_BACKENDS)
    CnnDevice: str = choice("cpu", *CNN_DEVICES)
    MaxTemporalLayer: int = number(-1, -1, 6)  # highest TemporalId that is decoded; -1: all
    Threads: int = number(0, 0, 256)
    BlockStatistics: bool = False  # every picture tells what was chosen for its blocks


def _tile_sizes(size_in_ctbs, count, uniform, given):
    if uniform:
        edges = [i * size_in_ctbs // count for i in range(count + 1)]
        return tuple(b - a for a, b in itertools.pairwise(edges))
    widths = tuple(given[: count - 1])
    return widths + (size_in_ctbs - sum(widths),)


def _check_field(config, spec):
    value = getattr(config, spec.name)
    wanted = type(spec.default)
    if wanted in (int, bool) and not isinstance(value, int):
        raise UsageError(f"{spec.name}={value!r} is not a whole number")
    if wanted is bool and value not in (0, 1):
        raise UsageError(f"{spec.name}={value} is not 0 or 1")
    if "choices" in spec.metadata and value not in spec.metadata["choices"]:
        raise UsageError(f"{spec.name}={value} is not one of {', '.join(map(str, spec.metadata['choices']))}")
    if "range" in spec.metadata:
        low, high = spec.metadata["range"]
        if not low <= value <= high:
            raise UsageError(f"{spec.name}={value} is outside {low}..{high}")


def validated(config):
    """The config with every "automatic" value filled in, or UsageError that names the field and the rule it breaks.

    Filled in: InternalBitDepth 0, Profile "auto", MotionSearch "auto", what follows from tools that are on; Level
    "auto" stays, because codec.h265.levels chooses it from size and GOP.
    """
    for spec in dataclasses.fields(config):
        _check_field(config, spec)
    if isinstance(config, DecoderConfig):
        return config
    if config.InternalBitDepth == 0:
        if config.InputBitDepth > 10:
            raise UsageError(f"InputBitDepth={config.InputBitDepth} needs an InternalBitDepth: 8, 9 or 10")
        config = dataclasses.replace(config, InternalBitDepth=config.InputBitDepth)
    if config.Profile == "auto":
        config = dataclasses.replace(config, Profile=_automatic_profile(config))
    if config.MotionSearch == "auto":
        config = dataclasses.replace(config, MotionSearch="tz" if config.FastSearch else "full")
    tools = [tool for tool in TOOLS if tool.is_on(config)]
    for tool in tools:
        config = tool.adjusted(config)
    check_rules(config)
    for tool in tools:
        tool.check(config)
    return config


def _automatic_profile(config):
    base = "monochrome" if config.ChromaFormatIDC == 400 else "main"
    return base if config.InternalBitDepth == 8 else base + "10"
