"""The nets that are installed: weights/MANIFEST.json and the files beside it."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from codec.base.errors import WeightsMissing
from codec.base.io.files import open_input
from codec.base.io.writer import write_text
from nets.container import InvalidNet, is_integer, parse_json
from nets.filter_bank import SIDE, FilterBank, bank_id, load_bank, save_bank
from nets.graph import analyse, cost
from nets.latents import LatentCodec, codec_costs, codec_id, load_codec, save_codec
from nets.netfile import load_net, save_net
from nets.qnet import net_id

MANIFEST = "MANIFEST.json"
WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\.safetensors")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_ID = re.compile(r"[0-9a-f]{16}")


class Kind(NamedTuple):
    """What files of weights may hold: how it is loaded and saved, its id, its (macs_per_pixel, parameters)."""

    load: Callable
    save: Callable
    identity: Callable
    costs: Callable


def _net_costs(net):
    costs = cost(net, analyse(net))
    return round(costs.macs_per_pixel), costs.parameters


NET = Kind(load_net, save_net, net_id, _net_costs)
CODEC = Kind(load_codec, save_codec, codec_id, codec_costs)
BANK = Kind(load_bank, save_bank, bank_id, lambda bank: (SIDE * SIDE, bank.filters.size))


def is_name(text):
    """Whether a net may be called so."""
    return bool(_NAME.fullmatch(text))


class Entry(NamedTuple):
    """One net of the manifest.

    id, name        what streams and people call it;  file, sha256: where it is, and of the whole file
    architecture    the function of nets/arch that described it
    placement       the samples that it was trained on, as nets/train/recipe.py calls them, or unknown
    macs_per_pixel  per sample of the finest grid, rounded;  parameters: weights and biases
    training, gain  how it was made (recipe, data) and what it brings (measured on what), in words
    """

    id: str
    name: str
    file: str
    sha256: str
    architecture: str
    placement: str
    macs_per_pixel: int
    parameters: int
    training: str
    gain: str


def manifest(directory=WEIGHTS):
    """All entries. Raises WeightsMissing when there is no manifest or it is damaged."""
    path = Path(directory) / MANIFEST
    try:
        with open_input(path) as file:
            data = file.read()
    except OSError as error:
        raise WeightsMissing(f"{path}: no list of network weights ({error.strerror or error})") from None
    table = parse_json(data, f"{path}: damaged")
    if not isinstance(table, dict) or table.get("format") != 1 or not isinstance(table.get("nets"), list):
        raise InvalidNet(f"{path}: not a list of nets of format 1")
    entries = tuple(_entry(entry, path) for entry in table["nets"])
    for key in ("id", "name", "file"):
        if len({getattr(entry, key) for entry in entries}) != len(entries):
            raise InvalidNet(f"{path}: two nets of one {key}")
    return entries


def _entry(table, path):
    if not isinstance(table, dict) or set(table) != set(Entry._fields):
        raise InvalidNet(f"{path}: an entry does not have exactly {', '.join(Entry._fields)}")
    entry = Entry(**table)
    numbers = (entry.macs_per_pixel, entry.parameters)
    texts = [value for key, value in table.items() if key not in ("macs_per_pixel", "parameters")]
    if not all(isinstance(text, str) for text in texts) or not all(is_integer(n, 0, 1 << 40) for n in numbers):
        raise InvalidNet(f"{path}: an entry with text for a number or a number for text")
    if not (_ID.fullmatch(entry.id) and is_name(entry.name) and _FILE.fullmatch(entry.file)):
        raise InvalidNet(f"{path}: id {entry.id!r}, name {entry.name!r} or file {entry.file!r} is not allowed")
    return entry


def find(key, directory=WEIGHTS, why=""):
    """The entry of this id or name. Raises WeightsMissing naming it; `why` says who asks ("the stream", a tool)."""
    for entry in manifest(directory):
        if key in (entry.id, entry.name):
            return entry
    asks = f", which {why} needs," if why else ""
    raise WeightsMissing(f"network weights {key}{asks} are not installed in {directory}; nothing was coded or decoded")


def load(key, directory=WEIGHTS, why="", kind=NET):
    """The net of this id or name, proved to be the one that is meant. Raises WeightsMissing, LimitExceeded.

    kind  BANK for a bank of filters, CODEC for a learned codec
    """
    entry = find(key, directory, why)
    path = Path(directory) / entry.file
    net = kind.load(path)
    found = kind.identity(net)
    if found != entry.id:
        raise WeightsMissing(f"{path}: these are network weights {found}, not {entry.id} ({entry.name})")
    if hashlib.sha256(path.read_bytes()).hexdigest() != entry.sha256:
        raise WeightsMissing(f"{path}: the file is not the one that was published as {entry.id} ({entry.name})")
    return net


def begin_directory(directory):
    """Make a folder for weights, with an empty manifest where it has none."""
    path = Path(directory) / MANIFEST
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        write_text(str(path), json.dumps({"format": 1, "nets": []}) + "\n")


def publish(net, name, training, gain, directory=WEIGHTS):
    """Write a net, bank of filters or learned codec, and its entry, in place of an older one of that name. -> Entry"""
    kind = {FilterBank: BANK, LatentCodec: CODEC}.get(type(net), NET)
    path = Path(directory) / f"{name}.safetensors"
    kind.save(path, net)
    macs_per_pixel, parameters = kind.costs(net)
    entry = Entry(
        kind.identity(net), name, path.name, hashlib.sha256(path.read_bytes()).hexdigest(),
        net.info.get("architecture", "unknown"), net.info.get("placement", "unknown"), macs_per_pixel, parameters,
        training, gain,
    )  # fmt: skip
    _entry(entry._asdict(), path)
    others = [other for other in manifest(directory) if other.name != name and other.id != entry.id]
    nets = [entry._asdict() for entry in sorted([*others, entry], key=lambda entry: entry.name)]
    # which lists what was there before
    write_text(str(Path(directory) / MANIFEST), json.dumps({"format": 1, "nets": nets}, indent=2) + "\n", own=True)
    return entry
