"""A picture to draw on: the decoded samples, darkened, with tints, lines and marks in luma coordinates on top."""

from typing import NamedTuple

import cv2
import numpy as np

from codec.base.io.colour import KR_KB

# drawn lines end on 1/16 pixels
_SHIFT = 4
_DARKEN = 0.6
_HD_HEIGHT = 720
_MAX_SCALE = 32


class Canvas(NamedTuple):
    """image: (rows, columns, 3) uint8 BGR, written in place; scale: pixels per luma sample; left, top: its corner."""

    image: np.ndarray
    scale: int
    left: int
    top: int


def automatic_scale(width):
    """Pixels per luma sample that make a picture about 1200 pixels wide, but never smaller than it is."""
    return int(np.clip(round(1200 / width), 1, _MAX_SCALE))


def to_bgr(planes, bit_depths):
    """uint8 BGR of limited-range Y'CbCr 4:2:0 or 4:0:0 planes: BT.709 from 720 lines on, BT.601 below."""
    kr, kb = KR_KB["bt709" if planes[0].shape[0] >= _HD_HEIGHT else "bt601"]
    height, width = planes[0].shape
    luma = (planes[0].astype(np.float32) / (1 << (bit_depths[0] - 8)) - 16) * (255 / 219)
    if len(planes) == 1:
        return np.repeat(np.clip(luma + 0.5, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    half = [(plane.astype(np.float32) / (1 << (bit_depths[1] - 8)) - 128) * (255 / 224) for plane in planes[1:]]
    cb, cr = (cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in half)
    blue, red = luma + 2 * (1 - kb) * cb, luma + 2 * (1 - kr) * cr
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    return np.clip(np.stack([blue, green, red], axis=2) + 0.5, 0, 255).astype(np.uint8)


def new_canvas(planes, bit_depths, window, scale):
    """A Canvas of the decoded planes, which are the conformance window `window` of the coded picture."""
    image = to_bgr(planes, bit_depths)
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    return Canvas((image * _DARKEN).astype(np.uint8), scale, window[0], window[1])


def rectangles(rows):
    """(n, 4) int64 x, y, width, height of rows of any of the tables of codec.h265.block_statistics."""
    names = rows.dtype.names
    width, height = ("width", "height") if "width" in names else ("size", "size")
    return np.stack([rows["x"], rows["y"], rows[width], rows[height]], axis=-1).astype(np.int64)


def _corners(canvas, boxes):
    """Pixel coordinates x0, y0, x1, y1 of boxes, the last ones exclusive; not clipped."""
    x0, y0 = boxes[:, 0] - canvas.left, boxes[:, 1] - canvas.top
    return (np.stack([x0, y0, x0 + boxes[:, 2], y0 + boxes[:, 3]], axis=1) * canvas.scale).tolist()


def tint(canvas, boxes, colours, alpha):
    """Blend a colour over each box; colours (n, 3) BGR; boxes must not overlap."""
    layer, mask = np.zeros_like(canvas.image), np.zeros(canvas.image.shape[:2], bool)
    for (x0, y0, x1, y1), colour in zip(_corners(canvas, boxes), np.asarray(colours), strict=True):
        area = slice(max(y0, 0), max(y1, 0)), slice(max(x0, 0), max(x1, 0))
        layer[area], mask[area] = colour, True
    blended = cv2.addWeighted(canvas.image, 1 - alpha, layer, alpha, 0)
    np.copyto(canvas.image, blended, where=mask[:, :, None])


def outline(canvas, boxes, colour, alpha):
    """Blend one-pixel lines along the left and upper sides of each box, and where they end the picture, the others."""
    mask = np.zeros(canvas.image.shape[:2], np.uint8)
    for x0, y0, x1, y1 in _corners(canvas, boxes):
        cv2.rectangle(mask, (x0, y0), (x1, y1), 255, 1)
    layer = np.empty_like(canvas.image)
    layer[:] = colour
    blended = cv2.addWeighted(canvas.image, 1 - alpha, layer, alpha, 0)
    np.copyto(canvas.image, blended, where=mask[:, :, None] > 0)


def _pixel(canvas, x, y):
    """Fixed-point pixel coordinates of a point in luma samples."""
    one = 1 << _SHIFT
    return (
        round(((x - canvas.left) * canvas.scale - 0.5) * one),
        round(((y - canvas.top) * canvas.scale - 0.5) * one),
    )


def line(canvas, start, end, colour):
    """A thin smooth line between two (x, y) in luma samples."""
    cv2.line(canvas.image, _pixel(canvas, *start), _pixel(canvas, *end), colour, 1, cv2.LINE_AA, _SHIFT)


def arrow(canvas, start, end, colour):
    """A thin arrow with a dot at its start; of a vector of less than a pixel the dot is all."""
    dot(canvas, start, min(0.4, 2.5 / canvas.scale), colour)
    length = np.hypot(end[0] - start[0], end[1] - start[1]) * canvas.scale
    if length < 1:
        return
    line(canvas, start, end, colour)
    if length >= 6:
        back = np.array([start[0] - end[0], start[1] - end[1]]) / length * min(6.0, 0.4 * length)
        for side in (0.4, -0.4):
            wing = (end[0] + back[0] - side * back[1], end[1] + back[1] + side * back[0])
            line(canvas, end, wing, colour)


def dot(canvas, centre, radius, colour):
    """A filled circle of at least one pixel; radius in luma samples."""
    pixels = max(1.0, radius * canvas.scale)
    cv2.circle(canvas.image, _pixel(canvas, *centre), round(pixels * (1 << _SHIFT)), colour, -1, cv2.LINE_AA, _SHIFT)


def ring(canvas, centre, radius, colour):
    """A circle; radius in luma samples, at least two pixels."""
    pixels = max(2.0, radius * canvas.scale)
    cv2.circle(canvas.image, _pixel(canvas, *centre), round(pixels * (1 << _SHIFT)), colour, 1, cv2.LINE_AA, _SHIFT)


def badge(canvas, corner, number, side, colour):
    """A filled square with a dark rim, the `number`-th of a row that begins at (x, y); its side in luma samples."""
    pixels = max(3, round(side * canvas.scale))
    x = (int(corner[0]) - canvas.left) * canvas.scale + 2 + number * (pixels + 2)
    y = (int(corner[1]) - canvas.top) * canvas.scale + 2
    cv2.rectangle(canvas.image, (x, y), (x + pixels, y + pixels), (0, 0, 0), -1)
    cv2.rectangle(canvas.image, (x + 1, y + 1), (x + pixels - 1, y + pixels - 1), colour, -1)


def text(image, position, words, colour, size):
    """Words with their lower left corner at pixel `position`."""
    cv2.putText(image, words, position, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
