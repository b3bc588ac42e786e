"""Learnt interpolation, declared: its settings, and its syntax in headers (docs/BITSTREAM.md)."""

from dataclasses import dataclass

from codec.base.errors import UsageError
from codec.base.setting import choice, words
from codec.common.tools.tool import Tool

KINDS = ("fir",)


@dataclass(frozen=True)
class Options:
    """Settings of the encoder."""

    CnnInterpolation: str = choice(
        "off", "off", *KINDS,
        text="Luma between samples of reference pictures: fir has sets of trained filters beside H.265's, or off. "
        "Such streams are not H.265.",
    )  # fmt: skip
    CnnInterpolationSlices: str = choice(
        "p", "p", "all", text="In P slices, or in B slices too, where it mostly loses."
    )
    CnnInterpolationBank: str = words(text="Name or id of the filters; else the only ones that are installed.")


@dataclass
class Sequence:
    """sps_cnn_interpolation(). The bank of filters is named by the first 8 bytes of its SHA-256, as a number."""

    cnn_interpolation_bank_id: int = 0
    num_cnn_interpolation_sets_minus1: int = 0
    num_cnn_interpolation_bands_minus1: int = 0

    @property
    def bank(self):
        """The id of the bank, as 16 hexadecimal digits."""
        return f"{self.cnn_interpolation_bank_id:016x}"

    @property
    def sets(self):
        """How many sets of filters there are beside H.265's."""
        return self.num_cnn_interpolation_sets_minus1 + 1

    @property
    def bands(self):
        """How many bands of QP each is there for."""
        return self.num_cnn_interpolation_bands_minus1 + 1


@dataclass
class Slice:
    """slice_cnn_interpolation()"""

    slice_cnn_interpolation_flag: int = 0
    slice_cnn_interpolation_band_idx: int = 0


class Interpolation(Tool):
    """Fractional samples of luma by trained filters, prediction block by prediction block."""

    name, flag = "cnn_interpolation", 2
    package = "codec.h265.tools.interpolation"
    Options, Sequence, Slice = Options, Sequence, Slice
    has_nets = False
    inter_only = True
    slice_params = ("filter_sets", "first_filter_set")

    def loads_nets(self, config):
        """A bank of filters stands among the weights."""
        return self.is_on(config)

    def check(self, config):
        """There must be other pictures."""
        if config.IntraPeriod == 1:
            raise UsageError("CnnInterpolation is for pictures that refer to others: leave it out for all intra")

    def code_sequence(self, s, record, sps):
        """sps_cnn_interpolation()"""
        s.u(record, "cnn_interpolation_bank_id", 64)
        s.u(record, "num_cnn_interpolation_sets_minus1", 2)
        s.u(record, "num_cnn_interpolation_bands_minus1", 3)

    def code_slice(self, s, record, of_sequence, sps):
        """slice_cnn_interpolation()"""
        if s.flag(record, "slice_cnn_interpolation_flag"):
            last = of_sequence.num_cnn_interpolation_bands_minus1
            s.u(record, "slice_cnn_interpolation_band_idx", last.bit_length(), hi=last)

    def slice_values(self, record, of_sequence):
        """filter_sets: how many there are beside H.265's, 0 where the slice has none;  first_filter_set: of its band"""
        if not record.slice_cnn_interpolation_flag:
            return {}
        sets = of_sequence.sets
        return {"filter_sets": sets, "first_filter_set": sets * record.slice_cnn_interpolation_band_idx}
