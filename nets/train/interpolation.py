"""Sets of interpolation filters by least squares, between which blocks choose (docs/TRAINING.md).

After Murn et al. 2020 (linear nets for interpolation are filters), without gradients: each set is the least squares
solution over the blocks that choose it, blocks choose again, and so on, as in k-means. What a block chooses by is the
bits that a Gaussian residual of its error takes, and those of the choice; what it counts for in the sums is the inverse
of its error, as bits go by ratios.
"""

import numpy as np

from nets.filter_bank import FIRST_QP, FRACTION, PHASES, QP_STEP, SIDE, FilterBank
from nets.train.motion_blocks import UNIT, mirrored

TAPS = SIDE * SIDE
_CHUNK = 20000
_MIDDLE = 128.0
# (table 8-11) the standard's filters at 0, 1/4 and 1/2
_STANDARD = np.array([[0, 0, 0, 64, 0, 0, 0, 0], [-1, 4, -10, 58, 17, -5, 1, 0], [-1, 4, -11, 40, 40, -11, 4, -1]]) / 64
# bits of choosing the standard's filters, and of choosing trained ones, beside those of which
_STANDARD_BITS, _TRAINED_BITS = 1.0, 1.5


def standard_filter(phase):
    """(64,) the standard's filter of one of the nine phases."""
    return np.outer(_STANDARD[phase >> 2], _STANDARD[phase & 3]).ravel()


def features(windows):
    """(16 * n, 64) float32: what the taps of each sample of (n, 11, 11) windows see."""
    views = np.lib.stride_tricks.sliding_window_view(windows.astype(np.float32), (SIDE, SIDE), axis=(1, 2))
    return np.ascontiguousarray(views).reshape(-1, TAPS)


def group_errors(blocks, filters):
    """(groups, sets) squared errors of predictions, and (groups,) samples. filters: {phase: (64, sets)}"""
    sets = next(iter(filters.values())).shape[1]
    errors, counts = np.zeros((blocks.groups, sets)), np.zeros(blocks.groups)
    for phase, (windows, wanted, group) in blocks.phases.items():
        weights = filters[phase].astype(np.float32)
        for first in range(0, len(group), _CHUNK):
            part = slice(first, first + _CHUNK)
            made = np.clip(features(windows[part]) @ weights, 0, 255)
            square = np.square(made - wanted[part].reshape(-1, 1)).reshape(-1, UNIT * UNIT, sets).sum(1)
            for k in range(sets):
                errors[:, k] += np.bincount(group[part], square[:, k], blocks.groups)
        counts += UNIT * UNIT * np.bincount(group, minlength=blocks.groups)
    return errors, counts


def choice_bits(errors, counts, qp):
    """(groups, sets) bits of a block's residual and of its choice."""
    trained = max(errors.shape[1] - 1, 1)
    choice = np.array([_STANDARD_BITS] + [_TRAINED_BITS + np.log2(trained)] * (errors.shape[1] - 1))
    mean = errors / np.maximum(counts, 1)[:, None]
    return counts[:, None] * 0.5 * np.log2(1 + mean / _noise(qp)) + choice


def _noise(qp):
    """Mean squared error of a uniform quantiser with the step of this QP."""
    return 2 ** ((qp - 4) / 3) / 12


def _sums(blocks, chosen, weight, sets):
    """Normal equations of each trained set: {phase: ((sets, 64, 64), (sets, 64))} over the blocks that chose it."""
    found = {}
    for phase, (windows, wanted, group) in blocks.phases.items():
        matrix, right = np.zeros((sets, TAPS, TAPS)), np.zeros((sets, TAPS))
        for k in range(1, sets):
            places = np.flatnonzero(chosen[group] == k)
            for first in range(0, len(places), _CHUNK):
                part = places[first : first + _CHUNK]
                scale = np.repeat(np.sqrt(weight[group[part]]), UNIT * UNIT).astype(np.float32)[:, None]
                seen = (features(windows[part]) - np.float32(_MIDDLE)) * scale
                target = (wanted[part].reshape(-1, 1).astype(np.float32) - np.float32(_MIDDLE)) * scale
                matrix[k] += seen.T @ seen
                right[k] += (seen.T @ target).ravel()
        found[phase] = matrix, right
    return found


def solve(matrix, right, phase, ridge):
    """(64,) the filter, whose weights add up to 1, of least weighted error; `ridge` holds it to the standard's.

    A half is its own mirror image: what its filter is fitted to is mirrored as well.
    """
    index = np.arange(TAPS).reshape(SIDE, SIDE)
    y, x = phase >> 2, phase & 3
    flips = [index[:, ::-1]] * (x == 2) + [index[::-1]] * (y == 2) + [index[::-1, ::-1]] * (x == 2 and y == 2)
    total, target = matrix.copy(), right.copy()
    for flip in flips:
        order = flip.ravel()
        total += matrix[np.ix_(order, order)]
        target += right[order]
    start = standard_filter(phase)
    held = total + np.eye(TAPS) * max(ridge * np.trace(total) / TAPS, 1e-9)
    bordered = np.ones((TAPS + 1, TAPS + 1))
    bordered[:TAPS, :TAPS], bordered[TAPS, TAPS] = held, 0
    return start + np.linalg.solve(bordered, np.append(target - total @ start, 0))[:TAPS]


def fit_sets(blocks, qp, sets, rounds, ridge, show=lambda bits, shares: None):
    """{phase: (64, 1 + sets)}: the standard's filter and the trained ones of the phases that there are blocks of.

    A set begins as the solution over the blocks that none before it has won from the standard's filters.
    rounds  of choosing and solving whenever a set has come
    show(bits, shares)   after each: bits against those with the standard's filters alone; share of each set
    """
    filters = {phase: standard_filter(phase)[:, None] for phase in blocks.phases}
    errors, counts = group_errors(blocks, filters)
    weight = 1 / (errors[:, 0] / np.maximum(counts, 1) + _noise(qp))
    without = choice_bits(errors, counts, qp).sum()
    chosen = np.zeros(blocks.groups, int)
    for count in range(2, sets + 2):
        sums = _sums(blocks, np.where(chosen == 0, count - 1, 0), weight, count)
        filters = {
            phase: np.concatenate([kept, solve(*(part[count - 1] for part in sums[phase]), phase, ridge)[:, None]], 1)
            for phase, kept in filters.items()
        }
        for _ in range(rounds):
            errors, counts = group_errors(blocks, filters)
            bits = choice_bits(errors, counts, qp)
            chosen = bits.argmin(1)
            show(bits.min(1).sum() / without, np.bincount(chosen, counts, count) / counts.sum())
            sums = _sums(blocks, chosen, weight, count)
            for phase in filters:
                for k in range(1, count):
                    filters[phase][:, k] = solve(*(part[k] for part in sums[phase]), phase, ridge)
    return filters


def integers(weights):
    """(8, 8) int16 of a filter (64,) whose weights add up to 1: rounded, and the largest remainders make up the sum."""
    scaled = weights * (1 << FRACTION)
    rounded = np.rint(scaled).astype(np.int64)
    missing = (1 << FRACTION) - int(rounded.sum())
    order = np.argsort(-(scaled - rounded) * np.sign(missing or 1), kind="stable")
    rounded[order[: abs(missing)]] += np.sign(missing)
    return rounded.astype(np.int16).reshape(SIDE, SIDE)


def make_bank(by_band, sets, info):
    """The FilterBank of [filters of fit_sets] by band. A phase without any blocks keeps the standard's filter."""
    bank = np.zeros((len(by_band), sets, PHASES, SIDE, SIDE), np.int16)
    for band, filters in enumerate(by_band):
        for phase in range(PHASES):
            kept, flip_rows, flip_columns = mirrored(phase)
            for k in range(sets):
                weights = filters[kept][:, 1 + k] if kept in filters else standard_filter(kept)
                made = integers(weights)
                bank[band, k, phase] = made[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
    return FilterBank(bank, info)


def measured_bits(blocks, bank, band):
    """Bits of blocks with the bank's choice against those with the standard's filters alone."""
    filters = {
        phase: np.stack([standard_filter(phase), *(bank.filters[band, k, phase].ravel() / (1 << FRACTION)
                                                   for k in range(bank.sets))], 1)
        for phase in blocks.phases
    }  # fmt: skip
    bits = choice_bits(*group_errors(blocks, filters), FIRST_QP + QP_STEP * band)
    return float(bits.min(1).sum() / bits[:, 0].sum())
