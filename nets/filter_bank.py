"""Banks of interpolation filters: trained integers that are no net, in the same files (docs/NETS.md)."""

import hashlib
import json
from dataclasses import dataclass, field

import numpy as np

from nets.container import InvalidNet, parse_json, read_file, write_file

FRACTION = 10
"""Weights of a filter add up to 2 ** FRACTION."""
PHASES, SIDE = 16, 8
MAX_BANDS, MAX_SETS = 8, 4
FIRST_QP, QP_STEP = 22, 5
# sums of 12-bit samples then have less than 27 bits
_MOST = 8 << FRACTION


@dataclass(frozen=True)
class FilterBank:
    """Filters of luma at quarter samples.

    filters  (bands, sets, PHASES, SIDE, SIDE) int16 by phase 4 * y_fraction + x_fraction, row and column: the fourth of
             both is the sample at the left above the position. Band i is for QP 22 + 5 * i
    info     text that changes nothing
    """

    filters: np.ndarray
    info: dict = field(default_factory=dict)

    @property
    def name(self):
        """The name for messages."""
        return self.info.get("name", "unnamed")

    @property
    def bands(self):
        """How many bands of QP there are."""
        return self.filters.shape[0]

    @property
    def sets(self):
        """How many sets each has."""
        return self.filters.shape[1]


def band_of(qp, bands):
    """The band that a QP is nearest to."""
    return min(max((int(qp) - FIRST_QP + QP_STEP // 2) // QP_STEP, 0), bands - 1)


def bank_id(bank):
    """The first 8 bytes of SHA-256 over the filters, as 16 hexadecimal digits."""
    text = f"filters {list(bank.filters.shape)}\n".encode()
    return hashlib.sha256(text + np.ascontiguousarray(bank.filters, "<i2").tobytes()).hexdigest()[:16]


def check_bank(bank, where):
    """Raise InvalidNet for filters that break a rule."""
    filters = bank.filters
    shape = filters.shape
    if filters.dtype != np.int16 or filters.ndim != 5 or shape[2:] != (PHASES, SIDE, SIDE):
        raise InvalidNet(f"{where}: not a bank of filters: {filters.dtype} of {list(shape)}")
    if not (1 <= shape[0] <= MAX_BANDS and 1 <= shape[1] <= MAX_SETS):
        raise InvalidNet(f"{where}: {shape[0]} bands of {shape[1]} sets; at most {MAX_BANDS} of {MAX_SETS}")
    sums, sizes = (values.astype(np.int64).sum((3, 4)) for values in (filters, np.abs(filters.astype(np.int64))))
    if (sums != 1 << FRACTION).any() or (sizes > _MOST).any():
        raise InvalidNet(
            f"{where}: the weights of a filter do not add up to {1 << FRACTION}, or their sizes to too much"
        )


def save_bank(path, bank):
    """Write a bank."""
    check_bank(bank, path)
    metadata = {"kind": "filters", "info": json.dumps(bank.info, sort_keys=True)}
    # files have tensors of four dimensions at most
    bands, sets = bank.filters.shape[:2]
    write_file(path, metadata, {"filters": bank.filters.reshape(bands, sets, PHASES, SIDE * SIDE)})


def load_bank(path):
    """A bank whose file is whole and which keeps every rule. Raises WeightsMissing (InvalidNet), LimitExceeded."""
    metadata, tensors = read_file(path)
    if set(metadata) != {"kind", "info"} or metadata["kind"] != "filters" or set(tensors) != {"filters"}:
        raise InvalidNet(f"{path}: not a bank of filters of pyenc")
    info = parse_json(metadata["info"], f"{path}: damaged file, info")
    if not isinstance(info, dict) or not all(isinstance(text, str) for text in info.values()):
        raise InvalidNet(f"{path}: damaged file, info is not a table of strings")
    filters = tensors["filters"]
    if filters.ndim != 4 or filters.shape[2:] != (PHASES, SIDE * SIDE):
        raise InvalidNet(f"{path}: not a bank of filters: {list(filters.shape)}")
    bank = FilterBank(np.ascontiguousarray(filters, np.int16).reshape(*filters.shape[:3], SIDE, SIDE), info)
    check_bank(bank, path)
    return bank
