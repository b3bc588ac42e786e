"""How far down a row of CTUs may refer: what lets a picture begin before the one before it is whole.

In low delay every picture refers to the one before. If a row of CTUs reaches only some rows down, it can be searched as
soon as those are decoded there. Vectors that reach farther are not taken, whatever is decoded already: the stream does
not depend on who was faster.
"""

from codec.h265.encoder.search.inter.motion_search import NO_BOTTOM
from codec.h265.encoder.search.inter.reference_planes import LINES_BELOW

_LEAST_SAMPLES = 64
# of the rows of a picture, one in so many
_SHARE = 8


class Reach:
    """Of a Sequence's pictures; `limited`: whether rows of reference pictures become final one by one."""

    def __init__(self, sequence, limited):
        config, params = sequence.config, sequence.params[0]
        self._rows, self._ctb_size = int(params["height_in_ctbs"]), 1 << int(params["log2_ctb_size"])
        reordered = sequence.structure.ordering[-1][1]
        # weights are estimated from whole pictures
        if limited and not (reordered or config.WeightedPredP or config.WeightedPredB):
            self._below = max(-(-_LEAST_SAMPLES // self._ctb_size), self._rows // _SHARE)
        else:
            self._below = self._rows

    def rows(self, row):
        """How many rows of CTUs of its reference pictures a row of CTUs needs."""
        return min(row + 1 + self._below, self._rows)

    def bottom(self, row):
        """MOTION_SEARCH.bottom for it."""
        rows = self.rows(row)
        return NO_BOTTOM if rows == self._rows else rows * self._ctb_size - LINES_BELOW
