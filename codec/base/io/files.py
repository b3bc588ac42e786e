"""The files of a run: what is read, what will be written, and that no file is both.

Files are told apart by device and inode, so that links and other spellings of a name make no difference; an output that
does not exist yet, by its folder and its name there. Terminals, /dev/null and sockets may be both, and several times.
"""

import os
import stat
import sys

from codec.base.errors import InputError, UsageError

_STORES = (stat.S_IFREG, stat.S_IFIFO, stat.S_IFBLK)
# names by identity; outputs: those that were announced
_inputs, _outputs = {}, {}


def forget():
    """Begin another run."""
    _inputs.clear()
    _outputs.clear()


def open_input(name):
    """`name`, opened for binary reading as open() does it. Every input is opened here.

    Raises OSError, and UsageError for a file that this run will write.
    """
    know_input(name)
    return open(name, "rb")


def know_input(name):
    """Take note of a file that will be read. UsageError when this run will write it."""
    try:
        _take_note(os.stat(name), name)
    except OSError:
        return  # opening it will tell


def _take_note(status, name):
    identity = _identity(status)
    if identity in _outputs:
        raise _both(_outputs[identity], name)
    if identity:
        _inputs[identity] = str(name)


def check_output(name):
    """UsageError when `name` is an input of this run."""
    _refuse_input(_place(name), name)


def know_output(name):
    """Take note of a file that will be written. UsageError when it is an input, or another output."""
    identity = _place(name)
    _refuse_input(identity, name)
    if identity in _outputs:
        raise UsageError(f"two outputs have the same name: {_both_names(name, _outputs[identity])}")
    if identity:
        _outputs[identity] = str(name)


def same_place(name, other):
    """Whether two names of outputs mean one file."""
    return _place(name) == _place(other) is not None


def standard_input():
    """The binary stream, an input. InputError when this process was started without one."""
    if sys.__stdin__ is None:
        raise InputError("standard input is closed: name a file in place of -")
    status = _status_of(0)
    if status:
        _take_note(status, "-")
    return sys.stdin.buffer


def standard_output():
    """The binary stream. InputError when this process was started without one."""
    if sys.__stdout__ is None:
        raise InputError("standard output is closed: name a file in place of -")
    return sys.stdout.buffer


def _status_of(descriptor):
    try:
        return os.fstat(descriptor)
    except OSError:
        return None


def _identity(status):
    """What a file is known by; None for one that may be several things at once."""
    return (status.st_dev, status.st_ino) if stat.S_IFMT(status.st_mode) in _STORES else None


def _place(name):
    """The identity of an output; of one that does not exist, (device and inode of its folder, its name there)."""
    if name == "-":
        status = _status_of(1)
        return (status and _identity(status)) or "-"
    try:
        return _identity(os.stat(name))
    except OSError:
        pass
    folder, base = os.path.split(os.path.realpath(name))
    try:
        status = os.stat(folder)
    except OSError:
        return None  # writing it will tell
    return status.st_dev, status.st_ino, base


def _refuse_input(identity, name):
    known = _inputs.get(identity)
    # a file that is gone may have left its number to another
    if known is not None and (known == "-" or _place(known) == identity):
        raise _both(name, known)


def _both(output, source):
    output = "standard output" if output == "-" else output
    source = "standard input" if source == "-" else source
    return UsageError(f"{_both_names(output, source)} is the input and the output as well")


def _both_names(name, other):
    return str(name) if str(name) == str(other) else f"{name} ({other})"
