"""(7.3.8.1, 9.3.1, 9.3.2.4) Sub-streams of slice segment data: where they begin, and with which contexts.

Reading, writing and the encoder's search walk the CTUs of a picture the same way; this is what they share.
"""

import numpy as np

from codec.h265.cabac.contexts import initial_contexts
from codec.h265.cabac.engine import get_contexts, set_contexts


class SubStreams:
    """The structure of a picture's sub-streams, by tile scan address: computed once per picture parameter set.

    tile_start   the CTU is the first of a tile
    row_start    it is the first of a CTB row inside a tile, and wavefronts are on
    begins       either: a sub-stream begins here
    ends         end_of_subset_one_bit follows when the slice segment goes on
    stores_row   the contexts behind it are kept for the row below
    run_end      tile scan address behind the run of CTUs that it lies in: neighbours of one row and one sub-stream,
                 with nothing to do between them
    """

    def __init__(self, layout, width, wavefront):
        addr = layout.ctb_addr_ts_to_rs.astype(np.int64)
        tile = layout.tile_id[addr]
        column = addr % width
        same_as_left = (column > 0) & (layout.tile_id[addr - (column > 0)] == tile)
        same_as_second_left = (column > 1) & (layout.tile_id[addr - 2 * (column > 1)] == tile)
        self.tile_start = np.append(True, tile[1:] != tile[:-1])
        self.row_start = ~same_as_left if wavefront else np.zeros(len(addr), bool)
        self.begins = self.tile_start | self.row_start
        self.ends = np.append(self.begins[1:], False)
        # 9.3.2.4: behind the second CTB of a row
        self.stores_row = same_as_left & ~same_as_second_left if wavefront else np.zeros(len(addr), bool)
        starts = self.begins | ~same_as_left | np.append(True, self.stores_row[:-1])
        ends = np.append(np.flatnonzero(starts)[1:], len(addr))
        self.run_end = ends[np.cumsum(starts) - 1]
        self._width = width

    def above_right_available(self, frame, addr):
        """(9.3.1, 6.4.1) availableFlagT: the CTB above right of raster address `addr`, in the same slice and tile."""
        if addr < self._width or addr % self._width + 1 >= self._width:
            return False
        here, other = frame.ctbs[addr], frame.ctbs[addr - self._width + 1]
        return bool(other["slice_addr"] == here["slice_addr"] and other["tile_id"] == here["tile_id"])


class ContextStorage:
    """(9.3.2.4) TableStateIdxWpp and TableStateIdxDs of one walk over a picture, and the QP predictor with them.

    above  where rows are walked side by side: the storage of the walk over the row above
    """

    def __init__(self, sub_streams, above=None):
        self._streams = sub_streams
        self._above = above or self
        self._row_contexts = None
        self._segment_contexts = None
        self._segment_qp_y = 0

    def enter_ctu(self, engine, walk, frame, addr, addr_ts, segment_start, dependent):
        """(9.3.1) Set the contexts and walk.last_qp_y where a slice segment or a sub-stream begins.

        segment_start  the CTU is the first of a slice segment; `dependent`: of a dependent one
        -> False when a dependent slice segment has no predecessor
        """
        streams = self._streams
        if not segment_start and not streams.begins[addr_ts]:
            return True
        record = frame.slices[int(walk["slice_idx"])]
        slice_qp_y = int(record["slice_qp_y"])
        walk["last_qp_y"] = slice_qp_y
        contexts = None
        if streams.tile_start[addr_ts]:
            pass
        elif streams.row_start[addr_ts]:
            if streams.above_right_available(frame, addr):
                contexts = self._above._row_contexts
        elif dependent:
            if self._segment_contexts is None:
                return False
            contexts = self._segment_contexts
            walk["last_qp_y"] = self._segment_qp_y
        if contexts is None:
            contexts = initial_contexts(int(record["slice_type"]), int(record["cabac_init_flag"]), slice_qp_y)
        set_contexts(engine, contexts)
        return True

    def leave_ctu(self, engine, addr_ts):
        """(9.3.2.4) Keep the contexts for the row below, where they are kept."""
        if self._streams.stores_row[addr_ts]:
            self._row_contexts = get_contexts(engine)

    def leave_segment(self, engine, walk):
        """(9.3.2.4) Keep the contexts for a dependent slice segment that may follow."""
        self._segment_contexts = get_contexts(engine)
        self._segment_qp_y = int(walk["last_qp_y"])
