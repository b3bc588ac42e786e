"""pysweep on a Dask cluster."""

import subprocess
import sys

import pytest

pytest.importorskip("distributed")

from tests.cli.measure.clusters import two_workers
from tests.cli.measure.test_sweep import ROOT, coded, fake, folder, sweep, table, wait_for, write_plan  # noqa: F401


@pytest.mark.timeout(300)
def test_a_dask_cluster_that_loses_a_worker(folder):  # noqa: F811
    """Two workers, one of which is killed while it works: every point is there in the end."""
    plan = write_plan(folder, fake("slow", 0.2), fake("slower", 0.25))
    with two_workers(folder, wait_for) as (address, workers):
        run = subprocess.Popen([sys.executable, "-m", "cli.pysweep", str(plan), "--scheduler", address], cwd=ROOT,
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
        points = folder / "plan.sweep" / "points"
        wait_for(lambda: len(list(points.glob("*/point.json"))) >= 4)
        workers[0].kill()
        out, _ = run.communicate(timeout=120)
        assert run.returncode == 0
        assert "16 points measured" in out
    assert len({row["key"] for row in table(folder)}) == 16
    # what was in the dead worker's hands or memory is coded again, the rest is not
    assert 16 <= len(coded(folder)) < 2 * 16


def test_no_scheduler(folder, capsys, monkeypatch):  # noqa: F811
    monkeypatch.setattr("cli.workers._CONNECT_SECONDS", 1)
    assert sweep(write_plan(folder, fake("fake")), "--scheduler", "tcp://127.0.0.1:9") == 3
    assert "no scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err
