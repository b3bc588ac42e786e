"""Time the block kernels: nanoseconds per sample, warm, by block size. Run: python -m tests.bench.kernels"""

import time

import numpy as np

from codec.base.kernels.jit import kernel
from codec.common.blocks.distortion import satd, sse
from codec.h265.encoder.search.residual.forward_transform import forward_transform
from codec.h265.recon.dequant import dequantise
from codec.h265.recon.intra import SCRATCH_SAMPLES, predict_all_modes, predict_intra
from codec.h265.recon.residual import add_blocks
from codec.h265.recon.transform import TMP_SAMPLES, inverse_transform

SAMPLES_PER_RUN = 1 << 22
RNG = np.random.default_rng(1)


@kernel
def _inverse(times, log2_size, coeffs, out, tmp):
    for _ in range(times):
        inverse_transform(coeffs, 0, log2_size, False, 8, out, tmp)


@kernel
def _forward(times, log2_size, residual, out, tmp):
    for _ in range(times):
        forward_transform(residual, 0, log2_size, False, 8, out, tmp)


@kernel
def _dequantise(times, log2_size, levels, scaling, use_list, out):
    for _ in range(times):
        dequantise(levels, 0, log2_size, 30, scaling, 0, use_list, 8, out)


@kernel
def _one_mode(times, log2_size, ref, mode, out, scratch):
    for _ in range(times):
        predict_intra(ref, mode, log2_size, 0, 8, out, scratch)


@kernel
def _all_modes(times, log2_size, ref, out, scratch):
    for _ in range(times):
        predict_all_modes(ref, ref, log2_size, 8, out, scratch)


@kernel
def _satd(times, log2_size, a, b):
    total = 0
    for i in range(times):
        total += satd(a, i & 255, b, 0, log2_size)
    return total


@kernel
def _sse(times, log2_size, a, b):
    total = 0
    for i in range(times):
        total += sse(a, i & 1, b, 0, log2_size)
    return total


@kernel
def _add(times, log2_size, plane, prediction, residual):
    for _ in range(times):
        add_blocks(plane, 8, 8, 1 << log2_size, prediction, residual, 8)


def _corner(log2_size, corner):
    """Coefficients of one block, zero outside its low-frequency corner."""
    block = np.zeros((1 << log2_size, 1 << log2_size), np.int16)
    block[:corner, :corner] = RNG.integers(-200, 200, block[:corner, :corner].shape)
    return block.ravel()


def _cases():
    """(name, kernel, arguments by log2 size, blocks a call handles)"""
    noise = RNG.integers(0, 256, 2048).astype(np.int16)
    signed = RNG.integers(-255, 256, 2048).astype(np.int16)
    out, tmp = np.zeros(1024, np.int16), np.zeros(TMP_SAMPLES, np.int16)
    scratch, scaling = np.zeros(SCRATCH_SAMPLES, np.int16), np.full((4, 6, 1024), 20, np.int16)
    plane = np.zeros((64, 64), np.int16)
    for corner in (1, 4, 8, 32):
        yield f"inverse DCT, {corner}x{corner} used", _inverse, lambda log2, k=corner: (_corner(log2, k), out, tmp), 1
    yield "forward DCT", _forward, lambda log2: (signed, out, tmp), 1
    yield "dequantise, flat", _dequantise, lambda log2: (signed, scaling, False, out), 1
    yield "dequantise, list", _dequantise, lambda log2: (signed, scaling, True, out), 1
    for mode, name in ((0, "planar"), (1, "DC"), (5, "mode 5"), (14, "mode 14"), (22, "mode 22"), (31, "mode 31")):
        yield f"intra {name}", _one_mode, lambda log2, m=mode: (noise, m, out, scratch), 1
    yield "intra, all, per mode", _all_modes, lambda log2: (noise, np.zeros((35, 1 << 2 * log2), np.int16), scratch), 35
    yield "SATD", _satd, lambda log2: (noise, noise[1000:]), 1
    yield "SSE", _sse, lambda log2: (noise, noise[1000:]), 1
    yield "add residual", _add, lambda log2: (plane, noise, signed), 1


def _nanoseconds(function, log2_size, arguments, blocks):
    """Least CPU time of three runs, per sample."""
    times = SAMPLES_PER_RUN // (blocks << (2 * log2_size))
    function(1, log2_size, *arguments)
    best = min(_run(function, times, log2_size, arguments) for _ in range(3))
    return best / (times * (blocks << (2 * log2_size))) * 1e9


def _run(function, times, log2_size, arguments):
    start = time.process_time()
    function(times, log2_size, *arguments)
    return time.process_time() - start


def main():
    """Print one line a kernel."""
    print(f"{'ns per sample':26}" + "".join(f"{f'{1 << log2}x{1 << log2}':>9}" for log2 in (2, 3, 4, 5)))
    for name, function, arguments, blocks in _cases():
        cells = [_nanoseconds(function, log2, arguments(log2), blocks) for log2 in (2, 3, 4, 5)]
        print(f"{name:26}" + "".join(f"{value:9.2f}" for value in cells), flush=True)


if __name__ == "__main__":
    main()
