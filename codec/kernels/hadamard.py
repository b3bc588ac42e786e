"""Sums of Hadamard coefficients in LLVM's vectors: the inner loop of SATD, in a form that LLVM does not find by itself.

half_satd8 and half_satd4, for blocks of 8x8 and 4x4 samples, are called as function(a, i, a_stride, b, j, b_stride):
int16 arrays, the places of two blocks in them, and how far apart rows are. They return half the sum of the magnitudes
of the Hadamard coefficients of the difference of the blocks, an int64; that sum is always even.

Columns are transformed as rows of vectors, as usual. Rows are transformed while they are interleaved: interleaving the
lower and the upper halves of two vectors puts side by side what a butterfly combines, so there is no transposition. The
last butterfly and the magnitudes are one: (|a + b| + |a - b|) / 2 = max(|a|, |b|).
"""

import numpy as np
from llvmlite import ir
from numba.core import config, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from codec.kernels.vectors import check_int16, int32, load_int16, shuffled

_GROUP = 4  # lanes inside which interleaving is one instruction on x86, however wide the vector


def _interleaved(lanes):
    """Places that interleave the lower halves of all groups of two vectors, and those of the upper halves."""
    lower, upper = [], []
    for base in range(0, lanes, _GROUP):
        for k in range(base, base + _GROUP // 2):
            lower += [k, lanes + k]
            upper += [k + _GROUP // 2, lanes + k + _GROUP // 2]
    return lower, upper


def _butterflies(builder, values, step):
    """One step of a Hadamard transform across a list of vectors."""
    made = list(values)
    for k in range(len(values)):
        if not k & step:
            made[k] = builder.add(values[k], values[k + step])
            made[k + step] = builder.sub(values[k], values[k + step])
    return made


def _larger(builder, x, y):
    """max(|x|, |y|), lane by lane."""
    zero = ir.Constant(x.type, [0] * x.type.count)
    x, y = (builder.select(builder.icmp_signed("<", v, zero), builder.sub(zero, v), v) for v in (x, y))
    return builder.select(builder.icmp_signed("<", x, y), y, x)


def _half_sum(builder, rows):
    """Half the sum of the magnitudes of a block's coefficients; `rows`: a vector of int32 each."""
    size = len(rows)
    step = size >> 1
    while step:
        rows = _butterflies(builder, rows, step)
        step >>= 1
    rounds = [_interleaved(size)] * (_GROUP.bit_length() - 1)
    if size > _GROUP:
        # the two registers of a row
        rounds.append(([0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]))
    for lower, upper in rounds[:-1]:
        pairs = [(rows[k], rows[k + 1]) for k in range(0, size, 2)]
        rows = [shuffled(builder, x, y, places) for x, y in pairs for places in (lower, upper)]
        rows = _butterflies(builder, rows, 1)
    total = None
    for k in range(0, size, 2):
        x, y = (shuffled(builder, rows[k], rows[k + 1], places) for places in rounds[-1])
        larger = _larger(builder, x, y)
        total = larger if total is None else builder.add(total, larger)
    while size > 1:
        size >>= 1
        low, high = (shuffled(builder, total, total, range(first, first + size)) for first in (0, size))
        total = builder.add(low, high)
    return builder.sext(builder.extract_element(total, ir.Constant(ir.IntType(32), 0)), ir.IntType(64))


def _vectors(size):
    """The intrinsic for blocks of size x size."""

    @intrinsic
    def half_satd(typing_context, a, i, a_stride, b, j, b_stride):
        check_int16(a, b)

        def codegen(context, builder, signature, arguments):
            sides = []
            for k, kind in ((0, a), (3, b)):
                array = make_array(kind)(context, builder, arguments[k])
                index, stride = arguments[k + 1 : k + 3]
                rows = []
                for _ in range(size):
                    rows.append(int32(builder, load_int16(builder, array, index, size)))
                    index = builder.add(index, stride)
                sides.append(rows)
            return _half_sum(builder, [builder.sub(x, y) for x, y in zip(*sides, strict=True)])

        place = types.int64, types.int64
        return types.int64(a, *place, b, *place), codegen

    return half_satd


def _plain(size):
    """The same without compilation."""
    signs = np.array([[1 - 2 * (bin(x & y).count("1") & 1) for x in range(size)] for y in range(size)])

    def half_satd(a, i, a_stride, b, j, b_stride):
        first, second = (
            np.array([array[at + k * stride : at + k * stride + size] for k in range(size)], np.int64)
            for array, at, stride in ((a, int(i), int(a_stride)), (b, int(j), int(b_stride)))
        )
        return np.int64(np.abs(signs @ (first - second) @ signs).sum() >> 1)

    return half_satd


half_satd8, half_satd4 = (_plain(size) if config.DISABLE_JIT else _vectors(size) for size in (8, 4))
