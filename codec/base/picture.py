"""Pictures as they enter and leave the codec: planes, padding to the coded size, and what is reported of each.

Planes are int16 arrays [Y, Cb, Cr], or [Y] in 4:0:0, whatever the bit depth.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from codec.base.io.fields import Scan
from codec.base.io.matrices import Colour


class SourcePicture(list):
    """The planes of a source picture, with the RGB that they were made from.

    rgb  (rows, columns, 3) uint8 or uint16
    """

    def __init__(self, planes, rgb):
        super().__init__(planes)
        self.rgb = rgb


class FilteredPicture(list):
    """The planes of a source picture as they are to be coded; `original`: what they are compared with."""

    def __init__(self, planes, original):
        super().__init__(planes)
        self.original = original


class Output(NamedTuple):
    """What leaves the codec: planes [Y, Cb, Cr] int16 with the bit depths that they had, and RGB where a tool made it.

    rgb  uint8 (rows, columns, 3), or None
    """

    planes: list
    rgb: np.ndarray | None = None


def original_planes(planes):
    """The source of a picture to be coded: its planes, or what they were before the temporal filter."""
    return planes.original if isinstance(planes, FilteredPicture) else planes


@dataclass
class PictureReport:
    """One coded picture, in coding order.

    index: number of the source picture in display order, from 0 over the whole sequence (a POC restarts at each IDR)
    bits: of the access unit without its hash SEI; psnr, mse: (Y, U, V) at the internal bit depth, U and V 0 in 4:0:0
    refs: POCs of reference list 0 and list 1; hash: as printed, such as "MD5:y,u,v", or "" without one
    tools: what the tools beyond the standard did, {column of reports: number}
    recon: what a decoder outputs, of the conformance-cropped size
    colour: what its samples mean; rgb: uint8 (h, w, 3) by the output filter, else None
    statistics: block_statistics.PictureStatistics, where asked for
    """

    index: int
    poc: int
    temporal_id: int
    slice_type: str
    is_reference: bool
    qp: int
    nqp: int
    bits: int
    psnr: tuple[float, float, float]
    mse: tuple[float, float, float]
    seconds: float
    refs: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    hash: str = ""
    tools: dict[str, float] = field(default_factory=dict)
    recon: list = field(default_factory=list, repr=False)
    colour: Colour = Colour()
    rgb: np.ndarray | None = field(default=None, repr=False)
    statistics: tuple | None = field(default=None, repr=False)


@dataclass
class DecodedPicture:
    """One decoded picture, in output order.

    planes: cropped to the conformance window; bit_depths: (luma, chroma); colour: what the samples mean
    rgb: uint8 (h, w, 3) by the CNN output filter, which then has changed `planes` as well; else None
    hash_status: "OK", "ERROR", or "unk" when the stream has no hash or it was not compared
    decode_index: position in decoding order; frame_rate, sample_aspect: of the VUI, None when it says none
    statistics: block_statistics.PictureStatistics, where asked for; scan: frame or field
    """

    planes: list = field(repr=False)
    bit_depths: tuple[int, int]
    poc: int
    temporal_id: int
    slice_type: str
    qp: int
    seconds: float
    is_reference: bool = True
    refs: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    hash_status: str = "unk"
    hash: str = ""
    decode_index: int = 0
    frame_rate: Fraction | None = None
    sample_aspect: Fraction | None = None
    statistics: tuple | None = field(default=None, repr=False)
    colour: Colour = Colour()
    rgb: np.ndarray | None = field(default=None, repr=False)
    scan: Scan = Scan()


def chroma_shape(shape, chroma_format_idc):
    """(6.2) Shape of a chroma plane for a luma plane of `shape`; (0, 0) in 4:0:0."""
    return (shape[0] // 2, shape[1] // 2) if chroma_format_idc else (0, 0)


def pad_plane(plane, width, height):
    """A contiguous int16 copy of `plane`, its last column and row repeated to the coded size."""
    down, right = height - plane.shape[0], width - plane.shape[1]
    return np.ascontiguousarray(np.pad(plane, ((0, down), (0, right)), mode="edge"), dtype=np.int16)


def pad_picture(planes, coded_width, coded_height):
    """Planes of a picture padded to the coded luma size."""
    sizes = [(coded_width, coded_height)] + [(coded_width // 2, coded_height // 2)] * (len(planes) - 1)
    return [pad_plane(plane, *size) for plane, size in zip(planes, sizes, strict=True)]


def crop_picture(planes, left, right, top, bottom):
    """(7.4.3.2.1) Planes inside the conformance window; offsets in luma samples from each edge of the coded picture."""
    cropped = []
    for index, plane in enumerate(planes):
        step = 2 if index else 1
        rows, columns = plane.shape
        cropped.append(plane[top // step : rows - bottom // step, left // step : columns - right // step])
    return cropped
