"""Published points (cli/e2e/published.csv): means over Kodak, from the repositories that the file names."""

import csv
from pathlib import Path
from typing import NamedTuple

_POINTS, _DELTAS = (Path(__file__).with_name(name) for name in ("published.csv", "published_bd.csv"))
HM, VTM, BPG = "HM 16.20 4:4:4", "VTM 4:4:4", "BPG 4:2:0"
FACTORIZED = "factorized (CompressAI)"
# what is known of sizes and training: (channels, training), as the authors' repositories and papers state it
SIZES = {
    "Balle 2017": "128 to 192 channels, a net a rate; about a million steps",
    FACTORIZED: "N 128, M 192 (320 at high rates), 42 kMAC/pixel each way, a net a rate; 4 to 5 million steps, 1 to 2 "
    "weeks of a GPU each",
    "hyperprior (CompressAI)": "N 128, M 192 (320 at high rates), 43 kMAC/pixel each way; as the former",
}


class Published(NamedTuple):
    """bpp and PSNR of RGB in dB; ms_ssim or None."""

    bpp: float
    psnr_rgb: float
    ms_ssim_rgb: float | None


def _rows(path):
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def published_points():
    """{method: [Published]}, in the file's order."""
    found = {}
    for row in _rows(_POINTS):
        likeness = float(row["ms_ssim_rgb"]) if row["ms_ssim_rgb"] else None
        point = Published(float(row["bpp"]), float(row["psnr_rgb"]), likeness)
        found.setdefault(row["method"], []).append(point)
    return found


def published_sources():
    """{method: where its points are from}"""
    return {row["method"]: row["source"] for row in [*_rows(_POINTS), *_rows(_DELTAS)]}


def published_deltas():
    """[(method, over VTM %, over HM %, (least, most) bpp)] of codecs whose points are not here."""
    return [
        (row["method"], float(row["over_vtm"]), float(row["over_hm"]), (float(row["bpp_min"]), float(row["bpp_max"])))
        for row in _rows(_DELTAS)
    ]
