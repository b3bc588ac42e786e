"""The best coding of a coding unit so far, kept aside while another one is tried in its place."""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.encoder.search.residual.search_block import copy_contexts
from codec.h265.encoder.search.search_state import CTX_CU_BEST
from codec.h265.recon.order import coeff_offset
from codec.h265.structs import MODE_INTER


@kernel
def _copy_coeffs(source, target, at, count):
    for i in range(np.uint64(at), np.uint64(at + count)):
        target[i] = source[i]


@kernel
def _copy_cu_coeffs(f, source, target, x, y, size):
    """Copy the coefficients of a coding unit between two CTU buffers."""
    mask = (1 << f.params[0].log2_ctb_size) - 1
    count = size * size
    _copy_coeffs(source, target, coeff_offset(0, x & mask, y & mask), count)
    if f.params[0].chroma_format_idc != 0:
        for c_idx in range(1, 3):
            _copy_coeffs(source, target, coeff_offset(c_idx, x & mask, y & mask), count >> 2)


@kernel
def _store_plane(plane, x, y, size, out, at):
    for v in range(size):
        for u in range(np.uint64(size)):
            out[np.uint64(at + v * size) + u] = plane[y + v, np.uint64(x) + u]


@kernel
def _load_plane(plane, x, y, size, source, at):
    for v in range(size):
        for u in range(np.uint64(size)):
            plane[y + v, np.uint64(x) + u] = source[np.uint64(at + v * size) + u]


@kernel
def save_unit(f, s, walk, coeffs, x, y, size, row):
    """Keep a coding unit in row `row`: block data, samples, contexts and quantisation state."""
    g = s.work[0]
    copy_contexts(s.estimator.state[0].contexts, g.saved.contexts[CTX_CU_BEST + row])
    g.saved.walks[row] = walk[0]
    n = size >> 2
    for v in range(n):
        for u in range(n):
            g.saved.units[row, v * n + u] = f.units[(y >> 2) + v, (x >> 2) + u]
            if f.units[(y >> 2) + v, (x >> 2) + u].pred_mode == MODE_INTER:
                g.saved.motion[row, v * n + u] = f.motion[(y >> 2) + v, (x >> 2) + u]
                g.saved.prediction_units[row, v * n + u] = f.prediction_units[(y >> 2) + v, (x >> 2) + u]
    _copy_cu_coeffs(f, coeffs, g.saved.coeffs[row], x, y, size)
    area = size * size
    _store_plane(f.luma, x, y, size, g.saved.samples[row], 0)
    if f.params[0].chroma_format_idc != 0:
        _store_plane(f.cb, x >> 1, y >> 1, size >> 1, g.saved.samples[row], area)
        _store_plane(f.cr, x >> 1, y >> 1, size >> 1, g.saved.samples[row], area + (area >> 2))


@kernel
def restore_unit(f, s, walk, coeffs, x, y, size, row):
    """Put back what save_unit kept."""
    g = s.work[0]
    copy_contexts(g.saved.contexts[CTX_CU_BEST + row], s.estimator.state[0].contexts)
    walk[0] = g.saved.walks[row]
    n = size >> 2
    for v in range(n):
        for u in range(n):
            f.units[(y >> 2) + v, (x >> 2) + u] = g.saved.units[row, v * n + u]
            if f.units[(y >> 2) + v, (x >> 2) + u].pred_mode == MODE_INTER:
                f.motion[(y >> 2) + v, (x >> 2) + u] = g.saved.motion[row, v * n + u]
                f.prediction_units[(y >> 2) + v, (x >> 2) + u] = g.saved.prediction_units[row, v * n + u]
    _copy_cu_coeffs(f, g.saved.coeffs[row], coeffs, x, y, size)
    area = size * size
    _load_plane(f.luma, x, y, size, g.saved.samples[row], 0)
    if f.params[0].chroma_format_idc != 0:
        _load_plane(f.cb, x >> 1, y >> 1, size >> 1, g.saved.samples[row], area)
        _load_plane(f.cr, x >> 1, y >> 1, size >> 1, g.saved.samples[row], area + (area >> 2))
