"""The encoder's picture loop: pictures in, access units out, in coding order."""

import io
import itertools
import os
import queue
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from codec.bitstream.nal import AUD_NUT, PPS_NUT, PREFIX_SEI_NUT, SPS_NUT, VPS_NUT, annexb, is_irap, nal_unit
from codec.encoder.gop import coding_order
from codec.encoder.picture_encoder import PictureEncoder, make_sequence
from codec.encoder.rate_control import RateControl
from codec.syntax.aud import AUD_B_P_I, AUD_I, AUD_P_I, Aud, access_unit_delimiter_rbsp
from codec.syntax.pps import pic_parameter_set_rbsp
from codec.syntax.sei import RecoveryPoint, recovery_point_message, sei_nal
from codec.syntax.serdes import write_rbsp
from codec.syntax.sps import seq_parameter_set_rbsp
from codec.syntax.vps import video_parameter_set_rbsp

_PICTURE_TYPES = {"I": AUD_I, "P": AUD_P_I, "B": AUD_B_P_I}


def encode_sequence(config, pictures, sink):
    """Encode a sequence; yields a PictureReport per picture, in coding order, once it is in `sink`.

    config    validated EncoderConfig
    pictures  iterable of [Y, Cb, Cr] or [Y], int16 planes of the source's size at InternalBitDepth
    sink      binary file object

    `config.Threads` threads share the work: pictures side by side where all are intra, else rows of CTUs; the stream is
    the same for every number of them. Rate control codes CTU after CTU: each depends on the bits of those before it.
    Raises UsageError before the first picture when the GOP cannot be coded.
    """
    sequence = make_sequence(config)
    if config.RateControl:
        yield from _controlled_pictures(sequence, pictures, sink)
        return
    planned = coding_order(config, pictures, sequence.structure.nested)
    for position, coded in enumerate(_coded_pictures(sequence, planned)):
        yield _write_access_unit(sequence, coded, position == 0, sink)


def encode_segment(config, segment, pictures, sink):
    """As encode_sequence, the pictures of a codec.encoder.segments.Segment; `pictures`: those of segment.span."""
    sequence = make_sequence(config)
    coded_pictures = _coded_pictures(sequence, segment.coding_order(pictures))
    for coded in itertools.islice(coded_pictures, len(segment.again), None):
        yield _write_access_unit(sequence, coded, coded.plan.index == 0, sink)


def _controlled_pictures(sequence, pictures, sink):
    """As encode_sequence, with QPs that keep the bit rate."""
    pictures = iter(pictures)
    first = list(itertools.islice(pictures, 2))
    pictures = itertools.chain(first, pictures)
    control = RateControl(sequence.config, sequence.structure.nested, first)
    encoder = PictureEncoder(sequence, _threads(sequence.config))
    for position, (plan, planes) in enumerate(coding_order(sequence.config, pictures, sequence.structure.nested)):
        while control.wants_trial:
            trial = PictureEncoder(sequence).encode(planes, control.decide(plan, planes), control.ctus)
            control.trial_coded(_write_access_unit(sequence, trial, True, io.BytesIO()).bits)
        coded = encoder.encode(planes, control.decide(plan, planes), control.ctus)
        report = _write_access_unit(sequence, coded, position == 0, sink)
        control.picture_coded(report.bits)
        yield report


def _threads(config):
    return config.Threads or os.cpu_count() or 1


def _coded_pictures(sequence, planned):
    """The CodedPictures in order."""
    first = list(itertools.islice(planned, 2))
    planned = itertools.chain(first, planned)
    threads = _threads(sequence.config)
    if sequence.config.IntraPeriod == 1 and len(first) > 1 and threads > 1:
        yield from _coded_side_by_side(sequence, planned, threads)
        return
    encoder = PictureEncoder(sequence, threads)
    for plan, planes in planned:
        yield encoder.encode(planes, plan)


def _coded_side_by_side(sequence, planned, threads):
    """Pictures that do not depend on each other: as many are in flight as there are threads, and one is read ahead."""
    encoders = queue.SimpleQueue()
    for _ in range(threads):
        encoders.put(None)

    def encode(planes, plan):
        encoder = encoders.get() or PictureEncoder(sequence)
        try:
            return encoder.encode(planes, plan)
        finally:
            encoders.put(encoder)

    with ThreadPoolExecutor(threads) as pool:
        waiting = deque()
        for plan, planes in planned:
            waiting.append(pool.submit(encode, planes, plan))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


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
