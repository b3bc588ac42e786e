"""`make bench-sweep`: wall time of one sweep, its points one after the other and several at a time.

4 clips x 4 QPs x 3 configurations, each point in one thread; no run finds anything measured, all find compiled kernels.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.conformance import foreign

CLIPS = foreign.ROOT.parent / "shared" / "data" / "dev"
DEFAULT_CLIPS = ("akiyo_176x144_30", "foreman_176x144_30", "akiyo_352x288_30", "davis_horsejump-high_half_416x240_24")
CONFIGS = {
    "intra": '["encoder_intra_main.cfg"]',
    "low-delay": '["encoder_lowdelay_P_main.cfg"]',
    "random-access": '["encoder_randomaccess_main.cfg"]',
}


def plan_text(clips, frames, out):
    """A plan (TOML) of these clips in all three configurations."""
    names = ", ".join(f'"{clip}"' for clip in clips)
    text = f'out = "{out}"\nclips = [{names}]\nqps = [22, 27, 32, 37]\nframes = {frames}\nmetrics = ["psnr"]\n'
    for name, cfg in CONFIGS.items():
        text += f'[[config]]\nname = "{name}"\ncfg = {cfg}\noptions = ["--threads=1"]\n'
    return text


def pysweep(plan, jobs):
    """(wall seconds, rows of the table) of a sweep from nothing."""
    path = os.pathsep.join(filter(None, [str(foreign.ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "cli.pysweep", str(plan), "--jobs", str(jobs)]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    wall = time.perf_counter() - started
    if done.returncode:
        raise foreign.ProgramFailed(command, done.returncode, done.stderr)
    with open(plan.with_suffix("") / "results.csv", newline="") as file:
        return wall, list(csv.DictReader(file))


def measure(clips, frames, jobs):
    """[(jobs, wall seconds, points)] of a sweep with one job and with each of `jobs`; all have the same points."""
    found, first = [], None
    with tempfile.TemporaryDirectory(prefix="bench-sweep-") as folder:
        for count in (1, *jobs):
            plan = Path(folder) / f"jobs{count}.toml"
            plan.write_text(plan_text(clips, frames, plan.stem))
            wall, rows = pysweep(plan, count)
            points = [(row["clip"], row["config"], row["qp"], row["bits"], row["psnr_y"]) for row in rows]
            first = first or points
            assert points == first, f"--jobs {count} measured other points"
            found.append((count, wall, len(points)))
    return found


def main():
    """Print a line for each number of jobs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="*", type=Path, help="raw clips (default: four of the development clips)")
    parser.add_argument("--frames", type=int, default=5, help="pictures of each (default: 5)")
    parser.add_argument("--jobs", type=int, nargs="+", default=[2], help="how many at a time, beside 1 (default: 2)")
    options = parser.parse_args()
    clips = [path.resolve() for path in options.clips] or [CLIPS / f"{name}.yuv" for name in DEFAULT_CLIPS]
    subprocess.run([sys.executable, "-m", "cli.pyenc", "--warm-up"], cwd=foreign.ROOT, check=True)
    print(
        f"{len(clips)} clips x 4 QPs x {len(CONFIGS)} configurations, {options.frames} pictures, {os.cpu_count()} cores"
    )
    found = measure(clips, options.frames, options.jobs)
    for jobs, wall, points in found:
        print(
            f"--jobs {jobs}: {points} points in {wall:.1f} s, {found[0][1] / wall:.2f} times as fast as one at a time"
        )


if __name__ == "__main__":
    main()
