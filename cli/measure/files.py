"""Quality of one file of decoded pictures against its original."""

from pathlib import Path

from cli.measure.quality import rgb_quality, sequence_quality
from cli.measure.rgb import read_rgb
from codec.base.errors import InputError
from codec.base.io import stills
from codec.base.io.reader import format_from_name, open_source, read_pictures


def compare_files(original, decoded, frames, depth, metrics):
    """Figures as of sequence_quality; of two single images, those in RGB."""
    if stills.is_still(original) and stills.is_still(decoded):
        pair = [read_rgb(name) for name in (original, decoded)]
        if pair[0].shape != pair[1].shape:
            raise InputError(f"{original} and {decoded} have different sizes")
        return rgb_quality(*pair, 8, metrics)
    with open_source(original, bit_depth=_raw(original, depth)) as source:
        size = (source.format.width, source.format.height)
        # a raw decoded file whose name does not tell has the original's size
        raw = is_raw(decoded) and format_from_name(decoded)[0] is None
        with open_source(decoded, *(size if raw else (None, None)), _raw(decoded, depth)) as other:
            return _compare(source, other, frames, metrics)


def is_raw(name):
    """Whether a file is samples alone, without a header."""
    return Path(name).suffix.lower() != ".y4m" and not stills.is_still(name)


def _raw(name, depth):
    return depth if is_raw(name) else None


def _compare(source, other, frames, metrics):
    a, b = source.format, other.format
    depth, chroma = max(a.bit_depth, b.bit_depth), min(a.chroma_format_idc, b.chroma_format_idc)
    if a.coded_size(chroma) != b.coded_size(chroma):
        raise InputError(f"{source.name} is {a.width}x{a.height}, {other.name} is {b.width}x{b.height}")
    count = frames or other.frames
    if min(source.frames, other.frames) < count:
        raise InputError(f"{source.name} has {source.frames} pictures, {other.name} has {other.frames}: use -f")
    pictures = [read_pictures(each, 0, count, depth, chroma) for each in (source, other)]
    return sequence_quality(zip(*pictures, strict=True), depth, metrics)
