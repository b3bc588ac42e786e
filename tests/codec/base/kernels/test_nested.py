"""numba is the release that nested.py was made for, and nested.py took effect; another numba is told in one line."""

import re
import subprocess
import sys

import numpy as np
import pytest

from codec.base.kernels import compiler, digest, nested
from codec.base.kernels.jit import kernel

compiled = pytest.mark.skipif(bool(compiler.config.DISABLE_JIT), reason="nothing is compiled")


@kernel
def _lowest(values):
    values[0] += 1
    return values[0]


@kernel
def _middle(values):
    return 10 * _lowest(values)


@kernel
def _outermost(values):
    return _middle(values) + _lowest(values)


@compiled
def test_helpers_are_linked_and_not_compiled_on_their_own():
    """Without nested.py every helper is optimised, emitted and wrapped by itself: this fails then."""
    values = np.zeros(1, np.int64)
    assert _outermost(values) == 12
    for helper in (_middle, _lowest):
        assert [type(made.entry_point) for made in helper.overloads.values()] == [nested._LinkOnly]
    assert [type(made.entry_point) for made in _outermost.overloads.values()] != [nested._LinkOnly]
    # what Python calls later becomes an entry point of its own
    assert _middle(values) == 30
    assert [type(made.entry_point) for made in _middle.overloads.values()] != [nested._LinkOnly]


def test_what_is_installed_is_what_is_pinned():
    project = (digest._ROOT / "pyproject.toml").read_text()
    assert re.findall(r'"numba([^"]*)"', project) == [f"=={compiler.RELEASE}.*"]
    assert f"{compiler.VERSION}.".startswith(f"{compiler.RELEASE}.")


def test_a_private_name_that_is_gone_is_told(monkeypatch):
    assert compiler.missing_names() == []
    monkeypatch.delattr(compiler.dispatcher.Dispatcher, "compile")
    assert compiler.missing_names() == ["Dispatcher.compile"]


def test_another_release_ends_with_one_line(tmp_path):
    clip = digest._ROOT / "media" / "CiscoVT2people_320x192_12.yuv"
    code = "import numba, sys; numba.__version__ = '0.99.1'\nfrom cli.pyenc import main\nmain()"
    command = [sys.executable, "-c", code, "-i", str(clip), "-f", "1", "-o", str(tmp_path / "out.bin")]
    result = subprocess.run(command, cwd=digest._ROOT, capture_output=True, text=True, timeout=300)
    assert result.returncode == 6
    assert result.stderr.strip().splitlines() == [
        f"pyenc: error: numba 0.99.1 is installed, but the kernels are made for numba {compiler.RELEASE}: "
        f"install it, python -m pip install 'numba=={compiler.RELEASE}.*'"
    ]
    assert not (tmp_path / "out.bin").exists()
