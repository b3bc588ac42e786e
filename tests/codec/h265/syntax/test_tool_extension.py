"""CNN tools in the SPS and in slice headers: what is written is read; what is not known is refused by name."""

import itertools

import numpy as np
import pytest

from codec.base.errors import CodecError, CorruptStream, Unsupported
from codec.base.serdes import Reader, Writer, read_rbsp, write_rbsp
from codec.h265.nal import IDR_W_RADL
from codec.h265.structs import SLICE
from codec.h265.syntax.params import make_slice
from codec.h265.syntax.pps import Pps
from codec.h265.syntax.slice_header import SliceHeader, slice_segment_header
from codec.h265.syntax.sps import Sps, seq_parameter_set_rbsp
from codec.h265.syntax.tool_extension import TOOLS_SIGNATURE, ToolExtension, set_filter_elements


def make_sps(**changes):
    fields = dict(cnn_loop_filter_flag=1, cnn_filter_chroma_flag=1, cnn_filter_net_id=[0x0123456789ABCDEF])
    fields |= changes
    fields["num_cnn_filter_nets_minus1"] = len(fields["cnn_filter_net_id"]) - 1
    return Sps(sps_extension_present_flag=1, sps_extension_4bits=1, tools=ToolExtension(**fields))


def read_sps(data):
    return read_rbsp(seq_parameter_set_rbsp, Sps(), data)


def test_tools_survive_writing_and_reading():
    for nets in ([7], [1 << 63, 2], [1, 2, 3, 4]):
        sps = make_sps(cnn_filter_net_id=nets, cnn_filter_before_sao_flag=1)
        again = read_sps(write_rbsp(seq_parameter_set_rbsp, sps))
        assert again == sps
        assert again.tools.filter_nets == tuple(f"{net:016x}" for net in nets)


def test_the_output_filter_survives_alone_and_beside_the_loop_filter():
    alone = dict(cnn_loop_filter_flag=0, cnn_filter_chroma_flag=0, cnn_output_filter_flag=1)
    for fields in (alone, dict(cnn_output_filter_flag=1)):
        tools = make_sps(cnn_output_filter_net_id=0xFEDCBA9876543210, **fields).tools
        if not tools.cnn_loop_filter_flag:
            tools.cnn_filter_net_id, tools.num_cnn_filter_nets_minus1 = [], 0
        sps = Sps(sps_extension_present_flag=1, sps_extension_4bits=1, tools=tools)
        again = read_sps(write_rbsp(seq_parameter_set_rbsp, sps))
        assert again == sps and again.tools.output_net == "fedcba9876543210"
        for on, scale in ((0, 0), (1, 0), (1, 3)):
            header = SliceHeader(slice_cnn_output_filter_flag=on, slice_cnn_output_filter_scale_idx=scale)
            assert header_round_trip(header, sps)[0] == header


def test_the_output_filter_needs_chroma():
    sps = make_sps(cnn_output_filter_flag=1)
    sps.chroma_format_idc = 0
    with pytest.raises(CodecError, match="4:2:0"):
        write_rbsp(seq_parameter_set_rbsp, sps)


def test_a_foreign_extension_is_no_tool():
    sps = Sps(sps_extension_present_flag=1, sps_extension_4bits=1, sps_extension_data=(40, (TOOLS_SIGNATURE + 1) << 8))
    again = read_sps(write_rbsp(seq_parameter_set_rbsp, sps))
    assert again.tools is None and again == sps


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(tools_version=2), "another version"),
        (dict(cnn_intra_sr_flag=1), "CnnIntraSr"),
        (dict(cnn_interpolation_flag=1), "CnnInterpolation"),
        (dict(cnn_chroma_flag=1), "CnnChroma"),
        (dict(cnn_mpm_flag=1), "CnnMpm"),
        (dict(tools_reserved_zero_10bits=512), "does not know"),
    ],
)
def test_unknown_tools_are_unsupported(changes, message, monkeypatch):
    with pytest.raises(Unsupported, match=message):
        write_rbsp(seq_parameter_set_rbsp, make_sps(**changes))
    good = write_rbsp(seq_parameter_set_rbsp, make_sps())
    name, value = next(iter(changes.items()))
    at, bits = {"tools_version": (32, 8), "tools_reserved_zero_10bits": (46, 10)}.get(name, (0, 1))
    if not at:
        at = 41 + ["cnn_intra_sr_flag", "cnn_interpolation_flag", "cnn_chroma_flag", "cnn_mpm_flag"].index(name)
    number = int.from_bytes(good, "big")
    total = 8 * len(good)
    text = f"{number:0{total}b}"
    start = text.index(f"{TOOLS_SIGNATURE:032b}") + at
    text = text[:start] + f"{value:0{bits}b}" + text[start + bits :]
    with pytest.raises(Unsupported, match=message):
        read_sps(int(text, 2).to_bytes(len(good), "big"))


def test_a_net_that_is_named_twice_is_corrupt():
    sps = make_sps(cnn_filter_net_id=[5, 6])
    data = write_rbsp(seq_parameter_set_rbsp, sps)
    with pytest.raises(CorruptStream, match="twice"):
        read_sps(bytes_with(data, 6, 5))


def bytes_with(data, old, new):
    """The data with one 64-bit number replaced."""
    total = 8 * len(data)
    text = f"{int.from_bytes(data, 'big'):0{total}b}"
    assert text.count(f"{old:064b}") == 1
    return int(text.replace(f"{old:064b}", f"{new:064b}"), 2).to_bytes(len(data), "big")


def header_round_trip(header, sps):
    s = Writer()
    slice_segment_header(s, header, IDR_W_RADL, lambda pps_id: (sps, Pps()))
    again = SliceHeader()
    slice_segment_header(Reader(s.rbsp()), again, IDR_W_RADL, lambda pps_id: (sps, Pps()))
    return again, s.position


def test_every_choice_of_a_slice_survives():
    rng = np.random.default_rng(1)
    for nets, chroma in itertools.product((1, 2, 3, 4), (0, 1)):
        sps = make_sps(cnn_filter_net_id=list(range(1, nets + 1)), cnn_filter_chroma_flag=chroma)
        for _ in range(20):
            record = np.zeros(1, SLICE)[0]
            record["cnn_filter_on"] = rng.integers(0, 8 if chroma else 2)
            record["cnn_filter_ctus"] = record["cnn_filter_on"] & rng.integers(0, 8)
            if record["cnn_filter_on"]:
                record["cnn_filter_net"] = rng.integers(0, nets)
            for bit, name in enumerate(("y", "cb", "cr")):
                if record["cnn_filter_on"] >> bit & 1:
                    record[f"cnn_filter_scale_{name}"] = rng.integers(0, 4)
            header = SliceHeader()
            set_filter_elements(header, record)
            again, _ = header_round_trip(header, sps)
            assert again == header
            made = make_slice(sps, Pps(), again)[0]
            for name in SLICE.names:
                if name.startswith("cnn_filter"):
                    assert made[name] == record[name], name


def test_a_slice_without_the_filter_pays_one_bit_and_plain_streams_none():
    plain = Writer()
    slice_segment_header(plain, SliceHeader(), IDR_W_RADL, lambda pps_id: (Sps(), Pps()))
    without = Writer()
    sps = Sps(sps_extension_present_flag=1, sps_extension_4bits=1, tools=ToolExtension())
    slice_segment_header(without, SliceHeader(), IDR_W_RADL, lambda pps_id: (sps, Pps()))
    assert plain.rbsp() == without.rbsp()
    again, _ = header_round_trip(SliceHeader(), make_sps())
    assert again == SliceHeader()


def test_an_index_behind_the_last_net_is_corrupt():
    sps = make_sps(cnn_filter_net_id=[1, 2, 3, 4])
    header = SliceHeader(slice_cnn_filter_flag=1, slice_cnn_filter_net_idx=3)
    s = Writer()
    slice_segment_header(s, header, IDR_W_RADL, lambda pps_id: (sps, Pps()))
    fewer = make_sps(cnn_filter_net_id=[1, 2, 3])
    with pytest.raises(CorruptStream, match="slice_cnn_filter_net_idx = 3"):
        slice_segment_header(Reader(s.rbsp()), SliceHeader(), IDR_W_RADL, lambda pps_id: (fewer, Pps()))
