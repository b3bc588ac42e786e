"""Hit ratios: how often each tool was chosen, from what `pyinspect stats` tells of a stream."""

from cli.measure.points import class_of
from cli.measure.tables import Table
from codec.base.io.files import open_input

# column of a row of the sweep: heading
RATIOS = {
    "hit_skip": "skip",
    "hit_merge": "merge",
    "hit_inter": "inter",
    "hit_intra": "intra",
    "hit_cu64": "CU 64",
    "hit_cu32": "CU 32",
    "hit_cu16": "CU 16",
    "hit_cu8": "CU 8",
    "hit_rectangular": "2NxN, Nx2N",
    "hit_amp": "AMP",
    "hit_bi": "bi",
    "hit_intra_nxn": "intra NxN",
    "hit_first_mode": "first mode",
    "hit_probable_mode": "first 3 modes",
    "hit_transform_skip": "tskip",
    "hit_sao_y": "SAO Y",
    "hit_sao_c": "SAO C",
    "hit_chroma_from_luma": "chroma from luma",
    "hit_interpolation": "trained interpolation",
    "hit_half_size": "half size",
    "cnn_filter_share_y": "CNN Y",
    "cnn_filter_share_u": "CNN U",
    "cnn_filter_share_v": "CNN V",
}
_VPS, _AUD = 32, 35
_PARTS = {"hit_rectangular": ("2NxN", "Nx2N"), "hit_amp": ("2NxnU", "2NxnD", "nLx2N", "nRx2N")}


def is_h265(path):
    """Whether a stream begins as those of H.265 do: a start code, then a VPS or an access unit delimiter."""
    with open_input(path) as file:
        head = file.read(6).lstrip(b"\0")
    return head[:1] == b"\1" and head[1:2] in (bytes([_VPS << 1]), bytes([_AUD << 1]))


def hit_ratios(total):
    """{column: share 0..1} of the figures of all pictures together; {} of {}; shares of nothing are left out."""
    if not total:
        return {}
    found = {f"hit_{name}": share for name, share in total["modes"].items()}
    found |= {f"hit_cu{size}": share for size, share in total["cu_size"].items()}
    for column, shapes in _PARTS.items():
        shares = [total["inter_parts"][shape] for shape in shapes]
        found[column] = None if None in shares else sum(shares)
    found |= {
        f"hit_{name}": total[name] for name in ("bi", "intra_nxn", "transform_skip", "first_mode", "probable_mode")
    }
    found |= {"hit_sao_y": total["sao_luma"], "hit_sao_c": total["sao_chroma"]}
    models = [share for share in total["chroma_from_luma"].values() if share]
    found["hit_chroma_from_luma"] = sum(models) if models else None
    sets = [share for share in total["interpolation"].values() if share]
    found["hit_interpolation"] = sum(sets) if sets else None
    found["hit_half_size"] = total["half_size"] or None
    found |= {f"cnn_filter_share_{name}": share for name, share in total["cnn_filter_share"].items()}
    return {column: round(found[column], 6) for column in RATIOS if found[column] is not None}


def ratio_table(rows):
    """The Table of a sweep's rows: for each configuration and QP the means over clips, in percent; None of nothing."""
    groups = {}
    for row in rows:
        if any(column in row for column in RATIOS):
            groups.setdefault((row["config"], row["qp"]), []).append(row)
    columns = [column for column in RATIOS if any(column in row for row in rows)]
    if not groups:
        return None
    lines = [[config, f"{qp:g}"] + [_mean(members, column) for column in columns] for (config, qp), members in
             groups.items()]  # fmt: skip
    return Table(["configuration", "QP"] + [RATIOS[c] for c in columns], lines, 1, _new_parts(lines))


def cnn_table(rows):
    """The Table of CTUs whose luma the CNN loop filter changes: clips by QPs, in percent; None without that filter."""
    column = "cnn_filter_share_y"
    known = [row for row in rows if column in row]
    if not known:
        return None
    qps = list(dict.fromkeys(row["qp"] for row in known))
    lines = []
    for config in dict.fromkeys(row["config"] for row in known):
        of_config = [row for row in known if row["config"] == config]
        for clip in dict.fromkeys(row["clip"] for row in of_config):
            of_clip = [row for row in of_config if row["clip"] == clip]
            cells = [_mean([row for row in of_clip if row["qp"] == qp], column) for qp in qps]
            lines.append([config, class_of(clip), clip, *cells, _mean(of_clip, column)])
        cells = [_mean([row for row in of_config if row["qp"] == qp], column) for qp in qps]
        lines.append([config, "", "mean", *cells, _mean(of_config, column)])
    headings = ["configuration", "class", "clip", *(f"QP {qp:g}" for qp in qps), "mean"]
    return Table(headings, lines, 3, _new_parts(lines))


def _mean(rows, column):
    found = [row[column] for row in rows if column in row]
    return f"{100 * sum(found) / len(found):.1f}" if found else "-"


def _new_parts(lines):
    return tuple(n for n in range(1, len(lines)) if lines[n][0] != lines[n - 1][0])
