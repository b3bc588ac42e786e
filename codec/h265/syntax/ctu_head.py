"""(docs/BITSTREAM.md, 9) What stands in front of the coding quadtree of a CTU, on its own."""

from codec.base.kernels.jit import kernel
from codec.h265.syntax.ctu_flags import code_tool_flags
from codec.h265.syntax.sao import code_sao
from codec.h265.syntax.walk import begin_ctu


@kernel
def ctu_head(e, f, walk):
    """(7.3.8.2) sao() and ctu_tool_flags() of CTU walk.ctb_addr, whose record in f.ctbs names its slice and tile."""
    begin_ctu(f, walk)
    code_sao(e, f, walk)
    code_tool_flags(e, f, walk)
