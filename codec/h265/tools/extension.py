"""(docs/BITSTREAM.md) Tools beyond H.265 in the SPS and in slice segment headers: a part for each that is on."""

from dataclasses import dataclass, field

from codec.base.errors import Unsupported
from codec.base.serdes import structure
from codec.h265.tools.registry import COMING, TOOL_PARAMS, TOOL_SLICE_PARAMS, TOOLS, Records

TOOLS_SIGNATURE = 0x50594543  # "PYEC": tells our data from what a later version of H.265 may put there
TOOLS_VERSION = 1
_FLAGS = 16
I_SLICE = 2  # (table 7-7) slice_type
# in the order of their flags
_IN_HEADERS = sorted(TOOLS, key=lambda tool: tool.flag)


@dataclass
class ToolExtension:
    """sps_tool_extension(). tool_flags: the flags, the first one highest;  sequence: the Sequence of each tool."""

    tools_signature: int = TOOLS_SIGNATURE
    tools_version: int = TOOLS_VERSION
    tool_flags: int = 0
    sequence: Records = field(default_factory=Records)

    def switch_on(self, tool, record):
        """The tool is on, with this Sequence."""
        self.tool_flags |= _bit(tool.flag)
        setattr(self.sequence, tool.name, record)


def _bit(flag):
    return 1 << (_FLAGS - 1 - flag)


@structure("BITSTREAM.md")
def sps_tool_extension(s, extension, sps):
    """sps_tool_extension(): Unsupported when it asks for a tool that this version has not."""
    s.u(extension, "tools_signature", 32)
    version = s.u(extension, "tools_version", 8)
    if version != TOOLS_VERSION:
        raise Unsupported(
            f"({s.clause}) tools_version = {version}: the stream uses CNN tools of another version of pyenc"
        )
    unknown = s.u(extension, "tool_flags", _FLAGS)
    for tool in TOOLS:
        unknown &= ~_bit(tool.flag)
    for flag, (name, option) in COMING.items():
        if unknown & _bit(flag):
            raise Unsupported(f"({s.clause}) {name} = 1: the stream uses {option}, which this version does not have")
    if unknown:
        raise Unsupported(f"({s.clause}) the stream uses a CNN tool that this version does not know")
    for tool in _IN_HEADERS:
        if extension.tool_flags & _bit(tool.flag):
            tool.code_sequence(s, s.nested(extension.sequence, tool.name, tool.Sequence), sps)


def slice_tools(s, h, sps):
    """What slice segment headers say of the tools that are on. A header that is written may say nothing of them."""
    h.tools = h.tools or Records()
    for tool in _IN_HEADERS:
        of_sequence = getattr(sps.tools.sequence, tool.name)
        silent = tool.inter_only if h.slice_type == I_SLICE else tool.intra_only
        if of_sequence is None or not tool.Slice or silent:
            continue
        if getattr(h.tools, tool.name) is None:
            setattr(h.tools, tool.name, tool.Slice())
        tool.code_slice(s, getattr(h.tools, tool.name), of_sequence, sps)


def ctu_flag_masks(header):
    """(tool_flags_on, tool_flags_coded) of a SLICE record: the CTU flags of all tools."""
    on = coded = 0
    for tool in TOOLS if header.tools else ():
        record = getattr(header.tools, tool.name)
        if record is not None:
            masks = tool.ctu_masks(record)
            on, coded = (total | mask << tool.ctu_flags.start for total, mask in zip((on, coded), masks, strict=True))
    return on, coded


def has_ctu_sizes(sps):
    """Whether a tool gives CTUs sizes of their own."""
    return any(tool.sizes_ctus and getattr(sps.tools.sequence, tool.name) for tool in TOOLS if sps.tools)


def tool_params(sps):
    """{field of PARAMS: value} of all tools, 0 where a tool is off."""
    values = dict.fromkeys(TOOL_PARAMS, 0)
    for tool in TOOLS if sps.tools else ():
        record = getattr(sps.tools.sequence, tool.name)
        if record is not None:
            values |= {name: getattr(record, name) for name in tool.params}
    return values


def tool_slice_values(sps, header):
    """{field of SLICE: value} of all tools, 0 where a tool is off."""
    values = dict.fromkeys(TOOL_SLICE_PARAMS, 0)
    for tool in TOOLS if header.tools else ():
        record = getattr(header.tools, tool.name)
        if record is not None:
            values |= tool.slice_values(record, getattr(sps.tools.sequence, tool.name))
    return values
