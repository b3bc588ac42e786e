"""A SerDes that makes syntax structures up: every element gets a random value of its range."""

import random

from codec.base.errors import CodecError
from codec.base.serdes import UE_MAX, Reader, Writer
from codec.h265.tools.extension import TOOLS_SIGNATURE

# elements whose whole range would hardly ever make a legal structure: what to choose from instead
_LIKELY = {
    "chroma_format_idc": (0, 1, 1, 1),
    "bit_depth_luma_minus8": (0, 1, 2),
    "bit_depth_chroma_minus8": (0, 1, 2),
    "pic_width_in_luma_samples": (64, 128, 192, 320, 1920, 4096),
    "pic_height_in_luma_samples": (64, 128, 192, 320, 1088, 2176),
    "conf_win_left_offset": range(9),
    "conf_win_right_offset": range(9),
    "conf_win_top_offset": range(9),
    "conf_win_bottom_offset": range(9),
    "log2_min_luma_coding_block_size_minus3": range(3),
    "log2_diff_max_min_luma_coding_block_size": (1, 2, 3),
    "num_short_term_ref_pic_sets": range(12),
    "num_negative_pics": range(4),
    "num_positive_pics": range(4),
    "num_tile_columns_minus1": range(4),
    "num_tile_rows_minus1": range(3),
    "column_width_minus1": range(3),
    "row_height_minus1": range(2),
    "vps_num_layer_sets_minus1": range(4),
    "vps_num_hrd_parameters": range(4),
    "cpb_cnt_minus1": range(4),
    "num_entry_point_offsets": range(5),
    "offset_len_minus1": range(20),
    "scaling_list_delta_coef": (0, 1, 2, 3),
    "luma_weight_flag": (0, 0, 1),
    "chroma_weight_flag": (0, 0, 0, 1),
    "sps_range_extension_flag": (0,),
    "sps_scc_extension_flag": (0,),
    "pps_range_extension_flag": (0,),
    "tools_signature": (TOOLS_SIGNATURE,),
    "tools_version": (1,),
    "tool_flags": (0, 0x8000, 0x0400, 0x8400),
    "pps_scc_extension_flag": (0,),
}


class RandomSerDes(Reader):
    """Draws what a reader would read. `fixed` maps names to values. Illegal combinations raise CodecError."""

    def __init__(self, seed, fixed=()):
        super().__init__(b"")
        self._random = random.Random(seed)
        self._choices = {**_LIKELY, **{name: (value,) for name, value in dict(fixed).items()}}

    def begins(self, obj, name, count, signature):
        return self._random.random() < 0.5

    def _code(self, obj, name, index, lo, hi, function, *args):
        allowed = [value for value in self._choices.get(name, ()) if lo <= value <= hi]
        if allowed:
            value = self._random.choice(allowed)
        elif self._random.random() < 0.3 or lo > hi:
            value = self._random.choice((lo, hi))
        else:
            value = self._random.randint(lo, min(hi, lo + self._random.choice((3, 300, UE_MAX))))
        self._check_range(name, index, value, lo, hi, 0)
        setattr(obj, name, value) if index is None else getattr(obj, name).append(value)
        return value

    def bytes(self, obj, name, count):
        setattr(obj, name, self._random.randbytes(count))

    def remaining_bits(self, obj, name):
        count = self._random.randint(1, 100)
        setattr(obj, name, (count, self._random.getrandbits(count)))

    def rbsp_trailing_bits(self):
        pass

    byte_alignment = rbsp_trailing_bits


def random_structure(function, factory, seed, fixed=(), arguments=()):
    """(object, what the function returned) of a legal random structure; the same for the same seed."""
    for attempt in range(2000):
        obj = factory()
        try:
            return obj, function(RandomSerDes(f"{seed} {attempt}", fixed), obj, *arguments)
        except CodecError:
            continue
    raise AssertionError(f"no legal {factory.__name__} in 2000 tries")


def written(function, obj, arguments=()):
    """The bytes of a structure."""
    s = Writer()
    function(s, obj, *arguments)
    return s.rbsp()
