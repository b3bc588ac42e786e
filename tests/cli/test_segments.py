"""pyenc --jobs and --scheduler: the same stream, report and files as in one process, and what goes wrong."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli import fail, pyenc
from codec.base.errors import InputError, UsageError
from codec.base.io import y4m
from codec.base.io.yuv import Format, pack
from tests.encode.test_streams import source_pictures

ROOT = Path(__file__).resolve().parents[2]
SIZE = (64, 64)
RANDOM_ACCESS = ["-c", "encoder_randomaccess_main.cfg", "-q", "37", "--IntraPeriod=16", "-i", "clip_64x64_30.yuv"]
ALL_INTRA = ["-c", "encoder_intra_main.cfg", "-q", "37"]


def moving(count, depth=8):
    """The project's clip, forwards and backwards."""
    clip = list(source_pictures(*SIZE, 5, depth, 1))
    clip += clip[-2:0:-1]
    return [clip[index % len(clip)] for index in range(count)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_clip(count):
    Path("clip_64x64_30.yuv").write_bytes(b"".join(pack(planes, 8) for planes in moving(count)))


def encode(*arguments):
    return fail.run("pyenc", pyenc.run, [str(a) for a in arguments])


def everything(directory, arguments, capsys):
    """(files, printed lines, JSON, CSV) of an encoding, without times and names."""
    Path(directory).mkdir()
    names = {name: str(Path(directory, name)) for name in ("s.bin", "r.y4m", "t.csv", "s.json", "s.csv")}
    outputs = ["-o", names["s.bin"], "-r", names["r.y4m"], f"--TraceFile={names['t.csv']}"]
    assert encode(*arguments, *outputs, "--json", names["s.json"], "--csv", names["s.csv"]) == 0
    printed = re.sub(r"ET +\d+|Total Time: +[\d.]+", "", capsys.readouterr().out).replace(f"{directory}/", "")
    document = json.loads(Path(names["s.json"]).read_text())
    del document["seconds"], document["arguments"]
    for picture in document["pictures"]:
        del picture["seconds"]
    with open(names["s.csv"]) as file:
        rows = [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]
    contents = [Path(names[name]).read_bytes() for name in ("s.bin", "r.y4m", "t.csv")]
    assert sorted(os.listdir(directory)) == sorted(names)
    return contents, printed, document, rows


def test_random_access_by_two_processes(capsys):
    """With pictures skipped, the last group incomplete."""
    write_clip(59)
    arguments = [*RANDOM_ACCESS, "--FrameSkip=3", "-f", 54]
    alone = everything("alone", arguments, capsys)
    assert everything("two", [*arguments, "--jobs=2"], capsys) == alone
    assert alone[1].count("POC ") == 54


def test_all_intra_by_three_processes_from_y4m(capsys):
    frames = b"".join(b"FRAME\n" + pack(planes, 10) for planes in moving(13, 10))
    Path("clip.y4m").write_bytes(y4m.header(Format(*SIZE, 10, 1)) + frames)
    arguments = [*ALL_INTRA, "-i", "clip.y4m", "--FrameSkip=1"]
    alone = everything("alone", arguments, capsys)
    assert everything("three", [*arguments, "--jobs=3"], capsys) == alone


def test_what_cannot_be_cut_is_coded_here(capsys, monkeypatch):
    monkeypatch.setattr("cli.segments.code_segment", None)
    write_clip(3)
    words = ["-c", "encoder_lowdelay_P_main.cfg", "-q", 45, "-i", "clip_64x64_30.yuv", "-o", "s.bin"]
    assert encode(*words, "--jobs=2") == 0
    out = capsys.readouterr().out
    assert "Note: --jobs=2 has no effect: there is no intra picture at which this clip can be cut\n" in out
    assert encode(*words, "--jobs=1") == 0
    assert "Note: --jobs" not in capsys.readouterr().out


RATE = "-i clip_64x64_30.yuv --RateControl=1 --TargetBitrate=9000"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (f"{RATE} --jobs=2", "--jobs=2 and RateControl=1"),
        (f"{RATE} --scheduler=tcp://127.0.0.1:9", "--scheduler and RateControl=1"),
        ("-i pipe -wdt 64 -hgt 64 --jobs=2", "give a file, not a pipe"),
        ("-i clip_64x64_30.yuv --jobs=-1", "outside 0..1024"),
    ],
)  # fmt: skip
def test_refused(words, message, capsys):
    write_clip(9)
    os.mkfifo("pipe")
    writer = os.open("pipe", os.O_RDWR)
    os.write(writer, b"\0" * 64)
    try:
        assert encode("-c", "encoder_intra_main.cfg", "-o", "s.bin", *words.split()) == UsageError.exit_code
    finally:
        os.close(writer)
    assert message in capsys.readouterr().err
    assert not Path("s.bin").exists()


def test_a_source_that_goes_wrong_late(capsys):
    """A worker's error is told as if it were ours: line, exit code, no files."""
    bad = pack(moving(1, 10)[0], 10)
    bad = b"\xff\xff" + bad[2:]
    frames = b"".join(pack(planes, 10) for planes in moving(12, 10))
    Path("clip_64x64_30.yuv").write_bytes(frames + bad)
    words = [*ALL_INTRA, "-i", "clip_64x64_30.yuv", "--InputBitDepth=10", "-o"]
    assert encode(*words, "s.bin") == InputError.exit_code
    told = capsys.readouterr().err
    assert encode(*words, "s.bin", "--jobs=2") == InputError.exit_code
    assert capsys.readouterr().err == told
    assert "picture 12" in told
    assert os.listdir() == ["clip_64x64_30.yuv"]


def start(*arguments, session=False):
    command = [sys.executable, "-m", "cli.pyenc", *RANDOM_ACCESS, "-o", "s.bin", *arguments]
    environment = dict(os.environ, PYTHONPATH=str(ROOT), TMPDIR=os.getcwd())
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=session)


def first_picture(run):
    """Wait until a segment is written."""
    while line := run.stdout.readline():
        if line.startswith("POC"):
            return
    raise AssertionError(run.stderr.read())


def workers_of(process):
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def wait_for_end(processes):
    limit = time.monotonic() + 20
    while [process for process in processes if Path(f"/proc/{process}").exists()]:
        assert time.monotonic() < limit
        time.sleep(0.1)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc")
@pytest.mark.parametrize("what", ["kill", "interrupt", "terminate", "hang up", "kill the program"])
def test_processes_end(what):
    """A worker is killed; Ctrl-C; TERM to the program alone; HUP to all; KILL: nobody lives on, no file is left."""
    write_clip(160)
    run = start("--jobs=2", session=True)
    if what == "interrupt":
        # as early as it can be: the workers are being started
        limit = time.monotonic() + 30
        while not (processes := workers_of(run.pid)):
            assert time.monotonic() < limit
            time.sleep(0.01)
    else:
        first_picture(run)
        processes = workers_of(run.pid)
        assert len(processes) == 2
    if what == "kill":
        os.kill(processes[0], signal.SIGKILL)
    elif what == "interrupt":
        os.killpg(run.pid, signal.SIGINT)
    elif what == "hang up":
        os.killpg(run.pid, signal.SIGHUP)
    else:
        run.send_signal(signal.SIGTERM if what == "terminate" else signal.SIGKILL)
    _, errors = run.communicate(timeout=60)
    expected = {"kill": 1, "interrupt": fail.EXIT_INTERRUPTED, "terminate": 143, "hang up": 129, "kill the program": -9}
    assert run.returncode == expected[what]
    wait_for_end(processes)
    assert "Traceback" not in errors
    if what == "kill":
        assert re.search(r"error: pictures \d+ to \d+: the process that coded them was killed", errors)
    if what != "kill the program":
        assert os.listdir() == ["clip_64x64_30.yuv"]


@pytest.mark.timeout(300)
def test_a_dask_cluster_that_loses_a_worker(folder):
    """Two workers, one of which is killed while it works: the stream is the serial one."""
    pytest.importorskip("distributed")
    write_clip(115)
    environment = dict(os.environ, PYTHONPATH=str(ROOT), TMPDIR=os.getcwd())
    processes = []

    def begin(*words):
        log = (folder / f"dask{len(processes)}.log").open("wb")
        command = [sys.executable, "-m", *words]
        processes.append(subprocess.Popen(command, cwd="/", env=environment, stdout=log, stderr=log))

    address_file = folder / "scheduler.json"
    try:
        begin("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
              "--scheduler-file", str(address_file))  # fmt: skip
        assert encode(*RANDOM_ACCESS, "-o", "alone.bin", "-r", "alone.yuv") == 0
        while not (address_file.exists() and address_file.stat().st_size):
            time.sleep(0.05)
        address = json.loads(address_file.read_text())["address"]
        for _ in range(2):
            begin("distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard",
                  "--local-directory", str(folder))  # fmt: skip
        run = start("--scheduler", address, "-r", "s.yuv")
        first_picture(run)
        processes[1].kill()
        out, errors = run.communicate(timeout=120)
        assert run.returncode == 0, errors
        assert "SUMMARY" in out
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert Path("s.bin").read_bytes() == Path("alone.bin").read_bytes()
    assert Path("s.yuv").read_bytes() == Path("alone.yuv").read_bytes()
