"""Raw planar pictures: Y, then Cb and Cr of 4:2:0; samples of 8 bits in bytes, deeper ones in little-endian words."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from codec.base import limits
from codec.base.errors import InputError


@dataclass(frozen=True)
class Format:
    """Shape of the pictures of a file, and what its header says of them.

    frame_rate      None when the file does not tell
    sample_aspect   width of a sample over its height; None: square, or not told
    full_range      luma and chroma take all values, not those of limited range
    interlaced      "" for progressive; y4m's letter: "t" or "b" for the field that comes first, "m" for mixed
    """

    width: int
    height: int
    bit_depth: int = 8
    chroma_format_idc: int = 1
    frame_rate: Fraction | None = None
    sample_aspect: Fraction | None = None
    full_range: bool = False
    interlaced: str = ""

    @property
    def shapes(self):
        """(rows, columns) of each plane. An odd side of luma has a chroma sample for its last row or column as well."""
        chroma = ((self.height + 1) // 2, (self.width + 1) // 2)
        return [(self.height, self.width)] + [chroma] * (2 * self.chroma_format_idc)

    def coded_size(self, chroma_format_idc):
        """(width, height) of the pictures that are coded: 4:2:0 has even sides only, an odd one is extended by one."""
        return self.width + (self.width & chroma_format_idc), self.height + (self.height & chroma_format_idc)

    @property
    def dtype(self):
        """How a sample lies in the file."""
        return np.dtype("u1") if self.bit_depth <= 8 else np.dtype("<u2")

    @property
    def frame_bytes(self):
        """Size of one picture in the file."""
        return sum(rows * columns for rows, columns in self.shapes) * self.dtype.itemsize

    def __str__(self):
        return f"{self.width}x{self.height} {self.bit_depth}-bit {'4:2:0' if self.chroma_format_idc else '4:0:0'}"


def check_size(width, height, what):
    """LimitExceeded or InputError for a picture size that a file states and that cannot be coded."""
    if width < 1 or height < 1:
        raise InputError(f"{what}: a picture of {width}x{height} is empty")
    limits.check(f"{what}: picture side", max(width, height), "MAX_PICTURE_SIDE")
    limits.check(f"{what}: luma samples of a picture", width * height, "MAX_PICTURE_SAMPLES")


def read_exactly(file, count):
    """Up to `count` bytes, fewer only at the end of the file (a pipe may give them in parts)."""
    parts, left = [], count
    while left > 0:
        part = file.read(left)
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def unpack(data, picture_format, where):
    """int32 planes of one picture from its bytes; InputError when a sample needs more bits than were stated."""
    samples = np.frombuffer(data, picture_format.dtype)
    top = int(samples.max()) if picture_format.bit_depth not in (8, 16) else 0
    if top >> picture_format.bit_depth:
        raise InputError(
            f"{where}: a sample of {top} does not fit in {picture_format.bit_depth} bits: check InputBitDepth, "
            "and that words are little-endian"
        )
    planes, start = [], 0
    for rows, columns in picture_format.shapes:
        planes.append(samples[start : start + rows * columns].reshape(rows, columns).astype(np.int32))
        start += rows * columns
    return planes


def pack(planes, bit_depth):
    """The bytes of one picture."""
    dtype = "u1" if bit_depth <= 8 else "<u2"
    return b"".join(np.ascontiguousarray(plane, dtype=dtype).tobytes() for plane in planes)


def change_depth(plane, from_depth, to_depth):
    """Samples at another bit depth as HM does it: left shift, or right shift rounded to nearest and clipped."""
    if to_depth >= from_depth:
        return plane if to_depth == from_depth else plane.astype(np.int32) << (to_depth - from_depth)
    shift = from_depth - to_depth
    return np.minimum((plane.astype(np.int32) + (1 << (shift - 1))) >> shift, (1 << to_depth) - 1)
