"""Other people's decoders and encoder, as programs: the truth that ours are held against.

Every `*_md5` is the MD5 of all output pictures, planes one after another, 16-bit little-endian words above 8 bits.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FFMPEG, X265 = "ffmpeg", "x265"
# Debian's name, else that of libde265's own build
LIBDE265 = "dec265" if shutil.which("dec265") and not shutil.which("libde265-dec265") else "libde265-dec265"


def available(program):
    """Whether the program is installed."""
    return shutil.which(program) is not None


def needs(*programs):
    """A pytest mark for what cannot be tested without these programs; tests/conftest.py hands it to require()."""
    return pytest.mark.needs(*programs)


def required():
    """Whether a missing program is a failure: where PYENC_REQUIRE_FOREIGN=1, as in .ci/run."""
    return os.environ.get("PYENC_REQUIRE_FOREIGN") == "1"


def require(*programs):
    """Skip the test that runs where one of the programs is missing, or fail it where they are required()."""
    missing = [program for program in programs if not available(program)]
    if missing:
        (pytest.fail if required() else pytest.skip)(f"not installed: {', '.join(missing)}")


class ProgramFailed(Exception):
    """A program ended with an error; the text is its last line and its exit status."""

    def __init__(self, command, status, errors):
        last = (errors.strip().splitlines() or [""])[-1]
        super().__init__(f"{Path(command[0]).name} ended with {status}: {last}")
        self.status = status


def _check(command, process, errors):
    if process.returncode:
        raise ProgramFailed(command, process.returncode, errors.decode(errors="replace"))


def md5_of_output(command, **options):
    """MD5 of what a command writes to standard output; raises ProgramFailed."""
    digest = hashlib.md5()
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, **options) as process:
            while block := process.stdout.read(1 << 20):
                digest.update(block)
        errors.seek(0)
        _check(command, process, errors.read())
    return digest.hexdigest()


def ffmpeg_command(stream, *output):
    """The command that decodes all pictures of a stream with FFmpeg in one thread."""
    return [FFMPEG, "-v", "error", "-threads", "1", "-f", "hevc", "-i", str(stream), "-vsync", "0", *output]


def ffmpeg_md5(stream):
    """The pictures of a stream as FFmpeg decodes them, in their own format."""
    return md5_of_output(ffmpeg_command(stream, "-f", "rawvideo", "-"))


def libde265_md5(stream):
    """The pictures of a stream as libde265 decodes them."""
    # /dev/stdout cannot be used: dec265 reports there as well
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "pictures.yuv"
        command = [LIBDE265, "-q", "-o", str(output), str(stream)]
        result = subprocess.run(command, capture_output=True)
        _check(command, result, result.stderr)
        return hashlib.md5(output.read_bytes()).hexdigest() if output.exists() else hashlib.md5().hexdigest()


def pydec_md5(stream):
    """The pictures of a stream as pydec decodes them in a fresh process; raises ProgramFailed with its exit code."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "cli.pydec", "-i", str(stream), "-o", "-"]
    return md5_of_output(command, env={**os.environ, "PYTHONPATH": path})


def all_here():
    """Say which foreign decoders are missing; False where that must not be."""
    missing = [name for name, program in PROGRAMS.items() if not available(program)]
    for name in missing:
        print(f"not installed, so not asked: {name}")
    return not (missing and required())


DECODERS = {"pydec": pydec_md5, "FFmpeg": ffmpeg_md5, "libde265": libde265_md5}
"""By name, the functions of a stream above."""

PROGRAMS = {"FFmpeg": FFMPEG, "libde265": LIBDE265}
"""The programs of those that are foreign."""


def in_all_decoders(names, wrong_in_libde265=()):
    """Parameters (name, decoder) of a test: every case in every decoder; what is missing is told, never passed over.

    wrong_in_libde265  cases that it does not decode as H.265 says, or writes otherwise
    """
    return [
        pytest.param(
            name, decoder, marks=needs(PROGRAMS[decoder]) if decoder in PROGRAMS else (), id=f"{name}-{decoder}"
        )
        for name in names
        for decoder in DECODERS
        if decoder != "libde265" or name not in wrong_in_libde265
    ]


def x265_encode(source, size, stream, *options, rate=12):
    """Encode a raw 8-bit 4:2:0 file of (width, height) with x265."""
    command = [X265, "--input", str(source), "--input-res", f"{size[0]}x{size[1]}", "--fps", str(rate)]
    command += ["-o", str(stream), "--no-progress", "--log-level", "error", *options]
    try:
        # x265 3.5 hangs at times: --no-deblock --pools 1, for one
        result = subprocess.run(command, capture_output=True, timeout=20)
    except subprocess.TimeoutExpired:
        raise ProgramFailed(command, "no answer in 20 s", "") from None
    _check(command, result, result.stderr)
