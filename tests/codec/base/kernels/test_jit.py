"""The kernel gateway: what the cache is keyed by, and that processes may share it."""

import os
import subprocess
import sys
import textwrap

import numba
import numpy as np
import pytest

from codec.base.kernels import digest, jit
from codec.base.kernels.jit import flattened, kernel

_SOURCE = """
import codec.a
from codec.b import c, d  # a comment with a name: codec.never
from codec.e import (
    f,  # why
    g as h,
)
from . import i
from ..j import k
def late():
    import codec.l
    from codec.m import n
"""


def test_imports_are_found_wherever_they_stand():
    found = set(digest.imported_modules(_SOURCE.encode(), "codec.x.y", False))
    expected = "codec.a codec.b.c codec.b.d codec.e.f codec.e.g codec.x.i codec.j codec.j.k codec.l codec.m codec.m.n"
    assert set(expected.split()) <= found
    assert "codec.never" not in found
    assert "codec.x.y.z" in set(digest.imported_modules(b"from .z import q", "codec.x.y", True))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package named codec in an empty directory, with digests computed from there."""
    files = {"a": "from codec.b import helper", "b": "import numpy", "c": "x = 1"}
    (tmp_path / "codec").mkdir()
    for name, text in files.items():
        (tmp_path / "codec" / f"{name}.py").write_text(text)
    monkeypatch.setattr(digest, "_ROOT", tmp_path)

    def forget():
        digest._read_module.cache_clear()
        digest.closure_digest.cache_clear()

    forget()
    yield tmp_path / "codec", forget
    forget()


def test_digest_follows_helpers_in_other_files(package):
    directory, forget = package
    before = digest.closure_digest("codec.a"), digest.closure_digest("codec.c")
    (directory / "b.py").write_text("import numpy  # edited")
    forget()
    assert digest.closure_digest("codec.a") != before[0]
    assert digest.closure_digest("codec.c") == before[1]


def test_settings_are_part_of_the_key(monkeypatch):
    before = jit.source_digest("codec.h265.structs")
    jit.source_digest.cache_clear()
    monkeypatch.setattr(jit.numba_config, "BOUNDSCHECK", 1 - int(jit.numba_config.BOUNDSCHECK or 0))
    assert jit.source_digest("codec.h265.structs") != before
    monkeypatch.undo()
    jit.source_digest.cache_clear()
    assert jit.source_digest("codec.h265.structs") == before


_TWO_SIGNATURES = """
import sys
from codec.h265.cabac import engine
import numpy as np
kind = sys.argv[1]
makers = {
    "reader": lambda: engine.new_reader(np.zeros(9, np.uint8)),
    "writer": lambda: engine.new_writer(np.zeros(99, np.uint8)),
    "estimator": engine.new_estimator,
}
e = makers[kind]()
from codec.h265.syntax.residual import code_level_remaining
value = code_level_remaining(e, 2, 5)
hits = sum(code_level_remaining.stats.cache_hits.values())
print(kind, 0 if kind == "reader" else value, hits)
"""


def _spawn(kind, cache):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(digest._ROOT)}
    environment.pop("NUMBA_DISABLE_JIT", None)
    command = [sys.executable, "-c", textwrap.dedent(_TWO_SIGNATURES), kind]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _results(processes):
    results = {}
    for process in processes:
        out, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        kind, value, hits = out.split()
        results.setdefault(kind, []).append((int(value), int(hits)))
    return results


@pytest.mark.skipif(bool(jit.numba_config.DISABLE_JIT), reason="nothing is compiled")
def test_processes_that_compile_one_kernel_for_several_engines_at_once(tmp_path):
    kinds = ["reader", "writer", "estimator"]
    cold = _results([_spawn(kind, tmp_path) for kind in kinds])
    assert cold == {"reader": [(0, 0)], "writer": [(5, 0)], "estimator": [(5, 0)]}
    warm = _results([_spawn(kind, tmp_path) for kind in kinds])
    assert warm == {"reader": [(0, 1)], "writer": [(5, 1)], "estimator": [(5, 1)]}


@pytest.mark.skipif(bool(jit.numba_config.DISABLE_JIT), reason="nothing is compiled")
def test_damaged_and_unwritable_caches_are_compiled_around(tmp_path):
    _results([_spawn("writer", tmp_path)])
    files = list(tmp_path.rglob("*.nbc"))
    assert files and not list(tmp_path.rglob("*.nbi"))
    for file in files:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert _results([_spawn("writer", tmp_path)]) == {"writer": [(5, 0)]}
    blocked = tmp_path / "file"
    blocked.write_text("where a directory should be")
    assert _results([_spawn("writer", blocked)]) == {"writer": [(5, 0)]}


@kernel
def _last_and_first(array):
    flat = flattened(array)
    flat[0] += flat[flat.size - 1]


def test_flattened_is_a_view_of_the_whole_array():
    block = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    _last_and_first(block)
    assert block[0, 0, 0] == 23 and block[1, 2, 3] == 23


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="a view of other arrays is a copy there")
def test_flattened_is_refused_for_what_is_not_contiguous():
    with pytest.raises(numba.TypingError, match="not contiguous"):
        _last_and_first(np.zeros((4, 4), np.int16)[:, 1:])
