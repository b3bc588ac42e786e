"""(8.4, 8.6) Reconstruction of a coding tree unit: the one path from block data and coefficients to samples.

Encoder and decoder both come through here, whatever filled the block data; nothing else makes reference samples.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.base.records import record
from codec.h265.intra_modes import CCCM_PLANAR, CHROMA_NET, INTRA_PLANAR, MODES
from codec.h265.recon.chroma_net import CHROMA_NET_SCRATCH, predict_by_net, take_component
from codec.h265.recon.coefficient_order import LARGEST, order_of, put_in_order
from codec.h265.recon.cross_component import CROSS_SCRATCH, mix_in, predict_from_luma, prepare_luma, prepare_model
from codec.h265.recon.dequant import chroma_qp, dequantise, scaling_matrix_id
from codec.h265.recon.intra import SCRATCH_SAMPLES, predict_intra
from codec.h265.recon.intra_reference import REFERENCE_SAMPLES, fetch_reference, filter_reference, needs_filter
from codec.h265.recon.mode_ranking import MODE_RANKING, resolve_mode
from codec.h265.recon.order import X4, Y4, coeff_offset
from codec.h265.recon.residual import add_blocks, add_residual, bypass_residual, put_block, transform_skip_residual
from codec.h265.recon.transform import TMP_SAMPLES as TRANSFORM_SCRATCH
from codec.h265.recon.transform import inverse_transform
from codec.h265.structs import CTU_COEFFS, MODE_INTRA

# working memory of one thread that reconstructs: lines and blocks of at most 32x32
RECON_SCRATCH = record(
    [
        ("reference", np.int16, (REFERENCE_SAMPLES + 3,)),
        ("smoothed", np.int16, (REFERENCE_SAMPLES + 3,)),
        ("prediction", np.int16, (1024,)),
        ("scaled", np.int16, (1024,)),
        ("residual", np.int16, (1024,)),
        ("stage", np.int16, (TRANSFORM_SCRATCH,)),
        ("intra", np.int16, (SCRATCH_SAMPLES,)),
        ("ordered", np.int16, (LARGEST,)),
        ("cross", CROSS_SCRATCH),
        ("net", CHROMA_NET_SCRATCH),
        ("ranking", MODE_RANKING),
    ]
)


def new_scratch():
    """Working memory for reconstruct_ctu; one per thread."""
    return np.zeros(1, RECON_SCRATCH)


@kernel(inline=True)
def uses_reference(mode):
    """Whether an intra mode, or what it is mixed with, predicts from the reference line."""
    return mode < MODES or mode == CCCM_PLANAR


@kernel
def prepare_from_luma(f, x, y, log2_size, mode, bit_depth, scratch):
    """What a model of chroma from luma needs before Cb and Cr are predicted, behind prepare_luma."""
    if mode == CHROMA_NET:
        predict_by_net(f, x, y, log2_size, bit_depth, scratch)
    else:
        prepare_model(log2_size, mode, bit_depth, scratch.cross)


@kernel
def predict_chroma(plane, c_idx, x, y, log2_size, mode, bit_depth, scratch):
    """Intra prediction of a chroma block in any mode into scratch.prediction.

    Its reference line is fetched, where the mode uses it. Chroma from luma: prepare_from_luma comes first.
    """
    if mode < MODES:
        predict_intra(scratch.reference, mode, log2_size, c_idx, bit_depth, scratch.prediction, scratch.intra)
        return
    if mode == CHROMA_NET:
        take_component(scratch, c_idx - 1, 1 << (2 * log2_size), scratch.prediction)
        return
    predict_from_luma(plane, x, y, log2_size, mode, bit_depth, scratch.cross, scratch.prediction)
    if mode == CCCM_PLANAR:
        planar = np.int64(INTRA_PLANAR)
        predict_intra(scratch.reference, planar, log2_size, c_idx, bit_depth, scratch.residual, scratch.intra)
        mix_in(np.int64(1) << log2_size, scratch.residual, scratch.prediction)


@kernel
def predict_block(f, plane, c_idx, x, y, log2_size, mode, scratch):
    """(8.4.4.2.1) Intra prediction of a transform block into scratch.prediction; x, y in samples of the component.

    Cr comes right behind Cb of the same block: chroma from luma prepares its model for both.
    """
    p = f.params[0]
    bit_depth = np.int64(p.bit_depth_y if c_idx == 0 else p.bit_depth_c)
    if uses_reference(mode):
        fetch_reference(f, plane, c_idx, x, y, log2_size, scratch.reference)
    if mode >= MODES:
        if c_idx == 1:
            prepare_luma(f, x, y, log2_size, mode, scratch.cross)
            prepare_from_luma(f, x, y, log2_size, mode, bit_depth, scratch)
        predict_chroma(plane, c_idx, x, y, log2_size, mode, bit_depth, scratch)
    elif needs_filter(mode, log2_size, c_idx):
        filter_reference(scratch.reference, 1 << log2_size, scratch.smoothed, p.strong_intra_smoothing, bit_depth)
        predict_intra(scratch.smoothed, mode, log2_size, c_idx, bit_depth, scratch.prediction, scratch.intra)
    else:
        predict_intra(scratch.reference, mode, log2_size, c_idx, bit_depth, scratch.prediction, scratch.intra)


@kernel(inline=True)
def block_qp(f, slice_idx, qp_y, c_idx):
    """(8.6.1) Qp'Y, Qp'Cb or Qp'Cr of a unit with QpY `qp_y` in slice `slice_idx`."""
    p = f.params[0]
    if c_idx == 0:
        return np.int64(qp_y) + 6 * (np.int64(p.bit_depth_y) - 8)
    s = f.slices[slice_idx]
    offset = p.cb_qp_offset + s.slice_cb_qp_offset if c_idx == 1 else p.cr_qp_offset + s.slice_cr_qp_offset
    return np.int64(chroma_qp(np.int64(qp_y), np.int64(offset), np.int64(p.bit_depth_c)))


@kernel
def residual_block(f, coeffs, offset, c_idx, log2_size, qp, intra, skip, bypass, order, scratch):
    """(8.6.2) Residual of one block with coded coefficients into scratch.residual. `qp` is Qp' of the component.

    order  see recon/coefficient_order.py; 0: coefficients are where they belong
    """
    p = f.params[0]
    bit_depth = np.int64(p.bit_depth_y if c_idx == 0 else p.bit_depth_c)
    if bypass:
        bypass_residual(coeffs, offset, log2_size, scratch.residual)
        if order:
            put_in_order(scratch.residual, log2_size, order, scratch.ordered)
        return
    use_list = p.scaling_list_enabled != 0 and not (skip and log2_size > 2)
    matrix_id = scaling_matrix_id(log2_size, c_idx, not intra)
    dequantise(coeffs, offset, log2_size, qp, f.scaling, matrix_id, use_list, bit_depth, scratch.scaled)
    if order:
        put_in_order(scratch.scaled, log2_size, order, scratch.ordered)
    if skip:
        transform_skip_residual(scratch.scaled, 0, log2_size, bit_depth, scratch.residual)
    else:
        is_dst = intra and c_idx == 0 and log2_size == 2
        inverse_transform(scratch.scaled, 0, log2_size, is_dst, bit_depth, scratch.residual, scratch.stage)


@kernel
def _reconstruct_block(f, coeffs, slice_idx, c_idx, x_luma, y_luma, log2_size, unit, scratch):
    """Prediction and residual of one transform block whose luma position is (x_luma, y_luma).

    Inter prediction is in the plane already (recon/inter.py).
    """
    p = f.params[0]
    shift = np.int64(c_idx > 0)
    x, y, size = x_luma >> shift, y_luma >> shift, 1 << log2_size
    plane = f.luma if c_idx == 0 else f.cb if c_idx == 1 else f.cr
    intra = unit.pred_mode == MODE_INTRA
    mode = np.int64(unit.intra_luma_mode) if c_idx == 0 else np.int64(unit.intra_chroma_mode)
    if intra:
        predict_block(f, plane, c_idx, x, y, log2_size, mode, scratch)
    if (np.int64(unit.cbf) >> c_idx) & 1:
        mask = (1 << p.log2_ctb_size) - 1
        offset = coeff_offset(c_idx, x_luma & mask, y_luma & mask)
        skip = (np.int64(unit.transform_skip) >> c_idx) & 1 != 0
        qp = block_qp(f, slice_idx, unit.qp_y, c_idx)
        order = order_of(p, intra, c_idx, log2_size, mode)
        residual_block(f, coeffs, offset, c_idx, log2_size, qp, intra, skip, unit.bypass != 0, order, scratch)
        bit_depth = np.int64(p.bit_depth_y if c_idx == 0 else p.bit_depth_c)
        if intra:
            add_blocks(plane, x, y, size, scratch.prediction, scratch.residual, bit_depth)
        else:
            add_residual(plane, x, y, size, scratch.residual, bit_depth)
    elif intra:
        put_block(plane, x, y, size, scratch.prediction)


@kernel
def _reconstruct_pcm(f, coeffs, x0, y0, log2_size):
    """(8.4.4.1, 8-12 ff.) Samples of a pcm coding unit, brought to the bit depth."""
    p = f.params[0]
    mask = (1 << p.log2_ctb_size) - 1
    for c_idx in range(3):
        if c_idx > 0 and p.chroma_format_idc == 0:
            break
        plane = f.luma if c_idx == 0 else f.cb if c_idx == 1 else f.cr
        chroma = np.int64(c_idx > 0)
        size = (1 << log2_size) >> chroma
        up = p.bit_depth_c - p.pcm_bit_depth_c if chroma else p.bit_depth_y - p.pcm_bit_depth_y
        at = coeff_offset(c_idx, x0 & mask, y0 & mask)
        for y in range(size):
            for x in range(size):
                sample = np.int32(coeffs[at + y * size + x]) << np.int32(up)
                plane[(y0 >> chroma) + y, (x0 >> chroma) + x] = np.int16(sample)


@kernel
def _reconstruct_coding_units(f, ctb_addr, coeffs, scratch):
    """(8.4.1, 8.6) All coding units of one CTB in z-order."""
    p = f.params[0]
    slice_idx = np.int64(f.ctbs[ctb_addr].slice_idx)
    x_ctb = (ctb_addr % p.width_in_ctbs) << p.log2_ctb_size
    y_ctb = (ctb_addr // p.width_in_ctbs) << p.log2_ctb_size
    last = 1 << (2 * (p.log2_ctb_size - 2))
    z = np.int64(0)
    while z < last:
        x = np.int64(x_ctb) + 4 * X4[z]
        y = np.int64(y_ctb) + 4 * Y4[z]
        if x >= p.pic_width or y >= p.pic_height:
            # the picture ends on a multiple of the 8x8 minimum, so whole 8x8 blocks lie outside
            z += 4
            continue
        unit = f.units[y >> 2, x >> 2]
        if unit.pcm_flag:
            _reconstruct_pcm(f, coeffs, x, y, np.int64(unit.log2_cb_size))
            z += 1 << (2 * (unit.log2_cb_size - 2))
            continue
        if p.mode_ranks and unit.pred_mode == MODE_INTRA:
            resolve_mode(f, x, y, unit, scratch.ranking)
        log2_size = np.int64(unit.log2_tb_size)
        _reconstruct_block(f, coeffs, slice_idx, 0, x, y, log2_size, unit, scratch)
        if p.chroma_format_idc != 0:
            if log2_size > 2:
                _reconstruct_block(f, coeffs, slice_idx, 1, x, y, log2_size - 1, unit, scratch)
                _reconstruct_block(f, coeffs, slice_idx, 2, x, y, log2_size - 1, unit, scratch)
            elif z & 3 == 3:
                _reconstruct_block(f, coeffs, slice_idx, 1, x - 4, y - 4, np.int64(2), unit, scratch)
                _reconstruct_block(f, coeffs, slice_idx, 2, x - 4, y - 4, np.int64(2), unit, scratch)
        z += 1 << (2 * (log2_size - 2))


@kernel
def reconstruct_ctu(f, ctb_addr, coeffs, memory):
    """(8.4.1, 8.6) CTB `ctb_addr`, from f.units and the CTU's `coeffs` into the planes.

    With the coefficients of more CTUs, CTU_COEFFS each, the CTBs right of it follow. In P and B slices
    recon.inter.predict_inter_ctu comes first.
    memory  (1,) RECON_SCRATCH
    """
    for k in range(coeffs.size // CTU_COEFFS):
        _reconstruct_coding_units(f, ctb_addr + k, coeffs[k * CTU_COEFFS : (k + 1) * CTU_COEFFS], memory[0])
