"""Running a plan: points in parallel on this machine or on a Dask cluster, finished ones kept."""

import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context

from cli.measure.extras import need
from cli.measure.point_run import run_point
from codec.errors import CodecError, InputError

# how often a point is tried again whose worker died
_RETRIES = 3
_CONNECT_SECONDS = 15


def missing_tasks(plan, store):
    """Tasks of the plan without a finished point; equal ones once."""
    found = {task["key"]: task for task in plan.tasks() if store.row(task["key"]) is None}
    return list(found.values())


def run_sweep(plan, store, scheduler, show):
    """Measure what is missing; show(task, row or None, error or None) after each point. Returns the errors.

    A point that fails does not stop the others. When the program is killed, the finished points stay.
    """
    tasks, errors = missing_tasks(plan, store), []
    everything = plan.tasks()
    with _executor(scheduler, plan.jobs) as executor:
        waiting = {executor.submit(run_point, task): task for task in tasks}
        try:
            for future in as_completed(waiting):
                task = waiting[future]
                row, error = _outcome(future, task, store)
                if error:
                    errors.append(error)
                else:
                    store.write_table(everything)
                show(task, row, error)
        except BaseException:
            for future in waiting:
                future.cancel()
            raise
    store.write_table(everything)
    return errors


def _outcome(future, task, store):
    where = f"{task['clip'].name} {task['config'].name} QP {task['qp']:g}"
    try:
        result = future.result()
    except CodecError:
        raise
    except Exception as error:
        # the worker's process died, or the cluster gave the point up
        return None, f"{where}: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if "error" in result:
        return None, f"{where}: {result['error']}"
    store.keep(task["key"], result)
    return result["row"], None


@contextmanager
def _executor(scheduler, jobs):
    """An executor with concurrent.futures' interface."""
    if scheduler:
        with _dask_client(scheduler) as client:
            yield client.get_executor(pure=False, retries=_RETRIES)
        return
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_end_with, initargs=(os.getpid(),))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with(parent):
    """Let this worker end when the program that started it is killed, which closes no queue."""

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _dask_client(scheduler):
    distributed = need("distributed", "--scheduler")
    try:
        return distributed.Client(scheduler, timeout=_CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(f"no scheduler answers at {scheduler}: {' '.join(str(error).split())[:200]}") from None
