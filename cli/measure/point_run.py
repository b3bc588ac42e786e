"""One point of a sweep: encode, decode, measure. Runs in a worker, on any machine, and leaves no file there."""

import datetime
import json
import os
import platform
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from cli import children
from cli.help import version_text
from cli.measure.choices import hit_ratios, is_h265
from cli.measure.identity import code_hash
from cli.measure.quality import rgb_quality, sequence_quality
from cli.measure.rgb import read_rgb, yuv420_to_rgb
from codec.base.errors import CodecError
from codec.base.io.reader import open_source, read_pictures
from codec.base.io.stills import list_files
from codec.base.io.text import lines, read_text
from codec.base.io.writer import open_output
from codec.base.io.yuv import pack
from codec.common.tools.filter_nets import installed_net

_ROOT = Path(__file__).resolve().parents[2]
_FFMPEG = (
    "ffmpeg -v error -nostdin -threads 1 -i {stream} "
    "-map 0:v:0 -fps_mode passthrough -strict -1 -f yuv4mpegpipe {decoded}"
)
_warm = set()


class PointFailed(Exception):
    """A program ended with an error, or its pictures cannot be measured; the text is one line."""


def run_point(task):
    """{"row": figures, "log": text, "stream": bytes} of a task of Plan.tasks(), or {"error": one line}."""
    try:
        if task["config"].is_pyenc:
            _check_code(task["config"])
        with children.folder("pysweep-") as folder:
            if task["config"].is_pyenc:
                _warm_up(task, folder)
            return _measure_point(task, folder, _Limit(task["timeout"]))
    except (PointFailed, CodecError, OSError) as error:
        return {"error": " ".join(str(error).split())}


def run_check(task, stream):
    """{"row": figures of the stream's pictures} of a stream, bytes, that a task made; or {"error": one line}.

    It is decoded by a process of its own.
    """
    try:
        with children.folder("pyalloc-") as folder:
            path, limit = folder / "stream.bin", _Limit(task["timeout"])
            path.write_bytes(stream)
            words, decoded = _decode_words(task, folder, path)
            _run(words, folder / "decode.log", limit)
            return {"row": _quality(task, decoded, _decoded_images(task, folder, path, limit))}
    except (PointFailed, CodecError, OSError) as error:
        return {"error": " ".join(str(error).split())}


def _check_code(config):
    if code_hash(config.weights_dir) != config.code:
        raise PointFailed(f"{platform.node()} has another version of pyenc than the machine that runs the plan")


def _warm_up(task, folder):
    """Compile before anything is timed: code and decode two small pictures, once a process."""
    if task["config"].code in _warm:
        return
    clip = folder / "warm_64x64_25.yuv"
    clip.write_bytes(bytes(range(256)) * (2 * 64 * 64 * 3 // 2 // 256))
    _run([*_program("pyenc"), "-i", str(clip), "-o", str(folder / "w.bin"), "-q", "30"], folder / "w.log")
    _run([*_program("pydec"), "-i", str(folder / "w.bin"), "-o", str(folder / "w.yuv")], folder / "w.log")
    _warm.add(task["config"].code)


def _program(name):
    return [sys.executable, "-m", f"cli.{name}"]


class _Limit:
    """The time that a point may take; seconds: None for any."""

    def __init__(self, seconds=None):
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def left(self):
        """Seconds, None for any."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())


_NO_LIMIT = _Limit()


def _run(words, log, limit=_NO_LIMIT):
    """Run a command, its output into `log`; (user seconds, elapsed seconds, peak MiB) of it and its children.

    Linux counts what this process held when it started the command, so the peak is never below that.
    """
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_ROOT), environment.get("PYTHONPATH")]))
    started = time.perf_counter()
    streams = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    with open_output(log) as file:
        try:
            code, usage = children.run(words, limit.left, stdout=file, env=environment, cwd=log.parent, **streams)
        except OSError as error:
            raise PointFailed(f"{words[0]}: {error.strerror}") from None
        except children.TimedOut:
            raise PointFailed(f"{Path(words[0]).name} was ended: the plan's timeout was over") from None
    if code:
        last = lines(_text(log).strip())[-1] or "no message"
        raise PointFailed(f"{Path(words[0]).name} ended with {code}: {last}")
    # kilobytes on Linux, bytes on macOS
    mebi = usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return usage.ru_utime, time.perf_counter() - started, mebi


def _text(path):
    return read_text(path, path.name)


def _measure_point(task, folder, limit):
    clip, config = task["clip"], task["config"]
    stream, log = folder / "stream.bin", folder / "encode.log"
    words, shown = _encode_words(task, folder, stream)
    user, wall, peak = _run(words, log, limit)
    if not stream.is_file() or not stream.stat().st_size:
        raise PointFailed(f"{shown[0]} wrote no stream")
    decode_words, decoded = _decode_words(task, folder, stream)
    decode_user, _, _ = _run(decode_words, folder / "decode.log", limit)
    choices = _choices(task, folder, stream, limit)
    nets = list(choices.get("cnn_filter_nets", ()))
    row = {
        "clip": clip.name,
        "config": config.name,
        "qp": task["qp"],
        "frames": clip.frames,
        "bits": 8 * stream.stat().st_size,
        **_quality(task, decoded, _decoded_images(task, folder, stream, limit)),
        "user_s": round(user, 3),
        "wall_s": round(wall, 3),
        "dec_user_s": round(decode_user, 3),
        "peak_mib": round(peak, 1),
        "kmac_per_pixel": _kmac_per_pixel(config, nets),
        "anchor": int(config.anchor),
        "version": _version(config, folder, limit),
        "commit": task["commit"] if config.is_pyenc else "",
        "weights": " ".join(nets),
        "host": platform.node(),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "command": " ".join(shown),
        "key": task["key"],
        **hit_ratios(choices),
    }
    return {"row": row, "log": _text(log), "stream": stream.read_bytes()}


def _encode_words(task, folder, stream):
    """(words to run, words to show, without this machine's temporary names)."""
    clip, config, qp = task["clip"], task["config"], f"{task['qp']:g}"
    if config.is_pyenc:
        tail = ["-i", clip.path, "-f", str(clip.frames), "-q", qp, "-o"]
        short = [Path(word).name if Path(word).is_absolute() else word for word in config.words]
        shown = ["pyenc", *short, "-i", clip.name, "-f", str(clip.frames), "-q", qp, "-o", "stream.bin"]
        return [*_program("pyenc"), *config.words, *tail, str(stream)], shown
    values = _clip_values(clip) | {"rate": clip.rate, "frames": clip.frames, "qp": qp}
    real = values | {"input": _raw_input(clip, folder), "output": stream}
    shown = values | {"input": clip.name, "output": "stream.bin"}
    return [[word.format(**fields) for word in config.words] for fields in (real, shown)]


def _choices(task, folder, stream, limit):
    """What `pyinspect stats` tells of all pictures together; {} of what is no H.265, and where it finds no way."""
    if not is_h265(stream):
        return {}
    output = folder / "choices.json"
    words = [*_program("pyinspect"), "stats", "-i", str(stream), "--json", "-o", str(output)]
    try:
        _run(words + _weights_words(task["config"]), folder / "choices.log", limit)
    except PointFailed:
        if task["config"].is_pyenc:
            raise
        return {}
    return json.loads(output.read_text())["total"]


def _weights_words(config):
    return [f"--WeightsDir={config.weights_dir}"] if config.weights_dir else []


def _kmac_per_pixel(config, nets):
    """As the plan says, or of the largest net that the stream uses; "" without one."""
    if config.kmac_per_pixel is not None or not nets:
        return "" if config.kmac_per_pixel is None else config.kmac_per_pixel
    return max(installed_net(net, config.weights_dir).macs_per_pixel for net in nets) / 1000


def _clip_values(clip):
    return {"width": clip.width, "height": clip.height, "depth": clip.depth}


def _raw_input(clip, folder):
    """A raw file of exactly the pictures to be coded: the clip itself if it is that, else a copy."""
    if clip.kind == "yuv" and clip.frames == clip.frames_in_file:
        return clip.path
    path = folder / f"input_{clip.width}x{clip.height}.yuv"
    with open_output(path) as file:
        for planes in _originals(clip, clip.depth):
            file.write(pack(planes, clip.depth))
    return str(path)


def _decode_words(task, folder, stream):
    clip, config = task["clip"], task["config"]
    if config.is_pyenc:
        decoded = folder / "decoded.y4m"
        words = [*_program("pydec"), "-i", str(stream), "-o", str(decoded), *_weights_words(config)]
        return words, decoded
    if config.decode:
        decoded = folder / f"decoded_{clip.width}x{clip.height}.yuv"
        values = _clip_values(clip) | {"stream": stream, "decoded": decoded}
        return [word.format(**values) for word in config.decode], decoded
    decoded = folder / "decoded.y4m"
    return [word.format(stream=stream, decoded=decoded) for word in _FFMPEG.split()], decoded


def _originals(clip, depth):
    with open_source(clip.path) as source:
        yield from read_pictures(source, 0, clip.frames, depth, source.format.chroma_format_idc)


@contextmanager
def decoded_pictures(task, folder, stream):
    """Decode a stream into `folder` and yield the opened Source of its pictures."""
    words, decoded = _decode_words(task, folder, stream)
    _run(words, folder / "decode.log")
    with _open_decoded(task, decoded) as source:
        yield source


def _open_decoded(task, decoded):
    # a decoder of the plan's writes raw samples of the clip's depth; y4m tells its own
    return open_source(str(decoded), bit_depth=task["clip"].depth if task["config"].decode else None)


def _decoded_images(task, folder, stream, limit):
    """Of stills that pyenc coded, the images that pydec writes: an output filter's RGB is more than 4:2:0 can hold."""
    if task["clip"].kind != "stills" or not task["config"].is_pyenc:
        return []
    images = folder / "decoded%04d.png"
    words = [*_program("pydec"), "-i", str(stream), "-o", str(images), *_weights_words(task["config"])]
    _run(words, folder / "decode.log", limit)
    return list_files(str(images))


def _quality(task, decoded, images=()):
    """Figures of the decoded file against the clip, at the larger of their bit depths.

    images: files of the decoded pictures in RGB; without them, of stills, RGB is made from the decoded samples.
    """
    clip = task["clip"]
    with _open_decoded(task, decoded) as source:
        found = source.format
        if (found.width, found.height) != (clip.width, clip.height) or source.frames != clip.frames:
            raise PointFailed(
                f"decoded are {source.frames} pictures of {found.width}x{found.height}, "
                f"coded were {clip.frames} of {clip.width}x{clip.height}"
            )
        depth = max(found.bit_depth, clip.depth)
        decodeds = read_pictures(source, 0, clip.frames, depth, found.chroma_format_idc)
        stills = list_files(clip.path) if clip.kind == "stills" else []
        seen = []
        pairs = _pairs(clip, depth, decodeds, (stills, images), seen, task["metrics"])
        values = sequence_quality(pairs, depth, task["metrics"])
    values.pop("frames")
    for name in seen[0] if seen else ():
        values[name] = sum(each[name] for each in seen) / len(seen)
    return {name: round(value, 6) for name, value in values.items()}


def _pairs(clip, depth, decodeds, files, seen, metrics):
    """(original, decoded) planes; of stills, figures in RGB are appended to `seen` on the way.

    files: of the originals, and of the decoded images
    """
    stills, images = files
    for number, (original, planes) in enumerate(zip(_originals(clip, depth), decodeds, strict=True)):
        if stills:
            rgb = read_rgb(images[number]) if images else yuv420_to_rgb(planes, depth)
            seen.append(rgb_quality(read_rgb(stills[number]), rgb, 8, metrics))
        yield original, planes


def _version(config, folder, limit):
    """The first line that the encoder says about its version, "" when it says nothing."""
    if config.is_pyenc:
        return version_text("pyenc")
    log = folder / "version.log"
    guesses = [(config.words[0], "--version"), (config.words[0], "-version")]
    for words in [config.version] if config.version else guesses:
        try:
            _run(list(words), log, limit)
        except PointFailed:
            continue
        return next((line.strip() for line in lines(_text(log)) if line.strip()), "")
    return ""
