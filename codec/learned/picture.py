"""One picture to a learned stream and back (docs/LEARNED.md)."""

import zlib
from typing import NamedTuple

import numpy as np

from codec.base import limits
from codec.base.errors import CorruptStream, HashMismatch
from codec.learned.coder import Reader, Writer
from codec.learned.stream import HEADER_BYTES, Header, read_header, write_header


class Coded(NamedTuple):
    """data: the stream;  rgb: what its decoder shows, uint8 (rows, columns, 3)"""

    data: bytes
    rgb: np.ndarray


def encode_picture(model, rgb, quality):
    """Coded of uint8 RGB (rows, columns, 3) at a quality from 0. Raises LimitExceeded."""
    height, width = rgb.shape[:2]
    limits.check("a side of the picture", max(width, height), "MAX_PICTURE_SIDE")
    limits.check("samples of the picture", width * height, "MAX_PICTURE_SAMPLES")
    codec, writer = model.codec, Writer()
    groups, centre = model.encode(_padded(rgb, codec.unit), quality)
    for group in groups:
        writer.write(group.symbols, group.numbers, codec.tables[group.name])
    made = _cut(model.decode(groups[-1].symbols, centre, quality), width, height)
    payload = writer.data()
    header = Header(model.id, quality, width, height, len(payload), checksum(made))
    return Coded(write_header(header) + payload, made)


def decode_picture(make_model, data, checked=True):
    """uint8 RGB of a stream. Raises CorruptStream, WeightsMissing, Unsupported, LimitExceeded.

    make_model  function(id of the weights) -> Model
    checked     compare with the checksum; HashMismatch has the picture as `rgb`
    """
    header = read_header(data)
    payload = data[HEADER_BYTES:]
    if len(payload) != header.payload_bytes:
        what = "more" if len(payload) > header.payload_bytes else f"{len(payload)}"
        raise CorruptStream(f"the stream has {what} bytes of latents; its header says {header.payload_bytes}")
    model = make_model(header.weights)
    codec, quality, reader = model.codec, header.quality, Reader(payload)
    rows, columns = (-(-side // codec.unit) * codec.unit // 16 for side in (header.height, header.width))
    if codec.has_hyper:
        inner = model.tables_alone("z", quality, (rows // 4, columns // 4))
        centre, numbers = model.expected(reader.read(inner, codec.tables["z"]), quality)
    else:
        centre, numbers = 0, model.tables_alone("y", quality, (rows, columns))
    symbols = reader.read(numbers, codec.tables["y"])
    reader.finish()
    made = _cut(model.decode(symbols, centre, quality), header.width, header.height)
    if checked and checksum(made) != header.checksum:
        error = HashMismatch("the picture differs from its checksum")
        error.rgb = made
        raise error
    return made


def checksum(rgb):
    """CRC-32 of uint8 RGB (rows, columns, 3), in this order."""
    return zlib.crc32(np.ascontiguousarray(rgb).tobytes())


def _padded(rgb, unit):
    """The last row and column repeated up to whole units."""
    down, right = (-side % unit for side in rgb.shape[:2])
    return np.pad(rgb, ((0, down), (0, right), (0, 0)), mode="edge") if down or right else rgb


def _cut(rgb, width, height):
    return np.ascontiguousarray(rgb[:height, :width])
