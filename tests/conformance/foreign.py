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
FFMPEG, LIBDE265, X265 = "ffmpeg", "libde265-dec265", "x265"


def available(program):
    """Whether the program is installed."""
    return shutil.which(program) is not None


def needs(*programs):
    """A pytest mark that skips where one of the programs is missing."""
    missing = [program for program in programs if not available(program)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


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
