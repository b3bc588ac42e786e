"""The output filter is on where the RGB that is shown gains by it, at the scale that gains most."""

import numpy as np
import pytest

from codec.base.io.matrices import Colour
from codec.base.io.rgb import shown, to_rgb
from codec.base.metrics import mse, psnr
from codec.base.picture import SourcePicture
from codec.h265.tools.output_filter.apply import Correction
from codec.h265.tools.output_filter.decide import decide_output_filter, source_rgb

DEPTHS = (8, 8)


@pytest.fixture
def correction():
    rng = np.random.default_rng(1)
    planes = [rng.integers(60, 180, shape).astype(np.int16) for shape in ((16, 24), (8, 12), (8, 12))]
    change = rng.integers(-128, 128, (3, 16, 24)).astype(np.int16)
    return Correction(planes, DEPTHS, Colour(1), to_rgb(planes, DEPTHS, Colour(1)), change, 11)


@pytest.mark.parametrize("scale", [0, 1, 2, 3])
def test_the_scale_that_was_wanted_is_found(correction, scale):
    original = shown(correction.after(scale))
    choice = decide_output_filter(correction, original)
    assert choice.scale_idx == scale and np.array_equal(choice.output.rgb, original)
    assert choice.psnr[0] == pytest.approx(psnr(mse(shown(correction.before), original), 8))
    assert choice.psnr[1] > choice.psnr[0] and choice.figures[0] == (4 - scale) / 4


def test_what_does_not_help_is_off(correction):
    wrong = correction._replace(change=-correction.change)
    choice = decide_output_filter(wrong, shown(correction.after(0)))
    assert choice.scale_idx is None and choice.output.planes is correction.planes
    assert np.array_equal(choice.output.rgb, shown(correction.before))
    assert choice.psnr[0] == choice.psnr[1] and choice.figures[0] == 0


def test_a_change_of_nothing_is_off(correction):
    nothing = correction._replace(change=np.zeros_like(correction.change))
    assert decide_output_filter(nothing, shown(correction.after(0))).scale_idx is None


def test_the_rgb_of_a_source(correction):
    planes = correction.planes
    assert np.array_equal(source_rgb(planes, DEPTHS, Colour(1)), shown(correction.before))
    image = np.random.default_rng(2).integers(0, 256, (16, 24, 3)).astype(np.uint8)
    assert source_rgb(SourcePicture(planes, image), DEPTHS, Colour(1)) is image
    deep = SourcePicture(planes, image.astype(np.uint16) * 257)
    assert np.allclose(source_rgb(deep, DEPTHS, Colour(1)), image)
