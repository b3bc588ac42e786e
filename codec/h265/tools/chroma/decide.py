"""Chroma from luma, decided: unit by unit, in encoder/search/intra."""

from codec.common.tools import tool
from codec.h265.tools.chroma.tool import MODELS, Sequence


class Decision(tool.Decision):
    """What the SPS says."""

    @staticmethod
    def sequence(config, nets):
        return Sequence(MODELS[config.ChromaModels])
