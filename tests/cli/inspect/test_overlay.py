"""Overlays: that what was chosen is where it belongs, pixel by pixel, on a grey picture with known blocks."""

import numpy as np
import pytest

from cli.inspect import layers
from cli.inspect.canvas import automatic_scale, to_bgr
from cli.inspect.layers import LAYERS, intra_direction
from cli.inspect.overlay import draw_overlay
from tests.cli.inspect import blocks

SCALE = 8


def drawn(*names, window=(0, 0, 64, 64), scale=SCALE):
    return draw_overlay(blocks.picture(window), names, scale, "title").astype(int)


@pytest.fixture(scope="module")
def plain():
    return drawn()


def changed(image, plain):
    """Pixels of the picture (not of the legend) that a layer changed."""
    rows = 64 * SCALE
    return (image[:rows] != plain[:rows]).any(axis=2)


def test_the_picture_is_darkened_and_a_legend_follows(plain):
    assert plain.shape[1] == 64 * SCALE and plain.shape[0] > 64 * SCALE + 20
    picture = plain[: 64 * SCALE]
    assert (picture == picture[0, 0]).all() and 60 < picture[0, 0, 0] < 90
    assert (plain[64 * SCALE :] > 200).any(), "the title"


def test_coding_units_are_outlined(plain):
    where = changed(drawn("cu"), plain)
    assert where[32 * SCALE, :].all() and where[:, 32 * SCALE].all() and where[0, :].all()
    # one pixel wide, and nowhere else
    expected = np.zeros_like(where)
    expected[[0, 32 * SCALE]] = expected[:, [0, 32 * SCALE]] = True
    assert (where == expected).all()


def test_prediction_blocks_and_transform_units(plain):
    pu = changed(drawn("pu"), plain)
    assert pu[48 * SCALE, 33 * SCALE :].all() and not pu[48 * SCALE, 1 : 32 * SCALE].any()
    assert pu[1 : 32 * SCALE, 48 * SCALE].all() and not pu[33 * SCALE : 48 * SCALE, 48 * SCALE].any()
    tu = changed(drawn("tu"), plain)
    assert tu[: 32 * SCALE, 48 * SCALE].all()
    # units without coefficients have no transform tree to show
    assert not tu[33 * SCALE :].any()


def test_modes_are_tinted(plain):
    image = drawn("skip")
    grey = plain[0, 0]
    for (x, y), colour in (
        ((16, 16), layers.INTRA),
        ((48, 16), layers.INTRA),
        ((16, 48), layers.SKIP),
        ((48, 40), layers.MERGE),
        ((48, 56), layers.INTER),
    ):
        expected = (1 - layers._TINT) * grey + layers._TINT * np.array(colour)
        assert np.abs(image[y * SCALE, x * SCALE] - expected).max() <= 1.5


def test_qp_runs_from_dark_to_bright():
    image = drawn("qp")
    low, middle, high = (image[y * SCALE, x * SCALE].sum() for x, y in ((48, 48), (16, 16), (48, 16)))
    assert low < middle < high
    assert (image[16 * SCALE, 16 * SCALE] == image[48 * SCALE, 16 * SCALE]).all(), "equal QP, equal colour"


def test_motion_goes_from_the_middle_to_where_the_vector_points(plain):
    image = drawn("motion")
    where = changed(image, plain)
    row = where[48 * SCALE - 1 : 48 * SCALE + 1].any(axis=0)
    # the skipped block: 8 samples to the right of (16, 48)
    assert row[16 * SCALE : 24 * SCALE - 1].all()
    assert not row[: 15 * SCALE].any() and not row[25 * SCALE : 32 * SCALE].any()
    assert np.abs(image[48 * SCALE - 1, 20 * SCALE] - layers.LIST_COLOURS[0]).max() < 130
    assert not where[: 32 * SCALE].any(), "intra blocks have none"
    # both lists: list 0 is drawn last
    assert (image[56 * SCALE, 48 * SCALE] == layers.LIST_COLOURS[0]).all()


def test_intra_modes_point_along_the_prediction(plain):
    where = changed(drawn("modes"), plain)
    # mode 26 is vertical, through (16, 16)
    column = where[:, 16 * SCALE - 1 : 16 * SCALE + 1].any(axis=1)
    assert column[10 * SCALE : 22 * SCALE].all() and not column[: 6 * SCALE].any()
    assert not where[16 * SCALE, : 15 * SCALE].any()
    # planar is a ring, DC a dot
    assert not where[8 * SCALE, 40 * SCALE] and where[: 16 * SCALE, 32 * SCALE : 48 * SCALE].any()
    assert where[8 * SCALE, 56 * SCALE]
    # mode 34 rises to the right, mode 2 as well: both lie on the same diagonal, from other sides
    for x in (40, 56):
        assert where[24 * SCALE - 12, x * SCALE + 11 : x * SCALE + 13].any()
        assert not where[24 * SCALE - 12, x * SCALE - 13 : x * SCALE - 11].any()
    assert not where[33 * SCALE :].any()


def test_directions_of_the_standard():
    assert np.allclose(intra_direction(10), (-1, 0)) and np.allclose(intra_direction(26), (0, -1))
    assert np.allclose(intra_direction(18), np.array([-1, -1]) / np.sqrt(2))
    assert np.allclose(intra_direction(34), np.array([1, -1]) / np.sqrt(2))
    assert np.allclose(intra_direction(2), np.array([-1, 1]) / np.sqrt(2))


def test_sao_is_tinted_and_told(plain):
    where = changed(drawn("sao"), plain)
    assert where[1 : 31 * SCALE, 1 : 31 * SCALE].all() and where[1 : 31 * SCALE, 33 * SCALE : 63 * SCALE].all()
    assert not where[33 * SCALE : 63 * SCALE, 1 : 31 * SCALE].any()
    assert layers._sao_words(blocks.statistics().sao[0]) == "Y E135"
    assert layers._sao_words(blocks.statistics().sao[1]) == "Y B7  C B3"


def test_chroma_from_luma_is_tinted(plain):
    where = changed(drawn("chroma"), plain)
    assert where[: 32 * SCALE, 32 * SCALE : 64 * SCALE].all()
    assert not where[: 32 * SCALE, : 32 * SCALE].any() and not where[32 * SCALE : 64 * SCALE, : 64 * SCALE].any()


def test_trained_interpolation_is_tinted(plain):
    where = changed(drawn("interpolation"), plain)
    assert where[48 * SCALE : 64 * SCALE, 32 * SCALE : 64 * SCALE].all()
    assert not where[: 48 * SCALE, : 64 * SCALE].any() and not where[48 * SCALE : 64 * SCALE, : 32 * SCALE].any()


def test_blocks_at_half_size_are_tinted(plain):
    where = changed(drawn("sizes"), plain)
    assert where[: 32 * SCALE, 32 * SCALE : 64 * SCALE].all()
    assert not where[: 31 * SCALE, : 31 * SCALE].any() and not where[33 * SCALE :].any()


def test_ranks_of_modes_are_tinted(plain):
    image = drawn("ranks")
    where = changed(image, plain)
    assert where[: 32 * SCALE, : 48 * SCALE].all() and where[: 16 * SCALE, 48 * SCALE : 64 * SCALE].all()
    assert not where[16 * SCALE : 32 * SCALE, 48 * SCALE : 64 * SCALE].any() and not where[32 * SCALE :].any()
    first, third, fourth, last = (image[y * SCALE, x * SCALE].tolist() for x, y in ((8, 8), (40, 8), (56, 8), (40, 24)))
    assert fourth == last and first != third != fourth != first


def test_the_conformance_window_shifts_everything():
    whole, cut = drawn("cu", "skip"), drawn("cu", "skip", window=(8, 4, 48, 52))
    inner = slice(0, 52 * SCALE), slice(0, 48 * SCALE)
    assert (cut[inner] == whole[4 * SCALE : 56 * SCALE, 8 * SCALE : 56 * SCALE]).all()


def test_layers_are_drawn_in_one_order():
    assert (drawn("cu", "skip") == drawn("skip", "cu")).all()
    assert (drawn(*LAYERS) == drawn(*reversed(LAYERS))).all()


@pytest.mark.parametrize(("width", "scale"), [(16, 32), (64, 19), (176, 7), (416, 3), (1920, 1), (4096, 1)])
def test_small_pictures_are_magnified(width, scale):
    assert automatic_scale(width) == scale


def test_colours_are_those_of_limited_range():
    def of(y, cb, cr, depth=8, size=4):
        planes = [np.full((size, size), y, np.int16), *(np.full((size // 2, size // 2), c, np.int16) for c in (cb, cr))]
        return to_bgr(planes, (depth, depth))[1, 1].tolist()

    assert of(16, 128, 128) == [0, 0, 0] and of(235, 128, 128) == [255, 255, 255]
    assert of(940, 512, 512, depth=10) == [255, 255, 255]
    # pure red of BT.601: 81, 90, 240
    assert np.abs(np.array(of(81, 90, 240)) - (0, 0, 255)).max() <= 2
    assert to_bgr([np.full((2, 2), 235, np.int16)], (8, 8)).tolist() == [[[255] * 3] * 2] * 2


def test_filters_are_squares_in_the_corner_of_their_block(plain):
    image = drawn("filters")
    side = 4 * SCALE
    marks = [colour for colour, _ in (*layers.SAO_MARKS, *layers.CNN_MARKS)]

    def seen(x, y):
        """Which squares the row at the corner of a block has."""
        at = [(y * SCALE + side // 2, x * SCALE + 2 + n * (side + 2) + side // 2) for n in range(5)]
        return [n for n, place in enumerate(at) if tuple(image[place]) == marks[n]]

    assert [seen(x, y) for y in (0, 32) for x in (0, 32)] == [[0, 2], [0, 1, 2, 3], [2], []]
    where = changed(image, plain)
    assert where[32 * SCALE].all() and where[:, 32 * SCALE].all() and not where[40 * SCALE, 40 * SCALE]
