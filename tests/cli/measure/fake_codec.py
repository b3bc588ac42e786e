"""A small and quick codec for the tests of sweeps: samples rounded to steps of 2^(QP / 8), then zlib. A program.

    fake_codec.py INPUT QP OUTPUT [SECONDS]   fake_codec.py -d STREAM DECODED

Each encoding adds a line to the file that FAKE_JOURNAL names, which tells how often a point was really coded.
"""

import os
import sys
import time
import zlib
from pathlib import Path


def encode(source, qp, stream, seconds="0"):
    """Sleeps `seconds` first, as an encoder that takes its time."""
    journal = os.environ.get("FAKE_JOURNAL")
    if journal:
        with open(journal, "a") as file:
            file.write(f"{Path(source).name} {qp}\n")
    time.sleep(float(seconds))
    if float(qp) > 51:
        sys.exit(f"fake: no QP {qp}")
    step = round(2 ** (float(qp) / 8))
    table = bytes(min(255, value // step * step + step // 2) for value in range(256))
    Path(stream).write_bytes(zlib.compress(Path(source).read_bytes().translate(table)))
    print(f"fake coded {source}")


def decode(stream, decoded):
    Path(decoded).write_bytes(zlib.decompress(Path(stream).read_bytes()))


if __name__ == "__main__":
    decode(*sys.argv[2:]) if sys.argv[1] == "-d" else encode(*sys.argv[1:])
