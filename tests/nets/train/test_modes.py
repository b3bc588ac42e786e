"""nets/train/modes.py: shards, the loss, and what a ranking saves, on blocks whose answers are known."""

import numpy as np
import pytest

from codec.base.errors import InputError
from nets.train import modes

torch = pytest.importorskip("torch")


def shard(folder, name, inputs, costs, listed):
    folder.mkdir(exist_ok=True)
    np.savez(folder / name, mode_inputs=inputs, mode_costs=costs, mode_listed=listed)


def blocks(best, listed, dear=16 * 20):
    """Blocks whose mode `best` costs nothing, every other 20 bits."""
    costs = np.full((len(best), modes.MODES), dear, np.uint16)
    costs[np.arange(len(best)), best] = 0
    return modes.Blocks("a", 32, np.zeros((len(best), 409), np.int16), costs, np.asarray(listed, np.int8))


def test_shards_are_read_and_damage_is_told(tmp_path):
    inputs, costs = np.ones((3, 409), np.int16), np.ones((3, 35), np.uint16)
    shard(tmp_path / "d", "clip_qp27.npz", inputs, costs, np.zeros((3, 3), np.int8))
    (part,) = modes.load_blocks(tmp_path / "d")
    assert (part.source, part.qp, part.inputs.shape) == ("clip", 27, (3, 409))
    assert modes.load_blocks(tmp_path / "d", lambda source: source != "clip") == []
    with pytest.raises(InputError, match="no training material"):
        modes.load_blocks(tmp_path / "none")
    shard(tmp_path / "d", "other_qp27.npz", inputs[:2], costs, np.zeros((3, 3), np.int8))
    with pytest.raises(InputError, match="different sizes"):
        modes.load_blocks(tmp_path / "d")
    (tmp_path / "d" / "other_qp27.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match="damaged shard"):
        modes.load_blocks(tmp_path / "d")


def test_a_ranking_that_knows_saves_the_bits_of_the_list():
    rng = np.random.default_rng(1)
    best = rng.integers(3, modes.MODES, 400)
    part = blocks(best, [[0, 1, 2]] * 400)
    (known,) = modes.gains(lambda inputs: np.eye(modes.MODES)[best], [part])
    # the list never has it: 5 bits and a flag that says so; the rank is always 0
    assert known.listed[0] == pytest.approx(5, abs=0.02) and known.listed[2] == 0
    assert known.ranked[0] == pytest.approx(0, abs=0.03) and known.ranked[2] == 1
    assert known.ranked[1] == pytest.approx(known.ranked[0]) and known.blocks == 400
    assert modes.mean_gains([known])["bits"][32] == pytest.approx(5, abs=0.05)
    assert modes.by_source([known])["a", 32]["bits"][1] == pytest.approx(5, abs=0.05)
    # one that says nothing ranks by number: 35 modes in groups
    (blank,) = modes.gains(lambda inputs: np.zeros((400, modes.MODES)), [part])
    assert 4.5 < blank.ranked[0] < 5.2 and blank.ranked[2] == 0


def test_a_dear_mode_gives_way_to_one_that_is_cheap_to_tell():
    part = blocks(np.full(50, 9), [[9, 1, 2]] * 50, dear=8)
    (gain,) = modes.gains(lambda inputs: np.tile(np.arange(modes.MODES)[::-1], (50, 1)).astype(float), [part])
    # half a bit more for the first rank, mode 0, is less than what rank 9 costs
    assert gain.ranked[1] == pytest.approx(0.5, abs=0.2) and gain.ranked[2] == 1


def test_the_loss_is_the_bits_of_the_cheapest_mode():
    fit = modes.ModesFit.__new__(modes.ModesFit)
    fit._torch, fit._device = torch, "cpu"
    part = blocks(np.arange(5), [[0, 1, 2]] * 5, dear=16 * 60)
    scores = torch.zeros(5, modes.MODES, 1, 1)
    loss = fit._loss({"scores": scores}, part.costs.astype(np.float32), None)
    assert float(loss) == pytest.approx(np.log2(35), rel=1e-4)
    scores[torch.arange(5), torch.arange(5)] = 30
    assert float(fit._loss({"scores": scores}, part.costs.astype(np.float32), None)) == pytest.approx(0, abs=1e-4)
