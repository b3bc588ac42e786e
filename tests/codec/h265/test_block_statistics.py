"""Rows of block statistics against a slow walk through the quadtrees, and that they tile the picture."""

import io
import time
from types import SimpleNamespace

import numpy as np
import pytest

from codec.common.tools.tool import Surroundings
from codec.h265.block_statistics import picture_statistics
from codec.h265.config import DecoderConfig
from codec.h265.decoder import coded_picture
from codec.h265.decoder.decode import decode_stream
from codec.h265.intra_modes import MPMS
from codec.h265.recon.mpm import most_probable_modes, mpm_index, remaining_rank
from codec.h265.structs import MODE_INTER, MODE_INTRA
from codec.h265.tools.loop_filter.apply import Application
from codec.h265.tools.loop_filter.tool import Sequence, Slice
from tests.codec.h265 import small_stream
from tests.codec.h265.recon.test_intra_reference import slow_available
from tests.conformance.run import DEFAULT_DIRECTORY

_SHARED = [
    "g2b_tu_inter4x4_motion",
    "g2b_pcm_hm_64x64",
    "hm_ai_dqp_foreman",
    "hm_ai_lossless_cu_foreman",
    "hm_ai_tskip_noSBH_foreman",
    "hm_ldb_10bit_foreman",
    "hm_ldb_mincu16_amp_foreman",
    "hm_ldb_pcm_foreman",
    "hm_ldp_constrained_intra_foreman",
    "hm_ra_wpp_slices_foreman",
]
_HALVES = {  # part_mode: x, y, width, height in quarters of the coding block
    0: ["0044"],
    1: ["0042", "0242"],
    2: ["0024", "2024"],
    3: ["0022", "2022", "0222", "2222"],
    4: ["0041", "0143"],
    5: ["0043", "0341"],
    6: ["0014", "1034"],
    7: ["0034", "3014"],
}


def slow_rank(frame, x, y, mode):
    """The mode's place in candModeList, or behind it."""
    mpm = np.zeros(MPMS, np.int64)
    left, up = (slow_available(frame, x, y, x - dx, y - 1 + dx) for dx in (1, 0))
    most_probable_modes(frame, x, y, left, up, mpm)
    index = int(mpm_index(mpm, mode))
    return index if index < MPMS else MPMS + int(remaining_rank(mpm, mode))


def slow_walk(frame, lists):
    """Rows of all tables but sao as sets of tuples, block by block through the quadtrees."""
    p, units = frame.params[0], frame.units
    width, height, ctb = int(p["pic_width"]), int(p["pic_height"]), 1 << int(p["log2_ctb_size"])
    cus, intra, inter, tus = [], [], [], []

    def transform_tree(x, y, size):
        unit = units[y // 4, x // 4]
        if 1 << int(unit["log2_tb_size"]) < size:
            for k in range(4):
                transform_tree(x + (k % 2) * size // 2, y + (k // 2) * size // 2, size // 2)
        else:
            tus.append((x, y, size, int(unit["cbf"]), int(unit["transform_skip"])))

    def motion_of(x, y):
        ctb_addr = (y // ctb) * int(p["width_in_ctbs"]) + x // ctb
        refs = lists[frame.ctbs[ctb_addr]["slice_idx"]]
        for number in range(2):
            ref_idx = int(frame.motion[y // 4, x // 4]["ref_idx"][number])
            used = ref_idx >= 0
            mv = frame.motion[y // 4, x // 4]["mv"][number].tolist() if used else [0, 0]
            yield (ref_idx if used else -1, int(refs[number][ref_idx]["poc"]) if used else 0, *mv)

    def coding_unit(x, y, size):
        unit = units[y // 4, x // 4]
        is_intra, pcm = int(unit["pred_mode"]) == MODE_INTRA, int(unit["pcm_flag"])
        chroma = int(unit["intra_chroma_mode"]) if is_intra and not pcm and p["chroma_format_idc"] else -1
        flags = [int(unit[name]) for name in ("pred_mode", "cu_skip_flag", "part_mode", "qp_y", "pcm_flag", "bypass")]
        cus.append((x, y, size, *flags, chroma))
        for digits in _HALVES[int(unit["part_mode"])]:
            dx, dy, w, h = (int(digit) * size // 4 for digit in digits)
            part = units[(y + dy) // 4, (x + dx) // 4]
            if is_intra:
                mode = -1 if pcm else int(part["intra_luma_mode"])
                intra.append((x + dx, y + dy, w, mode, -1 if pcm else slow_rank(frame, x + dx, y + dy, mode)))
                continue
            merge = int(part["merge_flag"])
            index = int(frame.prediction_units[(y + dy) // 4, (x + dx) // 4]["merge_idx"]) if merge else -1
            motion = tuple(motion_of(x + dx, y + dy))
            inter.append((x + dx, y + dy, w, h, int(unit["cu_skip_flag"]), merge, index, *motion))
        transform_tree(x, y, size)

    def quadtree(x, y, size):
        if x >= width or y >= height:
            return
        inside = x + size <= width and y + size <= height
        if inside and 1 << int(units[y // 4, x // 4]["log2_cb_size"]) == size:
            coding_unit(x, y, size)
            return
        for k in range(4):
            quadtree(x + (k % 2) * size // 2, y + (k // 2) * size // 2, size // 2)

    for y in range(0, height, ctb):
        for x in range(0, width, ctb):
            quadtree(x, y, ctb)
    return cus, intra, inter, tus


def tuples(rows):
    """Rows as tuples of plain numbers in the layout of `slow_walk`."""
    if "ref_idx" not in (rows.dtype.names or ()):
        return [tuple(row) for row in rows.tolist()]
    result = []
    for row in rows:
        head = tuple(int(row[n]) for n in ("x", "y", "width", "height", "skip", "merge_flag", "merge_idx"))
        lists = (
            (int(row["ref_idx"][i]), int(row["ref_poc"][i]), int(row["mv"][i][0]), int(row["mv"][i][1])) for i in (0, 1)
        )
        result.append((*head, *lists))
    return result


def coverage(frame, *tables):
    """How often each 4x4 block of the picture is covered by the rows of some tables."""
    count = np.zeros(frame.units.shape, np.int32)
    for rows in tables:
        names = rows.dtype.names
        w, h = (rows["width"], rows["height"]) if "width" in names else (rows["size"], rows["size"])
        for x0, y0, x1, y1 in zip(rows["x"], rows["y"], rows["x"] + w, rows["y"] + h, strict=True):
            assert x1 <= frame.luma.shape[1] and y1 <= frame.luma.shape[0]
            count[y0 // 4 : y1 // 4, x0 // 4 : x1 // 4] += 1
    return count


def check_stream(source, monkeypatch):
    """Decode, and compare every picture's statistics where they are made. -> the pictures"""
    checked = []

    class Checked(coded_picture.CodedPicture):
        def note_statistics(self):
            super().note_statistics()
            s = self._statistics
            cus, intra, inter, tus = slow_walk(self.frame, self._lists)
            assert sorted(tuples(s.coding_units)) == sorted(cus)
            assert sorted(tuples(s.intra_blocks)) == sorted(intra)
            assert sorted(tuples(s.inter_blocks)) == sorted(inter)
            assert sorted(tuples(s.transform_units)) == sorted(tus)
            for tables in (
                [s.coding_units],
                [s.intra_blocks, s.inter_blocks],
                [s.transform_units],
                [s.sao],
            ):
                assert (coverage(self.frame, *tables) == 1).all()
            assert np.array_equal(s.sao["offset"], self.frame.ctbs["sao_offset"])
            checked.append(self.poc)

    monkeypatch.setattr("codec.h265.decoder.decode.CodedPicture", Checked)
    pictures = list(decode_stream(DecoderConfig(BlockStatistics=True), source))
    assert sorted(picture.poc for picture in pictures) == sorted(checked)
    return pictures


def test_the_small_stream_as_a_slow_walk_sees_it(monkeypatch):
    pictures = check_stream(small_stream.open_stream(), monkeypatch)
    assert [(picture.slice_type, picture.hash_status) for picture in pictures] == [(t, "OK") for t in "IBBP"]
    inter = np.concatenate([picture.statistics.inter_blocks for picture in pictures])
    # the stream shows what it was made for
    assert {0, 1} == set(inter["merge_flag"].tolist()) == set(inter["skip"].tolist())
    assert (inter["ref_idx"] >= 0).all(axis=1).any() and (inter["width"] != inter["height"]).any()
    assert set(inter["ref_poc"][inter["ref_idx"] >= 0].tolist()) <= {0, 1, 2, 3}
    assert np.abs(inter["mv"]).max() > 0


@pytest.mark.skipif(not (DEFAULT_DIRECTORY / "index.csv").is_file(), reason="no ../shared/streams")
@pytest.mark.parametrize("name", _SHARED)
def test_a_shared_stream_as_a_slow_walk_sees_it(name, monkeypatch):
    data = (DEFAULT_DIRECTORY / f"{name}.bit").read_bytes()
    assert check_stream(io.BytesIO(data), monkeypatch)


def test_nothing_is_kept_unless_asked_for():
    pictures = list(decode_stream(DecoderConfig(), small_stream.open_stream()))
    assert [picture.statistics for picture in pictures] == [None] * 4


def test_rows_are_copies_of_their_picture():
    kept = list(decode_stream(DecoderConfig(BlockStatistics=True), small_stream.open_stream()))
    first = next(decode_stream(DecoderConfig(BlockStatistics=True), small_stream.open_stream()))
    for early, late in zip(first.statistics, kept[0].statistics, strict=True):
        assert np.array_equal(early, late)
    assert (kept[0].statistics.coding_units["pred_mode"] == MODE_INTRA).all()
    assert (kept[3].statistics.coding_units["pred_mode"] == MODE_INTER).all()
    assert kept[0].statistics.window == (0, 0, 64, 64)


def test_transform_skip_is_told_where_it_is_coded():
    frame, pocs, _ = caught_arguments()[0]
    units = frame.units.copy()
    units["transform_skip"], units["log2_tb_size"][:2, :2], units["cbf"][:2, :2] = 7, 2, 5
    tus = coded_picture.picture_statistics(frame._replace(units=units), pocs).transform_units
    small = tus[tus["size"] == 4]
    assert [tuple(tu) for tu in small[small["y"] < 8][:4].tolist() if tu[0] < 8] == [
        (0, 0, 4, 5, 1),
        (4, 0, 4, 5, 1),
        (0, 4, 4, 5, 1),
        (4, 4, 4, 5, 5),
    ]
    assert np.array_equal(tus[tus["size"] > 4]["transform_skip"], tus[tus["size"] > 4]["cbf"])


def test_what_the_cnn_filter_changes():
    frame, pocs, window = caught_arguments()[0]
    ctbs, ids = frame.ctbs.copy(), ("0" * 16, "1" * 16)
    ctbs["tool_flags"] = np.arange(len(ctbs)) % 8
    nets = SimpleNamespace(get=lambda ids, place: [SimpleNamespace(inputs=frozenset())] * len(ids))
    record = Sequence(num_cnn_filter_nets_minus1=1, cnn_filter_net_id=[0, 0x1111111111111111])
    application = Application(record, Surroundings(None, frame.params[0], nets))
    slices = [Slice(slice_cnn_filter_net_idx=1) for _ in frame.slices]
    found = application.statistics(frame._replace(ctbs=ctbs), slices)
    s = picture_statistics(frame, pocs, window)._replace(**found)
    assert s.cnn_filter["changed"].tolist() == [[n & 1, n >> 1 & 1, n >> 2 & 1] for n in ctbs["tool_flags"]]
    assert (s.cnn_filter["net"] == 1).all() and s.filter_nets == ids
    for name in ("x", "y", "width", "height"):
        assert np.array_equal(s.cnn_filter[name], s.sao[name])
    assert not len(picture_statistics(frame, pocs, window).cnn_filter)


def caught_arguments():
    """The arguments of `picture_statistics` for the pictures of the small stream."""
    frames = []
    original = coded_picture.picture_statistics

    def catch(*arguments):
        frames.append(arguments)
        return original(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coded_picture, "picture_statistics", catch)
        list(decode_stream(DecoderConfig(BlockStatistics=True), small_stream.open_stream()))
    return frames


def test_statistics_of_a_picture_take_milliseconds():
    arguments = caught_arguments()[-1]
    times = []
    for _ in range(20):
        started = time.perf_counter()
        coded_picture.picture_statistics(*arguments)
        times.append(time.perf_counter() - started)
    assert min(times) < 0.02
