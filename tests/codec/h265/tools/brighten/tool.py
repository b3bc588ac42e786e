"""A tool for tests, declared: luma of a CTU may become brighter by a constant, behind all other filters."""

from dataclasses import dataclass

from codec.base.setting import choice
from codec.common.tools.tool import Tool


@dataclass(frozen=True)
class Options:
    """Settings of the encoder."""

    Brighten: str = choice("off", "off", "1", "2", text="Make CTUs brighter by so much.")


@dataclass
class Sequence:
    """By how much."""

    brighten_constant: int = 1


@dataclass
class Slice:
    """Whether any CTU of the slice is made brighter."""

    slice_brighten_flag: int = 0


class Brighten(Tool):
    """The constant is in the SPS, a flag in every CTU of slices that use it."""

    name, flag = "brighten", 15
    package = "tests.codec.h265.tools.brighten"
    Options, Sequence, Slice = Options, Sequence, Slice
    ctu_flags = range(4, 5)

    def code_sequence(self, s, record, sps):
        s.u(record, "brighten_constant", 2)

    def code_slice(self, s, record, of_sequence, sps):
        s.flag(record, "slice_brighten_flag")

    def ctu_masks(self, record):
        return record.slice_brighten_flag, record.slice_brighten_flag
