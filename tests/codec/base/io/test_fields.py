"""codec.base.io.fields: pairs of fields become frames."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from codec.base.io.fields import BOTTOM, TOP, Scan, Weaver
from codec.base.picture import DecodedPicture


def field(poc, pic_struct, rgb=None, height=4):
    planes = [np.full((height, 6), poc, np.int16), *(np.full((height // 2, 3), 100 + poc, np.int16) for _ in range(2))]
    rate, scan = Fraction(50), Scan(1, pic_struct, 0)
    return DecodedPicture(planes, (8, 8), poc, 0, "I", 30, 0.0, frame_rate=rate, scan=scan, rgb=rgb)


def woven(pictures):
    weaver = Weaver()
    frames = [frame for picture in pictures for frame in weaver.push(picture)]
    weaver.finish()
    return frames, weaver.alone


def test_parity_is_that_of_table_d_2():
    parities = [Scan(1, pic_struct).parity for pic_struct in range(13)]
    assert parities == [None, TOP, BOTTOM, *[None] * 6, TOP, BOTTOM, TOP, BOTTOM]


def test_y4m_tags():
    assert [Scan(0, pic_struct).y4m_tag for pic_struct in range(9)] == ["p", "p", "p", "t", "b", "t", "b", "p", "p"]
    assert Scan(0, 3, 1).y4m_tag == "p" and Scan(0, 4, 0).y4m_tag == "b" and Scan().y4m_tag == "p"


@pytest.mark.parametrize(
    ("first", "second", "rows", "tag"), [(1, 2, [0, 1], "t"), (2, 1, [1, 0], "b"), (11, 10, [0, 1], "t")]
)
def test_lines_of_the_top_field_come_first(first, second, rows, tag):
    (frame,), alone = woven([field(0, first), field(1, second)])
    assert [plane.shape for plane in frame.planes] == [(8, 6), (4, 3), (4, 3)] and alone == 0
    assert frame.planes[0][:, 0].tolist() == rows * 4
    assert frame.planes[2][:, 0].tolist() == [100 + row for row in rows] * 2
    assert (frame.scan.y4m_tag, frame.frame_rate, frame.planes[0].dtype) == (tag, 25, np.int16)


def test_rgb_is_woven_too():
    fields = [field(n, 1 + n, rgb=np.full((4, 6, 3), n, np.uint8)) for n in range(2)]
    ((frame,), _) = woven(fields)
    assert frame.rgb.shape == (8, 6, 3) and frame.rgb[:, 0, 2].tolist() == [0, 1] * 4


@pytest.mark.parametrize(
    ("fields", "pairs", "alone"),
    [
        ([(0, 1), (1, 2), (2, 1)], [0], 1),
        ([(1, 2), (2, 1), (3, 2)], [2], 1),
        ([(0, 1), (2, 1), (3, 2)], [2], 1),
        ([(0, 1), (1, 1), (2, 1), (3, 2)], [2], 2),
        ([(0, 1), (1, 2), (0, 1), (1, 2)], [0, 0], 0),
        ([(8, 2), (9, 1)], [8], 0),
        ([], [], 0),
    ],
)
def test_which_fields_are_pairs(fields, pairs, alone):
    frames, left_out = woven(field(*one) for one in fields)
    assert ([frame.poc for frame in frames], left_out) == (pairs, alone)


def test_frames_pass():
    frame = dataclasses.replace(field(0, 0), scan=Scan())
    assert woven([frame, frame]) == ([frame, frame], 0)


def test_fields_of_two_sizes_are_no_pair():
    assert woven([field(0, 1), field(1, 2, height=8)]) == ([], 2)
