"""Rate control in the lambda domain (Li et al., IEEE TIP 2014): a bit rate instead of a QP.

A picture's target (rate_targets.py) goes through its level's model (rate_model.py) to a lambda, and with that goes a
QP. Inside the picture CTUs share the target alike (rate_ctus.py). What was spent teaches the models. The first picture
is coded for trial, because nothing is known yet and much depends on it.
"""

import math
from dataclasses import replace

import numpy as np

from codec.common.rate.rate_model import LEARNING_RATE, block_satd, intra_complexity, qp_of_lambda, within
from codec.h265.encoder.plan.gop import picture_lambda
from codec.h265.encoder.rate.rate_ctus import LAST_REACH, NO_REACH, USUAL_REACH, CtuRates
from codec.h265.encoder.rate.rate_targets import FEWEST_BITS, INTRA_LEVEL, PictureTargets

# how far a picture's QP, and likewise its lambda, may be from the last one of its level and from the last one at all
_LEVEL_RANGE, _RANGE = 3, 10
# how often the first picture is coded to learn from it, unless its bits are as near as this before
_TRIALS, _TRIAL_PRECISION = 3, 0.05


class RateControl:
    """Decides QP and lambda of one picture after another, in coding order.

    ctus   CtuRates of the picture decided last, or None where its CTUs are not controlled
    """

    def __init__(self, config, nested, first):
        """
        config  validated EncoderConfig; nested: Structure.nested
        first   source of the first two pictures in display order, or of the only one
        """
        self._c = config
        self._samples = math.prod(config.coded_size)
        self._qp_range = -6 * (config.InternalBitDepth - 8), 51
        self._targets = PictureTargets(config, nested, _change(first, config.InternalBitDepth))
        self._ctu_models = {}
        self._last = {}  # (QP, lambda) of the last picture by level; None: of any level
        self._overhead = {}  # bits of the last picture by level that CTUs did not count; below 0: they counted too many
        self._last_inter = None  # level of the last inter picture
        self._trials_left = 0 if config.InitialQP else _TRIALS
        # the picture that was decided last
        self._plan = self._level = self._bits = self.ctus = None

    def decide(self, plan, planes):
        """The plan of the next picture in coding order, whose source is `planes`, with its QP and lambda."""
        self._level = level = self._targets.level(plan)
        satd = None
        if level == INTRA_LEVEL:
            satd = block_satd(planes[0], self._c.InternalBitDepth)
            self._targets.see_intra(float(satd.sum()))
        bits = self._targets.target(level)
        self._bits = max(bits, FEWEST_BITS)
        is_given = self._c.InitialQP and (not self._last or (level == INTRA_LEVEL and self._c.RCForceIntraQP))
        if is_given:
            qp, lam = self._c.InitialQP, picture_lambda(self._c, self._c.InitialQP)
        else:
            complexity = self._targets.complexity(level)
            qp, lam = self._clipped(level, self._targets.models[level].lam(bits / self._samples, complexity))
        self._plan = replace(plan, qp=qp, lam=lam)
        self.ctus = None if is_given or not self._c.LCULevelRateControl else self._ctu_rates(self._bits, satd)
        return self._plan

    def picture_coded(self, bits):
        """Learn what the picture decided last took."""
        lam = self._learn(bits, LEARNING_RATE)
        self._last[self._level] = self._last[None] = self._plan.qp, lam
        if self._level != INTRA_LEVEL:
            self._last_inter = self._level
        self._targets.picture_coded(bits)

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
            self._overhead[level] = bits - self.ctus.bits
        self._targets.models[level].update(bits / self._samples, lam, self._targets.complexity(level), rate)
        return lam

    def _clipped(self, level, lam):
        """(QP, lambda), no further than the ranges from the pictures before; up, a level goes farther in need."""
        # intra pictures between others are far apart
        level_range = _RANGE if level == INTRA_LEVEL and self._c.IntraPeriod != 1 else _LEVEL_RANGE
        near = [(self._last[key], d) for key, d in ((None, _RANGE), (level, level_range)) if key in self._last]
        for (_, last), distance in near:
            highest = last * 2 ** (distance / 3)
            if distance == _LEVEL_RANGE:
                # a level comes round seldom: what is far over its bits goes half the way at once
                highest = math.sqrt(highest * max(highest, lam))
            lam = max(last * 2 ** (-distance / 3), min(highest, lam))
        lam = within(self._qp_range, lam)
        qp = round(qp_of_lambda(lam))
        for (last, _), distance in near:
            qp = max(last - distance, min(last + _RANGE, qp))
        return max(self._qp_range[0], min(self._qp_range[1], qp)), lam

    def _ctu_rates(self, bits, satd):
        """The CtuRates of a picture whose target is `bits`; satd: of its 8x8 blocks, where it is intra."""
        samples = self._ctu_samples()
        alike = self._level if self._level in self._overhead else self._last_inter
        bits = max(bits - self._overhead.get(alike, 0.0), 0.5 * bits)
        models, complexities = [self._targets.models[self._level]] * len(samples), [1.0] * len(samples)
        if self._level == INTRA_LEVEL:
            complexities = [intra_complexity(*each) for each in zip(self._ctu_satd(satd), samples, strict=True)]
        rate = 0.0
        if self._c.RCLCUSeparateModel:
            rate = 1.0 if self.wants_trial else LEARNING_RATE
            if self._level not in self._ctu_models:
                self._ctu_models[self._level] = self._first_ctu_models(models[0], samples)
            models = self._ctu_models[self._level]
        reach = NO_REACH if self.wants_trial else LAST_REACH if self._targets.is_last else USUAL_REACH
        return CtuRates(self._plan, bits, self._qp_range, samples, models, complexities, rate, reach)

    def _first_ctu_models(self, model, samples):
        """A level's CTUs begin with its `model`, each for the share of bits that it had in the last inter picture."""
        known = self._ctu_models.get(self._last_inter)
        if self._level == INTRA_LEVEL or not known:
            return [model.copy() for _ in samples]
        lam = self._last[self._last_inter][1]
        bpps = [each.bpp(lam) for each in known]
        mean = np.average(bpps, weights=samples)
        return [model.copy(bpp / mean) for bpp in bpps]

    def _ctu_samples(self):
        size = self._c.MaxCUWidth
        (width, height), (columns, rows) = self._c.coded_size, self._c.size_in_ctbs
        return [min(size, width - x * size) * min(size, height - y * size) for y in range(rows) for x in range(columns)]

    def _ctu_satd(self, satd):
        blocks = self._c.MaxCUWidth // 8
        rows, columns = (range(0, n, blocks) for n in satd.shape)
        return np.add.reduceat(np.add.reduceat(satd, rows, 0), columns, 1).ravel().tolist()


def _change(first, bit_depth):
    """SATD of what the second picture adds to the first: of their difference, or of itself where it is less."""
    if len(first) < 2:
        return 0.0
    luma = [planes[0].astype(np.int64) for planes in first]
    return float(np.minimum(block_satd(luma[1] - luma[0], bit_depth), block_satd(luma[1], bit_depth)).sum())
