"""Intra prediction blocks of a picture for training, made by the codec's kernels."""

import numpy as np

from codec.base.kernels.jit import settled
from codec.h265.encoder.search.intra.mode_material import ABOUT, mode_material
from codec.h265.intra_modes import MODES, MPMS
from codec.h265.recon.mode_inputs import INPUTS

COST_STEP = 16
_material = settled(mode_material)


def mode_blocks(frame, search):
    """{array of a shard: its blocks} of a picture before the in-loop filters. search: the Search that searched it"""
    room = frame.units.size
    inputs, about = np.zeros((room, INPUTS), np.int16), np.zeros((room, ABOUT), np.int16)
    costs, listed = np.zeros((room, MODES), np.float32), np.zeros((room, MPMS), np.int8)
    count = _material(frame, search, inputs, about, costs, listed)
    above = costs[:count] - costs[:count].min(1, keepdims=True)
    return {
        "mode_inputs": inputs[:count].copy(),
        "mode_costs": np.minimum(np.rint(above * COST_STEP), 65535).astype(np.uint16),
        "mode_listed": listed[:count].copy(),
        "mode_chosen": about[:count, 0].astype(np.int8),
        "mode_log2_size": about[:count, 1].astype(np.int8),
    }
