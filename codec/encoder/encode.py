"""The encoder's picture loop: pictures in, access units out, in coding order."""

import os
import queue
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from codec.bitstream.nal import AUD_NUT, PPS_NUT, SPS_NUT, VPS_NUT, annexb, nal_unit
from codec.encoder.parameter_sets import make_pps, make_sps, make_vps
from codec.encoder.picture_encoder import PictureEncoder, make_sequence
from codec.syntax.aud import AUD_I, Aud, access_unit_delimiter_rbsp
from codec.syntax.pps import pic_parameter_set_rbsp
from codec.syntax.serdes import write_rbsp
from codec.syntax.sps import seq_parameter_set_rbsp
from codec.syntax.vps import video_parameter_set_rbsp


def encode_sequence(config, pictures, sink):
    """Encode an intra-only sequence; yields a PictureReport per picture, in coding order, once it is in `sink`.

    config    validated EncoderConfig
    pictures  iterable of [Y, Cb, Cr] or [Y], int16 planes of the source's size at InternalBitDepth
    sink      binary file object

    Intra pictures do not depend on each other: they are coded in `config.Threads` threads, and the stream is the same
    for every number of them.
    """
    sequence = make_sequence(config, make_vps(config), make_sps(config), make_pps(config))
    threads = config.Threads or os.cpu_count() or 1
    for index, coded in enumerate(_coded_pictures(sequence, pictures, threads)):
        yield _write_access_unit(sequence, coded, index, sink)


def _coded_pictures(sequence, pictures, threads):
    """The CodedPictures in order; as many pictures are in flight as there are threads, and one is read ahead."""
    if threads == 1:
        encoder = PictureEncoder(sequence)
        for index, planes in enumerate(pictures):
            yield encoder.encode(planes, index)
        return
    encoders = queue.SimpleQueue()
    for _ in range(threads):
        encoders.put(None)

    def encode(planes, index):
        encoder = encoders.get() or PictureEncoder(sequence)
        try:
            return encoder.encode(planes, index)
        finally:
            encoders.put(encoder)

    with ThreadPoolExecutor(threads) as pool:
        waiting = deque()
        for index, planes in enumerate(pictures):
            waiting.append(pool.submit(encode, planes, index))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _write_access_unit(sequence, coded, index, sink):
    """(7.4.2.4.4) Write the picture's NAL units in their order. -> its report with the bits filled in"""
    config = sequence.config
    units = []
    if config.AccessUnitDelimiter:
        units.append(nal_unit(AUD_NUT, write_rbsp(access_unit_delimiter_rbsp, Aud(AUD_I))))
    if index == 0 or config.ReWriteParamSetsFlag:
        units.append(nal_unit(VPS_NUT, write_rbsp(video_parameter_set_rbsp, sequence.vps)))
        units.append(nal_unit(SPS_NUT, write_rbsp(seq_parameter_set_rbsp, sequence.sps)))
        units.append(nal_unit(PPS_NUT, write_rbsp(pic_parameter_set_rbsp, sequence.pps)))
    units += coded.slices
    data = b"".join(annexb(unit, position == 0) for position, unit in enumerate(units))
    sink.write(data)
    sink.write(b"".join(annexb(unit) for unit in coded.suffix))
    return replace(coded.report, bits=8 * len(data))
