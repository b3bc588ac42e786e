"""Trial coding of one transform block: residual, transform, quantisation and back, with distortion and rate."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.distortion import difference, sse
from codec.h265.cabac.contexts import CBF_CHROMA, CBF_LUMA
from codec.h265.cabac.engine import code_bin
from codec.h265.encoder.search.residual.forward_transform import forward_transform, forward_transform_skip
from codec.h265.encoder.search.residual.quantise import quantise_plain
from codec.h265.encoder.search.residual.rdoq import rdoq
from codec.h265.encoder.search.residual.sign_hiding import hide_signs_plainly
from codec.h265.intra_modes import INTRA_SCAN, SCAN_DIAGONAL
from codec.h265.recon.coefficient_order import order_of, take_in_order
from codec.h265.recon.dequant import scaling_matrix_id
from codec.h265.recon.reconstruct import residual_block
from codec.h265.syntax.residual import residual_coding


@kernel
def copy_contexts(source, target):
    """target[:] = source of two context sets."""
    for i in range(len(source)):
        target[i] = source[i]


@kernel(inline=True)
def scan_of(f, s, c_idx, log2_size, mode):
    """(7.4.9.11) scanIdx of a block; of intra blocks by their mode."""
    p, intra = f.params[0], not s.work[0].unit.inter
    if p.mode_ranks:
        return order_of(p, intra, c_idx, log2_size, mode)
    if intra and (log2_size == 2 or (log2_size == 3 and c_idx == 0)):
        return np.int64(INTRA_SCAN[mode])
    return np.int64(SCAN_DIAGONAL)


@kernel(inline=True)
def _coded_scan(f, scan_idx):
    """scanIdx by which levels are coded, of one by which they lie: the diagonal one where modes are told by rank."""
    return np.int64(SCAN_DIAGONAL) if f.params[0].mode_ranks else np.int64(scan_idx)


@kernel
def _quantise(f, s, c_idx, log2_size, scan_idx, qp, skip, cbf_context, levels):
    """g.block.transformed -> levels. -> number of nonzero levels"""
    p = f.params[0]
    g = s.work[0]
    bit_depth = np.int64(p.bit_depth_y if c_idx == 0 else p.bit_depth_c)
    use_list = p.scaling_list_enabled != 0 and not (skip and log2_size > 2)
    matrix = f.scaling[log2_size - 2, scaling_matrix_id(log2_size, c_idx, g.unit.inter != 0)]
    if g.settings.rdoq and (not skip or g.settings.rdoq_transform_skip):
        return rdoq(
            g.block.transformed,
            log2_size,
            c_idx,
            scan_idx,
            qp,
            matrix,
            use_list,
            bit_depth,
            g.settings.lambda_rdoq[c_idx],
            s.estimator.state[0].contexts,
            cbf_context,
            p.sign_data_hiding != 0,
            levels,
            g.block.quantiser,
        )
    nonzero = quantise_plain(g.block.transformed, log2_size, qp, matrix, use_list, bit_depth, g.unit.inter == 0, levels)
    if p.sign_data_hiding != 0 and nonzero > 1:
        nonzero += hide_signs_plainly(
            g.block.transformed,
            s.estimator.state[0].contexts,
            log2_size,
            scan_idx,
            qp,
            matrix,
            use_list,
            bit_depth,
            levels,
            g.block.quantiser,
        )
    return nonzero


@kernel
def trial_block(f, s, c_idx, log2_size, scan_idx, qp, skip, cbf_context, prediction, slot):
    """Code g.block.source from `prediction` into levels[slot] and samples[slot] of g.block. -> (SSE, nonzero levels)

    qp is Qp' of the component, skip tells transform skip.
    """
    g = s.work[0]
    p = f.params[0]
    order = np.int64(scan_idx) if p.mode_ranks else np.int64(0)
    bit_depth = np.int64(p.bit_depth_y if c_idx == 0 else p.bit_depth_c)
    count = 1 << (2 * log2_size)
    levels = g.block.levels[slot]
    samples = g.block.samples[slot]
    nonzero = np.int64(0)
    if s.work[0].unit.bypass:
        for i in range(count):
            level = np.int16(np.int32(g.block.source[i]) - np.int32(prediction[i]))
            levels[i] = level
            nonzero += np.int64(level != 0)
            samples[i] = g.block.source[i]
        if order:
            take_in_order(levels, log2_size, order, g.block.recon.ordered)
        return np.int64(0), nonzero
    difference(g.block.source, 0, prediction, 0, count, g.block.residual)
    if skip:
        forward_transform_skip(g.block.residual, 0, log2_size, bit_depth, g.block.transformed)
    else:
        is_dst = c_idx == 0 and log2_size == 2 and not g.unit.inter
        forward_transform(g.block.residual, 0, log2_size, is_dst, bit_depth, g.block.transformed, g.block.stage)
    if order:
        take_in_order(g.block.transformed, log2_size, order, g.block.recon.ordered)
    nonzero = _quantise(f, s, c_idx, log2_size, _coded_scan(f, scan_idx), qp, skip, cbf_context, levels)
    if nonzero:
        residual_block(f, levels, 0, c_idx, log2_size, qp, g.unit.inter == 0, skip, False, order, g.block.recon)
        top = np.int32((1 << bit_depth) - 1)
        for i in range(np.uint64(count)):
            value = np.int32(np.int32(prediction[i]) + np.int32(g.block.recon.residual[i]))
            samples[i] = np.int16(min(max(value, np.int32(0)), top))
    else:
        for i in range(np.uint64(count)):
            samples[i] = prediction[i]
    return np.int64(sse(g.block.source, 0, samples, 0, log2_size)), nonzero


@kernel
def count_block(f, s, c_idx, log2_size, scan_idx, skip, cbf_context, nonzero, slot):
    """Add the rate of a block's coded block flag and levels to the estimator, contexts included."""
    g = s.work[0]
    p = f.params[0]
    code_bin(s.estimator, cbf_context, np.int64(nonzero > 0))
    if nonzero:
        residual_coding(
            s.estimator,
            g.block.levels[slot],
            np.int64(0),
            np.int64(log2_size),
            np.int64(c_idx),
            _coded_scan(f, scan_idx),
            np.int64(p.transform_skip_enabled),
            np.int64(skip),
            np.int64(s.work[0].unit.bypass),
            np.int64(p.sign_data_hiding),
        )


@kernel(inline=True)
def luma_cbf_context(depth):
    """(9.3.4.2, table 9-41) The context of cbf_luma at transform depth `depth`."""
    return np.int64(CBF_LUMA) + np.int64(depth == 0)


@kernel(inline=True)
def chroma_cbf_context(depth):
    """The context of cbf_cb and cbf_cr at transform depth `depth`."""
    return np.int64(CBF_CHROMA) + np.int64(depth)
