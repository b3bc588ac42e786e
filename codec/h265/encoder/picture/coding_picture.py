"""The picture being coded: its frame, its slices, and what they refer to."""

import numpy as np

from codec.h265.encoder.picture.reference_pictures import list_pocs
from codec.h265.encoder.picture.weight_estimation import NO_WEIGHTS, estimate_weights
from codec.h265.encoder.plan.slice_header import new_slice
from codec.h265.encoder.rate.adaptive_qp import fill_qp_map, qp_map_shape
from codec.h265.filters.deblock_edges import intra_ref_poc
from codec.h265.recon.temporal_motion import compress_motion
from codec.h265.structs import CTB, CTU_COEFFS, MOTION, PREDICTION_UNIT, REFERENCE, SLICE, UNIT, Frame
from codec.h265.syntax.references import MAX_REF_IDX


class CodingPicture:
    """One picture after another in the same memory.

    frame       structs.Frame; slices are added as they begin
    coeffs      (n CTUs, CTU_COEFFS) int16 by raster address
    qp_map      Search.qp_map
    source      [Y, Cb, Cr] int16, coded size
    plan        PlannedPicture
    references  PictureReferences
    headers     SliceHeader of each slice
    tools       AppliedTools
    sizes       CtuSizes, or None where all CTUs are of one size;  half_source: the source at half size, then
    """

    def __init__(self, sequence, tools):
        self._q, self.tools = sequence, tools
        params, layout = sequence.params[0], sequence.layout
        no_plane = np.zeros((0, 0), np.int16)
        ctbs = np.zeros(len(layout.tile_id), CTB)
        ctbs["tile_id"], ctbs["addr_ts"] = layout.tile_id, layout.ctb_addr_rs_to_ts
        self.frame = Frame(
            params=sequence.params,
            slices=np.zeros(0, SLICE),
            units=np.zeros((int(params["height_in_units"]), int(params["width_in_units"])), UNIT),
            ctbs=ctbs,
            motion=np.zeros((0, 0), MOTION),
            scaling=sequence.scaling,
            luma=no_plane,
            cb=no_plane,
            cr=no_plane,
        )
        self.coeffs = np.zeros((len(ctbs), CTU_COEFFS), np.int16)
        self.qp_map = np.zeros(qp_map_shape(sequence.config), np.int8)
        self.source, self.plan, self.references, self.headers = [], None, None, []
        self._lists = np.zeros((0, 2, MAX_REF_IDX), REFERENCE)
        self._weights = NO_WEIGHTS
        self._planes = None
        self.sizes, self.half_source = tools.new_ctu_sizes(), None

    def begin(self, plan, source, references, apart):
        """Room for the picture, with nothing coded in it.

        references  its PictureReferences; decoded, where weights are estimated
        apart       the frame's samples are not those that later pictures refer to: filters make those elsewhere
        """
        luma, cb, cr = planes = references.store.planes(references.slot)
        if apart:
            self._planes = self._planes or tuple(np.empty_like(plane) for plane in planes)
            luma, cb, cr = self._planes
        frame = self.frame._replace(slices=np.zeros(0, SLICE), luma=luma, cb=cb, cr=cr)
        if plan.slice_type != "I" and not frame.motion.size:
            shape = frame.units.shape
            frame = frame._replace(motion=np.zeros(shape, MOTION), prediction_units=np.zeros(shape, PREDICTION_UNIT))
        frame.ctbs["slice_addr"] = -1
        for name in ("sao_type", "sao_merge", "sao_offset", "tool_flags"):
            frame.ctbs[name] = 0
        self.frame, self.plan, self.source, self.references, self.headers = frame, plan, source, references, []
        fill_qp_map(self.qp_map, self._q.config, source[0], plan.qp)
        self._lists = self._lists[:0]
        self._weights = self._estimate_weights()
        if self.sizes:
            self.sizes.begin(frame)
            self.half_source = self.sizes.halved(source)

    def _estimate_weights(self):
        """The PictureWeights of the picture, empty where its type has none."""
        pps = self._q.pps
        if not {"I": 0, "P": pps.weighted_pred_flag, "B": pps.weighted_bipred_flag}[self.plan.slice_type]:
            return NO_WEIGHTS
        config, references = self._q.config, self.references
        count = 3 if config.chroma_format_idc else 1
        current = references.rps.st_curr_before + references.rps.st_curr_after
        decoded = {poc: references.store.planes(picture.slot)[:count] for poc, picture in current}
        return estimate_weights(self.source[:count], decoded, self.plan.poc, config.InternalBitDepth)

    @property
    def is_inter(self):
        """Whether its slices may refer to other pictures."""
        return self.plan.slice_type != "I"

    @property
    def is_weighted(self):
        """Whether it gives weights to reference pictures."""
        return bool(self._weights)

    @property
    def refs(self):
        """structs.References of the slices so far."""
        return self.references.store.references(self._lists)._replace(**self.tools.references)

    @property
    def list_pocs(self):
        """POCs of lists 0 and 1 of the last slice."""
        return list_pocs(self._lists)

    def begin_slice(self, addr):
        """Append a slice that begins at raster address `addr` to the frame."""
        header, record, lists = new_slice(self._q, self.plan, self.references, addr, self._weights)
        self.frame = self.frame._replace(slices=np.concatenate([self.frame.slices, record]))
        self._lists = np.concatenate([self._lists, lists])
        if self.sizes:
            self.sizes.begin(self.frame)
        self.headers.append(header)

    def put_in_slice(self, addr):
        """CTU `addr` belongs to the last slice."""
        ctb = self.frame.ctbs[addr]
        ctb["slice_addr"], ctb["slice_idx"] = self.headers[-1].slice_addr, len(self.headers) - 1

    def keep_motion(self, row_begin, row_end):
        """(8.5.3.2.8) Keep the motion of rows of CTUs for later pictures."""
        if self.is_inter and self._q.sps.sps_temporal_mvp_enabled_flag:
            references, blocks = self.references, (1 << int(self._q.params[0]["log2_ctb_size"])) // 16
            kept = references.store.col_motion(references.slot)
            compress_motion(self.frame, self._lists, kept, row_begin * blocks, row_end * blocks)

    @property
    def picture_ids(self):
        """ids of the pictures in its slices' lists, for deblocking."""
        return np.ascontiguousarray(self._lists["slot"]) if self.is_inter else intra_ref_poc()

    def reference_pocs(self):
        """(n, 2, 16) POCs by slice, list and index; None for an I picture."""
        return self._lists["poc"] if self.is_inter else None
