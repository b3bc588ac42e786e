"""How time and memory grow with pixels and with pictures: both programs, one thread, at QP 32.

    python -m tests.bench.trend [CLIP] [--large]

Every size shows the same clip, continued by its mirror image, so that all have as much to code per pixel; longer clips
are the same pictures forwards and backwards. Seconds are CPU seconds less those of a clip of one small picture.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.bench.run import CLIPS, SHIPPED, Clip, pydec
from tests.conformance import foreign

SIZES = ((176, 144), (416, 240), (832, 480), (1920, 1080))
LARGE = (3840, 2160)
LENGTHS = (15, 60, 240)
# how many pictures at least; small ones are as many as have this many pixels together, so that start-up does not matter
CONFIGURATIONS = {"all intra": ("intra_main", 2), "low delay P": ("lowdelay_P_main", 4)}
PIXELS = 3_000_000


def measured(command):
    """Run a command. -> (CPU seconds, peak memory in MB)"""
    environment = {**os.environ, "PYTHONPATH": str(foreign.ROOT)}
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise foreign.ProgramFailed(command, status, process.stderr.read().decode(errors="replace"))
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def write_clip(path, pictures, size, count):
    """`count` pictures of this size, raw: the pictures forwards and backwards, each continued by its mirror image."""
    width, height = size
    order = [*range(len(pictures)), *range(len(pictures) - 2, 0, -1)]
    with open(path, "wb") as file:
        for i in range(count):
            for index, plane in enumerate(pictures[order[i % len(order)]]):
                rows, columns = (height, width) if index == 0 else (height // 2, width // 2)
                more = (0, max(rows - plane.shape[0], 0)), (0, max(columns - plane.shape[1], 0))
                file.write(np.pad(plane, more, mode="symmetric")[:rows, :columns].astype(np.uint8).tobytes())


def measure(folder, pictures, size, count, cfg):
    """((seconds, MB) of pyenc, (seconds, MB) of pydec)"""
    clip, stream = folder / "clip.yuv", folder / "clip.bin"
    write_clip(clip, pictures, size, count)
    source = ["-i", clip, "-wdt", size[0], "-hgt", size[1], "-fr", 30, "-o", stream]
    command = [sys.executable, "-m", "cli.pyenc", "-c", f"encoder_{cfg}.cfg", *source, "-q", 32, "--threads=1"]
    return measured(command), measured([*pydec("-i", stream, "-o", os.devnull), "--threads=1"])


def _row(name, pixels, found, start):
    (encoder, encoder_memory), (decoder, decoder_memory) = found
    per = [f"{1e6 * (seconds - begin) / pixels:.3f}" for seconds, begin in zip((encoder, decoder), start, strict=True)]
    print(f"| {name} | {per[0]} | {encoder_memory:.0f} | {per[1]} | {decoder_memory:.0f} |", flush=True)


def main(arguments):
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", nargs="?", type=Path, help="NAME_WxH_FPS.yuv; default: a shared clip, or one of media/")
    parser.add_argument("--large", action="store_true", help="3840x2160 too")
    options = parser.parse_args(arguments)
    path = options.clip or next(iter([*sorted(CLIPS.glob("*416x240*.yuv")), *sorted(SHIPPED.glob("*.yuv"))]))
    pictures = list(Clip(path, 17).pictures())
    sizes = (*SIZES, LARGE) if options.large else SIZES
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = [min(measure(folder, pictures, (64, 64), 1, "intra_main")[i][0] for _ in range(3)) for i in range(2)]
        head = "CPU microseconds a pixel: pyenc | MB | pydec | MB |\n|---|---|---|---|---|"
        print(f"\n## Trend in pixels, {path.stem}, QP 32\n\n| | {head}")
        for kind, (cfg, least) in CONFIGURATIONS.items():
            for size in sizes:
                count = max(least, PIXELS // (size[0] * size[1]))
                found = measure(folder, pictures, size, count, cfg)
                _row(f"{kind}, {size[0]}x{size[1]}", size[0] * size[1] * count, found, start)
        print(f"\n## Trend in pictures, 176x144, low delay P\n\n| pictures | {head}")
        for count in LENGTHS:
            found = measure(folder, pictures, (176, 144), count, "lowdelay_P_main")
            _row(count, 176 * 144 * count, found, start)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
