"""Ctrl-C, TERM and HUP: a program ends as it does after an error, cleaning up, with exit code 128 + their number."""

import os
import signal
import sys
from contextlib import contextmanager
from types import SimpleNamespace

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_PROGRAMS = ("pyenc", "pydec", "pyinspect", "pybd", "pysweep", "pytrain")
_AGAIN_SECONDS = 0.05
_state = SimpleNamespace(noted=None, held=0)


class Ended(KeyboardInterrupt):
    """A signal asks this program to end; number: which."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self):
        """As shells count."""
        return 128 + self.number

    def __str__(self):
        return "interrupted" if self.number == signal.SIGINT else f"ended by {signal.Signals(self.number).name}"


def noted():
    """The Ended of the signal that came within the present raised(), None without one."""
    return _state.noted


def _set(handler):
    """Let the signals that are not ignored (nohup) call a handler. -> {signal: handler before}"""
    listened = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in listened}


def end_quietly_at_once():
    """Until raised() is entered, and after it: while modules are imported, there is nothing to clean up.

    Only where the process is one of our programs, and not one that imports them.
    """
    program = _program()
    if not program:
        return

    def end(number, _):
        ended = Ended(number)
        try:
            os.write(2, f"{program}: {ended}\n".encode())
        finally:
            os._exit(ended.exit_code)

    _set(end)


def _program():
    """The one of our programs that this process is, "" if none: by its script, or by python -m cli.NAME."""
    words = sys.orig_argv
    module = words[words.index("-m") + 1] if "-m" in words[:-1] else ""
    name = module.removeprefix("cli.") if module else os.path.splitext(os.path.basename(sys.argv[0]))[0]
    return name if name in _PROGRAMS and module in ("", f"cli.{name}") else ""


@contextmanager
def raised():
    """Within it, in the main thread, each signal raises Ended there.

    Python drops what is raised in a destructor or a callback: such a one is raised again.
    """
    _state.noted, before, hook = None, {}, sys.unraisablehook

    def note(number, _):
        _state.noted = Ended(number)
        if not _state.held:
            raise _state.noted

    def again(*_):
        raise _state.noted

    def dropped(what):
        if isinstance(what.exc_value, Ended):
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
        else:
            hook(what)

    try:
        before = _set(note)
        if hasattr(signal, "setitimer"):
            before[signal.SIGALRM] = signal.signal(signal.SIGALRM, again)
            sys.unraisablehook = dropped
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def held():
    """No signal raises within it: one that came is raised at the end."""
    _state.held += 1
    before = _state.noted
    try:
        yield
    finally:
        _state.held -= 1
    if _state.noted is not before:
        raise _state.noted


@contextmanager
def blocked():
    """As held(), so that no process is left half started; those that are begin with the signals blocked."""
    with held():
        if not hasattr(signal, "pthread_sigmask"):  # Windows
            yield
            return
        # another thread may take the signal all the same
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_to_others():
    """In a worker: the signals do nothing, it is for the process that started it to say what they mean.

    Programs that it starts see them as usual.
    """
    _set(lambda *_: None)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
