"""The cache of compiled kernels stays below its limit, and what is used stays in it."""

import os

import pytest

from codec.base.kernels.prune import prune


@pytest.fixture
def cache(tmp_path):
    """Ten kernels of 100 bytes, number 0 used last, and the stamps and locks beside them."""
    for number in range(10):
        path = tmp_path / f"{number:02x}" / "feed" / "kernel.nbc"
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(100))
        os.utime(path, (10_000 - number, 1_000))
    (tmp_path / "warm").mkdir()
    for name in ("search-0123", "search.lock"):
        (tmp_path / "warm" / name).touch()
    return tmp_path


def _kept(cache):
    return sorted(int(path.parts[-3], 16) for path in cache.glob("*/*/*.nbc"))


def test_nothing_is_deleted_below_the_limit(cache):
    assert prune(cache, 1000) == 0
    assert _kept(cache) == list(range(10))
    assert (cache / "warm" / "search-0123").exists()


def test_what_was_used_longest_ago_is_deleted_first_and_stamps_do_not_outlive_it(cache):
    assert prune(cache, 800) == 400
    assert _kept(cache) == list(range(6))
    assert not (cache / "09" / "feed").exists()
    assert [path.name for path in (cache / "warm").iterdir()] == ["search.lock"]


def test_new_code_counts_as_used(cache):
    os.utime(cache / "09" / "feed" / "kernel.nbc", (1, 20_000))
    prune(cache, 800)
    assert _kept(cache) == [0, 1, 2, 3, 4, 9]


def test_a_cache_that_is_not_there_is_no_error(tmp_path):
    assert prune(tmp_path / "none") == 0
