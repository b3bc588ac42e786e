"""Bits of a raw byte sequence payload, most significant bit first: reading and writing (7.2, 9.2)."""

from codec.base.errors import CorruptStream

# a ue(v) code of 32 leading zeros would stand for a value above 2^32 - 2, the largest that H.265 uses
MAX_LEADING_ZEROS = 31


class BitReader:
    """(7.2) Read fields from bytes whose emulation prevention has been removed.

    `position` counts bits from the start. Whatever is asked beyond the last bit raises CorruptStream.
    """

    def __init__(self, data):
        self.data = bytes(data)
        self.position = 0
        self.size = 8 * len(self.data)
        self._last_one = None

    def u(self, count):
        """(9.2) The next `count` bits as an unsigned number."""
        start = self.position
        stop = start + count
        if stop > self.size:
            raise CorruptStream(f"(7.2) the data end after {self.size} bits; bits {start} to {stop - 1} are missing")
        self.position = stop
        window = int.from_bytes(self.data[start >> 3 : (stop + 7) >> 3], "big")
        return (window >> (-stop & 7)) & ((1 << count) - 1)

    def ue(self):
        """(9.2) An unsigned 0-th order Exp-Golomb code, 0..2^32-2."""
        start = self.position
        first_byte = start >> 3
        window = int.from_bytes(self.data[first_byte : first_byte + 5].ljust(5, b"\0"), "big")
        window &= (1 << (40 - (start & 7))) - 1
        leading_zeros = 40 - (start & 7) - window.bit_length()
        if leading_zeros > MAX_LEADING_ZEROS:
            if start + MAX_LEADING_ZEROS >= self.size:
                raise CorruptStream(f"(7.2) the data end after {self.size} bits, inside the code at bit {start}")
            raise CorruptStream(f"(9.2) the Exp-Golomb code at bit {start} has more than 31 leading zeros")
        self.position = start + leading_zeros
        return self.u(leading_zeros + 1) - 1

    def se(self):
        """(9.2.2) A signed Exp-Golomb code."""
        code = self.ue()
        return (code + 1) >> 1 if code & 1 else -(code >> 1)

    def bytes(self, count):
        """The next `count` bytes; the position need not be byte aligned."""
        if not self.byte_aligned():
            return self.u(8 * count).to_bytes(count, "big")
        start = self.position >> 3
        if start + count > len(self.data):
            raise CorruptStream(f"(7.2) the data end after {len(self.data)} bytes; {start + count} are needed")
        self.position += 8 * count
        return self.data[start : start + count]

    def byte_aligned(self):
        """(7.2) True when the position is at the first bit of a byte."""
        return self.position & 7 == 0

    def _trailing_bits_position(self):
        """Position of the last 1 bit of the data: rbsp_stop_one_bit. -1 when there is none."""
        if self._last_one is None:
            stripped = self.data.rstrip(b"\0")
            low_zeros = (stripped[-1] & -stripped[-1]).bit_length() - 1 if stripped else 0
            self._last_one = 8 * len(stripped) - 1 - low_zeros
        return self._last_one

    def more_rbsp_data(self):
        """(7.2) True when there is more before the rbsp_trailing_bits."""
        return self.position < self._trailing_bits_position()

    def remaining_rbsp_bits(self):
        """Number of bits between here and the rbsp_trailing_bits."""
        return max(0, self._trailing_bits_position() - self.position)

    def rbsp_trailing_bits(self):
        """(7.3.2.11) The stop bit, and zeros up to the end of the byte. byte_alignment() (7.3.2.12) is the same."""
        start = self.position
        if self.u(1) != 1:
            raise CorruptStream(f"(7.4.3.11) rbsp_stop_one_bit at bit {start} is 0")
        if self.u(-self.position & 7):
            raise CorruptStream(f"(7.4.3.11) rbsp_alignment_zero_bit after bit {start} is not 0")

    byte_alignment = rbsp_trailing_bits


class BitWriter:
    """(7.2) Write fields one after the other; `to_bytes` gives the result once it is byte aligned."""

    _FLUSH_BITS = 1024

    def __init__(self):
        self._bytes = bytearray()
        self._pending = 0
        self._pending_bits = 0

    @property
    def position(self):
        """Number of bits written."""
        return 8 * len(self._bytes) + self._pending_bits

    def u(self, count, value):
        """(9.2) The low `count` bits of `value`, which must fit."""
        if not 0 <= value < 1 << count:
            raise ValueError(f"{value} does not fit into {count} bits")
        self._pending = (self._pending << count) | value
        self._pending_bits += count
        if self._pending_bits >= self._FLUSH_BITS:
            self._flush()

    def _flush(self):
        spare = self._pending_bits & 7
        self._bytes += (self._pending >> spare).to_bytes(self._pending_bits >> 3, "big")
        self._pending &= (1 << spare) - 1
        self._pending_bits = spare

    def ue(self, value):
        """(9.2) An unsigned 0-th order Exp-Golomb code."""
        self.u(2 * (value + 1).bit_length() - 1, value + 1)

    def se(self, value):
        """(9.2.2) A signed Exp-Golomb code."""
        self.ue(2 * value - 1 if value > 0 else -2 * value)

    def bytes(self, data):
        """Whole bytes; the position need not be byte aligned."""
        self.u(8 * len(data), int.from_bytes(data, "big"))

    def byte_aligned(self):
        """(7.2) True when the position is at the first bit of a byte."""
        return self._pending_bits & 7 == 0

    def rbsp_trailing_bits(self):
        """(7.3.2.11) The stop bit, and zeros up to the end of the byte. byte_alignment() (7.3.2.12) is the same."""
        self.u(1, 1)
        self.u(-self.position & 7, 0)

    byte_alignment = rbsp_trailing_bits

    def to_bytes(self):
        """What was written. The position must be byte aligned."""
        if not self.byte_aligned():
            raise ValueError(f"{self.position} bits do not fill whole bytes")
        self._flush()
        return bytes(self._bytes)
