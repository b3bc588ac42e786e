"""Every codec on every photo at every setting: rates, and qualities in one colour space each for all.

Points are kept in a file of JSON lines by what decides them, so that a run goes on where another was stopped.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from cli.measure.bd import bd_rate
from cli.measure.quality import rgb_quality
from codec.base.io.writer import write_text
from codec.base.metrics import mse, psnr

# what is compared: {figure: what it is called}
FIGURES = {"psnr_rgb": "PSNR of RGB", "psnr_yuv": "PSNR of YUV 4:2:0 (6:1:1)", "psnr_y": "PSNR of Y",
           "ms_ssim_rgb": "MS-SSIM of RGB"}  # fmt: skip


class Points:
    """The file of points."""

    def __init__(self, path):
        self._path, self._known = Path(path), {}
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self._known[row["key"]] = row

    def of(self, key, make):
        """The row of a key; made, and kept, where it is not there."""
        if key not in self._known:
            row = make() | {"key": key}
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._known[key] = row
            write_text(self._path, "".join(json.dumps(each) + "\n" for each in self._known.values()))
        return self._known[key]


def measure(codecs, photos, points, show=lambda text: None):
    """[row] of every codec, photo and setting; a row has codec, photo, setting, bytes, bpp, and FIGURES.

    photos  {name: (path, uint8 RGB)}
    """
    from cli.e2e.codecs import planes_of

    rows = []
    for name, (path, rgb) in photos.items():
        digest, original = hashlib.sha256(rgb.tobytes()).hexdigest()[:16], planes_of(rgb)
        for codec in codecs:
            for setting in codec.settings:
                show(f"{name} {codec.name} {setting}")
                key = f"{codec.name} {codec.identity} {setting} {digest}"
                rows.append(
                    points.of(key, lambda c=codec, s=setting, p=path, x=rgb, o=original: _row(c.code(p, x, s), x, o))
                    | {"codec": codec.name, "photo": name, "setting": setting}
                )
    return rows


def _row(result, rgb, original):
    found = {"bytes": result.bytes, "bpp": 8 * result.bytes / (rgb.shape[0] * rgb.shape[1])}
    found |= rgb_quality(rgb, result.rgb, metrics=("psnr", "ms-ssim"))
    return found | yuv_quality(original, result.planes)


def yuv_quality(original, planes):
    """{"psnr_y", "psnr_u", "psnr_v", "psnr_yuv": (6 Y + U + V) / 8}"""
    y, u, v = (psnr(mse(a, b), 8) for a, b in zip(original, planes, strict=True))
    return {"psnr_y": y, "psnr_u": u, "psnr_v": v, "psnr_yuv": (6 * y + u + v) / 8}


def mean_curve(rows, codec, figure, photos=None):
    """[(bpp, figure)] of a codec: means over photos at each setting, as published curves are made."""
    found = {}
    for row in rows:
        if row["codec"] == codec and (photos is None or row["photo"] in photos) and row.get(figure) is not None:
            found.setdefault(row["setting"], []).append((row["bpp"], row[figure]))
    return sorted(tuple(float(v) for v in np.mean(values, 0)) for values in found.values())


def delta_text(anchor, test):
    """BD-rate of a curve over another, percent, with the overlap: "+12.3 (78 %)"; n/a where there is none."""
    delta = bd_rate(anchor, test)
    return "n/a" if np.isnan(delta.value) else f"{delta.value:+.1f} ({100 * delta.overlap:.0f} %)"
