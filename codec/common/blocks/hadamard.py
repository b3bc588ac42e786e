"""Sums of Hadamard coefficients in LLVM's vectors: the inner loop of SATD, in a form that LLVM does not find by itself.

All are called as function(a, i, a_stride, b, j, b_stride): int16 arrays, the places of two blocks in them, and how far
apart rows are; they return an int64.

    half_satd8, half_satd4     half the sum of the magnitudes of the Hadamard coefficients of the difference of two
                               blocks of 8x8 or 4x4 samples; that sum is always even
    narrow_satd8               a quarter of it for 8x8 samples, rounded, where no difference is larger than 511
    narrow_satd16              the same of two blocks side by side, each rounded

Columns are transformed as rows of vectors, as usual. Rows are transformed while they are interleaved: interleaving the
lower and the upper halves of two vectors puts side by side what a butterfly combines, so there is no transposition. The
last butterfly and the magnitudes are one: (|a + b| + |a - b|) / 2 = max(|a|, |b|). In front of it coefficients of
narrow differences fit into int16, and the sum of the four larger ones that share a lane into 16 bit without a sign.
"""

import numpy as np

from codec.base.kernels.compiler import config, intrinsic, ir, make_array, types
from codec.base.kernels.vectors import absolute, check_int16, folded, int32, load_int16, shuffled

_REGISTER = 128  # bits inside which interleaving is one instruction on x86, however wide the vector


def _interleaved(lanes, group):
    """Places that interleave the lower halves of all groups of two vectors, and those of the upper halves."""
    lower, upper = [], []
    for base in range(0, lanes, group):
        for k in range(base, base + group // 2):
            lower += [k, lanes + k]
            upper += [k + group // 2, lanes + k + group // 2]
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
    x, y = absolute(builder, x), absolute(builder, y)
    return builder.select(builder.icmp_signed("<", x, y), y, x)


def _half_sums(builder, rows):
    """By lane, half the sums of the magnitudes of the coefficients of blocks side by side; `rows`: a vector each."""
    size, lanes = len(rows), rows[0].type.count
    group = min(_REGISTER // rows[0].type.element.width, lanes)
    step = size >> 1
    while step:
        rows = _butterflies(builder, rows, step)
        step >>= 1
    rounds = [_interleaved(lanes, group)] * (group.bit_length() - 1)
    if size > group:
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
    return total


def _vectors(size, blocks=0):
    """The intrinsic for a block of size x size, or for `blocks` side by side of narrow differences."""
    lanes = size * max(blocks, 1)

    @intrinsic
    def satd(typing_context, a, i, a_stride, b, j, b_stride):
        check_int16(a, b)

        def codegen(context, builder, signature, arguments):
            sides = []
            for k, kind in ((0, a), (3, b)):
                array = make_array(kind)(context, builder, arguments[k])
                index, stride = arguments[k + 1 : k + 3]
                rows = []
                for _ in range(size):
                    row = load_int16(builder, array, index, lanes)
                    rows.append(row if blocks else int32(builder, row))
                    index = builder.add(index, stride)
                sides.append(rows)
            sums = _half_sums(builder, [builder.sub(x, y) for x, y in zip(*sides, strict=True)])
            wide = ir.VectorType(ir.IntType(32), lanes)
            sums = folded(builder, builder.zext(sums, wide) if blocks else sums, max(blocks, 1))
            if blocks:
                one = ir.Constant(sums.type, [1] * blocks)
                sums = folded(builder, builder.lshr(builder.add(sums, one), one), 1)
            return builder.sext(builder.extract_element(sums, ir.Constant(ir.IntType(32), 0)), ir.IntType(64))

        place = types.int64, types.int64
        return types.int64(a, *place, b, *place), codegen

    return satd


def _plain(size, blocks=0):
    """The same without compilation."""
    signs = np.array([[1 - 2 * (bin(x & y).count("1") & 1) for x in range(size)] for y in range(size)])

    def satd(a, i, a_stride, b, j, b_stride):
        total = 0
        for left in range(0, size * max(blocks, 1), size):
            first, second = (
                np.array([array[at + k * stride : at + k * stride + size] for k in range(size)], np.int64)
                for array, at, stride in ((a, int(i) + left, int(a_stride)), (b, int(j) + left, int(b_stride)))
            )
            half = int(np.abs(signs @ (first - second) @ signs).sum() >> 1)
            total += half + 1 >> 1 if blocks else half
        return np.int64(total)

    return satd


_make = _plain if config.DISABLE_JIT else _vectors
half_satd8, half_satd4 = _make(8), _make(4)
narrow_satd8, narrow_satd16 = _make(8, 1), _make(8, 2)
