"""The decision about the CNN loop filter: costs are what the stream pays, and never above doing nothing."""

import numpy as np
import pytest

from codec.common.tools.filter_nets import load_nets
from codec.h265.cabac.contexts import initial_contexts
from codec.h265.cabac.engine import new_estimator, set_contexts
from codec.h265.cabac.tables import ONE_BIT
from codec.h265.structs import SLICE, SLICE_I
from codec.h265.syntax.ctu_flags import code_tool_flags
from codec.h265.syntax.params import CtbLayout
from codec.h265.syntax.sub_streams import SubStreams
from codec.h265.syntax.walk import begin_ctu, new_walk
from codec.h265.tools.loop_filter.apply import PLACE, CnnLoopFilter
from codec.h265.tools.loop_filter.decide import decide_cnn_filter
from codec.h265.tools.loop_filter.tool import LoopFilter
from tests.codec.common.tools.test_filter_inputs import make_frame
from tests.codec.h265.tools.small_nets import all_nets

SIZE = 96, 80


@pytest.fixture(scope="module")
def nets(tmp_path_factory):
    directory = tmp_path_factory.mktemp("nets") / "weights"
    ids = all_nets(directory)
    return dict(zip(ids, load_nets(ids.values(), directory, "compiled", place=PLACE), strict=True))


def picture(rng, slices, chroma=1, depth=8):
    """(frame, original): noise all over the frame, which is in the original only on the right."""
    frame = make_frame(*SIZE, chroma=chroma, depth=depth)
    original = []
    for plane in (frame.luma, frame.cb, frame.cr):
        smooth = np.full(plane.shape, 100 << (depth - 8), np.int16)
        noise = rng.normal(0, 6 << (depth - 8), plane.shape).astype(np.int16)
        plane[:] = smooth + noise
        wanted = smooth.copy()
        wanted[:, plane.shape[1] * 2 // 3 :] = plane[:, plane.shape[1] * 2 // 3 :]
        original.append(wanted)
    records = np.zeros(slices, SLICE)
    records["slice_type"], records["slice_qp_y"] = SLICE_I, 32
    count = len(frame.ctbs)
    frame.ctbs["addr_ts"] = np.arange(count)
    frame.ctbs["slice_idx"] = np.arange(count) * slices // count
    firsts = np.searchsorted(frame.ctbs["slice_idx"], np.arange(slices))
    frame.ctbs["slice_addr"] = firsts[frame.ctbs["slice_idx"]]
    return frame._replace(slices=records), original


def streams_of(frame, wavefront):
    order = np.arange(len(frame.ctbs), dtype=np.int32)
    layout = CtbLayout(order, order, np.zeros_like(order), None, None)
    return SubStreams(layout, int(frame.params[0]["width_in_ctbs"]), wavefront)


def stream_bits(frame, wavefront):
    """Bits of all CTU flags, counted by the syntax itself; contexts as the sub-streams have them."""
    streams, engine, walk = streams_of(frame, wavefront), new_estimator(), new_walk()
    kept, slice_idx = None, -1
    for addr in range(len(frame.ctbs)):
        walk[0]["ctb_addr"], walk[0]["slice_idx"] = addr, frame.ctbs["slice_idx"][addr]
        begin_ctu(frame, walk)
        if frame.ctbs["slice_idx"][addr] != slice_idx or streams.begins[addr]:
            slice_idx = frame.ctbs["slice_idx"][addr]
            inherits = streams.row_start[addr] and addr and streams.above_right_available(frame, addr)
            set_contexts(engine, kept if inherits else initial_contexts(SLICE_I, 0, 32))
        code_tool_flags(engine, frame, walk)
        if streams.stores_row[addr]:
            kept = engine.state[0]["contexts"].copy()
    return float(engine.state[0]["bits"]) / ONE_BIT


def decide(frame, *arguments):
    """decide_cnn_filter, and what the slice writer makes of it."""
    slices, cost = decide_cnn_filter(frame, *arguments)
    for record, chosen in zip(frame.slices, slices, strict=True):
        record["tool_flags_on"], record["tool_flags_coded"] = LoopFilter().ctu_masks(chosen)
    return slices, cost


def squared_error(frame, original, lambdas):
    total = 0.0
    for c, plane in enumerate((frame.luma, frame.cb, frame.cr)):
        if plane.size:
            total += float(((plane.astype(np.int64) - original[c]) ** 2).sum()) / lambdas[c]
    return total


@pytest.mark.parametrize("wavefront", [False, True])
@pytest.mark.parametrize("slices", [1, 3])
@pytest.mark.parametrize(("names", "chroma"), [("blur", 1), ("blur sharpen", 0), ("full blur sharpen", 1)])
def test_cost_is_what_the_picture_gains_and_pays(nets, names, chroma, slices, wavefront):
    rng, names = np.random.default_rng(7), names.split()
    frame, original = picture(rng, slices, chroma)
    loop_filter = CnnLoopFilter(frame.params[0], [nets[name] for name in names])
    loop_filter.begin_picture()
    strengths = np.zeros((2, SIZE[1] // 4, SIZE[0] // 4), np.int8)
    loop_filter.keep_reconstructed(frame)
    lambdas = np.array([60.0, 40.0, 50.0])
    before = squared_error(frame, original, lambdas)
    slices, cost = decide(frame, original, lambdas, loop_filter, strengths, streams_of(frame, wavefront))
    loop_filter.filter(frame, slices, strengths)
    headers = 0
    for record in frame.slices:
        on = int(record["tool_flags_on"])
        headers += on and 3 * on.bit_count() + (len(names) - 1).bit_length() + (3 if "full" in names and chroma else 1)
    paid = squared_error(frame, original, lambdas) - before + stream_bits(frame, wavefront) + headers
    assert cost == pytest.approx(paid, abs=1e-6)
    assert cost < -20
    # the noisy part is filtered, the other is not
    luma = frame.ctbs["tool_flags"] & 1
    assert 0.3 < luma.mean() < 0.9


def test_nothing_is_done_where_nothing_is_gained(nets):
    frame, _ = picture(np.random.default_rng(1), 2)
    original = [plane.copy() for plane in (frame.luma, frame.cb, frame.cr)]
    loop_filter = CnnLoopFilter(frame.params[0], [nets["blur"]])
    frame.ctbs["tool_flags"] = 7
    slices, cost = decide(frame, original, np.ones(3), loop_filter, None, streams_of(frame, False))
    assert cost == 0 and not frame.ctbs["tool_flags"].any() and not any(s.slice_cnn_filter_flag for s in slices)


def test_a_slice_that_is_noisy_everywhere_has_no_flags(nets):
    frame, original = picture(np.random.default_rng(2), 1)
    rng = np.random.default_rng(3)
    frame.luma[:] = 100 + rng.normal(0, 6, frame.luma.shape)
    original[0][:] = 100
    loop_filter = CnnLoopFilter(frame.params[0], [nets["blur"]])
    decide(frame, original, np.full(3, 20.0), loop_filter, None, streams_of(frame, False))
    assert frame.slices[0]["tool_flags_on"] == 1 and frame.slices[0]["tool_flags_coded"] == 0
    assert (frame.ctbs["tool_flags"] == 1).all()


def test_the_scale_follows_the_gain(nets):
    """Only a quarter of what the net corrects is wanted."""
    frame, original = picture(np.random.default_rng(2), 1)
    frame.luma[:] = np.random.default_rng(4).integers(60, 140, frame.luma.shape)
    loop_filter = CnnLoopFilter(frame.params[0], [nets["blur"]])
    original[0][:] = loop_filter.corrected(frame, 0, 0, loop_filter.corrections(frame, 0)[0], 1)
    slices, _ = decide(frame, original, np.full(3, 20.0), loop_filter, None, streams_of(frame, False))
    assert slices[0].scales[0] == 3
