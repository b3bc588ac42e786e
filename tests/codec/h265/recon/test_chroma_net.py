"""codec.h265.recon.chroma_net against docs/BITSTREAM.md written out place by place, and the net's definition."""

import numpy as np
import pytest

from codec.common.tools.filter_nets import FilterNet
from codec.h265.intra_modes import CCCM, CHROMA_NET, MMLM
from codec.h265.recon.chroma_material import mode_errors, windows
from codec.h265.recon.chroma_net import SIDE_CHANNELS, WINDOW_CHANNELS
from codec.h265.recon.intra import SCRATCH_SAMPLES, predict_intra
from codec.h265.recon.intra_reference import REFERENCE_SAMPLES, fetch_reference
from codec.h265.recon.reconstruct import new_scratch, predict_block
from codec.h265.tools.chroma.apply import load_program
from nets.reference import run
from tests.codec.h265.recon.test_cross_component import (
    clip,
    correlated,
    fitted_taps,
    luma_of,
    slow_prediction,
    usable_places,
)
from tests.codec.h265.recon.test_intra_reference import LAYOUTS, make_frame
from tests.codec.h265.tools.small_nets import chroma_net

LINES, QP = 4, 33


def planar(frame, plane, c_idx, x, y, n):
    depth, log2_size = int(frame.params[0]["bit_depth_c"]), n.bit_length() - 1
    ref, out = np.zeros(REFERENCE_SAMPLES, np.int16), np.zeros(n * n, np.int16)
    fetch_reference(frame, plane, c_idx, x, y, log2_size, ref)
    predict_intra(ref, 0, log2_size, c_idx, depth, out, np.zeros(SCRATCH_SAMPLES, np.int16))
    return out.reshape(n, n).tolist()


def slow_window(frame, x, y, n):
    """(window (channels, rows, columns), vector, CCCM's predictions) as lists of Python's integers."""
    depth = int(frame.params[0]["bit_depth_c"])
    up, middle = 10 - depth, 1 << (depth - 1)
    usable = usable_places(frame, x, y, n)
    block = {(x + i, y + j) for i in range(n) for j in range(n)}
    luma = {p: luma_of(frame, usable | block, *p) for p in usable | block}
    mean = sum(luma[p] for p in usable) // len(usable) if usable else middle
    near = [(u, v) for v in range(y - LINES, y + n) for u in range(x - LINES, x + n)]
    window = np.zeros((WINDOW_CHANNELS, n + LINES, n + LINES), np.int64)
    side = [0] * SIDE_CHANNELS

    def put(channel, place, value):
        window[channel, place[1] - y + LINES, place[0] - x + LINES] = value

    def ten(value):
        return clip(value << up, -512, 511)

    def size(values, weight):
        return min(((weight * sum(map(abs, values))) << up) // len(usable), 511) if usable else 0

    for u, v in near:
        inside, there = (u, v) in block, (u, v) in usable | block
        for channel, (i, j) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)] if there else []):
            put(channel, (u, v), ten(int(frame.luma[2 * v + j, 2 * u + i]) - mean))
        put(12, (u, v), 0 if inside else 511 if there else -512)
        put(13, (u, v), 16 * min(u - x, v - y) if inside else 0)
    base = []
    for k, plane in enumerate((frame.cb, frame.cr)):
        chroma = {p: int(plane[p[1], p[0]]) for p in usable}
        average, errors = middle, {}
        if usable:
            _, average, value = fitted_taps(luma, chroma.get, sorted(usable), n, depth)
            errors = {p: chroma[p] - value(p) for p in usable}
        cccm, lines = (slow_prediction(frame, plane, k + 1, x, y, n, mode) for mode in (CCCM, MMLM))
        smooth = planar(frame, plane, k + 1, x, y, n)
        for p in near:
            if p in block:
                j, i = p[1] - y, p[0] - x
                put(4 + k, p, ten(cccm[j][i] - average))
                put(8 + k, p, ten(lines[j][i] - cccm[j][i]))
                put(10 + k, p, ten(smooth[j][i] - cccm[j][i]))
            elif p in usable:
                put(4 + k, p, ten(chroma[p] - average))
                put(6 + k, p, ten(clip(errors[p], -1023, 1023)))
        side[2 + k] = size(errors.values(), 8)
        side[4 + k] = size([c - average for c in chroma.values()], 4)
        base.append(cccm)
    side[0], side[1] = 8 * QP, 64 * (n.bit_length() - 1)
    side[6] = size([luma[p] - mean for p in usable], 4)
    side[7] = 511 * len(usable) // (LINES * (4 * n + LINES))
    return window, side, np.array(base)


def frame_of(layout, kind, rng):
    frame = make_frame(rng, **layout)
    correlated(rng, frame, kind)
    frame.slices["slice_qp_y"] = QP
    return frame


@pytest.mark.parametrize("kind", ["noise", "extremes", "flat", "follows"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: "-".join(map(str, layout.values())))
def test_what_a_net_takes_and_makes(layout, kind):
    rng, scratch, net = np.random.default_rng(5), new_scratch(), chroma_net()
    frame = frame_of(layout, kind, rng)
    load_program(FilterNet("0", "small", net, None, frozenset(("window", "side")), {"uv": 11}), scratch["net"])
    depth = layout.get("bit_depth", 8)
    for log2_size in range(2, min(layout["log2_ctb"] - 1, 5) + 1):
        n, width = 1 << log2_size, (1 << log2_size) + LINES
        columns, rows = frame.cb.shape[1] // n, frame.cb.shape[0] // n
        chosen = [0, *rng.choice(columns * rows, min(columns * rows, 12 >> (log2_size - 2)), replace=False)]
        places = np.array([(n * (i % columns), n * (i // columns)) for i in chosen], np.int64)
        made, sides = (np.zeros((len(places), *s), np.int16) for s in ((width, width, 14), (8,)))
        base = np.zeros((len(places), 2, n * n), np.int16)
        windows(frame, places, log2_size, depth, scratch, made.reshape(-1), sides.reshape(-1), base)
        for index, (x, y) in enumerate(places.tolist()):
            window, side, cccm = slow_window(frame, x, y, n)
            assert np.array_equal(made[index].transpose(2, 0, 1), window), (x, y, n)
            assert sides[index].tolist() == side and np.array_equal(base[index].reshape(2, n, n), cccm)
            inputs = {"window": window[None], "side": np.array(side)[None, :, None, None]}
            change = run(net, inputs)["uv"][0, :, LINES:, LINES:].astype(np.int64)
            shift = 12 - depth
            wanted = np.clip(cccm + ((change + (1 << (shift - 1))) >> shift), 0, 2**depth - 1)
            for k, plane in enumerate((frame.cb, frame.cr)):
                predict_block(frame, plane, k + 1, x, y, log2_size, CHROMA_NET, scratch[0])
                assert np.array_equal(scratch[0]["prediction"][: n * n].reshape(n, n), wanted[k]), (x, y, n, k)


def test_errors_of_the_other_modes():
    """Those of planar prediction and CCCM, by hand."""
    frame, scratch = frame_of(LAYOUTS[0], "follows", np.random.default_rng(2)), new_scratch()
    places, wanted = np.array([[8, 8], [0, 16]], np.int64), [plane + 3 for plane in (frame.cb, frame.cr)]
    errors = np.zeros((2, 2, 10), np.int64)
    mode_errors(frame, places, 3, 8, *wanted, scratch, errors)
    for (x, y), found in zip(places.tolist(), errors, strict=True):
        for k, plane in enumerate((frame.cb, frame.cr)):
            original = wanted[k][y : y + 8, x : x + 8].astype(np.int64)
            predictions = planar(frame, plane, k + 1, x, y, 8), slow_prediction(frame, plane, k + 1, x, y, 8, CCCM)
            assert found[k, [0, 6]].tolist() == [np.square(original - made).sum() for made in predictions]
