"""Where work is done in parallel: processes on this machine, or a Dask cluster."""

import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from cli.measure.extras import need
from codec.errors import InputError

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
    pool = ProcessPoolExecutor(jobs, context, initializer=_begin_worker, initargs=(watched, at_once))
    try:
        yield pool
    except BaseException:
        if at_once:
            held.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        held.close()
        watched.close()


def _begin_worker(watched, at_once):
    """Let this process end when the other end of the pipe `watched` is closed."""
    if at_once:
        # an interrupt reaches all processes of the terminal; it is for the parent to say what becomes of it
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        watched.poll(None)
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
