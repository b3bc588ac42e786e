"""The option table: consistent in itself, complete, and the documents made from it."""

import collections
import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from cli.help import help_text, options_document
from cli.option import NEUTRAL, USED
from cli.options import DECODER_OPTIONS, ENCODER_OPTIONS
from codec.h265.config import DecoderConfig, EncoderConfig

ROOT = Path(__file__).resolve().parents[2]
TABLES = {"pyenc": ENCODER_OPTIONS, "pydec": DECODER_OPTIONS}


@pytest.mark.parametrize("options", TABLES.values(), ids=TABLES)
def test_names_and_short_flags_are_unique(options):
    names = collections.Counter(name for option in options for name in (option.name, *option.aliases))
    shorts = collections.Counter(short for option in options for short in option.short)
    assert [name for name, count in (names + shorts).items() if count > 1 and len(name) > 1] == []
    assert max(names.values()) == max(shorts.values()) == 1


@pytest.mark.parametrize("options", TABLES.values(), ids=TABLES)
def test_defaults_are_accepted_values(options):
    for option in options:
        if option.status == NEUTRAL:
            assert option.default in option.neutral, option.name
        if option.choices and not (option.name in ("MaxCUSize",) and option.default == 0):
            assert option.default in option.choices, option.name
        if option.kind in ("int", "float", "flag", "choice"):
            text = str(int(option.default)) if option.kind == "flag" else str(option.default)
            assert option.name == "MaxCUSize" or option.parse(text) == option.default


def test_every_field_of_the_configs_has_an_option():
    own = {"GOP", "PictureQP", "BlockStatistics"}
    for options, config in ((ENCODER_OPTIONS, EncoderConfig), (DECODER_OPTIONS, DecoderConfig)):
        fields = {spec.name for spec in dataclasses.fields(config)} - own
        reached = {option.field for option in options if option.field}
        missing = fields - reached - {"ChromaFormatIDC"}
        assert missing == set()


@pytest.mark.parametrize("options", TABLES.values(), ids=TABLES)
def test_used_options_are_explained(options):
    assert [option.name for option in options if option.status == USED and not option.help] == []


def test_options_document_is_not_stale():
    assert (ROOT / "docs" / "OPTIONS.md").read_text() == options_document(), "run make docs"


@pytest.mark.parametrize("program", TABLES)
def test_help_shows_every_used_option(program):
    text = help_text(program, TABLES[program])
    assert max(map(len, text.splitlines())) <= 112
    for option in TABLES[program]:
        if option.status == USED and (option.kind != "gop" or option.name == "Frame1"):
            assert f"--{option.name}" in text


@pytest.mark.parametrize("program", TABLES)
@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_is_quick_to_come(program, flag):
    code = (
        "import sys\n"
        f"from cli import {program} as program\n"
        f"code = program.run(['{flag}'])\n"
        "heavy = [name for name in ('numba', 'torch', 'cv2', 'numpy') if name in sys.modules]\n"
        "sys.exit(f'imported {heavy}' if heavy or code else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert program in done.stdout
