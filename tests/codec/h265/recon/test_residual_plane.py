"""The residual on its own is what reconstruction adds to a prediction that is known."""

import numpy as np
import pytest

from codec.base.kernels.jit import kernel
from codec.h265.entry_points import sample_frame
from codec.h265.recon.order import coeff_offset
from codec.h265.recon.reconstruct import new_scratch, reconstruct_ctu
from codec.h265.recon.residual_plane import residual_ctu
from codec.h265.structs import CTU_COEFFS, MODE_INTER, MODE_INTRA


@kernel
def _offset(x, y):
    return coeff_offset(0, x, y)


def random_ctu(seed, mode, strength):
    """(frame, coefficients) of a 64x64 CTU of random transform blocks, luma only, with plane samples 128."""
    rng = np.random.default_rng(seed)
    frame = sample_frame()
    p = frame.params
    for name, value in dict(pic_width=64, pic_height=64, width_in_ctbs=1, height_in_ctbs=1, log2_ctb_size=6,
                            width_in_units=16, height_in_units=16, bit_depth_y=8, bit_depth_c=8).items():  # fmt: skip
        p[name] = value
    frame.scaling[:] = 16
    frame.luma[:] = 128
    coeffs = np.zeros(CTU_COEFFS, np.int16)
    for y in range(0, 16, 8):
        for x in range(0, 16, 8):
            log2_tb = int(rng.integers(2, 6))
            units = frame.units[y : y + 8, x : x + 8]
            units["log2_cb_size"], units["log2_tb_size"], units["pred_mode"] = 5, log2_tb, mode
            units["qp_y"] = rng.integers(10, 40)
            side = 1 << (log2_tb - 2)
            for v in range(0, 8, side):
                for u in range(0, 8, side):
                    block = units[v : v + side, u : u + side]
                    block["cbf"] = rng.integers(0, 2)
                    block["transform_skip"] = log2_tb == 2 and rng.integers(0, 2)
                    block["bypass"] = rng.integers(0, 5) == 0
                    at = _offset(4 * (x + u), 4 * (y + v))
                    n = 1 << (2 * log2_tb)
                    values = rng.integers(-strength, strength + 1, n) * (rng.random(n) < 0.05)
                    coeffs[at : at + n] = values
    return frame, coeffs


@pytest.mark.parametrize("seed", range(4))
def test_residual_is_what_reconstruction_adds(seed):
    """Inter blocks, whose prediction is in the plane: nothing is clipped, so the difference is the residual."""
    frame, coeffs = random_ctu(seed, MODE_INTER, 2)
    residual = np.zeros((64, 64), np.int16)
    residual_ctu(frame, 0, coeffs, new_scratch(), residual)
    reconstruct_ctu(frame, 0, coeffs, new_scratch())
    assert frame.luma.min() > 0 and frame.luma.max() < 255
    assert np.abs(residual).max() > 5
    assert np.array_equal(frame.luma - 128, residual)


def test_intra_4x4_blocks_have_the_sine_transform():
    """The first block of a picture is predicted from nothing: 128 throughout."""
    frame, coeffs = random_ctu(1, MODE_INTRA, 2)
    frame.units["log2_tb_size"], frame.units["cbf"], frame.units["qp_y"] = 2, 1, 30
    frame.units["bypass"] = frame.units["transform_skip"] = 0
    frame.ctbs["slice_addr"] = 0
    coeffs[:16] = [3, -2, 0, 1] + [1] + [0] * 11
    residual = np.zeros((64, 64), np.int16)
    residual_ctu(frame, 0, coeffs, new_scratch(), residual)
    reconstruct_ctu(frame, 0, coeffs, new_scratch())
    assert np.abs(residual[:4, :4]).max() > 2
    assert np.array_equal(frame.luma[:4, :4] - 128, residual[:4, :4])


def test_pcm_units_and_blocks_without_coefficients_stay_as_they_are():
    frame, coeffs = random_ctu(2, MODE_INTER, 9)
    frame.units["pcm_flag"][:8], frame.units["cbf"][8:] = 1, 0
    out = np.full((64, 64), 7, np.int16)
    residual_ctu(frame, 0, coeffs, new_scratch(), out)
    assert (out == 7).all()
