"""Weighted prediction: which weights and offsets a picture gives its reference pictures (7.4.7.3).

A fade scales the spread of the samples around their mean and moves the mean: weights are ratios of mean absolute
deviations, offsets make the means agree (Boyce 2004). What that finds is used where blocks of the picture, each moved
to where it fits best, agree clearly better with the weighted reference picture than with the plain one.

All is done on averages of small squares, at the scale of 8 bits: motion, noise and quantisation matter little there.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from codec.h265.syntax.pred_weight import PredWeightList, PredWeightTable

# squares are averaged until a plane has this many at most; no larger than this
_SAMPLES = 1 << 14
_LARGEST_SQUARE = 8
# blocks that are moved to fit, and how far, in averages
_BLOCK, _REACH = 8, 2
# the error that remains, in parts of the one without weights, and how much less it must be, in 8-bit sample values
_PAYS, _LEAST_GAIN = 0.9, 0.05
# the same of blocks that are not moved, where trying to move them is worth the time
_HINTS = 0.97
# log2 denominators that are tried, the most precise first
_DENOMINATORS = (7, 6, 5)
# deviations below this tell nothing
_FLAT = 0.25
# (7.4.7.3) flags of luma and twice those of chroma, in both lists together
_MOST_FLAGS = 24


@dataclass(frozen=True)
class PictureWeights:
    """Weights of a picture's reference pictures; those that are not named keep the default.

    denominators   log2 denominators of luma and chroma
    luma, chroma   by POC: [(weight, offset)] of Y, and of Cb and Cr; offsets at the scale of 8 bits
    """

    denominators: tuple = (0, 0)
    luma: dict = field(default_factory=dict)
    chroma: dict = field(default_factory=dict)

    def __bool__(self):
        return bool(self.luma or self.chroma)


NO_WEIGHTS = PictureWeights()


def estimate_weights(source, references, poc, bit_depth):
    """The PictureWeights of a picture.

    source      its planes, luma alone or with Cb and Cr; int16
    references  by POC: the decoded planes of a picture that it may refer to
    """
    nearest = sorted(references, key=lambda other: abs(other - poc))
    square = _square_size(source[0].shape)
    wanted = [_averages(plane, square, bit_depth) for plane in source]
    found = {other: [_averages(plane, square, bit_depth) for plane in references[other]] for other in nearest}
    denominators, weights = [], []
    for part in (slice(0, 1), slice(1, 3)):
        denominator, entries = 0, {}
        if wanted[part]:
            pairs = {other: list(zip(wanted[part], planes[part], strict=True)) for other, planes in found.items()}
            denominator, entries = _weights_of(pairs, part.start > 0)
            if entries and _harms_mean(pairs, entries, denominator, poc):
                entries = {}
        denominators.append(denominator)
        weights.append(entries)
    return PictureWeights(tuple(denominators), *weights)


def weight_table(weights, lists):
    """(7.3.6.3) The PredWeightTable of a slice, from PictureWeights and the POCs of both lists."""
    pocs = [poc for entries in lists for poc in entries]
    luma, chroma, flags = set(), set(), 0
    # the same picture has the same weights wherever it stands
    for poc in dict.fromkeys(pocs):
        for chosen, entries, each in ((luma, weights.luma, 1), (chroma, weights.chroma, 2)):
            if poc in entries and flags + each * pocs.count(poc) <= _MOST_FLAGS:
                flags += each * pocs.count(poc)
                chosen.add(poc)
    denominators = [d if chosen else 0 for d, chosen in zip(weights.denominators, (luma, chroma), strict=True)]
    table = PredWeightTable(denominators[0], denominators[1] - denominators[0])
    table.lists = [_list_elements(weights, denominators, entries, luma, chroma) for entries in lists]
    return table


def _list_elements(weights, denominators, pocs, luma, chroma):
    part = PredWeightList()
    for poc in pocs:
        part.luma_weight_flag.append(int(poc in luma))
        part.chroma_weight_flag.append(int(poc in chroma))
        weight, offset = weights.luma[poc][0] if poc in luma else (1 << denominators[0], 0)
        part.delta_luma_weight.append(weight - (1 << denominators[0]))
        part.luma_offset.append(offset)
        for weight, offset in weights.chroma[poc] if poc in chroma else 2 * [(1 << denominators[1], 0)]:
            part.delta_chroma_weight.append(weight - (1 << denominators[1]))
            part.delta_chroma_offset.append(_delta_chroma_offset(weight, offset, denominators[1]))
    return part


def _delta_chroma_offset(weight, offset, denominator):
    """(7-56) What is coded of a chroma offset: it is predicted as the one that keeps the middle of the range."""
    return offset - 128 + ((128 * weight) >> denominator)


# --- averages -------------------------------------------------------------------------------------------------------


def _square_size(shape):
    """Width of the squares that are averaged, in luma as in chroma samples."""
    size = 1
    while size < _LARGEST_SQUARE and shape[0] * shape[1] > _SAMPLES * size * size:
        size *= 2
    return size


def _averages(plane, size, bit_depth):
    """Means of whole size*size squares of a plane, as float32 at the scale of 8 bits."""
    height, width = plane.shape[0] // size, plane.shape[1] // size
    rows = plane[: height * size, : width * size].reshape(height, size, width * size).sum(axis=1, dtype=np.int32)
    sums = rows.reshape(height, width, size).sum(axis=2)
    return sums.astype(np.float32) / np.float32(size * size << (bit_depth - 8))


# --- weights --------------------------------------------------------------------------------------------------------


def _weights_of(pairs, is_chroma):
    """(log2 denominator, weights by POC) of the planes that share a flag.

    pairs  by POC, the nearest first: [(source, reference), ...] averages
    """
    fits = {poc: [_fit(*pair) for pair in planes] for poc, planes in pairs.items()}
    # the nearest picture matters most: it decides how precise weights are, and others may not fit then
    gains = [gain for gain, _ in next(iter(fits.values()))]
    denominator = next((d for d in _DENOMINATORS if max(gains) < 1 + 127 / (1 << d)), _DENOMINATORS[-1])
    chosen = {}
    for poc, planes in pairs.items():
        weights = [_round(*pair, *fit, denominator, is_chroma) for pair, fit in zip(planes, fits[poc], strict=True)]
        if all(weights) and any(weight != (1 << denominator, 0) for weight in weights):
            if _pays(planes, weights, denominator):
                chosen[poc] = weights
    return denominator, chosen


def _fit(source, reference):
    """(gain, offset) that make mean and mean absolute deviation of the reference those of the source."""
    means = source.mean(), reference.mean()
    spread = np.abs(reference - means[1]).mean()
    gain = float(np.abs(source - means[0]).mean() / spread) if spread >= _FLAT else 1.0
    return gain, float(means[0] - gain * means[1])


def _round(source, reference, gain, offset, denominator, is_chroma):
    """The best (weight, offset) in whole numbers near the fit, or None when none can be coded."""
    one = 1 << denominator
    mean = float(reference.mean())
    tried = set()
    for whole in (math.floor(offset), math.ceil(offset)):
        whole = min(max(whole, -128), 127)
        tried.add((round(gain * one), whole))
        # a weight that makes up for the rounded offset
        if mean >= 1:
            tried.add((round((gain + (offset - whole) / mean) * one), whole))
    allowed = [pair for pair in sorted(tried) if _can_be_coded(*pair, denominator, is_chroma)]
    errors = [_error(source, _weighted(reference, *pair, denominator)) for pair in allowed]
    return allowed[int(np.argmin(errors))] if allowed else None


def _can_be_coded(weight, offset, denominator, is_chroma):
    if not (-128 <= weight - (1 << denominator) <= 127 and -128 <= offset <= 127):
        return False
    return not is_chroma or -512 <= _delta_chroma_offset(weight, offset, denominator) <= 511


def _weighted(reference, weight, offset, denominator):
    """(8-251 ff.) Weighted averages, within the range of samples."""
    return np.clip(reference * np.float32(weight / (1 << denominator)) + np.float32(offset), 0, 255)


def _pays(pairs, weights, denominator):
    """Whether blocks fit clearly better with the weights than without."""
    weighted = [_weighted(reference, *pair, denominator) for (_, reference), pair in zip(pairs, weights, strict=True)]
    still = sum(_error(*pair) for pair in pairs)
    # most pictures end here, before blocks are moved
    if sum(_error(source, other) for (source, _), other in zip(pairs, weighted, strict=True)) >= _HINTS * still:
        return False
    plain = sum(_matched_error(*pair) for pair in pairs)
    rest = sum(_matched_error(source, other) for (source, _), other in zip(pairs, weighted, strict=True))
    return rest < _PAYS * plain and plain - rest > _LEAST_GAIN * sum(source.size for source, _ in pairs)


def _harms_mean(pairs, chosen, denominator, poc):
    """Whether the mean of the nearest pictures before and after is better without weights: in cross-fades it is."""
    before = max((other for other in pairs if other < poc), default=None)
    after = min((other for other in pairs if other > poc), default=None)
    if before is None or after is None:
        return False
    plain = weighted = samples = 0.0
    for i, (source, _) in enumerate(pairs[before]):
        sides = [pairs[other][i][1] for other in (before, after)]
        plain += _matched_error(source, sum(sides) / 2)
        for k, other in enumerate((before, after)):
            if other in chosen:
                sides[k] = _weighted(sides[k], *chosen[other][i], denominator)
        weighted += _matched_error(source, sum(sides) / 2)
        samples += source.size
    return weighted > plain / _PAYS + _LEAST_GAIN * samples


def _error(source, reference):
    """Sum of absolute differences of two planes."""
    return float(np.abs(source - reference).sum())


def _matched_error(source, reference):
    """Sum of absolute differences of the blocks of `source`, each against where it fits best."""
    height, width = (-(-size // _BLOCK) * _BLOCK for size in source.shape)
    grow = ((0, height - source.shape[0]), (0, width - source.shape[1]))
    source = np.pad(source, grow, mode="edge")
    reference = np.pad(np.pad(reference, grow, mode="edge"), _REACH, mode="edge")
    best = None
    for y in range(2 * _REACH + 1):
        for x in range(2 * _REACH + 1):
            differences = np.abs(source - reference[y : y + height, x : x + width])
            errors = differences.reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK).sum(axis=(1, 3))
            best = errors if best is None else np.minimum(best, errors)
    return float(best.sum())
