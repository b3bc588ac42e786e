"""One picture: search, reconstruct, filter, write."""

import time
from typing import NamedTuple

import numpy as np

from codec.base.metrics import hash_text, mse, picture_hash, psnr
from codec.base.picture import PictureReport, crop_picture, original_planes, pad_picture
from codec.common.pipeline.crew import Crew
from codec.common.tools.filter_nets import LOOP_FILTER, MAX_NETS, OUTPUT_FILTER, choose_nets, load_nets
from codec.h265.block_statistics import picture_statistics
from codec.h265.config import CNN_AFTER, CNN_BEFORE
from codec.h265.encoder.picture.coding_picture import CodingPicture
from codec.h265.encoder.picture.decide_cnn_filter import decide_cnn_filter
from codec.h265.encoder.picture.decide_ctus import begin_slices, decide_by_rows, decide_in_order, may_search_rows
from codec.h265.encoder.picture.decide_output_filter import OutputChoice, decide_output_filter, source_rgb
from codec.h265.encoder.picture.decide_sao import SaoDecision, start_contexts
from codec.h265.encoder.picture.reach import Reach
from codec.h265.encoder.picture.reference_pictures import ReferencePictures
from codec.h265.encoder.picture.row_finisher import RowFinisher
from codec.h265.encoder.picture.slice_writer import SliceWriter, in_layer
from codec.h265.encoder.plan.gop import PlannedPicture
from codec.h265.encoder.plan.parameter_sets import make_pps, make_sps, make_vps
from codec.h265.encoder.plan.structure import Structure, analyse
from codec.h265.encoder.rate.adaptive_qp import qp_map_shape
from codec.h265.encoder.search.ctu_search import CtuSearch
from codec.h265.encoder.search.search_settings import picture_multipliers
from codec.h265.filters.cnn_stage import CNN_LOOP_FILTER, filter_stages, net_strengths
from codec.h265.filters.pipeline import SAMPLE_ADAPTIVE_OFFSET, STAGES, apply_filters, make_workspace
from codec.h265.nal import SUFFIX_SEI_NUT
from codec.h265.syntax.params import ctb_layout, make_params, scaling_factors
from codec.h265.syntax.sei import DecodedPictureHash, decoded_picture_hash_message, sei_nal
from codec.h265.syntax.sub_streams import SubStreams
from codec.h265.tools.cnn_loop_filter import CnnLoopFilter
from codec.h265.tools.cnn_output_filter import CnnOutputFilter, Output


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
    filter_nets: tuple  # FilterNets of the CNN loop filter
    output_nets: tuple  # the FilterNet of the CNN output filter, or none


def make_sequence(config):
    """The Sequence of a validated EncoderConfig. Raises UsageError for a GOP that cannot be coded, WeightsMissing."""
    structure = analyse(config)
    nets = _nets(config, LOOP_FILTER, config.CnnLoopFilter, config.CnnLoopFilterNets, MAX_NETS, _placement(config))
    output_nets = _nets(config, OUTPUT_FILTER, config.CnnOutputFilter, config.CnnOutputFilterNets, 1)
    sps = make_sps(config, structure, nets, output_nets)
    vps, pps = make_vps(config, structure), make_pps(config, structure)
    layout = ctb_layout(sps, pps)
    streams = SubStreams(layout, sps.pic_width_in_ctbs_y, pps.entropy_coding_sync_enabled_flag)
    params, scaling = make_params(sps, pps), scaling_factors(sps, pps)
    return Sequence(config, structure, vps, sps, pps, params, scaling, layout, streams, nets, output_nets)


def _placement(config):
    """What the CNN loop filter finds, in the words of recipes and manifests."""
    if config.CnnLoopFilterPlace == CNN_AFTER:
        return "filtered"
    return "reconstructed" if config.LoopFilterDisable else "deblocked"


def _nets(config, place, architecture, names, most, placement="filtered"):
    if architecture == "off":
        return ()
    ids = choose_nets(architecture, names, config.WeightsDir, place, most, placement)
    return load_nets(ids, config.WeightsDir, config.CnnBackend, config.CnnDevice, place.option, place)


class CodedPicture(NamedTuple):
    """An encoded picture: its NAL units without parameter sets, the hash SEI apart, and its report but for the bits."""

    plan: PlannedPicture
    slices: list
    suffix: list
    report: PictureReport


def new_crew(sequence, references, threads):
    """A Crew of CtuSearches for pictures of a ReferencePictures."""
    planes = references.store.planes(0)
    qp_map = np.zeros(qp_map_shape(sequence.config), np.int8)
    return Crew([CtuSearch(planes, qp_map, references.planes) for _ in range(threads)])


def new_references(sequence, in_flight=1):
    """The ReferencePictures of a sequence of which up to `in_flight` pictures are coded at a time."""
    config, structure = sequence.config, sequence.structure
    return ReferencePictures(sequence.params[0], structure.dpb_pictures, config.IntraPeriod != 1, in_flight)


class PictureEncoder:
    """Encodes one picture after another, with the help of a Crew."""

    # whether rows are filtered as soon as they can be, where nothing needs the whole picture
    _finishes_rows = True

    def __init__(self, sequence, crew):
        self._q = sequence
        config, params = sequence.config, sequence.params[0]
        self._crew = crew
        self._picture = CodingPicture(sequence)
        self._by_rows = may_search_rows(sequence)
        self._workspace = make_workspace(params)
        self._sao = SaoDecision(params) if config.SAO else None
        nets = sequence.filter_nets
        shared = dict(pool=crew.pool, threads=crew.threads)
        self._loop_filter = CnnLoopFilter(params, nets, **shared) if nets else None
        self._output_filter = None
        for net in sequence.output_nets:
            self._output_filter = CnnOutputFilter(net, sequence.sps.colour, **shared)
        self._stages = filter_stages(self._loop_filter, config.CnnLoopFilterPlace == CNN_BEFORE)
        self._writer = SliceWriter(sequence)
        self._finisher = None
        if self._by_rows and self._stages == STAGES and self._finishes_rows:
            self._finisher = RowFinisher(sequence, self._workspace, self._sao)
        self._reach = Reach(sequence, limited=self._finisher is not None)

    def encode(self, planes, plan, references, ctu_rates=None):
        """Code the source planes (int16, conformance-cropped size) as a PlannedPicture says. -> CodedPicture

        references  PictureReferences, begun in coding order; this waits for what it needs of them
        ctu_rates   CtuRates that decide QP and lambda of each CTU, or None
        """
        try:
            references.wait(self._reach.rows(0))
            started = time.perf_counter()
            self._decide(planes, plan, references, ctu_rates)
            if self._finisher:
                references.wait_for_itself()
            else:
                self._filter()
                references.keep(self._crew.pool)
        except BaseException as error:
            references.fail(error)
            raise
        picture = self._picture
        original = original_planes(planes)
        choice = self._choose_output(original)
        slices = self._writer.write(picture.frame, picture.headers, picture.coeffs, plan)
        return self._report(slices, original, choice, started)

    def _decide(self, planes, plan, references, ctu_rates):
        """Search and reconstruct all CTUs."""
        picture = self._picture
        padded = pad_picture(planes, *self._q.config.coded_size)
        if len(padded) == 1:
            padded += references.store.planes(references.slot)[1:]
        picture.begin(plan, padded, references, apart=self._finisher is not None)
        if self._by_rows:
            begin_slices(self._q, picture)
            if self._finisher:
                self._finisher.begin(picture, self._lambdas())
            tell = self._finisher.row_searched if self._finisher else lambda row: None
            decide_by_rows(self._q, picture, self._crew, self._reach, tell)
        else:
            decide_in_order(self._q, picture, self._crew, ctu_rates)

    def _filter(self):
        """The in-loop filters of the whole picture, decided and applied."""
        picture, loop_filter = self._picture, self._loop_filter
        picture.keep_motion(0, self._q.config.size_in_ctbs[1])
        ref_poc = picture.picture_ids
        decide = self._decisions()
        if loop_filter:
            loop_filter.begin_picture()
            for addr, coeffs in enumerate(picture.coeffs):
                loop_filter.collect_residual(picture.frame, addr, coeffs)
            decide[CNN_LOOP_FILTER] = lambda frame, workspace: self._decide_cnn_filter(ref_poc)
        apply_filters(picture.frame, self._workspace, ref_poc, stages=self._stages, decide=decide, pool=self._crew.pool)

    def _decisions(self):
        """{stage name: function(frame, workspace)}: what happens right before a filter, when its input is final.

        Training material is taken here: cli/train/record.py adds to it.
        """
        return {SAMPLE_ADAPTIVE_OFFSET.name: self._decide_sao} if self._sao else {}

    def _decide_cnn_filter(self, ref_poc):
        """The CNN loop filter of the picture at its place, into f.ctbs and f.slices."""
        picture, loop_filter = self._picture, self._loop_filter
        strengths = net_strengths(loop_filter, picture.frame, self._workspace, ref_poc, self._crew.pool)
        decide_cnn_filter(picture.frame, picture.source, self._lambdas(), loop_filter, strengths, self._q.sub_streams)

    def _choose_output(self, planes):
        """What a decoder will output of the source `planes`, by the output filter where it gains. -> OutputChoice"""
        config, picture = self._q.config, self._picture
        width, height = config.coded_size
        frame = picture.frame
        coded = [frame.luma, frame.cb, frame.cr] if config.chroma_format_idc else [frame.luma]
        recon = crop_picture(coded, 0, width - config.SourceWidth, 0, height - config.SourceHeight)
        recon = [plane.copy() for plane in recon]
        if not self._output_filter:
            return OutputChoice(None, (), Output(recon, None))
        depths = (config.InternalBitDepth,) * 2
        correction = self._output_filter.prepare(recon, depths, picture.plan.qp)
        choice = decide_output_filter(correction, source_rgb(planes, depths, self._q.sps.colour))
        for header in picture.headers:
            header.slice_cnn_output_filter_flag = int(choice.scale_idx is not None)
            header.slice_cnn_output_filter_scale_idx = choice.scale_idx or 0
        return choice

    def _lambdas(self):
        """(3,) squared error that a bit of each component is worth."""
        plan = self._picture.plan
        return np.array(picture_multipliers(self._q.config, plan, plan.qp, plan.lam).by_component)

    def _decide_sao(self, frame, workspace):
        """Sample adaptive offset of the deblocked picture, into f.ctbs and f.slices."""
        self._sao.begin(frame, self._lambdas(), start_contexts(frame.slices))
        self._sao.decide(frame, self._picture.source, 0, self._q.config.size_in_ctbs[1])
        self._sao.end(frame)

    def _statistics(self):
        """What was chosen for each block; the picture must be written, which settles QpY."""
        sps = self._q.sps
        nets = sps.tools.filter_nets if sps.tools else ()
        return picture_statistics(self._picture.frame, self._picture.reference_pocs(), sps.output_window, nets)

    def _cnn_filter_share(self):
        """Share of CTUs that the CNN loop filter changes, by component; () without it."""
        if not self._loop_filter:
            return ()
        on = self._picture.frame.ctbs["cnn_filter"]
        return tuple(float((on >> c_idx & 1).mean()) for c_idx in range(3))

    def _report(self, slices, planes, choice, started):
        config, plan = self._q.config, self._picture.plan
        frame, recon = self._picture.frame, choice.output.planes
        coded = [frame.luma, frame.cb, frame.cr] if config.chroma_format_idc else [frame.luma]
        errors = [mse(a, b) for a, b in zip(planes, recon, strict=True)] + [0.0] * (3 - len(planes))
        quality = [psnr(e, config.InternalBitDepth) for e in errors[: len(planes)]] + [0.0] * (3 - len(planes))
        suffix, text = [], ""
        kind = config.SEIDecodedPictureHash
        if kind:
            digests = picture_hash(coded, (config.InternalBitDepth,) * 2, kind)
            message = decoded_picture_hash_message(DecodedPictureHash(kind - 1, digests))
            suffix.append(in_layer(sei_nal(SUFFIX_SEI_NUT, message, plan.temporal_id), self._q.sps))
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
            refs=self._picture.list_pocs,
            hash=text,
            cnn_filter_share=self._cnn_filter_share(),
            output_filter=choice.figures,
            recon=recon,
            colour=self._q.sps.colour,
            rgb=choice.output.rgb,
            statistics=self._statistics() if config.BlockStatistics else None,
        )
        return CodedPicture(plan, slices, suffix, report)
