"""Rows of blocks in LLVM's vectors: interpolation filters, and rounding predictions to samples.

Arrays are contiguous int16; a block begins at an index and its rows are so far apart. Weights stay in registers while a
block is filtered, which LLVM cannot do by itself: it does not know that the block does not overlap them.

    wide_filter8, wide_filter4(
        weights, w, source, first, step, stride, out, out_stride, width, height, rounding, shift, least, most)
        out = (rounding + sum over k < 8 or 4 of weights[w + k] * source[first + k * step]) >> shift, within least..most
    narrow_filter8, narrow_filter4(weights, w, source, first, step, stride, out, out_stride, width, height, start)
        out = start + the same sum, in 16 bit all along, modulo 2 ** 16
    wide_filter8x8(weights, w, source, first, stride, out, out_stride, width, height, rounding, shift, least, most)
        out = (rounding + sum over j, k < 8 of weights[w + 8 * j + k] * source[first + j * stride + k]) >> shift
    All work on groups of eight columns: up to seven samples right of the block are read and written too.

    round_one(a, a_stride, out, at, stride, width, height, rounding, shift, middle, top)
        out = ((a + rounding) >> shift) + middle, clipped to 0..top;  sums are clipped to 16 bit
    round_mean(a, b, a_stride, out, at, stride, width, height, rounding, shift, middle, top)
        the same of a + b
    Widths are even, and nothing right of the block is written.
"""

import numpy as np

from codec.base.kernels.compiler import cgutils, config, intrinsic, ir, make_array, types
from codec.base.kernels.vectors import (
    check_int16,
    clipped,
    everywhere,
    load_int16,
    pair_products,
    saturated_sum,
    shuffled,
    store_int16,
)

_LANES = 16
_INT16 = ir.IntType(16)
_PLACE, _NUMBER = types.int64, types.int32  # arguments that are indices, and those that are calculated with


def _arrays(context, builder, kinds, values):
    return [make_array(kind)(context, builder, value) for kind, value in zip(kinds, values, strict=True)]


def _number(like, value):
    return ir.Constant(like.type, value)


def _for_groups(builder, width, work, rest):
    """work(column, lanes) for groups of sixteen columns of a row; then of `rest` lanes each, where columns are left."""
    done = builder.and_(width, _number(width, -_LANES))
    with cgutils.for_range_slice(builder, _number(width, 0), done, _number(width, _LANES)) as (column, _):
        work(column, _LANES)
    for k, lanes in enumerate(rest):
        # of two equal groups the second may be begun, and go too far
        least = 1 if lanes in rest[:k] else lanes
        wanted = builder.icmp_signed(">=", builder.sub(width, done), _number(width, least))
        with builder.if_then(wanted):
            work(done, lanes)
        done = builder.select(wanted, builder.add(done, _number(width, lanes)), done)


def _narrow_sum(builder, rows, weights, start):
    """The sum in 16 bit."""
    lanes = rows[0].type.count
    total = everywhere(builder, builder.trunc(start, _INT16), lanes)
    for row, weight in zip(rows, weights, strict=True):
        total = builder.add(total, builder.mul(row, everywhere(builder, weight, lanes)))
    return total


def _wide_sum(builder, rows, weights, rounding, shift, least, most):
    """The sum in 32 bit, of pairs of products."""
    lanes = rows[0].type.count
    order = [place for lane in range(lanes) for place in (lane, lanes + lane)]
    total = everywhere(builder, rounding, lanes)
    for k in range(0, len(rows), 2):
        pair = [everywhere(builder, weight, lanes) for weight in weights[k : k + 2]]
        samples, factors = (shuffled(builder, *both, order) for both in (rows[k : k + 2], pair))
        total = builder.add(total, pair_products(builder, samples, factors))
    total = builder.ashr(total, everywhere(builder, shift, lanes))
    total = clipped(builder, total, least, most)
    return builder.trunc(total, ir.VectorType(_INT16, lanes))


def _filter_code(taps, total, weights, source, out):
    """(argument types before the numbers that `total` makes sums with, code generator) of a filter of `taps` taps."""
    check_int16(weights, source, out)

    def codegen(context, builder, signature, arguments):
        weights_, w_, source_, first_, step_, stride_, out_, out_stride_, width_, height_, *numbers = arguments
        table, samples, made = _arrays(context, builder, (weights, source, out), (weights_, source_, out_))
        taps_ = [builder.load(builder.gep(table.data, [builder.add(w_, _number(w_, k))])) for k in range(taps)]
        with cgutils.for_range(builder, height_) as loop:
            row = builder.add(first_, builder.mul(loop.index, stride_))
            target = builder.mul(loop.index, out_stride_)

            def work(column, lanes):
                at, rows = builder.add(row, column), []
                for _ in range(taps):
                    rows.append(load_int16(builder, samples, at, lanes))
                    at = builder.add(at, step_)
                store_int16(builder, total(builder, rows, taps_, *numbers), made, builder.add(target, column))

            _for_groups(builder, width_, work, (8, 8))
        return context.get_dummy_value()

    return (weights, _PLACE, source, *[_PLACE] * 3, out, *[_PLACE] * 3), codegen


def _narrow_vectors(taps):
    """The intrinsic narrow_filter8 or narrow_filter4."""

    @intrinsic
    def filter_rows(typing_context, weights, w, source, first, step, stride, out, out_stride, width, height, start):
        kinds, codegen = _filter_code(taps, _narrow_sum, weights, source, out)
        return types.void(*kinds, _NUMBER), codegen

    return filter_rows


def _wide_vectors(taps):
    """The intrinsic wide_filter8 or wide_filter4."""

    @intrinsic
    def filter_rows(
        typing_context, weights, w, source, first, step, stride, out, out_stride, width, height, rounding, shift,
        least, most,
    ):  # fmt: skip
        kinds, codegen = _filter_code(taps, _wide_sum, weights, source, out)
        return types.void(*kinds, *[_NUMBER] * 4), codegen

    return filter_rows


def _square_sum(builder, samples, at, stride, lanes, table, w, rounding):
    """The sum over eight rows of eight taps, in 32 bit, as vectors whose lanes are half a group each.

    Weights are loaded where they are used: LLVM sees pairs of products within a basic block only.

    Neighbouring samples are products' pairs. A group of sixteen is woven within its two halves, which is one
    instruction, and its lanes come in the order of the vectors that _narrowed puts together.
    """
    halves = range(0, lanes, 8)
    low, high = (
        [place for half in halves for lane in range(half + k, half + k + 4) for place in (lane, lanes + lane)]
        for k in (0, 4)
    )
    totals = [everywhere(builder, rounding, lanes // 2)] * 2
    for j in range(8):
        for k in range(0, 8, 2):
            pair = [load_int16(builder, samples, builder.add(at, _number(at, k + i)), lanes) for i in range(2)]
            factor = load_int16(builder, table, builder.add(w, _number(w, 8 * j + k)), 2)
            factor = shuffled(builder, factor, factor, [0, 1] * (lanes // 2))
            totals = [
                builder.add(total, pair_products(builder, shuffled(builder, *pair, order), factor))
                for total, order in zip(totals, (low, high), strict=True)
            ]
        at = builder.add(at, stride)
    return totals


def _narrowed(builder, totals, shift, least, most):
    """Two vectors of _square_sum, shifted and clipped, as one of int16."""
    lanes = 2 * totals[0].type.count
    totals = [
        clipped(builder, builder.ashr(total, everywhere(builder, shift, lanes // 2)), least, most) for total in totals
    ]
    order = [
        place for k in range(0, lanes // 2, 4) for half in (0, lanes // 2) for place in range(half + k, half + k + 4)
    ]
    return builder.trunc(shuffled(builder, *totals, order), ir.VectorType(_INT16, lanes))


@intrinsic
def _wide_filter8x8(
    typing_context, weights, w, source, first, stride, out, out_stride, width, height, rounding, shift, least, most
):
    check_int16(weights, source, out)

    def codegen(context, builder, signature, arguments):
        weights_, w_, source_, first_, stride_, out_, out_stride_, width_, height_, rounding_, *bounds = arguments
        table, samples, made = _arrays(context, builder, (weights, source, out), (weights_, source_, out_))
        with cgutils.for_range(builder, height_) as loop:
            row = builder.add(first_, builder.mul(loop.index, stride_))
            target = builder.mul(loop.index, out_stride_)

            def work(column, lanes):
                totals = _square_sum(builder, samples, builder.add(row, column), stride_, lanes, table, w_, rounding_)
                store_int16(builder, _narrowed(builder, totals, *bounds), made, builder.add(target, column))

            _for_groups(builder, width_, work, (8, 8))
        return context.get_dummy_value()

    return types.void(weights, _PLACE, source, *[_PLACE] * 2, out, *[_PLACE] * 3, *[_NUMBER] * 4), codegen


def _rounding(context, builder, predictions, arguments):
    """The loops of round_one and round_mean; predictions: numba's structs of their arrays."""
    a_stride, out, at, stride, width, height, rounding, shift, middle, top = arguments
    rounding, shift, middle, top = (builder.trunc(value, _INT16) for value in (rounding, shift, middle, top))
    with cgutils.for_range(builder, height) as loop:
        row, target = builder.mul(loop.index, a_stride), builder.add(at, builder.mul(loop.index, stride))

        def work(column, lanes):
            total = None
            for array in predictions:
                found = load_int16(builder, array, builder.add(row, column), lanes)
                total = found if total is None else saturated_sum(builder, total, found)
            total = saturated_sum(builder, total, everywhere(builder, rounding, lanes))
            total = builder.ashr(total, everywhere(builder, shift, lanes))
            total = builder.add(total, everywhere(builder, middle, lanes))
            store_int16(builder, clipped(builder, total, _number(top, 0), top), out, builder.add(target, column))

        _for_groups(builder, width, work, (8, 4, 2))
    return context.get_dummy_value()


@intrinsic
def _round_one(typing_context, a, a_stride, out, at, stride, width, height, rounding, shift, middle, top):
    check_int16(a, out)

    def codegen(context, builder, signature, arguments):
        one, stride_, out_, *others = arguments
        one, out_ = _arrays(context, builder, (a, out), (one, out_))
        return _rounding(context, builder, (one,), (stride_, out_, *others))

    return types.void(a, _PLACE, out, *[_PLACE] * 4, *[_NUMBER] * 4), codegen


@intrinsic
def _round_mean(typing_context, a, b, a_stride, out, at, stride, width, height, rounding, shift, middle, top):
    check_int16(a, b, out)

    def codegen(context, builder, signature, arguments):
        one, two, stride_, out_, *others = arguments
        one, two, out_ = _arrays(context, builder, (a, b, out), (one, two, out_))
        return _rounding(context, builder, (one, two), (stride_, out_, *others))

    return types.void(a, b, _PLACE, out, *[_PLACE] * 4, *[_NUMBER] * 4), codegen


def _plain_filter(taps, narrow):
    """The same without compilation."""

    def filter_rows(weights, w, source, first, step, stride, out, out_stride, width, height, rounding, *others):
        columns = (int(width) + 7) & ~7
        for y in range(int(height)):
            total = np.full(columns, int(rounding), np.int64)
            for k in range(taps):
                at = int(first) + y * int(stride) + k * int(step)
                total += int(weights[int(w) + k]) * source[at : at + columns].astype(np.int64)
            if not narrow:
                shift, least, most = map(int, others)
                total = np.clip(total >> shift, least, most)
            out[y * int(out_stride) : y * int(out_stride) + columns] = total.astype(np.int16)

    return filter_rows


def _plain_filter8x8(weights, w, source, first, stride, out, out_stride, width, height, rounding, shift, least, most):
    """The same without compilation."""
    columns = (int(width) + 7) & ~7
    for y in range(int(height)):
        total = np.full(columns, int(rounding), np.int64)
        for j in range(8):
            for k in range(8):
                at = int(first) + (y + j) * int(stride) + k
                total += int(weights[int(w) + 8 * j + k]) * source[at : at + columns].astype(np.int64)
        made = np.clip(total >> int(shift), int(least), int(most))
        out[y * int(out_stride) : y * int(out_stride) + columns] = made.astype(np.int16)


def _plain_round_mean(a, b, a_stride, out, at, stride, width, height, rounding, shift, middle, top):
    """The same without compilation."""
    for y in range(int(height)):
        row, target = y * int(a_stride), int(at) + y * int(stride)
        total = sum(array[row : row + width].astype(np.int64) for array in (a, b) if array is not None)
        total = np.clip(np.clip(total, -32768, 32767) + int(rounding), -32768, 32767)
        out[target : target + width] = np.clip((total >> int(shift)) + int(middle), 0, int(top))


def _plain_round_one(a, *others):
    _plain_round_mean(a, None, *others)


if config.DISABLE_JIT:
    narrow_filter8, narrow_filter4 = _plain_filter(8, True), _plain_filter(4, True)
    wide_filter8, wide_filter4 = _plain_filter(8, False), _plain_filter(4, False)
    wide_filter8x8 = _plain_filter8x8
    round_one, round_mean = _plain_round_one, _plain_round_mean
else:
    narrow_filter8, narrow_filter4 = _narrow_vectors(8), _narrow_vectors(4)
    wide_filter8, wide_filter4 = _wide_vectors(8), _wide_vectors(4)
    wide_filter8x8 = _wide_filter8x8
    round_one, round_mean = _round_one, _round_mean
