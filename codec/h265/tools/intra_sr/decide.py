"""Intra super-resolution, decided: CTU by CTU in encoder/search/sized_search.py; here, what headers say."""

import numpy as np

from codec.common.tools import tool
from codec.h265.tools.intra_sr.apply import STAGE
from codec.h265.tools.intra_sr.tool import HALF_SIZE, Sequence, Slice


class Decision(tool.Decision):
    """On in I slices; off again where no CTU came out at half size."""

    @staticmethod
    def sequence(config, nets):
        return Sequence(config.IntraSrQPOffset)

    @staticmethod
    def slice(config, of_sequence, plan):
        return Slice(1) if plan.slice_type == "I" else None

    def before_stages(self, picture, lambdas, workspace, pool):
        def decide(frame, workspace):
            if picture.is_inter:
                return
            at_half = frame.ctbs["tool_flags"] & HALF_SIZE != 0
            for index, header in enumerate(picture.headers):
                used = (at_half & (frame.ctbs["slice_idx"] == index)).any()
                header.tools.cnn_intra_sr = Slice(int(used))

        return {STAGE: decide}

    def figures(self, frame):
        return {"cnn_intra_sr_share": float(np.mean(frame.ctbs["tool_flags"] & HALF_SIZE != 0))}
