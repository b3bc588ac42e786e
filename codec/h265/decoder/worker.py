"""Work that follows behind parsing, in a thread of its own: samples, filters, hashes, output."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple


class Done(NamedTuple):
    """What a Future is good for, of a function that has run."""

    value: Any

    def result(self):
        """What the function returned."""
        return self.value


class Worker:
    """Runs functions one after another in the order of `submit`: in one thread, or, without threads, at once.

    What is submitted may rely on everything submitted before it. After a function has raised, all later ones raise
    the same.
    """

    def __init__(self, threads):
        """`threads`: how many the decoder may use; from two on, one is the worker's."""
        self._pool = ThreadPoolExecutor(1) if threads > 1 else None
        self._error = None

    @property
    def is_thread(self):
        """Whether `submit` returns before the function has run."""
        return self._pool is not None

    def submit(self, function, *arguments):
        """Run function(*arguments) behind all that was submitted before. -> Future, or Done"""
        if self._pool:
            return self._pool.submit(self._run, function, *arguments)
        return Done(function(*arguments))

    def _run(self, function, *arguments):
        if self._error:
            raise self._error
        try:
            return function(*arguments)
        except BaseException as error:
            self._error = error
            raise

    def wait(self):
        """Return when everything submitted has run; raises what it raised."""
        self.submit(_nothing).result()

    def close(self):
        """End the thread; what has not begun yet is dropped."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)


def _nothing():
    pass
