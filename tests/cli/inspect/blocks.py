"""Block statistics made by hand: a 64x64 picture whose choices are known."""

import numpy as np

from codec.base.picture import DecodedPicture
from codec.h265.block_statistics import (
    CNN_FILTER_BLOCK,
    CODING_UNIT,
    INTER_BLOCK,
    INTRA_BLOCK,
    INTRA_SR_BLOCK,
    SAO_BLOCK,
    TRANSFORM_UNIT,
    PictureStatistics,
)
from codec.h265.structs import MODE_INTER, MODE_INTRA, SAO_BAND, SAO_EDGE, PART_2NxN, PART_NxN

FILTER_NETS = ("0123456789abcdef", "fedcba9876543210")


def _rows(dtype, *rows):
    table = np.zeros(len(rows), dtype)
    for at, values in enumerate(rows):
        for name, value in values.items():
            table[at][name] = value
    return table


def statistics(window=(0, 0, 64, 64)):
    """Four 32x32 units: intra vertical; intra NxN (planar, DC, 34, 2), drawn as if 32 were the smallest; skipped with
    mv (8, 0) samples; 2NxN of a merged and a coded block that uses both lists and trained filters."""
    unit = {"size": 32, "chroma_mode": -1}
    motion = {"ref_idx": (0, -1), "ref_poc": (4, 0), "mv": ((32, 0), (0, 0)), "merge_idx": -1}
    both = {"ref_idx": (1, 0), "ref_poc": (0, 8), "mv": ((-3, 4), (0, 0)), "filter_set": 2}
    return PictureStatistics(
        window,
        _rows(
            CODING_UNIT,
            {**unit, "pred_mode": MODE_INTRA, "qp_y": 20, "chroma_mode": 26},
            {**unit, "x": 32, "pred_mode": MODE_INTRA, "part_mode": PART_NxN, "qp_y": 30, "chroma_mode": 37},
            {**unit, "y": 32, "pred_mode": MODE_INTER, "skip": 1, "qp_y": 20},
            {**unit, "x": 32, "y": 32, "pred_mode": MODE_INTER, "part_mode": PART_2NxN, "qp_y": -10},
        ),
        _rows(
            INTRA_BLOCK,
            {"size": 32, "luma_mode": 26},
            {"x": 32, "size": 16, "luma_mode": 0, "mode_rank": 2},
            {"x": 48, "size": 16, "luma_mode": 1, "mode_rank": 3},
            {"x": 32, "y": 16, "size": 16, "luma_mode": 34, "mode_rank": 34},
            {"x": 48, "y": 16, "size": 16, "luma_mode": 2, "mode_rank": -1},
        ),
        _rows(
            INTER_BLOCK,
            {**motion, "y": 32, "width": 32, "height": 32, "skip": 1, "merge_flag": 1, "merge_idx": 2},
            {**motion, "x": 32, "y": 32, "width": 32, "height": 16, "merge_flag": 1, "merge_idx": 0},
            {**motion, **both, "x": 32, "y": 48, "width": 32, "height": 16},
        ),
        _rows(
            TRANSFORM_UNIT,
            {"size": 32, "cbf": 7},
            *({"x": 32 + 16 * (k & 1), "y": 16 * (k >> 1), "size": 16, "cbf": int(k == 0)} for k in range(4)),
            {"y": 32, "size": 32},
            {"x": 32, "y": 32, "size": 32},
        ),
        _rows(
            SAO_BLOCK,
            {"width": 32, "height": 32, "type": (SAO_EDGE, 0, 0), "eo_class": (2, 0, 0)},
            {"x": 32, "width": 32, "height": 32, "type": (SAO_BAND, SAO_BAND, SAO_BAND), "band_position": (7, 3, 4)},
            {"y": 32, "width": 32, "height": 32},
            {"x": 32, "y": 32, "width": 32, "height": 32},
        ),
        _rows(
            CNN_FILTER_BLOCK,
            {"width": 32, "height": 32, "changed": (1, 0, 0)},
            {"x": 32, "width": 32, "height": 32, "changed": (1, 1, 0), "net": 1},
            {"y": 32, "width": 32, "height": 32, "changed": (1, 0, 0), "net": 1},
            {"x": 32, "y": 32, "width": 32, "height": 32},
        ),
        FILTER_NETS,
        _rows(
            INTRA_SR_BLOCK,
            {"width": 32, "height": 32},
            {"x": 32, "width": 32, "height": 32, "half": 1},
            {"y": 32, "width": 32, "height": 32},
            {"x": 32, "y": 32, "width": 32, "height": 32},
        ),
    )


def picture(window=(0, 0, 64, 64)):
    """A DecodedPicture, mid-grey, with these statistics."""
    shape = window[3], window[2]
    planes = [np.full(shape, 126, np.int16)] + [np.full((shape[0] // 2, shape[1] // 2), 128, np.int16)] * 2
    return DecodedPicture(planes, (8, 8), 8, 0, "B", 30, 0.0, statistics=statistics(window))
