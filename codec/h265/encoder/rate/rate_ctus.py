"""Rate control inside a picture: QP and lambda of each CTU from the bits that those before it have left over."""

import math

from codec.common.rate.rate_model import qp_of_lambda, within

# over how many CTUs a surplus is spread
_WINDOW = 4
# how far a CTU's lambda and QP may be from the previous CTU's and from the picture's
USUAL_REACH = 1, 2
# in the sequence's last picture, for no other can make up for what it misses
LAST_REACH = 2, 6
# where all CTUs are coded as the picture says
NO_REACH = 0, 0
_SMALLEST_BPP = 1e-3


class CtuRates:
    """The CTUs of one picture. Asked before each CTU of the search, told the bits of each behind it."""

    def __init__(self, plan, bits, qp_range, samples, models, complexities, learning_rate, reach=USUAL_REACH):
        """
        plan      the PlannedPicture, with its own QP and lambda
        bits      what the CTUs may take together; qp_range: (lowest, highest) QP of the stream
        samples   luma samples of each CTU by raster address; models, complexities: likewise
        learning_rate   of the models; 0 where CTUs have none of their own
        reach     USUAL_REACH, LAST_REACH or NO_REACH
        """
        self._lam, self._qp, self._qp_range = plan.lam, plan.qp, qp_range
        self._samples, self._models, self._complexities = samples, models, complexities
        self._learning_rate = learning_rate
        self._step, self._range = reach
        expected = [m.bpp(plan.lam, c) * n for m, c, n in zip(models, complexities, samples, strict=True)]
        scale = bits / sum(expected)
        self._shares = [e * scale for e in expected]
        self._shares_left = self._bits_left = bits
        self._ctus_left = len(samples)
        self._previous = None
        self._log_lambdas = 0.0

    def before_ctu(self, addr):
        """(QP, lambda) of CTU `addr`."""
        surplus = self._bits_left - self._shares_left
        bits = self._shares[addr] + surplus / min(_WINDOW, self._ctus_left)
        bpp = max(bits / self._samples[addr], _SMALLEST_BPP)
        lam = self._models[addr].lam(bpp, self._complexities[addr])
        picture = self._qp, self._lam
        near = (self._previous or picture, self._step), (picture, self._range)
        for (_, centre), distance in near:
            factor = 2 ** (distance / 3)
            lam = max(centre / factor, min(centre * factor, lam))
        lam = within(self._qp_range, lam)
        qp = round(qp_of_lambda(lam))
        for (centre, _), distance in near:
            qp = max(centre - distance, min(centre + distance, qp))
        lowest, highest = self._qp_range
        qp = max(lowest, min(highest, qp))
        self._previous = qp, lam
        return qp, lam

    def after_ctu(self, addr, bits):
        """CTU `addr` took `bits`."""
        lam = self._previous[1]
        samples = self._samples[addr]
        self._log_lambdas += samples * math.log(lam)
        if self._learning_rate:
            bpp = max(bits / samples, _SMALLEST_BPP)
            self._models[addr].update(bpp, lam, self._complexities[addr], self._learning_rate)
        self._bits_left -= bits
        self._shares_left -= self._shares[addr]
        self._ctus_left -= 1

    @property
    def mean_lambda(self):
        """Geometric mean of the lambda of all samples."""
        return math.exp(self._log_lambdas / sum(self._samples))

    @property
    def bits(self):
        """What all CTUs took."""
        return sum(self._shares) - self._bits_left
