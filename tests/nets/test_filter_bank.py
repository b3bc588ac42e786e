"""Banks of interpolation filters: files, ids, the manifest, and what is refused."""

import json

import numpy as np
import pytest

from codec.base.errors import WeightsMissing
from nets import weights
from nets.container import InvalidNet, write_file
from nets.filter_bank import FRACTION, FilterBank, bank_id, load_bank, save_bank


def random_bank(seed=1, bands=2, sets=3, **info):
    filters = np.random.default_rng(seed).integers(-60, 61, (bands, sets, 16, 8, 8))
    filters[..., 3, 3] += (1 << FRACTION) - filters.sum((3, 4))
    return FilterBank(filters.astype(np.int16), {"name": "some", "architecture": "fir", **info})


def test_a_bank_survives_its_file(tmp_path):
    bank = random_bank()
    save_bank(tmp_path / "a.safetensors", bank)
    again = load_bank(tmp_path / "a.safetensors")
    assert np.array_equal(again.filters, bank.filters) and again.info == bank.info
    assert (again.bands, again.sets, again.name) == (2, 3, "some")
    assert bank_id(again) == bank_id(bank) == bank_id(random_bank(name="other"))
    changed = bank.filters.copy()
    changed[0, 0, 0, 0, :2] += [1, -1]
    assert bank_id(FilterBank(changed)) != bank_id(bank)


def test_what_breaks_a_rule_is_refused(tmp_path):
    bank, path = random_bank(), tmp_path / "a.safetensors"
    off = bank.filters.copy()
    off[1, 2, 15, 7, 7] += 1
    large = bank.filters.copy()
    large[0, 0, 0, 0, :2] += [8000, -8000]
    for filters in (off, large, bank.filters.astype(np.int32), bank.filters[0], np.repeat(bank.filters, 2, 1)):
        with pytest.raises(InvalidNet):
            save_bank(path, FilterBank(filters))
        assert not path.exists()
    for metadata, name in (
        ({"kind": "other", "info": "{}"}, "filters"),
        ({"kind": "filters", "info": "{}"}, "weights"),
    ):
        write_file(path, metadata, {name: bank.filters.reshape(2, 3, 16, 64)})
        with pytest.raises(InvalidNet):
            load_bank(path)
    write_file(path, {"kind": "filters", "info": "{}"}, {"filters": off.reshape(2, 3, 16, 64)})
    with pytest.raises(InvalidNet, match="do not add up"):
        load_bank(path)


def test_the_manifest_lists_it_and_tells_others(tmp_path):
    (tmp_path / weights.MANIFEST).write_text(json.dumps({"format": 1, "nets": []}))
    bank = random_bank()
    entry = weights.publish(bank, "mine", "by hand", "none", tmp_path)
    assert (entry.id, entry.architecture, entry.macs_per_pixel) == (bank_id(bank), "fir", 64)
    assert entry.parameters == bank.filters.size
    found = weights.load("mine", tmp_path, kind=weights.BANK)
    assert np.array_equal(found.filters, bank.filters)
    with pytest.raises(InvalidNet):
        weights.load("mine", tmp_path)  # it is no net
    save_bank(tmp_path / entry.file, random_bank(seed=2))
    with pytest.raises(WeightsMissing, match="not " + entry.id):
        weights.load(entry.id, tmp_path, kind=weights.BANK)
