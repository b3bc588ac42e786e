"""The clips of the golden streams: the one that ships with the project, cut, and some made of whole numbers.

All arithmetic is in integers, so that the clips are the same on every machine and with every numpy.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

_SHIPPED = Path(__file__).resolve().parents[2] / "media" / "CiscoVT2people_320x192_12.yuv"
_WIDTH, _HEIGHT, _PICTURES = 320, 192, 5


class Clip(NamedTuple):
    """A clip to be made. kind: a key of KINDS; depth: bits of a sample; chroma: False for 4:0:0."""

    kind: str = "people"
    width: int = 128
    height: int = 96
    depth: int = 8
    chroma: bool = True

    def options(self):
        """What pyenc must be told of it."""
        words = ["-wdt", str(self.width), "-hgt", str(self.height), "-fr", "30", f"--InputBitDepth={self.depth}"]
        return words if self.chroma else [*words, "--InputChromaFormat=400"]

    def file_name(self):
        """A name of its own that says nothing that pyenc could read."""
        return f"{self.kind}-{self.width}-{self.height}-{self.depth}-{'420' if self.chroma else '400'}.yuv"


def hashed(*numbers):
    """Noise: a 32-bit hash of whole numbers or arrays of them. -> int64 array"""
    value = np.uint32(2166136261)
    for number in numbers:
        value = (value ^ np.asarray(number, np.int64).astype(np.uint32)) * np.uint32(16777619)
        value = (value ^ (value >> np.uint32(15))) * np.uint32(2246822519)
        value ^= value >> np.uint32(13)
    return value.astype(np.int64)


def _people(index):
    """A picture of the shipped clip, shown forwards and backwards. -> three planes of int64"""
    index = (_PICTURES - 1) - abs((_PICTURES - 1) - index % (2 * _PICTURES - 2))
    samples = _WIDTH * _HEIGHT
    data = np.fromfile(_SHIPPED, np.uint8, samples * 3 // 2, offset=index * samples * 3 // 2).astype(np.int64)
    shapes = (_HEIGHT, _WIDTH), (_HEIGHT // 2, _WIDTH // 2), (_HEIGHT // 2, _WIDTH // 2)
    parts = np.split(data, [samples, samples * 5 // 4])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _cut(plane, width, height):
    """The middle of a plane."""
    y, x = (plane.shape[0] - height) // 4 * 2, (plane.shape[1] - width) // 4 * 2
    return plane[y : y + height, x : x + width]


def _grid(width, height, c_idx):
    """Coordinates of a plane's samples in luma samples. -> (x, y)"""
    step = 2 if c_idx else 1
    return np.meshgrid(np.arange(0, width, step), np.arange(0, height, step))


def _of_people(clip, c_idx, index):
    step = 2 if c_idx else 1
    return _cut(_people(index)[c_idx], (clip.width + step - 1) // step, (clip.height + step - 1) // step)


def _fade(clip, c_idx, index):
    """People who go dark within nine pictures."""
    dark = 128 if c_idx else 16
    part = max(0, 8 - index)
    return (part * _of_people(clip, c_idx, index) + (8 - part) * dark + 4) >> 3


def _noise(clip, c_idx, index):
    """Coarse noise that moves by three samples to the right and one down, with fine noise of each picture on it."""
    x, y = _grid(clip.width, clip.height, c_idx)
    coarse = hashed((x - 3 * index) >> 2, (y - index) >> 2, c_idx) % 160
    return 40 + coarse + hashed(x, y, index, c_idx, 1) % 16


def _screen(clip, c_idx, index):
    """Letters and flat areas with hard edges, of which some move."""
    x, y = _grid(clip.width, clip.height, c_idx)
    paper = np.where((x // 48 + y // 40) % 2 == 0, 235, 90) if c_idx == 0 else 128 + 40 * c_idx * ((x // 48) % 2)
    letters = (hashed((x + 2 * index) >> 1, y >> 1, 7) % 3 == 0) & (y % 20 < 12) & ((x + 2 * index) % 12 < 8)
    ink = 16 if c_idx == 0 else 110
    return np.where(letters, ink, paper)


def _ramp(clip, c_idx, index):
    """Slow gradients and a disc that moves: large transforms, strong smoothing."""
    x, y = _grid(clip.width, clip.height, c_idx)
    slope = 30 + (3 * x + 2 * y + 5 * index) // 4 % 200 if c_idx == 0 else 100 + (x + y) // 6
    disc = (x - 40 - 4 * index) ** 2 + (y - 40) ** 2 < 900
    return np.where(disc, 200 if c_idx == 0 else 90 + 60 * (c_idx - 1), slope)


KINDS = {"people": _of_people, "fade": _fade, "noise": _noise, "screen": _screen, "ramp": _ramp}


def picture_bytes(clip, index):
    """A picture of a clip as raw video. Samples above 8 bits have noise in their low bits."""
    data = b""
    for c_idx in range(3 if clip.chroma else 1):
        plane = KINDS[clip.kind](clip, c_idx, index)
        if clip.depth == 8:
            data += plane.astype(np.uint8).tobytes()
            continue
        y, x = np.indices(plane.shape)
        low = hashed(x, y, index, c_idx, 2) % (1 << (clip.depth - 8))
        data += ((plane << (clip.depth - 8)) + low).astype("<u2").tobytes()
    return data


def write_clip(clip, folder, pictures):
    """Write a clip unless it is there. -> its path"""
    path = Path(folder) / f"{pictures}-{clip.file_name()}"
    if not path.exists():
        path.write_bytes(b"".join(picture_bytes(clip, index) for index in range(pictures)))
    return path
