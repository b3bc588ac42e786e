"""What modes told by rank gain, all intra: BD-rates, hits, bits of a mode, times.

Run: python -m tests.bench.modes [--clips PART,PART] [--pictures N] [--step N] [--qps ...] [--net NAME] [--data FOLDER]
Clips of ../shared/data/dev: H.265's list against ranks. Rates are bits of whole streams; times are CPU times of one
thread in one process, of all QPs together, the two ways in turns. Every stream is decoded. Bits of a mode are what an
arithmetic coder would need that knew how often each place of the list, or group of ranks, is taken in the stream.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from codec.h265.intra_modes import MODES, MPMS
from codec.h265.syntax.mode_rank import GROUP_BITS, GROUP_START
from tests.bench import chroma
from tests.bench.run import CLIPS, Clip

WAYS = {"off": {}, "light": dict(CnnMpm="light")}


class Point(chroma.Point):
    """One clip at one QP in one way."""

    def keep(self, reports):
        self.ranks = np.concatenate([report.statistics.intra_blocks["mode_rank"] for report in reports])


def entropy(counts):
    """Bits of a symbol."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def mode_bits(way, ranks):
    """Mean bits of a mode."""
    counts = np.bincount(ranks[ranks >= 0], minlength=MODES)
    if way == "off":
        in_list = counts[:MPMS].sum()
        bits = counts[0] + 2 * counts[1:MPMS].sum() + 5 * counts[MPMS:].sum()
        return entropy(np.array([in_list, counts.sum() - in_list])) + bits / counts.sum()
    groups = np.add.reduceat(counts, GROUP_START[:-1])
    return entropy(groups) + float(groups @ GROUP_BITS) / counts.sum()


def figures(way, points):
    """Hits and bits of a mode, in words."""
    ranks = np.concatenate([point.ranks for point in points])
    bits = np.average([mode_bits(way, point.ranks) for point in points], weights=[len(p.ranks) for p in points])
    return f"{way}: first {np.mean(ranks == 0):.3f}, first three {np.mean(ranks < MPMS):.3f}, {bits:.2f} bits a mode"


def main(arguments):
    parser = argparse.ArgumentParser(prog="python -m tests.bench.modes")
    parser.add_argument("--clips", default="")
    parser.add_argument("--pictures", type=int, default=2)
    parser.add_argument("--step", type=int, default=8)
    parser.add_argument("--qps", default="22,27,32,37")
    parser.add_argument("--net", default="")
    parser.add_argument("--data", type=Path, default=CLIPS, help="the folder of the clips")
    options = parser.parse_args(arguments)
    qps = [int(qp) for qp in options.qps.split(",")]
    changes = {way: dict(settings) for way, settings in WAYS.items()}
    if options.net:
        changes["light"]["CnnMpmNet"] = options.net
    rows, everything = [], {way: [] for way in WAYS}
    for path in sorted(options.data.glob("*.yuv")):
        if not any(part in path.stem for part in options.clips.split(",")):
            continue
        clip = Clip(path, 1)
        pictures = chroma.read_pictures(clip, options.pictures, options.step)
        points = {way: [] for way in WAYS}
        for qp in qps:
            for way in WAYS:
                points[way].append(Point(clip, pictures, qp, changes[way]))
        rows.append(chroma.deltas(points["off"], points["light"]))
        hits = "; ".join(figures(way, points[way]) for way in WAYS)
        print(f"{path.stem:40} {chroma.words(rows[-1])}  {hits}", flush=True)
        for way in WAYS:
            everything[way] += points[way]
    print(f"{'mean':40} {chroma.words(np.mean(rows, 0))}")
    for qp in qps:
        of_qp = {way: [point for point in points if point.qp == qp] for way, points in everything.items()}
        print(f"QP {qp}: " + "; ".join(figures(way, points) for way, points in of_qp.items()))
    for side in ("encoder", "decoder"):
        sums = {way: sum(getattr(point, side) for point in points) for way, points in everything.items()}
        print(f"{side}: {sums['light'] / sums['off']:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
