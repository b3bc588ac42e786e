"""The CNN output filter (docs/TOOLS.md): a net that corrects the RGB of what is output, behind the loop.

Pictures that are referred to never change.
"""

from typing import NamedTuple

import numpy as np

from codec.base.io import rgb
from codec.base.io.matrices import Colour
from codec.base.picture import Output
from codec.common.tools import tool
from codec.common.tools.corrections import LOG2_FULL_WEIGHT, TILE, WEIGHTS
from codec.common.tools.filter_inputs import RGB_INPUTS, SAMPLE_FRACTION, rgb_inputs
from codec.common.tools.filter_nets import Place

# corrections of this fraction are in sixteenths of an 8-bit step
_FRACTION = 11
PLACE = Place("output filter", "CnnOutputFilter", "_rgb", RGB_INPUTS, {"rgb": (3, 0)}, SAMPLE_FRACTION + 2)


class Application(tool.Application):
    """The filter where a picture leaves the codec, when its first slice says so."""

    def __init__(self, record, surroundings):
        (net,) = surroundings.nets.get([record.net], PLACE)
        shared = dict(pool=surroundings.pool, threads=surroundings.threads)
        self.filter = CnnOutputFilter(net, surroundings.sps.colour, **shared)

    def output(self, output, first_slice, bit_depths, qp):
        if not first_slice.slice_cnn_output_filter_flag:
            return output
        correction = self.filter.prepare(output.planes, bit_depths, qp)
        return correction.output(first_slice.slice_cnn_output_filter_scale_idx)


class CnnOutputFilter:
    """The net of a sequence, and how its samples stand for colour."""

    def __init__(self, net, colour, tile=TILE, *, pool=None, threads=1):
        """net: a FilterNet;  colour: Colour;  tile, pool, threads: as for CnnLoopFilter

        Raises Unsupported for a colour that cannot be converted.
        """
        colour.check()
        self._net, self._colour = net, colour
        self._tile, self._pool, self._threads = tile, pool, threads

    def prepare(self, planes, bit_depths, qp):
        """The Correction of a picture: planes [Y, Cb, Cr] inside the conformance window; qp: SliceQpY of its start."""
        from nets.run import run_picture

        before = rgb.to_rgb(planes, bit_depths, self._colour)
        inputs = rgb_inputs(self._net.net.inputs, before, qp)
        made = run_picture(self._net.runner, self._net.net, inputs, self._tile, self._pool, self._threads)
        return Correction(planes, bit_depths, self._colour, before, made["rgb"][0], self._net.fractions["rgb"])


class Correction(NamedTuple):
    """A picture's samples and RGB before the filter, and what the net would change.

    planes, bit_depths, colour   as given;  before: as codec.base.io.rgb.to_rgb makes it
    change, fraction             (3, rows, columns) int16 of the net, with this fraction
    """

    planes: list
    bit_depths: tuple
    colour: Colour
    before: np.ndarray
    change: np.ndarray
    fraction: int

    def after(self, scale_idx):
        """RGB with the corrections of this scale, in sixteenths of an 8-bit step."""
        shift = self.fraction - _FRACTION + LOG2_FULL_WEIGHT
        change = (self.change.astype(np.int32) * WEIGHTS[scale_idx] + (1 << (shift - 1))) >> shift
        return np.clip(self.before + change, 0, rgb.FULL)

    def output(self, scale_idx=None):
        """The Output with corrections of this scale; None: without any."""
        if scale_idx is None:
            return Output(self.planes, rgb.shown(self.before))
        after = self.after(scale_idx)
        planes = rgb.changed(self.planes, self.bit_depths, self.colour, after - self.before)
        return Output(planes, rgb.shown(after))
