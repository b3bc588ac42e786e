"""--json and --csv: the report's figures for machines."""

import csv
import dataclasses
import io
import json
import math
from fractions import Fraction

_LEFT_OUT = ("recon", "planes", "rgb", "colour", "statistics", "scan")


def picture_record(picture):
    """A PictureReport or DecodedPicture as a flat dict without its samples."""
    record = {}
    for spec in dataclasses.fields(picture):
        value = getattr(picture, spec.name)
        if spec.name in ("psnr", "mse"):
            record.update({f"{spec.name}_{c}": v for c, v in zip("yuv", value, strict=True)})
        elif spec.name == "tools":
            record.update(value)
        elif spec.name == "refs":
            record.update(l0=list(value[0]), l1=list(value[1]))
        elif spec.name not in _LEFT_OUT:
            record[spec.name] = value
    return record


def _plain(value):
    if isinstance(value, Fraction):
        return float(value)
    if hasattr(value, "item"):
        # a numpy scalar
        return value.item()
    return list(value) if isinstance(value, tuple) else str(value)


def _without_nan(value):
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def json_text(document):
    """The document as JSON; NaN becomes null, fractions become numbers."""
    return json.dumps(_without_nan(document), indent=1, default=_plain) + "\n"


def csv_text(pictures):
    """One header line and one row a picture; lists are written with blanks between their numbers."""
    rows = [picture_record(picture) for picture in pictures]
    file = io.StringIO()
    if rows:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: " ".join(map(str, v)) if isinstance(v, (list, tuple)) else v for k, v in row.items()})
    return file.getvalue()
