"""(E.3.1, table E.1) Sample aspect ratios: width of a sample over its height, as a Fraction, and as the VUI says it."""

from fractions import Fraction

EXTENDED_SAR = 255
LARGEST_TERM = 65535
# aspect_ratio_idc 1, 2, ...
_RATIOS = tuple(
    Fraction(*ratio)
    for ratio in (
        (1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11),
        (80, 33), (18, 11), (15, 11), (64, 33), (160, 99), (4, 3), (3, 2), (2, 1),
    )
)  # fmt: skip


def sample_aspect(aspect_ratio_idc, sar_width, sar_height):
    """The Fraction, None where it is unspecified or reserved."""
    if aspect_ratio_idc == EXTENDED_SAR:
        return Fraction(sar_width, sar_height) if sar_width and sar_height else None
    return _RATIOS[aspect_ratio_idc - 1] if 0 < aspect_ratio_idc <= len(_RATIOS) else None


def aspect_syntax(ratio):
    """(aspect_ratio_idc, sar_width, sar_height) of a Fraction whose terms are not above LARGEST_TERM."""
    if ratio in _RATIOS:
        return _RATIOS.index(ratio) + 1, 0, 0
    return EXTENDED_SAR, ratio.numerator, ratio.denominator
