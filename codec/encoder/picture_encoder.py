"""One picture: search, reconstruct, filter, write."""

import time
from typing import NamedTuple

import numpy as np

from codec.bitstream.nal import SUFFIX_SEI_NUT
from codec.block_statistics import picture_statistics
from codec.cabac.contexts import SAO_MERGE_FLAG, SAO_TYPE_IDX, initial_contexts
from codec.cabac.engine import get_contexts, new_estimator, set_contexts
from codec.cabac.tables import ONE_BIT
from codec.config import SLICES_BY_BYTES
from codec.encoder.adaptive_qp import fill_qp_map, qp_map_shape, shift_ctu_qp
from codec.encoder.decide_sao import decide_sao, make_sao_search
from codec.encoder.gop import PlannedPicture
from codec.encoder.parameter_sets import make_pps, make_sps, make_vps
from codec.encoder.reference_pictures import ReferencePictures, list_pocs
from codec.encoder.search_cu import search_ctu
from codec.encoder.search_settings import set_lambda, set_up_search
from codec.encoder.search_state import new_search
from codec.encoder.slice_header import new_slice
from codec.encoder.slice_writer import SliceWriter
from codec.encoder.slices import SlicePlan
from codec.encoder.structure import Structure, analyse
from codec.encoder.weight_estimation import NO_WEIGHTS, estimate_weights
from codec.filters.deblock_edges import intra_ref_poc
from codec.filters.pipeline import SAMPLE_ADAPTIVE_OFFSET, apply_filters, make_workspace
from codec.metrics import hash_text, mse, picture_hash, psnr
from codec.picture import PictureReport, crop_picture, pad_picture
from codec.recon.inter import new_inter_scratch, predict_inter_ctu
from codec.recon.reconstruct import new_scratch, reconstruct_ctu
from codec.recon.temporal_motion import compress_motion
from codec.structs import CTB, CTU_COEFFS, MOTION, REFERENCE, SLICE, UNIT, Frame
from codec.syntax.coding_tree import coding_tree_unit
from codec.syntax.params import ctb_layout, make_params, scaling_factors
from codec.syntax.references import MAX_REF_IDX
from codec.syntax.sei import DecodedPictureHash, decoded_picture_hash_message, sei_nal
from codec.syntax.sub_streams import ContextStorage, SubStreams
from codec.syntax.walk import new_walk


class Sequence(NamedTuple):
    """What all pictures of a sequence share."""

    config: object
    structure: Structure
    vps: object
    sps: object
    pps: object
    params: np.ndarray
    scaling: np.ndarray
    layout: object
    sub_streams: SubStreams


def make_sequence(config):
    """The Sequence of a validated EncoderConfig; UsageError when its GOP cannot be coded."""
    structure = analyse(config)
    vps, sps, pps = make_vps(config, structure), make_sps(config, structure), make_pps(config, structure)
    layout = ctb_layout(sps, pps)
    streams = SubStreams(layout, sps.pic_width_in_ctbs_y, pps.entropy_coding_sync_enabled_flag)
    return Sequence(config, structure, vps, sps, pps, make_params(sps, pps), scaling_factors(sps, pps), layout, streams)


class CodedPicture(NamedTuple):
    """An encoded picture: its NAL units without parameter sets, the hash SEI apart, and its report but for the bits."""

    plan: PlannedPicture
    slices: list
    suffix: list
    report: PictureReport


class PictureEncoder:
    """Encodes one picture after another; holds the working memory of one thread."""

    def __init__(self, sequence):
        self._q = sequence
        config, layout = sequence.config, sequence.layout
        params = sequence.params[0]
        self._references = ReferencePictures(params, sequence.structure.dpb_pictures, config.IntraPeriod != 1)
        luma, cb, cr = self._references.store.planes(0)
        ctbs = np.zeros(len(layout.tile_id), CTB)
        ctbs["tile_id"], ctbs["addr_ts"] = layout.tile_id, layout.ctb_addr_rs_to_ts
        self._frame = Frame(
            params=sequence.params,
            slices=np.zeros(0, SLICE),
            units=np.zeros((int(params["height_in_units"]), int(params["width_in_units"])), UNIT),
            ctbs=ctbs,
            motion=np.zeros((0, 0), MOTION),
            scaling=sequence.scaling,
            luma=luma,
            cb=cb,
            cr=cr,
        )
        self._lists = np.zeros((0, 2, MAX_REF_IDX), REFERENCE)
        self._weights = NO_WEIGHTS
        self._coeffs = np.zeros((len(ctbs), CTU_COEFFS), np.int16)
        self._search = new_search(luma, cb, cr, np.zeros(qp_map_shape(config), np.int8), self._references.planes)
        self._walk = new_walk()
        self._counter = new_estimator()
        self._scratch = new_scratch()
        self._inter_scratch = new_inter_scratch()
        self._workspace = make_workspace(params)
        self._sao_search = make_sao_search(params)
        self._sao_merge = np.zeros(len(ctbs), np.int8)
        self._writer = SliceWriter(sequence)

    def encode(self, planes, plan, ctu_rates=None):
        """Code the source planes (int16, conformance-cropped size) as a PlannedPicture says. -> CodedPicture

        ctu_rates: CtuRates that decide QP and lambda of each CTU, or None.
        Pictures that refer to others are coded by one encoder, in coding order.
        """
        started = time.perf_counter()
        config = self._q.config
        self._begin(plan)
        padded = pad_picture(planes, *config.coded_size)
        if len(padded) == 1:
            padded += [self._frame.cb, self._frame.cr]
        headers = self._decide(padded, plan, ctu_rates)
        if config.SAO:
            decide = {SAMPLE_ADAPTIVE_OFFSET.name: lambda frame, workspace: self._decide_sao(padded)}
        else:
            decide = None
        apply_filters(self._frame, self._workspace, self._finish_motion(plan), decide=decide)
        self._references.keep(plan, self._frame.luma)
        slices = self._writer.write(self._frame, headers, self._coeffs, plan)
        return self._report(slices, planes, plan, started)

    def _begin(self, plan):
        """Room for the picture, with nothing coded in it."""
        references = self._references
        references.begin(plan)
        luma, cb, cr = references.store.planes(references.slot)
        frame = self._frame._replace(slices=np.zeros(0, SLICE), luma=luma, cb=cb, cr=cr)
        if plan.slice_type != "I":
            motion, prediction_units = references.store.block_data()
            frame = frame._replace(motion=motion, prediction_units=prediction_units)
        frame.ctbs["slice_addr"] = -1
        for name in ("sao_type", "sao_merge", "sao_offset"):
            frame.ctbs[name] = 0
        self._frame = frame
        self._lists = self._lists[:0]

    def _finish_motion(self, plan):
        """(8.5.3.2.8) Keep the picture's motion for later ones. -> ids of the pictures in its lists, for deblocking"""
        if plan.slice_type == "I":
            return intra_ref_poc()
        if self._q.sps.sps_temporal_mvp_enabled_flag:
            references = self._references
            compress_motion(self._frame, self._lists, references.store.col_motion(references.slot))
        return np.ascontiguousarray(self._lists["slot"])

    def _new_slice(self, addr, plan):
        """Append a slice that begins at raster address `addr` to the frame. -> its header"""
        header, record, lists = new_slice(self._q, plan, self._references, addr, self._weights)
        self._frame = self._frame._replace(slices=np.concatenate([self._frame.slices, record]))
        self._lists = np.concatenate([self._lists, lists])
        return header

    def _decide(self, source, plan, ctu_rates):
        """Search and reconstruct all CTUs in coding order. -> slice headers"""
        q, config, frame = self._q, self._q.config, self._frame
        search = self._search._replace(luma=source[0], cb=source[1], cr=source[2])
        self._weights = self._estimate_weights(source, plan)
        set_up_search(search, config, plan, bool(self._weights))
        fill_qp_map(search.qp_map, config, source[0], plan.qp)
        slices, storage, walk = SlicePlan(config, q.sub_streams), ContextStorage(q.sub_streams), self._walk[0]
        headers = []
        for addr_ts, addr in enumerate(q.layout.ctb_addr_ts_to_rs.tolist()):
            ctb = frame.ctbs[addr]
            begins = slices.begins_slice(addr_ts)
            if begins:
                headers.append(self._new_slice(addr, plan))
                frame, refs = self._frame, self._references.store.references(self._lists)
            walk["slice_idx"], walk["ctb_addr"] = len(headers) - 1, addr
            ctb["slice_addr"], ctb["slice_idx"] = headers[-1].slice_addr, len(headers) - 1
            storage.enter_ctu(search.estimator, walk, frame, addr, addr_ts, begins, False)
            if ctu_rates:
                self._set_ctu_rate(search, plan, addr, *ctu_rates.before_ctu(addr))
            bits = self._search_one(frame, refs, search, addr, walk)
            if slices.overflows(addr_ts, bits):
                slices.restart(addr_ts)
                headers.append(self._new_slice(addr, plan))
                frame, refs = self._frame, self._references.store.references(self._lists)
                walk["slice_idx"] = len(headers) - 1
                ctb["slice_addr"], ctb["slice_idx"] = addr, len(headers) - 1
                storage.enter_ctu(search.estimator, walk, frame, addr, addr_ts, True, False)
                bits = self._search_one(frame, refs, search, addr, walk)
            slices.add_ctu(bits)
            if ctu_rates:
                ctu_rates.after_ctu(addr, bits)
            if plan.slice_type != "I":
                predict_inter_ctu(frame, refs, addr, self._inter_scratch)
            reconstruct_ctu(frame, addr, self._coeffs[addr], self._scratch)
            storage.leave_ctu(search.estimator, addr_ts)
        # SAO speaks for the whole picture
        set_lambda(search, config, plan, plan.qp, plan.lam)
        return headers

    def _estimate_weights(self, source, plan):
        """The PictureWeights of a picture, empty where its type has none."""
        pps = self._q.pps
        if not {"I": 0, "P": pps.weighted_pred_flag, "B": pps.weighted_bipred_flag}[plan.slice_type]:
            return NO_WEIGHTS
        config, references = self._q.config, self._references
        count = 3 if config.chroma_format_idc else 1
        current = references.rps.st_curr_before + references.rps.st_curr_after
        decoded = {poc: references.store.planes(picture.slot)[:count] for poc, picture in current}
        return estimate_weights(source[:count], decoded, plan.poc, config.InternalBitDepth)

    def _set_ctu_rate(self, search, plan, addr, qp, lam):
        """The CTU at raster address `addr` is searched at a QP and a lambda of its own."""
        config = self._q.config
        row, column = divmod(addr, config.size_in_ctbs[0])
        shift_ctu_qp(search.qp_map, column, row, qp - plan.qp, -6 * (config.InternalBitDepth - 8))
        set_lambda(search, config, plan, qp, lam)

    def _search_one(self, frame, refs, search, addr, walk):
        """Decide one CTU. -> estimated bits, counted only where slices or CTUs are held to them"""
        walk["qp_y"] = walk["last_qp_y"]
        before = get_contexts(search.estimator)
        start = self._walk.copy()
        search_ctu(frame, refs, search, self._walk, self._coeffs[addr])
        if self._q.config.SliceMode != SLICES_BY_BYTES and not self._q.config.controls_ctus:
            return 0.0
        after = self._walk.copy()
        self._walk[:] = start
        set_contexts(self._counter, before)
        self._counter.state[0]["bits"] = 0
        walk["end_of_slice_segment"] = 0
        coding_tree_unit(self._counter, frame, self._walk, self._coeffs[addr])
        self._walk[:] = after
        return float(self._counter.state[0]["bits"]) / ONE_BIT

    def _decide_sao(self, source):
        """Sample adaptive offset of the deblocked picture, into f.ctbs and f.slices."""
        frame = self._frame
        contexts = np.zeros((len(frame.slices), 2), np.uint8)
        for i, record in enumerate(frame.slices):
            initial = initial_contexts(int(record["slice_type"]), 0, int(record["slice_qp_y"]))
            contexts[i] = initial[SAO_MERGE_FLAG], initial[SAO_TYPE_IDX]
        lambdas = np.array(self._search.work[0]["lambda_rdoq"])
        decide_sao(frame, tuple(source), lambdas, contexts, self._sao_merge, self._sao_search)
        frame.ctbs["sao_merge"] = self._sao_merge

    def _statistics(self, plan):
        """What was chosen for each block; the picture must be written, which settles QpY."""
        pocs = None if plan.slice_type == "I" else self._lists["poc"]
        return picture_statistics(self._frame, pocs, self._q.sps.output_window)

    def _report(self, slices, planes, plan, started):
        config = self._q.config
        frame = self._frame
        coded = [frame.luma, frame.cb, frame.cr] if config.chroma_format_idc else [frame.luma]
        width, height = config.coded_size
        recon = crop_picture(coded, 0, width - config.SourceWidth, 0, height - config.SourceHeight)
        recon = [plane.copy() for plane in recon]
        errors = [mse(a, b) for a, b in zip(planes, recon, strict=True)] + [0.0] * (3 - len(planes))
        quality = [psnr(e, config.InternalBitDepth) for e in errors[: len(planes)]] + [0.0] * (3 - len(planes))
        suffix, text = [], ""
        kind = config.SEIDecodedPictureHash
        if kind:
            digests = picture_hash(coded, (config.InternalBitDepth,) * 2, kind)
            message = decoded_picture_hash_message(DecodedPictureHash(kind - 1, digests))
            suffix.append(sei_nal(SUFFIX_SEI_NUT, message, plan.temporal_id))
            text = hash_text(kind, digests)
        report = PictureReport(
            index=plan.index,
            poc=plan.poc,
            temporal_id=plan.temporal_id,
            slice_type=plan.slice_type,
            is_reference=plan.is_reference,
            qp=plan.qp,
            nqp=plan.qp,
            bits=0,
            psnr=tuple(quality),
            mse=tuple(errors),
            seconds=time.perf_counter() - started,
            refs=list_pocs(self._lists),
            hash=text,
            recon=recon,
            statistics=self._statistics(plan) if config.BlockStatistics else None,
        )
        return CodedPicture(plan, slices, suffix, report)
