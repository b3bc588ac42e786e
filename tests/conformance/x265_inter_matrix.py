"""x265 over a matrix of its inter options: every stream must decode as FFmpeg decodes it, and match its own MD5 SEI.

Run: python -m tests.conformance.x265_inter_matrix [--only NAME] [--keep DIRECTORY]
"""

import sys
from pathlib import Path

import numpy as np

from codec.h265.config import DecoderConfig
from codec.h265.decoder.decode import decode_stream
from tests.conformance import foreign
from tests.conformance.run import verify
from tests.conformance.x265_matrix import run_matrix, write_source

_SIZE, _FRAMES = (160, 96), 14
_SHIPPED_FRAMES = 5
_COMMON = "--keyint 60 --frame-threads 1 --hash 1"

# name: options, or (options, (width, height)); "fade" in the name darkens the clip
CASES = {
    "defaults": "--qp 30",
    **{f"preset {name}": f"--qp 30 --preset {name}" for name in ("ultrafast", "superfast", "faster", "slow", "slower")},
    "preset placebo": "--qp 34 --preset placebo",
    **{f"qp {qp}": f"--qp {qp}" for qp in (1, 12, 22, 37, 51)},
    **{f"low delay, ref {n}": f"--qp 28 --bframes 0 --ref {n}" for n in (1, 2, 4, 6)},
    **{f"bframes {n}": f"--qp 30 --bframes {n} --b-adapt 0" for n in (1, 2, 3, 7)},
    "b-pyramid, bframes 8, ref 6": "--qp 30 --bframes 8 --b-pyramid --ref 6 --b-adapt 0",
    "no b-pyramid, bframes 4": "--qp 30 --bframes 4 --no-b-pyramid --b-adapt 0",
    "b-intra": "--qp 34 --bframes 4 --b-intra",
    "fade, weightp": "--qp 26 --bframes 0 --ref 3 --weightp",
    "fade, weightp, weightb": "--qp 26 --bframes 3 --weightp --weightb",
    "fade, weightp, 10 bit": "--qp 24 --bframes 0 --weightp --output-depth 10",
    "fade, weightb, 10 bit": "--qp 24 --bframes 3 --weightp --weightb --output-depth 10",
    "fade, fades": "--qp 26 --fades",
    "open-gop": "--qp 30 --open-gop --keyint 6 --min-keyint 3 --bframes 3 --b-adapt 0",
    "closed gop": "--qp 30 --no-open-gop --keyint 6 --min-keyint 3 --bframes 3",
    "radl": "--qp 30 --no-open-gop --keyint 6 --min-keyint 3 --bframes 3 --radl 2",
    "gop-lookahead": "--qp 30 --keyint 6 --min-keyint 3 --gop-lookahead 4",
    "intra-refresh": "--qp 30 --intra-refresh --keyint 8 --bframes 0",
    "repeat-headers, keyint 5": "--qp 32 --repeat-headers --keyint 5 --min-keyint 5",
    **{f"ctu {size}": f"--qp 27 --ctu {size}" for size in (16, 32, 64)},
    "ctu 32, min-cu 16": "--qp 27 --ctu 32 --min-cu-size 16 --amp --rect",
    "ctu 64, min-cu 32": "--qp 27 --ctu 64 --min-cu-size 32 --amp --rect",
    "rect, amp": "--qp 24 --rect --amp --rd 4",
    "rect, no amp": "--qp 24 --rect --no-amp --rd 4",
    "limit-modes, limit-refs": "--qp 26 --rect --amp --limit-modes --limit-refs 3 --ref 4",
    "tu-inter-depth 4": "--qp 22 --tu-inter-depth 4 --limit-tu 0 --rd 4",
    "tu-inter-depth 1, rect": "--qp 22 --tu-inter-depth 1 --rect --amp",
    **{f"max-tu {size}": f"--qp 25 --max-tu-size {size} --tu-inter-depth 3" for size in (4, 8, 16)},
    "tskip": "--qp 18 --tskip --rd 4",
    "tskip, 10 bit": "--qp 18 --tskip --rd 4 --output-depth 10",
    "scaling-list": "--qp 24 --scaling-list default",
    "scaling-list, 10 bit": "--qp 24 --scaling-list default --output-depth 10 --bframes 0",
    "no signhide": "--qp 22 --no-signhide",
    "lossless": "--lossless",
    "lossless, 10 bit": "--lossless --output-depth 10",
    "lossless, tskip, low delay": "--lossless --bframes 0 --tskip",
    **{f"10 bit, qp {qp}": f"--qp {qp} --output-depth 10" for qp in (4, 22, 32, 45)},
    "10 bit, low delay, ref 4": "--qp 26 --output-depth 10 --bframes 0 --ref 4",
    "constrained-intra": "--qp 38 --constrained-intra --bframes 3 --b-intra",
    "constrained-intra, low delay": "--qp 32 --constrained-intra --bframes 0",
    "no temporal-mvp": "--qp 30 --no-temporal-mvp",
    **{f"max-merge {n}": f"--qp 32 --max-merge {n}" for n in (1, 2, 3, 4, 5)},
    "early-skip": "--qp 36 --early-skip --rskip 1",
    "no early-skip": "--qp 28 --no-early-skip --rskip 0 --rd 4",
    "me star": "--qp 28 --me star --merange 57 --subme 7",
    "me full, subme 0": "--qp 34 --me full --merange 60 --subme 0",
    "analysis rd 6": "--qp 28 --rd 6 --rdoq-level 2 --psy-rd 4 --psy-rdoq 10",
    "noise reduction": "--qp 26 --nr-inter 200 --nr-intra 200",
    "no deblock": "--qp 36 --no-deblock --pools none",
    **{f"deblock {a}:{b}": f"--qp 33 --deblock={a}:{b}" for a, b in ((6, 6), (-6, -6), (3, -3))},
    "no sao": "--qp 36 --no-sao",
    "no wpp": "--qp 30 --no-wpp",
    "slices 2, ctu 16": ("--qp 30 --slices 2 --ctu 16", (160, 192)),
    "slices 4, wpp": ("--qp 32 --slices 4 --ctu 16 --wpp", (168, 184)),
    "cbqpoffs 6": "--qp 30 --cbqpoffs 6 --crqpoffs -6",
    **{f"aq-mode {n}": f"--crf 28 --aq-mode {n} --aq-strength 2 --qg-size 16" for n in (1, 2, 3)},
    "aq, qg-size 8, ctu 64": "--crf 26 --aq-mode 3 --aq-strength 3 --qg-size 8",
    "hevc-aq": "--crf 28 --hevc-aq --qg-size 16",
    "bitrate, vbv": "--bitrate 200 --vbv-maxrate 250 --vbv-bufsize 200",
    "aud, hrd": "--bitrate 200 --vbv-maxrate 250 --vbv-bufsize 250 --aud --hrd --repeat-headers",
    "opt-qp-pps, opt-ref-list": "--crf 28 --opt-qp-pps --opt-ref-list-length-pps --repeat-headers",
    "field": "--qp 30 --field",
    "log2-max-poc-lsb 16": "--qp 30 --log2-max-poc-lsb 16",
    **{f"size {w}x{h}": ("--qp 26 --ctu 16", (w, h)) for w, h in ((16, 16), (24, 40), (66, 130), (74, 58))},
    **{f"size {w}x{h}, ctu 64": ("--qp 26", (w, h)) for w, h in ((200, 120), (130, 142), (322, 194))},
    "everything": "--crf 24 --aq-mode 3 --aq-strength 3 --qg-size 8 --tskip --scaling-list default --weightp --weightb "
    "--cbqpoffs 5 --crqpoffs -5 --deblock=3:-3 --rd 6 --tu-inter-depth 4 --rect --amp --bframes 5 --ref 5 --aud",
}
SMALL_PART = [
    "fade, weightp, weightb",
    "open-gop",
    "rect, amp",
    "tskip, 10 bit",
    "lossless",
    "constrained-intra",
    "slices 4, wpp",
    "size 74x58",
    "everything",
]


def _write_clip(path, size, fading):
    """A raw clip of 14 pictures: the shipped one forwards and backwards, darkened step by step when `fading`."""
    write_source(path, *size, _SHIPPED_FRAMES)
    clip = np.fromfile(path, np.uint8).reshape(_SHIPPED_FRAMES, -1)
    there_and_back = [*range(_SHIPPED_FRAMES), *range(_SHIPPED_FRAMES - 2, 0, -1)]
    pictures = clip[[there_and_back[i % len(there_and_back)] for i in range(_FRAMES)]].astype(np.float64)
    if fading:
        luma = size[0] * size[1]
        level = np.linspace(1, 0.2, _FRAMES)[:, None]
        pictures[:, :luma] *= level
        pictures[:, luma:] = 128 + (pictures[:, luma:] - 128) * level
    pictures.round().astype(np.uint8).tofile(path)


def make_stream(name, directory):
    """Encode one case into `directory`. -> path of the stream; raises ProgramFailed when x265 refuses."""
    options, size = CASES[name] if isinstance(CASES[name], tuple) else (CASES[name], _SIZE)
    fading = "fade" in name
    source = Path(directory) / f"{size[0]}x{size[1]}{'_fade' * fading}.yuv"
    stream = Path(directory) / (name.translate(str.maketrans(" ,:", "___")) + ".bit")
    if not source.exists():
        _write_clip(source, size, fading)
    foreign.x265_encode(source, size, stream, *_COMMON.split(), *options.split())
    return stream


def check(name, directory):
    """Encode one case and compare pydec with FFmpeg and with the stream's own hashes. -> "" or what is wrong"""
    stream = make_stream(name, directory)
    verdict = verify(stream, foreign.ffmpeg_md5(stream))
    if verdict.result == "ok" and verdict.pictures != _FRAMES:
        return f"{verdict.pictures} pictures instead of {_FRAMES}"
    with open(stream, "rb") as file:
        wrong = [picture.poc for picture in decode_stream(DecoderConfig(), file) if picture.hash_status != "OK"]
    return verdict.reason or (f"POC {wrong} without a hash that matches" if wrong else "")


if __name__ == "__main__":
    sys.exit(run_matrix("tests.conformance.x265_inter_matrix", CASES, check, sys.argv[1:]))
