"""A Dask cluster of processes on this machine, for tests."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager

from tests.conformance.foreign import ROOT


@contextmanager
def two_workers(folder, wait_for):
    """(address of the scheduler, the workers' processes); logs go to the folder. wait_for: of the tests of sweeps"""
    environment, processes = dict(os.environ, PYTHONPATH=str(ROOT)), []

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
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()
