"""Programs that this process starts, and the temporary folders in which they work: both end with it.

A program has a process group of its own, so that all that it starts ends with it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from cli import signals

# what a program has to clean up in, once it was asked to end
_GRACE_SECONDS = 2
_lock = threading.RLock()
_running, _folders = set(), set()


class TimedOut(Exception):
    """A program ran longer than it may."""


@contextmanager
def folder(prefix):
    """A temporary folder, as a Path."""
    with signals.held(), _lock:
        made = tempfile.TemporaryDirectory(prefix=prefix)
        _folders.add(made.name)
    try:
        with made as name:
            yield Path(name)
    finally:
        _folders.discard(made.name)


def run(words, seconds=None, **options):
    """Run a program to its end; (exit code, resource usage of it and its children).

    seconds  after which it is ended and TimedOut is raised; None: never
    options  of subprocess.Popen;  raises OSError when it cannot be started
    """
    process, late = None, threading.Event()
    try:
        with signals.held(), _lock:
            process = subprocess.Popen(words, start_new_session=True, **options)
            _running.add(process.pid)
        with _ended_after(seconds, process.pid, late):
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    except BaseException:
        if process:
            _end(process.pid, process.poll)
            process.wait()
        raise
    finally:
        if process:
            with _lock:
                _running.discard(process.pid)
    if late.is_set():
        raise TimedOut
    return process.returncode, usage


@contextmanager
def _ended_after(seconds, group, late):
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, _end_late, (group, late))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end_late(group, late):
    with _lock:
        if group in _running:
            late.set()
            _end(group)


def _end(group, reap=lambda: None):
    """Ask a process group to end; after a while make it. reap: is called while its end is waited for."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        limit = time.monotonic() + _GRACE_SECONDS
        _send(group, number)
        while _send(group, 0):
            reap()
            if time.monotonic() > limit:
                break
            time.sleep(0.02)


def _send(group, number):
    """Send a signal; False where nobody of the group is left."""
    try:
        os.killpg(group, number)
    except OSError:
        return False
    return True


def end_all():
    """For a process that is about to end: end what it has started, and remove its folders. Nothing starts any more."""
    _lock.acquire()
    for group in list(_running):
        _end(group)
    for name in list(_folders):
        for _ in range(20):
            # the other threads go on, and may be writing there
            shutil.rmtree(name, ignore_errors=True)
            if not os.path.exists(name):
                break
            time.sleep(0.05)
