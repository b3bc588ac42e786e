"""The kernel gateway: the only module of pyenc that imports numba.

A kernel is a plain Python function on numpy arrays, structured records and integers, decorated with :func:`kernel`.
What the decorator fixes, once for the whole house (measured reasons in docs/PERFORMANCE.md):

* ``nogil``: kernels run beside each other in threads;
* no array reference counting (``_nrt=False``): a kernel gets its scratch memory from outside and never allocates;
* ``error_model="numpy"``: no ZeroDivisionError branch in inner loops;
* an on-disk cache keyed by *content*: the sources that the kernel's module can reach by imports, the numba version and
  the compile settings. An edit of a helper in another file recompiles its callers; a fresh clone of the same sources
  finds the cache warm. It lives in the user's cache directory, or in NUMBA_CACHE_DIR.

``NUMBA_DISABLE_JIT=1`` runs every kernel as plain Python.
"""

import ast
import functools
import hashlib
import os
import sys
from pathlib import Path

os.environ.setdefault("NUMBA_SLP_VECTORIZE", "1")

import numba  # noqa: E402
from numba.core import config as numba_config  # noqa: E402
from numba.core.caching import CacheImpl, _CacheLocator  # noqa: E402
from numba.extending import overload  # noqa: E402

_PACKAGE = "codec"
_ROOT = Path(__file__).resolve().parents[2]
_OPTIONS = {"nogil": True, "_nrt": False, "error_model": "numpy"}


def cache_directory():
    """The directory that holds compiled kernels: $NUMBA_CACHE_DIR, else <user cache>/pyenc/kernels."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        return Path(os.environ["NUMBA_CACHE_DIR"])
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "pyenc" / "kernels"


def _imported_modules(source, module, is_package):
    """Names of the modules of this package that `source` imports (absolute or relative)."""
    parts = module.split(".")
    package = parts if is_package else parts[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            target = ".".join(base + ([node.module] if node.module else []))
            yield target
            yield from (f"{target}.{alias.name}" for alias in node.names)


def _module_file(module):
    path = _ROOT.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@functools.cache
def _read_module(module):
    """(digest, imported modules of the package) of one module's source; None when it is not a module of ours."""
    file = _module_file(module)
    if file is None or module.split(".")[0] != _PACKAGE:
        return None
    source = file.read_bytes()
    imports = frozenset(_imported_modules(source, module, file.name == "__init__.py"))
    return hashlib.sha256(source).hexdigest(), imports


@functools.cache
def source_digest(module):
    """SHA-256 over the sources that `module` can reach through imports inside the package, and the settings."""
    seen, todo = {}, [module]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        read = _read_module(name)
        if read is None:
            continue
        seen[name] = read[0]
        todo.extend(read[1])
    settings = (numba.__version__, numba_config.BOUNDSCHECK, numba_config.SLP_VECTORIZE, str(numba_config.OPT))
    text = repr((sorted(seen.items()), settings))
    return hashlib.sha256(text.encode()).hexdigest()


class _ContentLocator(_CacheLocator):
    """Numba cache locator whose path and stamp are content hashes, so that no time stamp or checkout path matters."""

    def __init__(self, py_func):
        self._lineno = py_func.__code__.co_firstlineno
        self._digest = source_digest(py_func.__module__)

    def get_cache_path(self):
        return str(cache_directory() / self._digest[:2] / self._digest[2:18])

    def get_source_stamp(self):
        return self._digest

    def get_disambiguator(self):
        return str(self._lineno)

    @classmethod
    def from_function(cls, py_func, py_file):
        if py_func.__module__.split(".")[0] != _PACKAGE:
            return None
        locator = cls(py_func)
        try:
            locator.ensure_cache_path()
        except OSError:
            return None
        return locator


CacheImpl._locator_classes.insert(0, _ContentLocator)


def kernel(function=None, *, inline=False):
    """Compile `function` on first call; `inline=True` for small helpers that must vanish into their callers."""
    if function is None:
        return functools.partial(kernel, inline=inline)
    # a kernel outside the package (in a test) could not be told stale, so it is compiled anew
    cached = not inline and function.__module__.split(".")[0] == _PACKAGE
    return numba.njit(cache=cached, forceinline=inline, **_OPTIONS)(function)


def engine_overload(function):
    """(DESIGN: one syntax walk, three engines) Register a compiled implementation of `function`, chosen by type.

    The decorated chooser gets numba types and returns the implementation to use, or None. Tell engines apart with
    :func:`is_engine`. Outside compiled code the plain Python `function` runs.
    """
    return overload(function, jit_options={**_OPTIONS, "forceinline": True}, strict=False)


def is_engine(numba_type, named_tuple_class):
    """True when `numba_type` is the compiled type of an instance of `named_tuple_class`."""
    return getattr(numba_type, "instance_class", None) is named_tuple_class


def typeof(value):
    """The compiled type of an argument; signatures for compiling ahead are made of these."""
    return numba.typeof(value)
