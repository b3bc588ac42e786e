"""Compiling ahead: at first use every kernel is compiled at once, in several processes, before any work starts.

What is compiled: codec/h265/entry_points.py, by name only, since this floor may not know those above it. A group that
is in the cache has an empty stamp file there, named by the digest of its sources and settings: looking for it does not
import numba. Stamps may be deleted at any time: a group that is in the cache is then loaded, not compiled.

`python -m codec.base.kernels.warm NAME...` compiles groups in this process.
"""

import contextlib
import gc
import hashlib
import importlib
import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from codec.base.errors import CodecError
from codec.base.kernels.digest import cache_directory, closure_digest, module_digest
from codec.base.kernels.prune import prune

_TABLE = "codec.h265.entry_points"
_ROOT = Path(__file__).resolve().parents[3]
_MAX_PROCESSES = 8
_running = set()


def _groups():
    return importlib.import_module(_TABLE).GROUPS


def _processor():
    """What distinguishes this processor from others that share the cache directory."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return [next((line for line in lines if line.startswith(key)), "") for key in ("model name", "flags")]
    return [platform.machine(), platform.processor()]


def _settings():
    """All else that numba's own key depends on, told without numba."""
    variables = {name: value for name, value in os.environ.items() if name.startswith("NUMBA_")}
    variables.pop("NUMBA_CACHE_DIR", None)
    variables.setdefault("NUMBA_SLP_VECTORIZE", "1")  # as jit.py does
    return repr((importlib.metadata.version("numba"), sys.version, sorted(variables.items()), _processor()))


def _stamp(name):
    """The file that says that this group is in the cache."""
    text = repr((closure_digest(_groups()[name].module), module_digest(_TABLE), _settings()))
    return cache_directory() / "warm" / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def cold_groups(which="all"):
    """Names of the groups of "decoder", "encoder" or "all" that are not known to be in the cache, longest first."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return []
    groups = _groups()
    wanted = [name for name, group in groups.items() if which == "all" or which in group.sides]
    return sorted((name for name in wanted if not _stamp(name).exists()), key=lambda name: -groups[name].seconds)


def _write_problem():
    """Why the cache cannot be written, or None."""
    try:
        (cache_directory() / "warm").mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=cache_directory() / "warm").close()
    except OSError as error:
        return error.strerror or str(error)
    return None


def warm_up(which="all", progress=None):
    """Compile what is cold; at once back when nothing is. -> number of groups that were cold

    which     "decoder", "encoder" or "all"
    progress  called as progress(done, total, name) at the start and behind every group
    Without a writable cache nothing is done but a line on stderr: kernels are then compiled where they are called.
    Raises CodecError when a compilation fails.
    """
    cold = cold_groups(which)
    if not cold:
        return 0
    problem = _write_problem()
    if problem:
        print(
            f"pyenc: compiled kernels cannot be kept in {cache_directory()} ({problem}), so every start takes minutes; "
            "NUMBA_CACHE_DIR names another directory",
            file=sys.stderr,
        )
        return len(cold)
    show = progress or (lambda done, total, name: None)
    show(0, len(cold), "")
    prune(cache_directory())
    executor = ThreadPoolExecutor(min(_processor_count(), _MAX_PROCESSES))
    try:
        tasks = {executor.submit(_compile_elsewhere, name): name for name in cold}
        for done, task in enumerate(as_completed(tasks), 1):
            task.result()
            show(done, len(cold), tasks[task])
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for process in list(_running):
            process.terminate()
        raise
    finally:
        executor.shutdown(cancel_futures=True)
    return len(cold)


def _processor_count():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _compile_elsewhere(name):
    """Compile one group in a process of its own."""
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "codec.base.kernels.warm", name]
    pipe = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True, "errors": "replace"}
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, **pipe) as process:
        _running.add(process)
        try:
            _, errors = process.communicate()
        finally:
            _running.discard(process)
    if process.returncode:
        reason = (errors.strip().splitlines() or [f"exit status {process.returncode}"])[-1]
        raise CodecError(f"compiling the kernels of '{name}' failed: {reason}")


@contextlib.contextmanager
def _alone(name):
    """Hold the lock of a group, so that processes that start cold at once share the work."""
    with open(cache_directory() / "warm" / f"{name}.lock", "w") as file:
        with contextlib.suppress(ImportError, OSError):
            importlib.import_module("fcntl").flock(file, importlib.import_module("fcntl").LOCK_EX)
        yield


def main(names):
    """Compile groups in this process and stamp them."""
    (cache_directory() / "warm").mkdir(parents=True, exist_ok=True)
    for name in names:
        stamp = _stamp(name)
        with _alone(name):
            if not stamp.exists():
                importlib.import_module(_TABLE).compile_group(name)
                stamp.touch()


if __name__ == "__main__":
    # a compiler makes many objects and little garbage in cycles: 5 % of its time, for 2 % more memory
    gc.set_threshold(50_000, 20, 100)
    main(sys.argv[1:])
