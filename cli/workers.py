"""Where work is done in parallel: processes on this machine, or a Dask cluster."""

import logging
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context, resource_tracker

from codec.errors import InputError, UsageError

# how often work is tried again whose worker died
_RETRIES = 3
_CONNECT_SECONDS = 15


@contextmanager
def processes(jobs, at_once=False):
    """An executor of `jobs` processes, which end when this one is killed.

    at_once  when this one fails or is interrupted as well, whatever they do; else what they do is waited for
    """
    context = get_context("spawn")
    # its other end is closed when this process ends, however it ends; no lock of a killed process can hold that up
    watched, held = context.Pipe(duplex=False)
    kind = _Uninterrupted if at_once else ProcessPoolExecutor
    pool = kind(jobs, context, initializer=_begin_worker, initargs=(watched,))
    try:
        with _noted_interrupts(pool) if at_once else nullcontext():
            yield pool
    except BaseException:
        if at_once:
            held.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        held.close()
        watched.close()


class _Uninterrupted(ProcessPoolExecutor):
    """Its processes do not see Ctrl-C, which reaches all of a terminal's: it is for this one to say what it means."""

    interrupted = starting = False

    def submit(self, *arguments, **named):
        """As concurrent.futures', in the main thread; a process that is started here inherits what is blocked."""
        if not hasattr(signal, "pthread_sigmask"):  # Windows
            return super().submit(*arguments, **named)
        # it unblocks Ctrl-C when it starts, and so must not start below
        resource_tracker.ensure_running()
        # an exception here, where another thread took the signal, would leave a half-started process
        self.starting = True
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            future = super().submit(*arguments, **named)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            self.starting = False
        self.heed()
        return future

    def heed(self):
        """Raise KeyboardInterrupt if Ctrl-C was pressed."""
        if self.interrupted:
            raise KeyboardInterrupt


@contextmanager
def _noted_interrupts(pool):
    """Ctrl-C is noted in `pool` before it is raised: Python drops what is raised inside a destructor or a callback."""

    def note(*_):
        pool.interrupted = True
        if not pool.starting:
            raise KeyboardInterrupt

    handler = signal.signal(signal.SIGINT, note)
    try:
        yield
        pool.heed()
    finally:
        signal.signal(signal.SIGINT, handler)


def _begin_worker(watched):
    """Let this process end when the other end of the pipe `watched` is closed."""

    def watch():
        watched.poll(None)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def cluster(scheduler):
    """(executor, function that tells how many pieces of work the cluster can do side by side) of a Dask scheduler."""
    try:
        import distributed
    except ModuleNotFoundError as error:
        how = "run `make measure` in pyenc's checkout"
        raise UsageError(f"--scheduler needs {error.name}, which is not installed: {how}") from None
    # what goes wrong is raised as well; its tracebacks are not for people
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(scheduler, timeout=_CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(f"no scheduler answers at {scheduler}: {' '.join(str(error).split())[:200]}") from None
    with client:
        yield client.get_executor(pure=False, retries=_RETRIES), lambda: sum(client.nthreads().values())
