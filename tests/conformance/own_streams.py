"""`python -m tests.conformance.own_streams`: pyenc's streams of real clips, decoded by pydec, FFmpeg and libde265.

Every clip of a directory (default: ../shared/data/dev) is encoded at several QPs in 8 and 10 bit by the command line,
with each configuration, and every decoder's pictures are compared with the reconstruction that pyenc wrote; pydec
checks the MD5 of every picture as well.
"""

import argparse
import hashlib
import itertools
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conformance import foreign

CLIPS = foreign.ROOT.parent / "shared" / "data" / "dev"
# QP, internal bit depth
INTRA_POINTS = [*((qp, 8) for qp in (0, 12, 22, 27, 32, 37, 45, 51)), *((qp, 10) for qp in (-12, 22, 37, 51))]
INTER_POINTS = [(qp, depth) for depth in (8, 10) for qp in (22, 27, 32, 37)]
# name: (cfg files' common part, pictures, points)
CONFIGURATIONS = {
    "ai": ("encoder_intra_main", 2, INTRA_POINTS),
    "ldp": ("encoder_lowdelay_P_main", 6, INTER_POINTS),
    "ldb": ("encoder_lowdelay_main", 6, INTER_POINTS),
    "ra": ("encoder_randomaccess_main", 9, INTER_POINTS),
}


def encode(clip, cfg, qp, depth, frames, folder):
    """Encode with the command line. -> (stream, MD5 of the reconstruction)"""
    stream, recon = folder / "stream.bin", folder / "recon.yuv"
    cfg += "10.cfg" if depth == 10 else ".cfg"
    frames = min(frames, clip.stat().st_size // _picture_bytes(clip))
    command = [sys.executable, "-m", "cli.pyenc", "-c", cfg, "-i", str(clip), "-o", str(stream)]
    command += [f"--ReconFile={recon}", "-f", str(frames), f"--QP={qp}", f"--InternalBitDepth={depth}"]
    path = os.pathsep.join(filter(None, [str(foreign.ROOT), os.environ.get("PYTHONPATH")]))
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    if result.returncode:
        raise foreign.ProgramFailed(command, result.returncode, result.stderr)
    return stream, hashlib.md5(recon.read_bytes()).hexdigest()


def main(arguments):
    """Print a line per stream and the total; the exit status tells whether all decoders agreed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="?", type=Path, default=CLIPS, help="directory of NAME_WxH_FPS.yuv files")
    parser.add_argument("--config", default=",".join(CONFIGURATIONS), help="some of ai,ldp,ldb,ra (default: all)")
    parser.add_argument("--frames", type=int, help="pictures of each clip (default: by configuration)")
    options = parser.parse_args(arguments)
    clips = sorted(options.clips.glob("*.yuv"))
    if not clips:
        print(f"no clips in {options.clips}")
        return 0
    if not foreign.all_here():
        return 1
    missing = {name for name, program in foreign.PROGRAMS.items() if not foreign.available(program)}
    decoders = {name: run for name, run in foreign.DECODERS.items() if name not in missing}
    streams, wrong = 0, 0
    with tempfile.TemporaryDirectory() as name:
        for clip, config in itertools.product(clips, options.config.split(",")):
            cfg, frames, points = CONFIGURATIONS[config]
            for qp, depth in points:
                stream, expected = encode(clip, cfg, qp, depth, options.frames or frames, Path(name))
                found = {decoder: run(stream) == expected for decoder, run in decoders.items()}
                streams += 1
                wrong += not all(found.values())
                verdict = ", ".join(f"{decoder} {'exact' if ok else 'DIFFERS'}" for decoder, ok in found.items())
                print(f"{clip.name} {config:3} QP {qp:3} {depth:2} bit: {verdict}", flush=True)
    print(f"{streams - wrong} of {streams} streams reproduced exactly by {', '.join(decoders)}")
    return int(wrong > 0)


def _picture_bytes(clip):
    """Of an 8-bit 4:2:0 clip whose size is in its name."""
    width, height = map(int, re.search(r"_(\d+)x(\d+)_", clip.name).groups())
    return width * height * 3 // 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
