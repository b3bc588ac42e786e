"""One intra picture: search, reconstruct, filter, write."""

import time
from typing import NamedTuple

import numpy as np

from codec.bitstream.nal import CRA_NUT, IDR_W_RADL, SUFFIX_SEI_NUT, TRAIL_R, nal_unit
from codec.cabac.contexts import SAO_MERGE_FLAG, SAO_TYPE_IDX, initial_contexts
from codec.cabac.engine import get_contexts, new_estimator, set_contexts
from codec.cabac.tables import ONE_BIT
from codec.config import SLICES_BY_BYTES
from codec.encoder.adaptive_qp import fill_qp_map, qp_map_shape
from codec.encoder.decide_sao import decide_sao, make_sao_search
from codec.encoder.lagrange import set_multipliers
from codec.encoder.reference_planes import POSITIONS
from codec.encoder.search_cu import search_ctu
from codec.encoder.search_state import new_search
from codec.encoder.slice_writer import SliceWriter
from codec.encoder.slices import SlicePlan
from codec.filters.deblock_edges import intra_ref_poc
from codec.filters.pipeline import SAMPLE_ADAPTIVE_OFFSET, apply_filters, make_workspace
from codec.frame_store import FrameStore
from codec.metrics import hash_text, mse, picture_hash, psnr
from codec.picture import PictureReport, crop_picture, pad_picture
from codec.recon.reconstruct import new_scratch, reconstruct_ctu
from codec.structs import CTB, CTU_COEFFS, MOTION, SLICE, SLICE_I, UNIT, Frame
from codec.syntax.coding_tree import coding_tree_unit
from codec.syntax.params import ctb_layout, make_params, make_slice, scaling_factors
from codec.syntax.references import no_references
from codec.syntax.sei import DecodedPictureHash, SeiRbsp, decoded_picture_hash_message, sei_rbsp
from codec.syntax.serdes import write_rbsp
from codec.syntax.slice_header import SliceHeader
from codec.syntax.sub_streams import ContextStorage, SubStreams
from codec.syntax.walk import new_walk

_REFRESH_TYPES = {0: TRAIL_R, 1: CRA_NUT, 2: IDR_W_RADL}


class Sequence(NamedTuple):
    """What all pictures of a sequence share."""

    config: object
    vps: object
    sps: object
    pps: object
    params: np.ndarray
    scaling: np.ndarray
    layout: object
    sub_streams: SubStreams


def make_sequence(config, vps, sps, pps):
    """The Sequence of a validated EncoderConfig and its parameter sets."""
    layout = ctb_layout(sps, pps)
    streams = SubStreams(layout, sps.pic_width_in_ctbs_y, pps.entropy_coding_sync_enabled_flag)
    return Sequence(config, vps, sps, pps, make_params(sps, pps), scaling_factors(sps, pps), layout, streams)


class CodedPicture(NamedTuple):
    """An encoded picture: its NAL units without parameter sets, the hash SEI apart, and its report but for the bits."""

    slices: list
    suffix: list
    report: PictureReport


class PictureEncoder:
    """Encodes one picture after another; holds the working memory of one thread."""

    def __init__(self, sequence):
        self._q = sequence
        config, layout = sequence.config, sequence.layout
        params = sequence.params[0]
        width, height = config.coded_size
        chroma = (height // 2, width // 2) if params["chroma_format_idc"] else (0, 0)
        ctbs = np.zeros(len(layout.tile_id), CTB)
        ctbs["tile_id"], ctbs["addr_ts"] = layout.tile_id, layout.ctb_addr_rs_to_ts
        self._frame = Frame(
            params=sequence.params,
            slices=np.zeros(0, SLICE),
            units=np.zeros((int(params["height_in_units"]), int(params["width_in_units"])), UNIT),
            ctbs=ctbs,
            motion=np.zeros((0, 0), MOTION),
            scaling=sequence.scaling,
            luma=np.zeros((height, width), np.int16),
            cb=np.zeros(chroma, np.int16),
            cr=np.zeros(chroma, np.int16),
        )
        self._coeffs = np.zeros((len(ctbs), CTU_COEFFS), np.int16)
        planes = np.zeros((0, POSITIONS, 0, 0), np.int16)
        self._search = new_search(
            self._frame.luma, self._frame.cb, self._frame.cr, np.zeros(qp_map_shape(config), np.int8), planes
        )
        self._references = FrameStore(params, 1).references(no_references())
        self._walk = new_walk()
        self._counter = new_estimator()
        self._scratch = new_scratch()
        self._workspace = make_workspace(params)
        self._sao_search = make_sao_search(params)
        self._sao_merge = np.zeros(len(ctbs), np.int8)
        self._writer = SliceWriter(sequence)

    def encode(self, planes, index):
        """Code the source planes (int16, conformance-cropped size) as picture `index`. -> CodedPicture"""
        started = time.perf_counter()
        config = self._q.config
        idr = index == 0 or config.DecodingRefreshType == 2
        nal_type = IDR_W_RADL if idr else _REFRESH_TYPES[config.DecodingRefreshType]
        poc = 0 if idr else index
        qp = config.picture_qp(index)

        padded = pad_picture(planes, *config.coded_size)
        if len(padded) == 1:
            padded += [self._frame.cb, self._frame.cr]
        headers = self._decide(padded, qp, poc)
        if config.SAO:
            decide = {SAMPLE_ADAPTIVE_OFFSET.name: lambda frame, workspace: self._decide_sao(padded)}
        else:
            decide = None
        apply_filters(self._frame, self._workspace, intra_ref_poc(), decide=decide)
        slices = self._writer.write(self._frame, headers, self._coeffs, nal_type)
        return self._report(slices, planes, index, poc, qp, started)

    def _new_slice(self, addr, poc, qp):
        """Append a slice that begins at raster address `addr` to the frame. -> its header"""
        config, pps = self._q.config, self._q.pps
        header = SliceHeader(
            first_slice_segment_in_pic_flag=int(addr == 0),
            slice_segment_address=addr,
            slice_addr=addr,
            slice_type=SLICE_I,
            slice_pic_order_cnt_lsb=poc & ((1 << self._q.sps.log2_max_pic_order_cnt_lsb) - 1),
            short_term_ref_pic_set_sps_flag=1,
            slice_sao_luma_flag=int(config.SAO),
            slice_sao_chroma_flag=int(config.SAO and self._q.config.chroma_format_idc > 0),
            slice_qp_delta=qp - 26 - pps.init_qp_minus26,
            deblocking_filter_override_flag=pps.deblocking_filter_override_enabled_flag,
            slice_deblocking_filter_disabled_flag=int(config.LoopFilterDisable),
            slice_beta_offset_div2=config.LoopFilterBetaOffset_div2,
            slice_tc_offset_div2=config.LoopFilterTcOffset_div2,
            slice_loop_filter_across_slices_enabled_flag=int(config.LFCrossSliceBoundaryFlag),
        )
        record = make_slice(self._q.sps, pps, header, poc)
        self._frame = self._frame._replace(slices=np.concatenate([self._frame.slices, record]))
        return header

    def _decide(self, source, qp, poc):
        """Search and reconstruct all CTUs in coding order. -> slice headers"""
        q, config = self._q, self._q.config
        frame = self._frame = self._frame._replace(slices=np.zeros(0, SLICE))
        frame.ctbs["slice_addr"] = -1
        for name in ("sao_type", "sao_merge", "sao_offset"):
            frame.ctbs[name] = 0
        search = self._search._replace(luma=source[0], cb=source[1], cr=source[2])
        work = search.work[0]
        set_multipliers(work, qp, config.CbQpOffset, config.CrQpOffset, config.InternalBitDepth)
        work["rdoq"], work["rdoq_transform_skip"] = config.RDOQ, config.RDOQTS
        work["transform_skip_fast"] = config.TransformSkipFast
        work["always_bypass"] = config.CUTransquantBypassFlagForce
        work["may_bypass"] = config.TransquantBypassEnable
        work["max_delta_qp"] = config.MaxDeltaQP
        work["qp_y"] = qp
        fill_qp_map(search.qp_map, config, source[0], qp)
        plan, storage, walk = SlicePlan(config, q.sub_streams), ContextStorage(q.sub_streams), self._walk[0]
        headers = []
        for addr_ts, addr in enumerate(q.layout.ctb_addr_ts_to_rs.tolist()):
            ctb = frame.ctbs[addr]
            begins = plan.begins_slice(addr_ts)
            if begins:
                headers.append(self._new_slice(addr, poc, qp))
                frame = self._frame
            walk["slice_idx"], walk["ctb_addr"] = len(headers) - 1, addr
            ctb["slice_addr"], ctb["slice_idx"] = headers[-1].slice_addr, len(headers) - 1
            storage.enter_ctu(search.estimator, walk, frame, addr, addr_ts, begins, False)
            bits = self._search_one(frame, search, addr, walk)
            if plan.overflows(addr_ts, bits):
                plan.restart(addr_ts)
                headers.append(self._new_slice(addr, poc, qp))
                frame = self._frame
                walk["slice_idx"] = len(headers) - 1
                ctb["slice_addr"], ctb["slice_idx"] = addr, len(headers) - 1
                storage.enter_ctu(search.estimator, walk, frame, addr, addr_ts, True, False)
                bits = self._search_one(frame, search, addr, walk)
            plan.add_ctu(bits)
            reconstruct_ctu(frame, addr, self._coeffs[addr], self._scratch)
            storage.leave_ctu(search.estimator, addr_ts)
        return headers

    def _search_one(self, frame, search, addr, walk):
        """Decide one CTU. -> estimated bits, counted only where slices are limited by bytes"""
        walk["qp_y"] = walk["last_qp_y"]
        before = get_contexts(search.estimator)
        start = self._walk.copy()
        search_ctu(frame, self._references, search, self._walk, self._coeffs[addr])
        if self._q.config.SliceMode != SLICES_BY_BYTES:
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

    def _report(self, slices, planes, index, poc, qp, started):
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
            suffix.append(nal_unit(SUFFIX_SEI_NUT, write_rbsp(sei_rbsp, SeiRbsp([message]))))
            text = hash_text(kind, digests)
        report = PictureReport(
            index=index,
            poc=poc,
            temporal_id=0,
            slice_type="I",
            is_reference=True,
            qp=qp,
            nqp=config.QP,
            bits=0,
            psnr=tuple(quality),
            mse=tuple(errors),
            seconds=time.perf_counter() - started,
            hash=text,
            recon=recon,
        )
        return CodedPicture(slices, suffix, report)
