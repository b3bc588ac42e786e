"""Ranked intra modes, declared: its settings, and its syntax in headers (docs/BITSTREAM.md)."""

from dataclasses import dataclass

from codec.base.setting import choice, words
from codec.common.tools.tool import Tool


@dataclass(frozen=True)
class Options:
    """Settings of the encoder."""

    CnnMpm: str = choice(
        "off", "off", "light",
        text="Intra modes by rank: light has an integer net that ranks all modes of a block, or off. Not H.265 either.",
    )  # fmt: skip
    CnnMpmNet: str = words(text="Name or id of the net; else the one that is installed.")


@dataclass
class Sequence:
    """sps_cnn_mpm(). The net is named by the first 8 bytes of its SHA-256, as a number."""

    cnn_mpm_net_id: int = 0
    # what kernels go by: luma modes are told by their rank
    mode_ranks = 1

    @property
    def net(self):
        """The id of the net, as 16 hexadecimal digits."""
        return f"{self.cnn_mpm_net_id:016x}"


class Modes(Tool):
    """Luma modes told by their rank, in an order that a net makes of what lies around the block."""

    name, flag = "cnn_mpm", 4
    package = "codec.h265.tools.modes"
    Options, Sequence = Options, Sequence
    params = ("mode_ranks",)
    has_nets = False

    def loads_nets(self, config):
        """One, inside CTUs."""
        return self.is_on(config)

    def code_sequence(self, s, record, sps):
        """sps_cnn_mpm()"""
        s.u(record, "cnn_mpm_net_id", 64)
