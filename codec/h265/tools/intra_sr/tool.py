"""Intra super-resolution, declared: its settings, and its syntax in headers (docs/BITSTREAM.md)."""

from dataclasses import dataclass

from codec.base.errors import UsageError
from codec.base.setting import choice, number, words
from codec.common.tools.tool import Tool

# in CTB.tool_flags: the CTU is coded at half size
HALF_SIZE = 1 << 3
NET = "dlsr"
BEST, ALL = "best", "all"
LOWEST_OFFSET, HIGHEST_OFFSET = -12, 0


@dataclass(frozen=True)
class Options:
    """Settings of the encoder."""

    CnnIntraSr: str = choice(
        "off", "off", "dctif", NET,
        text="Code CTUs of I slices at half size where that is better, and scale them up by H.265's interpolation "
        "filters (dctif), or correct these by a net (dlsr), or off. Such streams are not H.265.",
    )  # fmt: skip
    IntraSrCtus: str = choice(
        BEST, BEST, ALL, text="Which CTUs of I slices: those where it is best, or all, for study and for training."
    )
    CnnIntraSrNet: str = words(text="Name or id of the net for dlsr; else the one that is installed.")
    IntraSrQPOffset: int = number(-6, LOWEST_OFFSET, HIGHEST_OFFSET, "QP of CTUs at half size against that of others.")


@dataclass
class Sequence:
    """sps_cnn_intra_sr()"""

    cnn_intra_sr_qp_offset: int = -6
    cnn_intra_sr_net_flag: int = 0
    cnn_intra_sr_net_id: int = 0

    @property
    def net(self):
        """The id of the net, as 16 hexadecimal digits; None without one."""
        return f"{self.cnn_intra_sr_net_id:016x}" if self.cnn_intra_sr_net_flag else None


@dataclass
class Slice:
    """slice_cnn_intra_sr()"""

    slice_cnn_intra_sr_flag: int = 0
    slice_cnn_intra_sr_net_flag: int = 0
    slice_cnn_intra_sr_scale_idx: int = 0


class IntraSr(Tool):
    """CTUs of I slices at half size."""

    name, flag = "cnn_intra_sr", 1
    package = "codec.h265.tools.intra_sr"
    Options, Sequence, Slice = Options, Sequence, Slice
    ctu_flags = range(3, 4)
    intra_only = True
    sizes_ctus = True

    def loads_nets(self, config):
        """One, where it scales up better than filters."""
        return config.CnnIntraSr == NET

    def check(self, config):
        """Half a CTU must be a CTU, and nothing may be lossless."""
        if config.CnnIntraSr != NET and config.CnnIntraSrNet:
            raise UsageError(f"CnnIntraSrNet is for CnnIntraSr={NET}")
        if config.MaxCUWidth < 32:
            raise UsageError("CnnIntraSr needs MaxCUWidth of 32 or 64")
        if config.TransquantBypassEnable or config.CUTransquantBypassFlagForce:
            raise UsageError("CnnIntraSr codes at half size, which is never lossless: leave TransquantBypassEnable out")

    def code_sequence(self, s, record, sps):
        """sps_cnn_intra_sr()"""
        s.check(sps.ctb_log2_size_y >= 5, "half a CTU is too small")
        s.se(record, "cnn_intra_sr_qp_offset", lo=LOWEST_OFFSET, hi=HIGHEST_OFFSET)
        if s.flag(record, "cnn_intra_sr_net_flag"):
            s.u(record, "cnn_intra_sr_net_id", 64)

    def code_slice(self, s, record, of_sequence, sps):
        """slice_cnn_intra_sr()"""
        if not s.flag(record, "slice_cnn_intra_sr_flag") or not of_sequence.cnn_intra_sr_net_flag:
            return
        if s.flag(record, "slice_cnn_intra_sr_net_flag"):
            s.u(record, "slice_cnn_intra_sr_scale_idx", 2)

    def ctu_masks(self, record):
        """Its only flag is in every CTU, or off."""
        return record.slice_cnn_intra_sr_flag, record.slice_cnn_intra_sr_flag
