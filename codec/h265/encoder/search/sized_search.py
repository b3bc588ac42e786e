"""(docs/BITSTREAM.md, 9) CTUs of two sizes: each coded at full and at half size, and the better one kept."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from codec.base.kernels.jit import settled
from codec.h265.cabac.contexts import CTU_TOOL_FLAG
from codec.h265.cabac.engine import get_contexts, new_estimator, set_contexts
from codec.h265.cabac.tables import ENTROPY_BITS, NEXT_STATE, ONE_BIT
from codec.h265.encoder.search.ctu_search import CtuSearch
from codec.h265.encoder.search.inter.motion_search import NO_BOTTOM
from codec.h265.encoder.search.search_cu import search_ctu
from codec.h265.encoder.search.search_settings import set_lambda
from codec.h265.structs import CTU_COEFFS
from codec.h265.syntax.coding_tree import coding_tree_unit
from codec.h265.tools.intra_sr.tool import ALL

# deblocking, and scaling up with all neighbours known, still take something off the error of CTUs at half size
_EXPECTED_ERROR = 0.97

_search = settled(search_ctu)
_count = settled(coding_tree_unit)


class SizedCtuSearch(CtuSearch):
    """A CtuSearch for pictures that have CtuSizes, with another one for CTUs at half size.

    Costs are compared at full size: squared error of samples that are scaled up, and lambda times the bits.
    """

    def __init__(self, planes, qp_map, reference_planes):
        super().__init__(planes, qp_map, reference_planes)
        self._reference_planes = reference_planes
        self._half = None
        self._counter = new_estimator()
        self._half_coeffs = np.zeros(CTU_COEFFS, np.int16)

    def begin_picture(self, picture, config, bottom=NO_BOTTOM):
        super().begin_picture(picture, config, bottom)
        if self._half is None:
            self._half = CtuSearch(picture.half_source, np.zeros_like(picture.qp_map), self._reference_planes)
        self._picture, self._config = picture, config
        half = SimpleNamespace(
            source=picture.half_source,
            qp_map=self._half_qps(picture.qp_map).astype(np.int8),
            plan=self._half_plan(picture.plan, picture.plan.qp, picture.plan.lam),
            tools=picture.tools,
            is_weighted=False,
        )
        self._half.begin_picture(half, config)

    def set_rate(self, config, plan, qp, lam):
        super().set_rate(config, plan, qp, lam)
        half = self._half_plan(plan, qp, lam)
        set_lambda(self._half.search, config, half, half.qp, half.lam)
        self._half.search.qp_map[:] = self._half_qps(self._picture.qp_map)

    def _half_qps(self, qps):
        """QpY at half size."""
        return self._picture.sizes.shifted_qp(qps)

    def _half_plan(self, plan, qp, lam):
        """The PlannedPicture at half size. Of a bit's worth it has a quarter where the offset is -6."""
        sizes, config = self._picture.sizes, self._config
        return replace(
            plan,
            qp=int(self._half_qps(qp)),
            lam=lam * 2.0 ** (sizes.qp_offset / 3),
            cb_qp_offset=plan.cb_qp_offset + sizes.chroma_shift(plan.qp, config.CbQpOffset + plan.cb_qp_offset),
            cr_qp_offset=plan.cr_qp_offset + sizes.chroma_shift(plan.qp, config.CrQpOffset + plan.cr_qp_offset),
        )

    def decide(self, picture, frame, refs, addr):
        if not picture.sizes.are_in(frame.slices[frame.ctbs[addr]["slice_idx"]]):
            super().decide(picture, frame, refs, addr)
            return
        contexts, walk = get_contexts(self.estimator), self.walk.copy()
        whole_cost = np.inf
        if self._config.IntraSrCtus != ALL:
            whole_cost = self._search_whole(picture, frame, refs, addr)
        half_cost = self._search_half(picture, frame, refs, addr, contexts, walk)
        flag = CTU_TOOL_FLAG + picture.sizes.flag_context(frame, self._half.walk[0], addr)
        bits = ENTROPY_BITS[contexts[flag]] / ONE_BIT, ENTROPY_BITS[contexts[flag] ^ 1] / ONE_BIT
        lam = float(self.search.work[0]["settings"]["lambda_mode"])
        is_half = half_cost + lam * bits[1] < whole_cost + lam * bits[0]
        picture.sizes.mark(frame, addr, is_half)
        if is_half:
            picture.coeffs[addr] = self._half_coeffs
            set_contexts(self.estimator, get_contexts(self._half.estimator))
            self.walk[:] = self._half.walk
        self.estimator.state["contexts"][0, flag] = NEXT_STATE[int(is_half), contexts[flag]]
        picture.sizes.leave(frame, self.walk[0], addr)

    def _search_whole(self, picture, frame, refs, addr):
        """The CTU at full size, in place. -> J without its flag"""
        walk = self.walk[0]
        picture.sizes.mark(frame, addr, False)
        coded_in = self._enter(picture.sizes, frame, walk, addr)
        return _search(coded_in, refs, self.search, self.walk, picture.coeffs[addr])

    def _search_half(self, picture, frame, refs, addr, contexts, walk):
        """The CTU at half size, in place; contexts, walk: those in front of it. -> J without its flag"""
        half, sizes = self._half, picture.sizes
        sizes.mark(frame, addr, True)
        set_contexts(half.estimator, contexts)
        half.walk[:] = walk
        coded_in = self._enter(sizes, frame, half.walk[0], addr)
        _search(coded_in, refs, half.search, half.walk, self._half_coeffs)
        sizes.grow_samples(addr)
        settings = self.search.work[0]["settings"]
        bits = self._count_bits(picture, frame, addr, contexts, walk, self._half_coeffs)
        expected = _EXPECTED_ERROR * self._error(picture, frame, addr, settings)
        return expected + float(settings["lambda_mode"]) * bits

    @staticmethod
    def _enter(sizes, frame, walk, addr):
        walk["ctb_addr"], walk["slice_idx"] = addr, frame.ctbs[addr]["slice_idx"]
        coded_in = sizes.enter(frame, walk, addr)
        walk["qp_y"] = walk["last_qp_y"]
        return coded_in

    @staticmethod
    def _error(picture, frame, addr, settings):
        """Weighted squared error of the frame's samples of a CTU at half size, luma as a net may leave it."""
        row, column = divmod(addr, int(frame.params[0]["width_in_ctbs"]))
        weights = 1.0, float(settings["weight_cb"]), float(settings["weight_cr"])
        total = 0.0
        for c_idx, (plane, source) in enumerate(zip((frame.luma, frame.cb, frame.cr), picture.source, strict=True)):
            size = (1 << int(frame.params[0]["log2_ctb_size"])) >> int(c_idx > 0)
            here = slice(row * size, (row + 1) * size), slice(column * size, (column + 1) * size)
            made = plane[here] if c_idx else picture.sizes.expected_luma(frame, addr)
            difference = made.astype(np.int32) - source[here]
            total += weights[c_idx] * int((difference * difference).sum())
        return total

    def decide_and_count(self, picture, frame, refs, addr):
        contexts, walk = get_contexts(self.estimator), self.walk.copy()
        self.decide(picture, frame, refs, addr)
        return self._count_bits(picture, frame, addr, contexts, walk, picture.coeffs[addr])

    def _count_bits(self, picture, frame, addr, contexts, walk, coeffs):
        """Bits of a decided CTU's quadtree; contexts, walk: those in front of it."""
        walk = walk.copy()
        if picture.sizes.are_in(frame.slices[frame.ctbs[addr]["slice_idx"]]):
            coded_in = self._enter(picture.sizes, frame, walk[0], addr)
        else:
            coded_in, walk["qp_y"], walk["ctb_addr"] = frame, walk["last_qp_y"], addr
        walk["end_of_slice_segment"] = 0
        set_contexts(self._counter, contexts)
        self._counter.state[0]["bits"] = 0
        _count(self._counter, coded_in, walk, coeffs)
        return float(self._counter.state[0]["bits"]) / ONE_BIT

    def reconstruct(self, picture, frame, refs, addr):
        if picture.sizes.are_in(frame.slices[frame.ctbs[addr]["slice_idx"]]):
            picture.sizes.reconstruct(frame, addr, picture.coeffs[addr], self._scratch)
        else:
            super().reconstruct(picture, frame, refs, addr)
