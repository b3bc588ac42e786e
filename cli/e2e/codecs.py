"""The codecs that are measured here, each as a function from a picture and a setting to bytes and a picture."""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from codec.base.errors import CodecError
from codec.base.io.colour import rgb_to_yuv420
from codec.base.io.matrices import Colour
from codec.base.io.rgb import shown, to_rgb
from codec.base.io.yuv import Format, unpack

BT709 = Colour(1)
QUALITIES = tuple(range(1, 7))


class Result(NamedTuple):
    """bytes of the stream;  rgb: uint8 (rows, columns, 3), decoded;  planes: 4:2:0 of it, 8 bits"""

    bytes: int
    rgb: np.ndarray
    planes: list


class Learned:
    """Of a codec of codec.learned.model.CODECS with its installed weights; settings are qualities."""

    def __init__(self, codec, directory=""):
        from codec.learned.model import Model, choose_weights
        from nets import weights

        self.name, self.settings = codec, QUALITIES
        self._model = Model(choose_weights(codec, directory), directory)
        self.identity = self._model.id
        self.codec = self._model.codec
        self.training = weights.find(self.identity, directory or weights.WEIGHTS).training

    def code(self, path, rgb, setting):
        """Result of a photo."""
        from codec.learned.picture import encode_picture

        coded = encode_picture(self._model, rgb, setting - 1)
        return Result(len(coded.data), coded.rgb, planes_of(coded.rgb))

    def stream(self, rgb, setting):
        """The bytes."""
        from codec.learned.picture import encode_picture

        return encode_picture(self._model, rgb, setting - 1).data


class Pyenc:
    """pyenc as H.265, all intra, in a process of its own; settings are QPs."""

    def __init__(self, name, qps, options=()):
        self.name, self.settings, self._options = name, tuple(qps), tuple(options)
        self.identity = " ".join([_sources_hash(), *options])

    def code(self, path, rgb, setting):
        """Result of a photo."""
        with tempfile.TemporaryDirectory(prefix="learned-") as folder:
            stream, recon = Path(folder) / "a.bin", Path(folder) / "a.yuv"
            self.run(path, stream, setting, "-r", str(recon))
            height, width = (side + side % 2 for side in rgb.shape[:2])
            planes = unpack(recon.read_bytes(), Format(width, height, 8, 1), str(recon))
            made = shown(to_rgb(planes, (8, 8), BT709))[: rgb.shape[0], : rgb.shape[1]]
            return Result(stream.stat().st_size, made, planes)

    def run(self, path, stream, setting, *more):
        """Write the stream of a photo."""
        command = [
            sys.executable,
            "-m",
            "cli.pyenc",
            "-c",
            "encoder_intra_main.cfg",
            "-i",
            str(path),
            "-b",
            str(stream),
        ]
        command += [f"--QP={setting}", "--threads=1", "--SEIDecodedPictureHash=0", *self._options, *more]
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).resolve().parents[2])
        if done.returncode:
            raise CodecError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")


def _sources_hash():
    """Of all that decides a stream of H.265."""
    folder, digest = Path(__file__).resolve().parents[2] / "codec", hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        if "learned" not in path.parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def planes_of(rgb):
    """[Y, Cb, Cr] int32, BT.709, of uint8 RGB; an odd side is extended."""
    rgb = np.pad(rgb, ((0, rgb.shape[0] % 2), (0, rgb.shape[1] % 2), (0, 0)), mode="edge")
    return rgb_to_yuv420(rgb, 8, 8, "bt709")
