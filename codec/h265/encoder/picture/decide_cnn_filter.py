"""The encoder's choices for the CNN loop filter (signalled by syntax/tool_extension.py and syntax/cnn_filter.py).

Costs are in bits: squared error / lambda + rate. For each slice, net and component, every residual scale is weighed in
three ways: off, on everywhere, on by flags in the CTUs; the flags are chosen in coding order with adapting contexts.
The cheapest is kept, so a slice is never worse off than without the filter.
"""

from typing import NamedTuple

import numpy as np

from codec.h265.cabac.contexts import CNN_FILTER_FLAG, initial_contexts
from codec.h265.cabac.tables import ENTROPY_BITS, NEXT_STATE, ONE_BIT
from codec.h265.syntax.tool_extension import COMPONENTS, SCALES
from codec.h265.tools.cnn_loop_filter import WEIGHTS

_ON_HEADER_BITS = 3  # CTU flag and scale index of a component that is on
_CONTEXTS = 3


class _Choice(NamedTuple):
    """What is done in one component of a slice: cost in bits; scale_idx; a flag per CTU, in coding order."""

    cost: float
    scale: int = 0
    by_ctu: bool = False
    flags: np.ndarray | None = None


class _Slice(NamedTuple):
    """A slice: its index, its first CTU in tile scan, its CTUs' raster addresses, the contexts that it begins with."""

    index: int
    first: int
    addresses: np.ndarray
    contexts: np.ndarray


def decide_cnn_filter(frame, original, lambdas, loop_filter, strengths, sub_streams):
    """Choose net, scales and CTUs for a picture; returns the cost in bits against no filter (never above 0).

    frame       the planes as the filter finds them; written: cnn_filter of ctbs, cnn_filter_* of slices
    original    (luma, cb, cr) int16 planes;  lambdas: (3,) squared error that one bit of each component is worth
    strengths   boundary strengths for nets that want them, or None;  sub_streams: SubStreams of the picture
    """
    n_components = 3 if frame.cb.size else 1
    planes = (frame.luma, frame.cb, frame.cr)[:n_components]
    off = [_errors(frame, plane, original[c], c) / lambdas[c] for c, plane in enumerate(planes)]
    n_nets = len(loop_filter.nets)
    filtered = [_filtered_errors(frame, original, lambdas, loop_filter, net, strengths) for net in range(n_nets)]
    signalled = n_components if any(net.has_chroma for net in loop_filter.nets) else 1
    header_bits = (n_nets - 1).bit_length() + signalled
    total = 0.0
    for part in _slices(frame):
        best_cost, best_net, best = 0.0, 0, ()
        flags = _FlagChoice(frame, part, sub_streams)
        for net, errors in enumerate(filtered):
            choices = [_choose(part, off[c], by_scale, flags, c) for c, by_scale in enumerate(errors)]
            cost = header_bits + sum(choice.cost for choice in choices)
            if cost < best_cost and any(choice.flags is not None for choice in choices):
                best_cost, best_net, best = cost, net, choices
        _write(frame, part, best_net, best)
        total += best_cost
    return total


def _filtered_errors(frame, original, lambdas, loop_filter, net, strengths):
    """[component][scale]: squared error / lambda by CTU."""
    errors = []
    for c, correction in enumerate(loop_filter.corrections(frame, net, strengths)):
        made = (loop_filter.corrected(frame, net, c, correction, WEIGHTS[scale]) for scale in range(SCALES))
        errors.append([_errors(frame, plane, original[c], c) / lambdas[c] for plane in made])
    return errors


def _errors(frame, plane, original, c_idx):
    """(n CTUs,) squared error by raster address."""
    difference = plane.astype(np.int32) - original
    size = (1 << int(frame.params[0]["log2_ctb_size"])) >> int(c_idx > 0)
    columns = np.add.reduceat(difference * difference, np.arange(0, plane.shape[1], size), axis=1, dtype=np.int64)
    return np.add.reduceat(columns, np.arange(0, plane.shape[0], size), axis=0).reshape(-1)


def _slices(frame):
    order = np.argsort(frame.ctbs["addr_ts"])
    for index, record in enumerate(frame.slices):
        addresses = order[frame.ctbs["slice_idx"][order] == index]
        initial = initial_contexts(int(record["slice_type"]), int(record["cabac_init_flag"]), int(record["slice_qp_y"]))
        contexts = initial[CNN_FILTER_FLAG : CNN_FILTER_FLAG + len(COMPONENTS) * _CONTEXTS]
        yield _Slice(index, int(frame.ctbs["addr_ts"][addresses[0]]), addresses, contexts)


def _choose(part, off, by_scale, flags, c_idx):
    """The best _Choice of one component; costs are against off."""
    best = _Choice(0.0)
    off = off[part.addresses]
    for scale, on in enumerate(by_scale):
        on = on[part.addresses]
        everywhere = float((on - off).sum()) + _ON_HEADER_BITS
        if everywhere < best.cost:
            best = _Choice(everywhere, scale, False, np.ones(len(off), bool))
        chosen, cost = flags.walk(c_idx, off, on)
        if cost + _ON_HEADER_BITS < best.cost:
            best = _Choice(cost + _ON_HEADER_BITS, scale, True, chosen)
    return best


class _FlagChoice:
    """Chooses flags of CTUs in coding order, with the contexts that the stream has there."""

    def __init__(self, frame, part, sub_streams):
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

    def walk(self, c_idx, off, on):
        """(flags, cost in bits against off) for costs `off` and `on` of the slice's CTUs without their flags."""
        initial = self._part.contexts[_CONTEXTS * c_idx : _CONTEXTS * (c_idx + 1)].tolist()
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


def _write(frame, part, net, choices):
    """The _Choice of each component into the records of the slice and its CTUs."""
    record, on = frame.slices[part.index], np.zeros(len(part.addresses), np.int8)
    record["cnn_filter_net"] = net
    record["cnn_filter_on"] = record["cnn_filter_ctus"] = 0
    for c, choice in enumerate(choices):
        if choice.flags is None:
            continue
        record["cnn_filter_on"] |= 1 << c
        record["cnn_filter_ctus"] |= int(choice.by_ctu) << c
        record[f"cnn_filter_scale_{COMPONENTS[c]}"] = choice.scale
        on |= choice.flags.astype(np.int8) << c
    frame.ctbs["cnn_filter"][part.addresses] = on
