"""One function per syntax structure that both reads and writes.

A structure is a function over a `SerDes`. It names each syntax element once, in the order of 7.3; the reader stores
what it finds into the attributes of a plain object, the writer takes it from there:

    @structure("7.4.3.x")
    def example(s, obj):
        s.flag(obj, "thing_enabled_flag")
        if obj.thing_enabled_flag:
            s.ue(obj, "log2_thing_minus2", hi=4)

An element with an index lives in a list, to which the reader appends. Every value is checked against its range in both
directions.
"""

import functools

from codec.base.bits import BitReader, BitWriter
from codec.base.errors import CodecError, CorruptStream

UE_MAX = (1 << 32) - 2


def structure(clause, advisory=False):
    """Decorator of a syntax structure: names the clause of its semantics in every error message.

    advisory  nothing of it decides how samples are decoded: the reader takes values out of range as they are
    """

    def decorate(function):
        @functools.wraps(function)
        def run(s, *args, **kwargs):
            outer = s.clause, s.advisory
            s.clause, s.advisory = clause, s.advisory or advisory
            try:
                return function(s, *args, **kwargs)
            finally:
                s.clause, s.advisory = outer

        return run

    return decorate


def _label(name, index):
    return name if index is None else f"{name}[{index}]"


class SerDes:
    """What reader and writer share: range checks and inferred values."""

    error = CorruptStream

    def __init__(self):
        self.clause = "7.3"
        self.advisory = False

    def check(self, condition, message):
        """Raise, with clause and bit position, unless `condition` holds: rules that span several elements."""
        if not condition:
            raise self.error(f"({self.clause}) {message} (bit {self.position})")

    def infer(self, obj, name, value):
        """Give an element that is not present the value that its semantics infer, in both directions."""
        setattr(obj, name, value)

    def _check_range(self, name, index, value, lo, hi, position):
        if not lo <= value <= hi:
            label = _label(name, index)
            raise self.error(f"({self.clause}) {label} = {value} is outside {lo}..{hi} (bit {position})")


class Reader(SerDes):
    """Reads syntax structures from an RBSP."""

    reading = True

    def __init__(self, rbsp):
        super().__init__()
        self.bits = BitReader(rbsp)

    @property
    def position(self):
        """Bits read so far."""
        return self.bits.position

    def _check_range(self, *args):
        if not self.advisory:
            super()._check_range(*args)

    def _fetch(self, name, index, function, *args):
        try:
            return function(*args)
        except CorruptStream as error:
            raise self._located(name, index, error) from None

    def _located(self, name, index, error):
        return CorruptStream(f"({self.clause}) {_label(name, index)}: {error}")

    def _code(self, obj, name, index, lo, hi, function, *args):
        position = self.bits.position
        try:  # as _fetch, without its call: a slice header has some forty elements
            value = function(*args)
        except CorruptStream as error:
            raise self._located(name, index, error) from None
        if not lo <= value <= hi:
            self._check_range(name, index, value, lo, hi, position)
        if index is None:
            setattr(obj, name, value)
            return value
        values = getattr(obj, name)
        if index != len(values):
            raise ValueError(f"{name}[{index}] is read when it has {len(values)} elements")
        values.append(value)
        return value

    def u(self, obj, name, bits, index=None, lo=0, hi=None):
        """u(n): `bits` bits."""
        return self._code(obj, name, index, lo, (1 << bits) - 1 if hi is None else hi, self.bits.u, bits)

    def flag(self, obj, name, index=None):
        """u(1)"""
        return self._code(obj, name, index, 0, 1, self.bits.u, 1)

    def ue(self, obj, name, index=None, lo=0, hi=UE_MAX):
        """ue(v)"""
        return self._code(obj, name, index, lo, hi, self.bits.ue)

    def se(self, obj, name, index=None, *, lo, hi):
        """se(v)"""
        return self._code(obj, name, index, lo, hi, self.bits.se)

    def bytes(self, obj, name, count):
        """`count` bytes."""
        value = self._fetch(name, None, self.bits.bytes, count)
        setattr(obj, name, value)
        return value

    def remaining_bits(self, obj, name):
        """All bits up to the rbsp_trailing_bits, as (count, number)."""
        count = self.bits.remaining_rbsp_bits()
        setattr(obj, name, (count, self.bits.u(count)))

    def begins(self, obj, name, count, signature):
        """(7.2) next_bits: whether a structure follows that is known by its first `count` bits, and is to be read."""
        position = self.bits.position
        found = self.bits.remaining_rbsp_bits() >= count and self.bits.u(count) == signature
        self.bits.position = position
        return found

    def item(self, items, index, factory):
        """The object at `index` of a list of nested structures; the reader appends a new one."""
        if index != len(items):
            raise ValueError(f"item {index} is read when there are {len(items)}")
        items.append(factory())
        return items[index]

    def nested(self, obj, name, factory):
        """The nested structure in an attribute; the reader starts a new one."""
        setattr(obj, name, factory())
        return getattr(obj, name)

    def rbsp_trailing_bits(self):
        """(7.3.2.11)"""
        self._fetch("rbsp_trailing_bits", None, self.bits.rbsp_trailing_bits)

    def byte_alignment(self):
        """(7.3.2.12)"""
        self._fetch("byte_alignment", None, self.bits.byte_alignment)


class Writer(SerDes):
    """Writes syntax structures; `rbsp()` gives the bytes. A value out of range is our fault, not a stream's."""

    reading = False
    error = CodecError

    def __init__(self):
        super().__init__()
        self.bits = BitWriter()

    @property
    def position(self):
        """Bits written so far."""
        return self.bits.position

    def rbsp(self):
        """The bytes written."""
        return self.bits.to_bytes()

    def _value(self, obj, name, index, lo, hi):
        value = getattr(obj, name)
        if index is not None:
            value = value[index]
        value = int(value)
        self._check_range(name, index, value, lo, hi, self.bits.position)
        return value

    def u(self, obj, name, bits, index=None, lo=0, hi=None):
        """u(n): `bits` bits."""
        value = self._value(obj, name, index, lo, (1 << bits) - 1 if hi is None else hi)
        self.bits.u(bits, value)
        return value

    def flag(self, obj, name, index=None):
        """u(1)"""
        return self.u(obj, name, 1, index)

    def ue(self, obj, name, index=None, lo=0, hi=UE_MAX):
        """ue(v)"""
        value = self._value(obj, name, index, lo, hi)
        self.bits.ue(value)
        return value

    def se(self, obj, name, index=None, *, lo, hi):
        """se(v)"""
        value = self._value(obj, name, index, lo, hi)
        self.bits.se(value)
        return value

    def bytes(self, obj, name, count):
        """`count` bytes."""
        value = getattr(obj, name)
        self.check(len(value) == count, f"{name} has {len(value)} bytes, not {count}")
        self.bits.bytes(value)
        return value

    def remaining_bits(self, obj, name):
        """All bits up to the rbsp_trailing_bits, from (count, number)."""
        self.bits.u(*getattr(obj, name))

    def begins(self, obj, name, count, signature):
        """Whether the structure `name` of obj is there, and is to be written."""
        return getattr(obj, name) is not None

    def item(self, items, index, factory):
        """The object at `index` of a list of nested structures."""
        return items[index]

    def nested(self, obj, name, factory):
        """The nested structure in an attribute."""
        return getattr(obj, name)

    def rbsp_trailing_bits(self):
        """(7.3.2.11)"""
        self.bits.rbsp_trailing_bits()

    def byte_alignment(self):
        """(7.3.2.12)"""
        self.bits.byte_alignment()


def read_rbsp(function, obj, rbsp):
    """Read one whole RBSP structure into `obj` and return it."""
    function(Reader(rbsp), obj)
    return obj


def write_rbsp(function, obj):
    """Write one whole RBSP structure; returns its bytes."""
    s = Writer()
    function(s, obj)
    return s.rbsp()
