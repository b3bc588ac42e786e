"""Y'CbCr to RGB and changes of RGB back, against the formulas of docs/BITSTREAM.md in Python's integers."""

from fractions import Fraction

import numpy as np
import pytest

from cli.measure.rgb import yuv420_to_rgb
from codec.base.errors import Unsupported
from codec.base.io.colour import MATRIX_COEFFICIENTS, rgb_to_yuv420
from codec.base.io.matrices import Colour
from codec.base.io.rgb import FULL, changed, shown, to_rgb

KR_KB = {1: ("0.2126", "0.0722"), 2: ("0.299", "0.114"), 6: ("0.299", "0.114"), 9: ("0.2627", "0.0593")}
COLOURS = [Colour(), Colour(1), Colour(6, True), Colour(9, True)]
DEPTHS = [(8, 8), (10, 10), (8, 10)]


def constants(colour, depths):
    """(KR, KB, luma's offset and span, chroma's)"""
    kr, kb = map(Fraction, KR_KB[colour.matrix_coeffs])
    (y, c), half = depths, 1 << (depths[1] - 1)
    if colour.full_range:
        return kr, kb, 0, (1 << y) - 1, half, (1 << c) - 1
    return kr, kb, 16 << (y - 8), 219 << (y - 8), half, 224 << (c - 8)


def clip(value, top):
    return min(max(value, 0), top)


def slow_to_rgb(planes, depths, colour):
    kr, kb, offset, span, middle, c_span = constants(colour, depths)
    rows, columns = planes[0].shape
    kg = 1 - kr - kb
    unit = Fraction(4080 * 2**14)
    red, blue = (round(2 * (1 - k) * unit / (8 * c_span)) for k in (kr, kb))
    cb_green, cr_green = (round(-2 * (1 - k) * k / kg * unit / (8 * c_span)) for k in (kb, kr))

    def chroma(plane, y, x):
        def at(v, u):
            return int(plane[clip(v, rows // 2 - 1), clip(u, columns // 2 - 1)]) - middle

        def column(u):
            return 3 * at(y // 2, u) + at(y // 2 + (1 if y % 2 else -1), u)

        return column(x // 2) + column(x // 2 + x % 2)

    made = np.zeros((3, rows, columns), int)
    for y in range(rows):
        for x in range(columns):
            luma = round(unit / span) * (int(planes[0][y, x]) - offset)
            u, v = chroma(planes[1], y, x), chroma(planes[2], y, x)
            for c, total in enumerate((red * v, cb_green * u + cr_green * v, blue * u)):
                made[c, y, x] = clip((luma + total + 2**13) >> 14, 4080)
    return made


def slow_changed(planes, depths, colour, change):
    kr, kb, _, span, _, c_span = constants(colour, depths)
    unit = Fraction(2**18, 4080)
    y_factors = [round(k * span * unit) for k in (kr, 1 - kr - kb, kb)]
    own = round(c_span * unit / 2)
    of_red, of_blue = -round(kr * c_span * unit / (2 * (1 - kb))), -round(kb * c_span * unit / (2 * (1 - kr)))
    factors = [y_factors, [of_red, -of_red - own, own], [own, -own - of_blue, of_blue]]
    columns = planes[0].shape[1]
    made = []
    for index, plane in enumerate(planes):
        out = np.zeros(plane.shape, int)
        for y, x in np.ndindex(plane.shape):
            if index == 0:
                places, shift = [(y, x, 1)], 18
            else:
                places = [(2 * y + i, clip(2 * x + j, columns - 1), 2 - abs(j)) for i in (0, 1) for j in (-1, 0, 1)]
                shift = 21
            total = sum(w * f * int(change[c, v, u]) for v, u, w in places for c, f in enumerate(factors[index]))
            out[y, x] = clip(int(plane[y, x]) + ((total + (1 << (shift - 1))) >> shift), (1 << depths[index > 0]) - 1)
        made.append(out)
    return made


def pictures(depths):
    """Random planes, and planes at their ends."""
    rng = np.random.default_rng(1)
    shapes, tops = ((6, 8), (3, 4), (3, 4)), [(1 << depths[i > 0]) - 1 for i in range(3)]
    yield [rng.integers(0, top + 1, shape).astype(np.int16) for shape, top in zip(shapes, tops, strict=True)]
    for _ in range(3):
        yield [(top * rng.integers(0, 2, shape)).astype(np.int16) for shape, top in zip(shapes, tops, strict=True)]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("depths", DEPTHS)
def test_conversion_follows_the_formula(colour, depths):
    for planes in pictures(depths):
        assert np.array_equal(to_rgb(planes, depths, colour), slow_to_rgb(planes, depths, colour))


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("depths", DEPTHS)
def test_changes_follow_the_formula(colour, depths):
    rng = np.random.default_rng(2)
    for number, planes in enumerate(pictures(depths)):
        change = rng.integers(-130, 131, (3, 6, 8)).astype(np.int32)
        if number:
            # the most that can be, of every sign
            change = (rng.integers(0, 2, change.shape, np.int32) * 2 - 1) * FULL
        if number == 3:
            change = np.broadcast_to(np.array([FULL, -FULL, FULL], np.int32)[:, None, None], change.shape)
        expected = slow_changed(planes, depths, colour, change)
        assert all(np.array_equal(a, b) for a, b in zip(changed(planes, depths, colour, change), expected, strict=True))


def test_no_change_changes_nothing():
    for planes in pictures((10, 10)):
        same = changed(planes, (10, 10), Colour(1), np.zeros((3, 6, 8), np.int32))
        assert all(np.array_equal(a, b) for a, b in zip(planes, same, strict=True))


@pytest.mark.parametrize("matrix", ["bt601", "bt709"])
def test_it_is_the_way_back_of_reading_images(matrix):
    rng = np.random.default_rng(3)
    grey = rng.integers(0, 256, (8, 8, 1)).astype(np.uint8)
    image = np.repeat(grey, 3, 2)
    colour = Colour(MATRIX_COEFFICIENTS[matrix])
    back = shown(to_rgb(rgb_to_yuv420(image, 8, 10, matrix), (10, 10), colour))
    assert np.array_equal(back, image)
    planes = rgb_to_yuv420(np.broadcast_to(np.array([200, 60, 30], np.uint8), (8, 8, 3)), 8, 10, matrix)
    assert np.abs(shown(to_rgb(planes, (10, 10), colour))[0, 0].astype(int) - (200, 60, 30)).max() <= 1
    for planes in pictures((8, 8)):
        measured = yuv420_to_rgb(planes, 8, matrix).astype(int)
        assert np.abs(shown(to_rgb(planes, (8, 8), colour)) - measured).max() <= 1


def test_grey_pictures_and_matrices_that_are_not_known():
    luma = np.array([[16, 126], [235, 255]], np.int16)
    assert shown(to_rgb([luma], (8, 8), Colour()))[..., 1].tolist() == [[0, 128], [255, 255]]
    for code in (0, 3, 8, 10):
        with pytest.raises(Unsupported, match=f"matrix_coeffs = {code} "):
            Colour(code).check()
    Colour(7).check()
