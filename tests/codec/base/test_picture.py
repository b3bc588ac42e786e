"""Padding to the coded size and cropping back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from codec.base.picture import chroma_shape, crop_picture, pad_picture


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 7), st.integers(0, 7))
def test_crop_undoes_pad_and_padding_repeats_the_edge(half_width, half_height, right, bottom):
    width, height = 2 * half_width, 2 * half_height
    rng = np.random.default_rng(0)
    shapes = [(height, width), (half_height, half_width), (half_height, half_width)]
    planes = [rng.integers(0, 1024, shape).astype(np.int16) for shape in shapes]
    padded = pad_picture(planes, width + 2 * right, height + 2 * bottom)
    assert padded[0].dtype == np.int16
    assert padded[0].flags.c_contiguous
    assert padded[1].shape == (half_height + bottom, half_width + right)
    assert (padded[0][:, width:] == padded[0][:, width - 1 : width]).all()
    assert (padded[2][half_height:] == padded[2][half_height - 1]).all()
    for plane, back in zip(planes, crop_picture(padded, 0, 2 * right, 0, 2 * bottom), strict=True):
        assert (plane == back).all()


def test_crop_on_all_sides_of_a_monochrome_picture():
    plane = np.arange(48, dtype=np.int16).reshape(6, 8)
    (cropped,) = crop_picture([plane], 1, 2, 3, 1)
    assert (cropped == plane[3:5, 1:6]).all()


def test_chroma_shape():
    assert chroma_shape((4, 6), 1) == (2, 3)
    assert chroma_shape((4, 6), 0) == (0, 0)
