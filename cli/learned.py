"""Images by learned codecs: `pyenc --Codec=learned-...`, and pydec on a stream that begins as theirs do."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from codec.base.errors import HashMismatch, UsageError

_DEFAULT_QUALITY = 4
# of pyenc's options, those that mean something here
_ENCODER = frozenset(
    "Codec InputFile BitstreamFile Output ReconFile json QP WeightsDir CnnBackend CnnDevice threads SourceWidth "
    "SourceHeight InputBitDepth InputChromaFormat InputColour FrameSkip FramesToBeEncoded debug".split()
)
_DECODER = frozenset("BitstreamFile ReconFile json WeightsDir CnnBackend CnnDevice threads SEIDecodedPictureHash "
                     "OutputBitDepth debug".split())  # fmt: skip
_PICTURES = (".png", ".ppm")


def is_learned(source):
    """Whether an opened bitstream, at its beginning, is a learned codec's."""
    from codec.learned.stream import MAGIC
    from codec.learned.stream import is_learned as begins

    return begins(source.peek(len(MAGIC)))


def encode(program, settings, arguments):
    """Code the one picture that the settings name. -> exit code; raises CodecError"""
    from cli import records
    from cli.encoder_job import open_source, output_names
    from cli.help import version_text
    from cli.terminal import report_stream
    from codec.base.io.writer import announce_outputs, whole_file, write_text
    from codec.learned.model import choose_weights
    from codec.learned.picture import encode_picture

    _check_options(settings, _ENCODER, f"Codec={settings['Codec']}")
    quality = _quality(settings)
    bitstream, recon = output_names(settings)
    _check_picture_name(recon)
    announce_outputs(bitstream, recon, settings["json"])
    lines = report_stream(bitstream, recon, settings["json"])
    with open_source(settings) as source:
        rgb = _rgb_of(settings, source)
    key = choose_weights(settings["Codec"], settings["WeightsDir"])
    _warm_up(program, settings)
    started = time.perf_counter()
    with _model_maker(settings) as make:
        model = make(key)
        coded = encode_picture(model, rgb, quality - 1)
    seconds = time.perf_counter() - started
    with whole_file(bitstream) as file:
        file.write(coded.data)
    if recon:
        _write_picture(recon, coded.rgb)
    figures = _figures(rgb, coded)
    about = f"Codec: {settings['Codec']}, weights {key} ({model.codec.name})"
    print(f"{version_text(program).strip()}\n{about}", file=lines)
    print(
        f"Picture {rgb.shape[1]}x{rgb.shape[0]}, quality {quality}: {len(coded.data)} bytes, "
        f"{figures['bits_per_pixel']:.4f} bpp, PSNR of RGB {figures['psnr_rgb']:.4f} dB, {seconds:.3f} s",
        file=lines, flush=True,
    )  # fmt: skip
    if settings["json"]:
        document = dict(program=version_text(program), arguments=arguments, codec=settings["Codec"], weights=key)
        document |= dict(quality=quality, bytes=len(coded.data), seconds=seconds, **figures)
        write_text(settings["json"], records.json_text(document))
    return 0


def decode(program, settings, arguments, source):
    """Decode a stream; outputs are announced. -> exit code; raises CodecError"""
    from cli import records
    from cli.help import version_text
    from cli.terminal import report_stream
    from codec.base.errors import CodecError
    from codec.base.io.writer import write_text
    from codec.learned.picture import decode_picture
    from codec.learned.stream import read_header

    name, recon = settings["BitstreamFile"], settings["ReconFile"]
    _check_options(settings, _DECODER, f"{name} is a learned stream, and")
    if settings["OutputBitDepth"] not in (0, 8):
        raise UsageError(f"OutputBitDepth={settings['OutputBitDepth']}: a learned stream's picture has 8 bits")
    _check_picture_name(recon)
    lines = report_stream(recon, settings["json"])
    checked = settings["SEIDecodedPictureHash"]
    started, wrong = time.perf_counter(), None
    try:
        data = _whole(source)
        header = read_header(data)
        _warm_up(program, settings)
        with _model_maker(settings, decoder_only=True) as make:
            rgb = decode_picture(make, data, checked)
    except HashMismatch as error:
        rgb, wrong = error.rgb, HashMismatch(f"{name}: {error}")
    except CodecError as error:
        raise type(error)(f"{name}: {error}") from None
    seconds = time.perf_counter() - started
    if recon:
        _write_picture(recon, rgb)
    state = "ERROR" if wrong else "OK" if checked else "unk"
    print(
        f"Picture {header.width}x{header.height}, quality {header.quality + 1}, weights {header.weights}, {len(data)} "
        f"bytes [CRC-32:{header.checksum:08x},({state})], {seconds:.3f} s",
        file=lines, flush=True,
    )  # fmt: skip
    if settings["json"]:
        document = dict(program=version_text(program), arguments=arguments, bytes=len(data), seconds=seconds)
        write_text(settings["json"], records.json_text(document | header._asdict() | {"hash_status": state}))
    if wrong:
        raise wrong
    return 0


def _check_options(settings, known, why):
    for name in settings.names():
        if name not in known:
            raise UsageError(f"{settings.origin(name)}: {name} means nothing here ({why} has no such option)")


def _quality(settings):
    from nets.arch.codec import QUALITIES

    quality = settings["QP"] if settings.given("QP") else _DEFAULT_QUALITY
    if not 1 <= quality <= QUALITIES:
        raise UsageError(f"{settings.origin('QP')}: QP={quality}: of a learned codec it is the quality, 1..{QUALITIES}")
    return quality


def _check_picture_name(name):
    if name and not name.lower().endswith(_PICTURES):
        raise UsageError(f"{name}: a learned codec's picture is RGB: name a .png or .ppm file")


def _rgb_of(settings, source):
    """uint8 RGB of the one picture. Raises UsageError, InputError."""
    from codec.base.io import reader, stills
    from codec.base.io.matrices import Colour
    from codec.base.io.rgb import shown, to_rgb

    count = reader.plan(source, settings["FrameSkip"], settings["FramesToBeEncoded"])
    if count != 1:
        many = count or "an unknown number of"
        raise UsageError(f"{source.name}: {many} pictures; a learned codec codes one: give -f 1, and -fs for which")
    if source.kind == "stills":
        rgb = stills.read_rgb(source.file[settings["FrameSkip"]])
        return rgb if rgb.dtype == "uint8" else ((rgb.astype("uint32") * 255 + 32767) // 65535).astype("uint8")
    found = source.format
    planes = next(reader.read_pictures(source, settings["FrameSkip"], 1, found.bit_depth, found.chroma_format_idc))
    rgb = shown(to_rgb(planes, (found.bit_depth,) * 2, Colour(1, found.full_range)))
    return rgb[: found.height, : found.width]


def _figures(rgb, coded):
    from codec.base.metrics import mse, psnr

    pixels = rgb.shape[0] * rgb.shape[1]
    error = mse(rgb, coded.rgb)
    return dict(bits_per_pixel=8 * len(coded.data) / pixels, mse_rgb=error, psnr_rgb=psnr(error, 8))


def _whole(source):
    """All bytes of a stream: as many as its header can tell of, and one more."""
    from codec.learned.stream import HEADER_BYTES, read_header

    head = _exactly(source, HEADER_BYTES)
    header = read_header(head)
    return head + _exactly(source, header.payload_bytes + 1)


def _exactly(source, count):
    parts = []
    while count and (part := source.read(min(count, 1 << 20))):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


@contextmanager
def _model_maker(settings, decoder_only=False):
    """Yield function(id) -> Model, with the threads that the settings give."""
    import os

    from codec.learned.model import Model

    threads = settings["threads"] or os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        yield lambda key: Model(
            key, settings["WeightsDir"], settings["CnnBackend"], settings["CnnDevice"], decoder_only,
            pool if threads > 1 else None, threads,
        )  # fmt: skip


def _warm_up(program, settings):
    """The nets' kernels, where they will run."""
    from cli.terminal import warm_up

    if settings["CnnBackend"] != "torch" and settings["CnnDevice"] == "cpu":
        warm_up(program, "learned")


def _write_picture(name, rgb):
    from codec.base.io.stills import png_bytes
    from codec.base.io.writer import whole_file

    header = f"P6\n{rgb.shape[1]} {rgb.shape[0]}\n255\n".encode()
    data = header + rgb.tobytes() if name.lower().endswith(".ppm") else png_bytes(rgb)
    with whole_file(name) as file:
        file.write(data)
