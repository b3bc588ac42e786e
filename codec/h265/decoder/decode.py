"""(8.1) The decoding process: NAL units in, pictures out in output order."""

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from codec.base import limits
from codec.base.byte_stream import unescape
from codec.base.errors import CodecError, CorruptStream
from codec.base.serdes import Reader
from codec.common.tools.filter_nets import NetStore
from codec.common.tools.tool import Surroundings
from codec.h265.decoder.access_unit_sei import AccessUnitSei
from codec.h265.decoder.activation import ParameterSets
from codec.h265.decoder.coded_picture import CodedPicture, UnavailablePicture
from codec.h265.decoder.notes import BAD_HEADER, UNREADABLE_SET, Notes
from codec.h265.decoder.poc import PictureOrder, SkippedPictures
from codec.h265.decoder.slice_data import Reconstructor
from codec.h265.decoder.worker import Worker
from codec.h265.dpb import LONG, SHORT, Dpb
from codec.h265.filters.pipeline import make_workspace
from codec.h265.frame_store import FrameStore
from codec.h265.nal import (
    EOB_NUT,
    EOS_NUT,
    PPS_NUT,
    PREFIX_SEI_NUT,
    SPS_NUT,
    SUFFIX_SEI_NUT,
    TOOLS_LAYER,
    VPS_NUT,
    is_first_slice_segment,
    is_idr,
    is_irap,
    is_slice,
    read_nal_units,
)
from codec.h265.syntax.slice_header import SliceHeader, slice_segment_header
from codec.h265.tools.applied import AppliedTools


def decode_stream(config, source):
    """(8.1) Decode an Annex B byte stream; yields DecodedPictures in output order, and returns Notes.

    config  DecoderConfig
    source  binary file object
    Raises CodecError at the first fault, after the whole pictures before it have been yielded. Missing reference
    pictures are concealed; then CorruptStream follows the last picture of the stream. What takes no part in decoding
    the pictures may be broken: the Notes, or the text of the error, count it.
    """
    decoder = Decoder(config)
    waiting, fault = deque(), None
    try:
        try:
            for nal in read_nal_units(source):
                waiting.extend(decoder.decode_nal(nal))
                while len(waiting) > decoder.pictures_behind:
                    yield waiting.popleft().result()
            waiting.extend(decoder.finish())
            decoder.report_concealment()
        except CodecError as error:
            waiting.extend(decoder.whole_pictures())
            fault = error
        while waiting:
            yield waiting.popleft().result()
        if fault:
            raise type(fault)(f"{fault}; {decoder.notes}") if decoder.notes else fault
        return decoder.notes
    finally:
        decoder.close()


class Decoder:
    """(8.1.3) State between NAL units: parameter sets, the picture in progress, the decoded picture buffer."""

    def __init__(self, config):
        self._config = config
        self._threads = config.Threads or os.cpu_count() or 1
        self._worker = Worker(self._threads)
        self._pool = None  # for the worker, which has nets computed in it
        self._reconstructor = Reconstructor(self._worker)
        # with a thread for the samples, the next picture is parsed before one that is ready is waited for
        self.pictures_behind = int(self._worker.is_thread)
        self.notes = Notes()
        self._sets = ParameterSets()
        self._sei = AccessUnitSei(self.notes)
        self._order = PictureOrder()
        self._skipped = SkippedPictures(self._order, self._sets, self.notes)
        self._dpb = Dpb()
        self._picture = None
        self._header = None  # of the latest slice segment of the present picture
        self._workspace = None
        self._store = None
        self._memory_key = None
        self._tools = None
        self._nets = NetStore(config, "the stream ({})")
        self._first_concealed = None  # POC of the first picture with a missing reference picture
        self.concealed = 0  # reference pictures that were missing, and replaced by grey ones
        self._decoded = 0

    def decode_nal(self, nal):
        """(7.4.2.2) One NAL unit. -> iterator of the pictures that are output by it: Futures of DecodedPictures"""
        if not self._sets.knows_layer(nal) or self._above_wanted_layer(nal):
            return
        if nal.fault:
            self._pass_over(nal)
        elif is_slice(nal.nal_unit_type):
            yield from self._slice_segment(nal)
        elif nal.nal_unit_type in (EOS_NUT, EOB_NUT):
            yield from self._finish_picture()
            self._order.end_of_sequence()
        else:
            # (7.4.2.4.4) all others may stand between the slice segments of a picture: only a first one begins another
            self._beside_slices(nal)

    def finish(self):
        """The end of the stream. -> iterator of the pictures that still wait for output"""
        yield from self._finish_picture()
        if self._order.is_before_first_picture and self._skipped.missing_pps is not None:
            self._sets.lookup(self._skipped.missing_pps)  # says what is missing, where it never arrived
        yield from self.whole_pictures()

    def whole_pictures(self):
        """Give up the picture in progress where it is not whole. -> iterator of those that still wait for output"""
        if self._picture and self._picture.is_whole:
            yield from self._finish_picture()
        self._picture = None
        for picture in self._dpb.flush():
            yield self._output(picture)

    def close(self):
        """End the worker's thread, and those that it has nets computed in."""
        self._worker.close()
        if self._pool:
            self._pool.shutdown()

    def _output(self, picture):
        return self._worker.submit(picture.output)

    def _above_wanted_layer(self, nal):
        wanted = self._config.MaxTemporalLayer
        return wanted >= 0 and nal.temporal_id > wanted

    def _pass_over(self, nal):
        """A NAL unit with a broken header, which matters where it holds a part of a picture."""
        if is_slice(nal.nal_unit_type):
            raise CorruptStream(nal.fault)
        self.notes.add(BAD_HEADER)

    def _beside_slices(self, nal):
        store = {VPS_NUT: self._sets.store_vps, SPS_NUT: self._sets.store_sps, PPS_NUT: self._sets.store_pps}
        if nal.nal_unit_type in store:
            try:
                store[nal.nal_unit_type](unescape(nal.payload)[0])
            except CorruptStream:
                self.notes.add(UNREADABLE_SET)
        elif nal.nal_unit_type == PREFIX_SEI_NUT:
            self._sei.prefix(nal)
        elif nal.nal_unit_type == SUFFIX_SEI_NUT:
            found = self._sei.suffix(nal)
            if found and self._picture:
                self._picture.take_hash(found)

    def _slice_segment(self, nal):
        is_first = is_first_slice_segment(nal)
        if is_first:
            yield from self._finish_picture()
        self._sei.begin_slice_segment(is_first)
        if self._skipped.include(nal):
            return
        if self._picture is None and not is_first:
            raise CorruptStream("(7.4.2.4.5) a picture begins with a slice segment that is not its first")
        rbsp, _ = unescape(nal.payload)
        header, reader = SliceHeader(), Reader(rbsp)

        def lookup(pps_id):
            sps, pps = self._sets.lookup(pps_id)
            if bool(sps.tools) != (nal.nuh_layer_id == TOOLS_LAYER):
                where = f"a slice is in layer {nal.nuh_layer_id}"
                raise CorruptStream(f"(BITSTREAM.md) {where}, which does not agree with the tools of its SPS")
            return sps, pps

        sps, _ = slice_segment_header(reader, header, nal.nal_unit_type, lookup, self._header)
        self._header = header
        if is_first:
            yield from self._start_picture(nal, header, sps)
        self._sets.check_same_picture(header.slice_pic_parameter_set_id)
        limits.check("the number of slice segments in a picture", len(self._picture.headers) + 1, "MAX_SLICE_SEGMENTS")
        self._picture.decode_slice(header, np.frombuffer(rbsp, np.uint8)[reader.bits.position >> 3 :])

    def _start_picture(self, nal, header, sps):
        """(8.1.3) Activation, picture order count, reference picture set, and room in the buffer."""
        begins_sequence = self._order.begins_sequence(nal.nal_unit_type)
        start = self._order.start_picture(nal.nal_unit_type, nal.temporal_id, header, sps)
        active = self._sets.activate(header.slice_pic_parameter_set_id, bool(begins_sequence))
        rps = self._dpb.apply_rps(
            header, start.poc, sps.log2_max_pic_order_cnt_lsb, start.no_rasl_output_flag, is_idr(nal.nal_unit_type)
        )
        for picture in self._dpb.prepare(start, self._ordering(sps)):
            yield self._output(picture)
        self._use_memory_for(active)
        if not is_irap(nal.nal_unit_type):
            self._conceal_missing(rps, start.poc)
        slot = self._free_slot()
        if self._tools:
            self._worker.submit(self._tools.begin_picture)
        self._picture = CodedPicture(
            active, start, nal, self._decoded, rps, self._store, slot, self._reconstructor, self._tools
        )
        self._picture.frame_field_info = self._sei.frame_field_info(sps)
        self._decoded += 1

    def _conceal_missing(self, rps, poc):
        """(8.3.3) Put an unavailable picture in the place of each reference picture that was not received."""
        for entries, marking in ((rps.st_curr_before, SHORT), (rps.st_curr_after, SHORT), (rps.lt_curr, LONG)):
            for entry in entries:
                if entry[1] is None:
                    entry[1] = UnavailablePicture(entry[0], marking, self._free_slot())
                    self._worker.submit(self._store.fill_grey, entry[1].slot)
                    self._dpb.pictures.append(entry[1])
                    self.concealed += 1
                    if self._first_concealed is None:
                        self._first_concealed = poc

    def _free_slot(self):
        slot = self._store.find({picture.slot for picture in self._dpb.pictures})
        if slot is None:
            self._worker.wait()
            slot = self._store.make_room()
        self._worker.submit(self._store.clear_motion, slot)
        return slot

    def report_concealment(self):
        """Raise CorruptStream when reference pictures were missing."""
        if self.concealed:
            raise CorruptStream(
                f"(8.3.3) {self.concealed} reference pictures were missing and have been replaced by grey ones, "
                f"the first for the picture with POC {self._first_concealed}"
            )

    def _finish_picture(self):
        picture, self._picture = self._picture, None
        self._header = None
        if picture is None:
            return
        picture.check_whole()
        self._worker.submit(picture.finish, self._workspace, self._config.SEIDecodedPictureHash)
        if self._config.BlockStatistics:
            self._worker.submit(picture.note_statistics)
        ordering = self._ordering(picture.active.sps)
        for ready in self._dpb.insert(picture, picture.pic_output_flag, ordering):
            yield self._output(ready)

    def _ordering(self, sps):
        """(C.5.2.2) The buffer limits of the highest sub-layer that is decoded."""
        layers, wanted = sps.sub_layer_ordering, self._config.MaxTemporalLayer
        return layers[-1] if wanted < 0 else layers[min(wanted, len(layers) - 1)]

    def _use_memory_for(self, active):
        """Make the filters' scratch and room for pictures, kept while the sequence parameters stay.

        Raises WeightsMissing when a net that the sequence needs is not there.
        """
        if self._memory_key is not active.sps:
            pool = self._net_pool() if active.sps.tools else None
            self._tools = AppliedTools(Surroundings(active.sps, active.params[0], self._nets, pool, self._threads))
            self._memory_key, self._workspace = active.sps, make_workspace(active.params[0])
            slots = self._ordering(active.sps).max_dec_pic_buffering_minus1 + 2
            self._store = FrameStore(active.params[0], slots)

    def _net_pool(self):
        """Threads for the tiles of nets: not the worker's own, which would wait for itself."""
        if self._threads > 1 and not self._pool:
            self._pool = ThreadPoolExecutor(self._threads)
        return self._pool
