"""Blocks that were predicted from other pictures, out of shards: what interpolation filters are fitted to.

A block is a 4x4 unit with one vector. Filters of mirrored phases are mirrored, so blocks are kept by nine phases, those
with fractions 0, 1/4 and 1/2, others as their mirror images.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from codec.base.errors import InputError
from nets.filter_bank import PHASES, SIDE, band_of
from nets.train.data import DAMAGES

UNIT = 4
WINDOW = UNIT + SIDE - 1
_BEFORE = SIDE // 2 - 1
_BORDER = 96  # vectors lead farther out of a picture only where all samples are alike
UNUSED = -(1 << 31)
"""In a shard's ref_poc: the list is not used there."""
_ARRAYS = ("org_y", "rec_y", "res_y", "mv", "ref_poc", "poc", "log2_cb", "slice_qp")


class Blocks(NamedTuple):
    """Blocks of one band of QP.

    phases   {phase: (windows (n, 11, 11), wanted (n, 4, 4), group (n,))}: samples of the reference picture, those of
             the original, and the prediction block that each belongs to
    groups   how many prediction blocks there are
    """

    phases: dict
    groups: int


def mirrored(phase):
    """(the phase of the nine whose filters serve it, whether rows are mirrored, whether columns are)."""
    y, x = phase >> 2, phase & 3
    return 4 * (1 if y == 3 else y) + (1 if x == 3 else x), y == 3, x == 3


def sources_of(folder):
    """Names of the sources that a folder has shards of."""
    return sorted({path.name.rpartition("_qp")[0] for path in Path(folder).glob("*_qp*.npz")})


def load_blocks(folders, band, bands, share=1.0, rng=None, keep=lambda source: True):
    """The Blocks of all shards of some folders whose source `keep` takes, of pictures in this band of QP.

    share, rng   of the prediction blocks, this part, drawn at random
    None where there is no block. Raises InputError for shards that are damaged or hold no motion.
    """
    found, groups = {}, 0
    paths = [path for folder in folders for path in sorted(Path(folder).glob("*_qp*.npz"))]
    for path in paths:
        if keep(path.name.rpartition("_qp")[0]):
            groups = _add_shard(read_shard(path), band, bands, share, rng, found, groups)
    if not found:
        return None
    return Blocks({p: tuple(np.concatenate(parts) for parts in zip(*each, strict=True)) for p, each in found.items()},
                  groups)  # fmt: skip


def read_shard(path):
    """{name: array} of a shard of 8-bit pictures with their motion. Raises InputError."""
    try:
        with np.load(path, allow_pickle=False) as shard:
            if "mv" not in shard:
                raise InputError(f"{path}: holds no motion; its plan needs motion = true")
            if int(shard["bit_depth"]) != 8:
                raise InputError(f"{path}: interpolation is trained on 8-bit samples")
            return {name: shard[name] for name in _ARRAYS}
    except DAMAGES as error:
        raise InputError(f"{path}: damaged training material ({error})") from None


def _add_shard(arrays, band, bands, share, rng, found, groups):
    """The blocks of a shard into `found`. -> how many groups there are then"""
    pictures = {int(poc): np.pad(plane, _BORDER, mode="edge") for poc, plane in zip(arrays["poc"], arrays["rec_y"],
                                                                                    strict=True)}  # fmt: skip
    for i in range(len(arrays["poc"])):
        if band_of(arrays["slice_qp"][i], bands) != band:
            continue
        y, x, poc, right, down, group = units_with_one_vector(arrays, i)
        count = int(group.max(initial=-1)) + 1
        if share < 1 and count:
            kept = (rng.random(count) < share)[group]
            y, x, poc, right, down, group = (a[kept] for a in (y, x, poc, right, down, group))
        _add_picture(arrays["org_y"][i], pictures, y, x, poc, right, down, group + groups, found)
        groups += count
    return groups


def units_with_one_vector(arrays, i):
    """(y, x, POC that it refers to, vector right and down, prediction block) of such 4x4 units of picture i of a shard.

    All (n,); y and x in units. Units of one coding block with one vector are of one prediction block.
    """
    pocs = arrays["ref_poc"][i]
    y, x = np.nonzero((pocs[0] != UNUSED) & (pocs[1] == UNUSED))
    poc, (right, down) = pocs[0][y, x], arrays["mv"][i, 0][:, y, x].astype(np.int64)
    size = arrays["log2_cb"][i][y, x].astype(np.int64) - 2
    keys = np.stack([y >> size, x >> size, size, right, down, poc], 1)
    return y, x, poc, right, down, np.unique(keys, axis=0, return_inverse=True)[1].ravel()


def _add_picture(original, pictures, y, x, poc, right, down, group, found):
    phase = 4 * (down & 3) + (right & 3)
    blocks = np.lib.stride_tricks.sliding_window_view(original, (UNIT, UNIT))
    for reference in np.unique(poc):
        plane = pictures[int(reference)]
        windows = np.lib.stride_tricks.sliding_window_view(plane, (WINDOW, WINDOW))
        for p in range(PHASES):
            here = (poc == reference) & (phase == p)
            if not here.any():
                continue
            top = np.clip(UNIT * y[here] + (down[here] >> 2) - _BEFORE + _BORDER, 0, windows.shape[0] - 1)
            left = np.clip(UNIT * x[here] + (right[here] >> 2) - _BEFORE + _BORDER, 0, windows.shape[1] - 1)
            kept, flip_rows, flip_columns = mirrored(p)
            step = (
                slice(None),
                slice(None, None, -1 if flip_rows else 1),
                slice(None, None, -1 if flip_columns else 1),
            )
            wanted = blocks[UNIT * y[here], UNIT * x[here]]
            found.setdefault(kept, []).append((windows[top, left][step].copy(), wanted[step].copy(), group[here]))
