"""The last line of defence of a program: every way of ending becomes one line and an exit code."""

import os
import sys
import traceback

from codec.errors import EXIT_INPUT, EXIT_INTERNAL, EXIT_OK, CodecError

# as a shell counts them: 128 + signal number
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


def run(program, function, arguments):
    """Call `function(arguments)` and return the exit code of docs/RELIABILITY.md; nothing is raised."""
    try:
        return function(arguments) or EXIT_OK
    except CodecError as error:
        _say(program, f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        _say(program, "interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # the reader of our output went away; keep the interpreter from complaining when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except MemoryError:
        _say(program, "error: out of memory")
        return EXIT_INTERNAL
    except Exception as error:
        if "--debug" in arguments:
            traceback.print_exc()
        if isinstance(error, OSError) and error.strerror:
            _say(program, f"error: {error.filename or 'output'}: {error.strerror}")
            return EXIT_INPUT
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        _say(program, f"internal error ({what}): please report it with the output of the same command and --debug")
        return EXIT_INTERNAL


def note(program, text):
    """Say on stderr, in one line, what went otherwise than expected without being an error; nothing where `text` is."""
    if text:
        _say(program, f"note: {text}")


def _say(program, text):
    print(f"{program}: {' '.join(text.split())}", file=sys.stderr)
