"""One picture: search, reconstruct, filter, write."""

import time
from typing import NamedTuple

import numpy as np

from codec.base.metrics import hash_text, mse, picture_hash, psnr
from codec.base.picture import Output, PictureReport, crop_picture, original_planes, pad_picture
from codec.common.pipeline.crew import Crew
from codec.common.tools.filter_nets import NetStore
from codec.common.tools.tool import Surroundings
from codec.h265.block_statistics import picture_statistics
from codec.h265.encoder.picture.coding_picture import CodingPicture
from codec.h265.encoder.picture.decide_ctus import begin_slices, decide_by_rows, decide_in_order, may_search_rows
from codec.h265.encoder.picture.decide_sao import SaoDecision, start_contexts
from codec.h265.encoder.picture.decide_tools import DecidedTools, sequence_records
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
from codec.h265.encoder.search.sized_search import SizedCtuSearch
from codec.h265.filters.pipeline import SAMPLE_ADAPTIVE_OFFSET, STAGES, apply_filters, make_workspace
from codec.h265.nal import SUFFIX_SEI_NUT
from codec.h265.syntax.params import ctb_layout, make_params, scaling_factors
from codec.h265.syntax.sei import DecodedPictureHash, decoded_picture_hash_message, sei_nal
from codec.h265.syntax.sub_streams import SubStreams
from codec.h265.tools.applied import AppliedTools
from codec.h265.tools.extension import has_ctu_sizes


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
    nets: NetStore  # of the tools beyond H.265


def make_sequence(config):
    """The Sequence of a validated EncoderConfig. Raises UsageError for a GOP that cannot be coded, WeightsMissing."""
    structure = analyse(config)
    nets = NetStore(config, "{}")
    sps = make_sps(config, structure, sequence_records(config, nets))
    vps, pps = make_vps(config, structure), make_pps(config, structure)
    layout = ctb_layout(sps, pps)
    streams = SubStreams(layout, sps.pic_width_in_ctbs_y, pps.entropy_coding_sync_enabled_flag)
    params, scaling = make_params(sps, pps), scaling_factors(sps, pps)
    return Sequence(config, structure, vps, sps, pps, params, scaling, layout, streams, nets)


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
    search = SizedCtuSearch if has_ctu_sizes(sequence.sps) else CtuSearch
    return Crew([search(planes, qp_map, references.planes) for _ in range(threads)])


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
        self._by_rows = may_search_rows(sequence)
        self._workspace = make_workspace(params)
        self._sao = SaoDecision(params) if config.SAO else None
        surroundings = Surroundings(sequence.sps, params, sequence.nets, crew.pool, crew.threads)
        self._tools = AppliedTools(surroundings)
        self._picture = CodingPicture(sequence, self._tools)
        self._decided = DecidedTools(sequence, self._tools)
        self._writer = SliceWriter(sequence)
        self._finisher = None
        if self._by_rows and not self._tools.changes_stages and self._finishes_rows:
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
        output = self._choose_output(original)
        slices = self._writer.write(picture.frame, picture.headers, picture.coeffs, plan, picture.sizes)
        return self._report(slices, original, output, started)

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
        picture, pool = self._picture, self._crew.pool
        picture.keep_motion(0, self._q.config.size_in_ctbs[1])
        self._tools.begin_picture()
        if self._tools.follows_ctus:
            for addr, coeffs in enumerate(picture.coeffs):
                self._tools.reconstructed(picture.frame, addr, coeffs)
        stages = self._tools.stages(STAGES, picture.headers, picture.sizes)
        decide = self._decisions()
        apply_filters(picture.frame, self._workspace, picture.picture_ids, stages=stages, decide=decide, pool=pool)

    def _decisions(self):
        """{stage name: function(frame, workspace)}: what happens right before a filter, when its input is final.

        Training material is taken here: cli/train/record.py adds to it.
        """
        of_tools = self._decided.before_stages(self._picture, self._lambdas(), self._workspace, self._crew.pool)
        return of_tools | ({SAMPLE_ADAPTIVE_OFFSET.name: self._decide_sao} if self._sao else {})

    def _choose_output(self, original):
        """The Output of a decoder; original: the source's planes."""
        config, frame = self._q.config, self._picture.frame
        width, height = config.coded_size
        coded = [frame.luma, frame.cb, frame.cr] if config.chroma_format_idc else [frame.luma]
        recon = crop_picture(coded, 0, width - config.SourceWidth, 0, height - config.SourceHeight)
        return self._decided.output(Output([plane.copy() for plane in recon]), original, self._picture)

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
        picture, window = self._picture, self._q.sps.output_window
        of_tools = self._tools.statistics(picture.frame, picture.headers)
        return picture_statistics(picture.frame, picture.reference_pocs(), window)._replace(**of_tools)

    def _report(self, slices, planes, output, started):
        config, plan = self._q.config, self._picture.plan
        frame, recon = self._picture.frame, output.planes
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
            tools=self._decided.figures(frame),
            recon=recon,
            colour=self._q.sps.colour,
            rgb=output.rgb,
            statistics=self._statistics() if config.BlockStatistics else None,
        )
        return CodedPicture(plan, slices, suffix, report)
