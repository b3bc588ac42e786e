"""(9.3.4.3, 9.3.4.4) The arithmetic coder: three engines under one set of `code_*` functions.

    value = code_bin(engine, context, value)

writes with a Writer, reads with a Reader (the argument is then ignored), and adds up a rate with an Estimator. The
compiler picks the engine by its type, so the syntax in syntax/ exists once. All three keep contexts current.
"""

from typing import NamedTuple

import numpy as np

from codec.base.kernels.jit import engine_overload, is_engine, kernel
from codec.base.records import record
from codec.h265.cabac.contexts import CONTEXT_COUNT
from codec.h265.cabac.tables import BIT_SHIFT, ENTROPY_BITS, NEXT_STATE, RANGE_LPS, RENORM_SHIFT

# every engine's state holds its contexts and the scratch of residual_coding
_COMMON = [("contexts", np.uint8, (CONTEXT_COUNT,)), ("levels", np.int32, (2, 16))]
READER_STATE = record(
    [
        ("range", np.int64),
        ("value", np.int64),  # ivlOffset, with `ahead` prefetched bits below it
        ("ahead", np.int64),
        ("pos", np.int64),  # next byte to fetch
        ("end", np.int64),  # bytes from here on do not belong to the slice and read as zero
        ("error", np.int64),  # first impossible value met (see syntax/walk.py); 0: none
        *_COMMON,
    ]
)
WRITER_STATE = record(
    [
        ("range", np.int64),
        ("low", np.int64),
        ("queued", np.int64),  # bits of `low` above its 10-bit window; -1 until the first, always zero, bit is dropped
        ("pos", np.int64),
        *_COMMON,
    ]
)
ESTIMATOR_STATE = record([("bits", np.int64), *_COMMON])


class Reader(NamedTuple):
    """Reads bins from `data`, the slice segment data without emulation prevention bytes."""

    state: np.ndarray
    data: np.ndarray


class Writer(NamedTuple):
    """Writes bins into `data`, which must be large enough for the CTU being coded (MAX_CTU_BYTES)."""

    state: np.ndarray
    data: np.ndarray


class Estimator(NamedTuple):
    """Adds up the rate of bins in state.bits, in 1/32768 bit."""

    state: np.ndarray


def new_reader(data, start=0):
    """A Reader at byte `start` of the uint8 array `data`; contexts are zero until set."""
    reader = Reader(np.zeros(1, READER_STATE), data)
    reader.state[0]["end"] = len(data)
    start_reader(reader, start)
    return reader


def new_writer(data):
    """A Writer into the uint8 array `data`; contexts are zero until set."""
    writer = Writer(np.zeros(1, WRITER_STATE), data)
    start_writer(writer)
    return writer


def new_estimator():
    """An Estimator with zero bits; contexts are zero until set."""
    return Estimator(np.zeros(1, ESTIMATOR_STATE))


def get_contexts(e):
    """A copy of an engine's contexts: uint8 array."""
    return e.state["contexts"][0].copy()


def set_contexts(e, contexts):
    """Set an engine's contexts from a uint8 array."""
    e.state["contexts"][0] = contexts


# --- Reader -------------------------------------------------------------------------------------------------------


@kernel(inline=True)
def _refill(state, data):
    """Keep at least 24 prefetched bits. Past the end zeros are read, never memory."""
    while state.ahead < 24:
        byte = np.int64(0)
        if state.pos < state.end:
            byte = np.int64(data[state.pos])
        state.value = (state.value << 8) | byte
        state.pos += 1
        state.ahead += 8


@kernel
def start_reader(e, start):
    """(9.3.2.5) Initialise the decoding engine at byte `start`."""
    state = e.state[0]
    state.range = 510
    state.value = 0
    state.ahead = -9
    state.pos = start
    _refill(state, e.data)


def _read_bin(e, context, value):
    state = e.state[0]
    ctx = np.int64(state.contexts[context])
    lps = np.int64(RANGE_LPS[ctx >> 1, (state.range >> 6) & 3])
    mps_range = state.range - lps
    scaled = mps_range << state.ahead
    if state.value < scaled:
        bin_value = ctx & 1
        shift = np.int64(mps_range < 256)
        state.range = mps_range << shift
    else:
        bin_value = (ctx & 1) ^ 1
        state.value -= scaled
        shift = np.int64(RENORM_SHIFT[lps >> 3])
        state.range = lps << shift
    state.ahead -= shift
    state.contexts[context] = NEXT_STATE[bin_value, ctx]
    if state.ahead < 16:
        _refill(state, e.data)
    return bin_value


def _read_bypass(e, value):
    state = e.state[0]
    state.ahead -= 1
    scaled = state.range << state.ahead
    bin_value = np.int64(0)
    if state.value >= scaled:
        state.value -= scaled
        bin_value = np.int64(1)
    if state.ahead < 16:
        _refill(state, e.data)
    return bin_value


def _read_bypass_bits(e, count, value):
    """`n` bins at once are the quotient of the offset by the range, n bits further down."""
    state = e.state[0]
    result = np.int64(0)
    left = np.int64(count)
    while left > 0:
        part = min(left, 16)
        left -= part
        state.ahead -= part
        scaled = state.range << state.ahead
        # (9.3.2.5) an offset of 510 or 511 is no legal stream, but must not become more bins than were asked for
        bins = min(np.int64(np.uint64(state.value) // np.uint64(scaled)), (np.int64(1) << part) - 1)
        state.value -= bins * scaled
        result = (result << part) | bins
        if state.ahead < 16:
            _refill(state, e.data)
    return result


def _read_terminate(e, value):
    state = e.state[0]
    state.range -= 2
    scaled = state.range << state.ahead
    if state.value >= scaled:
        return np.int64(1)
    if state.range < 256:
        state.range <<= 1
        state.ahead -= 1
        if state.ahead < 16:
            _refill(state, e.data)
    return np.int64(0)


@kernel
def reader_byte_position(e):
    """(9.3.2.5) The byte behind the last bit consumed; after a terminating bin, behind stop bit and alignment zeros.

    A position behind the end of the data tells that the slice segment was cut off.
    """
    state = e.state[0]
    return state.pos - (state.ahead >> 3)


# --- Writer -------------------------------------------------------------------------------------------------------


@kernel
def start_writer(e):
    """(9.3.4.4.1, initialisation of the encoder) Begin a sub-stream at the current byte position."""
    state = e.state[0]
    state.range = 510
    state.low = 0
    state.queued = -1


@kernel(inline=True)
def _add_carry(data, pos):
    at = pos - 1
    while data[at] == 255:
        data[at] = 0
        at -= 1
    data[at] += np.uint8(1)


@kernel(inline=True)
def _drain(state, data):
    """Move whole bytes out of `low`; a carry runs back over bytes already written."""
    while state.queued >= 8:
        window = state.queued + 2
        byte = state.low >> window
        state.low &= (np.int64(1) << window) - 1
        state.queued -= 8
        if byte > 255:
            _add_carry(data, state.pos)
        data[state.pos] = np.uint8(byte & 255)
        state.pos += 1


def _write_bin(e, context, value):
    state = e.state[0]
    ctx = np.int64(state.contexts[context])
    lps = np.int64(RANGE_LPS[ctx >> 1, (state.range >> 6) & 3])
    mps_range = state.range - lps
    if value == (ctx & 1):
        shift = np.int64(mps_range < 256)
        state.range = mps_range << shift
    else:
        state.low += mps_range
        shift = np.int64(RENORM_SHIFT[lps >> 3])
        state.range = lps << shift
    state.low <<= shift
    state.queued += shift
    state.contexts[context] = NEXT_STATE[value, ctx]
    if state.queued >= 8:
        _drain(state, e.data)
    return value


def _write_bypass(e, value):
    state = e.state[0]
    state.low = (state.low << 1) + state.range * value
    state.queued += 1
    if state.queued >= 8:
        _drain(state, e.data)
    return value


def _write_bypass_bits(e, count, value):
    state = e.state[0]
    left = count
    while left > 0:
        part = min(left, 8)
        left -= part
        state.low = (state.low << part) + state.range * ((value >> left) & ((1 << part) - 1))
        state.queued += part
        _drain(state, e.data)
    return value


def _write_terminate(e, value):
    state = e.state[0]
    state.range -= 2
    if value:
        state.low += state.range
        state.low <<= 7
        state.queued += 7
        state.range = 256
    elif state.range < 256:
        state.low <<= 1
        state.queued += 1
        state.range <<= 1
    _drain(state, e.data)
    return value


@kernel
def finish_writer(e):
    """(9.3.4.4.5, EncodeFlush) After a terminating 1: write `low`, the stop bit and alignment zeros. -> bytes so far"""
    state = e.state[0]
    bits = state.queued + 3
    value = (state.low >> 7) | 1
    padding = -bits & 7
    value <<= padding
    bits += padding
    if value >> bits:
        _add_carry(e.data, state.pos)
        value &= (np.int64(1) << bits) - 1
    while bits > 0:
        bits -= 8
        e.data[state.pos] = np.uint8((value >> bits) & 255)
        state.pos += 1
    return state.pos


# --- Estimator ----------------------------------------------------------------------------------------------------


def _count_bin(e, context, value):
    state = e.state[0]
    ctx = np.int64(state.contexts[context])
    state.bits += np.int64(ENTROPY_BITS[ctx ^ value])
    state.contexts[context] = NEXT_STATE[value, ctx]
    return value


def _count_bypass(e, value):
    e.state[0].bits += 1 << BIT_SHIFT
    return value


def _count_bypass_bits(e, count, value):
    e.state[0].bits += np.int64(count) << BIT_SHIFT
    return value


def _count_terminate(e, value):
    """A terminating 0 costs 2/range, 0.01 bit or less; a 1 ends the sub-stream with about 8 bits."""
    e.state[0].bits += (8 << BIT_SHIFT) if value else 200
    return value


# --- the engine is chosen by type -----------------------------------------------------------------------------------


def _dispatch(reader, writer, estimator):
    """A plain function that runs the implementation for its engine, compiled or not."""

    def choose(engine):
        if isinstance(engine, Reader) or is_engine(engine, Reader):
            return reader
        if isinstance(engine, Writer) or is_engine(engine, Writer):
            return writer
        return estimator

    return choose


_choose_bin = _dispatch(_read_bin, _write_bin, _count_bin)
_choose_bypass = _dispatch(_read_bypass, _write_bypass, _count_bypass)
_choose_bypass_bits = _dispatch(_read_bypass_bits, _write_bypass_bits, _count_bypass_bits)
_choose_terminate = _dispatch(_read_terminate, _write_terminate, _count_terminate)


def code_bin(e, context, value):
    """(9.3.4.3.2) One context coded bin."""
    return _choose_bin(e)(e, context, value)


def code_bypass(e, value):
    """(9.3.4.3.4) One equiprobable bin."""
    return _choose_bypass(e)(e, value)


def code_bypass_bits(e, count, value):
    """(9.3.4.3.4) `count` equiprobable bins, most significant first; count <= 32."""
    return _choose_bypass_bits(e)(e, count, value)


def code_terminate(e, value):
    """(9.3.4.3.5) A bin before termination: end_of_slice_segment_flag, end_of_subset_one_bit, pcm_flag."""
    return _choose_terminate(e)(e, value)


def reads(e):
    """True for a Reader: values come out of the engine, not in. A constant in compiled code."""
    return isinstance(e, Reader)


def report_error(e, error):
    """Note the first impossible value that a Reader met (numbers: syntax/walk.py); nothing for the other engines."""
    if isinstance(e, Reader):
        _note_error(e, error)


def _reads_yes(e):
    return True


def _reads_no(e):
    return False


def _note_error(e, error):
    state = e.state[0]
    if state.error == 0:
        state.error = error


def _no_error(e, error):
    pass


@engine_overload(code_bin)
def _overload_bin(e, context, value):
    return _choose_bin(e)


@engine_overload(code_bypass)
def _overload_bypass(e, value):
    return _choose_bypass(e)


@engine_overload(code_bypass_bits)
def _overload_bypass_bits(e, count, value):
    return _choose_bypass_bits(e)


@engine_overload(code_terminate)
def _overload_terminate(e, value):
    return _choose_terminate(e)


@engine_overload(reads)
def _overload_reads(e):
    return _reads_yes if is_engine(e, Reader) else _reads_no


@engine_overload(report_error)
def _overload_report_error(e, error):
    return _note_error if is_engine(e, Reader) else _no_error
