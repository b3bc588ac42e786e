"""The tools beyond H.265 that this version has: one line each. docs/STRUCTURE.md says what a new one takes."""

from types import SimpleNamespace

from codec.h265.tools.chroma.tool import Chroma
from codec.h265.tools.interpolation.tool import Interpolation
from codec.h265.tools.intra_sr.tool import IntraSr
from codec.h265.tools.loop_filter.tool import LoopFilter
from codec.h265.tools.modes.tool import Modes
from codec.h265.tools.output_filter.tool import OutputFilter

# in the order in which they work on a picture
TOOLS = (Modes(), Chroma(), IntraSr(), Interpolation(), LoopFilter(), OutputFilter())

# flags of the SPS that are given away already: flag: (its name, the option of pyenc that will set it)
COMING = {}


# names of the fields that kernels read of the tools of a sequence, in structs.PARAMS, and of a slice, in structs.SLICE
TOOL_PARAMS = tuple(name for tool in TOOLS for name in tool.params)
TOOL_SLICE_PARAMS = tuple(name for tool in TOOLS for name in tool.slice_params)


class Records(SimpleNamespace):
    """A record for every tool, by its name; None where the tool has nothing to say."""

    def __init__(self, **records):
        super().__init__(**{tool.name: None for tool in TOOLS} | records)
