"""The encoder's choice for the CNN output filter: off, or one of its scales.

What counts is the squared error of the 8-bit RGB that is shown, against the RGB of the source: of the image file where
the source is one, else of the source's samples by the same conversion. It costs no bits but two.
"""

from typing import NamedTuple

import numpy as np

from codec.base.io.rgb import shown, to_rgb
from codec.base.metrics import psnr
from codec.base.picture import Output
from codec.common.tools import tool
from codec.common.tools.corrections import SCALES, WEIGHTS
from codec.common.tools.filter_nets import choose_nets
from codec.h265.tools.output_filter.apply import PLACE
from codec.h265.tools.output_filter.tool import Sequence, Slice

_COLUMNS = ("cnn_output_filter_weight", "psnr_rgb_without", "psnr_rgb")


class Decision(tool.Decision):
    """Off, or with which weight, for each picture."""

    def __init__(self, sequence, application):
        self._colour, self._filter = sequence.sps.colour, application.filter
        self._depths = (sequence.config.InternalBitDepth,) * 2
        self._figures = {}

    @staticmethod
    def sequence(config, nets):
        wanted = choose_nets(config.CnnOutputFilter, config.CnnOutputFilterNets, config.WeightsDir, PLACE, 1)
        (net,) = nets.get(wanted, PLACE)
        return Sequence(int(net.id, 16))

    def output(self, output, original, picture):
        correction = self._filter.prepare(output.planes, self._depths, picture.plan.qp)
        choice = decide_output_filter(correction, source_rgb(original, self._depths, self._colour))
        for header in picture.headers:
            header.tools.cnn_output_filter = Slice(int(choice.scale_idx is not None), choice.scale_idx or 0)
        self._figures = dict(zip(_COLUMNS, choice.figures, strict=True))
        return choice.output

    def figures(self, frame):
        return self._figures


class OutputChoice(NamedTuple):
    """scale_idx: None where the filter is off;  psnr: (of the RGB without it, of what is output);  output: an Output"""

    scale_idx: int | None
    psnr: tuple
    output: Output

    @property
    def figures(self):
        """What the report tells: (weight of the corrections, PSNR of the RGB without and with them)."""
        return (0.0 if self.scale_idx is None else WEIGHTS[self.scale_idx] / WEIGHTS[0], *self.psnr)


def source_rgb(planes, bit_depths, colour):
    """The RGB that a source picture stands for, in 8-bit steps: (rows, columns, 3)."""
    original = getattr(planes, "rgb", None)
    if original is None:
        return shown(to_rgb(planes, bit_depths, colour))
    return original if original.dtype == np.uint8 else original * (255 / np.iinfo(original.dtype).max)


def decide_output_filter(correction, original):
    """The OutputChoice for a Correction; original: as source_rgb makes it."""
    shapes = [(None, correction.before)] + [(scale, correction.after(scale)) for scale in range(SCALES)]
    errors = [_error(shown(made), original) for _, made in shapes]
    best = int(np.argmin(errors))
    scale = shapes[best][0]
    return OutputChoice(scale, (psnr(errors[0], 8), psnr(errors[best], 8)), correction.output(scale))


def _error(made, original):
    return float(np.square(made - original.astype(np.float64)).mean())
