"""pyenc: the encoder's command line."""

import dataclasses
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

from cli import collector, fail
from cli.options import ENCODER_OPTIONS
from cli.settings import parse_command_line

HEVC = "h265"

_PROGRAM = "pyenc"


def main():
    """Entry point: run on sys.argv and end the process with the exit code."""
    collector.hold()
    sys.exit(fail.run(_PROGRAM, run, sys.argv[1:]))


def run(arguments):
    """Do what the arguments say; returns an exit code or raises CodecError."""
    settings = parse_command_line(ENCODER_OPTIONS, arguments)
    if settings["help"] or settings["version"] or not arguments:
        from cli import help as texts

        show_help = settings["help"] or not arguments
        text = texts.help_text(_PROGRAM, ENCODER_OPTIONS) if show_help else texts.version_text(_PROGRAM)
        print(text.rstrip("\n"))
        return 0
    if settings["warm-up"]:
        from cli.terminal import warm_up

        warm_up(_PROGRAM, "all")
        print(f"{_PROGRAM}: all kernels are compiled")
        return 0
    if settings["Codec"] != HEVC:
        from cli.learned import encode

        return encode(_PROGRAM, settings, arguments)
    return _encode(settings, arguments)


def _encode(settings, arguments):
    from cli import encoder_job, report
    from cli.help import version_text
    from cli.terminal import report_stream, warm_up
    from codec.base.io.writer import announce_outputs

    announce_outputs(*encoder_job.outputs(settings))
    with encoder_job.open_source(settings) as source:
        job, config = encoder_job.make_job(settings, source)
        for warning in job.warnings:
            fail.warn(_PROGRAM, warning)
        warm_up(_PROGRAM, "encoder")
        started = time.perf_counter()
        lines = report_stream(job.bitstream_name, job.recon_name, job.json_name, job.csv_name, job.trace_name)
        header = report.encoder_header(config, job, version_text(_PROGRAM))
        for note in job.notes:
            header += f"Note: {note}\n"
        print(header, file=lines, flush=True)
        pictures, byte_count = _code_pictures(config, job, source, lines)
    seconds = time.perf_counter() - started
    print(report.summary(pictures, config, byte_count, seconds), end="", file=lines, flush=True)
    _write_records(job, config, arguments, pictures, byte_count, seconds)
    return 0


class _CountingSink:
    """The bitstream file, counting the bytes that go into it (a pipe cannot tell)."""

    def __init__(self, file):
        self._file = file
        self.count = 0

    def write(self, data):
        self.count += len(data)
        return self._file.write(data)

    def flush(self):
        self._file.flush()


def _code_pictures(config, job, source, lines):
    """Code all pictures; returns (their reports without samples, bytes written)."""
    from cli import report
    from cli.inspect.yuview import TraceWriter
    from cli.recon import open_recon
    from cli.terminal import progress
    from codec.base.io.writer import whole_file

    reports = []
    with ExitStack() as stack:
        sink = _CountingSink(stack.enter_context(whole_file(job.bitstream_name)))
        writer = None
        if job.recon_name:
            about = {"frame_rate": config.FrameRate, "sample_aspect": config.sample_aspect}
            writer = DisplayOrder(stack.enter_context(open_recon(job.recon_name, job.output_depth, **about)))
        trace = None
        if job.trace_name:
            file = stack.enter_context(whole_file(job.trace_name))
            trace = TraceWriter(file, Path(job.input_name).name, config.FrameRate)
        bar = stack.enter_context(progress(job.frames, "picture", _PROGRAM))
        for picture in stack.enter_context(closing(_coded_pictures(config, job, source, sink))):
            bar.write(report.encoder_line(picture), file=lines)
            lines.flush()
            bar.update()
            if writer:
                writer.write(picture, (config.InternalBitDepth,) * 2)
            if trace:
                trace.write(picture.index, picture.statistics)
            reports.append(dataclasses.replace(picture, recon=[], rgb=None, statistics=None))
            if len(reports) == 1:
                collector.release()
        if writer:
            writer.end()
    return reports, sink.count


def _coded_pictures(config, job, source, sink):
    """The generator of PictureReports, in coding order; the stream goes into `sink`."""
    from cli import encoder_job
    from codec.base.io.reader import read_pictures
    from codec.h265.encoder.encode import encode_sequence

    if job.parallel:
        from cli.segments import encode_in_segments

        return encode_in_segments(config, job, sink)
    pictures = read_pictures(source, job.frame_skip, job.frames, config.InternalBitDepth, config.chroma_format_idc)
    return encode_sequence(config, encoder_job.pictures_with_qps(config, pictures), sink)


class DisplayOrder:
    """Passes reconstructions, which come in coding order, to a function of cli.recon in display order."""

    def __init__(self, write):
        self._write, self._waiting, self._next = write, {}, 0

    def write(self, picture, bit_depths):
        """Take one PictureReport; write all pictures whose turn has come."""
        self._waiting[picture.index] = (picture.recon, bit_depths, picture.colour, picture.rgb)
        while self._next in self._waiting:
            self._write(*self._waiting.pop(self._next))
            self._next += 1

    def end(self):
        """Write what waits for pictures that never came."""
        for index in sorted(self._waiting):
            self._write(*self._waiting.pop(index))


def _write_records(job, config, arguments, pictures, byte_count, seconds):
    from cli import records, report
    from cli.help import version_text
    from codec.base.io.writer import write_text

    if job.json_name:
        document = {
            "program": version_text(_PROGRAM),
            "arguments": arguments,
            "config": dataclasses.asdict(config),
            "pictures": [records.picture_record(picture) for picture in pictures],
            "summary": report.means(pictures, config),
            "bytes": byte_count,
            "seconds": seconds,
        }
        write_text(job.json_name, records.json_text(document))
    if job.csv_name:
        write_text(job.csv_name, records.csv_text(pictures))


if __name__ == "__main__":
    main()
