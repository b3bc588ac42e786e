"""pyinspect: what an encoder chose, as pictures and as figures."""

import re
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import click

from cli import fail
from cli.inspect.stream import access_units, decoded_pictures, open_bitstream, open_twice
from cli.measure import commands
from codec.base.errors import EXIT_OK, CodecError, UsageError

_PROGRAM = "pyinspect"
_CONTEXT = {"max_content_width": 110, "help_option_names": ["-h", "--help"]}
_LAYERS = (
    "cu", "pu", "tu", "modes", "motion", "qp", "skip", "sao", "chroma", "interpolation", "sizes", "ranks", "filters",
)  # fmt: skip
_NUMBER = re.compile(r"%0?\d{0,2}d")


def main():
    """Entry point: run on sys.argv and end the process with the exit code."""
    sys.exit(fail.run(_PROGRAM, run, sys.argv[1:]))


def run(arguments):
    """`pyinspect overlay -i STREAM ...` or `pyinspect stats -i STREAM`; an exit code or CodecError."""
    return commands.run(group, _PROGRAM, arguments or ["--help"]) or EXIT_OK


@click.group(context_settings=_CONTEXT)
def group():
    """Show what the encoder of a stream chose: overlays on its pictures, or shares and means."""


_stream_options = [
    click.option("-i", "--input", "name", required=True, help="The bitstream, or - ."),
    click.option("--frames", help="Pictures in output order, from 0: 3, 0-9, 8- .  [default: all]"),
    click.option("--WeightsDir", "weights_dir", default="", help="Folder of the nets.  [default: the installed ones]"),
    click.option("--debug", is_flag=True, help="Show the traceback of an internal error."),
]


def stream_options(function):
    """The options of both commands."""
    for option in reversed(_stream_options):
        function = option(function)
    return function


def frame_range(text):
    """(first, last) of "3", "0-9" or "8-"; last None for no end."""
    match = re.fullmatch(r"(\d{1,9})(-(\d{0,9}))?", text or "0-")
    if not match:
        raise UsageError(f"--frames {text}: give a number, or two with a dash between them")
    first = int(match[1])
    last = first if match[2] is None else int(match[3]) if match[3] else None
    if last is not None and last < first:
        raise UsageError(f"--frames {text}: the last picture comes before the first")
    return first, last


def layer_names(text):
    """The layers of a list with commas."""
    names = tuple(name.strip() for name in text.split(","))
    unknown = [name for name in names if name not in _LAYERS]
    if unknown:
        raise UsageError(f"--layers: {unknown[0]!r} is not one of {', '.join(_LAYERS)}")
    return names


def picture_names(output, single):
    """The pattern of the pictures' file names, or the one name: of a folder, which is made, those in it."""
    path = Path(output)
    fields = _NUMBER.findall(path.name)
    if len(fields) == 1 and path.name.count("%") == 1:
        return output
    if "%" in path.name:
        raise UsageError(f"-o {output}: a pattern has one number, such as %03d")
    if path.suffix.lower() == ".png":
        if not single:
            raise UsageError(f"-o {output} holds one picture: give a folder, a pattern (x_%03d.png), or --frames N")
        return output
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"-o {output}: {error.strerror}") from None
    return str(path / "%04d.png")


@group.command(context_settings=_CONTEXT)
@stream_options
@click.option("-o", "--output", help="PNG files: a folder, a pattern such as x_%03d.png, or one name.png.")
@click.option("--csv", "csv_name", help="The block statistics as YUView's CSV; may be all that is written.")
@click.option("--layers", default="skip,cu,pu,modes,motion", show_default=True, help=f"Of {', '.join(_LAYERS)}.")
@click.option("--scale", type=click.IntRange(1, 32), help="Pixels per luma sample.  [default: about 1200 pixels wide]")
def overlay(name, frames, weights_dir, debug, output, csv_name, layers, scale):
    """Draw partitions, modes, motion, QP and SAO on the decoded pictures."""
    from codec.base.io.writer import announce_outputs

    first, last = frame_range(frames)
    chosen = layer_names(layers)
    if not output and not csv_name:
        raise UsageError("nothing to write: give -o, --csv, or both")
    pattern = picture_names(output, first == last) if output else None
    announce_outputs(pattern, csv_name)
    _write_overlays(name, (first, last), weights_dir, pattern, csv_name, chosen, scale)


def _write_overlays(name, wanted, weights_dir, pattern, csv_name, layers, scale):
    from cli.inspect.yuview import TraceWriter
    from cli.terminal import progress, report_stream, warm_up
    from codec.base.io.stills import numbered_name
    from codec.base.io.writer import whole_file

    with ExitStack() as stack:
        source = stack.enter_context(open_bitstream(name))
        warm_up(_PROGRAM, "decoder")
        trace = None
        if csv_name:
            trace = TraceWriter(stack.enter_context(whole_file(csv_name, keep_on=(CodecError,))), Path(name).name)
        bar = stack.enter_context(progress(None, "picture", _PROGRAM))
        count, notes = 0, []
        for number, picture in decoded_pictures(name, source, *wanted, {"WeightsDir": weights_dir}, notes):
            if trace:
                trace.write(number, picture.statistics, picture.frame_rate)
            if pattern:
                _write_png(numbered_name(pattern, number), number, picture, layers, scale)
            count += 1
            bar.update()
    what = " and ".join(filter(None, [pattern and f"{count} PNG files", csv_name and csv_name != "-" and csv_name]))
    if what:
        print(f"wrote {what}", file=report_stream(csv_name))
    fail.note(_PROGRAM, "; ".join(notes))


def _write_png(file_name, number, picture, layers, scale):
    import cv2

    from cli.inspect.overlay import draw_overlay
    from codec.base.io.writer import whole_file

    title = f"picture {number}   POC {picture.poc}   {picture.slice_type} slice   QP {picture.qp}"
    image = draw_overlay(picture, layers, scale, title)
    with whole_file(file_name) as file:
        file.write(cv2.imencode(".png", image)[1].tobytes())


@group.command(context_settings=_CONTEXT)
@stream_options
@click.option("--json", "as_json", is_flag=True, help="Write JSON to standard output in place of the table.")
@click.option("-o", "--output", help="Write to this file in place of standard output.")
def stats(name, frames, weights_dir, debug, as_json, output):
    """Tell bits by NAL unit type, shares of modes and sizes, mean QP and motion, of each picture and of all."""
    from cli import records
    from cli.inspect.figures import table_text
    from codec.base.io.writer import announce_outputs, write_text

    announce_outputs(output)
    document = stream_figures(name, *frame_range(frames), weights_dir)
    if as_json:
        text = records.json_text(document)
    else:
        text = table_text(document)
    if output:
        write_text(output, text)
    else:
        print(text, end="")


def stream_figures(name, first=0, last=None, weights_dir=""):
    """The document of `pyinspect stats --json`: stream, pictures (in output order), total, bits by NAL unit type."""
    from cli.inspect.figures import block_sums, figures
    from cli.terminal import progress, warm_up

    with ExitStack() as stack:
        source = stack.enter_context(open_twice(name))
        warm_up(_PROGRAM, "decoder")
        units, rest = access_units(source)
        source.seek(0)
        bar = stack.enter_context(progress(len(units), "picture", _PROGRAM))
        pictures, total, bits, notes = [], Counter(), Counter(), []
        for number, picture in decoded_pictures(name, source, first, last, {"WeightsDir": weights_dir}, notes):
            sums, sizes = block_sums(picture.statistics), units[picture.decode_index]
            total.update(sums)
            bits.update(sizes)
            about = {"number": number, "poc": picture.poc, "slice_type": picture.slice_type}
            about.update(temporal_id=picture.temporal_id, bits=sum(sizes.values()), bits_by_nal=dict(sizes))
            pictures.append({**about, **figures(sums)})
            bar.update()
    fail.note(_PROGRAM, "; ".join(notes))
    all_bits = sum(picture["bits"] for picture in pictures)
    return {
        "stream": name,
        "pictures": pictures,
        "total": {"pictures": len(pictures), "bits": all_bits, **figures(total)},
        "bits_by_nal": dict(bits),
        "bits_not_decoded": sum(rest.values()),
    }


if __name__ == "__main__":
    main()
