"""Quantisers: what they promise about levels, signs and cost, with the syntax walk as judge."""

import numpy as np
import pytest

from codec.h265.cabac import engine
from codec.h265.cabac.contexts import CBF_LUMA, initial_contexts
from codec.h265.cabac.tables import ENTROPY_BITS, ONE_BIT
from codec.h265.encoder.search.residual.level_rates import remaining_bits
from codec.h265.encoder.search.residual.quantise import quantise_plain
from codec.h265.encoder.search.residual.rdoq import RDOQ_SCRATCH, rdoq
from codec.h265.encoder.search.residual.sign_hiding import hide_signs_plainly
from codec.h265.recon.dequant import dequantise
from codec.h265.syntax.residual import code_level_remaining, residual_coding
from codec.h265.syntax.scan import PLACE

FLAT = np.full(1024, 16, np.int16)
SCALING = np.full((4, 6, 1024), 16, np.int16)
QP = 27
LAMBDA = 0.57 * 2 ** ((QP - 12) / 3)


def naive_plain(coeffs, log2_size, qp, bit_depth, offset):
    """sign(c) * ((|c| * quantScale + offset) >> shift), one by one in unbounded integers."""
    scale = [26214, 23302, 20560, 18396, 16384, 14564][qp % 6]
    shift = 14 + qp // 6 + 15 - bit_depth - log2_size
    return [int(np.sign(c)) * min((abs(int(c)) * scale + (offset << (shift - 9))) >> shift, 32767) for c in coeffs]


def random_block(rng, log2_size, spread):
    """Transform coefficients that fall off with frequency, as a residual's do."""
    n = 1 << log2_size
    y, x = np.mgrid[0:n, 0:n]
    return np.rint(rng.laplace(0, spread, (n, n)) / (1 + (x + y) / 2)).astype(np.int16).ravel()


def run_rdoq(coeffs, log2_size, c_idx=0, scan_idx=0, hide=True, qp=QP, lam=LAMBDA):
    levels = np.full(1 << (2 * log2_size), 77, np.int16)
    contexts = initial_contexts(2, 0, qp)
    scratch = np.zeros(1, RDOQ_SCRATCH)
    count = rdoq(
        coeffs, log2_size, c_idx, scan_idx, qp, FLAT, False, 8, lam, contexts, CBF_LUMA + 1, hide, levels, scratch[0]
    )
    return levels, count


def cost(coeffs, levels, log2_size, hide, qp=QP, lam=LAMBDA):
    """J = squared error in sample units + lambda * bits, bits from the syntax walk and the coded block flag."""
    scaled = np.zeros(1024, np.int16)
    dequantise(levels, 0, log2_size, qp, SCALING, 0, False, 8, scaled)
    error = coeffs.astype(np.float64) - scaled[: len(coeffs)]
    squared = (error**2).sum() / 4.0 ** (15 - 8 - log2_size)
    e = engine.new_estimator()
    contexts = initial_contexts(2, 0, qp)
    engine.set_contexts(e, contexts)
    bits = int(ENTROPY_BITS[contexts[CBF_LUMA + 1] ^ int(levels.any())])
    if levels.any():
        residual_coding(e, levels.copy(), 0, log2_size, 0, 0, 0, 0, 0, int(hide))
        bits += int(e.state[0]["bits"])
    return squared + lam * bits / ONE_BIT


@pytest.mark.parametrize("log2_size", [2, 3, 4, 5])
@pytest.mark.parametrize("bit_depth", [8, 10])
def test_plain_quantisation(log2_size, bit_depth):
    rng = np.random.default_rng(log2_size)
    count = 1 << (2 * log2_size)
    blocks = [np.full(count, v, np.int16) for v in (0, -32768, 32767)]
    blocks.append(rng.integers(-32768, 32768, count).astype(np.int16))
    for qp in (0, 17, 51):
        for coeffs in blocks:
            for intra, offset in ((True, 171), (False, 85)):
                levels = np.zeros(count, np.int16)
                nonzero = quantise_plain(coeffs, log2_size, qp, FLAT, False, bit_depth, intra, levels)
                assert levels.tolist() == naive_plain(coeffs, log2_size, qp, bit_depth, offset)
                assert nonzero == np.count_nonzero(levels)


@pytest.mark.parametrize("log2_size", [2, 3, 4, 5])
def test_scaling_matrix_divides(log2_size):
    """A matrix of 32 halves every level against the flat 16."""
    coeffs = (np.arange(1 << (2 * log2_size)) * 64 % 8192).astype(np.int16)
    flat, doubled = np.zeros_like(coeffs), np.zeros_like(coeffs)
    quantise_plain(coeffs, log2_size, 20, FLAT, False, 8, True, flat)
    quantise_plain((coeffs // 2).astype(np.int16), log2_size, 20, FLAT, False, 8, True, flat)
    quantise_plain(coeffs, log2_size, 20, FLAT * 2, True, 8, True, doubled)
    assert np.array_equal(flat, doubled)


@pytest.mark.parametrize("log2_size", [2, 3, 4, 5])
@pytest.mark.parametrize("c_idx,scan_idx", [(0, 0), (0, 1), (0, 2), (1, 0)])
def test_hidden_signs_read_back(log2_size, c_idx, scan_idx):
    """Parity tells the hidden sign in every sub-block: a Reader gets the very levels back."""
    if scan_idx and log2_size > 3:
        pytest.skip("mode dependent scans end at 8x8")
    rng = np.random.default_rng(log2_size * 8 + scan_idx)
    seen = 0
    for _ in range(60):
        coeffs = random_block(rng, log2_size, rng.choice([200, 800, 4000]))
        levels, count = run_rdoq(coeffs, log2_size, c_idx, scan_idx)
        assert count == np.count_nonzero(levels)
        assert not np.any(levels.astype(int) * coeffs < 0)
        if count == 0:
            continue
        seen += 1
        writer = engine.new_writer(np.zeros(16384, np.uint8))
        engine.set_contexts(writer, initial_contexts(2, 0, QP))
        residual_coding(writer, levels.copy(), 0, log2_size, c_idx, scan_idx, 0, 0, 0, 1)
        engine.code_terminate(writer, 1)
        engine.finish_writer(writer)
        reader = engine.new_reader(writer.data)
        engine.set_contexts(reader, initial_contexts(2, 0, QP))
        back = np.zeros_like(levels)
        residual_coding(reader, back, 0, log2_size, c_idx, scan_idx, 0, 0, 0, 1)
        assert np.array_equal(back, levels)
    assert seen > 20


def run_plain(coeffs, log2_size, scan_idx, qp, matrix, use_list):
    """(levels with hidden signs, their number, levels before)"""
    before = np.zeros_like(coeffs)
    count = quantise_plain(coeffs, log2_size, qp, matrix, use_list, 8, True, before)
    levels, scratch = before.copy(), np.zeros(1, RDOQ_SCRATCH)
    contexts = initial_contexts(2, 0, qp)
    count += hide_signs_plainly(coeffs, contexts, log2_size, scan_idx, qp, matrix, use_list, 8, levels, scratch[0])
    return levels, count, before


def hides(levels):
    """(7.4.9.11) Whether a sub-block's levels, in scan order, are such that a sign is hidden."""
    places = np.flatnonzero(levels)
    return len(places) > 0 and places[-1] - places[0] > 3


def agrees(levels):
    return not hides(levels) or (int(np.abs(levels.astype(int)).sum()) & 1) == (levels[np.flatnonzero(levels)[0]] < 0)


@pytest.mark.parametrize("log2_size", [2, 3, 4, 5])
@pytest.mark.parametrize("scan_idx", [0, 1, 2])
@pytest.mark.parametrize("use_list", [False, True])
def test_plain_levels_hide_signs_at_the_least_error(log2_size, scan_idx, use_list):
    """Against every change of one level by one that leaves the rule's condition as it is."""
    if scan_idx and log2_size > 3:
        pytest.skip("mode dependent scans end at 8x8")
    rng = np.random.default_rng(log2_size * 8 + scan_idx)
    matrix = rng.integers(8, 60, 1024).astype(np.int16) if use_list else FLAT
    scale = 26214 * 16 // matrix.astype(int)  # quantScale of QP 24, over the matrix
    changed = 0
    for spread in (100, 300, 1000, 6000, 60000):
        coeffs = np.clip(random_block(rng, log2_size, spread).astype(int), -32768, 32767).astype(np.int16)
        levels, count, before = run_plain(coeffs, log2_size, scan_idx, 24, matrix, use_list)
        assert count == np.count_nonzero(levels)
        exact = np.abs(coeffs.astype(int)) * scale[: len(coeffs)] / 2 ** (25 - log2_size)
        for sub in range(1 << (2 * log2_size - 4)):
            places = PLACE[log2_size - 2, scan_idx, sub * 16 : sub * 16 + 16].astype(int)
            ours, plain = levels[places], before[places]
            assert agrees(ours)
            if agrees(plain):
                assert np.array_equal(ours, plain)
                continue
            changed += 1
            (n,) = np.flatnonzero(ours != plain)
            assert abs(int(ours[n]) - int(plain[n])) == 1 and int(ours[n]) * int(coeffs[places[n]]) >= 0
            is_last = not before[PLACE[log2_size - 2, scan_idx, sub * 16 + 16 : len(coeffs)]].any()
            costs = {}
            for m, at in enumerate(places):
                for step in (1, -1):
                    size = abs(int(plain[m])) + step
                    if size < 0 or size > 32767 or (is_last and m > np.flatnonzero(plain)[-1]):
                        continue
                    tried = plain.copy()
                    tried[m] = -size if coeffs[at] < 0 else size
                    first, last = np.flatnonzero(plain)[[0, -1]]
                    if agrees(tried) and not (size == 0 and m in (first, last)):
                        costs[m, step] = (exact[at] - size) ** 2 - (exact[at] - abs(int(plain[m]))) ** 2
            chosen = costs[n, abs(int(ours[n])) - abs(int(plain[n]))]
            assert chosen <= min(costs.values()) + 1e-6 * (1 + abs(chosen))
    assert changed > 0


@pytest.mark.parametrize("log2_size", [2, 3, 4, 5])
def test_rdoq_costs_less_than_plain_rounding(log2_size):
    """On residuals of a real picture's energy. (Rates are of the block's first contexts, while the judge's adapt.)"""
    rng = np.random.default_rng(log2_size)
    ours, rounded, empty = 0.0, 0.0, 0.0
    for _ in range(40):
        coeffs = random_block(rng, log2_size, 40 * 2 ** (7 - log2_size))
        plain = np.zeros_like(coeffs)
        quantise_plain(coeffs, log2_size, QP, FLAT, False, 8, True, plain)
        levels, _ = run_rdoq(coeffs, log2_size, hide=False)
        ours += cost(coeffs, levels, log2_size, False)
        rounded += cost(coeffs, plain, log2_size, False)
        empty += cost(coeffs, np.zeros_like(coeffs), log2_size, False)
        assert cost(coeffs, levels, log2_size, False) <= 1.001 * cost(coeffs, np.zeros_like(coeffs), log2_size, False)
    assert ours < 0.99 * rounded
    assert ours < 0.99 * empty


def test_extreme_coefficients():
    for value in (-32768, 32767):
        for log2_size in (2, 3, 4, 5):
            coeffs = np.full(1 << (2 * log2_size), value, np.int16)
            levels, count = run_rdoq(coeffs, log2_size, qp=4, lam=1.0)
            assert count == len(coeffs)
            assert not np.any(levels.astype(int) * value < 0)


def test_remaining_bits_are_what_the_walk_counts():
    for rice in range(5):
        for value in [*range(300), 1000, 5000, 32767]:
            e = engine.new_estimator()
            code_level_remaining(e, np.int64(rice), np.int64(value))
            assert remaining_bits(rice, value) == e.state[0]["bits"]
