"""YUV4MPEG2: a text header, then FRAME lines each followed by one raw picture.

Of the header's X words, XCOLORRANGE= is read and written (FFmpeg's); others mean nothing here.
"""

import re
from fractions import Fraction

from codec.base.errors import InputError
from codec.base.io.aspect import LARGEST_TERM
from codec.base.io.yuv import Format, check_size

MAGIC = b"YUV4MPEG2"
_LONGEST_LINE = 1024
_EIGHT_BIT_420 = ("420", "420jpeg", "420mpeg2", "420paldv")
_INTERLACED = ("t", "b", "m")
_FULL_RANGE = "XCOLORRANGE=FULL"


def _read_line(file, name):
    line = file.readline(_LONGEST_LINE)
    if line and not line.endswith(b"\n"):
        raise InputError(f"{name}: a y4m header line has no end within {_LONGEST_LINE} bytes")
    return line.rstrip(b"\n").decode("ascii", errors="replace")


def _chroma(name, tag):
    """(chroma_format_idc, bit depth) of a C parameter."""
    if tag.lower() in _EIGHT_BIT_420:
        return 1, 8
    deep = re.fullmatch(r"(420p|mono)(\d{0,2})", tag)
    if deep and (deep[1] == "mono" or deep[2]):
        depth = int(deep[2] or 8)
        if 8 <= depth <= 16:
            return int(deep[1] == "420p"), depth
    raise InputError(f"{name}: y4m colour space C{tag} is neither 4:2:0 nor mono: convert the clip first")


def _ratio(name, word, what):
    """The Fraction of a word such as F30:1, None of one that tells none (F0:0)."""
    found = re.fullmatch(r"[A-Z]([0-9]{1,18}):([0-9]{1,18})", word)
    if not found:
        raise InputError(f"{name}: y4m {what} {word} is not of the form {word[0]}30:1")
    top, bottom = int(found[1]), int(found[2])
    return Fraction(top, bottom) if top and bottom else None


def _sample_aspect(name, word):
    ratio = _ratio(name, word, "sample aspect ratio")
    if ratio in (None, 1):
        return None
    if max(ratio.numerator, ratio.denominator) > LARGEST_TERM:
        raise InputError(f"{name}: y4m sample aspect ratio {word} has terms above {LARGEST_TERM}, H.265's largest")
    return ratio


def read_header(file, name):
    """The Format that a y4m header states; `file` then stands at the first FRAME line."""
    words = _read_line(file, name).split()
    if not words or words[0] != MAGIC.decode():
        raise InputError(f"{name}: no YUV4MPEG2 header")
    values = {word[0]: word[1:] for word in words[1:] if word[0] != "X"}
    if not values.get("W", "").isdigit() or not values.get("H", "").isdigit():
        raise InputError(f"{name}: the y4m header tells no width and height")
    width, height = int(values["W"]), int(values["H"])
    check_size(width, height, name)
    chroma, depth = _chroma(name, values.get("C", "420"))
    return Format(
        width,
        height,
        depth,
        chroma,
        _ratio(name, "F" + values["F"], "frame rate") if "F" in values else None,
        _sample_aspect(name, "A" + values["A"]) if "A" in values else None,
        full_range=_FULL_RANGE in (word.upper() for word in words),
        interlaced=values["I"] if values.get("I") in _INTERLACED else "",
    )


def read_frame_header(file, name, number):
    """True when a FRAME line was read, False at the end of the file."""
    line = _read_line(file, name)
    if not line:
        return False
    if line.split()[:1] != ["FRAME"]:
        raise InputError(f"{name}: picture {number} does not begin with a FRAME line")
    return True


def header(picture_format):
    """The header line of a y4m file of that format; an unknown rate is written as 25."""
    depth = picture_format.bit_depth
    if picture_format.chroma_format_idc:
        colour = "420mpeg2" if depth == 8 else f"420p{depth}"
    else:
        colour = "mono" if depth == 8 else f"mono{depth}"
    rate = picture_format.frame_rate or Fraction(25)
    size = f"W{picture_format.width} H{picture_format.height}"
    interlaced = picture_format.interlaced or "p"
    aspect = picture_format.sample_aspect or Fraction(0)
    sample = f"{aspect.numerator}:{aspect.denominator if aspect else 0}"
    if picture_format.full_range:
        colour += f" {_FULL_RANGE}"
    return f"YUV4MPEG2 {size} F{rate.numerator}:{rate.denominator} I{interlaced} A{sample} C{colour}\n".encode()


FRAME_LINE = b"FRAME\n"
