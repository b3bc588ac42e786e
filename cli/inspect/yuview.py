"""Block statistics as the CSV file that YUView reads (docs/INSPECT.md says what is relied on)."""

import numpy as np

from codec.base.io.writer import encoded
from codec.h265.structs import MODE_INTRA, SAO_EDGE

# mapColor: value, red, green, blue, alpha
_OFF_ON = ((0, 60, 60, 60, 60), (1, 240, 120, 40, 160))
_MODES = ((0, 222, 73, 55, 120), (1, 230, 180, 60, 120), (2, 60, 120, 190, 120))
_PARTS = tuple((i, 40 + 30 * i, 60 + 60 * (i % 3), 250 - 28 * i, 120) for i in range(8))
_SAO = ((0, 60, 60, 60, 40), (1, 150, 90, 220, 130), *((2 + i, 40, 130 + 35 * i, 220 - 40 * i, 130) for i in range(4)))


def _map(*colours):
    return "map", [f"mapColor;{';'.join(map(str, colour))}" for colour in colours]


def _range(low, high, colours="jet"):
    return "range", [f"defaultRange;{low};{high};{colours}"]


def _vector(red, green, blue):
    return "vector", [f"vectorColor;{red};{green};{blue};255", "scaleFactor;4"]


def _everywhere(table, field):
    return lambda s: (getattr(s, table), getattr(s, table)[field])


def _flag(table, field, bit=0):
    """Only the blocks whose flag is set: most are not, and files are large."""

    def chosen(s):
        rows = getattr(s, table)
        rows = rows[(rows[field] >> bit) & 1 != 0]
        return rows, np.ones(len(rows), np.int32)

    return chosen


def _prediction_mode(s):
    cus = s.coding_units
    return cus, np.where(cus["pred_mode"] == MODE_INTRA, 0, 1 + cus["skip"])


def _where(table, field, mask):
    def chosen(s):
        rows = getattr(s, table)
        rows = rows[mask(rows)]
        return rows, rows[field]

    return chosen


def _of_list(field, number):
    def chosen(s):
        rows = s.inter_blocks[s.inter_blocks["ref_idx"][:, number] >= 0]
        return rows, rows[field][:, number]

    return chosen


def _sao(c_idx):
    def chosen(s):
        kinds = s.sao["type"][:, c_idx]
        return s.sao, np.where(kinds == SAO_EDGE, kinds + s.sao["eo_class"][:, c_idx], kinds)

    return chosen


# name, (kind, further header lines), function from PictureStatistics to (blocks, value of each); the ID is the position
TYPES = (
    ("PredictionMode", _map(*_MODES), _prediction_mode),
    ("PartMode", _map(*_PARTS), _everywhere("coding_units", "part_mode")),
    ("QpY", _range(0, 51), _everywhere("coding_units", "qp_y")),
    ("Pcm", _map(*_OFF_ON), _flag("coding_units", "pcm")),
    ("TransquantBypass", _map(*_OFF_ON), _flag("coding_units", "bypass")),
    ("IntraModeLuma", _range(0, 34), _where("intra_blocks", "luma_mode", lambda rows: rows["luma_mode"] >= 0)),
    ("IntraModeChroma", _range(0, 34), _where("coding_units", "chroma_mode", lambda rows: rows["chroma_mode"] >= 0)),
    ("MergeFlag", _map(*_OFF_ON), _everywhere("inter_blocks", "merge_flag")),
    ("MergeIdx", _range(0, 4), _where("inter_blocks", "merge_idx", lambda rows: rows["merge_idx"] >= 0)),
    ("RefIdxL0", _range(0, 15), _of_list("ref_idx", 0)),
    ("RefIdxL1", _range(0, 15), _of_list("ref_idx", 1)),
    ("RefPocL0", _range(0, 64), _of_list("ref_poc", 0)),
    ("RefPocL1", _range(0, 64), _of_list("ref_poc", 1)),
    ("MvL0", _vector(255, 200, 0), _of_list("mv", 0)),
    ("MvL1", _vector(0, 200, 255), _of_list("mv", 1)),
    ("CbfLuma", _map(*_OFF_ON), lambda s: (s.transform_units, s.transform_units["cbf"] & 1)),
    ("CbfCb", _map(*_OFF_ON), _flag("transform_units", "cbf", 1)),
    ("CbfCr", _map(*_OFF_ON), _flag("transform_units", "cbf", 2)),
    ("TransformSkipLuma", _map(*_OFF_ON), _flag("transform_units", "transform_skip")),
    ("SaoLuma", _map(*_SAO), _sao(0)),
    ("SaoChroma", _map(*_SAO), _sao(1)),
)


class TraceWriter:
    """Writes pictures to a binary file, one at a time; the header comes with the first."""

    def __init__(self, file, name, frame_rate=None):
        """`name`: what YUView calls the sequence; `frame_rate`: used where a picture tells none."""
        self._file, self._name, self._rate, self._begun = file, name, frame_rate, False

    def write(self, index, statistics, frame_rate=None):
        """Append the PictureStatistics of the picture that is number `index`, from 0, in output order."""
        if not self._begun:
            self._begun = True
            _, _, width, height = statistics.window
            self._file.write(encoded(header_text(self._name, width, height, frame_rate or self._rate or 0)))
        for number, (_, _, chosen) in enumerate(TYPES):
            self._file.write(_lines(index, number, statistics.window, *chosen(statistics)).encode())


def header_text(name, width, height, frame_rate):
    """The lines that begin with %."""
    plain = "".join("_" if c in ";\n\r " else c for c in name)
    lines = ["syntax-version;v1.22", f"seq-specs;{plain};0;{width};{height};{float(frame_rate):g}"]
    for number, (title, (kind, further), _) in enumerate(TYPES):
        lines += [f"type;{number};{title};{kind}", *further]
    return "".join(f"%;{line}\n" for line in lines)


def _lines(index, number, window, rows, values):
    """One line a block, cut to the conformance window."""
    left, top, width, height = window
    names = rows.dtype.names
    x0, y0 = rows["x"] - left, rows["y"] - top
    x1 = np.minimum(x0 + rows["width" if "width" in names else "size"], width)
    y1 = np.minimum(y0 + rows["height" if "height" in names else "size"], height)
    x0, y0 = np.maximum(x0, 0), np.maximum(y0, 0)
    table = np.column_stack([x0, y0, x1 - x0, y1 - y0, values])
    table = table[(x1 > x0) & (y1 > y0)]
    form = f"{index};%d;%d;%d;%d;{number}" + ";%d" * (table.shape[1] - 4) + "\n"
    return "".join([form % tuple(row) for row in table.tolist()])
