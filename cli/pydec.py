"""pydec: the decoder's command line."""

import dataclasses
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from cli import collector, fail
from cli.inspect.stream import open_bitstream
from cli.options import DECODER_OPTIONS
from cli.settings import parse_command_line
from codec.errors import CodecError, HashMismatch, InputError, UsageError

_PROGRAM = "pydec"


def main():
    """Entry point: run on sys.argv and end the process with the exit code."""
    collector.hold()
    sys.exit(fail.run(_PROGRAM, run, sys.argv[1:]))


def run(arguments):
    """Do what the arguments say; returns an exit code or raises CodecError."""
    settings = parse_command_line(DECODER_OPTIONS, arguments)
    if settings["help"] or settings["version"] or not arguments:
        from cli import help as texts

        show_help = settings["help"] or not arguments
        text = texts.help_text(_PROGRAM, DECODER_OPTIONS) if show_help else texts.version_text(_PROGRAM)
        print(text.rstrip("\n"))
        return 0
    if settings["warm-up"]:
        from cli.terminal import warm_up

        warm_up(_PROGRAM, "all")
        print(f"{_PROGRAM}: all kernels are compiled")
        return 0
    return _decode(settings, arguments)


def _check(settings):
    from codec.tools.filter_nets import check_backend

    settings.refuse_what_we_lack()
    check_backend(settings["CnnBackend"], settings["CnnDevice"])
    if not settings["BitstreamFile"]:
        raise UsageError("no bitstream: give -i FILE")
    depth, chroma = settings["OutputBitDepth"], settings["OutputBitDepthC"]
    if chroma and chroma != depth:
        raise UsageError(f"OutputBitDepthC={chroma} differs from OutputBitDepth={depth}: give the first only")
    for option, used in (("OutputBitDepth", bool(settings["ReconFile"])), ("FrameRate", _tells_rate(settings))):
        if settings.changes(option) and not used:
            needs = "an output (-o)" if option == "OutputBitDepth" else "a .y4m or a TraceFile"
            fail.warn(_PROGRAM, f"{option} has no effect without {needs}")


def _tells_rate(settings):
    return settings["ReconFile"].lower().endswith(".y4m") or bool(settings["TraceFile"])


def _decode(settings, arguments):
    from cli import records, report
    from cli.help import version_text
    from cli.terminal import report_stream, warm_up
    from codec.config import DecoderConfig, validated
    from codec.io.writer import announce_outputs, write_text

    _check(settings)
    started = time.perf_counter()
    config = validated(DecoderConfig(BlockStatistics=bool(settings["TraceFile"]), **settings.config_values()))
    outputs = [settings[name] for name in ("ReconFile", "json", "csv", "TraceFile")]
    announce_outputs(*outputs)
    lines, pictures = report_stream(*outputs), []
    with open_bitstream(settings["BitstreamFile"]) as source:
        warm_up(_PROGRAM, "decoder")
        _decode_pictures(settings, config, source, pictures, lines)
    seconds = time.perf_counter() - started
    print(report.total_time(seconds), end="", file=lines, flush=True)
    if settings["json"]:
        document = {
            "program": version_text(_PROGRAM),
            "arguments": arguments,
            "pictures": [records.picture_record(picture) for picture in pictures],
            "seconds": seconds,
        }
        write_text(settings["json"], records.json_text(document))
    if settings["csv"]:
        write_text(settings["csv"], records.csv_text(pictures))
    _report_hashes(settings["BitstreamFile"], pictures)
    return 0


def _decode_pictures(settings, config, source, pictures, lines):
    """Decode, print and write all pictures; their records, without samples, are appended to `pictures`."""
    from cli import report
    from cli.inspect.yuview import TraceWriter
    from cli.recon import open_recon
    from cli.terminal import progress
    from codec.decoder.decode import decode_stream
    from codec.io.writer import whole_file

    name, recon = settings["BitstreamFile"], settings["ReconFile"]
    with ExitStack() as stack:
        write = None
        if recon:
            depth, rate = settings["OutputBitDepth"], settings["FrameRate"]
            write = stack.enter_context(open_recon(recon, depth, rate, (CodecError,)))
        trace = None
        if settings["TraceFile"]:
            file = stack.enter_context(whole_file(settings["TraceFile"], keep_on=(CodecError,)))
            trace = TraceWriter(file, Path(name).name, settings["FrameRate"])
        bar = stack.enter_context(progress(None, "picture", _PROGRAM))
        try:
            for picture in decode_stream(config, source):
                if write:
                    of_stream = picture.frame_rate, picture.sample_aspect
                    write(picture.planes, picture.bit_depths, picture.colour, picture.rgb, *of_stream)
                if trace:
                    trace.write(len(pictures), picture.statistics, picture.frame_rate)
                pictures.append(dataclasses.replace(picture, planes=[], rgb=None, statistics=None))
                if len(pictures) == 1:
                    collector.release()
                bar.write(report.decoder_line(picture), file=lines)
                lines.flush()
                bar.update()
        except CodecError as error:
            raise type(error)(f"{name}: {error}{_kept(len(pictures), recon)}") from None
        if not pictures:
            raise InputError(f"{name}: holds no picture")


def _kept(count, recon):
    if not count:
        return ""
    what = f"{count} whole picture{'s' if count > 1 else ''}"
    return f"; {what} before it kept in {recon}" if recon else f"; {what} before it decoded"


def _report_hashes(name, pictures):
    wrong = [picture.poc for picture in pictures if picture.hash_status == "ERROR"]
    if wrong:
        first = f"the first is POC {wrong[0]}"
        raise HashMismatch(f"{name}: {len(wrong)} of {len(pictures)} pictures differ from their hash; {first}")


if __name__ == "__main__":
    main()
