"""One stream with the CNN loop filter, decoded in many settings of the arithmetic: the pictures must be the same.

Run: python -m tests.conformance.exact_nets [NET]; about a minute. docs/NETS.md says why they are.
"""

import hashlib
import os
import sys
import tempfile
from pathlib import Path

from tests.conformance import foreign

CLIP = foreign.ROOT / "media" / "CiscoVT2people_320x192_12.yuv"
ENCODINGS = {
    "all intra": ["encoder_intra_main.cfg", "-f", "3", "-q", "37"],
    "random access": ["encoder_randomaccess_main.cfg", "-f", "5", "-q", "37"],
}
_TILES = "from codec.h265.tools.loop_filter.apply import CnnLoopFilter; CnnLoopFilter.__init__.__defaults__ = (64,)"
# name: (environment, statements before pydec begins, options of pydec)
SETTINGS = {
    "as it comes": ({}, "", []),
    "1 thread": ({}, "", ["--threads=1"]),
    "2 threads, 2 of torch": ({}, "import torch; torch.set_num_threads(2)", ["--threads=2"]),
    "oneDNN off": ({}, "import torch; torch.backends.mkldnn.set_flags(False)", []),
    "oneDNN held to SSE4.1": ({"ONEDNN_MAX_CPU_ISA": "SSE41"}, "", []),
    "oneDNN held to AVX2": ({"ONEDNN_MAX_CPU_ISA": "AVX2"}, "", []),
    "ATen without vectors": ({"ATEN_CPU_CAPABILITY": "default"}, "", []),
    "tiles of 64x64": ({}, _TILES, []),
    "compiled loops": ({}, "", ["--CnnBackend=compiled"]),
    "compiled loops, tiles of 64x64": ({}, _TILES, ["--CnnBackend=compiled"]),
}


def _cuda():
    import torch

    return torch.cuda.is_available()


def _decode(stream, environment, statements, options):
    program = f"{statements}\nfrom cli.pydec import main\nmain()"
    command = [sys.executable, "-c", program, "-i", str(stream), "-o", "-", *options]
    return foreign.md5_of_output(command, cwd=foreign.ROOT, env={**os.environ, **environment})


def main():
    """Print a table; the exit status tells whether all were the same."""
    net = sys.argv[1:2] or ["lop"]
    settings = {**SETTINGS, **({"GPU": ({}, "", ["--CnnDevice=cuda"])} if _cuda() else {})}
    right = True
    with tempfile.TemporaryDirectory() as folder:
        for title, arguments in ENCODINGS.items():
            stream, rec = Path(folder) / "stream.bin", Path(folder) / "rec.yuv"
            command = [sys.executable, "-m", "cli.pyenc", "-c", *arguments, "-i", str(CLIP), "-o", str(stream)]
            foreign.md5_of_output([*command, "-r", str(rec), f"--CnnLoopFilter={net[0]}"], cwd=foreign.ROOT)
            truth = hashlib.md5(rec.read_bytes()).hexdigest()
            print(f"{title}, {stream.stat().st_size} bytes, the encoder's pictures: {truth}")
            for name, how in settings.items():
                same = _decode(stream, *how) == truth
                right = right and same
                print(f"  {'same' if same else 'DIFFERENT'}: {name}", flush=True)
    sys.exit(not right)


if __name__ == "__main__":
    main()
