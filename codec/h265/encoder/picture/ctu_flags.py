"""Flags of tools in CTUs (signalled by syntax/ctu_flags.py): chosen in coding order, with what they cost there."""

from typing import NamedTuple

import numpy as np

from codec.h265.cabac.contexts import CTU_FLAG_COUNT, CTU_TOOL_FLAG, initial_contexts
from codec.h265.cabac.tables import ENTROPY_BITS, NEXT_STATE, ONE_BIT

_CONTEXTS = 3


class SlicePart(NamedTuple):
    """A slice: its index, its first CTU in tile scan, its CTUs' raster addresses, the contexts that it begins with."""

    index: int
    first: int
    addresses: np.ndarray
    contexts: np.ndarray


def slice_parts(frame):
    """The SliceParts of a picture, whose CTUs know their slices."""
    order = np.argsort(frame.ctbs["addr_ts"])
    for index, record in enumerate(frame.slices):
        addresses = order[frame.ctbs["slice_idx"][order] == index]
        initial = initial_contexts(int(record["slice_type"]), int(record["cabac_init_flag"]), int(record["slice_qp_y"]))
        contexts = initial[CTU_TOOL_FLAG : CTU_TOOL_FLAG + CTU_FLAG_COUNT * _CONTEXTS]
        yield SlicePart(index, int(frame.ctbs["addr_ts"][addresses[0]]), addresses, contexts)


def ctu_errors(frame, plane, original, c_idx):
    """(n CTUs,) squared error of a component's plane by raster address."""
    difference = plane.astype(np.int32) - original
    size = (1 << int(frame.params[0]["log2_ctb_size"])) >> int(c_idx > 0)
    columns = np.add.reduceat(difference * difference, np.arange(0, plane.shape[1], size), axis=1, dtype=np.int64)
    return np.add.reduceat(columns, np.arange(0, plane.shape[0], size), axis=0).reshape(-1)


class FlagChoice:
    """Chooses flags of CTUs in coding order, with the contexts that the stream has there."""

    def __init__(self, frame, part, sub_streams):
        """part: a SlicePart of the frame;  sub_streams: SubStreams of the picture"""
        self._part, self._streams = part, sub_streams
        width = int(frame.params[0]["width_in_ctbs"])
        place = {int(addr): i for i, addr in enumerate(part.addresses)}
        tile = frame.ctbs["tile_id"]

        def neighbour(addr, inside, step):
            other = place.get(addr - step, -1) if inside else -1
            return other if other >= 0 and tile[addr - step] == tile[addr] else -1

        addresses = part.addresses.tolist()
        self._left = [neighbour(addr, addr % width > 0, 1) for addr in addresses]
        self._up = [neighbour(addr, addr >= width, width) for addr in addresses]
        # (9.3.1) where contexts are taken over from the row above
        self._above_right = [sub_streams.above_right_available(frame, addr) for addr in addresses]

    def walk(self, flag, off, on):
        """(flags, cost in bits against off) for costs `off` and `on` of the slice's CTUs without their flags.

        flag  which bit of CTB.tool_flags is chosen
        """
        initial = self._part.contexts[_CONTEXTS * flag : _CONTEXTS * (flag + 1)].tolist()
        states, kept, total = list(initial), list(initial), 0.0
        chosen, streams = np.zeros(len(off), bool), self._streams
        for i, gain in enumerate((on - off).tolist()):
            address = self._part.first + i
            if streams.begins[address]:
                inherits = streams.row_start[address] and not streams.tile_start[address]
                states = list(kept if inherits and self._above_right[i] else initial)
            left, up = self._left[i], self._up[i]
            context = int(left >= 0 and chosen[left]) + int(up >= 0 and chosen[up])
            state = states[context]
            costs = ENTROPY_BITS[state] / ONE_BIT, gain + ENTROPY_BITS[state ^ 1] / ONE_BIT
            bit = int(costs[1] < costs[0])
            chosen[i] = bool(bit)
            total += costs[bit]
            states[context] = int(NEXT_STATE[bit, state])
            if streams.stores_row[address]:
                kept = list(states)
        return chosen, float(total)
