"""Intra super-resolution, decided: CTU by CTU in encoder/search/sized_search.py; here, what headers say."""

import numpy as np

from codec.common.tools import tool
from codec.common.tools.corrections import SCALES
from codec.common.tools.filter_nets import choose_nets
from codec.h265.encoder.picture.ctu_flags import ctu_errors
from codec.h265.tools.intra_sr.apply import NET_STAGE, PLACE, STAGE, corrected
from codec.h265.tools.intra_sr.tool import HALF_SIZE, NET, Sequence, Slice


class Decision(tool.Decision):
    """On in I slices; off again where no CTU came out at half size. The net's corrections where they help."""

    def __init__(self, sequence, application):
        self._scaler = application.scaler

    @staticmethod
    def sequence(config, nets):
        if config.CnnIntraSr != NET:
            return Sequence(config.IntraSrQPOffset)
        wanted = choose_nets(NET, config.CnnIntraSrNet, config.WeightsDir, PLACE, 1, "reconstructed")
        (net,) = nets.get(wanted, PLACE)
        return Sequence(config.IntraSrQPOffset, 1, int(net.id, 16))

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

        def decide_net(frame, workspace):
            if not picture.is_inter and (frame.ctbs["tool_flags"] & HALF_SIZE).any():
                self._choose_scales(frame, picture)

        return {STAGE: decide} | ({NET_STAGE: decide_net} if self._scaler else {})

    def _choose_scales(self, frame, picture):
        """For each slice, what of the corrections leaves the least squared error, or none of them."""
        made = [frame.luma, *(corrected(frame, self._scaler, scale) for scale in range(SCALES))]
        errors = np.array([ctu_errors(frame, plane, picture.source[0], 0) for plane in made])
        for index, header in enumerate(picture.headers):
            best = int(errors[:, frame.ctbs["slice_idx"] == index].sum(axis=1).argmin())
            record = header.tools.cnn_intra_sr
            if record.slice_cnn_intra_sr_flag and best:
                record.slice_cnn_intra_sr_net_flag, record.slice_cnn_intra_sr_scale_idx = 1, best - 1

    def figures(self, frame):
        return {"cnn_intra_sr_share": float(np.mean(frame.ctbs["tool_flags"] & HALF_SIZE != 0))}
