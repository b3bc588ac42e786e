"""codec.h265.recon.cross_component against docs/BITSTREAM.md written out sample by sample, in Python's integers."""

import numpy as np
import pytest

from codec.h265.intra_modes import (
    CCCM,
    CCCM_ABOVE,
    CCCM_LEFT,
    CCCM_PLANAR,
    CROSS_COMPONENT_MODES,
    LINEAR_MODELS,
    LM,
    MMLM,
)
from codec.h265.recon.intra import SCRATCH_SAMPLES, predict_intra
from codec.h265.recon.intra_reference import REFERENCE_SAMPLES, fetch_reference
from codec.h265.recon.reconstruct import new_scratch, predict_block
from codec.h265.structs import MODE_INTRA
from tests.codec.h265.recon.test_intra_reference import LAYOUTS, make_frame, slow_available

LINES = 4
LIMIT = 8 * 2**14 - 1


def clip(value, low, high):
    return min(max(value, low), high)


def usable_places(frame, x, y, n):
    """{(x, y)} of chroma samples around the block that may be used, sample by sample."""
    found = set()
    around = [(u, v) for v in range(y - LINES, y) for u in range(x - LINES, x + 2 * n)]
    around += [(u, v) for v in range(y, y + 2 * n) for u in range(x - LINES, x)]
    for u, v in around:
        available = slow_available(frame, 2 * x, 2 * y, 2 * u, 2 * v)
        if available and frame.params[0]["constrained_intra_pred"]:
            available = frame.units["pred_mode"][v // 2, u // 2] == MODE_INTRA
        if available:
            found.add((u, v))
    return found


def luma_of(frame, usable, u, v):
    """Luma at a chroma sample, which is usable."""
    left = 2 * u - 1 if (u - 1, v) in usable else 2 * u
    rows = [[int(frame.luma[w, c]) for c in (left, 2 * u, 2 * u + 1)] for w in (2 * v, 2 * v + 1)]
    return sum(a + 2 * b + c for a, b, c in rows) + 4 >> 3


def straight(points):
    """(slope, offset) of the line through (luma, chroma) points."""
    count, sx, sy = len(points), sum(p[0] for p in points), sum(p[1] for p in points)
    spread = count * sum(p[0] ** 2 for p in points) - sx * sx
    slope = 0
    if spread > 0:
        slope = clip((count * sum(p[0] * p[1] for p in points) - sx * sy) * 2**14 // spread, -LIMIT, LIMIT)
    return slope, (sy * 2**14 - slope * sx + count // 2) // count


def lines(luma, chroma, template, block, lines, two, top):
    """LM and MMLM."""
    x, y, n = block
    near = [p for p in template if y - lines <= p[1] < y and x <= p[0] < x + n]
    near += [p for p in template if x - lines <= p[0] < x and y <= p[1] < y + n]
    if not near:
        return [[(top + 1) // 2] * n for _ in range(n)]
    points = [(luma[p], chroma(p)) for p in near]
    threshold = sum(p[0] for p in points) // len(points) if two else top
    dark = straight([p for p in points if p[0] <= threshold])
    bright = [p for p in points if p[0] > threshold]
    bright = straight(bright) if bright else dark

    def value(place):
        slope, offset = bright if luma[place] > threshold else dark
        return clip((slope * luma[place] + offset + 2**13) >> 14, 0, top)

    return [[value((x + i, y + j)) for i in range(n)] for j in range(n)]


def solved(matrix, right):
    """Weights with 14 bits: L D L^T with 16 bits, all divisions and shifts down."""
    size = len(right)
    u, low, right = [row[:] for row in matrix], [[0] * size for _ in range(size)], right[:]
    for j in range(size):
        for i in range(j, size):
            u[i][j] -= sum((low[j][m] * u[i][m]) >> 16 for m in range(j))
        u[j][j] = max(u[j][j], 1)
        for i in range(j + 1, size):
            low[i][j] = clip(u[i][j] * 2**16 // u[j][j], -(2**27), 2**27)
    for i in range(size):
        right[i] -= sum((low[i][m] * right[m]) >> 16 for m in range(i))
    weights = [0] * size
    for i in reversed(range(size)):
        value = right[i] * 2**14 // u[i][i] - sum((low[m][i] * weights[m]) >> 16 for m in range(i + 1, size))
        weights[i] = clip(value, -LIMIT, LIMIT)
    return weights


def taps_of(luma, place, mean, depth):
    u, v = place
    centre = luma[place] - mean
    beside = [luma.get(p, luma[place]) - mean for p in ((u, v - 1), (u, v + 1), (u - 1, v), (u + 1, v))]
    return [centre, *beside, (centre * centre) >> depth, 1 << (depth - 4)]


def convolution(luma, chroma, template, block, depth):
    """CCCM."""
    x, y, n = block
    top = 2**depth - 1
    if not template:
        return [[(top + 1) // 2] * n for _ in range(n)]
    _, _, value = fitted_taps(luma, chroma, template, n, depth)
    return [[clip(value((x + i, y + j)), 0, top) for i in range(n)] for j in range(n)]


def fitted_taps(luma, chroma, template, n, depth):
    """(mean luma, mean chroma, function of a place that gives what CCCM says of it, unclipped)"""
    count = len(template)
    mean = sum(luma[p] for p in template) // count
    offset = sum(chroma(p) for p in template) // count
    rows = [(taps_of(luma, p, mean, depth), chroma(p) - offset) for p in template]
    matrix = [[sum(t[i] * t[j] for t, _ in rows) for j in range(7)] for i in range(7)]
    right = [sum(t[i] * wanted for t, wanted in rows) for i in range(7)]
    slope = clip(right[0] * 2**14 // max(matrix[0][0], 1), -LIMIT, LIMIT)
    right = [r - ((matrix[i][0] * slope) >> 14) for i, r in enumerate(right)]
    for i in range(7):
        matrix[i][i] += count << (2 * depth - 1 - 3 * (n.bit_length() - 1))
    weights = solved(matrix, right)
    weights[0] = clip(weights[0] + slope, -LIMIT, LIMIT)

    def value(place):
        total = sum(w * t for w, t in zip(weights, taps_of(luma, place, mean, depth), strict=True))
        return offset + ((total + 2**13) >> 14)

    return mean, offset, value


def slow_prediction(frame, plane, c_idx, x, y, n, mode):
    usable = usable_places(frame, x, y, n)
    depth = int(frame.params[0]["bit_depth_c"])
    block = {(x + i, y + j) for i in range(n) for j in range(n)}
    luma = {p: luma_of(frame, usable | block, *p) for p in usable | block}
    where = (x, y, n)

    def chroma(place):
        return int(plane[place[1], place[0]])

    if mode in (LM, MMLM):
        return lines(luma, chroma, usable, where, LINES if mode == MMLM else 1, mode == MMLM, 2**depth - 1)
    sides = {CCCM_LEFT: lambda p: p[1] >= y, CCCM_ABOVE: lambda p: p[1] < y}
    template = sorted(filter(sides.get(mode, lambda p: True), usable))
    made = convolution(luma, chroma, template, where, depth)
    if mode == CCCM_PLANAR:
        ref, out = np.zeros(REFERENCE_SAMPLES, np.int16), np.zeros(n * n, np.int16)
        log2_size = n.bit_length() - 1
        fetch_reference(frame, plane, c_idx, x, y, log2_size, ref)
        predict_intra(ref, 0, log2_size, c_idx, depth, out, np.zeros(SCRATCH_SAMPLES, np.int16))
        planar = out.reshape(n, n).tolist()
        made = [[(a + b + 1) >> 1 for a, b in zip(*rows, strict=True)] for rows in zip(made, planar, strict=True)]
    return made


def correlated(rng, frame, kind):
    """Fill the planes so that chroma follows luma, or not."""
    top = 2 ** int(frame.params[0]["bit_depth_y"]) - 1
    if kind == "extremes":
        for plane in (frame.luma, frame.cb, frame.cr):
            plane[:] = rng.integers(0, 2, plane.shape) * top
    elif kind == "flat":
        for plane in (frame.luma, frame.cb, frame.cr):
            plane[:] = top // 3
    elif kind == "follows":
        small = frame.luma[::2, ::2][: frame.cb.shape[0], : frame.cb.shape[1]].astype(np.int64)
        frame.cb[:] = np.clip(small * 3 // 4 + 10 + rng.integers(-2, 3, small.shape), 0, top)
        frame.cr[:] = np.clip(top - small * small // (top + 1) + rng.integers(-3, 4, small.shape), 0, top)


def check(frame, x, y, log2_size, scratch):
    n = 1 << log2_size
    for mode in CROSS_COMPONENT_MODES[:LINEAR_MODELS]:
        for c_idx, plane in ((1, frame.cb), (2, frame.cr)):
            predict_block(frame, plane, c_idx, x, y, log2_size, mode, scratch[0])
            made = scratch[0]["prediction"][: n * n].reshape(n, n).tolist()
            assert made == slow_prediction(frame, plane, c_idx, x, y, n, mode), (c_idx, mode, x, y)


@pytest.mark.parametrize("kind", ["noise", "extremes", "flat", "follows"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: "-".join(map(str, layout.values())))
def test_blocks_of_a_picture(layout, kind):
    """Corners, insides and ends of slices, tiles and the picture, as far as random blocks meet them."""
    rng, scratch = np.random.default_rng(3), new_scratch()
    frame = make_frame(rng, **layout)
    correlated(rng, frame, kind)
    largest = min(layout["log2_ctb"] - 1, 5)
    for log2_size in range(2, largest + 1):
        n = 1 << log2_size
        places = [
            (x, y) for y in range(0, frame.cb.shape[0] - n + 1, n) for x in range(0, frame.cb.shape[1] - n + 1, n)
        ]
        chosen = [0, *rng.choice(len(places), min(len(places), 24 >> (log2_size - 2)), replace=False)]
        for index in chosen:
            check(frame, *places[index], log2_size, scratch)


def test_a_straight_line_is_found():
    """Chroma that is a line of luma comes back, but for what rounding leaves."""
    frame = make_frame(np.random.default_rng(1), 64, 64, 6)
    frame.ctbs["slice_addr"] = 0
    ramp = (np.arange(64)[:, None] * 2 + np.arange(64)[None, :]).astype(np.int16)
    frame.luma[:] = ramp
    frame.cb[:] = ramp[::2, ::2] // 2 + 40
    scratch = new_scratch()
    for mode in (LM, MMLM, CCCM, CCCM_LEFT, CCCM_ABOVE):
        predict_block(frame, frame.cb, 1, 16, 16, 3, mode, scratch[0])
        made = scratch[0]["prediction"][:64].reshape(8, 8)
        assert np.abs(made - frame.cb[16:24, 16:24]).max() <= 2, mode
