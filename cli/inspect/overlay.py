"""The overlay of one decoded picture: its layers, and below them the legend."""

import cv2
import numpy as np

from cli.inspect.canvas import automatic_scale, new_canvas, text
from cli.inspect.layers import LAYERS

_BACKGROUND, _WORDS, _TITLE = (28, 28, 28), (205, 205, 205), (255, 255, 255)
_ROW, _MARGIN, _SWATCH, _GAP, _BAR = 24, 10, 16, 18, 96


def draw_overlay(picture, layers, scale, title):
    """uint8 BGR image of a DecodedPicture with statistics.

    layers   names of LAYERS, drawn in that table's order
    scale    pixels per luma sample, 0: automatic_scale
    title    the legend's first words
    """
    image, keys = draw_layers(picture, layers, scale or automatic_scale(picture.planes[0].shape[1]))
    return np.concatenate([image, _legend(image.shape[1], title, keys)])


def draw_layers(picture, layers, scale):
    """(uint8 BGR image without a legend, [Key of each thing that is drawn])."""
    canvas = new_canvas(picture.planes, picture.bit_depths, picture.statistics.window, scale)
    keys = []
    for name, draw in LAYERS.items():
        if name in layers:
            keys += draw(canvas, picture.statistics)
    return canvas.image, keys


def _text_width(words, size):
    return cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, size, 1)[0][0]


def _legend(width, title, keys):
    """A strip of the picture's width with the title and the keys, in as many rows as they need."""
    size = 0.42
    placed, x, row = [], _MARGIN + _text_width(title, size) + 2 * _GAP, 0
    for key in keys:
        mark = {"bar": _BAR, "words": -6}.get(key.kind, _SWATCH)
        needed = mark + 6 + _text_width(key.label, size)
        if x + needed > width - _MARGIN and x > _MARGIN:
            x, row = _MARGIN, row + 1
        placed.append((x, row, mark, key))
        x += needed + _GAP
    strip = np.empty(((row + 1) * _ROW + 6, width, 3), np.uint8)
    strip[:] = _BACKGROUND
    text(strip, (_MARGIN, _ROW - 5), title, _TITLE, size)
    for x, row, mark, key in placed:
        _mark(strip, x, row * _ROW + 3 + _ROW // 2, mark, key)
        text(strip, (x + mark + 6, (row + 1) * _ROW - 5), key.label, _WORDS, size)
    return strip


def _mark(strip, x, y, width, key):
    middle, end = (x + width // 2, y), (x + width, y)
    if key.kind == "area":
        cv2.rectangle(strip, (x, y - 6), (x + width, y + 6), key.colour, -1)
    elif key.kind == "line":
        cv2.line(strip, (x, y), end, key.colour, 1, cv2.LINE_AA)
    elif key.kind == "arrow":
        cv2.arrowedLine(strip, (x, y), end, key.colour, 1, cv2.LINE_AA, tipLength=0.35)
    elif key.kind == "dot":
        cv2.circle(strip, middle, 3, key.colour, -1, cv2.LINE_AA)
    elif key.kind == "ring":
        cv2.circle(strip, middle, 5, key.colour, 1, cv2.LINE_AA)
    elif key.kind == "bar":
        bar = cv2.resize(np.ascontiguousarray(key.colour)[None], (width, 12))
        area = strip[y - 6 : y + 6, x : x + width]
        area[:] = bar[:, : area.shape[1]]
