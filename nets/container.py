"""One file for one net: the safetensors layout (8 bytes of header length, a JSON header, raw tensors), integers only.

Chosen over npz because nothing is compressed or unpickled: what a file may claim is checked against its length before
anything is allocated, and the reader is this page. Other programs open these files with the safetensors package.
"""

import json
import math
import os

import numpy as np

from codec.base.errors import LimitExceeded, WeightsMissing
from codec.base.io.files import open_input
from codec.base.io.writer import whole_file

MAX_FILE_BYTES = 64 << 20
MAX_HEADER_BYTES = 4 << 20
MAX_TENSORS = 8192
MAX_DIMENSIONS = 4
DTYPES = {"I8": np.dtype("i1"), "U8": np.dtype("u1"), "I16": np.dtype("<i2"), "I32": np.dtype("<i4")}
_METADATA = "__metadata__"


class InvalidNet(WeightsMissing):
    """A net, or its file, that breaks a rule of docs/NETS.md."""


def read_file(path):
    """(metadata, tensors) of the file at `path`. Raises InvalidNet, LimitExceeded."""
    try:
        size = os.path.getsize(path)
        if size > MAX_FILE_BYTES:
            raise LimitExceeded(f"{path}: {size} bytes, above the limit of {MAX_FILE_BYTES} for a net")
        with open_input(path) as file:
            return decode(file.read(MAX_FILE_BYTES), str(path))
    except OSError as error:
        raise WeightsMissing(f"{path}: cannot read network weights ({error.strerror or error})") from None


def write_file(path, metadata, tensors):
    """Write a file of these tensors and strings, whole or not at all."""
    with whole_file(str(path), own=True) as file:
        file.write(encode(metadata, tensors))


def encode(metadata, tensors):
    """The bytes of a file: the same for the same content, whatever the order of the dictionaries."""
    header, data, offset = {_METADATA: dict(sorted(metadata.items()))}, [], 0
    for name in sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name)):
        array = tensors[name]
        raw = np.ascontiguousarray(array, _stored(array)).tobytes()
        header[name] = dict(dtype=_dtype_name(array), shape=list(array.shape), data_offsets=[offset, offset + len(raw)])
        data.append(raw)
        offset += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(data)


def _dtype_name(array):
    for name, dtype in DTYPES.items():
        if dtype.kind == array.dtype.kind and dtype.itemsize == array.dtype.itemsize:
            return name
    raise ValueError(f"tensors of a net are not {array.dtype}")


def _stored(array):
    return DTYPES[_dtype_name(array)]


def decode(data, where):
    """(metadata, tensors) of a file's bytes; `where` begins the messages."""
    header, start = _header(data, where)
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise InvalidNet(f"{where}: damaged net file, metadata is not a table of strings")
    if len(header) > MAX_TENSORS:
        raise LimitExceeded(f"{where}: {len(header)} tensors, above the limit of {MAX_TENSORS} for a net")
    spans = sorted((_span(entry, f"{where}: tensor {name!r}"), name) for name, entry in header.items())
    tensors, expected = {}, 0
    for (begin, end, shape, dtype), name in spans:
        if begin != expected or end > len(data) - start:
            raise InvalidNet(f"{where}: damaged net file, tensor {name!r} is not where it should be")
        tensors[name] = np.frombuffer(data, DTYPES[dtype], math.prod(shape), start + begin).reshape(shape)
        expected = end
    if expected != len(data) - start:
        raise InvalidNet(f"{where}: damaged net file, {len(data) - start} bytes of tensors instead of {expected}")
    return metadata, tensors


def _header(data, where):
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise InvalidNet(f"{where}: not a net file, or cut off")
    if length > MAX_HEADER_BYTES:
        raise LimitExceeded(f"{where}: header of {length} bytes, above the limit of {MAX_HEADER_BYTES} for a net")
    header = parse_json(data[8 : 8 + length], f"{where}: damaged net file, header")
    if not isinstance(header, dict):
        raise InvalidNet(f"{where}: damaged net file, header is not a table")
    return header, 8 + length


def parse_json(data, where):
    """JSON without what our files never have: repeated keys, fractions, nonsense."""

    def refuse(text):
        raise ValueError(f"number {text}")

    def unique(pairs):
        table = dict(pairs)
        if len(table) != len(pairs):
            raise ValueError("repeated key")
        return table

    try:
        return json.loads(data, object_pairs_hook=unique, parse_float=refuse, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidNet(f"{where}: {error}") from None


def is_integer(value, low, high):
    """True for an int (not a bool) in low..high."""
    return type(value) is int and low <= value <= high


def _span(entry, where):
    """(begin, end, shape, dtype name) of one tensor's entry in the header."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise InvalidNet(f"{where}: damaged entry")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if dtype not in list(DTYPES):
        raise InvalidNet(f"{where}: dtype {dtype!r} instead of {', '.join(DTYPES)}")
    for what, numbers, least, most in (("shape", shape, 1, MAX_DIMENSIONS), ("data_offsets", offsets, 2, 2)):
        if not isinstance(numbers, list) or not least <= len(numbers) <= most:
            raise InvalidNet(f"{where}: damaged {what}")
        if not all(is_integer(number, 0, MAX_FILE_BYTES) for number in numbers):
            raise InvalidNet(f"{where}: damaged {what}")
    begin, end = offsets
    if end - begin != math.prod(shape) * DTYPES[dtype].itemsize:
        raise InvalidNet(f"{where}: {end - begin} bytes for shape {shape}")
    return begin, end, tuple(shape), dtype
