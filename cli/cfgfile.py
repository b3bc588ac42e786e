"""HM's cfg grammar: `Name : value  # comment`, one setting a line; a comment goes to the line feed."""

import difflib
from pathlib import Path

from codec.base.errors import UsageError
from codec.base.io.text import lines, read_text

_OUR_CFGS = Path(__file__).resolve().parent / "cfg"
_MAX_CFG_BYTES = 1 << 20


def find_cfg(name):
    """The path of a cfg: `name` as it stands, else that of the ones that come with pyenc; ".cfg" may be left out."""
    for candidate in (Path(name), Path(name + ".cfg")):
        if candidate.is_file():
            return candidate
    if Path(name).name == name:
        for candidate in (_OUR_CFGS / name, _OUR_CFGS / (name + ".cfg")):
            if candidate.is_file():
                return candidate
    known = ", ".join(sorted(path.name for path in _OUR_CFGS.glob("*.cfg")))
    raise UsageError(f"cfg file {name} not found (the ones that come with pyenc: {known})")


def read_cfg(name):
    """The settings of one cfg file: a list of (key, text, "file:line")."""
    text = read_text(find_cfg(name), f"cfg file {name}", UsageError, _MAX_CFG_BYTES)
    if "\0" in text:
        raise UsageError(f"cfg file {name} is not a text file of settings")
    parsed = (_parse_line(line, f"{name}:{number}") for number, line in enumerate(lines(text), 1))
    return [setting for setting in parsed if setting]


def _parse_line(line, origin):
    text = line.split("#", 1)[0].strip()
    if not text:
        return None
    key, colon, value = text.partition(":")
    if not colon:
        key, colon, value = text.partition("=")
    key = key.strip()
    if not colon or not key or len(key.split()) != 1:
        raise UsageError(f'{origin}: "{text}" is not "Name : value"')
    return key, value.strip(), origin


def nearest(key, known):
    """'; did you mean X?' for the known name closest to `key`, or ''."""
    same = {name.lower(): name for name in known}
    # a name cut short, as people know it from other programs (frames), before one that is spelled alike
    begun = [name for name in same if len(key) > 3 and name.startswith(key.lower())]
    close = begun or difflib.get_close_matches(key.lower(), same, n=1, cutoff=0.6)
    return f"; did you mean {same[close[0]]}?" if close else ""
