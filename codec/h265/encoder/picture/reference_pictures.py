"""The decoded pictures that the encoder keeps for reference, and the lists that slices make of them.

Pictures are coded side by side as far as they do not depend on each other: a picture has its place here from when it is
begun, in coding order, and waits for rows of those that it refers to.
"""

from dataclasses import dataclass, field

import numpy as np

from codec.common.pipeline.progress import Progress
from codec.h265.dpb import RefPicSet
from codec.h265.encoder.search.inter.reference_planes import (
    BORDER,
    LINES_BELOW,
    fill_planes,
    new_plane_memory,
    new_planes,
)
from codec.h265.frame_store import FrameStore


@dataclass(frozen=True)
class ReferencePicture:
    """A picture in the buffer; `slot`: its place in the FrameStore; `decoded`: how many rows of CTUs are final."""

    poc: int
    slot: int
    qp: int
    is_intra: bool
    decoded: Progress = field(default_factory=Progress)


class ReferencePictures:
    """Slots for the pictures being coded and those they may refer to.

    store   FrameStore
    planes  what the motion search reads of each slot (reference_planes.py); no slots when all pictures are intra
    rows    how many rows of CTUs a picture has
    """

    def __init__(self, params, pictures, inter, in_flight=1):
        """params: one PARAMS record;  pictures: how many the buffer holds, the current one included;
        in_flight: how many are begun at most and not ended
        """
        slots = pictures + in_flight - 1
        self.store = FrameStore(params, slots)
        self.planes = new_planes(params, slots if inter else 0)
        self.rows, self._ctb_size = int(params["height_in_ctbs"]), 1 << int(params["log2_ctb_size"])
        self._bit_depth = int(params["bit_depth_y"])
        self._held = {}  # ReferencePicture by POC
        self._in_flight = []  # PictureReferences

    def begin(self, plan):
        """(8.3.2) Let go of what the reference picture set of a PlannedPicture leaves out, and make room for it.

        In coding order. -> PictureReferences
        """
        self._held = {plan.poc + delta: self._held[plan.poc + delta] for delta, _ in plan.rps}
        kept = list(self._held.values())
        entries = [(delta, used, [plan.poc + delta, self._held[plan.poc + delta]]) for delta, used in plan.rps]
        rps = RefPicSet(
            st_curr_before=[entry for delta, used, entry in reversed(entries) if used and delta < 0],
            st_curr_after=[entry for delta, used, entry in entries if used and delta > 0],
            st_foll=[entry for _, used, entry in entries if not used],
        )
        busy = [picture for other in self._in_flight for picture in (*other.kept, other.current)]
        slot = self.store.acquire({picture.slot for picture in (*kept, *busy)})
        current = ReferencePicture(plan.poc, slot, plan.qp, plan.slice_type == "I")
        self._held[plan.poc] = current
        references = PictureReferences(self, plan, rps, kept, current)
        self._in_flight.append(references)
        return references

    def end(self, references):
        """Nobody reads the samples of a picture's references for it any more, nor writes its own."""
        self._in_flight.remove(references)

    def fill_planes(self, slot, row_begin, row_end):
        """The lines of a slot's planes that rows of CTUs of its samples complete, those above being there."""
        luma, planes = self.store.planes(slot)[0], self.planes[slot]
        begin, end = self._complete_lines(row_begin), self._complete_lines(row_end)
        fill_planes(luma, planes, self._bit_depth, begin, end, new_plane_memory(planes))

    def _complete_lines(self, rows):
        """How many lines of the planes are made from the first `rows` rows of CTUs alone."""
        if rows == self.rows:
            return self.planes.shape[2]
        return rows * self._ctb_size - LINES_BELOW + BORDER if rows else 0


class PictureReferences:
    """What one picture refers to.

    store    FrameStore; slot: of the picture itself
    rps      RefPicSet of [POC, ReferencePicture]
    kept     the ReferencePictures in it;  current: that of the picture itself
    """

    def __init__(self, pictures, plan, rps, kept, current):
        self._pictures, self._plan = pictures, plan
        self.rps, self.kept, self.current = rps, kept, current
        self.store, self.slot = pictures.store, current.slot

    def wait(self, rows=None):
        """Until `rows` rows of CTUs of all that it refers to are decoded, or all. Raises what kept them from it."""
        for _, picture in (*self.rps.st_curr_before, *self.rps.st_curr_after):
            picture.decoded.wait(self._pictures.rows if rows is None else rows)

    def wait_for_itself(self):
        """Until all its own rows are decoded."""
        self.current.decoded.wait(self._pictures.rows)

    def keep_rows(self, row_begin, row_end):
        """Rows of CTUs are decoded and filtered, as those above: later pictures may refer to them."""
        self._fill(row_begin, row_end)
        self.current.decoded.reach(row_end)

    def keep(self, pool=None):
        """The whole picture is decoded and filtered. pool: of threads, or None"""
        rows = self._pictures.rows
        if pool is None:
            self._fill(0, rows)
        else:
            for job in [pool.submit(self._fill, *band) for band in ((0, rows // 2), (rows // 2, rows))]:
                job.result()
        self.current.decoded.reach(rows)

    def _fill(self, row_begin, row_end):
        if self._plan.is_reference and len(self._pictures.planes):
            self._pictures.fill_planes(self.slot, row_begin, row_end)

    def fail(self, error):
        """The picture will not be decoded any further."""
        self.current.decoded.fail(error)


def list_pocs(lists):
    """POCs of lists 0 and 1 of a picture's last slice, from its (n, 2, 16) REFERENCE."""
    return tuple(tuple(int(poc) for poc in entries["poc"][entries["slot"] >= 0]) for entries in np.asarray(lists[-1]))
