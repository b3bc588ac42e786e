"""--help, --version and docs/OPTIONS.md, from the option tables. `python -m cli.help` writes docs/OPTIONS.md."""

import itertools
import platform
from importlib import metadata
from pathlib import Path

import click

from cli.option import NEUTRAL, SPEED
from cli.options import DECODER_OPTIONS, ENCODER_OPTIONS

_USAGE = {
    "pyenc": "pyenc -c encoder_intra_main.cfg -i in.yuv -o out.bin -wdt 416 -hgt 240 -fr 30 -f 8 -q 32 [--Key=Value]",
    "pydec": "pydec -i out.bin -o rec.yuv [-d 8] [--Key=Value]",
}
_DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "OPTIONS.md"
_FRAME_ROWS = tuple(f"Frame{number}" for number in range(2, 65))
_KIND_NOTES = {
    "flag": "0, 1",
    "ints": "numbers",
    "floats": "numbers",
    "gop": "row",
    "text": "text",
    "file": "file",
    "rate": "rate",
}
_STATUS_NOTES = {
    SPEED: "accepted, without effect",
}


def version_text(program):
    """One line: program, version, Python."""
    try:
        version = metadata.version("pyenc-codec")
    except metadata.PackageNotFoundError:
        version = "(not installed)"
    return f"{program} {version} [Python {platform.python_version()}][{platform.system()} {platform.machine()}]"


def _value(value):
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return str(int(value)) if isinstance(value, bool) else str(value)


def _allowed(option):
    if option.status == NEUTRAL:
        values = option.neutral if len(option.neutral) < 5 else (f"{option.neutral[0]}..{option.neutral[-1]}",)
        return "only " + ", ".join(_value(value) or '""' for value in values)
    if option.choices:
        return ", ".join(map(str, option.choices))
    if option.bounds and not option.name.startswith("Frame"):
        return f"{option.bounds[0]}..{option.bounds[1]}"
    return _KIND_NOTES.get(option.kind, "number")


def _describe(option):
    notes = [option.help] if option.help else []
    if option.status in _STATUS_NOTES:
        notes.append(f"({_STATUS_NOTES[option.status]})")
    if option.status == NEUTRAL:
        notes.append("(not implemented)")
    if option.aliases:
        notes.append(f"Also called {', '.join(option.aliases)}.")
    return " ".join(notes)


def _groups(options):
    shown = [option for option in options if option.name not in _FRAME_ROWS]
    for title, rows in itertools.groupby(shown, key=lambda option: option.group):
        yield title, list(rows)


def help_text(program, options):
    """The text of --help."""
    formatter = click.HelpFormatter(width=110, max_width=110)
    formatter.write(f"{_USAGE[program]}\n\n")
    formatter.write("Every option is given as --Name=value, or by its short flag; cfg files hold lines Name : value.\n")
    for title, rows in _groups(options):
        used = [row for row in rows if row.status not in (SPEED, NEUTRAL)]
        if not used:
            continue
        with formatter.section(title):
            formatter.write_dl([(_flags(row), f"{_describe(row)} [{_limits(row)}]") for row in used])
    formatter.write("\nHM keys that are accepted without effect, or at neutral values only: docs/OPTIONS.md.\n")
    return formatter.getvalue()


def _flags(option):
    return ", ".join([f"-{short}" for short in option.short] + [f"--{option.name}"])


def _limits(option):
    default = _value(option.default)
    return f"{_allowed(option)}; default {default}" if default else _allowed(option)


def options_document():
    """The whole text of docs/OPTIONS.md."""
    lines = [
        "# Options",
        "",
        "Made by `make docs` from the option table (`cli/options.py`); do not edit.",
        "",
        "Options are given as `--Name=value`, `--Name value`, `-short value`, or as `Name : value # comment` in a cfg",
        "file (`-c FILE`, several allowed). Everything is read in the order in which it stands; later settings win.",
        "Only names of files stay once they are typed, whatever cfg files say behind them. A `ReconFile` that only a",
        "cfg file names is written when `-b`, or nothing, names the bitstream, as in HM, and not with `-o`. A",
        "cfg is looked for by path, then among those that come with pyenc. An unknown name is an error. Where the last",
        'column says "not implemented", a key is accepted at the values given and is an error at others.',
    ]
    for program, options in (("pyenc", ENCODER_OPTIONS), ("pydec", DECODER_OPTIONS)):
        lines += ["", f"## {program}", "", f"    {_USAGE[program]}"]
        for title, rows in _groups(options):
            lines += ["", f"### {title}", "", "| option | short | values | default | |", "|---|---|---|---|---|"]
            for row in rows:
                short = " ".join(f"`-{s}`" for s in row.short)
                cells = (f"`{row.name}`", short, _allowed(row), _value(row.default), _describe(row))
                lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    _DOCUMENT.write_text(options_document(), encoding="utf-8")
