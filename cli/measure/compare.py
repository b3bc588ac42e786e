"""One set of curves against another: Bjontegaard deltas per clip, per class, and their means."""

import math
from dataclasses import dataclass, field
from pathlib import Path

from cli.measure.bd import bd_quality, bd_rate
from cli.measure.points import class_of, curves
from codec.base.errors import InputError, UsageError

QUALITIES = ("psnr_y", "psnr_u", "psnr_v", "psnr_yuv", "ssim_y", "ms_ssim_y")
TIMES = {"user_s": "time_ratio", "dec_user_s": "dec_time_ratio"}


@dataclass(frozen=True)
class Group:
    """Points that belong to one side: an anchor or a test."""

    name: str
    points: list


@dataclass
class Line:
    """Deltas of one clip, or means of several. clips: over how many; values: {"bd_rate_y": percent, "bd_psnr_y": dB,
    "time_ratio": test over anchor, ...}, NaN where it does not exist."""

    name: str
    clip_class: str
    values: dict
    clips: int = 1


@dataclass
class Comparison:
    """A test against its anchor; warnings: what the reader of the figures must know."""

    anchor: str
    test: str
    method: str
    lines: list
    classes: list = field(default_factory=list)
    mean: Line | None = None
    warnings: list = field(default_factory=list)

    def document(self):
        """As a dict for JSON: {"clips": {NAME: {...}}, "classes": {...}, "mean": {...}, ...}."""
        return {
            "anchor": self.anchor,
            "test": self.test,
            "method": self.method,
            "clips": {line.name: {"class": line.clip_class, **line.values} for line in self.lines},
            "classes": {line.name: {"clips": line.clips, **line.values} for line in self.classes},
            "mean": {"clips": self.mean.clips, **self.mean.values},
            "warnings": self.warnings,
        }


def compare(anchor, test, method="pchip", classes=None):
    """The Comparison of two Groups. classes: {clip: class} beside those that names tell."""
    warnings = []
    lines = []
    for name, clip, ours, theirs in _pairs(anchor, test, warnings):
        values, faults = _deltas(theirs, ours, method)
        warnings += [f"{name}: {fault}" for fault in faults]
        lines.append(Line(name, class_of(clip, classes), values))
    groups = {}
    for line in lines:
        groups.setdefault(line.clip_class, []).append(line)
    by_class = [_mean(name, name, groups[name]) for name in sorted(groups)]
    mean = _mean("mean", "", lines)
    warnings += _left_out(mean, lines)
    return Comparison(anchor.name, test.name, method, lines, by_class, mean, warnings)


def _left_out(mean, lines):
    """Which clips each mean is without, one text for all figures that lack the same clips."""
    figures = {}
    for key in mean.values:
        lacking = tuple(line.name for line in lines if math.isnan(line.values.get(key, math.nan)))
        if lacking and len(lacking) < len(lines):
            figures.setdefault(lacking, []).append(key)
    return [f"the mean of {', '.join(keys)} leaves out {', '.join(clips)}" for clips, keys in figures.items()]


def rd_pairs(anchor, test):
    """[(name, anchor's points, test's points)], as compare() pairs them."""
    return [(name, theirs, ours) for name, _, ours, theirs in _pairs(anchor, test, [])]


def _pairs(anchor, test, warnings):
    """[(name, clip, test's points, anchor's points)]; what has no counterpart goes into warnings."""
    theirs, ours = curves(anchor.points), curves(test.points)
    their_configs, our_configs = ({config for config, _ in found} for found in (theirs, ours))
    common = their_configs & our_configs
    if not common:
        if len(their_configs) > 1 or len(our_configs) > 1:
            names = " | ".join(", ".join(sorted(configs)) for configs in (their_configs, our_configs))
            where = f"{anchor.name} and {test.name}"
            raise UsageError(f"no configuration is in both {where}: {names}: choose with --config")
        theirs = {("", clip): points for (_, clip), points in theirs.items()}
        ours = {("", clip): points for (_, clip), points in ours.items()}
    ours = _renamed(ours, theirs)
    keys = [key for key in theirs if key in ours]
    if not keys and len(theirs) == len(ours) == 1:
        (their_key,), (our_key,) = theirs, ours
        warnings.append(f"{their_key[1]} and {our_key[1]} are taken for the same clip, each being the only one")
        ours, keys = {their_key: ours[our_key]}, [their_key]
    if not keys:
        raise InputError(
            f"no clip is in both {anchor.name} ({_names(theirs)}) and {test.name} ({_names(ours)}): "
            "clips are told by the input file's name"
        )
    for side, found, other in ((anchor, theirs, ours), (test, ours, theirs)):
        alone = [key for key in found if key not in other]
        if alone:
            warnings.append(f"only in {side.name}: {_names(alone)}")
    several = len({config for config, _ in keys}) > 1
    pairs = []
    for config, clip in keys:
        name = f"{config}/{clip}" if several else clip
        _check_frames(name, theirs[config, clip], ours[config, clip], warnings)
        pairs.append((name, clip, ours[config, clip], theirs[config, clip]))
    return pairs


def _renamed(ours, theirs):
    """Our curves under the anchor's clip names where only the file suffix differs."""
    by_stem = {(config, Path(clip).stem): clip for config, clip in theirs}
    return {
        (config, clip if (config, clip) in theirs else by_stem.get((config, Path(clip).stem), clip)): points
        for (config, clip), points in ours.items()
    }


def _names(keys, most=4):
    names = ["/".join(filter(None, key)) for key in keys]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _check_frames(name, theirs, ours, warnings):
    counts = sorted({point.frames for point in theirs + ours})
    if len(counts) > 1:
        warnings.append(f"{name}: points of {' and '.join(map(str, counts))} pictures are compared")


def _deltas(anchor, test, method):
    """({"bd_rate_y": ...}, faults) of one clip."""
    values, faults = {}, {}
    for quality in QUALITIES:
        sides = [[(point.rate, point.get(quality)) for point in points] for points in (anchor, test)]
        if any(value is None for side in sides for _, value in side):
            continue
        plane = quality.removeprefix("psnr_")
        for kind, measure in ((f"bd_rate_{plane}", bd_rate), (f"bd_{quality}", bd_quality)):
            delta = measure(*sides, method)
            values[kind] = delta.value
            # the same fault usually holds of rate and quality: say it once
            for fault in delta.faults:
                faults.setdefault(fault, []).append(kind)
    for time, ratio in TIMES.items():
        found = _time_ratio(anchor, test, time)
        if found is not None:
            values[ratio] = found
    return values, [f"{fault} ({', '.join(kinds)})" for fault, kinds in faults.items()]


def _time_ratio(anchor, test, time):
    """Geometric mean of test / anchor, time a picture, over the QPs that both have, or over all points in order;
    None without times."""
    by_qp = {point.qp: _time(point, time) for point in anchor}
    pairs = [(_time(point, time), by_qp.get(point.qp)) for point in test]
    if not any(a and b for a, b in pairs) and len(anchor) == len(test):
        pairs = [(_time(ours, time), _time(theirs, time)) for ours, theirs in zip(test, anchor, strict=True)]
    return _geometric_mean([a / b for a, b in pairs if a and b])


def _time(point, name):
    seconds = point.get(name)
    return None if seconds is None else seconds / point.frames


def _geometric_mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None


def _mean(name, clip_class, lines):
    """Arithmetic means of deltas, geometric means of ratios, over the lines that have them."""
    values = {}
    for key in dict.fromkeys(key for line in lines for key in line.values):
        found = [line.values[key] for line in lines if not math.isnan(line.values.get(key, math.nan))]
        if not found:
            values[key] = math.nan
        else:
            values[key] = _geometric_mean(found) if key.endswith("_ratio") else sum(found) / len(found)
    return Line(name, clip_class, values, len(lines))
