"""The CNN output filter, declared: its settings, and its syntax (docs/BITSTREAM.md)."""

from dataclasses import dataclass

from codec.base.errors import UsageError
from codec.base.io.matrices import Colour
from codec.base.setting import choice, words
from codec.common.tools.tool import Tool

ARCHITECTURES = ("cnnif", "cnnif_s", "cnnif_xs")


@dataclass(frozen=True)
class Options:
    """Settings of the encoder."""

    CnnOutputFilter: str = choice(
        "off", "off", *ARCHITECTURES,
        text="Filter what is output, in RGB, with a net: the architecture, or off. Not H.265 either.",
    )  # fmt: skip
    CnnOutputFilterNets: str = words(text="Name or id of its net; else the one that is installed of the architecture.")


@dataclass
class Sequence:
    """sps_cnn_output_filter(). The net is named by the first 8 bytes of its SHA-256, as a number."""

    cnn_output_filter_net_id: int = 0

    @property
    def net(self):
        """The id of the net, as 16 hexadecimal digits."""
        return f"{self.cnn_output_filter_net_id:016x}"


@dataclass
class Slice:
    """slice_cnn_output_filter(): the choice for the picture, in each of its slices' headers."""

    slice_cnn_output_filter_flag: int = 0
    slice_cnn_output_filter_scale_idx: int = 0


class OutputFilter(Tool):
    """A net's corrections of the RGB of what is output, behind the loop."""

    name, flag = "cnn_output_filter", 5
    package = "codec.h265.tools.output_filter"
    Options, Sequence, Slice = Options, Sequence, Slice

    def check(self, config):
        """RGB is made of 4:2:0, by a matrix that is known."""
        if config.ChromaFormatIDC != 420:
            raise UsageError("CnnOutputFilter makes RGB of 4:2:0 pictures: leave it out for 4:0:0")
        if config.VuiParametersPresent and config.VideoSignalTypePresent and config.ColourDescriptionPresent:
            Colour(config.MatrixCoefficients).check()

    def code_sequence(self, s, record, sps):
        """sps_cnn_output_filter()"""
        s.check(sps.chroma_format_idc == 1, "the output filter is for 4:2:0")
        s.u(record, "cnn_output_filter_net_id", 64)

    def code_slice(self, s, record, of_sequence, sps):
        """slice_cnn_output_filter()"""
        if s.flag(record, "slice_cnn_output_filter_flag"):
            s.u(record, "slice_cnn_output_filter_scale_idx", 2)
