"""Material for training the net of CnnMpm: what it takes of intra prediction blocks, and what each mode costs.

The costs are those of rough_cost, by which the search chooses the modes that it codes in full.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.distortion import copy_block, difference
from codec.h265.encoder.search.residual.forward_transform import forward_transform
from codec.h265.encoder.search.rough_cost import rough_cost
from codec.h265.intra_modes import MODES, MPMS
from codec.h265.recon.intra import predict_all_modes
from codec.h265.recon.intra_reference import fetch_reference, filter_reference, neighbour_flags
from codec.h265.recon.mode_inputs import INPUTS, gather_inputs
from codec.h265.recon.mpm import most_probable_modes
from codec.h265.recon.reconstruct import block_qp
from codec.h265.structs import MODE_INTRA, PART_NxN

ABOUT = 4
_U64 = np.uint64


@kernel
def _add_costs(f, s, x, y, log2_size, qp, costs):
    """Add what each mode costs in a block of up to 32x32, in bits, without those that tell the mode."""
    g, p = s.work[0], f.params[0]
    r, bit_depth, lam = g.block.recon, np.int64(p.bit_depth_y), g.settings.lambda_mode
    copy_block(s.luma, x, y, 1 << log2_size, g.block.source)
    fetch_reference(f, f.luma, 0, x, y, log2_size, r.reference)
    filter_reference(r.reference, 1 << log2_size, r.smoothed, p.strong_intra_smoothing, bit_depth)
    predict_all_modes(r.reference, r.smoothed, log2_size, bit_depth, g.intra.predictions, r.intra)
    for mode in range(MODES):
        difference(g.block.source, 0, g.intra.predictions[mode], 0, 1 << (2 * log2_size), g.block.residual)
        forward_transform(g.block.residual, 0, log2_size, log2_size == 2, bit_depth, g.block.transformed, g.block.stage)
        cost, _ = rough_cost(g.block.transformed, log2_size, qp, bit_depth, lam)
        costs[mode] += np.float32(cost / lam)


@kernel
def mode_material(f, s, inputs, about, costs, listed):
    """All intra prediction blocks of a picture before its in-loop filters, as far as there is room. -> how many

    s       Search; its source planes, settings of the picture and memory
    inputs  (n, INPUTS) int16;  about: (n, ABOUT) int16: mode, log2 size, and luma place x, y
    costs   (n, MODES) float32: rough costs of all modes in bits;  listed: (n, MPMS) int8, H.265's candModeList
    """
    p, g = f.params[0], s.work[0]
    count = np.int64(0)
    for row in range(0, p.pic_height >> 2):
        for column in range(0, p.pic_width >> 2):
            x, y = np.int64(4 * column), np.int64(4 * row)
            unit = f.units[row, column]
            if unit.pred_mode != MODE_INTRA or unit.pcm_flag or unit.bypass:
                continue
            log2_size = np.int64(unit.log2_cb_size) - np.int64(unit.part_mode == PART_NxN)
            mask = (np.int64(1) << log2_size) - 1
            if (x & mask) != 0 or (y & mask) != 0:
                continue
            if count < len(inputs):
                gather_inputs(f, x, y, log2_size, g.block.recon.ranking.inputs)
                for i in range(_U64(INPUTS)):
                    inputs[count, i] = g.block.recon.ranking.inputs.values[i]
                about[count, 0] = np.int16(unit.intra_luma_mode)
                about[count, 1] = np.int16(log2_size)
                about[count, 2], about[count, 3] = np.int16(x), np.int16(y)
                for mode in range(MODES):
                    costs[count, mode] = 0
                flags = neighbour_flags(f, x, y, mask + 1)
                most_probable_modes(f, x, y, (flags & 1) != 0, (flags & 4) != 0, g.intra.mpm)
                for k in range(MPMS):
                    listed[count, k] = np.int8(g.intra.mpm[k])
                qp = block_qp(f, np.int64(0), unit.qp_y, 0)
                for k in range(4 if log2_size > 5 else 1):
                    _add_costs(f, s, x + 32 * (k & 1), y + 32 * (k >> 1), min(log2_size, 5), qp, costs[count])
            count += 1
    return count
