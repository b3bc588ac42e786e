"""`make gates`: all that a continuous integration machine checks, gate after gate; the last line counts.

Run: python -m tests.gates [GATE ...]        all of them, or some

A gate that fails does not keep the others from running. Tests are counted as pytest counts them, other checks as one.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
# what the whole suite would take hours for, where every array index is checked
BOUNDS = "tests/golden tests/fuzz " + " ".join(
    f"tests/codec/h265/{room}" for room in ("recon", "syntax", "filters", "decoder")
)


class Gate(NamedTuple):
    """Words behind `python -m`, and a variable of the environment, NAME=VALUE."""

    command: str
    variable: str = ""


GATES = {
    "lint": Gate("ruff check ."),
    "suite": Gate("pytest -q --ignore=tests/golden"),
    "golden": Gate("pytest -q tests/golden"),
    "plain": Gate("pytest -q tests/plain", "NUMBA_DISABLE_JIT=1"),
    "bounds": Gate(f"pytest -q {BOUNDS}", "NUMBA_BOUNDSCHECK=1"),
    "fuzz": Gate("tests.fuzz.run --count 500"),
}


def counted(lines, status):
    """(passed, failed) of a gate by what it said: pytest's summary, else one check that its exit status judges."""
    summary = next((line for line in reversed(lines) if re.search(r"\d+ \w+.* in [\d.]+s", line)), "")
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?)\b", summary)}
    passed = counts.get("passed", 0) if summary else int(status == 0)
    failed = sum(number for word, number in counts.items() if word != "passed")
    # a gate that ends badly has failed, whatever it counted
    return passed, max(failed, int(status != 0))


def run(gate):
    """Run a gate and show what it says. -> (its lines, exit status)"""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if gate.variable:
        environment.update([gate.variable.split("=")])
    command = [sys.executable, "-m", *gate.command.split()]
    lines = []
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line.strip())
    return lines, process.returncode


def main(names):
    """Returns an exit status."""
    unknown = [name for name in names if name not in GATES]
    if unknown:
        print(f"no such gate: {', '.join(unknown)}; there are {', '.join(GATES)}")
        return 2
    results = {}
    for name in names or GATES:
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        lines, status = run(GATES[name])
        results[name] = (*counted(lines, status), time.monotonic() - began)
    print()
    for name, (passed, failed, seconds) in results.items():
        print(f"{name:<8} {passed} passed, {failed} failed in {seconds / 60:.1f} minutes")
    failures = sum(failed for _, failed, _ in results.values())
    print(f"{sum(passed for passed, _, _ in results.values())} passed, {failures} failed")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
