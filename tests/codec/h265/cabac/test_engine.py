"""(9.3.4) The three engines: what the writer writes the reader reads, and the estimator's rate is the writer's."""

import numpy as np
import pytest

from codec.base.kernels.jit import kernel
from codec.h265.cabac import engine
from codec.h265.cabac.contexts import CONTEXT_COUNT, INITIAL_CONTEXTS, initial_contexts
from codec.h265.cabac.tables import NEXT_STATE, ONE_BIT, RENORM_SHIFT


@kernel
def code_script(e, kinds, arguments, values, out):
    """Run a list of coding operations on any engine: 0 context bin, 1 bypass, 2 bypass bits, 3 terminate(0)."""
    for i in range(len(kinds)):
        value = np.int64(values[i])
        argument = np.int64(arguments[i])
        if kinds[i] == 0:
            out[i] = engine.code_bin(e, argument, value)
        elif kinds[i] == 1:
            out[i] = engine.code_bypass(e, value)
        elif kinds[i] == 2:
            out[i] = engine.code_bypass_bits(e, argument, value)
        else:
            out[i] = engine.code_terminate(e, value)
    return engine.code_terminate(e, 1)


def random_script(rng, count, skew):
    kinds = rng.choice(4, count, p=(0.7, 0.15, 0.1, 0.05)).astype(np.int64)
    arguments = np.where(kinds == 2, rng.integers(0, 33, count), rng.integers(0, CONTEXT_COUNT, count)).astype(np.int64)
    values = (rng.random(count) < skew).astype(np.int64)
    bits = np.array([rng.integers(0, 1 << int(n)) if k == 2 else 0 for k, n in zip(kinds, arguments, strict=True)])
    values = np.where(kinds == 2, bits, np.where(kinds == 3, 0, values)).astype(np.int64)
    return kinds, arguments, values


def write(script, buffer, contexts):
    writer = engine.new_writer(buffer)
    engine.set_contexts(writer, contexts)
    code_script(writer, *script, np.zeros(len(script[0]), np.int64))
    return engine.finish_writer(writer), writer


@pytest.mark.parametrize("skew", [0.0, 0.1, 0.5, 0.93, 1.0])
def test_reader_reads_what_the_writer_wrote(skew):
    rng = np.random.default_rng(int(skew * 100))
    for count in (0, 1, 7, 1000, 20000):
        script = random_script(rng, count, skew)
        buffer = np.zeros(count * 4 + 64, np.uint8)
        contexts = initial_contexts(2, 0, 30)
        length, writer = write(script, buffer, contexts)
        # the next sub-stream starts right behind: its bytes must not disturb this one
        buffer[length:] = 0xA5
        reader = engine.new_reader(buffer)
        engine.set_contexts(reader, contexts)
        out = np.zeros(count, np.int64)
        end = code_script(reader, *script[:2], np.zeros(count, np.int64), out)
        assert end == 1
        assert np.array_equal(out, script[2])
        assert np.array_equal(engine.get_contexts(reader), engine.get_contexts(writer))
        assert engine.reader_byte_position(reader) == length


def test_carry_runs_through_a_chain_of_ones():
    """Long runs of bypass ones make 0xFF bytes; a later carry must turn all of them over."""
    for tail in range(64):
        kinds = np.ones(200, np.int64)
        values = np.ones(200, np.int64)
        values[100 + tail :] = 0
        kinds[150:] = 0
        script = kinds, np.zeros(200, np.int64), values
        buffer = np.zeros(200, np.uint8)
        write(script, buffer, initial_contexts(2, 0, 1))
        reader = engine.new_reader(buffer)
        engine.set_contexts(reader, initial_contexts(2, 0, 1))
        out = np.zeros(200, np.int64)
        code_script(reader, *script[:2], values * 0, out)
        assert np.array_equal(out, values)


def test_estimate_is_close_to_the_written_size():
    rng = np.random.default_rng(5)
    script = random_script(rng, 50000, 0.2)
    buffer = np.zeros(200000, np.uint8)
    length, _ = write(script, buffer, initial_contexts(2, 0, 32))
    estimator = engine.new_estimator()
    engine.set_contexts(estimator, initial_contexts(2, 0, 32))
    code_script(estimator, *script, np.zeros(50000, np.int64))
    estimate = estimator.state[0]["bits"] / ONE_BIT
    assert abs(estimate / (8 * length) - 1) < 0.01


def test_reading_past_the_end_gives_zeros_and_can_be_told():
    reader = engine.new_reader(np.zeros(3, np.uint8))
    script = np.ones(100, np.int64), np.zeros(100, np.int64), np.zeros(100, np.int64)
    out = np.ones(100, np.int64)
    code_script(reader, *script, out)
    assert not out.any()
    assert engine.reader_byte_position(reader) > 3


def test_state_tables():
    assert NEXT_STATE[1, 62 << 1 | 1] == (62 << 1 | 1)  # the most skewed state stays
    assert NEXT_STATE[0, 1] == 0 and NEXT_STATE[1, 0] == 1  # state 0: the LPS exchanges the MPS
    assert NEXT_STATE[1, 63 << 1 | 1] == (63 << 1 | 1)
    for lps in range(6, 256):
        assert 256 <= lps << RENORM_SHIFT[lps >> 3] <= 510
    assert INITIAL_CONTEXTS.shape == (3, 52, CONTEXT_COUNT)


@pytest.mark.parametrize("first", [0xFE, 0xFF])
def test_an_illegal_offset_gives_no_more_bins_than_asked_for(first):
    """(9.3.2.5) ivlOffset 510 and 511 are no legal streams; modes and positions made of such bins stay in range."""
    reader = engine.new_reader(np.array([first, 0xFF, 0xFF, 0x12, 0x34, 0x56, 0x78] + [0] * 8, np.uint8))
    for count in (5, 3, 16, 20, 32, 5):
        assert 0 <= engine.code_bypass_bits(reader, count, 0) < 1 << count
