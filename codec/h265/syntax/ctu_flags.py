"""(docs/BITSTREAM.md) ctu_tool_flags: the flags of tools in one CTU."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.contexts import CTU_FLAG_COUNT, CTU_TOOL_FLAG
from codec.h265.cabac.engine import code_bin, reads


@kernel
def code_tool_flags(e, f, walk):
    """ctu_tool_flags(): those that the slice switches CTU by CTU. Reading sets CTB.tool_flags.

    ctxInc is the number of flags that are set in the available CTBs to the left and above.
    """
    w = walk[0]
    s = f.slices[w.slice_idx]
    if s.tool_flags_on == 0:
        return
    ctb = f.ctbs[w.ctb_addr]
    left, up = np.int64(0), np.int64(0)
    if w.left_available:
        left = np.int64(f.ctbs[w.ctb_addr - 1].tool_flags)
    if w.up_available:
        up = np.int64(f.ctbs[w.ctb_addr - np.int64(f.params[0].width_in_ctbs)].tool_flags)
    flags = np.int64(s.tool_flags_on) if reads(e) else np.int64(ctb.tool_flags)
    for i in range(CTU_FLAG_COUNT):
        if (np.int64(s.tool_flags_coded) >> i) & 1:
            context = CTU_TOOL_FLAG + 3 * i + ((left >> i) & 1) + ((up >> i) & 1)
            if code_bin(e, context, (flags >> i) & 1) == 0:
                flags &= ~(np.int64(1) << i)
    if reads(e):
        ctb.tool_flags = np.int16(flags)
