"""Kernels out of the cache: their bitcode is left alone until another kernel is linked to them."""

import os
import subprocess
import sys

import pytest

from codec.base.kernels import digest

compiled = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")

_CALL = """
from codec.h265.recon.dequant import chroma_qp
assert chroma_qp(35, 0, 8) == 33
(library,) = [compiled.library for compiled in chroma_qp.overloads.values()]
unparsed = getattr(library, "_unparsed_bitcode", None)
"""
_LINK = """
from codec.base.kernels.jit import kernel
@kernel
def twice(qp, offset, depth):
    return 2 * chroma_qp(qp, offset, depth)
assert twice(35, 0, 8) == 66 and library._unparsed_bitcode is None
"""


def _python(code, cache):
    environment = {**os.environ, "PYTHONPATH": str(digest._ROOT), "NUMBA_CACHE_DIR": str(cache)}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)


@compiled
def test_what_is_loaded_can_still_be_linked_to(tmp_path):
    for code in (_CALL + "assert unparsed is None", _CALL + "assert unparsed" + _LINK):
        result = _python(code, tmp_path)
        assert result.returncode == 0, result.stderr
