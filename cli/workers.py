"""Where work is done in parallel: processes on this machine, or a Dask cluster."""

import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from cli.measure.extras import need
from codec.errors import InputError

# how often work is tried again whose worker died
_RETRIES = 3
_CONNECT_SECONDS = 15
_WATCH_SECONDS = 0.3


@contextmanager
def processes(jobs, at_once=False):
    """An executor of `jobs` processes, which end when this one is killed.

    at_once  when this one fails or is interrupted as well, whatever they do; else what they do is waited for
    """
    context = get_context("spawn")
    stop = context.Event() if at_once else None
    pool = ProcessPoolExecutor(jobs, context, initializer=_begin_worker, initargs=(os.getpid(), stop))
    try:
        yield pool
    except BaseException:
        if stop:
            stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_worker(parent, stop):
    """Let this process end when `parent` is killed, which closes no queue, or `stop` is set."""
    if stop:
        # an interrupt reaches all processes of the terminal; it is for the parent to say what becomes of it
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        while os.getppid() == parent:
            if stop is None:
                time.sleep(_WATCH_SECONDS)
            elif stop.wait(_WATCH_SECONDS):
                break
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def cluster(scheduler):
    """(executor, function that tells how many pieces of work the cluster can do side by side) of a Dask scheduler."""
    distributed = need("distributed", "--scheduler")
    try:
        client = distributed.Client(scheduler, timeout=_CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(f"no scheduler answers at {scheduler}: {' '.join(str(error).split())[:200]}") from None
    with client:
        yield client.get_executor(pure=False, retries=_RETRIES), lambda: sum(client.nthreads().values())
