"""What the CNN output filter gains on stills: BD-rate of RGB with it against without it, by image.

    python -m tests.bench.output_filter [--images FOLDER] ARCHITECTURE

Both curves come from the same streams, whose reports tell the PSNR of the RGB before and after the filter; so the rate
includes what signals it in both, some 20 bytes an image.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from cli.measure.bd import bd_rate
from tests.bench.run import QPS, pyenc
from tests.conformance import foreign

IMAGES = foreign.ROOT.parent / "shared" / "data" / "dev" / "images"


def points(image, architecture, folder):
    """[(bits, PSNR of the RGB without the filter, with it, weight of the corrections)] by QP."""
    found = []
    for qp in QPS:
        report, stream = folder / "report.json", folder / "still.bin"
        command = pyenc("-i", image, "-o", stream, "-q", qp, "--json", report, f"--CnnOutputFilter={architecture}")
        subprocess.run([*command, "--SEIDecodedPictureHash=0"], check=True, capture_output=True, cwd=foreign.ROOT)
        picture = json.loads(report.read_text())["pictures"][0]
        names = ("psnr_rgb_without", "psnr_rgb", "cnn_output_filter_weight")
        found.append((8 * stream.stat().st_size, *(picture[name] for name in names)))
    return found


def main(arguments):
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("architecture")
    parser.add_argument("--images", type=Path, default=IMAGES)
    options = parser.parse_args(arguments)
    paths = sorted(options.images.glob("*.png"))
    if not paths:
        parser.error(f"{options.images}: no PNG there")
    print("| image | BD-rate of RGB | dB at QP 22 / 27 / 32 / 37 | weight |\n|---|---|---|---|")
    rates, gains = [], []
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            found = points(path, options.architecture, Path(folder))
            rates.append(bd_rate([(b, x) for b, x, _, _ in found], [(b, y) for b, _, y, _ in found]).value)
            gains.append([y - x for _, x, y, _ in found])
            weights = " ".join(f"{weight:g}" for *_, weight in found)
            print(f"| {path.stem} | {rates[-1]:+.2f} % | {_decibels(gains[-1])} | {weights} |", flush=True)
    print(f"| mean | {np.mean(rates):+.2f} % | {_decibels(np.mean(gains, axis=0))} | |")
    return 0


def _decibels(values):
    return " / ".join(f"{value:+.2f}" for value in values)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
