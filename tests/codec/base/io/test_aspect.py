"""Table E.1, both ways."""

from fractions import Fraction

from codec.base.io.aspect import EXTENDED_SAR, aspect_syntax, sample_aspect


def test_there_and_back():
    for idc in range(1, 17):
        assert aspect_syntax(sample_aspect(idc, 0, 0)) == (idc, 0, 0)
    for ratio in (Fraction(59, 54), Fraction(3, 4), Fraction(65535, 2)):
        assert aspect_syntax(ratio) == (EXTENDED_SAR, ratio.numerator, ratio.denominator)
        assert sample_aspect(*aspect_syntax(ratio)) == ratio


def test_some_of_the_table():
    assert [sample_aspect(idc, 0, 0) for idc in (1, 2, 13, 14, 16)] == [
        1, Fraction(12, 11), Fraction(160, 99), Fraction(4, 3), 2,
    ]  # fmt: skip


def test_what_tells_nothing():
    for idc, width, height in ((0, 4, 3), (17, 4, 3), (254, 4, 3), (255, 0, 3), (255, 4, 0)):
        assert sample_aspect(idc, width, height) is None
