"""The golden cases: what is encoded how. A row of golden.csv for each.

A case is added here; `make golden-update` gives it its row. Every cfg file that pyenc ships comes in by itself, with
each preset; so do the CNN filters, with each place.
"""

import dataclasses
from pathlib import Path
from typing import NamedTuple

from cli import options
from codec.h265.config import EncoderConfig
from codec.h265.tools.chroma import tool as chroma
from codec.h265.tools.loop_filter import tool as loop_filter
from codec.h265.tools.output_filter import tool as output_filter
from tests.golden.clips import Clip


class Case(NamedTuple):
    """One stream.

    options   words for pyenc behind the clip, the cfg first; {folder} stands for the folder of SIDE_FILES
    pictures  how many are coded
    decoder   words for pydec; with some, its pictures need not be the encoder's reconstruction
    same_as   a case that must give the same row
    """

    options: str
    clip: Clip = Clip()
    pictures: int = 2
    decoder: str = ""
    same_as: str = ""


def _list_rows(name, side, slope):
    numbers = [16 + slope * (x + y) for y in range(side) for x in range(side)]
    return f"{name} = {', '.join(map(str, numbers))}\n"


def _lists():
    """A ScalingListFile in which every list differs from the next."""
    text = ""
    for index, size in enumerate(("4X4", "8X8", "16X16", "32X32")):
        for number, kind in enumerate(("INTRA", "INTER")):
            for c_idx, component in enumerate(("LUMA", "CHROMAU", "CHROMAV")[: 1 if size == "32X32" else 3]):
                name = f"{kind}{size}_{component}"
                text += _list_rows(name, 4 if index == 0 else 8, 1 + number + 2 * c_idx + index)
                if index > 1:
                    text += f"{name}_DC = {14 + c_idx}\n"
    return text


SIDE_FILES = {"qps.txt": "22 # first\n37 30\n45 27 33\n", "lists.txt": _lists()}

_CFG_FOLDER = Path(options.__file__).parent / "cfg"
PRESETS = next(f for f in dataclasses.fields(EncoderConfig) if f.name == "Preset").metadata["choices"]

TEN = Clip(depth=10)
SMALL = Clip(width=64, height=64)
GREY = Clip(chroma=False)
SCREEN, NOISE, RAMP, FADE = (Clip(kind) for kind in ("screen", "noise", "ramp", "fade"))

AI, AI10 = "encoder_intra_main.cfg", "encoder_intra_main10.cfg"
LDP, LDP10 = "encoder_lowdelay_P_main.cfg", "encoder_lowdelay_P_main10.cfg"
LDB, LDB10 = "encoder_lowdelay_main.cfg", "encoder_lowdelay_main10.cfg"
RA, RA10 = "encoder_randomaccess_main.cfg", "encoder_randomaccess_main10.cfg"

CTU16 = "--MaxCUWidth=16 --MaxCUHeight=16 --MaxPartitionDepth=2 --QuadtreeTULog2MaxSize=4"
CTU32 = "--MaxCUWidth=32 --MaxCUHeight=32 --MaxPartitionDepth=3"
TILES = "--Profile=none --NumTileColumnsMinus1=1 --NumTileRowsMinus1=1 --TileUniformSpacing=1"
LOSSLESS = "--TransquantBypassEnable=1 --CUTransquantBypassFlagForce=1"
COMPILED = "--CnnBackend=compiled"
_FIR = "--CnnInterpolation=fir --CnnInterpolationSlices=all"


def _of_the_cfg_files():
    """Every cfg x every preset."""
    for path in sorted(_CFG_FOLDER.glob("*.cfg")):
        structure = path.stem.removeprefix("encoder_")
        pictures = next((n for name, n in (("lowdelay", 5), ("random", 9)) if name in structure), 2)
        clip = TEN if structure.endswith("10") else Clip()
        words = path.name
        if "CnnLoopFilter" in path.read_text():
            pictures, words = 1, f"{words} {COMPILED} -q 37"
        for preset in PRESETS:
            yield f"cfg/{structure}/{preset}", Case(f"{words} --Preset={preset}", clip, pictures)


_LARGE = Clip(width=200, height=136)
_HALF_SIZE = (
    ("all_intra", AI, _LARGE),
    ("ten_bit", AI10, TEN),
    ("ctu32", f"{AI} {CTU32}", _LARGE),
    ("tiles", f"{AI} {TILES}", _LARGE),
    ("ranked_modes", f"{AI} --CnnMpm=light", _LARGE),
    ("low_delay", f"{LDP} --CnnChroma=lm {COMPILED} --CnnLoopFilter=lop", _LARGE),
)


def _of_the_cnn_tools():
    """Each filter in each place; those whose nets are not installed end with exit code 7."""
    for name in loop_filter.ARCHITECTURES:
        for place in loop_filter.PLACES:
            words = f"{AI} -q 37 {COMPILED} --CnnLoopFilter={name} --CnnLoopFilterPlace={place}"
            yield f"cnn/{name}/{place}", Case(words, pictures=1)
    for cfg, pictures in (("intra_main", 2), ("lowdelay_P_main", 4), ("randomaccess_main", 5)):
        yield f"cnn_chroma/{cfg}", Case(f"encoder_{cfg}.cfg --CnnChroma=lm", pictures=pictures)
    for models in chroma.MODELS:
        yield f"cnn_chroma/{models}", Case(f"{AI} --CnnChroma=lm --ChromaModels={models} -q 27", pictures=1)
    yield "cnn_chroma/ten_bit", Case(f"{AI10} --CnnChroma=lm", TEN, 1)
    for cfg, pictures in (("intra_main", 2), ("randomaccess_main", 5)):
        yield f"cnn_chroma_net/{cfg}", Case(f"encoder_{cfg}.cfg --CnnChroma=net", pictures=pictures)
    yield "cnn_chroma_net/ten_bit", Case(f"{AI10} --CnnChroma=net", TEN, 1)
    for name, words, clip in _HALF_SIZE:
        yield f"cnn_intra_sr/{name}", Case(f"{words} --CnnIntraSr=dctif -q 42", clip, 2)
    yield "cnn_intra_sr/net", Case(f"{AI} --CnnIntraSr=dlsr -q 37 {COMPILED}", _LARGE, 2)
    for cfg, pictures in (("intra_main", 2), ("lowdelay_P_main", 4), ("randomaccess_main", 5)):
        yield f"cnn_mpm/{cfg}", Case(f"encoder_{cfg}.cfg --CnnMpm=light -q 27", pictures=pictures)
    yield "cnn_mpm/ten_bit", Case(f"{AI10} --CnnMpm=light", TEN, 1)
    yield "cnn_mpm/lossless", Case(f"{AI} --CnnMpm=light {LOSSLESS}", SMALL, 1)
    for name in output_filter.ARCHITECTURES:
        yield f"cnn_output/{name}", Case(f"{AI} -q 37 {COMPILED} --CnnOutputFilter={name}", pictures=1)


_LOP = f"-q 37 {COMPILED} --CnnLoopFilter=lop"
_OUTPUT = f"-q 37 {COMPILED} --CnnOutputFilter=cnnif_xs"

_CASES = {
    # blocks and sizes
    "size/2x2": Case(AI, Clip(width=2, height=2)),
    "size/8x8": Case(LDP, Clip(width=8, height=8), 3),
    "size/66x50": Case(AI, Clip(width=66, height=50)),
    "size/66x50_low_delay": Case(LDB, Clip(width=66, height=50), 4),
    "size/10x130": Case(RA, Clip(width=10, height=130), 5),
    "size/130x70_ctu16": Case(f"{LDP} {CTU16}", Clip(width=130, height=70), 3),
    "size/grey_67x51": Case(f"{AI} --Profile=auto", Clip(width=67, height=51, chroma=False)),
    "blocks/ctu16": Case(f"{AI} {CTU16}"),
    "blocks/ctu32": Case(f"{RA} {CTU32}", pictures=5),
    "blocks/smallest_32": Case(f"{LDB} --MaxPartitionDepth=2", pictures=3),
    "blocks/largest_transform_16": Case(f"{AI} --QuadtreeTULog2MaxSize=4"),
    "blocks/smallest_transform_8": Case(f"{AI} --QuadtreeTULog2MinSize=3 --MaxPartitionDepth=3 --TransformSkip=0"),
    "blocks/residual_depth_1": Case(f"{LDP} --QuadtreeTUMaxDepthInter=1 --QuadtreeTUMaxDepthIntra=1", pictures=3),
    "blocks/residual_depth_4": Case(f"{LDP} --QuadtreeTUMaxDepthInter=4 --QuadtreeTUMaxDepthIntra=4", pictures=3),
    # formats
    "format/ten_bit": Case(AI10, TEN),
    "format/ten_bit_of_8": Case(f"{LDB10} --InternalBitDepth=10", pictures=4),
    "format/ten_bit_as_8": Case(f"{LDB10} --InternalBitDepth=8 --OutputBitDepth=8", TEN, 3),
    "format/ten_bit_shown_as_8": Case(AI10, TEN, decoder="-d 8"),
    "format/nine_bit": Case(AI10, Clip(depth=9)),
    "format/of_sixteen_bit": Case(f"{AI10} --InternalBitDepth=10 --OutputBitDepth=16", Clip(depth=16), decoder="-d 16"),
    "format/monochrome": Case(f"{AI} --Profile=auto", GREY),
    "format/monochrome_low_delay": Case(f"{LDB} --Profile=auto", GREY, 4),
    "format/monochrome_of_colour": Case(f"{AI} --Profile=auto --ChromaFormatIDC=400", same_as="format/monochrome"),
    "format/monochrome_ten_bit": Case(f"{AI10} --Profile=auto", Clip(depth=10, chroma=False)),
    "format/still_picture": Case(f"{AI} --Profile=main-still-picture", pictures=1),
    # content
    **{f"content/{clip.kind}_intra": Case(AI, clip) for clip in (SCREEN, NOISE, RAMP)},
    **{f"content/{clip.kind}_low_delay": Case(LDP, clip, 4) for clip in (SCREEN, NOISE, RAMP)},
    **{f"content/{clip.kind}_random_access": Case(RA, clip, 5) for clip in (SCREEN, NOISE, RAMP, FADE)},
    # quantisation
    **{f"qp/intra_{qp}": Case(f"{AI} -q {qp}") for qp in (0, 12, 22, 27, 37, 45, 51)},
    **{f"qp/random_access_{qp}": Case(f"{RA} -q {qp}", pictures=5) for qp in (4, 22, 37, 50)},
    "qp/ten_bit_minus_12": Case(f"{AI10} -q -12", TEN),
    "qp/per_picture": Case(f"{LDP} --QPFile={{folder}}/qps.txt", pictures=6),
    "qp/chroma_offsets": Case(f"{LDP} --CbQpOffset=5 --CrQpOffset=-4", pictures=3),
    "qp/adaptive": Case(f"{AI} --AdaptiveQP=1 --MaxCuDQPDepth=2"),
    "qp/adaptive_low_delay": Case(f"{LDB} --AdaptiveQP=1 --MaxCuDQPDepth=1 --MaxQPAdaptationRange=12", pictures=3),
    "qp/delta": Case(f"{AI} --MaxDeltaQP=2 --MaxCuDQPDepth=1", pictures=1),
    "qp/adaptive_and_delta": Case(f"{LDP} --AdaptiveQP=1 --MaxDeltaQP=1 --MaxCuDQPDepth=3 -q 24"),
    "qp/lambda_modifiers": Case(
        f"{RA} --LambdaModifier0=0.8 --LambdaModifier2=1.3 --LambdaModifierI=0.9 --IQPFactor=0.5", pictures=5
    ),
    "quant/no_rdoq": Case(f"{LDP} --RDOQ=0 --RDOQTS=0 --SignHideFlag=0", pictures=3),
    "quant/no_rdoq_signs_hidden": Case(f"{AI} --RDOQ=0"),
    "quant/no_rdoqts_signs_hidden": Case(f"{LDP} --RDOQTS=0 -q 24", SCREEN, 3),
    "quant/no_sign_hiding": Case(f"{AI} --SignHideFlag=0"),
    "quant/default_lists": Case(f"{LDB} --ScalingList=1 -q 22", pictures=3),
    "quant/default_lists_ten_bit": Case(f"{AI10} --ScalingList=1", TEN),
    "quant/lists_of_a_file": Case(f"{LDP} --ScalingList=2 --ScalingListFile={{folder}}/lists.txt", pictures=3),
    # tools
    "tools/no_transform_skip": Case(f"{AI} --TransformSkip=0", SCREEN),
    "tools/full_transform_skip": Case(f"{AI} --TransformSkipFast=0 -q 22", SCREEN),
    "tools/full_transform_skip_low_delay": Case(f"{LDP} --TransformSkipFast=0 -q 22", SCREEN, 3),
    "tools/no_strong_smoothing": Case(f"{AI} --StrongIntraSmoothing=0 -q 40", RAMP),
    "tools/strong_smoothing": Case(f"{AI} -q 40", RAMP),
    "tools/constrained_intra": Case(f"{LDP} --ConstrainedIntraPred=1 -q 22", pictures=4),
    "tools/constrained_intra_noise": Case(f"{RA} --ConstrainedIntraPred=1", NOISE, 5),
    "tools/pcm": Case(f"{AI} --PCMEnabledFlag=1 -q 1", NOISE, 1),
    "tools/pcm_small_unfiltered": Case(f"{LDP} --PCMEnabledFlag=1 --PCMFilterDisableFlag=1 --PCMLog2MaxSize=3 -q 2"),
    "tools/pcm_ten_bit": Case(f"{AI10} --PCMEnabledFlag=1 --PCMInputBitDepthFlag=0 -q -6", TEN, 1),
    "tools/lossless": Case(f"{AI} {LOSSLESS}"),
    "tools/lossless_low_delay": Case(f"{LDB} {LOSSLESS}", SCREEN, 3),
    "tools/lossless_ten_bit": Case(f"{LDP10} {LOSSLESS}", TEN),
    "tools/lossless_units": Case(f"{LDP} --TransquantBypassEnable=1 -q 2"),
    # loop filters
    "filters/no_deblocking": Case(f"{LDP} --LoopFilterDisable=1", pictures=4),
    "filters/no_sao": Case(f"{LDP} --SAO=0", pictures=4),
    "filters/none": Case(f"{RA} --LoopFilterDisable=1 --SAO=0", pictures=5),
    "filters/offsets": Case(f"{AI} --LoopFilterBetaOffset_div2=3 --LoopFilterTcOffset_div2=-2 -q 40"),
    "filters/offsets_in_slices": Case(
        f"{LDB} --LoopFilterOffsetInPPS=0 --LoopFilterBetaOffset_div2=-4 --LoopFilterTcOffset_div2=5", pictures=3
    ),
    # slices, tiles, wavefronts
    "slices/by_ctus": Case(f"{AI} --SliceMode=1 --SliceArgument=3 {CTU32}"),
    "slices/by_ctus_low_delay": Case(f"{LDB} --SliceMode=1 --SliceArgument=5 {CTU32}", pictures=4),
    "slices/by_bytes": Case(f"{AI} --SliceMode=2 --SliceArgument=300 {CTU32}"),
    "slices/by_bytes_low_delay": Case(f"{LDP} --SliceMode=2 --SliceArgument=150 {CTU32}", pictures=4),
    "slices/no_filter_across": Case(f"{LDP} --SliceMode=1 --SliceArgument=2 --LFCrossSliceBoundaryFlag=0", pictures=3),
    "tiles/uniform": Case(f"{AI} {TILES}"),
    "tiles/uniform_random_access": Case(f"{RA} {TILES}", pictures=5),
    "tiles/uneven_no_filter_across": Case(
        f"{LDP} --Profile=none --NumTileColumnsMinus1=2 --TileColumnWidthArray=3,2 --NumTileRowsMinus1=1 "
        f"--TileRowHeightArray=2 --LFCrossTileBoundaryFlag=0 {CTU16}",
        pictures=3,
    ),
    "tiles/and_slices": Case(f"{AI} --SliceMode=1 --SliceArgument=5 {TILES} {CTU16}"),
    "tiles/and_wavefronts": Case(f"{LDP} --WaveFrontSynchro=1 {TILES} {CTU16}", pictures=3),
    "wavefront/intra": Case(f"{AI} --WaveFrontSynchro=1 {CTU16}"),
    "wavefront/low_delay": Case(f"{LDB} --WaveFrontSynchro=1 {CTU32}", pictures=4),
    "wavefront/and_slices": Case(f"{AI} --WaveFrontSynchro=1 --SliceMode=1 --SliceArgument=7 {CTU16}"),
    "wavefront/one_column": Case(f"{AI} --WaveFrontSynchro=1", Clip(width=48, height=130)),
    # what threads and processes must not change
    "threads/intra_1": Case(AI, pictures=4),
    "threads/intra_2": Case(f"{AI} --threads=2", pictures=4, decoder="--threads=2", same_as="threads/intra_1"),
    "threads/intra_3": Case(f"{AI} --threads=3", pictures=4, decoder="--threads=3", same_as="threads/intra_1"),
    "threads/low_delay_1": Case(f"{LDP} {CTU32}", pictures=6),
    "threads/low_delay_2": Case(f"{LDP} {CTU32} --threads=2", pictures=6, same_as="threads/low_delay_1"),
    "threads/random_access_1": Case(f"{RA} --Preset=faster", pictures=17),
    "threads/random_access_2": Case(
        f"{RA} --Preset=faster --threads=2", pictures=17, decoder="--threads=2", same_as="threads/random_access_1"
    ),
    "threads/wavefront_2": Case(f"{AI} --WaveFrontSynchro=1 {CTU16} --threads=2", same_as="wavefront/intra"),
    "threads/slices_by_bytes_2": Case(
        f"{AI} --SliceMode=2 --SliceArgument=300 {CTU32} --threads=2", same_as="slices/by_bytes"
    ),
    "segments/intra_1": Case(f"{AI} -q 30", pictures=5),
    "segments/intra_2": Case(f"{AI} -q 30 --jobs=2", pictures=5, same_as="segments/intra_1"),
    "segments/low_delay_1": Case(f"{LDP} --IntraPeriod=4 --DecodingRefreshType=2", pictures=9),
    "segments/low_delay_2": Case(
        f"{LDP} --IntraPeriod=4 --DecodingRefreshType=2 --jobs=2", pictures=9, same_as="segments/low_delay_1"
    ),
    # coding structures
    "structure/idr": Case(f"{AI} --DecodingRefreshType=2", pictures=3),
    "structure/plain_intra_pictures": Case(f"{AI} --DecodingRefreshType=0 --ReWriteParamSetsFlag=0", pictures=3),
    "structure/random_access_cra": Case(f"{RA} --IntraPeriod=16", SMALL, 20),
    "structure/random_access_idr": Case(f"{RA} --IntraPeriod=16 --DecodingRefreshType=2", SMALL, 20),
    "structure/recovery_points": Case(f"{RA} --IntraPeriod=16 --DecodingRefreshType=3", SMALL, 20),
    "structure/temporal_filter": Case(
        f"{RA} --TemporalFilter=1 --TemporalFilterFutureReference=1 --TemporalFilterStrengthFrame4=0.95", NOISE, 9
    ),
    "structure/lower_layers": Case(RA, pictures=9, decoder="--MaxTemporalLayer=2"),
    "structure/pictures_left_out": Case(f"{LDP} --FrameSkip=2", pictures=2),
    # inter prediction
    "inter/full_search": Case(f"{LDP} --MotionSearch=full --SearchRange=8", pictures=3),
    "inter/three_steps": Case(f"{LDP} --MotionSearch=tss", pictures=3),
    "inter/diamond": Case(f"{RA} --MotionSearch=diamond", pictures=5),
    "inter/sad_only": Case(f"{LDB} --HadamardME=0 --FEN=3", pictures=3),
    "inter/no_asymmetric_partitions": Case(f"{LDB} --AMP=0", NOISE, 3),
    "inter/no_temporal_vectors": Case(f"{RA} --TMVPMode=0", pictures=5),
    "inter/one_merge_candidate": Case(f"{LDB} --MaxNumMergeCand=1", pictures=4),
    "inter/parallel_merge": Case(f"{LDB} --Log2ParallelMergeLevel=4", NOISE, 4),
    "inter/early_ends": Case(f"{LDB} --ECU=1 --CFM=1 --ESD=1 --FDM=0", pictures=5),
    "inter/no_intra_units": Case(f"{LDP} --DisableIntraInInter=1", pictures=3),
    "inter/wide_search": Case(f"{LDP} --SearchRange=16 --BipredSearchRange=2 --ASR=0", NOISE, 4),
    "weights/p_fade": Case(f"{LDP} --WeightedPredP=1", FADE, 6),
    "weights/p_fade_ten_bit": Case(f"{LDP10} --WeightedPredP=1", Clip("fade", depth=10), 4),
    "weights/b_fade": Case(f"{LDB} --WeightedPredP=1 --WeightedPredB=1", FADE, 6),
    "weights/b_fade_random_access": Case(f"{RA} --WeightedPredB=1", FADE, 9),
    "weights/monochrome": Case(f"{LDP} --WeightedPredP=1 --Profile=auto", Clip("fade", chroma=False), 4),
    "weights/nothing_fades": Case(f"{LDB} --WeightedPredB=1", pictures=4),
    # rate control
    "rate/intra": Case(f"{AI} --RateControl=1 --TargetBitrate=400000", pictures=5),
    "rate/low_delay": Case(f"{LDP} --RateControl=1 --TargetBitrate=100000", pictures=9),
    "rate/random_access": Case(f"{RA} --RateControl=1 --TargetBitrate=100000", pictures=9),
    "rate/pictures_only": Case(f"{LDB} --RateControl=1 --TargetBitrate=100000 --LCULevelRateControl=0", pictures=6),
    "rate/one_model": Case(
        f"{LDP} --RateControl=1 --TargetBitrate=120000 --RCLCUSeparateModel=0 --KeepHierarchicalBit=1", pictures=6
    ),
    "rate/buffer": Case(
        f"{LDP} --RateControl=1 --TargetBitrate=90000 --RCCpbSaturation=1 --RCCpbSize=30000 --InitialQP=30", pictures=6
    ),
    "rate/adaptive_slices": Case(
        f"{LDB} --RateControl=1 --TargetBitrate=150000 --SliceMode=2 --SliceArgument=400 --AdaptiveQP=1", pictures=4
    ),
    # headers
    **{f"headers/hash_{kind}": Case(f"{LDP} --SEIDecodedPictureHash={kind}") for kind in (0, 1, 2, 3)},
    "headers/hash_3_ten_bit": Case(f"{AI10} --SEIDecodedPictureHash=3", TEN),
    "headers/delimiters": Case(f"{LDP} --AccessUnitDelimiter=1", pictures=3),
    "headers/level_and_tier": Case(f"{AI} --Level=5.1 --Tier=high"),
    "headers/vui": Case(
        f"{AI} --VuiParametersPresent=1 --AspectRatioInfoPresent=1 --AspectRatioIdc=255 --SarWidth=4 --SarHeight=3 "
        "--VideoSignalTypePresent=1 --VideoFullRange=1 --ColourDescriptionPresent=1 --MatrixCoefficients=6 "
        "--ChromaLocInfoPresent=1 --ChromaSampleLocTypeTopField=2"
    ),
    # CNN tools elsewhere
    "cnn/lop_low_delay": Case(f"{LDP} {_LOP}", pictures=4),
    "cnn/lop_random_access": Case(f"{RA} {_LOP} --CnnLoopFilterPlace=before", pictures=5),
    "cnn/lop_ten_bit": Case(f"{AI10} {_LOP}", TEN, 1),
    "cnn/lop_monochrome": Case(f"{AI} --Profile=auto {_LOP}", GREY, 1),
    "cnn/lop_odd_size": Case(f"{AI} {_LOP} {CTU16}", Clip(width=66, height=50), 1),
    "cnn/lop_slices": Case(f"{AI} {_LOP} --SliceMode=1 --SliceArgument=5 {CTU32}", pictures=1),
    "cnn/lop_tiles_lossless_units": Case(f"{AI} {_LOP} {TILES} --TransquantBypassEnable=1", pictures=1),
    "cnn/lop_low_delay_2_threads": Case(f"{LDP} {_LOP} --threads=2", pictures=4, same_as="cnn/lop_low_delay"),
    "cnn_interpolation/low_delay_p": Case(f"{LDP} {_FIR}", pictures=4),
    "cnn_interpolation/low_delay_b_ten_bit": Case(f"{LDB10} {_FIR}", TEN, 4),
    "cnn_interpolation/random_access": Case(f"{RA} {_FIR} --CnnLoopFilter=lop --CnnChroma=lm", pictures=5),
    "cnn_interpolation/slices_odd_size": Case(
        f"{LDP} {_FIR} {CTU16} --SliceMode=1 --SliceArgument=7", Clip(width=66, height=50), 3
    ),
    "cnn_interpolation/weights_slower": Case(f"{LDP} {_FIR} --WeightedPredP=1 --Preset=slower", FADE, 3),
    "cnn_interpolation/2_threads": Case(
        f"{LDP} {_FIR} --threads=2", pictures=4, same_as="cnn_interpolation/low_delay_p"
    ),
    "cnn_output/behind_the_loop_filter": Case(f"{LDP} {_OUTPUT} --CnnLoopFilter=lop", pictures=3),
    "cnn_output/ten_bit": Case(f"{AI10} {_OUTPUT}", TEN, 1),
    "cnn_output/odd_size": Case(f"{AI} {_OUTPUT}", Clip(width=66, height=50), 1),
}

# so small that plain Python can make them (tests/plain), and such that every kernel runs in one of them
_PLAIN = {
    "intra": Case(AI, Clip(width=40, height=24), 1),
    "strong_smoothing": Case(f"{AI} -q 40", Clip("ramp", 32, 32), 1),
    "transform_skip": Case(f"{AI} --Preset=slower {CTU16} -q 22", Clip("screen", 16, 16), 1),
    "pcm_and_lossless": Case(
        f"{AI} {CTU16} --PCMEnabledFlag=1 --PCMLog2MaxSize=4 --TransquantBypassEnable=1 -q 1", Clip("noise", 16, 16), 1
    ),
    "lossless": Case(f"{AI} {CTU16} {LOSSLESS}", Clip("screen", 16, 16), 1),
    "slices_by_bytes": Case(f"{AI} {CTU16} --SliceMode=2 --SliceArgument=60", Clip(width=32, height=16), 1),
    "delta_qp": Case(f"{AI} {CTU16} --MaxDeltaQP=1 --MaxCuDQPDepth=1", Clip(width=16, height=16), 1),
    "low_delay_b": Case(f"{LDB} {CTU32} --Preset=faster", Clip("noise", 32, 24), 3),
    "p_weights": Case(f"{LDP} {CTU16} --WeightedPredP=1", Clip("fade", 32, 32), 3),
    "b_weights": Case(f"{LDB} {CTU16} --WeightedPredB=1", Clip("fade", 32, 16), 3),
    "random_access_ten_bit": Case(f"{RA10} --Preset=faster", Clip(width=24, height=24, depth=10), 3),
    "lists_no_rdoq": Case(f"{LDP} {CTU16} --ScalingList=1 --RDOQ=0 --RDOQTS=0 --SignHideFlag=0", Clip("noise", 16, 16)),
    "full_search": Case(
        f"{LDP} {CTU16} --MotionSearch=full --SearchRange=2 --ConstrainedIntraPred=1", Clip("noise", 24, 16)
    ),
    "three_steps_sad": Case(f"{LDP} {CTU16} --MotionSearch=tss --HadamardME=0 --RDOQ=0", Clip("noise", 16, 16)),
    "temporal_filter": Case(
        f"{AI} {CTU16} --TemporalFilter=1 --TemporalFilterStrengthFrame1=0.95 -q 40", Clip("noise", 16, 16)
    ),
    "chroma_from_luma": Case(f"{AI} {CTU16} --CnnChroma=lm", Clip(width=24, height=16), 1),
    "intra_sr": Case(f"{AI} {CTU32} --CnnIntraSr=dctif --CnnMpm=light -q 50", Clip(width=72, height=40), 1),
    "interpolation": Case(f"{LDP} {CTU16} {_FIR}", Clip("noise", 16, 16), 3),
    "modes": Case(f"{AI} {CTU16} --CnnMpm=light", Clip("noise", 24, 16), 1),
    "modes_lossless": Case(f"{AI} {CTU16} --CnnMpm=light {LOSSLESS}", Clip("noise", 16, 16), 1),
    "diamond": Case(f"{LDP} {CTU16} --MotionSearch=diamond", Clip("noise", 16, 16)),
}
_CASES.update((f"plain/{name}", case) for name, case in _PLAIN.items())

CASES = dict(sorted([*_of_the_cfg_files(), *_of_the_cnn_tools(), *_CASES.items()]))
