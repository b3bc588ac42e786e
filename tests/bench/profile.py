"""Where the time of a program goes, kernel by kernel: Linux's perf, told the names of compiled code.

Run: python -m tests.bench.profile pydec -i clip.bin -o /dev/null

Needs perf (Debian: linux-perf) and nm (binutils). Helpers that were inlined count as their callers. The program runs
with one thread unless it is told otherwise, from a warm kernel cache.
"""

import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

_SHARE = 0.5  # percent below which a line is not printed


def _functions(code, folder):
    """[(offset, size, name)] of the functions in an object file's bytes."""
    path = folder / "object.o"
    path.write_bytes(code)
    listed = subprocess.run(["nm", "--defined-only", "-S", path], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [(int(row[0], 16), int(row[1], 16), row[3]) for row in rows if len(row) == 4 and row[2] in "TtWw"]


def _readable(name):
    """`interpolation._filter_luma` of numba's _ZN<length><part><length><part>...; other names as they are."""
    rest, parts = name.removeprefix("_ZN"), []
    while rest[:1].isdigit():
        digits = len(rest) - len(rest.lstrip("0123456789"))
        length = int(rest[:digits])
        parts.append(rest[digits : digits + length])
        rest = rest[digits + length :]
    return ".".join(parts[-2:] if len(parts) > 1 else parts).removeprefix("codec.") or name


def _run_here(program, arguments):
    """The program in this process; afterwards /tmp/perf-PID.map tells perf what lies where."""
    for module in ("cli", "codec.base.kernels.jit"):
        import_module(module)  # numpy and numba take their settings from there
    from numba.core import codegen
    from numba.core.registry import cpu_target

    kept = []
    getbuffer = codegen.CPUCodeLibrary._object_getbuffer_hook.__func__

    def keep(cls, module):
        code = getbuffer(cls, module)
        if code:
            kept.append(bytes(code))
        return code

    codegen.CPUCodeLibrary._object_getbuffer_hook = classmethod(keep)
    try:
        sys.argv = [program, *arguments]
        import_module(f"cli.{program}").main()
    finally:
        engine = cpu_target.target_context.codegen()._engine
        with tempfile.TemporaryDirectory() as folder, open(f"/tmp/perf-{os.getpid()}.map", "w") as file:
            for code in kept:
                functions = _functions(code, Path(folder))
                anchor, at = next(((name, at) for at, _, name in functions if engine.is_symbol_defined(name)), ("", 0))
                base = engine.get_function_address(anchor) - at if anchor else 0
                for offset, size, name in functions if base else ():
                    file.write(f"{base + offset:x} {size:x} {_readable(name)}\n")


def main(arguments):
    """Record and print the table, largest first."""
    if arguments[:1] == ["--here"]:
        sys.exit(_run_here(arguments[1], arguments[2:]))
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/perf.data"
        command = [sys.executable, "-m", "tests.bench.profile", "--here", *arguments]
        record = ["perf", "record", "-q", "-F", "2000", "-e", "cpu-clock", "-o", data, "--", *command]
        subprocess.run(record, check=True, stdout=subprocess.DEVNULL)
        report = ["perf", "report", "-i", data, "--stdio", "-q", "--sort", "symbol", "--percent-limit", str(_SHARE)]
        lines = subprocess.run(report, check=True, capture_output=True, text=True).stdout.splitlines()
        print(*(line.strip(" -") for line in lines if line.strip()), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
