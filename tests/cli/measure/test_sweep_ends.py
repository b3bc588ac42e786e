"""Encoders that hang, and sweeps that are ended: nothing that was started lives on, no folder is left."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli import children, fail, pysweep
from cli.measure.plan import read_plan
from codec.base.errors import UsageError
from tests.cli.measure.test_sweep import ROOT, fake, table, wait_for, write_clip

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")
# started by a shell, in whose place it does not stand; tells who it is; may be deaf to TERM
HANGING = """import os, signal, time
{deaf}
open("{folder}/pid", "w").write(str(os.getpid()))
time.sleep(300)
"""
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    write_clip(tmp_path / "one_48x32_25.yuv", 1)
    return tmp_path


def plan(folder, deaf="", head=""):
    """A plan of an encoder that hangs and one that does not."""
    script = folder / "encoder.sh"
    script.write_text(f"{sys.executable} {folder}/hanging.py; true\n")
    (folder / "hanging.py").write_text(HANGING.format(deaf=deaf, folder=folder))
    hanging = f'[[config]]\nname = "hangs"\ncommand = "sh {script} {{input}} {{qp}} {{output}}"\n'
    path = folder / "plan.toml"
    path.write_text(f'clips = ["*.yuv"]\nqps = [16]\njobs = 1\nmetrics = ["psnr"]\n{head}' + hanging + fake("fake"))
    return path


def encoder(folder):
    """The process id of the encoder, once it hangs."""
    file = folder / "pid"
    wait_for(lambda: file.exists() and file.read_text())
    return int(file.read_text())


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def left(folder):
    return [name for name in os.listdir(folder / "tmp") if name.startswith("pysweep")]


@pytest.mark.parametrize("deaf", ["", DEAF])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_sweep_that_is_ended(folder, number, deaf):
    words = [sys.executable, "-m", "cli.pysweep", str(plan(folder, deaf))]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    hanging = encoder(folder)
    started = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    wait_for(lambda: not alive(hanging) and not left(folder), 10)
    assert time.monotonic() - started < 10
    assert "Traceback" not in errors


def test_ctrl_c_in_a_terminal_reaches_all(folder):
    words = [sys.executable, "-m", "cli.pysweep", str(plan(folder))]
    pipe = subprocess.PIPE
    process = subprocess.Popen(words, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    hanging = encoder(folder)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "pysweep: interrupted\n")
    assert not alive(hanging) and not left(folder)


@pytest.mark.parametrize("deaf", ["", DEAF])
def test_a_time_limit_makes_a_failed_point(folder, capsys, deaf):
    assert fail.run("pysweep", pysweep.run, [str(plan(folder, deaf, "timeout = 2.5\n"))]) == 1
    captured = capsys.readouterr()
    assert "1 of 2 points failed; the first: one_48x32_25.yuv hangs QP 16: sh was ended: " in captured.err
    assert "timeout" in captured.err
    assert [row["config"] for row in table(folder)] == ["fake"]
    assert not alive(encoder(folder)) and not left(folder)


def test_a_time_limit_is_no_part_of_what_is_measured(folder):
    def keys(head):
        return [task["key"] for task in read_plan(str(plan(folder, head=head))).tasks()]

    assert keys("") == keys("timeout = 7\n")
    assert read_plan(str(plan(folder, head="timeout = 7\n"))).tasks()[0]["timeout"] == 7
    for wrong in ("0", "-1", "nan", "1e12", "true", '"5"'):
        with pytest.raises(UsageError, match="timeout"):
            read_plan(str(plan(folder, head=f"timeout = {wrong}\n")))


def test_what_ends_in_time_is_measured(folder):
    code, usage = children.run([sys.executable, "-c", "import sys; sys.exit(7)"], 60)
    assert code == 7 and usage.ru_utime > 0
    assert children.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])[0] == -9
    with pytest.raises(OSError, match="No such file"):
        children.run([str(folder / "none")])


def test_points_of_a_full_disk_name_the_file(folder, capsys, monkeypatch):
    from codec.base.io import writer

    def full(self, data):
        with self._named():
            raise OSError(28, "No space left on device")

    path = plan(folder)
    path.write_text('clips = ["*.yuv"]\nqps = [16]\njobs = 1\nmetrics = ["psnr"]\n' + fake("fake"))
    monkeypatch.setattr(writer._NamedFile, "write", full)
    assert fail.run("pysweep", pysweep.run, [str(path)]) == 3
    assert "encode.log: No space left on device" in capsys.readouterr().err
    assert not list((folder / "plan.sweep").rglob("*.part")) and not list((folder / "plan.sweep").rglob("*.json"))
    monkeypatch.undo()
    assert fail.run("pysweep", pysweep.run, [str(path)]) == 0
    assert json.loads(next((folder / "plan.sweep").rglob("point.json")).read_text())["config"] == "fake"
