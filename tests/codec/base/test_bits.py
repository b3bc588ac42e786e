"""codec.base.bits against a string of '0' and '1' characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.base.bits import BitReader, BitWriter
from codec.base.errors import CorruptStream


def ue_text(value):
    """(9.2) The Exp-Golomb code as characters."""
    code = bin(value + 1)[2:]
    return "0" * (len(code) - 1) + code


def se_value(code):
    """(9.2.2) Table 9-3: 0, 1, -1, 2, -2 ..."""
    return (-1) ** (code + 1) * ((code + 1) // 2)


def to_bytes(text):
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))


FIELD = st.one_of(
    st.tuples(st.just("u"), st.integers(0, 70), st.integers(0, 2**70)),
    st.tuples(st.just("ue"), st.just(0), st.integers(0, 2**32 - 2)),
    st.tuples(st.just("ue"), st.just(0), st.integers(0, 20)),
    st.tuples(st.just("se"), st.just(0), st.integers(-(2**31) + 1, 2**31 - 1)),
)


@given(st.lists(FIELD, max_size=40))
def test_writer_and_reader_agree_with_text(fields):
    writer, text = BitWriter(), ""
    fields = [(kind, size, value % (1 << size) if kind == "u" else value) for kind, size, value in fields]
    for kind, size, value in fields:
        if kind == "u":
            writer.u(size, value)
            text += f"{value:0{size}b}" if size else ""
        elif kind == "ue":
            writer.ue(value)
            text += ue_text(value)
        else:
            writer.se(value)
            text += ue_text(2 * value - 1 if value > 0 else -2 * value)
    assert writer.position == len(text)
    writer.rbsp_trailing_bits()
    data = writer.to_bytes()
    assert data == to_bytes(text + "1")
    reader = BitReader(data)
    for kind, size, value in fields:
        assert reader.more_rbsp_data() or reader.position == len(text)
        assert (reader.u(size) if kind == "u" else getattr(reader, kind)()) == value
    assert reader.position == len(text) and not reader.more_rbsp_data()
    reader.rbsp_trailing_bits()
    assert reader.position == 8 * len(data)


def test_signed_codes_follow_table_9_3():
    for code in range(200):
        assert BitReader(to_bytes(ue_text(code))).se() == se_value(code)


def test_largest_exp_golomb_code_and_the_one_beyond():
    assert BitReader(to_bytes(ue_text(2**32 - 2))).ue() == 2**32 - 2
    with pytest.raises(CorruptStream, match=r"^\(9\.2\).*leading zeros"):
        BitReader(to_bytes(ue_text(2**32 - 1))).ue()
    with pytest.raises(CorruptStream, match="leading zeros"):
        BitReader(bytes(1000)).ue()


@pytest.mark.parametrize("start", range(9))
@pytest.mark.parametrize("zeros", [0, 7, 8, 24, 25, 30, 31])
def test_exp_golomb_at_every_bit_offset(start, zeros):
    value = (1 << zeros) + ((1 << zeros) // 3) - 1
    reader = BitReader(to_bytes("1" * start + ue_text(value) + "1"))
    reader.u(start)
    assert reader.ue() == value and reader.u(1) == 1


@pytest.mark.parametrize("read", [lambda r: r.u(9), lambda r: r.bytes(2), lambda r: r.ue(), lambda r: r.se()])
@pytest.mark.parametrize("data", [b"", b"\0"])
def test_past_the_end_is_an_error(read, data):
    with pytest.raises(CorruptStream, match=r"^\(7\.2\) the data end"):
        read(BitReader(data))


def test_code_cut_after_its_leading_zeros():
    with pytest.raises(CorruptStream, match="the data end"):
        BitReader(to_bytes("0000001")[:1] + b"").ue()


def test_more_rbsp_data_ignores_cabac_zero_words():
    reader = BitReader(b"\xa0\x80\0\0\0\0")
    assert reader.more_rbsp_data() and reader.remaining_rbsp_bits() == 8
    reader.u(8)
    assert not reader.more_rbsp_data() and reader.remaining_rbsp_bits() == 0
    assert not BitReader(b"\0\0").more_rbsp_data() and not BitReader(b"").more_rbsp_data()


@pytest.mark.parametrize(("data", "message"), [(b"\x00", "stop_one_bit"), (b"\x90", "alignment_zero_bit")])
def test_bad_trailing_bits(data, message):
    with pytest.raises(CorruptStream, match=message):
        BitReader(data).rbsp_trailing_bits()


@given(st.integers(0, 7), st.binary(max_size=300))
def test_bytes_at_any_position(start, payload):
    writer = BitWriter()
    writer.u(start, 0)
    writer.bytes(payload)
    writer.u(-start & 7, 0)
    reader = BitReader(writer.to_bytes())
    reader.u(start)
    assert reader.bytes(len(payload)) == payload


def test_writer_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="does not fit"):
        BitWriter().u(3, 8)
    writer = BitWriter()
    writer.u(3, 1)
    with pytest.raises(ValueError, match="whole bytes"):
        writer.to_bytes()
