"""All measurements of `make learned`, and the tables that are made of them."""

import platform
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from cli.alloc.compared import given_rows
from cli.e2e.codecs import BT709, Learned, Pyenc
from cli.e2e.measured import FIGURES, Points, delta_text, mean_curve, measure, yuv_quality
from cli.e2e.published import BPG, FACTORIZED, HM, SIZES, VTM, published_deltas, published_points
from cli.e2e.timing import decoders, start_seconds, time_all
from cli.measure.bd import bd_rate
from cli.measure.logs import read_points
from cli.measure.tables import Table
from codec.base.io.reader import open_source, read_pictures
from codec.base.io.rgb import shown, to_rgb
from codec.base.io.stills import read_rgb
from codec.learned.model import CODECS
from nets.latents import HYPER, OUTER, codec_costs

_PYENC, _HM_CONFIG = "pyenc H.265 intra", "ai-hm"


@dataclass
class Found:
    """photos: {name: shape}; rows: of cli.e2e.measured.measure; costs: {codec: (kMAC/pixel of decoder, of encoder,
    parameters, training)}; times: of cli.e2e.timing.time_all; clip_rows: [row] of clips, where HM has points."""

    photos: dict
    rows: list
    codecs: list
    costs: dict
    times: dict = field(default_factory=dict)
    start: float = 0.0
    streams: dict = field(default_factory=dict)
    bpg: list = field(default_factory=list)
    clip_rows: list = field(default_factory=list)
    machine: str = ""

    @property
    def kodak(self):
        """Names of the photos that published means are of as well."""
        return [name for name in self.photos if name.startswith("kodim")]

    def bpg_curve(self, photos):
        """[(bpp, PSNR of RGB)] of the BPG table, means over photos."""
        chosen = [rows for name, rows in zip(self.photos, self.bpg, strict=False) if name in photos]
        by_qp = {}
        for name, rows in zip([n for n in self.photos if n in photos], chosen, strict=False):
            pixels = self.photos[name][0] * self.photos[name][1]
            for row in rows:
                by_qp.setdefault(row["qp"], []).append((row["bits"] / pixels, row["psnr_rgb"]))
        return sorted(tuple(map(float, np.mean(v, 0))) for v in by_qp.values() if len(v) == len(chosen) and chosen)

    def tables(self):
        """(title, words, Table) of the page and of tables.md."""
        yield self._curves_table()
        yield self._deltas_table()
        if self.clip_rows:
            yield self._clips_table()
        yield self._published_table()
        if self.times:
            yield self._times_table()
        yield self._costs_table()

    def _curves_table(self):
        rows = []
        for codec in [*self.codecs, _PYENC]:
            curves = [mean_curve(self.rows, codec, figure) for figure in FIGURES]
            for number, points in enumerate(zip(*curves, strict=True)):
                cells = [f"{point[1]:.4f}" if figure.startswith("ms") else f"{point[1]:.2f}"
                         for figure, point in zip(FIGURES, points, strict=True)]  # fmt: skip
                rows.append([codec if not number else "", f"{points[0][0]:.4f}", *cells])
        words = (
            f"Means over {len(self.photos)} photos at each quality, or QP. YUV 4:2:0 is BT.709 of the decoded RGB, for "
            "H.265 the decoded planes themselves; RGB of H.265 is that of its planes: each figure in one colour space "
            "for all."
        )
        return "Points", words, Table(["codec", "bpp", *FIGURES.values()], rows)

    def _deltas_table(self):
        rows = []
        for codec in self.codecs:
            cells = [
                delta_text(mean_curve(self.rows, _PYENC, figure), mean_curve(self.rows, codec, figure))
                for figure in FIGURES
            ]
            if self.bpg:
                cells.append(delta_text(self.bpg_curve(self.photos), mean_curve(self.rows, codec, "psnr_rgb")))
            rows.append([codec, *cells])
        names = ["RGB %", "YUV 6:1:1 %", "Y %", "MS-SSIM %"]
        words = (
            "Rate at equal quality over pyenc as H.265, percent, of the mean curves; positive: more bits. In brackets "
            "the share "
            "of their range that both curves cover."
        )
        return (
            "BD-rates on the same photos",
            words,
            Table(["codec", *names, *["RGB over BPG %"] * bool(self.bpg)], rows),
        )

    def _clips_table(self):
        figures, rows = ("psnr_y", "psnr_u", "psnr_v", "psnr_yuv"), []
        for clip in dict.fromkeys(row["photo"] for row in self.clip_rows):
            for codec in self.codecs:
                mine, hm = ([(r["bpp"], r) for r in self.clip_rows if (r["photo"], r["codec"]) == (clip, name)]
                            for name in (codec, "HM"))  # fmt: skip
                cells = [
                    delta_text(*([(bpp, row[figure]) for bpp, row in points] for points in (hm, mine)))
                    for figure in figures
                ]
                rows.append([clip, codec, *cells])
        words = (
            "Against HM's points, all intra, on the first pictures of clips, in HM's own colour space: 4:2:0 goes to "
            "RGB, through the learned codec, and back. Percent, overlap in brackets."
        )
        return "BD-rates over HM in YUV 4:2:0", words, Table(["clip", "codec", "Y", "U", "V", "YUV 6:1:1"], rows, 2)

    def _published_table(self):
        """Published codecs and ours over the same kinds of anchors; ours by way of BPG."""
        known = published_points()
        curves = {name: [(p.bpp, p.psnr_rgb) for p in points] for name, points in known.items()}
        rows = []
        for name, curve in curves.items():
            span = f"{curve[0][0]:.3f} to {curve[-1][0]:.3f}"
            deltas = [delta_text(curves[anchor], curve) if name != anchor else "0" for anchor in (HM, VTM, BPG)]
            rows.append([name, span, *deltas])
        for name, vtm, hm, (least, most) in published_deltas():
            rows.append([name, f"{least:.3f} to {most:.3f}", f"{hm:+.1f}", f"{vtm:+.1f}", "n/a"])
        rule = len(rows)
        if self.kodak:
            own_bpg = self.bpg_curve(self.kodak) if self.bpg else []
            for codec in self.codecs:
                curve = mean_curve(self.rows, codec, "psnr_rgb", self.kodak)
                over = delta_text(own_bpg, curve) if own_bpg else "n/a"
                span = f"{curve[0][0]:.3f} to {curve[-1][0]:.3f}"
                rows.append([f"{codec} (ours)", span, "n/a", "n/a", over])
        return (
            "Published codecs, Kodak, RGB PSNR",
            "Rate over HM, VTM and BPG at equal PSNR, percent, with the overlap in brackets. Published curves are "
            f"means over 24 photos, ours over the {len(self.kodak)} of them that were measured here. "
            + self._against_factorized(),
            Table(["codec", "bpp", "over HM %", "over VTM %", "over BPG 4:2:0 %"], rows, 1, (rule,)),
        )

    def against_factorized(self):
        """{codec: percent over the published factorized curve, by way of BPG on each side's photos}"""
        if not (self.kodak and self.bpg):
            return {}
        known, found = published_points(), {}
        curve = {name: [(p.bpp, p.psnr_rgb) for p in known[name]] for name in (BPG, FACTORIZED)}
        theirs = bd_rate(curve[BPG], curve[FACTORIZED]).value
        for codec in self.codecs:
            mine = mean_curve(self.rows, codec, "psnr_rgb", self.kodak)
            ours = bd_rate(self.bpg_curve(self.kodak), mine).value
            found[codec] = 100 * ((1 + ours / 100) / (1 + theirs / 100) - 1)
        return found

    def _against_factorized(self):
        found = self.against_factorized()
        if not found:
            return "Without BPG's points on photos of Kodak, ours cannot be set beside them."
        each = ", ".join(f"{codec} {value:+.1f} %" for codec, value in found.items())
        return (
            f"Over {FACTORIZED}, by way of BPG 4:2:0 on each side's own photos: {each}. Ours are small and learnt "
            "for minutes (below); theirs: " + "; ".join(f"{name}: {text}" for name, text in SIZES.items()) + "."
        )

    def _times_table(self):
        names = list(dict.fromkeys(decoder for _, decoder in self.times))
        pictures = list(dict.fromkeys(picture for picture, _ in self.times))
        rows = [[p, *(f"{self.times[p, n]:.3f}" for n in names)] for p in pictures]
        total = {n: sum(self.times[p, n] for p in pictures) for n in names}
        rows.append(["total", *(f"{total[n]:.3f}" for n in names)])
        base = "FFmpeg" if "FFmpeg" in names else names[-1]
        rows.append([f"over {base}", *(f"{total[n] / total[base]:.2f}x" for n in names)])
        rows.append(["over pydec H.265", *(f"{total[n] / total['pydec H.265']:.2f}x" for n in names)])
        less = {n: total[n] - self.start * len(pictures) * n.startswith("pydec") for n in names}
        rows.append(["without start, over pydec H.265", *(f"{less[n] / less['pydec H.265']:.2f}x" for n in names)])
        kmac = {f"pydec {codec}": cost[0] for codec, cost in self.costs.items()}
        rows.append(["kMAC/pixel of nets", *(f"{kmac[n]:.1f}" if n in kmac else "0" for n in names)])
        sizes = "; ".join(
            f"{p}: " + ", ".join(f"{k} {s}" for k, s in files.items()) for p, files in self.streams.items()
        )
        return (
            "Decoding time",
            f"CPU seconds of whole processes with one thread, decoders in turn, the least of each; {self.machine}. A "
            f"pydec that does nothing takes {self.start:.3f} s. The seed's table has HM-16.0 as 1, learned codecs at "
            f"7 to 783; HM is not here. Bytes of the streams: {sizes}.",
            Table(["picture", *names], rows, 1, (len(pictures),)),
        )

    def _costs_table(self):
        rows = [
            [codec, training, f"{decoder:.1f}", f"{encoder:.1f}", f"{parameters}"]
            for codec, (decoder, encoder, parameters, training) in self.costs.items()
        ]
        return (
            "Sizes and training of ours",
            "kMAC/pixel of the decoder's and of all nets; one set of weights for all qualities.",
            Table(["codec", "training", "decoder", "encoder and decoder", "parameters"], rows, 2),
        )


class Asked(NamedTuple):
    """photos, clips: files;  hm, bpg: tables of points, or None;  folder: where points are kept;  weights: their folder

    qps     that pyenc codes at;  rounds: of timing, of streams of `quality`, of the first `timed` photos
    """

    photos: list
    clips: list
    hm: str | None
    bpg: str | None
    folder: Path
    weights: str
    qps: tuple
    rounds: int
    quality: int
    timed: int


def run_all(asked):
    """Found. Says on stderr what is being measured."""
    photos = {path.name: (path.resolve(), _eight(read_rgb(path))) for path in asked.photos}
    learned = [Learned(codec, asked.weights) for codec in CODECS if _installed(codec, asked.weights)]
    pyenc, points = Pyenc(_PYENC, asked.qps), Points(asked.folder / "points.jsonl")
    rows = measure([*learned, pyenc], photos, points, lambda text: print(text, file=sys.stderr))
    shapes = {name: rgb.shape[:2] for name, (_, rgb) in photos.items()}
    found = Found(shapes, rows, [codec.name for codec in learned], {c.name: _costs(c) for c in learned})
    found.machine = f"{platform.machine()}, Python {platform.python_version()}"
    if asked.bpg:
        found.bpg = given_rows(asked.bpg, [SimpleNamespace(name=name) for name in photos]) or []
    if asked.hm:
        found.clip_rows = _clip_rows(learned, asked.clips, asked.hm, points)
    _time(found, learned, pyenc, photos, asked)
    return found


def _eight(rgb):
    return rgb if rgb.dtype == np.uint8 else (rgb >> 8).astype(np.uint8)


def _installed(codec, directory):
    from codec.base.errors import WeightsMissing
    from codec.learned.model import choose_weights

    try:
        choose_weights(codec, directory)
    except WeightsMissing as error:
        print(f"learned: {error}", file=sys.stderr)
        return False
    return True


def _costs(learned):
    inner = [name for name in (OUTER[1], HYPER[1]) if name in learned.codec.nets]
    decoder, whole = codec_costs(learned.codec, inner)[0], codec_costs(learned.codec)
    return decoder / 1000, whole[0] / 1000, whole[1], learned.training


def _clip_rows(learned, files, table, points):
    """Rows of HM's points, and of the learned codecs on the same pictures."""
    rows, known = [], read_points(table)
    for path in files:
        theirs = [point for point in known if point.clip == path.name and point.config == _HM_CONFIG]
        if not theirs:
            continue
        count = theirs[0].frames
        with open_source(str(path)) as source:
            pictures = list(read_pictures(source, 0, count, 8, 1))
        area = pictures[0][0].size * count
        for point in theirs:
            values = {key: point.get(key) for key in ("psnr_y", "psnr_u", "psnr_v")}
            values["psnr_yuv"] = (6 * values["psnr_y"] + values["psnr_u"] + values["psnr_v"]) / 8
            rows.append({"photo": path.name, "codec": "HM", "bpp": point.bits / area} | values)
        for codec in learned:
            for setting in codec.settings:
                key = f"clip {path.name} {count} {codec.name} {codec.identity} {setting}"
                print(f"{path.name} {codec.name} {setting}", file=sys.stderr)
                row = points.of(key, lambda c=codec, s=setting, p=pictures, a=area: _clip_row(c, s, p, a))
                rows.append(row | {"photo": path.name, "codec": codec.name})
    return rows


def _clip_row(codec, setting, pictures, area):
    total, qualities = 0, []
    for planes in pictures:
        result = codec.code(None, shown(to_rgb(planes, (8, 8), BT709)), setting)
        total += result.bytes
        qualities.append(yuv_quality(planes, result.planes))
    means = {key: float(np.mean([each[key] for each in qualities])) for key in qualities[0]}
    return {"bpp": 8 * total / area} | means


def _time(found, learned, pyenc, photos, asked):
    """Decoding times of the first photos."""
    with tempfile.TemporaryDirectory(prefix="learned-") as name:
        folder, streams = Path(name), {}
        for photo, (path, rgb) in list(photos.items())[: asked.timed]:
            wanted, files = None, {}
            for codec in learned:
                files[codec.name] = folder / f"{photo}.{codec.name}"
                files[codec.name].write_bytes(codec.stream(rgb, asked.quality))
                wanted = wanted or files[codec.name].stat().st_size
            mine = [row for row in found.rows if (row["photo"], row["codec"]) == (photo, pyenc.name)]
            qp = min(mine, key=lambda row: abs(np.log(row["bytes"] / (wanted or row["bytes"]))))["setting"]
            files["h265"] = folder / f"{photo}.265"
            pyenc.run(path, files["h265"], qp)
            streams[photo] = files
            print(f"timing {photo}: quality {asked.quality}, QP {qp}", file=sys.stderr)
        kmacs = {codec.name: found.costs[codec.name][0] for codec in learned}
        found.times = time_all(decoders(kmacs, asked.weights), streams, asked.rounds)
        found.start = start_seconds(asked.rounds)
        found.streams = {p: {kind: f.stat().st_size for kind, f in files.items()} for p, files in streams.items()}
