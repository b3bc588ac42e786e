"""One row of an option table, and how its text becomes a value."""

import dataclasses
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from codec.base.errors import UsageError
from codec.h265.config import GopEntry

# what becomes of an option's value
USED = "used"  # does what HM's does
SPEED = "speed"  # steers how HM searches or prints: any value is accepted, and has no effect
NEUTRAL = "neutral"  # not implemented: accepted only at the values that ask for nothing

_TRUE, _FALSE = ("1", "true", "on", "yes"), ("0", "false", "off", "no")


@dataclass(frozen=True)
class Option:
    """name: HM's; kind: flag, int, float, rate, text, file, choice, ints, floats, gop; short: flags without their dash;
    bounds: (low, high) or None; choices: allowed values or None; field: name in the codec's config, "" when the cli
    uses the value itself; neutral: values accepted of a NEUTRAL option; aliases: other names of the same option."""

    name: str
    kind: str
    default: Any
    help: str
    short: tuple[str, ...] = ()
    group: str = ""
    bounds: tuple | None = None
    choices: tuple | None = None
    status: str = USED
    neutral: tuple = ()
    field: str = ""
    aliases: tuple[str, ...] = ()

    def parse(self, text):
        """The value that `text` stands for; UsageError without the option's origin, which the caller adds."""
        value = _PARSERS[self.kind](self, text.strip())
        if self.choices is not None and value not in self.choices:
            raise UsageError(f"{self.name}={text} is not one of {', '.join(map(str, self.choices))}")
        if self.bounds is not None and not self.bounds[0] <= value <= self.bounds[1]:
            raise UsageError(f"{self.name}={text} is outside {self.bounds[0]}..{self.bounds[1]}")
        return value


def _flag(option, text):
    lower = text.lower()
    if lower in _TRUE:
        return True
    if lower in _FALSE:
        return False
    raise UsageError(f"{option.name}={text} is not 0 or 1")


def _int(option, text):
    try:
        number = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"{option.name}={text} is not a whole number") from None
    if number.denominator != 1:
        raise UsageError(f"{option.name}={text} is not a whole number")
    return int(number)


def _float(option, text):
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{option.name}={text} is not a number") from None


def _rate(option, text):
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"{option.name}={text} is not a rate such as 30, 29.97 or 30000/1001") from None


def _text(option, text):
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def _choice(option, text):
    """A word of option.choices: in any case, or an HM spelling that means the same."""
    word = text.lower()
    return {"none": "auto"}.get(word, word) if option.name == "Level" else word


def _ints(option, text):
    return tuple(_int(option, word) for word in text.replace(",", " ").split())


def _floats(option, text):
    return tuple(_float(option, word) for word in text.replace(",", " ").split())


_GOP_NUMBERS = dataclasses.fields(GopEntry)[1:12]


def _gop(option, text):
    """A `FrameN:` row of HM: twelve columns, the reference pictures, then inter RPS data where it is predicted."""
    words = text.split()
    try:
        values = [float(w) if f.type is float else int(w) for f, w in zip(_GOP_NUMBERS, words[1:12], strict=True)]
        rest = [int(word) for word in words[12:]]
        count = rest.pop(0)
        pictures, rest = tuple(rest[:count]), rest[count:]
        predict, rest = (rest[0], rest[1:]) if rest else (0, [])
        delta, idcs = 0, ()
        if predict and rest:
            delta, number, idcs = rest[0], rest[1], tuple(rest[2:])
            if len(idcs) != number:
                raise ValueError
    except (ValueError, IndexError):
        raise UsageError(f"{option.name} is not a GOP row: {text}") from None
    slice_type = words[0].upper()
    if slice_type not in ("I", "P", "B") or len(pictures) != count or (rest and not predict):
        raise UsageError(f"{option.name} is not a GOP row: {text}")
    return GopEntry(slice_type, *values, pictures, predict, delta, idcs)


_PARSERS = {
    "flag": _flag,
    "int": _int,
    "float": _float,
    "rate": _rate,
    "text": _text,
    "file": _text,
    "choice": _choice,
    "ints": _ints,
    "floats": _floats,
    "gop": _gop,
}
