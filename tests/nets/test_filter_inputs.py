"""Planes as inputs of the filters' nets, against sample-by-sample definitions."""

import numpy as np
import pytest

from nets import filter_inputs


@pytest.mark.parametrize("depth", [8, 10])
def test_samples_and_residuals_count_as_ten_bits(depth):
    top = (1 << depth) - 1
    plane = np.array([[0, 1, top]], np.uint16)
    step = 4 if depth == 8 else 1
    assert filter_inputs.samples(plane, depth).tolist() == [[-512, step - 512, top * step - 512]]
    residual = np.array([-200, -3, 0, 5, 200], np.int16) * (1 if depth == 8 else 4)
    expected = np.clip(residual.astype(int) * step, -512, 511)
    assert filter_inputs.residual(residual, depth).tolist() == expected.tolist()


def test_prediction_is_the_reconstruction_without_its_residual():
    rng = np.random.default_rng(1)
    prediction = rng.integers(0, 256, (9, 7))
    residual = rng.integers(-90, 90, (9, 7)).astype(np.int16)
    residual[(prediction + residual < 0) | (prediction + residual > 255)] = 0
    made = filter_inputs.prediction((prediction + residual).astype(np.uint8), residual, 8)
    assert made.dtype == np.int16 and np.array_equal(made, 4 * prediction - 512)
    assert filter_inputs.prediction(np.uint8([250]), np.int16([-20]), 8) == [4 * 255 - 512]


def slow_edges(strengths, height, width):
    """Each half-resolution position looks at the edges of its own 2x2 samples' four sides that are 8x8 grid lines."""
    strengths = strengths.astype(int)
    found = np.zeros((height, width), int)
    for y in range(height):
        for x in range(width):
            for edge_x in (2 * x, 2 * x + 2):
                if edge_x % 8 == 0 and 4 * strengths.shape[2] > edge_x:
                    found[y, x] = max(found[y, x], 256 * strengths[0, y // 2, edge_x // 4])
            for edge_y in (2 * y, 2 * y + 2):
                if edge_y % 8 == 0 and 4 * strengths.shape[1] > edge_y:
                    found[y, x] = max(found[y, x], 256 * strengths[1, edge_y // 4, x // 2])
    return found


@pytest.mark.parametrize("size", [(8, 12), (7, 9), (4, 4)])
def test_edges_lie_on_both_sides(size):
    rng = np.random.default_rng(2)
    height, width = size
    strengths = np.zeros((2, -(-height // 2), -(-width // 2)), np.int8)
    strengths[0, :, ::2] = rng.integers(0, 3, strengths[0, :, ::2].shape)
    strengths[1, ::2] = rng.integers(0, 3, strengths[1, ::2].shape)
    made = filter_inputs.edges(strengths, height, width)
    assert made.dtype == np.int16 and np.array_equal(made, slow_edges(strengths, height, width))
    assert np.array_equal(filter_inputs.edges(np.stack([strengths] * 2), height, width), [made, made])


def test_qp_stays_in_range():
    assert filter_inputs.qp(np.array([-3, 0, 22, 51])).tolist() == [0, 0, 176, 408]
