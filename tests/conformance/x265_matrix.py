"""x265 over a matrix of its intra options: every stream must decode as FFmpeg decodes it.

Run: python -m tests.conformance.x265_matrix [--only NAME] [--keep DIRECTORY]
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from codec.base.kernels.warm import warm_up
from tests.conformance import foreign
from tests.conformance.run import verify

_CLIP, _CLIP_SIZE, _CLIP_FRAMES = foreign.ROOT / "media" / "CiscoVT2people_320x192_12.yuv", (320, 192), 5
_SIZE = (160, 96)
_FRAMES = 2
# every picture an IDR, its MD5 in the stream
_COMMON = "--keyint 1 --frame-threads 1 --hash 1"

# name: options, or (options, (width, height))
CASES = {
    "defaults": "--qp 30",
    "small odd size": ("--qp 28 --ctu 32", (74, 58)),
    **{f"qp {qp}": f"--qp {qp}" for qp in (1, 4, 12, 22, 37, 45, 51)},
    **{f"preset {name}": f"--qp 27 --preset {name}" for name in ("ultrafast", "superfast", "slower", "placebo")},
    **{f"ctu {size}": f"--qp 27 --ctu {size}" for size in (16, 32, 64)},
    **{f"ctu 64, min-cu {size}": f"--qp 27 --ctu 64 --min-cu-size {size} --pools none" for size in (16, 32)},
    "ctu 32, min-cu 16": "--qp 27 --ctu 32 --min-cu-size 16",
    "ctu 16, min-cu 16": "--qp 27 --ctu 16 --min-cu-size 16",
    **{f"max-tu {size}": f"--qp 27 --max-tu-size {size} --rd 6 --tu-intra-depth 4" for size in (4, 8, 16)},
    **{f"tu-intra-depth {n}": f"--qp 24 --tu-intra-depth {n} --rd 6" for n in (2, 3, 4)},
    **{f"rd {n}": f"--qp 32 --rd {n}" for n in (1, 2, 3, 4, 5, 6)},
    **{f"rdoq-level {n}": f"--qp 25 --rdoq-level {n} --rd 4" for n in (0, 1, 2)},
    "psy-rdoq": "--qp 25 --rdoq-level 2 --psy-rdoq 10 --psy-rd 2 --rd 6",
    "no signhide": "--qp 22 --no-signhide",
    "tskip": "--qp 22 --tskip --rd 5",
    "tskip-fast": "--qp 22 --tskip --tskip-fast",
    "tskip, no signhide": "--qp 8 --tskip --rd 5 --no-signhide",
    "tskip, 10 bit": "--qp 20 --tskip --rd 5 --output-depth 10",
    "fast-intra": "--qp 30 --fast-intra",
    "pmode": "--qp 30 --pmode",
    "no strong-intra-smoothing": "--qp 37 --no-strong-intra-smoothing",
    "strong-intra-smoothing, qp 45": "--qp 45 --strong-intra-smoothing --ctu 64",
    "constrained-intra": "--qp 30 --constrained-intra",
    "no deblock": "--qp 37 --no-deblock --pools none",
    "no sao": "--qp 37 --no-sao",
    "no deblock, no sao": "--qp 37 --no-deblock --no-sao --pools none",
    "no deblock, sao": "--qp 40 --no-deblock --sao --sao-non-deblock --pools none",
    "sao-non-deblock": "--qp 35 --sao-non-deblock --pools none",
    "limit-sao": "--qp 35 --limit-sao",
    **{f"selective-sao {n}": f"--qp 35 --selective-sao {n}" for n in (1, 2, 3)},
    **{f"deblock {a}:{b}": f"--qp 33 --deblock={a}:{b}" for a, b in ((6, 6), (-6, -6), (6, -6), (-3, 2))},
    "scaling-list default": "--qp 27 --scaling-list default",
    "scaling-list default, qp 4": "--qp 4 --scaling-list default --tskip",
    "scaling-list default, 10 bit": "--qp 27 --scaling-list default --output-depth 10",
    "lossless": "--lossless",
    "lossless, ctu 16": "--lossless --ctu 16",
    "lossless, tskip": "--lossless --tskip",
    "lossless, 10 bit": "--lossless --output-depth 10",
    "cu-lossless": "--qp 4 --cu-lossless --rd 5",
    "cu-lossless, tskip, aq": "--crf 4 --cu-lossless --tskip --aq-mode 1 --rd 5",
    "no wpp": "--qp 30 --no-wpp",
    "wpp, ctu 16": "--qp 30 --wpp --ctu 16",
    "slices 2": ("--qp 30 --slices 2 --ctu 16", (160, 192)),
    "slices 4": ("--qp 30 --slices 4 --ctu 16", (160, 192)),
    "slices 2, ctu 32": ("--qp 34 --slices 2 --ctu 32", (160, 192)),
    "slices 4, wpp": ("--qp 34 --slices 4 --ctu 16 --wpp", (168, 184)),
    **{f"cbqpoffs {n}": f"--qp 30 --cbqpoffs {n} --crqpoffs {-n}" for n in (-12, -5, 6, 12)},
    "cbqpoffs 12, qp 51": "--qp 51 --cbqpoffs 12 --crqpoffs 12",
    "cbqpoffs -12, qp 1": "--qp 1 --cbqpoffs -12 --crqpoffs -12",
    **{f"aq-mode {n}": f"--crf 28 --aq-mode {n} --aq-strength 2" for n in (1, 2, 3, 4)},
    **{f"aq, qg-size {n}": f"--crf 26 --aq-mode 2 --aq-strength 3 --qg-size {n}" for n in (8, 16, 32, 64)},
    "aq, qg-size 8, ctu 16": "--crf 26 --aq-mode 1 --aq-strength 3 --qg-size 8 --ctu 16",
    "aq, 10 bit": "--crf 24 --aq-mode 3 --aq-strength 3 --qg-size 8 --output-depth 10",
    "aq, crf 1": "--crf 1 --aq-mode 3 --aq-strength 3 --qg-size 8",
    "aq, crf 51": "--crf 51 --aq-mode 3 --aq-strength 3 --qg-size 8",
    "aq, slices": ("--crf 28 --aq-mode 3 --aq-strength 2 --slices 4 --ctu 16 --qg-size 8", (160, 192)),
    "aq, lossless CUs, 10 bit": "--crf 6 --aq-mode 1 --cu-lossless --output-depth 10 --rd 5",
    "hevc-aq": "--crf 28 --hevc-aq --qg-size 16",
    "opt-cu-delta-qp": "--crf 28 --aq-mode 2 --aq-strength 2 --opt-cu-delta-qp",
    "opt-qp-pps": "--crf 40 --opt-qp-pps",
    "bitrate": "--bitrate 300 --vbv-maxrate 400 --vbv-bufsize 200",
    **{f"10 bit, qp {qp}": f"--qp {qp} --output-depth 10" for qp in (0, 10, 22, 32, 45, 51)},
    "10 bit, ctu 16": "--qp 27 --output-depth 10 --ctu 16",
    "10 bit, placebo": "--qp 27 --output-depth 10 --preset placebo",
    "size 418x242": ("--qp 30", (418, 242)),
    "size 418x242, 10 bit": ("--qp 30 --output-depth 10", (418, 242)),
    **{f"size {w}x{h}": ("--qp 24 --ctu 16", (w, h)) for w, h in ((16, 16), (24, 40), (34, 18), (64, 64), (66, 130))},
    **{f"size {w}x{h}, ctu 64": ("--qp 24", (w, h)) for w, h in ((200, 120), (320, 192), (322, 194))},
    "size 126x94, min-cu 32": ("--qp 24 --ctu 32 --min-cu-size 32", (126, 94)),
    "aud, hrd, repeat-headers": "--bitrate 300 --vbv-maxrate 400 --vbv-bufsize 300 --aud --hrd --repeat-headers",
    # with more than one row of CTUs x265 3.5 signals a wrong CRC (libde265 finds so too)
    "hash crc": ("--qp 30 --hash 2", (64, 64)),
    "hash checksum": "--qp 30 --hash 3",
    "hash checksum, 10 bit": "--qp 30 --hash 3 --output-depth 10",
    "hash crc, 10 bit": ("--qp 30 --hash 2 --output-depth 10", (64, 64)),
    "vui": "--qp 30 --sar 4:3 --overscan crop --videoformat pal --range full --colorprim bt709 --transfer bt709 "
    "--colormatrix bt709 --chromaloc 2 --display-window 2,4,6,8 --master-display "
    "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1) --max-cll 1000,400",
    "log2-max-poc-lsb 16": "--qp 30 --log2-max-poc-lsb 16",
    "open gop CRA": "--qp 30 --open-gop --keyint 1 --no-scenecut",
    "everything": "--crf 24 --aq-mode 3 --aq-strength 3 --qg-size 8 --tskip --cu-lossless --scaling-list default "
    "--cbqpoffs 5 --crqpoffs -5 --deblock=3:-3 --rd 6 --tu-intra-depth 4 --slices 2 --aud --hash 1",
}
SMALL_PART = [
    "small odd size",
    "aq, qg-size 8, ctu 16",
    "tskip, 10 bit",
    "cu-lossless, tskip, aq",
    "scaling-list default, qp 4",
    "slices 4, wpp",
    "cbqpoffs 12, qp 51",
    "max-tu 4",
    "everything",
]


def write_source(path, width, height, frames):
    """A raw clip of that size: the shipped one, cropped, or continued by its mirror image."""
    w, h = _CLIP_SIZE
    clip = np.fromfile(_CLIP, np.uint8).reshape(_CLIP_FRAMES, -1)
    with open(path, "wb") as file:
        for picture in clip[:frames]:
            planes = np.split(picture, [w * h, w * h * 5 // 4])
            for plane, step in zip(planes, (1, 2, 2), strict=True):
                plane = plane.reshape(h // step, w // step)
                rows, columns = height // step, width // step
                plane = np.pad(plane, ((0, max(0, rows - h // step)), (0, max(0, columns - w // step))), "symmetric")
                # from the middle, where something moves
                top, left = (plane.shape[0] - rows) // 2, (plane.shape[1] - columns) // 2
                file.write(plane[top : top + rows, left : left + columns].tobytes())


def make_stream(name, directory):
    """Encode one case into `directory`. -> path of the stream; raises ProgramFailed when x265 refuses."""
    options, size = CASES[name] if isinstance(CASES[name], tuple) else (CASES[name], _SIZE)
    source = Path(directory) / f"{size[0]}x{size[1]}.yuv"
    stream = Path(directory) / (name.translate(str.maketrans(" ,:", "___")) + ".bit")
    if not source.exists():
        write_source(source, *size, _FRAMES)
    foreign.x265_encode(source, size, stream, *_COMMON.split(), *options.split())
    return stream


def check(name, directory):
    """Encode one case and compare pydec with FFmpeg. -> "" or what is wrong"""
    stream = make_stream(name, directory)
    verdict = verify(stream, foreign.ffmpeg_md5(stream))
    if verdict.result == "ok" and verdict.pictures != _FRAMES:
        return f"{verdict.pictures} pictures instead of {_FRAMES}"
    return verdict.reason


def run_matrix(program, cases, check, arguments):
    """Check the cases and print what comes out; returns an exit status: 0 when all agree."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--keep", type=Path, help="directory for the streams")
    options = parser.parse_args(arguments)
    names = [name for name in cases if options.only in name]
    warm_up("decoder")
    started, good, refused = time.perf_counter(), 0, 0
    with tempfile.TemporaryDirectory() as directory:
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
        for name in names:
            try:
                reason = check(name, options.keep or directory)
            except foreign.ProgramFailed as error:
                refused += 1
                print(f"{name:<34} refused: {error}", flush=True)
                continue
            good += not reason
            print(f"{name:<34} {'ok' if not reason else 'WRONG: ' + reason}", flush=True)
    minutes, seconds = divmod(round(time.perf_counter() - started), 60)
    print(f"{good} of {len(names) - refused} x265 streams decode as in FFmpeg, in {minutes}m{seconds:02d}s")
    print(f"{refused} cases refused by x265 or FFmpeg")
    return 0 if good == len(names) - refused else 1


if __name__ == "__main__":
    sys.exit(run_matrix("tests.conformance.x265_matrix", CASES, check, sys.argv[1:]))
