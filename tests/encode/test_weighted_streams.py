"""Weighted prediction in whole streams: all decoders make the same of them, and fades need fewer bits.

Fades are made of the clip of the project, shown forwards and backwards.
"""

import functools
import hashlib
import io

import numpy as np
import pytest

from codec.h265.encoder.encode import encode_sequence
from tests.codec.h265.encoder.plan.gops import cfg_config
from tests.conformance import foreign
from tests.encode.test_streams import MIDDLE_CTU, source_pictures

CLIP_PICTURES = 5

# name: (cfg, kind of fade, number of pictures, changes)
CASES = {
    "p_to_black": ("lowdelay_P_main", "black", 5, {}),
    "p_to_white_ten_bit": ("lowdelay_P_main10", "white", 5, dict(InternalBitDepth=10, QP=24)),
    "p_from_black": ("lowdelay_P_main", "from black", 5, {}),
    "p_monochrome": ("lowdelay_P_main", "black", 4, dict(ChromaFormatIDC=400, Profile="auto")),
    "p_slices": ("lowdelay_P_main", "white", 4, dict(SliceMode=1, SliceArgument=3, **MIDDLE_CTU)),
    "b_to_black": ("lowdelay_main", "black", 5, {}),
    "b_to_white_ten_bit": ("lowdelay_main10", "white", 4, dict(InternalBitDepth=10)),
    "random_access_to_black": ("randomaccess_main", "black", 9, dict(QP=27)),
    "random_access_ten_bit": ("randomaccess_main10", "white", 5, dict(InternalBitDepth=10)),
    "random_access_cross": ("randomaccess_main", "cross", 5, {}),
}


def fade(kind, width, height, count, bit_depth, chroma):
    """`count` pictures of the clip that fade to another picture or from it."""
    clip = list(source_pictures(width, height, CLIP_PICTURES, bit_depth, chroma))
    clip = (clip + clip[-2:0:-1]) * count
    other = {"white": (235, 128, 128)}.get(kind, (16, 128, 128))
    other = [np.full_like(plane, value << (bit_depth - 8)) for plane, value in zip(clip[0], other, strict=False)]
    if kind == "cross":
        other = [plane[::-1, ::-1] for plane in clip[2]]
    for index, planes in enumerate(clip[:count]):
        part = (index + 1 if kind == "from black" else count - index) / count
        pairs = zip(planes, other, strict=True)
        yield [np.round(part * plane + (1 - part) * last).astype(np.int16) for plane, last in pairs]


def encode(cfg, kind, count, changes, weighted=True):
    """(stream bytes, md5 of the reconstruction in display order, reports in coding order)"""
    changes = dict(changes)
    width, height = changes.pop("size", (128, 64))
    switches = dict(WeightedPredP=weighted, WeightedPredB=weighted)
    config = cfg_config(cfg, SourceWidth=width, SourceHeight=height, **switches, **changes)
    source = fade(kind, width, height, count, config.InternalBitDepth, config.chroma_format_idc)
    sink, digest = io.BytesIO(), hashlib.md5()
    reports = list(encode_sequence(config, source, sink))
    for report in sorted(reports, key=lambda report: report.index):
        for plane in report.recon:
            digest.update(plane.astype("u1" if config.InternalBitDepth == 8 else "<u2").tobytes())
    return sink.getvalue(), digest.hexdigest(), reports


@functools.lru_cache(maxsize=1)
def encoded(name):
    """encode() of a case, kept until the next one: all decoders get the same stream."""
    return encode(*CASES[name])


# dec265 writes 4:0:0 as 4:2:0
@pytest.mark.parametrize(("name", "decoder"), foreign.in_all_decoders(CASES, {"p_monochrome"}))
def test_all_decoders_reproduce_the_reconstruction(name, decoder, tmp_path):
    data, expected, _ = encoded(name)
    stream = tmp_path / "stream.bin"
    stream.write_bytes(data)
    assert foreign.DECODERS[decoder](stream) == expected


# (bits with weights / bits without, dB of luma gained); measured: 0.69 and 3.3, 1.03 and 1.5
@pytest.mark.parametrize(
    ("cfg", "most", "gained"),
    [("lowdelay_P_main", 0.75, 2.5), ("randomaccess_main", 1.05, 1.2)],
)
def test_a_fade_to_black_pays(cfg, most, gained):
    figures = []
    for weighted in (False, True):
        _, _, reports = encode(cfg, "black", 17, dict(size=(192, 128)), weighted)
        figures.append((sum(r.bits for r in reports), sum(r.psnr[0] for r in reports) / 17))
    (bits, quality), (fewer, better) = figures
    assert fewer < most * bits, figures
    assert better > quality + gained, figures


def test_where_nothing_fades_weights_cost_their_flags_only():
    """Streams differ in slice headers: the same pictures, at most four bytes a picture more."""
    figures = []
    for weighted in (False, True):
        config = cfg_config("lowdelay_P_main", WeightedPredP=weighted)
        sink = io.BytesIO()
        reports = list(encode_sequence(config, source_pictures(128, 64, 4, 8, 1), sink))
        figures.append((len(sink.getvalue()), [report.hash for report in reports]))
    assert figures[0][1] == figures[1][1]
    assert 0 <= figures[1][0] - figures[0][0] <= 12
