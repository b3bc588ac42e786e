"""Filters by least squares find the filters that made their material, and blocks that choose between sets."""

import numpy as np
import pytest

from codec.base.errors import InputError
from nets.filter_bank import FRACTION, band_of, save_bank
from nets.train.filter_recipe import make_filter_recipe
from nets.train.filter_run import fit_bands, measure_bank
from nets.train.interpolation import fit_sets, integers, make_bank, measured_bits, solve, standard_filter
from nets.train.motion_blocks import Blocks, load_blocks, mirrored

PHASE = 5  # a quarter in both directions


def blocks_made_by(makers, count=300, phase=PHASE):
    """Blocks of random texture, far from black and white, whose samples each of the filters makes in turn."""
    rng = np.random.default_rng(1)
    windows = rng.integers(90, 166, (count * len(makers), 11, 11)).astype(np.uint8)
    views = np.lib.stride_tricks.sliding_window_view(windows.astype(float), (8, 8), axis=(1, 2))
    wanted = np.concatenate([
        np.einsum("nyxij,ij->nyx", views[k :: len(makers)], maker.reshape(8, 8)) for k, maker in enumerate(makers)
    ])  # fmt: skip
    windows = np.concatenate([windows[k :: len(makers)] for k in range(len(makers))])
    return Blocks({phase: (windows, np.clip(wanted, 0, 255), np.arange(len(windows)))}, len(windows))


def other_filter(seed, by=0.02):
    away = np.random.default_rng(seed).normal(0, by, 64)
    return standard_filter(PHASE) + away - away.mean()


def test_one_set_is_the_filter_that_made_the_blocks():
    wanted = other_filter(2)
    blocks = blocks_made_by([wanted])
    filters = fit_sets(blocks, 22, 1, 2, 1e-6)
    assert np.abs(filters[PHASE][:, 1] - wanted).max() < 0.002
    assert np.array_equal(filters[PHASE][:, 0], standard_filter(PHASE))


def test_blocks_of_two_filters_become_two_sets():
    makers = [other_filter(2, 0.04), other_filter(3, 0.04)]
    blocks = blocks_made_by(makers)
    seen = []
    filters = fit_sets(blocks, 22, 2, 6, 1e-6, lambda bits, shares: seen.append((bits, *shares)))
    found = filters[PHASE][:, 1:].T
    distances = [min(np.abs(made - maker).max() for made in found) for maker in makers]
    assert max(distances) < 0.005
    assert seen[-1][0] < 0.6 * seen[0][0] < 0.6
    assert abs(sum(seen[-1][1:]) - 1) < 1e-9 and min(seen[-1][2:]) > 0.3


def test_a_bank_mirrors_and_measures():
    wanted = other_filter(4)
    blocks = blocks_made_by([wanted])
    bank = make_bank([fit_sets(blocks, 22, 1, 2, 1e-6)], 1, {"name": "x"})
    assert bank.filters.shape == (1, 1, 16, 8, 8) and (bank.filters.sum((3, 4)) == 1 << FRACTION).all()
    first = bank.filters[0, 0, PHASE]
    assert np.array_equal(bank.filters[0, 0, 7], first[:, ::-1])
    assert np.array_equal(bank.filters[0, 0, 13], first[::-1])
    assert np.array_equal(bank.filters[0, 0, 15], first[::-1, ::-1])
    # phases without material keep the standard's
    assert np.array_equal(bank.filters[0, 0, 2], integers(standard_filter(2)))
    assert measured_bits(blocks, bank, 0) < 0.5
    assert measured_bits(blocks_made_by([standard_filter(PHASE)]), bank, 0) == 1


def test_phases_and_bands():
    assert [mirrored(p)[0] for p in range(16)] == [0, 1, 2, 1, 4, 5, 6, 5, 8, 9, 10, 9, 4, 5, 6, 5]
    assert [band_of(qp, 5) for qp in (0, 22, 24, 25, 29, 30, 42, 51)] == [0, 0, 0, 1, 1, 2, 4, 4]


def test_rounding_keeps_the_sum():
    rng = np.random.default_rng(3)
    for _ in range(50):
        weights = rng.normal(0, 0.1, 64)
        weights += (1 - weights.sum()) / 64
        made = integers(weights).astype(float).ravel()
        assert made.sum() == 1 << FRACTION and np.abs(made - weights * (1 << FRACTION)).max() < 1.5


def test_a_filter_without_enough_material_stays_near_the_standards():
    made = solve(np.zeros((64, 64)), np.zeros(64), PHASE, 1e-3)
    assert np.allclose(made, standard_filter(PHASE))


def test_shards_without_motion_are_told(tmp_path):
    np.savez(tmp_path / "a_qp22.npz", org_y=np.zeros(1))
    with pytest.raises(InputError, match="motion = true"):
        load_blocks([tmp_path], 0, 5)
    assert load_blocks([tmp_path], 0, 5, keep=lambda source: False) is None
    recipe = make_filter_recipe({"dump": "plan.toml", "task": "interpolate", "validation": ["a*"]}, "r.toml")
    with pytest.raises(InputError, match="no blocks of QP 22"):
        fit_bands(recipe, [tmp_path], tmp_path / "run", None)


def test_a_damaged_shard_is_told_when_a_bank_is_measured(tmp_path):
    (tmp_path / "a_qp22.npz").write_bytes(b"nothing")
    bank = make_bank([{}], 1, {"name": "x"})
    (tmp_path / "run" / "weights").mkdir(parents=True)
    save_bank(tmp_path / "run" / "weights" / "r.safetensors", bank)
    recipe = make_filter_recipe({"dump": "plan.toml", "task": "interpolate"}, "r.toml")
    with pytest.raises(InputError, match="damaged"):
        measure_bank(recipe, tmp_path / "run", tmp_path)
