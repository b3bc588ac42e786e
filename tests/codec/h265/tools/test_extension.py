"""CNN tools in the SPS and in slice headers: what is written is read; what is not known is refused by name."""

import itertools

import numpy as np
import pytest

from codec.base.errors import CodecError, CorruptStream, Unsupported
from codec.base.serdes import Reader, Writer, read_rbsp, write_rbsp
from codec.h265.cabac.contexts import CTU_FLAG_COUNT
from codec.h265.nal import IDR_W_RADL
from codec.h265.syntax.params import make_slice
from codec.h265.syntax.pps import Pps
from codec.h265.syntax.slice_header import SliceHeader, slice_segment_header
from codec.h265.syntax.sps import Sps, seq_parameter_set_rbsp
from codec.h265.tools.chroma import tool as chroma_tool
from codec.h265.tools.extension import TOOLS_SIGNATURE, ToolExtension, tool_params
from codec.h265.tools.loop_filter import tool as loop_filter
from codec.h265.tools.modes import tool as modes_tool
from codec.h265.tools.output_filter import tool as output_filter
from codec.h265.tools.registry import COMING, TOOLS, Records

LOOP_FILTER, OUTPUT_FILTER = (
    next(tool for tool in TOOLS if tool.name == name) for name in ("cnn_loop_filter", "cnn_output_filter")
)


def make_sps(nets=(0x0123456789ABCDEF,), chroma=1, before=0, output_net=0, **changes):
    """An SPS with the loop filter's nets, where there are any, and the output filter's."""
    extension = ToolExtension()
    if nets:
        record = loop_filter.Sequence(before, chroma, len(nets) - 1, list(nets))
        extension.switch_on(LOOP_FILTER, record)
    if output_net:
        extension.switch_on(OUTPUT_FILTER, output_filter.Sequence(output_net))
    for name, value in changes.items():
        setattr(extension, name, value)
    return Sps(sps_extension_present_flag=1, sps_extension_4bits=1, tools=extension)


def read_sps(data):
    return read_rbsp(seq_parameter_set_rbsp, Sps(), data)


def test_tools_survive_writing_and_reading():
    for nets in ([7], [1 << 63, 2], [1, 2, 3, 4]):
        sps = make_sps(nets, before=1)
        again = read_sps(write_rbsp(seq_parameter_set_rbsp, sps))
        assert again == sps
        assert again.tools.sequence.cnn_loop_filter.nets == tuple(f"{net:016x}" for net in nets)
        assert again.tools.sequence.cnn_output_filter is None


def test_the_output_filter_survives_alone_and_beside_the_loop_filter():
    for nets in ((), (5,)):
        sps = make_sps(nets, output_net=0xFEDCBA9876543210)
        again = read_sps(write_rbsp(seq_parameter_set_rbsp, sps))
        assert again == sps and again.tools.sequence.cnn_output_filter.net == "fedcba9876543210"
        for choice in (output_filter.Slice(), output_filter.Slice(1, 0), output_filter.Slice(1, 3)):
            header = SliceHeader(tools=Records(cnn_output_filter=choice))
            assert header_round_trip(header, sps)[0] == header


def test_the_output_filter_needs_chroma():
    sps = make_sps(output_net=1)
    sps.chroma_format_idc = 0
    with pytest.raises(CodecError, match="4:2:0"):
        write_rbsp(seq_parameter_set_rbsp, sps)


def test_chroma_from_luma_with_and_without_a_net():
    tool = next(tool for tool in TOOLS if tool.name == "cnn_chroma")
    for models, net in ((1, None), (6, None), (7, "0123456789abcdef")):
        extension = ToolExtension()
        extension.switch_on(tool, chroma_tool.Sequence(models, int(net or "0", 16)))
        sps = Sps(sps_extension_present_flag=1, sps_extension_4bits=1, tools=extension)
        data = write_rbsp(seq_parameter_set_rbsp, sps)
        again = read_sps(data)
        assert again == sps and again.tools.sequence.cnn_chroma.net == net
        assert tool_params(again)["chroma_models"] == models
        assert (bytes.fromhex(net or "0123456789abcdef") in shifted(data)) == bool(net)


def test_modes_by_rank_name_their_net():
    tool = next(tool for tool in TOOLS if tool.name == "cnn_mpm")
    extension = ToolExtension()
    extension.switch_on(tool, modes_tool.Sequence(0x0123456789ABCDEF))
    sps = Sps(sps_extension_present_flag=1, sps_extension_4bits=1, tools=extension)
    data = write_rbsp(seq_parameter_set_rbsp, sps)
    again = read_sps(data)
    assert again == sps and again.tools.sequence.cnn_mpm.net == "0123456789abcdef"
    assert tool_params(again)["mode_ranks"] == 1
    assert bytes.fromhex("0123456789abcdef") in shifted(data)
    # 16 flags, the fifth of which is 1
    assert (0x50594543 << 24 | 1 << 16 | 1 << 11).to_bytes(7, "big") in shifted(data)


def shifted(data):
    """The bytes at all places of bits, one row behind the other."""
    number, length = int.from_bytes(data, "big"), 8 * len(data)
    return b"".join((number << k & ((1 << length) - 1)).to_bytes(len(data), "big") for k in range(8))


def test_a_foreign_extension_is_no_tool():
    sps = Sps(sps_extension_present_flag=1, sps_extension_4bits=1, sps_extension_data=(40, (TOOLS_SIGNATURE + 1) << 8))
    again = read_sps(write_rbsp(seq_parameter_set_rbsp, sps))
    assert again.tools is None and again == sps


def test_flags_are_given_once():
    flags = [tool.flag for tool in TOOLS] + list(COMING)
    assert len(set(flags)) == len(flags) and max(flags) < 16
    names = [tool.name for tool in TOOLS]
    assert len(set(names)) == len(names)
    bits = [bit for tool in TOOLS for bit in tool.ctu_flags]
    assert len(set(bits)) == len(bits) and all(bit < CTU_FLAG_COUNT for bit in bits)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(tools_version=2), "another version"),
        *((dict(tool_flags=1 << 15 - flag), option) for flag, (_, option) in COMING.items()),
        (dict(tool_flags=512), "does not know"),
        (dict(tool_flags=1), "does not know"),
    ],
)
def test_unknown_tools_are_unsupported(changes, message):
    with pytest.raises(Unsupported, match=message):
        write_rbsp(seq_parameter_set_rbsp, make_sps((), **changes))
    good = write_rbsp(seq_parameter_set_rbsp, make_sps(()))
    ((name, value),) = changes.items()
    at, bits = {"tools_version": (32, 8), "tool_flags": (40, 16)}[name]
    total = 8 * len(good)
    text = f"{int.from_bytes(good, 'big'):0{total}b}"
    start = text.index(f"{TOOLS_SIGNATURE:032b}") + at
    text = text[:start] + f"{value:0{bits}b}" + text[start + bits :]
    with pytest.raises(Unsupported, match=message):
        read_sps(int(text, 2).to_bytes(len(good), "big"))


def test_a_net_that_is_named_twice_is_corrupt():
    data = write_rbsp(seq_parameter_set_rbsp, make_sps([5, 6]))
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
        sps = make_sps(list(range(1, nets + 1)), chroma)
        for _ in range(20):
            on = int(rng.integers(0, 8 if chroma else 2))
            coded = on & int(rng.integers(0, 8))
            choice = loop_filter.Slice(slice_cnn_filter_flag=int(on != 0))
            if on:
                choice.slice_cnn_filter_net_idx = int(rng.integers(0, nets))
            for bit, name in enumerate(("y", "cb", "cr")):
                if on >> bit & 1:
                    setattr(choice, f"slice_cnn_filter_{name}_flag", 1)
                    setattr(choice, f"slice_cnn_filter_{name}_ctu_flag", coded >> bit & 1)
                    setattr(choice, f"slice_cnn_filter_{name}_scale_idx", int(rng.integers(0, 4)))
            header = SliceHeader(tools=Records(cnn_loop_filter=choice))
            again, _ = header_round_trip(header, sps)
            assert again == header
            made = make_slice(sps, Pps(), again)[0]
            assert (made["tool_flags_on"], made["tool_flags_coded"]) == (on, coded)


def test_a_slice_without_the_filter_pays_one_bit_and_plain_streams_none():
    plain = Writer()
    slice_segment_header(plain, SliceHeader(), IDR_W_RADL, lambda pps_id: (Sps(), Pps()))
    without = Writer()
    slice_segment_header(without, SliceHeader(), IDR_W_RADL, lambda pps_id: (make_sps(()), Pps()))
    assert plain.rbsp() == without.rbsp()
    again, _ = header_round_trip(SliceHeader(), make_sps())
    assert again.tools.cnn_loop_filter == loop_filter.Slice()


def test_an_index_behind_the_last_net_is_corrupt():
    choice = loop_filter.Slice(slice_cnn_filter_flag=1, slice_cnn_filter_net_idx=3)
    header = SliceHeader(tools=Records(cnn_loop_filter=choice))
    s = Writer()
    slice_segment_header(s, header, IDR_W_RADL, lambda pps_id: (make_sps([1, 2, 3, 4]), Pps()))
    fewer = make_sps([1, 2, 3])
    with pytest.raises(CorruptStream, match="slice_cnn_filter_net_idx = 3"):
        slice_segment_header(Reader(s.rbsp()), SliceHeader(), IDR_W_RADL, lambda pps_id: (fewer, Pps()))
