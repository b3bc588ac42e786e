"""What decides a point, as hashes: the code, network weights, files that commands name. And the commit, for people."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from codec.base.io.files import open_input

_ROOT = Path(__file__).resolve().parents[2]
_BLOCK = 1 << 20
# of cli: these only look at what was coded
_LOOKERS = ("pybd.py", "pysweep.py", "pyinspect.py", "pytrain.py", "pyalloc.py")


def file_hash(path):
    """sha256 of a file's content, as text."""
    digest = hashlib.sha256()
    with open_input(path) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def hash_of(texts):
    """sha256 of a list of texts, as text."""
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogateescape")).hexdigest()


def content_hash(word, folder):
    """Hash of the file that a word of a command names, as it stands, after "=", or as a program; "" for other words."""
    for text in (word, word.partition("=")[2]):
        for candidate in (text, str(folder / text), shutil.which(text)) if text else ():
            if candidate and os.path.isfile(candidate):
                return file_hash(candidate)
    return ""


def code_hash(weights_dir=None):
    """Hash of everything that decides what pyenc and pydec do.

    weights_dir  None: without CNN tools; "": with the installed weights; else with those in that folder
    """
    files = [path for path in (_ROOT / "cli").glob("*.py") if path.name not in _LOOKERS]
    for folder in ("codec", "nets"):
        files += [p for p in (_ROOT / folder).rglob("*") if p.is_file() and p.suffix not in (".pyc", ".nbi", ".nbc")]
    texts = [f"{path.relative_to(_ROOT)} {file_hash(path)}" for path in sorted(files)]
    if weights_dir is not None:
        texts += _weights_hashes(Path(weights_dir or _ROOT / "weights"))
    return hash_of(texts)


def _weights_hashes(folder):
    wanted = [path for path in folder.glob("*") if path.suffix in (".json", ".safetensors")]
    return [f"weights/{path.name} {file_hash(path)}" for path in sorted(wanted)]


def commit():
    """The commit that is checked out, with "+changes" when files that decide what is coded differ; "" outside git."""
    head = _git("rev-parse", "--short=12", "HEAD").strip()
    changed = head and _git("status", "--porcelain", "--", "cli", "codec", "nets", "weights").strip()
    return f"{head}+changes" if changed else head


def _git(*words):
    try:
        done = subprocess.run(["git", "-C", str(_ROOT), *words], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if done.returncode else done.stdout
