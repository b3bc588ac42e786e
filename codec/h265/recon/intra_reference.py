"""(8.4.4.2.2, 8.4.4.2.3) The line of neighbouring samples that intra prediction reads, and its smoothing.

Layout of a reference line `ref` (int16, 4n + 1 samples, for a block of n*n): from the bottom of the left column up to
the corner and on to the right end of the row above, which is the order of the substitution process:
ref[2n - 1 - j] = p[-1][j], ref[2n] = p[-1][-1], ref[2n + 1 + i] = p[i][-1], with i, j in 0..2n-1.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.intra_modes import SMOOTHED
from codec.h265.recon.availability import ctb_available
from codec.h265.recon.order import ZSCAN
from codec.h265.structs import MODE_INTRA

REFERENCE_SAMPLES = 4 * 32 + 1
"""Length of a reference line for the largest transform block."""

_U = np.uint64


@kernel(inline=True)
def neighbour_flags(frame, x, y, size):
    """(6.4.1) Availability of the five neighbouring areas of the block at luma (x, y): one bit each.

    1 left, 2 below left, 4 above, 8 above right, 16 corner; the picture's right and lower ends are left to the caller.
    An area of size*size lies in one CTB and, blocks being aligned to their size, wholly before or after this block in
    z-order, so one test serves all its samples.
    """
    params = frame.params[0]
    log2_ctb = params.log2_ctb_size
    width = params.width_in_ctbs
    mask = (1 << log2_ctb) - 1
    x_in, y_in = x & mask, y & mask
    ctb_x, ctb_y = x >> log2_ctb, y >> log2_ctb
    ctb = ctb_y * width + ctb_x
    left_ctb = x_in > 0 or (ctb_x > 0 and ctb_available(frame, ctb, ctb - 1))
    above_ctb = y_in > 0 or (ctb_y > 0 and ctb_available(frame, ctb, ctb - width))
    order = ZSCAN[y_in >> 2, x_in >> 2]
    flags = 0
    if left_ctb:
        flags |= 1
        if y_in + size <= mask and (x_in == 0 or ZSCAN[(y_in + size) >> 2, (x_in - 1) >> 2] < order):
            flags |= 2
    if above_ctb:
        flags |= 4
        if x_in + size <= mask and (y_in == 0 or ZSCAN[(y_in - 1) >> 2, (x_in + size) >> 2] < order):
            flags |= 8
    # a slice may begin with the CTB above right, when the one above belongs to the slice before
    right_above = x_in + size > mask and y_in == 0 and ctb_y > 0 and ctb_x + 1 < width
    if right_above and ctb_available(frame, ctb, ctb - width + 1):
        flags |= 8
    if x_in > 0:
        corner = above_ctb
    elif y_in > 0:
        corner = left_ctb
    else:
        corner = ctb_x > 0 and ctb_y > 0 and ctb_available(frame, ctb, ctb - width - 1)
    return flags | 16 if corner else flags


@kernel(inline=True)
def constrained_unit(frame, x, y, shift):
    """Whether constrained intra prediction may use the sample (x, y) of a component sub-sampled by `shift`."""
    return frame.units[(y << shift) >> 2, (x << shift) >> 2].pred_mode == MODE_INTRA


@kernel(inline=True)
def _close_run(ref, start, stop, usable, first):
    """(8.4.4.2.2) Substitution for the run ref[start:stop] just visited; returns the new `first`.

    first   index of the first usable sample so far, -1 while there is none
    """
    if usable:
        if first < 0:
            for i in range(_U(start)):
                ref[i] = ref[start]
            return start
    elif first >= 0:
        for i in range(_U(start), _U(stop)):
            ref[i] = ref[start - 1]
    return first


@kernel
def fetch_reference(frame, plane, c_idx, x, y, log2_size, ref):
    """(8.4.4.2.2) Reference line of a transform block, with unavailable samples substituted.

    plane      the component's int16 plane, reconstructed so far (no in-loop filter)
    c_idx      0 luma, 1 Cb, 2 Cr (4:2:0)
    x, y       the block's position in samples of the component, a multiple of its size
    log2_size  2..5
    ref        (>= 4n + 1,) int16, see the module's text
    """
    params = frame.params[0]
    shift = 0 if c_idx == 0 else 1
    n = 1 << log2_size
    width, height = params.pic_width >> shift, params.pic_height >> shift
    constrained = params.constrained_intra_pred != 0
    flags = neighbour_flags(frame, x << shift, y << shift, n << shift)

    first = -1
    pos = 0
    for row in range(y + 2 * n - 4, y - 1, -4):
        usable = (flags & (1 if row < y + n else 2)) != 0 and row < height
        if usable and constrained:
            usable = constrained_unit(frame, x - 1, row, shift)
        if usable:
            for i in range(4):
                ref[pos + i] = plane[row + 3 - i, x - 1]
        first = _close_run(ref, pos, pos + 4, usable, first)
        pos += 4

    usable = (flags & 16) != 0
    if usable and constrained:
        usable = constrained_unit(frame, x - 1, y - 1, shift)
    if usable:
        ref[pos] = plane[y - 1, x - 1]
    first = _close_run(ref, pos, pos + 1, usable, first)
    pos += 1

    for column in range(x, x + 2 * n, 4):
        usable = (flags & (4 if column < x + n else 8)) != 0 and column < width
        if usable and constrained:
            usable = constrained_unit(frame, column, y - 1, shift)
        if usable:
            for i in range(4):
                ref[pos + i] = plane[y - 1, column + i]
        first = _close_run(ref, pos, pos + 4, usable, first)
        pos += 4

    if first < 0:
        middle = 1 << ((params.bit_depth_y if c_idx == 0 else params.bit_depth_c) - 1)
        for i in range(_U(4 * n + 1)):
            ref[i] = middle


@kernel
def needs_filter(mode, log2_size, c_idx):
    """(8.4.4.2.3) filterFlag: whether the reference line of a block is smoothed before prediction (4:2:0)."""
    return c_idx == 0 and SMOOTHED[log2_size - 2, mode]


@kernel(inline=True)
def _is_flat(ref, start, bit_depth):
    """(8.4.4.2.3) Whether one side of 64 samples deviates little from a straight line."""
    bend = np.int32(ref[start]) + np.int32(ref[start + 64]) - 2 * np.int32(ref[start + 32])
    return abs(bend) < 1 << (bit_depth - 5)


@kernel
def filter_reference(ref, n, out, strong, bit_depth):
    """(8.4.4.2.3) Smoothed reference line.

    ref, out   (>= 4n + 1,) int16 lines
    strong     strong_intra_smoothing_enabled_flag of a luma block; acts on n = 32 only
    """
    last = 4 * n
    out[0] = ref[0]
    out[last] = ref[last]
    if strong and n == 32 and _is_flat(ref, 0, bit_depth) and _is_flat(ref, 64, bit_depth):
        low, corner, high = np.int32(ref[0]), np.int32(ref[64]), np.int32(ref[128])
        for i in range(_U(64)):
            weight = np.int32(i)
            out[i] = np.int32(((64 - weight) * low + weight * corner + 32) >> 6)
            out[i + _U(64)] = np.int32(((64 - weight) * corner + weight * high + 32) >> 6)
        return
    one = _U(1)
    for i in range(one, _U(last)):
        out[i] = (np.int32(ref[i - one]) + 2 * np.int32(ref[i]) + np.int32(ref[i + one]) + 2) >> 2
