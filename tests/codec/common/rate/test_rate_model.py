"""The R-lambda model against the papers' formulas by hand, and what it learns."""

import math

import numpy as np
import pytest

from codec.common.rate.rate_model import (
    INTER_ALPHA,
    INTER_BETA,
    INTRA_ALPHA,
    INTRA_BETA,
    RateModel,
    block_satd,
    inter_complexity,
    intra_complexity,
    lambda_of_qp,
    qp_of_lambda,
    within,
)


def test_formulas_of_the_papers():
    # 3.2003 * 0.1^-1.367 = 74.50, and 4.2005 * ln 74.50 + 13.7122 = 31.82
    lam = RateModel(INTER_ALPHA, INTER_BETA).lam(0.1)
    assert lam == pytest.approx(74.505, abs=0.01)
    assert qp_of_lambda(lam) == pytest.approx(31.817, abs=0.01)
    # (6.7542 / 256) * (20^1.2517 / 0.5)^1.786 = 73.7
    lam = RateModel(INTRA_ALPHA, INTRA_BETA).lam(0.5, intra_complexity(2000, 100))
    assert lam == pytest.approx(6.7542 / 256 * (20**1.2517 / 0.5) ** 1.786)


def test_bpp_is_the_inverse_of_lambda_and_lambda_that_of_the_qp():
    model = RateModel(5.0, -1.1)
    for bpp in (1e-3, 0.05, 3.0):
        assert model.bpp(model.lam(bpp, 7.0), 7.0) == pytest.approx(bpp)
    for qp in (-12, 0, 51):
        assert qp_of_lambda(lambda_of_qp(qp)) == pytest.approx(qp)
    assert within((0, 51), 1e9) == lambda_of_qp(51)
    assert within((0, 51), 1e-9) == lambda_of_qp(0)


def test_a_full_update_goes_through_the_point():
    model = RateModel(INTER_ALPHA, INTER_BETA)
    model.update(0.02, 300.0, rate=1.0)
    assert model.lam(0.02) == pytest.approx(300.0)


def test_a_half_update_halves_the_error():
    model = RateModel(INTER_ALPHA, INTER_BETA)
    before = math.log(300.0 / model.lam(0.02))
    model.update(0.02, 300.0)
    assert math.log(300.0 / model.lam(0.02)) == pytest.approx(before / 2)


def test_updates_arrive_at_another_codec():
    """lambda = 9 * bpp^-0.9, visited at random rates, is what the model tells afterwards."""
    model, generator = RateModel(INTER_ALPHA, INTER_BETA), np.random.default_rng(1)
    for bpp in np.exp(generator.uniform(-4, -1, 400)):
        model.update(bpp, 9 * bpp**-0.9)
    for bpp in (0.03, 0.1, 0.3):
        assert model.lam(bpp) == pytest.approx(9 * bpp**-0.9, rel=0.02)


def test_a_copy_learns_alone():
    model = RateModel(INTER_ALPHA, INTER_BETA)
    model.copy().update(0.5, 1.0)
    assert model.lam(0.1) == pytest.approx(74.505, abs=0.01)


def test_a_copy_for_a_share():
    model = RateModel(INTER_ALPHA, INTER_BETA)
    assert model.copy(3.0).bpp(50.0) == pytest.approx(3 * model.bpp(50.0))


def test_satd_against_its_sum():
    generator = np.random.default_rng(2)
    luma = generator.integers(0, 256, (16, 24)).astype(np.int16)
    satd = block_satd(luma, 8)
    assert satd.shape == (2, 3)
    signs = np.array([[(-1) ** bin(i & j).count("1") for j in range(8)] for i in range(8)])
    for y in range(2):
        for x in range(3):
            block = luma[8 * y : 8 * y + 8, 8 * x : 8 * x + 8].astype(np.int64)
            coefficients = signs @ block @ signs.T
            coefficients[0, 0] = 0
            assert satd[y, x] == np.abs(coefficients).sum() / 4


def test_satd_does_not_see_the_mean_nor_the_bit_depth():
    luma = np.random.default_rng(3).integers(0, 128, (10, 13)).astype(np.int16)
    assert block_satd(luma, 8).shape == (2, 2)
    assert np.array_equal(block_satd(luma, 8), block_satd(luma * 4 + 17, 10))
    assert not block_satd(np.full((8, 8), 200, np.int16), 8).any()


def test_more_change_and_farther_references_take_more_bits():
    assert inter_complexity(7000, 1000, 1) == pytest.approx(1.0)
    assert inter_complexity(14000, 1000, 1) > 1.5
    assert inter_complexity(7000, 1000, 16) == pytest.approx(16**0.33)
    assert inter_complexity(0, 1000, 1) > 0
