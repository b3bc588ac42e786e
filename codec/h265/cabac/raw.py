"""(7.3.8.7, 9.3.2.5) Bits outside the arithmetic coder: pcm samples between a terminating bin and a fresh start."""

import numpy as np

from codec.base.kernels.jit import engine_overload, is_engine
from codec.h265.cabac.engine import (
    Estimator,
    Reader,
    Writer,
    finish_writer,
    reader_byte_position,
    start_reader,
    start_writer,
)
from codec.h265.cabac.tables import BIT_SHIFT


def _reader_begin(e):
    state = e.state[0]
    state.pos = reader_byte_position(e)
    state.value = 0
    state.ahead = 0


def _reader_bits(e, count, value):
    state = e.state[0]
    while state.ahead < count:
        byte = np.int64(0)
        if state.pos < state.end:
            byte = np.int64(e.data[state.pos])
        state.value = ((state.value << 8) | byte) & 0xFFFFFF
        state.pos += 1
        state.ahead += 8
    state.ahead -= count
    return (state.value >> state.ahead) & ((np.int64(1) << count) - 1)


def _reader_end(e):
    start_reader(e, e.state[0].pos)


def _writer_begin(e):
    finish_writer(e)
    state = e.state[0]
    state.low = 0
    state.queued = 0


def _writer_bits(e, count, value):
    state = e.state[0]
    state.low = (state.low << count) | value
    state.queued += count
    while state.queued >= 8:
        state.queued -= 8
        e.data[state.pos] = np.uint8((state.low >> state.queued) & 255)
        state.pos += 1
    state.low &= (np.int64(1) << state.queued) - 1
    return value


def _writer_end(e):
    start_writer(e)


def _estimator_begin(e):
    pass


def _estimator_bits(e, count, value):
    e.state[0].bits += np.int64(count) << BIT_SHIFT
    return value


_BEGIN = {Reader: _reader_begin, Writer: _writer_begin, Estimator: _estimator_begin}
_BITS = {Reader: _reader_bits, Writer: _writer_bits, Estimator: _estimator_bits}
_END = {Reader: _reader_end, Writer: _writer_end, Estimator: _estimator_begin}


def _choose(table, engine):
    for engine_class, function in table.items():
        if isinstance(engine, engine_class) or is_engine(engine, engine_class):
            return function
    raise TypeError(f"not an engine: {engine}")


def begin_raw(e):
    """Behind pcm_flag: skip to the byte boundary (pcm_alignment_zero_bit)."""
    _choose(_BEGIN, e)(e)


def code_raw_bits(e, count, value):
    """u(count), count <= 16."""
    return _choose(_BITS, e)(e, count, value)


def end_raw(e):
    """Start the arithmetic coder again, at a byte boundary."""
    _choose(_END, e)(e)


@engine_overload(begin_raw)
def _overload_begin(e):
    return _choose(_BEGIN, e)


@engine_overload(code_raw_bits)
def _overload_bits(e, count, value):
    return _choose(_BITS, e)


@engine_overload(end_raw)
def _overload_end(e):
    return _choose(_END, e)
