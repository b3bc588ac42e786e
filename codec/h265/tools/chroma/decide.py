"""Chroma from luma, decided: unit by unit, in encoder/search/intra."""

from codec.common.tools import tool
from codec.common.tools.filter_nets import choose_nets
from codec.h265.tools.chroma.apply import PLACE
from codec.h265.tools.chroma.tool import MODELS, WITH_NET, Sequence

ARCHITECTURE = "chroma_window"


class Decision(tool.Decision):
    """What the SPS says."""

    @staticmethod
    def sequence(config, nets):
        if config.CnnChroma != "net":
            return Sequence(MODELS[config.ChromaModels])
        wanted = choose_nets(ARCHITECTURE, config.CnnChromaNet, config.WeightsDir, PLACE, 1, "reconstructed")
        (net,) = nets.get(wanted, PLACE)
        return Sequence(WITH_NET, int(net.id, 16))
