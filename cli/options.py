"""THE option table of pyenc and pydec: the parser, --help and docs/OPTIONS.md are made from it.

Options that set something in the codec take type, default and range from the field of that name in codec.h265.config.
"""

import dataclasses

from cli.option import NEUTRAL, SPEED, Option
from codec.h265.config import FILTER_PERIODS, DecoderConfig, EncoderConfig
from codec.h265.tools.registry import TOOLS

_DEPTHS = (0, *range(8, 17))
_GOP_ROWS = range(1, 65)
_JOBS = (0, 1024)
_KINDS = {int: "int", bool: "flag", float: "float", str: "choice", tuple: "ints"}


def _coded(config_class):
    """A row maker for options that are fields of `config_class`."""
    specs = {spec.name: spec for spec in dataclasses.fields(config_class)}

    def row(name, help_text, short="", aliases="", field="", kind=""):
        spec = specs[field or name]
        kind = kind or _KINDS.get(type(spec.default), "rate")
        if kind == "choice" and "choices" not in spec.metadata:
            kind = "text"
        return Option(
            name,
            kind,
            spec.default,
            help_text,
            short=tuple(short.split()),
            bounds=spec.metadata.get("range"),
            choices=spec.metadata.get("choices"),
            field=spec.name,
            aliases=tuple(aliases.split()),
        )

    return row


def _own(name, kind, default, help_text, short="", **values):
    return Option(name, kind, default, help_text, short=tuple(short.split()), **values)


def _group(title, *rows):
    flat = []
    for row in rows:
        flat.extend(row if isinstance(row, list) else [row])
    return [dataclasses.replace(row, group=title) for row in flat]


def _family(status, kind, default, names, help_text="", neutral=()):
    """Rows that differ in their names only; "Name/short" gives a short flag."""
    rows = []
    for entry in names.split():
        name, _, short = entry.partition("/")
        rows.append(
            Option(
                name,
                kind,
                default,
                help_text,
                short=(short,) if short else (),
                status=status,
                neutral=(neutral or (default,)) if status == NEUTRAL else (),
            )
        )
    return rows


_enc = _coded(EncoderConfig)
_dec = _coded(DecoderConfig)

_COMMON = _group(
    "Program",
    _own("debug", "flag", False, "Show the traceback of an internal error."),
    _own("warm-up", "flag", False, "Compile all kernels, then end: later runs start at once."),
    _own("version", "flag", False, "Print the version, then end."),
    _own("help", "flag", False, "Print this help, then end."),
)

_ENCODER_FILES = _group(
    "Files",
    _own(
        "ConfigFile", "file", "", "A cfg file; may be given several times, later settings win over earlier ones.", "c"
    ),
    _own("InputFile", "file", "", "Source: raw .yuv, .y4m, an image or a numbered sequence (x%03d.png), or - .", "i"),
    _own("BitstreamFile", "file", "", "The bitstream. When -b names it, -o is the reconstruction, as in HM.", "b"),
    _own("Output", "file", "", "The bitstream; with -b, the reconstruction. - is standard output.", "o"),
    _own("ReconFile", "file", "", "The reconstruction: .yuv, .y4m, or .png (of several pictures: x%03d.png).", "r"),
    _own(
        "Codec",
        "choice",
        "h265",
        "h265, or a learned codec of images (docs/LEARNED.md), of which QP is the quality, 1 to 6.",
        choices=("h265", "learned-factorized", "learned-hyperprior"),
    ),
    _own("json", "file", "", "Write what the report says, and every picture's figures, as JSON."),
    _own("csv", "file", "", "Write one row of figures a picture."),
    _own("TraceFile", "file", "", "Write what was chosen for every block, as YUView's statistics CSV."),
    _own("QPFile", "file", "", "QPs of all coded pictures, in display order, white space between; # comments."),
    _family(NEUTRAL, "text", "", "InputPathPrefix/ipp dQPFile/m SummaryOutFilename SummaryPicFilenameBase"),
    _family(SPEED, "int", 0, "SummaryVerboseness"),
)

_SOURCE = _group(
    "Source pictures",
    _enc("SourceWidth", "Width; otherwise from a y4m header or a name such as clip_416x240_30.yuv.", "wdt"),
    _enc("SourceHeight", "Height; likewise.", "hgt"),
    _enc("FrameRate", "Pictures a second; likewise, else 30.", "fr"),
    _own("FrameSkip", "int", 0, "Pictures of the source to leave out at its start.", "fs", bounds=(0, 1 << 31)),
    _enc("FramesToBeEncoded", "Pictures to code; 0: all.", "f"),
    _enc("InputBitDepth", "Bits of a source sample; above 8 in 16-bit little-endian words."),
    _enc("InternalBitDepth", "Bits of a coded sample; 0: InputBitDepth."),
    _own("OutputBitDepth", "int", 0, "Bits of a reconstruction sample; 0: InternalBitDepth.", "d", choices=_DEPTHS),
    _own("InputChromaFormat", "int", 420, "Format of the source: 420 or 400.", choices=(400, 420)),
    _own("ChromaFormatIDC", "int", 0, "Format that is coded; 0: that of the source.", "cf", choices=(0, 400, 420)),
    _own("InputColour", "choice", "bt709", "Matrix for stills, limited range.", choices=("bt601", "bt709")),
    _enc("ConformanceWindowMode", "1: pad to whole coding blocks and crop on output; 0: refuse other sizes."),
    _own("MSBExtendedBitDepth", "int", 0, "Must equal InputBitDepth; 0: does.", choices=_DEPTHS),
    _own("MSBExtendedBitDepthC", "int", 0, "Must equal InputBitDepth; 0: does.", choices=_DEPTHS),
    _own("InputBitDepthC", "int", 0, "Must equal InputBitDepth; 0: does.", choices=_DEPTHS),
    _own("InternalBitDepthC", "int", 0, "Must equal InternalBitDepth; 0: does.", choices=_DEPTHS),
    _own("OutputBitDepthC", "int", 0, "Must equal OutputBitDepth; 0: does.", choices=_DEPTHS),
    _family(NEUTRAL, "int", 1, "TemporalSubsampleRatio/ts"),
    _family(NEUTRAL, "int", 0, "HorizontalPadding/pdx VerticalPadding/pdy"),
    _family(NEUTRAL, "int", 0, "ConfWinLeft ConfWinRight ConfWinTop ConfWinBottom"),
    _family(NEUTRAL, "flag", False, "FieldCoding FieldCoding2 EfficientFieldIRAPEnabled Isfieldcoding"),
    _family(SPEED, "flag", True, "TopFieldFirst/Tff HarmonizeGopFirstFieldCoupleEnabled", "Field coding only."),
    _family(NEUTRAL, "flag", False, "ClipInputVideoToRec709Range ClipOutputVideoToRec709Range"),
    _family(NEUTRAL, "text", "", "InputColourSpaceConvert SNRInternalColourSpace", neutral=("", "UNCHANGED", "0")),
    _family(SPEED, "flag", True, "OutputInternalColourSpace"),
)

_STREAM = _group(
    "Stream",
    _enc("Profile", "auto takes main, main10 or monochrome from the format; none drops the profiles' limits."),
    _enc("Level", "auto (or none) takes the lowest that admits size, rate and tiles."),
    _enc("Tier", "main or high."),
    _enc(
        "SEIDecodedPictureHash",
        "Hash of every picture in the stream: 0 none, 1 MD5, 2 CRC, 3 checksum. (HM's default is 0.)",
    ),
    _enc("AccessUnitDelimiter", "Begin every picture with an access unit delimiter."),
    _enc("ReWriteParamSetsFlag", "Repeat the parameter sets before every random access picture."),
    _enc("VuiParametersPresent", "Write VUI parameters.", "vui"),
    _enc("AspectRatioInfoPresent", "VUI: sample aspect ratio is present."),
    _enc("AspectRatioIdc", "VUI: aspect_ratio_idc; 255: SarWidth:SarHeight."),
    _enc("SarWidth", "VUI: sar_width."),
    _enc("SarHeight", "VUI: sar_height."),
    _enc("VideoSignalTypePresent", "VUI: video signal type is present."),
    _enc("VideoFormat", "VUI: video_format."),
    _enc("VideoFullRange", "VUI: video_full_range_flag."),
    _enc("ColourDescriptionPresent", "VUI: colour description is present."),
    _enc("ColourPrimaries", "VUI: colour_primaries."),
    _enc("TransferCharacteristics", "VUI: transfer_characteristics."),
    _enc("MatrixCoefficients", "VUI: matrix_coeffs."),
    _enc("ChromaLocInfoPresent", "VUI: chroma sample location is present."),
    _enc("ChromaSampleLocTypeTopField", "VUI: chroma_sample_loc_type_top_field."),
    _enc("ChromaSampleLocTypeBottomField", "VUI: chroma_sample_loc_type_bottom_field."),
    _family(NEUTRAL, "flag", False, "OverscanInfoPresent NeutralChromaIndication DefaultDisplayWindowFlag"),
    _family(NEUTRAL, "flag", False, "FrameFieldInfoPresentFlag PocProportionalToTimingFlag BitstreamRestriction"),
    _family(SPEED, "flag", False, "OverscanAppropriate TilesFixedStructure MotionVectorsOverPicBoundaries"),
    _family(SPEED, "int", 0, "DefDispWinLeftOffset DefDispWinRightOffset DefDispWinTopOffset DefDispWinBottomOffset"),
    _family(SPEED, "int", 0, "NumTicksPocDiffOneMinus1 MaxBytesPerPicDenom MaxBitsPerMinCuDenom"),
    _family(SPEED, "int", 15, "Log2MaxMvLengthHorizontal Log2MaxMvLengthVertical"),
    _family(SPEED, "flag", False, "ProgressiveSource InterlacedSource NonPackedSource FrameOnly"),
    _family(SPEED, "int", 0, "MaxBitDepthConstraint MaxChromaFormatConstraint", "For profiles that are not coded."),
    _family(SPEED, "flag", False, "IntraConstraintFlag OnePictureOnlyConstraintFlag LowerBitRateConstraintFlag"),
    _family(SPEED, "flag", True, "CabacZeroWordPaddingEnabled"),
    _family(
        NEUTRAL,
        "int",
        0,
        "SEIActiveParameterSets SEIRecoveryPoint SEIBufferingPeriod SEIPictureTiming SEIToneMappingInfo "
        "SEIChromaResamplingFilterHint SEIFramePacking SEISegmentedRectFramePacking SEIDisplayOrientation "
        "SEITemporalLevel0Index SEIGradualDecodingRefreshInfo SEINoDisplay SEIDecodingUnitInfo SEISOPDescription "
        "SEIScalableNesting SEITempMotionConstrainedTileSets SEITimeCode SEIKneeFunctionInfo "
        "SEIMasteringDisplayColourVolume SEIPreferredTransferCharacterisics SEIGreenMetadataType",
        "SEI messages other than the picture hash are not written.",
    ),
    _family(NEUTRAL, "text", "", "SEIColourRemappingInfoFileRoot/cri"),
)

_BLOCKS = _group(
    "Blocks",
    _enc("MaxCUWidth", "Width of a coding tree unit."),
    _enc("MaxCUHeight", "Height of a coding tree unit: equal to the width."),
    _own("MaxCUSize", "int", 0, "Sets MaxCUWidth and MaxCUHeight.", "s", choices=(16, 32, 64)),
    _enc("MaxPartitionDepth", "Levels of the coding quadtree: the smallest block is MaxCUWidth >> (depth - 1).", "h"),
    _enc("QuadtreeTULog2MaxSize", "Largest transform, log2."),
    _enc("QuadtreeTULog2MinSize", "Smallest transform, log2."),
    _enc("QuadtreeTUMaxDepthIntra", "Levels of the residual quadtree in intra blocks."),
    _enc("QuadtreeTUMaxDepthInter", "Levels of the residual quadtree in inter blocks."),
)

_STRUCTURE = _group(
    "Coding structure",
    _enc("IntraPeriod", "Distance of intra pictures, a multiple of GOPSize; 1: all intra, -1: the first only.", "ip"),
    _enc(
        "DecodingRefreshType",
        "Intra pictures after the first: 0 plain, 1 CRA, 2 IDR, 3 plain with a recovery point SEI message.",
        "dr",
    ),
    _enc("GOPSize", "Pictures in a group: as many rows FrameN count. All intra: changes lambda alone.", "g"),
    _own(
        "Frame1",
        "gop",
        None,
        "A picture of the GOP, in coding order; Frame2 and on alike. Columns: type, POC, QP offset, QP offset model "
        "(offset, scale), Cb and Cr QP offset, QP factor, tc and beta offset / 2, temporal id, active references, "
        "number of references, references; then how HM predicts the set, which pyenc finds out itself.",
    ),
    [_own(f"Frame{i}", "gop", None, "See Frame1.") for i in _GOP_ROWS[1:]],
)

_TEMPORAL_FILTER = _group(
    "Temporal filter of the source",
    _enc("TemporalFilter", "Take noise out of pictures that others refer to, before they are coded (docs/INTER.md)."),
    _enc("TemporalFilterFutureReference", "By the pictures after them as well, else only by those before."),
    [
        _enc(f"TemporalFilterStrengthFrame{n}", f"How strongly {pictures} are filtered; the largest N counts.")
        for n, pictures in [(1, "all pictures"), *((n, f"pictures 0, {n}, {2 * n}, ...") for n in FILTER_PERIODS[1:])]
    ],
)

_QUANTISATION = _group(
    "Quantisation",
    _enc("QP", "Base QP; from -6 * (InternalBitDepth - 8) to 51.", "q"),
    _enc("IntraQPOffset", "Added to QP in intra pictures."),
    _enc("CbQpOffset", "QP offset of Cb.", "cbqpofs"),
    _enc("CrQpOffset", "QP offset of Cr.", "crqpofs"),
    _enc("MaxDeltaQP", "Largest QP step that is tried inside a picture. (HM's encoder calls it -d as well.)"),
    _enc("MaxCuDQPDepth", "Depth down to which QP may change.", "dqd"),
    _enc("AdaptiveQP", "QP by block activity.", "aq"),
    _enc("MaxQPAdaptationRange", "Largest QP change by activity.", "aqr"),
    _enc("RDOQ", "Rate-distortion optimised quantisation."),
    _enc("RDOQTS", "The same in transform skip blocks."),
    _enc("SignHideFlag", "Sign data hiding.", "SBH"),
    _enc("ScalingList", "0 flat, 1 default lists, 2 lists of ScalingListFile."),
    _enc("ScalingListFile", "Scaling lists in HM's format.", kind="file"),
    _family(NEUTRAL, "int", 0, "DeltaQpRD/dqr SliceCbQpOffsetIntraOrPeriodic SliceCrQpOffsetIntraOrPeriodic"),
    _enc("LambdaFromQpEnable", "Lambda from the QP alone, by one factor; else by each GOP row's factor."),
    _enc("IQPFactor", "Factor of lambda in intra pictures; below 0: by HM's rule.", "IQF"),
    _enc("LambdaModifierI", "Multiplies lambda in intra pictures; else LambdaModifier0 does.", "LMI", kind="floats"),
    [_enc(f"LambdaModifier{i}", f"Multiplies lambda in temporal layer {i}.", f"LM{i}") for i in range(7)],
    _family(NEUTRAL, "int", 0, "SliceChromaQPOffsetPeriodicity"),
    _family(SPEED, "int", 0, "RDpenalty", "Penalty for large transforms of intra blocks in inter pictures."),
    _family(NEUTRAL, "int", -1, "MaxCUChromaQpAdjustmentDepth"),
    _family(NEUTRAL, "flag", False, "AdaptiveQpSelection/aqps RecalculateQPAccordingToLambda WCGPPSEnable FastDeltaQP"),
    _family(NEUTRAL, "flag", False, "SelectiveRDOQ"),
    _family(NEUTRAL, "int", 0, "LumaLevelToDeltaQPMode"),
    _family(SPEED, "text", "", "LumaLevelToDeltaQPMappingLuma LumaLevelToDeltaQPMappingDQP"),
    _family(SPEED, "float", 1.0, "LumaLevelToDeltaQPMaxValWeight WCGPPSCbQpScale WCGPPSCrQpScale"),
    _family(SPEED, "float", 0.0, "WCGPPSChromaQpScale WCGPPSChromaQpOffset"),
    _family(NEUTRAL, "text", "", "QPIncrementFrame/qpif"),
)

_TOOLS = _group(
    "Tools",
    _enc("Preset", "How thorough the search is: faster, default, slower (docs/PERFORMANCE.md)."),
    _enc("TransformSkip", "4x4 blocks without transform."),
    _enc("TransformSkipFast", "Try them only where they are likely to gain."),
    _enc("StrongIntraSmoothing", "Bilinear smoothing of 32x32 reference samples.", "sis"),
    _enc("ConstrainedIntraPred", "Predict intra blocks from intra blocks only."),
    _enc("AMP", "Asymmetric motion partitions in inter pictures."),
    _enc("PCMEnabledFlag", "PCM blocks."),
    _enc("PCMLog2MaxSize", "Largest PCM block, log2."),
    _enc("PCMLog2MinSize", "Smallest PCM block, log2."),
    _enc("PCMInputBitDepthFlag", "PCM samples have InputBitDepth bits, else InternalBitDepth."),
    _enc("PCMFilterDisableFlag", "No loop filters on PCM samples."),
    _enc("TransquantBypassEnable", "Lossless coding units may be used.", aliases="TransquantBypassEnableFlag"),
    _enc("CUTransquantBypassFlagForce", "Make every coding unit lossless."),
    _family(NEUTRAL, "text", "lossy", "CostMode"),
    _family(NEUTRAL, "flag", True, "FastUDIUseMPMEnabled IntraReferenceSmoothing"),
    _family(NEUTRAL, "int", 2, "TransformSkipLog2MaxSize"),
    _family(
        NEUTRAL,
        "flag",
        False,
        "ExtendedPrecision HighPrecisionPredictionWeighting CrossComponentPrediction ImplicitResidualDPCM "
        "ExplicitResidualDPCM ResidualRotation SingleSignificanceMapContext GolombRiceParameterAdaptation "
        "AlignCABACBeforeBypass",
        "Range extensions are not coded.",
    ),
    _family(SPEED, "flag", False, "ReconBasedCrossCPredictionEstimate"),
)

_FILTERS = _group(
    "Loop filters",
    _enc("LoopFilterDisable", "No deblocking."),
    _enc("LoopFilterOffsetInPPS", "Deblocking offsets in the PPS, else in every slice."),
    _enc("LoopFilterBetaOffset_div2", "Deblocking beta offset / 2."),
    _enc("LoopFilterTcOffset_div2", "Deblocking tc offset / 2."),
    _enc("SAO", "Sample adaptive offset."),
    _family(NEUTRAL, "int", 0, "DeblockingFilterMetric SaoLumaOffsetBitShift SaoChromaOffsetBitShift"),
    _family(NEUTRAL, "flag", False, "SAOLcuBoundary TestSAODisableAtPictureLevel"),
    _family(SPEED, "float", 0.75, "SaoEncodingRate SaoEncodingRateChroma", "Early end of HM's SAO search."),
    _family(SPEED, "int", 2048, "MaxNumOffsetsPerPic"),
    _family(SPEED, "flag", False, "ResetEncoderStateAfterIRAP SAOResetEncoderStateAfterIRAP"),
)

_CNN = _group(
    "CNN tools",
    [_enc(spec.name, spec.metadata["help"]) for tool in TOOLS for spec in dataclasses.fields(tool.Options)],
    _enc("WeightsDir", "Folder of nets with their MANIFEST.json, in place of those that come with pyenc."),
    _enc("CnnBackend", "auto is compiled, on another CnnDevice torch; the stream is the same with each."),
    _enc("CnnDevice", "Where torch computes; the stream is the same."),
)

_SLICES = _group(
    "Slices, tiles, threads",
    _enc("SliceMode", "0 one slice a picture, 1 SliceArgument CTUs a slice, 2 at most SliceArgument bytes."),
    _enc("SliceArgument", "See SliceMode."),
    _family(NEUTRAL, "int", 0, "SliceSegmentMode", "Dependent slice segments are decoded, not written."),
    _family(SPEED, "int", 0, "SliceSegmentArgument"),
    _enc("LFCrossSliceBoundaryFlag", "Loop filters cross slice boundaries."),
    _enc("TileUniformSpacing", "Tiles of equal size.", aliases="UniformSpacingIdc"),
    _enc("NumTileColumnsMinus1", "Tile columns - 1."),
    _enc("TileColumnWidthArray", "Widths in CTUs of all tile columns but the last.", aliases="ColumnWidthArray"),
    _enc("NumTileRowsMinus1", "Tile rows - 1."),
    _enc("TileRowHeightArray", "Heights in CTUs of all tile rows but the last.", aliases="RowHeightArray"),
    _enc("LFCrossTileBoundaryFlag", "Loop filters cross tile boundaries."),
    _enc("WaveFrontSynchro", "Wavefront: contexts are carried from the row above, with entry points."),
    _enc("threads", "Threads; 0: as many as the machine has. The stream does not depend on it.", field="Threads"),
    _own("jobs", "int", 1, "Processes that code parts of the clip, cut at intra pictures; 0: all cores.", bounds=_JOBS),
    _own("scheduler", "text", "", "The same on a Dask cluster: tcp://HOST:PORT of its scheduler (docs/SCALE.md)."),
)

_INTER = _group(
    "Inter prediction",
    _enc("MotionSearch", "Search for whole-sample vectors; auto: full where FastSearch is 0, else tz."),
    _enc("FastSearch", "HM's choice: 0 full search, 1 to 3 TZ search. Of no effect when MotionSearch is given."),
    _enc("SearchRange", "Whole samples a search may go, each way.", "sr"),
    _enc("BipredSearchRange", "The same while one vector of two is refined."),
    _enc("ASR", "Search range by the distance of the reference picture."),
    _enc("MinSearchWindow", "Smallest range of ASR."),
    _enc("HadamardME", "Refine fractional vectors by SATD, else by SAD."),
    _enc("FEN", "Shorter motion search: 0 never, 1 to 3 HM's ways."),
    _enc("FDM", "Code only the likeliest merge candidates with a residual; 0: all of them."),
    _enc("ECU", "Do not split a coding unit that is skipped."),
    _enc("CFM", "Leave out partitions once the whole unit has no residual."),
    _enc("ESD", "Find skipped units before partitions are tried."),
    _enc("DisableIntraInInter", "No intra units in P and B pictures."),
    _enc("TMVPMode", "Temporal motion vector prediction: 0 off, 1 on. (HM's 2, on in some pictures, is refused.)"),
    _enc("MaxNumMergeCand", "Merge candidates."),
    _enc("Log2ParallelMergeLevel", "Merge estimation regions, log2 of their size."),
    _enc("WeightedPredP", "Weighted prediction in P pictures, for fades.", "wpP"),
    _enc("WeightedPredB", "Weighted prediction in B pictures.", "wpB"),
    _family(SPEED, "int", 1, "WeightedPredMethod/wpM", "HM's ways to find weights; pyenc has one of its own."),
    _family(SPEED, "flag", False, "RestrictMESampling ClipForBiPredMEEnabled", "Steers HM's search."),
    _family(SPEED, "flag", True, "FastMEAssumingSmootherMVEnabled FastMEForGenBLowDelayEnabled", "Steers HM's search."),
    _family(SPEED, "flag", True, "UseBLambdaForNonKeyLowDelayPictures", "Steers HM's search."),
)

_RATE_CONTROL = _group(
    "Rate control",
    _enc("RateControl", "Keep to TargetBitrate in place of QP (docs/RATE_CONTROL.md)."),
    _enc("TargetBitrate", "Bits a second."),
    _enc("KeepHierarchicalBit", "Bits of the GOP's pictures: 0 equal, 1 in a fixed proportion, 2 by what was learnt."),
    _enc("LCULevelRateControl", "Steer the QP of CTUs as well."),
    _enc("RCLCUSeparateModel", "Every CTU learns for itself, else its picture does."),
    _enc("InitialQP", "QP of the first picture; 0: from its detail and the rate."),
    _enc("RCForceIntraQP", "InitialQP in all intra pictures."),
    _enc("RCCpbSaturation", "Keep the decoder's buffer from running empty or over."),
    _enc("RCCpbSize", "Bits that buffer holds."),
    _enc("RCInitialCpbFullness", "Share of it that is full at the start."),
)

_REPORT = _group(
    "HM's report switches",
    _family(NEUTRAL, "flag", False, "PrintMSSSIM PrintFrameMSE PrintSequenceMSE PrintHexPSNR MSEBasedSequencePSNR"),
    _family(NEUTRAL, "flag", False, "xPSNREnableFlag"),
    _family(SPEED, "float", 0.0, "xPSNRYWeight xPSNRCbWeight xPSNRCrWeight"),
    _family(SPEED, "flag", False, "WarnUnknowParameter/w", "An unknown key is always an error."),
)

_DECODER_FILES = _group(
    "Files",
    _own("BitstreamFile", "file", "", "The bitstream, or - .", "b i", aliases=("InputFile",)),
    _own(
        "ReconFile",
        "file",
        "",
        "Decoded pictures: .yuv, .y4m, .png (of several: x%03d.png), or - .",
        "o r",
        aliases=("Output",),
    ),
    _own("json", "file", "", "Write what the report says as JSON."),
    _own("csv", "file", "", "Write one row a picture."),
    _own("TraceFile", "file", "", "Write what was chosen for every block, as YUView's statistics CSV."),
)

_DECODING = _group(
    "Decoding",
    _own("OutputBitDepth", "int", 0, "Bits of a written sample; 0: as decoded.", "d", choices=_DEPTHS),
    _own("OutputBitDepthC", "int", 0, "The same for chroma; 0: OutputBitDepth.", choices=_DEPTHS),
    _own("FrameRate", "rate", None, "Rate for a .y4m whose stream tells none.", "fr"),
    _own("WeaveFields", "flag", False, "Write two fields as one frame, as HM does; 0: each as a picture."),
    _dec("SEIDecodedPictureHash", "Compare every picture with its hash; a difference ends in exit code 5."),
    _dec("WeightsDir", "Folder of nets with their MANIFEST.json, in place of those that come with pyenc."),
    _dec("CnnBackend", "auto is compiled, on another CnnDevice torch; the pictures are the same with each."),
    _dec("CnnDevice", "Where torch computes; the pictures are the same."),
    _dec("MaxTemporalLayer", "Highest temporal layer to decode; -1: all.", "t"),
    _dec("threads", "Threads; 0: as many as the machine has.", field="Threads"),
    _family(NEUTRAL, "int", 0, "SkipFrames/s RespectDefDispWindow/w SEINoDisplay"),
    _family(NEUTRAL, "flag", False, "ClipOutputVideoToRec709Range"),
    _family(NEUTRAL, "text", "", "OutputColourSpaceConvert TarDecLayerIdSetFile/l", neutral=("", "UNCHANGED", "0")),
    _family(SPEED, "text", "", "OutputDecodedSEIMessagesFilename"),
)

ENCODER_OPTIONS = tuple(
    _ENCODER_FILES
    + _SOURCE
    + _STREAM
    + _BLOCKS
    + _STRUCTURE
    + _TEMPORAL_FILTER
    + _QUANTISATION
    + _TOOLS
    + _FILTERS
    + _CNN
    + _SLICES
    + _INTER
    + _RATE_CONTROL
    + _REPORT
    + _COMMON
)
DECODER_OPTIONS = tuple(_DECODER_FILES + _DECODING + _COMMON)
