"""From a trained codec to integers: its nets, its steps, and tables of frequencies counted on the training pictures."""

import math

import numpy as np

from nets.arch.codec import QUALITIES, SCALE_FRACTION, Y_FRACTION, Z_FRACTION
from nets.latent_nets import LatentNets
from nets.latents import (
    FIRST_OCTAVE,
    MAX_SIDE,
    PRECISION,
    SCALE_TABLES,
    STEP_FRACTION,
    TABLES_PER_OCTAVE,
    LatentCodec,
    Tables,
    check_codec,
)
from nets.quantise import export
from nets.torch_backend import prepare

_FRACTIONS = {"y": Y_FRACTION, "z": Z_FRACTION}
# how many symbols the trained density counts for beside those that were seen
_TRUST = {"y": 100.0, "z": 50.0}
_OUTSIDE = 2e-5  # of symbols, in the escape


def export_codec(module, info, pictures):
    """The LatentCodec of a quantised CodecModule.

    pictures  uint8 RGB (rows, columns, 3), sides multiples of 64: frequencies are those of their symbols
    """
    nets = {name: export(part) for name, part in module.parts.items()}
    logs = {name: table.detach().cpu().double().numpy() for name, table in module.steps.items()}
    steps = {}
    for name, table in logs.items():
        whole = np.rint(2.0 ** (table + _FRACTIONS[name] + STEP_FRACTION))
        steps[name] = np.clip(whole, 1, 32767).astype(np.int16)
    log_steps = None
    if module.has_hyper:
        real = steps["y"] / 2.0 ** (Y_FRACTION + STEP_FRACTION)
        log_steps = np.rint(np.log2(real) * (1 << SCALE_FRACTION)).astype(np.int16)
    densities = {name: table.detach().cpu().double().numpy() for name, table in module.densities.items()}
    priors = {name: _density_priors(table, steps[name], _FRACTIONS[name]) for name, table in densities.items()}
    if module.has_hyper:
        priors["y"] = _scale_priors()
    begun = LatentCodec(nets, steps, {name: _tables(prior) for name, prior in priors.items()}, log_steps, info)
    counts = _counted(begun, pictures)
    tables = {name: _tables(_joined(prior, counts[name], _TRUST[name])) for name, prior in priors.items()}
    codec = LatentCodec(nets, steps, tables, log_steps, info)
    check_codec(codec, codec.name)
    return codec


def _normal(values):
    return 0.5 * np.vectorize(math.erfc)(-np.asarray(values) * math.sqrt(0.5))


def _symbols():
    return np.arange(-MAX_SIDE, MAX_SIDE + 1)


def _scale_priors():
    """(SCALE_TABLES, symbols) Gaussians of the scales in the middle of what each table is for."""
    scales = 2.0 ** (FIRST_OCTAVE + np.arange(SCALE_TABLES) / TABLES_PER_OCTAVE)
    edges = (np.arange(-MAX_SIDE, MAX_SIDE + 2) - 0.5) / scales[:, None]
    return np.diff(_normal(edges), axis=1)


def _density_priors(density, steps, fraction):
    """(QUALITIES * channels, symbols) of a mixture a channel."""
    logits, means, scales = density
    weights = np.exp(logits - logits.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    rows = []
    for quality in range(QUALITIES):
        real = steps[quality] / 2.0 ** (fraction + STEP_FRACTION)
        edges = (np.arange(-MAX_SIDE, MAX_SIDE + 2) - 0.5) * real[:, None]
        total = 0.0
        for k in range(weights.shape[1]):
            inside = _normal((edges - means[:, k, None]) / 2.0 ** scales[:, k, None])
            total = total + weights[:, k, None] * np.diff(inside, axis=1)
        rows.append(total)
    return np.concatenate(rows)


def _counted(codec, pictures):
    """{"y", "z": (tables, symbols) counts} at all qualities."""
    nets = LatentNets(codec, prepare)
    counts = {name: np.zeros((len(tables.sides), 2 * MAX_SIDE + 1)) for name, tables in codec.tables.items()}
    for picture in pictures:
        for quality in range(QUALITIES):
            for name, symbols, numbers in nets.encode(picture, quality)[0]:
                inside = np.abs(symbols) <= MAX_SIDE
                np.add.at(counts[name], (numbers[inside], symbols[inside] + MAX_SIDE), 1)
    if codec.has_hyper:
        # what is left beside the mean has no side
        counts["y"] = (counts["y"] + counts["y"][:, ::-1]) / 2
    return counts


def _joined(priors, counts, trust):
    """Priors, scaled to `trust` symbols, and counts: probabilities of symbols, which miss those far out."""
    total = priors * trust + counts
    return total / (trust + counts.sum(1, keepdims=True))


def _tables(probabilities):
    """Tables of (tables, symbols) probabilities, cut where hardly anything is left."""
    sides, rows = [], []
    for row in probabilities:
        side, left = 0, 1.0 - row[MAX_SIDE]
        while left > _OUTSIDE and side < MAX_SIDE:
            side += 1
            left -= row[MAX_SIDE - side] + row[MAX_SIDE + side]
        inside = row[MAX_SIDE - side : MAX_SIDE + side + 1]
        sides.append(side)
        rows.append(_whole(np.append(inside, max(1.0 - inside.sum(), _OUTSIDE))))
    return Tables(np.array(sides, np.int16), np.concatenate(rows))


def _whole(probabilities):
    """int32 frequencies above 0 that add up to 2 ** PRECISION."""
    scaled = np.maximum(np.rint(probabilities / probabilities.sum() * (1 << PRECISION)), 1).astype(np.int64)
    scaled[scaled.argmax()] += (1 << PRECISION) - scaled.sum()
    return scaled.astype(np.int32)
