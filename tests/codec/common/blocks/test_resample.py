"""Planes at half size, against sums written out; what both filters keep; the borders of what may be used."""

import numpy as np
import pytest

from codec.common.blocks.resample import DOWN_TAPS, UP_TAPS, double, halve, new_lines

DOWN = np.array([*DOWN_TAPS[::-1], *DOWN_TAPS])
FARTHER = np.array(UP_TAPS)


def plain_half(plane, top, left, rows, columns):
    """halve of the block of `rows` x `columns` small samples at (top, left), from all of `plane`."""
    made = np.zeros((rows, columns), np.int64)
    for j in range(rows):
        for i in range(columns):
            y = np.clip(2 * (top + j) + np.arange(-3, 5), 0, plane.shape[0] - 1)
            x = np.clip(2 * (left + i) + np.arange(-3, 5), 0, plane.shape[1] - 1)
            made[j, i] = (DOWN @ plane[np.ix_(y, x)].astype(np.int64) @ DOWN + (1 << 15)) >> 16
    return made


def plain_double(plane):
    rows, columns = plane.shape
    made = np.zeros((2 * rows, 2 * columns), np.int64)
    for j in range(2 * rows):
        for i in range(2 * columns):
            y = np.clip(j // 2 + np.arange(-3, 4), 0, rows - 1)
            x = np.clip(i // 2 + np.arange(-3, 4), 0, columns - 1)
            vertical, horizontal = (FARTHER if odd else FARTHER[::-1] for odd in (j & 1, i & 1))
            made[j, i] = (vertical @ plane[np.ix_(y, x)].astype(np.int64) @ horizontal + (1 << 11)) >> 12
    return made


def samples(kind, shape, depth):
    largest = (1 << depth) - 1
    if kind == "random":
        return np.random.default_rng(5).integers(0, largest + 1, shape).astype(np.int16)
    rows, columns = np.indices(shape)
    return np.where((rows + columns) & (1 if kind == "chequers" else 2), largest, 0).astype(np.int16)


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("kind", ["random", "chequers", "stripes"])
def test_planes_are_halved_and_doubled_as_written(kind, depth):
    whole, half = samples(kind, (28, 44), depth), samples(kind, (14, 22), depth)
    largest, lines = (1 << depth) - 1, new_lines()
    smaller = np.zeros((14, 22), np.int16)
    halve(whole, smaller, 0, 0, 22, 14, 0, 0, 44, 28, depth, lines)
    assert np.array_equal(smaller, np.clip(plain_half(whole, 0, 0, 14, 22), 0, largest))
    larger = np.zeros((28, 44), np.int16)
    double(half, larger, 0, 0, 22, 14, 0, 0, 22, 14, depth, lines)
    assert np.array_equal(larger, np.clip(plain_double(half), 0, largest))


def test_blocks_together_are_the_plane():
    whole, lines = samples("random", (64, 128), 8), new_lines()
    half, again = np.zeros((32, 64), np.int16), np.zeros((64, 128), np.int16)
    for x in (0, 32):
        halve(whole, half, x, 0, 32, 32, 0, 0, 128, 64, 8, lines)
    assert np.array_equal(half, np.clip(plain_half(whole, 0, 0, 32, 64), 0, 255))
    for x in (0, 32):
        double(half, again, x, 0, 32, 32, 0, 0, 64, 32, 8, lines)
    assert np.array_equal(again, np.clip(plain_double(half), 0, 255))


def test_nothing_is_read_beyond_what_may_be_used():
    lines = new_lines()
    one, other = samples("random", (32, 32), 8), samples("random", (32, 32), 8)
    other[:, 16:] = 0
    other[24:] = 0
    for function, block, part in ((halve, (4, 6, 4, 6), (0, 0, 16, 24)), (double, (8, 16, 8, 8), (4, 8, 16, 24))):
        made = [np.zeros((64, 64), np.int16) for _ in range(2)]
        for source, target in zip((one, other), made, strict=True):
            function(source, target, *block, *part, 8, lines)
        assert made[0].any() and np.array_equal(*made)


@pytest.mark.parametrize("value", [0, 77, 1023])
def test_what_is_flat_stays_so(value):
    whole, lines = np.full((16, 16), value, np.int16), new_lines()
    half, again = np.zeros((8, 8), np.int16), np.zeros((16, 16), np.int16)
    halve(whole, half, 0, 0, 8, 8, 0, 0, 16, 16, 10, lines)
    double(half, again, 0, 0, 8, 8, 0, 0, 8, 8, 10, lines)
    assert (half == value).all() and (again == value).all()
