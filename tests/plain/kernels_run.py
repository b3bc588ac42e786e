"""Which kernels there are, by their source, and which of them Python has run."""

import ast
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _is_kernel(decorator):
    """@kernel or @kernel(inline=True)."""
    name = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(name, ast.Name) and name.id == "kernel"


def all_kernels():
    """{(file below the root, function)} of every function of codec and nets that is decorated with kernel."""
    found = set()
    for package in ("codec", "nets"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef) and any(map(_is_kernel, node.decorator_list)):
                    found.add((path.relative_to(ROOT).as_posix(), node.name))
    return found


@contextmanager
def watched():
    """Yields a set that fills with (file, function) of all that Python calls in codec and nets, in all threads."""
    seen, names = set(), {}

    def note(frame, event, _):
        code = frame.f_code
        if event == "call" and code not in names:
            path = Path(code.co_filename)
            names[code] = None
            if path.is_relative_to(ROOT):
                seen.add((path.relative_to(ROOT).as_posix(), code.co_name))

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
