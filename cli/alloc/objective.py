"""What is made best: the objectives, and what a point of the store says about them.

An item's error is told by its level, the natural logarithm of its mean squared error (samples as 8 bits) or of
1 - MS-SSIM: against the QP it is nearly a straight line.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from codec.base.errors import UsageError
from codec.base.metrics import PSNR_LOSSLESS

OBJECTIVES = ("pooled", "mean", "ms-ssim")
COLOURS = ("rgb", "yuv")
_PEAK = math.log(255**2)
_DB = 10 / math.log(10)
# what a lossless item counts as
MOST_DB = 100.0
_LEAST_LEVEL = _PEAK - MOST_DB / _DB
_LEAST_UNLIKE = 1e-9
_WORDS = {
    "pooled": "the PSNR of one mean squared error over all samples of the set, as in CLIC 2018: a sample counts alike "
    "wherever it stands, and one QP for all items is close to the best",
    "mean": "the mean of the items' PSNRs: an item that is easy to code gets many bits, one that is hard gets few, and "
    "the error over all samples becomes larger",
    "ms-ssim": "the mean of the items' MS-SSIM",
}
_COLOUR_WORDS = {"rgb": "in RGB, against the image files", "yuv": "in Y'CbCr 4:2:0, against what the encoder was given"}


class Figures(NamedTuple):
    """Of an item coded in one way: bytes; level of its error (above)."""

    bytes: int
    level: float


@dataclass(frozen=True)
class Objective:
    """kind: one of OBJECTIVES; colour: one of COLOURS."""

    kind: str
    colour: str

    @property
    def words(self):
        return f"{_WORDS[self.kind]}; {_COLOUR_WORDS[self.colour]}"

    @property
    def unit(self):
        return "" if self.kind == "ms-ssim" else "dB"

    def figures(self, row):
        """Figures of a point's row."""
        if self.kind == "ms-ssim":
            return Figures(row["bits"] // 8, math.log(max(_LEAST_UNLIKE, 1 - ms_ssim_of(row, self.colour))))
        return Figures(row["bits"] // 8, level_of_mse(mse_of(row, self.colour)))

    def loss(self, samples, level):
        """What an item adds to the whole, which is to become small."""
        if self.kind == "mean":
            return -psnr_of_level(level)
        return (samples if self.kind == "pooled" else 1) * math.exp(level)

    def total(self, losses, samples):
        """The figure of a set from its items' losses: dB, or MS-SSIM."""
        if self.kind == "pooled":
            return psnr_of_level(math.log(max(1e-300, math.fsum(losses) / sum(samples))))
        return (-math.fsum(losses) if self.kind == "mean" else len(losses) - math.fsum(losses)) / len(losses)

    def limit(self, value, samples):
        """The sum of losses at which the set's figure is `value`."""
        if self.kind == "pooled":
            return sum(samples) * math.exp(_PEAK - value / _DB)
        return -value * len(samples) if self.kind == "mean" else (1 - value) * len(samples)


def samples_of(clip, colour):
    """How many samples an item has: three a pixel in RGB, one and a half in 4:2:0."""
    pixels = clip.width * clip.height * clip.frames
    return 3 * pixels if colour == "rgb" else pixels * 3 // 2


def psnr_of_level(level):
    """dB, at most MOST_DB."""
    return min(MOST_DB, _DB * (_PEAK - level))


def level_of_mse(mse):
    return max(_LEAST_LEVEL, math.log(mse)) if mse > 0 else _LEAST_LEVEL


def mse_of(row, colour):
    """Mean squared error over all samples of an item, as if they had 8 bits."""
    if colour == "rgb":
        return _mse(row["psnr_rgb"])
    if "psnr_seq_u" not in row:
        return _mse(row["psnr_seq_y"])
    return (4 * _mse(row["psnr_seq_y"]) + _mse(row["psnr_seq_u"]) + _mse(row["psnr_seq_v"])) / 6


def _mse(psnr):
    return 0.0 if psnr >= PSNR_LOSSLESS else 255**2 * 10 ** (-psnr / 10)


def ms_ssim_of(row, colour):
    """MS-SSIM of an item, in 4:2:0 that of luma; None where it was not measured or is too small."""
    return row.get("ms_ssim_rgb" if colour == "rgb" else "ms_ssim_y")


def objective_of(kind, colour, plan):
    """The Objective for a plan's items; UsageError where they do not have what it needs. colour: None for the usual."""
    from cli.measure.quality import MS_SSIM_SIDE

    other = next((clip for clip in plan.clips if clip.kind != "stills" or clip.frames > 1), None)
    if colour == "rgb" and other:
        raise UsageError(f"{other.name}: in RGB every item must be one image; use --colour yuv")
    colour = colour or ("yuv" if other else "rgb")
    if kind == "ms-ssim":
        if "ms-ssim" not in plan.metrics:
            raise UsageError("the objective ms-ssim needs ms-ssim among the plan's metrics")
        small = next((clip for clip in plan.clips if min(clip.width, clip.height) < MS_SSIM_SIDE), None)
        if small:
            size = f"{small.width}x{small.height}"
            raise UsageError(f"{small.name}: MS-SSIM needs {MS_SSIM_SIDE} samples a side, this has {size}")
    return Objective(kind, colour)
