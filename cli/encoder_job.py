"""From settings to one encoding: which files, which pictures, which config."""

from dataclasses import dataclass, replace
from pathlib import Path

from cli.no_effect import no_effect
from cli.segments import Parallel, parallel_of
from cli.source_facts import take_from_source
from codec.base.errors import UsageError
from codec.base.io import files, reader
from codec.base.io.text import lines, read_text
from codec.h265.config import EncoderConfig, validated
from codec.h265.encoder.plan.gop import higher_layer_references
from codec.h265.encoder.plan.structure import analyse


@dataclass(frozen=True)
class Job:
    """What is read and written; "" for a file that is not wanted. frames: None when the source's end is not known.

    output_depth: of the reconstruction, 0: InternalBitDepth;  parallel: who codes the clip in segments, None for this
    process;  notes: what the header says at its end;  warnings: what the person should know before
    """

    input_name: str
    bitstream_name: str
    recon_name: str
    json_name: str
    csv_name: str
    trace_name: str
    frame_skip: int
    frames: int | None
    output_depth: int
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    parallel: Parallel | None = None


def output_names(settings):
    """(bitstream, reconstruction), "" for a reconstruction that is not wanted.

    -o names the bitstream; a ReconFile then counts only when it is typed, because HM's cfg files all name one. When -b
    is typed, or -o is not, everything is as in HM: -o or ReconFile is the reconstruction, wherever it comes from.
    """
    output, recon = settings["Output"], settings["ReconFile"]
    if output and not settings.typed("BitstreamFile"):
        return output, recon if settings.typed("ReconFile") else ""
    if output and settings.typed("ReconFile"):
        raise UsageError("-o and --ReconFile both name the reconstruction (-b names the bitstream): leave one out")
    if not settings["BitstreamFile"]:
        raise UsageError("no bitstream file: give -o FILE")
    return settings["BitstreamFile"], output or recon


def outputs(settings):
    """Names of the bitstream, the reconstruction, JSON, CSV and the trace, "" for what is not wanted."""
    return (*output_names(settings), settings["json"], settings["csv"], settings["TraceFile"])


def open_source(settings):
    """The context manager of the source that the settings name (codec.base.io.reader.open_source)."""
    return reader.open_source(*_source_arguments(settings))


def _source_arguments(settings):
    if not settings["InputFile"]:
        raise UsageError("no input file: give -i FILE")

    def given(name):
        return settings[name] if settings.given(name) else None

    chroma = given("InputChromaFormat")
    return (
        settings["InputFile"],
        given("SourceWidth"),
        given("SourceHeight"),
        given("InputBitDepth"),
        None if chroma is None else int(chroma == 420),
        settings["InputColour"],
    )


def make_job(settings, source):
    """(Job, validated EncoderConfig) for an opened source; UsageError or InputError before anything is written."""
    settings.refuse_what_we_lack()
    _check_depths(settings, source.format.bit_depth)
    names = outputs(settings)
    skip = settings["FrameSkip"]
    frames = reader.plan(source, skip, settings["FramesToBeEncoded"])
    config, notes, warnings = _make_config(settings, source, frames)
    warnings += no_effect(settings, config)
    if settings.typed("OutputBitDepth") and not names[1]:
        warnings.append("OutputBitDepth has no effect without a reconstruction (-r)")
    unused = [name for name in settings.without_effect() if settings.typed(name)]
    if unused:
        notes.append(f"without effect here: {', '.join(unused)}")
    parallel, why_not = parallel_of(settings, source, _source_arguments(settings), config, frames, bool(names[1]))
    depth, notes = settings["OutputBitDepth"], tuple(notes + why_not)
    return Job(settings["InputFile"], *names, skip, frames, depth, notes, tuple(warnings), parallel), config


def _check_depths(settings, input_depth):
    """HM's separate depths of chroma and of the file's scale: accepted where they change nothing."""
    internal = settings["InternalBitDepth"] or input_depth
    for name, depth in (
        ("InputBitDepthC", input_depth),
        ("MSBExtendedBitDepth", input_depth),
        ("MSBExtendedBitDepthC", input_depth),
        ("InternalBitDepthC", internal),
        ("OutputBitDepthC", settings["OutputBitDepth"] or internal),
    ):
        if settings[name] not in (0, depth):
            raise UsageError(f"{name}={settings[name]} is not supported where the depth is {depth}: leave it out")


def _make_config(settings, source, frames):
    values = settings.config_values()
    notes, warnings = take_from_source(settings, source, values)
    # (HM) rows beyond GOPSize are of an earlier cfg file with a longer GOP
    values["GOP"] = settings.gop_rows()[: settings["GOPSize"]]
    values["FramesToBeEncoded"] = frames or 0
    values["BlockStatistics"] = bool(settings["TraceFile"])
    if settings["QPFile"]:
        values["PictureQP"] = read_qp_file(settings["QPFile"])
    config = EncoderConfig(**values)
    if config.Profile == "auto" and source.kind == "stills" and frames == 1 and _is_8_bit_420(config):
        config = replace(config, Profile="main-still-picture")
    if config.Profile == "main-still-picture" and frames != 1:
        raise UsageError("profile main-still-picture holds one picture: use -f 1")
    config = validated(config)
    check_qp_file(config, frames or 0)
    for name in _read_later(config):
        files.know_input(name)
    analyse(config)  # a GOP that cannot be coded is told before anything is written
    return config, notes + _left_out(config) + _filter_notes(config), warnings


def _read_later(config):
    """The files that whoever codes the pictures reads, which may be another process."""
    names = [config.ScalingListFile] if config.ScalingListFile else []
    return names + (list(Path(config.WeightsDir).glob("*")) if config.uses_cnn_tools and config.WeightsDir else [])


def _left_out(config):
    """A note on the references of GOP rows that no picture can make, if there are any."""
    if config.IntraPeriod == 1:
        return []
    rows = []
    for number, entry in enumerate(config.GOP, 1):
        if deltas := higher_layer_references(config, entry):
            rows.append(f"Frame{number} ({', '.join(map(str, deltas))})")
    return [f"not referred to, being of a higher temporal layer: references of {', '.join(rows)}"] if rows else []


def _filter_notes(config):
    """Notes on a temporal filter that does nothing, or what nobody may expect."""
    if not config.TemporalFilter:
        return []
    if not config.temporal_filter_strengths:
        return ["TemporalFilter=1 has no effect: no TemporalFilterStrengthFrameN is above 0"]
    return ["TemporalFilter=1: what is coded without loss is the filtered source"] * config.CUTransquantBypassFlagForce


def _is_8_bit_420(config):
    return (config.InternalBitDepth or config.InputBitDepth) == 8 and config.ChromaFormatIDC == 420


def check_qp_file(config, pictures):
    """UsageError when a QPFile tells the QPs of some of so many pictures only."""
    known = len(config.PictureQP)
    if 0 < known < pictures:
        raise UsageError(f"QPFile holds {known} QPs for {pictures} pictures: give one each, or use -f {known}")


def pictures_with_qps(config, pictures):
    """The pictures of a source whose end was not known; UsageError at the first for which the QPFile has no QP."""
    for number, picture in enumerate(pictures, 1):
        check_qp_file(config, number)
        yield picture


def read_qp_file(name):
    """The QPs of a QPFile: whole numbers separated by white space or commas; # begins a comment."""
    qps = []
    for number, line in enumerate(lines(read_text(name, f"QPFile {name}", UsageError)), 1):
        for word in line.split("#", 1)[0].replace(",", " ").split():
            try:
                qps.append(int(word))
            except ValueError:
                raise UsageError(f"{name}:{number}: {word} is not a QP") from None
    if not qps:
        raise UsageError(f"QPFile {name} holds no QP")
    return tuple(qps)
