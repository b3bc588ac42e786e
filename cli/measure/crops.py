"""The same part of a picture as every configuration coded it, cut out of the kept streams."""

from typing import NamedTuple

import numpy as np

from cli import children
from cli.measure.point_run import decoded_pictures
from cli.measure.rgb import yuv420_to_rgb
from codec.base.io.reader import open_source, read_pictures
from codec.base.metrics import mse, psnr

SIDE = 96


class Crop(NamedTuple):
    """label: configuration or "original", of which bits (the whole stream's) and psnr_y (the crop's) are None."""

    label: str
    png: bytes
    bits: float | None
    psnr_y: float | None


def crops_of(tasks, store):
    """[Crop, ...] of picture 0: the original, then each task's, where the first task's errors are largest.

    tasks: finished points of one clip and QP, the anchor first.
    """
    clip = tasks[0]["clip"]
    with children.folder("pysweep-") as folder:
        decoded = [_first_decoded(task, store, folder) for task in tasks]
    with open_source(clip.path) as source:
        original = next(iter(read_pictures(source, 0, 1, clip.depth, source.format.chroma_format_idc)))
    row, column = _worst_place(original[0] - _at_depth(decoded[0], clip.depth)[0])
    pictures = [(original, clip.depth), *decoded]
    cuts = [_cut(yuv420_to_rgb(planes, depth), row, column) for planes, depth in pictures]
    found = [Crop("original", _png(cuts[0]), None, None)]
    for task, picture, cut in zip(tasks, decoded, cuts[1:], strict=True):
        planes = _at_depth(picture, clip.depth)
        error = mse(_cut(original[0], row, column), _cut(planes[0], row, column))
        bits = store.row(task["key"])["bits"]
        found.append(Crop(task["config"].name, _png(cut), bits, psnr(error, clip.depth)))
    return found


def _first_decoded(task, store, folder):
    """(planes, bit depth) of the first picture of a kept stream."""
    place = folder / task["key"]
    place.mkdir()
    with decoded_pictures(task, place, store.point_folder(task["key"]) / "stream.bin") as source:
        depth = source.format.bit_depth
        return next(iter(read_pictures(source, 0, 1, depth, source.format.chroma_format_idc))), depth


def _at_depth(picture, depth):
    planes, own = picture
    return [plane >> (own - depth) if own > depth else plane << (depth - own) for plane in planes]


def _worst_place(difference):
    """(row, column) of the SIDE x SIDE window with the largest squared error, at steps of 8 samples."""
    rows, columns = difference.shape
    sums = np.zeros((rows + 1, columns + 1), np.int64)
    sums[1:, 1:] = (difference.astype(np.int64) ** 2).cumsum(0).cumsum(1)
    height, width = min(SIDE, rows), min(SIDE, columns)
    ys, xs = np.arange(0, rows - height + 1, 8)[:, None], np.arange(0, columns - width + 1, 8)
    energy = sums[ys + height, xs + width] - sums[ys, xs + width] - sums[ys + height, xs] + sums[ys, xs]
    y, x = np.unravel_index(energy.argmax(), energy.shape)
    return 8 * int(y), 8 * int(x)


def _cut(picture, row, column):
    return picture[row : row + SIDE, column : column + SIDE]


def _png(rgb):
    import cv2

    return cv2.imencode(".png", np.ascontiguousarray(rgb[:, :, ::-1]))[1].tobytes()
