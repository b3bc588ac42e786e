"""The encoder's choice of SAO parameters (signalled by 7.3.8.3, applied by codec/h265/filters/sao.py).

Costs are in bits: squared error / lambda + rate, relative to a block without SAO, so that luma and chroma with their
own lambdas add up. Per block, the best new parameters of luma and of chroma are found once (`propose`); a walk in
coding order then weighs them, with adapting contexts, against "off" and the two merges. The walk takes row by row,
with SAO on in all slices; a slice that turns out not to use it in luma or chroma is switched off in the end.
"""

from typing import NamedTuple

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.cabac.contexts import SAO_MERGE_FLAG, SAO_TYPE_IDX, initial_contexts
from codec.h265.cabac.tables import ENTROPY_BITS, NEXT_STATE, ONE_BIT
from codec.h265.encoder.picture.sao_statistics import (
    FIRST_BAND_ROW,
    N_BANDS,
    N_EDGE_CLASSES,
    N_OFFSETS,
    gather_statistics,
    make_statistics,
)
from codec.h265.structs import CTB, SAO_BAND, SAO_EDGE, SAO_NOT_APPLIED

MERGE_NONE, MERGE_LEFT, MERGE_UP = 0, 1, 2
MERGE_CONTEXT, TYPE_CONTEXT = 0, 1

# (9.3.3) bypass bins: the second bin of sao_type_idx, sao_band_position, sao_eo_class
_TYPE_BYPASS_BITS, _BAND_POSITION_BITS, _EO_CLASS_BITS = 1, 5, 2


class SaoSearch(NamedTuple):
    """Memory of the decision, made once per sequence.

    statistics (n, 3, N_ROWS, 2) int64, see codec/h265/encoder/picture/sao_statistics.py
    proposals  (n,) CTB: the best new parameters of each block
    costs      (n, 2) float64: what they cost in luma and in chroma, without the first bin of sao_type_idx
    bands      (2, N_BANDS) float64: offsets and costs of single bands
    states     (n tiles, 2) uint8: contexts of sao_merge_*_flag and sao_type_idx behind the last block of each tile
    slice_addr (n tiles,) int32: SliceAddrRs of that block
    """

    statistics: np.ndarray
    proposals: np.ndarray
    costs: np.ndarray
    bands: np.ndarray
    states: np.ndarray
    slice_addr: np.ndarray


def make_sao_search(params):
    """Memory of the decision for pictures of these parameters; `params` is one PARAMS record."""
    statistics = make_statistics(params)
    n_ctbs = statistics.shape[0]
    # there are at most as many tiles as CTUs
    states, slice_addr = np.zeros((n_ctbs, 2), np.uint8), np.zeros(n_ctbs, np.int32)
    proposals, costs = np.zeros(n_ctbs, CTB), np.zeros((n_ctbs, 2))
    return SaoSearch(statistics, proposals, costs, np.zeros((2, N_BANDS)), states, slice_addr)


@kernel
def _best_offset(count, total, lowest, highest, largest, sign_bit, lam):
    """(offset, cost in bits) of one category: from the mean error towards 0, all that sao_offset_abs (TR) can say.

    count, total: its row of the statistics; lowest <= offset <= highest; largest: cMax of sao_offset_abs.
    """
    best, best_cost = 0, 1.0
    if count == 0:
        return best, best_cost
    mean = int(np.floor(total / count + 0.5))
    offset = min(max(mean, lowest), highest)
    step = -1 if offset > 0 else 1
    while offset != 0:
        magnitude = abs(offset)
        bits = min(magnitude + 1, largest) + sign_bit
        cost = (count * offset * offset - 2 * offset * total) / lam + bits
        if cost < best_cost:
            best, best_cost = offset, cost
        offset += step
    return best, best_cost


@kernel
def _edge_cost(rows, eo_class, largest, lam, offsets):
    """Best offsets of one edge class, written to `offsets`; returns their cost in bits, without sao_eo_class."""
    cost = 0.0
    for k in range(N_OFFSETS):
        row = rows[N_OFFSETS * eo_class + k]
        lowest, highest = (0, largest) if k < 2 else (-largest, 0)
        offset, bits = _best_offset(row[0], row[1], lowest, highest, largest, 0, lam)
        offsets[k] = offset
        cost += bits
    return cost


@kernel
def _band_cost(rows, largest, lam, bands, offsets):
    """Best four neighbouring bands, offsets to `offsets`; (sao_band_position, cost in bits with the position)."""
    for band in range(N_BANDS):
        row = rows[FIRST_BAND_ROW + band]
        offset, bits = _best_offset(row[0], row[1], -largest, largest, largest, 1, lam)
        bands[0, band] = offset
        bands[1, band] = bits
    best, best_cost = 0, np.inf
    for position in range(N_BANDS):
        cost = 0.0
        for k in range(N_OFFSETS):
            cost += bands[1, (position + k) & 31]
        if cost < best_cost:
            best, best_cost = position, cost
    for k in range(N_OFFSETS):
        offsets[k] = np.int16(bands[0, (best + k) & 31])
    return best, best_cost + _BAND_POSITION_BITS


@kernel
def _propose_group(statistics, proposal, first, last, largest, lambdas, bands):
    """Best new parameters of components first <= c_idx < last, which share type and edge class; returns the cost."""
    best_cost, best_class = np.inf, -1
    trial = proposal.sao_offset[first]
    for eo_class in range(N_EDGE_CLASSES):
        cost = 0.0 + _EO_CLASS_BITS
        for c_idx in range(first, last):
            cost += _edge_cost(statistics[c_idx], eo_class, largest, lambdas[c_idx], trial)
        if cost < best_cost:
            best_cost, best_class = cost, eo_class
    band_cost = 0.0
    for c_idx in range(first, last):
        position, cost = _band_cost(statistics[c_idx], largest, lambdas[c_idx], bands, proposal.sao_offset[c_idx])
        proposal.sao_band_position[c_idx] = position
        band_cost += cost
    use_band = band_cost < best_cost
    for c_idx in range(first, last):
        proposal.sao_type[c_idx] = SAO_BAND if use_band else SAO_EDGE
        proposal.sao_eo_class[c_idx] = 0 if use_band else best_class
        if not use_band:
            proposal.sao_band_position[c_idx] = 0
            _edge_cost(statistics[c_idx], best_class, largest, lambdas[c_idx], proposal.sao_offset[c_idx])
    return min(band_cost, best_cost) + _TYPE_BYPASS_BITS


@kernel
def propose(params, statistics, lambdas, proposals, costs, bands):
    """Fill `proposals` and `costs` for every block; arrays as in `SaoSearch`, params (1,) PARAMS, lambdas (3,)."""
    largest_y = (1 << (min(np.int64(params[0].bit_depth_y), 10) - 5)) - 1
    largest_c = (1 << (min(np.int64(params[0].bit_depth_c), 10) - 5)) - 1
    for ctb in range(statistics.shape[0]):
        costs[ctb, 0] = _propose_group(statistics[ctb], proposals[ctb], 0, 1, largest_y, lambdas, bands)
        if params[0].chroma_format_idc != 0:
            costs[ctb, 1] = _propose_group(statistics[ctb], proposals[ctb], 1, 3, largest_c, lambdas, bands)


@kernel
def distortion_change(rows, parameters, c_idx):
    """Change of the squared error when `parameters` (a CTB record) are applied to a block with these statistics."""
    if parameters.sao_type[c_idx] == SAO_NOT_APPLIED:
        return 0
    is_band = parameters.sao_type[c_idx] == SAO_BAND
    change = 0
    for k in range(N_OFFSETS):
        if is_band:
            index = FIRST_BAND_ROW + ((np.int64(parameters.sao_band_position[c_idx]) + k) & 31)
        else:
            index = N_OFFSETS * np.int64(parameters.sao_eo_class[c_idx]) + k
        offset = np.int64(parameters.sao_offset[c_idx, k])
        change += offset * (offset * rows[index, 0] - 2 * rows[index, 1])
    return change


@kernel
def _rate(state, bin_value):
    """Bits of one context coded bin."""
    return ENTROPY_BITS[np.int64(state) ^ bin_value] / ONE_BIT


@kernel
def _copy_parameters(source, target, first, last):
    for c_idx in range(first, last):
        target.sao_type[c_idx] = source.sao_type[c_idx]
        target.sao_eo_class[c_idx] = source.sao_eo_class[c_idx]
        target.sao_band_position[c_idx] = source.sao_band_position[c_idx]
        for k in range(N_OFFSETS):
            target.sao_offset[c_idx, k] = source.sao_offset[c_idx, k]


@kernel
def _switch_off(target):
    for c_idx in range(3):
        target.sao_type[c_idx] = SAO_NOT_APPLIED
        target.sao_eo_class[c_idx] = 0
        target.sao_band_position[c_idx] = 0
        for k in range(N_OFFSETS):
            target.sao_offset[c_idx, k] = 0


@kernel
def _merge_cost(frame, statistics, ctb, candidate, lambdas):
    """Squared error / lambda when block `ctb` takes over the parameters of block `candidate`."""
    cost = 0.0
    for c_idx in range(3):
        cost += distortion_change(statistics[ctb, c_idx], frame.ctbs[candidate], c_idx) / lambdas[c_idx]
    return cost


@kernel
def _may_merge(frame, ctb, candidate):
    """(7.3.8.3) leftCtbInSliceSeg, upCtbInSliceSeg and their tile conditions; `candidate` is inside the picture."""
    here, there = frame.ctbs[ctb], frame.ctbs[candidate]
    return here.slice_addr == there.slice_addr and here.tile_id == there.tile_id


@kernel
def _decide_ctb(frame, statistics, proposals, costs, ctb, lambdas, states, sao_merge):
    """Choose among merge left, merge up, new and off for one block; writes the CTB record, returns the cost in bits.

    states: (2,) contexts of sao_merge_*_flag and sao_type_idx, moved on by the bins of the choice.
    """
    width = np.int64(frame.params[0].width_in_ctbs)
    record, proposal = frame.ctbs[ctb], proposals[ctb]
    here = frame.slices[record.slice_idx]
    _switch_off(record)
    sao_merge[ctb] = MERGE_NONE
    if here.slice_sao_luma == 0 and here.slice_sao_chroma == 0:
        return 0.0

    best_cost, best_merge = np.inf, MERGE_NONE
    merge_state, skipped = states[MERGE_CONTEXT], 0.0
    has_left = ctb % width > 0 and _may_merge(frame, ctb, ctb - 1)
    has_up = ctb >= width and _may_merge(frame, ctb, ctb - width)
    if has_left:
        best_cost = _merge_cost(frame, statistics, ctb, ctb - 1, lambdas) + _rate(merge_state, 1)
        best_merge = MERGE_LEFT
        skipped += _rate(merge_state, 0)
        merge_state = NEXT_STATE[0, merge_state]
    if has_up:
        cost = _merge_cost(frame, statistics, ctb, ctb - width, lambdas) + skipped + _rate(merge_state, 1)
        if cost < best_cost:
            best_cost, best_merge = cost, MERGE_UP
        skipped += _rate(merge_state, 0)
        merge_state = NEXT_STATE[0, merge_state]

    new_cost, type_state = skipped, states[TYPE_CONTEXT]
    use_luma, use_chroma = 0, 0
    if here.slice_sao_luma:
        cost_on, cost_off = costs[ctb, 0] + _rate(type_state, 1), _rate(type_state, 0)
        use_luma = 1 if cost_on < cost_off else 0
        new_cost += min(cost_on, cost_off)
        type_state = NEXT_STATE[use_luma, type_state]
    if here.slice_sao_chroma:
        cost_on, cost_off = costs[ctb, 1] + _rate(type_state, 1), _rate(type_state, 0)
        use_chroma = 1 if cost_on < cost_off else 0
        new_cost += min(cost_on, cost_off)
        type_state = NEXT_STATE[use_chroma, type_state]

    if new_cost <= best_cost:
        states[MERGE_CONTEXT], states[TYPE_CONTEXT] = merge_state, type_state
        if use_luma:
            _copy_parameters(proposal, record, 0, 1)
        if use_chroma:
            _copy_parameters(proposal, record, 1, 3)
        return new_cost
    sao_merge[ctb] = best_merge
    merge_state = states[MERGE_CONTEXT]
    if best_merge == MERGE_UP and has_left:
        merge_state = NEXT_STATE[0, merge_state]
    states[MERGE_CONTEXT] = NEXT_STATE[1, merge_state]
    candidate = ctb - 1 if best_merge == MERGE_LEFT else ctb - width
    _copy_parameters(frame.ctbs[candidate], record, 0, 3)
    return best_cost


@kernel
def decide_rows(frame, search, contexts, lambdas, sao_merge, row_begin, row_end):
    """(7.3.8.3) Decide the blocks of the CTB rows row_begin <= row < row_end, those above being decided.

    contexts     (n slices, 2) uint8 states at the start of each slice segment's slice
    sao_merge    (n,) int8 out: MERGE_NONE, MERGE_LEFT or MERGE_UP
    -> their cost in bits
    """
    cost, width = 0.0, np.int64(frame.params[0].width_in_ctbs)
    for ctb in range(np.int64(row_begin) * width, np.int64(row_end) * width):
        record = frame.ctbs[ctb]
        # inside a tile, raster order is coding order
        tile = np.int64(record.tile_id)
        if record.slice_addr != search.slice_addr[tile]:
            search.slice_addr[tile] = record.slice_addr
            for k in range(2):
                search.states[tile, k] = contexts[record.slice_idx, k]
        cost += _decide_ctb(
            frame, search.statistics, search.proposals, search.costs, ctb, lambdas, search.states[tile], sao_merge
        )
    return cost


def start_contexts(slices):
    """(n, 2) uint8: the contexts of sao_merge_*_flag and sao_type_idx at the start of each slice."""
    states = np.zeros((len(slices), 2), np.uint8)
    for state, record in zip(states, slices, strict=True):
        initial = initial_contexts(int(record["slice_type"]), int(record["cabac_init_flag"]), int(record["slice_qp_y"]))
        state[:] = initial[SAO_MERGE_FLAG], initial[SAO_TYPE_IDX]
    return states


class SaoDecision:
    """The SAO parameters of one picture after another, row of CTUs behind row.

    search  SaoSearch
    merge   (n,) int8, for the syntax: MERGE_NONE, MERGE_LEFT (1) or MERGE_UP (2)
    """

    def __init__(self, params):
        """`params`: one PARAMS record."""
        self.search = make_sao_search(params)
        self.merge = np.zeros(len(self.search.proposals), np.int8)

    def begin(self, frame, lambdas, contexts):
        """All slices of a picture are known; SAO is on in all of them.

        lambdas    (3,) float64 > 0: squared error, in the planes' own sample steps, that one bit of each component is
                   worth
        contexts   from start_contexts
        """
        self.search.slice_addr[:] = -1
        frame.slices["slice_sao_luma"] = 1
        frame.slices["slice_sao_chroma"] = frame.params[0]["chroma_format_idc"] != 0
        self._lambdas, self._contexts = lambdas, contexts

    def decide(self, frame, original, row_begin, row_end):
        """Parameters of rows of CTUs into frame.ctbs; returns their cost in bits against blocks without any.

        frame      its planes are deblocked as far as the samples around these rows
        original   (luma, cb, cr) int16 planes
        """
        search, width = self.search, int(frame.params[0]["width_in_ctbs"])
        blocks = slice(row_begin * width, row_end * width)
        statistics, proposals, costs = search.statistics[blocks], search.proposals[blocks], search.costs[blocks]
        gather_statistics(frame, *original, search.statistics, row_begin, row_end)
        propose(frame.params, statistics, self._lambdas, proposals, costs, search.bands)
        return decide_rows(frame, search, self._contexts, self._lambdas, self.merge, row_begin, row_end)

    def end(self, frame):
        """All rows are decided: what the syntax says of it."""
        used = frame.ctbs["sao_type"] != SAO_NOT_APPLIED
        for i, record in enumerate(frame.slices):
            here = frame.ctbs["slice_idx"] == i
            record["slice_sao_luma"], record["slice_sao_chroma"] = used[here, 0].any(), used[here, 1].any()
            if not used[here].any():
                self.merge[here] = MERGE_NONE
        frame.ctbs["sao_merge"] = self.merge
