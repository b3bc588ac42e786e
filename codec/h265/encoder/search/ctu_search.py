"""The memory of one thread that decides CTUs, and the one way in which every CTU is decided."""

import numpy as np

from codec.base.kernels.jit import settled
from codec.h265.cabac.engine import get_contexts, new_estimator, set_contexts
from codec.h265.cabac.tables import ONE_BIT
from codec.h265.encoder.search.inter.motion_search import NO_BOTTOM
from codec.h265.encoder.search.search_cu import search_ctu
from codec.h265.encoder.search.search_settings import set_lambda, set_up_search
from codec.h265.encoder.search.search_state import new_search
from codec.h265.recon.inter import new_inter_scratch, predict_inter_ctu
from codec.h265.recon.reconstruct import new_scratch, reconstruct_ctu
from codec.h265.syntax.coding_tree import coding_tree_unit
from codec.h265.syntax.walk import new_walk

_search = settled(search_ctu)
_predict_inter = settled(predict_inter_ctu)
_reconstruct = settled(reconstruct_ctu)
_count = settled(coding_tree_unit)


class CtuSearch:
    """Decides CTUs of a CodingPicture; one per thread.

    search  Search; walk: (1,) WALK, whose slice and CTU the caller sets
    """

    def __init__(self, planes, qp_map, reference_planes):
        """`planes`: (luma, cb, cr) of the coded size; the other arguments: see Search."""
        self.search = new_search(*planes, qp_map, [np.zeros_like(plane) for plane in planes], reference_planes)
        self.walk = new_walk()
        self._counter = new_estimator()
        self._scratch, self._inter_scratch = new_scratch(), new_inter_scratch()
        self._is_prepared = False

    @property
    def estimator(self):
        """The counting engine whose contexts the search goes by."""
        return self.search.estimator

    def begin_picture(self, picture, config, bottom=NO_BOTTOM):
        """Set the search up for a row, or all CTUs, of a CodingPicture. bottom: see MOTION_SEARCH"""
        if not self._is_prepared:
            # all pictures are of one sequence
            for scratch in (self._scratch, self.search.work["block"]["recon"]):
                picture.tools.prepare(scratch)
            self._is_prepared = True
        luma, cb, cr = picture.source
        self.search = self.search._replace(luma=luma, cb=cb, cr=cr, qp_map=picture.qp_map)
        set_up_search(self.search, config, picture.plan, picture.is_weighted)
        self.search.motion[0]["bottom"] = bottom
        # what is found must not depend on which thread searched what before
        self.search.work[0]["motion"]["whole_vectors"] = 0

    def set_rate(self, config, plan, qp, lam):
        """CTUs from here on have a QP and a lambda of their own in a PlannedPicture."""
        set_lambda(self.search, config, plan, qp, lam)

    def decide(self, picture, frame, refs, addr):
        """Search CTU `addr`: into the frame's block data and the picture's coefficients."""
        walk = self.walk[0]
        walk["ctb_addr"] = addr
        walk["slice_idx"] = frame.ctbs[addr]["slice_idx"]
        walk["qp_y"] = walk["last_qp_y"]
        _search(frame, refs, self.search, self.walk, picture.coeffs[addr])

    def decide_and_count(self, picture, frame, refs, addr):
        """As decide. -> estimated bits of the CTU"""
        before, start = get_contexts(self.estimator), self.walk.copy()
        start["qp_y"] = start["last_qp_y"]
        self.decide(picture, frame, refs, addr)
        after = self.walk.copy()
        self.walk[:] = start
        self.walk["ctb_addr"], self.walk["slice_idx"] = addr, frame.ctbs[addr]["slice_idx"]
        self.walk["end_of_slice_segment"] = 0
        set_contexts(self._counter, before)
        self._counter.state[0]["bits"] = 0
        _count(self._counter, frame, self.walk, picture.coeffs[addr])
        self.walk[:] = after
        return float(self._counter.state[0]["bits"]) / ONE_BIT

    def reconstruct(self, picture, frame, refs, addr):
        """The decided CTU's samples, the way a decoder makes them."""
        if picture.is_inter:
            _predict_inter(frame, refs, addr, 1, self._inter_scratch)
        _reconstruct(frame, addr, picture.coeffs[addr], self._scratch)
