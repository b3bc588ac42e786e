"""codec.h265.recon.dequant against clauses 8.6.1 and 8.6.4.1 in unbounded integers."""

import numpy as np
import pytest

from codec.h265.recon.dequant import chroma_qp, dequantise, scaling_matrix_id

LEVEL_SCALE = (40, 45, 51, 57, 64, 72)
TABLE_8_10 = {30: 29, 31: 30, 32: 31, 33: 32, 34: 33, 35: 33, 36: 34, 37: 34, 38: 35, 39: 35, 40: 36, 41: 36, 42: 37}


def slow_dequantise(levels, log2_size, qp, factors, bit_depth):
    shift = bit_depth + log2_size - 5
    scale = LEVEL_SCALE[qp % 6] << (qp // 6)
    values = [
        (int(level) * int(m) * scale + (1 << (shift - 1))) >> shift for level, m in zip(levels, factors, strict=True)
    ]
    return [min(max(value, -32768), 32767) for value in values]


def level_blocks(count):
    rng = np.random.default_rng(count)
    yield rng.integers(-32768, 32768, count)
    yield rng.integers(-3, 4, count)
    yield np.where(np.arange(count) % 2, 32767, -32768)


@pytest.mark.parametrize("bit_depth", [8, 10])
@pytest.mark.parametrize("log2_size", [2, 3, 4, 5])
def test_every_qp(log2_size, bit_depth):
    count, offset = 1 << (2 * log2_size), 2
    rng = np.random.default_rng(log2_size)
    scaling = rng.integers(1, 256, (4, 6, 1024)).astype(np.int16)
    scaling[:, 1] = 255
    out = np.zeros(count, np.int16)
    for block in level_blocks(count):
        levels = np.full(offset + count, 1, np.int16)
        levels[offset:] = block
        for qp in range(0, 52 + 6 * (bit_depth - 8), 1 if log2_size < 4 else 5):
            dequantise(levels, offset, log2_size, qp, scaling, 0, False, bit_depth, out)
            assert out.tolist() == slow_dequantise(block, log2_size, qp, [16] * count, bit_depth), f"flat, qp {qp}"
            matrix_id = qp % 6
            factors = scaling[log2_size - 2, matrix_id, :count]
            dequantise(levels, offset, log2_size, qp, scaling, matrix_id, True, bit_depth, out)
            assert out.tolist() == slow_dequantise(block, log2_size, qp, factors, bit_depth), f"matrix, qp {qp}"


@pytest.mark.parametrize("bit_depth", [8, 10])
def test_chroma_qp(bit_depth):
    bd_offset = 6 * (bit_depth - 8)
    for qp_y in range(-bd_offset, 52):
        for offset in (-24, -12, -1, 0, 1, 12, 24):
            index = min(max(qp_y + offset, -bd_offset), 57)
            qp_c = index if index < 30 else TABLE_8_10.get(index, index - 6)
            assert chroma_qp(qp_y, offset, bit_depth) == qp_c + bd_offset


def test_scaling_matrix_id():
    assert [scaling_matrix_id(4, c_idx, inter) for inter in (False, True) for c_idx in range(3)] == [0, 1, 2, 3, 4, 5]
    assert [scaling_matrix_id(5, 0, inter) for inter in (False, True)] == [0, 3]
