"""Running a plan: points in parallel on this machine or on a Dask cluster, finished ones kept."""

from concurrent.futures import as_completed
from contextlib import contextmanager

from cli import workers
from cli.measure.point_run import run_point
from codec.base.errors import CodecError


def missing_tasks(plan, store):
    """Tasks of the plan without a finished point; equal ones once."""
    found = {task["key"]: task for task in plan.tasks() if store.row(task["key"]) is None}
    return list(found.values())


def run_sweep(plan, store, scheduler, show):
    """Measure what is missing; show(task, row or None, error or None) after each point. Returns the errors.

    A point that fails does not stop the others. When the program is killed, the finished points stay.
    """
    everything = plan.tasks()

    def told(task, row, error):
        if row:
            store.write_table(everything)
        show(task, row, error)

    with executor(scheduler, plan.jobs) as pool:
        errors = run_tasks(pool, missing_tasks(plan, store), store, told)
    store.write_table(everything)
    return errors


def run_tasks(pool, tasks, store, show):
    """Measure tasks in an executor and keep their points; show as for run_sweep. Returns the errors."""
    errors = []
    waiting = {pool.submit(run_point, task): task for task in tasks}
    try:
        for future in as_completed(waiting):
            row, error = _outcome(future, waiting[future], store)
            errors += [error] if error else []
            show(waiting[future], row, error)
    except BaseException:
        for future in waiting:
            future.cancel()
        raise
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
def executor(scheduler, jobs):
    """An executor with concurrent.futures' interface."""
    if scheduler:
        with workers.cluster(scheduler) as (pool, _):
            yield pool
    else:
        with workers.processes(jobs) as pool:
            yield pool
