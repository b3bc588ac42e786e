"""Material of interpolation nets: what blocks lack, and where; and what a net that knows it gains."""

import numpy as np
import pytest

from codec.base.errors import InputError
from codec.h265.recon.inter import fetch_prediction, new_inter_scratch
from codec.h265.recon.interpolation import PREDICTION_BIAS
from nets.train.motion_blocks import UNUSED
from nets.train.phases import gains, load_pairs, mean_gains, net_inputs

HEIGHT, WIDTH = 64, 96


def write_shard(folder, vector, seed=1, **changes):
    """Two pictures; the second is predicted from the first by one vector in its middle, and its original is random."""
    rng = np.random.default_rng(seed)
    planes = rng.integers(40, 200, (2, HEIGHT, WIDTH)).astype(np.uint8)
    shape = (HEIGHT // 4, WIDTH // 4)
    mv, poc = np.zeros((2, 2, 2, *shape), np.int16), np.full((2, 2, *shape), UNUSED, np.int32)
    poc[1, 0, 4:12, 6:18] = 0
    mv[1, 0, 0], mv[1, 0, 1] = vector
    arrays = dict(
        org_y=planes, rec_y=np.roll(planes, 3, 2), res_y=rng.integers(-9, 10, (2, HEIGHT, WIDTH)).astype(np.int16),
        mv=mv, ref_poc=poc, poc=np.array([0, 1]), log2_cb=np.full((2, *shape), 4, np.int8),
        slice_qp=np.array([26, 33]), bit_depth=np.int32(8),
    )  # fmt: skip
    np.savez(folder / "a_qp30.npz", **{**arrays, **changes})
    return {**arrays, **changes}


@pytest.mark.parametrize("vector", [(0, 0), (3, -6), (-9, 5), (2, 2), (7, 11)])
def test_what_is_missing_is_the_original_less_the_prediction_of_h265(tmp_path, vector):
    arrays = write_shard(tmp_path, vector)
    (pair,) = load_pairs(tmp_path, most=None)
    assert pair.qp == 33 and pair.reference.qp == 26 and len(pair.y) == 32 * 48
    assert set(pair.phase) == {4 * (vector[1] & 3) + (vector[0] & 3)}
    planes, scratch = arrays["rec_y"][:1].astype(np.int16), new_inter_scratch()
    fetch_prediction(planes, 0, 0, 24, 16, 48, 32, *vector, 8, scratch, scratch.first)
    wanted = (scratch.first.reshape(64, 64)[:32, :48].astype(float) + PREDICTION_BIAS) / 64
    made = np.zeros((HEIGHT, WIDTH))
    own = pair.y - (vector[1] >> 2), pair.x - (vector[0] >> 2)
    made[own] = arrays["org_y"][1].astype(float)[own] - pair.missing
    # the standard clips neither in between nor behind; it rounds its first pass
    inside = (wanted > 1) & (wanted < 254)
    assert np.abs(made[16:48, 24:72] - wanted)[inside].max() < 0.1
    # coding blocks of 16x16: four columns of them, two rows
    assert len(set(pair.group.tolist())) == 8


def test_a_net_that_knows_gains_and_one_that_does_nothing_does_not(tmp_path):
    write_shard(tmp_path, (3, -6))
    (pair,) = pairs = load_pairs(tmp_path)
    known = np.zeros((16, HEIGHT, WIDTH), np.float32)
    known[pair.phase, pair.y, pair.x] = pair.missing
    names = ["rec_y", "res_y", "col_y", "qp"]
    (nothing,), (half,) = (gains(lambda inputs, by=by: known * by, pairs, names) for by in (0, 0.5))
    assert nothing.gain == 0 and abs(half.gain - 20 * np.log10(2)) < 1e-3
    # a net that harms is not taken
    (worse,) = gains(lambda inputs: -known, pairs, names)
    assert worse.gain == 0
    assert mean_gains([half]) == {"y": {32: half.gain}}


def test_inputs(tmp_path):
    write_shard(tmp_path, (0, 0))
    (pair,) = load_pairs(tmp_path)
    made = net_inputs(["rec_y", "col_y", "res_y", "qp"], pair.reference, (slice(8, 24), slice(4, 20)))
    assert all(plane.shape == (1, 16, 16) and plane.dtype == np.int16 for plane in made.values())
    assert np.array_equal(made["rec_y"][0], 4 * pair.reference.rec[8:24, 4:20] - 512)
    # the first picture refers to nothing: it stands beside itself
    assert np.array_equal(made["col_y"], made["rec_y"]) and set(made["qp"].ravel()) == {8 * 26}
    assert np.array_equal(made["res_y"][0], 4 * pair.reference.res[8:24, 4:20])


def test_the_best_picture_stands_beside(tmp_path):
    arrays = write_shard(tmp_path, (0, 0))
    three = {name: np.concatenate([array, array[1:]]) for name, array in arrays.items() if name != "bit_depth"}
    three["poc"], three["slice_qp"] = np.array([0, 1, 2]), np.array([26, 33, 34])
    three["rec_y"][1] = 77
    poc = three["ref_poc"]
    poc[2, 0, 4:12, 6:18] = 1
    np.savez(tmp_path / "a_qp30.npz", **three, bit_depth=np.int32(8))
    first, second = load_pairs(tmp_path)
    assert (second.reference.rec == 77).all() and np.array_equal(second.reference.col, first.reference.rec)


def test_what_is_no_material_is_told(tmp_path):
    with pytest.raises(InputError, match="pytrain dump"):
        load_pairs(tmp_path)
    write_shard(tmp_path, (0, 0), bit_depth=np.int32(10))
    with pytest.raises(InputError, match="8-bit"):
        load_pairs(tmp_path)
    (tmp_path / "a_qp30.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="damaged"):
        load_pairs(tmp_path)
