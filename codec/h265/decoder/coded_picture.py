"""A picture while it is decoded: its frame, what arrived of it, and its way to output."""

import time
from fractions import Fraction

import numpy as np

from codec.base.errors import CorruptStream
from codec.base.io.aspect import sample_aspect
from codec.base.io.fields import Scan
from codec.base.metrics import hash_text, picture_hash
from codec.base.picture import DecodedPicture, crop_picture
from codec.h265.block_statistics import picture_statistics
from codec.h265.decoder.slice_data import SliceDataDecoder
from codec.h265.dpb import reference_lists
from codec.h265.filters.deblock_edges import intra_ref_poc
from codec.h265.filters.pipeline import STAGES, apply_filters
from codec.h265.recon.temporal_motion import compress_motion
from codec.h265.structs import CTB, MOTION, PREDICTION_UNIT, REFERENCE, SLICE, SLICE_B, SLICE_I, SLICE_P, UNIT, Frame
from codec.h265.syntax.params import make_slice
from codec.h265.syntax.references import MAX_REF_IDX, make_references, no_backward_pred
from codec.h265.syntax.sei import FrameFieldInfo

_SLICE_LETTERS = {SLICE_B: "B", SLICE_P: "P", SLICE_I: "I"}


def new_frame(active, planes):
    """A Frame for the active parameter sets, with nothing decoded in it; `planes` are written by the decoding."""
    p = active.params[0]
    luma, cb, cr = planes
    ctbs = np.zeros(len(active.layout.tile_id), CTB)
    ctbs["slice_addr"] = -1
    ctbs["tile_id"] = active.layout.tile_id
    ctbs["addr_ts"] = active.layout.ctb_addr_rs_to_ts
    return Frame(
        params=active.params,
        slices=np.zeros(0, SLICE),
        units=np.zeros((int(p["height_in_units"]), int(p["width_in_units"])), UNIT),
        ctbs=ctbs,
        motion=np.zeros((0, 0), MOTION),
        scaling=active.scaling,
        luma=luma,
        cb=cb,
        cr=cr,
    )


class UnavailablePicture:
    """(8.3.3) Stands in the DPB for a reference picture that was not received: grey, without motion, never output."""

    def __init__(self, poc, marking, slot):
        self.poc = poc
        self.is_reference = marking
        self.needed_for_output = False
        self.pic_latency_count = 0
        self.slot = slot


class CodedPicture:
    """(8.1.3) One picture from its first slice segment to its output; what the DPB holds."""

    def __init__(self, active, start, nal, decode_index, rps, store, slot, reconstructor, tools):
        """`rps`: the picture's RefPicSet, complete; `slot` of the FrameStore `store` becomes its own.

        tools  AppliedTools, begun for the picture
        """
        self.active = active
        self.slot = slot
        self.references = None  # structs.References, from the first P or B slice on
        self._rps = rps
        self._store = store
        self._lists = np.zeros((0, 2, MAX_REF_IDX), REFERENCE)
        self._refs = ((), ())  # POCs of the lists of the latest P or B slice
        self.poc = start.poc
        self.pic_output_flag = start.pic_output_flag
        self.temporal_id = nal.temporal_id
        self.decode_index = decode_index
        self.frame = new_frame(active, store.planes(slot))
        self.tools = tools
        self.sizes = tools.new_ctu_sizes()
        self._slice_data = SliceDataDecoder(self, reconstructor)
        self.headers = []
        self.hash = None  # DecodedPictureHash that was sent for it
        self.frame_field_info = FrameFieldInfo()
        self.is_reference = None
        self.needed_for_output = False
        self.pic_latency_count = 0
        self._started = time.perf_counter()
        self._hash_status = "unk"
        self._ctus = 0
        self._seconds = 0.0
        self._statistics = None

    def decode_slice(self, header, data):
        """(7.4.7.1) Decode the next slice segment from its header and its data (uint8 array)."""
        # first of all, so that a picture stays as it is where a segment is too many
        self._slice_data.check_begin(header.slice_segment_address)
        sps, pps = self.active.sps, self.active.pps
        lists = reference_lists(self._rps, header)
        record = make_slice(sps, pps, header, self.poc, no_backward_pred(lists, self.poc))
        self.headers.append(header)
        self.frame = self.frame._replace(slices=_joined(self.frame.slices, record))
        self._lists = _joined(self._lists, make_references(sps, pps, header, lists))
        if header.slice_type != SLICE_I:
            self._refs = tuple(tuple(poc for poc, _, _ in entries) for entries in lists)
            self._make_block_data()
            self.references = self._store.references(self._lists)._replace(**self.tools.references)
        if self.sizes:
            self.sizes.begin(self.frame)
        self._ctus += self._slice_data.decode(header, len(self.headers) - 1, data)

    def _make_block_data(self):
        """Motion is shared by all pictures of the store; what is parsed is not, for parsing runs ahead."""
        if self.references is None:
            prediction_units = np.zeros(self.frame.units.shape, PREDICTION_UNIT)
            self.frame = self.frame._replace(motion=self._store.motion(), prediction_units=prediction_units)

    @property
    def is_whole(self):
        """Whether all CTUs are there."""
        return self._ctus == len(self.frame.ctbs)

    def check_whole(self):
        """(7.4.2.4.5) Raise CorruptStream when CTUs are missing."""
        if not self.is_whole:
            counts = f"{self._ctus} of its {len(self.frame.ctbs)} CTUs"
            raise CorruptStream(f"(7.4.2.4.5) the picture with POC {self.poc} has {counts}")

    def take_hash(self, received):
        """(D.3.19) Keep a DecodedPictureHash, unless it is not of as many components as the picture has."""
        if len(received.digests) == (3 if self.active.sps.chroma_format_idc else 1):
            self.hash = received

    def finish(self, workspace, check_hash):
        """(8.7) Filter the picture once all its samples are made, and compare it with its hash."""
        if self.references is None:
            pictures = intra_ref_poc()
        else:
            pictures = np.ascontiguousarray(self._lists["slot"])
            if self.active.sps.sps_temporal_mvp_enabled_flag:
                kept = self._store.col_motion(self.slot)
                compress_motion(self.frame, self._lists, kept, 0, len(kept))
        stages = self.tools.stages(STAGES, self.headers, self.sizes)
        apply_filters(self.frame, workspace, pictures, stages=stages)
        if check_hash and self.hash is not None:
            digests = picture_hash(self.planes, self._bit_depths, self.hash.hash_type + 1)
            self._hash_status = "OK" if digests == list(self.hash.digests) else "ERROR"
        self._seconds = time.perf_counter() - self._started

    def note_statistics(self):
        """Keep the picture's block statistics for its output: the next picture overwrites some of the block data."""
        of_tools = self.tools.statistics(self.frame, self.headers)
        window = self.active.sps.output_window
        self._statistics = picture_statistics(self.frame, self._lists["poc"], window)._replace(**of_tools)

    @property
    def planes(self):
        """[Y, Cb, Cr], or [Y] in 4:0:0, before cropping."""
        planes = self._store.planes(self.slot)
        return list(planes) if self.active.sps.chroma_format_idc else [planes[0]]

    @property
    def _bit_depths(self):
        return self.active.sps.bit_depth_y, self.active.sps.bit_depth_c

    def output(self):
        """(C.5.2.4) The DecodedPicture, cropped to the conformance window: a copy, for the slot will be used again."""
        left, top, width, height = self.active.sps.output_window
        rows, columns = self.frame.luma.shape
        cropped = crop_picture(self.planes, left, columns - left - width, top, rows - top - height)
        qp = int(self.frame.slices[0]["slice_qp_y"])
        made = self.tools.output([plane.copy() for plane in cropped], self.headers, self._bit_depths, qp)
        slice_type = min(header.slice_type for header in self.headers)
        return DecodedPicture(
            planes=made.planes,
            bit_depths=self._bit_depths,
            poc=self.poc,
            temporal_id=self.temporal_id,
            slice_type=_SLICE_LETTERS[slice_type],
            qp=qp,
            seconds=self._seconds,
            refs=self._refs,
            hash_status=self._hash_status,
            hash=hash_text(self.hash.hash_type + 1, self.hash.digests) if self.hash else "",
            decode_index=self.decode_index,
            frame_rate=_frame_rate(self.active.sps),
            sample_aspect=_sample_aspect(self.active.sps),
            statistics=self._statistics,
            colour=self.active.sps.colour,
            rgb=made.rgb,
            scan=self._scan,
        )

    @property
    def _scan(self):
        sps, info = self.active.sps, self.frame_field_info
        is_field_sequence = sps.vui_parameters_present_flag and sps.vui.field_seq_flag
        return Scan(int(is_field_sequence), info.pic_struct, info.source_scan_type)


def _joined(before, more):
    return np.concatenate([before, more]) if len(before) else more


def _sample_aspect(sps):
    vui = sps.vui
    if not sps.vui_parameters_present_flag or not vui.aspect_ratio_info_present_flag:
        return None
    return sample_aspect(vui.aspect_ratio_idc, vui.sar_width, vui.sar_height)


def _frame_rate(sps):
    vui = sps.vui
    if not sps.vui_parameters_present_flag or not vui.vui_timing_info_present_flag or not vui.vui_num_units_in_tick:
        return None
    return Fraction(vui.vui_time_scale, vui.vui_num_units_in_tick) or None
