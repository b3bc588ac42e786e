"""Cells of tables as spreadsheets of any country write them."""

import csv
import io
import re

from codec.base.errors import InputError

_SEPARATOR_LINE = re.compile(r"\s*sep=(.)\r?\n", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")


def rows_of_cells(text, name):
    """[(line number, [cell, ...]), ...] of a CSV text; rows without anything are left out.

    Cells stand between commas, or between semicolons or tabs where the first line has these; then a comma inside a
    number is its decimal sign and becomes a point. White space around cells is no part of them, nor is Excel's line
    "sep=;". Raises InputError.
    """
    stated = _SEPARATOR_LINE.match(text)
    body = text[stated.end() :] if stated else text
    head = body.lstrip().partition("\n")[0]
    mark = stated[1] if stated else next((mark for mark in ";\t" if mark in head), ",")
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=mark, skipinitialspace=True)
    found, first = [], 1 if stated else 0
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                found.append((first + reader.line_num, cells if mark == "," else list(map(_pointed, cells))))
    except csv.Error as error:
        raise InputError(f"{name}:{first + reader.line_num}: {error}") from None
    return found


def _pointed(cell):
    """A number with a decimal comma, with a point; any other cell as it is."""
    return cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell
