"""`make conformance`: decode streams that others wrote and compare every picture with the MD5 in their index.

Run: python -m tests.conformance.run [DIRECTORY] [--time] [--only NAME]

DIRECTORY holds *.bit and index.csv (name, md5, frames, pix_fmt); without one, ../shared/streams beside the checkout.
"""

import argparse
import csv
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from codec.base.errors import CodecError, Unsupported
from codec.base.kernels.warm import warm_up
from codec.h265.config import DecoderConfig
from codec.h265.decoder.decode import decode_stream
from tests.conformance import foreign

DEFAULT_DIRECTORY = foreign.ROOT.parent / "shared" / "streams"


class Verdict(NamedTuple):
    """What came of one stream: "ok", "unsupported" or "wrong", why, pictures decoded, and CPU seconds."""

    result: str
    reason: str
    pictures: int
    seconds: float


def read_index(directory):
    """[(path of the stream, its row)] of index.csv, in its order."""
    with open(directory / "index.csv", newline="") as file:
        return [(directory / f"{row['name']}.bit", row) for row in csv.DictReader(file)]


def picture_bytes(picture):
    """A decoded picture as raw video: 16-bit little-endian words above 8 bits."""
    luma, chroma = picture.bit_depths
    types = ["u1" if depth == 8 else "<u2" for depth in (luma, chroma, chroma)]
    return b"".join(plane.astype(types[i]).tobytes() for i, plane in enumerate(picture.planes))


def verify(stream, md5):
    """Decode one stream in this process and compare. -> Verdict"""
    digest, pictures, wrong_hash = hashlib.md5(), 0, 0
    started = time.process_time()
    try:
        with open(stream, "rb") as file:
            for picture in decode_stream(DecoderConfig(), file):
                digest.update(picture_bytes(picture))
                wrong_hash += picture.hash_status == "ERROR"
                pictures += 1
    except Unsupported as error:
        return Verdict("unsupported", str(error), pictures, time.process_time() - started)
    except CodecError as error:
        return Verdict("wrong", str(error), pictures, time.process_time() - started)
    seconds = time.process_time() - started
    if wrong_hash:
        return Verdict("wrong", f"{wrong_hash} pictures differ from their hash", pictures, seconds)
    if digest.hexdigest() != md5:
        return Verdict("wrong", f"MD5 is {digest.hexdigest()}, should be {md5}", pictures, seconds)
    return Verdict("ok", "", pictures, seconds)


def user_seconds(command):
    """User time of a command."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_utime


def speed_line(stream, verdict):
    """Pictures per second of CPU time, start-up included for the others, which start in milliseconds."""
    rates = [("pydec", verdict.seconds)]
    if foreign.available(foreign.FFMPEG):
        rates.append(("FFmpeg", user_seconds(foreign.ffmpeg_command(stream, "-f", "null", "-"))))
    if foreign.available(foreign.LIBDE265):
        rates.append(("libde265", user_seconds([foreign.LIBDE265, "-q", "-t", "0", str(stream)])))
    return "  ".join(f"{name} {verdict.pictures / max(seconds, 1e-3):.1f} fps" for name, seconds in rates)


def main(arguments):
    """Returns an exit status: 0 when every supported stream is exact."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.run", description=__doc__.splitlines()[0])
    parser.add_argument("directory", nargs="?", type=Path, default=DEFAULT_DIRECTORY)
    parser.add_argument("--only", default="", help="streams whose name contains this")
    parser.add_argument("--time", action="store_true", help="speed beside FFmpeg's and libde265's")
    options = parser.parse_args(arguments)
    if not (options.directory / "index.csv").is_file():
        print(f"no streams: {options.directory}/index.csv is missing (give a directory that has one)")
        return 0
    warm_up("decoder")
    started = time.perf_counter()
    counts = {"ok": 0, "wrong": 0, "unsupported": 0}
    for stream, row in read_index(options.directory):
        if options.only not in row["name"]:
            continue
        verdict = verify(stream, row["md5"])
        counts[verdict.result] += 1
        speed = speed_line(stream, verdict) if options.time and verdict.result == "ok" else ""
        print(f"{row['name']:<44} {verdict.result:<12}{verdict.reason}{speed}", flush=True)
    minutes, seconds = divmod(round(time.perf_counter() - started), 60)
    supported = counts["ok"] + counts["wrong"]
    print(f"{counts['ok']} of {supported} verified in {minutes}m{seconds:02d}s; {counts['unsupported']} unsupported")
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
