"""Sums of products of int16 in LLVM's vectors, for two rows of weights at a time: the loops of the transforms.

Products are added in pairs, which is one instruction where LLVM finds it (pmaddwd): rows are kept as pairs, two samples
of neighbouring rows side by side. Each of these is called as

    function(weights, first, second, pairs, at, step, count, rounding, shift, out, o, p)

With r = first and second, lane x of a sum is

    (sum over k < count, j < 2 of weights[r + 2 * k + j] * pairs[at + k * step + 2 * x + j] + rounding) >> shift

clipped to 16 bit. There are eight lanes, or sixteen (functions in 16).

    pair_sums    stores the sums as pairs from out[o] on; p is not used
    row_sums     stores the first ones from out[o], the second ones from out[p] on
"""

import numpy as np

from codec.base.kernels.compiler import cgutils, config, intrinsic, ir, make_array, types
from codec.base.kernels.vectors import (
    check_int16,
    clipped,
    everywhere,
    load_int16,
    pair_products,
    shuffled,
    store_int16,
)

_LANES = 8


def _two_sums(builder, weights, starts, pairs, at, step, count, groups):
    """Two rows of `groups` vectors of sums."""
    two = ir.Constant(count.type, 2)
    zero = ir.Constant(ir.VectorType(ir.IntType(32), _LANES), [0] * _LANES)
    sums = [[cgutils.alloca_once_value(builder, zero) for _ in range(groups)] for _ in starts]
    with cgutils.for_range(builder, count) as loop:
        row = builder.add(at, builder.mul(loop.index, step))
        found = [
            load_int16(builder, pairs, builder.add(row, ir.Constant(row.type, 2 * _LANES * group)), 2 * _LANES)
            for group in range(groups)
        ]
        for start, line in zip(starts, sums, strict=True):
            pair = load_int16(builder, weights, builder.add(start, builder.mul(loop.index, two)), 2)
            pair = shuffled(builder, pair, pair, [0, 1] * _LANES)
            for vector, total in zip(found, line, strict=True):
                builder.store(builder.add(builder.load(total), pair_products(builder, vector, pair)), total)
    return [[builder.load(total) for total in line] for line in sums]


def _vectors(groups, as_pairs):
    """The intrinsic for `groups` times eight lanes."""

    @intrinsic
    def sums(typing_context, weights, first, second, pairs, at, step, count, rounding, shift, out, o, p):
        check_int16(weights, pairs, out)
        place = types.int64

        def codegen(context, builder, signature, arguments):
            weights_, first_, second_, pairs_, at_, step_, count_, rounding_, shift_, out_, o_, p_ = arguments
            a, b, c = (
                make_array(kind)(context, builder, value)
                for kind, value in ((weights, weights_), (pairs, pairs_), (out, out_))
            )
            rounding_, shift_ = (everywhere(builder, value, _LANES) for value in (rounding_, shift_))
            made = [
                [builder.ashr(builder.add(total, rounding_), shift_) for total in line]
                for line in _two_sums(builder, a, (first_, second_), b, at_, step_, count_, groups)
            ]
            narrow = ir.VectorType(ir.IntType(16), _LANES)
            bounds = [ir.Constant(ir.IntType(32), bound) for bound in (-32768, 32767)]
            for group, (x, y) in enumerate(zip(*made, strict=True)):
                x, y = (builder.trunc(clipped(builder, value, *bounds), narrow) for value in (x, y))
                if as_pairs:
                    both = shuffled(builder, x, y, [lane for k in range(_LANES) for lane in (k, _LANES + k)])
                    stores = ((both, o_, 2 * _LANES),)
                else:
                    stores = (x, o_, _LANES), (y, p_, _LANES)
                for value, where, width in stores:
                    where = builder.add(where, ir.Constant(where.type, width * group))
                    store_int16(builder, value, c, where)
            return context.get_dummy_value()

        numbers = types.int32, types.int32
        signature = types.void(weights, place, place, pairs, place, place, place, *numbers, out, place, place)
        return signature, codegen

    return sums


def _plain(groups, as_pairs):
    """The same without compilation."""
    lanes = groups * _LANES

    def sums(weights, first, second, pairs, at, step, count, rounding, shift, out, o, p):
        rows = np.array([pairs[at + k * step : at + k * step + 2 * lanes] for k in range(count)], np.int64)
        made = []
        for start in (first, second):
            products = rows * np.tile(np.reshape(weights[start : start + 2 * count], (count, 2)), lanes)
            total = (products[:, 0::2] + products[:, 1::2]).sum(axis=0) + int(rounding) >> int(shift)
            made.append(np.clip(total, -32768, 32767))
        if as_pairs:
            out[o : o + 2 * lanes] = np.stack(made, axis=1).ravel()
        else:
            out[o : o + lanes], out[p : p + lanes] = made

    return sums


_make = _plain if config.DISABLE_JIT else _vectors
pair_sums, pair_sums16 = _make(1, True), _make(2, True)
row_sums, row_sums16 = _make(1, False), _make(2, False)
