"""Load of a cached kernel what runs: its machine code. Its LLVM bitcode is parsed when another kernel is linked to it.

Numba parses the bitcode of all that it loads, for the names in it, and in case that it is linked to. Our kernels are
loaded to be called from Python, and hardly ever compiled against. So the names are kept beside the code.
"""

from codec.base.kernels.compiler import codegen, parse_bitcode


def with_names(compiled):
    """What numba puts into the cache of a compiled function, with the names that its library defines."""
    (name, kind, (object_code, bitcode)), *others = compiled
    module = parse_bitcode(bitcode)
    names = [e.name for e in (*module.functions, *module.global_variables) if not e.is_declaration]
    return (name, kind, (object_code, bitcode, names)), *others


def install():
    """Change how numba's libraries come out of the cache; compiler.py sees to it that it is the release meant here."""
    library = codegen.CPUCodeLibrary
    unserialize, module_for_linking = library._unserialize.__func__, library._get_module_for_linking

    def unserialize_unparsed(cls, generator, state):
        name, _, data = state
        if len(data) != 3:
            # of somebody else
            return unserialize(cls, generator, state)
        object_code, bitcode, names = data
        self = generator.create_library(name)
        self.enable_object_caching()
        self._set_compiled_object(object_code)
        self._finalize_final_module()
        self._codegen._engine._defined_symbols.update(names)
        self._unparsed_bitcode = bitcode
        return self

    def parsed_module_for_linking(self):
        bitcode = getattr(self, "_unparsed_bitcode", None)
        if bitcode is not None:
            self._unparsed_bitcode, self._shared_module = None, parse_bitcode(bitcode)
        return module_for_linking(self)

    library._unserialize = classmethod(unserialize_unparsed)
    library._get_module_for_linking = parsed_module_for_linking
