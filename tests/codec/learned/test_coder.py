"""Symbols to bytes and back, also by a decoder that knows the document only."""

import numpy as np
import pytest

from codec.base.errors import CorruptStream
from codec.learned.coder import Reader, Writer
from nets.latents import PRECISION, Tables
from tests.codec.learned.plain_coder import PlainDecoder

pytest.importorskip("constriction")


def tables_of(rng, sides):
    rows = []
    for side in sides:
        shares = rng.dirichlet(np.full(2 * side + 2, 0.2))
        whole = np.maximum(np.floor(shares * (1 << PRECISION)), 1).astype(np.int64)
        whole[whole.argmax()] += (1 << PRECISION) - whole.sum()
        rows.append(whole.astype(np.int32))
    return Tables(np.array(sides, np.int16), np.concatenate(rows))


def material(seed):
    """(symbols, numbers, tables): some symbols outside their tables"""
    rng = np.random.default_rng(seed)
    tables = tables_of(rng, [0, 1, 3, 40, 255])
    numbers = rng.integers(0, 5, (6, 9, 11)).astype(np.int32)
    spread = np.array([0.2, 1, 2, 30, 150])[numbers]
    symbols = np.rint(rng.normal(0, 1, numbers.shape) * spread).astype(np.int32)
    symbols[0, 0, :3] = -32768, 32767, 300
    return symbols, numbers, tables


@pytest.mark.parametrize("seed", range(3))
def test_there_and_back(seed):
    first, second = material(seed), material(seed + 100)
    writer = Writer()
    for each in (first, second):
        writer.write(*each)
    data = writer.data()
    reader = Reader(data)
    for symbols, numbers, tables in (first, second):
        np.testing.assert_array_equal(reader.read(numbers, tables), symbols)
    reader.finish()


def test_a_decoder_after_the_document_reads_the_same():
    symbols, numbers, tables = material(7)
    writer = Writer()
    writer.write(symbols, numbers, tables)
    np.testing.assert_array_equal(PlainDecoder(writer.data()).symbols(numbers, tables), symbols)


def test_as_many_bits_as_the_tables_say():
    rng = np.random.default_rng(3)
    tables = tables_of(rng, [2])
    side, frequencies = tables.table(0)
    coded = rng.choice(2 * side + 1, 20000, p=frequencies[:-1] / frequencies[:-1].sum()) - side
    writer = Writer()
    writer.write(coded.astype(np.int32), np.zeros(len(coded), np.int32), tables)
    wanted = (PRECISION - np.log2(frequencies[coded + side])).sum()
    assert abs(8 * len(writer.data()) - wanted) <= 64


def test_nothing_is_nothing():
    writer = Writer()
    assert writer.data() == b""
    Reader(b"").finish()


def test_half_a_word_is_refused():
    with pytest.raises(CorruptStream, match="no whole words"):
        Reader(b"abcde")


def test_words_left_over_are_refused():
    symbols, numbers, tables = material(1)
    writer = Writer()
    writer.write(symbols, numbers, tables)
    reader = Reader(writer.data() + b"\1\2\3\4" * 4)
    reader.read(numbers, tables)
    with pytest.raises(CorruptStream):
        reader.finish()
