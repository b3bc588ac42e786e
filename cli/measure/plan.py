"""Sweep plans: a TOML file that names clips, QPs and configurations. docs/MEASURING.md describes it."""

import glob
import os
import shlex
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

from cli.cfgfile import find_cfg
from cli.measure.identity import code_hash, commit, content_hash, file_hash, hash_of
from cli.measure.quality import METRICS
from cli.tomlfile import read_toml
from codec.base.errors import InputError, UsageError
from codec.base.io.reader import open_source
from codec.base.io.text import read_text

_KEYS = {
    "out": str, "clips": list, "qps": list, "frames": int, "jobs": int, "metrics": list, "timeout": (int, float),
    "config": list, "alloc": dict,
}  # fmt: skip
# what pyalloc reads; pysweep passes it over
_ALLOC_KEYS = {"objective": str, "colour": str, "method": str, "start": list, "lowest": int, "highest": int}
_CONFIG_KEYS = {
    "name": str, "anchor": bool, "cfg": list, "options": list,
    "command": str, "decode": str, "version": str, "kmac_per_pixel": (int, float),
    "conditions": str, "against": list, "frames": int,
}  # fmt: skip
FIELDS = ("input", "qp", "output", "width", "height", "rate", "frames", "depth")
DECODE_FIELDS = ("stream", "decoded", "width", "height", "depth")
# goes up when points measured by an earlier version no longer compare with new ones
_MEASURED_BY = 2
# stills that pyenc coded: in RGB since then by the images that pydec writes
_STILLS_MEASURED_BY = 3
_LONGEST_TIMEOUT = 30 * 24 * 3600
_WEIGHTS_DIR = "--WeightsDir="


@dataclass(frozen=True)
class Clip:
    """A source; rate as text ("30000/1001"), frames: how many are coded, frames_in_file: how many there are."""

    path: str
    width: int
    height: int
    depth: int
    rate: str
    frames: int
    frames_in_file: int
    kind: str
    sha256: str

    @property
    def name(self):
        return Path(self.path).name


@dataclass(frozen=True)
class Config:
    """words: pyenc's options, or the words of a foreign encoder's command; decode: words, () for the usual decoder.

    identity: hash of all that decides what the encoder does; code: code_hash() where that is pyenc, else "".
    weights_dir: None without CNN tools, "" for the installed weights.
    conditions, against: what it is compared with (Plan.pairs); frames: of each clip, None: as many as the plan says.
    """

    name: str
    anchor: bool
    code: str
    words: tuple
    decode: tuple
    version: tuple
    identity: str
    kmac_per_pixel: float | None = None
    weights_dir: str | None = None
    conditions: str = ""
    against: tuple = ()
    frames: int | None = None

    @property
    def is_pyenc(self):
        return bool(self.code)


@dataclass(frozen=True)
class Plan:
    """A plan that was checked: its files exist. out: the folder of results; commit: of the code that is measured;
    timeout: seconds that a point may take, None for any; alloc: the table of pyalloc."""

    out: Path
    clips: list
    qps: list
    configs: list
    jobs: int
    metrics: tuple = field(default=METRICS)
    commit: str = ""
    timeout: float | None = None
    alloc: dict = field(default_factory=dict)

    def tasks(self):
        """One dict a point, in the order of the table: all that a worker needs, and `key`, the hash of its content."""
        return [task_of(self, clip, config, qp) for config in self.configs for clip in self.clips for qp in self.qps]

    def pairs(self):
        """[(anchor, test), ...] of Configs: what is compared. Those that `against` names; else the anchors of the same
        conditions; a plan without either is compared with its first configuration."""
        named = {config.name: config for config in self.configs}
        if not any(config.anchor or config.against for config in self.configs):
            return [(self.configs[0], test) for test in self.configs[1:]]
        anchors = [config for config in self.configs if config.anchor]
        found = []
        for test in self.configs:
            fitting = [] if test.anchor else [c for c in anchors if c.conditions == test.conditions]
            found += [(anchor, test) for anchor in ([named[name] for name in test.against] or fitting)]
        return sorted(found, key=lambda pair: self.configs.index(pair[0]))


def read_plan(name, clips=None, frames=None, qps=None, jobs=None, ending=".sweep"):
    """The Plan of a file; clips (patterns), frames, qps and jobs replace the plan's; ending: of the usual folder."""
    document = read_toml(name)
    _check_keys(document, _KEYS, name)
    _check_keys(document.get("alloc", {}), _ALLOC_KEYS, f"{name}: alloc")
    folder = Path(name).resolve().parent
    qps = list(qps or document.get("qps") or [22, 27, 32, 37])
    if any(isinstance(qp, bool) or not isinstance(qp, (int, float)) for qp in qps) or len(set(qps)) < len(qps):
        raise UsageError(f"{name}: qps must be different numbers")
    metrics = tuple(document.get("metrics", METRICS))
    unknown = [metric for metric in metrics if metric not in METRICS]
    if unknown:
        raise UsageError(f"{name}: metric {unknown[0]} is not one of {', '.join(METRICS)}")
    count = _count(document.get("frames", 0), name) if frames is None else frames
    paths = _find_clips(name, folder if clips is None else Path.cwd(), clips or document.get("clips", []))
    configs = [_config(name, folder, entry) for entry in document.get("config", [])]
    if not configs:
        raise UsageError(f"{name}: has no [[config]]")
    names = [config.name for config in configs]
    if len(set(names)) < len(names):
        raise UsageError(f"{name}: two configurations have the same name")
    for config in configs:
        unknown = [other for other in config.against if other not in names or other == config.name]
        if unknown:
            raise UsageError(f"{name}: config {config.name}: against {unknown[0]!r}, which is no other configuration")
    if frames is not None:
        configs = [replace(config, frames=None) for config in configs]
    timeout = document.get("timeout")
    if timeout is not None and not 0 < timeout <= _LONGEST_TIMEOUT:
        raise UsageError(f"{name}: timeout must be above 0 seconds and at most {_LONGEST_TIMEOUT}")
    out = folder / document.get("out", Path(name).stem + ending)
    jobs = jobs or document.get("jobs") or os.cpu_count() or 1
    clips, alloc = [_clip(path, count) for path in paths], document.get("alloc", {})
    return Plan(out, clips, qps, configs, jobs, metrics, commit(), timeout, alloc)


def _count(frames, where):
    if frames is not None and frames < 0:
        raise UsageError(f"{where}: frames must not be negative")
    return frames


def _check_keys(document, known, where):
    for key, value in document.items():
        if key not in known:
            raise UsageError(f"{where}: unknown key {key} (known: {', '.join(known)})")
        if not isinstance(value, known[key]) or (isinstance(value, bool) and known[key] is not bool):
            raise UsageError(f"{where}: {key} has the wrong type")


def _find_clips(name, folder, patterns):
    paths = []
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise UsageError(f"{name}: clips must be file names or patterns")
        expanded = os.path.expandvars(os.path.expanduser(pattern))
        found = sorted(glob.glob(str(folder / expanded)))
        if not found:
            raise InputError(f"{name}: no clip is called {expanded}")
        paths += found
    if not paths:
        raise UsageError(f"{name}: names no clips")
    names = [Path(path).name for path in paths]
    if len(set(names)) < len(names):
        raise UsageError(f"{name}: two clips have the same file name")
    return paths


def _clip(path, wanted):
    with open_source(path) as source:
        found = source.format
        have = source.frames
    if not have:
        raise InputError(f"{path}: has no whole picture of {found}")
    rate = found.frame_rate or 25
    frames = min(wanted or have, have)
    size, depth = found.coded_size(found.chroma_format_idc), found.bit_depth
    return Clip(path, *size, depth, str(rate), frames, have, source.kind, file_hash(path))


def _config(name, folder, entry):
    if not isinstance(entry, dict) or not entry.get("name"):
        raise UsageError(f"{name}: every [[config]] needs a name")
    where = f"{name}: config {entry['name']}"
    _check_keys(entry, _CONFIG_KEYS, where)
    common = {"name": entry["name"], "anchor": entry.get("anchor", False)}
    common["kmac_per_pixel"] = entry.get("kmac_per_pixel")
    common["conditions"], common["against"] = entry.get("conditions", ""), tuple(entry.get("against", ()))
    common["frames"] = _count(entry.get("frames"), where)
    if "command" not in entry:
        if "decode" in entry or "version" in entry:
            raise UsageError(f"{where}: decode and version belong to a command")
        return _pyenc_config(where, folder, entry, common)
    if "cfg" in entry or "options" in entry:
        raise UsageError(f"{where}: cfg and options belong to pyenc, put them into the command")
    words = _template(where, "command", entry["command"], FIELDS, ("input", "qp", "output"))
    decode = _template(where, "decode", entry.get("decode", ""), DECODE_FIELDS, ("stream", "decoded"))
    version = tuple(shlex.split(entry.get("version", "")))
    identity = hash_of([*words, *decode, *(content_hash(word, folder) for word in words + decode)])
    return Config(code="", words=words, decode=decode, version=version, identity=identity, **common)


def _template(where, key, text, known, needed):
    """Words of a command; UsageError for a {field} that does not exist or is lacking."""
    words = tuple(shlex.split(text))
    if not words:
        return ()
    for word in words:
        try:
            word.format(**dict.fromkeys(known, ""))
        except (KeyError, IndexError, ValueError):
            fields = " ".join(f"{{{field}}}" for field in known)
            raise UsageError(f"{where}: {word!r} in {key}: the fields are {fields}") from None
    lacking = [field for field in needed if f"{{{field}}}" not in text]
    if lacking:
        raise UsageError(f"{where}: {key} lacks {{{lacking[0]}}}")
    if shutil.which(words[0]) is None:
        raise UsageError(f"{where}: the program {words[0]} is not installed")
    return words


def _pyenc_config(where, folder, entry, common):
    words = []
    for cfg in entry.get("cfg", ["encoder_intra_main.cfg"]):
        beside = folder / cfg
        words += ["-c", str(beside if beside.is_file() else find_cfg(cfg))]
    options = [str(option) for option in entry.get("options", [])]
    for option in options:
        if option.split("=")[0] in ("-i", "-o", "-b", "-q", "-f", "--QP", "--InputFile", "--json", "--csv", "-r"):
            raise UsageError(f"{where}: {option} is set by pysweep")
    if not any(option.startswith("--SEIDecodedPictureHash") for option in options):
        # the hashes are no part of the rate
        options.append("--SEIDecodedPictureHash=0")
    options = [_absolute(option, folder) for option in options]
    weights_dir = _weights_dir(words, options)
    words += options
    # cfgs count by content, not by where they lie
    code = code_hash(weights_dir)
    identity = hash_of(["pyenc", code, *options, *(content_hash(word, folder) for word in words)])
    return Config(
        code=code, words=tuple(words), decode=(), version=(), identity=identity, weights_dir=weights_dir, **common
    )


def _absolute(option, folder):
    """Points run in folders of their own."""
    return _WEIGHTS_DIR + str(folder / option.removeprefix(_WEIGHTS_DIR)) if option.startswith(_WEIGHTS_DIR) else option


def _weights_dir(cfg_words, options):
    """Config.weights_dir; who speaks of CNN tools, if only to switch them off, counts as using them."""
    texts = [read_text(word, word) for word in cfg_words if word != "-c"]
    if not any("Cnn" in text for text in [*texts, *options]):
        return None
    found = [option.removeprefix(_WEIGHTS_DIR) for option in options if option.startswith(_WEIGHTS_DIR)]
    return found[-1] if found else ""


def task_of(plan, clip, config, qp):
    """The task of a point: a Clip and a Config of the plan, or like these, and a QP."""
    if config.frames is not None:
        clip = replace(clip, frames=min(config.frames or clip.frames_in_file, clip.frames_in_file))
    parts = [config.identity, clip.sha256, str(clip.frames), f"{clip.width}x{clip.height} {clip.depth} {clip.rate}"]
    measured_by = _STILLS_MEASURED_BY if clip.kind == "stills" and config.is_pyenc else _MEASURED_BY
    parts += [str(qp), " ".join(plan.metrics), str(measured_by)]
    about = {"clip": clip, "config": config, "qp": qp, "metrics": plan.metrics}
    return {"key": hash_of(parts)[:20], **about, "commit": plan.commit, "timeout": plan.timeout}
