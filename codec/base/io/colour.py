"""RGB to limited-range Y'CbCr 4:2:0, in exact steps that are stated here.

Matrix: H.265 annex E with KR, KB of BT.601 (0.299, 0.114) or BT.709 (0.2126, 0.0722); luma 16..235, chroma 16..240,
times 1 << (bit_depth - 8). Chroma is halved before rounding: horizontally with 1 2 1 (a chroma sample sits on an even
luma column), vertically with 1 1 (between two luma rows). That is chroma_sample_loc_type 0, what H.265 assumes when a
stream says nothing. Edges repeat.
"""

import numpy as np

KR_KB = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}
# (table E.5) matrix_coeffs; primaries and transfer of stills are sRGB's, whose primaries are BT.709's
MATRIX_COEFFICIENTS = {"bt601": 6, "bt709": 1}


def _halve(plane):
    """4:4:4 to 4:2:0: 1 2 1 horizontally at even columns, mean of row pairs."""
    wide = np.pad(plane, ((0, 0), (1, 1)), mode="edge")
    columns = (wide[:, :-2:2] + 2 * wide[:, 1:-1:2] + wide[:, 2::2]) / 4
    return (columns[0::2] + columns[1::2]) / 2


def _quantise(plane, bit_depth):
    return np.clip(np.floor(plane + 0.5), 0, (1 << bit_depth) - 1).astype(np.int32)


def rgb_to_yuv420(rgb, source_depth, bit_depth, matrix):
    """int32 planes [Y, Cb, Cr] from rgb (rows, columns, 3) of `source_depth` bits; rows and columns even."""
    kr, kb = KR_KB[matrix]
    red, green, blue = np.moveaxis(rgb.astype(np.float64) / ((1 << source_depth) - 1), -1, 0)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    blue_difference = (blue - luma) / (2 * (1 - kb))
    red_difference = (red - luma) / (2 * (1 - kr))
    scale = 1 << (bit_depth - 8)
    chroma = [_quantise((128 + 224 * _halve(plane)) * scale, bit_depth) for plane in (blue_difference, red_difference)]
    return [_quantise((16 + 219 * luma) * scale, bit_depth), *chroma]
