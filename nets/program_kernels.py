"""Running a program of nets/program.py: one kernel, memory from outside."""

import numpy as np

from codec.base.kernels.convolution import LANES, PLACES, ROWS, convolve8, convolve16, sum8
from codec.base.kernels.jit import kernel
from nets.program_layout import (
    ADD,
    CHANNELS,
    CONCAT,
    CONV,
    END,
    GRID,
    GROUPED,
    GROUPS,
    HIGH,
    INSIDE,
    KH,
    KW,
    LOW,
    MADE,
    MUL,
    N_WIRES,
    OP,
    OUT,
    PAD,
    PARAMETERS,
    PITCH,
    REPLICATE,
    SHUFFLE,
    SLOT,
    STRIDE,
    UP,
    VECTOR,
    WEIGHTS,
    WIRES,
)

_I32, _I64, _U64 = np.int32, np.int64, np.uint64


@kernel(inline=True)
def _size(side, grid):
    """Rows or columns of a signal on a grid."""
    return _I64(1) if grid == VECTOR else (side + (_I64(1) << grid) - 1) >> grid


@kernel(inline=True)
def _start(offsets, lines, program, index):
    """The first sample of a signal."""
    slot = program.signals[index, SLOT]
    return offsets[slot] + program.border * (lines[slot] + program.signals[index, PITCH])


@kernel
def _fill_border(memory, start, line, pitch, rows, columns, border, replicate):
    """`border` places around a signal: zeros, or its nearest samples."""
    for y in range(rows):
        first = start + y * line
        last = first + (columns - 1) * pitch
        for b in range(1, border + 1):
            for i in range(pitch):
                memory[first - b * pitch + i] = memory[first + i] if replicate else 0
                memory[last + b * pitch + i] = memory[last + i] if replicate else 0
    count = (columns + 2 * border) * pitch
    for b in range(1, border + 1):
        above, below = start - b * line - border * pitch, start + (rows - 1 + b) * line - border * pitch
        top, bottom = start - border * pitch, start + (rows - 1) * line - border * pitch
        for i in range(_U64(count)):
            memory[_U64(above) + i] = memory[_U64(top) + i] if replicate else 0
            memory[_U64(below) + i] = memory[_U64(bottom) + i] if replicate else 0


@kernel(inline=True)
def _finish(total, parameters, p, c, low, high):
    """The epilogue of docs/NETS.md for channel c, see codec.base.kernels.convolution."""
    at = p + (c >> 3) * (ROWS * LANES) + (c & 7)
    total = _I32(total + parameters[at])
    below = _I64(total < 0)
    shift = parameters[at + LANES * (1 + below)]
    before, rounds = parameters[at + LANES * (3 + below)], parameters[at + LANES * (5 + below)]
    value = _I32(_I32(total + before + (_I32(total >> shift) & rounds)) >> shift)
    return np.int16(min(max(value, _I32(low)), _I32(high)))


@kernel
def _convolve(program, step, memory, source, line, pitch, target, out_line, out_pitch, rows, columns):
    """A convolution of all channels with all, vectors of places and channels."""
    kh, kw, stride = step[KH], step[KW], step[STRIDE]
    pairs = kw * pitch >> 1
    made = step[MADE]
    first, w, p = _I64(0), step[WEIGHTS], step[PARAMETERS]
    low, high = _I32(step[LOW]), _I32(step[HIGH])
    while first < made:
        sixteen = made - first > LANES
        for y in range(rows):
            s = source + (y * stride - (kh >> 1)) * line - (kw >> 1) * pitch
            o = target + y * out_line + first
            for x in range(0, columns, PLACES):
                at, to = s + x * stride * pitch, o + x * out_pitch
                if sixteen:
                    convolve16(program.weights, w, memory, at, stride * pitch, kh, line, pairs,
                               program.parameters, p, low, high, memory, to, out_pitch)  # fmt: skip
                else:
                    convolve8(program.weights, w, memory, at, stride * pitch, kh, line, pairs,
                              program.parameters, p, low, high, memory, to, out_pitch)  # fmt: skip
        lanes = _I64(2 * LANES if sixteen else LANES)
        w += 2 * lanes * kh * pairs
        p += ROWS * lanes
        first += lanes


@kernel
def _convolve_groups(program, step, memory, source, line, pitch, target, out_line, out_pitch, rows, columns):
    """A convolution in which a channel sees those of its group."""
    kh, kw, stride, inside = step[KH], step[KW], step[STRIDE], step[INSIDE]
    each = step[MADE] // step[GROUPS]
    for y in range(rows):
        for x in range(columns):
            corner = source + (y * stride - (kh >> 1)) * line + (x * stride - (kw >> 1)) * pitch
            for c in range(step[MADE]):
                w = step[WEIGHTS] + c * kh * kw * inside
                total = _I32(0)
                for v in range(kh):
                    for u in range(kw):
                        at = corner + v * line + u * pitch + (c // each) * inside
                        for i in range(inside):
                            total = _I32(total + _I32(memory[at + i]) * _I32(program.weights[w]))
                            w += 1
                place = target + y * out_line + x * out_pitch + c
                memory[place] = _finish(total, program.parameters, step[PARAMETERS], c, step[LOW], step[HIGH])


@kernel
def _combine(program, step, memory, offsets, lines, target, out_line, out_pitch, rows, columns):
    """Sums of shifted signals, or products of two; a vector counts everywhere."""
    signals = program.signals
    channels = signals[step[OUT], CHANNELS]
    for y in range(rows):
        for x in range(columns):
            place = target + y * out_line + x * out_pitch
            for c in range(channels):
                total = _I32(1 if step[OP] == MUL else 0)
                for k in range(step[N_WIRES]):
                    wire = program.wires[step[WIRES] + k]
                    at = _start(offsets, lines, program, wire) + c
                    if signals[wire, GRID] != VECTOR:
                        at += y * lines[signals[wire, SLOT]] + x * signals[wire, PITCH]
                    value = _I32(memory[at])
                    if step[OP] == MUL:
                        total = _I32(total * value)
                    else:
                        total = _I32(total + _I32(value << program.ups[step[UP] + k]))
                memory[place + c] = _finish(total, program.parameters, step[PARAMETERS], c, step[LOW], step[HIGH])


@kernel
def _add_two(program, step, memory, first, first_line, second, second_line, target, out_line, pitch, rows, columns):
    """_combine of two maps of the same pitch, eight channels at a time."""
    channels = program.signals[step[OUT], CHANNELS]
    up, other_up = program.ups[step[UP]], program.ups[step[UP] + 1]
    low, high = _I32(step[LOW]), _I32(step[HIGH])
    for y in range(rows):
        a, b, o = first + y * first_line, second + y * second_line, target + y * out_line
        for _ in range(columns):
            p = step[PARAMETERS]
            for c in range(0, channels, LANES):
                sum8(memory, a + c, up, b + c, other_up, program.parameters, p, low, high, memory, o + c)
                p += ROWS * LANES
            a += pitch
            b += pitch
            o += pitch


@kernel
def _scale(program, step, memory, source, line, pitch, factors, target, out_line, out_pitch, rows, columns):
    """_combine of the product of a map and a vector."""
    channels, parameters = program.signals[step[OUT], CHANNELS], program.parameters
    low, high = _I32(step[LOW]), _I32(step[HIGH])
    for first in range(0, channels, LANES):
        count = _U64(min(channels - first, _I64(LANES)))
        p = _U64(step[PARAMETERS] + first * ROWS)
        v = _U64(factors + first)
        for y in range(rows):
            a, o = _U64(source + y * line + first), _U64(target + y * out_line + first)
            for _ in range(columns):
                for c in range(count):
                    total = _I32(_I32(memory[a + c]) * _I32(memory[v + c]))
                    below = total < 0
                    shift = parameters[p + c + _U64(2 * LANES)] if below else parameters[p + c + _U64(LANES)]
                    before = parameters[p + c + _U64(4 * LANES)] if below else parameters[p + c + _U64(3 * LANES)]
                    rounds = parameters[p + c + _U64(6 * LANES)] if below else parameters[p + c + _U64(5 * LANES)]
                    value = _I32(_I32(total + before + (_I32(total >> shift) & rounds)) >> shift)
                    memory[o + c] = np.int16(min(max(value, low), high))
                a += _U64(pitch)
                o += _U64(out_pitch)


@kernel
def _concat(program, step, memory, offsets, lines, target, out_line, out_pitch, rows, columns):
    """Channels of several signals, one behind the other; a vector is repeated."""
    signals = program.signals
    first = _I64(0)
    for k in range(step[N_WIRES]):
        wire = program.wires[step[WIRES] + k]
        channels, pitch, flat = signals[wire, CHANNELS], signals[wire, PITCH], signals[wire, GRID] == VECTOR
        start, line = _start(offsets, lines, program, wire), lines[signals[wire, SLOT]]
        for y in range(rows):
            for x in range(columns):
                at = start if flat else start + y * line + x * pitch
                for c in range(channels):
                    memory[target + y * out_line + x * out_pitch + first + c] = memory[at + c]
        first += channels


@kernel
def _shuffle(memory, source, line, pitch, target, out_line, out_pitch, channels, rows, columns, back):
    """out[c, 2*y + v, 2*x + u] = in[4*c + 2*v + u, y, x] for c < channels; with `back` the inverse."""
    for y in range(rows):
        for x in range(columns):
            for c in range(channels):
                for v in range(2):
                    for u in range(2):
                        if back:
                            at = source + (2 * y + v) * line + (2 * x + u) * pitch + c
                            memory[target + y * out_line + x * out_pitch + 4 * c + 2 * v + u] = memory[at]
                        else:
                            at = target + (2 * y + v) * out_line + (2 * x + u) * out_pitch + c
                            memory[at] = memory[source + y * line + x * pitch + 4 * c + 2 * v + u]


@kernel
def run_program(program, memory, offsets, lines, height, width):
    """Run a Program, or a record of its fields, on a tile whose inputs stand in `memory`; so do its outputs then.

    memory   int16, as long as nets.program.layout says;  offsets, lines: likewise
    height, width   of the finest grid
    """
    signals = program.signals
    for number in range(len(program.steps)):
        step = program.steps[number]
        if step[OP] == END:
            return
        out, wire = step[OUT], program.wires[step[WIRES]]
        target, out_line, out_pitch = (
            _start(offsets, lines, program, out),
            lines[signals[out, SLOT]],
            signals[out, PITCH],
        )
        source, line, pitch = _start(offsets, lines, program, wire), lines[signals[wire, SLOT]], signals[wire, PITCH]
        rows, columns = _size(height, signals[out, GRID]), _size(width, signals[out, GRID])
        op = step[OP]
        if op == CONV or op == GROUPED:
            if step[KH] > 1 or step[KW] > 1:
                in_rows, in_columns = _size(height, signals[wire, GRID]), _size(width, signals[wire, GRID])
                _fill_border(memory, source, line, pitch, in_rows, in_columns, program.border, step[PAD] == REPLICATE)
            if op == CONV:
                _convolve(program, step, memory, source, line, pitch, target, out_line, out_pitch, rows, columns)
            else:
                _convolve_groups(program, step, memory, source, line, pitch, target, out_line, out_pitch, rows, columns)
        elif op == ADD or op == MUL:
            second = program.wires[step[WIRES] + step[N_WIRES] - 1]
            if op == MUL and signals[wire, GRID] != VECTOR and signals[second, GRID] == VECTOR:
                factors = _start(offsets, lines, program, second)
                _scale(program, step, memory, source, line, pitch, factors, target, out_line, out_pitch, rows, columns)
                continue
            plain = op == ADD and step[N_WIRES] == 2 and signals[wire, GRID] == signals[second, GRID]
            if plain and pitch == out_pitch and signals[second, PITCH] == out_pitch:
                other, other_line = _start(offsets, lines, program, second), lines[signals[second, SLOT]]
                _add_two(
                    program, step, memory, source, line, other, other_line, target, out_line, out_pitch, rows, columns
                )
            else:
                _combine(program, step, memory, offsets, lines, target, out_line, out_pitch, rows, columns)
        elif op == CONCAT:
            _concat(program, step, memory, offsets, lines, target, out_line, out_pitch, rows, columns)
        elif op == SHUFFLE:
            in_rows, in_columns = _size(height, signals[wire, GRID]), _size(width, signals[wire, GRID])
            channels = signals[out, CHANNELS]
            _shuffle(memory, source, line, pitch, target, out_line, out_pitch, channels, in_rows, in_columns, False)
        else:
            channels = signals[wire, CHANNELS]
            _shuffle(memory, source, line, pitch, target, out_line, out_pitch, channels, rows, columns, True)
