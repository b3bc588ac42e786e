"""Command lines of the measuring programs, parsed by click, with this project's errors and exit codes."""

import sys

import click

from cli import fail
from codec.base.errors import EXIT_OK, UsageError


def run(command, program, arguments):
    """Run a click command on arguments; returns an exit code or raises CodecError."""
    try:
        # click's own main() takes a reader that went away, and Ctrl-C, for things of its own
        with command.make_context(program, list(arguments)) as context:
            return command.invoke(context) or EXIT_OK
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        raise UsageError(f"{error.format_message()} (see --help)") from None


def end(command, program):
    """The whole of a program: run on sys.argv and end the process with the exit code."""
    sys.exit(fail.run(program, lambda arguments: run(command, program, arguments), sys.argv[1:]))
