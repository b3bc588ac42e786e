"""Every header of every stream at hand: read, written again to the same bits; order of pictures; damage."""

import random
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from codec.base import byte_stream
from codec.base.errors import CodecError, CorruptStream
from codec.base.serdes import Reader, Writer, read_rbsp, write_rbsp
from codec.h265 import nal
from codec.h265.decoder.activation import ParameterSets
from codec.h265.decoder.poc import PictureOrder
from codec.h265.dpb import Dpb, reference_lists
from codec.h265.syntax.aud import Aud, access_unit_delimiter_rbsp
from codec.h265.syntax.pps import Pps, pic_parameter_set_rbsp
from codec.h265.syntax.sei import SeiRbsp, sei_rbsp
from codec.h265.syntax.slice_header import SliceHeader, slice_segment_header
from codec.h265.syntax.sps import Sps, seq_parameter_set_rbsp
from codec.h265.syntax.vps import Vps, video_parameter_set_rbsp
from tests.conformance import foreign

STREAMS = Path(__file__).parents[5] / "shared" / "streams"
INDEX = STREAMS / "index.csv"
RBSP = {
    nal.VPS_NUT: (video_parameter_set_rbsp, Vps),
    nal.SPS_NUT: (seq_parameter_set_rbsp, Sps),
    nal.PPS_NUT: (pic_parameter_set_rbsp, Pps),
    nal.AUD_NUT: (access_unit_delimiter_rbsp, Aud),
    nal.PREFIX_SEI_NUT: (sei_rbsp, SeiRbsp),
    nal.SUFFIX_SEI_NUT: (sei_rbsp, SeiRbsp),
}

needs_streams = pytest.mark.skipif(not INDEX.exists(), reason="the shared streams are not there")


def frames_by_name():
    if not INDEX.exists():
        return []
    rows = (line.split(",") for line in INDEX.read_text().splitlines()[1:])
    return [(row[0], int(row[6])) for row in rows]


class HeaderDecoder:
    """A decoder of everything but slice data; `output` lists (sequence, POC) in output order."""

    def __init__(self, verify):
        self._verify = verify
        self._sets, self._order, self._dpb = ParameterSets(), PictureOrder(), Dpb()
        self._previous = None
        self._sequence = 0
        self.output = []

    def decode(self, unit):
        if unit.nuh_layer_id:
            return
        rbsp, _ = byte_stream.unescape(unit.payload)
        if nal.is_slice(unit.nal_unit_type):
            self._slice(unit, rbsp)
        elif unit.nal_unit_type in (nal.EOS_NUT, nal.EOB_NUT):
            self._order.end_of_sequence()
        elif unit.nal_unit_type in RBSP:
            function, factory = RBSP[unit.nal_unit_type]
            if self._verify:
                assert byte_stream.escape(rbsp) == unit.payload
                assert write_rbsp(function, read_rbsp(function, factory(), rbsp)) == rbsp
            store = {nal.VPS_NUT: "store_vps", nal.SPS_NUT: "store_sps", nal.PPS_NUT: "store_pps"}
            if unit.nal_unit_type in store:
                getattr(self._sets, store[unit.nal_unit_type])(rbsp)

    def _slice(self, unit, rbsp):
        s, header = Reader(rbsp), SliceHeader()
        sps, _ = slice_segment_header(s, header, unit.nal_unit_type, self._sets.lookup, self._previous)
        if self._verify:
            w = Writer()
            slice_segment_header(w, header, unit.nal_unit_type, self._sets.lookup, self._previous)
            assert w.rbsp() == rbsp[: s.position // 8]
        self._previous = header
        if not header.first_slice_segment_in_pic_flag:
            self._sets.check_same_picture(header.slice_pic_parameter_set_id)
            return
        start = self._order.start_picture(unit.nal_unit_type, unit.temporal_id, header, sps)
        if start.skip:
            return
        self._sets.activate(header.slice_pic_parameter_set_id, start.no_rasl_output_flag)
        rps = self._dpb.apply_rps(
            header, start.poc, sps.log2_max_pic_order_cnt_lsb, start.no_rasl_output_flag, nal.is_idr(unit.nal_unit_type)
        )
        if rps.missing():
            raise CorruptStream(f"reference pictures {rps.missing()} are missing")
        reference_lists(rps, header)
        ordering = sps.sub_layer_ordering[-1]
        self._emit(self._dpb.prepare(start, ordering))
        self._sequence += start.no_rasl_output_flag
        self._emit(self._dpb.insert(SimpleNamespace(poc=start.poc), start.pic_output_flag, ordering))

    def _emit(self, pictures):
        self.output += [(self._sequence, picture.poc) for picture in pictures]

    def finish(self):
        self._emit(self._dpb.flush())
        return self.output


@needs_streams
@pytest.mark.parametrize(("name", "frames"), frames_by_name())
def test_headers_survive_and_pictures_come_out_in_order(name, frames):
    check_stream(STREAMS / f"{name}.bit", frames)


def check_stream(path, frames):
    decoder = HeaderDecoder(verify=True)
    with open(path, "rb") as file:
        for unit in nal.read_nal_units(file):
            decoder.decode(unit)
    output = decoder.finish()
    assert len(output) == frames and output == sorted(set(output))


@foreign.needs(foreign.X265)
@pytest.mark.parametrize(
    "options",
    [
        "--aud --hash 1 --hrd --vbv-maxrate 300 --vbv-bufsize 300 --bitrate 200 --sar 3:2 --overscan crop "
        "--videoformat pal --range full --colorprim bt709 --transfer bt709 --colormatrix bt709 --chromaloc 2",
        "--hash 2 --temporal-layers --b-adapt 0 --bframes 3 --keyint 6 --min-keyint 6 --open-gop --repeat-headers",
        "--hash 3 --weightb --weightp --ref 5 --slices 2 --scaling-list default --deblock 2:-3",
        "--display-window 2,2,2,2 --lossless --cu-lossless --no-wpp --no-sao --field",
    ],
)
def test_headers_of_x265(options, tmp_path):
    clip, stream = tmp_path / "clip.yuv", tmp_path / "clip.bit"
    clip.write_bytes(random.Random(options).randbytes(12 * 128 * 128 * 3 // 2))
    command = ["x265", "--input", clip, "--input-res", "128x128", "--fps", "30", "-o", stream, "--pools", "1"]
    command += ["--preset", "ultrafast", "--log-level", "error", *options.split()]
    subprocess.run(command, check=True, timeout=120, stdin=subprocess.DEVNULL, capture_output=True)
    check_stream(stream, 12)


FUZZED = [
    "hm_ra_wpp_slices_foreman",
    "hm_ldb_weighted_foreman",
    "hm_ra_cra_rasl_goat",
    "hm_ldb_scaling_foreman",
    "g2b_tiles",
]


@needs_streams
@pytest.mark.parametrize("name", FUZZED)
def test_damage_ends_in_codec_errors(name):
    """Bits flipped in the first 60 bytes of each NAL unit; units dropped, doubled, cut and swapped."""
    with open(STREAMS / f"{name}.bit", "rb") as file:
        units = list(nal.read_nal_units(file))[:40]
    generator, begin, errors = random.Random(name), time.monotonic(), 0
    for _ in range(150):
        damaged = [_damage(unit, generator) for unit in units if generator.random() > 0.03]
        if generator.random() < 0.2:
            generator.shuffle(damaged)
        decoder = HeaderDecoder(verify=False)
        for unit in damaged:
            try:
                decoder.decode(unit)
            except CodecError as error:
                errors += 1
                assert "\n" not in str(error)
        decoder.finish()
    assert errors > 50 and time.monotonic() - begin < 30


def _damage(unit, generator):
    payload = bytearray(unit.payload[:2000])
    if payload and generator.random() < 0.15:
        bit = generator.randrange(8 * min(60, len(payload)))
        payload[bit >> 3] ^= 0x80 >> (bit & 7)
    if generator.random() < 0.03:
        payload = payload[: generator.randrange(len(payload) + 1)]
    return nal.NalUnit(unit.nal_unit_type, bytes(payload), unit.nuh_layer_id, unit.temporal_id, unit.offset)
