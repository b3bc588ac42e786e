"""How near rate control comes to its target: each clip at the rates that fixed QPs take.

Run: python -m tests.bench.rate_control [CLIP...] [--cfg NAME...] [--qp QP...] [--frames N]

A clip is coded with a fixed QP first; its bit rate is the target, its PSNR what rate control's is held against.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.bench.run import CLIPS, SHIPPED, Clip, run_timed
from tests.conformance import foreign

CFGS = ("lowdelay_P", "randomaccess", "intra")
QPS = (27, 37)
_ALLOWED = 3.0


def encode(clip, cfg, *options):
    """Code a Clip in a process of its own. -> the summary of pyenc's record: {"kbps": ..., "psnr_y": ..., ...}"""
    with tempfile.TemporaryDirectory() as name:
        record = Path(name) / "record.json"
        command = [sys.executable, "-m", "cli.pyenc", "-c", f"encoder_{cfg}_main.cfg", "-i", clip.path.resolve()]
        command += ["-f", clip.frames, "-o", "/dev/null", "--json", record, "--threads=1", *options]
        run_timed([str(word) for word in command], cwd=foreign.ROOT)
        return json.loads(record.read_text())["summary"]


def miss(target, got):
    """By how many percent `got` kbit/s are more than `target` bits a second."""
    return 100 * (1000 * got / target - 1)


def bench(clip, cfg, qp):
    """Print one row of the table. -> percent missed"""
    fixed = encode(clip, cfg, "-q", qp)
    target = round(1000 * fixed["kbps"])
    got = encode(clip, cfg, "--RateControl=1", f"--TargetBitrate={target}")
    missed = miss(target, got["kbps"])
    cells = [clip.path.stem, cfg, clip.frames, qp, f"{target / 1000:.1f}", f"{got['kbps']:.1f}", f"{missed:+.2f}"]
    cells.append(f"{got['psnr_y'] - fixed['psnr_y']:+.2f}")
    print(f"| {' | '.join(map(str, cells))} |", flush=True)
    return missed


def main(arguments):
    """Print the table as Markdown, and how many rows are near enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path, help="NAME_WxH_FPS.yuv; default: shared dev clips, or media/")
    parser.add_argument("--cfg", nargs="+", default=CFGS, help="NAME of encoder_NAME_main.cfg")
    parser.add_argument("--qp", nargs="+", type=int, default=QPS)
    parser.add_argument("--frames", type=int, default=17)
    options = parser.parse_args(arguments)
    paths = options.clips or sorted(CLIPS.glob("*.yuv")) or sorted(SHIPPED.glob("*.yuv"))
    print("| clip | cfg | pictures | QP | target kbit/s | got kbit/s | miss % | PSNR Y - fixed QP's, dB |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    clips = [Clip(path, options.frames) for path in paths]
    cases = [(clip, cfg, qp) for clip in clips for cfg in options.cfg for qp in options.qp]
    missed = [abs(bench(*case)) for case in cases]
    within = sum(each <= _ALLOWED for each in missed)
    print(f"\n{within} of {len(missed)} within {_ALLOWED:g} %; the farthest misses by {max(missed):.2f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
