"""Rate-distortion points and the curves they form."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from codec.base.errors import InputError

# the classes of JCT-VC's common test conditions; RaceHorses is in C and D, told apart by its size
_CLASSES = {
    "traffic": "A", "peopleonstreet": "A", "nebuta": "A", "nebutafestival": "A", "steamlocomotive": "A",
    "steamlocomotivetrain": "A",
    "kimono": "B", "kimono1": "B", "parkscene": "B", "cactus": "B", "basketballdrive": "B", "bqterrace": "B",
    "basketballdrill": "C", "bqmall": "C", "partyscene": "C", "racehorsesc": "C",
    "basketballpass": "D", "bqsquare": "D", "blowingbubbles": "D",
    "fourpeople": "E", "johnny": "E", "kristenandsara": "E", "vidyo1": "E", "vidyo3": "E", "vidyo4": "E",
    "basketballdrilltext": "F", "chinaspeed": "F", "slideediting": "F", "slideshow": "F",
}  # fmt: skip
_SIZE = re.compile(r"(?:^|[_.-])([1-9]\d{1,4})x([1-9]\d{1,4})(?=[_.-]|$)")


@dataclass(frozen=True)
class Point:
    """One encoding: `bits` of all its `frames`, and figures by name in `values` (psnr_y dB, user_s seconds, ...).

    qp may be None. rate in bits a picture is what curves are drawn over: it needs no frame rate.
    """

    clip: str
    config: str
    qp: float | None
    frames: int
    bits: float
    values: dict = field(default_factory=dict)
    source: str = ""

    @property
    def rate(self):
        """Bits a picture."""
        return self.bits / self.frames

    def get(self, name):
        """A figure by name, None when it was not measured; psnr_yuv is the 6:1:1 mean of the planes' PSNR."""
        if name == "psnr_yuv" and name not in self.values:
            y, u, v = (self.values.get(f"psnr_{plane}") for plane in "yuv")
            return None if None in (y, u, v) else (6 * y + u + v) / 8
        return self.values.get(name)


def class_of(clip, given=None):
    """Class of a clip: as `given` ({clip: class}), JCT-VC's letter for its sequences, or else the picture size."""
    if given and clip in given:
        return given[clip]
    stem = Path(clip).stem
    found = _SIZE.search(stem)
    size = f"{found[1]}x{found[2]}" if found else ""
    title = re.split(r"[_.-]", stem)[0].lower()
    if title == "racehorses":
        return {"832x480": "C", "416x240": "D"}.get(size, "C")
    return _CLASSES.get(title, size or "other")


def curves(points):
    """{(config, clip): [Point, ...] from low to high rate}, in order of appearance; InputError for a QP given twice."""
    found = {}
    for point in points:
        found.setdefault((point.config, point.clip), []).append(point)
    for (config, clip), members in found.items():
        seen = {}
        for point in members:
            if point.qp is not None and point.qp in seen:
                what = f"{clip} {config}".strip()
                raise InputError(f"{point.source}: QP {point.qp:g} of {what} is also in {seen[point.qp]}")
            seen[point.qp] = point.source
        members.sort(key=lambda point: point.rate)
    return found
