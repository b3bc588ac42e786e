"""NAL units: their types, header (7.3.1.2) and form in a byte stream (annex B)."""

from dataclasses import dataclass

from codec.base.byte_stream import START_CODE, ByteStream, escape

# nal_unit_type (table 7-1)
TRAIL_N, TRAIL_R, TSA_N, TSA_R, STSA_N, STSA_R, RADL_N, RADL_R, RASL_N, RASL_R = range(10)
RSV_VCL_N10, RSV_VCL_R11, RSV_VCL_N12, RSV_VCL_R13, RSV_VCL_N14, RSV_VCL_R15 = range(10, 16)
BLA_W_LP, BLA_W_RADL, BLA_N_LP, IDR_W_RADL, IDR_N_LP, CRA_NUT, RSV_IRAP_VCL22, RSV_IRAP_VCL23 = range(16, 24)
VPS_NUT, SPS_NUT, PPS_NUT, AUD_NUT, EOS_NUT, EOB_NUT, FD_NUT, PREFIX_SEI_NUT, SUFFIX_SEI_NUT = range(32, 41)

NAL_NAMES = {
    value: name
    for name, value in list(globals().items())
    if name.isupper() and isinstance(value, int) and not name.startswith("_")
}

# (docs/BITSTREAM.md) nuh_layer_id of slices with CNN tools: decoders of H.265 pass over them
TOOLS_LAYER = 62


def is_vcl(nal_unit_type):
    """(7.4.2.2) A coded slice segment, of a type in use or reserved."""
    return nal_unit_type < VPS_NUT


def is_slice(nal_unit_type):
    """(7.4.2.2) A coded slice segment of a type that version 1 specifies."""
    return nal_unit_type <= RASL_R or BLA_W_LP <= nal_unit_type <= CRA_NUT


def is_irap(nal_unit_type):
    """(3.69) Intra random access point: BLA, IDR, CRA and the two reserved types."""
    return BLA_W_LP <= nal_unit_type <= RSV_IRAP_VCL23


def is_idr(nal_unit_type):
    """(3.65) Instantaneous decoding refresh."""
    return nal_unit_type in (IDR_W_RADL, IDR_N_LP)


def is_bla(nal_unit_type):
    """(3.15) Broken link access."""
    return BLA_W_LP <= nal_unit_type <= BLA_N_LP


def is_rasl(nal_unit_type):
    """(3.110) Random access skipped leading picture."""
    return nal_unit_type in (RASL_N, RASL_R)


def is_radl(nal_unit_type):
    """(3.108) Random access decodable leading picture."""
    return nal_unit_type in (RADL_N, RADL_R)


def is_sublayer_non_reference(nal_unit_type):
    """(7.4.2.2) Not used for reference by pictures of the same temporal sub-layer: the even types up to RSV_VCL_N14."""
    return nal_unit_type <= RSV_VCL_N14 and nal_unit_type % 2 == 0


def is_reference(nal_unit_type):
    """(7.4.2.2) A VCL type that pictures of the same sub-layer may refer to."""
    return is_vcl(nal_unit_type) and not is_sublayer_non_reference(nal_unit_type)


@dataclass
class NalUnit:
    """One NAL unit. `payload` follows the two header bytes and still holds its emulation prevention bytes.

    `offset` is the position of the header's first byte in the file. `fault` says, clause first, what is wrong with the
    header, or nothing: whether it matters depends on what the unit is for.
    """

    nal_unit_type: int
    payload: bytes = b""
    nuh_layer_id: int = 0
    temporal_id: int = 0
    offset: int = 0
    fault: str = ""

    @property
    def name(self):
        """The name of table 7-1, or the number."""
        return NAL_NAMES.get(self.nal_unit_type, str(self.nal_unit_type))


def parse_nal_unit(data, offset=0):
    """(7.3.1.2) Split the bytes between two start codes, at least one, into header and payload."""
    header = int.from_bytes(data[:2].ljust(2, b"\0"), "big")
    nal = NalUnit(header >> 9 & 63, bytes(data[2:]), header >> 3 & 63, max(0, (header & 7) - 1), offset)
    if len(data) < 2:
        nal.fault = f"(7.3.1.2) the NAL unit at byte {offset} has {len(data)} byte, too few for its header"
    elif header >> 15:
        nal.fault = f"(7.4.2.2) forbidden_zero_bit of the NAL unit at byte {offset} is 1"
    elif header & 7 == 0:
        nal.fault = f"(7.4.2.2) nuh_temporal_id_plus1 of the NAL unit at byte {offset} is 0"
    elif nal.temporal_id and (is_irap(nal.nal_unit_type) or nal.nal_unit_type in (EOS_NUT, EOB_NUT)):
        nal.fault = f"(7.4.2.2) TemporalId of the {nal.name} NAL unit at byte {offset} is {nal.temporal_id}, not 0"
    elif nal.nal_unit_type in (VPS_NUT, SPS_NUT):
        nal.temporal_id = 0  # as it shall be: the sets are of use whatever stands there
    return nal


def is_first_slice_segment(nal):
    """(7.4.7.1) first_slice_segment_in_pic_flag of a slice: its first bit."""
    return nal.payload[:1] >= b"\x80"


def read_nal_units(file):
    """(B.2) The NAL units of a binary file object, in memory bounded by limits.MAX_NAL_BYTES."""
    return (parse_nal_unit(data, offset) for data, offset in ByteStream(file))


def nal_unit(nal_unit_type, rbsp, temporal_id=0):
    """(7.3.1.1) A NAL unit around an RBSP that has not been escaped yet."""
    return NalUnit(nal_unit_type, escape(rbsp), temporal_id=temporal_id)


def annexb(nal, first_in_access_unit=False):
    """(B.2.1) The NAL unit as bytes behind a start code: four bytes long where B.2.2 asks for zero_byte."""
    zero_byte = first_in_access_unit or nal.nal_unit_type in (VPS_NUT, SPS_NUT, PPS_NUT)
    header = nal.nal_unit_type << 9 | nal.nuh_layer_id << 3 | (nal.temporal_id + 1)
    return (b"\0" if zero_byte else b"") + START_CODE + header.to_bytes(2, "big") + nal.payload
