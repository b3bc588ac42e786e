"""The stream of a learned codec: a header and the range coder's words (docs/LEARNED.md)."""

import struct
from typing import NamedTuple

from codec.base import limits
from codec.base.errors import CorruptStream, Unsupported
from nets.arch.codec import QUALITIES

MAGIC = b"\xb5LC"
VERSION = 1
_HEADER = struct.Struct(">3sB8sBHHIL")
HEADER_BYTES = _HEADER.size


class Header(NamedTuple):
    """weights: id of the codec's weights;  quality: 0 is the worst;  checksum: CRC-32 of the RGB samples."""

    weights: str
    quality: int
    width: int
    height: int
    payload_bytes: int
    checksum: int


def is_learned(head):
    """Whether a file that begins so is one of ours."""
    return head[: len(MAGIC)] == MAGIC


def write_header(header):
    """Its bytes."""
    fields = (bytes.fromhex(header.weights), header.quality, header.width, header.height)
    return _HEADER.pack(MAGIC, VERSION, *fields, header.payload_bytes, header.checksum)


def read_header(data):
    """The Header of a stream's first bytes. Raises CorruptStream, Unsupported, LimitExceeded."""
    if len(data) < HEADER_BYTES:
        raise CorruptStream(f"header: {len(data)} bytes of {HEADER_BYTES}")
    magic, version, weights, quality, width, height, size, checksum = _HEADER.unpack(data[:HEADER_BYTES])
    if magic != MAGIC:
        raise CorruptStream("header: not a learned stream of pyenc")
    if version != VERSION:
        raise Unsupported(f"header: a learned stream of version {version}; this program reads version {VERSION}")
    if quality >= QUALITIES or not width or not height:
        raise CorruptStream(f"header: quality {quality + 1} of {QUALITIES}, {width}x{height} samples")
    limits.check("header: a side of the picture", max(width, height), "MAX_PICTURE_SIDE")
    limits.check("header: samples of the picture", width * height, "MAX_PICTURE_SAMPLES")
    # what a picture of this size may take: more than its samples nobody writes
    if size % 4 or size > 16 * width * height + 65536:
        raise CorruptStream(f"header: {size} bytes of latents for {width}x{height} samples")
    return Header(weights.hex(), quality, width, height, size, checksum)
