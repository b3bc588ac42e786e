"""What the filters' nets take, made from a picture's planes: the same for training, encoder and decoder.

Samples and residuals count as 10 bit whatever the bit depth. All functions take arrays with any leading axes.
"""

import numpy as np

_CENTRE = 512
_STRENGTH = 256
_QP = 8


def samples(plane, bit_depth):
    """Samples as 10 bit, minus 512: int16 in -512..511."""
    return (np.asarray(plane, np.int16) << (10 - bit_depth)) - np.int16(_CENTRE)


def residual(plane, bit_depth):
    """A residual as 10 bit, clipped to -512..511."""
    scaled = np.asarray(plane, np.int32) << (10 - bit_depth)
    return np.clip(scaled, -_CENTRE, _CENTRE - 1).astype(np.int16)


def prediction(reconstructed, residual_plane, bit_depth):
    """The prediction, as samples(): what was reconstructed, before any filter, without its residual.

    Where reconstruction clipped a sample it is off by what was cut away; encoder and decoder agree on it.
    """
    difference = np.asarray(reconstructed, np.int32) - residual_plane
    return samples(np.clip(difference, 0, (1 << bit_depth) - 1), bit_depth)


def edges(strengths, height, width):
    """(8.7.2.5) 256 * boundary strength on both sides of each edge, at half resolution: int16 (..., height, width).

    strengths   (..., 2, h, w) as deblock_edges.derive_strengths leaves them: by direction and 4x4 unit, the unit on the
                right of a vertical edge or below a horizontal one
    height, width   of the result; a picture whose sides are no multiples of 4 has units that reach beyond it
    """
    half = np.repeat(np.repeat(np.asarray(strengths, np.int16) * _STRENGTH, 2, -2), 2, -1)[..., :height, :width]
    found = np.zeros(half.shape[:-3] + (height, width), np.int16)
    for direction, across in ((0, -1), (1, -2)):
        edge, out = (np.moveaxis(array, across, -1) for array in (half[..., direction, :, :], found))
        out[..., ::2] = np.maximum(out[..., ::2], edge[..., ::2])
        out[..., 1:-1:2] = np.maximum(out[..., 1:-1:2], edge[..., 2::2])
    return found


def rgb(sixteenths):
    """RGB in sixteenths of an 8-bit step (codec/base/io/rgb.py) as 10 bit, minus 512: int16 in -512..508."""
    return (((np.asarray(sixteenths) + 2) >> 2) - _CENTRE).astype(np.int16)


def qp(value):
    """The slice's QP, as the nets take it: 0..511."""
    return np.clip(_QP * np.asarray(value, np.int16), 0, _CENTRE - 1).astype(np.int16)
