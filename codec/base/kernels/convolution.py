"""A convolution's inner loops in LLVM's vectors: four places of a row, eight or sixteen output channels at a time.

Samples are int16, channels last; products are added in pairs of input channels (pmaddwd), in int32. Each of these is

    function(weights, w, source, s, step, kh, row_step, pairs, parameters, p, low, high, out, o, out_step)

With place x < 4 and channel c, total = sum over v < kh, k < pairs, j < 2 of
weights[w + ((v * pairs + k) * lanes + c) * 2 + j] * source[s + x * step + v * row_step + 2 * k + j],
and out[o + x * out_step + c] is what the epilogue of docs/NETS.md makes of it. `parameters` from p on are rows of eight
int32, seven for eight channels: bias; shift, shift of negatives; what is added before the shift, the same of negatives;
1 where a shift rounds, the same of negatives.

    convolve8, convolve16   eight and sixteen channels

    sum8(source, a, up_a, b, up_b, parameters, p, low, high, out, o)

does the same epilogue for eight channels of source[a + c] << up_a plus source[b + c] << up_b.
"""

import numpy as np

from codec.base.kernels.compiler import cgutils, config, intrinsic, ir, make_array, types
from codec.base.kernels.vectors import check_int16, everywhere, int32, load_int16, pair_products, shuffled, store_int16

PLACES, LANES, ROWS = 4, 8, 7


def _load_rows(builder, array, at, count):
    """`count` vectors of eight int32."""
    vector = ir.VectorType(ir.IntType(32), LANES)
    rows = []
    for row in range(count):
        index = builder.add(at, ir.Constant(at.type, LANES * row))
        value = builder.load(builder.bitcast(builder.gep(array.data, [index]), vector.as_pointer()))
        value.align = 4
        rows.append(value)
    return rows


def _sums(builder, weights, w, source, s, step, kh, row_step, pairs, groups):
    """[place][group] vectors of int32."""
    zero = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    sums = [[cgutils.alloca_once_value(builder, zero) for _ in range(groups)] for _ in range(PLACES)]
    two = ir.Constant(pairs.type, 2)
    width = ir.Constant(pairs.type, 2 * LANES * groups)
    with cgutils.for_range(builder, kh) as rows:
        line = builder.add(s, builder.mul(rows.index, row_step))
        first = builder.mul(rows.index, pairs)
        with cgutils.for_range(builder, pairs) as loop:
            at = builder.add(w, builder.mul(builder.add(first, loop.index), width))
            factors = [
                load_int16(builder, weights, builder.add(at, ir.Constant(at.type, 2 * LANES * g)), 2 * LANES)
                for g in range(groups)
            ]
            here = builder.add(line, builder.mul(loop.index, two))
            for x, row in enumerate(sums):
                place = builder.add(here, builder.mul(step, ir.Constant(step.type, x)))
                pair = load_int16(builder, source, place, 2)
                pair = shuffled(builder, pair, pair, [0, 1] * LANES)
                for factor, total in zip(factors, row, strict=True):
                    builder.store(builder.add(builder.load(total), pair_products(builder, factor, pair)), total)
    return [[builder.load(total) for total in row] for row in sums]


def _finished(builder, total, rows, low, high):
    """The epilogue: int16 lanes."""
    bias, *choices = rows
    total = builder.add(total, bias)
    negative = builder.icmp_signed("<", total, ir.Constant(total.type, [0] * LANES))
    shift, before, rounds = (
        builder.select(negative, below, above) for above, below in zip(choices[0::2], choices[1::2], strict=True)
    )
    odd = builder.and_(builder.ashr(total, shift), rounds)
    value = builder.ashr(builder.add(builder.add(total, before), odd), shift)
    for sign, bound in (("<", low), (">", high)):
        bound = everywhere(builder, bound, LANES)
        value = builder.select(builder.icmp_signed(sign, value, bound), bound, value)
    return builder.trunc(value, ir.VectorType(ir.IntType(16), LANES))


def _vectors(groups):
    """The intrinsic for `groups` times eight channels."""

    @intrinsic
    def convolve(typing, weights, w, source, s, step, kh, row_step, pairs, parameters, p, low, high, out, o, out_step):
        check_int16(weights, source, out)
        place = types.int64

        def codegen(context, builder, signature, arguments):
            (weights_, w_, source_, s_, step_, kh_, row_step_, pairs_, parameters_, p_, low_, high_, out_, o_,
             out_step_) = arguments  # fmt: skip
            a, b, c, d = (
                make_array(kind)(context, builder, value)
                for kind, value in ((weights, weights_), (source, source_), (parameters, parameters_), (out, out_))
            )
            sums = _sums(builder, a, w_, b, s_, step_, kh_, row_step_, pairs_, groups)
            rows = [
                _load_rows(builder, c, builder.add(p_, ir.Constant(p_.type, ROWS * LANES * g)), ROWS)
                for g in range(groups)
            ]
            for x, totals in enumerate(sums):
                at = builder.add(o_, builder.mul(out_step_, ir.Constant(out_step_.type, x)))
                for g, total in enumerate(totals):
                    value = _finished(builder, total, rows[g], low_, high_)
                    store_int16(builder, value, d, builder.add(at, ir.Constant(at.type, LANES * g)))
            return context.get_dummy_value()

        numbers = types.int32, types.int32
        signature = types.void(
            weights, place, source, place, place, place, place, place, parameters, place, *numbers, out, place, place
        )
        return signature, codegen

    return convolve


def _plain_epilogue(total, table):
    shift, before, rounds = (np.where(total < 0, table[i + 1], table[i]) for i in (1, 3, 5))
    return (total + before + ((total >> shift) & rounds)) >> shift


def _plain(groups):
    """The same without compilation."""
    lanes = LANES * groups

    def convolve(weights, w, source, s, step, kh, row_step, pairs, parameters, p, low, high, out, o, out_step):
        factors = weights[w : w + 2 * lanes * kh * pairs].reshape(kh * pairs, lanes, 2).astype(np.int64)
        table = parameters[p : p + ROWS * lanes].reshape(groups, ROWS, LANES).transpose(1, 0, 2).reshape(ROWS, lanes)
        for x in range(4):
            rows = [source[s + x * step + v * row_step :][: 2 * pairs] for v in range(kh)]
            samples = np.concatenate(rows).reshape(kh * pairs, 1, 2).astype(np.int64)
            total = (factors * samples).sum(axis=(0, 2)) + table[0]
            out[o + x * out_step : o + x * out_step + lanes] = np.clip(_plain_epilogue(total, table), low, high)

    return convolve


@intrinsic
def _sum8(typing, source, a, up_a, b, up_b, parameters, p, low, high, out, o):
    check_int16(source, out)
    place, number = types.int64, types.int32

    def codegen(context, builder, signature, arguments):
        source_, a_, up_a_, b_, up_b_, parameters_, p_, low_, high_, out_, o_ = arguments
        samples, rows, made = (
            make_array(kind)(context, builder, value)
            for kind, value in ((source, source_), (parameters, parameters_), (out, out_))
        )
        parts = [
            builder.shl(int32(builder, load_int16(builder, samples, at, LANES)), everywhere(builder, up, LANES))
            for at, up in ((a_, up_a_), (b_, up_b_))
        ]
        table = _load_rows(builder, rows, p_, ROWS)
        store_int16(builder, _finished(builder, builder.add(*parts), table, low_, high_), made, o_)
        return context.get_dummy_value()

    signature = types.void(source, place, number, place, number, parameters, place, number, number, out, place)
    return signature, codegen


def _plain_sum8(source, a, up_a, b, up_b, parameters, p, low, high, out, o):
    table = parameters[p : p + ROWS * LANES].reshape(ROWS, LANES)
    first, second = source[a : a + LANES].astype(np.int64), source[b : b + LANES].astype(np.int64)
    total = (first << int(up_a)) + (second << int(up_b)) + table[0]
    out[o : o + LANES] = np.clip(_plain_epilogue(total, table), low, high)


_make = _plain if config.DISABLE_JIT else _vectors
convolve8, convolve16 = _make(1), _make(2)
sum8 = _plain_sum8 if config.DISABLE_JIT else _sum8
