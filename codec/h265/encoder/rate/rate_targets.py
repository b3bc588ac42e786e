"""How many bits the next picture may take: rate control above the picture (JCTVC-K0103, M0036, M0257).

The pictures that come next make a window, which may take what keeps the sequence at its rate. A picture is of the level
of its GOP row, or of the intra level; each level has a model, and its share of the window's bits.
"""

import itertools
import math
from collections import Counter, deque

from codec.common.rate.rate_model import (
    INTER_ALPHA,
    INTER_BETA,
    INTRA_ALPHA,
    INTRA_BETA,
    RateModel,
    inter_complexity,
    intra_complexity,
    qp_of_lambda,
)
from codec.h265.config import BITS_ADAPTIVE, BITS_EQUAL
from codec.h265.encoder.plan.gop import coding_order, picture_lambda

# the level of intra pictures; those of the GOP's rows count from 0
INTRA_LEVEL = -1
# pictures over which a surplus is spread (JCTVC-K0103), rounded up to whole intra periods or GOPs
_WINDOW = 40
# what a picture takes that only copies, or nearly
FEWEST_BITS = 120
_QP_MARGIN = 20


class PictureTargets:
    """Targets of one picture after another, in coding order; the models of their levels."""

    def __init__(self, config, nested, change):
        """
        config  validated EncoderConfig; nested: Structure.nested
        change  SATD of the change from the first picture to the second
        """
        self._c = config
        self._samples = math.prod(config.coded_size)
        self._per_picture = float(config.TargetBitrate / config.FrameRate)
        self._balance = 0.0  # bits saved so far
        self._buffer = config.RCInitialCpbFullness * config.RCCpbSize
        self._levels = _levels(config)
        self.models = {level: self._first_model(level, change) for level in self._levels.values()}
        self.models[INTRA_LEVEL] = RateModel(INTRA_ALPHA, INTRA_BETA)
        count = config.FramesToBeEncoded
        plans = coding_order(config, range(count) if count else itertools.count(), nested)
        self._coming = (self.level(plan) for plan, _ in plans)
        unit = config.IntraPeriod if config.IntraPeriod > 0 else config.GOPSize
        size = -(-_WINDOW // unit) * unit
        self._window = deque(itertools.islice(self._coming, size))
        self._satd = self._intra_complexity = 1.0

    @property
    def is_last(self):
        """Whether no picture comes after the next: what that misses its target by, the sequence does."""
        return len(self._window) == 1

    def level(self, plan):
        """The level of a PlannedPicture."""
        if plan.slice_type == "I":
            return INTRA_LEVEL
        return self._levels[(plan.index - 1) % self._c.GOPSize + 1]

    def see_intra(self, satd):
        """The next picture is intra, with a SATD of `satd`; later ones are expected to be alike."""
        self._satd = satd
        self._intra_complexity = intra_complexity(satd, self._samples)

    def complexity(self, level):
        """What the bpp of a level's pictures count against."""
        return self._intra_complexity if level == INTRA_LEVEL else 1.0

    def target(self, level):
        """Bits of the next picture, of `level`: its share of what the window may take, within what the buffer holds.

        They may be fewer than a picture can take: the window is then far over its bits, and the QP must rise.
        """
        # a source may have more pictures than it said
        counts = Counter(self._window or [level])
        budget = self._per_picture * counts.total() + self._balance
        if self._c.KeepHierarchicalBit == BITS_ADAPTIVE:
            bits = self._adaptive_share(level, counts, budget)
        else:
            bits = self._fixed_share(level, counts, budget)
        if self._c.RCCpbSaturation:
            # a tenth of the buffer is kept free at either end, for targets are missed
            size, after = self._c.RCCpbSize, self._buffer + self._per_picture
            bits = min(max(bits, after - 0.9 * size), self._buffer - 0.1 * size)
        return bits

    def picture_coded(self, bits):
        """The next picture took `bits`, and the window moves on."""
        self._balance += self._per_picture - bits
        self._buffer = min(self._buffer - bits + self._per_picture, self._c.RCCpbSize)
        self._window.extend(itertools.islice(self._coming, 1))
        if self._window:
            self._window.popleft()

    def _adaptive_share(self, level, counts, budget):
        """(JCTVC-M0036) Where all pictures of the window have lambdas as at one base QP that uses up the budget."""

        def bits(level, qp):
            return self._samples * self.models[level].bpp(self._level_lambda(level, qp), self.complexity(level))

        low, high = -_QP_MARGIN, 51 + _QP_MARGIN
        for _ in range(40):
            qp = (low + high) / 2
            if sum(count * max(FEWEST_BITS, bits(each, qp)) for each, count in counts.items()) > budget:
                low = qp
            else:
                high = qp
        return bits(level, high)

    def _level_lambda(self, level, base_qp):
        """Lambda of a level's pictures were the base QP fixed: the config's rules without their rounding."""
        if level == INTRA_LEVEL:
            return picture_lambda(self._c, base_qp + self._c.IntraQPOffset)
        entry = self._entry(level)
        qp = base_qp + entry.qp_offset
        qp += max(0.0, min(3.0, qp * entry.qp_offset_model_scale + entry.qp_offset_model_off))
        return picture_lambda(self._c, qp, entry)

    def _fixed_share(self, level, counts, budget):
        """Weights that do not depend on the pictures; an intra picture gets what JCTVC-M0257 gives it."""
        mean = max(budget / counts.total(), FEWEST_BITS)
        weights = self._weights(mean / self._samples)
        inter = sum(weights[each] * count for each, count in counts.items() if each != INTRA_LEVEL)
        if not inter:
            return mean
        intra = min(self._intra_bits(mean), 0.8 * mean * counts.total() / max(counts[INTRA_LEVEL], 1))
        if level == INTRA_LEVEL:
            return intra
        return weights[level] * (budget - counts[INTRA_LEVEL] * intra) / inter

    def _intra_bits(self, mean):
        """(JCTVC-M0257) Bits of an intra picture where a picture takes `mean` bits."""
        factor = 0.25 if 40 * mean < self._samples else 0.3
        return mean * max(1.0, factor * (4 * self._satd / mean) ** 0.5582)

    def _weights(self, bpp):
        """{level: weight} of the GOP's rows: equal, or in the proportion of unlearnt models' bits at one base QP."""
        levels = set(self._levels.values())
        if self._c.KeepHierarchicalBit == BITS_EQUAL:
            return dict.fromkeys(levels, 1.0)
        base_qp = qp_of_lambda(INTER_ALPHA * bpp**INTER_BETA)
        return {
            level: self._first_model(level, self._samples).bpp(self._level_lambda(level, base_qp)) for level in levels
        }

    def _first_model(self, level, change):
        distance = min(map(abs, self._entry(level).reference_pictures), default=1)
        complexity = inter_complexity(change, self._samples, distance)
        return RateModel(INTER_ALPHA * complexity**-INTER_BETA, INTER_BETA)

    def _entry(self, level):
        return next(entry for entry in self._c.GOP if self._levels[entry.poc] == level)


def _levels(config):
    """{POC in the GOP: level}: rows of one QP rule are of one level."""
    if config.IntraPeriod == 1:
        return {}
    rules = {}
    for entry in config.GOP:
        rule = entry.qp_offset, entry.qp_offset_model_off, entry.qp_offset_model_scale, entry.qp_factor
        rules[entry.poc] = rule, entry.temporal_id
    numbers = {rule: number for number, rule in enumerate(dict.fromkeys(rules.values()))}
    return {poc: numbers[rule] for poc, rule in rules.items()}
