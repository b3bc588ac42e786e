"""What chroma from luma gains, all intra: BD-rates of its kinds against each other, shares of units, times.

Run: python -m tests.bench.chroma [--clips PART,PART] [--pictures N] [--qps 22,27,32,37] [--net NAME] [--data FOLDER]
Clips of ../shared/data/dev: off, LM alone, all linear models, and these with a net. Rates are bits of whole streams;
times are CPU times of one thread in one process, of all QPs together. Every stream is decoded.
"""

import argparse
import io
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from cli.measure.bd import bd_rate
from codec.h265.config import DecoderConfig, validated
from codec.h265.decoder.decode import decode_stream
from codec.h265.encoder.encode import encode_sequence
from codec.h265.intra_modes import CHROMA_NET
from tests.bench.run import CLIPS, Clip
from tests.codec.h265.encoder.plan.gops import cfg_config

WAYS = {
    "off": {},
    "lm": dict(CnnChroma="lm", ChromaModels="lm"),
    "all": dict(CnnChroma="lm"),
    "net": dict(CnnChroma="net"),
}
PAIRS = (("off", "lm"), ("off", "all"), ("off", "net"), ("lm", "net"), ("all", "net"))


class Point:
    """One clip at one QP in one way."""

    def __init__(self, clip, pictures, qp, changes):
        config = cfg_config(
            "intra_main", SourceWidth=clip.width, SourceHeight=clip.height, FrameRate=Fraction(clip.rate), QP=qp,
            Threads=1, BlockStatistics=True, **changes,
        )  # fmt: skip
        sink, began = io.BytesIO(), time.process_time()
        reports = list(encode_sequence(config, pictures, sink))
        self.encoder = time.process_time() - began
        self.bits = 8 * len(sink.getvalue())
        self.psnr = np.mean([report.psnr for report in reports], 0)
        self.qp = qp
        self.keep(reports)
        began = time.process_time()
        decoded = list(decode_stream(validated(DecoderConfig(Threads=1)), io.BytesIO(sink.getvalue())))
        self.decoder = time.process_time() - began
        assert all(picture.hash_status == "OK" for picture in decoded)

    def keep(self, reports):
        """What figures are made of."""
        self.units = np.concatenate([report.statistics.coding_units for report in reports])


def read_pictures(clip, count, step=8):
    """Every eighth picture of a Clip, [Y, Cb, Cr] int16."""
    luma, chroma = clip.width * clip.height, clip.width * clip.height // 4
    size = luma + 2 * chroma
    pictures = []
    for index in range(0, min(count * step, clip.path.stat().st_size // size), step):
        data = np.fromfile(clip.path, np.uint8, size, offset=index * size).astype(np.int16)
        planes = np.split(data, [luma, luma + chroma])
        shapes = (clip.height, clip.width), *((clip.height // 2, clip.width // 2),) * 2
        pictures.append([plane.reshape(shape) for plane, shape in zip(planes, shapes, strict=True)])
    return pictures


def deltas(anchor, test):
    """BD-rates in percent of Y, U, V and the mean weighted 6:1:1. Points by QP."""

    def curve(points, weights):
        return [(point.bits, float(point.psnr @ weights)) for point in points]

    weights = [*np.eye(3), np.array([6, 1, 1]) / 8]
    return [bd_rate(curve(anchor, w), curve(test, w)).value for w in weights]


def shares(points):
    """{size of coding units: share of the intra area that takes the net}, of the points of all QPs."""
    units = np.concatenate([point.units for point in points])
    table = {}
    for size in sorted(set(units["size"].tolist())):
        here = units[(units["size"] == size) & (units["chroma_mode"] >= 0)]
        table[int(size)] = float((here["chroma_mode"] == CHROMA_NET).mean())
    return table


def main(arguments):
    parser = argparse.ArgumentParser(prog="python -m tests.bench.chroma")
    parser.add_argument("--clips", default="davis,gopro,calendar,walk")
    parser.add_argument("--pictures", type=int, default=2)
    parser.add_argument("--qps", default="22,27,32,37")
    parser.add_argument("--net", default="")
    parser.add_argument("--data", type=Path, default=CLIPS, help="the folder of the clips")
    options = parser.parse_args(arguments)
    qps = [int(qp) for qp in options.qps.split(",")]
    changes = {way: dict(settings) for way, settings in WAYS.items()}
    if options.net:
        changes["net"]["CnnChromaNet"] = options.net
    rows, everything = {pair: [] for pair in PAIRS}, {way: [] for way in WAYS}
    for path in sorted(options.data.glob("*.yuv")):
        if not any(part in path.stem for part in options.clips.split(",")):
            continue
        clip = Clip(path, 1)
        pictures = read_pictures(clip, options.pictures)
        points = {way: [Point(clip, pictures, qp, changes[way]) for qp in qps] for way in WAYS}
        for pair in PAIRS:
            rows[pair].append(deltas(*(points[way] for way in pair)))
            print(f"{path.stem:40} {pair[1]} against {pair[0]}: " + words(rows[pair][-1]), flush=True)
        print(f"{path.stem:40} units of the net by size: {shares(points['net'])}", flush=True)
        for way in WAYS:
            everything[way] += points[way]
    for pair in PAIRS:
        print(f"{'mean':40} {pair[1]} against {pair[0]}: " + words(np.mean(rows[pair], 0)))
    print(f"units of the net by size: {shares(everything['net'])}")
    for side in ("encoder", "decoder"):
        sums = {way: sum(getattr(point, side) for point in points) for way, points in everything.items()}
        print(f"{side}: " + "  ".join(f"{way} {total / sums['off']:.2f}" for way, total in sums.items()))
    return 0


def words(values):
    """BD-rates as text."""
    return "  ".join(f"{name} {value:+.2f}" for name, value in zip(("Y", "U", "V", "6:1:1"), values, strict=True))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
