"""A qnet: a graph of integer layers with its weights. What each layer computes is defined by nets/reference.py.

docs/NETS.md is the specification. This module holds the graph as data, its JSON form, and a net's identity.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from nets.container import InvalidNet, is_integer
from nets.program_layout import VECTOR

MAX_GRID = 5
MAX_LAYERS = 1024
MAX_CHANNELS = 2048
MAX_FRACTION = 16
MAX_WEIGHT = 127
MAX_WIDE_WEIGHT = 32767  # of weights that are stored in 16 bits
MAX_SHIFT = 24
MAX_SLOPE = 7
MAX_UP = 12
INT16 = (-32768, 32767)
EXACT = 1 << 24  # float32 carries every integer below this
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class Input(NamedTuple):
    """Integers in lo..hi on a grid 2**grid times coarser than the finest; real value = integer / 2**fraction."""

    name: str
    channels: int
    grid: int
    lo: int
    hi: int
    fraction: int


class Output(NamedTuple):
    """The signal `source`, handed out under a name; real value = integer / 2**fraction."""

    name: str
    source: str
    fraction: int


class Layer(NamedTuple):
    """One layer; which fields count is in OPS. `inputs` are names of net inputs or of earlier layers."""

    name: str
    op: str
    inputs: tuple
    channels: int = 0
    kernel: tuple = (1, 1)
    stride: int = 1
    pad: str = "zero"
    groups: int = 1
    up: tuple = ()
    prelu: bool = False
    lo: int = 0
    hi: int = 0


_EPILOGUE = ("prelu", "lo", "hi")
OPS = {
    "conv": ("channels", "kernel", "stride", "pad", "groups", *_EPILOGUE),
    "deconv": ("channels", "kernel", *_EPILOGUE),
    "fc": ("channels", *_EPILOGUE),
    "add": ("up", *_EPILOGUE),
    "mul": _EPILOGUE,
    "concat": (),
    "unshuffle": (),
    "shuffle": (),
}
_INPUT_COUNT = {"add": (1, 16), "mul": (2, 2), "concat": (1, 64)}  # all others have one


@dataclass(frozen=True)
class QNet:
    """A net. `tensors` maps "layer.weight|bias|shift|slope" to integer arrays; `info` is text that changes nothing.

    Made by nets/netfile.py (from a file) and nets/quantise.py (from training), which check it with nets/graph.py.
    """

    inputs: tuple
    layers: tuple
    outputs: tuple
    tensors: dict
    info: dict = field(default_factory=dict)
    answer: str = ""

    @property
    def name(self):
        """The name for messages."""
        return self.info.get("name", "unnamed")


def graph_json(net):
    """The graph as canonical JSON: part of a net's identity."""
    layers = [
        {"name": layer.name, "op": layer.op, "inputs": list(layer.inputs)}
        | {key: _plain(getattr(layer, key)) for key in OPS[layer.op]}
        for layer in net.layers
    ]
    table = dict(
        format=1,
        inputs=[entry._asdict() for entry in net.inputs],
        layers=layers,
        outputs=[entry._asdict() for entry in net.outputs],
    )
    return json.dumps(table, separators=(",", ":"), sort_keys=True)


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def net_id(net):
    """The first 8 bytes of SHA-256 over graph and tensors, as 16 hexadecimal digits. Names and notes do not count."""
    digest = hashlib.sha256(graph_json(net).encode())
    for name in sorted(net.tensors):
        array = np.ascontiguousarray(net.tensors[name])
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"\n{name} {array.dtype.kind}{array.dtype.itemsize} {list(array.shape)}\n".encode())
        digest.update(little.tobytes())
    return digest.hexdigest()[:16]


def parse_graph(table, where):
    """(inputs, layers, outputs) of a parsed graph_json. Raises InvalidNet."""
    if not isinstance(table, dict) or set(table) != {"format", "inputs", "layers", "outputs"}:
        raise InvalidNet(f"{where}: the graph is not a table of format, inputs, layers, outputs")
    if table["format"] != 1 or type(table["format"]) is not int:
        raise InvalidNet(f"{where}: format {table['format']!r} of nets is not known; this version reads format 1")
    for key, least in (("inputs", 1), ("layers", 0), ("outputs", 1)):
        if not isinstance(table[key], list) or not least <= len(table[key]) <= MAX_LAYERS:
            raise InvalidNet(f"{where}: {key} is not a list of {least} to {MAX_LAYERS}")
        if not all(isinstance(entry, dict) for entry in table[key]):
            raise InvalidNet(f"{where}: an entry of {key} is not a table")
    inputs = tuple(_entry(Input, entry, Input._fields, f"{where}: input") for entry in table["inputs"])
    layers = tuple(_layer(entry, where) for entry in table["layers"])
    outputs = tuple(_entry(Output, entry, Output._fields, f"{where}: output") for entry in table["outputs"])
    return inputs, layers, outputs


def _layer(entry, where):
    op = entry.get("op")
    if not isinstance(op, str) or op not in OPS:
        raise InvalidNet(f"{where}: layer {entry.get('name')!r}: operation {op!r} is not known")
    layer = _entry(Layer, entry, ("name", "op", "inputs", *OPS[op]), f"{where}: layer")
    low, high = _INPUT_COUNT.get(op, (1, 1))
    if not low <= len(layer.inputs) <= high:
        raise InvalidNet(f"{where}: layer {layer.name!r}: {len(layer.inputs)} inputs")
    return layer


def _is_name(value):
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_kernel(value):
    return isinstance(value, list) and len(value) == 2 and all(is_integer(side, 1, 16) for side in value)


_VALID = {
    "name": _is_name,
    "source": _is_name,
    "op": lambda value: value in OPS,
    "inputs": lambda value: isinstance(value, list) and all(_is_name(name) for name in value),
    "channels": lambda value: is_integer(value, 1, MAX_CHANNELS),
    "grid": lambda value: is_integer(value, VECTOR, MAX_GRID),
    "fraction": lambda value: is_integer(value, 0, MAX_FRACTION),
    "kernel": _is_kernel,
    "stride": lambda value: is_integer(value, 1, 2),
    "pad": lambda value: value in ("zero", "replicate"),
    "groups": lambda value: is_integer(value, 1, MAX_CHANNELS),
    "up": lambda value: isinstance(value, list) and all(is_integer(up, 0, MAX_UP) for up in value),
    "prelu": lambda value: isinstance(value, bool),
    "lo": lambda value: is_integer(value, *INT16),
    "hi": lambda value: is_integer(value, *INT16),
}


def _entry(kind, entry, keys, where):
    """A NamedTuple of class `kind` from a JSON table that has exactly these keys."""
    where = f"{where} {entry.get('name')!r}"
    if set(entry) != set(keys):
        raise InvalidNet(f"{where}: has {', '.join(sorted(entry))} instead of {', '.join(sorted(keys))}")
    for key in keys:
        if not _VALID[key](entry[key]):
            raise InvalidNet(f"{where}: {key} is {entry[key]!r}")
    if "lo" in entry and entry["lo"] > entry["hi"]:
        raise InvalidNet(f"{where}: lo {entry['lo']} above hi {entry['hi']}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()})
