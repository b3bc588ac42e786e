"""What compiled code depends on, and where it is kept. Plain Python: the start-up check must not import numba."""

import functools
import hashlib
import os
import re
import sys
from pathlib import Path

PACKAGES = ("codec", "nets")  # the packages that hold kernels, or what kernels depend on
_ROOT = Path(__file__).resolve().parents[3]

# An import statement, one per match; a sentence in a docstring that looks like one only makes the closure larger.
_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]*))", re.MULTILINE
)
_NAME = re.compile(r"[\w.]+")


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


def imported_modules(source, module, is_package):
    """Names of what the bytes `source` of `module` import: modules, and names inside modules, which may be modules."""
    parts = module.split(".")
    package = parts if is_package else parts[:-1]
    for dots, target, names, plain in _IMPORT.findall(source):
        if plain:
            yield from _NAME.findall(plain.decode())
            continue
        base = package[: len(package) - len(dots) + 1] if dots else []
        full = ".".join(base + ([target.decode()] if target else []))
        yield full
        code = re.sub(rb"#[^\n]*", b"", names).decode()
        yield from (f"{full}.{name}" for name in _NAME.findall(code))


def _module_file(module):
    path = _ROOT.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@functools.cache
def _read_module(module):
    """(digest, imported modules) of one module's source; None when it is not a module of ours."""
    if module.split(".")[0] not in PACKAGES:
        return None
    file = _module_file(module)
    if file is None:
        return None
    source = file.read_bytes()
    imports = frozenset(imported_modules(source, module, file.name == "__init__.py"))
    return hashlib.sha256(source).hexdigest(), imports


def module_digest(module):
    """SHA-256 of one module's own source."""
    return _read_module(module)[0]


@functools.cache
def closure_digest(*modules):
    """SHA-256 over the sources that `modules` can reach through imports inside PACKAGES."""
    seen, todo = {}, list(modules)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        read = _read_module(name)
        if read is None:
            continue
        seen[name] = read[0]
        todo.extend(read[1])
    return hashlib.sha256(repr(sorted(seen.items())).encode()).hexdigest()
