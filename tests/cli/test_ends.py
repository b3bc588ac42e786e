"""How programs end: closed streams, readers that go away, signals, full disks; in processes of their own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from codec.base.io.yuv import pack
from tests.codec.h265 import small_stream

ROOT = Path(__file__).resolve().parents[2]
CLIP = "a_6x4_25.yuv"
# a program with stand-ins for the codec; SLOW: it waits behind the first picture
PROGRAM = f"""
import sys, time, pytest; sys.path.insert(0, {str(ROOT)!r}); import codec.h265.encoder, codec.h265.decoder
from tests.cli import fakes
def slow(function):
    def pictures(*arguments):
        for picture in function(*arguments):
            yield picture
            if "SLOW" in sys.argv: time.sleep(60)
    pictures.__name__ = function.__name__
    return pictures
fakes.encode_sequence, fakes.decode_stream = map(slow, (fakes.encode_sequence, fakes.decode_stream))
fakes.install(pytest.MonkeyPatch())
from cli import fail, pyenc, pydec
program = dict(pyenc=pyenc, pydec=pydec)[sys.argv[1]]
sys.exit(fail.run(sys.argv[1], program.run, [word for word in sys.argv[2:] if word != "SLOW"]))
"""
TABLE = "clip,config,qp,frames,bits,psnr_y\n" + "".join(
    f"a.yuv,,{qp},1,{9000 >> n},{40 - 2 * n}\n" for n, qp in enumerate((22, 27, 32, 37))
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    Path(CLIP).write_bytes(np.random.default_rng(1).integers(0, 256, 3 * 36).astype(np.uint8).tobytes())
    return tmp_path


def command(program, *words):
    if program in ("pyenc", "pydec"):
        return [sys.executable, "-c", PROGRAM, program, *words]
    return [sys.executable, "-m", f"cli.{program}", *words]


def shell(redirections, program, *words):
    """Run a program by a shell that closes streams."""
    line = 'exec "$@" ' + redirections
    return subprocess.run(["sh", "-c", line, "sh", *command(program, *words)], capture_output=True, text=True)


def files():
    return sorted(os.listdir())


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(closed):
    """(cron, daemons) The work is done."""
    done = shell(closed, "pyenc", "-i", CLIP, "-o", "s.bin", "-r", "r.yuv", "--json", "s.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert shell(closed, "pydec", "-i", "s.bin", "-o", "d.yuv").returncode == 0
    assert Path("d.yuv").read_bytes() == Path("r.yuv").read_bytes()
    assert b"POC" not in Path("s.bin").read_bytes() + Path("d.yuv").read_bytes()
    Path("real.bin").write_bytes(small_stream.STREAM)
    for name in ("a.csv", "b.csv"):
        Path(name).write_text(TABLE)
    assert shell(closed, "pyinspect", "stats", "-i", "real.bin").returncode == 0
    assert shell(closed, "pybd", "a.csv", "b.csv").returncode == 0
    assert shell(closed, "pybd", "a.csv", "none.csv").returncode == 3
    assert shell(closed, "pysweep", "--help").returncode == 0


@pytest.mark.parametrize(
    ("closed", "program", "words", "name"),
    [
        ("<&-", "pyenc", "-i - -wdt 6 -hgt 4 -o x.bin", "standard input"),
        ("<&-", "pydec", "-i - -o x.yuv", "standard input"),
        ("<&-", "pyinspect", "stats -i -", "standard input"),
        (">&-", "pyenc", f"-i {CLIP} -o -", "standard output"),
        (">&-", "pydec", "-i nothing.bin -o -", "standard output"),
        (">&-", "pydec", "-i nothing.bin --csv -", "standard output"),
        (">&-", "pyinspect", "stats -i nothing.bin -o -", "standard output"),
    ],
)
def test_a_closed_stream_that_is_asked_for(closed, program, words, name):
    done = shell(closed, program, *words.split())
    assert done.returncode == 3
    assert done.stderr == f"{program}: error: {name} is closed: name a file in place of -\n"
    assert files() == [CLIP]


@pytest.mark.parametrize(
    ("program", "words"),
    [("pyenc", "--help"), ("pydec", "--help"), ("pyinspect", "stats -i s.bin"), ("pyinspect", "--help"),
     ("pybd", "a.csv b.csv"), ("pysweep", "--help"), ("pyalloc", "--help"), ("pytrain", "--help"),
     ("pyenc", f"-i {CLIP} -o -")],
)  # fmt: skip
def test_the_reader_goes_away(program, words):
    Path("s.bin").write_bytes(small_stream.STREAM)
    for name in ("a.csv", "b.csv"):
        Path(name).write_text(TABLE)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command(program, *words.split()), stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert done.returncode == 141
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
def test_a_full_disk_under_the_report():
    done = shell(">/dev/full", "pydec", "--help")
    assert (done.returncode, done.stderr) == (3, "pydec: error: standard output: No space left on device\n")
    done = shell(">/dev/full", "pyenc", "-i", CLIP, "-o", "s.bin")
    assert (done.returncode, done.stderr) == (3, "pyenc: error: standard output: No space left on device\n")
    assert files() == [CLIP]
    assert shell("2>/dev/full", "pydec", "-i", "none.bin").returncode == 3


def begun(*words):
    """A program that has told of its first picture."""
    process = subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("POC"):
            return process
    raise AssertionError(process.stderr.read())


@pytest.mark.parametrize(
    ("number", "text"),
    [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "ended by SIGTERM"), (signal.SIGHUP, "ended by SIGHUP")],
)
def test_signals_leave_nothing_behind(number, text):
    Path("s.bin").write_bytes(b"earlier")
    process = begun("pyenc", "-i", CLIP, "-o", "s.bin", "-r", "r.yuv", "--TraceFile=t.csv", "SLOW")
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (128 + number, f"pyenc: {text}\n")
    assert files() == [CLIP, "s.bin"]
    assert Path("s.bin").read_bytes() == b"earlier"
    assert shell("", "pyenc", "-i", CLIP, "-o", "s.bin").returncode == 0
    process = begun("pydec", "-i", "s.bin", "-o", "r.yuv", "SLOW")
    process.send_signal(number)
    assert process.communicate(timeout=30)[1] == f"pydec: {text}\n"
    assert process.returncode == 128 + number
    assert files() == [CLIP, "s.bin"]


def test_nohup_is_heeded():
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *command("pyenc", "-i", CLIP, "-o", "s.bin", "SLOW")],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not process.stdout.readline().startswith("POC"):
        assert process.poll() is None
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143


@pytest.mark.parametrize(
    ("program", "module", "body"),
    [
        ("pybd", "click", "{kill}; time.sleep(30)"),
        ("pyinspect", "click", "{kill}; time.sleep(30)"),
        ("pydec", "tqdm", "{kill}; time.sleep(30)"),
        # one that takes everything for its own failure, one that loses it in a destructor
        ("pydec", "tqdm", "try:\n {kill}; time.sleep(30)\nexcept BaseException:\n raise ImportError('tqdm is broken')"),
        ("pydec", "tqdm", "class A:\n def __del__(self): {kill}; time.sleep(1)\nA()\ntime.sleep(30)"),
    ],
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_while_modules_are_imported(folder, program, module, body, number):
    body = body.format(kill=f"os.kill(os.getpid(), {int(number)})")
    (folder / f"{module}.py").write_text(f"import os, time\n{body}\n")
    environment = dict(os.environ, PYTHONPATH=f"{folder}:{ROOT}")
    words = [sys.executable, "-m", f"cli.{program}", *(["-i", CLIP] if program == "pydec" else ["x", "y"])]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=20)
    assert done.returncode == 128 + number
    assert done.stderr == f"{program}: {'interrupted' if number == signal.SIGINT else 'ended by SIGTERM'}\n"


def test_importing_the_programs_leaves_signals_alone():
    code = "import signal; before = signal.getsignal(2), signal.getsignal(15); import cli.pyenc\n"
    code += "assert before == (signal.getsignal(2), signal.getsignal(15))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_dumping_processes_end_with_pytrain(folder, number):
    """However it ends, and whether or not they were told as well."""
    (folder / "data").mkdir()
    planes = [np.full(shape, 90) for shape in ((128, 128), (64, 64), (64, 64))]
    for name in "abcd":
        (folder / "data" / f"{name}_128x128_25.yuv").write_bytes(pack(planes, 8) * 200)
    (folder / "p.toml").write_text('data = "data"\nsources = ["*.yuv"]\nqps = [22]\npictures = 200\n')
    words = [sys.executable, "-m", "cli.pytrain", "dump", "p.toml", "--jobs", "2", "--work", "w"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    limit = time.monotonic() + 200
    while len(workers := workers_of(process.pid)) < 2:
        assert time.monotonic() < limit and process.poll() is None
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    assert "Traceback" not in errors
    limit = time.monotonic() + 10
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < limit
        time.sleep(0.05)


def workers_of(process):
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
