"""Streams with the output filter: the decoder outputs what the encoder says, and refers to what it always did.

Nets are made by hand, and are of use to nobody: where the encoder's own decision would leave them off, one is put in
its place that does not.
"""

import hashlib
import io
import json

import numpy as np
import pytest

from cli import pydec as pydec_program
from cli import pyenc as pyenc_program
from codec.base.errors import CodecError, Unsupported, UsageError
from codec.base.picture import SourcePicture
from codec.h265.config import DecoderConfig, validated
from codec.h265.decoder.decode import decode_stream
from codec.h265.encoder.encode import encode_sequence
from codec.h265.tools.output_filter import decide as output_filter_decide
from codec.h265.tools.output_filter.decide import OutputChoice
from tests.codec.h265.encoder.plan.gops import cfg_config
from tests.codec.h265.tools.small_nets import full_net, publish_nets, rgb_net
from tests.encode.test_cnn_streams import damage, encode_with, pydec
from tests.encode.test_streams import MIDDLE_CTU, source_pictures
from tests.fuzz.mutate import nal_units
from tests.fuzz.run import ALLOWED

cv2 = pytest.importorskip("cv2")

BT709 = dict(
    VuiParametersPresent=True, VideoSignalTypePresent=True, ColourDescriptionPresent=True, MatrixCoefficients=1
)
# name: (cfg, number of pictures, changes)
CASES = {
    "still": ("intra_main", 1, {}),
    "intra": ("intra_main", 3, BT709),
    "odd_size": ("intra_main", 1, dict(size=(66, 50), VideoFullRange=True, **BT709)),
    # (E.2.1) what the VUI does not send is no matrix and no range of the decoder's
    "matrix_that_is_not_sent": ("intra_main", 1, {**BT709, "ColourDescriptionPresent": False}),
    "nothing_is_sent": ("intra_main", 1, {**BT709, "VideoSignalTypePresent": False, "VideoFullRange": True}),
    "slices": ("intra_main", 2, dict(SliceMode=1, SliceArgument=3, **MIDDLE_CTU)),
    "ten_bit": ("lowdelay_main10", 2, dict(InternalBitDepth=10)),
    "random_access": ("randomaccess_main", 5, {}),
    "behind_the_loop_filter": ("lowdelay_P_main", 3, dict(CnnLoopFilter="lop")),
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    directory = tmp_path_factory.mktemp("nets") / "weights"
    return str(directory), publish_nets(directory, rgb=rgb_net(), full=full_net())


def in_turns(correction, original):
    """Stands for decide_output_filter: another scale for every second picture, off in the others."""
    number = int(correction.planes[0].sum())
    scale = number // 2 % 4 if number % 2 else None
    return OutputChoice(scale, (30.0, 31.0), correction.output(scale))


def encode(cfg, count, changes, directory, threads=1, output_filter="cnnif_xs"):
    """(stream, reports in display order)"""
    settings = dict(Threads=threads, CnnOutputFilter=output_filter, WeightsDir=directory)
    return encode_with(cfg, count, changes, **settings)[:2]


def md5(reports):
    digest = hashlib.md5()
    for plane in (plane for report in reports for plane in report.recon):
        digest.update(plane.astype("u1" if reports[0].recon[0].max() < 256 else "<u2").tobytes())
    return digest.hexdigest()


def decoded(stream, directory, **settings):
    config = validated(DecoderConfig(WeightsDir=directory, CnnBackend="compiled", **settings))
    return list(decode_stream(config, io.BytesIO(stream)))


@pytest.mark.parametrize("name", CASES)
def test_decoder_outputs_the_encoders_pictures(name, weights, monkeypatch):
    monkeypatch.setattr(output_filter_decide, "decide_output_filter", in_turns)
    stream, reports = encode(*CASES[name], weights[0])
    for threads in (1, 2):
        pictures = decoded(stream, weights[0], Threads=threads)
        assert len(pictures) == len(reports)
        for picture, report in zip(pictures, reports, strict=True):
            assert picture.hash_status == "OK"
            assert all(np.array_equal(a, b) for a, b in zip(picture.planes, report.recon, strict=True))
            if picture.rgb is None:
                assert report.tools["cnn_output_filter_weight"] == 0
            else:
                assert report.tools["cnn_output_filter_weight"] > 0 and np.array_equal(picture.rgb, report.rgb)


def test_pictures_that_are_referred_to_are_what_they_were(weights, monkeypatch):
    monkeypatch.setattr(
        output_filter_decide,
        "decide_output_filter",
        lambda correction, _: OutputChoice(0, (1.0, 2.0), correction.output(0)),
    )
    _, plain = encode("lowdelay_P_main", 3, {}, weights[0], output_filter="off")
    _, filtered = encode("lowdelay_P_main", 3, {}, weights[0])
    assert [report.hash for report in plain] == [report.hash for report in filtered]
    for a, b in zip(plain, filtered, strict=True):
        # the flag and the scale, and the net's id in the parameter sets of the first
        assert 0 <= b.bits - a.bits <= 160
        assert not np.array_equal(a.recon[0], b.recon[0]) and a.tools == {} and a.rgb is None


@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_a_fresh_process_makes_the_same_pictures(weights, tmp_path, monkeypatch, backend):
    monkeypatch.setattr(output_filter_decide, "decide_output_filter", in_turns)
    stream, reports = encode(*CASES["intra"], weights[0], threads=2)
    assert len({report.tools["cnn_output_filter_weight"] for report in reports}) > 1
    status, digest, errors = pydec(stream, tmp_path, f"--WeightsDir={weights[0]}", f"--CnnBackend={backend}")
    assert (status, digest) == (0, md5(reports)), errors


def write_source(path, seed=3):
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.integers(0, 256, (64, 96, 3)).astype(np.uint8), (0, 0), 2)
    image = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX)
    assert cv2.imwrite(str(path), image)
    return image


def test_programs_write_images(weights, tmp_path, monkeypatch):
    seen = []

    def decide(correction, original):
        seen.append(original)
        return in_turns(correction, original)._replace(scale_idx=1, output=correction.output(1))

    monkeypatch.setattr(output_filter_decide, "decide_output_filter", decide)
    images = [write_source(tmp_path / f"in{n}.png", n) for n in range(2)]
    options = [f"--WeightsDir={weights[0]}", "--CnnOutputFilter=cnnif_xs", "--CnnOutputFilterNets=rgb", "-q", "40"]
    files = ["-i", str(tmp_path / "in%d.png"), "-o", str(tmp_path / "s.bin"), "-r", str(tmp_path / "rec%02d.png")]
    records = [f"--json={tmp_path / 'e.json'}", f"--csv={tmp_path / 'e.csv'}", "--threads=1"]
    assert pyenc_program.run(["-c", "encoder_intra_main.cfg", *files, *options, *records]) == 0
    assert all(np.array_equal(a, b[:, :, ::-1]) for a, b in zip(seen, images, strict=True))
    pictures = json.loads((tmp_path / "e.json").read_text())["pictures"]
    assert [picture["cnn_output_filter_weight"] for picture in pictures] == [0.75, 0.75]
    assert pictures[0]["psnr_rgb_without"] == 30 and pictures[0]["psnr_rgb"] == 31
    assert "psnr_rgb," in (tmp_path / "e.csv").read_text().splitlines()[0] + ","
    decode = ["-i", str(tmp_path / "s.bin"), options[0]]
    assert pydec_program.run([*decode, "-o", str(tmp_path / "dec%d.png")]) == 0
    for n in range(2):
        ours, theirs = (tmp_path / f"rec{n:02d}.png").read_bytes(), (tmp_path / f"dec{n}.png").read_bytes()
        assert ours == theirs
    with pytest.raises(UsageError, match="one.png holds one picture.*; 1 whole picture before it kept"):
        pydec_program.run([*decode, "-o", str(tmp_path / "one.png")])
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "dec0.png").read_bytes()
    for wrong in (["-o", str(tmp_path / "a.jpg")], ["-o", str(tmp_path / "a.png"), "-d", "10"]):
        with pytest.raises(UsageError):
            pydec_program.run([*decode, *wrong])


def test_images_of_plain_streams_are_the_pictures(weights, tmp_path):
    image = np.repeat(write_source(tmp_path / "in.png")[..., 1:2], 3, 2)
    cv2.imwrite(str(tmp_path / "in.png"), image)
    files = ["-i", str(tmp_path / "in.png"), "-o", str(tmp_path / "s.bin")]
    assert pyenc_program.run(["-c", "encoder_intra_main.cfg", *files, "-q", "4"]) == 0
    assert pydec_program.run(["-i", str(tmp_path / "s.bin"), "-o", str(tmp_path / "out.png")]) == 0
    out = cv2.imread(str(tmp_path / "out.png"))
    assert np.abs(out.astype(int) - image).max() <= 4


def test_jobs_make_the_same_stream(weights, tmp_path):
    for n in range(3):
        write_source(tmp_path / f"in{n}.png", n)
    made = []
    for jobs in (1, 2):
        options = [f"--WeightsDir={weights[0]}", "--CnnOutputFilter=cnnif_xs", "-q", "40", f"--jobs={jobs}"]
        recon, stream = tmp_path / f"{jobs}_%d.png", tmp_path / f"{jobs}.bin"
        files = ["-i", str(tmp_path / "in%d.png"), "-o", str(stream), "-r", str(recon)]
        assert pyenc_program.run(["-c", "encoder_intra_main.cfg", *files, *options]) == 0
        made.append([stream.read_bytes()] + [(tmp_path / f"{jobs}_{n}.png").read_bytes() for n in range(3)])
    assert made[0] == made[1]


def test_missing_weights_end_before_the_first_picture(weights, tmp_path):
    stream, _ = encode("intra_main", 1, {}, weights[0])
    publish_nets(tmp_path / "empty")
    status, digest, errors = pydec(stream, tmp_path, f"--WeightsDir={tmp_path / 'empty'}")
    assert (status, digest) == (7, hashlib.md5().hexdigest())
    assert weights[1]["rgb"] in errors and "CnnOutputFilter" in errors and len(errors.strip().splitlines()) == 1


def test_damaged_streams_end_as_documented(weights, monkeypatch):
    monkeypatch.setattr(output_filter_decide, "decide_output_filter", in_turns)
    units, ends = nal_units(encode(*CASES["slices"], weights[0])[0]), {}
    for seed in range(120):
        try:
            pictures = decoded(damage(np.random.default_rng(seed), units), weights[0])
            end = 5 if any(picture.hash_status == "ERROR" for picture in pictures) else 0
        except CodecError as error:
            end = error.exit_code
        ends[end] = ends.get(end, 0) + 1
    assert set(ends) <= ALLOWED | {7} and ends.get(4, 0) > 15 and ends.get(0, 0) + ends.get(5, 0) > 10


def test_what_cannot_be_is_refused(weights):
    with pytest.raises(UsageError, match="4:2:0"):
        encode("intra_main", 1, dict(ChromaFormatIDC=400, Profile="auto"), weights[0])
    with pytest.raises(Unsupported, match="matrix_coeffs = 8"):
        encode("intra_main", 1, {**BT709, "MatrixCoefficients": 8}, weights[0])
    # a net of the loop filter in the output filter's place
    with pytest.raises(Unsupported, match="no output filter"):
        encode("intra_main", 1, dict(CnnOutputFilterNets="full"), weights[0])


def test_the_source_may_bring_its_own_rgb(weights):
    """What counts is the RGB of the image, where there is one."""
    config = cfg_config(
        "intra_main", SourceWidth=64, SourceHeight=64, CnnOutputFilter="cnnif_xs", WeightsDir=weights[0]
    )
    planes = next(iter(source_pictures(64, 64, 1, 8, 1)))
    alone = next(encode_sequence(config, [planes], io.BytesIO()))
    black = SourcePicture(planes, np.zeros((64, 64, 3), np.uint16))
    other = next(encode_sequence(config, [black], io.BytesIO()))
    assert other.tools["psnr_rgb_without"] < alone.tools["psnr_rgb_without"] - 10
    assert all(report.tools["psnr_rgb"] >= report.tools["psnr_rgb_without"] for report in (alone, other))
