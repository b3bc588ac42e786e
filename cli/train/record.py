"""The encoder, looked on at: every stage of a picture on its way through the in-loop filters, and its block data."""

from typing import NamedTuple

import numpy as np

from cli.train.mode_blocks import mode_blocks
from codec.base.kernels.jit import settled
from codec.h265.encoder.picture.picture_encoder import PictureEncoder, make_sequence, new_crew, new_references
from codec.h265.encoder.plan.gop import coding_order
from codec.h265.filters.pipeline import DEBLOCKING, SAMPLE_ADAPTIVE_OFFSET
from codec.h265.recon.reconstruct import new_scratch
from codec.h265.recon.residual_plane import residual_ctu
from codec.h265.structs import MODE_INTER

_residual = settled(residual_ctu)
_PLANES = ("luma", "cb", "cr")
NO_POC = -(1 << 31)
"""In Record.ref_poc: the list is not used there."""


class Record(NamedTuple):
    """One coded picture. Planes [Y, Cb, Cr] are int16 of the source's size.

    report      its PictureReport
    original, reconstructed (before the filters), deblocked, filtered (after SAO)   planes
    residual    luma plane;  the prediction is `reconstructed - residual`, but for samples that were clipped
    strengths   (2, ceil(h/4), ceil(w/4)) int8 boundary strengths, see h265/filters/deblock_edges.py
    log2_cb, log2_tb, qp_y   by 4x4 unit, int8
    mv          (2, 2, ceil(h/4), ceil(w/4)) int16 by list and direction, horizontal first, in quarter samples
    ref_poc     (2, ceil(h/4), ceil(w/4)) int32 POC of the picture that each list's vector leads to, or NO_POC
    modes       None, or {array of a shard: intra prediction blocks}, see docs/TRAINING.md
    """

    report: object
    original: list
    reconstructed: list
    deblocked: list
    filtered: list
    residual: np.ndarray
    strengths: np.ndarray
    log2_cb: np.ndarray
    log2_tb: np.ndarray
    qp_y: np.ndarray
    mv: np.ndarray
    ref_poc: np.ndarray
    modes: dict | None = None


class RecordingEncoder(PictureEncoder):
    """A PictureEncoder that remembers what its filters saw."""

    _finishes_rows = False

    def __init__(self, sequence, modes=False):
        self._with_modes, self._modes = modes, None
        self._references = new_references(sequence)
        super().__init__(sequence, new_crew(sequence, self._references, 1))
        self._seen = {}
        self._residual = np.zeros_like(self._references.store.planes(0)[0])
        self._memory = new_scratch()

    def record(self, planes, plan):
        """Code a picture. -> Record"""
        references = self._references.begin(plan)
        coded = self.encode(planes, plan, references)
        self._references.end(references)
        height, width = planes[0].shape
        frame, units = self._picture.frame, (slice(0, -(-height // 4)), slice(0, -(-width // 4)))
        return Record(
            coded.report,
            planes,
            [self._seen["reconstructed", name] for name in _PLANES],
            [self._seen["deblocked", name] for name in _PLANES],
            coded.report.recon,
            self._residual[:height, :width].copy(),
            self._workspace.strengths[:, units[0], units[1]].copy(),
            *(frame.units[name][units].copy() for name in ("log2_cb_size", "log2_tb_size", "qp_y")),
            *self._motion(units),
            self._modes,
        )

    def _motion(self, units):
        """mv and ref_poc of a Record, whose picture has one slice."""
        frame, pocs = self._picture.frame, self._picture.reference_pocs()
        if pocs is None:
            shape = frame.units[units].shape
            return np.zeros((2, 2, *shape), np.int16), np.full((2, *shape), NO_POC, np.int32)
        motion = frame.motion[units]
        used = (frame.units["pred_mode"][units] == MODE_INTER)[..., None] & (motion["ref_idx"] >= 0)
        each = [np.where(used[..., x], pocs[0, x][np.maximum(motion["ref_idx"][..., x], 0)], NO_POC) for x in range(2)]
        vectors = np.where(used[..., None], motion["mv"], 0)
        return np.moveaxis(vectors, (2, 3), (0, 1)).astype(np.int16), np.stack(each).astype(np.int32)

    def _decisions(self):
        decisions = super()._decisions()
        decide_sao = decisions.get(SAMPLE_ADAPTIVE_OFFSET.name)

        def before_deblocking(frame, workspace):
            self._keep("reconstructed", frame)
            if self._with_modes:
                with self._crew.search() as search:
                    self._modes = mode_blocks(frame, search.search)
            self._residual[:] = 0
            for addr in range(len(frame.ctbs)):
                _residual(frame, addr, self._picture.coeffs[addr], self._memory, self._residual)

        def before_sao(frame, workspace):
            self._keep("deblocked", frame)
            if decide_sao:
                decide_sao(frame, workspace)

        return {**decisions, DEBLOCKING.name: before_deblocking, SAMPLE_ADAPTIVE_OFFSET.name: before_sao}

    def _keep(self, stage, frame):
        config = self._q.config
        for name in _PLANES:
            step = 1 if name == "luma" else 2
            plane = getattr(frame, name)[: config.SourceHeight // step, : config.SourceWidth // step]
            self._seen[stage, name] = plane.copy()


def records(config, pictures, modes=False):
    """Code pictures ([Y, Cb, Cr] int16 planes) with a validated EncoderConfig. -> iterator of Records, coding order

    modes  whether Records have them
    """
    sequence = make_sequence(config)
    encoder = RecordingEncoder(sequence, modes)
    for plan, planes in coding_order(config, iter(pictures), sequence.structure.nested):
        yield encoder.record(planes, plan)
