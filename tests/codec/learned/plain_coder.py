"""The range coder of learned streams as docs/LEARNED.md tells it: slow, whole numbers, nobody's package."""

import numpy as np

_MASK, _WORD = (1 << 64) - 1, 1 << 32


class PlainDecoder:
    """Reads symbols from 32-bit words."""

    def __init__(self, data):
        self._words = iter(np.frombuffer(data, "<u4").tolist())
        self._low, self._range = 0, _MASK
        self._point = (self._next() << 32) | self._next()

    def _next(self):
        return next(self._words, 0)

    def symbol(self, frequencies):
        """The place of the next symbol in a table whose frequencies add up to 2 ** 24."""
        scale = self._range >> 24
        target = ((self._point - self._low) & _MASK) // scale
        below, at = 0, 0
        while below + int(frequencies[at]) <= target:
            below += int(frequencies[at])
            at += 1
        self._low = (self._low + scale * below) & _MASK
        self._range = scale * int(frequencies[at])
        if self._range < _WORD:
            self._low, self._range = (self._low << 32) & _MASK, self._range << 32
            self._point = ((self._point << 32) & _MASK) | self._next()
        return at

    def number(self):
        """A number of 16 bits."""
        return self.symbol([1 << 8] * (1 << 16))

    def symbols(self, numbers, tables):
        """As codec.learned.coder.Reader.read."""
        flat, found, escaped = numbers.ravel(), np.zeros(numbers.size, np.int32), []
        for at in np.argsort(flat, kind="stable"):
            side, frequencies = tables.table(flat[at])
            found[at] = self.symbol(frequencies) - side
            if found[at] > side:
                escaped.append(at)
        for at in escaped:
            found[at] = self.number() - (1 << 15)
        return found.reshape(numbers.shape)
