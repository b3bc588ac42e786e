"""Where the time of an encoding and a decoding goes, stage by stage, in CPU seconds of one thread."""

import io
import time
from collections import defaultdict
from contextlib import contextmanager
from unittest import mock

from codec.h265.config import DecoderConfig, EncoderConfig, validated
from codec.h265.decoder import coded_picture, decode, slice_data
from codec.h265.encoder import encode
from codec.h265.encoder.picture import picture_encoder, row_finisher
from codec.h265.encoder.search import ctu_search

_ENCODER = {
    "search": (ctu_search, "_search"),
    "inter prediction": (ctu_search, "_predict_inter"),
    "reconstruction": (ctu_search, "_reconstruct"),
    "filters and SAO decision": (row_finisher.RowFinisher, "row_searched"),
    "writing": (picture_encoder.SliceWriter, "write"),
    "hash": (picture_encoder, "picture_hash"),
    "all": (picture_encoder.PictureEncoder, "encode"),
}
_DECODER = {
    "parsing": (slice_data, "_read_ctus"),
    "inter prediction": (slice_data, "_predict_inter"),
    "reconstruction": (slice_data, "_reconstruct"),
    "filters": (coded_picture, "apply_filters"),
    "hash": (coded_picture, "picture_hash"),
}


@contextmanager
def _timed(functions):
    """{stage: seconds} of every call of the functions named, while the block runs."""
    seconds = defaultdict(float)

    def wrap(stage, function):
        def run(*arguments, **options):
            started = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                seconds[stage] += time.perf_counter() - started

        return run

    patches = [mock.patch.object(owner, name, wrap(s, getattr(owner, name))) for s, (owner, name) in functions.items()]
    for patch in patches:
        patch.start()
    try:
        yield seconds
    finally:
        for patch in patches:
            patch.stop()


def encoder_stages(pictures, width, height, qp):
    """({stage: seconds}, stream) of an intra encoding of `pictures`."""
    config = validated(EncoderConfig(SourceWidth=width, SourceHeight=height, QP=qp, Threads=1))
    sink = io.BytesIO()
    list(encode.encode_sequence(config, pictures[:1], io.BytesIO()))  # kernels are loaded
    with _timed(_ENCODER) as seconds:
        list(encode.encode_sequence(config, pictures, sink))
    return dict(seconds), sink.getvalue()


def decoder_stages(stream):
    """{stage: seconds} of a decoding, with "all"."""
    list(decode.decode_stream(DecoderConfig(Threads=1), io.BytesIO(stream)))
    started = time.perf_counter()
    with _timed(_DECODER) as seconds:
        list(decode.decode_stream(DecoderConfig(Threads=1), io.BytesIO(stream)))
    return {**seconds, "all": time.perf_counter() - started}
