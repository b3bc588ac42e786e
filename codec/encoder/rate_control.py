"""Rate control in the lambda domain (Li et al., IEEE TIP 2014; JCTVC-K0103, M0036, M0257): a bit rate instead of a QP.

A window of pictures that are still to come gets the bits that keep the sequence at its rate. A picture's share of them
is its target, its model (rate_model.py) tells the lambda at which it takes them, and with lambda goes a QP. Inside the
picture CTUs share the target alike (rate_ctus.py). What was spent teaches the models.
"""

import itertools
import math
from collections import Counter, deque
from dataclasses import replace

import numpy as np

from codec.config import BITS_ADAPTIVE, BITS_EQUAL
from codec.encoder.gop import coding_order, picture_lambda
from codec.encoder.rate_ctus import CtuRates
from codec.encoder.rate_model import (
    INTER_ALPHA,
    INTER_BETA,
    INTRA_ALPHA,
    INTRA_BETA,
    LEARNING_RATE,
    RateModel,
    block_satd,
    inter_complexity,
    intra_complexity,
    qp_of_lambda,
)

# pictures over which a surplus is spread (JCTVC-K0103), rounded up to whole intra periods or GOPs
_WINDOW = 40
# how far a picture's lambda and QP may be from those of the last one of its level and of the last one at all
_LEVEL_RANGE, _RANGE = 3, 10
# what a picture takes that only copies, or nearly
_FEWEST_BITS = 120
# how often the first picture is coded to learn from it, unless its bits are as near as this before
_TRIALS, _TRIAL_PRECISION = 3, 0.05
# the level of intra pictures; those of the GOP's rows count from 0
_INTRA = -1
_QP_MARGIN = 20


class RateControl:
    """Decides QP and lambda of one picture after another, in coding order."""

    def __init__(self, config, nested, first):
        """
        config  validated EncoderConfig; nested: Structure.nested
        first   source of the first two pictures in display order, or of the only one
        """
        self._c = config
        self._samples = math.prod(config.coded_size)
        self._per_picture = float(config.TargetBitrate / config.FrameRate)
        self._balance = 0.0  # bits saved so far
        self._buffer = config.RCInitialCpbFullness * config.RCCpbSize
        self._qp_range = -6 * (config.InternalBitDepth - 8), 51
        self._levels = _levels(config)
        change = _change(first, config.InternalBitDepth)
        self._models = {level: self._first_model(level, change) for level in self._levels.values()}
        self._models[_INTRA] = RateModel(INTRA_ALPHA, INTRA_BETA)
        self._ctu_models = {}
        self._last = {}  # (QP, lambda) of the last picture by level; None: of any level
        self._overhead = {}  # bits of the last picture by level that were not a CTU's
        count = config.FramesToBeEncoded
        plans = coding_order(config, range(count) if count else itertools.count(), nested)
        self._coming = (plan for plan, _ in plans)
        unit = config.IntraPeriod if config.IntraPeriod > 0 else config.GOPSize
        self._window_size = -(-_WINDOW // unit) * unit
        self._window = deque(self._next_levels(self._window_size))
        self._complexity = 1.0  # of the last intra picture
        self._trials_left = 0 if config.InitialQP else _TRIALS
        # the picture that was decided last
        self._plan = self._level = self._bits = self.ctus = None

    def decide(self, plan, planes):
        """The plan of the next picture in coding order, whose source is `planes`, with its QP and lambda.

        `ctus` is then its CtuRates, or None where CTUs are not controlled.
        """
        self._level = level = self._level_of(plan)
        satd = None
        if level == _INTRA:
            satd = block_satd(planes[0], self._c.InternalBitDepth)
            self._complexity = intra_complexity(satd.sum(), self._samples)
        self._bits = bits = self._target(level)
        if level == _INTRA and self._c.RCForceIntraQP or None not in self._last and self._c.InitialQP:
            qp = self._c.InitialQP
            lam = picture_lambda(self._c, qp)
        else:
            qp, lam = self._clipped(level, self._model_lambda(level, bits))
        self._plan = replace(plan, qp=qp, lam=lam)
        self.ctus = self._ctu_rates(bits, satd) if self._c.LCULevelRateControl else None
        return self._plan

    def picture_coded(self, bits):
        """Learn what the picture decided last took."""
        lam = self._learn(bits, LEARNING_RATE)
        self._last[self._level] = self._last[None] = self._plan.qp, lam
        self._balance += self._per_picture - bits
        self._buffer = min(self._buffer - bits + self._per_picture, self._c.RCCpbSize)
        self._window.extend(self._next_levels(1))
        if self._window:
            self._window.popleft()

    @property
    def wants_trial(self):
        """Whether the picture that is decided next is the first, and had better be coded once for its bits alone."""
        return self._trials_left > 0

    def trial_coded(self, bits):
        """The picture decided last took `bits` at one QP. It is decided again, and better."""
        self._learn(bits, 1.0)
        missed = abs(bits - self._bits) > _TRIAL_PRECISION * self._bits
        self._trials_left = self._trials_left - 1 if missed else 0

    def _learn(self, bits, rate):
        """-> the lambda at which the picture took `bits`"""
        level, lam = self._level, self._plan.lam
        if self.ctus:
            lam = self.ctus.mean_lambda
            self._overhead[level] = max(0.0, bits - self.ctus.bits)
        self._models[level].update(bits / self._samples, lam, self._complexity_of(level), rate)
        return lam

    def _next_levels(self, count):
        return [self._level_of(plan) for plan in itertools.islice(self._coming, count)]

    def _level_of(self, plan):
        if plan.slice_type == "I":
            return _INTRA
        return self._levels[(plan.index - 1) % self._c.GOPSize + 1]

    def _complexity_of(self, level):
        return self._complexity if level == _INTRA else 1.0

    def _model_lambda(self, level, bits):
        return self._models[level].lam(bits / self._samples, self._complexity_of(level))

    def _target(self, level):
        """Bits of the picture: its level's share of what the window may take, within what the buffer holds."""
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
        return max(bits, _FEWEST_BITS)

    def _adaptive_share(self, level, counts, budget):
        """(JCTVC-M0036) Where all pictures of the window have lambdas as at one base QP that uses up the budget."""

        def bits(level, qp):
            lam = self._level_lambda(level, qp)
            return max(_FEWEST_BITS, self._samples * self._models[level].bpp(lam, self._complexity_of(level)))

        low, high = self._qp_range[0] - _QP_MARGIN, self._qp_range[1] + _QP_MARGIN
        for _ in range(40):
            qp = (low + high) / 2
            if sum(count * bits(each, qp) for each, count in counts.items()) > budget:
                low = qp
            else:
                high = qp
        return bits(level, high)

    def _level_lambda(self, level, base_qp):
        """Lambda of a level's pictures were the base QP fixed: the config's rules without their rounding."""
        if level == _INTRA:
            return picture_lambda(self._c, base_qp + self._c.IntraQPOffset)
        entry = self._entry(level)
        qp = base_qp + entry.qp_offset
        qp += max(0.0, min(3.0, qp * entry.qp_offset_model_scale + entry.qp_offset_model_off))
        return picture_lambda(self._c, qp, entry)

    def _first_model(self, level, change):
        distance = min(map(abs, self._entry(level).reference_pictures), default=1)
        complexity = inter_complexity(change, self._samples, distance)
        return RateModel(INTER_ALPHA * complexity**-INTER_BETA, INTER_BETA)

    def _entry(self, level):
        return next(entry for entry in self._c.GOP if self._levels[entry.poc] == level)

    def _fixed_share(self, level, counts, budget):
        """Weights that do not depend on the pictures; an intra picture gets what JCTVC-M0257 gives it."""
        mean = max(budget / counts.total(), _FEWEST_BITS)
        weights = self._weights(mean / self._samples)
        inter = sum(weights[each] * count for each, count in counts.items() if each != _INTRA)
        if not inter:
            return mean
        intra = min(self._intra_bits(mean), 0.8 * budget / max(counts[_INTRA], 1))
        if level == _INTRA:
            return intra
        return weights[level] * (budget - counts[_INTRA] * intra) / inter

    def _intra_bits(self, mean):
        """(JCTVC-M0257) Bits of an intra picture where a picture takes `mean` bits."""
        satd = self._complexity ** (1 / 1.2517) * self._samples
        factor = 0.25 if 40 * mean < self._samples else 0.3
        return mean * max(1.0, factor * (4 * satd / mean) ** 0.5582)

    def _weights(self, bpp):
        """{level: weight} of the GOP's rows: equal, or in the proportion of the model's bits at one base QP."""
        levels = set(self._levels.values())
        if self._c.KeepHierarchicalBit == BITS_EQUAL:
            return dict.fromkeys(levels, 1.0)
        base_qp = qp_of_lambda(INTER_ALPHA * bpp**INTER_BETA)
        unlearnt = {level: self._first_model(level, self._samples) for level in levels}
        return {level: model.bpp(self._level_lambda(level, base_qp)) for level, model in unlearnt.items()}

    def _clipped(self, level, lam):
        """(QP, lambda), no further than the ranges from the pictures before."""
        near = [(self._last[key], d) for key, d in ((None, _RANGE), (level, _LEVEL_RANGE)) if key in self._last]
        for (_, last), distance in near:
            lam = max(last * 2 ** (-distance / 3), min(last * 2 ** (distance / 3), lam))
        qp = round(qp_of_lambda(lam))
        for (last, _), distance in near:
            qp = max(last - distance, min(last + distance, qp))
        return max(self._qp_range[0], min(self._qp_range[1], qp)), lam

    def _ctu_rates(self, bits, satd):
        """The CtuRates of a picture whose target is `bits`; satd: of its 8x8 blocks, where it is intra."""
        samples = self._ctu_samples()
        bits = max(bits - self._overhead.get(self._level, 0.0), 0.5 * bits)
        models, complexities = [self._models[self._level]] * len(samples), [1.0] * len(samples)
        if self._level == _INTRA:
            complexities = [intra_complexity(*each) for each in zip(self._ctu_satd(satd), samples, strict=True)]
        rate = 0.0
        if self._c.RCLCUSeparateModel:
            rate = 1.0 if self.wants_trial else LEARNING_RATE
            if self._level not in self._ctu_models:
                self._ctu_models[self._level] = [model.copy() for model in models]
            models = self._ctu_models[self._level]
        return CtuRates(self._plan, bits, self._qp_range, samples, models, complexities, rate, self.wants_trial)

    def _ctu_samples(self):
        size = self._c.MaxCUWidth
        (width, height), (columns, rows) = self._c.coded_size, self._c.size_in_ctbs
        return [
            min(size, width - x * size) * min(size, height - y * size) for y in range(rows) for x in range(columns)
        ]

    def _ctu_satd(self, satd):
        blocks = self._c.MaxCUWidth // 8
        rows, columns = (range(0, n, blocks) for n in satd.shape)
        return np.add.reduceat(np.add.reduceat(satd, rows, 0), columns, 1).ravel().tolist()


def _change(first, bit_depth):
    """SATD of what the second picture adds to the first: of their difference, or of itself where it is less."""
    if len(first) < 2:
        return 0.0
    luma = [planes[0].astype(np.int64) for planes in first]
    return np.minimum(block_satd(luma[1] - luma[0], bit_depth), block_satd(luma[1], bit_depth)).sum()


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
