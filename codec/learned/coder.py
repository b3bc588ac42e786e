"""Symbols of latents to bytes and back, by the range coder of `constriction`, which this module alone imports.

Frequencies are integers that add up to 2 ** 24, the coder's own precision. constriction takes floats, gives every
symbol 1 and shares out the rest: weights of frequency - 1, which float32 holds exactly, add up to all that is left,
so their factor is 1 and its table is ours (docs/LEARNED.md says what the coder does with it).

Symbols outside a table are coded as its escape; all of a group follow as numbers of 16 bits.
"""

import numpy as np

from codec.base.errors import CorruptStream, Unsupported
from nets.latents import PRECISION

WORD = 4  # bytes; little endian
_ESCAPES = 1 << 16


def _stream():
    try:
        import constriction
    except ImportError as error:
        raise Unsupported(f"learned codecs need constriction ({error}): pip install 'constriction>=0.5,<0.6'") from None
    return constriction.stream


class _Models:
    """Of the rows of some Tables, made when they are wanted."""

    def __init__(self, stream, tables):
        self._stream, self._tables, self._made = stream, tables, {}

    def of(self, number):
        """(side, model)"""
        if number not in self._made:
            side, frequencies = self._tables.table(number)
            weights = (frequencies - 1).astype(np.float32)
            if len(weights) > 1 << (PRECISION - 8):
                raise ValueError("a table of too many symbols")
            self._made[number] = side, self._stream.model.Categorical(weights, perfect=False)
        return self._made[number]


def _groups(numbers):
    """(order, [(table, first, end)]): places sorted by table, within one as they lie."""
    order = np.argsort(numbers, kind="stable")
    found, firsts = np.unique(numbers[order], return_index=True)
    ends = [*firsts[1:], len(order)]
    return order, list(zip(found.tolist(), (int(n) for n in firsts), (int(n) for n in ends), strict=True))


class Writer:
    """Collects symbols."""

    def __init__(self):
        self._stream = _stream()
        self._coder = self._stream.queue.RangeEncoder()

    def write(self, symbols, numbers, tables):
        """An array of integers, each by the table of Tables that `numbers`, of the same shape, has for it."""
        models, order_of = _Models(self._stream, tables), _groups(numbers.ravel())
        flat, escaped = symbols.ravel(), []
        order, groups = order_of
        for number, first, end in groups:
            side, model = models.of(number)
            values = flat[order[first:end]]
            outside = np.abs(values) > side
            coded = np.where(outside, 2 * side + 1, values + side)
            self._coder.encode(np.ascontiguousarray(coded, np.int32), model)
            escaped.append(values[outside])
        rest = np.concatenate(escaped) if escaped else np.zeros(0, np.int32)
        if len(rest):
            limited = np.clip(rest, -(_ESCAPES // 2), _ESCAPES // 2 - 1) + _ESCAPES // 2
            self._coder.encode(limited.astype(np.int32), self._stream.model.Uniform(_ESCAPES))

    def data(self):
        """What was written."""
        return self._coder.get_compressed().astype("<u4").tobytes()


class Reader:
    """Gives them back. Raises CorruptStream for bytes that no Writer makes."""

    def __init__(self, data):
        self._stream = _stream()
        if len(data) % WORD:
            raise CorruptStream(f"{len(data)} bytes of latents are no whole words")
        self._coder = self._stream.queue.RangeDecoder(np.frombuffer(data, "<u4").astype(np.uint32))

    def read(self, numbers, tables):
        """int32 symbols, of the shape of `numbers`."""
        models, (order, groups) = _Models(self._stream, tables), _groups(numbers.ravel())
        flat, escapes = np.zeros(numbers.size, np.int32), []
        for number, first, end in groups:
            side, model = models.of(number)
            values = self._decoded(model, end - first) - side
            places = order[first:end]
            flat[places] = values
            escapes.append(places[values > side])
        places = np.concatenate(escapes) if escapes else np.zeros(0, np.int64)
        if len(places):
            flat[places] = self._decoded(self._stream.model.Uniform(_ESCAPES), len(places)) - _ESCAPES // 2
        return flat.reshape(numbers.shape)

    def finish(self):
        """CorruptStream where there are bytes behind the last symbol."""
        if not self._coder.maybe_exhausted():
            raise CorruptStream("bytes of latents are left over, or were missing")

    def _decoded(self, model, count):
        try:
            return np.asarray(self._coder.decode(model, count), np.int32)
        except (AssertionError, ValueError, RuntimeError) as error:
            raise CorruptStream(f"the bytes of latents are damaged ({error})") from None
