"""What a stream may ask for, decided before anything is allocated.

The numbers are module attributes on purpose: a caller that trusts its input raises one by assigning to it
(`limits.MAX_PICTURE_SAMPLES = ...`), and every reader looks the attribute up at the moment of use.
"""

from codec.base.errors import LimitExceeded

MAX_PICTURE_SAMPLES = 8192 * 8192
# the longest side that level 6.2 admits: sqrt(8 * MaxLumaPs) (A.4.1)
MAX_PICTURE_SIDE = 16888
MAX_NAL_BYTES = 16 << 20
MAX_PARAMETER_SET_BYTES = 64 << 10
MAX_SEI_PER_AU = 256
MAX_SLICE_SEGMENTS = 8192


def check(what, value, limit_name):
    """Raise LimitExceeded when `value` is above the limit of that name; `what` says what was measured."""
    limit = globals()[limit_name]
    if value > limit:
        raise LimitExceeded(f"{what} is {value}, above the limit of {limit} (limits.{limit_name})")
