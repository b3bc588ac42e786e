"""Readers of measured points: logs of pyenc, HM and VTM; pyenc's JSON and CSV; CSV tables of points."""

import itertools
import json
import math
import re
from pathlib import Path

from cli.measure.cells import rows_of_cells
from cli.measure.points import Point
from codec.base.errors import InputError
from codec.base.io.text import lines, read_text

COUNTS = ("pictures", "file")
_PICTURE = re.compile(r"^POC\s+\d+ .*?\bQP (-?\d+) \)\s+(\d+) bits")
_COLUMNS = re.compile(r"^\s*Total Frames \|")
_QP_LINE = re.compile(r"^QP\s*:\s*(-?\d+(?:\.\d+)?)\s*$")
_INPUT_LINE = re.compile(r"^Input\s+File\s*:\s*(.+?)\s*$")
_FORMAT_LINE = re.compile(r"^Real\s+Format\s*:\s*\d+x\d+ (\d+(?:\.\d+)?)Hz")
_BYTES_LINE = re.compile(r"^Bytes written to file: (\d+)")
_TIME_LINE = re.compile(r"^\s*Total Time:\s*(\d+(?:\.\d+)?) sec")
_NAME_WITH_QP = re.compile(r"^(.*?)[_.-]?(?:qp|q)?[_.-]?(\d{1,2})$", re.IGNORECASE)
_FIGURES = {"Y-PSNR": "psnr_y", "U-PSNR": "psnr_u", "V-PSNR": "psnr_v"}
_TEXT_COLUMNS = ("clip", "config", "qp", "frames", "bits")
_LARGEST = 256 << 20
_TABLE = re.compile(r"\s*clip\s*[,;\t]")


def read_points(name, count="pictures"):
    """The points of one file, its kind taken from what is in it.

    count: whether a log's bits are those of its pictures' lines (as in SUMMARY; HM leaves hash SEI out there) or 8
    times the bytes of the file written. Tables of points state their bits and are taken as they are.
    """
    text = read_text(name, name, most=_LARGEST)
    suffix = Path(name).suffix.lower()
    if suffix == ".json" or text.lstrip().startswith("{"):
        return [_from_json(name, text, count)]
    if suffix == ".csv" or _TABLE.match(text):
        return _from_csv(name, text)
    return [_from_log(name, text, count)]


def name_without_qp(name):
    """(stem, QP) of a file name that ends in its QP, such as foreman_22.log; (stem, None) for others."""
    stem = Path(name).stem
    found = _NAME_WITH_QP.match(stem)
    if found and found[1] and int(found[2]) <= 63:
        return found[1], int(found[2])
    return stem, None


def _number(name, what, text):
    try:
        return float(text)
    except (TypeError, ValueError):
        raise InputError(f"{name}: {what} is not a number: {text!r}") from None


def _from_log(name, text, count):
    """(reference: what HM and VTM print) One point of a log; InputError when the encoder did not get to its end."""
    rows = lines(text)
    pictures = [found for found in map(_PICTURE.match, rows) if found]
    frames, kbps, values = _summary(name, rows)

    def first(pattern):
        return next((found[1] for found in map(pattern.match, rows) if found), None)

    seconds = first(_TIME_LINE)
    if seconds is not None:
        values["user_s"] = float(seconds)
    stem, named_qp = name_without_qp(name)
    stated_qp = first(_QP_LINE)
    qp = float(stated_qp) if stated_qp is not None else named_qp
    if qp is None and pictures:
        qp = float(pictures[0][1])
    if count == "file":
        written = first(_BYTES_LINE)
        if written is None:
            raise InputError(f"{name}: does not tell the bytes of its file: use --count pictures")
        bits = 8 * int(written)
    elif pictures:
        bits = sum(int(found[2]) for found in pictures)
        if len(pictures) != frames:
            raise InputError(f"{name}: has lines of {len(pictures)} pictures, its SUMMARY says {frames}")
    else:
        rate = first(_FORMAT_LINE)
        if rate is None:
            raise InputError(f"{name}: neither picture lines nor a frame rate, so that its bits are not known")
        bits = kbps * 1000 * frames / float(rate)
    source = first(_INPUT_LINE)
    return Point(_file_name(source) if source else stem, "", qp, frames, bits, values, str(name))


def _file_name(path):
    """The last part of a path of this system or of Windows: an anchor may have been measured elsewhere."""
    return re.split(r"[/\\]", path)[-1]


def _summary(name, rows):
    """(frames, kbps, {psnr_y: ...}) of the first row for all slice types."""
    for head, row in itertools.pairwise(rows):
        if not _COLUMNS.match(head):
            continue
        titles = head.split("|", 1)[1].split()
        words = row.split()
        if len(words) < 3 or words[1] != "a":
            continue
        cells = dict(zip(titles, words[2:], strict=False))
        values = {_FIGURES[title]: _number(name, title, cell) for title, cell in cells.items() if title in _FIGURES}
        frames = int(_number(name, "Total Frames", words[0]))
        if frames < 1 or "psnr_y" not in values:
            break
        return frames, _number(name, "Bitrate", cells.get("Bitrate")), _finite(values)
    raise InputError(f"{name}: no SUMMARY of pictures: is it an encoder's log, and did the encoder get to its end?")


def _finite(values):
    return {key: value for key, value in values.items() if not math.isnan(value)}


def _from_json(name, text, count):
    """One point of pyenc's --json."""
    try:
        document = json.loads(text)
        pictures, summary = document["pictures"], document["summary"]
        values = {key: summary[key] for key in _FIGURES.values() if summary.get(key) is not None}
        values["user_s"] = float(document["seconds"])
        bits = 8 * document["bytes"] if count == "file" else sum(picture["bits"] for picture in pictures)
        qp, frames = document["config"]["QP"], summary["frames"]
        words = document.get("arguments", [])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{name}: is not the JSON of pyenc --json ({type(error).__name__}: {error})") from None
    if not frames:
        raise InputError(f"{name}: has no pictures")
    return Point(_input_of(words) or name_without_qp(name)[0], "", float(qp), frames, bits, values, str(name))


def _input_of(words):
    """Name of the input file among pyenc's arguments, "" when it stands in a cfg."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in ("-i", "--InputFile"):
            return _file_name(following)
        if word.startswith("--InputFile="):
            return _file_name(word.split("=", 1)[1])
    return ""


def _from_csv(name, text):
    """The points of a table (clip, config, qp, frames, bits, psnr_y, ...), or the one of pyenc's --csv."""
    (_, titles), *lower = rows_of_cells(text, name) or [(1, [])]
    rows = [(number, dict(itertools.zip_longest(titles, cells[: len(titles)]))) for number, cells in lower]
    if not rows:
        raise InputError(f"{name}: has no rows")
    titles = [title for title in titles if title]
    if "clip" in titles:
        missing = [title for title in ("frames", "bits", "psnr_y") if title not in titles]
        if missing:
            raise InputError(f"{name}: the table of points lacks the column {missing[0]}")
        return [_from_row(f"{name}:{number}", row, titles) for number, row in rows]
    if "poc" in titles and "bits" in titles:
        return [_from_pictures(name, [row for _, row in rows])]
    raise InputError(f"{name}: neither a table of points (clip, config, qp, frames, bits, psnr_y, ...) nor pyenc's CSV")


def _from_row(where, row, titles):
    if any(row[title] is None for title in titles):
        raise InputError(f"{where}: a row with fewer cells than the header")
    frames, bits = (_number(where, title, row[title]) for title in ("frames", "bits"))
    if not (1 <= frames < math.inf and 0 < bits < math.inf):
        raise InputError(f"{where}: frames {row['frames']} and bits {row['bits']} must be above zero")
    qp = _number(where, "qp", row["qp"]) if row.get("qp") else None
    values = {}
    for title in titles:
        if title in _TEXT_COLUMNS or not row[title]:
            continue
        try:
            values[title] = float(row[title])
        except ValueError:
            if title.startswith(("psnr", "bits", "user_s")):
                raise InputError(f"{where}: {title} is not a number: {row[title]!r}") from None
    return Point(row["clip"], row.get("config") or "", qp, int(frames), bits, _finite(values), where)


def _from_pictures(name, rows):
    """pyenc's --csv: one row a picture, PSNR averaged over the pictures."""
    bits = sum(_number(name, "bits", row["bits"]) for row in rows)
    values = {}
    for title in _FIGURES.values():
        cells = [_number(name, title, row[title]) for row in rows if row.get(title)]
        if len(cells) == len(rows):
            values[title] = sum(cells) / len(cells)
    if all(row.get("seconds") for row in rows):
        values["user_s"] = sum(_number(name, "seconds", row["seconds"]) for row in rows)
    stem, qp = name_without_qp(name)
    if qp is None and rows[0].get("qp"):
        qp = _number(name, "qp", rows[0]["qp"])
    return Point(stem, "", qp, len(rows), bits, _finite(values), name)
