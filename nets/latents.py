"""The weights of a learned codec: its nets, its quantiser's steps and its tables of frequencies, all integers.

One file for all of it (docs/LEARNED.md has the layout). What stands here beside the file is what integers mean: how a
latent becomes a symbol and back, and which table a symbol is coded with; codec/learned and the trainer both use it.
"""

import hashlib
import json
from dataclasses import dataclass, field

import numpy as np

from nets.arch.codec import QUALITIES, SCALE_FRACTION, Y_FRACTION, Y_RANGE, Z_FRACTION, Z_RANGE
from nets.container import InvalidNet, parse_json, read_file, write_file
from nets.graph import analyse, cost
from nets.qnet import QNet, graph_json, net_id, parse_graph

KIND = "codec"
PRECISION = 24  # frequencies of a table add up to 2 ** PRECISION
STEP_FRACTION = 4  # of the quantiser's steps, in sixteenths of a latent's unit
MAX_SIDE = 255  # of symbols that a table has: -side..side
# tables of scales: four an octave, from 2 ** -3.5 to 2 ** 6.25 steps
SCALE_TABLES, TABLES_PER_OCTAVE, FIRST_OCTAVE = 40, 4, -3.5
OUTER, HYPER = ("analysis", "synthesis"), ("hyper_analysis", "hyper_synthesis")
_PER_TABLE = (1 << SCALE_FRACTION) // TABLES_PER_OCTAVE
_RANGES = {"y": Y_RANGE, "z": Z_RANGE}


@dataclass(frozen=True)
class Tables:
    """Frequencies of symbols, one row a table.

    sides        (tables,) int16: a table has the symbols -side..side, then the escape
    frequencies  int32, all tables one behind the other: 2 * side + 2 numbers above 0 that add up to 2 ** PRECISION
    """

    sides: np.ndarray
    frequencies: np.ndarray

    @property
    def starts(self):
        """Where each table begins in the frequencies, and the end."""
        return np.concatenate([[0], np.cumsum(2 * self.sides.astype(np.int64) + 2)])

    def table(self, number):
        """(side, its frequencies)"""
        first = self.starts[number]
        side = int(self.sides[number])
        return side, self.frequencies[first : first + 2 * side + 2]


@dataclass(frozen=True)
class LatentCodec:
    """nets: {name: QNet}, OUTER and perhaps HYPER;  steps: {"y", "z": (QUALITIES, channels) int16}

    log_steps  with a hyperprior: log2 of the steps of y, in the scale's fraction, (QUALITIES, channels) int16
    tables     {"y", "z": Tables}: of z, and of y without a hyperprior, by quality * channels + channel; else by scale
    info       text that changes nothing
    """

    nets: dict
    steps: dict
    tables: dict
    log_steps: np.ndarray | None = None
    info: dict = field(default_factory=dict)

    @property
    def name(self):
        """The name for messages."""
        return self.info.get("name", "unnamed")

    @property
    def has_hyper(self):
        """Whether hyper-latents tell the distribution of latents."""
        return HYPER[0] in self.nets

    @property
    def unit(self):
        """Sides of pictures are continued to multiples of this many samples."""
        return 64 if self.has_hyper else 16


def to_symbols(values, centre, steps):
    """int32 symbols of latents: (values - centre) over steps (channels,), rounded, halves away from zero."""
    steps = steps.astype(np.int64)[:, None, None]
    distance = (values.astype(np.int64) - centre) << STEP_FRACTION
    return (np.sign(distance) * ((2 * np.abs(distance) + steps) // (2 * steps))).astype(np.int32)


def to_latents(symbols, centre, steps, name):
    """int16 latents of symbols, in the range of `name`'s nets."""
    half = 1 << (STEP_FRACTION - 1)
    moved = (symbols.astype(np.int64) * steps.astype(np.int64)[:, None, None] + half) >> STEP_FRACTION
    return np.clip(centre + moved, _RANGES[name]["lo"], _RANGES[name]["hi"]).astype(np.int16)


def table_of_scale(scale, log_steps):
    """Indices of tables, int32, of scales as the hyper-synthesis gives them; log_steps (channels,)."""
    first = int(-FIRST_OCTAVE * (1 << SCALE_FRACTION))
    relative = scale.astype(np.int32) - log_steps.astype(np.int32)[:, None, None] + first + _PER_TABLE // 2
    return np.clip(relative // _PER_TABLE, 0, SCALE_TABLES - 1)


def table_of_channel(quality, shape):
    """Indices of tables for latents (channels, rows, columns) that have a density of their own."""
    return np.broadcast_to((quality * shape[0] + np.arange(shape[0], dtype=np.int32))[:, None, None], shape)


# --- the file -------------------------------------------------------------------------------------------------------


def codec_id(codec):
    """The first 8 bytes of SHA-256 over the nets' ids and the integers, as 16 hexadecimal digits."""
    digest = hashlib.sha256(b"codec")
    for name in sorted(codec.nets):
        digest.update(f"\n{name} {net_id(codec.nets[name])}".encode())
    for name, array in sorted(_integers(codec).items()):
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(f"\n{name} {list(array.shape)}\n".encode() + little.tobytes())
    return digest.hexdigest()[:16]


def _integers(codec):
    found = {f"{name}_step": array for name, array in codec.steps.items()}
    if codec.log_steps is not None:
        found["y_log_step"] = codec.log_steps
    for name, tables in codec.tables.items():
        found |= {f"{name}_side": tables.sides, f"{name}_frequency": tables.frequencies}
    return found


def save_codec(path, codec):
    """Write a codec whose nets have their known answers."""
    check_codec(codec, path)
    metadata = {"kind": KIND, "info": json.dumps(codec.info, sort_keys=True)}
    tensors = _integers(codec)
    for name, net in codec.nets.items():
        metadata |= {f"{name}.graph": graph_json(net), f"{name}.answer": net.answer}
        tensors |= {f"{name}/{key}": array for key, array in net.tensors.items()}
    write_file(path, metadata, tensors)


def load_codec(path):
    """A codec whose file is whole and which keeps every rule. Raises WeightsMissing (InvalidNet), LimitExceeded."""
    metadata, tensors = read_file(path)
    names = [name for name in OUTER + HYPER if f"{name}.graph" in metadata]
    wanted = {"kind", "info"} | {f"{name}.{what}" for name in names for what in ("graph", "answer")}
    if metadata.get("kind") != KIND or set(metadata) != wanted:
        raise InvalidNet(f"{path}: not a learned codec of pyenc")
    info = parse_json(metadata["info"], f"{path}: damaged file, info")
    if not isinstance(info, dict) or not all(isinstance(text, str) for text in info.values()):
        raise InvalidNet(f"{path}: damaged file, info is not a table of strings")
    nets = {}
    for name in names:
        mine = {key.partition("/")[2]: array for key, array in tensors.items() if key.startswith(f"{name}/")}
        graph = parse_graph(parse_json(metadata[f"{name}.graph"], f"{path}: damaged file, {name}"), path)
        nets[name] = QNet(*graph, mine, {"name": f"{info.get('name', 'unnamed')} {name}"}, metadata[f"{name}.answer"])
        analyse(nets[name])
    loose = {key: array for key, array in tensors.items() if "/" not in key}
    if sum(len(net.tensors) for net in nets.values()) + len(loose) != len(tensors):
        raise InvalidNet(f"{path}: tensors of nets that are not there")
    latents = ("y", "z") if HYPER[0] in nets else ("y",)
    wanted = {f"{name}_{what}" for name in latents for what in ("step", "side", "frequency")}
    if set(loose) != (wanted | {"y_log_step"} if "z" in latents else wanted):
        raise InvalidNet(f"{path}: the quantiser's steps or the tables are not there")
    codec = LatentCodec(
        nets,
        {name: loose[f"{name}_step"] for name in latents},
        {name: Tables(loose[f"{name}_side"], loose[f"{name}_frequency"]) for name in latents},
        loose.get("y_log_step"),
        info,
    )
    check_codec(codec, path)
    return codec


def check_codec(codec, where):
    """Raise InvalidNet for nets that do not belong together, and for steps and tables that break a rule."""
    if set(codec.nets) not in (set(OUTER), set(OUTER + HYPER)):
        raise InvalidNet(f"{where}: nets {sorted(codec.nets)}, not {', '.join(OUTER)}, and perhaps {', '.join(HYPER)}")
    channels = _channels(codec, where)
    logs = codec.log_steps
    if codec.has_hyper and (logs is None or logs.dtype != np.int16 or logs.shape != (QUALITIES, channels["y"])):
        raise InvalidNet(f"{where}: logarithms of steps are not {QUALITIES} times {channels['y']} numbers")
    for name, count in channels.items():
        steps, tables = codec.steps[name], codec.tables[name]
        if steps.dtype != np.int16 or steps.shape != (QUALITIES, count) or steps.min() < 1:
            raise InvalidNet(f"{where}: steps of {name} are not {QUALITIES} times {count} numbers above 0")
        by_scale = name == "y" and codec.has_hyper
        _check_tables(tables, SCALE_TABLES if by_scale else QUALITIES * count, f"{where}: tables of {name}")


def _check_tables(tables, count, where):
    sides, frequencies = tables.sides, tables.frequencies
    if sides.dtype != np.int16 or sides.shape != (count,) or sides.min() < 0 or sides.max() > MAX_SIDE:
        raise InvalidNet(f"{where}: not {count} of sides 0..{MAX_SIDE}")
    starts = tables.starts
    if frequencies.dtype != np.int32 or frequencies.shape != (starts[-1],) or frequencies.min() < 1:
        raise InvalidNet(f"{where}: not {starts[-1]} frequencies above 0")
    if (np.add.reduceat(frequencies.astype(np.int64), starts[:-1]) != 1 << PRECISION).any():
        raise InvalidNet(f"{where}: frequencies do not add up to 2^{PRECISION}")


# what nets take and give: {net: ({input: (grid, fraction, lo, hi)}, {output: (grid, fraction)})}
_RGB, _Y = (0, 9, -512, 511), (Y_FRACTION, Y_RANGE["lo"], Y_RANGE["hi"])
_SEAMS = {
    "analysis": ({"rgb": _RGB}, {"y": (4, Y_FRACTION)}),
    "synthesis": ({"y": (4, *_Y)}, {"rgb": (0, 9)}),
    "hyper_analysis": ({"y": (0, *_Y)}, {"z": (2, Z_FRACTION)}),
    "hyper_synthesis": (
        {"z": (2, Z_FRACTION, Z_RANGE["lo"], Z_RANGE["hi"])},
        {"mean": (0, Y_FRACTION), "scale": (0, SCALE_FRACTION)},
    ),
}


def _channels(codec, where):
    """{"y", "z": channels}; InvalidNet where two nets have different ones, or other inputs and outputs."""
    found = {"rgb": {3}}
    for name, net in codec.nets.items():
        inputs, outputs = _SEAMS[name]
        signals = analyse(net)
        given = {i.name: (i.grid, i.fraction, i.lo, i.hi) for i in net.inputs if i.name != "quality"}
        made = {o.name: (signals[o.source].grid, o.fraction) for o in net.outputs}
        quality = [i for i in net.inputs if i.name == "quality"]
        if given != inputs or made != outputs or len(quality) != 1 or quality[0].channels != QUALITIES:
            raise InvalidNet(f"{where}: {name} does not take or give what that net has to")
        for entry in net.inputs:
            if entry.name != "quality":
                found.setdefault(entry.name, set()).add(entry.channels)
        for output in net.outputs:
            key = "y" if output.name in ("mean", "scale") else output.name
            found.setdefault(key, set()).add(signals[output.source].channels)
    if any(len(counts) > 1 for counts in found.values()):
        raise InvalidNet(f"{where}: nets with different numbers of channels: {found}")
    del found["rgb"]
    return {name: counts.pop() for name, counts in found.items()}


def codec_costs(codec, names=None):
    """(multiplications per pixel of the picture, parameters) of all nets, or of some."""
    macs, parameters = 0.0, 0
    for name in names or codec.nets:
        each = cost(codec.nets[name], analyse(codec.nets[name]))
        macs += each.macs_per_pixel / (256 if name in HYPER else 1)
        parameters += each.parameters
    return round(macs), parameters
