"""`make fuzz-settings`: random sets of options over the whole table; every stream is what the encoder meant.

Run: python -m tests.fuzz.settings [--count N] [--first SEED] [--workers N]
     python -m tests.fuzz.settings --seed SEED      one case again: its command, and how it ends

A case is a seed: it makes a small clip and a command line. The clip is coded; the pictures of the stream in pydec, in
another process, and in FFmpeg and libde265 where the stream is plain H.265, must be the encoder's reconstruction. Sets
that contradict themselves are refused in one line (exit code 2, 6 or 8) and drawn again.
"""

import argparse
import contextlib
import hashlib
import io
import os
import shlex
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cli import encoder_job, pydec, pyenc
from cli.options import ENCODER_OPTIONS
from cli.settings import parse_command_line
from codec.base.errors import CodecError
from codec.base.io import files
from codec.base.kernels.warm import warm_up
from codec.h265.tools.loop_filter.tool import ARCHITECTURES
from nets.weights import manifest
from tests.conformance import foreign
from tests.fuzz.workers import Tally, run_cases

CODED, ALONE = "coded", "coded_but_in_{}"
TIME_LIMIT = 120.0
_TRIES = 50
_REFUSED = {2, 6, 8}
_PLAIN = (
    "encoder_intra_main", "encoder_intra_main10", "encoder_lowdelay_P_main", "encoder_lowdelay_P_main10",
    "encoder_lowdelay_main", "encoder_lowdelay_main10", "encoder_randomaccess_main", "encoder_randomaccess_main10",
)  # fmt: skip
_FILTERED = "encoder_intra_lop"
# options that a set of its own draws, or that name files and say nothing of the stream
_NOT_ALONE = set(
    "SourceWidth SourceHeight FrameRate FramesToBeEncoded InputBitDepth ChromaFormatIDC PictureQP ScalingList "
    "ScalingListFile RateControl TargetBitrate KeepHierarchicalBit LCULevelRateControl RCLCUSeparateModel InitialQP "
    "RCForceIntraQP RCCpbSaturation RCCpbSize RCInitialCpbFullness CnnLoopFilter CnnLoopFilterPlace CnnLoopFilterNets "
    "CnnChromaNet CnnMpmNet CnnIntraSr CnnIntraSrNet IntraSrCtus IntraSrQPOffset "
    "CnnInterpolation CnnInterpolationSlices CnnInterpolationBank "
    "CnnOutputFilter CnnOutputFilterNets WeightsDir CnnBackend CnnDevice SliceMode SliceArgument TileUniformSpacing "
    "NumTileColumnsMinus1 TileColumnWidthArray NumTileRowsMinus1 TileRowHeightArray MaxCUWidth MaxCUHeight "
    "MaxPartitionDepth QuadtreeTULog2MaxSize QuadtreeTULog2MinSize QuadtreeTUMaxDepthIntra QuadtreeTUMaxDepthInter "
    "PCMEnabledFlag PCMLog2MaxSize PCMLog2MinSize TransquantBypassEnable CUTransquantBypassFlagForce GOPSize "
    "IntraPeriod Level Tier Profile QP LambdaModifierI threads MaxCuDQPDepth ConformanceWindowMode".split()
)
_VUI = {
    "AspectRatioInfoPresent": {"AspectRatioIdc": 255, "SarWidth": 65535, "SarHeight": 65535},
    "VideoSignalTypePresent": {
        "VideoFormat": 7, "VideoFullRange": 1, "ColourDescriptionPresent": 1, "ColourPrimaries": 255,
        "TransferCharacteristics": 255, "MatrixCoefficients": 255,
    },
    "ChromaLocInfoPresent": {"ChromaSampleLocTypeTopField": 5, "ChromaSampleLocTypeBottomField": 5},
}  # fmt: skip
_NOT_ALONE |= {"VuiParametersPresent", *_VUI, *(name for names in _VUI.values() for name in names)}
_ALONE = [option for option in ENCODER_OPTIONS if option.field and option.name not in _NOT_ALONE]
# numbers whose range is wider than what a small picture can tell apart
_WIDEST = {"SearchRange": 80, "BipredSearchRange": 16, "MinSearchWindow": 96, "MaxDeltaQP": 2}


class Clip(NamedTuple):
    """The source of a case: `bits` of a sample, above 8 in 16-bit words."""

    width: int
    height: int
    pictures: int
    bits: int
    mono: bool
    texture: int

    @property
    def name(self):
        """As pyenc reads size and rate from it."""
        return f"clip_{self.width}x{self.height}_25.yuv"


class Case(NamedTuple):
    """A clip, and the words of the command line but for the files."""

    clip: Clip
    words: list


# --- what is drawn --------------------------------------------------------------------------------------------------


def draw(seed, attempt=0):
    """The Case of a seed; `attempt` counts the sets before it that contradict themselves."""
    rng = np.random.default_rng([seed, attempt])
    clip = _clip(rng)
    # one in twelve is coded by a cfg file with a CNN filter in it, which is slow
    cfg = _FILTERED if rng.random() < 1 / 12 else str(rng.choice(_PLAIN))
    words = ["-c", f"{cfg}.cfg", f"--InputBitDepth={clip.bits}", f"--threads={rng.integers(1, 4)}"]
    # most cfg files say how many bits are coded: sometimes they are not those of the clip
    words += [f"--InternalBitDepth={rng.choice([8, 9, 10])}", "--Profile=auto"]
    if clip.mono:
        words += ["--InputChromaFormat=400"]
    words += [f"-q{rng.integers(-12 if rng.random() < 0.1 else 0, 52)}"]
    for group in _GROUPS:
        if rng.random() < 0.25:
            words += group(rng, clip, cfg)
    for option in rng.permutation(len(_ALONE))[: rng.integers(0, 9)]:
        words += [_value(rng, _ALONE[option])]
    return Case(clip, words)


def _clip(rng):
    width, height = 2 * int(rng.integers(4, 101)), 2 * int(rng.integers(4, 66))
    bits = int(rng.choice([8, 8, 8, 10, 12]))
    return Clip(width, height, int(rng.integers(1, 7)), bits, bool(rng.random() < 0.15), int(rng.integers(5)))


def _value(rng, option):
    """--Option=value anywhere in its range, ends included."""
    if option.kind == "flag":
        return f"--{option.name}={rng.integers(2)}"
    if option.choices:
        return f"--{option.name}={rng.choice([str(choice) for choice in option.choices])}"
    low, high = option.bounds
    high = min(high, _WIDEST.get(option.name, high))
    if option.kind == "float":
        return f"--{option.name}={np.exp(rng.uniform(-1, 1)):.3f}"
    return f"--{option.name}={rng.choice([low, high, rng.integers(low, high + 1)])}"


def _blocks(rng, clip, cfg):
    log2_ctb = int(rng.integers(4, 7))
    depth = int(rng.integers(1, log2_ctb - 1))
    low = int(rng.integers(2, min(5, log2_ctb - depth) + 1))
    high = int(rng.integers(low, min(5, log2_ctb) + 1))
    levels = [int(rng.integers(1, log2_ctb - low + 2)) for _ in range(2)]
    return [f"--MaxCUSize={1 << log2_ctb}", f"--MaxPartitionDepth={depth}", f"--QuadtreeTULog2MinSize={low}",
            f"--QuadtreeTULog2MaxSize={high}", f"--QuadtreeTUMaxDepthIntra={levels[0]}",
            f"--QuadtreeTUMaxDepthInter={levels[1]}", f"--MaxCuDQPDepth={rng.integers(0, depth)}"]  # fmt: skip


def _residual(rng, clip, cfg):
    """What decides levels, all together."""
    names = "RDOQ RDOQTS SignHideFlag TransformSkip TransformSkipFast".split()
    return [f"--{name}={rng.integers(2)}" for name in names] + [f"--QuadtreeTUMaxDepthInter={rng.integers(1, 4)}"]


def _scaling(rng, clip, cfg):
    return ["--ScalingList=1"]


def _bit_rate(rng, clip, cfg):
    words = ["--RateControl=1", f"--TargetBitrate={rng.integers(1000, 400000)}"]
    words += [f"--KeepHierarchicalBit={rng.integers(3)}", f"--LCULevelRateControl={rng.integers(2)}"]
    return words + [f"--RCLCUSeparateModel={rng.integers(2)}"]


def _qp_inside(rng, clip, cfg):
    return [f"--MaxDeltaQP={rng.integers(3)}", f"--MaxCuDQPDepth={rng.integers(3)}", f"--AdaptiveQP={rng.integers(2)}"]


def _pcm(rng, clip, cfg):
    low = int(rng.integers(3, 6))
    return ["--PCMEnabledFlag=1", f"--PCMLog2MinSize={low}", f"--PCMLog2MaxSize={rng.integers(low, 6)}",
            f"--PCMInputBitDepthFlag={rng.integers(2)}", f"--PCMFilterDisableFlag={rng.integers(2)}",
            "--QuadtreeTULog2MaxSize=5", f"-q{rng.integers(0, 12)}"]  # fmt: skip


def _lossless(rng, clip, cfg):
    return ["--TransquantBypassEnable=1", f"--CUTransquantBypassFlagForce={rng.integers(2)}"]


def _slices(rng, clip, cfg):
    if rng.random() < 0.5:
        return ["--SliceMode=1", f"--SliceArgument={rng.integers(1, 8)}"]
    return ["--SliceMode=2", f"--SliceArgument={rng.integers(100, 1500)}"]


def _tiles(rng, clip, cfg):
    columns, rows = (int(rng.integers(0, 1 + min(3, (side - 1) // 16))) for side in (clip.width, clip.height))
    words = ["--MaxCUSize=16", "--MaxPartitionDepth=2", "--QuadtreeTULog2MaxSize=4", "--TileUniformSpacing=1"]
    words += [f"--NumTileColumnsMinus1={columns}", f"--NumTileRowsMinus1={rows}", "--Profile=none"]
    return words + [f"--WaveFrontSynchro={rng.integers(2)}", f"--LFCrossTileBoundaryFlag={rng.integers(2)}"]


def _intra_period(rng, clip, cfg):
    size = 16 if "randomaccess" in cfg else 4 if "lowdelay" in cfg else 1
    return [f"--IntraPeriod={rng.choice([-1, size, 2 * size])}"] if size > 1 else []


def _temporal_filter(rng, clip, cfg):
    strengths = [f"--TemporalFilterStrengthFrame{n}={rng.uniform(0, 3):.2f}" for n in (1, 2, 4) if rng.random() < 0.6]
    return ["--TemporalFilter=1", f"--TemporalFilterFutureReference={rng.integers(2)}", *strengths]


def _cnn_filter(rng, clip, cfg):
    nets = [entry for entry in manifest() if entry.architecture in ARCHITECTURES]
    net = nets[int(rng.integers(len(nets)))]
    places = ["instead", "before"] if net.placement == "reconstructed" else ["after", "before"]
    return [f"--CnnLoopFilter={net.architecture}", f"--CnnLoopFilterNets={net.name}",
            f"--CnnLoopFilterPlace={rng.choice(places)}", "--CnnBackend=compiled"]  # fmt: skip


def _cnn_output(rng, clip, cfg):
    return [] if clip.mono else ["--CnnOutputFilter=cnnif_xs", "--CnnBackend=compiled"]


def _cnn_chroma(rng, clip, cfg):
    if clip.mono:
        return []
    if rng.random() < 0.5:
        return ["--CnnChroma=net"]
    return ["--CnnChroma=lm", f"--ChromaModels={rng.choice(['lm', 'all'])}"]


def _cnn_interpolation(rng, clip, cfg):
    return ["--CnnInterpolation=fir", f"--CnnInterpolationSlices={rng.choice(['p', 'all'])}"]


def _cnn_intra_sr(rng, clip, cfg):
    words = [f"--CnnIntraSr={rng.choice(['dctif', 'dlsr'])}", f"--IntraSrQPOffset={rng.integers(-12, 1)}"]
    return [*words, f"--IntraSrCtus={rng.choice(['best', 'all'])}", "--CnnBackend=compiled"]


def _cnn_mpm(rng, clip, cfg):
    return ["--CnnMpm=light"]


def _vui(rng, clip, cfg):
    words = ["--VuiParametersPresent=1"]
    for flag, names in _VUI.items():
        if rng.random() < 0.5:
            words += [f"--{name}={rng.integers(0, high + 1)}" for name, high in names.items()] + [f"--{flag}=1"]
    return words


_GROUPS = (
    _blocks, _residual, _scaling, _bit_rate, _qp_inside, _pcm, _lossless, _slices, _tiles, _intra_period,
    _temporal_filter, _cnn_filter, _cnn_output, _cnn_chroma, _cnn_interpolation, _cnn_intra_sr, _cnn_mpm, _vui,
)  # fmt: skip


def write_clip(clip, path):
    """Moving texture of one of five kinds, from flat to noise that fills the range."""
    rng = np.random.default_rng([clip.width, clip.height, clip.texture])
    top = (1 << clip.bits) - 1
    y, x = np.indices((clip.height + 16, clip.width + 16))
    noise = rng.random((clip.height + 16, clip.width + 16))
    canvas = (
        np.full(noise.shape, 0.5),
        0.5 + 0.3 * np.sin(x / 9) * np.cos(y / 7) + 0.05 * (noise - 0.5),
        np.where((x // 6 + y // 5) % 2 == 0, 0.1, 0.9) + 0.02 * noise,
        np.clip(np.cumsum(noise - 0.5, 1) / 6 + 0.5, 0, 1),
        (noise > 0.5).astype(float),
    )[clip.texture]
    dtype = np.uint8 if clip.bits == 8 else np.dtype("<u2")
    with open(path, "wb") as file:
        for n in range(clip.pictures):
            moved = canvas[n : n + clip.height, 2 * n : 2 * n + clip.width]
            luma = np.clip(np.rint(moved * top), 0, top).astype(dtype)
            file.write(luma.tobytes())
            if not clip.mono:
                file.write(luma[::2, ::2].tobytes() + (top - luma[1::2, 1::2]).astype(dtype).tobytes())


# --- how it ends ----------------------------------------------------------------------------------------------------


class Decoder:
    """pydec in a process that never encoded anything; one for all cases of a worker."""

    def __init__(self):
        command = [sys.executable, "-m", "tests.fuzz.settings", "--decode"]
        self._process = subprocess.Popen(
            command, cwd=foreign.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def outcome(self, stream, output):
        """What became of a stream: "0", another exit code, or an exception's name and text."""
        print(stream, output, sep="\t", file=self._process.stdin, flush=True)
        return self._process.stdout.readline().strip()

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.wait()


def decode():
    """The other end of a Decoder."""
    for line in sys.stdin:
        stream, output = line.rstrip("\n").split("\t")
        with contextlib.redirect_stdout(io.StringIO()):
            outcome = _run(pydec.run, ["-i", stream, "-o", output])
        print(outcome, flush=True)


def _run(program, arguments):
    """An exit code as text, or what went wrong inside in one word."""
    files.forget()  # those of the case before
    try:
        return str(program(arguments) or 0)
    except CodecError as error:
        return str(error.exit_code)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}:{Path(place.filename).name}:{place.lineno}"


def accepted(seed, folder):
    """(Case, EncoderConfig) of the first set of a seed that pyenc takes; its clip lies in `folder` then."""
    files.forget()
    for attempt in range(_TRIES):
        case = draw(seed, attempt)
        path = folder / case.clip.name
        write_clip(case.clip, path)
        try:
            settings = parse_command_line(ENCODER_OPTIONS, [*case.words, "-i", str(path), "-o", str(folder / "x")])
            with encoder_job.open_source(settings) as source:
                return case, encoder_job.make_job(settings, source)[1]
        except CodecError as error:
            if error.exit_code not in _REFUSED:
                raise
    raise RuntimeError(f"seed {seed}: no set of options in {_TRIES} was accepted")


def outcome(seed, folder, decoder):
    """Code and decode the case of a seed. -> "coded", or what is wrong"""
    stream, recon, decoded = (folder / name for name in ("stream.bin", "recon.yuv", "decoded.yuv"))
    case, config = accepted(seed, folder)
    # behind the cfg file, which names files too
    named = ["-i", str(folder / case.clip.name), "-b", str(stream), f"--ReconFile={recon}"]
    with contextlib.redirect_stdout(io.StringIO()):
        code = _run(pyenc.run, [*case.words, *named])
    return _compare(config, stream, recon, decoded, decoder) if code == "0" else f"pyenc:{code}"


def _compare(config, stream, recon, decoded, decoder):
    code = decoder.outcome(stream, decoded)
    if code != "0":
        return f"pydec:{code}"
    if recon.read_bytes() != decoded.read_bytes():
        return "pydec:differs"
    return verdict(hashlib.md5(recon.read_bytes()).hexdigest(), judges(config), stream)


def verdict(wanted, decoders, stream):
    """What other decoders make of a stream, whose pictures should have the MD5 `wanted`.

    Where one of two agrees with pydec, the other is told to be alone: both have faults of their own.
    """
    wrong = []
    for program, md5 in decoders:
        try:
            found = md5(stream)
        except foreign.ProgramFailed as error:
            found = f"ended with {error.status}"
        if found != wanted:
            wrong.append(program)
    if wrong and len(wrong) == len(decoders):
        return f"{'_and_'.join(wrong)}:differs"
    return ALONE.format(wrong[0]) if wrong else CODED


def judges(config):
    """(program, function that makes the MD5) of the other decoders that are here and right about such a stream."""
    tiles_and_wavefront = config.WaveFrontSynchro and (config.NumTileColumnsMinus1 or config.NumTileRowsMinus1)
    if config.uses_cnn_tools or tiles_and_wavefront:
        # FFmpeg 5.1 carries contexts over from the wrong CTU there, libde265 1.0.11 refuses it
        return []
    mono, found = config.ChromaFormatIDC == 400, []
    slices_apart = config.SliceMode and not config.LFCrossSliceBoundaryFlag
    deep_pcm = config.PCMEnabledFlag and config.PCMFilterDisableFlag and config.SAO and config.InternalBitDepth > 8
    # FFmpeg keeps what is intra by halves of the least coding block
    fine_intra = config.ConstrainedIntraPred and config.QuadtreeTULog2MinSize < config.log2_min_cb_size - 1
    if not (mono and config.PCMEnabledFlag) and not deep_pcm and not fine_intra:
        # FFmpeg reads chroma of pcm blocks that have none, and lets SAO change that of pcm blocks above 8 bits
        found.append((foreign.FFMPEG, foreign.ffmpeg_md5))
    if not mono and not slices_apart:
        # libde265 runs out of memory in 4:0:0, and filters across slices where that is forbidden
        found.append((foreign.LIBDE265, foreign.libde265_md5))
    return [judge for judge in found if foreign.available(judge[0])]


def work(first, count, step):
    """A worker: cases first, first + step, ...; prints `begin SEED` and `end SEED OUTCOME SECONDS`."""
    decoder = Decoder()
    for seed in range(first, first + count * step, step):
        with tempfile.TemporaryDirectory() as folder:
            print("begin", seed, flush=True)
            began = time.perf_counter()
            found = outcome(seed, Path(folder), decoder)
            print("end", seed, found, round(time.perf_counter() - began, 3), flush=True)
    decoder.close()


def fuzz(first, count, workers, report=lambda done, count: None):
    """Run cases first .. first + count - 1. -> Tally"""
    tally = Tally({CODED, *map(ALONE.format, (foreign.FFMPEG, foreign.LIBDE265))}, TIME_LIMIT)
    run_cases("tests.fuzz.settings", "-", first, count, workers, tally, report)
    return tally


def command(seed, folder):
    """The command line of a case; its clip lies in `folder` then."""
    case = accepted(seed, folder)[0]
    return shlex.join(["pyenc", *case.words, "-i", str(folder / case.clip.name), "-b", str(folder / "stream.bin")])


def main(arguments):
    """Returns an exit status: 0 without findings."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.settings")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="this case only; its clip is kept in fuzz-findings")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    if not foreign.all_here():
        return 1
    warm_up("all")
    if options.seed is not None:
        folder, decoder = Path("fuzz-findings") / f"settings_{options.seed}", Decoder()
        folder.mkdir(parents=True, exist_ok=True)
        print(command(options.seed, folder))
        print(outcome(options.seed, folder, decoder))
        decoder.close()
        return 0
    started = time.perf_counter()
    tally = fuzz(options.first, options.count, options.workers)
    with tempfile.TemporaryDirectory() as folder:
        for seed, code in tally.findings:
            print(f"FINDING: seed {seed}: {code}: {command(seed, Path(folder))}")
    minutes, seconds = divmod(round(time.perf_counter() - started), 60)
    for program in (foreign.FFMPEG, foreign.LIBDE265):
        if alone := tally.codes[ALONE.format(program)]:
            print(f"in {alone} of them {program} alone differs; the other decoder agrees with pydec")
    exact = options.count - len(tally.findings)
    print(f"{exact} of {options.count} sets of options coded and decoded exactly in "
          f"{minutes}m{seconds:02d}s; slowest {tally.slowest:.1f} s")  # fmt: skip
    return 1 if tally.findings else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(*(int(argument) for argument in sys.argv[3:6]))
    elif sys.argv[1:2] == ["--decode"]:
        decode()
    else:
        sys.exit(main(sys.argv[1:]))
