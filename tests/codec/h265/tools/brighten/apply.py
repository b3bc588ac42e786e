"""A tool for tests, applied."""

import numpy as np

from codec.common.tools import tool
from codec.common.tools.filter_inputs import spread_ctbs
from codec.h265.filters.pipeline import Stage

STAGE, FLAG = "brighten", 4


class Application(tool.Application):
    """One more stage of the in-loop filters, the last."""

    changes_stages = True

    def __init__(self, record, surroundings):
        self.constant = record.brighten_constant

    def brighter(self, frame):
        """Luma of all CTUs with the constant added."""
        return np.minimum(frame.luma + self.constant, (1 << int(frame.params[0]["bit_depth_y"])) - 1)

    def stages(self, stages, slices):
        def apply(frame, workspace, ref_poc, pool):
            here = spread_ctbs(frame, frame.ctbs["tool_flags"] >> FLAG & 1, 0)
            np.copyto(frame.luma, self.brighter(frame).astype(np.int16), where=here.astype(bool))

        return (*stages, Stage(STAGE, apply))
