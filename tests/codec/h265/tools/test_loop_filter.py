"""Nets found and refused; corrections added as docs/TOOLS.md says."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from codec.base.errors import Unsupported, UsageError, WeightsMissing
from codec.common.tools.filter_nets import NetStore, choose_nets, load_nets
from codec.common.tools.tool import Surroundings
from codec.h265.structs import SLICE
from codec.h265.tools.applied import AppliedTools
from codec.h265.tools.chroma import tool as chroma_tool
from codec.h265.tools.loop_filter import tool as loop_tool
from codec.h265.tools.loop_filter.apply import PLACE, CnnLoopFilter
from codec.h265.tools.output_filter import tool as output_tool
from codec.h265.tools.registry import Records
from nets.arch.filters import LOOP_FILTERS, OUTPUT_FILTERS
from tests.codec.common.tools.test_filter_inputs import make_frame
from tests.codec.h265.tools.small_nets import all_nets, full_net, luma_net, publish_nets
from tests.codec.test_floors import ROOT


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    directory = tmp_path_factory.mktemp("nets") / "weights"
    return directory, all_nets(directory)


def test_the_option_names_the_architectures():
    assert set(loop_tool.ARCHITECTURES) == set(LOOP_FILTERS)
    assert {f"{name}_rgb" for name in output_tool.ARCHITECTURES} == set(OUTPUT_FILTERS)


def test_nets_are_chosen_by_architecture_or_name(weights):
    directory, ids = weights
    assert set(choose_nets("vrcnn", "", directory, PLACE, 4)) == {ids["blur"], ids["sharpen"]}
    assert choose_nets("vrcnn", f"sharpen, {ids['full']}", directory, PLACE, 4) == (ids["sharpen"], ids["full"])
    for architecture, names, error in (
        ("rrcnn", "", WeightsMissing),
        ("vrcnn", "nobody", WeightsMissing),
        ("vrcnn", "blur,blur", UsageError),
    ):
        with pytest.raises(error, match=names or architecture):
            choose_nets(architecture, names, directory, PLACE, 4)


def test_nets_trained_for_the_place_come_first(tmp_path):
    nets = dict(behind=luma_net(), instead=luma_net(-1, 4), anywhere=luma_net(shift=5))
    for name, placement in (("behind", "filtered"), ("instead", "reconstructed")):
        nets[name].info["placement"] = placement
    ids = publish_nets(tmp_path, **nets)
    assert choose_nets("vrcnn", "", tmp_path, PLACE, 4, placement="filtered") == (ids["behind"],)
    assert choose_nets("vrcnn", "", tmp_path, PLACE, 4, placement="reconstructed") == (ids["instead"],)
    assert set(choose_nets("vrcnn", "", tmp_path, PLACE, 4, placement="deblocked")) == set(ids.values())
    assert choose_nets("vrcnn", "behind", tmp_path, PLACE, 4, placement="reconstructed") == (ids["behind"],)


def test_too_many_nets_must_be_named(tmp_path):
    publish_nets(tmp_path, **{f"n{shift}": luma_net(shift=shift) for shift in range(2, 7)})
    with pytest.raises(UsageError, match="CnnLoopFilterNets"):
        choose_nets("vrcnn", "", tmp_path, PLACE, 4)
    assert len(choose_nets("vrcnn", "n2,n3,n4,n5", tmp_path, PLACE, 4)) == 4


def test_missing_and_damaged_weights_name_the_id(weights, tmp_path):
    directory, ids = weights
    with pytest.raises(WeightsMissing, match="0123456789abcdef.*CnnLoopFilter"):
        load_nets(["0123456789abcdef"], directory, "compiled", why="CnnLoopFilter", place=PLACE)
    made = publish_nets(tmp_path, blur=luma_net())
    file = tmp_path / "blur.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(WeightsMissing):
        load_nets([made["blur"]], tmp_path, "compiled", place=PLACE)
    assert ids["blur"] == made["blur"]


def test_a_net_that_is_no_loop_filter_is_refused(tmp_path):
    net = luma_net()
    other_input = net.inputs[0]._replace(name="depth")
    layer = net.layers[0]
    for number, wrong in enumerate(
        (
            dict(inputs=(other_input,), layers=(layer._replace(inputs=("depth",)),)),
            dict(inputs=(net.inputs[0]._replace(lo=-100),)),
            dict(outputs=(net.outputs[0]._replace(name="uv"),)),
            dict(outputs=(net.outputs[0]._replace(fraction=15),)),
        )
    ):
        fields = dict(inputs=net.inputs, layers=net.layers, outputs=net.outputs, tensors=net.tensors) | wrong
        made = publish_nets(tmp_path / str(number), wrong=type(net)(**fields))
        with pytest.raises(Unsupported, match=made["wrong"]):
            load_nets(made.values(), tmp_path / str(number), "compiled", place=PLACE)


def test_compiled_loops_serve_and_torch_where_it_is_asked_for(weights):
    directory, ids = weights
    frame = make_frame()
    made = []
    for backend, module in (("auto", "program"), ("compiled", "program"), ("torch", "torch_backend")):
        loop_filter = CnnLoopFilter(frame.params[0], load_nets([ids["blur"]], directory, backend, place=PLACE))
        made.append(loop_filter.corrections(frame, 0)[0])
        assert loop_filter.nets[0].runner.__module__ == f"nets.{module}"
    assert np.array_equal(made[0], made[1]) and np.array_equal(made[0], made[2])


@pytest.mark.parametrize("depth", [8, 9, 10])
def test_corrections_are_added_ctu_by_ctu(weights, depth):
    directory, ids = weights
    nets = load_nets([ids["blur"], ids["full"]], directory, "compiled", place=PLACE)
    rng = np.random.default_rng(depth)
    frame = make_frame(depth=depth)
    frame = frame._replace(slices=np.zeros(2, SLICE))
    scales = dict(zip(("y", "cb", "cr"), (3, 1, 2), strict=True))
    second = {f"slice_cnn_filter_{c}_scale_idx": scale for c, scale in scales.items()}
    slices = [loop_tool.Slice(), loop_tool.Slice(slice_cnn_filter_net_idx=1, **second)]
    frame.ctbs["slice_idx"] = [0, 0, 0, 1, 1, 1]
    # the first net has no chroma
    frame.ctbs["tool_flags"] = [1, 0, 1, 7, 4, 2]
    frame.units["bypass"][:2, :2] = 1
    loop_filter = CnnLoopFilter(frame.params[0], nets)
    loop_filter.begin_picture()
    strengths = rng.integers(0, 3, (2, 8, 12)).astype(np.int8)
    loop_filter.keep_reconstructed(frame)
    corrections = [loop_filter.corrections(frame, index, strengths) for index in (0, 1)]
    before = [plane.copy() for plane in (frame.luma, frame.cb, frame.cr)]
    loop_filter.filter(frame, slices, strengths)
    changed = 0
    for c, plane in enumerate((frame.luma, frame.cb, frame.cr)):
        side = 16 >> (c > 0)
        for y, x in np.ndindex(plane.shape):
            ctb = y // side * 3 + x // side
            index, expected = int(ctb >= 3), int(before[c][y, x])
            if frame.ctbs["tool_flags"][ctb] >> c & 1:
                scale = slices[index].scales[c]
                quarters = int(corrections[index][c][y, x]) * (4 - int(scale))
                steps = np.floor(quarters / 2 ** (4 + 10 - depth) + 0.5)
                expected = int(np.clip(expected + steps, 0, (1 << depth) - 1))
            in_lossless = y << (c > 0) < 8 and x << (c > 0) < 8
            expected = int(before[c][y, x]) if in_lossless else expected
            assert plane[y, x] == expected, (c, y, x)
            changed += expected != before[c][y, x]
    assert changed > 300


def test_tiles_do_not_show(weights):
    directory, ids = weights
    nets = load_nets([ids["full"]], directory, "compiled", place=PLACE)
    frame = make_frame(72, 56)
    rng = np.random.default_rng(5)
    strengths = rng.integers(0, 3, (2, 14, 18)).astype(np.int8)
    made = []
    for tile in (512, 16, 40):
        loop_filter = CnnLoopFilter(frame.params[0], nets, tile)
        loop_filter.keep_reconstructed(frame)
        made.append(loop_filter.corrections(frame, 0, strengths))
    for planes in made[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(made[0], planes, strict=True))


def test_a_net_says_what_it_wants(weights):
    directory, ids = weights
    frame = make_frame()
    plain = CnnLoopFilter(frame.params[0], load_nets([ids["blur"]], directory, "compiled", place=PLACE))
    full = CnnLoopFilter(frame.params[0], load_nets([ids["full"]], directory, "compiled", place=PLACE))
    assert (plain.wants_residual, plain.wants_strengths) == (False, False)
    assert (full.wants_residual, full.wants_strengths) == (True, True)
    assert {entry.name for entry in full_net().inputs} == {"rec_y", "pred_y", "res_y", "rec_u", "rec_v", "edges", "qp"}


def test_ctus_are_followed_only_for_nets_that_want_their_residual(weights):
    directory, ids = weights
    config = SimpleNamespace(WeightsDir=directory, CnnBackend="compiled", CnnDevice="cpu")
    record = Records(cnn_chroma=chroma_tool.Sequence())
    for net, expected in ((None, False), ("blur", False), ("full", True)):
        record.cnn_loop_filter = net and loop_tool.Sequence(cnn_filter_net_id=[int(ids[net], 16)])
        sps = SimpleNamespace(tools=SimpleNamespace(sequence=record))
        applied = AppliedTools(Surroundings(sps, make_frame().params[0], NetStore(config, "{}")))
        assert applied.follows_ctus is expected


def test_without_the_tool_neither_torch_nor_any_net_is_imported():
    code = """
import io, sys
import numpy as np
from codec.h265.config import DecoderConfig, EncoderConfig, validated
from codec.h265.decoder.decode import decode_stream
from codec.h265.encoder.encode import encode_sequence
config = validated(EncoderConfig(SourceWidth=64, SourceHeight=64, QP=30, Threads=1))
planes = [np.full(size, 100, np.int16) for size in ((64, 64), (32, 32), (32, 32))]
sink = io.BytesIO()
assert len(list(encode_sequence(config, [planes], sink))) == 1
sink.seek(0)
assert len(list(decode_stream(DecoderConfig(), sink))) == 1
sys.exit(str([name for name in ("torch", "nets.qnet", "nets.run", "nets.weights") if name in sys.modules] or ""))
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert result.stderr.strip() == ""
