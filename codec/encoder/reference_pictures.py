"""The decoded pictures that the encoder keeps for reference, and the lists that slices make of them."""

from dataclasses import dataclass

import numpy as np

from codec.dpb import RefPicSet
from codec.encoder.reference_planes import fill_planes, new_plane_memory, new_planes
from codec.frame_store import FrameStore


@dataclass(frozen=True)
class ReferencePicture:
    """A decoded picture in the buffer; `slot` is its place in the FrameStore."""

    poc: int
    slot: int
    qp: int
    is_intra: bool


class ReferencePictures:
    """Slots for the picture being coded and those it may refer to.

    store   FrameStore
    planes  what the motion search reads of each slot (reference_planes.py); no slots when all pictures are intra
    slot    of the picture being coded
    rps     its RefPicSet
    """

    def __init__(self, params, pictures, inter):
        """`params`: one PARAMS record; `pictures`: how many the buffer holds, the current one included."""
        self.store = FrameStore(params, pictures)
        self.planes = new_planes(params, pictures if inter else 0)
        self._bit_depth = int(params["bit_depth_y"])
        self.slot = 0
        self.rps = RefPicSet()
        self._held = {}  # ReferencePicture by POC

    def begin(self, plan):
        """(8.3.2) Let go of what the reference picture set of a PlannedPicture leaves out, and make room for it."""
        self._held = {plan.poc + delta: self._held[plan.poc + delta] for delta, _ in plan.rps}
        entries = [(delta, used, [plan.poc + delta, self._held[plan.poc + delta]]) for delta, used in plan.rps]
        self.rps = RefPicSet(
            st_curr_before=[entry for delta, used, entry in reversed(entries) if used and delta < 0],
            st_curr_after=[entry for delta, used, entry in entries if used and delta > 0],
            st_foll=[entry for _, used, entry in entries if not used],
        )
        self.slot = self.store.acquire({picture.slot for picture in self._held.values()})

    def keep(self, plan, luma, pool=None):
        """The picture is decoded, `luma` its filtered samples: later ones may refer to it. pool: of threads, or None"""
        if plan.is_reference and len(self.planes):
            self._fill_planes(luma, pool)
        self._held[plan.poc] = ReferencePicture(plan.poc, self.slot, plan.qp, plan.slice_type == "I")

    def _fill_planes(self, luma, pool):
        planes = self.planes[self.slot]
        rows = planes.shape[1]

        def fill(begin, end):
            fill_planes(luma, planes, self._bit_depth, begin, end, new_plane_memory(planes))

        if pool is None:
            fill(0, rows)
            return
        for job in [pool.submit(fill, *band) for band in ((0, rows // 2), (rows // 2, rows))]:
            job.result()


def list_pocs(lists):
    """POCs of lists 0 and 1 of a picture's last slice, from its (n, 2, 16) REFERENCE."""
    return tuple(tuple(int(poc) for poc in entries["poc"][entries["slot"] >= 0]) for entries in np.asarray(lists[-1]))
