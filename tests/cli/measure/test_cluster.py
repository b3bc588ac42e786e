"""pysweep on a Dask cluster."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("distributed")

from tests.cli.measure.test_sweep import ROOT, coded, fake, folder, sweep, table, wait_for, write_plan  # noqa: F401


@pytest.mark.timeout(300)
def test_a_dask_cluster_that_loses_a_worker(folder):  # noqa: F811
    """Two workers, one of which is killed while it works: every point is there in the end."""
    plan = write_plan(folder, fake("slow", 0.2), fake("slower", 0.25))
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    processes = []

    def start(*words):
        log = (folder / f"dask{len(processes)}.log").open("wb")
        command = [sys.executable, "-m", *words]
        processes.append(subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log))

    address_file = folder / "scheduler.json"
    try:
        start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
              "--scheduler-file", str(address_file))  # fmt: skip
        wait_for(lambda: address_file.exists() and address_file.stat().st_size)
        address = json.loads(address_file.read_text())["address"]
        for _ in range(2):
            start("distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard")
        run = subprocess.Popen([sys.executable, "-m", "cli.pysweep", str(plan), "--scheduler", address], cwd=ROOT,
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
        points = folder / "plan.sweep" / "points"
        wait_for(lambda: len(list(points.glob("*/point.json"))) >= 4)
        processes[1].kill()
        out, _ = run.communicate(timeout=120)
        assert run.returncode == 0
        assert "16 points measured" in out
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert len({row["key"] for row in table(folder)}) == 16
    # what was in the dead worker's hands or memory is coded again, the rest is not
    assert 16 <= len(coded(folder)) < 2 * 16


def test_no_scheduler(folder, capsys, monkeypatch):  # noqa: F811
    monkeypatch.setattr("cli.workers._CONNECT_SECONDS", 1)
    assert sweep(write_plan(folder, fake("fake")), "--scheduler", "tcp://127.0.0.1:9") == 3
    assert "no scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err
