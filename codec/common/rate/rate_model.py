"""How many bits a picture or a CTU takes at a Lagrangian multiplier: the R-lambda model (Li et al., IEEE TIP 2014).

lambda = alpha * bpp^beta, bpp being bits per luma sample; a QP goes with each lambda. Intra pictures are told apart by
how much detail they have (JCTVC-M0257): their bpp counts against a power of their mean SATD.
"""

import math

import numpy as np

# (JCTVC-K0103) what a model starts from
INTER_ALPHA, INTER_BETA = 3.2003, -1.367
# (JCTVC-M0257) the same for intra pictures, whose bpp is divided by intra_complexity
INTRA_ALPHA, INTRA_BETA = 6.7542 / 256, -1.7860
_SATD_POWER = 1.2517

_LOWEST_BETA, _HIGHEST_BETA = -3.0, -0.5
# what share of a picture's error an update takes away, and how much of that by beta
LEARNING_RATE = 0.5
_BETA_WEIGHT = 0.05
_LARGEST_ERROR = 2.0
_SMALLEST_BPP = 1e-4
# what no picture takes: its multiplier is beyond every QP
_NO_BPP = 1e-9


def qp_of_lambda(lam):
    """The QP, not rounded, that suits a multiplier for errors of 8-bit samples."""
    return 4.2005 * math.log(lam) + 13.7122


def lambda_of_qp(qp):
    """The inverse of qp_of_lambda."""
    return math.exp((qp - 13.7122) / 4.2005)


def within(qp_range, lam):
    """The multiplier, or that of the nearest QP in (lowest, highest)."""
    lowest, highest = qp_range
    return max(lambda_of_qp(lowest), min(lambda_of_qp(highest), lam))


class RateModel:
    """lambda = alpha * (bpp / complexity)^beta, learnt from what was coded."""

    def __init__(self, alpha, beta):
        self._log_alpha, self._beta = math.log(alpha), beta

    def copy(self, factor=1.0):
        """A model that starts from what this one knows: it tells `factor` times the bits."""
        return RateModel(math.exp(self._log_alpha - self._beta * math.log(factor)), self._beta)

    def lam(self, bpp, complexity=1.0):
        """The multiplier at which `bpp` bits per sample are spent; they may be none, or fewer."""
        return math.exp(self._log_alpha + self._beta * math.log(max(bpp, _NO_BPP) / complexity))

    def bpp(self, lam, complexity=1.0):
        """The bits per sample that are spent at a multiplier."""
        return complexity * math.exp((math.log(lam) - self._log_alpha) / self._beta)

    def update(self, bpp, lam, complexity=1.0, rate=LEARNING_RATE):
        """Learn that `bpp` was spent at `lam`: a normalised step down the gradient of the squared error of ln lambda.

        The step of the paper is fixed, and its effect grows with ln(bpp)^2; here it is divided by that.
        """
        x = math.log(max(bpp, _SMALLEST_BPP) / complexity)
        error = math.log(lam) - self._log_alpha - self._beta * x
        step = rate * max(-_LARGEST_ERROR, min(_LARGEST_ERROR, error)) / (1 + _BETA_WEIGHT * x * x)
        self._log_alpha += step
        self._beta = max(_LOWEST_BETA, min(_HIGHEST_BETA, self._beta + _BETA_WEIGHT * step * x))


def block_satd(luma, bit_depth):
    """SATD of each 8x8 block of the source without its mean, at 8 bits: what JCTVC-M0257 measures detail by.

    luma  int16 plane; it is continued to whole blocks. -> (ceil(h / 8), ceil(w / 8)) float64
    """
    height, width = luma.shape
    padded = np.pad(luma, ((0, -height % 8), (0, -width % 8)), mode="edge").astype(np.float64)
    blocks = padded.reshape(padded.shape[0] // 8, 8, -1, 8).swapaxes(1, 2)
    transformed = np.abs(_HADAMARD @ blocks @ _HADAMARD)
    transformed[..., 0, 0] = 0
    return transformed.sum(axis=(2, 3)) / (4 << (bit_depth - 8))


def intra_complexity(satd, samples):
    """What bpp of an intra picture, or CTU, is divided by; `satd` is that of all its samples."""
    return max(satd / samples, 0.1) ** _SATD_POWER


def inter_complexity(change, samples, distance):
    """How many times more bits than by K0103's model an inter picture takes, roughly; fitted to nine clips, see docs.

    change    SATD of the change from one picture to the next over all its samples
    distance  POC distance of the nearest picture it refers to
    """
    return (max(change / samples, 0.1) / 7) ** 0.65 * distance**0.33


def _hadamard():
    matrix = np.ones((1, 1))
    for _ in range(3):
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


_HADAMARD = _hadamard()
