"""Shares and means over the blocks of pictures: what `pyinspect stats` tells.

Sums are kept, and divided last, so that the figures of several pictures together are those of their whole area.
"""

from collections import Counter

import numpy as np

from codec.h265.intra_modes import CROSS_COMPONENT_MODES, MPMS
from codec.h265.structs import MODE_INTER, MODE_INTRA, SAO_NOT_APPLIED

MODES = ("skip", "merge", "inter", "intra")
CU_SIZES = (64, 32, 16, 8)
PART_NAMES = ("2Nx2N", "2NxN", "Nx2N", "NxN", "2NxnU", "2NxnD", "nLx2N", "nRx2N")
TU_SIZES = (32, 16, 8, 4)
FILTER_SETS = range(1, 5)
CHROMA_MODELS = ("LM", "MMLM", "CCCM", "CCCM left", "CCCM above", "CCCM planar", "net")


def block_sums(s):
    """Counter of luma samples and weighted sums over a PictureStatistics; Counters of pictures may be added."""
    cus, inter, tus = s.coding_units, s.inter_blocks, s.transform_units
    cu_area, tu_area = cus["size"].astype(np.int64) ** 2, tus["size"].astype(np.int64) ** 2
    inter_area = inter["width"].astype(np.int64) * inter["height"]
    skipped, merged = inter["skip"] != 0, inter["merge_flag"] != 0
    is_inter, is_intra = cus["pred_mode"] == MODE_INTER, cus["pred_mode"] == MODE_INTRA
    coded = (tus["cbf"] & 1) != 0
    sums = Counter(area=_sum(cu_area), qp=_sum(cu_area * cus["qp_y"]))
    sums["skip"] = _sum(inter_area[skipped])
    sums["merge"] = _sum(inter_area[merged & ~skipped])
    sums["inter"] = _sum(inter_area[~merged])
    sums["intra"] = _sum(cu_area[is_intra])
    ranks = s.intra_blocks["mode_rank"]
    sums["intra_blocks"], sums["first_mode"] = _sum(ranks >= 0), _sum(ranks == 0)
    sums["probable_mode"] = _sum((ranks >= 0) & (ranks < MPMS))
    has_chroma = cus["chroma_mode"] >= 0
    sums["intra_chroma"] = _sum(cu_area[has_chroma])
    for mode, name in zip(CROSS_COMPONENT_MODES, CHROMA_MODELS, strict=True):
        sums["chroma_model", name] = _sum(cu_area[cus["chroma_mode"] == mode])
    sums["pcm"], sums["lossless"] = _sum(cu_area[cus["pcm"] != 0]), _sum(cu_area[cus["bypass"] != 0])
    for size in CU_SIZES:
        sums["cu", size] = _sum(cu_area[cus["size"] == size])
    for part_mode, name in enumerate(PART_NAMES):
        of_shape = cus["part_mode"] == part_mode
        sums["inter_part", name] = _sum(cu_area[is_inter & of_shape])
        sums["intra_part", name] = _sum(cu_area[is_intra & of_shape])
    for size in TU_SIZES:
        sums["coded_tu", size] = _sum(tu_area[coded & (tus["size"] == size)])
    sums["coded"] = _sum(tu_area[coded])
    sums["coded_4x4"] = sums["coded_tu", 4]
    sums["transform_skip"] = _sum(tu_area[(tus["transform_skip"] & 1) != 0])
    used = inter["ref_idx"] >= 0
    length = np.hypot(inter["mv"][:, :, 0], inter["mv"][:, :, 1]) / 4
    weight = np.where(used, inter_area[:, None], 0)
    sums["vectors"], sums["vector_length"] = _sum(weight), float((weight * length).sum())
    sums["bi"] = _sum(inter_area[used.all(axis=1)])
    for number in FILTER_SETS:
        sums["filter_set", number] = _sum(inter_area[inter["filter_set"] == number])
    sums["sao_blocks"] = len(s.sao)
    sums["sao_luma"] = int((s.sao["type"][:, 0] != SAO_NOT_APPLIED).sum())
    sums["sao_chroma"] = int((s.sao["type"][:, 1] != SAO_NOT_APPLIED).sum())
    sums["sized_blocks"], sums["half_size"] = len(s.intra_sr), _sum(s.intra_sr["half"])
    sums["cnn_filter_blocks"] = len(s.cnn_filter)
    for c_idx, name in enumerate("yuv"):
        sums["cnn_filter", name] = _sum(s.cnn_filter["changed"][:, c_idx])
    changed = s.cnn_filter[s.cnn_filter["changed"].any(axis=1)]
    for index, net in enumerate(s.filter_nets):
        sums["filter_net", net] = _sum(changed["net"] == index)
    return sums


def _sum(values):
    return int(values.sum())


def _ratio(sums, part, whole):
    return sums[part] / sums[whole] if sums[whole] else None


def figures(sums):
    """The figures of a Counter of `block_sums` as nested dicts for JSON: shares 0..1, None of nothing.

    modes, cu_size, pcm, lossless   shares of the area
    inter_parts, bi   shares of the inter area; intra_nxn: share of the intra area
    coded             share of the area in transform units with cbf_luma; coded_tu_size: of that, by size
    transform_skip    share of the 4x4 luma blocks with coefficients
    mean_qp           of QpY over the area; mean_mv: length in luma samples over the area, of every list that is used
    sao_luma, sao_chroma   shares of the coding tree blocks
    interpolation     shares of the inter area, by set of trained filters
    first_mode, probable_mode   shares of the intra blocks whose mode is the first, one of the first three, in
                      the list of most probable modes or by rank
    chroma_from_luma  shares of the intra area with chroma, by model
    half_size         share of the coding tree blocks that are coded so
    cnn_filter_share  of the coding tree blocks, by component; cnn_filter_nets: of them, by the net that changes any
    """
    sums = Counter(sums)
    sums["inter_area"] = sums["skip"] + sums["merge"] + sums["inter"]
    return {
        "modes": {name: _ratio(sums, name, "area") for name in MODES},
        "cu_size": {str(size): _ratio(sums, ("cu", size), "area") for size in CU_SIZES},
        "inter_parts": {name: _ratio(sums, ("inter_part", name), "inter_area") for name in PART_NAMES},
        "intra_nxn": _ratio(sums, ("intra_part", "NxN"), "intra"),
        "first_mode": _ratio(sums, "first_mode", "intra_blocks"),
        "probable_mode": _ratio(sums, "probable_mode", "intra_blocks"),
        "bi": _ratio(sums, "bi", "inter_area"),
        "interpolation": {f"set {n}": _ratio(sums, ("filter_set", n), "inter_area") for n in FILTER_SETS},
        "pcm": _ratio(sums, "pcm", "area"),
        "lossless": _ratio(sums, "lossless", "area"),
        "coded": _ratio(sums, "coded", "area"),
        "coded_tu_size": {str(size): _ratio(sums, ("coded_tu", size), "coded") for size in TU_SIZES},
        "transform_skip": _ratio(sums, "transform_skip", "coded_4x4"),
        "mean_qp": _ratio(sums, "qp", "area"),
        "mean_mv": _ratio(sums, "vector_length", "vectors"),
        "sao_luma": _ratio(sums, "sao_luma", "sao_blocks"),
        "sao_chroma": _ratio(sums, "sao_chroma", "sao_blocks"),
        "chroma_from_luma": {name: _ratio(sums, ("chroma_model", name), "intra_chroma") for name in CHROMA_MODELS},
        "half_size": _ratio(sums, "half_size", "sized_blocks"),
        "cnn_filter_share": {name: _ratio(sums, ("cnn_filter", name), "cnn_filter_blocks") for name in "yuv"},
        "cnn_filter_nets": {
            key[1]: _ratio(sums, key, "cnn_filter_blocks")
            for key in list(sums)
            if isinstance(key, tuple) and key[0] == "filter_net"
        },
    }


_COLUMNS = "skip% merge% inter% intra%   CU64%  CU32%  CU16%   CU8%   tskip%   QP   |mv|"
_HEADING = f"picture    POC type      bits  {_COLUMNS}\n"


def table_text(document):
    """The table of `pyinspect stats`, from what it writes as JSON.

    pictures   dicts with number, poc, slice_type, bits and the figures; total: bits and figures of all of them
    bits_by_nal   {name of NAL unit type: bits}; bits_not_decoded: those of pictures that are not decoded
    """
    pictures, total, rest = document["pictures"], document["total"], document["bits_not_decoded"]
    text = _HEADING
    for p in pictures:
        text += f"{p['number']:7d} {p['poc']:6d}  {p['slice_type']}   {p['bits']:9d}  {_row(p)}\n"
    text += f"  total             {total['bits']:9d}  {_row(total)}\n"
    text += "\n" + _shares("inter partitions", total["inter_parts"])
    text += _shares("coded luma transform units", total["coded_tu_size"])
    intra_nxn, bi, luma, chroma = (_percent(total[n], 1) for n in ("intra_nxn", "bi", "sao_luma", "sao_chroma"))
    text += f"intra NxN: {intra_nxn}%   bi-prediction: {bi}%   SAO luma: {luma}%, chroma: {chroma}% of the blocks\n"
    if total["probable_mode"] is not None:
        first, probable = (_percent(total[name], 1) for name in ("first_mode", "probable_mode"))
        text += f"intra modes: {first}% the first, {probable}% one of the first three of list or rank\n"
    if any(total["chroma_from_luma"].values()):
        text += _shares("chroma from luma, of intra units", total["chroma_from_luma"])
    if any(total["interpolation"].values()):
        text += _shares("trained interpolation, of the inter area", total["interpolation"])
    if total["half_size"]:
        text += f"coded at half size: {_percent(total['half_size'], 1)}% of the blocks\n"
    if total["cnn_filter_nets"]:
        shares = "  ".join(f"{name} {_percent(share, 1)}%" for name, share in total["cnn_filter_share"].items())
        nets = "  ".join(f"{net} {_percent(share, 1)}%" for net, share in total["cnn_filter_nets"].items())
        text += f"CNN loop filter: {shares} of the blocks   nets: {nets}\n"
    text += "\nbits by NAL unit type\n"
    bits = document["bits_by_nal"]
    everything = sum(bits.values()) + rest
    for name, count in sorted(bits.items(), key=lambda item: -item[1]):
        text += f"  {name:16}{count:12d}  {100 * count / everything:6.2f}%\n"
    if rest:
        text += f"  {'not decoded':16}{rest:12d}  {100 * rest / everything:6.2f}%\n"
    return text


def _percent(value, width):
    return f"{'-' if value is None else f'{100 * value:.1f}':>{width}}"


def _number(value, width):
    return f"{'-' if value is None else f'{value:.1f}':>{width}}"


def _row(f):
    modes = " ".join(_percent(f["modes"][name], 5) + (" " if name != "skip" else "") for name in MODES)
    sizes = " ".join(_percent(f["cu_size"][str(size)], 6) for size in CU_SIZES)
    return f"{modes} {sizes}  {_percent(f['transform_skip'], 7)} {_number(f['mean_qp'], 6)} {_number(f['mean_mv'], 6)}"


def _shares(title, shares):
    used = {name: share for name, share in shares.items() if share}
    return f"{title}: {'  '.join(f'{name} {100 * share:.1f}%' for name, share in used.items()) or '-'}\n"
