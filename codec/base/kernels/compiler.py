"""All that pyenc takes from numba and llvmlite, public or private: the only module that imports them.

Private names change between releases, and nested.py rebuilds part of the compiler from them. So numba is held to one
release (pyproject.toml); at another one, or where a name is missing, importing this fails with a line that says so.
"""

import os

from codec.base.errors import Unsupported

os.environ.setdefault("NUMBA_SLP_VECTORIZE", "1")

import numba

RELEASE = "0.68"
"""The release of numba that the private names below are those of."""


def _unsupported(what):
    """The error of another numba than ours."""
    return Unsupported(
        f"numba {numba.__version__} is installed{what}, but the kernels are made for numba {RELEASE}: "
        f"install it, python -m pip install 'numba=={RELEASE}.*'"
    )


if numba.__version__.split(".")[:2] != RELEASE.split("."):
    raise _unsupported("")

try:
    from llvmlite import ir
    from llvmlite.binding import Linkage, parse_bitcode
    from numba import njit, typeof
    from numba.core import cgutils, codegen, config, cpu, dispatcher, lowering, sigutils, types
    from numba.core.caching import CacheImpl, IndexDataCacheFile, NullCache, _CacheLocator
    from numba.core.errors import TypingError
    from numba.extending import intrinsic, overload
    from numba.np.arrayobj import make_array, populate_array
except ImportError as error:
    raise _unsupported(f" ({error})") from None

VERSION = numba.__version__

__all__ = [
    "VERSION", "CacheImpl", "IndexDataCacheFile", "Linkage", "NullCache", "TypingError", "_CacheLocator", "cgutils",
    "codegen", "config", "cpu", "dispatcher", "intrinsic", "ir", "lowering", "make_array", "njit", "overload",
    "parse_bitcode", "populate_array", "sigutils", "typeof", "types",
]  # fmt: skip

# what is used of classes, and is not in numba's documentation; by user
PRIVATE = {
    "jit.py": (
        (CacheImpl, "_locator_classes filename_base"),
        (IndexDataCacheFile, "_load_data _save_data"),
        (_CacheLocator, "ensure_cache_path get_cache_path get_source_stamp get_disambiguator from_function"),
    ),
    "loading.py": (
        (
            codegen.CPUCodeLibrary,
            "_unserialize _get_module_for_linking _set_compiled_object _finalize_final_module enable_object_caching",
        ),
    ),
    "nested.py": (
        (dispatcher.Dispatcher, "compile"),
        (dispatcher._DispatcherBase, "add_overload"),
        (
            codegen.CPUCodeLibrary,
            "_optimize_functions _optimize_final_module finalize _finalize_dynamic_globals _ensure_finalized",
        ),
        (cpu.CPUContext, "get_executable"),
        (lowering.BaseLower, "create_cpython_wrapper"),
    ),
    "tests/bench/profile.py": ((codegen.CPUCodeLibrary, "_object_getbuffer_hook"),),
}
# attributes of their objects, and njit's options, which only a compilation can miss (tests/codec/base/kernels compile)
PRIVATE_OF_OBJECTS = {
    "jit.py": "Dispatcher._cache Cache._cache_file Cache._impl IndexDataCacheFile._index_name _cache_path; "
    "options _nrt no_cfunc_wrapper forceinline",
    "loading.py": "CPUCodeLibrary._shared_module _codegen._engine JitEngine._defined_symbols",
    "nested.py": "Dispatcher._cache CPUCodeLibrary._linking_libraries _finalized _final_module _codegen._data_layout",
}


def missing_names():
    """The names of PRIVATE that this numba lacks, as `Class.name`."""
    return [
        f"{owner.__name__}.{name}"
        for uses in PRIVATE.values()
        for owner, names in uses
        for name in names.split()
        if not hasattr(owner, name)
    ]


if missing_names():
    raise _unsupported(f" (without {', '.join(missing_names())})")
