"""(7.3.8) The walk over the coding tree, read, written, and counted.

Whatever a reader makes of random bytes is a legal tree as long as it notes no error. So random trees come from random
bytes and random contexts: writing must not change them, and they must be read back as what they were. The bytes may
differ from the random ones: a chroma cbf above transform units that all have none is legal, but we do not write it.
"""

from typing import NamedTuple

import numpy as np
import pytest

from codec.h265.cabac import engine
from codec.h265.cabac.contexts import ABS_MVD_GREATER0_FLAG, ABS_MVD_GREATER1_FLAG, CONTEXT_COUNT, CTU_TOOL_FLAG
from codec.h265.cabac.tables import ONE_BIT
from codec.h265.intra_modes import INTRA_DC
from codec.h265.structs import (
    CTB,
    CTU_COEFFS,
    MODE_INTER,
    MODE_INTRA,
    MOTION,
    PARAMS,
    PREDICTION_UNIT,
    SLICE,
    SLICE_B,
    SLICE_I,
    SLICE_P,
    UNIT,
    Frame,
    PART_2Nx2N,
    PART_NxN,
)
from codec.h265.syntax.coding_tree import coding_tree_unit
from codec.h265.syntax.mode_rank import GROUP_START, GROUPS
from codec.h265.syntax.prediction_unit import code_mvd
from codec.h265.syntax.walk import ERROR_END_OF_SUBSET, ERROR_MVD, new_walk

_BUFFER = np.zeros(1 << 20, np.uint8)

_PLAIN = {"pic_width": 88, "pic_height": 72, "log2_ctb_size": 5}
_P = {"slice_type": SLICE_P, "max_num_merge_cand": 5, "num_ref_idx_l0": 4, "max_th_depth_inter": 2}
_B = {**_P, "slice_type": SLICE_B, "num_ref_idx_l1": 2}
INTER_CASES = {
    "P": _P,
    "B": {**_B, "amp_enabled": 1},
    "B, one reference": {**_B, "num_ref_idx_l0": 1, "num_ref_idx_l1": 1, "mvd_l1_zero": 1},
    "P, 15 references, one merge candidate": {**_P, "num_ref_idx_l0": 15, "max_num_merge_cand": 1},
    "B, minimum CB 16": {**_B, "log2_min_cb_size": 4, "pic_width": 80, "pic_height": 48},
    "B, no transform tree depth": {**_B, "max_th_depth_inter": 0, "amp_enabled": 1},
    "P, 4:0:0": {**_P, "chroma_format_idc": 0},
    "P, trained filters": {**_P, "filter_sets": 3, "amp_enabled": 1},
    "B, trained filters, one set": {**_B, "filter_sets": 1, "log2_ctb_size": 4},
    "B, everything": {
        **_B,
        "amp_enabled": 1,
        "cu_qp_delta_enabled": 1,
        "diff_cu_qp_delta_depth": 1,
        "pcm_enabled": 1,
        "transquant_bypass_enabled": 1,
        "sign_data_hiding": 1,
        "transform_skip_enabled": 1,
        "sao_enabled": 1,
    },
}
CASES = {
    **INTER_CASES,
    "plain": {},
    "CTU 16": {"log2_ctb_size": 4, "pic_width": 40, "pic_height": 40},
    "CTU 64": {"log2_ctb_size": 6, "pic_width": 136, "pic_height": 72},
    "4:0:0": {"chroma_format_idc": 0},
    "10 bit": {"bit_depth_y": 10, "bit_depth_c": 10, "pcm_enabled": 1, "pcm_bit_depth_y": 9, "pcm_bit_depth_c": 10},
    "delta QP": {"cu_qp_delta_enabled": 1, "diff_cu_qp_delta_depth": 2},
    "delta QP per CTU, 10 bit": {"cu_qp_delta_enabled": 1, "bit_depth_y": 10, "bit_depth_c": 10},
    "PCM": {"pcm_enabled": 1, "log2_max_pcm_size": 5},
    "4:0:0 with PCM": {"chroma_format_idc": 0, "pcm_enabled": 1},
    "bypass": {"transquant_bypass_enabled": 1, "sign_data_hiding": 1, "transform_skip_enabled": 1},
    "sign hiding": {"sign_data_hiding": 1},
    "transform skip": {"transform_skip_enabled": 1},
    "SAO": {"sao_enabled": 1},
    "SAO, 10 bit": {"sao_enabled": 1, "bit_depth_y": 10, "bit_depth_c": 10},
    "CNN filter": {"sao_enabled": 1, "tool_flags_on": 7, "tool_flags_coded": 5, "log2_ctb_size": 4},
    "CNN filter, luma": {"tool_flags_on": 1, "tool_flags_coded": 1, "log2_ctb_size": 4},
    "chroma from luma": {"chroma_models": 6},
    "chroma from luma, net": {"chroma_models": 7},
    "chroma from luma, LM": {"chroma_models": 1, "log2_ctb_size": 4},
    "minimum CB 16": {"log2_min_cb_size": 4, "pic_width": 80, "pic_height": 48},
    "minimum TB 8": {"log2_min_tb_size": 3, "log2_min_cb_size": 4, "pic_width": 80, "pic_height": 48},
    "maximum TB 8": {"log2_max_tb_size": 3, "max_th_depth_intra": 1},
    "no transform tree depth": {"max_th_depth_intra": 0},
    "everything": {
        "cu_qp_delta_enabled": 1,
        "diff_cu_qp_delta_depth": 1,
        "pcm_enabled": 1,
        "transquant_bypass_enabled": 1,
        "sign_data_hiding": 1,
        "transform_skip_enabled": 1,
        "sao_enabled": 1,
    },
    "modes by rank": {"mode_ranks": 1},
    "modes by rank, 4:0:0": {"mode_ranks": 1, "chroma_format_idc": 0},
    "modes by rank, more": {"mode_ranks": 1, "pcm_enabled": 1, "transquant_bypass_enabled": 1, "chroma_models": 6},
    "modes by rank, B": {**INTER_CASES["B"], "mode_ranks": 1},
}


def make_frame(rng, **changes):
    """An empty frame of random slices and tiles; `changes`: fields of PARAMS and SLICE."""
    params = np.zeros(1, PARAMS)
    values = {
        "chroma_format_idc": 1,
        "bit_depth_y": 8,
        "bit_depth_c": 8,
        "log2_min_cb_size": 3,
        "log2_min_tb_size": 2,
        "log2_max_tb_size": 5,
        "max_th_depth_intra": 2,
        "pcm_bit_depth_y": 8,
        "pcm_bit_depth_c": 5,
        "log2_min_pcm_size": 3,
        "log2_max_pcm_size": 4,
        **_PLAIN,
        **changes,
    }
    values["log2_max_tb_size"] = min(values["log2_max_tb_size"], values["log2_ctb_size"])
    for name, value in values.items():
        if name in PARAMS.names:
            params[0][name] = value
    p = params[0]
    ctb_size = 1 << p["log2_ctb_size"]
    p["width_in_ctbs"], p["height_in_ctbs"] = -(-p["pic_width"] // ctb_size), -(-p["pic_height"] // ctb_size)
    p["width_in_units"], p["height_in_units"] = p["pic_width"] // 4, p["pic_height"] // 4
    slices = np.zeros(1, SLICE)
    slices[0]["slice_type"], slices[0]["slice_qp_y"] = SLICE_I, 30
    slices[0]["slice_sao_luma"] = slices[0]["slice_sao_chroma"] = p["sao_enabled"]
    for name in set(values) & set(SLICE.names):
        slices[0][name] = values[name]
    ctbs = np.zeros(p["width_in_ctbs"] * p["height_in_ctbs"], CTB)
    ctbs["slice_addr"] = np.sort(rng.integers(0, 2, len(ctbs)))
    ctbs["tile_id"] = rng.integers(0, 3, len(ctbs)) == 0
    height, width = int(p["pic_height"]), int(p["pic_width"])
    return Frame(
        params=params,
        slices=slices,
        units=np.zeros((height // 4, width // 4), UNIT),
        ctbs=ctbs,
        motion=np.zeros((0, 0), MOTION),
        scaling=np.zeros((4, 6, 1024), np.int16),
        luma=np.zeros((height, width), np.int16),
        cb=np.zeros((height // 2, width // 2), np.int16),
        cr=np.zeros((height // 2, width // 2), np.int16),
        prediction_units=np.zeros((height // 4, width // 4), PREDICTION_UNIT),
    )


class Tree(NamedTuple):
    """CTUs as an engine left or took them."""

    frame: Frame
    coeffs: np.ndarray
    ends: list


def code_ctus(e, frame, coeffs, ends, subsets, between):
    """Run all CTUs through an engine; `ends` are the end_of_slice_segment_flags to write. -> those that came out"""
    walk, found = new_walk(), []
    walk[0]["last_qp_y"] = 30
    for addr in range(len(frame.ctbs)):
        walk[0]["ctb_addr"], walk[0]["qp_y"] = addr, walk[0]["last_qp_y"]
        walk[0]["end_of_slice_segment"] = ends[addr] if ends else 0
        walk[0]["end_of_subset"] = addr in subsets
        coding_tree_unit(e, frame, walk, coeffs[addr])
        found.append(int(walk[0]["end_of_slice_segment"]))
        if found[-1]:
            break
        if addr in subsets:
            between(e)
    return found


def copy_frame(frame):
    return frame._replace(
        units=frame.units.copy(), ctbs=frame.ctbs.copy(), prediction_units=frame.prediction_units.copy()
    )


def forget_empty_trees(frame):
    """An inter unit may have a transform tree without any coefficients; we write that as rqt_root_cbf 0."""
    p = frame.params[0]
    size = 1 << int(p["log2_min_cb_size"]) - 2
    for y in range(0, frame.units.shape[0], size):
        for x in range(0, frame.units.shape[1], size):
            first = frame.units[y, x]
            step = 1 << max(int(first["log2_cb_size"]) - 2, 0)
            whole = first["part_mode"] == PART_2Nx2N and first["merge_flag"]
            if first["pred_mode"] != MODE_INTER or (x | y) & (step - 1) or (whole and not first["cu_skip_flag"]):
                continue
            units = frame.units[y : y + step, x : x + step]
            if not units["cbf"].any():
                units["log2_tb_size"] = min(first["log2_cb_size"], p["log2_max_tb_size"])


def restart_reader(reader):
    engine.start_reader(reader, engine.reader_byte_position(reader))


def restart_writer(writer):
    engine.finish_writer(writer)
    engine.start_writer(writer)


def random_tree(rng, **changes):
    """A tree read from random bytes. -> (Tree, the frame before, the contexts before, the bytes)"""
    while True:
        empty = make_frame(rng, **changes)
        data = rng.integers(0, 256, 60000).astype(np.uint8)
        contexts = np.full(CONTEXT_COUNT, 10, np.uint8)
        contexts[:CTU_TOOL_FLAG] = rng.integers(0, 100, CTU_TOOL_FLAG)
        reader, frame = engine.new_reader(data), copy_frame(empty)
        engine.set_contexts(reader, contexts)
        coeffs = np.zeros((len(frame.ctbs), CTU_COEFFS), np.int16)
        ends = code_ctus(reader, frame, coeffs, [], (), None)
        # a level outside 16 bits is clipped, which loses the sign hidden in its parity
        clipped = (coeffs == 32767).any() or (coeffs == -32768).any()
        if not reader.state[0]["error"] and not clipped and engine.reader_byte_position(reader) < len(data):
            forget_empty_trees(frame)
            return Tree(frame, coeffs, ends), empty, contexts, data


def assert_same_tree(a, b):
    assert a.ends == b.ends
    for name in UNIT.names:
        np.testing.assert_array_equal(a.frame.units[name], b.frame.units[name], name)
    for name in CTB.names:
        np.testing.assert_array_equal(a.frame.ctbs[name], b.frame.ctbs[name], name)
    for name in PREDICTION_UNIT.names:
        np.testing.assert_array_equal(a.frame.prediction_units[name], b.frame.prediction_units[name], name)
    np.testing.assert_array_equal(a.coeffs, b.coeffs)


def pad(ends, frame):
    return ends + [0] * (len(frame.ctbs) - len(ends))


@pytest.mark.parametrize("case", CASES)
def test_a_tree_survives_writing_and_reading(case):
    rng = np.random.default_rng(list(CASES).index(case))
    for _ in range(6):
        tree, empty, contexts, data = random_tree(rng, **CASES[case])
        count = len(tree.ends)
        subsets = set(rng.integers(0, count, 2).tolist()) if rng.random() < 0.5 else set()
        writer, written = engine.new_writer(_BUFFER), copy_frame(tree.frame)
        engine.set_contexts(writer, contexts)
        code_ctus(writer, written, tree.coeffs, pad(tree.ends[:-1] + [1], empty), subsets, restart_writer)
        length = int(engine.finish_writer(writer))
        # writing changes nothing
        assert_same_tree(Tree(written, tree.coeffs, tree.ends), tree)
        exact = case not in INTER_CASES and not empty.params[0]["chroma_format_idc"]
        if exact and not subsets and not tree.frame.units["pcm_flag"].any():
            # the same bins make the same bytes, but for the end
            np.testing.assert_array_equal(_BUFFER[: length - 4], data[: length - 4])

        reader, frame = engine.new_reader(_BUFFER[:length].copy()), copy_frame(empty)
        engine.set_contexts(reader, contexts)
        coeffs = np.zeros_like(tree.coeffs)
        ends = code_ctus(reader, frame, coeffs, [], subsets, restart_reader)
        assert not reader.state[0]["error"] and engine.reader_byte_position(reader) == length
        assert_same_tree(Tree(frame, coeffs, ends), tree._replace(ends=tree.ends[:-1] + [1]))
        np.testing.assert_array_equal(engine.get_contexts(reader), engine.get_contexts(writer))


@pytest.mark.parametrize("case", ["plain", "PCM", "delta QP", "SAO", "everything", "P", "B, everything"])
def test_the_estimate_is_close_to_the_bits(case):
    rng = np.random.default_rng(77)
    for _ in range(4):
        tree, empty, contexts, _ = random_tree(rng, **CASES[case])
        ends = pad([0] * (len(tree.ends) - 1) + [1], empty)
        writer, estimator = engine.new_writer(_BUFFER), engine.new_estimator()
        for e in (writer, estimator):
            engine.set_contexts(e, contexts)
            code_ctus(e, copy_frame(tree.frame), tree.coeffs, ends, (), None)
        written = 8 * int(engine.finish_writer(writer))
        estimated = estimator.state[0]["bits"] / ONE_BIT
        blocks = int((tree.frame.units["pcm_flag"] != 0).sum()) // 4
        assert abs(estimated - written) < 0.02 * written + 40 + 12 * blocks
        np.testing.assert_array_equal(engine.get_contexts(estimator), engine.get_contexts(writer))


def test_the_trees_hold_what_they_should():
    """Otherwise the tests above would prove little."""
    rng = np.random.default_rng(5)
    trees = [random_tree(rng, **CASES["everything"])[0] for _ in range(12)]
    units = np.concatenate([tree.frame.units[tree.frame.units["pred_mode"] == MODE_INTRA] for tree in trees])
    assert set(units["log2_cb_size"]) == {3, 4, 5}
    assert set(units["log2_tb_size"]) >= {2, 3, 4}
    assert set(units["intra_luma_mode"]) == set(range(35))
    assert set(units["chroma_pred_idc"]) == set(range(5))
    assert set(units["cbf"]) == set(range(8))
    for name in ("pcm_flag", "bypass", "transform_skip"):
        assert 0 < (units[name] != 0).mean() < 0.9, name
    assert (units["part_mode"] == PART_NxN).any()
    assert len(set(units["qp_y"])) > 5
    ctbs = np.concatenate([tree.frame.ctbs for tree in trees])
    assert set(ctbs["sao_merge"]) == {0, 1, 2} and set(ctbs["sao_type"].ravel()) == {0, 1, 2}


def test_ranks_of_all_groups_are_met_and_modes_unknown():
    """Single high ranks are rare in random bits; test_mode_rank.py has them all."""
    rng = np.random.default_rng(9)
    trees = [random_tree(rng, **CASES[case])[0] for case in ("modes by rank", "modes by rank, B") for _ in range(40)]
    units = np.concatenate([tree.frame.units.ravel() for tree in trees])
    intra = units["pred_mode"] == MODE_INTRA
    groups = np.searchsorted(GROUP_START, units["mode_rank"][intra], side="right") - 1
    assert set(groups) == set(range(GROUPS)) and not units["mode_rank"][~intra].any()
    assert (units["intra_luma_mode"][intra] == INTRA_DC).all()


def test_the_filter_flags_hold_what_they_should():
    rng = np.random.default_rng(5)
    flags = np.concatenate([random_tree(rng, **CASES["CNN filter"])[0].frame.ctbs["tool_flags"] for _ in range(6)])
    # Cb is on everywhere: it has no flags
    assert set(flags) - {0} == {2, 3, 6, 7}


def test_filter_sets_are_of_blocks_with_coded_vectors_alone():
    rng = np.random.default_rng(8)
    trees = [random_tree(rng, **INTER_CASES["P, trained filters"])[0] for _ in range(12)]
    units = np.concatenate([tree.frame.units.ravel() for tree in trees])
    assert set(units["filter_set"][(units["pred_mode"] == MODE_INTER) & (units["merge_flag"] == 0)]) == {0, 1, 2, 3}
    assert not units["filter_set"][units["pred_mode"] != MODE_INTER].any()
    whole = units[(units["merge_flag"] == 1) & (units["part_mode"] == PART_2Nx2N)]
    assert len(whole) and not whole["filter_set"].any()


def test_the_inter_trees_hold_what_they_should():
    rng = np.random.default_rng(10)
    trees = [random_tree(rng, **INTER_CASES["B"])[0] for _ in range(60)]
    trees += [random_tree(rng, **INTER_CASES["B, minimum CB 16"])[0] for _ in range(36)]
    units = np.concatenate([tree.frame.units.ravel() for tree in trees])
    inter = units[units["pred_mode"] == MODE_INTER]
    assert 0.2 < len(inter) / len(units) < 1
    assert set(inter["part_mode"]) == set(range(8))
    assert 0 < inter["cu_skip_flag"].mean() < 1 and set(inter["merge_flag"]) == {0, 1}
    blocks = np.concatenate([tree.frame.prediction_units.ravel() for tree in trees])
    assert set(blocks["merge_idx"]) == set(range(5))
    assert set(blocks["ref_idx"][:, 0]) == {-1, 0, 1, 2, 3} and set(blocks["ref_idx"][:, 1]) == {-1, 0, 1}
    assert set(blocks["mvp_flag"].ravel()) == {0, 1}
    # larger ones are rare in random bits; test_vector_differences_of_all_sizes has them
    assert blocks["mvd"].max() > 500 and blocks["mvd"].min() < -500


def test_a_vector_difference_out_of_range_is_an_error():
    writer = engine.new_writer(_BUFFER)
    for context, value in ((ABS_MVD_GREATER0_FLAG, 1), (ABS_MVD_GREATER0_FLAG, 0), (ABS_MVD_GREATER1_FLAG, 1)):
        engine.code_bin(writer, context, value)
    engine.code_bypass_bits(writer, 24, (1 << 24) - 1)
    engine.code_terminate(writer, 1)
    length = int(engine.finish_writer(writer))
    reader = engine.new_reader(_BUFFER[:length].copy())
    code_mvd(reader, 0, 0)
    assert reader.state[0]["error"] == ERROR_MVD


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 7, 8, 255, 4096, 32765, 32766, 32767])
def test_vector_differences_of_all_sizes(size):
    vectors = [(size, 0), (0, -size), (-size, size), (-32768, size)]
    writer = engine.new_writer(_BUFFER)
    for x, y in vectors:
        code_mvd(writer, x, y)
    engine.code_terminate(writer, 1)
    length = int(engine.finish_writer(writer))
    reader = engine.new_reader(_BUFFER[:length].copy())
    assert [code_mvd(reader, 0, 0) for _ in vectors] == vectors
    assert not reader.state[0]["error"]


def test_a_missing_end_of_subset_bit_is_an_error():
    rng = np.random.default_rng(5)
    tree, empty, contexts, _ = random_tree(rng)
    writer = engine.new_writer(_BUFFER)
    engine.set_contexts(writer, contexts)
    code_ctus(writer, copy_frame(tree.frame), tree.coeffs, pad([], empty), (), None)
    engine.code_terminate(writer, 1)
    length = int(engine.finish_writer(writer))
    reader = engine.new_reader(_BUFFER[:length].copy())
    engine.set_contexts(reader, contexts)
    code_ctus(reader, copy_frame(empty), np.zeros_like(tree.coeffs), [], {0}, lambda e: None)
    assert reader.state[0]["error"] == ERROR_END_OF_SUBSET
