"""Compile a call tree once: helpers of an entry point are not optimised, emitted and cached on their own.

Numba compiles every function that another one calls as if Python were going to call it: each is linked with all that is
below it, optimised, turned into machine code and wrapped. In a deep call tree the same code is linked and optimised
once a level. Here a compilation that runs inside another one stops at the LLVM bitcode of its own code; the outermost
function links all that it reaches, and optimises it, once. Nobody else can call what was linked into it, and LLVM is
told so: it then passes no arguments that are not used, and inlines what is called from one place. The tuples of arrays
that kernels hand on are some hundred words long.

A helper that Python calls later is compiled again as an entry point of its own.
"""

import threading

from codec.base.kernels.compiler import Linkage, NullCache, codegen, cpu, dispatcher, lowering, sigutils

_thread = threading.local()


def _reachable(libraries):
    """Each library that these call, once; nested compilations have not linked theirs."""
    found, waiting = {}, list(libraries)
    while waiting:
        library = waiting.pop()
        if library not in found:
            found[library] = None
            if getattr(library, "waits_for_linking", False):
                waiting += library._linking_libraries
    return list(found)


class _LinkOnly:
    """Stands for the machine code that a nested compilation does not make."""


def _is_nested():
    return getattr(_thread, "depth", 0) > 1


def _forget_link_only(self, sig):
    """Drop what a nested compilation left, now that Python itself calls the function."""
    key = tuple(sigutils.normalize_signature(sig)[0])
    if key in self.overloads and isinstance(self.overloads[key].entry_point, _LinkOnly):
        del self.overloads[key]


def install():
    """Change numba's compiler as described above; compiler.py sees to it that it is the release this is made for."""
    base = dispatcher._DispatcherBase
    library = codegen.CPUCodeLibrary
    compile_, add_overload = dispatcher.Dispatcher.compile, base.add_overload
    optimize_functions, finalize = library._optimize_functions, library.finalize
    optimize_final = library._optimize_final_module
    get_executable, wrap = cpu.CPUContext.get_executable, lowering.BaseLower.create_cpython_wrapper

    def compile_counting(self, sig):
        depth, cache = getattr(_thread, "depth", 0), self._cache
        _thread.depth = depth + 1
        if depth:
            self._cache = NullCache()
        else:
            _forget_link_only(self, sig)
        try:
            return compile_(self, sig)
        finally:
            _thread.depth, self._cache = depth, cache

    def add_overload_unless_link_only(self, result):
        if isinstance(result.entry_point, _LinkOnly):
            self.overloads[tuple(result.signature.args)] = result
        else:
            add_overload(self, result)

    def optimize_functions_of_outermost(self, module):
        if _is_nested():
            module.data_layout = self._codegen._data_layout
        else:
            optimize_functions(self, module)

    def finalize_outermost(self):
        if _is_nested():
            self._finalize_dynamic_globals()
            self._finalized, self.waits_for_linking = True, True
        else:
            self._linking_libraries = _reachable(self._linking_libraries)
            finalize(self)

    def optimize_with_private_helpers(self):
        for function in self._final_module.functions:
            if function.linkage == Linkage.linkonce_odr:
                function.linkage = "internal"
        optimize_final(self)

    def get_executable_of_outermost(self, code, description, env):
        if _is_nested():
            code._ensure_finalized()
            return _LinkOnly()
        return get_executable(self, code, description, env)

    def wrap_outermost(self, release_gil=False):
        if not _is_nested():
            wrap(self, release_gil)

    dispatcher.Dispatcher.compile = compile_counting
    base.add_overload = add_overload_unless_link_only
    library._optimize_functions = optimize_functions_of_outermost
    library.finalize = finalize_outermost
    library._optimize_final_module = optimize_with_private_helpers
    cpu.CPUContext.get_executable = get_executable_of_outermost
    lowering.BaseLower.create_cpython_wrapper = wrap_outermost
