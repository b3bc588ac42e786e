"""A photo by learned codecs, coded and decoded in twenty settings of the arithmetic: the same streams and samples.

Run: python -m tests.conformance.exact_learned [PHOTO]; a minute or two, with the installed weights.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from codec.base.io.stills import png_bytes
from codec.learned.model import CODECS
from tests.codec.learned.small_codec import picture
from tests.conformance import foreign

_TILES = "import nets.latent_nets as n; n.LatentNets.__init__.__defaults__ = ((), None, 1, {tile})\n"
_TILES += "import codec.learned.model as m; m.Model.__init__.__defaults__ = ('', 'auto', 'cpu', False, None, 1, {tile})"
_TORCH = ["--CnnBackend=torch"]
# name: (environment, statements before the program begins, options)
SETTINGS = {
    "as it comes": ({}, "", []),
    "1 thread": ({}, "", ["--threads=1"]),
    "2 threads": ({}, "", ["--threads=2"]),
    "5 threads": ({}, "", ["--threads=5"]),
    "tiles of 64": ({}, _TILES.format(tile=64), ["--threads=1"]),
    "tiles of 128, 3 threads": ({}, _TILES.format(tile=128), ["--threads=3"]),
    "tiles of 1024": ({}, _TILES.format(tile=1024), []),
    "without tiles": ({}, _TILES.format(tile=None), ["--threads=1"]),
    "compiled, SSE4.2 and no more": ({"NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": ""}, "", ["--threads=1"]),
    "compiled, Haswell": ({"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""}, "", ["--threads=1"]),
    "torch": ({}, "", _TORCH),
    "torch, 1 thread": ({}, "", [*_TORCH, "--threads=1"]),
    "torch, 3 threads, tiles of 64": ({}, _TILES.format(tile=64), [*_TORCH, "--threads=3"]),
    "torch, tiles of 256": ({}, _TILES.format(tile=256), _TORCH),
    "torch's own threads": ({}, "import torch; torch.set_num_threads(2)", _TORCH),
    "oneDNN off": ({}, "import torch; torch.backends.mkldnn.set_flags(False)", _TORCH),
    "oneDNN held to SSE4.1": ({"ONEDNN_MAX_CPU_ISA": "SSE41"}, "", _TORCH),
    "oneDNN held to AVX2": ({"ONEDNN_MAX_CPU_ISA": "AVX2"}, "", _TORCH),
    "oneDNN held to AVX-512 without bf16": ({"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"}, "", _TORCH),
    "ATen without vectors": ({"ATEN_CPU_CAPABILITY": "default"}, "", _TORCH),
}


def _run(program, arguments, environment, statements, options):
    code = f"{statements}\nfrom cli.{program} import main\nmain()"
    command = [sys.executable, "-c", code, *arguments, *options]
    subprocess.run(command, cwd=foreign.ROOT, env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)


def main():
    """Print a table; the exit status tells whether all were the same."""
    right = True
    with tempfile.TemporaryDirectory() as folder:
        photo, stream, made = (str(Path(folder) / name) for name in ("photo.png", "a.bin", "a.ppm"))
        Path(photo).write_bytes(png_bytes(picture(200, 296)))
        photo = sys.argv[1] if len(sys.argv) > 1 else photo
        for codec in CODECS:
            truth = None
            for name, how in SETTINGS.items():
                _run("pyenc", [f"--Codec={codec}", "-i", photo, "-b", stream, "-q", "4"], *how)
                _run("pydec", ["-b", stream, "-o", made], *how)
                found = [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in (stream, made)]
                truth = truth or found
                right = right and found == truth
                print(f"{codec}: {'same' if found == truth else 'DIFFERENT'}: {name}", flush=True)
    sys.exit(not right)


if __name__ == "__main__":
    main()
