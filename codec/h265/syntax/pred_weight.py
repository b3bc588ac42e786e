"""Weighted prediction parameters (7.3.6.3)."""

from dataclasses import dataclass, field

import numpy as np

from codec.base.serdes import structure
from codec.h265.structs import SLICE_B


def _two_lists():
    return field(default_factory=lambda: [PredWeightList(), PredWeightList()])


@dataclass
class PredWeightList:
    """The elements of one reference list; those of chroma hold Cb, Cr of picture 0, then of picture 1, ...

    Lists of weights and offsets have an element for *every* reference picture; 0 where none is coded.
    """

    luma_weight_flag: list = field(default_factory=list)
    chroma_weight_flag: list = field(default_factory=list)
    delta_luma_weight: list = field(default_factory=list)
    luma_offset: list = field(default_factory=list)
    delta_chroma_weight: list = field(default_factory=list)
    delta_chroma_offset: list = field(default_factory=list)


@dataclass
class PredWeightTable:
    """pred_weight_table(): `lists` has the elements *_l0 and *_l1."""

    luma_log2_weight_denom: int = 0
    delta_chroma_log2_weight_denom: int = 0
    lists: list = _two_lists()


@structure("7.4.7.3")
def pred_weight_table(s, table, header, chroma_array_type):
    """(7.3.6.3) pred_weight_table()"""
    s.ue(table, "luma_log2_weight_denom", hi=7)
    if chroma_array_type:
        luma = table.luma_log2_weight_denom
        s.se(table, "delta_chroma_log2_weight_denom", lo=-luma, hi=7 - luma)
    _one_list(s, table.lists[0], header.num_ref_idx_l0_active_minus1 + 1, chroma_array_type)
    if header.slice_type == SLICE_B:
        _one_list(s, table.lists[1], header.num_ref_idx_l1_active_minus1 + 1, chroma_array_type)
    flags = sum(sum(part.luma_weight_flag) + 2 * sum(part.chroma_weight_flag) for part in table.lists)
    s.check(flags <= 24, f"{flags} weights are signalled, more than 24")


def _one_list(s, part, count, chroma_array_type):
    for i in range(count):
        s.flag(part, "luma_weight_flag", i)
    for i in range(count):
        if chroma_array_type:
            s.flag(part, "chroma_weight_flag", i)
        elif s.reading:
            part.chroma_weight_flag.append(0)
    for i in range(count):
        if part.luma_weight_flag[i]:
            s.se(part, "delta_luma_weight", i, lo=-128, hi=127)
            s.se(part, "luma_offset", i, lo=-128, hi=127)
        elif s.reading:
            part.delta_luma_weight.append(0)
            part.luma_offset.append(0)
        for j in (2 * i, 2 * i + 1):
            if part.chroma_weight_flag[i]:
                s.se(part, "delta_chroma_weight", j, lo=-128, hi=127)
                s.se(part, "delta_chroma_offset", j, lo=-512, hi=511)
            elif s.reading:
                part.delta_chroma_weight.append(0)
                part.delta_chroma_offset.append(0)


def weights_and_offsets(table, sps):
    """(7.4.7.3, 8.5.3.3.4.3) Weights and offsets, (2, 16, 3, 2) int32 by list, refIdx, cIdx; (3,) log2 denominators.

    Offsets are scaled to the bit depth. A picture without coded weights has weight 1 << log2Wd and offset 0.
    """
    luma_denominator = table.luma_log2_weight_denom
    chroma_denominator = luma_denominator + table.delta_chroma_log2_weight_denom
    denominators = np.array([luma_denominator, chroma_denominator, chroma_denominator], np.int32)
    result = np.zeros((2, 16, 3, 2), np.int32)
    result[..., 0] = 1 << denominators
    luma_shift, chroma_shift = sps.bit_depth_y - 8, sps.bit_depth_c - 8
    for x, part in enumerate(table.lists):
        for i in range(len(part.luma_weight_flag)):
            if part.luma_weight_flag[i]:
                weight = (1 << luma_denominator) + part.delta_luma_weight[i]
                result[x, i, 0] = weight, part.luma_offset[i] << luma_shift
            for c in range(2 * part.chroma_weight_flag[i]):
                weight = (1 << chroma_denominator) + part.delta_chroma_weight[2 * i + c]
                offset = 128 + part.delta_chroma_offset[2 * i + c] - ((128 * weight) >> chroma_denominator)
                result[x, i, 1 + c] = weight, max(-128, min(127, offset)) << chroma_shift
    return result, denominators
