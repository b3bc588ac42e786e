"""Ranked intra modes, decided: block by block, in encoder/search/intra."""

from codec.common.tools import tool
from codec.common.tools.filter_nets import choose_nets
from codec.h265.tools.modes.apply import PLACE
from codec.h265.tools.modes.tool import Sequence

ARCHITECTURES = {"light": "mode_light"}


class Decision(tool.Decision):
    """What the SPS says."""

    @staticmethod
    def sequence(config, nets):
        architecture = ARCHITECTURES[config.CnnMpm]
        wanted = choose_nets(architecture, config.CnnMpmNet, config.WeightsDir, PLACE, 1, "reconstructed")
        (net,) = nets.get(wanted, PLACE)
        return Sequence(int(net.id, 16))
