"""`make fuzz`: damaged streams must end well: decoded, or refused with a documented exit code, soon, in little memory.

Run: python -m tests.fuzz.run [--count N] [--first SEED] [--workers N] [--save DIRECTORY]
     python -m tests.fuzz.run --seed SEED --save DIRECTORY      one case again, its stream kept

A case is a seed: it picks a stream of the corpus and the damage (tests/fuzz/mutate.py). Workers decode one case after
another in their own process and say when they begin and end; a case that takes longer than 10 s, a worker that dies,
one that grows by more than 1 GiB, or an exception other than those of codec/base/errors.py is a finding.
"""

import argparse
import io
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from codec.base.errors import CodecError
from codec.base.kernels.warm import warm_up
from codec.h265.config import DecoderConfig
from codec.h265.decoder.decode import decode_stream
from tests.codec.h265 import small_stream
from tests.conformance import foreign, x265_matrix
from tests.conformance.run import DEFAULT_DIRECTORY, read_index
from tests.fuzz.mutate import join, mutate, nal_units
from tests.fuzz.workers import Tally, run_cases

ALLOWED = {0, 4, 5, 6, 8}
TIME_LIMIT = 10.0
MEMORY_LIMIT = 1 << 30
_MAX_BYTES, _MAX_AREA, _MAX_VCL_UNITS = 20000, 320 * 240, 4
_FROM_X265 = (
    "small odd size",
    "aq, qg-size 8, ctu 16",
    "tskip, 10 bit",
    "cu-lossless, tskip, aq",
    "everything",
    "slices 4",
)


def _shorten(stream):
    """The stream up to its fourth slice segment."""
    kept, count = [], 0
    for unit in nal_units(stream):
        count += unit.nal_unit_type < 32
        if count > _MAX_VCL_UNITS:
            break
        kept.append(unit)
    return join(kept)


def corpus():
    """{name: stream}: one that is always there, small ones of ../shared/streams, and some that x265 makes now."""
    streams = {"x265: small stream": small_stream.STREAM}
    if (DEFAULT_DIRECTORY / "index.csv").is_file():
        for path, row in read_index(DEFAULT_DIRECTORY):
            if path.stat().st_size <= _MAX_BYTES and int(row["width"]) * int(row["height"]) <= _MAX_AREA:
                streams[row["name"]] = path.read_bytes()
    if foreign.available(foreign.X265):
        with tempfile.TemporaryDirectory() as directory:
            for name in _FROM_X265:
                streams[f"x265: {name}"] = Path(x265_matrix.make_stream(name, directory)).read_bytes()
    return {name: _shorten(stream) for name, stream in sorted(streams.items())}


def case(seed, streams):
    """The damaged stream of a seed. -> (bytes, what was done to which)"""
    rng = np.random.default_rng(seed)
    name = list(streams)[int(rng.integers(len(streams)))]
    damaged, what = mutate(rng, streams[name])
    return damaged, f"{name}: {what}"


def outcome(stream):
    """Decode a damaged stream as pydec does. -> its exit code; other exceptions than ours pass"""
    code = 0
    try:
        for picture in decode_stream(DecoderConfig(), io.BytesIO(stream)):
            if picture.hash_status == "ERROR":
                code = 5
    except CodecError as error:
        code = error.exit_code
        if not str(error).strip() or "\n" in str(error):
            raise RuntimeError(f"not one line: {str(error)!r}") from error
    return code


def _resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _peak_bytes():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM"))


def work(directory, first, count, step):
    """A worker: cases first, first + step, ...; prints `begin SEED` and `end SEED CODE SECONDS`."""
    streams = {path.name: path.read_bytes() for path in sorted(Path(directory).iterdir())}
    for stream in streams.values():
        outcome(stream)  # what the kernels and their caches take is not the stream's
    start = _resident_bytes()
    for seed in range(first, first + count * step, step):
        stream, _ = case(seed, streams)
        print("begin", seed, flush=True)
        began = time.perf_counter()
        try:
            code = str(outcome(stream))
        except Exception as error:
            code = f"{type(error).__name__}:{'_'.join(str(error).split())[:120]}"
        if _peak_bytes() - start > MEMORY_LIMIT:
            print("end", seed, "too_much_memory", 0, flush=True)
            return
        print("end", seed, code, round(time.perf_counter() - began, 3), flush=True)


def fuzz(streams, first, count, workers, report=lambda done, count: None):
    """Run cases first .. first + count - 1 over the corpus. -> Tally"""
    tally = Tally({str(code) for code in ALLOWED}, TIME_LIMIT)
    with tempfile.TemporaryDirectory() as directory:
        for number, stream in enumerate(streams.values()):
            (Path(directory) / f"{number:03}").write_bytes(stream)
        run_cases("tests.fuzz.run", directory, first, count, workers, tally, report)
    return tally


def save(directory, seed, streams):
    """Keep the stream of a case."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"case_{seed}.bit"
    path.write_bytes(case(seed, streams)[0])
    return path


def main(arguments):
    """Returns an exit status: 0 without findings."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="this case only, in this process")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--save", type=Path, default=Path("fuzz-findings"), help="where streams of findings go")
    options = parser.parse_args(arguments)
    warm_up("decoder")
    streams = {str(number): stream for number, stream in enumerate(corpus().values())}
    if options.seed is not None:
        print(case(options.seed, streams)[1], save(options.save, options.seed, streams), flush=True)
        print("exit code", outcome(case(options.seed, streams)[0]))
        return 0
    started = time.perf_counter()
    tally = fuzz(streams, options.first, options.count, options.workers)
    for seed, code in tally.findings:
        print(f"FINDING: seed {seed}: {code}: {case(seed, streams)[1]}: {save(options.save, seed, streams)}")
    codes = ", ".join(f"{code}: {number}" for code, number in sorted(tally.codes.items()) if code.isdigit())
    minutes, seconds = divmod(round(time.perf_counter() - started), 60)
    print(
        f"{options.count} damaged versions of {len(streams)} streams in {minutes}m{seconds:02d}s: "
        f"{len(tally.findings)} findings; exit codes {codes}; slowest {tally.slowest:.1f} s"
    )
    return 1 if tally.findings else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], *(int(argument) for argument in sys.argv[3:6]))
    else:
        sys.exit(main(sys.argv[1:]))
