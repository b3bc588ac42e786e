"""From a command line to settings: HM's grammar, options and cfg files in the order in which they stand."""

from cli.cfgfile import find_cfg, nearest, read_cfg
from cli.option import NEUTRAL, SPEED
from codec.base.errors import UsageError

COMMAND_LINE = "command line"


class Settings:
    """The values that were given, each with its origin; asking for one that was not gives the table's default."""

    def __init__(self, options):
        self._options = {option.name: option for option in options}
        self._names = {alias: option.name for option in options for alias in (option.name, *option.aliases)}
        self._given = {}
        self._open = []  # paths of the cfg files that are being read, each named by the one before

    def __getitem__(self, name):
        return self._given[name][0] if name in self._given else self._options[name].default

    def names(self):
        """Names of all options that the person set."""
        return list(self._given)

    def given(self, name):
        """True when the person set `name`."""
        return name in self._given

    def changes(self, name):
        """True when the person set `name` to another value than it has by itself."""
        return self.given(name) and self[name] != self._options[name].default

    def origin(self, name):
        """Where `name` was set: "file:line" or "command line"."""
        return self._given[name][1]

    def typed(self, name):
        """True when `name` was set on the command line, and by no later cfg file."""
        return self.given(name) and self.origin(name) == COMMAND_LINE

    def option(self, key, origin):
        """The option called `key`, or UsageError with the nearest known name."""
        if key not in self._names:
            raise UsageError(f"{origin}: unknown option {key}{nearest(key, self._names)}")
        return self._options[self._names[key]]

    def set(self, key, text, origin):
        """Set one option from text; later calls win, but a cfg file does not replace the name of a file that was typed.

        HM's cfg files all name a bitstream and a reconstruction: who types a name means it.
        """
        option = self.option(key, origin)
        if option.name == "ConfigFile":
            self._read(text, origin)
            return
        try:
            value = option.parse(text)
        except UsageError as error:
            raise UsageError(f"{origin}: {error}") from None
        if option.kind == "file" and origin != COMMAND_LINE and self.typed(option.name):
            return
        self._given.pop(option.name, None)
        self._given[option.name] = (value, origin)
        if option.name == "MaxCUSize":
            self._given["MaxCUWidth"] = self._given["MaxCUHeight"] = (value, origin)

    def _read(self, name, origin):
        path = find_cfg(name)
        if path in self._open:
            raise UsageError(f"{origin}: cfg file {name} is being read already: it cannot name itself")
        self._open.append(path)
        for setting in read_cfg(name):
            self.set(*setting)
        self._open.pop()

    def refuse_what_we_lack(self):
        """UsageError for the first option whose value asks for something that is not implemented."""
        for name, (value, origin) in self._given.items():
            option = self._options[name]
            if option.status == NEUTRAL and value not in option.neutral:
                wrong, right = _value_text(value), _values_text(option.neutral)
                raise UsageError(f"{origin}: {name}={wrong} is not implemented; it is accepted at {right}")

    def without_effect(self):
        """Names of given options that this program accepts and does not use."""
        return [name for name in self._given if self._options[name].status == SPEED]

    def config_values(self):
        """Values of the options that are fields of the codec's config, as {field: value}."""
        return {
            option.field: self._given[name][0]
            for name, option in self._options.items()
            if option.field and name in self._given
        }

    def gop_rows(self):
        """The GOP's rows, Frame1 onwards; UsageError when one is missing in between."""
        rows = {int(name[5:]): name for name in self._given if self._options[name].kind == "gop"}
        for number in range(1, len(rows) + 1):
            if number not in rows:
                raise UsageError(f"Frame{number} is missing: the GOP's rows must be Frame1, Frame2, ... without a gap")
        return tuple(self[rows[number]] for number in sorted(rows))


def _value_text(value):
    return str(int(value)) if isinstance(value, bool) else str(value) or '""'


def _values_text(values):
    if len(values) > 4:
        return f"{values[0]}..{values[-1]}"
    return " or ".join(_value_text(value) for value in values)


def parse_command_line(options, arguments):
    """Settings from `arguments` (without the program's name).

    Forms: `--Key=Value`, `--Key Value`, a flag's `--Key` alone for 1, `-q 32`, `-q32`, `-q=32`, HM's `-wdt 416`.
    """
    settings = Settings(options)
    shorts = {short: option.name for option in options for short in option.short}
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word.startswith("--") and len(word) > 2:
            _take_long(settings, word[2:], waiting)
        elif word.startswith("-") and len(word) > 1:
            _take_short(settings, shorts, word[1:], waiting)
        else:
            raise UsageError(f'unexpected "{word}": a value follows its option, as in -i FILE (see --help)')
    return settings


def _is_value(word):
    """True for a word that can only be a value: no dash in front, "-" itself, or a negative number."""
    if not word.startswith("-") or word == "-":
        return True
    return word[1:2].isdigit() or word[1:2] == "."


def _take_long(settings, text, waiting):
    key, equals, value = text.partition("=")
    option = settings.option(key, COMMAND_LINE)
    if not equals:
        if waiting and _is_value(waiting[0]):
            value = waiting.pop(0)
        elif option.kind == "flag":
            value = "1"
        else:
            raise UsageError(f"--{key} needs a value")
    settings.set(key, value, COMMAND_LINE)


def _take_short(settings, shorts, text, waiting):
    if text in shorts:
        name = shorts[text]
        if waiting and _is_value(waiting[0]):
            settings.set(name, waiting.pop(0), COMMAND_LINE)
        elif text == "h":
            settings.set("help", "1", COMMAND_LINE)
        elif settings.option(name, COMMAND_LINE).kind == "flag":
            settings.set(name, "1", COMMAND_LINE)
        else:
            raise UsageError(f"-{text} needs a value")
        return
    if text == "h":
        settings.set("help", "1", COMMAND_LINE)
        return
    attached = [short for short in shorts if text.startswith(short) and text[len(short)] in "=-0123456789"]
    if not attached:
        raise UsageError(f"unknown option -{text}{nearest('-' + text, ['-' + short for short in shorts])}")
    short = max(attached, key=len)
    settings.set(shorts[short], text[len(short) :].removeprefix("="), COMMAND_LINE)
