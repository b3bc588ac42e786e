"""Rate control in the whole encoder: decoders reproduce it, the target is met, and every run makes the same stream."""

import functools
import hashlib
import io

import numpy as np
import pytest

from cli.options import ENCODER_OPTIONS
from cli.settings import parse_command_line
from codec.h265.config import EncoderConfig, validated
from codec.h265.encoder.encode import encode_sequence
from tests.conformance import foreign
from tests.encode.test_streams import SMALL_CTU, source_pictures

COUNT = 5
# cfg, target in bits a second, further settings
CASES = {
    "intra": ("intra", 400_000, {}),
    "low_delay": ("lowdelay_P", 150_000, {}),
    "random_access_pictures_only": ("randomaccess", 150_000, dict(LCULevelRateControl=False)),
    "slices_and_adaptive_qp": ("lowdelay", 200_000, dict(SliceMode=2, SliceArgument=500, AdaptiveQP=True)),
    "ten_bit_small_ctu": (
        "intra",
        400_000,
        dict(InternalBitDepth=10, Profile="main10", **SMALL_CTU),
    ),
    "one_model": ("lowdelay_P", 150_000, dict(RCLCUSeparateModel=False, KeepHierarchicalBit=1)),
}  # fmt: skip


def encode(name, threads=1):
    """(stream, md5 of the reconstruction in display order, reports)"""
    structure, target, more = CASES[name]
    wanted = parse_command_line(ENCODER_OPTIONS, ["-c", f"encoder_{structure}_main.cfg"])
    values = dict(wanted.config_values(), GOP=wanted.gop_rows(), SourceWidth=192, SourceHeight=128, Threads=threads)
    values.update(RateControl=True, TargetBitrate=target, FramesToBeEncoded=COUNT, SEIDecodedPictureHash=1)
    config = validated(EncoderConfig(**{**values, **more}))
    sink = io.BytesIO()
    reports = list(encode_sequence(config, source_pictures(192, 128, COUNT, config.InternalBitDepth, 1), sink))
    digest = hashlib.md5()
    for report in sorted(reports, key=lambda report: report.index):
        for plane in report.recon:
            digest.update(plane.astype("u1" if config.InternalBitDepth == 8 else "<u2").tobytes())
    return sink.getvalue(), digest.hexdigest(), reports


encoded = functools.lru_cache(maxsize=1)(encode)


@pytest.mark.parametrize(("name", "decoder"), foreign.in_all_decoders(CASES))
def test_decoders_reproduce_it_and_the_target_is_met(name, decoder, tmp_path):
    data, expected, reports = encoded(name)
    stream = tmp_path / "stream.bin"
    stream.write_bytes(data)
    assert foreign.DECODERS[decoder](stream) == expected
    rate = sum(report.bits for report in reports) * 30 / COUNT
    # five pictures of six CTUs leave little room to make up for a miss
    assert rate == pytest.approx(CASES[name][1], rel=0.08)


@pytest.mark.parametrize("name", ["intra", "low_delay"])
def test_every_run_makes_the_same_stream(name):
    assert encode(name)[0] == encode(name, threads=3)[0]


@pytest.mark.parametrize("size", [(96, 64), (64, 64)])
@pytest.mark.parametrize(("kbps", "most"), [(60, 1.06), (20, 1.08)])
def test_tiny_pictures_whose_detail_grows_from_nothing(size, kbps, most):
    """One or two CTUs, and a first picture that tells nothing of what comes."""
    wanted = parse_command_line(ENCODER_OPTIONS, ["-c", "encoder_lowdelay_P_main.cfg"])
    values = dict(wanted.config_values(), GOP=wanted.gop_rows(), SourceWidth=size[0], SourceHeight=size[1], Threads=1)
    values.update(RateControl=True, TargetBitrate=1000 * kbps, FramesToBeEncoded=30, SEIDecodedPictureHash=0)
    generator = np.random.default_rng(3)
    detail = generator.normal(0, 1, (size[1] // 2, size[0] // 2)).repeat(2, 0).repeat(2, 1)

    def picture(index):
        moved = np.roll(detail, (index // 2, index), (0, 1)) * 2 * index
        luma = np.clip(110 + moved + generator.normal(0, 1, moved.shape), 0, 255).astype(np.int16)
        return [luma, *(np.full((size[1] // 2, size[0] // 2), 128, np.int16) for _ in range(2))]

    reports = list(encode_sequence(validated(EncoderConfig(**values)), map(picture, range(30)), io.BytesIO()))
    assert 0.9 < sum(report.bits for report in reports) / (1000 * kbps) < most
