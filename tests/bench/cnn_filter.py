"""What a CNN loop filter gains: BD-rates against the same encoder without it, decided and without its decisions.

Run: python -m tests.bench.cnn_filter [--configs ai,ldp,ra] [--clips PART,PART] [--jobs N] [--json FILE] NET
[-- OPTION ...]
Clips of ../shared/data/dev, four QPs: without the filter, with it and the OPTIONs as the encoder decides, and with
every CTU filtered at full strength. Rates are file sizes, PSNR is the mean of pictures.
"""

import argparse
import itertools
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from cli.measure.bd import bd_rate
from tests.bench.run import CLIPS, QPS, Clip, run_timed

CONFIGS = {
    "ai": "encoder_intra_main.cfg", "ldp": "encoder_lowdelay_P_main.cfg", "ra": "encoder_randomaccess_main.cfg"
}  # fmt: skip
MOST_PICTURES = {"ai": 8, "ldp": 17, "ra": 17}
WAYS = ("off", "decided", "all on")
_ALL_ON = """
from codec.h265.tools.loop_filter import decide
from codec.h265.tools.loop_filter.tool import COMPONENTS, Slice
def all_on(frame, original, lambdas, loop_filter, strengths, sub_streams):
    components = 3 if frame.cb.size and loop_filter.nets[0].has_chroma else 1
    frame.ctbs["tool_flags"] = (1 << components) - 1
    on = {f"slice_cnn_filter_{c}_flag": 1 for c in COMPONENTS[:components]}
    return [Slice(slice_cnn_filter_flag=1, **on) for _ in frame.slices], 0.0
decide.decide_cnn_filter = all_on
"""


def _point(clip, config, qp, way, net, options):
    """{"bits", "y", "u", "v", "seconds", "share"} of one encoding."""
    program = f"{_ALL_ON if way == 'all on' else ''}\nfrom cli.pyenc import main\nmain()"
    with tempfile.TemporaryDirectory() as folder:
        stream, record = Path(folder) / "stream.bin", Path(folder) / "record.json"
        files = ["-i", clip.path, "-o", stream, f"--json={record}", "-f", clip.frames, "-q", qp, "--threads=1"]
        settings = ["--SEIDecodedPictureHash=0", "--Level=4.1"]
        if way != "off":
            settings += [f"--CnnLoopFilter={net}", *options]
        user = run_timed([sys.executable, "-c", program, "-c", CONFIGS[config], *map(str, files + settings)])[0]
        pictures = json.loads(record.read_text())["pictures"]
        means = {c: float(np.mean([picture[f"psnr_{c}"] for picture in pictures])) for c in "yuv"}
        share = float(np.mean([picture.get("cnn_filter_share_y") or 0.0 for picture in pictures]))
        return {"bits": 8 * stream.stat().st_size, **means, "seconds": user, "share": share}


def _row(points):
    """[BD-rates Y, U, V decided; Y all on; share of CTUs in %; time ratio] of {(way, QP): point}."""

    def rate(way, component):
        curves = [[(points[w, qp]["bits"], points[w, qp][component]) for qp in QPS] for w in ("off", way)]
        return bd_rate(*curves).value

    seconds = {way: sum(points[way, qp]["seconds"] for qp in QPS) for way in WAYS}
    share = 100 * np.mean([points["decided", qp]["share"] for qp in QPS])
    decided = [rate("decided", component) for component in "yuv"]
    return [*decided, rate("all on", "y"), share, seconds["decided"] / seconds["off"]]


def main():
    """Print one table a configuration."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("net")
    parser.add_argument("--configs", default="ai")
    parser.add_argument("--clips", default="")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--json")
    parser.add_argument("options", nargs="*")
    given = parser.parse_args()
    paths = [path for path in sorted(CLIPS.glob("*.yuv")) if any(part in path.stem for part in given.clips.split(","))]
    kept = {}
    for config in given.configs.split(","):
        clips = [Clip(path, MOST_PICTURES[config]) for path in paths]
        tasks = list(itertools.product(clips, WAYS, QPS))
        with ThreadPoolExecutor(given.jobs) as pool:
            made = list(pool.map(lambda t, c=config: _point(t[0], c, t[2], t[1], given.net, given.options), tasks))
        by_clip = {}
        for (clip, way, qp), point in zip(tasks, made, strict=True):
            by_clip.setdefault(clip.path.stem, {})[way, qp] = point
        print(f"\n## {config}, {given.net}\n\n| clip | Y | U | V | Y, all on | CTUs filtered | time |")
        print("|---|---|---|---|---|---|---|")
        rows = {name: _row(points) for name, points in by_clip.items()}
        for name, row in {**rows, "mean": np.mean(list(rows.values()), axis=0)}.items():
            rates = " | ".join(f"{value:+.2f} %" for value in row[:4])
            print(f"| {name} | {rates} | {row[4]:.0f} % | {row[5]:.2f} |", flush=True)
        kept[config] = {name: {f"{w} {qp}": p for (w, qp), p in points.items()} for name, points in by_clip.items()}
    if given.json:
        Path(given.json).write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
