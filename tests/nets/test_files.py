"""Files of nets: identity, damage, limits, and the list of installed nets."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.base.errors import EXIT_WEIGHTS, CodecError, LimitExceeded, WeightsMissing
from nets import container, program, reference, weights
from nets.container import InvalidNet
from nets.graph import analyse
from nets.netfile import load_net, save_net, with_answer
from nets.qnet import QNet, graph_json, net_id, parse_graph
from nets.run import known_inputs
from tests.nets.random_nets import random_inputs, random_net

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def net():
    return with_answer(random_net(11, 6))


def save(tmp_path, net):
    path = tmp_path / "net.safetensors"
    save_net(path, net)
    return path


def changed(net, **fields):
    """The net with other fields, whatever follows."""
    old = {name: getattr(net, name) for name in ("inputs", "layers", "outputs", "tensors", "info", "answer")}
    return QNet(**{**old, **fields})


def test_a_file_gives_back_the_net(tmp_path, net):
    path = save(tmp_path, net)
    again = load_net(path)
    assert (again.inputs, again.layers, again.outputs, again.answer) == (
        net.inputs, net.layers, net.outputs, net.answer
    )  # fmt: skip
    assert net_id(again) == net_id(net)
    assert path.read_bytes() == container.encode(*container.decode(path.read_bytes(), "x"))
    inputs = random_inputs(net, 5)
    for name, array in reference.run(net, inputs).items():
        np.testing.assert_array_equal(reference.run(again, inputs)[name], array)


def test_the_identity_is_fixed_for_all_time():
    """An id that changes would orphan every stream written before."""
    net = random_net(11, 6)
    assert net_id(net) == net_id(changed(net, info={"name": "other"}, answer="0"))
    assert len({net_id(random_net(seed)) for seed in range(20)}) == 20
    assert net_id(fixed_net()) == "bc1086405b314269"


def fixed_net():
    """A net written down number by number."""
    from nets.qnet import Input, Layer, Output

    layer = Layer("c", "conv", ("a",), 2, (3, 1), prelu=True, lo=-32, hi=255)
    tensors = {
        "c.weight": np.arange(-3, 3, dtype=np.int8).reshape(2, 1, 3, 1),
        "c.bias": np.array([7, -9], np.int32),
        "c.shift": np.array([1, 2], np.uint8),
        "c.slope": np.array([3, 0], np.uint8),
    }
    return QNet((Input("a", 1, 0, -512, 511, 9),), (layer,), (Output("y", "c", 4),), tensors)


def test_the_known_answer_is_fixed_for_all_time():
    net = fixed_net()
    assert known_inputs(net)["a"].reshape(-1)[:6].tolist() == [-126, -318, 472, -512, -197, 152]
    assert with_answer(net).answer[:16] == "3ad0d8f49f6a62a1"


def test_every_weight_counts_for_the_identity(net):
    for name, array in net.tensors.items():
        other = array.copy()
        other.reshape(-1)[-1] ^= 1
        assert net_id(changed(net, tensors={**net.tensors, name: other})) != net_id(net)


def test_files_can_be_opened_by_others(tmp_path, net):
    safetensors = pytest.importorskip("safetensors.numpy")
    tensors = safetensors.load_file(save(tmp_path, net))
    assert set(tensors) == set(net.tensors)
    for name in tensors:
        np.testing.assert_array_equal(tensors[name], net.tensors[name])


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_files_are_refused_or_still_valid(data):
    whole = container.encode({"graph": graph_json(fixed_net()), "answer": "0", "info": "{}"}, fixed_net().tensors)
    damaged = bytearray(whole)
    kind = data.draw(st.sampled_from(["flip", "cut", "insert"]))
    at = data.draw(st.integers(0, len(whole) - 1))
    if kind == "flip":
        damaged[at] ^= data.draw(st.integers(1, 255))
    elif kind == "cut":
        del damaged[at:]
    else:
        damaged[at:at] = data.draw(st.binary(min_size=1, max_size=8))
    try:
        metadata, tensors = container.decode(bytes(damaged), "file")
        graph = parse_graph(container.parse_json(metadata.get("graph", ""), "file"), "file")
        net = QNet(*graph, tensors)
        analyse(net)
    except CodecError as error:
        assert error.exit_code in (7, 8) and "\n" not in str(error)
    else:
        assert net_id(net) != net_id(fixed_net()) or tensors.keys() == fixed_net().tensors.keys()


def header_file(tmp_path, header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = tmp_path / "bad.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b"{",
        b'{"a":1,"a":1}',
        b"[" * 100000,
        {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}},
        {"w": {"dtype": "I8", "shape": [1 << 40, 1 << 40], "data_offsets": [0, 1]}},
        {"w": {"dtype": "I8", "shape": [-1], "data_offsets": [0, -1]}},
        {"w": {"dtype": "I8", "shape": [2.5], "data_offsets": [0, 2]}},
        {"w": {"dtype": "I8", "shape": [9], "data_offsets": [0, 9]}},
        {"w": {"dtype": ["I8"], "shape": [9], "data_offsets": [0, 9]}},
        {"w": {"dtype": "I8", "shape": [1] * 9, "data_offsets": [0, 1]}},
        {"__metadata__": {"graph": 1}},
        {"__metadata__": {"graph": "{}", "answer": "", "info": "{}"}},
        {"__metadata__": {"graph": "1e999", "answer": "", "info": "[]"}},
    ],
)
def test_bad_headers_are_one_clear_line(tmp_path, header):
    with pytest.raises(InvalidNet) as caught:
        load_net(header_file(tmp_path, header))
    assert caught.value.exit_code == EXIT_WEIGHTS
    assert "bad.safetensors" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("second", [(2, 6), (5, 9), (0, 4)])
def test_tensors_lie_side_by_side(tmp_path, second):
    """Overlapping, with a gap, twice the same bytes."""
    spans = {"a": (0, 4), "b": second}
    header = {name: {"dtype": "I8", "shape": [4], "data_offsets": list(span)} for name, span in spans.items()}
    with pytest.raises(InvalidNet, match="not where it should be"):
        load_net(header_file(tmp_path, header, bytes(second[1])))


def test_sizes_are_checked_before_anything_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(container, "MAX_FILE_BYTES", 100)
    with pytest.raises(LimitExceeded, match="limit of 100"):
        load_net(header_file(tmp_path, b" " * 200))
    monkeypatch.undo()
    monkeypatch.setattr(container, "MAX_HEADER_BYTES", 100)
    with pytest.raises(LimitExceeded, match="limit of 100"):
        load_net(header_file(tmp_path, b" " * 200))
    monkeypatch.undo()
    monkeypatch.setattr(container, "MAX_TENSORS", 1)
    with pytest.raises(LimitExceeded, match="limit of 1"):
        load_net(header_file(tmp_path, {"a": 1, "b": 2}))
    with pytest.raises(WeightsMissing, match="cannot read"):
        load_net(tmp_path / "none")


def _edit(layer=None, entry=None, **fields):
    """A function that changes fields of one layer or input in a parsed graph."""

    def apply(graph):
        target = graph["layers" if entry is None else "inputs"][layer if entry is None else entry]
        target.update(fields)

    return apply


@pytest.mark.parametrize(
    "edit, message",
    [
        (_edit(0, op="softmax"), "not known"),
        (_edit(0, channels=0), "channels is 0"),
        (_edit(0, channels=3), "shift is uint8"),
        (_edit(0, kernel=[3, 3]), "weight is int8"),
        (_edit(0, kernel=[2, 2]), "kernel"),
        (_edit(0, kernel=[3, "1"]), "kernel"),
        (_edit(0, pad="mirror"), "pad is"),
        (_edit(0, groups=2), "groups"),
        (_edit(0, lo=1 << 20), "lo is"),
        (_edit(0, lo=300), "above hi"),
        (_edit(0, inputs=["b"]), "'b' is not there"),
        (_edit(0, inputs=["a", "a"]), "2 inputs"),
        (_edit(0, name="a"), "taken"),
        (_edit(0, prelu=False), "not used"),
        (_edit(0, extra=1), "has .*extra"),
        (_edit(entry=0, grid=6), "grid is 6"),
        (_edit(entry=0, grid=-1), "vector"),
        (_edit(entry=0, channels=True), "channels is True"),
        (lambda graph: graph.update(format=2), "format 2"),
        (lambda graph: graph["outputs"][0].update(source="q"), "not there"),
        (lambda graph: graph["outputs"].append(graph["outputs"][0]), "one name"),
        (lambda graph: graph.update(outputs=[]), "outputs is not"),
        (lambda graph: graph.update(layers=[1]), "not a table"),
    ],
)
def test_wrong_graphs_are_refused(edit, message):
    table = json.loads(graph_json(fixed_net()))
    edit(table)
    with pytest.raises(InvalidNet, match=message):
        analyse(QNet(*parse_graph(table, "net"), fixed_net().tensors))


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("c.weight", np.full((2, 1, 3, 1), -128, np.int8), "outside"),
        ("c.bias", np.array([0, (1 << 24) - 1], np.int32), "float32 is exact below"),
        ("c.bias", np.array([0, 0, 0], np.int32), "bias is int32"),
        ("c.shift", np.array([0, 25], np.uint8), "outside"),
        ("c.slope", np.array([0, 8], np.uint8), "outside"),
        ("d.bias", np.zeros(2, np.int32), "not used"),
    ],
)
def test_wrong_tensors_are_refused(name, value, message):
    with pytest.raises(InvalidNet, match=message):
        analyse(changed(fixed_net(), tensors={**fixed_net().tensors, name: value}))


def test_the_bound_is_proved_to_the_last_unit():
    """Weights -3, -2, -1 of the first channel at inputs down to -512, and the largest bias that is left."""
    most = (1 << 24) - 1 - 512 * (1 + 2 + 3)
    for bias, fits in ((most, True), (most + 1, False)):
        net = changed(fixed_net(), tensors={**fixed_net().tensors, "c.bias": np.array([bias, 0], np.int32)})
        if fits:
            analyse(net)
        else:
            with pytest.raises(InvalidNet, match="channel 0 can reach 16777216"):
                analyse(net)


def test_a_wrong_known_answer_stops_everything(net):
    with pytest.raises(InvalidNet, match="known answer"):
        program.prepare(changed(net, answer="0" * 64))


def empty_list(directory):
    (directory / "MANIFEST.json").write_text('{"format": 1, "nets": []}')
    return directory


def test_published_nets_are_found_by_name_and_id(tmp_path, net):
    entry = weights.publish(net, "filter-1", "a recipe", "-1 %", empty_list(tmp_path))
    assert weights.find("filter-1", tmp_path) == weights.find(entry.id, tmp_path) == entry
    assert net_id(weights.load(entry.id, tmp_path)) == entry.id
    other = with_answer(random_net(12, 6))
    newer = weights.publish(other, "filter-1", "a recipe", "-2 %", tmp_path)
    assert weights.manifest(tmp_path) == (newer,)


def test_missing_or_different_weights_name_the_id(tmp_path, net):
    with pytest.raises(WeightsMissing, match="0123456789abcdef, which CnnLoopFilter needs") as caught:
        weights.find("0123456789abcdef", why="CnnLoopFilter")
    assert caught.value.exit_code == EXIT_WEIGHTS
    entry = weights.publish(net, "filter", "a recipe", "-1 %", empty_list(tmp_path))
    path = tmp_path / entry.file
    save_net(path, with_answer(random_net(12, 6)))
    with pytest.raises(WeightsMissing, match=f"not {entry.id}"):
        weights.load(entry.id, tmp_path)
    save_net(path, changed(net, info={"name": "edited"}))
    with pytest.raises(WeightsMissing, match="not the one that was published"):
        weights.load(entry.id, tmp_path)
    path.unlink()
    with pytest.raises(WeightsMissing, match="cannot read"):
        weights.load("filter", tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": 2, "nets": []}', '{"format": 1, "nets": [{}]}', '{"format": 1, "nets": [1]}', None]
)
def test_a_damaged_list_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "MANIFEST.json").write_text(text)
    with pytest.raises(WeightsMissing, match="MANIFEST"):
        weights.find("x", tmp_path)


def test_files_of_the_list_lie_beside_it(tmp_path, net):
    weights.publish(net, "filter", "", "", empty_list(tmp_path))
    path = tmp_path / "MANIFEST.json"
    path.write_text(path.read_text().replace("filter.safetensors", "../filter.safetensors"))
    with pytest.raises(InvalidNet, match="not allowed"):
        weights.manifest(tmp_path)


def test_nothing_heavy_is_imported_before_a_net_runs():
    modules = "nets.weights, nets.quantise, nets.torch_backend, nets.program, nets.arch.module"
    code = f"import sys, {modules}; sys.exit(str([m for m in ('torch', 'numba') if m in sys.modules] or ''))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.stderr.strip() == ""


def test_installed_nets_are_whole():
    for entry in weights.manifest():
        if entry.architecture == "fir":
            weights.load(entry.id, kind=weights.BANK)
        elif entry.placement == "codec":
            for net in weights.load(entry.id, kind=weights.CODEC).nets.values():
                program.prepare(net)
        else:
            program.prepare(weights.load(entry.id))
        assert entry.training and entry.gain
