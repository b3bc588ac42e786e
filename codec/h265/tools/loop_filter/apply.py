"""The CNN loop filter (docs/TOOLS.md): a net's corrections of a whole picture, added CTU by CTU.

One CnnLoopFilter serves one picture at a time.
"""

import numpy as np

from codec.base.kernels.jit import settled
from codec.common.tools import tool
from codec.common.tools.corrections import LOG2_FULL_WEIGHT, TILE, WEIGHTS
from codec.common.tools.filter_inputs import INPUTS, SAMPLE_FRACTION, Sides, net_inputs, spread_ctbs
from codec.common.tools.filter_nets import Place
from codec.h265.block_statistics import CNN_FILTER_BLOCK, ctb_rows
from codec.h265.filters.deblock_edges import derive_strengths
from codec.h265.filters.pipeline import DEBLOCKING, SAMPLE_ADAPTIVE_OFFSET, Stage, for_ctb_rows
from codec.h265.recon.reconstruct import new_scratch
from codec.h265.recon.residual_plane import residual_ctu
from codec.h265.tools.loop_filter.tool import CTU_FLAGS

STAGE = "cnn_loop_filter"
# corrections of luma; of Cb and Cr
PLACE = Place("loop filter", "CnnLoopFilter", "", INPUTS, {"y": (1, 0), "uv": (2, 1)}, SAMPLE_FRACTION)

_residual_ctu = settled(residual_ctu)


class Application(tool.Application):
    """The filter as a stage, behind SAO, before it, or with deblocking and SAO off."""

    changes_stages = True

    def __init__(self, record, surroundings):
        nets = surroundings.nets.get(record.nets, PLACE)
        shared = dict(pool=surroundings.pool, threads=surroundings.threads)
        self.filter = CnnLoopFilter(surroundings.params, nets, **shared)
        self.follows_ctus = self.filter.wants_residual
        self._ids, self._before_sao = record.nets, record.cnn_filter_before_sao_flag

    def begin_picture(self):
        self.filter.begin_picture()

    def reconstructed(self, frame, ctb_addr, coeffs):
        self.filter.collect_residual(frame, ctb_addr, coeffs)

    def stages(self, stages, slices):
        def keep(frame, workspace, ref_poc, pool):
            self.filter.keep_reconstructed(frame)

        def apply(frame, workspace, ref_poc, pool):
            if (frame.ctbs["tool_flags"] & CTU_FLAGS).any():
                self.filter.filter(frame, slices(), net_strengths(self.filter, frame, workspace, ref_poc, pool))

        behind = list(stages)
        behind.insert(stages.index(SAMPLE_ADAPTIVE_OFFSET) + (not self._before_sao), Stage(STAGE, apply))
        behind.insert(behind.index(DEBLOCKING), Stage("keep_reconstructed", keep))
        return tuple(behind)

    def statistics(self, frame, slices):
        rows = ctb_rows(CNN_FILTER_BLOCK, frame)
        rows["changed"] = frame.ctbs["tool_flags"][:, None] >> np.arange(3) & 1
        rows["net"] = np.array([record.slice_cnn_filter_net_idx for record in slices])[frame.ctbs["slice_idx"]]
        return {"cnn_filter": rows, "filter_nets": self._ids}


def net_strengths(loop_filter, frame, workspace, ref_poc, pool):
    """Boundary strengths for nets that ask for them, whether deblocking is on or not; else None."""
    if not loop_filter.wants_strengths:
        return None
    slices = frame.slices.copy()
    slices["deblocking_disabled"] = 0
    rows = int(frame.params[0]["height_in_ctbs"])
    for_ctb_rows(pool, rows, derive_strengths, frame._replace(slices=slices), ref_poc, workspace.strengths)
    return workspace.strengths


class CnnLoopFilter:
    """The nets of a sequence, and what they need to know of the present picture.

    wants_residual  collect_residual is called for every CTU;  wants_strengths: boundary strengths are given
    """

    def __init__(self, params, nets, tile=TILE, *, pool=None, threads=1):
        """params: one PARAMS record; nets: FilterNets, in the order of the SPS

        pool    executor with `threads` threads that compute tiles side by side (not the caller's own), or None
        """
        self.nets = nets
        self._tile, self._pool, self._threads = tile, pool, threads
        asked = frozenset().union(*(net.inputs for net in nets))
        self._wants_prediction = "pred_y" in asked
        self.wants_residual = self._wants_prediction or "res_y" in asked
        self.wants_strengths = "edges" in asked
        size = int(params["pic_height"]), int(params["pic_width"])
        self._residual = np.zeros(size if self.wants_residual else (0, 0), np.int16)
        self._scratch = new_scratch()
        self._reconstructed = None
        self._made = {}

    def begin_picture(self):
        """Forget the picture before."""
        self._residual[:] = 0
        self._made.clear()

    def collect_residual(self, frame, ctb_addr, coeffs):
        """Take the residual of a reconstructed CTU; only where `wants_residual`."""
        _residual_ctu(frame, ctb_addr, coeffs, self._scratch, self._residual)

    def keep_reconstructed(self, frame):
        """Before any in-loop filter: the prediction is what is left of these samples without the residual."""
        if self._wants_prediction:
            self._reconstructed = frame.luma.copy()

    def corrections(self, frame, index, strengths=None):
        """Corrections by net `index` of the picture as it is: a tuple of int16 planes Y (, Cb, Cr). Made only once.

        strengths  boundary strengths, where `wants_strengths`
        """
        if index not in self._made:
            from nets.run import run_picture

            chosen = self.nets[index]
            sides = Sides(self._residual, self._reconstructed, strengths)
            inputs = net_inputs(chosen.net.inputs, frame, sides)
            made = run_picture(chosen.runner, chosen.net, inputs, self._tile, self._pool, self._threads)
            planes = [made["y"][0, 0]]
            if chosen.has_chroma and frame.cb.size:
                planes += list(made["uv"][0])
            self._made[index] = tuple(planes)
        return self._made[index]

    def correction_of(self, part):
        """Correction of luma by the only net, which asks for samples alone, of a part of a picture; kept nowhere."""
        from nets.run import run_picture

        (chosen,) = self.nets
        made = run_picture(chosen.runner, chosen.net, net_inputs(chosen.net.inputs, part, Sides()))
        return made["y"][0, 0]

    def corrected(self, frame, index, c_idx, correction, weight):
        """The samples of a component with `correction` added, as a new int16 plane.

        correction  as from `corrections` of net `index`;  weight: 0..4 quarters, a number or a plane of them
        Lossless samples, and pcm samples that are not to be filtered, stay what they are.
        """
        p = frame.params[0]
        plane = (frame.luma, frame.cb, frame.cr)[c_idx]
        depth = int(p["bit_depth_c" if c_idx else "bit_depth_y"])
        fraction = self.nets[index].fractions["uv" if c_idx else "y"]
        shift = fraction - SAMPLE_FRACTION + LOG2_FULL_WEIGHT + 10 - depth
        change = (correction.astype(np.int32) * weight + (1 << (shift - 1))) >> shift
        made = np.clip(plane + change, 0, (1 << depth) - 1).astype(np.int16)
        kept = _untouchable(frame, c_idx)
        return made if kept is None else np.where(kept, plane, made)

    def filter(self, frame, slices, strengths=None):
        """Add the corrections that slices and CTUs ask for to the frame's planes. slices: Slices by slice_idx"""
        slice_idx, on = frame.ctbs["slice_idx"], frame.ctbs["tool_flags"]
        nets = np.array([record.slice_cnn_filter_net_idx for record in slices])[slice_idx]
        scales = np.array([record.scales for record in slices])[slice_idx]
        planes = (frame.luma, frame.cb, frame.cr)
        results = []
        for index in np.unique(nets[on & CTU_FLAGS != 0]).tolist():
            # all nets see the picture before any correction
            for c_idx, correction in enumerate(self.corrections(frame, index, strengths)):
                here = (on >> c_idx & 1).astype(bool) & (nets == index)
                if here.any():
                    weights = np.where(here, WEIGHTS[0] - scales[:, c_idx], 0)
                    weights = spread_ctbs(frame, weights, int(c_idx > 0))
                    results.append((c_idx, weights > 0, self.corrected(frame, index, c_idx, correction, weights)))
        for c_idx, changed, made in results:
            np.copyto(planes[c_idx], made, where=changed)


def _untouchable(frame, c_idx):
    """Where samples must stay as they are, as a plane of booleans; None when nowhere."""
    units = frame.units
    kept = units["bypass"] != 0
    if frame.params[0]["pcm_loop_filter_disabled"]:
        kept = kept | (units["pcm_flag"] != 0)
    if not kept.any():
        return None
    size = 2 if c_idx else 4
    plane = (frame.luma, frame.cb, frame.cr)[c_idx]
    return np.repeat(np.repeat(kept, size, axis=0), size, axis=1)[: plane.shape[0], : plane.shape[1]]
