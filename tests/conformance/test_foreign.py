"""A decoder of others that is missing is told: no test passes without it."""

import os
import re
import subprocess
import sys

import pytest

from tests.conformance import foreign


def test_what_is_missing_skips_or_fails(monkeypatch):
    monkeypatch.delenv("PYENC_REQUIRE_FOREIGN", raising=False)
    with pytest.raises(pytest.skip.Exception, match="not installed: no-such-decoder"):
        foreign.require("no-such-decoder")
    monkeypatch.setenv("PYENC_REQUIRE_FOREIGN", "1")
    with pytest.raises(pytest.fail.Exception, match="not installed: no-such-decoder"):
        foreign.require(sys.executable, "no-such-decoder")
    foreign.require(sys.executable)


def test_tests_do_not_look_for_programs_themselves():
    """A test that asks whether a program is there can pass without it: needs() and require() cannot."""
    asking = re.compile(r"\bavailable\(|shutil\.which\(")
    tests = (path for path in (foreign.ROOT / "tests").rglob("test_*.py") if path.name != "test_foreign.py")
    assert [path.name for path in tests if asking.search(path.read_text())] == []


@pytest.mark.parametrize("required", [False, True])
def test_no_test_of_a_foreign_decoder_passes_without_it(required, tmp_path):
    """The tests that carry its name, run where nothing is installed."""
    environment = {**os.environ, "PATH": str(tmp_path), "PYENC_REQUIRE_FOREIGN": str(int(required))}
    command = [sys.executable, "-m", "pytest", "-q", "-rsf", "-p", "no:cacheprovider"]
    command += ["tests/encode/test_rate_control.py", "tests/encode/test_cnn_streams.py", "-k", "FFmpeg or libde265"]
    result = subprocess.run(command, cwd=foreign.ROOT, env=environment, capture_output=True, text=True, timeout=300)
    summary = result.stdout.strip().splitlines()[-1]
    assert " passed" not in summary and (" error" if required else " skipped") in summary
    assert result.returncode == int(required)
    assert "not installed: ffmpeg" in result.stdout and "dec265" in result.stdout
