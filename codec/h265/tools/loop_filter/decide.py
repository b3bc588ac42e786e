"""The encoder's choices for the CNN loop filter.

Costs are in bits: squared error / lambda + rate. For each slice, net and component, every residual scale is weighed in
three ways: off, on everywhere, on by flags in the CTUs; the flags are chosen in coding order with adapting contexts.
The cheapest is kept, so a slice is never worse off than without the filter.
"""

from typing import NamedTuple

import numpy as np

from codec.common.tools import tool
from codec.common.tools.corrections import SCALES, WEIGHTS
from codec.common.tools.filter_nets import choose_nets
from codec.h265.encoder.picture.ctu_flags import FlagChoice, ctu_errors, slice_parts
from codec.h265.tools.loop_filter.apply import PLACE, STAGE, net_strengths
from codec.h265.tools.loop_filter.tool import AFTER, BEFORE, COMPONENTS, CTU_FLAGS, MAX_NETS, Sequence, Slice

_ON_HEADER_BITS = 3  # CTU flag and scale index of a component that is on


class Decision(tool.Decision):
    """Off or on, net, scales and CTUs of each slice, right before the filter runs."""

    def __init__(self, sequence, application):
        self._sub_streams, self._filter = sequence.sub_streams, application.filter

    @staticmethod
    def sequence(config, nets):
        wanted = choose_nets(
            config.CnnLoopFilter, config.CnnLoopFilterNets, config.WeightsDir, PLACE, MAX_NETS, _placement(config)
        )
        loaded = nets.get(wanted, PLACE)
        return Sequence(
            cnn_filter_before_sao_flag=int(config.CnnLoopFilterPlace == BEFORE),
            cnn_filter_chroma_flag=int(any(net.has_chroma for net in loaded)),
            num_cnn_filter_nets_minus1=len(loaded) - 1,
            cnn_filter_net_id=[int(net.id, 16) for net in loaded],
        )

    def before_stages(self, picture, lambdas, workspace, pool):
        def decide(frame, workspace):
            strengths = net_strengths(self._filter, frame, workspace, picture.picture_ids, pool)
            slices, _ = decide_cnn_filter(frame, picture.source, lambdas, self._filter, strengths, self._sub_streams)
            for header, record in zip(picture.headers, slices, strict=True):
                header.tools.cnn_loop_filter = record

        return {STAGE: decide}

    def figures(self, frame):
        flags = frame.ctbs["tool_flags"]
        return {f"cnn_filter_share_{c}": float((flags >> i & 1).mean()) for i, c in enumerate("yuv")}


def _placement(config):
    """What the filter finds, in the words of recipes and manifests."""
    if config.CnnLoopFilterPlace == AFTER:
        return "filtered"
    return "reconstructed" if config.LoopFilterDisable else "deblocked"


class _Choice(NamedTuple):
    """What is done in one component of a slice: cost in bits; scale_idx; a flag per CTU, in coding order."""

    cost: float
    scale: int = 0
    by_ctu: bool = False
    flags: np.ndarray | None = None


def decide_cnn_filter(frame, original, lambdas, loop_filter, strengths, sub_streams):
    """Choose net, scales and CTUs for a picture. -> ([Slice], cost in bits against no filter, never above 0)

    frame       the planes as the filter finds them; written: tool_flags of ctbs
    original    (luma, cb, cr) int16 planes;  lambdas: (3,) squared error that one bit of each component is worth
    strengths   boundary strengths for nets that want them, or None;  sub_streams: SubStreams of the picture
    """
    n_components = 3 if frame.cb.size else 1
    planes = (frame.luma, frame.cb, frame.cr)[:n_components]
    off = [ctu_errors(frame, plane, original[c], c) / lambdas[c] for c, plane in enumerate(planes)]
    n_nets = len(loop_filter.nets)
    filtered = [_filtered_errors(frame, original, lambdas, loop_filter, net, strengths) for net in range(n_nets)]
    signalled = n_components if any(net.has_chroma for net in loop_filter.nets) else 1
    header_bits = (n_nets - 1).bit_length() + signalled
    slices, total = [], 0.0
    for part in slice_parts(frame):
        best_cost, best_net, best = 0.0, 0, ()
        flags = FlagChoice(frame, part, sub_streams)
        for net, errors in enumerate(filtered):
            choices = [_choose(part, off[c], by_scale, flags, c) for c, by_scale in enumerate(errors)]
            cost = header_bits + sum(choice.cost for choice in choices)
            if cost < best_cost and any(choice.flags is not None for choice in choices):
                best_cost, best_net, best = cost, net, choices
        slices.append(_write(frame, part, best_net, best))
        total += best_cost
    return slices, total


def _filtered_errors(frame, original, lambdas, loop_filter, net, strengths):
    """[component][scale]: squared error / lambda by CTU."""
    errors = []
    for c, correction in enumerate(loop_filter.corrections(frame, net, strengths)):
        made = (loop_filter.corrected(frame, net, c, correction, WEIGHTS[scale]) for scale in range(SCALES))
        errors.append([ctu_errors(frame, plane, original[c], c) / lambdas[c] for plane in made])
    return errors


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


def _write(frame, part, net, choices):
    """The _Choice of each component into the flags of its CTUs. -> Slice"""
    record, flags = Slice(slice_cnn_filter_net_idx=net), np.zeros(len(part.addresses), np.int16)
    for c, choice in enumerate(choices):
        if choice.flags is None:
            continue
        name = f"slice_cnn_filter_{COMPONENTS[c]}"
        record.slice_cnn_filter_flag = 1
        setattr(record, f"{name}_flag", 1)
        setattr(record, f"{name}_ctu_flag", int(choice.by_ctu))
        setattr(record, f"{name}_scale_idx", choice.scale)
        flags |= choice.flags.astype(np.int16) << c
    here = frame.ctbs["tool_flags"][part.addresses]
    frame.ctbs["tool_flags"][part.addresses] = here & ~CTU_FLAGS | flags
    return record
