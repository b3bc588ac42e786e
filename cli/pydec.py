"""pydec: the decoder's command line."""

import dataclasses
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from cli import collector, fail
from cli.inspect.stream import Decoding, no_picture, open_bitstream
from cli.options import DECODER_OPTIONS
from cli.settings import parse_command_line
from codec.base.errors import CodecError, HashMismatch, InputError, UsageError

_PROGRAM = "pydec"
_OUTPUTS = ("ReconFile", "json", "csv", "TraceFile")


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
    from codec.common.tools.filter_nets import check_backend

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
    from cli.learned import decode, is_learned
    from codec.base.io.writer import announce_outputs
    from codec.h265.config import DecoderConfig, validated

    _check(settings)
    config = validated(DecoderConfig(BlockStatistics=bool(settings["TraceFile"]), **settings.config_values()))
    announce_outputs(*(settings[name] for name in _OUTPUTS))
    with open_bitstream(settings["BitstreamFile"]) as source:
        if is_learned(source):
            return decode(_PROGRAM, settings, arguments, source)
        return _decode_hevc(settings, config, arguments, source)


def _decode_hevc(settings, config, arguments, source):
    from cli import records, report
    from cli.help import version_text
    from cli.terminal import report_stream, warm_up
    from codec.base.io.writer import write_text

    started = time.perf_counter()
    lines, pictures = report_stream(*(settings[name] for name in _OUTPUTS)), []
    warm_up(_PROGRAM, "decoder")
    notes = _decode_pictures(settings, config, source, pictures, lines)
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
    fail.note(_PROGRAM, "; ".join(notes))
    return 0


def _decode_pictures(settings, config, source, pictures, lines):
    """Decode, print and write all pictures; their records, without samples, are appended to `pictures`.

    -> what is to be said at the end of what was passed over, and of fields
    """
    from cli import report
    from cli.inspect.yuview import TraceWriter
    from cli.recon import open_recon
    from cli.terminal import progress
    from codec.base.io.fields import Weaver
    from codec.base.io.writer import whole_file

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
        weaver, written = Weaver() if settings["WeaveFields"] else None, 0
        decoding = Decoding(config, source)
        try:
            for picture in decoding:
                if write:
                    for frame in weaver.push(picture) if weaver else [picture]:
                        about = frame.frame_rate, frame.sample_aspect, frame.scan.y4m_tag
                        write(frame.planes, frame.bit_depths, frame.colour, frame.rgb, *about)
                        written += 1
                if trace:
                    trace.write(len(pictures), picture.statistics, picture.frame_rate)
                pictures.append(dataclasses.replace(picture, planes=[], rgb=None, statistics=None))
                if len(pictures) == 1:
                    collector.release()
                bar.write(report.decoder_line(picture), file=lines)
                lines.flush()
                bar.update()
        except CodecError as error:
            raise type(error)(f"{name}: {error}{_kept(written if recon else len(pictures), recon)}") from None
        if not pictures:
            raise InputError(f"{name}: {no_picture(decoding.notes)}")
    return [str(decoding.notes)] * bool(decoding.notes) + (_about_fields(pictures, weaver) if recon else [])


def _about_fields(pictures, weaver):
    """What became of the fields among the pictures that were written, where it is not obvious."""
    if weaver:
        weaver.finish()
        fields = f"{weaver.alone} field{'s' if weaver.alone > 1 else ''}"
        return [f"left out {fields} without the other field of the frame"] if weaver.alone else []
    if any(picture.scan.field_seq_flag or picture.scan.parity is not None for picture in pictures):
        return ["the pictures are fields, each written as a picture; --WeaveFields=1 weaves two into a frame"]
    return []


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
