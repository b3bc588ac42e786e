"""Decoders beside each other on the same streams: pydec with one and two threads, libde265, FFmpeg.

Run: python -m tests.bench.decoders STREAM... [--repeat N] [--rounds N]

Each stream is decoded N times over in one process. The decoders take turns, round after round, and the least user time
of each counts. No decoder compares hashes. pydec's start-up is measured apart, on the stream's first picture alone, and
taken off; its pictures go to /dev/null. Pictures a second are by user time; for threads, compare wall times.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from codec.h265.nal import annexb, is_slice, read_nal_units
from tests.bench.run import pydec, run_timed
from tests.conformance import foreign


def _pydec(stream, threads):
    return pydec("-i", stream, "-o", "/dev/null", "--SEIDecodedPictureHash=0", "--threads", threads)


def _commands(stream):
    commands = {f"pydec {n}": _pydec(stream, n) for n in (1, 2)}
    commands["libde265"] = [foreign.LIBDE265, "-q", "-t", "0", str(stream)]
    commands["FFmpeg"] = foreign.ffmpeg_command(stream, "-f", "null", "-")
    return commands


def _first_picture(stream):
    """Bytes of the stream up to its first picture. -> (those bytes, how many pictures it has in all)"""
    head, count = b"", 0
    with open(stream, "rb") as file:
        for nal in read_nal_units(file):
            if is_slice(nal.nal_unit_type) and nal.payload[0] & 0x80:
                count += 1
            if count < 2:
                head += annexb(nal)
    return head, count


def _least(commands, rounds):
    """{name: (user seconds, wall seconds)}: the least of each, the commands taking turns."""
    best = {}
    for _ in range(rounds):
        for name, command in commands.items():
            times = run_timed(command)
            best[name] = tuple(map(min, times, best.get(name, times)))
    return best


def bench(stream, repeat, rounds, folder):
    """Print the table's row of one stream."""
    head, count = _first_picture(stream)
    start, repeated = folder / "start.bin", folder / "repeated.bin"
    start.write_bytes(head)
    repeated.write_bytes(stream.read_bytes() * repeat)
    user_0, wall_0 = _least({"start-up": _pydec(start, 1)}, rounds)["start-up"]
    pictures = count * repeat
    cells = []
    for name, (user, wall) in _least(_commands(repeated), rounds).items():
        if name.startswith("pydec"):
            user, wall = user - user_0, wall - wall_0
            cells.append(f"{user:.2f} / {wall:.2f} s, {pictures / user:.0f} fps")
        else:
            cells.append(f"{user:.2f} s, {pictures / user:.0f} fps")
    print(f"| {stream.stem} | {pictures} | {' | '.join(cells)} |", flush=True)


def main(arguments):
    """Print one table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("streams", nargs="+", type=Path)
    parser.add_argument("--repeat", type=int, default=20, help="how often a stream is decoded in one process")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    print("| stream | pictures | pydec, 1 thread: user / wall | pydec, 2 threads | libde265: user | FFmpeg: user |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for stream in options.streams:
            bench(stream, options.repeat, options.rounds, Path(name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
