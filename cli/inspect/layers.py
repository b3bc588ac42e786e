"""What each layer of an overlay draws, and what the legend says of it.

A layer is a function (canvas, PictureStatistics) -> list of Key. Colours are BGR.
"""

from typing import NamedTuple

import cv2
import numpy as np

from cli.inspect.canvas import arrow, badge, dot, line, outline, rectangles, ring, text, tint
from cli.inspect.figures import CHROMA_MODELS
from codec.h265.intra_modes import CROSS_COMPONENT_MODES, INTRA_DC, INTRA_PLANAR, INTRA_PRED_ANGLE, MODES, MPMS
from codec.h265.structs import (
    MODE_INTRA,
    SAO_BAND,
    SAO_EDGE,
    SAO_MERGE_LEFT,
    SAO_MERGE_UP,
    SAO_NOT_APPLIED,
)

INTRA, INTER, MERGE, SKIP, UNCODED = (62, 84, 232), (214, 100, 176), (122, 178, 76), (205, 128, 56), (225, 225, 225)
CU_LINE, PU_LINE, TU_LINE = (245, 245, 245), (60, 190, 255), (235, 190, 120)
MODE_MARK = (140, 250, 225)
LIST_COLOURS = (74, 214, 255), (240, 225, 80)
CTB_LINE = (60, 220, 255)
SAO_MARKS = ((110, 220, 90), "SAO luma"), ((40, 130, 50), "SAO chroma")
CNN_MARKS = ((40, 140, 255), "CNN filter Y"), ((255, 160, 60), "CNN filter Cb"), ((160, 90, 255), "CNN filter Cr")
SAO_KINDS = (SAO_EDGE, (110, 200, 90), "SAO luma edge"), (SAO_BAND, (220, 110, 170), "SAO luma band")
CHROMA_COLOURS = (
    (60, 60, 230), (40, 150, 250), (90, 190, 80), (190, 170, 40), (220, 110, 90), (200, 90, 200), (40, 220, 220),
)  # fmt: skip
HALF_SIZE_COLOUR = (200, 140, 40)
RANK_COLOURS = (
    ((90, 190, 80), 0, 0, "first mode"),
    ((40, 170, 250), 1, MPMS - 1, "second or third mode"),
    ((60, 60, 230), MPMS, MODES, "other mode"),
)
SET_COLOURS = (60, 60, 230), (40, 170, 250), (90, 190, 80), (220, 110, 90)
_TINT, _HEAT = 0.32, 0.55
# a mark in a smaller block could not be told from its neighbour's
_SMALLEST_MARK = 8  # pixels
_EDGE_DEGREES = (0, 90, 135, 45)  # (table 8-13) the direction of the two neighbours that a sample is compared with


class Key(NamedTuple):
    """An entry of the legend. kind: "area", "line", "arrow", "dot", "ring", "bar" (colours low to high), "words"."""

    kind: str
    colour: object
    label: str


def draw_modes_area(canvas, s):
    """Layer `skip`: skipped, merged, inter and intra blocks by their tint, and what is coded without transform."""
    cus = s.coding_units
    plain = (cus["pcm"] == 0) & (cus["bypass"] == 0)
    intra = cus[(cus["pred_mode"] == MODE_INTRA) & plain]
    inter = s.inter_blocks
    groups = (
        (SKIP, "skip", inter[inter["skip"] == 1]),
        (MERGE, "merge", inter[(inter["skip"] == 0) & (inter["merge_flag"] == 1)]),
        (INTER, "inter, coded motion", inter[inter["merge_flag"] == 0]),
        (INTRA, "intra", intra),
    )
    for colour, _, rows in groups:
        _tint_all(canvas, rows, colour, _TINT)
    keys = [Key("area", colour, label) for colour, label, rows in groups if len(rows)]
    lossless = cus[~plain]
    if len(lossless):
        _tint_all(canvas, lossless, UNCODED, _TINT)
        keys.append(Key("area", UNCODED, "pcm or lossless"))
    return keys


def _tint_all(canvas, rows, colour, alpha):
    tint(canvas, rectangles(rows), np.broadcast_to(colour, (len(rows), 3)), alpha)


def draw_qp(canvas, s):
    """Layer `qp`: QpY from dark violet (lowest of the picture) to yellow (highest)."""
    cus = s.coding_units
    qp = cus["qp_y"].astype(np.int32)
    low, high = int(qp.min()), int(qp.max())
    ramp = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], cv2.COLORMAP_VIRIDIS)[0]
    level = (qp - low) * 255 // max(high - low, 1)
    tint(canvas, rectangles(cus), ramp[level], _HEAT)
    if low == high:
        return [Key("area", ramp[0].tolist(), f"QpY {low}")]
    return [Key("bar", ramp, f"QpY {low} to {high}")]


def draw_sao(canvas, s):
    """Layer `sao`: coding tree blocks with SAO, and in words where there is room: class or band of luma and chroma."""
    boxes = rectangles(s.sao)
    keys = []
    for kind, colour, label in SAO_KINDS:
        chosen = s.sao[s.sao["type"][:, 0] == kind]
        _tint_all(canvas, chosen, colour, 0.22)
        keys += [Key("area", colour, label)] if len(chosen) else []
    for row, (x, y, _, _) in zip(s.sao, boxes, strict=True):
        words = _sao_words(row)
        if words and int(row["width"]) * canvas.scale >= 60:
            at = ((x - canvas.left) * canvas.scale + 4, (y - canvas.top) * canvas.scale + 13)
            text(canvas.image, (int(at[0]), int(at[1])), words, (255, 255, 255), 0.36)
    outline(canvas, boxes, (200, 200, 200), 0.35)
    return [*keys, Key("words", (200, 200, 200), "SAO: Y luma, C chroma, E degrees, B first band, < ^ merged")]


def draw_filters(canvas, s):
    """Layer `filters`: coding tree blocks, and in the corner of each a square for every filter that changes it."""
    boxes = rectangles(s.sao)
    outline(canvas, boxes, CTB_LINE, 0.8)
    marks = [(*mark, s.sao[s.sao["type"][:, c_idx] != SAO_NOT_APPLIED]) for c_idx, mark in enumerate(SAO_MARKS)]
    marks += [(*mark, s.cnn_filter[s.cnn_filter["changed"][:, c] != 0]) for c, mark in enumerate(CNN_MARKS)]
    side = min(7, boxes[:, 2:].max() / 8)
    for number, (colour, _, rows) in enumerate(marks):
        for x, y in zip(rows["x"], rows["y"], strict=True):
            badge(canvas, (x, y), number, side, colour)
    keys = [Key("area", colour, label) for colour, label, rows in marks if len(rows)]
    return [Key("line", CTB_LINE, "coding tree block"), *keys]


def _sao_words(row):
    parts = []
    for c_idx, name in ((0, "Y"), (1, "C")):
        kind = row["type"][c_idx]
        if kind == SAO_EDGE:
            parts.append(f"{name} E{_EDGE_DEGREES[row['eo_class'][c_idx]]}")
        elif kind == SAO_BAND:
            parts.append(f"{name} B{row['band_position'][c_idx]}")
    merged = {SAO_MERGE_LEFT: " <", SAO_MERGE_UP: " ^"}.get(int(row["merge"]), "")
    return "  ".join(parts) + merged if parts else ""


def draw_tu(canvas, s):
    """Layer `tu`: transform units of the coding units that have coefficients."""
    cus, tus = s.coding_units, s.transform_units
    owner_map = np.zeros((int((cus["y"] + cus["size"]).max()) // 4, int((cus["x"] + cus["size"]).max()) // 4), np.int32)
    for index, (x, y, width, height) in enumerate((rectangles(cus) // 4).tolist()):
        owner_map[y : y + height, x : x + width] = index
    owner = owner_map[tus["y"] // 4, tus["x"] // 4]
    coded = np.bincount(owner, tus["cbf"], len(cus)) > 0
    outline(canvas, rectangles(tus[coded[owner]]), TU_LINE, 0.45)
    return [Key("line", TU_LINE, "transform unit")]


def draw_pu(canvas, s):
    """Layer `pu`: prediction blocks."""
    outline(canvas, np.concatenate([rectangles(s.inter_blocks), rectangles(s.intra_blocks)]), PU_LINE, 0.75)
    return [Key("line", PU_LINE, "prediction block")]


def draw_cu(canvas, s):
    """Layer `cu`: coding units."""
    outline(canvas, rectangles(s.coding_units), CU_LINE, 0.7)
    return [Key("line", CU_LINE, "coding unit")]


def draw_intra_modes(canvas, s):
    """Layer `modes`: a line along the direction of each intra block, a ring for planar, a dot for DC."""
    rows = s.intra_blocks[s.intra_blocks["size"] * canvas.scale >= _SMALLEST_MARK]
    for row in rows:
        mode, size = int(row["luma_mode"]), int(row["size"])
        centre = row["x"] + size / 2, row["y"] + size / 2
        if mode == INTRA_PLANAR:
            ring(canvas, centre, min(size, 16) * 0.12, MODE_MARK)
        elif mode == INTRA_DC:
            dot(canvas, centre, min(size, 16) * 0.06, MODE_MARK)
        elif mode > 0:
            dx, dy = intra_direction(mode)
            reach = 0.34 * min(size, 24)
            start = centre[0] - dx * reach, centre[1] - dy * reach
            line(canvas, start, (centre[0] + dx * reach, centre[1] + dy * reach), MODE_MARK)
    if not len(rows):
        return []
    return [
        Key("line", MODE_MARK, "intra direction"),
        Key("ring", MODE_MARK, "planar"),
        Key("dot", MODE_MARK, "DC"),
    ]


def intra_direction(mode):
    """(8.4.4.2.6) Unit vector from a sample to its reference sample, x to the right and y down; mode 2..34."""
    angle = int(INTRA_PRED_ANGLE[mode])
    vector = np.array([angle, -32] if mode >= 18 else [-32, angle])
    return vector / np.hypot(*vector)


def draw_motion(canvas, s):
    """Layer `motion`: from the middle of each prediction block to where its motion vector points, by list."""
    for row in s.inter_blocks:
        centre = float(row["x"] + row["width"] / 2), float(row["y"] + row["height"] / 2)
        for number in (1, 0):
            if row["ref_idx"][number] >= 0:
                dx, dy = row["mv"][number] / 4
                arrow(canvas, centre, (centre[0] + dx, centre[1] + dy), LIST_COLOURS[number])
    used = (s.inter_blocks["ref_idx"] >= 0).any(axis=0)
    return [Key("arrow", LIST_COLOURS[i], f"motion, list {i}") for i in range(2) if used[i]]


def draw_chroma(canvas, s):
    """Layer `chroma`: intra units whose chroma is predicted from luma, by model."""
    keys = []
    for mode, name, colour in zip(CROSS_COMPONENT_MODES, CHROMA_MODELS, CHROMA_COLOURS, strict=True):
        rows = s.coding_units[s.coding_units["chroma_mode"] == mode]
        _tint_all(canvas, rows, colour, 0.4)
        keys += [Key("area", colour, f"chroma: {name}")] if len(rows) else []
    return keys


def draw_interpolation(canvas, s):
    """Layer `interpolation`: prediction blocks whose luma trained filters make, by set."""
    keys = []
    for number, colour in enumerate(SET_COLOURS, 1):
        rows = s.inter_blocks[s.inter_blocks["filter_set"] == number]
        _tint_all(canvas, rows, colour, 0.4)
        keys += [Key("area", colour, f"interpolation: set {number}")] if len(rows) else []
    return keys


def draw_sizes(canvas, s):
    """Layer `sizes`: coding tree blocks that are coded at half size."""
    rows = s.intra_sr[s.intra_sr["half"] == 1]
    _tint_all(canvas, rows, HALF_SIZE_COLOUR, 0.35)
    outline(canvas, rectangles(rows), HALF_SIZE_COLOUR, 0.9)
    return [Key("area", HALF_SIZE_COLOUR, "coded at half size")] if len(rows) else []


def draw_ranks(canvas, s):
    """Layer `ranks`: intra blocks by the place of their mode in the list of most probable modes, or by its rank."""
    keys, ranks = [], s.intra_blocks["mode_rank"]
    for colour, least, most, label in RANK_COLOURS:
        rows = s.intra_blocks[(ranks >= least) & (ranks <= most)]
        _tint_all(canvas, rows, colour, 0.4)
        keys += [Key("area", colour, label)] if len(rows) else []
    return keys


# in the order in which they are drawn
LAYERS = {
    "skip": draw_modes_area,
    "qp": draw_qp,
    "sao": draw_sao,
    "chroma": draw_chroma,
    "interpolation": draw_interpolation,
    "sizes": draw_sizes,
    "ranks": draw_ranks,
    "tu": draw_tu,
    "pu": draw_pu,
    "cu": draw_cu,
    "modes": draw_intra_modes,
    "motion": draw_motion,
    "filters": draw_filters,
}
