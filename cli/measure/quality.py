"""Objective quality of decoded pictures: PSNR, SSIM and MS-SSIM of planes and of RGB stills (numpy only).

SSIM is that of Wang et al. 2004: Gaussian window of 11x11, sigma 1.5, at every place where it fits whole, K1 0.01,
K2 0.03; MS-SSIM that of Wang et al. 2003: five scales, means of 2x2 between them. "block" SSIM is what FFmpeg and x264
compute: windows of 8x8 samples, all alike in weight, at every fourth row and column, variances divided by 63.
"""

import math

import numpy as np

from codec.base.metrics import mse, psnr

METRICS = ("psnr", "ssim", "ms-ssim")
WINDOWS = ("gaussian", "block")
_SIGMA, _RADIUS = 1.5, 5
_K1, _K2 = 0.01, 0.03
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_BLOCK, _STEP = 8, 4
# the smallest side for which the window fits at the coarsest of the five scales
MS_SSIM_SIDE = (2 * _RADIUS + 1) << (len(_SCALE_WEIGHTS) - 1)


def _gaussian():
    taps = np.exp(-(np.arange(-_RADIUS, _RADIUS + 1) ** 2) / (2 * _SIGMA**2))
    return taps / taps.sum()


def _blurred(plane):
    """Gaussian mean at every place where the window lies inside the plane."""
    taps = _gaussian()
    rows, columns = (side - 2 * _RADIUS for side in plane.shape)
    down = sum(tap * plane[k : k + rows] for k, tap in enumerate(taps))
    return sum(tap * down[:, k : k + columns] for k, tap in enumerate(taps))


def _block_mean(plane):
    """Mean of each 8x8 window at every fourth row and column, from sums of 4x4 blocks."""
    rows, columns = (side // _STEP for side in plane.shape)
    blocks = plane[: rows * _STEP, : columns * _STEP].reshape(rows, _STEP, columns, _STEP).sum(axis=(1, 3))
    return (blocks[:-1, :-1] + blocks[:-1, 1:] + blocks[1:, :-1] + blocks[1:, 1:]) / _BLOCK**2


def _ssim_maps(a, b, peak, window):
    """(luminance * contrast * structure, contrast * structure) at every place of the window."""
    mean, unbias = (_blurred, 1.0) if window == "gaussian" else (_block_mean, _BLOCK**2 / (_BLOCK**2 - 1))
    c1, c2 = (_K1 * peak) ** 2, (_K2 * peak) ** 2
    mean_a, mean_b = mean(a), mean(b)
    variances = (mean(a * a) - mean_a**2 + mean(b * b) - mean_b**2) * unbias
    covariance = (mean(a * b) - mean_a * mean_b) * unbias
    structure = (2 * covariance + c2) / (variances + c2)
    return structure * (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1), structure


def ssim(a, b, bit_depth, window="gaussian"):
    """Mean SSIM of two planes; None for planes smaller than the window."""
    if min(a.shape) < (2 * _RADIUS + 1 if window == "gaussian" else _BLOCK):
        return None
    whole, _ = _ssim_maps(a.astype(np.float64), b.astype(np.float64), (1 << bit_depth) - 1, window)
    return float(whole.mean())


def _halved(plane):
    """Means of 2x2 samples; an odd last row or column is left out."""
    rows, columns = (side // 2 for side in plane.shape)
    return plane[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean(axis=(1, 3))


def ms_ssim(a, b, bit_depth):
    """MS-SSIM of two planes; None for a side below MS_SSIM_SIDE, because fewer scales would be another measure."""
    if min(a.shape) < MS_SSIM_SIDE:
        return None
    a, b = a.astype(np.float64), b.astype(np.float64)
    product = 1.0
    for scale, weight in enumerate(_SCALE_WEIGHTS):
        whole, structure = _ssim_maps(a, b, (1 << bit_depth) - 1, "gaussian")
        last = scale == len(_SCALE_WEIGHTS) - 1
        # a negative mean has no real power: it counts as no likeness at all
        product *= max(0.0, float((whole if last else structure).mean())) ** weight
        a, b = _halved(a), _halved(b)
    return product


def sequence_quality(pairs, bit_depth, metrics=METRICS):
    """Figures of a sequence from (original planes, decoded planes) of every picture, samples of `bit_depth`.

    {"frames": n, "psnr_y": mean of the pictures' PSNR, "psnr_seq_y": PSNR of the mean squared error, "ssim_y",
    "ms_ssim_y": means over pictures, ... u, v}; what a plane is too small for is left out.
    """
    errors, likeness, frames = {}, {}, 0
    for original, decoded in pairs:
        frames += 1
        for plane, a, b in zip("yuv", original, decoded, strict=False):
            errors.setdefault(plane, []).append(mse(a, b))
            for metric, measure in (("ssim", ssim), ("ms-ssim", ms_ssim)):
                if metric in metrics:
                    name = f"{metric.replace('-', '_')}_{plane}"
                    likeness.setdefault(name, []).append(measure(a, b, bit_depth))
    values = {"frames": frames}
    for plane, found in errors.items():
        values[f"psnr_{plane}"] = math.fsum(psnr(error, bit_depth) for error in found) / frames
        values[f"psnr_seq_{plane}"] = psnr(math.fsum(found) / frames, bit_depth)
    return values | {name: math.fsum(found) / frames for name, found in likeness.items() if None not in found}


def rgb_quality(original, decoded, bit_depth=8, metrics=METRICS):
    """Figures of a still: arrays (rows, columns, 3).

    psnr_rgb is of the error of all samples; ssim_rgb and ms_ssim_rgb are means of the three channels.
    """
    values = {"psnr_rgb": psnr(mse(original, decoded), bit_depth)}
    channels = [(original[..., c], decoded[..., c]) for c in range(3)]
    for metric, measure in (("ssim", ssim), ("ms-ssim", ms_ssim)):
        found = [measure(a, b, bit_depth) for a, b in channels] if metric in metrics else [None]
        if None not in found:
            values[f"{metric.replace('-', '_')}_rgb"] = sum(found) / 3
    return values
