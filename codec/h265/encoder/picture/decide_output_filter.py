"""The encoder's choice for the CNN output filter (signalled by syntax/tool_extension.py): off, or one of its scales.

What counts is the squared error of the 8-bit RGB that is shown, against the RGB of the source: of the image file where
the source is one, else of the source's samples by the same conversion. It costs no bits but two.
"""

from typing import NamedTuple

import numpy as np

from codec.base.io.rgb import shown, to_rgb
from codec.base.metrics import psnr
from codec.h265.syntax.tool_extension import SCALES
from codec.h265.tools.cnn_loop_filter import WEIGHTS
from codec.h265.tools.cnn_output_filter import Output


class OutputChoice(NamedTuple):
    """scale_idx: None where the filter is off;  psnr: (of the RGB without it, of what is output);  output: an Output"""

    scale_idx: int | None
    psnr: tuple
    output: Output

    @property
    def figures(self):
        """What the report tells: (weight of the corrections, PSNR of the RGB without and with them); () without."""
        weight = 0.0 if self.scale_idx is None else WEIGHTS[self.scale_idx] / WEIGHTS[0]
        return (weight, *self.psnr) if self.psnr else ()


def source_rgb(planes, bit_depths, colour):
    """The RGB that a source picture stands for, in 8-bit steps: (rows, columns, 3)."""
    original = getattr(planes, "rgb", None)
    if original is None:
        return shown(to_rgb(planes, bit_depths, colour))
    return original if original.dtype == np.uint8 else original * (255 / np.iinfo(original.dtype).max)


def decide_output_filter(correction, original):
    """The OutputChoice for a tools.cnn_output_filter.Correction; original: as source_rgb makes it."""
    shapes = [(None, correction.before)] + [(scale, correction.after(scale)) for scale in range(SCALES)]
    errors = [_error(shown(made), original) for _, made in shapes]
    best = int(np.argmin(errors))
    scale = shapes[best][0]
    return OutputChoice(scale, (psnr(errors[0], 8), psnr(errors[best], 8)), correction.output(scale))


def _error(made, original):
    return float(np.square(made - original.astype(np.float64)).mean())
