"""The CNN loop filter, declared: its settings, and its syntax (docs/BITSTREAM.md)."""

import dataclasses
from dataclasses import dataclass, field

from codec.base.setting import choice, words
from codec.common.tools.tool import Tool

ARCHITECTURES = ("vrcnn", "vrcnn_s", "rrcnn", "rrcnn_m", "rrcnn_s", "cnnif", "cnnif_s", "cnnif_xs", "lop")
AFTER, BEFORE, INSTEAD = PLACES = ("after", "before", "instead")
COMPONENTS = ("y", "cb", "cr")
# in CTB.tool_flags a bit for each of them, from bit 0 on
CTU_FLAGS = (1 << len(COMPONENTS)) - 1
MAX_NETS = 4


@dataclass(frozen=True)
class Options:
    """Settings of the encoder."""

    CnnLoopFilter: str = choice(
        "off", "off", *ARCHITECTURES,
        text="Filter pictures with a net: the architecture, or off. Such streams are not H.265.",
    )  # fmt: skip
    CnnLoopFilterPlace: str = choice(AFTER, *PLACES, text="after SAO, before SAO, or instead of deblocking and SAO.")
    CnnLoopFilterNets: str = words(text="Names or ids of up to 4 nets, with commas; else all of the architecture.")


@dataclass
class Sequence:
    """sps_cnn_filter(). Nets are named by the first 8 bytes of their SHA-256, as a number."""

    cnn_filter_before_sao_flag: int = 0
    cnn_filter_chroma_flag: int = 0
    num_cnn_filter_nets_minus1: int = 0
    cnn_filter_net_id: list = field(default_factory=list)

    @property
    def nets(self):
        """The ids of the nets, as 16 hexadecimal digits."""
        return tuple(f"{number:016x}" for number in self.cnn_filter_net_id)


@dataclass
class Slice:
    """slice_cnn_filter()"""

    slice_cnn_filter_flag: int = 0
    slice_cnn_filter_net_idx: int = 0
    slice_cnn_filter_y_flag: int = 0
    slice_cnn_filter_y_ctu_flag: int = 0
    slice_cnn_filter_y_scale_idx: int = 0
    slice_cnn_filter_cb_flag: int = 0
    slice_cnn_filter_cb_ctu_flag: int = 0
    slice_cnn_filter_cb_scale_idx: int = 0
    slice_cnn_filter_cr_flag: int = 0
    slice_cnn_filter_cr_ctu_flag: int = 0
    slice_cnn_filter_cr_scale_idx: int = 0

    @property
    def scales(self):
        """Index of the weight of corrections of each component."""
        return [getattr(self, f"slice_cnn_filter_{c}_scale_idx") for c in COMPONENTS]


class LoopFilter(Tool):
    """A net's corrections of the picture, inside the loop, CTU by CTU."""

    name, flag = "cnn_loop_filter", 0
    package = "codec.h265.tools.loop_filter"
    Options, Sequence, Slice = Options, Sequence, Slice
    ctu_flags = range(len(COMPONENTS))

    def adjusted(self, config):
        """In place of deblocking and SAO, it has these off."""
        if config.CnnLoopFilterPlace == INSTEAD:
            return dataclasses.replace(config, LoopFilterDisable=True, SAO=False)
        return config

    def code_sequence(self, s, record, sps):
        """sps_cnn_filter()"""
        s.flag(record, "cnn_filter_before_sao_flag")
        s.flag(record, "cnn_filter_chroma_flag")
        s.u(record, "num_cnn_filter_nets_minus1", 2)
        for i in range(record.num_cnn_filter_nets_minus1 + 1):
            s.u(record, "cnn_filter_net_id", 64, i)
        s.check(len(set(record.cnn_filter_net_id)) == len(record.cnn_filter_net_id), "a net is named twice")

    def code_slice(self, s, record, of_sequence, sps):
        """slice_cnn_filter()"""
        if not s.flag(record, "slice_cnn_filter_flag"):
            return
        last = of_sequence.num_cnn_filter_nets_minus1
        s.u(record, "slice_cnn_filter_net_idx", last.bit_length(), hi=last)
        filtered = COMPONENTS if of_sequence.cnn_filter_chroma_flag and sps.chroma_array_type else COMPONENTS[:1]
        for c in filtered:
            if s.flag(record, f"slice_cnn_filter_{c}_flag"):
                s.flag(record, f"slice_cnn_filter_{c}_ctu_flag")
                s.u(record, f"slice_cnn_filter_{c}_scale_idx", 2)

    def ctu_masks(self, record):
        """A bit for each component."""
        if not record.slice_cnn_filter_flag:
            return 0, 0
        on = sum(getattr(record, f"slice_cnn_filter_{c}_flag") << i for i, c in enumerate(COMPONENTS))
        coded = sum(getattr(record, f"slice_cnn_filter_{c}_ctu_flag") << i for i, c in enumerate(COMPONENTS))
        return on, on & coded
