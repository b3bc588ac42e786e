"""(7.3.8) The walk over the coding tree, read, written, and counted.

Whatever a reader makes of random bytes is a legal tree as long as it notes no error. So random trees come from random
bytes and random contexts: writing must not change them, and they must be read back as what they were. The bytes may
differ from the random ones: a chroma cbf above transform units that all have none is legal, but we do not write it.
"""

from typing import NamedTuple

import numpy as np
import pytest

from codec.cabac import engine
from codec.cabac.contexts import CONTEXT_COUNT
from codec.cabac.tables import ONE_BIT
from codec.structs import CTB, CTU_COEFFS, MODE_INTRA, MOTION, PARAMS, SLICE, SLICE_I, UNIT, Frame, PART_NxN
from codec.syntax.coding_tree import coding_tree_unit
from codec.syntax.walk import ERROR_END_OF_SUBSET, new_walk

_BUFFER = np.zeros(1 << 20, np.uint8)

_PLAIN = {"pic_width": 88, "pic_height": 72, "log2_ctb_size": 5}
CASES = {
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
}


def make_frame(rng, **changes):
    """An empty frame of random slices and tiles."""
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
        params[0][name] = value
    p = params[0]
    ctb_size = 1 << p["log2_ctb_size"]
    p["width_in_ctbs"], p["height_in_ctbs"] = -(-p["pic_width"] // ctb_size), -(-p["pic_height"] // ctb_size)
    p["width_in_units"], p["height_in_units"] = p["pic_width"] // 4, p["pic_height"] // 4
    slices = np.zeros(1, SLICE)
    slices[0]["slice_type"], slices[0]["slice_qp_y"] = SLICE_I, 30
    slices[0]["slice_sao_luma"] = slices[0]["slice_sao_chroma"] = p["sao_enabled"]
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
    return frame._replace(units=frame.units.copy(), ctbs=frame.ctbs.copy())


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
        contexts = rng.integers(0, 100, CONTEXT_COUNT).astype(np.uint8)
        reader, frame = engine.new_reader(data), copy_frame(empty)
        engine.set_contexts(reader, contexts)
        coeffs = np.zeros((len(frame.ctbs), CTU_COEFFS), np.int16)
        ends = code_ctus(reader, frame, coeffs, [], (), None)
        # a level outside 16 bits is clipped, which loses the sign hidden in its parity
        clipped = (coeffs == 32767).any() or (coeffs == -32768).any()
        if not reader.state[0]["error"] and not clipped and engine.reader_byte_position(reader) < len(data):
            return Tree(frame, coeffs, ends), empty, contexts, data


def assert_same_tree(a, b):
    assert a.ends == b.ends
    for name in UNIT.names:
        np.testing.assert_array_equal(a.frame.units[name], b.frame.units[name], name)
    for name in CTB.names:
        np.testing.assert_array_equal(a.frame.ctbs[name], b.frame.ctbs[name], name)
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
        if not subsets and not empty.params[0]["chroma_format_idc"] and not tree.frame.units["pcm_flag"].any():
            # the same bins make the same bytes, but for the end
            np.testing.assert_array_equal(_BUFFER[: length - 4], data[: length - 4])

        reader, frame = engine.new_reader(_BUFFER[:length].copy()), copy_frame(empty)
        engine.set_contexts(reader, contexts)
        coeffs = np.zeros_like(tree.coeffs)
        ends = code_ctus(reader, frame, coeffs, [], subsets, restart_reader)
        assert not reader.state[0]["error"] and engine.reader_byte_position(reader) == length
        assert_same_tree(Tree(frame, coeffs, ends), tree._replace(ends=tree.ends[:-1] + [1]))
        np.testing.assert_array_equal(engine.get_contexts(reader), engine.get_contexts(writer))


@pytest.mark.parametrize("case", ["plain", "PCM", "delta QP", "SAO", "everything"])
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


def test_a_missing_end_of_subset_bit_is_an_error():
    rng = np.random.default_rng(6)
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
