"""A run of a FilterRecipe: from shards to filters, band by band, kept in its folder; a bank, published, measured."""

from pathlib import Path

import numpy as np

from codec.base.errors import InputError, UsageError
from codec.base.io.writer import whole_file
from nets.filter_bank import FIRST_QP, QP_STEP, load_bank
from nets.train.data import check_patterns, split
from nets.train.interpolation import fit_sets, make_bank, measured_bits
from nets.train.motion_blocks import load_blocks, sources_of
from nets.weights import begin_directory, publish


def fit_bands(recipe, folders, run, show):
    """Fit the filters of every band that the run's folder has none of.

    folders   of shards;  show(band, round, bits, shares): after every round, see interpolation.fit_sets
    """
    check_patterns(recipe, {source for folder in folders for source in sources_of(folder)})
    train, _ = split(recipe.validation)
    run = Path(run)
    run.mkdir(parents=True, exist_ok=True)
    for band in range(recipe.bands):
        path = _band_path(run, band)
        if path.exists():
            _check_identity(recipe, path)
            continue
        rng = np.random.default_rng([recipe.seed, band])
        blocks = load_blocks(folders, band, recipe.bands, recipe.share, rng, train)
        if blocks is None:
            where = ", ".join(map(str, folders))
            raise InputError(
                f"{where}: no blocks of QP {FIRST_QP + QP_STEP * band}: other qps in the plan, or fewer bands"
            )
        number = iter(range(1, recipe.sets * recipe.rounds + 1))
        found = fit_sets(
            blocks, FIRST_QP + QP_STEP * band, recipe.sets, recipe.rounds, recipe.ridge,
            lambda bits, shares, band=band, number=number: show(band, next(number), bits, shares),
        )  # fmt: skip
        with whole_file(str(path)) as file:
            np.savez(file, identity=recipe.identity(), **{f"phase{phase}": array for phase, array in found.items()})


def _band_path(run, band):
    return Path(run) / f"band{band}.npz"


def _check_identity(recipe, path):
    with np.load(path, allow_pickle=False) as kept:
        if str(kept["identity"]) != recipe.identity():
            raise UsageError(f"{path} was fitted by another recipe than {recipe.name} is now: remove it, or its folder")


def bank_of(recipe, run):
    """The FilterBank of a finished run. UsageError before."""
    by_band = []
    for band in range(recipe.bands):
        path = _band_path(run, band)
        if not path.exists():
            raise UsageError(f"{run}: has {band} of {recipe.bands} bands; run pytrain fit {recipe.name} to the end")
        _check_identity(recipe, path)
        with np.load(path, allow_pickle=False) as kept:
            by_band.append({int(key[5:]): kept[key] for key in kept if key.startswith("phase")})
    info = {"name": recipe.net_name, "architecture": recipe.architecture, "recipe": Path(recipe.name).name}
    return make_bank(by_band, recipe.sets, info)


def publish_bank(recipe, run, measured, title, directory):
    """Export a finished run into a folder of weights. -> its Entry

    measured   folder of shards for the entry's gain, `title` its name in words
    """
    bank, directory = bank_of(recipe, run), Path(directory)
    begin_directory(directory)
    material = ", ".join(Path(plan).stem for plan in recipe.dump)
    training = (
        f"pytrain {Path(recipe.name).name}: least squares on {material}, {recipe.sets} sets in {recipe.bands} bands of "
        f"QP, {recipe.rounds} rounds a set"
    )
    gains = _by_band(bank, measured)
    words = ", ".join(f"{FIRST_QP + QP_STEP * band} {100 * (bits - 1):+.2f}" for band, bits in gains.items())
    return publish(
        bank, recipe.net_name, training, f"estimated residual bits in % by QP on {title}: {words}", directory
    )


def _by_band(bank, folder, keep=lambda source: True):
    """{band: bits against those of the standard's filters}, of the bands that the shards have blocks of."""
    found = {band: load_blocks([folder], band, bank.bands, keep=keep) for band in range(bank.bands)}
    return {band: measured_bits(blocks, bank, band) for band, blocks in found.items() if blocks}


def measure_bank(recipe, run, measured):
    """{(source, QP of a band): bits with the run's exported bank against those with the standard's filters}"""
    path = Path(run) / "weights" / f"{recipe.net_name}.safetensors"
    if not path.exists():
        raise InputError(f"{path}: not there; run pytrain export {recipe.name}")
    bank, table = load_bank(path), {}
    for source in sources_of(measured):
        for band, bits in _by_band(bank, measured, lambda name, source=source: name == source).items():
            table[source, FIRST_QP + QP_STEP * band] = bits
    return table
