"""Old code leaves the cache: whoever edits kernels adds some 60 MB a change, and nobody else would ever delete them."""

import contextlib
from pathlib import Path

LIMIT = 1 << 30


def prune(directory, limit=LIMIT):
    """Delete what was used longest ago until the compiled kernels of a cache take at most 3/4 of `limit` bytes.

    Nothing happens below the limit. With kernels go the stamps of all groups (see warm.py), because they may tell of
    kernels that are gone. -> bytes deleted. Safe beside programs that use the cache: they compile what they miss.
    """
    found = []
    # NUMBA_CACHE_DIR may hold other projects' code as well, in folders of other names
    for path in Path(directory).glob("[0-9a-f][0-9a-f]/*/*.nbc"):
        with contextlib.suppress(OSError):
            status = path.stat()
            found.append((max(status.st_atime, status.st_mtime), status.st_size, path))
    held = sum(size for _, size, _ in found)
    if held <= limit:
        return 0
    deleted = 0
    for _, size, path in sorted(found):
        if held - deleted <= limit * 3 // 4:
            break
        with contextlib.suppress(OSError):
            path.unlink()
            deleted += size
            path.parent.rmdir()
    for stamp in Path(directory).glob("warm/*-*"):
        with contextlib.suppress(OSError):
            stamp.unlink()
    return deleted
