"""docs/TUTORIAL.md typed from top to bottom, in a copy of the checkout's media and recipes, on fewer pictures."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "TUTORIAL.md"
CLIP = "media/CiscoVT2people_320x192_12.yuv"
PICTURES, PICTURE_BYTES = 2, 320 * 192 * 3 // 2


def blocks():
    """The indented blocks of the page, each without its indentation."""
    found, lines = [], []
    for line in [*TUTORIAL.read_text(encoding="utf-8").splitlines(), "end"]:
        if line.startswith("    "):
            lines.append(line[4:])
        elif lines and line:
            found.append(lines)
            lines = []
    return found


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A folder with what the page speaks of, and the programs of this checkout in .venv/bin."""
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / "media").mkdir()
    with open(ROOT / CLIP, "rb") as source:
        # the last recipe trains on four pictures and measures the fifth
        (folder / CLIP).write_bytes(source.read(PICTURES * PICTURE_BYTES))
    shutil.copytree(ROOT / "recipes", folder / "recipes")
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("pyenc", "pydec", "pybd", "pysweep", "pyalloc", "pyinspect", "pytrain"):
        program = programs / name
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        program.write_text(
            f'#!/bin/sh\nPYTHONPATH={shlex.quote(path)} exec {shlex.quote(sys.executable)} -m cli.{name} "$@"\n'
        )
        program.chmod(0o755)
    return folder


def type_in(text, folder):
    """Run a script as a person would, who stops at the first command that fails."""
    path = f"{folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", text], cwd=folder, capture_output=True, text=True, timeout=580,
        env={**os.environ, "PATH": path},
    )  # fmt: skip


def test_every_command_of_the_tutorial_works(checkout):
    pages = ["\n".join(block) for block in blocks()]
    assert len(pages) > 15 and pages[0].startswith("export PATH") and "make train" in pages[-1]
    outputs = []
    for text in pages[:-1]:
        result = type_in(text, checkout)
        assert result.returncode == 0, f"{text}\n{result.stderr}"
        outputs.append(result.stdout)
    assert "SUMMARY" in outputs[1] and "(OK)" in outputs[2]
    for name in ("people.bin", "people_dec.y4m", "curves.png", "plan.sweep/report.html", "photos.bin", "filtered.yuv"):
        assert (checkout / name).stat().st_size > 0
    assert (checkout / "jobs.bin").read_bytes() == (checkout / "people.bin").read_bytes()
    assert list((checkout / "shots").iterdir())
    streams = checkout / "album.alloc" / "pooled-rgb-hull-0.3bpp" / "streams"
    assert sum(path.stat().st_size for path in streams.glob("*.bin")) <= 0.3 * PICTURES * 320 * 192 / 8
    assert len(list(streams.glob("*.png"))) == PICTURES


def test_the_programs_named_on_the_page_are_installed():
    named = set(re.findall(r"^(py\w+) ", "\n".join("\n".join(block) for block in blocks()), re.M))
    scripts = (ROOT / "pyproject.toml").read_text().partition("[project.scripts]")[2].partition("\n[")[0]
    assert named == set(re.findall(r"^(py\w+) =", scripts, re.M))


def test_the_net_of_your_own(checkout):
    """The page's last command, with a recipe of fewer steps and a clip of five pictures."""
    pytest.importorskip("torch")
    with open(ROOT / CLIP, "rb") as source:
        (checkout / CLIP).write_bytes(source.read(5 * PICTURE_BYTES))
    recipe = checkout / "recipes" / "vrcnn_s_quick.toml"
    text, count = re.subn(r"^steps = \d+", "steps = 4", recipe.read_text(), flags=re.M)
    assert count == 2
    recipe.write_text(re.sub(r"^report = \d+", "report = 2", text, flags=re.M))
    *_, installs, typed = blocks()[-1]
    assert re.search(rf"^{installs.removeprefix('make ')}:", (ROOT / "Makefile").read_text(), re.M)
    result = type_in(typed, checkout)
    assert result.returncode == 0, result.stderr
    assert list((checkout / "pytrain.work" / "runs" / "vrcnn_s_quick" / "weights").glob("*.safetensors"))
