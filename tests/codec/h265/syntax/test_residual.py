"""(7.3.8.11) residual_coding: the reader reads what the writer writes, the estimator's rate is close to the bits."""

import numpy as np
import pytest

from codec.h265.cabac import engine
from codec.h265.cabac.contexts import initial_contexts
from codec.h265.cabac.tables import ONE_BIT
from codec.h265.syntax.residual import code_level_remaining, residual_coding

_BUFFER = np.zeros(1 << 16, np.uint8)
_SCANS = {2: (0, 1, 2), 3: (0, 1, 2), 4: (0,), 5: (0,)}


def scan_order(log2_size, scan_idx):
    """(6.5.3 - 6.5.5) Positions (x, y) of a square of 1 << log2_size in scan order."""
    size = 1 << log2_size
    if scan_idx == 0:
        return [(s - y, y) for s in range(2 * size - 1) for y in range(size - 1, -1, -1) if 0 <= s - y < size]
    pairs = [(a, b) for b in range(size) for a in range(size)]
    return pairs if scan_idx == 1 else [(b, a) for a, b in pairs]


def sub_block_order(log2_size, scan_idx):
    """The 4x4 sub-blocks in scan order; a horizontally scanned 8x8 block goes through its halves row by row."""
    if log2_size == 3 and scan_idx == 1:
        return [(0, 0), (1, 0), (0, 1), (1, 1)]
    return scan_order(log2_size - 2, scan_idx)


def hide_signs(block, scan_idx):
    """(7.4.9.11) Make the parity of each sub-block tell its hidden sign."""
    for xs, ys in sub_block_order(block.shape[0].bit_length() - 1, scan_idx):
        positions = [(ys * 4 + y, xs * 4 + x) for x, y in scan_order(2, scan_idx)]
        significant = [n for n, position in enumerate(positions) if block[position]]
        if significant and significant[-1] - significant[0] > 3:
            odd = sum(abs(int(block[positions[n]])) for n in significant) & 1
            first = positions[significant[0]]
            block[first] = -abs(block[first]) if odd else abs(block[first])


def random_block(rng, log2_size, kind):
    size = 1 << log2_size
    block = np.zeros((size, size), np.int64)
    if kind == "one":
        block[rng.integers(size), rng.integers(size)] = rng.choice([-1, 1, 2, -3, 300])
    elif kind == "sparse":
        mask = rng.random((size, size)) < 0.05
        block = np.where(mask, rng.integers(-3, 4, (size, size)), 0)
    elif kind == "dense":
        block = rng.integers(-20, 21, (size, size))
    elif kind == "ones":
        block = rng.choice([-1, 1], (size, size))
    elif kind == "extreme":
        block = rng.choice([-32767, -256, -1, 0, 1, 255, 4096, 32767], (size, size))
    elif kind == "low frequencies":
        scale = 60 / (1 + np.add.outer(np.arange(size), np.arange(size)) ** 1.5)
        block = np.round(rng.laplace(0, 1, (size, size)) * scale).astype(np.int64)
    if not block.any():
        block[0, 0] = 1
    return block.astype(np.int16)


_KINDS = ("one", "sparse", "dense", "ones", "extreme", "low frequencies")


def round_trip(blocks, log2_size, c_idx, scan_idx, skip_enabled, bypass, hiding, rng):
    """Write blocks one after another, read and count them. -> (bits written, bits estimated)"""
    contexts = initial_contexts(2, 0, 30)
    n = 1 << (2 * log2_size)
    skips = rng.integers(0, 2, len(blocks)) if skip_enabled and not bypass and log2_size == 2 else [0] * len(blocks)
    writer, estimator = engine.new_writer(_BUFFER), engine.new_estimator()
    for e in (writer, estimator):
        engine.set_contexts(e, contexts)
        for block, skip in zip(blocks, skips, strict=True):
            coeffs = np.concatenate([np.full(16, 99, np.int16), block.ravel(), np.full(16, 99, np.int16)])
            arguments = (coeffs, 16, log2_size, c_idx, scan_idx, skip_enabled, int(skip), bypass, hiding)
            assert residual_coding(e, *arguments) == skip
    engine.code_terminate(writer, 1)
    length = int(engine.finish_writer(writer))
    reader = engine.new_reader(_BUFFER[:length].copy())
    engine.set_contexts(reader, contexts)
    for block, skip in zip(blocks, skips, strict=True):
        coeffs = np.full(n + 32, 99, np.int16)
        assert residual_coding(reader, coeffs, 16, log2_size, c_idx, scan_idx, skip_enabled, 0, bypass, hiding) == skip
        np.testing.assert_array_equal(coeffs[16 : 16 + n], block.ravel())
        assert (coeffs[:16] == 99).all() and (coeffs[16 + n :] == 99).all()
    assert engine.code_terminate(reader, 0) == 1
    assert engine.reader_byte_position(reader) == length
    assert reader.state[0]["error"] == 0
    np.testing.assert_array_equal(engine.get_contexts(reader), engine.get_contexts(writer))
    np.testing.assert_array_equal(engine.get_contexts(reader), engine.get_contexts(estimator))
    return 8 * length, estimator.state[0]["bits"] / ONE_BIT


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("log2_size", [2, 3, 4, 5])
def test_levels_survive(log2_size, kind):
    rng = np.random.default_rng(log2_size)
    for scan_idx in _SCANS[log2_size]:
        for c_idx in (0, 1):
            for skip_enabled, bypass, hiding in ((0, 0, 0), (1, 0, 1), (1, 1, 1), (0, 1, 0), (0, 0, 1)):
                blocks = [random_block(rng, log2_size, kind) for _ in range(4)]
                if hiding and not bypass:
                    for block in blocks:
                        hide_signs(block, scan_idx)
                round_trip(blocks, log2_size, c_idx, scan_idx, skip_enabled, bypass, hiding, rng)


@pytest.mark.parametrize("log2_size", [2, 3, 4, 5])
def test_estimate_is_close_to_the_bits(log2_size):
    rng = np.random.default_rng(9)
    blocks = [random_block(rng, log2_size, "low frequencies") for _ in range(2000 >> log2_size)]
    written, estimated = round_trip(blocks, log2_size, 0, 0, 0, 0, 0, rng)
    assert abs(estimated + 8 - written) < 16 + 0.01 * written


@pytest.mark.parametrize("rice", range(5))
def test_level_remaining_over_its_whole_range(rice):
    values = sorted({*range(300), *(2**k + d for k in range(3, 16) for d in (-1, 0, 1)), 32767, 65535})
    writer = engine.new_writer(_BUFFER)
    for value in values:
        assert code_level_remaining(writer, rice, value) == value
    engine.code_terminate(writer, 1)
    length = engine.finish_writer(writer)
    reader = engine.new_reader(_BUFFER[:length].copy())
    assert [code_level_remaining(reader, rice, 0) for _ in values] == values


def prefix_and_suffix(value, rice):
    """(9.3.3.11) The bins of coeff_abs_level_remaining, as text."""
    prefix = min(4, value >> rice)
    if prefix < 4:
        return "1" * prefix + "0" + (format(value & ((1 << rice) - 1), f"0{rice}b") if rice else "")
    rest, k, bins = value - (4 << rice), rice + 1, "1111"
    while rest >= 1 << k:
        bins, rest, k = bins + "1", rest - (1 << k), k + 1
    return bins + "0" + format(rest, f"0{k}b")


@pytest.mark.parametrize("rice", range(5))
def test_level_remaining_has_the_bins_of_the_standard(rice):
    for value in (0, 1, 2, 3, 7, 8, 40, 63, 64, 65, 1000, 30000):
        estimator = engine.new_estimator()
        code_level_remaining(estimator, rice, value)
        assert estimator.state[0]["bits"] == len(prefix_and_suffix(value, rice)) * ONE_BIT


def test_an_endless_prefix_is_an_error():
    reader = engine.new_reader(np.full(200, 255, np.uint8))
    coeffs = np.zeros(16, np.int16)
    residual_coding(reader, coeffs, 0, 2, 0, 0, 0, 0, 0, 0)
    assert reader.state[0]["error"] != 0 or code_level_remaining(reader, 0, 0) == -1


@pytest.mark.parametrize("log2_size", [2, 3, 4, 5])
def test_garbage_stays_inside_the_block(log2_size):
    rng = np.random.default_rng(3)
    for _ in range(200):
        reader = engine.new_reader(rng.integers(0, 256, 40).astype(np.uint8))
        engine.set_contexts(reader, rng.integers(0, 126, len(engine.get_contexts(reader))).astype(np.uint8))
        coeffs = np.full((1 << 2 * log2_size) + 64, 99, np.int16)
        scan_idx = int(rng.choice(_SCANS[log2_size]))
        residual_coding(reader, coeffs, 32, log2_size, int(rng.integers(2)), scan_idx, 1, 0, 0, 1)
        assert (coeffs[:32] == 99).all() and (coeffs[-32:] == 99).all()
