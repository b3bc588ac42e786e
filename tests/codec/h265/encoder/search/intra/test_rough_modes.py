"""rough_modes against the same decisions written plainly: noise, edges, flat and extreme samples.

Predictions, transforms and rough costs are the kernels' own, which have tests of their own; what is written again is
SATD, rates, and everything that is decided.
"""

import itertools

import numpy as np
import pytest

from codec.h265.cabac.contexts import INTRA_CHROMA_PRED_MODE, PREV_INTRA_LUMA_PRED_FLAG
from codec.h265.cabac.tables import ENTROPY_BITS, ONE_BIT
from codec.h265.encoder.search.inter.reference_planes import new_planes
from codec.h265.encoder.search.intra import rough_modes
from codec.h265.encoder.search.intra.rough_modes import rough_block, rough_chroma, rough_luma
from codec.h265.encoder.search.residual.forward_transform import TMP_SAMPLES, forward_transform
from codec.h265.encoder.search.rough_cost import rough_cost
from codec.h265.encoder.search.search_state import SETTINGS, new_search
from codec.h265.recon.dequant import chroma_qp
from codec.h265.recon.intra import SCRATCH_SAMPLES, predict_intra
from codec.h265.recon.intra_reference import REFERENCE_SAMPLES, fetch_reference, filter_reference, needs_filter
from tests.codec.h265.recon.test_intra_reference import make_frame

SIZE = 128
MPM = [0, 1, 26], [10, 9, 11], [34, 33, 3], [26, 10, 0]


def plane_of(kind, rng, size, top):
    """A plane of samples in 0..top."""
    rows, columns = np.indices((size, size))
    planes = {
        "noise": lambda: rng.integers(0, top + 1, (size, size)),
        "flat": lambda: np.full((size, size), top // 3),
        "checker": lambda: (rows + columns) % 2 * top,
        "slope": lambda: (3 * columns + rows + rng.integers(0, 4, (size, size))) * top // (4 * size + 4),
        "edges": lambda: np.where((2 * columns + 5 * rows) // 24 % 2, top, 0),
        "blocks": lambda: np.kron(rng.integers(0, top + 1, (size // 8, size // 8)), np.ones((8, 8), int)),
    }
    return planes[kind]().astype(np.int16)


KINDS = "noise", "flat", "checker", "slope", "edges", "blocks"


def put(work, name, value):
    """A field of the settings, or of the unit at hand."""
    work["settings" if name in SETTINGS.names else "unit"][name] = value


def make_search(kind, seed, bit_depth=8, **settings):
    """(frame, search): the source of that kind, and a noisy picture of it as what is coded so far."""
    rng = np.random.default_rng(seed)
    top = (1 << bit_depth) - 1
    frame = make_frame(rng, SIZE, SIZE, 6, bit_depth=bit_depth)
    frame.params["strong_intra_smoothing"] = seed & 1
    frame.params["cb_qp_offset"], frame.params["cr_qp_offset"] = 3, -2
    source = [plane_of(kind, rng, size, top) for size in (SIZE, SIZE // 2, SIZE // 2)]
    for plane, original in zip((frame.luma, frame.cb, frame.cr), source, strict=True):
        plane[:] = np.clip(original + rng.integers(-3, 4, plane.shape), 0, top)
    qp_map, planes = np.zeros((1, 1, 1), np.int8), new_planes(frame.params[0], 0)
    search = new_search(*source, qp_map, source, planes)
    work = search.work[0]
    for name, value in dict(
        lambda_mode=57.0, sqrt_lambda=57.0**0.5, lambda_rdoq=(57.0, 50.0, 61.0), weight_cb=1.2, weight_cr=0.9, qp_y=30,
        modes_small=8, modes_large=3, mode_limit=(2.0, 1.4, 1.25, 1.25, 1.05), full_limit=(1.3, 1.15, 1.1, 1.1),
        try_probable_modes=1, all_modes=1, chroma_modes=5, chroma_limit=1.2,
    ).items():  # fmt: skip
        put(work, name, settings.pop(name, value))
    for name, value in settings.items():
        put(work, name, value)
    search.estimator.state[0]["contexts"] = rng.integers(0, 126, search.estimator.state[0]["contexts"].shape)
    return frame, search


def slow_satd(difference):
    """Half (4x4), or a quarter (8x8), of the sum of |Hadamard coefficients|, rounded, over all blocks."""
    size = min(len(difference), 8)
    signs = np.array([[1 - 2 * ((i & j).bit_count() & 1) for j in range(size)] for i in range(size)])
    total = 0
    for y, x in itertools.product(range(0, len(difference), size), repeat=2):
        block = signs @ difference[y : y + size, x : x + size].astype(np.int64) @ signs
        total += (int(np.abs(block).sum()) + (1 if size == 4 else 2)) >> (1 if size == 4 else 2)
    return total


def prediction(frame, plane, c_idx, x, y, log2_size, mode):
    """(8.4.4.2) A predicted block, n x n."""
    line, smooth = np.zeros(REFERENCE_SAMPLES, np.int16), np.zeros(REFERENCE_SAMPLES, np.int16)
    n, bit_depth = 1 << log2_size, int(frame.params["bit_depth_y"][0])
    fetch_reference(frame, plane, c_idx, x, y, log2_size, line)
    filter_reference(line, n, smooth, int(frame.params["strong_intra_smoothing"][0]), bit_depth)
    out = np.zeros(n * n, np.int16)
    used = smooth if needs_filter(mode, log2_size, c_idx) else line
    predict_intra(used, mode, log2_size, c_idx, bit_depth, out, np.zeros(SCRATCH_SAMPLES, np.int16))
    return out.reshape(n, n)


def block_cost(frame, source, predicted, c_idx, qp, lam, is_dst):
    """rough_cost of what a prediction leaves."""
    log2_size, bit_depth = len(source).bit_length() - 1, int(frame.params["bit_depth_y"][0])
    coeffs, scratch = np.zeros(source.size, np.int16), np.zeros(TMP_SAMPLES, np.int16)
    residual = (source.astype(np.int64) - predicted).astype(np.int16).ravel()
    forward_transform(residual, 0, log2_size, is_dst, bit_depth, coeffs, scratch)
    return rough_cost(coeffs, log2_size, qp, bit_depth, float(lam))[0]


def mode_bits(search, mpm, mode):
    """Rate of a luma mode in 1/32768 bit."""
    state = int(search.estimator.state[0]["contexts"][PREV_INTRA_LUMA_PRED_FLAG])
    if mode in mpm:
        return int(ENTROPY_BITS[state ^ 1]) + (1 if mode == mpm[0] else 2) * ONE_BIT
    return int(ENTROPY_BITS[state]) + 5 * ONE_BIT


def likely(work, x, y, log2_size, mpm):
    """The modes that a planned CTU looks at."""
    rough = int(work["rough"]["modes"][log2_size - 2, y % 64 // 4, x % 64 // 4])
    return {0, 1, *mpm, *(mode for mode in (rough - 1, rough, rough + 1) if 2 <= mode < 35)}


def slow_luma(frame, search, x, y, log2_size, mpm):
    """(modes in order, least rough cost) as rough_luma should find them. Luma of a 64x64 block is overwritten."""
    work, n = search.work[0], 1 << log2_size
    source = search.luma[y : y + n, x : x + n]
    weight = float(work["settings"]["sqrt_lambda"]) / ONE_BIT
    modes = range(35)
    if work["rough"]["planned"] and not work["settings"]["all_modes"] and log2_size <= 5:
        modes = sorted(likely(work, x, y, log2_size, mpm))
    if log2_size == 6:
        frame.luma[y : y + n, x : x + n] = source
    side = min(log2_size, 5)
    parts = [(u, v) for v in range(0, n, 1 << side) for u in range(0, n, 1 << side)]
    costs, predictions = {}, {}
    for mode in modes:
        cost = weight * mode_bits(search, mpm, mode)
        for u, v in parts:
            predictions[mode] = prediction(frame, frame.luma, 0, x + u, y + v, side, mode)
            part = source[v : v + (1 << side), u : u + (1 << side)].astype(np.int64)
            cost += slow_satd(part - predictions[mode])
        costs[mode] = cost
    order = sorted(costs, key=lambda mode: (costs[mode], mode))
    limit = float(work["settings"]["mode_limit"][log2_size - 2]) * costs[order[0]]
    chosen = [
        m
        for m in order[: int(work["settings"]["modes_small" if log2_size <= 3 else "modes_large"])]
        if costs[m] <= limit
    ]
    if work["settings"]["try_probable_modes"]:
        for mode in mpm:
            if mode not in chosen and costs[mode] <= limit:
                chosen.append(mode)
    least = costs[chosen[0]]
    if log2_size == 6 or work["unit"]["bypass"]:
        return chosen, least
    lam, qp = (
        float(work["settings"]["lambda_mode"]),
        int(work["unit"]["qp_y"]) + 6 * (int(frame.params["bit_depth_y"][0]) - 8),
    )
    full = {}
    for mode in chosen:
        cost = block_cost(frame, source, predictions[mode], 0, qp, lam, log2_size == 2)
        full[mode] = cost + lam * mode_bits(search, mpm, mode) / ONE_BIT
    chosen.sort(key=lambda mode: full[mode])
    return [
        m for m in chosen if full[m] <= float(work["settings"]["full_limit"][log2_size - 2]) * full[chosen[0]]
    ], least


def places(log2_size):
    """Blocks at the picture's corner, inside, and at its end."""
    n = 1 << log2_size
    return sorted({(0, 0), (n % SIZE, 0), (64, 64), (SIZE - n, SIZE - 2 * n if n < 64 else 64)})


def check_luma(frame, search, log2_size, mpm):
    for x, y in places(log2_size):
        before = frame.luma.copy()
        expected, least = slow_luma(frame, search, x, y, log2_size, mpm)
        frame.luma[:] = before
        work = search.work[0]
        work["intra"]["mpm"] = mpm
        work["intra"]["rates"] = [mode_bits(search, mpm, mode) for mode in range(35)]
        count = rough_luma(frame, search, x, y, log2_size)
        assert work["intra"]["candidates"][:count].tolist() == expected, (x, y)
        assert work["intra"]["least"] == pytest.approx(least, rel=1e-12)
        frame.luma[:] = before


@pytest.mark.parametrize("log2_size", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("kind", KINDS)
def test_luma_modes(kind, log2_size):
    frame, search = make_search(kind, log2_size)
    check_luma(frame, search, log2_size, MPM[KINDS.index(kind) % len(MPM)])


@pytest.mark.parametrize(
    "settings",
    [
        dict(try_probable_modes=0),
        dict(modes_small=1, modes_large=1, mode_limit=(1.0,) * 5, full_limit=(1.0,) * 4),
        dict(modes_small=35, modes_large=35, mode_limit=(9.0,) * 5, full_limit=(9.0,) * 4),
        dict(bypass=1),
        dict(qp_y=51, lambda_mode=4000.0, sqrt_lambda=4000.0**0.5),
        dict(bit_depth=10, qp_y=-12),
    ],
    ids=lambda settings: "-".join(settings),
)
@pytest.mark.parametrize("kind", ["noise", "edges", "checker"])
def test_luma_modes_by_settings(kind, settings):
    for log2_size in (2, 4, 6):
        frame, search = make_search(kind, 5, **settings)
        check_luma(frame, search, log2_size, MPM[1])


@pytest.mark.parametrize("found", [0, 1, 2, 17, 34])
def test_a_planned_ctu_looks_at_likely_modes(found):
    for log2_size in (2, 3, 5):
        frame, search = make_search("slope", found, all_modes=0, modes_small=12, modes_large=12)
        search.work[0]["rough"]["planned"], search.work[0]["rough"]["modes"] = 1, found
        check_luma(frame, search, log2_size, MPM[2])
        tried = search.work[0]["intra"]["costs"] < np.inf
        assert set(np.flatnonzero(tried)) == likely(search.work[0], 0, 0, log2_size, MPM[2])


def slow_block(frame, search, x, y, log2_size):
    """(mode, rough cost) as rough_block should find them."""
    work, n = search.work[0], 1 << log2_size
    source = search.luma[y : y + n, x : x + n]

    def satd_of(mode):
        return slow_satd(source.astype(np.int64) - prediction(frame, frame.luma, 0, x, y, log2_size, mode))

    angle = min(range(2, 35, 4), key=satd_of)
    for step in (2, 1):
        centre = angle
        angle = min([centre, *(m for m in (centre - step, centre + step) if 2 <= m < 35)], key=satd_of)
    mode = min((0, 1, angle), key=satd_of)
    qp = int(work["unit"]["qp_y"]) + 6 * (int(frame.params["bit_depth_y"][0]) - 8)
    lam = float(work["settings"]["lambda_mode"])
    predicted = prediction(frame, frame.luma, 0, x, y, log2_size, mode)
    return mode, block_cost(frame, source, predicted, 0, qp, lam, log2_size == 2) + rough_modes._MODE_BITS * lam


@pytest.mark.parametrize("bit_depth", [8, 10])
@pytest.mark.parametrize("kind", KINDS)
def test_rough_block(kind, bit_depth):
    frame, search = make_search(kind, 11, bit_depth)
    for log2_size in (2, 3, 4, 5):
        for x, y in places(log2_size):
            mode, cost = slow_block(frame, search, x, y, log2_size)
            assert rough_block(frame, search, x, y, log2_size) == pytest.approx(cost, rel=1e-12)
            assert search.work[0]["rough"]["modes"][log2_size - 2, y % 64 // 4, x % 64 // 4] == mode, (x, y)


def slow_chroma(frame, search, x0, y0, log2_cb_size, luma_mode):
    """The values of intra_chroma_pred_mode in order."""
    work, bit_depth = search.work[0], int(frame.params["bit_depth_c"][0])
    lam, log2_size = float(work["settings"]["lambda_mode"]), min(log2_cb_size - 1, 5)
    state, n = int(search.estimator.state[0]["contexts"][INTRA_CHROMA_PRED_MODE]), 1 << log2_size
    coded = lam * (int(ENTROPY_BITS[state ^ 1]) + 2 * ONE_BIT) / ONE_BIT
    costs = [coded] * 4 + [lam * int(ENTROPY_BITS[state]) / ONE_BIT]
    x, y = x0 >> 1, y0 >> 1
    for c_idx, (plane, source, weight, offset) in enumerate(
        (
            (frame.cb, search.cb, work["settings"]["weight_cb"], 3),
            (frame.cr, search.cr, work["settings"]["weight_cr"], -2),
        ),
        1,
    ):
        qp = int(chroma_qp(int(work["unit"]["qp_y"]), offset, bit_depth))
        for idc in range(5):
            mode = luma_mode if idc == 4 else (0, 26, 10, 1)[idc]
            mode = 34 if idc < 4 and mode == luma_mode else mode
            predicted = prediction(frame, plane, c_idx, x, y, log2_size, mode)
            block, by_component = source[y : y + n, x : x + n], work["settings"]["lambda_rdoq"][c_idx]
            costs[idc] += float(weight) * block_cost(frame, block, predicted, c_idx, qp, by_component, False)
    order = sorted(range(5), key=lambda idc: costs[idc])
    return [idc for idc in order if costs[idc] <= float(work["settings"]["chroma_limit"]) * costs[order[0]]]


@pytest.mark.parametrize("luma_mode", [0, 1, 10, 26, 17])
@pytest.mark.parametrize("kind", KINDS)
def test_chroma_modes(kind, luma_mode):
    for bit_depth, limit in ((8, 1.2), (10, 9.0), (8, 1.0)):
        frame, search = make_search(kind, luma_mode, bit_depth, chroma_limit=limit)
        for log2_cb_size in (3, 4, 6):
            expected = slow_chroma(frame, search, 64, 0, log2_cb_size, luma_mode)
            count = rough_chroma(frame, search, 64, 0, log2_cb_size, luma_mode)
            assert search.work[0]["intra"]["candidates"][:count].tolist() == expected


def test_one_chroma_mode_is_that_of_luma():
    frame, search = make_search("noise", 1, chroma_modes=1)
    assert rough_chroma(frame, search, 0, 0, 4, 9) == 1
    assert search.work[0]["intra"]["candidates"][0] == 4
