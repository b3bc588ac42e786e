"""Compiling ahead: what is cold is told without numba, and afterwards nothing that a program calls is compiled."""

import base64
import os
import subprocess
import sys

import pytest

from codec.base.errors import CodecError
from codec.base.kernels import digest, jit, warm

compiled = pytest.mark.skipif(bool(jit.numba_config.DISABLE_JIT), reason="nothing is compiled")

# 64x64, one picture, made with x265 from the clip in media/: transforms, deblocking, SAO
_STREAM = (
    "AAAAAUABDAH//wNwAAADAJAAAAMAAAMAHroCQAAAAAFCAQEDcAAAAwCQAAADAAADAB6gIIEFlurkyuAQAAA+gAAC7gCAAAAAAUQBwXGBEgAAASgB"
    "rwtg9nnXbhkaDLHmzb/VPy+RoES/oiVth3KXFJ6OO+f2q3+FKcVpBcIZ65isI3n46EkqjUuu45zFlkQnkZ/Xf0eyGmnEFisdqO4ri1C5MFf2mOvA"
    "AAABUAGEMQDea/msYHqxUoBbzfp5HIRsYg5ADBk9ObIfB9iuzNEhSuCuicgGCMHGGu4/jedecCqA"
)

# 16x16, an I and a P picture, made with x265 from noise that moves by two samples
_INTER_STREAM = (
    "AAAAAUABDAH//wFgAAADAJAAAAMAAAMAHpKAkAAAAAFCAQEBYAAAAwCQAAADAAADAB6giEWWSqvK4BAAAD6AAAYagIAAAAABRAHBcaESAAAAASgB"
    "r1iT+4UZA9aRrVhxAfA8bR2ZFcKYXbvoBiYaDwK4JjrfCLgPlhQwOxhcMGjBtXDZ1bELq2S01Q+6wIhDMy2qt+lQMOWzRmkTKheqT8AAAAFQAYQN"
    "AgAAd38AACDgAAAg4IAAAAABAgHQCX4QxiOtTitqDLVlIo3aKI1QHfI0lFwKSCY/SWEAAAFQAYQNAgAAdU4AACDgAAAg4IA="
)


def inter_stream():
    """An I and a P picture of 16x16."""
    return base64.b64decode(_INTER_STREAM)


# every kernel that was compiled, or loaded, because Python called it
_LIST = """
import sys
def touched():
    for name, module in list(sys.modules.items()):
        if name.startswith("codec."):
            for kernel in vars(module).values():
                if hasattr(kernel, "stats") and kernel.__module__ == name:
                    missed, hit = (sum(c.values()) for c in (kernel.stats.cache_misses, kernel.stats.cache_hits))
                    if missed or hit:
                        yield f"{name}.{kernel.__name__}:{'missed' if missed else 'hit'}"
"""

_DECODE = f"""
import base64, io
from codec.h265.config import DecoderConfig
from codec.h265.decoder.decode import decode_stream
for stream, count in (({_STREAM!r}, 1), ({_INTER_STREAM!r}, 2)):
    pictures = list(decode_stream(DecoderConfig(), io.BytesIO(base64.b64decode(stream))))
    assert [p.hash_status for p in pictures] == ["OK"] * count
"""

_ENCODE = """
import io
import numpy as np
from codec.h265.config import EncoderConfig, validated
from codec.h265.encoder.encode import encode_sequence
config = validated(EncoderConfig(SourceWidth=64, SourceHeight=64, QP=30, Threads=1))
rng = np.random.default_rng(1)
planes = [rng.integers(0, 256, size).astype(np.int16) for size in ((64, 64), (32, 32), (32, 32))]
assert len(list(encode_sequence(config, [planes], io.BytesIO()))) == 1
"""


def _python(code, **variables):
    environment = {**os.environ, "PYTHONPATH": str(digest._ROOT), **variables}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return tmp_path


@compiled
@pytest.mark.parametrize(("side", "code"), [("decoder", _DECODE), ("encoder", _ENCODE)])
def test_nothing_is_compiled_after_warming_up(side, code):
    warm.warm_up(side)
    assert warm.cold_groups(side) == []
    result = _python(_LIST + code + "print(*touched())")
    assert result.returncode == 0, result.stderr
    # kernel(inline=True) is never cached, see the gateway
    touched = [name for name in result.stdout.split() if "reader_byte_position" not in name]
    assert len(touched) >= 4
    assert [name for name in touched if name.endswith(":missed")] == []


@compiled
def test_a_group_is_cold_until_it_is_stamped(empty_cache, monkeypatch):
    assert warm.cold_groups("decoder")[-1] == "filters"
    assert set(warm.cold_groups()) == set(warm._groups()) > set(warm.cold_groups("decoder"))
    (empty_cache / "warm").mkdir()
    warm._stamp("filters").touch()
    assert "filters" not in warm.cold_groups("decoder")
    monkeypatch.setenv("NUMBA_OPT", "1")
    assert "filters" in warm.cold_groups("decoder")


def test_nothing_is_cold_without_a_compiler(empty_cache, monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert warm.cold_groups() == []
    assert warm.warm_up() == 0


def test_the_question_does_not_import_numba():
    code = "import sys; from codec.base.kernels import warm; warm.cold_groups(); sys.exit('numba' in sys.modules)"
    assert _python(code).returncode == 0


@compiled
def test_a_cache_that_cannot_be_written_is_told_once(empty_cache, monkeypatch, capsys):
    blocked = empty_cache / "file"
    blocked.write_text("where a directory should be")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked))
    assert warm.warm_up("decoder") > 0
    assert len(capsys.readouterr().err.splitlines()) == 1


@compiled
def test_processes_that_start_cold_together(empty_cache):
    command = [sys.executable, "-m", "codec.base.kernels.warm", "filters"]
    environment = {**os.environ, "PYTHONPATH": str(digest._ROOT)}
    processes = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(3)]
    for process in processes:
        assert process.communicate(timeout=300)[1] == b""
        assert process.returncode == 0
    assert warm._stamp("filters").exists()
    names = [file.name for file in empty_cache.rglob("*.nbc")]
    assert len(names) >= 3 and len(names) == len(set(names))


@compiled
def test_a_failed_compilation_is_an_error(empty_cache):
    with pytest.raises(CodecError, match="no_such_group"):
        warm._compile_elsewhere("no_such_group")


@compiled
def test_progress_is_reported_and_failure_passed_on(empty_cache, monkeypatch):
    done = []
    monkeypatch.setattr(warm, "_compile_elsewhere", done.append)
    calls = []
    assert warm.warm_up("decoder", lambda *call: calls.append(call)) == len(done) == 4
    assert calls[0] == (0, 4, "") and [call[:2] for call in calls[1:]] == [(1, 4), (2, 4), (3, 4), (4, 4)]

    def fail(name):
        raise CodecError(name)

    monkeypatch.setattr(warm, "_compile_elsewhere", fail)
    with pytest.raises(CodecError):
        warm.warm_up("decoder")
