"""Decoding times in the form of the seed's table: pictures by decoders, CPU seconds of whole processes, ratios below.

All decoders decode in turn, several rounds, and the least of a cell counts: on one machine, in one run. Streams are
those of the quality or QP that is nearest to a rate, so that all decode about as many bits.
"""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).resolve().parents[2]


class Decoder(NamedTuple):
    """name; command(stream) -> a list; kind: of the streams that it reads; kmac: of its nets, per pixel, or None"""

    name: str
    command: object
    kind: str
    kmac: float | None


def decoders(kmacs, weights=""):
    """Decoders that are here. kmacs: {codec: kMAC/pixel of its decoder's nets};  weights: their folder, or "" """
    ours = lambda stream: [sys.executable, "-m", "cli.pydec", "-b", str(stream), "--threads=1"]  # noqa: E731
    learned = lambda stream: ours(stream) + [f"--WeightsDir={weights}"] * bool(weights)  # noqa: E731
    found = [Decoder(f"pydec {codec}", learned, codec, kmac) for codec, kmac in kmacs.items()]
    found.append(Decoder("pydec H.265", ours, "h265", None))
    if program := shutil.which("ffmpeg"):
        one = ["-v", "error", "-nostdin", "-threads", "1"]
        found.append(
            Decoder("FFmpeg", lambda s: [program, *one, "-f", "hevc", "-i", str(s), "-f", "null", "-"], "h265", None)
        )
    if libde265 := shutil.which("libde265-dec265") or shutil.which("dec265"):
        found.append(Decoder("libde265", lambda s: [libde265, "-q", "-t", "0", str(s)], "h265", None))
    return found


def time_all(known, streams, rounds):
    """{(picture, decoder): least CPU seconds}; streams: {picture: {kind: file}}"""
    least = {}
    for _ in range(rounds):
        for picture, files in streams.items():
            for decoder in known:
                seconds = _seconds(decoder.command(files[decoder.kind]))
                key = picture, decoder.name
                least[key] = min(seconds, least.get(key, seconds))
    return least


def _seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=_ROOT, env=os.environ)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def start_seconds(rounds):
    """Least CPU seconds of a pydec that does nothing."""
    return min(_seconds([sys.executable, "-m", "cli.pydec", "--version"]) for _ in range(rounds))
