"""codec.h265.recon.order: z-order tables and the layout of a CTU's coefficients."""

import pytest

from codec.h265.recon.order import X4, Y4, ZSCAN, coeff_offset
from codec.h265.structs import CTU_COEFFS


def test_zscan_interleaves_the_bits():
    for y in range(16):
        for x in range(16):
            digits = "".join(a + b for a, b in zip(f"{y:04b}", f"{x:04b}", strict=True))
            assert ZSCAN[y, x] == int(digits, 2)


def test_inverse_tables():
    assert [int(ZSCAN[y, x]) for x, y in zip(X4, Y4, strict=True)] == list(range(256))


@pytest.mark.parametrize("luma_size", [8, 16, 32])
def test_blocks_of_a_ctu_tile_its_buffer(luma_size):
    used = []
    for y in range(0, 64, luma_size):
        for x in range(0, 64, luma_size):
            for c_idx in range(3):
                count = luma_size * luma_size >> (2 if c_idx else 0)
                start = coeff_offset(c_idx, x, y)
                assert start % count == 0
                used += range(start, start + count)
    assert sorted(used) == list(range(CTU_COEFFS))


def test_4x4_luma_blocks_share_one_chroma_block():
    assert [coeff_offset(0, x, y) for x, y in ((8, 8), (12, 8), (8, 12), (12, 12))] == [192, 208, 224, 240]
    assert {coeff_offset(1, x, y) for x, y in ((8, 8), (12, 8), (8, 12), (12, 12))} == {4096 + 48}
    assert coeff_offset(2, 12, 12) == 5120 + 48
