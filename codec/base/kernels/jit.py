"""The kernel gateway: what nobody outside this package may pass by.

A kernel is a plain Python function on numpy arrays, structured records and integers, decorated with :func:`kernel`.
What the decorator fixes, once for the whole house (measured reasons in docs/LABBOOK.md):

* ``nogil``: kernels run beside each other in threads;
* no array reference counting (``_nrt=False``): a kernel gets its scratch memory from outside and never allocates;
* ``error_model="numpy"``: no ZeroDivisionError branch in inner loops;
* an on-disk cache keyed by *content*: the sources that the kernel's module can reach by imports, the numba version and
  the compile settings. An edit of a helper in another file recompiles its callers; a fresh clone of the same sources
  finds the cache warm. It lives in the user's cache directory, or in NUMBA_CACHE_DIR.

``NUMBA_DISABLE_JIT=1`` runs every kernel as plain Python.
"""

import functools
import hashlib
import os
import pickle

from codec.base.kernels import compiler, loading, nested
from codec.base.kernels.compiler import (
    CacheImpl,
    IndexDataCacheFile,
    TypingError,
    _CacheLocator,
    intrinsic,
    make_array,
    overload,
    populate_array,
    types,
)
from codec.base.kernels.compiler import config as numba_config
from codec.base.kernels.digest import PACKAGES, cache_directory, closure_digest

nested.install()
loading.install()

_OPTIONS = {"nogil": True, "_nrt": False, "no_cfunc_wrapper": True, "error_model": "numpy"}


@functools.cache
def source_digest(module):
    """SHA-256 over the sources that `module` can reach through imports inside PACKAGES, and the settings."""
    settings = (compiler.VERSION, numba_config.BOUNDSCHECK, numba_config.SLP_VECTORIZE, str(numba_config.OPT))
    return hashlib.sha256(repr((closure_digest(module), settings)).encode()).hexdigest()


class _ContentLocator(_CacheLocator):
    """Numba cache locator whose path and stamp are content hashes, so that no time stamp or checkout path matters."""

    def __init__(self, py_func):
        self._lineno = py_func.__code__.co_firstlineno
        self._digest = source_digest(py_func.__module__)

    def ensure_cache_path(self):
        """Nothing: a cache that cannot be written can still be read; saving makes the directory."""

    def get_cache_path(self):
        return str(cache_directory() / self._digest[:2] / self._digest[2:18])

    def get_source_stamp(self):
        return self._digest

    def get_disambiguator(self):
        return str(self._lineno)

    @classmethod
    def from_function(cls, py_func, py_file):
        return cls(py_func) if py_func.__module__.split(".")[0] in PACKAGES else None


class _SignatureFiles(IndexDataCacheFile):
    """One file per compiled signature, named by it.

    Numba keeps an index of a function's signatures and numbers their files. Two processes that compile one function for
    two engines at once would take the same number, and the index would name the other's code. What cannot be written
    (read-only, disk full), or is damaged, is compiled again next time.
    """

    def _file_name(self, key):
        return f"{self._index_name[:-4]}.{hashlib.sha256(repr(key).encode()).hexdigest()[:24]}.nbc"

    def save(self, key, data):
        try:
            os.makedirs(self._cache_path, exist_ok=True)
            self._save_data(self._file_name(key), (key, loading.with_names(data)))
        except OSError:
            return

    def load(self, key):
        try:
            saved_key, data = self._load_data(self._file_name(key))
        except (OSError, EOFError, ValueError, pickle.UnpicklingError):
            return None
        return data if saved_key == key else None


CacheImpl._locator_classes.insert(0, _ContentLocator)


def kernel(function=None, *, inline=False):
    """Compile `function` on first call; `inline=True` for small helpers that must vanish into their callers."""
    if function is None:
        return functools.partial(kernel, inline=inline)
    # a kernel outside our packages (in a test) could not be told stale, so it is compiled anew
    cached = not inline and function.__module__.split(".")[0] in PACKAGES
    compiled = compiler.njit(cache=cached, forceinline=inline, **_OPTIONS)(function)
    if cached and not numba_config.DISABLE_JIT:
        cache = compiled._cache
        stamp = source_digest(function.__module__)
        cache._cache_file = _SignatureFiles(cache.cache_path, cache._impl.filename_base, stamp)
    return compiled


def settled(function):
    """A caller of a kernel from one place in Python, where the types of the arguments never change.

    Finding the compiled code by the types of tuples and structured arrays costs 3 to 10 microseconds a call; this does
    it for the first call only.
    """
    if not hasattr(function, "compile"):
        return function
    entry_point = None

    @functools.wraps(function)
    def call(*arguments):
        nonlocal entry_point
        if entry_point is None:
            entry_point = function.compile(tuple(typeof(argument) for argument in arguments))
        return entry_point(*arguments)

    return call


def engine_overload(function):
    """(DESIGN: one syntax walk, three engines) Register a compiled implementation of `function`, chosen by type.

    The decorated chooser gets numba types and returns the implementation to use, or None. Tell engines apart with
    :func:`is_engine`. Outside compiled code the plain Python `function` runs.
    """
    return overload(function, jit_options={**_OPTIONS, "forceinline": True}, strict=False)


def is_engine(numba_type, named_tuple_class):
    """True when `numba_type` is the compiled type of an instance of `named_tuple_class`."""
    return getattr(numba_type, "instance_class", None) is named_tuple_class


def _reshaped(array):
    return array.reshape(array.size)


@intrinsic
def _flat_view(typing_context, array):
    if not isinstance(array, types.Array) or array.layout != "C":
        raise TypingError("flattened: the array is not contiguous")
    view = types.Array(array.dtype, 1, "C", readonly=not array.mutable)

    def codegen(context, builder, signature, arguments):
        source = make_array(array)(context, builder, arguments[0])
        made = make_array(view)(context, builder)
        shape, strides = [source.nitems], [source.itemsize]
        populate_array(made, data=source.data, shape=shape, strides=strides, itemsize=source.itemsize, meminfo=None)
        return made._getvalue()

    return view(array), codegen


flattened = _reshaped if numba_config.DISABLE_JIT else _flat_view
"""flattened(array): a contiguous array as one dimension, in kernels. `reshape` asks numpy whether that is a view."""


def typeof(value):
    """The compiled type of an argument; signatures for compiling ahead are made of these."""
    return compiler.typeof(value)
