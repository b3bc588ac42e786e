"""`make demo`: encode the clip that ships with the project, decode it in a second process, compare."""

import filecmp
import json
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_CLIP = _ROOT / "media" / "CiscoVT2people_320x192_12.yuv"


def _run(program, *arguments):
    """Run an installed program of this environment; end the demo with its exit code when it fails."""
    command = [str(Path(sys.executable).with_name(program)), *map(str, arguments)]
    print("$", " ".join(command), flush=True)
    code = subprocess.run(command, check=False).returncode
    if code:
        sys.exit(code)


def main():
    """Leaves the stream and both reconstructions in build/demo."""
    folder = _ROOT / "build" / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    stream, recon, decoded, figures = (folder / name for name in ("demo.bin", "enc.yuv", "dec.yuv", "demo.json"))
    _run("pyenc", "--warm-up")
    _run("pyenc", "-c", "encoder_intra_main.cfg", "-i", _CLIP, "-o", stream, "-r", recon, "-q", 32, "--json", figures)
    _run("pydec", "-i", stream, "-o", decoded)
    exact = filecmp.cmp(recon, decoded, shallow=False)
    document = json.loads(figures.read_text())
    summary = document["summary"]
    print()
    print(f"{summary['frames']} pictures, {8 * document['bytes']} bits, {document['seconds']:.1f} s")
    print(f"PSNR Y {summary['psnr_y']:.4f} dB, U {summary['psnr_u']:.4f} dB, V {summary['psnr_v']:.4f} dB")
    print("decoded exactly" if exact else "DECODED DIFFERENTLY")
    print(f"to watch it: ffplay {stream}")
    print(f"to go on: export PATH={Path(sys.executable).parent}:$PATH; pyenc --help; docs/TUTORIAL.md")
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
