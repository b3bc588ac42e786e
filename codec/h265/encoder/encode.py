"""The encoder's picture loop: pictures in, access units out, in coding order."""

import io
import itertools
import os
import queue
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from codec.base.serdes import write_rbsp
from codec.common.source.temporal_filter import filtered_pictures, source_span
from codec.h265.encoder.picture.picture_encoder import PictureEncoder, make_sequence, new_crew, new_references
from codec.h265.encoder.plan.gop import coding_order
from codec.h265.encoder.rate.rate_control import RateControl
from codec.h265.nal import AUD_NUT, PPS_NUT, PREFIX_SEI_NUT, SPS_NUT, VPS_NUT, annexb, is_irap, nal_unit
from codec.h265.syntax.aud import AUD_B_P_I, AUD_I, AUD_P_I, Aud, access_unit_delimiter_rbsp
from codec.h265.syntax.pps import pic_parameter_set_rbsp
from codec.h265.syntax.sei import RecoveryPoint, recovery_point_message, sei_nal
from codec.h265.syntax.sps import seq_parameter_set_rbsp
from codec.h265.syntax.vps import video_parameter_set_rbsp

_PICTURE_TYPES = {"I": AUD_I, "P": AUD_P_I, "B": AUD_B_P_I}


def encode_sequence(config, pictures, sink):
    """Encode a sequence; yields a PictureReport per picture, in coding order, once it is in `sink`.

    config    validated EncoderConfig
    pictures  iterable of [Y, Cb, Cr] or [Y], int16 planes of the source's size at InternalBitDepth
    sink      binary file object

    `config.Threads` threads share the work: rows of CTUs of one picture, and pictures that do not refer to each other;
    the stream is the same for every number of them. Rate control codes CTU after CTU: each depends on the bits of those
    before it.
    Raises UsageError before the first picture when the GOP cannot be coded.
    """
    sequence = make_sequence(config)
    if config.TemporalFilter:
        pictures = filtered_pictures(config, pictures)
    if config.RateControl:
        yield from _controlled_pictures(sequence, pictures, sink)
        return
    planned = coding_order(config, pictures, sequence.structure.nested)
    for position, coded in enumerate(_coded_pictures(sequence, planned)):
        yield _write_access_unit(sequence, coded, position == 0, sink)


def encode_segment(config, segment, pictures, sink):
    """As encode_sequence, the pictures of a codec.h265.encoder.plan.segments.Segment.

    pictures  those of temporal_filter.source_span(config, *segment.span)
    """
    sequence = make_sequence(config)
    if config.TemporalFilter:
        pictures = filtered_pictures(config, pictures, source_span(config, *segment.span)[0], segment.span[0])
    coded_pictures = _coded_pictures(sequence, segment.coding_order(pictures))
    for coded in itertools.islice(coded_pictures, len(segment.again), None):
        yield _write_access_unit(sequence, coded, coded.plan.index == 0, sink)


def _controlled_pictures(sequence, pictures, sink):
    """As encode_sequence, with QPs that keep the bit rate."""
    pictures = iter(pictures)
    first = list(itertools.islice(pictures, 2))
    pictures = itertools.chain(first, pictures)
    control = RateControl(sequence.config, sequence.structure.nested, first)
    encode = _one_by_one(sequence)
    for position, (plan, planes) in enumerate(coding_order(sequence.config, pictures, sequence.structure.nested)):
        while control.wants_trial:
            trial = _one_by_one(sequence)(planes, control.decide(plan, planes), control.ctus)
            control.trial_coded(_write_access_unit(sequence, trial, True, io.BytesIO()).bits)
        coded = encode(planes, control.decide(plan, planes), control.ctus)
        report = _write_access_unit(sequence, coded, position == 0, sink)
        control.picture_coded(report.bits)
        yield report


def _coded_pictures(sequence, planned):
    """The CodedPictures in order."""
    threads = sequence.config.Threads or os.cpu_count() or 1
    if threads > 1:
        yield from _side_by_side(sequence, planned, threads)
        return
    encode = _one_by_one(sequence)
    for plan, planes in planned:
        yield encode(planes, plan)


def _one_by_one(sequence):
    """A function (planes, PlannedPicture, CtuRates or None) -> CodedPicture, in one thread."""
    references = new_references(sequence)
    encoder = PictureEncoder(sequence, new_crew(sequence, references, 1))

    def encode(planes, plan, ctu_rates=None):
        own = references.begin(plan)
        try:
            return encoder.encode(planes, plan, own, ctu_rates)
        finally:
            references.end(own)

    return encode


def _side_by_side(sequence, planned, threads):
    """The CodedPictures in order; `threads` threads search rows of those whose references are decoded.

    One picture more is in flight than there are threads, for one of them may wait for its references.
    """
    in_flight = threads + 1
    references = new_references(sequence, in_flight)
    crew = new_crew(sequence, references, threads)
    encoders = queue.SimpleQueue()
    for _ in range(in_flight):
        encoders.put(None)

    def encode(planes, plan, own):
        encoder = encoders.get() or PictureEncoder(sequence, crew)
        try:
            return encoder.encode(planes, plan, own)
        finally:
            encoders.put(encoder)

    def take(waiting):
        own, job = waiting.popleft()
        coded = job.result()
        references.end(own)
        return coded

    with ThreadPoolExecutor(in_flight) as pool:
        try:
            waiting = deque()
            for plan, planes in planned:
                if len(waiting) == in_flight:
                    yield take(waiting)
                own = references.begin(plan)
                waiting.append((own, pool.submit(encode, planes, plan, own)))
            while waiting:
                yield take(waiting)
        finally:
            crew.stop()


def _write_access_unit(sequence, coded, is_first, sink):
    """(7.4.2.4.4) Write the picture's NAL units in their order. -> its report with the bits filled in"""
    config, plan = sequence.config, coded.plan
    units = []
    if config.AccessUnitDelimiter:
        delimiter = Aud(_PICTURE_TYPES[plan.slice_type])
        units.append(nal_unit(AUD_NUT, write_rbsp(access_unit_delimiter_rbsp, delimiter), plan.temporal_id))
    if is_first or (config.ReWriteParamSetsFlag and is_irap(plan.nal_unit_type)):
        units.append(nal_unit(VPS_NUT, write_rbsp(video_parameter_set_rbsp, sequence.vps)))
        units.append(nal_unit(SPS_NUT, write_rbsp(seq_parameter_set_rbsp, sequence.sps)))
        units.append(nal_unit(PPS_NUT, write_rbsp(pic_parameter_set_rbsp, sequence.pps)))
    if plan.recovery:
        units.append(sei_nal(PREFIX_SEI_NUT, recovery_point_message(RecoveryPoint())))
    units += coded.slices
    data = b"".join(annexb(unit, position == 0) for position, unit in enumerate(units))
    sink.write(data)
    sink.write(b"".join(annexb(unit) for unit in coded.suffix))
    return replace(coded.report, bits=8 * len(data))
