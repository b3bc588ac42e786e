"""Y'CbCr 4:2:0 to RGB, and changes of RGB back to changes of Y'CbCr: in integers, defined by docs/BITSTREAM.md.

RGB counts in sixteenths of an 8-bit step, 0..4080: int32 arrays (3, rows, columns). Chroma samples sit on even luma
columns, between two luma rows (chroma_sample_loc_type 0).
"""

import functools
from fractions import Fraction
from typing import NamedTuple

import numpy as np

FULL = 4080
_TO_RGB_BITS, _FROM_RGB_BITS = 14, 18


class _Scale(NamedTuple):
    """Offset of a component's samples, and the steps from least to most."""

    offset: int
    span: int


def _scales(colour, bit_depths):
    """(_Scale of luma, _Scale of chroma)"""
    depth_y, depth_c = bit_depths
    half = 1 << (depth_c - 1)
    if colour.full_range:
        return _Scale(0, (1 << depth_y) - 1), _Scale(half, (1 << depth_c) - 1)
    return _Scale(16 << (depth_y - 8), 219 << (depth_y - 8)), _Scale(half, 224 << (depth_c - 8))


@functools.cache
def _to_rgb_factors(colour, bit_depths):
    """(of luma in all, of Cr in red, Cb in green, Cr in green, Cb in blue); chroma is eight times what it is."""
    (luma, chroma), (kr, kb) = _scales(colour, bit_depths), colour.kr_kb
    unit = Fraction(FULL << _TO_RGB_BITS)
    red, blue = (2 * (1 - k) * unit / (8 * chroma.span) for k in (kr, kb))
    kg = 1 - kr - kb
    return tuple(map(round, (unit / luma.span, red, -blue * kb / kg, -red * kr / kg, blue)))


@functools.cache
def _from_rgb_factors(colour, bit_depths):
    """[3][3] factors of R, G, B in Y, Cb, Cr; those of Cb and Cr add up to 0."""
    (luma, chroma), (kr, kb) = _scales(colour, bit_depths), colour.kr_kb
    unit = Fraction(1 << _FROM_RGB_BITS, FULL)
    of_luma = [round(k * luma.span * unit) for k in (kr, 1 - kr - kb, kb)]
    own = round(chroma.span * unit / 2)
    red_in_cb, blue_in_cr = (-round(a * chroma.span * unit / (2 * (1 - b))) for a, b in ((kr, kb), (kb, kr)))
    return of_luma, [red_in_cb, -red_in_cb - own, own], [own, -own - blue_in_cr, blue_in_cr]


def _doubled(plane):
    """A chroma plane at luma's size, times eight: 1 3 vertically, 1 1 horizontally where no sample is."""
    tall = np.pad(plane, ((1, 1), (0, 0)), mode="edge")
    rows = np.empty((2 * plane.shape[0], plane.shape[1]), np.int32)
    rows[0::2] = tall[:-2] + 3 * tall[1:-1]
    rows[1::2] = 3 * tall[1:-1] + tall[2:]
    wide = np.empty((rows.shape[0], 2 * rows.shape[1]), np.int32)
    wide[:, 0::2] = 2 * rows
    wide[:, 1::2] = rows + np.pad(rows, ((0, 0), (0, 1)), mode="edge")[:, 1:]
    return wide


def _halved(plane):
    """A plane at chroma's size, times eight: 1 2 1 around even columns, the sum of two rows."""
    wide = np.pad(plane, ((0, 0), (1, 1)), mode="edge")
    columns = wide[:, :-2:2] + 2 * wide[:, 1:-1:2] + wide[:, 2::2]
    return columns[0::2] + columns[1::2]


def to_rgb(planes, bit_depths, colour):
    """RGB of planes [Y, Cb, Cr] or [Y], of (luma, chroma) bit depths."""
    luma, chroma = _scales(colour, bit_depths)
    of_luma, red, green_u, green_v, blue = _to_rgb_factors(colour, tuple(bit_depths))
    base = (planes[0].astype(np.int32) - luma.offset) * of_luma + (1 << (_TO_RGB_BITS - 1))
    sums = [base] * 3
    if len(planes) == 3:
        u, v = (_doubled(plane.astype(np.int32) - chroma.offset) for plane in planes[1:])
        sums = [base + red * v, base + green_u * u + green_v * v, base + blue * u]
    return np.clip(np.stack([total >> _TO_RGB_BITS for total in sums]), 0, FULL)


def changed(planes, bit_depths, colour, change):
    """Planes [Y, Cb, Cr] with a change of RGB added: what is not changed keeps its very samples.

    change  int32 (3, rows, columns), in sixteenths of an 8-bit step
    """
    made = []
    for index, (plane, factors) in enumerate(zip(planes, _from_rgb_factors(colour, tuple(bit_depths)), strict=True)):
        total, shift = sum(f * c for f, c in zip(factors, change, strict=True)), _FROM_RGB_BITS
        if index:
            # eight times 4080 times these factors is below 2**31
            total, shift = _halved(total), shift + 3
        total = (total + (1 << (shift - 1))) >> shift
        made.append(np.clip(plane + total, 0, (1 << bit_depths[index > 0]) - 1).astype(np.int16))
    return made


def shown(rgb):
    """uint8 (rows, columns, 3): what a file holds and a screen shows."""
    return np.ascontiguousarray(np.moveaxis((rgb + 8) >> 4, 0, -1), np.uint8)
