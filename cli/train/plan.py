"""Dump plans: a TOML file that says what training material is coded, how, and what is kept. docs/TRAINING.md."""

import glob
import hashlib
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cli.tomlfile import read_toml
from codec.base.errors import InputError, UsageError

_KEYS = {
    "data": str, "sources": list, "cfg": str, "options": list, "qps": list, "qps_each": int,
    "first": int, "step": int, "pictures": int, "skip": int, "window": list, "crops": int, "crop": list, "seed": int,
    "rgb": bool, "scales": list, "motion": bool, "modes": bool,
}  # fmt: skip
# pyenc's options that say what the plan's keys say, or name files that are not written
_SET_BY_PLAN = (
    "-i", "--InputFile", "-o", "--Output", "-b", "--BitstreamFile", "-r", "--ReconFile", "-q", "--QP", "-f",
    "--FramesToBeEncoded", "-fs", "--FrameSkip", "-wdt", "--SourceWidth", "-hgt", "--SourceHeight", "--json", "--csv",
    "--TraceFile", "--QPFile", "--jobs", "--scheduler",
)  # fmt: skip
# goes up when shards written by an earlier version no longer mean the same
_FORMAT = 1


class Task(NamedTuple):
    """A shard to be made: the file, the name of what it becomes, the QP, and what its sides are divided by."""

    path: str
    source: str
    qp: int
    scale: float = 1


@dataclass(frozen=True)
class DumpPlan:
    """What to dump. Every source is coded at `qps_each` of the QPs, which a hash of its name chooses (0: at all).

    data      folder of the material;  sources: patterns in it;  cfg, options: as for pyenc
    first, step, pictures   pictures first, first + step, ... are coded as one sequence, this many of them
    skip      pictures at the start of that sequence, in coding order, which are not kept
    window    (width, height) cut out of each source at a random place before coding; () for all of it
    crops     number kept of each picture, of size `crop`, at random places; 0: the whole picture
    rgb       whether the RGB of the originals is kept as well
    motion    whether vectors and the pictures that they lead to are kept as well
    modes     whether intra prediction blocks are kept, with what each mode costs there, and no pictures
    scales    every source is coded at each of these sizes: divisors of its width and height
    """

    name: str
    data: str
    sources: tuple
    cfg: str = "encoder_intra_main.cfg"
    options: tuple = ()
    qps: tuple = (22, 27, 32, 37)
    qps_each: int = 0
    first: int = 0
    step: int = 1
    pictures: int = 1
    skip: int = 0
    window: tuple = ()
    crops: int = 0
    crop: tuple = ()
    seed: int = 1
    rgb: bool = False
    scales: tuple = (1,)
    motion: bool = False
    modes: bool = False

    def tasks(self):
        """A Task for every shard. Raises InputError when a pattern names no file."""
        tasks = []
        for path in self._files():
            for scale in self.scales:
                # a source keeps its plain name at its own size
                name = Path(path).stem + (f"_by{scale:g}" if scale != 1 else "")
                tasks += [Task(path, name, qp, scale) for qp in self._qps_of(name)]
        return tasks

    def identity(self):
        """Hash of all that decides what is in a shard of given source and QP."""
        ways = (self.cfg, self.options, self.first, self.step, self.pictures, self.skip)
        kept = (self.window, self.crops, self.crop, self.seed, _FORMAT)
        # plans without these have the hash that they always had
        kept += ("rgb",) * self.rgb + ("motion",) * self.motion + ("modes",) * self.modes
        return hashlib.sha256(json.dumps((ways, kept)).encode()).hexdigest()[:16]

    def random(self, source):
        """A generator of random numbers that depends on the plan's seed and the source's name only."""
        return np.random.default_rng([self.seed, zlib.crc32(source.encode("utf-8", "surrogateescape"))])

    def _qps_of(self, source):
        if not self.qps_each or self.qps_each >= len(self.qps):
            return self.qps
        chosen = self.random(source + " QPs").permutation(len(self.qps))[: self.qps_each]
        return tuple(self.qps[index] for index in sorted(chosen))

    def _files(self):
        if not os.path.isdir(self.data):
            raise InputError(f"{self.name}: no folder {self.data}: say with --data where the training material is")
        found = {}
        for pattern in self.sources:
            paths = sorted(glob.glob(os.path.join(glob.escape(self.data), pattern)))
            if not paths:
                raise InputError(f"{self.name}: no file in {self.data} is called {pattern}")
            for path in paths:
                other = found.setdefault(Path(path).stem, path)
                if other != path:
                    raise UsageError(f"{self.name}: {other} and {path} have the same name")
        return [found[name] for name in sorted(found)]


def read_plan(name, data=None):
    """The DumpPlan of a file; `data` replaces its folder of material, which is relative to the plan's."""
    document = read_toml(name)
    for key, value in document.items():
        if key not in _KEYS:
            raise UsageError(f"{name}: unknown key {key} (known: {', '.join(_KEYS)})")
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool) != (_KEYS[key] is bool):
            raise UsageError(f"{name}: {key} has the wrong type")
    if not document.get("sources") or not (data or document.get("data")):
        raise UsageError(f"{name}: needs sources and data")
    document["data"] = str(data or os.path.normpath(Path(name).resolve().parent / document["data"]))
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in document.items()}
    plan = DumpPlan(name=str(name), **values)
    _check(plan)
    return plan


def _check(plan):
    numbers = (*plan.qps, *plan.window, *plan.crop)
    if not plan.qps or any(isinstance(n, bool) or not isinstance(n, int) for n in numbers):
        raise UsageError(f"{plan.name}: qps, window and crop are whole numbers")
    if not plan.scales or any(isinstance(n, bool) or not isinstance(n, (int, float)) or n < 1 for n in plan.scales):
        raise UsageError(f"{plan.name}: scales are numbers from 1 on")
    if any(not isinstance(word, str) for word in plan.sources + plan.options):
        raise UsageError(f"{plan.name}: sources and options are texts")
    ours = [word for word in plan.options if word.partition("=")[0] in _SET_BY_PLAN]
    if ours:
        raise UsageError(f"{plan.name}: options: {ours[0]} is set by the plan's own keys")
    if min(plan.pictures, plan.step) < 1 or min(plan.first, plan.skip, plan.crops, plan.qps_each, plan.seed) < 0:
        raise UsageError(f"{plan.name}: pictures and step are at least 1, no number is negative")
    if plan.skip >= plan.pictures:
        raise UsageError(f"{plan.name}: skip={plan.skip} leaves nothing of {plan.pictures} pictures")
    if plan.motion and (plan.crops or plan.skip):
        raise UsageError(f"{plan.name}: motion leads from picture to picture: leave crops and skip out")
    if plan.modes and (plan.crops or plan.motion or plan.rgb):
        raise UsageError(f"{plan.name}: modes keeps blocks, no pictures: leave crops, motion and rgb out")
    if plan.crops and not plan.crop:
        raise UsageError(f"{plan.name}: crops needs crop = [width, height]")
    for key, size in (("window", plan.window), ("crop", plan.crop)):
        if size and (len(size) != 2 or any(side < 64 or side % 8 for side in size)):
            raise UsageError(f"{plan.name}: {key} = [width, height], multiples of 8, at least 64")
