"""Distortion and picture hashes against the formulas of D.3.19, bit by bit."""

import math

import numpy as np
import pytest

from codec.base.metrics import (
    hash_text,
    mse,
    picture_hash,
    plane_checksum,
    plane_crc,
    psnr,
    squared_error,
    weighted_psnr,
)


def naive_picture_data(plane, bit_depth):
    data = []
    for row in plane.tolist():
        for sample in row:
            data.append(sample & 0xFF)
            if bit_depth > 8:
                data.append(sample >> 8)
    return data


def naive_crc(plane, bit_depth):
    data = [*naive_picture_data(plane, bit_depth), 0, 0]
    crc = 0xFFFF
    for byte in data:
        for bit in range(8):
            msb = (crc >> 15) & 1
            value = (byte >> (7 - bit)) & 1
            crc = (((crc << 1) + value) & 0xFFFF) ^ (msb * 0x1021)
    return crc


def naive_checksum(plane, bit_depth):
    total = 0
    for y, row in enumerate(plane.tolist()):
        for x, sample in enumerate(row):
            mask = (x & 0xFF) ^ (y & 0xFF) ^ (x >> 8) ^ (y >> 8)
            total += (sample & 0xFF) ^ mask
            if bit_depth > 8:
                total += (sample >> 8) ^ mask
    return total & 0xFFFFFFFF


def planes_for(bit_depth):
    rng = np.random.default_rng(bit_depth)
    top = (1 << bit_depth) - 1
    for shape in ((1, 1), (3, 5), (8, 300), (260, 4)):
        yield rng.integers(0, top + 1, shape).astype(np.int16)
        yield np.zeros(shape, np.int16)
        yield np.full(shape, top, np.int16)
        yield (np.indices(shape).sum(0) % 2 * top).astype(np.int16)


@pytest.mark.parametrize("bit_depth", [8, 9, 10, 12])
def test_crc_and_checksum_follow_the_standard(bit_depth):
    for plane in planes_for(bit_depth):
        assert int.from_bytes(plane_crc(plane, bit_depth), "big") == naive_crc(plane, bit_depth)
        assert int.from_bytes(plane_checksum(plane, bit_depth), "big") == naive_checksum(plane, bit_depth)


def test_md5_is_of_bytes_or_little_endian_words():
    plane = np.array([[1, 2], [3, 250]], np.int16)
    (eight,) = picture_hash([plane], (8, 8), 1)
    (ten,) = picture_hash([plane], (10, 10), 1)
    assert eight.hex() == "3ab7960c082957c4a7d309ef0ef2e667"
    assert ten.hex() == "32c59bff52bac8ff3e91839fde8873f2"


def test_hash_of_a_view_is_that_of_its_samples():
    wide = np.arange(64, dtype=np.int16).reshape(8, 8)
    for kind in (1, 2, 3):
        assert picture_hash([wide[1:5, 2:6]], (8, 8), kind) == picture_hash([wide[1:5, 2:6].copy()], (8, 8), kind)


def test_chroma_depth_is_used_for_chroma():
    plane = np.full((2, 2), 7, np.int16)
    luma, cb, cr = picture_hash([plane] * 3, (8, 10), 3)
    assert cb == cr != luma


def test_hash_text_is_hms():
    assert hash_text(2, [b"\x12\x34", b"\x00\x01", b"\xff\xff"]) == "CRC:1234,0001,ffff"
    assert hash_text(3, [b"\0\0\0\x05"]) == "Checksum:00000005"


def test_squared_error_of_extremes_is_exact():
    a, b = np.zeros((64, 64), np.int16), np.full((64, 64), 1023, np.int16)
    assert squared_error(a, b) == squared_error(b, a) == 64 * 64 * 1023**2
    assert mse(a, b) == 1023**2
    assert mse(a[:0], b[:0]) == 0


def test_psnr_has_hms_peak():
    assert psnr(1.0, 8) == pytest.approx(20 * math.log10(255))
    assert psnr(1.0, 10) == pytest.approx(20 * math.log10(1020))
    assert psnr(0, 8) == 999.99


def test_weighted_psnr_is_what_hm_printed():
    # SUMMARY of hm_ai_foreman_32.log: mean squared errors of the nine pictures, from their PSNRs
    assert weighted_psnr((16.795977, 6.047574, 3.467518), 8) == pytest.approx(37.0644, abs=5e-5)
    assert weighted_psnr((4.0, 0.0, 0.0), 8, has_chroma=False) == psnr(4.0, 8)
