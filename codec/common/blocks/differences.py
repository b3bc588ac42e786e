"""Sums of absolute differences of rows of int16 in LLVM's vectors of int16: half as many as the int32 it would take.

sum_of_8 and the others, by width, are called as function(a, i, a_stride, b, j, b_stride, rows): int16 arrays, the
places of two blocks in them, and how far apart rows are. They return an int64, right where no difference is larger than
4095 and there are at most ROWS rows: sixteen differences fit into a lane.
"""

import numpy as np

from codec.base.kernels.compiler import cgutils, config, intrinsic, ir, make_array, types
from codec.base.kernels.vectors import absolute, check_int16, folded, load_int16

ROWS = 8
_LANES = 16


def _lanes(width):
    """The vectors of a row."""
    return [_LANES] * (width // _LANES) + [lanes for lanes in (8, 4) if width & lanes]


def _total(builder, value):
    """The sum of all lanes, which are unsigned, an i32."""
    value = folded(builder, builder.zext(value, ir.VectorType(ir.IntType(32), value.type.count)), 1)
    return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))


def _vectors(width):
    """The intrinsic for rows of `width` samples."""

    @intrinsic
    def sum_of_rows(typing_context, a, i, a_stride, b, j, b_stride, rows):
        check_int16(a, b)

        def codegen(context, builder, signature, arguments):
            first, second = (make_array(kind)(context, builder, arguments[k]) for k, kind in ((0, a), (3, b)))
            (i_, a_step), (j_, b_step), rows_ = arguments[1:3], arguments[4:6], arguments[6]
            parts = _lanes(width)
            # two vectors of a row may share their sums
            sums = []
            for lanes in parts[:1] + parts[2:3] if width > 32 else parts:
                vector = ir.VectorType(ir.IntType(16), lanes)
                sums.append(cgutils.alloca_once_value(builder, ir.Constant(vector, [0] * lanes)))
            with cgutils.for_range(builder, rows_) as loop:
                at = builder.add(i_, builder.mul(loop.index, a_step))
                other = builder.add(j_, builder.mul(loop.index, b_step))
                for k, lanes in enumerate(parts):
                    place = ir.Constant(at.type, _LANES * k if lanes == _LANES else width - sum(parts[k:]))
                    x = load_int16(builder, first, builder.add(at, place), lanes)
                    y = load_int16(builder, second, builder.add(other, place), lanes)
                    total = sums[k % len(sums)]
                    builder.store(builder.add(builder.load(total), absolute(builder, builder.sub(x, y))), total)
            made = [_total(builder, builder.load(total)) for total in sums]
            while len(made) > 1:
                made.append(builder.add(made.pop(), made.pop()))
            return builder.zext(made[0], ir.IntType(64))

        place = types.int64, types.int64
        return types.int64(a, *place, b, *place, types.int64), codegen

    return sum_of_rows


def _plain(width):
    """The same without compilation."""

    def sum_of_rows(a, i, a_stride, b, j, b_stride, rows):
        total = 0
        for k in range(int(rows)):
            x, y = int(i) + k * int(a_stride), int(j) + k * int(b_stride)
            total += int(np.abs(a[x : x + width].astype(int) - b[y : y + width]).sum())
        return np.int64(total)

    return sum_of_rows


_make = _plain if config.DISABLE_JIT else _vectors
sum_of_4, sum_of_8, sum_of_12, sum_of_16 = (_make(width) for width in (4, 8, 12, 16))
sum_of_24, sum_of_32, sum_of_48, sum_of_64 = (_make(width) for width in (24, 32, 48, 64))
