"""Fields (D.3.3): what a stream says of the lines of its pictures, and two fields woven into a frame."""

import dataclasses
from typing import NamedTuple

import numpy as np

TOP, BOTTOM = range(2)
_TOP_FIELDS, _BOTTOM_FIELDS = (1, 9, 11), (2, 10, 12)
_TOP_FIRST, _BOTTOM_FIRST = (3, 5), (4, 6)
INTERLACED, PROGRESSIVE, UNKNOWN = range(3)


class Scan(NamedTuple):
    """field_seq_flag of the VUI, pic_struct and source_scan_type of pic_timing(); defaults where they are absent."""

    field_seq_flag: int = 0
    pic_struct: int = 0
    source_scan_type: int = UNKNOWN

    @property
    def parity(self):
        """TOP or BOTTOM of a picture that is a field, else None."""
        if self.pic_struct in _TOP_FIELDS:
            return TOP
        return BOTTOM if self.pic_struct in _BOTTOM_FIELDS else None

    @property
    def y4m_tag(self):
        """The interlacing of a y4m header: "t" or "b" for a frame of two fields, "p" for lines of one time."""
        if self.source_scan_type == PROGRESSIVE:
            return "p"
        return "t" if self.pic_struct in _TOP_FIRST else "b" if self.pic_struct in _BOTTOM_FIRST else "p"


def _woven(first, second):
    """The rows of two arrays, the upper one's first."""
    rows = np.empty((2 * len(first), *first.shape[1:]), first.dtype)
    rows[0::2], rows[1::2] = first, second
    return rows


class Weaver:
    """Pairs fields as HM's decoder does: one of even POC and the one behind it in output order, of the next POC.

    alone  fields without their other field, which are left out
    """

    def __init__(self):
        self.alone = 0
        self._first = None

    def push(self, picture):
        """The next DecodedPicture in output order. -> the frames that are whole now; pictures that are frames pass"""
        if picture.scan.parity is None:
            return [picture]
        first, self._first = self._first, None
        if first and _are_pair(first, picture):
            return [_frame(first, picture)]
        self.alone += first is not None
        self._first = picture
        return []

    def finish(self):
        """No more pictures come."""
        self.alone += self._first is not None
        self._first = None


def _are_pair(first, second):
    follow = first.poc % 2 == 0 and second.poc == first.poc + 1
    same_size = [plane.shape for plane in first.planes] == [plane.shape for plane in second.planes]
    return follow and same_size and first.scan.parity != second.scan.parity


def _frame(first, second):
    """A DecodedPicture of two fields; `first` comes first in time."""
    upper, lower = (second, first) if first.scan.parity == BOTTOM else (first, second)
    return dataclasses.replace(
        first,
        planes=[_woven(a, b) for a, b in zip(upper.planes, lower.planes, strict=True)],
        rgb=None if upper.rgb is None or lower.rgb is None else _woven(upper.rgb, lower.rgb),
        frame_rate=first.frame_rate and first.frame_rate / 2,
        scan=Scan(0, _TOP_FIRST[0] if upper is first else _BOTTOM_FIRST[0], INTERLACED),
    )
