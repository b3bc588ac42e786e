"""Errors that reach the user, and the exit code of each (docs/RELIABILITY.md has the table)."""

EXIT_OK = 0
EXIT_INTERNAL = 1
EXIT_USAGE = 2
EXIT_INPUT = 3
EXIT_CORRUPT = 4
EXIT_HASH = 5
EXIT_UNSUPPORTED = 6
EXIT_WEIGHTS = 7
EXIT_LIMIT = 8


class CodecError(Exception):
    """A fault with a cause the user can act on: one line, what and where and what to do, and an exit code."""

    exit_code = EXIT_INTERNAL


class UsageError(CodecError):
    """A bad option or cfg file."""

    exit_code = EXIT_USAGE


class InputError(CodecError):
    """An input file that is missing, short, or not what was said."""

    exit_code = EXIT_INPUT


class CorruptStream(CodecError):
    """A bitstream that breaks a rule of H.265; the message begins with the clause."""

    exit_code = EXIT_CORRUPT


class HashMismatch(CodecError):
    """A decoded picture differs from its SEI hash."""

    exit_code = EXIT_HASH


class Unsupported(CodecError):
    """A stream or setting that asks for something this version does not implement."""

    exit_code = EXIT_UNSUPPORTED


class WeightsMissing(CodecError):
    """A stream names network weights that are not installed, or differ."""

    exit_code = EXIT_WEIGHTS


class LimitExceeded(CodecError):
    """A size or count above codec/base/limits.py."""

    exit_code = EXIT_LIMIT
