"""A third tool, plugged in by one line in the registry: `brighten` beside this file."""

import csv
import subprocess
import sys

import numpy as np

from tests.codec.test_floors import ROOT

_PLUG_IN = """
import sys
from codec.h265.tools import registry
from tests.codec.h265.tools.brighten.tool import Brighten
registry.TOOLS += (Brighten(),)
"""
_CLIP = ROOT / "media" / "CiscoVT2people_320x192_12.yuv"


def python(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


def program(name, *arguments):
    """One of our programs, with the third tool."""
    return python(f"{_PLUG_IN}from cli import {name}\n{name}.main()", *arguments)


def test_a_third_tool_is_an_option_of_pyenc():
    text = program("pyenc", "--help").stdout
    assert "--Brighten" in text and "Make CTUs brighter by so much." in text
    done = program("pyenc", "-i", _CLIP, "-o", "-", "--Brighten=3")
    assert done.returncode == 2 and "Brighten=3" in done.stderr


def sunrise(path):
    """Three pictures 96x64, of which the right half becomes brighter by two a picture."""
    first = np.random.default_rng(1).integers(40, 200, (64, 96)).astype(np.uint8)
    with open(path, "wb") as file:
        for index in range(3):
            luma = first.copy()
            luma[:, 48:] += 2 * index
            file.write(luma.tobytes() + bytes([128]) * (64 * 96 // 2))


def test_a_third_tool_is_coded_and_decoded(tmp_path):
    source, stream, recon, record, decoded = (tmp_path / name for name in ("i.yuv", "a.bin", "a.yuv", "a.csv", "b.yuv"))
    sunrise(source)
    arguments = f"-c encoder_lowdelay_P_main.cfg -i {source} -wdt 96 -hgt 64 -fr 30 -o {stream} --ReconFile={recon}"
    blocks = "--MaxCUWidth=16 --MaxCUHeight=16 --MaxPartitionDepth=2 --QuadtreeTULog2MaxSize=4"
    for more in ("", "--CnnLoopFilter=lop --CnnBackend=compiled"):
        done = program("pyenc", *f"{arguments} --csv={record} -q 37 --Brighten=2 {blocks} {more}".split())
        assert done.returncode == 0, done.stderr
        shares = [float(row["brighten_share"]) for row in csv.DictReader(record.read_text().splitlines())]
        assert 0 < max(shares) < 1
        done = program("pydec", "-i", stream, "-o", decoded, "--CnnBackend=compiled")
        assert done.returncode == 0, done.stderr
        assert decoded.read_bytes() == recon.read_bytes()


def test_who_does_not_have_the_tool_says_so(tmp_path):
    stream = tmp_path / "a.bin"
    done = program("pyenc", "-i", _CLIP, "-o", stream, "-f", 1, "-q", 47, "--Brighten=2")
    assert done.returncode == 0, done.stderr
    done = python("from cli import pydec\npydec.main()", "-i", stream, "-o", "-")
    assert done.returncode == 6 and "a CNN tool that this version does not know" in done.stderr
