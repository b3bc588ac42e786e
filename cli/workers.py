"""Where work is done in parallel: processes on this machine, or a Dask cluster."""

import logging
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, resource_tracker

from cli import children, signals
from codec.base.errors import InputError, UsageError

# how often work is tried again whose worker died
_RETRIES = 3
_CONNECT_SECONDS = 15


@contextmanager
def processes(jobs):
    """An executor of `jobs` processes, which end, with what they have started, when this one fails, is interrupted or
    killed."""
    context = get_context("spawn")
    # its other end is closed when this process ends, however it ends; no lock of a killed process can hold that up
    watched, held = context.Pipe(duplex=False)
    with signals.blocked():
        # it is one more process, and unblocks signals when it starts
        resource_tracker.ensure_running()
    pool = _Undisturbed(jobs, context, initializer=_begin_worker, initargs=(watched,))
    try:
        yield pool
    except BaseException:
        held.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        held.close()
        watched.close()


class _Undisturbed(ProcessPoolExecutor):
    """Its processes do not heed Ctrl-C, which reaches all of a terminal's: it is for this one to say what it means."""

    def submit(self, *arguments, **named):
        """As concurrent.futures', in the main thread; processes are started here."""
        with signals.blocked():
            return super().submit(*arguments, **named)


def _begin_worker(watched):
    """Let this process, and what it starts, end when the other end of the pipe `watched` is closed."""
    signals.leave_to_others()

    def watch():
        watched.poll(None)
        children.end_all()
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
