"""What coding a block's coefficients will cost, before it is done (encoder choice).

The squared error of plain quantisation, and a rate that is linear in what an entropy coder has to say: how many levels
there are, how large, how far from the corner. The weights were fitted to what RDOQ and CABAC made of some 20,000 blocks
of three clips; how well they tell good modes from bad ones is in docs/LABBOOK.md.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.encoder.search.residual.quantise import QUANT_SCALE, quantiser_shift

_I32, _U64 = np.int32, np.uint64

# levels in 256ths, so that errors of single levels are whole numbers; and what is added before the fraction is cut off
_FRACTION = 8
_ROUNDING = 96

# bits of: a coded block, each level above 0, 1, 3, each further doubling, a step from the corner, sqrt(levels)
_BITS_4X4 = (-7.61, -2.25, 2.26, 2.16, 2.66, 0.67, 13.82)
_BITS = (1.0, 2.64, 1.30, 1.78, 2.86, 0.10, 3.25)

# x + y of every coefficient, by log2 of the block's size
_DISTANCE = np.zeros((6, 1024), np.int16)
for _log2 in range(2, 6):
    _n = 1 << _log2
    _DISTANCE[_log2, : _n * _n] = np.add.outer(np.arange(_n), np.arange(_n)).reshape(-1)


@kernel
def rough_cost(coeffs, log2_size, qp, bit_depth, lam):
    """J of a block, against its prediction without a residual at rate 0. -> (J, whether any level is above zero)

    coeffs     int16 transform coefficients, n*n row by row
    bit_depth  8..10
    lam        Lagrangian multiplier of a bit against squared error at this bit depth
    """
    shift = quantiser_shift(qp, bit_depth, log2_size) - _FRACTION
    scale = _I32(QUANT_SCALE[qp % 6])
    down = _I32(shift)
    distance = _DISTANCE[log2_size]
    error = np.int64(0)
    above0, above1, above3, doublings, far = _I32(0), _I32(0), _I32(0), _I32(0), _I32(0)
    for start in range(0, 1 << (2 * log2_size), 16):
        part = _I32(0)
        for i in range(_U64(start), _U64(start + 16)):
            # |coefficient| is at most 2^15, the scale below 2^15
            exact = _I32((_I32(abs(_I32(coeffs[i])) * scale)) >> down)
            level = _I32(_I32(exact + _I32(_ROUNDING)) >> _I32(_FRACTION))
            lost = _I32(exact - _I32(level << _I32(_FRACTION)))
            part = _I32(part + _I32(lost * lost))
            coded = _I32(level > 0)
            above0 = _I32(above0 + coded)
            above1 = _I32(above1 + _I32(level > 1))
            above3 = _I32(above3 + _I32(level > 3))
            doublings = _I32(doublings + _I32(level > 7) + _I32(level > 15) + _I32(level > 31))
            far = _I32(far + _I32(coded * _I32(distance[i])))
        error += part
    # the forward transform scales residuals by 2^(15 - bit_depth - log2_size)
    step = float(np.int64(1) << shift) / (float(scale) * float(np.int64(1) << (15 - bit_depth - log2_size)))
    cost = error * step * step
    if above0 == 0:
        return cost, False
    b = _BITS_4X4 if log2_size == 2 else _BITS
    bits = b[0] + b[1] * above0 + b[2] * above1 + b[3] * above3 + b[4] * doublings + b[5] * far
    return cost + lam * (bits + b[6] * np.sqrt(float(above0))), True
