"""(docs/BITSTREAM.md) Tools beyond H.265: what the SPS and slice segment headers say of them."""

from dataclasses import dataclass, field

from codec.base.errors import Unsupported
from codec.base.serdes import structure

TOOLS_SIGNATURE = 0x50594543  # "PYEC": tells our data from what a later version of H.265 may put there
TOOLS_VERSION = 1
MAX_FILTER_NETS = 4
SCALES = 4  # residual scaling factors of the loop filter: (4 - idx) / 4
COMPONENTS = ("y", "cb", "cr")

# flags of the SPS in their order: the option of pyenc that switches the tool on, where this version does not have it
_TOOLS = {
    "cnn_loop_filter_flag": "",
    "cnn_intra_sr_flag": "CnnIntraSr",
    "cnn_interpolation_flag": "CnnInterpolation",
    "cnn_chroma_flag": "CnnChroma",
    "cnn_mpm_flag": "CnnMpm",
    "cnn_output_filter_flag": "",
}


@dataclass
class ToolExtension:
    """sps_tool_extension(). Nets are named by the first 8 bytes of their SHA-256, as a number."""

    tools_signature: int = TOOLS_SIGNATURE
    tools_version: int = TOOLS_VERSION
    cnn_loop_filter_flag: int = 0
    cnn_intra_sr_flag: int = 0
    cnn_interpolation_flag: int = 0
    cnn_chroma_flag: int = 0
    cnn_mpm_flag: int = 0
    cnn_output_filter_flag: int = 0
    tools_reserved_zero_10bits: int = 0
    cnn_filter_before_sao_flag: int = 0
    cnn_filter_chroma_flag: int = 0
    num_cnn_filter_nets_minus1: int = 0
    cnn_filter_net_id: list = field(default_factory=list)
    cnn_output_filter_net_id: int = 0

    @property
    def filter_nets(self):
        """The ids of the loop filter's nets, as 16 hexadecimal digits."""
        return tuple(f"{number:016x}" for number in self.cnn_filter_net_id)

    @property
    def output_net(self):
        """The id of the output filter's net, likewise."""
        return f"{self.cnn_output_filter_net_id:016x}"


@structure("BITSTREAM.md")
def sps_tool_extension(s, tools, chroma_format_idc):
    """sps_tool_extension(): Unsupported when it asks for a tool that this version has not."""
    s.u(tools, "tools_signature", 32)
    s.u(tools, "tools_version", 8)
    if tools.tools_version != TOOLS_VERSION:
        raise Unsupported(
            f"({s.clause}) tools_version = {tools.tools_version}: the stream uses CNN tools of another version of pyenc"
        )
    for name, option in _TOOLS.items():
        if s.flag(tools, name) and option:
            raise Unsupported(f"({s.clause}) {name} = 1: the stream uses {option}, which this version does not have")
    if s.u(tools, "tools_reserved_zero_10bits", 10):
        raise Unsupported(f"({s.clause}) the stream uses a CNN tool that this version does not know")
    if tools.cnn_loop_filter_flag:
        _loop_filter(s, tools)
    if tools.cnn_output_filter_flag:
        s.check(chroma_format_idc == 1, "the output filter is for 4:2:0")
        s.u(tools, "cnn_output_filter_net_id", 64)


def _loop_filter(s, tools):
    s.flag(tools, "cnn_filter_before_sao_flag")
    s.flag(tools, "cnn_filter_chroma_flag")
    s.u(tools, "num_cnn_filter_nets_minus1", 2)
    for i in range(tools.num_cnn_filter_nets_minus1 + 1):
        s.u(tools, "cnn_filter_net_id", 64, i)
    s.check(len(set(tools.cnn_filter_net_id)) == len(tools.cnn_filter_net_id), "a net is named twice")


def slice_cnn_filter(s, h, tools, chroma_array_type):
    """slice_cnn_filter(): the loop filter's choices for a slice, in its header."""
    if not s.flag(h, "slice_cnn_filter_flag"):
        return
    last = tools.num_cnn_filter_nets_minus1
    s.u(h, "slice_cnn_filter_net_idx", last.bit_length(), hi=last)
    filtered = COMPONENTS if tools.cnn_filter_chroma_flag and chroma_array_type else COMPONENTS[:1]
    for c in filtered:
        if s.flag(h, f"slice_cnn_filter_{c}_flag"):
            s.flag(h, f"slice_cnn_filter_{c}_ctu_flag")
            s.u(h, f"slice_cnn_filter_{c}_scale_idx", 2)


def slice_cnn_output_filter(s, h):
    """slice_cnn_output_filter(): the output filter's choices for the picture, in each of its slices' headers."""
    if s.flag(h, "slice_cnn_output_filter_flag"):
        s.u(h, "slice_cnn_output_filter_scale_idx", 2)


def filter_fields(header):
    """What make_slice puts into a SLICE record of the loop filter's elements."""
    on = sum(getattr(header, f"slice_cnn_filter_{c}_flag") << i for i, c in enumerate(COMPONENTS))
    ctus = sum(getattr(header, f"slice_cnn_filter_{c}_ctu_flag") << i for i, c in enumerate(COMPONENTS))
    if not header.slice_cnn_filter_flag:
        on = ctus = 0
    scales = {f"cnn_filter_scale_{c}": getattr(header, f"slice_cnn_filter_{c}_scale_idx") for c in COMPONENTS}
    net = header.slice_cnn_filter_net_idx
    return {"cnn_filter_net": net, "cnn_filter_on": on, "cnn_filter_ctus": ctus & on, **scales}


def set_filter_elements(header, record):
    """The way back: the loop filter's elements of a slice header from a decided SLICE record."""
    header.slice_cnn_filter_flag = int(record["cnn_filter_on"] != 0)
    header.slice_cnn_filter_net_idx = int(record["cnn_filter_net"])
    for i, c in enumerate(COMPONENTS):
        setattr(header, f"slice_cnn_filter_{c}_flag", int(record["cnn_filter_on"]) >> i & 1)
        setattr(header, f"slice_cnn_filter_{c}_ctu_flag", int(record["cnn_filter_ctus"]) >> i & 1)
        setattr(header, f"slice_cnn_filter_{c}_scale_idx", int(record[f"cnn_filter_scale_{c}"]))
