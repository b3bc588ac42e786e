"""(docs/BITSTREAM.md) cnn_filter: the flags of the CNN loop filter in one CTU."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.contexts import CNN_FILTER_FLAG
from codec.h265.cabac.engine import code_bin, reads


@kernel
def code_cnn_filter(e, f, walk):
    """cnn_filter(): a flag for every component that its slice switches CTU by CTU. Reading sets CTB.cnn_filter.

    ctxInc is the number of flags that are set in the available CTBs to the left and above.
    """
    w = walk[0]
    s = f.slices[w.slice_idx]
    if s.cnn_filter_on == 0:
        return
    ctb = f.ctbs[w.ctb_addr]
    left, up = np.int64(0), np.int64(0)
    if w.left_available:
        left = np.int64(f.ctbs[w.ctb_addr - 1].cnn_filter)
    if w.up_available:
        up = np.int64(f.ctbs[w.ctb_addr - np.int64(f.params[0].width_in_ctbs)].cnn_filter)
    flags = np.int64(s.cnn_filter_on) if reads(e) else np.int64(ctb.cnn_filter)
    for c in range(3):
        if (np.int64(s.cnn_filter_ctus) >> c) & 1:
            context = CNN_FILTER_FLAG + 3 * c + ((left >> c) & 1) + ((up >> c) & 1)
            if code_bin(e, context, (flags >> c) & 1) == 0:
                flags &= ~(np.int64(1) << c)
    if reads(e):
        ctb.cnn_filter = np.int8(flags)
