"""From reference picture lists and slice headers to the REFERENCE records that kernels read."""

import numpy as np

from codec.h265.structs import REFERENCE, SLICE_B, SLICE_I
from codec.h265.syntax.pred_weight import weights_and_offsets

MAX_REF_IDX = 16


def no_references():
    """(1, 2, 16) REFERENCE of an I slice: no entry."""
    record = np.zeros((1, 2, MAX_REF_IDX), REFERENCE)
    record["slot"] = -1
    return record


def make_references(sps, pps, header, lists):
    """(8.3.4, 7.4.7.3) (1, 2, 16) REFERENCE of a slice segment.

    lists   of dpb.reference_lists: two lists of (poc, picture, is_long_term), every picture with `slot` and `poc`;
            not looked at in an I slice
    """
    record = no_references()
    if header.slice_type == SLICE_I:
        return record
    for x, entries in enumerate(lists):
        for i, (_, picture, is_long_term) in enumerate(entries):
            record[0, x, i]["slot"] = picture.slot
            record[0, x, i]["poc"] = picture.poc
            record[0, x, i]["is_long_term"] = is_long_term
    if pps.weighted_bipred_flag if header.slice_type == SLICE_B else pps.weighted_pred_flag:
        weights, denominators = weights_and_offsets(header.pred_weight_table, sps)
        record["weight"][0] = weights[..., 0]
        record["offset"][0] = weights[..., 1]
        record["log2_denominator"] = denominators
    return record


def no_backward_pred(lists, poc):
    """(8.5.3.2.9) NoBackwardPredFlag: no picture of the slice's lists comes after the current one."""
    return int(all(picture.poc <= poc for entries in lists for _, picture, _ in entries))
