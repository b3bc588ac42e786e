"""What chapters work with: the clip in media/, the codec in this process, and commands that are typed."""

import functools
import io
import os
import shlex
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from cli.course.chapter import ROOT
from cli.course.shown import Typed

CLIP = "media/CiscoVT2people_320x192_12.yuv"
QPS = (22, 27, 32, 37)
_PROGRAMS = "pyenc pydec pybd pysweep pyalloc pyinspect pytrain".split()


@functools.cache
def clip():
    """The pictures of the clip: [Y, Cb, Cr] int16 planes each, of 8 bits."""
    from codec.base.io.reader import open_source, read_pictures

    with open_source(str(ROOT / CLIP)) as source:
        return list(read_pictures(source, 0, None, 8, 1))


@dataclass
class Coded:
    """What the encoder made of the clip: the stream, a PictureReport and planes for each picture, in output order."""

    options: str
    stream: bytes = field(repr=False)
    reports: list = field(repr=False)

    @property
    def bits(self):
        """Of the whole stream."""
        return 8 * len(self.stream)

    def psnr(self, component=0):
        """Mean PSNR of the pictures in dB; component 0 Y, 1 U, 2 V."""
        return float(np.mean([report.psnr[component] for report in self.reports]))

    def tool(self, name):
        """Mean of a column that tools add to reports."""
        return float(np.mean([report.tools[name] for report in self.reports]))

    @functools.cached_property
    def pictures(self):
        """The stream, decoded: DecodedPictures with their statistics."""
        from codec.h265.config import DecoderConfig, validated
        from codec.h265.decoder.decode import decode_stream

        return list(decode_stream(validated(DecoderConfig(BlockStatistics=True)), io.BytesIO(self.stream)))


@functools.cache
def code(options):
    """Code the clip as `pyenc -i CLIP` does with these options, one string. -> Coded"""
    with _job(options) as (config, pictures):
        return _coded(options, config, pictures)


def config_of(options):
    """The EncoderConfig of the same."""
    with _job(options) as (config, _):
        return config


def code_area(options, left, top, width, height):
    """The same for an area of the clip, in luma samples. -> Coded"""
    with _job(options) as (config, pictures):
        config = replace(config, SourceWidth=width, SourceHeight=height)
        return _coded(options, config, [area(planes, left, top, width, height) for planes in pictures])


def _coded(options, config, pictures):
    from codec.h265.encoder.encode import encode_sequence

    sink = io.BytesIO()
    reports = list(encode_sequence(config, pictures, sink))
    return Coded(options, sink.getvalue(), sorted(reports, key=lambda report: report.index))


def area(planes, left, top, width, height):
    """An area of a 4:2:0 picture, in luma samples, as planes of their own."""
    steps = (1, 2, 2)
    return [
        plane[top // s : (top + height) // s, left // s : (left + width) // s].copy()
        for plane, s in zip(planes, steps, strict=True)
    ]


def stages(options):
    """The same, looked on at: a cli.train.record.Record of each picture, in coding order."""
    from cli.train.record import records

    with _job(options) as (config, pictures):
        return list(records(config, pictures))


@contextmanager
def _job(options):
    """(config, pictures) of options as they are typed."""
    from cli.encoder_job import make_job, open_source
    from cli.options import ENCODER_OPTIONS
    from cli.settings import parse_command_line
    from codec.base.io.reader import read_pictures

    arguments = ["-i", str(ROOT / CLIP), "-o", "-", *shlex.split(options)]
    settings = parse_command_line(ENCODER_OPTIONS, arguments)
    with open_source(settings) as source:
        job, config = make_job(settings, source)
        yield config, read_pictures(source, job.frame_skip, job.frames, config.InternalBitDepth, 1)


def typed(command, picture="", first=10, last=12):
    """Run a command of bash as a person would type it; RuntimeError where it fails. -> Typed

    picture, first, last: what is shown, see Typed
    """
    programs = "".join(f'{name}() {{ {shlex.quote(sys.executable)} -m cli.{name} "$@"; }}\n' for name in _PROGRAMS)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    made = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", programs + command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env={**os.environ, "PYTHONPATH": path}, check=False,
    )  # fmt: skip
    if made.returncode:
        raise RuntimeError(f"{command}\n{made.stdout}")
    return Typed(command, made.stdout, str(Path(picture).resolve()) if picture else "", first, last)


def grey(plane):
    """uint8 of a plane of 8 bits."""
    return np.clip(plane, 0, 255).astype(np.uint8)


def rgb(planes):
    """uint8 (rows, columns, 3) of Y'CbCr planes of 8 bits."""
    from cli.inspect.canvas import to_bgr

    return to_bgr(planes, (8, 8))[..., ::-1]


def change(after, before, gain=8):
    """uint8 grey picture of the difference of two planes: 128 where there is none, `gain` times as strong."""
    return np.clip(128 + gain * (after.astype(int) - before), 0, 255).astype(np.uint8)


def overlay(picture, layers, scale=4):
    """uint8 RGB of a DecodedPicture with layers of `pyinspect`, one string with commas."""
    from cli.inspect.overlay import draw_layers

    return draw_layers(picture, layers.split(","), scale)[0][..., ::-1]


def psnr(plane, original, peak=255):
    """PSNR in dB of a plane of 8 bits."""
    error = np.mean((plane.astype(float) - original) ** 2)
    return float(10 * np.log10(peak**2 / error))


def entropy(values):
    """Bits a sample of whole numbers, from how often each occurs."""
    counts = np.unique(np.asarray(values).ravel(), return_counts=True)[1]
    p = counts / counts.sum()
    return float(-(p * np.log2(p)).sum())


def bd_rates(anchor, test, qps=QPS):
    """BD-rates of Y, U and V in percent of `test` against `anchor`: options of `code`, without -q."""
    from cli.measure.bd import bd_rate

    found = []
    for component in range(3):
        lines = [[(made.bits, made.psnr(component)) for made in curve(options, qps)] for options in (anchor, test)]
        found.append(float(bd_rate(*lines).value))
    return found


def curve(options, qps=QPS):
    """[Coded] at several QPs."""
    return [code(f"{options} -q {qp}") for qp in qps]
