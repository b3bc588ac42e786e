"""The last line of defence of a program: every way of ending becomes one line and an exit code."""

import errno
import os
import sys
import traceback

from cli import signals
from codec.base.errors import EXIT_INPUT, EXIT_INTERNAL, EXIT_OK, CodecError
from codec.base.io import files

# as a shell counts them: 128 + signal number
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
_FULL = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


def run(program, function, arguments):
    """Call `function(arguments)` and return the exit code of docs/RELIABILITY.md; nothing is raised."""
    _prepare_streams()
    files.forget()
    try:
        with signals.raised():
            return _call(program, function, arguments)
    except KeyboardInterrupt as error:
        # a signal that came while the line about another end was written
        return getattr(error, "exit_code", EXIT_INTERRUPTED)


def _call(program, function, arguments):
    try:
        code = function(arguments) or EXIT_OK
        sys.stdout.flush()
        return code
    except BaseException as error:
        # whatever a signal was taken for on its way, as by an import
        text, code = _told(signals.noted() or error, arguments)
    if text:
        _say(program, text)
    _drop(sys.stdout)
    return code


def _told(error, arguments):
    """(the line that tells of an error, "" for none; exit code)"""
    if isinstance(error, signals.Ended):
        return str(error), error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", EXIT_INTERRUPTED
    if isinstance(error, CodecError):
        return f"error: {error}", error.exit_code
    if isinstance(error, BrokenPipeError):
        return "", EXIT_BROKEN_PIPE
    if isinstance(error, MemoryError):
        return "error: out of memory", EXIT_INTERNAL
    if not isinstance(error, Exception):
        raise error
    if "--debug" in arguments:
        traceback.print_exception(error)
    if isinstance(error, OSError) and error.strerror:
        # our files have names: what lacks room without one is standard output
        name = error.filename or ("standard output" if error.errno in _FULL else "")
        return f"error: {name}{name and ': '}{error.strerror}", EXIT_INPUT
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    return f"internal error ({what}): please report it with the output of the same command and --debug", EXIT_INTERNAL


def _prepare_streams():
    """Give a process that was started with closed streams (cron, daemons) ones that hold nothing.

    Else the next file that is opened would take the place of one, and with it what others print there. Names of files
    that the terminal's encoding has not are printed as escapes.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            _fill(number)
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 (as long as the process)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _fill(descriptor):
    try:
        os.fstat(descriptor)
    except OSError:
        null = os.open(os.devnull, os.O_RDWR)
        if null != descriptor:
            os.dup2(null, descriptor)
            os.close(null)
        os.set_inheritable(descriptor, True)


def _drop(stream):
    """Send what a stream still holds nowhere, if its reader went away or its disk is full: Python would complain."""
    try:
        stream.flush()
    except (OSError, ValueError):
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        except (OSError, ValueError):
            return


def warn(program, text):
    """One line about what a person should know, and that ends nothing."""
    _say(program, f"warning: {text}")


def note(program, text):
    """Say on stderr, in one line, what went otherwise than expected without being an error; nothing where `text` is."""
    if text:
        _say(program, f"note: {text}")


def _say(program, text):
    try:
        print(f"{program}: {' '.join(text.split())}", file=sys.stderr)
    except OSError:
        # nobody listens; the exit code tells
        _drop(sys.stderr)
