"""Makes the rows of golden.csv: pyenc in processes that only encode, pydec in others that only decode."""

import contextlib
import csv
import hashlib
import io
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.golden.cases import CASES, SIDE_FILES
from tests.golden.clips import write_clip

TABLE = Path(__file__).with_name("golden.csv")


class Row(NamedTuple):
    """What a case gives: exit code of pyenc, bytes and MD5 of the stream, MD5 of the pictures that pydec writes."""

    exit_code: int
    size: int
    stream: str
    pictures: str


def read_table():
    """{case: Row} of golden.csv."""
    if not TABLE.exists():
        return {}
    with open(TABLE, newline="") as file:
        rows = list(csv.reader(file))[1:]
    return {name: Row(int(code), int(size), *md5s) for name, code, size, *md5s in rows}


def write_table(rows):
    """Write golden.csv, sorted by name."""
    with open(TABLE, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case", "exit code", "bytes", "MD5 of the stream", "MD5 of the pictures"])
        writer.writerows([name, *row] for name, row in sorted(rows.items()))


class GoldenFailed(Exception):
    """A case that ended in a way that no row can tell."""


def _program(name, arguments):
    """Run pyenc or pydec in this process. -> (exit code, what it said on stderr)"""
    from cli import fail, pydec, pyenc

    function = {"pyenc": pyenc.run, "pydec": pydec.run}[name]
    errors = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        code = fail.run(name, function, arguments)
    return code, errors.getvalue().strip()


def _md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def encode(name, folder):
    """(exit code, message, MD5 of the reconstruction) of a case; the stream is folder/NAME.bin."""
    case, base = CASES[name], name.replace("/", "-")
    words = case.options.format(folder=folder).split()
    skipped = 2 if "--FrameSkip=2" in words else 0
    clip = write_clip(case.clip, folder, case.pictures + skipped)
    files = ["-i", str(clip), "-b", f"{folder}/{base}.bin", "-o", f"{folder}/{base}.rec.yuv"]
    # one thread, and what the case says behind it
    arguments = ["-c", words[0], *case.clip.options(), *files, "-f", str(case.pictures), "--threads=1", *words[1:]]
    code, message = _program("pyenc", arguments)
    return code, message, "" if code else _md5(Path(folder) / f"{base}.rec.yuv")


def decode(name, folder):
    """(exit code, message, MD5 of the pictures) of the stream of a case."""
    base = name.replace("/", "-")
    output = Path(folder) / f"{base}.dec.yuv"
    words = ["--CnnBackend=compiled", "--threads=1", *CASES[name].decoder.split()]
    code, message = _program("pydec", ["-i", f"{folder}/{base}.bin", "-o", str(output), *words])
    return code, message, "" if code else _md5(output)


def write_side_files(folder):
    """The files that options of cases name."""
    for name, text in SIDE_FILES.items():
        (Path(folder) / name).write_text(text)


def _row(name, folder, encoding, decoding):
    """The Row of what encode() and decode() said, the latter as a function; GoldenFailed where there can be none."""
    code, message, recon = encoding
    if code == 1:
        raise GoldenFailed(f"{name}: {message}")
    if code:
        return Row(code, 0, "", "")
    stream = Path(folder) / f"{name.replace('/', '-')}.bin"
    code, message, pictures = decoding()
    if code:
        raise GoldenFailed(f"{name}: pydec ends with {code}: {message}")
    if recon != pictures and not CASES[name].decoder:
        raise GoldenFailed(f"{name}: pydec's pictures are not the encoder's reconstruction")
    return Row(0, stream.stat().st_size, _md5(stream), pictures)


def make_here(name, folder):
    """The Row of a case, made in this process; its side files are in the folder."""
    return _row(name, folder, encode(name, folder), lambda: decode(name, folder))


class Workshop:
    """Two lines of work, each an encoder and then a decoder; a context manager."""

    def __init__(self, folder, lines=2):
        self._folder = Path(folder)
        write_side_files(folder)
        context = multiprocessing.get_context("spawn")
        self._encoders, self._decoders = (ProcessPoolExecutor(lines, context) for _ in range(2))
        self._threads = ThreadPoolExecutor(lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pool in (self._threads, self._encoders, self._decoders):
            pool.shutdown(cancel_futures=True)

    def row(self, name):
        """A future of the Row of a case; its exception tells what went wrong."""
        return self._threads.submit(self._make, name)

    def _make(self, name):
        folder = str(self._folder)
        encoding = self._encoders.submit(encode, name, folder).result()
        return _row(name, folder, encoding, lambda: self._decoders.submit(decode, name, folder).result())
