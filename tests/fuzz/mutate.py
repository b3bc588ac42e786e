"""Damage for streams: bit flips, cuts, NAL units dropped, doubled and swapped, header fields with other values."""

import io

from codec.base.bits import BitWriter
from codec.base.byte_stream import escape, unescape
from codec.base.errors import CodecError
from codec.base.serdes import Reader
from codec.h265.nal import PPS_NUT, SPS_NUT, VPS_NUT, annexb, is_slice, read_nal_units
from codec.h265.syntax.pps import Pps, pic_parameter_set_rbsp
from codec.h265.syntax.slice_header import SliceHeader, slice_segment_header
from codec.h265.syntax.sps import Sps, seq_parameter_set_rbsp
from codec.h265.syntax.vps import Vps, video_parameter_set_rbsp

_STRUCTURES = {
    VPS_NUT: (video_parameter_set_rbsp, Vps),
    SPS_NUT: (seq_parameter_set_rbsp, Sps),
    PPS_NUT: (pic_parameter_set_rbsp, Pps),
}


def nal_units(stream):
    """All NAL units of a whole stream."""
    return list(read_nal_units(io.BytesIO(stream)))


def join(units):
    """The byte stream of NAL units."""
    return b"".join(annexb(unit) for unit in units)


class _Recorder(Reader):
    """A reader that notes where every syntax element lies: (name, first bit, end bit, code, lo, hi)."""

    def __init__(self, rbsp):
        super().__init__(rbsp)
        self.elements = []
        self.body_end = None

    def _code(self, obj, name, index, lo, hi, function, *args):
        start = self.position
        value = super()._code(obj, name, index, lo, hi, function, *args)
        self.elements.append((name, start, self.position, (function.__name__, *args), value, lo, hi))
        return value

    def byte_alignment(self):
        self.body_end = self.position
        super().byte_alignment()

    def rbsp_trailing_bits(self):
        self.body_end = self.position
        super().rbsp_trailing_bits()


def _record(units, at):
    """The recorder of the header in units[at], with its RBSP; None when it cannot be read."""
    unit = units[at]
    rbsp = unescape(unit.payload)[0]
    recorder = _Recorder(rbsp)
    try:
        if unit.nal_unit_type in _STRUCTURES:
            function, factory = _STRUCTURES[unit.nal_unit_type]
            function(recorder, factory())
        else:
            sets = {}
            for other in units[:at]:
                if other.nal_unit_type in _STRUCTURES:
                    function, factory = _STRUCTURES[other.nal_unit_type]
                    parsed = factory()
                    function(Reader(unescape(other.payload)[0]), parsed)
                    sets[other.nal_unit_type] = parsed
            previous = SliceHeader()
            lookup = sets.get(SPS_NUT), sets.get(PPS_NUT)
            slice_segment_header(recorder, SliceHeader(), unit.nal_unit_type, lambda pps_id: lookup, previous)
    except (CodecError, AttributeError):
        return None
    return (recorder, rbsp) if recorder.elements and recorder.body_end is not None else None


def _other_value(rng, code, value, lo, hi):
    """Another value of a syntax element, in range or just outside, that its code can carry."""
    lowest, highest = {"u": (0, (1 << code[-1]) - 1 if code[0] == "u" else 0), "ue": (0, 1 << 32)}.get(
        code[0], (-(1 << 31), 1 << 31)
    )
    choices = [lo, hi, lo - 1, hi + 1, value - 1, value + 1, value ^ 1, 0, 1, int(rng.integers(0, 256))]
    if hi - lo < 1 << 40:
        choices.append(int(rng.integers(lo, hi + 1)))
    allowed = [choice for choice in choices if lowest <= choice <= min(highest, (1 << 32) - 2) and choice != value]
    return allowed[int(rng.integers(len(allowed)))] if allowed else value


def _encode(code, value):
    writer = BitWriter()
    getattr(writer, code[0])(*code[1:], value)
    count = writer.position
    writer.rbsp_trailing_bits()
    return _bit_string(writer.to_bytes())[:count]


def _bit_string(data):
    return bin(int.from_bytes(b"\1" + data, "big"))[3:]


def _header_field(rng, units):
    """Give one syntax element of a parameter set or slice header another value; what follows keeps its bits."""
    candidates = [i for i, u in enumerate(units) if u.nal_unit_type in _STRUCTURES or is_slice(u.nal_unit_type)]
    if not candidates:
        return "no header"
    at = candidates[int(rng.integers(len(candidates)))]
    recorded = _record(units, at)
    if recorded is None:
        return "unreadable header"
    recorder, rbsp = recorded
    name, start, end, code, value, lo, hi = recorder.elements[int(rng.integers(len(recorder.elements)))]
    changed = _other_value(rng, code, value, lo, hi)
    header = _bit_string(rbsp[: (recorder.body_end + 7) // 8])[: recorder.body_end]
    header = header[:start] + _encode(code, changed) + header[end:] + "1"
    header += "0" * (-len(header) % 8)
    data = b"" if units[at].nal_unit_type in _STRUCTURES else rbsp[recorder.body_end // 8 + 1 :]
    units[at].payload = escape(int(header, 2).to_bytes(len(header) // 8, "big") + data)
    return f"{name} = {changed} in NAL unit {at}"


def _flip(rng, stream):
    data = bytearray(stream)
    count = int(rng.choice([1, 1, 1, 2, 4, 16]))
    for _ in range(count):
        bit = int(rng.integers(len(data) * 8))
        data[bit >> 3] ^= 1 << (bit & 7)
    return bytes(data), f"{count} bits flipped"


def _overwrite(rng, stream):
    data = bytearray(stream)
    at, count = int(rng.integers(len(data))), int(rng.integers(1, 20))
    noise = rng.integers(0, 256, count).astype("u1").tobytes()
    data[at : at + count] = noise if rng.random() < 0.5 else bytes([rng.choice([0, 255])]) * count
    return bytes(data), f"{count} bytes overwritten at {at}"


def _cut(rng, stream):
    at = int(rng.integers(len(stream)))
    if rng.random() < 0.5:
        return stream[:at], f"cut at {at}"
    count = int(rng.integers(1, 40))
    return stream[:at] + stream[at + count :], f"{count} bytes missing at {at}"


def _nal_order(rng, stream):
    units = nal_units(stream)
    if not units:
        return stream, "no NAL unit"
    a, b = (int(i) for i in rng.integers(0, len(units), 2))
    kind = int(rng.integers(4))
    if kind == 0:
        del units[a]
    elif kind == 1:
        units.insert(b, units[a])
    elif kind == 2:
        units[a], units[b] = units[b], units[a]
    else:
        units[a].nal_unit_type = int(rng.integers(64))
    return join(units), f"NAL unit {a}: {('dropped', f'again at {b}', f'swapped with {b}', 'of another type')[kind]}"


def _header(rng, stream):
    units = nal_units(stream)
    what = _header_field(rng, units)
    return join(units), what


def mutate(rng, stream):
    """One random kind of damage, sometimes two. -> (bytes, what was done)"""
    kinds, weights = (_flip, _overwrite, _cut, _nal_order, _header), (0.35, 0.1, 0.15, 0.12, 0.28)
    done = []
    for _ in range(1 + int(rng.random() < 0.2)):
        try:
            stream, what = kinds[int(rng.choice(len(kinds), p=weights))](rng, stream or b"\0")
        except CodecError:
            continue  # the first damage left nothing that the second could read
        done.append(what)
    return stream, "; ".join(done)
