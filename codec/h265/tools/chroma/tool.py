"""Chroma from luma, declared: its settings, and its syntax in headers (docs/BITSTREAM.md)."""

from dataclasses import dataclass

from codec.base.errors import UsageError
from codec.base.setting import choice, words
from codec.common.tools.tool import Tool

# models of a sequence by ChromaModels: each number has those of the lower ones
MODELS = {"lm": 1, "all": 6}
LINEAR = MODELS["all"]
# ... and with a net beside all of them
WITH_NET = LINEAR + 1


@dataclass(frozen=True)
class Options:
    """Settings of the encoder."""

    CnnChroma: str = choice(
        "off", "off", "lm", "net",
        text="Predict chroma from luma: lm is by linear models, net by a net too, or off. Not H.265 either.",
    )  # fmt: skip
    ChromaModels: str = choice(
        "all", *MODELS, text="Which models: lm alone, or all six (LM, MMLM, CCCM and three kinds of CCCM)."
    )
    CnnChromaNet: str = words(text="Name or id of the net for net; else the one that is installed.")


@dataclass
class Sequence:
    """sps_cnn_chroma(). The net is named by the first 8 bytes of its SHA-256, as a number."""

    chroma_models: int = LINEAR
    chroma_net_id: int = 0

    @property
    def net(self):
        """The id of the net, as 16 hexadecimal digits; None without one."""
        return f"{self.chroma_net_id:016x}" if self.chroma_models == WITH_NET else None


class Chroma(Tool):
    """More modes of intra chroma: models that both sides fit to the samples around a block, and a net."""

    name, flag = "cnn_chroma", 3
    package = "codec.h265.tools.chroma"
    Options, Sequence = Options, Sequence
    params = ("chroma_models",)
    has_nets = False

    def loads_nets(self, config):
        """One, inside CTUs."""
        return config.CnnChroma == "net"

    def check(self, config):
        """There must be chroma; a net is one more model."""
        if config.ChromaFormatIDC != 420:
            raise UsageError("CnnChroma predicts chroma: leave it out for 4:0:0")
        if config.CnnChroma == "net" and config.ChromaModels != "all":
            raise UsageError("CnnChroma=net is beside all linear models: leave ChromaModels out")
        if config.CnnChroma != "net" and config.CnnChromaNet:
            raise UsageError("CnnChromaNet is for CnnChroma=net")

    def code_sequence(self, s, record, sps):
        """sps_cnn_chroma()"""
        s.check(sps.chroma_format_idc == 1, "chroma from luma is for 4:2:0")
        s.u(record, "chroma_models", 3, lo=1, hi=WITH_NET)
        if record.chroma_models == WITH_NET:
            s.u(record, "chroma_net_id", 64)
