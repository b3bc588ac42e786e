"""Coding a clip in segments, by processes of this machine or a Dask cluster; their streams in order are the stream."""

import io
import os
import pickle
import tempfile
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from cli import workers
from codec.base.errors import CodecError, InputError, UsageError
from codec.base.io.writer import open_output


@dataclass(frozen=True)
class Parallel:
    """Who codes segments; jobs: how many at the same time, 0 as many as the machine or the cluster can."""

    jobs: int
    scheduler: str
    source: tuple  # arguments of codec.base.io.reader.open_source
    source_format: Any
    source_frames: int
    has_recon: bool


@dataclass(frozen=True)
class _Task:
    """What a worker needs to know. spool: the file that takes what it makes, "" to have it sent back."""

    parallel: Parallel
    config: Any
    segment: Any
    skip: int
    spool: str
    version: str


def parallel_of(settings, source, source_arguments, config, frames, has_recon):
    """(Parallel or None, notes): who codes the clip, None for this process; UsageError where segments cannot be."""
    from codec.h265.encoder.plan.segments import segments
    from codec.h265.encoder.plan.structure import analyse

    jobs, scheduler = settings["jobs"], settings["scheduler"]
    if scheduler and not settings.given("jobs"):
        jobs = 0
    if not scheduler:
        jobs = jobs or os.cpu_count() or 1
        if jobs == 1:
            return None, []
    option = "--scheduler" if scheduler else f"--jobs={jobs}"
    if config.RateControl:
        raise UsageError(f"{option} and RateControl=1: the bits of each picture steer those that follow; leave one out")
    name, *rest = source_arguments
    if name == "-" or source.frames is None:
        raise UsageError(f"{option} reads the source at several places at once: give a file, not a pipe")
    if len(list(islice(segments(config, frames, analyse(config).nested), 2))) < 2:
        return None, [f"{option} has no effect: there is no intra picture at which this clip can be cut"]
    where = os.path.abspath(name) if scheduler else name
    return Parallel(jobs, scheduler, (where, *rest), source.format, source.frames, has_recon), []


def encode_in_segments(config, job, sink):
    """As codec.h265.encoder.encode.encode_sequence, for a job with a Parallel; workers read the source themselves.

    No more segments are coded, or wait for their turn, than twice the number of workers; those that wait are in files.
    """
    from codec.h265.encoder.plan.segments import segments
    from codec.h265.encoder.plan.structure import analyse

    parallel, version = job.parallel, _version()
    numbered = enumerate(segments(config, job.frames, analyse(config).nested))
    config = replace(config, Threads=_threads(config, parallel))
    waiting, finished, turn = {}, {}, 0
    with tempfile.TemporaryDirectory(prefix="pyenc-") as folder, _workers(parallel) as (executor, width):
        while True:
            free = 2 * max(1, width()) - len(waiting) - len(finished)
            for number, segment in islice(numbered, max(0, free)):
                file = Path(folder, str(number))
                spool = "" if parallel.scheduler else str(file)
                task = _Task(parallel, config, segment, job.frame_skip, spool, version)
                waiting[executor.submit(code_segment, task)] = number, file, segment
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                number, file, segment = waiting.pop(future)
                _keep(future, file, segment)
                finished[number] = file
            while turn in finished:
                yield from _pictures(finished.pop(turn), sink)
                turn += 1


def _threads(config, parallel):
    """Threads of each worker: the machine's cores are shared out; a cluster's workers have their own number each."""
    if config.Threads:
        return config.Threads
    return 1 if parallel.scheduler else max(1, (os.cpu_count() or 1) // parallel.jobs)


@contextmanager
def _workers(parallel):
    if parallel.scheduler:
        with workers.cluster(parallel.scheduler) as (executor, width):
            yield executor, lambda: min(parallel.jobs or width(), width())
    else:
        with workers.processes(parallel.jobs) as executor:
            yield executor, lambda: parallel.jobs


def _keep(future, file, segment):
    """Let `file` hold what a worker made; what it raised is raised."""
    begin, count = segment.span
    where = f"pictures {begin} to {begin + count - 1}"
    try:
        data = future.result()
    except BrokenExecutor:
        raise CodecError(f"{where}: the process that coded them was killed (out of memory? use fewer --jobs)") from None
    except CancelledError:
        raise CodecError(f"{where}: the cluster's scheduler gave them up, or went away") from None
    except Exception as error:
        # Dask's, which cannot be named without importing it
        if type(error).__name__ != "KilledWorker":
            raise
        raise CodecError(f"{where}: the workers that coded them died, one after another") from None
    if data is not None:
        with _spool(str(file)) as spool:
            spool.write(data)


def _pictures(file, sink):
    """Write a segment's access units to `sink`; yields the PictureReports."""
    with file.open("rb") as spool:
        for _ in range(pickle.load(spool)):
            data, report = pickle.load(spool)
            sink.write(data)
            yield replace(report, recon=[plane.astype(np.int16) for plane in report.recon])
    file.unlink()


def code_segment(task):
    """In a worker: code the segment of a _Task. -> bytes for _pictures, or None when they are in its spool file"""
    from codec.base.io.reader import open_source, read_pictures
    from codec.common.source.temporal_filter import source_span
    from codec.h265.encoder.encode import encode_segment

    if task.version != _version():
        raise UsageError("a worker has another version of pyenc, which may code otherwise: install the same everywhere")
    parallel, config = task.parallel, task.config
    begin, count = source_span(config, *task.segment.span)
    with open_source(*parallel.source) as source, _spool(task.spool) as spool:
        if (source.format, source.frames) != (parallel.source_format, parallel.source_frames):
            raise InputError(f"{source.name}: a worker finds another file of that name")
        pictures = read_pictures(source, task.skip + begin, count, config.InternalBitDepth, config.chroma_format_idc)
        pickle.dump(len(task.segment.pictures), spool)
        sink = io.BytesIO()
        for report in encode_segment(config, task.segment, pictures, sink):
            pickle.dump((sink.getvalue(), _sent(report, parallel, config)), spool)
            sink.seek(0)
            sink.truncate()
        return None if task.spool else spool.getvalue()


@contextmanager
def _spool(name):
    if not name:
        yield io.BytesIO()
        return
    with open_output(name) as file:
        yield file


def _sent(report, parallel, config):
    """The report with the reconstruction where it is wanted, in as few bytes as it takes."""
    if not parallel.has_recon:
        return replace(report, recon=[], rgb=None)
    dtype = np.uint8 if config.InternalBitDepth <= 8 else np.int16
    return replace(report, recon=[plane.astype(dtype) for plane in report.recon])


def _version():
    """Tells sources apart that may make different streams."""
    from codec.base.kernels.digest import closure_digest

    return closure_digest("codec.h265.encoder.encode", "codec.h265.encoder.plan.segments", "codec.base.io.reader")
