"""Sample and motion memory of the pictures of one sequence: equal slots of a few stacked arrays.

Kernels reach every reference picture through one array a component, by slot (structs.References). A slot is free as
soon as no picture of the decoded picture buffer holds it.
"""

import numpy as np

from codec.base.picture import chroma_shape
from codec.h265.structs import COL_MOTION, COL_UNUSED, MOTION, References


class FrameStore:
    """Slots for pictures of one size, and the motion of the picture being decoded, which only it needs."""

    def __init__(self, params, slots):
        """`params`: one PARAMS record; `slots`: how many pictures to begin with, at least 1."""
        height, width = int(params["pic_height"]), int(params["pic_width"])
        chroma = chroma_shape((height, width), params["chroma_format_idc"])
        col_shape = ((height + 15) // 16, (width + 15) // 16)
        self._units_shape = (int(params["height_in_units"]), int(params["width_in_units"]))
        self._bit_depths = [int(params[name]) for name in ("bit_depth_y", "bit_depth_c", "bit_depth_c")]
        self._planes = [np.empty((slots, *shape), np.int16) for shape in ((height, width), chroma, chroma)]
        self._col_motion = np.zeros((slots, *col_shape), COL_MOTION)
        self._motion = None

    def acquire(self, used):
        """A slot that is not among `used`, its kept motion empty. Makes room when all are: fetch `planes` anew then."""
        slot = self.find(used)
        if slot is None:
            slot = self.make_room()
        self.clear_motion(slot)
        return slot

    def find(self, used):
        """A slot that is not among `used`, or None."""
        return next((i for i in range(len(self._col_motion)) if i not in used), None)

    def make_room(self):
        """Move everything into larger memory. -> the first new slot"""
        slots = len(self._col_motion)
        more = max(2, slots // 2)
        self._planes = [_grown(plane, more) for plane in self._planes]
        self._col_motion = _grown(self._col_motion, more)
        return slots

    def clear_motion(self, slot):
        """Empty a slot's kept motion."""
        self._col_motion["state"][slot] = COL_UNUSED

    def planes(self, slot):
        """(luma, cb, cr) of a slot: views, valid until `acquire` is called again."""
        return tuple(plane[slot] for plane in self._planes)

    def fill_grey(self, slot):
        """(8.3.3.2) Make the slot's samples those of an unavailable picture."""
        for plane, bit_depth in zip(self._planes, self._bit_depths, strict=True):
            plane[slot] = 1 << (bit_depth - 1)

    def col_motion(self, slot):
        """COL_MOTION of a slot, a view."""
        return self._col_motion[slot]

    def motion(self):
        """Frame.motion of a picture with P or B slices, for one picture at a time."""
        if self._motion is None:
            self._motion = np.zeros(self._units_shape, MOTION)
        return self._motion

    def references(self, lists):
        """The References of a picture whose slices have the reference lists `lists`, (n, 2, 16) REFERENCE."""
        return References(lists, self._col_motion, *self._planes)


def _grown(array, more):
    larger = np.zeros((len(array) + more, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger
