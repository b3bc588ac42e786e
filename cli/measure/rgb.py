"""Limited-range Y'CbCr 4:2:0 to RGB: the way back of codec.base.io.colour, for measuring and showing pictures."""

import numpy as np

from codec.base.errors import InputError
from codec.base.io.colour import KR_KB


def yuv420_to_rgb(planes, bit_depth, matrix="bt709"):
    """uint8 (rows, columns, 3) from [Y, Cb, Cr] or [Y].

    Chroma is interpolated linearly: its samples sit on even columns, between two rows (chroma_sample_loc_type 0).
    """
    kr, kb = KR_KB[matrix]
    scale = 1 << (bit_depth - 8)
    luma = (planes[0].astype(np.float64) / scale - 16) / 219
    if len(planes) < 3:
        blue_difference = red_difference = np.zeros_like(luma)
    else:
        blue_difference, red_difference = (_doubled((p.astype(np.float64) / scale - 128) / 224) for p in planes[1:])
    red = luma + 2 * (1 - kr) * red_difference
    blue = luma + 2 * (1 - kb) * blue_difference
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    rgb = np.stack([red, green, blue], axis=-1)
    return np.clip(np.floor(255 * rgb + 0.5), 0, 255).astype(np.uint8)


def _doubled(plane):
    """4:2:0 to 4:4:4; edges repeat."""
    tall = np.pad(plane, ((1, 1), (0, 0)), mode="edge")
    rows = np.empty((2 * plane.shape[0], plane.shape[1]))
    rows[0::2] = (tall[:-2] + 3 * tall[1:-1]) / 4
    rows[1::2] = (3 * tall[1:-1] + tall[2:]) / 4
    wide = np.empty((rows.shape[0], 2 * rows.shape[1]))
    wide[:, 0::2] = rows
    wide[:, 1::2] = (rows + np.pad(rows, ((0, 0), (0, 1)), mode="edge")[:, 1:]) / 2
    return wide


def read_rgb(path):
    """uint8 (rows, columns, 3) of an image; an odd side is extended as codec.base.io.stills does."""
    import cv2

    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"{path}: not an image that can be read")
    odd = [(0, side % 2) for side in image.shape[:2]]
    return np.pad(image[:, :, ::-1], [*odd, (0, 0)], mode="edge")
