"""Files that are taken for H.265 byte streams and are none: what their first bytes say they are, and what to do."""

import re

# how much of a file is looked at
HEAD_BYTES = 1 << 16
_START_CODE = b"\0\0\1"

_EXTRACT = "take the H.265 stream out of it with: ffmpeg -i {name} -c:v copy -bsf:v hevc_mp4toannexb out.265"
_RECODE = "pydec decodes H.265 only; code it anew with: ffmpeg -i {name} -c:v libx265 out.265"
_ENCODE = "it is what pyenc encodes: pyenc -i {name} -o out.265"
_UNPACK = "unpack it first"

# first bytes, as a pattern: (what it is, what to do)
_SIGNATURES = (
    (rb".{4}ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1|avif|avis)", "a HEIF image", _EXTRACT),
    (rb".{4}ftypqt", "a QuickTime file", _EXTRACT),
    (rb".{4}(ftyp|styp|moov|moof|mdat|free|skip|wide|sidx)", "an MP4 file", _EXTRACT),
    (rb"\x1aE\xdf\xa3.{0,60}webm", "a WebM file", _RECODE),
    (rb"\x1aE\xdf\xa3", "a Matroska file", _EXTRACT),
    (rb"RIFF.{4}AVI ", "an AVI file", _EXTRACT),
    (rb"FLV\x01", "an FLV file", _EXTRACT),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "an ASF file", _EXTRACT),
    (rb"\x06\x0e\x2b\x34\x02\x05\x01\x01", "an MXF file", _EXTRACT),
    (rb"\x00*\x00\x00\x01\xba", "an MPEG program stream", _EXTRACT),
    (rb"OggS", "an Ogg file", _RECODE),
    (rb"DKIF.{4}(HEVC|H265)", "an IVF file", _EXTRACT),
    (rb"DKIF", "an IVF file", _RECODE),
    (rb"\x12\x00\x0a", "an AV1 stream", _RECODE),
    (rb"\x00*\x00\x00\x01\xb3", "an MPEG-1 or MPEG-2 stream", _RECODE),
    (rb"YUV4MPEG2 ", "a y4m file", _ENCODE),
    (rb"\x89PNG\r\n\x1a\n", "a PNG image", _ENCODE),
    (rb"\xff\xd8\xff", "a JPEG image", _ENCODE),
    (rb"GIF8[79]a", "a GIF image", _RECODE),
    (rb"\x1f\x8b\x08|PK\x03\x04|\xfd7zXZ\x00|BZh[1-9]1AY|\x28\xb5\x2f\xfd|7z\xbc\xaf", "a compressed file", _UNPACK),
)
# (13818-1) 0x47 begins each packet: plain, behind a time stamp of 4 bytes, before 16 bytes of error correction
_PACKET_BYTES, _SYNC, _FEWEST_PACKETS = (188, 192, 204), 0x47, 3

_H264_SPS, _H264_PROFILES = 7, (44, 66, 77, 83, 86, 88, 100, 110, 118, 122, 128, 134, 135, 138, 139, 144, 244)
_H264_LEVELS = range(9, 63)
_H265_SETS = (b"\x40\1", b"\x42\1", b"\x44\1")  # VPS, SPS and PPS of the base layer
_H266_SETS = (b"\0\x71", b"\0\x79")  # VPS and SPS


def foreign_file(head, name):
    """What a file is that is no H.265 byte stream, and what to do: a text, or "" where nothing speaks against it.

    head  its first HEAD_BYTES;  name: as a shell takes it
    """
    for pattern, what, advice in _SIGNATURES:
        if re.match(pattern, head, re.DOTALL):
            return _text(what, advice, name)
    if re.match(rb"\x00*\x00\x00\x01", head):
        what = _other_codec(head)
        return _text(what, _RECODE, name) if what else ""
    return _text("an MPEG transport stream (MPEG-TS)", _EXTRACT, name) if _is_transport_stream(head) else ""


def _text(what, advice, name):
    return f"is {what}, no H.265 byte stream: {advice.format(name=name)}"


def _is_transport_stream(head):
    for size in _PACKET_BYTES:
        for start in range(min(size, len(head))):
            marks = head[start::size]
            if len(marks) >= _FEWEST_PACKETS and marks[:64].count(_SYNC) == len(marks[:64]):
                return True
    return False


def _other_codec(head):
    """(annex B of each) The first parameter set tells H.264 and H.266 from H.265."""
    for match in re.finditer(_START_CODE, head):
        unit = head[match.end() : match.end() + 4]
        if unit[:2] in _H265_SETS:
            return ""
        if unit[:2] in _H266_SETS:
            return "an H.266 stream"
        if len(unit) == 4 and _is_h264_sps(unit):
            return "an H.264 stream"
    return ""


def _is_h264_sps(unit):
    """(H.264, 7.3.1, 7.3.2.1.1) nal_ref_idc is not 0; profile_idc, two reserved zero bits, level_idc."""
    header, profile, constraints, level = unit
    is_sps = header & 0x9F == _H264_SPS and header >> 5
    return is_sps and profile in _H264_PROFILES and constraints & 3 == 0 and level in _H264_LEVELS
