"""What file names tell of raw pictures: clip_416x240_30.yuv, Campfire_3840x2160_60fps_10bit_420_bt709.yuv."""

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from codec.base.errors import InputError, UsageError

_BEGIN, _END = r"(?<![^_.\s-])", r"(?![^_.\s-])"


def _word(pattern):
    return re.compile(f"{_BEGIN}(?:{pattern}){_END}", re.IGNORECASE)


_SIZE = _word(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_RATE = _word(r"(\d{1,3}(?:\.\d+)?)(?:fps|hz)")
# a bare number behind the size is a rate, unless it names a format
_RATE_BEHIND_SIZE = _word(rf"(?!4(?:00|20|22|44){_END})(\d{{1,3}}(?:\.\d+)?)(?:fps|hz)?")
_BITS = _word(r"(\d{1,2})(?:[_-]?bits?|b)|p(9|10|12|14|16)(?:le)?")
# FFmpeg's pixel formats and the short forms of them: 420, yuv420p10le, 444p, gray12le
_PIXELS = _word(r"(yuvj?|i)?(400|410|411|420|422|440|444)(p)?(\d{1,2})?(le|be)?|gr[ae]y(\d{1,2})?(le|be)?")
_PACKED = _word(r"(?:nv12|nv16|nv21|nv24|p010(?:le|be)?|p016(?:le|be)?|uyvy(?:422)?|yuyv(?:422)?|yuy2|v210|yv12)")
_DEPTHS = range(8, 17)


@dataclass(frozen=True)
class Told:
    """What a name says of the pictures in its file, None for what it does not.

    bit_depths  all that it says;  other_layout: the word for samples that lie as pyenc does not read them, or ""
    """

    name: str
    width: int | None = None
    height: int | None = None
    frame_rate: Fraction | None = None
    bit_depths: tuple = ()
    chroma_format_idc: int | None = None
    other_layout: str = ""

    @property
    def bit_depth(self):
        """The one depth that is told, or None. Raises UsageError for two."""
        if len(self.bit_depths) > 1:
            low, high = self.bit_depths[:2]
            raise UsageError(f"{self.name}: the name says {low} and {high} bits: give --InputBitDepth")
        return self.bit_depths[0] if self.bit_depths else None

    def check_layout(self):
        """InputError for planes of another shape than 4:2:0's or 4:0:0's, packed samples, and big-endian words."""
        if self.other_layout:
            raise InputError(
                f'{self.name}: "{self.other_layout}" in its name is a layout that is not read: convert it to planar '
                "4:2:0 with little-endian words, or give --InputChromaFormat=420 if the name is wrong"
            )


def told_by_name(name):
    """The Told of a file name."""
    stem = Path(name).stem
    size = _SIZE.search(stem)
    behind = size.end() if size else len(stem)
    pixels = list(_PIXELS.finditer(stem))
    depths = [found[1] or found[2] for found in _BITS.finditer(stem)] + [found[4] or found[6] for found in pixels]
    formats = {_chroma(found, behind) for found in pixels} - {None}
    return Told(
        str(name),
        int(size[1]) if size else None,
        int(size[2]) if size else None,
        _rate(stem, behind),
        tuple(sorted({int(depth) for depth in depths if depth and int(depth) in _DEPTHS})),
        formats.pop() if len(formats) == 1 else None,
        next((found[0] for found in [*_PACKED.finditer(stem), *filter(_is_other, pixels)]), ""),
    )


def _rate(stem, behind_size):
    """Right behind the size, or else where the name says fps or Hz."""
    found = _RATE_BEHIND_SIZE.match(stem, behind_size + 1) or _RATE.search(stem)
    return Fraction(found[1]) if found else None


def _is_bare(found):
    """Whether a word of _PIXELS is a number, which may count something else."""
    return found[0].isdigit()


def _chroma(found, behind_size):
    """chroma_format_idc of a word of _PIXELS, None of one that is not read or may count pictures."""
    if not found[2]:
        return 0
    if found[2] == "400":
        return None if _is_bare(found) and found.start() < behind_size else 0
    return 1 if found[2] == "420" else None


def _is_other(found):
    if (found[5] or found[7] or "").lower() == "be":
        return True
    return found[2] in ("422", "444") or (found[2] in ("410", "411", "440") and not _is_bare(found))
