"""What takes no part in decoding stops nothing, what does is told, and whole pictures before a fault are kept."""

import hashlib
import io
from pathlib import Path

import pytest

from cli.inspect.stream import access_units
from codec.base import byte_stream, limits
from codec.base.byte_stream import unescape
from codec.base.errors import CodecError, CorruptStream, LimitExceeded, Unsupported
from codec.base.serdes import Writer, read_rbsp, write_rbsp
from codec.h265 import nal
from codec.h265.config import DecoderConfig
from codec.h265.decoder.decode import decode_stream
from codec.h265.nal import NalUnit, annexb, is_first_slice_segment, is_slice, nal_unit, read_nal_units
from codec.h265.syntax.hrd import HrdParameters, HrdSubLayer
from codec.h265.syntax.pps import Pps, pic_parameter_set_rbsp
from codec.h265.syntax.sei import SeiMessage, SeiRbsp, sei_rbsp
from codec.h265.syntax.sps import Sps, seq_parameter_set_rbsp
from tests.codec.h265 import small_stream

STREAMS = Path(__file__).parent / "streams"


class Unchecked(Writer):
    """Writes what the rules forbid."""

    def check(self, condition, message):
        pass

    def _check_range(self, *args):
        pass


def units_of(data):
    return list(read_nal_units(io.BytesIO(data)))


def join(units):
    """A byte stream of NalUnits, and of bytes as they are."""
    return b"".join(unit if isinstance(unit, bytes) else annexb(unit) for unit in units)


def decode(data, threads=1):
    """(MD5 of all pictures, their number, the notes or the error), after a look that pyinspect counts as many."""
    digest, count, end = hashlib.md5(), 0, None

    def pictures():
        nonlocal end
        end = yield from decode_stream(DecoderConfig(Threads=threads), io.BytesIO(data))

    try:
        for picture in pictures():
            assert picture.hash_status in ("OK", "unk")
            count += 1
            for plane in picture.planes:
                digest.update(plane.tobytes())
        assert count == len(access_units(io.BytesIO(data))[0])
    except CodecError as error:
        end = error
    return digest.hexdigest(), count, end


SMALL = units_of(small_stream.STREAM)  # VPS, SPS, PPS, then four times a slice and its hash
SLICES = units_of((STREAMS / "userdata.bin").read_bytes())  # six pictures of three slices each
SMALL_MD5, SLICES_MD5 = decode(join(SMALL))[0], decode(join(SLICES))[0]
SPS, PPS = (unescape(SMALL[at].payload)[0] for at in (1, 2))


def unharmed(units, notes="", md5=SMALL_MD5):
    """Whether a stream decodes to what it is without what was put into it, and what is said then."""
    found = decode(join(units))
    assert (found[0], str(found[2])) == (md5, notes)
    return True


def raw(*header_and_payload):
    return b"\0\0\1" + bytes(header_and_payload)


# (7.4.2.4.4) between the slices of a picture

BETWEEN = {
    "access unit delimiter": NalUnit(nal.AUD_NUT, b"\x50"),
    "broken access unit delimiter": NalUnit(nal.AUD_NUT, b"\xff"),
    "filler data": NalUnit(nal.FD_NUT, b"\xff\xff\x80"),
    "VPS": SLICES[0],
    "SPS": SLICES[1],
    "PPS": SLICES[2],
    "PPS of another id": nal_unit(nal.PPS_NUT, write_rbsp(pic_parameter_set_rbsp, Pps(pps_pic_parameter_set_id=9))),
    "prefix SEI": NalUnit(nal.PREFIX_SEI_NUT, b"\5\2ab\x80"),
    "pic_timing without content": NalUnit(nal.PREFIX_SEI_NUT, b"\1\0\x80"),
    "layer 1": NalUnit(nal.TRAIL_R, b"\x80\x55", 1),
    "IRAP of layer 1 with TemporalId 2": NalUnit(nal.IDR_N_LP, b"\x80\x55", 1, 2),
    "layer 62 of others": NalUnit(nal.TRAIL_R, b"\x80\x55", 62),
    "end of sequence of layer 1": NalUnit(nal.EOS_NUT, b"", 1),
    "zero bytes": bytes(9),
    **{f"type {kind}": NalUnit(kind, b"\x80") for kind in (*range(10, 16), *range(22, 32), *range(41, 64))},
}


@pytest.mark.parametrize("name", BETWEEN)
def test_between_the_slices_of_a_picture(name):
    mixed = []
    for unit in SLICES:
        if is_slice(unit.nal_unit_type) and not is_first_slice_segment(unit):
            mixed.append(BETWEEN[name])
        mixed.append(unit)
    assert unharmed(mixed, md5=SLICES_MD5)


def test_decoding_unit_information_of_hm():
    data = (STREAMS / "hm_du1.bin").read_bytes()
    pictures = list(decode_stream(DecoderConfig(), io.BytesIO(data)))
    content = b"".join(plane.astype("u1").tobytes() for plane in pictures[0].planes)
    assert hashlib.md5(content).hexdigest() == "a61805a4514b94dda0985e890ad9c41e" and len(pictures) == 1
    units, rest = access_units(io.BytesIO(data))
    assert len(units) == 1 and rest == {}


# headers of NAL units


@pytest.mark.parametrize(
    "unit",
    [
        raw(0xC0, 1, 0x11),  # forbidden_zero_bit: VPS
        raw(0xC6, 1, 0x50),  # AUD
        raw(0x7C, 0, 0x11),  # nuh_temporal_id_plus1 0: unspecified type
        raw(0x4E, 0, 0x11),  # prefix SEI
        raw(0x48, 3),  # end of sequence with TemporalId 2: none
        raw(0x4A, 4),  # end of bitstream
        raw(0x4E),  # too short
    ],
)
def test_broken_headers_matter_where_a_slice_hangs_on_them(unit):
    note = "ignored 1 NAL unit with a broken header"
    assert unharmed([*SMALL[:5], unit, *SMALL[5:]], note)
    assert unharmed([*SMALL, unit], note)


@pytest.mark.parametrize("unit", [raw(0x00, 0x08, 0x11), raw(0xC0, 0x09, 1), raw(0x2A, 0x0B, 0x80), raw(0x2C, 1, 0x80)])
def test_headers_of_other_layers_and_reserved_types_are_not_looked_at(unit):
    assert unharmed([*SMALL[:5], unit, *SMALL[5:]])


@pytest.mark.parametrize("unit", [raw(0x82, 1, 0x80), raw(0x02, 0, 0x80), raw(0x2A, 3, 0xAC), raw(0x02)])
@pytest.mark.parametrize("whole", [1, 2, 3])
@pytest.mark.parametrize("threads", [1, 2])
def test_whole_pictures_before_a_fault_are_kept(unit, whole, threads):
    units = [*SMALL[: 3 + 2 * whole], unit, *SMALL[3 + 2 * whole :]]
    digest, count, error = decode(join(units), threads)
    assert isinstance(error, CorruptStream) and count == whole
    assert digest == decode(join(SMALL[: 3 + 2 * whole]))[0]
    # also before the hash has come
    assert decode(join([*SMALL[: 2 + 2 * whole], unit]), threads)[:2] == (digest, whole)


def test_a_picture_is_kept_when_the_first_slice_of_the_next_is_lost():
    at = [i for i, unit in enumerate(SLICES) if is_slice(unit.nal_unit_type)]
    digest, count, error = decode(join(SLICES[: at[3]] + SLICES[at[4] :]))
    assert isinstance(error, CorruptStream) and count == 1
    assert digest == decode(join(SLICES[: at[3]]))[0]
    # a picture with a slice missing is none
    assert decode(join(SLICES[: at[4]] + SLICES[at[5] :]))[:2] == (digest, 1)


# where decoding begins


def test_pictures_before_the_first_random_access_point_need_no_sets():
    note = "skipped {} before the first random access point"
    for behind in (SMALL, [SMALL[2], SMALL[1], *SMALL[3:]]):
        assert decode(join(SMALL[5:] + behind))[0::2][0] == SMALL_MD5
    assert str(decode(join(SMALL[5:] + SMALL))[2]) == note.format("3 pictures")
    assert str(decode(join(SMALL[9:] + SMALL))[2]) == note.format("1 picture")
    # nor does an IDR picture whose sets came before the stream was joined
    assert str(decode(join(SMALL[3:] + SMALL))[2]) == note.format("4 pictures")
    assert decode(join(SMALL[3:] + SMALL))[0] == SMALL_MD5


@pytest.mark.parametrize("kind", [nal.RASL_R, nal.RASL_N, nal.RADL_R, nal.RADL_N, nal.TSA_R, nal.STSA_N])
def test_leading_pictures_at_the_beginning_are_skipped(kind):
    lost = NalUnit(kind, SMALL[5].payload)
    assert unharmed([lost, *SMALL], "skipped 1 picture before the first random access point")


def test_a_stream_joined_inside_a_picture():
    at = [i for i, unit in enumerate(SLICES) if is_slice(unit.nal_unit_type)]
    for first in (1, 2, 4):
        found = decode(join(SLICES[at[first] :] + SLICES))
        assert found[0] == SLICES_MD5 and "before the first random access point" in str(found[2])


def test_sets_that_never_come_are_told():
    _, count, error = decode(join(SMALL[3:]))
    assert count == 0 and "a slice refers to PPS 0, which has not arrived" in str(error)
    assert isinstance(error, CorruptStream)


def test_a_stream_without_random_access_point_holds_no_picture():
    _, count, notes = decode(join(SMALL[:3] + SMALL[5:]))
    assert count == 0 and str(notes) == "skipped 3 pictures before the first random access point"


def test_rasl_pictures_are_counted():
    rasl = NalUnit(nal.RASL_N, SMALL[9].payload)
    note = "RASL pictures with references before the random access point (8.1.3)"
    assert unharmed([*SMALL[:5], rasl, SMALL[10], rasl, *SMALL[5:]], f"skipped 2 {note}")


# (7.4.2.4.2) parameter sets are judged when they come into force


def changed_sps(**fields):
    sps = read_rbsp(seq_parameter_set_rbsp, Sps(), SPS)
    for name, value in fields.items():
        setattr(sps, name, value)
    return sps


def unsupported_sps(sps_id):
    """The small stream's SPS with another id, in 4:2:2."""
    s = Unchecked()
    sps = changed_sps(sps_seq_parameter_set_id=sps_id)
    seq_parameter_set_rbsp(s, sps)
    bits = f"{int.from_bytes(s.rbsp(), 'big'):0{8 * len(s.rbsp())}b}"
    at = 4 + 3 + 1 + 96 + len(f"{sps_id + 1:b}") * 2 - 1
    assert bits[at : at + 3] == "010"  # chroma_format_idc 1
    bits = bits[:at] + "011" + bits[at + 3 :]
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


UNUSED = {
    "SPS in 4:2:2": NalUnit(nal.SPS_NUT, byte_stream.escape(unsupported_sps(3))),
    "SPS that is cut off": nal_unit(
        nal.SPS_NUT, write_rbsp(seq_parameter_set_rbsp, changed_sps(sps_seq_parameter_set_id=3))[:-9]
    ),
    "PPS that is cut off": nal_unit(nal.PPS_NUT, b"\x20"),
    "PPS without its SPS": nal_unit(
        nal.PPS_NUT, write_rbsp(pic_parameter_set_rbsp, Pps(pps_pic_parameter_set_id=5, pps_seq_parameter_set_id=9))
    ),
    "PPS of an SPS in 4:2:2": nal_unit(
        nal.PPS_NUT, write_rbsp(pic_parameter_set_rbsp, Pps(pps_pic_parameter_set_id=5, pps_seq_parameter_set_id=3))
    ),
    "VPS of noise": nal_unit(nal.VPS_NUT, b"\x55" * 20),
    "VPS that is cut off": nal_unit(nal.VPS_NUT, b"\x0c\1\xff"),
    "VPS without content": nal_unit(nal.VPS_NUT, b""),
}


@pytest.mark.parametrize("name", UNUSED)
def test_sets_that_no_slice_refers_to(name):
    assert unharmed([UNUSED[name], *SMALL])
    assert unharmed([*SMALL[:7], UNUSED[name], *SMALL[7:]])


def test_a_vps_is_not_needed():
    assert unharmed(SMALL[1:])
    assert unharmed([nal_unit(nal.VPS_NUT, b"\x55" * 20), *SMALL[1:]])


def test_temporal_id_of_an_sps_does_not_matter():
    assert unharmed([SMALL[0], raw(0x42, 3) + SMALL[1].payload, *SMALL[2:]])


def test_sets_without_a_readable_number():
    for unit in (nal_unit(nal.PPS_NUT, b"\1\x11"), nal_unit(nal.SPS_NUT, b"\1\2"), nal_unit(nal.SPS_NUT, b"")):
        assert unharmed([*SMALL[:5], unit, *SMALL[5:]], "ignored 1 parameter set without a readable number")
    _, count, error = decode(join([SMALL[0], nal_unit(nal.SPS_NUT, SPS[:9]), *SMALL[2:]]))
    assert count == 0 and "SPS 0, which has not arrived; ignored 1 parameter set" in str(error)


def test_sets_that_a_slice_refers_to():
    for at, broken, kind in (
        (1, byte_stream.escape(unsupported_sps(0)), Unsupported),
        (1, SMALL[1].payload[:22], CorruptStream),
        (2, SMALL[2].payload[:2], CorruptStream),
    ):
        units = [*SMALL[:at], NalUnit(SMALL[at].nal_unit_type, broken), *SMALL[at + 1 :]]
        _, count, error = decode(join(units))
        assert type(error) is kind and count == 0
        # likewise in a second sequence, before which all is well
        digest, count, error = decode(join(SMALL + units))
        assert (type(error), digest, count) == (kind, SMALL_MD5, 4)


# (E.3.1) the VUI is advisory

_HRD_LAYER = HrdSubLayer(cpb_cnt_minus1=40)
for _name in ("bit_rate_value_minus1", "cpb_size_value_minus1", "cbr_flag"):
    setattr(_HRD_LAYER.nal, _name, [0] * 41)
_TIMING = {"vui_timing_info_present_flag": 1, "vui_num_units_in_tick": 1, "vui_time_scale": 25}
VUI = {
    "chroma_sample_loc_type": {"chroma_loc_info_present_flag": 1, "chroma_sample_loc_type_top_field": 77},
    "default display window": {"default_display_window_flag": 1, "def_disp_win_left_offset": 2**32 - 2},
    "aspect ratio": {"aspect_ratio_info_present_flag": 1, "aspect_ratio_idc": 200},
    "matrix": {"video_signal_type_present_flag": 1, "colour_description_present_flag": 1, "matrix_coeffs": 255},
    "no tick": {**_TIMING, "vui_num_units_in_tick": 0},
    "no time": {**_TIMING, "vui_time_scale": 0},
    "41 buffers": {
        **_TIMING,
        "vui_hrd_parameters_present_flag": 1,
        "hrd": HrdParameters(nal_hrd_parameters_present_flag=1, sub_layers=[_HRD_LAYER]),
    },
    "segmentation": {"bitstream_restriction_flag": 1, "min_spatial_segmentation_idc": 5000},
    "bytes": {"bitstream_restriction_flag": 1, "max_bytes_per_pic_denom": 17, "log2_max_mv_length_vertical": 99},
}


def with_vui(**fields):
    sps = changed_sps(vui_parameters_present_flag=1)
    for name, value in fields.items():
        setattr(sps.vui, name, value)
    s = Unchecked()
    seq_parameter_set_rbsp(s, sps)
    return s.rbsp()


def with_sps(rbsp):
    return [SMALL[0], nal_unit(nal.SPS_NUT, rbsp), *SMALL[2:]]


@pytest.mark.parametrize("name", VUI)
def test_vui_out_of_range(name):
    assert unharmed(with_sps(with_vui(**VUI[name])))


def test_vui_that_is_cut_off_or_noise():
    whole = with_vui(**_TIMING, bitstream_restriction_flag=1)
    for count in range(1, 13):
        assert unharmed(with_sps(whole[:-count]))
    for noise in (b"\x55", b"\xaa", b"\xff"):
        assert unharmed(with_sps(whole[:-12] + 8 * noise))


def test_what_follows_a_vui_is_not_lost():
    sps = changed_sps(vui_parameters_present_flag=1, sps_extension_present_flag=1, sps_range_extension_flag=1)
    sps.implicit_rdpcm_enabled_flag = 1
    s = Unchecked()
    with pytest.raises(Unsupported):
        seq_parameter_set_rbsp(s, sps)
    s.rbsp_trailing_bits()
    assert isinstance(decode(join(with_sps(s.rbsp())))[2], Unsupported)


# SEI


UNREADABLE = {
    "size behind the end": b"\5\xff\xff\xff\x80",
    "nothing": b"",
    "no size": b"\x80",
    "hash of a reserved type": b"\x84\x31\x09" + bytes(range(1, 49)) + b"\x80",
    "hash that is cut off": b"\x84\x31\0" + bytes(range(1, 20)),
    "hash of another length": b"\x84\x20\0" + bytes(range(1, 32)) + b"\x80",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_sei_that_cannot_be_read(name):
    unit, note = NalUnit(nal.SUFFIX_SEI_NUT, UNREADABLE[name]), "ignored 1 SEI message that cannot be read"
    assert unharmed([*SMALL[:4], unit, *SMALL[4:]], note)
    if "hash" not in name:
        assert unharmed([*SMALL[:3], NalUnit(nal.PREFIX_SEI_NUT, unit.payload), *SMALL[3:]], note)


def test_messages_before_a_broken_one_count():
    for tail, note in (
        (b"", ""),
        (b"the end of the file\n", "ignored 1 SEI message that cannot be read"),
    ):
        units = list(SMALL)
        units[4] = NalUnit(nal.SUFFIX_SEI_NUT, SMALL[4].payload[:-1] + tail)
        assert unharmed(units, note)
        first = next(decode_stream(DecoderConfig(), io.BytesIO(join(units))))
        assert first.hash_status == "OK"


def test_text_behind_the_last_nal_unit():
    text = b"signed: somebody, somewhere\n" * 3
    assert unharmed([*SMALL, text], "ignored 1 SEI message that cannot be read")
    assert unharmed([*SMALL[:-1], text])
    assert unharmed([text, *SMALL])
    assert unharmed([*SMALL, b"\0\0\1"]) and unharmed([*SMALL, bytes(7)])


def test_cabac_zero_words():
    """(7.3.2.14)"""
    assert unharmed(annexb(unit) + (b"\0\0\3" * 4 if is_slice(unit.nal_unit_type) else b"") for unit in SMALL)


def messages(count, kind=nal.PREFIX_SEI_NUT):
    return nal_unit(kind, write_rbsp(sei_rbsp, SeiRbsp([SeiMessage(5, b"x")] * count)))


def test_sei_messages_are_counted_by_access_unit(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SEI_PER_AU", 8)
    assert unharmed([*SMALL[:3], messages(7), *SMALL[3:5], messages(7), *SMALL[5:]])
    at = [i for i, unit in enumerate(SLICES) if is_slice(unit.nal_unit_type)]
    for units in (
        [*SMALL[:3], messages(4), messages(5), *SMALL[3:]],
        [*SMALL[:3], messages(4), SMALL[3], messages(5, nal.SUFFIX_SEI_NUT), *SMALL[4:]],
        [*SLICES[: at[0]], messages(4), SLICES[at[0]], messages(5), *SLICES[at[1] :]],
        [*SMALL[:3], messages(9), *SMALL[3:]],
    ):
        error = decode(join(units))[2]
        assert isinstance(error, LimitExceeded) and "SEI messages in an access unit is 9" in str(error)


def test_notes_are_one_line_with_all_kinds():
    units = [SMALL[5], raw(0xC0, 1, 0x11), raw(0xC6, 1, 0x50), *SMALL[:4], NalUnit(nal.SUFFIX_SEI_NUT, b""), *SMALL[4:]]
    assert unharmed(
        units,
        "skipped 1 picture before the first random access point; ignored 2 NAL units with a broken header; "
        "ignored 1 SEI message that cannot be read",
    )
    assert not decode(join(SMALL))[2]
