"""A tool for tests, decided: where it is cheaper, flag counted."""

import numpy as np

from codec.common.tools import tool
from codec.h265.encoder.picture.ctu_flags import FlagChoice, ctu_errors, slice_parts
from tests.codec.h265.tools.brighten.apply import FLAG, STAGE
from tests.codec.h265.tools.brighten.tool import Sequence, Slice


class Decision(tool.Decision):
    """CTU by CTU."""

    def __init__(self, sequence, application):
        self._sub_streams, self._application = sequence.sub_streams, application

    @staticmethod
    def sequence(config, nets):
        return Sequence(int(config.Brighten))

    def before_stages(self, picture, lambdas, workspace, pool):
        def decide(frame, workspace):
            planes = frame.luma, self._application.brighter(frame)
            off, on = (ctu_errors(frame, plane, picture.source[0], 0) / lambdas[0] for plane in planes)
            for part in slice_parts(frame):
                flags, cost = FlagChoice(frame, part, self._sub_streams).walk(
                    FLAG, off[part.addresses], on[part.addresses]
                )
                used = cost < 0
                frame.ctbs["tool_flags"][part.addresses] |= (flags & used).astype(np.int16) << FLAG
                picture.headers[part.index].tools.brighten = Slice(int(used))

        return {STAGE: decide}

    def figures(self, frame):
        return {"brighten_share": float((frame.ctbs["tool_flags"] >> FLAG & 1).mean())}
