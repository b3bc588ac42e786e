"""Cases in processes of their own, each with a time limit: what both fuzzers run in.

A worker is `python -m MODULE --work DIRECTORY FIRST COUNT STEP`. It prints `begin SEED` and `end SEED CODE SECONDS`;
one that dies or hangs is a finding, and another goes on behind its case.
"""

import selectors
import subprocess
import sys
import time
from collections import Counter

from tests.conformance import foreign


class Worker:
    """One worker process and where it is."""

    def __init__(self, module, directory, seeds):
        self.module, self.directory, self.seeds = module, directory, list(seeds)
        self.current, self.began, self.process = None, time.monotonic(), None
        self._start()

    def _start(self):
        step = self.seeds[1] - self.seeds[0] if len(self.seeds) > 1 else 1
        arguments = ["--work", str(self.directory), str(self.seeds[0]), str(len(self.seeds)), str(step)]
        command = [sys.executable, "-m", self.module, *arguments]
        self.process = subprocess.Popen(command, cwd=foreign.ROOT, stdout=subprocess.PIPE, text=True, bufsize=1)

    def restart_behind(self, seed):
        """Go on behind a case that ended the process. -> whether any are left"""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.seeds = self.seeds[self.seeds.index(seed) + 1 :]
        self.current = None
        if self.seeds:
            self._start()
        return bool(self.seeds)


class Tally:
    """What came out: how often each exit code, the slowest case, and the findings."""

    def __init__(self, allowed, time_limit):
        """allowed: ends that are no findings;  time_limit: seconds a case may take."""
        self.allowed, self.time_limit = allowed, time_limit
        self.codes, self.findings, self.slowest = Counter(), [], 0.0

    def add(self, seed, code, seconds):
        """Note the end of a case."""
        self.codes[code] += 1
        self.slowest = max(self.slowest, seconds)
        if code not in self.allowed or seconds > self.time_limit:
            self.findings.append((seed, code))


def run_cases(module, directory, first, count, workers, tally, report=lambda done, count: None):
    """Run cases first .. first + count - 1 in `workers` processes `python -m module --work`; ends go into `tally`."""
    with selectors.DefaultSelector() as selector:
        for index in range(min(workers, count)):
            worker = Worker(module, directory, range(first + index, first + count, workers))
            selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
        while selector.get_map():
            for key, _ in selector.select(timeout=1):
                _take_line(key, selector, tally)
            for key in list(selector.get_map().values()):
                worker = key.data
                if worker.current is not None and time.monotonic() - worker.began > tally.time_limit:
                    _give_up(key, selector, tally, "hang")
            report(sum(tally.codes.values()), count)


def _take_line(key, selector, tally):
    worker, line = key.data, key.fileobj.readline().split()
    if not line:
        if worker.current is not None:
            _give_up(key, selector, tally, f"died_{worker.process.wait()}")
        else:
            selector.unregister(key.fileobj)
            if worker.process.wait():
                raise RuntimeError("a worker ended before its first case; run it with --work by hand")
    elif line[0] == "begin":
        worker.current, worker.began = int(line[1]), time.monotonic()
    else:
        tally.add(int(line[1]), line[2], float(line[3]))
        if line[2] == "too_much_memory":
            _move_on(key, selector, int(line[1]))
        worker.current = None


def _give_up(key, selector, tally, code):
    tally.add(key.data.current, code, 0.0)
    _move_on(key, selector, key.data.current)


def _move_on(key, selector, seed):
    worker = key.data
    selector.unregister(key.fileobj)
    if worker.restart_behind(seed):
        selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
