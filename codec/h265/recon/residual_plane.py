"""The residual of a picture on its own: what CNN filters take as an input, and what their training material holds.

It comes from the coefficients alone, by the functions that reconstruction uses. Subtracted from the samples before the
in-loop filters it gives the prediction, but for samples that were clipped.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.recon.coefficient_order import order_of
from codec.h265.recon.order import X4, Y4, coeff_offset
from codec.h265.recon.reconstruct import block_qp, residual_block
from codec.h265.recon.residual import put_block
from codec.h265.structs import MODE_INTRA


@kernel
def residual_ctu(f, ctb_addr, coeffs, memory, out):
    """(8.6.2) Luma residual of all transform blocks of CTB `ctb_addr` that have one, into the plane `out`.

    The rest of `out` stays as it is. Units of pcm samples have no residual.
    coeffs  the CTU's, as for recon.reconstruct.reconstruct_ctu;  memory: (1,) RECON_SCRATCH
    out     (h, w) int16 plane of the coded size, zeros beforehand
    """
    p = f.params[0]
    scratch = memory[0]
    slice_idx = np.int64(f.ctbs[ctb_addr].slice_idx)
    mask = (1 << p.log2_ctb_size) - 1
    x_ctb = (ctb_addr % p.width_in_ctbs) << p.log2_ctb_size
    y_ctb = (ctb_addr // p.width_in_ctbs) << p.log2_ctb_size
    last = 1 << (2 * (p.log2_ctb_size - 2))
    z = np.int64(0)
    while z < last:
        x = np.int64(x_ctb) + 4 * X4[z]
        y = np.int64(y_ctb) + 4 * Y4[z]
        if x >= p.pic_width or y >= p.pic_height:
            z += 4
            continue
        unit = f.units[y >> 2, x >> 2]
        if unit.pcm_flag:
            z += 1 << (2 * (unit.log2_cb_size - 2))
            continue
        log2_size = np.int64(unit.log2_tb_size)
        if np.int64(unit.cbf) & 1:
            offset = coeff_offset(0, x & mask, y & mask)
            qp = block_qp(f, slice_idx, unit.qp_y, 0)
            intra, skip = unit.pred_mode == MODE_INTRA, np.int64(unit.transform_skip) & 1 != 0
            order = order_of(p, intra, np.int64(0), log2_size, np.int64(unit.intra_luma_mode))
            residual_block(f, coeffs, offset, 0, log2_size, qp, intra, skip, unit.bypass != 0, order, scratch)
            put_block(out, x, y, 1 << log2_size, scratch.residual)
        z += 1 << (2 * (log2_size - 2))
