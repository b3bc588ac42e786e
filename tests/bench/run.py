"""`make bench`: pyenc and pydec beside x265, FFmpeg and libde265, on the same clips in the same run.

Times are CPU seconds (user) of whole single-threaded processes; ours also without start-up, which is measured apart.
Ratios inside one run are what counts: machines are noisy.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from cli.measure.bd import bd_rate
from codec.base.metrics import mse, psnr
from tests.bench.stages import decoder_stages, encoder_stages
from tests.conformance import foreign

CLIPS = foreign.ROOT.parent / "shared" / "data" / "dev"
SHIPPED = foreign.ROOT / "media"
QPS = (22, 27, 32, 37)
X265_PRESETS = ("medium", "slower", "placebo")
# what is compared: our cfg, what tells x265 to do likewise
CONFIGURATIONS = {
    "all intra": ("intra_main", ["--keyint", "1", "--ipratio", "1"]),
    "low delay P": ("lowdelay_P_main", ["--bframes", "0"]),
    "random access": ("randomaccess_main", []),
}


def run_timed(command, **options):
    """Run a command to its end. -> (user seconds, wall seconds)"""
    path = os.pathsep.join(filter(None, [str(foreign.ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, **options.pop("env", {})}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime, time.perf_counter()
    result = subprocess.run(command, capture_output=True, env=environment, **options)
    if result.returncode:
        raise foreign.ProgramFailed(command, result.returncode, result.stderr.decode(errors="replace"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    return after - before, time.perf_counter() - started


def pyenc(*arguments, cfg="intra_main"):
    """The command line of our encoder from this checkout."""
    return [sys.executable, "-m", "cli.pyenc", "-c", f"encoder_{cfg}.cfg", *map(str, arguments)]


def pydec(*arguments):
    """The command line of our decoder from this checkout."""
    return [sys.executable, "-m", "cli.pydec", *map(str, arguments)]


class Clip:
    """A raw 8-bit 4:2:0 clip whose name tells its size: NAME_WxH_FPS.yuv."""

    def __init__(self, path, frames):
        self.path = path
        self.width, self.height, self.rate = map(int, re.search(r"_(\d+)x(\d+)_(\d+)$", path.stem).groups())
        size = self.width * self.height * 3 // 2
        self.frames = min(frames, path.stat().st_size // size)
        self.luma = np.fromfile(path, np.uint8, size * self.frames).reshape(self.frames, size)[
            :, : self.width * self.height
        ]

    def pictures(self):
        """The pictures as the encoder takes them."""
        data = np.fromfile(self.path, np.uint8, self.width * self.height * 3 // 2 * self.frames).astype(np.int16)
        w, h = self.width, self.height
        for picture in data.reshape(self.frames, -1):
            chroma = picture[w * h :].reshape(2, h // 2, w // 2)
            yield [picture[: w * h].reshape(h, w), chroma[0], chroma[1]]

    def psnr_y(self, stream):
        """Mean luma PSNR of a stream, as FFmpeg decodes it."""
        raw = subprocess.run(foreign.ffmpeg_command(stream, "-f", "rawvideo", "-"), capture_output=True).stdout
        decoded = np.frombuffer(raw, np.uint8).reshape(self.frames, -1)[:, : self.width * self.height]
        return float(np.mean([psnr(mse(a, b), 8) for a, b in zip(self.luma, decoded, strict=True)]))


def start_up(clip, folder):
    """User seconds from the command to the end for one small picture: (pyenc, pydec)."""
    stream = folder / "start.bin"
    small = ["-i", clip.path, "-o", stream, "-f", 1, "-q", 51, "--threads", 1]
    run_timed(pyenc(*small))
    enc = min(run_timed(pyenc(*small))[0] for _ in range(3))
    dec = min(run_timed(pydec("-i", stream, "-o", os.devnull))[0] for _ in range(3))
    return enc, dec


def bench_encoders(clips, folder, start, kind):
    """Rate-distortion points and user times of pyenc and x265; the anchor is x265 placebo."""
    print(f"\n## Encoders, {kind}, single thread (BD-rate of Y and user time against x265 placebo)\n")
    print("| clip | encoder | BD-rate Y | user s | ratio |\n|---|---|---|---|---|")
    totals = {}
    for clip in clips:
        results = {}
        for name in (*[f"x265 {preset}" for preset in X265_PRESETS], "pyenc", "pyenc faster"):
            points, seconds = [], 0.0
            for qp in QPS:
                stream = folder / "bench.bin"
                user = run_timed(_encode_command(name, kind, clip, qp, stream))[0]
                seconds += user - (start if name.startswith("pyenc") else 0)
                points.append((stream.stat().st_size * 8, clip.psnr_y(stream)))
            results[name] = points, seconds
        anchor, anchor_seconds = results["x265 placebo"]
        for name, (points, seconds) in results.items():
            rate = bd_rate(anchor, points).value
            totals.setdefault(name, []).append((rate, seconds / anchor_seconds))
            print(f"| {clip.path.stem} | {name} | {rate:+.2f} % | {seconds:.2f} | {seconds / anchor_seconds:.2f} |")
    for name, values in totals.items():
        rate, ratio = np.mean(values, axis=0)
        print(f"| mean | {name} | {rate:+.2f} % | | {ratio:.2f} |")


def _encode_command(name, kind, clip, qp, stream, threads=1):
    cfg, arguments = CONFIGURATIONS[kind]
    preset = name.split()[-1]
    if name.startswith("pyenc"):
        files = ["-i", clip.path, "-o", stream, "-f", clip.frames, "-q", qp]
        quick = ["--Preset=faster"] if preset == "faster" else []
        return pyenc(*files, *quick, f"--threads={threads}", "--SEIDecodedPictureHash=0", "--Level=4.1", cfg=cfg)
    size = f"{clip.width}x{clip.height}"
    command = ["x265", "--input", clip.path, "--input-res", size, "--fps", clip.rate, "-f", clip.frames, "-o", stream]
    command += ["--preset", preset, "--tune", "psnr", *arguments, "--qp", qp, "--no-info"]
    return [*map(str, command), "--pools", "none", "-F", "1", "--no-wpp", "--no-progress", "--log-level", "error"]


def bench_threads(clip, folder):
    """Wall time with two threads as a share of that with one, start-up taken off."""
    print("\n## Two threads, wall seconds without start-up\n\n| | one | two | ratio |\n|---|---|---|---|")
    stream = folder / "threads.bin"
    short = Clip(clip.path, 1)
    for kind in CONFIGURATIONS:
        start = min(run_timed(_encode_command("pyenc", kind, short, 51, stream))[1] for _ in range(3))
        one, two = (
            min(run_timed(_encode_command("pyenc", kind, clip, 27, stream, threads))[1] for _ in range(3)) - start
            for threads in (1, 2)
        )
        print(f"| {kind} | {one:.2f} | {two:.2f} | {two / one:.2f} |")


def bench_decoders(clips, folder, start):
    """Frames per second of pydec, libde265 and FFmpeg, from user time, single thread."""
    print("\n## Decoders, single thread, pictures a second by user time (pydec without start-up)\n")
    print("| clip | QP | pydec | libde265 | FFmpeg |\n|---|---|---|---|---|")
    for clip in clips:
        for qp in (22, 32):
            stream = folder / "decode.bin"
            run_timed(_encode_command("pyenc", "all intra", clip, qp, stream))
            # the streams are short: decode each many times over in one process
            repeated = folder / "repeated.bin"
            repeated.write_bytes(stream.read_bytes() * 40)
            count = 40 * clip.frames
            ours = run_timed(pydec("-i", repeated, "-o", os.devnull))[0] - start
            theirs = run_timed([foreign.LIBDE265, "-q", "-t", "0", str(repeated)])[0]
            ffmpeg = run_timed(foreign.ffmpeg_command(repeated, "-f", "null", "-"))[0]
            speeds = [f"{count / seconds:.0f}" for seconds in (ours, theirs, ffmpeg)]
            print(f"| {clip.path.stem} | {qp} | {' | '.join(speeds)} |")


def bench_start(clip, folder):
    """Cold and warm start of both programs, wall seconds."""
    print("\n## Start-up, wall seconds\n")
    with tempfile.TemporaryDirectory() as cache:
        cold = run_timed(pyenc("--warm-up"), env={"NUMBA_CACHE_DIR": cache})[1]
    stream = folder / "start.bin"
    encode = run_timed(pyenc("-i", clip.path, "-o", stream, "-f", 1, "-q", 51))[1]
    decode = run_timed(pydec("-i", stream, "-o", os.devnull))[1]
    print(f"| empty kernel cache, all kernels | {cold:.0f} |\n| pyenc, one small picture | {encode:.2f} |")
    print(f"| pydec, the same | {decode:.2f} |")


def bench_stages(clips):
    """Milliseconds per picture by stage."""
    print("\n## Time by stage, milliseconds a picture\n")
    for clip in clips:
        for qp in (22, 32):
            pictures = list(clip.pictures())
            encoding, stream = encoder_stages(pictures, clip.width, clip.height, qp)
            for what, stages in (("pyenc", encoding), ("pydec", decoder_stages(stream))):
                text = ", ".join(f"{stage} {1000 * s / clip.frames:.1f}" for stage, s in stages.items())
                bits = 8 * len(stream) / clip.frames
                print(f"- {what}, {clip.path.stem}, QP {qp}, {bits:.0f} bits a picture: {text}")


def main(arguments):
    """Print all tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="*", type=Path, help="NAME_WxH_FPS.yuv; default: shared dev clips, or media/")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--encoders", choices=CONFIGURATIONS, help="only this table, of the encoders")
    options = parser.parse_args(arguments)
    paths = options.clips or sorted(CLIPS.glob("*352x288*.yuv")) or sorted(SHIPPED.glob("*.yuv"))
    clips = [Clip(path, options.frames) for path in paths]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        encoder_start, decoder_start = start_up(clips[0], folder)
        if options.encoders:
            bench_encoders(clips, folder, encoder_start, options.encoders)
            return 0
        bench_stages(clips[:1])
        if all(map(foreign.available, (foreign.X265, foreign.FFMPEG, foreign.LIBDE265))):
            bench_decoders(clips, folder, decoder_start)
            for kind in CONFIGURATIONS:
                bench_encoders(clips, folder, encoder_start, kind)
        else:
            print("\nx265, ffmpeg and libde265-dec265 are not all installed: nothing to compare with")
        bench_threads(clips[0], folder)
        bench_start(clips[0], folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
