"""Chroma from luma, declared: its settings, and its syntax in headers (docs/BITSTREAM.md)."""

from dataclasses import dataclass

from codec.base.errors import UsageError
from codec.base.setting import choice
from codec.common.tools.tool import Tool

# models of a sequence by ChromaModels: each number has those of the lower ones
MODELS = {"lm": 1, "all": 6}


@dataclass(frozen=True)
class Options:
    """Settings of the encoder."""

    CnnChroma: str = choice(
        "off", "off", "lm", text="Predict chroma from luma: lm is by linear models, or off. Such streams are not H.265."
    )
    ChromaModels: str = choice(
        "all", *MODELS, text="Which models: lm alone, or all six (LM, MMLM, CCCM and three kinds of CCCM)."
    )


@dataclass
class Sequence:
    """sps_cnn_chroma()"""

    chroma_models: int = 6


class Chroma(Tool):
    """More modes of intra chroma, each with a model that both sides fit to the samples around a block."""

    name, flag = "cnn_chroma", 3
    package = "codec.h265.tools.chroma"
    Options, Sequence = Options, Sequence
    params = ("chroma_models",)
    has_nets = False

    def check(self, config):
        """There must be chroma."""
        if config.ChromaFormatIDC != 420:
            raise UsageError("CnnChroma predicts chroma: leave it out for 4:0:0")

    def code_sequence(self, s, record, sps):
        """sps_cnn_chroma()"""
        s.check(sps.chroma_format_idc == 1, "chroma from luma is for 4:2:0")
        s.u(record, "chroma_models", 3, lo=1, hi=6)
