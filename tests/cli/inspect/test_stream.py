"""Sizes of NAL units by picture, and reading of what is wanted only."""

import io

import pytest

from cli.inspect.stream import access_units, decoded_pictures
from codec.base.errors import InputError
from codec.h265 import nal
from codec.h265.config import DecoderConfig
from codec.h265.decoder.decode import decode_stream
from tests.codec.h265 import small_stream
from tests.conformance.run import DEFAULT_DIRECTORY


def stream(*units):
    """Bytes of NAL units given as type, payload length, whether it is a picture's first slice segment, layer."""
    data = b""
    for unit in units:
        kind, size, first, layer = (*unit, True, 0)[:4] if len(unit) == 2 else (*unit, 0)[:4]
        payload = bytes([0x80 if first else 0x40]) + b"\x55" * (size - 1)
        data += nal.annexb(nal.NalUnit(kind, payload, nuh_layer_id=layer))
    return io.BytesIO(data)


def bits(size):
    return 8 * (size + 5)


def test_units_belong_to_the_picture_that_they_precede_or_follow():
    units, rest = access_units(
        stream(
            (nal.SPS_NUT, 10),
            (nal.PPS_NUT, 4),
            (nal.IDR_W_RADL, 100),
            (nal.IDR_W_RADL, 50, False),
            (nal.SUFFIX_SEI_NUT, 20),
            (nal.PREFIX_SEI_NUT, 7),
            (nal.TRAIL_R, 30),
        )
    )
    idr = {"SPS_NUT": bits(10), "PPS_NUT": bits(4), "IDR_W_RADL": bits(100) + bits(50), "SUFFIX_SEI_NUT": bits(20)}
    assert units == [idr, {"PREFIX_SEI_NUT": bits(7), "TRAIL_R": bits(30)}]
    assert rest == {}


def test_what_is_not_decoded_stands_apart():
    units, rest = access_units(
        stream(
            (nal.TRAIL_R, 9),  # before the first random access point
            (nal.CRA_NUT, 100),
            (nal.RASL_N, 30),
            (nal.TRAIL_R, 40),
            (nal.CRA_NUT, 60),
            (nal.RASL_N, 20),
            (nal.TRAIL_R, 11, True, 1),
            (nal.EOS_NUT, 2),
            (nal.CRA_NUT, 70),
            (nal.RASL_R, 25),
        )
    )
    assert [list(unit) for unit in units] == [["CRA_NUT"], ["TRAIL_R"], ["CRA_NUT"], ["RASL_N", "EOS_NUT"], ["CRA_NUT"]]
    assert rest == {"TRAIL_R": bits(9) + bits(11), "RASL_N": bits(30), "RASL_R": bits(25)}


def test_all_bits_of_the_small_stream_are_counted():
    units, rest = access_units(small_stream.open_stream())
    assert len(units) == 4 and rest == {}
    # some start codes have a fourth byte
    total = sum(sum(unit.values()) for unit in units)
    assert total == 8 * (len(small_stream.STREAM) - small_stream.STREAM.count(b"\0\0\0\1"))


@pytest.mark.skipif(not (DEFAULT_DIRECTORY / "index.csv").is_file(), reason="no ../shared/streams")
@pytest.mark.parametrize("name", ["hm_ra_cra_rasl_goat", "hm_ra_wpp_slices_foreman", "g2b_multi_slice"])
def test_there_is_one_access_unit_a_decoded_picture(name):
    data = (DEFAULT_DIRECTORY / f"{name}.bit").read_bytes()
    # from the second random access point on, its RASL pictures cannot be decoded
    for start in (0, data.find(b"\0\0\1\x2a\1")):
        part = data[max(start, 0) :] if start <= 0 else data[: data.index(b"\0\0\1\x26\1")] + data[start:]
        units, _ = access_units(io.BytesIO(part))
        indices = {picture.decode_index for picture in decode_stream(DecoderConfig(), io.BytesIO(part))}
        assert indices == set(range(len(units)))


def test_only_what_is_wanted_is_decoded():
    found = list(decoded_pictures("s", small_stream.open_stream(), 1, 2))
    assert [(number, picture.poc) for number, picture in found] == [(1, 1), (2, 2)]
    assert all(picture.statistics is not None for _, picture in found)
    with pytest.raises(InputError, match=r"s: has 4 pictures, no number 9"):
        list(decoded_pictures("s", small_stream.open_stream(), 9))
    with pytest.raises(InputError, match="holds no picture"):
        list(decoded_pictures("s", io.BytesIO(b"")))
