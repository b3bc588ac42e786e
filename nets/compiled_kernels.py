"""Convolution in integers: int16 x int16 -> int32 dot products over contiguous patches of channels-last maps."""

import numpy as np

from codec.base.kernels.jit import kernel

I16 = np.int16
I32 = np.int32
U64 = np.uint64
_ONE = I32(1)


@kernel(inline=True)
def _finish(value, shift, slope, low, high):
    """Slope of negatives, division by 2**shift rounded half to even, clamp."""
    total = I32(shift + slope) if value < 0 else shift
    if total > 0:
        half = I32((_ONE << I32(total - _ONE)) - _ONE)
        odd = I32(I32(value >> total) & _ONE)
        value = I32(I32(value + half + odd) >> total)
    return I16(min(max(value, low), high))


@kernel(inline=True)
def _dot_2x4(patches, p, q, weights, w, length):
    """Eight dot products of `length`: two patches, at p and q, with four rows of weights from w on."""
    a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = I32(0)
    w1 = w + length
    w2 = w1 + length
    w3 = w2 + length
    for k in range(length):
        x = I32(patches[p + k])
        y = I32(patches[q + k])
        m0, m1, m2, m3 = I32(weights[w + k]), I32(weights[w1 + k]), I32(weights[w2 + k]), I32(weights[w3 + k])
        a0 = I32(a0 + x * m0)
        a1 = I32(a1 + x * m1)
        a2 = I32(a2 + x * m2)
        a3 = I32(a3 + x * m3)
        b0 = I32(b0 + y * m0)
        b1 = I32(b1 + y * m1)
        b2 = I32(b2 + y * m2)
        b3 = I32(b3 + y * m3)
    return a0, a1, a2, a3, b0, b1, b2, b3


@kernel
def convolve(source, weights, biases, shifts, slopes, limits, geometry, patches, out):
    """Convolution of one padded map, channels last, with the epilogue of docs/NETS.md.

    source    int16, rows x columns x channels, flat, already padded
    weights   int16, flat: per output channel one row of `length` (ky, kx, channel; zeros behind); rows of a group
              padded with zeros to a multiple of four
    biases, shifts, slopes  int32 per row of weights;  limits  int32: lo, hi
    geometry  int64: out height, out width, source columns, source channels, kernel height, stride, groups,
              pieces of a patch's row and samples in a piece (columns x channels of a group; one piece when all channels
              are in one group), rows of weights in a group, output channels in a group, length
    patches   int16 scratch, 2 * length, zeros;  out  int16, flat: height x width x channels
    """
    height, width, columns, channels, kh, stride, groups, pieces, piece, rows, made, length = geometry
    low, high = limits[0], limits[1]
    second = U64(length)
    for y in range(height):
        for x in range(0, width, 2):
            pair = min(2, width - x)
            for g in range(groups):
                for i in range(pair):
                    at = i * length
                    for v in range(kh):
                        start = ((y * stride + v) * columns + (x + i) * stride) * channels + g * piece
                        for u in range(pieces):
                            first = U64(start + u * channels)
                            to = U64(at + (v * pieces + u) * piece)
                            for k in range(U64(piece)):
                                patches[to + k] = source[first + k]
                for o in range(0, rows, 4):
                    row = g * rows + o
                    sums = _dot_2x4(patches, U64(0), second, weights, U64(row * length), second)
                    count = min(4, made - o)
                    for i in range(pair):
                        place = ((y * width + x + i) * groups + g) * made + o
                        for j in range(count):
                            c = row + j
                            total = I32(sums[4 * i + j] + biases[c])
                            out[place + j] = _finish(total, shifts[c], slopes[c], low, high)


@kernel
def finish_sums(sums, shifts, slopes, limits, out):
    """The epilogue for int32 `sums`, flat, channels last; into int16 `out`."""
    channels = shifts.shape[0]
    for start in range(0, sums.shape[0], channels):
        for c in range(channels):
            out[start + c] = _finish(sums[start + c], shifts[c], slopes[c], limits[0], limits[1])
